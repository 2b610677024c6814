//! The image that a company sets in place of its generated mark.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use roxmltree::{Document, ParsingOptions};
use thiserror::Error;

/// Size of the largest accepted logo, in bytes.
pub(crate) const LOGO_BYTES_MAX: usize = 64 * 1024;

/// The first bytes of a PNG image: the signature, and the length and type of its first chunk.
const PNG_START: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

const SVG_NAMESPACE: &str = "http://www.w3.org/2000/svg";

/// The largest number of XML nodes in a logo. Without entities, its bytes have fewer.
const NODES_MAX: u32 = 100_000;

/// The number of bytes of the digest in the name of a logo's file.
const DIGEST_BYTES: usize = 16;

/// The format of a logo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogoFormat {
    Png,
    Svg,
}

impl LogoFormat {
    pub(crate) const ALL: [Self; 2] = [Self::Png, Self::Svg];

    /// Returns the media type.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Svg => "image/svg+xml",
        }
    }

    /// Returns the extension of file names.
    const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Svg => "svg",
        }
    }
}

/// A PNG or SVG image of at most [`LOGO_BYTES_MAX`] bytes.
///
/// An SVG image is kept as it is, with its scripts. Browsers run none in an `<img>`, and the address
/// of the image has a policy that forbids them.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    format: LogoFormat,
    bytes: Arc<[u8]>,
    file_name: Arc<str>,
}

/// The reason for which bytes are no logo, with its remedy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum LogoError {
    #[error("is larger than {} KiB; use a smaller image", LOGO_BYTES_MAX / 1024)]
    TooLarge,
    #[error("is neither a PNG nor an SVG image; use one of these formats")]
    UnknownFormat,
    #[error("is no well-formed SVG image: {0}; correct it, or use PNG")]
    MalformedSvg(String),
    #[error("is no SVG image: its root element is <{0}>; use one whose root element is <svg>")]
    OtherRoot(String),
    #[error(
        "is an SVG image without its namespace, which browsers do not show; add \
         xmlns=\"{SVG_NAMESPACE}\" to the element <svg>"
    )]
    NoNamespace,
}

impl Logo {
    /// Recognizes the image that these bytes are.
    ///
    /// # Errors
    /// The bytes are too many, or no image of an accepted format.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, LogoError> {
        if bytes.len() > LOGO_BYTES_MAX {
            return Err(LogoError::TooLarge);
        }
        let format = if bytes.starts_with(PNG_START) {
            LogoFormat::Png
        } else {
            check_svg(bytes)?;
            LogoFormat::Svg
        };
        let digest = digest(&SHA256, bytes);
        let digest = digest.as_ref()[..DIGEST_BYTES].iter();
        let digest: String = digest.map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            format,
            bytes: bytes.into(),
            file_name: format!("{digest}.{}", format.extension()).into(),
        })
    }

    pub(crate) fn format(&self) -> LogoFormat {
        self.format
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the name under which pages load it: a digest of its content, and its extension.
    pub(crate) fn file_name(&self) -> &str {
        &self.file_name
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logo({}, {} bytes)", self.file_name, self.bytes.len())
    }
}

/// Checks that these bytes are XML that browsers show as an SVG image.
fn check_svg(bytes: &[u8]) -> Result<(), LogoError> {
    let text = std::str::from_utf8(bytes).map_err(|_| LogoError::UnknownFormat)?;
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with('<') {
        return Err(LogoError::UnknownFormat);
    }
    let options = ParsingOptions {
        // Drawing programs write a document type with entities.
        allow_dtd: true,
        nodes_limit: NODES_MAX,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| LogoError::MalformedSvg(error.to_string()))?;
    let root = document.root_element().tag_name();
    match (root.name(), root.namespace()) {
        ("svg", Some(SVG_NAMESPACE)) => Ok(()),
        ("svg", None) => Err(LogoError::NoNamespace),
        (name, _) => Err(LogoError::OtherRoot(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{LOGO_BYTES_MAX, Logo, LogoError, LogoFormat, PNG_START};

    #[test]
    fn an_svg_is_recognized_by_its_root() {
        for svg in [
            r#"<svg xmlns="http://www.w3.org/2000/svg"/>"#,
            "\u{feff}<?xml version=\"1.0\"?>\n<!-- a logo --><svg xmlns=\"http://www.w3.org/2000/svg\"></svg>\n",
            r#"<!DOCTYPE svg [<!ENTITY ns "http://www.w3.org/2000/svg">]><svg xmlns="&ns;"><script>alert(1)</script></svg>"#,
            r#"  <s:svg xmlns:s="http://www.w3.org/2000/svg"/>"#,
        ] {
            let logo = Logo::parse(svg.as_bytes()).expect("an SVG image");
            assert_eq!(logo.format(), LogoFormat::Svg, "{svg}");
            assert_eq!(logo.bytes(), svg.as_bytes());
        }
    }

    #[test]
    fn other_bytes_are_refused_with_the_reason() {
        let long = "<a/>".repeat(LOGO_BYTES_MAX);
        for (bytes, reason) in [
            (&b""[..], "neither a PNG nor an SVG"),
            (b"GIF89a", "neither a PNG nor an SVG"),
            (b"\x89PNG\r\n\x1a\n", "neither a PNG nor an SVG"),
            (b"svg", "neither a PNG nor an SVG"),
            (b"<html/>", "root element is <html>"),
            (b"<svg/>", "without its namespace"),
            (
                b"<svg xmlns=\"http://www.w3.org/1999/xhtml\"/>",
                "root element is <svg>",
            ),
            (
                b"<svg xmlns=\"http://www.w3.org/2000/svg\"><g></svg>",
                "no well-formed SVG",
            ),
            (long.as_bytes(), "larger than 64 KiB"),
        ] {
            let error = Logo::parse(bytes).expect_err("no logo").to_string();
            assert!(error.contains(reason), "{reason}: {error}");
        }
    }

    /// Ten entities, each of ten of the one before, would be ten thousand million elements.
    #[test]
    fn entities_do_not_multiply() {
        let mut svg = "<!DOCTYPE svg [<!ENTITY e0 '<g/>'>".to_owned();
        for level in 1..10 {
            let previous = format!("&e{};", level - 1).repeat(10);
            svg += &format!("<!ENTITY e{level} '{previous}'>");
        }
        svg += "]><svg xmlns='http://www.w3.org/2000/svg'>&e9;</svg>";
        let outcome = Logo::parse(svg.as_bytes());
        assert!(
            matches!(outcome, Err(LogoError::MalformedSvg(_))),
            "{outcome:?}"
        );
    }

    #[test]
    fn a_png_is_recognized_and_named_by_its_content() {
        let png = [PNG_START, &[0; 32]].concat();
        let logo = Logo::parse(&png).expect("a PNG image");
        assert_eq!(logo.format(), LogoFormat::Png);
        let (digest, extension) = logo.file_name().split_once('.').expect("an extension");
        assert_eq!((digest.len(), extension), (32, "png"));
        let other = Logo::parse(&[PNG_START, &[1; 32]].concat()).expect("a PNG image");
        assert_ne!(other.file_name(), logo.file_name());
        let largest = [&png[..], &vec![0; LOGO_BYTES_MAX - png.len()]].concat();
        assert!(Logo::parse(&largest).is_ok());
        let too_large = [&largest[..], b"x"].concat();
        assert_eq!(Logo::parse(&too_large), Err(LogoError::TooLarge));
    }
}
