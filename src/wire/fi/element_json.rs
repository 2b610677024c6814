//! Conversion of FI documents to JSON: attributes become keys, elements become objects, elements with
//! text become strings, repeatable elements become lists.

use serde_json::{Map, Value};

use crate::domain::document::Element;
use crate::domain::statement::{Statement, StatementBody};

/// Converts an element to an object with the names of the FI schema.
pub(crate) fn element_to_json(element: &Element) -> Value {
    to_json_with_names(&without_namespaces(element), &|name| name.to_owned())
}

/// Converts the accounts of one FI type to their Unaport tab.
///
/// `Assumption:` no sample exists of these tabs; a tab is a list of accounts with the schema's
/// names and a small first letter, as in the tab of GSTR1_3B.
pub(crate) fn accounts_to_json(statements: &[&Statement]) -> Value {
    document_roots(statements)
        .map(|root| to_json_with_names(&without_namespaces(root), &lowercase_first))
        .collect()
}

/// Converts GST registrations to their Unaport tab: one numbered object for each, with longer names
/// than the schema's (`docs/sources.md#unaport-fetch-data`).
pub(crate) fn gst_registrations_to_json(statements: &[&Statement]) -> Value {
    let numbered = document_roots(statements).enumerate();
    numbered
        .map(|(index, root)| {
            (
                format!("GSTR1_3B{index}"),
                to_json_with_names(&without_namespaces(root), &expand_gst_name),
            )
        })
        .collect::<Map<_, _>>()
        .into()
}

fn document_roots<'s>(statements: &'s [&Statement]) -> impl Iterator<Item = &'s Element> {
    statements
        .iter()
        .filter_map(|statement| match &statement.body {
            StatementBody::Other(document) => Some(&document.root),
            StatementBody::Bank(_) => None,
        })
}

/// Returns the element without namespace attributes, which have no meaning in JSON.
fn without_namespaces(root: &Element) -> Element {
    let mut root = root.clone();
    root.attributes
        .retain(|(name, _)| !name.starts_with("xmlns") && !name.contains(':'));
    root
}

fn to_json_with_names(element: &Element, map_name: &dyn Fn(&str) -> String) -> Value {
    if let Some(text) = &element.text {
        return Value::String(text.to_string());
    }
    let mut object = Map::new();
    for (name, value) in &element.attributes {
        object.insert(map_name(name), Value::String(value.to_string()));
    }
    for child in &element.children {
        let value = to_json_with_names(child, map_name);
        let name = map_name(child.name);
        if child.repeatable {
            let list = object
                .entry(name)
                .or_insert_with(|| Value::Array(Vec::new()));
            list.as_array_mut()
                .expect("elements of one name are all repeatable or all not")
                .push(value);
        } else {
            object.insert(name, value);
        }
    }
    Value::Object(object)
}

fn lowercase_first(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_ascii_lowercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

fn expand_gst_name(name: &str) -> String {
    match name {
        "PlaceofBusiness" => "placeofBusiness",
        "bno" => "buildingNumber",
        "flno" => "floorNumber",
        "bnm" => "buildingName",
        "st" => "roadStreet",
        "loc" => "cityTownVillage",
        "stcd" => "state",
        "dst" => "district",
        "pncd" => "pinCode",
        "gstr1" => "gstr1DetailsList",
        "gstr3b" => "gstr3bList",
        other => return lowercase_first(other),
    }
    .to_owned()
}
