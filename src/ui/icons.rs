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
