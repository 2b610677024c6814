//! Quirks of a FIP, applied to a document before it is encrypted or encoded
//! (`docs/data.md#irregular-data`).

use crate::domain::account::FiType;
use crate::domain::document::{AttributeValue, Document, Element};
use crate::domain::money::Paise;
use crate::domain::participants::FiSchema;
use crate::domain::quirk::{Quirk, Quirks};
use crate::wire::fi::form::{BALANCE_ATTRIBUTES, TIME_ATTRIBUTES};
use crate::wire::fi::schema::{ElementSchema, schema_of};

/// Applies quirks to a document in the shape of a schema.
pub(crate) fn apply_quirks(
    document: &mut Document,
    fi_type: FiType,
    schema: FiSchema,
    quirks: Quirks,
) {
    if quirks.is_empty() {
        return;
    }
    let change = DocumentChange { fi_type, quirks };
    let root = &mut document.root;
    if let Some(transactions) = find_child_mut(root, "Transactions") {
        change.change_lists(transactions);
    }
    if let Some(summary) = find_child_mut(root, "Summary")
        && fi_type == FiType::Deposit
    {
        change.change_bank_summary(summary, schema);
    }
    change.change_texts(root);
    if quirks.contains(Quirk::MissingOptional) {
        for child in &mut root.children {
            remove_optional(child, &schema_of(fi_type, schema).root.children);
        }
    }
}

fn find_child_mut<'e>(element: &'e mut Element, name: &str) -> Option<&'e mut Element> {
    element.children.iter_mut().find(|child| child.name == name)
}

struct DocumentChange {
    fi_type: FiType,
    quirks: Quirks,
}

impl DocumentChange {
    /// Changes the rows below `Transactions`, which may be in groups.
    fn change_lists(&self, element: &mut Element) {
        let rows = &mut element.children;
        if !rows.iter().all(|row| row.repeatable) {
            for group in rows {
                self.change_lists(group);
            }
            return;
        }
        if self.fi_type.is_deposit() && self.quirks.contains(Quirk::DayClosingBalance) {
            set_closing_balances(rows);
        }
        for row in &mut *rows {
            self.change_row(row);
        }
        if self.quirks.contains(Quirk::DuplicateRow) && !rows.is_empty() {
            let middle = rows.len() / 2;
            rows.insert(middle, rows[middle].clone());
        }
        if self.quirks.contains(Quirk::OutOfOrder) {
            for pair in rows.chunks_exact_mut(2).step_by(2) {
                pair.swap(0, 1);
            }
        }
        if self.quirks.contains(Quirk::NewestFirst) {
            rows.reverse();
        }
    }

    fn change_row(&self, row: &mut Element) {
        let time = row
            .attributes
            .iter()
            .find(|(name, _)| TIME_ATTRIBUTES.contains(name))
            .map(|(_, value)| value.clone());
        for (name, value) in &mut row.attributes {
            let quirks = self.quirks;
            match *name {
                "txnId" if quirks.contains(Quirk::ZeroTxnId) => *value = "0".into(),
                "reference" if quirks.contains(Quirk::EmptyReference) => *value = "".into(),
                "mode" if self.fi_type.is_deposit() && quirks.contains(Quirk::ModeOthers) => {
                    *value = "OTHERS".into();
                }
                "narration" => self.change_narration(value),
                "valueDate" if quirks.contains(Quirk::ValueDateWithTime) => {
                    if let Some(time) = &time {
                        value.clone_from(time);
                    }
                }
                name if TIME_ATTRIBUTES.contains(&name) => self.change_time(value),
                _ => {}
            }
        }
    }

    /// Moves a timestamp in Indian Standard Time to midnight of its day.
    fn change_time(&self, value: &mut AttributeValue) {
        let Some(day) = value.get(..10).map(str::to_owned) else {
            return;
        };
        if self.quirks.contains(Quirk::MidnightUtc) {
            *value = format!("{day}T00:00:00.000Z").into();
        } else if self.quirks.contains(Quirk::MidnightIst) {
            *value = format!("{day}T00:00:00+05:30").into();
        }
    }

    fn change_narration(&self, value: &mut AttributeValue) {
        let limit = [(Quirk::NarrationCut30, 30), (Quirk::NarrationCut50, 50)]
            .into_iter()
            .find(|(quirk, _)| self.quirks.contains(*quirk));
        if let Some((_, length)) = limit
            && value.chars().count() > length
        {
            *value = value.chars().take(length).collect::<String>().into();
        }
        if self.quirks.contains(Quirk::NarrationSpaces) {
            // A narration without spaces gets them after its first separator.
            let spaced = if value.contains(' ') {
                value.replace(' ', "  ")
            } else {
                value.replacen(['/', '-'], "  ", 1)
            };
            *value = (spaced + " ").into();
        }
    }

    fn change_bank_summary(&self, summary: &mut Element, schema: FiSchema) {
        if self.quirks.contains(Quirk::EmptyMicr) {
            for (name, value) in &mut summary.attributes {
                if *name == "micrCode" {
                    *value = "".into();
                }
            }
        }
        if self.quirks.contains(Quirk::PendingTransaction) {
            let (name, is_in_list) = match schema {
                FiSchema::Current => ("PendingTxn", true),
                FiSchema::Retired => ("Pending", false),
            };
            let pending = Element {
                repeatable: is_in_list,
                ..Element::new(name)
            }
            .with_attribute("transactionType", "DEBIT")
            .with_attribute("amount", "499.00");
            summary.children.push(if is_in_list {
                Element::new("PendingTxns").with_children([pending])
            } else {
                pending
            });
        }
    }

    /// Changes the notation of timestamps and amounts in an element and those below it.
    fn change_texts(&self, element: &mut Element) {
        for (_, value) in &mut element.attributes {
            if let Some(time) = value.strip_suffix("+05:30") {
                let mut text = time.to_owned();
                if self.quirks.contains(Quirk::NoSeconds) {
                    text.truncate("2024-03-31T10:15".len());
                }
                if self.quirks.contains(Quirk::IstMarkedUtc) {
                    text += "+00:00";
                } else if !self.quirks.contains(Quirk::NoOffset) {
                    text += "+05:30";
                }
                *value = text.into();
            } else if self.quirks.contains(Quirk::JavaNumbers)
                && has_two_decimals(value)
                && let Some(amount) = Paise::parse(value)
            {
                *value = format_java_double(amount).into();
            }
        }
        for child in &mut element.children {
            self.change_texts(child);
        }
    }
}

/// Sets the balance of each row to that of the last row of its day.
fn set_closing_balances(rows: &mut [Element]) {
    let day_of = |row: &Element| {
        let time = row.first_attribute_value(&TIME_ATTRIBUTES);
        time.and_then(|time| time.get(..10)).map(str::to_owned)
    };
    let mut closing: Option<(Option<String>, AttributeValue)> = None;
    for row in rows.iter_mut().rev() {
        let day = day_of(row);
        let balance = row
            .attributes
            .iter_mut()
            .find(|(name, _)| BALANCE_ATTRIBUTES.contains(name));
        let Some((_, balance)) = balance else {
            continue;
        };
        match &closing {
            Some((known, closing_balance)) if *known == day => *balance = closing_balance.clone(),
            _ => closing = Some((day, balance.clone())),
        }
    }
}

/// Returns whether a text has the form of an amount in a document: digits and two decimals.
fn has_two_decimals(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    unsigned.split_once('.').is_some_and(|(rupees, paise)| {
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        !rupees.is_empty() && paise.len() == 2 && is_digits(rupees) && is_digits(paise)
    })
}

/// Formats an amount as Java's `Double.toString` does: `29.5`, `220022.0`, `1.0E8`
/// (`docs/sources.md#unaport-fetch-data`).
fn format_java_double(amount: Paise) -> String {
    let Paise(paise) = amount;
    let (sign, digits) = (if paise < 0 { "-" } else { "" }, paise.unsigned_abs());
    if digits < 1_000_000_000 {
        let text = format!("{sign}{}.{:02}", digits / 100, digits % 100);
        return text.strip_suffix('0').map(str::to_owned).unwrap_or(text);
    }
    let text = digits.to_string();
    let rest = text[1..].trim_end_matches('0');
    format!(
        "{sign}{}.{}E{}",
        &text[..1],
        if rest.is_empty() { "0" } else { rest },
        text.len() - 3
    )
}

/// Removes the attributes that a schema does not require, from an element and those below it.
fn remove_optional(element: &mut Element, schemas: &[ElementSchema]) {
    let Some(schema) = schemas.iter().find(|schema| schema.name == element.name) else {
        return;
    };
    element.attributes.retain(|(name, _)| {
        let attributes = schema.attributes.iter();
        attributes
            .filter(|attribute| attribute.required)
            .any(|attribute| attribute.name == *name)
    });
    for child in &mut element.children {
        remove_optional(child, &schema.children);
    }
}
#[cfg(test)]
mod tests {
    use super::format_java_double;
    use crate::domain::money::Paise;

    #[test]
    fn amounts_as_java_prints_them() {
        for (paise, text) in [
            (2_950, "29.5"),
            (22_002_200, "220022.0"),
            (10_000_000_000, "1.0E8"),
            (0, "0.0"),
            (1, "0.01"),
            (-559_226, "-5592.26"),
            (999_999_999, "9999999.99"),
            (1_000_000_000, "1.0E7"),
            (1_043_311_855, "1.043311855E7"),
        ] {
            assert_eq!(format_java_double(Paise(paise)), text);
        }
    }
}
