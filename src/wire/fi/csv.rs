//! CSV (RFC 4180, lines end with a line feed): the transactions alone, with the names of the FI schema.

use crate::domain::consent::Range;
use crate::domain::digits::push;
use crate::domain::document::{Document, Element};
use crate::domain::statement::{NewRow, Statement};
use crate::wire::fi::Form;
use crate::wire::fi::digits::{money, put};

/// The columns of a bank account, in their order.
pub const COLUMNS: [&str; 9] = [
    "txnId",
    "type",
    "mode",
    "amount",
    "currentBalance",
    "transactionTimestamp",
    "valueDate",
    "narration",
    "reference",
];

#[derive(Clone, Copy, Debug)]
pub struct Csv;

impl Form for Csv {
    fn open(&mut self, _: &Statement, _: Range, out: &mut Vec<u8>) {
        record(COLUMNS.into_iter(), out);
    }

    fn row(&mut self, row: &NewRow<'_>, out: &mut Vec<u8>) {
        out.push(b'M');
        push(out, row.id);
        out.push(b',');
        put(out, row.transaction_type.as_str());
        out.push(b',');
        put(out, row.mode.v1());
        out.push(b',');
        money(out, row.amount);
        out.push(b',');
        money(out, row.balance);
        out.push(b',');
        let at = row.at.ist();
        out.extend_from_slice(&at);
        out.push(b',');
        out.extend_from_slice(&at[..10]);
        out.push(b',');
        field(row.narration, out);
        out.push(b',');
        field(row.reference, out);
        out.push(b'\n');
    }

    fn close(&mut self, _: &mut Vec<u8>) {}

    /// Elements of one name together, below their attributes' names.
    fn document(&mut self, document: &Document, out: &mut Vec<u8>) {
        for group in groups(&document.root) {
            let names = group[0].attributes.iter().map(|(name, _)| *name);
            record(std::iter::once("element").chain(names), out);
            for row in group {
                record(
                    std::iter::once(row.name)
                        .chain(row.attributes.iter().map(|(_, value)| &**value)),
                    out,
                );
            }
        }
    }
}

/// The transactions of a document, those of one name together.
fn groups(root: &Element) -> Vec<&[Element]> {
    let Some(all) = root.child("Transactions") else {
        return Vec::new();
    };
    let nested = all
        .children
        .iter()
        .any(|child| child.children.iter().any(|inner| inner.repeats));
    let groups: Vec<&[Element]> = if nested {
        all.children
            .iter()
            .map(|group| &group.children[..])
            .collect()
    } else {
        vec![&all.children[..]]
    };
    groups
        .into_iter()
        .filter(|group| !group.is_empty())
        .collect()
}

fn record<'t>(fields: impl Iterator<Item = &'t str>, out: &mut Vec<u8>) {
    for (place, text) in fields.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        field(text, out);
    }
    out.push(b'\n');
}

fn field(text: &str, out: &mut Vec<u8>) {
    if !text
        .bytes()
        .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
    {
        put(out, text);
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::record;

    #[test]
    fn fields_come_back_as_they_were() {
        let fields = ["plain", "", "a,b", "say \"so\"", "two\nlines", "₹5 \r"];
        let mut out = Vec::new();
        record(fields.into_iter(), &mut out);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(&out[..]);
        let back = reader
            .records()
            .next()
            .expect("a record")
            .expect("it is read");
        assert_eq!(back.iter().collect::<Vec<_>>(), fields);
    }
}
