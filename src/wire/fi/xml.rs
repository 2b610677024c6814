//! XML writer of the ReBIT FI schemas: version 1 of all FI types, version 2.0.0 of the three
//! deposit types (`docs/sources.md#fi-schemas`).
//!
//! The XML is written by hand into a byte buffer: rows are most of the data that mockaa sends, and
//! pushing digits is several times as fast as formatting them (`docs/performance.md`).

use crate::domain::account::{AccountType, FiType};
use crate::domain::digits::append_number;
use crate::domain::document::{Document, Element};
use crate::domain::participants::FiSchema;
use crate::domain::statement::{BankStatement, Holder, NewRow, Statement, StatementBody, Summary};
use crate::domain::terms::TimeRange;
use crate::wire::fi::StatementWriter;
use crate::wire::fi::format::{format_date, push_amount, push_str};

const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// Appends the XML document of a statement, in UTF-8. An FI type without the requested schema
/// version is written with version 1.
pub fn write_statement(statement: &Statement, schema: FiSchema, out: &mut Vec<u8>) {
    match &statement.body {
        StatementBody::Bank(BankStatement { transactions, .. }) => {
            let rows = transactions
                .as_ref()
                .map_or(0, |transactions| transactions.rows.len());
            out.reserve(1024 + rows * 320);
            write_account_start(statement, schema, out);
            if let Some(transactions) = transactions {
                write_transactions_start(transactions.range, out);
                for row in transactions.iter() {
                    write_row(&row, schema, out);
                }
                write_transactions_end(out);
            }
            write_account_end(out);
        }
        StatementBody::Other(document) => {
            let document_schema = if has_schema_v2(statement.account.fi_type) {
                schema
            } else {
                FiSchema::V1
            };
            write_document(document, document_schema, out);
        }
    }
}

/// The writer of XML statements in one schema version, which the FI type must have. A document is
/// one line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct XmlWriter(pub FiSchema);

impl StatementWriter for XmlWriter {
    fn write_header(&mut self, statement: &Statement, range: TimeRange, out: &mut Vec<u8>) {
        write_account_start(statement, self.0, out);
        write_transactions_start(range, out);
    }

    fn write_row(&mut self, row: &NewRow<'_>, out: &mut Vec<u8>) {
        write_row(row, self.0, out);
    }

    fn write_footer(&mut self, out: &mut Vec<u8>) {
        write_transactions_end(out);
        write_account_end(out);
        push_str(out, "\n");
    }

    fn write_document(&mut self, document: &Document, out: &mut Vec<u8>) {
        write_document(document, self.0, out);
        push_str(out, "\n");
    }
}

/// Returns whether version 2.0.0 of the schema exists for an FI type.
pub(crate) fn has_schema_v2(fi_type: FiType) -> bool {
    matches!(
        fi_type,
        FiType::Deposit | FiType::TermDeposit | FiType::RecurringDeposit
    )
}

fn write_document(document: &Document, schema: FiSchema, out: &mut Vec<u8>) {
    push_str(out, DECLARATION);
    write_element(&document.root, schema, out);
}

/// Appends a bank account's document up to its transactions.
///
/// The element is built with the names of `schema`, so it is written as version 1: version 2.0.0
/// would rename its attributes a second time.
fn write_account_start(statement: &Statement, schema: FiSchema, out: &mut Vec<u8>) {
    let account_element = build_account_element(statement, schema);
    push_str(out, DECLARATION);
    write_start_tag(&account_element, FiSchema::V1, out);
    push_str(out, ">");
    for child in &account_element.children {
        write_element(child, FiSchema::V1, out);
    }
}

fn write_transactions_start(range: TimeRange, out: &mut Vec<u8>) {
    push_str(out, "<Transactions startDate=\"");
    out.extend_from_slice(&format_date(range.from.ist_date()));
    push_str(out, "\" endDate=\"");
    out.extend_from_slice(&format_date(range.to.ist_date()));
    push_str(out, "\">");
}

fn write_transactions_end(out: &mut Vec<u8>) {
    push_str(out, "</Transactions>");
}

fn write_account_end(out: &mut Vec<u8>) {
    push_str(out, "</Account>");
}

fn version_attribute(schema: FiSchema) -> &'static str {
    match schema {
        FiSchema::V1 => "1.1",
        FiSchema::V2 => "2.0.0",
    }
}

/// Builds the `Account` element of a bank account without its transactions.
pub(crate) fn build_account_element(statement: &Statement, schema: FiSchema) -> Element {
    let account = &statement.account;
    let schema_file = if schema == FiSchema::V1 {
        "deposit.xsd"
    } else {
        "deposit_v2.0.0.xsd"
    };
    let namespace = "http://api.rebit.org.in/FISchema/deposit";
    let root = Element::new("Account")
        .with_attribute("xmlns", namespace)
        .with_attribute("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
        .with_attribute(
            "xsi:schemaLocation",
            format!("{namespace} ../FISchema/{schema_file}"),
        )
        .with_attribute("linkedAccRef", account.link_ref.to_string())
        .with_attribute("maskedAccNumber", account.masked_number.to_string())
        .with_attribute("version", version_attribute(schema))
        .with_attribute("type", "deposit");
    let profile = statement.holders.as_ref().map(|holders| {
        let holder_elements = holders.iter().map(|holder| build_holder(holder, schema));
        Element::new("Profile").with_children([Element::new("Holders")
            .with_attribute("type", holders.holding_type())
            .with_children(holder_elements)])
    });
    let summary = statement.as_bank().and_then(|bank| bank.summary.as_ref());
    root.with_children(profile)
        .with_children(summary.map(|summary| build_summary(summary, account.account_type, schema)))
}

fn build_holder(holder: &Holder, schema: FiSchema) -> Element {
    let Holder {
        name,
        date_of_birth: born,
        mobile,
        email,
        pan,
        address,
        nominee_registered: _,
        ckyc_compliant,
        demat_id: _,
    } = holder;
    let element = Element::new_repeatable("Holder")
        .with_attribute("name", name.clone())
        .with_attribute("dob", born.to_string())
        .with_attribute("mobile", mobile.clone())
        .with_attribute("nominee", holder.nominee_status())
        .with_attribute("email", email.clone())
        .with_attribute("pan", pan.clone())
        .with_attribute("address", address.clone());
    match schema {
        FiSchema::V1 => element.with_attribute("ckycCompliance", ckyc_compliant.to_string()),
        FiSchema::V2 => {
            element.with_attribute("ckycRegistered", if *ckyc_compliant { "YES" } else { "NO" })
        }
    }
}

fn build_summary(summary: &Summary, account_type: AccountType, schema: FiSchema) -> Element {
    let Summary {
        balance,
        balance_at,
        branch,
        ifsc,
        micr,
        opened_on,
        overdraft_limit: limit,
        active,
    } = summary;
    let account_sub_type = if account_type == AccountType::Current {
        "CURRENT"
    } else {
        "SAVINGS"
    };
    let has_overdraft = limit.0 > 0;
    let element = Element::new("Summary")
        .with_attribute("currentBalance", balance.to_string())
        .with_attribute("currency", "INR")
        .with_attribute("balanceDateTime", balance_at.to_ist_string());
    let element = match schema {
        FiSchema::V1 => {
            let element = element
                .with_attribute("type", account_sub_type)
                .with_attribute("branch", branch.clone());
            let element = if has_overdraft {
                element.with_attribute("facility", "OD")
            } else {
                element
            };
            element.with_attribute("ifscCode", ifsc.clone())
        }
        FiSchema::V2 => {
            let v2_account_type = match account_type {
                AccountType::Nre => "NRE",
                AccountType::Nro => "NRO",
                AccountType::Savings | AccountType::Current | AccountType::Default => "REGULAR",
            };
            element
                .with_attribute("accountType", v2_account_type)
                .with_attribute("accountSubType", account_sub_type)
                .with_attribute("branch", branch.clone())
                .with_attribute(
                    "facility",
                    if has_overdraft {
                        "OVERDRAFT"
                    } else {
                        "NO_FACILITY_GRANTED"
                    },
                )
                .with_attribute("ifsc", ifsc.clone())
        }
    };
    let element = element
        .with_attribute("micrCode", micr.clone())
        .with_attribute("openingDate", opened_on.to_string());
    let element = if has_overdraft {
        element
            .with_attribute("currentODLimit", limit.to_string())
            .with_attribute("drawingLimit", summary.drawing_limit().to_string())
    } else {
        element
    };
    element.with_attribute("status", if *active { "ACTIVE" } else { "INACTIVE" })
}

/// Appends one transaction.
fn write_row(row: &NewRow<'_>, schema: FiSchema, out: &mut Vec<u8>) {
    push_str(out, "<Transaction txnId=\"M");
    append_number(out, row.id);
    push_str(out, "\" type=\"");
    push_str(out, row.transaction_type.as_str());
    push_str(out, "\" mode=\"");
    push_str(
        out,
        if schema == FiSchema::V1 {
            row.mode.v1_name()
        } else {
            row.mode.as_str()
        },
    );
    push_str(out, "\" amount=\"");
    push_amount(out, row.amount);
    push_str(
        out,
        if schema == FiSchema::V1 {
            "\" currentBalance=\""
        } else {
            "\" transactionalBalance=\""
        },
    );
    push_amount(out, row.balance);
    push_str(out, "\" transactionTimestamp=\"");
    let at = row.at.to_ist_bytes();
    out.extend_from_slice(&at);
    push_str(out, "\" valueDate=\"");
    out.extend_from_slice(&at[..10]);
    write_escaped(out, "\" narration=\"", row.narration);
    write_escaped(out, "\" reference=\"", row.reference);
    push_str(out, "\"/>");
}

fn write_element(element: &Element, schema: FiSchema, out: &mut Vec<u8>) {
    write_start_tag(element, schema, out);
    if element.children.is_empty() && element.text.is_none() {
        push_str(out, "/>");
        return;
    }
    push_str(out, ">");
    if let Some(text) = &element.text {
        write_escaped(out, "", text);
    }
    for child in &element.children {
        write_element(child, schema, out);
    }
    push_str(out, "</");
    push_str(out, element.name);
    push_str(out, ">");
}

/// Appends an element's name and attributes. Version 2.0.0 renames some attributes of term and
/// recurring deposits (`docs/sources.md#fi-schemas`).
fn write_start_tag(element: &Element, schema: FiSchema, out: &mut Vec<u8>) {
    push_str(out, "<");
    push_str(out, element.name);
    for (name, value) in &element.attributes {
        let name = *name;
        if schema == FiSchema::V1 {
            write_attribute(out, name, value);
            continue;
        }
        match (element.name, name, &**value) {
            ("Account", "version", _) => write_attribute(out, name, version_attribute(schema)),
            ("Holder", "ckycCompliance", value) => {
                write_attribute(
                    out,
                    "ckycRegistered",
                    if value == "true" { "YES" } else { "NO" },
                );
            }
            ("Summary", "currentValue", value) => {
                write_attribute(out, "currency", "INR");
                write_attribute(out, "currentBalance", value);
            }
            ("Transaction", "balance", value) => {
                write_attribute(out, "transactionalBalance", value);
            }
            (_, name, value) => write_attribute(out, name, value),
        }
    }
}

fn write_attribute(out: &mut Vec<u8>, name: &str, value: &str) {
    push_str(out, " ");
    push_str(out, name);
    write_escaped(out, "=\"", value);
    push_str(out, "\"");
}

/// Appends a prefix and an escaped attribute value.
fn write_escaped(out: &mut Vec<u8>, prefix: &str, value: &str) {
    push_str(out, prefix);
    // One pass without branches: values with special characters are rare.
    if !value
        .bytes()
        .fold(false, |any_special, byte| any_special | needs_escape(byte))
    {
        push_str(out, value);
        return;
    }
    for byte in value.bytes() {
        match byte {
            b'&' => push_str(out, "&amp;"),
            b'<' => push_str(out, "&lt;"),
            b'>' => push_str(out, "&gt;"),
            b'"' => push_str(out, "&quot;"),
            b'\n' => push_str(out, "&#10;"),
            b'\r' => push_str(out, "&#13;"),
            b'\t' => push_str(out, "&#9;"),
            // XML 1.0 does not allow other control characters.
            0..b' ' => push_str(out, "\u{fffd}"),
            _ => out.push(byte),
        }
    }
}

fn needs_escape(byte: u8) -> bool {
    byte < b' ' || byte == b'&' || byte == b'<' || byte == b'>' || byte == b'"'
}

#[cfg(test)]
mod tests {
    use super::write_escaped;

    #[test]
    fn special_characters_are_escaped() {
        let mut out = Vec::new();
        write_escaped(&mut out, "narration=\"", "A&B <\"c\"> ₹5\n\u{1}");
        assert_eq!(
            String::from_utf8_lossy(&out),
            "narration=\"A&amp;B &lt;&quot;c&quot;&gt; ₹5&#10;\u{fffd}"
        );
    }
}
