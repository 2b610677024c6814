//! XML by the ReBIT FI schemas: version 1 of all kinds, version 2.0.0 of the three deposits (`reference/rebit.md` §6).
//!
//! Written by hand into a buffer of bytes: rows are the bulk of what the sandbox sends, and pushing digits is several
//! times as fast as formatting them (`reference/perf-baseline.md` §4).

use crate::domain::account::{AccountType, FiType};
use crate::domain::consent::Range;
use crate::domain::digits::push;
use crate::domain::document::{Document, Element};
use crate::domain::participants::FiSchema;
use crate::domain::statement::{BankBody, Body, Holder, NewRow, Statement, Summary};
use crate::wire::fi::Form;
use crate::wire::fi::digits::{date, money, put};

const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// Appends the statement's document to the buffer; it is UTF-8.
pub fn write(statement: &Statement, schema: FiSchema, out: &mut Vec<u8>) {
    match &statement.body {
        Body::Bank(BankBody { transactions, .. }) => {
            let rows = transactions
                .as_ref()
                .map_or(0, |transactions| transactions.rows.len());
            out.reserve(1024 + rows * 320);
            open(statement, schema, out);
            if let Some(transactions) = transactions {
                open_rows(transactions.range, out);
                for row in transactions.iter() {
                    write_row(&row, schema, out);
                }
                close_rows(out);
            }
            close(out);
        }
        Body::Other(document) => {
            let version = if has_v2(statement.account.fi_type) {
                schema
            } else {
                FiSchema::V1
            };
            write_document(document, version, out);
        }
    }
}

/// By that version of the schema, which the account's kind has to have; a document is one line.
#[derive(Clone, Copy, Debug)]
pub struct Xml(pub FiSchema);

impl Form for Xml {
    fn open(&mut self, statement: &Statement, range: Range, out: &mut Vec<u8>) {
        open(statement, self.0, out);
        open_rows(range, out);
    }

    fn row(&mut self, row: &NewRow<'_>, out: &mut Vec<u8>) {
        write_row(row, self.0, out);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        close_rows(out);
        close(out);
        put(out, "\n");
    }

    fn document(&mut self, document: &Document, out: &mut Vec<u8>) {
        write_document(document, self.0, out);
        put(out, "\n");
    }
}

/// The kinds that a second version of the schema exists of.
pub fn has_v2(fi_type: FiType) -> bool {
    matches!(
        fi_type,
        FiType::Deposit | FiType::TermDeposit | FiType::RecurringDeposit
    )
}

fn write_document(document: &Document, schema: FiSchema, out: &mut Vec<u8>) {
    put(out, DECLARATION);
    write_element(&document.root, schema, out);
}

/// A bank account up to its transactions.
fn open(statement: &Statement, schema: FiSchema, out: &mut Vec<u8>) {
    let head = head(statement, schema);
    put(out, DECLARATION);
    start(&head, FiSchema::V1, out);
    put(out, ">");
    for child in &head.children {
        write_element(child, FiSchema::V1, out);
    }
}

fn open_rows(range: Range, out: &mut Vec<u8>) {
    put(out, "<Transactions startDate=\"");
    out.extend_from_slice(&date(range.from.ist_date()));
    put(out, "\" endDate=\"");
    out.extend_from_slice(&date(range.to.ist_date()));
    put(out, "\">");
}

fn close_rows(out: &mut Vec<u8>) {
    put(out, "</Transactions>");
}

fn close(out: &mut Vec<u8>) {
    put(out, "</Account>");
}

fn version(schema: FiSchema) -> &'static str {
    match schema {
        FiSchema::V1 => "1.1",
        FiSchema::V2 => "2.0.0",
    }
}

/// A bank account's document without its transactions.
pub fn head(statement: &Statement, schema: FiSchema) -> Element {
    let account = &statement.account;
    let file = if schema == FiSchema::V1 {
        "deposit.xsd"
    } else {
        "deposit_v2.0.0.xsd"
    };
    let namespace = "http://api.rebit.org.in/FISchema/deposit";
    let root = Element::new("Account")
        .with("xmlns", namespace)
        .with("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
        .with(
            "xsi:schemaLocation",
            format!("{namespace} ../FISchema/{file}"),
        )
        .with("linkedAccRef", account.link_ref.to_string())
        .with("maskedAccNumber", account.masked_number.to_string())
        .with("version", version(schema))
        .with("type", "deposit");
    let profile = statement.holders.as_ref().map(|holders| {
        let told = holders.iter().map(|holder| person(holder, schema));
        Element::new("Profile").holding([Element::new("Holders")
            .with("type", holders.kind())
            .holding(told)])
    });
    let summary = statement.bank().and_then(|bank| bank.summary.as_ref());
    root.holding(profile)
        .holding(summary.map(|told| standing(told, account.account_type, schema)))
}

fn person(holder: &Holder, schema: FiSchema) -> Element {
    let Holder {
        name,
        born,
        mobile,
        email,
        pan,
        address,
        nominee_registered: _,
        ckyc_compliant,
        demat_id: _,
    } = holder;
    let element = Element::one_of_many("Holder")
        .with("name", name.clone())
        .with("dob", born.to_string())
        .with("mobile", mobile.clone())
        .with("nominee", holder.nominee())
        .with("email", email.clone())
        .with("pan", pan.clone())
        .with("address", address.clone());
    match schema {
        FiSchema::V1 => element.with("ckycCompliance", ckyc_compliant.to_string()),
        FiSchema::V2 => element.with("ckycRegistered", if *ckyc_compliant { "YES" } else { "NO" }),
    }
}

fn standing(summary: &Summary, account_type: AccountType, schema: FiSchema) -> Element {
    let Summary {
        balance,
        balance_at,
        branch,
        ifsc,
        micr,
        opened_on,
        limit,
        active,
    } = summary;
    let kind = if account_type == AccountType::Current {
        "CURRENT"
    } else {
        "SAVINGS"
    };
    let overdrawn = limit.0 > 0;
    let element = Element::new("Summary")
        .with("currentBalance", balance.to_string())
        .with("currency", "INR")
        .with("balanceDateTime", balance_at.ist_string());
    let element = match schema {
        FiSchema::V1 => {
            let element = element.with("type", kind).with("branch", branch.clone());
            let element = if overdrawn {
                element.with("facility", "OD")
            } else {
                element
            };
            element.with("ifscCode", ifsc.clone())
        }
        FiSchema::V2 => {
            let named = match account_type {
                AccountType::Nre => "NRE",
                AccountType::Nro => "NRO",
                AccountType::Savings | AccountType::Current | AccountType::Default => "REGULAR",
            };
            element
                .with("accountType", named)
                .with("accountSubType", kind)
                .with("branch", branch.clone())
                .with(
                    "facility",
                    if overdrawn {
                        "OVERDRAFT"
                    } else {
                        "NO_FACILITY_GRANTED"
                    },
                )
                .with("ifsc", ifsc.clone())
        }
    };
    let element = element
        .with("micrCode", micr.clone())
        .with("openingDate", opened_on.to_string());
    let element = if overdrawn {
        element
            .with("currentODLimit", limit.to_string())
            .with("drawingLimit", summary.drawing_limit().to_string())
    } else {
        element
    };
    element.with("status", if *active { "ACTIVE" } else { "INACTIVE" })
}

/// One transaction.
fn write_row(row: &NewRow<'_>, schema: FiSchema, out: &mut Vec<u8>) {
    put(out, "<Transaction txnId=\"M");
    push(out, row.id);
    put(out, "\" type=\"");
    put(out, row.transaction_type.as_str());
    put(out, "\" mode=\"");
    put(
        out,
        if schema == FiSchema::V1 {
            row.mode.v1()
        } else {
            row.mode.as_str()
        },
    );
    put(out, "\" amount=\"");
    money(out, row.amount);
    put(
        out,
        if schema == FiSchema::V1 {
            "\" currentBalance=\""
        } else {
            "\" transactionalBalance=\""
        },
    );
    money(out, row.balance);
    put(out, "\" transactionTimestamp=\"");
    let at = row.at.ist();
    out.extend_from_slice(&at);
    put(out, "\" valueDate=\"");
    out.extend_from_slice(&at[..10]);
    text(out, "\" narration=\"", row.narration);
    text(out, "\" reference=\"", row.reference);
    put(out, "\"/>");
}

fn write_element(element: &Element, schema: FiSchema, out: &mut Vec<u8>) {
    start(element, schema, out);
    if element.children.is_empty() {
        put(out, "/>");
        return;
    }
    put(out, ">");
    for child in &element.children {
        write_element(child, schema, out);
    }
    put(out, "</");
    put(out, element.name);
    put(out, ">");
}

/// Name and attributes. Version 2.0.0 renames some attributes of term and recurring deposits (`reference/rebit.md` §6.1).
fn start(element: &Element, schema: FiSchema, out: &mut Vec<u8>) {
    put(out, "<");
    put(out, element.name);
    for (name, value) in &element.attributes {
        let name = *name;
        if schema == FiSchema::V1 {
            attribute(out, name, value);
            continue;
        }
        match (element.name, name, &**value) {
            ("Account", "version", _) => attribute(out, name, version(schema)),
            ("Holder", "ckycCompliance", value) => {
                attribute(
                    out,
                    "ckycRegistered",
                    if value == "true" { "YES" } else { "NO" },
                );
            }
            ("Summary", "currentValue", value) => {
                attribute(out, "currency", "INR");
                attribute(out, "currentBalance", value);
            }
            ("Transaction", "balance", value) => attribute(out, "transactionalBalance", value),
            (_, name, value) => attribute(out, name, value),
        }
    }
}

fn attribute(out: &mut Vec<u8>, name: &str, value: &str) {
    put(out, " ");
    put(out, name);
    text(out, "=\"", value);
    put(out, "\"");
}

/// Writes what stands before a value, and the value, escaped.
fn text(out: &mut Vec<u8>, before: &str, value: &str) {
    put(out, before);
    // One pass without branches over a text that almost never needs more.
    let special =
        |byte: u8| byte < b' ' || byte == b'&' || byte == b'<' || byte == b'>' || byte == b'"';
    if !value
        .bytes()
        .fold(false, |found, byte| found | special(byte))
    {
        put(out, value);
        return;
    }
    for byte in value.bytes() {
        match byte {
            b'&' => put(out, "&amp;"),
            b'<' => put(out, "&lt;"),
            b'>' => put(out, "&gt;"),
            b'"' => put(out, "&quot;"),
            b'\n' => put(out, "&#10;"),
            b'\r' => put(out, "&#13;"),
            b'\t' => put(out, "&#9;"),
            // XML 1.0 has no place for other control characters.
            0..b' ' => put(out, "\u{fffd}"),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn special_characters_are_escaped() {
        let mut out = Vec::new();
        text(&mut out, "narration=\"", "A&B <\"c\"> ₹5\n\u{1}");
        assert_eq!(
            String::from_utf8_lossy(&out),
            "narration=\"A&amp;B &lt;&quot;c&quot;&gt; ₹5&#10;\u{fffd}"
        );
    }
}
