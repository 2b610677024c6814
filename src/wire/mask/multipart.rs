//! Finds the parts of a multipart form by the lines of a text, in one pass.

use std::ops::Range;

use super::find_bytes;

/// The places at which heads and contents of parts begin and end, each in the order of the text.
#[derive(Debug, Default)]
pub(super) struct PartMarks {
    /// Rests of the lines `Content-Disposition` from their first `name=` on.
    heads: Vec<Range<usize>>,
    /// Ends of the blank lines.
    blank_line_ends: Vec<usize>,
    /// Ends of the lines before a delimiter, without their line feed.
    delimiters: Vec<usize>,
    text_len: usize,
}

impl PartMarks {
    pub(super) fn new(text: &[u8]) -> Self {
        const FIELD: &[u8] = b"content-disposition:";
        let mut marks = Self {
            text_len: text.len(),
            ..Self::default()
        };
        let mut start = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let end = start + line.len();
            let is_head = line
                .get(..FIELD.len())
                .is_some_and(|field| field.eq_ignore_ascii_case(FIELD));
            if is_head && let Some(at) = find_bytes(&line.to_ascii_lowercase(), b"name=") {
                marks.heads.push(start + at..end);
            }
            if matches!(line, b"\n" | b"\r\n") {
                marks.blank_line_ends.push(end);
            }
            if start > 0 && line.starts_with(b"--") {
                marks.delimiters.push(start - 1);
            }
            start = end;
        }
        marks
    }

    /// Returns the content of the part in whose head a name stands: from the next blank line to the
    /// next delimiter. `None` if the name stands elsewhere.
    pub(super) fn content_of(&self, name: &Range<usize>) -> Option<Range<usize>> {
        let index = self.heads.partition_point(|head| head.end <= name.start);
        let head = self.heads.get(index)?;
        if !head.contains(&name.start) {
            return None;
        }
        let start = first_from(&self.blank_line_ends, name.end)?;
        let end = first_from(&self.delimiters, start).unwrap_or(self.text_len);
        Some(start..end)
    }
}

/// Returns the first of some ascending positions that is not before `from`.
fn first_from(positions: &[usize], from: usize) -> Option<usize> {
    let index = positions.partition_point(|position| *position < from);
    positions.get(index).copied()
}
