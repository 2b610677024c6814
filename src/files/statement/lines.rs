//! Lines of a text.

/// A line counter that moves forward through a text, so that the lines of all rows take one pass.
pub(super) struct LineCounter<'t> {
    text: &'t str,
    offset: usize,
    line: u64,
}

impl<'t> LineCounter<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            offset: 0,
            line: 1,
        }
    }

    /// Moves to a byte, which must not be before the current one, and returns its line.
    pub(super) fn advance_to(&mut self, byte: usize) -> u64 {
        let skipped = &self.text.as_bytes()[self.offset..byte];
        self.line += skipped
            .iter()
            .filter(|byte| **byte == b'\n')
            .map(|_| 1)
            .sum::<u64>();
        self.offset = byte;
        self.line
    }
}
