//! JSON writer: attributes are keys, elements are objects ([`super::element_json`]). The names are those of the FI
//! schema, or those that the FIU module of a gateway gives them (`docs/sources.md#fi-schemas`).

use serde_json::{Value, json};

use crate::domain::digits::append_number;
use crate::domain::document::{Document, Element};
use crate::domain::participants::FiSchema;
use crate::domain::statement::{NewRow, Statement};
use crate::domain::statement_writer::StatementWriter;
use crate::domain::terms::TimeRange;
use crate::wire::fi::format::{format_date, push_amount, push_str, push_value_date};
use crate::wire::fi::{element_json, gateway_json, xml};

/// The names and wrappers of a JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonDialect {
    /// The names of the FI schema.
    Schema,
    /// That of Finvu's FIU module: no wrapper around the account, `schemaLocation` beside its attributes, and an object
    /// for a single holder.
    Finvu,
    /// That of Setu's gateway: names of elements with a small first letter, and names with underscores in camel case.
    Setu,
}

impl JsonDialect {
    /// Returns the key of the account, if it is wrapped.
    fn wrapper(self) -> Option<&'static str> {
        match self {
            Self::Schema => Some("Account"),
            Self::Finvu => None,
            Self::Setu => Some("account"),
        }
    }

    /// Returns the keys of the list of transactions and of the transactions in it.
    fn transaction_keys(self) -> [&'static str; 2] {
        match self {
            Self::Schema | Self::Finvu => ["Transactions", "Transaction"],
            Self::Setu => ["transactions", "transaction"],
        }
    }

    fn account_to_json(self, root: &Element) -> Value {
        match self {
            Self::Schema => element_json::element_to_json(root),
            Self::Finvu => gateway_json::to_finvu(root),
            Self::Setu => gateway_json::to_setu(root),
        }
    }
}

/// The writer of JSON statements in one generation of the schemas.
#[derive(Clone, Copy, Debug)]
pub struct JsonWriter {
    schema: FiSchema,
    dialect: JsonDialect,
    /// `true` if the statement has a list of transactions.
    has_transactions: bool,
    /// `true` after the first row, so that later rows start with a comma.
    has_rows: bool,
}

impl JsonWriter {
    pub fn new(schema: FiSchema, dialect: JsonDialect) -> Self {
        Self {
            schema,
            dialect,
            has_transactions: false,
            has_rows: false,
        }
    }
}

impl StatementWriter for JsonWriter {
    fn write_header(&mut self, statement: &Statement, range: Option<TimeRange>, out: &mut Vec<u8>) {
        match self.dialect.wrapper() {
            Some(wrapper) => push_str(out, &format!("{{\n  \"{wrapper}\": {{")),
            None => push_str(out, "{"),
        }
        let root = xml::build_account_element(statement, self.schema);
        let head = self.dialect.account_to_json(&root);
        let mut is_first = true;
        for (name, value) in head.as_object().into_iter().flatten() {
            let separator = if is_first { "" } else { "," };
            is_first = false;
            push_str(
                out,
                &format!("{separator}\n    {}: {value}", Value::from(&**name)),
            );
        }
        self.has_transactions = range.is_some();
        self.has_rows = false;
        if let Some(range) = range {
            let [list, item] = self.dialect.transaction_keys();
            push_str(
                out,
                &format!(",\n    \"{list}\": {{\n      \"startDate\": \""),
            );
            out.extend_from_slice(&format_date(range.from.ist_date()));
            push_str(out, "\",\n      \"endDate\": \"");
            out.extend_from_slice(&format_date(range.to.ist_date()));
            push_str(out, &format!("\",\n      \"{item}\": ["));
        }
    }

    fn write_row(&mut self, row: &NewRow<'_>, out: &mut Vec<u8>) {
        push_str(
            out,
            if self.has_rows {
                ",\n        {\"txnId\":"
            } else {
                "\n        {\"txnId\":"
            },
        );
        self.has_rows = true;
        match row.supplied.txn_id {
            None => {
                push_str(out, "\"M");
                append_number(out, row.id);
                push_str(out, "\"");
            }
            Some(id) => write_json_string(out, id),
        }
        push_str(out, ",\"type\":\"");
        push_str(out, row.transaction_type.as_str());
        push_str(out, "\",\"mode\":\"");
        push_str(out, row.mode.name_in(self.schema));
        push_str(out, "\",\"amount\":\"");
        push_amount(out, row.amount);
        push_str(out, "\",\"");
        push_str(out, xml::balance_attribute(self.schema));
        push_str(out, "\":\"");
        push_amount(out, row.balance);
        push_str(out, "\",\"transactionTimestamp\":\"");
        let at = row.at.to_ist_bytes();
        out.extend_from_slice(&at);
        push_str(out, "\",\"valueDate\":\"");
        push_value_date(out, row, &at);
        push_str(out, "\",\"narration\":");
        write_json_string(out, row.narration);
        push_str(out, ",\"reference\":");
        write_json_string(out, row.reference);
        push_str(out, "}");
    }

    fn write_footer(&mut self, out: &mut Vec<u8>) {
        if self.has_transactions {
            push_str(out, "\n      ]\n    }");
        }
        if self.dialect.wrapper().is_some() {
            push_str(out, "\n  }");
        }
        push_str(out, "\n}\n");
    }

    fn write_document(&mut self, _: &Statement, document: &Document, out: &mut Vec<u8>) {
        let account = self.dialect.account_to_json(&document.root);
        let object = match self.dialect.wrapper() {
            Some(wrapper) => json!({ wrapper: account }),
            None => account,
        };
        serde_json::to_writer_pretty(&mut *out, &object).expect("a buffer takes everything");
        push_str(out, "\n");
    }
}

/// Appends a text as a JSON string, quoted and escaped.
fn write_json_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a buffer takes everything");
}
