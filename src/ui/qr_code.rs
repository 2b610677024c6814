//! QR codes as SVG paths.

use qrcodegen::{QrCode, QrCodeEcc};

/// A QR code: the number of modules on a side, and a path of the dark ones.
#[derive(Debug)]
pub(crate) struct QrImage {
    pub size: i32,
    pub path: String,
}

impl QrImage {
    /// Encodes a text; `None` if it is too long for a code.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
        let size = code.size();
        let mut path = String::new();
        for y in 0..size {
            let mut x = 0;
            while x < size {
                let start = x;
                while x < size && code.get_module(x, y) {
                    x += 1;
                }
                if x > start {
                    path += &format!("M{start} {y}h{}v1h-{}z", x - start, x - start);
                }
                x += 1;
            }
        }
        Some(Self { size, path })
    }
}

#[cfg(test)]
mod tests {
    use super::QrImage;

    #[test]
    fn a_link_becomes_one_path_with_the_finder_patterns() {
        let link = "http://127.0.0.1:8080/aa/consents/06acd262-d7b6-4a21-826c-973e99900ff5";
        let image = QrImage::new(link).expect("it is short");
        assert_eq!(image.size, 37);
        for corner in ["M0 0h7v1h-7z", "M30 0h7v1h-7z", "M0 36h7v1h-7z"] {
            assert!(image.path.contains(corner), "{}", image.path);
        }
        assert!(QrImage::new(&"a".repeat(4000)).is_none());
    }
}
