//! XML by the ReBIT FI schemas: version 1 of all kinds, version 2.0.0 of the three deposits (`reference/rebit.md` §6).
//!
//! Written by hand into a buffer of bytes: rows are the bulk of what the sandbox sends, and pushing digits is several
//! times as fast as formatting them (`reference/perf-baseline.md` §4).

use crate::domain::account::{AccountType, FiType};
use crate::domain::consent::Range;
use crate::domain::document::Element;
use crate::domain::money::Paise;
use crate::domain::participants::FiSchema;
use crate::domain::statement::{BankBody, Body, Holder, Holders, NewRow, Row, Statement, Summary, Transactions};
use crate::wire::fi::digits::{date, instant, money, number};

const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// Appends the statement's document to the buffer; it is UTF-8.
pub fn write(statement: &Statement, schema: FiSchema, out: &mut Vec<u8>) {
    match &statement.body {
        Body::Bank(BankBody { summary, transactions }) => {
            let rows = transactions.as_ref().map_or(0, |transactions| transactions.rows.len());
            out.reserve(1024 + rows * 320);
            let head = Head { statement, summary: summary.as_ref() };
            open(head, schema, out);
            if let Some(transactions) = transactions {
                open_rows(transactions.range, out);
                for row in &transactions.rows {
                    write_row(&whole(row, transactions), schema, out);
                }
                close_rows(out);
            }
            close(out);
        }
        Body::Other(document) => {
            put(out, DECLARATION);
            let version = if has_v2(statement.account.fi_type) { schema } else { FiSchema::V1 };
            write_element(&document.root, version, None, out);
        }
    }
}

/// The kinds that a second version of the schema exists of.
pub fn has_v2(fi_type: FiType) -> bool {
    matches!(fi_type, FiType::Deposit | FiType::TermDeposit | FiType::RecurringDeposit)
}

/// What stands before a bank account's transactions.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    pub statement: &'a Statement,
    pub summary: Option<&'a Summary>,
}

/// Writes a bank account up to its transactions; whoever has too many rows for a buffer writes them one by one.
pub fn open(head: Head<'_>, schema: FiSchema, out: &mut Vec<u8>) {
    let Head { statement: Statement { account, holders, .. }, summary } = head;
    put(out, DECLARATION);
    put(out, r#"<Account xmlns="http://api.rebit.org.in/FISchema/deposit""#);
    put(out, r#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#);
    put(out, r#" xsi:schemaLocation="http://api.rebit.org.in/FISchema/deposit ../FISchema/deposit"#);
    put(out, if schema == FiSchema::V2 { "_v2.0.0.xsd" } else { ".xsd" });
    text(out, "\" linkedAccRef=\"", &account.link_ref);
    text(out, "\" maskedAccNumber=\"", &account.masked_number);
    put(out, "\" version=\"");
    put(out, version(schema));
    put(out, r#"" type="deposit">"#);
    if let Some(holders) = holders {
        write_profile(holders, schema, out);
    }
    if let Some(summary) = summary {
        write_summary(summary, account.account_type, schema, out);
    }
}

pub fn open_rows(range: Range, out: &mut Vec<u8>) {
    put(out, "<Transactions startDate=\"");
    out.extend_from_slice(&date(range.from.ist_date()));
    put(out, "\" endDate=\"");
    out.extend_from_slice(&date(range.to.ist_date()));
    put(out, "\">");
}

pub fn close_rows(out: &mut Vec<u8>) {
    put(out, "</Transactions>");
}

pub fn close(out: &mut Vec<u8>) {
    put(out, "</Account>");
}

fn version(schema: FiSchema) -> &'static str {
    match schema {
        FiSchema::V1 => "1.1",
        FiSchema::V2 => "2.0.0",
    }
}

fn write_profile(holders: &Holders, schema: FiSchema, out: &mut Vec<u8>) {
    put(out, "<Profile><Holders type=\"");
    put(out, holders.kind());
    put(out, "\">");
    for holder in holders.iter() {
        let Holder { name, born, mobile, email, pan, address, nominee_registered, ckyc_compliant, demat_id: _ } =
            holder;
        text(out, "<Holder name=\"", name);
        put(out, "\" dob=\"");
        out.extend_from_slice(&date(*born));
        text(out, "\" mobile=\"", mobile);
        put(out, if *nominee_registered { "\" nominee=\"REGISTERED" } else { "\" nominee=\"NOT-REGISTERED" });
        text(out, "\" email=\"", email);
        text(out, "\" pan=\"", pan);
        text(out, "\" address=\"", address);
        put(
            out,
            match (schema, ckyc_compliant) {
                (FiSchema::V1, true) => "\" ckycCompliance=\"true",
                (FiSchema::V1, false) => "\" ckycCompliance=\"false",
                (FiSchema::V2, true) => "\" ckycRegistered=\"YES",
                (FiSchema::V2, false) => "\" ckycRegistered=\"NO",
            },
        );
        put(out, "\"/>");
    }
    put(out, "</Holders></Profile>");
}

fn write_summary(summary: &Summary, account_type: AccountType, schema: FiSchema, out: &mut Vec<u8>) {
    let Summary { balance, balance_at, branch, ifsc, micr, opened_on, limit, active } = summary;
    put(out, "<Summary currentBalance=\"");
    money(out, *balance);
    put(out, "\" currency=\"INR\" balanceDateTime=\"");
    out.extend_from_slice(&instant(*balance_at));
    let current = account_type == AccountType::Current;
    let kind = if current { "CURRENT" } else { "SAVINGS" };
    match schema {
        FiSchema::V1 => {
            put(out, "\" type=\"");
            put(out, kind);
        }
        FiSchema::V2 => {
            put(out, "\" accountType=\"");
            put(
                out,
                match account_type {
                    AccountType::Nre => "NRE",
                    AccountType::Nro => "NRO",
                    AccountType::Savings | AccountType::Current | AccountType::Default => "REGULAR",
                },
            );
            put(out, "\" accountSubType=\"");
            put(out, kind);
        }
    }
    text(out, "\" branch=\"", branch);
    put(
        out,
        match (schema, limit.0 > 0) {
            (FiSchema::V1, true) => "\" facility=\"OD",
            (FiSchema::V1, false) => "",
            (FiSchema::V2, true) => "\" facility=\"OVERDRAFT",
            (FiSchema::V2, false) => "\" facility=\"NO_FACILITY_GRANTED",
        },
    );
    text(out, if schema == FiSchema::V1 { "\" ifscCode=\"" } else { "\" ifsc=\"" }, ifsc);
    text(out, "\" micrCode=\"", micr);
    put(out, "\" openingDate=\"");
    out.extend_from_slice(&date(*opened_on));
    if limit.0 > 0 {
        put(out, "\" currentODLimit=\"");
        money(out, *limit);
        put(out, "\" drawingLimit=\"");
        money(out, (*limit + *balance).min(*limit).max(Paise(0)));
    }
    put(out, if *active { "\" status=\"ACTIVE\"/>" } else { "\" status=\"INACTIVE\"/>" });
}

/// The row with its texts.
pub fn whole<'t>(row: &Row, transactions: &'t Transactions) -> NewRow<'t> {
    let Row { at, transaction_type, mode, amount, balance, id, .. } = *row;
    let (narration, reference) = (transactions.narration(row), transactions.reference(row));
    NewRow { at, transaction_type, mode, amount, balance, id, narration, reference }
}

/// One transaction.
pub fn write_row(row: &NewRow<'_>, schema: FiSchema, out: &mut Vec<u8>) {
    put(out, "<Transaction txnId=\"M");
    number(out, row.id);
    put(out, "\" type=\"");
    put(out, row.transaction_type.as_str());
    put(out, "\" mode=\"");
    put(out, if schema == FiSchema::V1 { row.mode.v1() } else { row.mode.as_str() });
    put(out, "\" amount=\"");
    money(out, row.amount);
    put(out, if schema == FiSchema::V1 { "\" currentBalance=\"" } else { "\" transactionalBalance=\"" });
    money(out, row.balance);
    put(out, "\" transactionTimestamp=\"");
    let at = instant(row.at);
    out.extend_from_slice(&at);
    put(out, "\" valueDate=\"");
    out.extend_from_slice(&at[..10]);
    text(out, "\" narration=\"", row.narration);
    text(out, "\" reference=\"", row.reference);
    put(out, "\"/>");
}

/// Version 2.0.0 renames some attributes (`reference/rebit.md` §6.1).
fn write_element(element: &Element, schema: FiSchema, within: Option<&str>, out: &mut Vec<u8>) {
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
                attribute(out, "ckycRegistered", if value == "true" { "YES" } else { "NO" });
            }
            ("Summary", "currentValue", value) => {
                attribute(out, "currency", "INR");
                attribute(out, "currentBalance", value);
            }
            ("Transaction", "balance", value) => attribute(out, "transactionalBalance", value),
            (_, name, value) => attribute(out, name, value),
        }
    }
    if element.children.is_empty() && within.is_some() {
        put(out, "/>");
        return;
    }
    put(out, ">");
    for child in &element.children {
        write_element(child, schema, Some(element.name), out);
    }
    put(out, "</");
    put(out, element.name);
    put(out, ">");
}

fn attribute(out: &mut Vec<u8>, name: &str, value: &str) {
    put(out, " ");
    put(out, name);
    text(out, "=\"", value);
    put(out, "\"");
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Writes what stands before a value, and the value, escaped.
fn text(out: &mut Vec<u8>, before: &str, value: &str) {
    put(out, before);
    // One pass without branches over a text that almost never needs more.
    let special = |byte: u8| byte < b' ' || byte == b'&' || byte == b'<' || byte == b'>' || byte == b'"';
    if !value.bytes().fold(false, |found, byte| found | special(byte)) {
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
        assert_eq!(String::from_utf8_lossy(&out), "narration=\"A&amp;B &lt;&quot;c&quot;&gt; ₹5&#10;\u{fffd}");
    }
}
