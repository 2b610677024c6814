//! XML writer of the FI schemas, in two generations (`docs/sources.md#fi-schemas`).
//!
//! The XML is written by hand into a byte buffer: rows are most of the data that mockaa sends, and
//! pushing digits is several times as fast as formatting them (`docs/performance.md`).

use crate::domain::account::{AccountType, FiType};
use crate::domain::digits::append_number;
use crate::domain::document::{Document, Element};
use crate::domain::participants::FiSchema;
use crate::domain::quirk::Quirk;
use crate::domain::statement::{
    BankStatement, Holder, NewRow, SentStatement, Statement, StatementBody, StatementForm, Summary,
};
use crate::domain::statement_writer::StatementWriter;
use crate::domain::terms::TimeRange;
use crate::wire::fi::format::{format_date, push_amount, push_str, push_value_date};
use crate::wire::fi::schema::schema_of;

/// The prefix of elements with the quirk `prefixed-elements`, as some FIPs have it.
const PREFIX: &str = "aa:";

const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// Appends the XML document of a statement, in UTF-8.
pub fn write_statement(sent: &SentStatement, out: &mut Vec<u8>) {
    let SentStatement {
        statement,
        schema,
        has_prefix,
    } = sent;
    let schema = *schema;
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
        StatementBody::Other(document) => write_document(document, *has_prefix, out),
    }
}

/// The writer of XML statements in one generation of the schemas. A document is one line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct XmlWriter {
    schema: FiSchema,
    /// `true` if elements have a prefix.
    has_prefix: bool,
    /// `true` if the statement has a list of transactions.
    has_transactions: bool,
}

impl XmlWriter {
    pub(crate) fn new(form: StatementForm) -> Self {
        Self {
            schema: form.schema,
            has_prefix: form.quirks.contains(Quirk::PrefixedElements),
            has_transactions: false,
        }
    }
}

impl StatementWriter for XmlWriter {
    fn write_header(&mut self, statement: &Statement, range: Option<TimeRange>, out: &mut Vec<u8>) {
        write_account_start(statement, self.schema, out);
        self.has_transactions = range.is_some();
        if let Some(range) = range {
            write_transactions_start(range, out);
        }
    }

    fn write_row(&mut self, row: &NewRow<'_>, out: &mut Vec<u8>) {
        write_row(row, self.schema, out);
    }

    fn write_footer(&mut self, out: &mut Vec<u8>) {
        if self.has_transactions {
            write_transactions_end(out);
        }
        write_account_end(out);
        push_str(out, "\n");
    }

    fn write_document(&mut self, _: &Statement, document: &Document, out: &mut Vec<u8>) {
        write_document(document, self.has_prefix, out);
        push_str(out, "\n");
    }
}

fn write_document(document: &Document, has_prefix: bool, out: &mut Vec<u8>) {
    push_str(out, DECLARATION);
    write_element(&document.root, if has_prefix { PREFIX } else { "" }, out);
}

/// Appends a bank account's document up to its transactions.
fn write_account_start(statement: &Statement, schema: FiSchema, out: &mut Vec<u8>) {
    let account_element = build_account_element(statement, schema);
    push_str(out, DECLARATION);
    write_start_tag(&account_element, "", out);
    push_str(out, ">");
    for child in &account_element.children {
        write_element(child, "", out);
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

/// Builds the `Account` element of a bank account without its transactions.
pub(crate) fn build_account_element(statement: &Statement, schema: FiSchema) -> Element {
    let account = &statement.account;
    let root = Element::new("Account")
        .with_attribute("linkedAccRef", account.link_ref.to_string())
        .with_attribute("maskedAccNumber", account.masked_number.to_string());
    let profile = statement.holders.as_ref().map(|holders| {
        let holder_elements = holders.iter().map(build_holder);
        Element::new("Profile").with_children([Element::new("Holders")
            .with_attribute("type", holders.holding_type())
            .with_children(holder_elements)])
    });
    let summary = statement.as_bank().and_then(|bank| bank.summary.as_ref());
    let root = root
        .with_children(profile)
        .with_children(summary.map(|summary| build_summary(summary, account.account_type, schema)));
    schema_of(FiType::Deposit, schema).shape_root(&root)
}

/// Builds the element of a holder, with the names of both generations. What a supplied statement does not have is
/// left out.
fn build_holder(holder: &Holder) -> Element {
    let Holder {
        name,
        date_of_birth: born,
        mobile,
        landline,
        email,
        pan,
        address,
        nominee_registered: _,
        ckyc_compliant,
        demat_id: _,
    } = holder;
    let is_compliant = *ckyc_compliant == Some(true);
    Element::new_repeatable("Holder")
        .with_attribute("name", name.clone())
        .with_optional_attribute("dob", born.map(|day| day.to_string()))
        .with_optional_attribute("mobile", non_empty(mobile))
        .with_optional_attribute("nominee", holder.nominee_status())
        .with_optional_attribute("landline", non_empty(landline))
        .with_optional_attribute("email", non_empty(email))
        .with_optional_attribute("pan", non_empty(pan))
        .with_optional_attribute("address", non_empty(address))
        .with_attribute("ckycCompliance", is_compliant.to_string())
        .with_attribute("ckycRegistered", holder.ckyc_registration())
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
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
    let current_type = match account_type {
        AccountType::Nre => "NRE",
        AccountType::Nro => "NRO",
        AccountType::Savings | AccountType::Current | AccountType::Default => "REGULAR",
    };
    let has_overdraft = limit.0 > 0;
    let mut element = Element::new("Summary")
        .with_attribute("currentBalance", balance.to_string())
        .with_attribute("currency", "INR")
        .with_attribute("balanceDateTime", balance_at.to_ist_string())
        .with_attribute("type", account_sub_type)
        .with_attribute("accountType", current_type)
        .with_attribute("accountSubType", account_sub_type)
        .with_optional_attribute("branch", non_empty(branch))
        .with_optional_attribute("ifscCode", non_empty(ifsc))
        .with_optional_attribute("ifsc", non_empty(ifsc))
        .with_optional_attribute("micrCode", non_empty(micr))
        .with_optional_attribute("openingDate", opened_on.map(|day| day.to_string()))
        .with_attribute("status", if *active { "ACTIVE" } else { "INACTIVE" });
    if let Some(facility) = facility_word(has_overdraft, schema) {
        element = element.with_attribute("facility", facility);
    }
    if has_overdraft {
        element = element
            .with_attribute("currentODLimit", limit.to_string())
            .with_attribute("drawingLimit", summary.drawing_limit().to_string());
    }
    element
}

/// Returns the facility of an account; the retired schema has no word for an account without one.
pub(crate) const fn facility_word(has_overdraft: bool, schema: FiSchema) -> Option<&'static str> {
    match (schema, has_overdraft) {
        (FiSchema::Current, true) => Some("OVERDRAFT"),
        (FiSchema::Current, false) => Some("NO_FACILITY_GRANTED"),
        (FiSchema::Retired, true) => Some("OD"),
        (FiSchema::Retired, false) => None,
    }
}

/// Appends one transaction.
fn write_row(row: &NewRow<'_>, schema: FiSchema, out: &mut Vec<u8>) {
    push_str(out, "<Transaction txnId=\"");
    match row.supplied.txn_id {
        None => {
            push_str(out, "M");
            append_number(out, row.id);
        }
        Some(id) => write_escaped(out, "", id),
    }
    push_str(out, "\" type=\"");
    push_str(out, row.transaction_type.as_str());
    push_str(out, "\" mode=\"");
    push_str(out, row.mode.name_in(schema));
    push_str(out, "\" amount=\"");
    push_amount(out, row.amount);
    push_str(out, "\" ");
    push_str(out, balance_attribute(schema));
    push_str(out, "=\"");
    push_amount(out, row.balance);
    push_str(out, "\" transactionTimestamp=\"");
    let at = row.at.to_ist_bytes();
    out.extend_from_slice(&at);
    push_str(out, "\" valueDate=\"");
    push_value_date(out, row, &at);
    write_escaped(out, "\" narration=\"", row.narration);
    write_escaped(out, "\" reference=\"", row.reference);
    push_str(out, "\"/>");
}

/// Returns the name of the balance after a transaction of DEPOSIT.
pub(crate) const fn balance_attribute(schema: FiSchema) -> &'static str {
    match schema {
        FiSchema::Current => "transactionalBalance",
        FiSchema::Retired => "currentBalance",
    }
}

fn write_element(element: &Element, prefix: &str, out: &mut Vec<u8>) {
    write_start_tag(element, prefix, out);
    if element.children.is_empty() && element.text.is_none() {
        push_str(out, "/>");
        return;
    }
    push_str(out, ">");
    if let Some(text) = &element.text {
        write_escaped(out, "", text);
    }
    for child in &element.children {
        write_element(child, prefix, out);
    }
    push_str(out, "</");
    push_str(out, prefix);
    push_str(out, element.name);
    push_str(out, ">");
}

fn write_start_tag(element: &Element, prefix: &str, out: &mut Vec<u8>) {
    push_str(out, "<");
    push_str(out, prefix);
    push_str(out, element.name);
    for (name, value) in &element.attributes {
        let name = if *name == "xmlns" && !prefix.is_empty() {
            "xmlns:aa"
        } else {
            *name
        };
        write_attribute(out, name, value);
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
