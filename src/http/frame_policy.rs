//! The web pages that may frame the pages of the web SDK. No other page is framed.

use crate::domain::text::quote_value;
use crate::wire::web_origin::parse_web_origin;

/// The value of `--frame-origin`.
#[derive(Clone, Debug, Default)]
pub(crate) struct FramePolicy {
    origins: Vec<String>,
}

impl FramePolicy {
    /// Parses the origins of `--frame-origin`.
    ///
    /// # Errors
    /// The invalid origin, its problem and the remedy.
    pub(crate) fn parse(texts: &[String]) -> Result<Self, String> {
        let texts = texts.iter().filter(|text| !text.is_empty());
        let origins = texts.map(|text| {
            // Browsers know no IPv6 address in `frame-ancestors` (CSP Level 3, `host-source`).
            let origin = parse_web_origin(text).filter(|origin| !origin.contains('['));
            origin.ok_or_else(|| {
                format!(
                    "--frame-origin {} is not scheme, host and port; give an origin such as \
                     http://localhost:3000, without a path and with a name in place of an IPv6 \
                     address",
                    quote_value(text)
                )
            })
        });
        Ok(Self {
            origins: origins.collect::<Result<_, _>>()?,
        })
    }

    /// Returns the sources of `frame-ancestors`; `None` if no page may frame any.
    pub(crate) fn ancestors(&self) -> Option<String> {
        (!self.origins.is_empty()).then(|| self.origins.join(" "))
    }
}
