//! The finished report. Its sections list transactions by their places in the book, since most
//! transactions are in many lists; the text of each is written wherever it is listed.

use serde_json::{Map, Value, json};

use super::book::Entry;
use crate::domain::appraisal::Appraisal;

/// The largest number of transactions that one section lists, in all its lists together. A report of
/// 100,000 transactions stays below 50 MB with it.
///
/// `Assumption:` a report that was recorded has some hundred transactions; no source names a limit.
const LISTED_MAX: usize = 10_000;

/// The names of the lists of transactions.
const TRANSACTION_LISTS: [&str; 10] = [
    "transactions",
    "debitTxns",
    "creditTxns",
    "bizInflowTransactions",
    "bizOutflowTransactions",
    "charges",
    "returns",
    "outwardChequeTransactions",
    "inwardChequeTransactions",
    "sameDayChequeTransactions",
];

/// The analytics of one account, or of several accounts taken together.
#[derive(Debug)]
pub struct Report {
    sections: Map<String, Value>,
    /// All transactions of the book.
    entries: Vec<Entry>,
    appraisal: Appraisal,
}

impl Report {
    /// Creates the report of these sections. Where one lists more than [`LISTED_MAX`] transactions,
    /// each list is cut to its first ones, and the key `shortened` says so; counts and sums are those
    /// of all transactions.
    pub(super) fn new(
        entries: Vec<Entry>,
        mut sections: Map<String, Value>,
        appraisal: Appraisal,
    ) -> Self {
        let mut shortened = Vec::new();
        for (name, section) in &mut sections {
            let mut lengths = Vec::new();
            visit_lists(section, &mut |list| lengths.push(list.len()));
            let found: usize = lengths.iter().sum();
            if found <= LISTED_MAX {
                continue;
            }
            let limit = find_list_limit(&lengths);
            visit_lists(section, &mut |list| list.truncate(limit));
            shortened.push(json!({
                "section": name,
                "transactionsOfList": limit,
                "transactionsListed": count_listed(&lengths, limit),
                "transactionsFound": found,
            }));
        }
        if !shortened.is_empty() {
            sections.insert("shortened".to_owned(), shortened.into());
        }
        Self {
            sections,
            entries,
            appraisal,
        }
    }

    /// Returns the sections with their names, one after the other.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (&str, Value)> {
        self.sections.iter().map(|(name, section)| {
            let mut text = Vec::new();
            self.write(section, name, &mut text);
            (&**name, parse(&text))
        })
    }

    /// Returns the credit appraisal.
    pub(crate) fn appraisal(&self) -> &Appraisal {
        &self.appraisal
    }

    /// Returns all transactions, in the order of the book.
    pub(crate) fn transactions(&self) -> impl Iterator<Item = Value> {
        let rows = self.entries.iter().map(Entry::to_row);
        rows.map(|row| serde_json::to_value(row).expect("texts and numbers serialise"))
    }

    /// Returns the whole report as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut text = Vec::new();
        self.write_object(&self.sections, &mut text);
        text
    }

    /// Writes the value of a key.
    fn write(&self, value: &Value, key: &str, out: &mut Vec<u8>) {
        match value {
            Value::Object(fields) => self.write_object(fields, out),
            Value::Array(items) => {
                let lists_transactions = is_transaction_list(key, items);
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    match item.as_u64() {
                        Some(place) if lists_transactions => {
                            let place = usize::try_from(place).expect("a place fits");
                            write_json(&self.entries[place].to_row(), out);
                        }
                        _ => self.write(item, "", out),
                    }
                }
                out.push(b']');
            }
            scalar => write_json(scalar, out),
        }
    }

    fn write_object(&self, fields: &Map<String, Value>, out: &mut Vec<u8>) {
        out.push(b'{');
        for (index, (key, value)) in fields.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_json(key, out);
            out.push(b':');
            self.write(value, key, out);
        }
        out.push(b'}');
    }
}

fn write_json(value: &(impl serde::Serialize + ?Sized), out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("texts and numbers serialise");
}

fn parse(text: &[u8]) -> Value {
    serde_json::from_slice(text).expect("the report is JSON")
}

fn is_transaction_list(key: &str, items: &[Value]) -> bool {
    TRANSACTION_LISTS.contains(&key) && items.first().is_some_and(Value::is_u64)
}

/// Visits each list of transactions in a value.
fn visit_lists(value: &mut Value, visit: &mut impl FnMut(&mut Vec<Value>)) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::Array(items) if is_transaction_list(key, items) => visit(items),
                    value => visit_lists(value, visit),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                visit_lists(item, visit);
            }
        }
        _ => {}
    }
}

/// Counts the items of lists of these lengths that are cut to a limit.
fn count_listed(lengths: &[usize], limit: usize) -> usize {
    lengths.iter().map(|length| *length.min(&limit)).sum()
}

/// Returns the largest length to which lists of these lengths can be cut, so that they have at most
/// [`LISTED_MAX`] items together.
fn find_list_limit(lengths: &[usize]) -> usize {
    let (mut fits, mut exceeds) = (0, LISTED_MAX + 1);
    while exceeds - fits > 1 {
        let limit = fits.midpoint(exceeds);
        if count_listed(lengths, limit) <= LISTED_MAX {
            fits = limit;
        } else {
            exceeds = limit;
        }
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::{LISTED_MAX, find_list_limit};

    #[test]
    fn short_lists_stay_whole_and_long_ones_share_the_rest() {
        assert_eq!(find_list_limit(&[LISTED_MAX + 1]), LISTED_MAX);
        assert_eq!(find_list_limit(&[10, LISTED_MAX]), LISTED_MAX - 10);
        assert_eq!(find_list_limit(&[LISTED_MAX; 4]), LISTED_MAX / 4);
        assert_eq!(find_list_limit(&vec![1; LISTED_MAX + 1]), 0);
    }
}
