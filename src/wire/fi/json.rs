//! JSON with the names of the FI schema: attributes are keys, elements are objects ([`super::tree`]).

use serde_json::{Value, json};

use crate::domain::consent::Range;
use crate::domain::digits::push;
use crate::domain::document::Document;
use crate::domain::participants::FiSchema;
use crate::domain::statement::{NewRow, Statement};
use crate::wire::fi::digits::{date, money, put};
use crate::wire::fi::{Form, tree, xml};

#[derive(Clone, Copy, Debug, Default)]
pub struct Json {
    /// Whether a row stands already.
    begun: bool,
}

impl Form for Json {
    fn open(&mut self, statement: &Statement, range: Range, out: &mut Vec<u8>) {
        put(out, "{\n  \"Account\": {");
        if let Value::Object(head) = tree::object(&xml::head(statement, FiSchema::V1)) {
            for (name, value) in head {
                put(out, &format!("\n    {}: {value},", Value::String(name)));
            }
        }
        put(out, "\n    \"Transactions\": {\n      \"startDate\": \"");
        out.extend_from_slice(&date(range.from.ist_date()));
        put(out, "\",\n      \"endDate\": \"");
        out.extend_from_slice(&date(range.to.ist_date()));
        put(out, "\",\n      \"Transaction\": [");
    }

    fn row(&mut self, row: &NewRow<'_>, out: &mut Vec<u8>) {
        put(
            out,
            if self.begun {
                ",\n        {\"txnId\":\"M"
            } else {
                "\n        {\"txnId\":\"M"
            },
        );
        self.begun = true;
        push(out, row.id);
        put(out, "\",\"type\":\"");
        put(out, row.transaction_type.as_str());
        put(out, "\",\"mode\":\"");
        put(out, row.mode.v1());
        put(out, "\",\"amount\":\"");
        money(out, row.amount);
        put(out, "\",\"currentBalance\":\"");
        money(out, row.balance);
        put(out, "\",\"transactionTimestamp\":\"");
        let at = row.at.ist();
        out.extend_from_slice(&at);
        put(out, "\",\"valueDate\":\"");
        out.extend_from_slice(&at[..10]);
        put(out, "\",\"narration\":");
        text(out, row.narration);
        put(out, ",\"reference\":");
        text(out, row.reference);
        put(out, "}");
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        put(out, "\n      ]\n    }\n  }\n}\n");
    }

    fn document(&mut self, document: &Document, out: &mut Vec<u8>) {
        let object = json!({ "Account": tree::object(&document.root) });
        serde_json::to_writer_pretty(&mut *out, &object).expect("a buffer takes everything");
        put(out, "\n");
    }
}

/// Quoted and escaped.
fn text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a buffer takes everything");
}
