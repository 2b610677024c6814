//! JSON writer with the names of the FI schema: attributes are keys, elements are objects
//! ([`super::element_json`]).

use serde_json::{Value, json};

use crate::domain::digits::append_number;
use crate::domain::document::Document;
use crate::domain::participants::FiSchema;
use crate::domain::statement::{NewRow, Statement};
use crate::domain::terms::TimeRange;
use crate::wire::fi::format::{format_date, push_amount, push_str};
use crate::wire::fi::{StatementWriter, element_json, xml};

/// The writer of JSON statements in one generation of the schemas.
#[derive(Clone, Copy, Debug)]
pub struct JsonWriter {
    schema: FiSchema,
    /// `true` after the first row, so that later rows start with a comma.
    has_rows: bool,
}

impl JsonWriter {
    pub fn new(schema: FiSchema) -> Self {
        Self {
            schema,
            has_rows: false,
        }
    }
}

impl StatementWriter for JsonWriter {
    fn write_header(&mut self, statement: &Statement, range: TimeRange, out: &mut Vec<u8>) {
        push_str(out, "{\n  \"Account\": {");
        if let Value::Object(head) =
            element_json::element_to_json(&xml::build_account_element(statement, self.schema))
        {
            for (name, value) in head {
                push_str(out, &format!("\n    {}: {value},", Value::String(name)));
            }
        }
        push_str(out, "\n    \"Transactions\": {\n      \"startDate\": \"");
        out.extend_from_slice(&format_date(range.from.ist_date()));
        push_str(out, "\",\n      \"endDate\": \"");
        out.extend_from_slice(&format_date(range.to.ist_date()));
        push_str(out, "\",\n      \"Transaction\": [");
    }

    fn write_row(&mut self, row: &NewRow<'_>, out: &mut Vec<u8>) {
        push_str(
            out,
            if self.has_rows {
                ",\n        {\"txnId\":\"M"
            } else {
                "\n        {\"txnId\":\"M"
            },
        );
        self.has_rows = true;
        append_number(out, row.id);
        push_str(out, "\",\"type\":\"");
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
        out.extend_from_slice(&at[..10]);
        push_str(out, "\",\"narration\":");
        write_json_string(out, row.narration);
        push_str(out, ",\"reference\":");
        write_json_string(out, row.reference);
        push_str(out, "}");
    }

    fn write_footer(&mut self, out: &mut Vec<u8>) {
        push_str(out, "\n      ]\n    }\n  }\n}\n");
    }

    fn write_document(&mut self, document: &Document, out: &mut Vec<u8>) {
        let object = json!({ "Account": element_json::element_to_json(&document.root) });
        serde_json::to_writer_pretty(&mut *out, &object).expect("a buffer takes everything");
        push_str(out, "\n");
    }
}

/// Appends a text as a JSON string, quoted and escaped.
fn write_json_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a buffer takes everything");
}
