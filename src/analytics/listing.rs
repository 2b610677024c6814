//! Lists of transactions in the sections of a report. Most transactions are in many lists, and a section
//! of a long history would have millions of them. So a list has the places of its transactions in the
//! book, and no more of them than a section may list.
//!
//! A list is an array `[is_transactions, found, places]`: the kind, the number of transactions that were
//! found, and the places of the first of them as a text such as `4 17 23`, since a value for each place
//! takes ten times as much memory. No other array of a report begins with a boolean.

use serde_json::Value;

use super::book::Entry;

/// The largest number of transactions that one section lists, in all its lists together; and that of
/// their ids, which are in lists of their own. A report of 100,000 transactions stays below 50 MB with
/// it.
///
/// `Assumption:` a report that was recorded has some hundred transactions; no source names a limit.
const LISTED_MAX: usize = 10_000;

/// The index of the places in a list.
const PLACES: usize = 2;

/// Lists transactions.
pub(crate) fn list_entries<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Value {
    build_list(ListKind::Transactions, entries)
}

/// Lists the ids of transactions.
pub(crate) fn list_ids<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Value {
    build_list(ListKind::Ids, entries)
}

fn build_list<'e>(kind: ListKind, entries: impl IntoIterator<Item = &'e Entry>) -> Value {
    let mut entries = entries.into_iter();
    let mut places = String::new();
    let mut digits = itoa::Buffer::new();
    let mut listed = 0;
    for entry in entries.by_ref().take(LISTED_MAX) {
        places.push_str(digits.format(entry.place));
        places.push(' ');
        listed += 1;
    }
    let found = listed + entries.count();
    if found == 0 {
        return Value::Array(Vec::new());
    }
    places.shrink_to_fit();
    let is_transactions = kind == ListKind::Transactions;
    Value::Array(vec![is_transactions.into(), found.into(), places.into()])
}

/// Returns the number of items of an array; for a list, those that were found. A value that is no array
/// has none.
pub(crate) fn count_items(value: &Value) -> usize {
    let Value::Array(items) = value else {
        return 0;
    };
    if ListKind::of(items).is_some() {
        count_found(items)
    } else {
        items.len()
    }
}

fn count_found(list: &[Value]) -> usize {
    let found = list[1].as_u64().and_then(|found| found.try_into().ok());
    found.expect("a list begins with its kind and a number")
}

/// Returns the places in the book of the transactions of a list.
pub(crate) fn list_places(list: &[Value]) -> impl Iterator<Item = usize> {
    let places = list[PLACES].as_str().unwrap_or_default();
    places
        .split_ascii_whitespace()
        .map(|place| place.parse().expect("the text has places"))
}

/// Cuts a list to its first transactions.
fn cut_list(list: &mut [Value], limit: usize) {
    let Value::String(places) = &mut list[PLACES] else {
        return;
    };
    let end = match limit.checked_sub(1) {
        Some(last) => places.match_indices(' ').nth(last),
        None => return places.clear(),
    };
    if let Some((end, _)) = end {
        places.truncate(end);
        places.shrink_to_fit();
    }
}

/// A kind of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListKind {
    Transactions,
    Ids,
}

impl ListKind {
    pub(crate) const ALL: [Self; 2] = [Self::Transactions, Self::Ids];

    /// Returns the kind of a list; `None` for another array.
    pub(crate) fn of(items: &[Value]) -> Option<Self> {
        match items.first()? {
            Value::Bool(true) => Some(Self::Transactions),
            Value::Bool(false) => Some(Self::Ids),
            _ => None,
        }
    }

    /// Returns the keys that say how lists of the kind were cut: the items that each list has at most,
    /// those that are listed, and those that were found.
    pub(crate) fn cut_keys(self) -> [&'static str; 3] {
        match self {
            Self::Transactions => [
                "transactionsOfList",
                "transactionsListed",
                "transactionsFound",
            ],
            Self::Ids => ["idsOfList", "idsListed", "idsFound"],
        }
    }

    /// Cuts the lists of the kind to their first transactions where a section has more than
    /// [`LISTED_MAX`] in all of them. Returns the figures of [`ListKind::cut_keys`] if it cuts.
    pub(crate) fn cut_lists(self, section: &mut Value) -> Option<[usize; 3]> {
        let mut lengths = Vec::new();
        self.visit_lists(section, &mut |list| lengths.push(count_found(list)));
        let found: usize = lengths.iter().sum();
        if found <= LISTED_MAX {
            return None;
        }
        let limit = find_list_limit(&lengths);
        self.visit_lists(section, &mut |list| cut_list(list, limit));
        Some([limit, count_listed(&lengths, limit), found])
    }

    /// Visits each list of the kind in a value.
    fn visit_lists(self, value: &mut Value, visit: &mut impl FnMut(&mut Vec<Value>)) {
        match value {
            Value::Object(fields) => {
                for value in fields.values_mut() {
                    self.visit_lists(value, visit);
                }
            }
            Value::Array(items) => match Self::of(items) {
                Some(kind) if kind == self => visit(items),
                Some(_) => {}
                None => {
                    for item in items {
                        self.visit_lists(item, visit);
                    }
                }
            },
            _ => {}
        }
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
