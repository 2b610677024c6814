//! The icons of the operator's pages: 16 by 16, lines of 1.5. Each state of a consent has a shape of its
//! own, so that it does not depend on its color.

use crate::domain::consent::Status;

macro_rules! icon {
    ($shapes:literal) => {
        concat!(
            r#"<svg class="i" viewBox="0 0 16 16" aria-hidden="true">"#,
            $shapes,
            "</svg>"
        )
    };
}

pub(crate) const CLOCK: &str =
    icon!(r#"<circle cx="8" cy="8" r="6.2"/><path d="M8 4.6V8l2.4 1.6"/>"#);
pub(crate) const FIND: &str =
    icon!(r#"<circle cx="7" cy="7" r="4.6"/><path d="m10.4 10.4 3.8 3.8"/>"#);
pub(crate) const BOOK: &str = icon!(
    r#"<path d="M2.2 3c2.2-.7 4.2-.5 5.8.6 1.6-1.1 3.6-1.3 5.8-.6v9.8c-2.2-.7-4.2-.5-5.8.6-1.6-1.1-3.6-1.3-5.8-.6zM8 3.6v9.8"/>"#
);
pub(crate) const HOME: &str = icon!(r#"<path d="M2 7.2 8 2l6 5.2V14H9.8v-3.8H6.2V14H2z"/>"#);
pub(crate) const CONSENT: &str = icon!(
    r#"<path d="M3.5 1.8h6l3 3v9.4h-9z"/><path d="M9.3 1.8v3.2h3.2M5.8 9.6l1.5 1.5 2.9-3.1"/>"#
);
pub(crate) const BRAND: &str =
    icon!(r#"<path d="M2 12.5V4.2l6 4.6 6-4.6v8.3"/><path d="M5 12.5V9.6M11 12.5V9.6"/>"#);
pub(crate) const WEBHOOK: &str = icon!(
    r#"<circle cx="4" cy="11.4" r="2.2"/><circle cx="12" cy="11.4" r="2.2"/><circle cx="8" cy="4" r="2.2"/><path d="m6.9 6-1.9 3.6M9.1 6l1.9 3.6M6.2 11.4h3.6"/>"#
);

pub(crate) const JOURNAL: &str = icon!(r#"<path d="M2.5 3.5h11M2.5 8h11M2.5 12.5h7"/>"#);
pub(crate) const FAULT: &str = icon!(r#"<path d="M8.8 1.5 3.2 9h4.2l-.8 5.5L12.6 7H8.2z"/>"#);
pub(crate) const REPORT: &str = icon!(
    r#"<path d="M8 1.6 13.6 4v3.8c0 3.2-2.3 5.6-5.6 6.6-3.3-1-5.6-3.4-5.6-6.6V4z"/><path d="m5.6 8 1.7 1.7 3.2-3.4"/>"#
);
pub(crate) const CODE: &str =
    icon!(r#"<path d="M5.2 4.4 1.6 8l3.6 3.6M10.8 4.4 14.4 8l-3.6 3.6M9.2 2.8 6.8 13.2"/>"#);
pub(crate) const PERSON: &str = icon!(
    r#"<circle cx="8" cy="5.2" r="3"/><path d="M2.4 14c.5-3 2.7-4.6 5.6-4.6s5.1 1.6 5.6 4.6"/>"#
);
pub(crate) const BANK: &str = icon!(
    r#"<path d="M1.8 6.4 8 2.6l6.2 3.8zM3.6 6.6v5M6.5 6.6v5M9.5 6.6v5M12.4 6.6v5M1.8 13.6h12.4"/>"#
);
pub(crate) const ARROW_IN: &str = icon!(r#"<path d="M14 8H3.4M7.4 4 3.4 8l4 4"/>"#);
pub(crate) const ARROW_OUT: &str = icon!(r#"<path d="M2 8h10.6M8.6 4l4 4-4 4"/>"#);
pub(crate) const DOT: &str = icon!(r#"<circle class="solid" cx="8" cy="8" r="3.4"/>"#);
pub(crate) const ALERT: &str =
    icon!(r#"<path d="M8 1.9 15 14H1z"/><path d="M8 6.2v3.6M8 12v.1"/>"#);
pub(crate) const WRENCH: &str = icon!(
    r#"<path d="M10.6 2.1a3.7 3.7 0 0 0-3.8 5L2.4 11.5a1.5 1.5 0 0 0 2.1 2.1l4.4-4.4a3.7 3.7 0 0 0 5-4.2l-2.3 2.3-2-.6-.6-2z"/>"#
);
pub(crate) const TICK: &str = icon!(r#"<path d="m3 8.6 3.2 3.2L13 4.6"/>"#);
pub(crate) const CROSS: &str = icon!(r#"<path d="m4 4 8 8m0-8-8 8"/>"#);
pub(crate) const CHEVRON: &str = icon!(r#"<path d="m6 3.5 4.5 4.5L6 12.5"/>"#);
pub(crate) const COPY: &str = icon!(
    r#"<rect x="5.6" y="5.6" width="8.4" height="8.4" rx="1.6"/><path d="M10.4 5.6V3.6A1.6 1.6 0 0 0 8.8 2H3.6A1.6 1.6 0 0 0 2 3.6v5.2a1.6 1.6 0 0 0 1.6 1.6h2"/>"#
);
pub(crate) const AGAIN: &str = icon!(r#"<path d="M13.6 8a5.6 5.6 0 1 1-1.8-4.1M13.8 1.8v3h-3"/>"#);
pub(crate) const PLAY: &str = icon!(r#"<path class="solid" d="M4.5 2.6v10.8L13.4 8z"/>"#);
pub(crate) const PAUSE: &str = icon!(r#"<path d="M5.4 3v10M10.6 3v10" stroke-width="2"/>"#);

/// Returns the icon of a state.
pub(crate) const fn of_status(status: Status) -> &'static str {
    match status {
        Status::Pending => icon!(
            r#"<circle cx="8" cy="8" r="6.2" stroke-dasharray="2.6 2.2"/><path d="M8 4.6V8l2.2 1.5"/>"#
        ),
        Status::Ready => icon!(
            r#"<circle cx="8" cy="8" r="6.2"/><path class="solid" d="M8 1.8a6.2 6.2 0 0 0 0 12.4z"/>"#
        ),
        Status::Active => icon!(
            r#"<circle class="solid" cx="8" cy="8" r="7"/><path class="hole" d="m4.9 8.2 2.1 2.1 4.1-4.4"/>"#
        ),
        Status::Paused => icon!(
            r#"<rect x="1.8" y="1.8" width="12.4" height="12.4" rx="3"/><path d="M6.2 5.4v5.2M9.8 5.4v5.2" stroke-width="2"/>"#
        ),
        Status::Revoked => icon!(
            r#"<path d="M3.2 6.2h6.6a3.6 3.6 0 1 1 0 7.2H6"/><path d="M6.2 3 3 6.2l3.2 3.2"/>"#
        ),
        Status::Expired => icon!(
            r#"<path d="M3.6 1.8h8.8M3.6 14.2h8.8M4.8 1.8v2.7L8 8l3.2-3.5V1.8M4.8 14.2v-2.7L8 8l3.2 3.5v2.7"/>"#
        ),
        Status::Rejected => icon!(
            r#"<path class="solid" d="M5 .9h6L15.1 5v6L11 15.1H5L.9 11V5z"/><path class="hole" d="m5.5 5.5 5 5m0-5-5 5"/>"#
        ),
        Status::Failed => icon!(
            r#"<path class="solid" d="M8 .9 15.6 14.6H.4z"/><path class="hole" d="M8 5.6v4.2M8 12.2v.1"/>"#
        ),
    }
}
