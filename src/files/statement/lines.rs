//! Lines of a text.

/// A line counter that moves forward through a text, so that the lines of all rows take one pass.
pub(in crate::files) struct LineCounter<'t> {
    text: &'t str,
    offset: usize,
    line: u64,
}

impl<'t> LineCounter<'t> {
    pub(in crate::files) fn new(text: &'t str) -> Self {
        Self {
            text,
            offset: 0,
            line: 1,
        }
    }

    /// Moves to the record that a reader of CSV found at a byte, and returns its line. A reader skips empty lines, and
    /// its own line numbers are one too low where lines end with CRLF.
    pub(in crate::files) fn advance_to_record(&mut self, position: Option<&csv::Position>) -> u64 {
        let start = position.map_or(0, csv::Position::byte);
        let start = usize::try_from(start)
            .unwrap_or(self.text.len())
            .min(self.text.len());
        let bytes = self.text[start..].bytes();
        let newlines = bytes
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        self.advance_to(start + newlines)
    }

    /// Moves to a byte, which must not be before the current one, and returns its line.
    pub(in crate::files) fn advance_to(&mut self, byte: usize) -> u64 {
        let skipped = &self.text.as_bytes()[self.offset..byte];
        self.line += memchr::memchr_iter(b'\n', skipped).count() as u64;
        self.offset = byte;
        self.line
    }
}
