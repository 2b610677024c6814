//! JSON of statements as the FIU modules of two gateways give it (`docs/sources.md#fi-schemas`).

use serde_json::Value;

use crate::domain::document::Element;
use crate::wire::fi::element_json::{
    lowercase_first, to_camel_case, to_json_with_names, without_namespaces,
};

/// Converts an account to the JSON of Finvu's FIU module.
pub(super) fn to_finvu(root: &Element) -> Value {
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

/// Converts an account to the JSON of Setu's gateway. Names with underscores are those of GST only.
pub(super) fn to_setu(root: &Element) -> Value {
    let element_name = |name: &str| lowercase_first(&to_camel_case(name));
    to_json_with_names(&without_namespaces(root), &element_name, &to_camel_case)
}
