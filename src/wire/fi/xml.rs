//! XML by the ReBIT FI schema for DEPOSIT, version 1 (`deposit.xsd`, namespace `…/FISchema/deposit`).
//!
//! Written by hand into one buffer of bytes: rows are the bulk of what the sandbox sends, and pushing digits is several
//! times as fast as formatting them (`reference/perf-baseline.md` §4).

use crate::domain::statement::{Holder, Row, Statement, Summary, Transactions};
use crate::wire::fi::digits::{date, instant, money, number};

/// Appends the statement's document to the buffer; it is UTF-8.
pub fn write(statement: &Statement, out: &mut Vec<u8>) {
    let Statement { account, profile, summary, transactions } = statement;
    let rows = transactions.as_ref().map_or(0, |transactions| transactions.rows.len());
    out.reserve(1024 + rows * 320);
    put(out, r#"<?xml version="1.0" encoding="UTF-8"?><Account xmlns="http://api.rebit.org.in/FISchema/deposit""#);
    put(out, r#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#);
    put(out, r#" xsi:schemaLocation="http://api.rebit.org.in/FISchema/deposit ../FISchema/deposit.xsd""#);
    text(out, " linkedAccRef=\"", &account.link_ref);
    text(out, "\" maskedAccNumber=\"", &account.masked_number);
    put(out, r#"" version="1.1" type="deposit">"#);
    if let Some(holder) = profile {
        write_profile(holder, out);
    }
    if let Some(summary) = summary {
        write_summary(summary, account.account_type.as_str(), out);
    }
    if let Some(transactions) = transactions {
        write_transactions(transactions, out);
    }
    put(out, "</Account>");
}

fn write_profile(holder: &Holder, out: &mut Vec<u8>) {
    let Holder { name, born, mobile, email, pan, address, nominee_registered, ckyc_compliant } = holder;
    text(out, "<Profile><Holders type=\"SINGLE\"><Holder name=\"", name);
    put(out, "\" dob=\"");
    out.extend_from_slice(&date(*born));
    text(out, "\" mobile=\"", mobile);
    put(out, if *nominee_registered { "\" nominee=\"REGISTERED" } else { "\" nominee=\"NOT-REGISTERED" });
    text(out, "\" email=\"", email);
    text(out, "\" pan=\"", pan);
    text(out, "\" address=\"", address);
    put(out, if *ckyc_compliant { "\" ckycCompliance=\"true" } else { "\" ckycCompliance=\"false" });
    put(out, "\"/></Holders></Profile>");
}

fn write_summary(summary: &Summary, account_type: &str, out: &mut Vec<u8>) {
    let Summary { balance, balance_at, branch, ifsc, micr, opened_on } = summary;
    put(out, "<Summary currentBalance=\"");
    money(out, *balance);
    put(out, "\" currency=\"INR\" balanceDateTime=\"");
    out.extend_from_slice(&instant(*balance_at));
    put(out, "\" type=\"");
    put(out, account_type);
    text(out, "\" branch=\"", branch);
    text(out, "\" ifscCode=\"", ifsc);
    text(out, "\" micrCode=\"", micr);
    put(out, "\" openingDate=\"");
    out.extend_from_slice(&date(*opened_on));
    put(out, "\" status=\"ACTIVE\"/>");
}

fn write_transactions(transactions: &Transactions, out: &mut Vec<u8>) {
    put(out, "<Transactions startDate=\"");
    out.extend_from_slice(&date(transactions.range.from.ist_date()));
    put(out, "\" endDate=\"");
    out.extend_from_slice(&date(transactions.range.to.ist_date()));
    put(out, "\">");
    for row in &transactions.rows {
        write_row(row, transactions, out);
    }
    put(out, "</Transactions>");
}

fn write_row(row: &Row, transactions: &Transactions, out: &mut Vec<u8>) {
    put(out, "<Transaction txnId=\"M");
    number(out, row.id);
    put(out, "\" type=\"");
    put(out, row.transaction_type.as_str());
    put(out, "\" mode=\"");
    put(out, row.mode.as_str());
    put(out, "\" amount=\"");
    money(out, row.amount);
    put(out, "\" currentBalance=\"");
    money(out, row.balance);
    put(out, "\" transactionTimestamp=\"");
    let at = instant(row.at);
    out.extend_from_slice(&at);
    put(out, "\" valueDate=\"");
    out.extend_from_slice(&at[..10]);
    text(out, "\" narration=\"", transactions.narration(row));
    text(out, "\" reference=\"", transactions.reference(row));
    put(out, "\"/>");
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
