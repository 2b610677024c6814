//! Pages and files that are sent many times.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use flate2::Compression;
use flate2::write::GzEncoder;

/// A content that is sent to many callers. Its compressed form is made once, on first need. Clones
/// share both.
#[derive(Clone, Debug)]
pub(crate) struct SharedContent(Arc<Forms>);

#[derive(Debug)]
struct Forms {
    plain: Vec<u8>,
    gzip: OnceLock<Vec<u8>>,
}

impl SharedContent {
    pub(crate) fn new(plain: impl Into<Vec<u8>>) -> Self {
        Self(Arc::new(Forms {
            plain: plain.into(),
            gzip: OnceLock::new(),
        }))
    }

    pub(crate) fn plain(&self) -> &[u8] {
        &self.0.plain
    }

    pub(crate) fn gzip(&self) -> &[u8] {
        self.0.gzip.get_or_init(|| compress_gzip(&self.0.plain))
    }
}

/// Compresses a content for one caller.
pub(crate) fn compress_gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let compressed = encoder.write_all(plain).and_then(|()| encoder.finish());
    compressed.expect("a buffer takes everything")
}

#[cfg(test)]
mod tests {
    use super::SharedContent;

    #[test]
    fn a_content_is_compressed_once() {
        let content = SharedContent::new("a".repeat(5_000));
        let other = content.clone();
        assert!(std::ptr::eq(content.gzip(), other.gzip()));
        assert!(content.gzip().len() < 100);
    }
}
