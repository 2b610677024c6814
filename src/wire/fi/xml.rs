//! XML by the ReBIT FI schema for DEPOSIT, version 1 (`deposit.xsd`, namespace `…/FISchema/deposit`).
//!
//! Written by hand into one buffer: rows are the bulk of what the sandbox sends, and pushing digits is several times
//! as fast as formatting them (`reference/perf-baseline.md` §4).

use chrono::{DateTime, Datelike, NaiveDate, Timelike};

use crate::domain::money::Paise;
use crate::domain::statement::{Holder, Row, Statement, Summary, Transactions};
use crate::domain::time::{IST_OFFSET_MS, Timestamp, put_digits};

/// Appends the statement's document to the buffer.
pub fn write(statement: &Statement, out: &mut String) {
    let Statement { account, profile, summary, transactions } = statement;
    let rows = transactions.as_ref().map_or(0, |transactions| transactions.rows.len());
    out.reserve(1024 + rows * 320);
    out.push_str(r#"<?xml version="1.0" encoding="UTF-8"?><Account xmlns="http://api.rebit.org.in/FISchema/deposit""#);
    out.push_str(r#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#);
    out.push_str(r#" xsi:schemaLocation="http://api.rebit.org.in/FISchema/deposit ../FISchema/deposit.xsd""#);
    text(out, " linkedAccRef", &account.link_ref);
    text(out, " maskedAccNumber", &account.masked_number);
    out.push_str(r#" version="1.1" type="deposit">"#);
    if let Some(holder) = profile {
        write_profile(holder, out);
    }
    if let Some(summary) = summary {
        write_summary(summary, account.account_type.as_str(), out);
    }
    if let Some(transactions) = transactions {
        write_transactions(transactions, out);
    }
    out.push_str("</Account>");
}

fn write_profile(holder: &Holder, out: &mut String) {
    let Holder { name, born, mobile, email, pan, address, nominee_registered, ckyc_compliant } = holder;
    out.push_str(r#"<Profile><Holders type="SINGLE"><Holder"#);
    text(out, " name", name);
    date(out, " dob", *born);
    text(out, " mobile", mobile);
    text(out, " nominee", if *nominee_registered { "REGISTERED" } else { "NOT-REGISTERED" });
    text(out, " email", email);
    text(out, " pan", pan);
    text(out, " address", address);
    text(out, " ckycCompliance", if *ckyc_compliant { "true" } else { "false" });
    out.push_str("/></Holders></Profile>");
}

fn write_summary(summary: &Summary, account_type: &str, out: &mut String) {
    let Summary { balance, balance_at, branch, ifsc, micr, opened_on } = summary;
    out.push_str("<Summary");
    money(out, " currentBalance", *balance);
    text(out, " currency", "INR");
    instant(out, " balanceDateTime", *balance_at);
    text(out, " type", account_type);
    text(out, " branch", branch);
    text(out, " ifscCode", ifsc);
    text(out, " micrCode", micr);
    date(out, " openingDate", *opened_on);
    out.push_str(r#" status="ACTIVE"/>"#);
}

fn write_transactions(transactions: &Transactions, out: &mut String) {
    out.push_str("<Transactions");
    date(out, " startDate", transactions.range.from.ist_date());
    date(out, " endDate", transactions.range.to.ist_date());
    out.push('>');
    for row in &transactions.rows {
        write_row(row, transactions, out);
    }
    out.push_str("</Transactions>");
}

fn write_row(row: &Row, transactions: &Transactions, out: &mut String) {
    out.push_str(r#"<Transaction txnId="M"#);
    digits(out, row.id);
    out.push('"');
    text(out, " type", row.transaction_type.as_str());
    text(out, " mode", row.mode.as_str());
    money(out, " amount", row.amount);
    money(out, " currentBalance", row.balance);
    instant(out, " transactionTimestamp", row.at);
    date(out, " valueDate", row.at.ist_date());
    text(out, " narration", transactions.narration(row));
    text(out, " reference", transactions.reference(row));
    out.push_str("/>");
}

/// Writes ` name="value"`, the value escaped.
fn text(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push_str("=\"");
    let mut rest = value;
    while let Some(place) = rest.find(|c: char| matches!(c, '&' | '<' | '>' | '"' | '\n' | '\r' | '\t') || c < ' ') {
        let (plain, special) = rest.split_at(place);
        out.push_str(plain);
        out.push_str(match special.as_bytes()[0] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\n' => "&#10;",
            b'\r' => "&#13;",
            b'\t' => "&#9;",
            // XML 1.0 has no place for other control characters.
            _ => "\u{fffd}",
        });
        rest = &special[1..];
    }
    out.push_str(rest);
    out.push('"');
}

/// An amount in rupees with two decimals.
fn money(out: &mut String, name: &str, amount: Paise) {
    out.push_str(name);
    out.push_str("=\"");
    push_money(out, amount);
    out.push('"');
}

pub(super) fn push_money(out: &mut String, amount: Paise) {
    if amount.0 < 0 {
        out.push('-');
    }
    let paise = amount.0.unsigned_abs();
    digits(out, paise / 100);
    let mut decimals = *b".00";
    put_digits(&mut decimals[1..], u32::try_from(paise % 100).expect("below 100"));
    out.push_str(std::str::from_utf8(&decimals).expect("ASCII"));
}

/// A whole number.
fn digits(out: &mut String, mut number: u64) {
    let mut buffer = [b'0'; 20];
    let mut start = buffer.len();
    loop {
        start -= 1;
        buffer[start] = b'0' + u8::try_from(number % 10).expect("a digit");
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.push_str(std::str::from_utf8(&buffer[start..]).expect("ASCII"));
}

fn date(out: &mut String, name: &str, date: NaiveDate) {
    out.push_str(name);
    let mut value = *b"=\"0000-00-00\"";
    put_date(&mut value[2..12], date);
    out.push_str(std::str::from_utf8(&value).expect("ASCII"));
}

fn put_date(place: &mut [u8], date: NaiveDate) {
    put_digits(&mut place[0..4], date.year().unsigned_abs());
    put_digits(&mut place[5..7], date.month());
    put_digits(&mut place[8..10], date.day());
}

/// Banks print Indian time with its offset.
fn instant(out: &mut String, name: &str, at: Timestamp) {
    out.push_str(name);
    out.push_str("=\"");
    push_instant(out, at);
    out.push('"');
}

pub(super) fn push_instant(out: &mut String, at: Timestamp) {
    let local = DateTime::from_timestamp_millis(at.as_millis() + IST_OFFSET_MS).expect("years 1 to 9999").naive_utc();
    let mut value = *b"0000-00-00T00:00:00+05:30";
    put_date(&mut value[0..10], local.date());
    put_digits(&mut value[11..13], local.hour());
    put_digits(&mut value[14..16], local.minute());
    put_digits(&mut value[17..19], local.second());
    out.push_str(std::str::from_utf8(&value).expect("ASCII"));
}

#[cfg(test)]
mod tests {
    use super::{push_money, text};
    use crate::domain::money::Paise;

    #[test]
    fn special_characters_are_escaped() {
        let mut out = String::new();
        text(&mut out, " narration", "A&B <\"c\"> ₹5\n\u{1}");
        assert_eq!(out, " narration=\"A&amp;B &lt;&quot;c&quot;&gt; ₹5&#10;\u{fffd}\"");
    }

    #[test]
    fn money_has_two_decimals() {
        for (paise, expected) in [(0, "0.00"), (5, "0.05"), (-1234, "-12.34"), (123_456_789, "1234567.89")] {
            let mut out = String::new();
            push_money(&mut out, Paise(paise));
            assert_eq!(out, expected);
        }
    }
}
