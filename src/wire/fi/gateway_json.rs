//! JSON of statements as the FIU modules of two gateways give it (`docs/sources.md#fi-schemas`).

use serde_json::{Value, json};

use crate::domain::document::{Document, Element};
use crate::domain::naming::wire_enum;
use crate::domain::statement::{SentStatement, StatementBody};
use crate::wire::fi::element_json::{
    lowercase_first, to_camel_case, to_json_with_names, without_namespaces,
};
use crate::wire::fi::form::build_bank_document;

wire_enum! {
    /// A gateway whose JSON can be written.
    Gateway {
        /// No wrapper around the account, `schemaLocation` beside its attributes, and an object for a
        /// single holder.
        Finvu = "finvu",
        /// Names of elements with a small first letter, and names with underscores in camel case.
        Setu = "setu",
    }
}

/// Converts a statement to the JSON of a gateway.
pub(crate) fn statement_to_json(sent: &SentStatement, gateway: Gateway) -> Value {
    let bank_document: Document;
    let document = match &sent.body {
        StatementBody::Other(document) => document,
        StatementBody::Bank(bank) => {
            bank_document = build_bank_document(&sent.statement, bank, sent.schema);
            &bank_document
        }
    };
    match gateway {
        Gateway::Finvu => to_finvu(&document.root),
        Gateway::Setu => to_setu(&document.root),
    }
}

fn to_finvu(root: &Element) -> Value {
    let keep_name = |name: &str| name.to_owned();
    let element_name = |name: &str| match name {
        "PendingTxns" => "pendingTxns".to_owned(),
        name => name.to_owned(),
    };
    let mut account = to_json_with_names(&without_namespaces(root), &element_name, &keep_name);
    if let Some(holder) = account.pointer_mut("/Profile/Holders/Holder")
        && let Value::Array(holders) = holder
        && holders.len() == 1
    {
        *holder = holders.remove(0);
    }
    if let Some(location) = root.attribute_value("xsi:schemaLocation") {
        account["schemaLocation"] = location.into();
    }
    account
}

/// Names with underscores are those of GST only.
fn to_setu(root: &Element) -> Value {
    let element_name = |name: &str| lowercase_first(&to_camel_case(name));
    let account = to_json_with_names(&without_namespaces(root), &element_name, &to_camel_case);
    json!({ "account": account })
}
