//! Conversion of FI documents to JSON: attributes become keys, elements become objects, elements with
//! text become strings, repeatable elements become lists.

use serde_json::{Map, Value, json};

use crate::domain::document::{Element, is_of_namespace};
use crate::domain::statement::{SentStatement, StatementBody};

/// Converts an element to an object with the names of the FI schema.
pub(crate) fn element_to_json(element: &Element) -> Value {
    let keep_name = |name: &str| name.to_owned();
    to_json_with_names(&without_namespaces(element), &keep_name, &keep_name)
}

/// Converts the accounts of one FI type to their Unaport tab.
///
/// `Assumption:` no sample exists of these tabs; a tab is a list of accounts with the schema's
/// names and a small first letter, as in the tab of GSTR1_3B.
pub(crate) fn accounts_to_json(statements: &[&SentStatement]) -> Value {
    document_roots(statements)
        .map(|root| {
            to_json_with_names(
                &without_namespaces(root),
                &lowercase_first,
                &lowercase_first,
            )
        })
        .collect()
}

/// Converts GST registrations to their Unaport tab: one numbered object for each, with the names,
/// the order and the nulls of the recorded one (`docs/sources.md#unaport-fetch-data`).
pub(crate) fn gst_registrations_to_json(statements: &[&SentStatement]) -> Value {
    let numbered = document_roots(statements).enumerate();
    numbered
        .map(|(index, root)| (format!("GSTR1_3B{index}"), gst_registration_to_json(root)))
        .collect::<Map<_, _>>()
        .into()
}

fn gst_registration_to_json(root: &Element) -> Value {
    let names = ["maskedGstinNumber", "version", "linkedAccRef", "type"];
    let mut object: Map<String, Value> = names
        .into_iter()
        .map(|name| (name.to_owned(), root.attribute_value(name).into()))
        .collect();
    if let Some(profile) = root.find_child("Profile") {
        object.insert("profile".to_owned(), gst_profile_to_json(profile));
    }
    if let Some(transactions) = root.find_child("Transactions") {
        let returns = |name| gst_list_to_json(transactions.find_child(name));
        object.insert(
            "transactions".to_owned(),
            json!({
                "gstr1Details": { "gstr1DetailsList": returns("Gstr1Details") },
                "gstr3bDetails": { "gstr3bList": returns("Gstr3bDetails") },
            }),
        );
    }
    Value::Object(object)
}

fn gst_profile_to_json(profile: &Element) -> Value {
    let business = profile.find_child("BusinessDetails");
    let business_value = |name| business.and_then(|element| element.attribute_value(name));
    let categories = child_texts(business.and_then(|element| element.find_child("CategoryList")));
    let address = profile
        .find_child("PlaceofBusiness")
        .and_then(|place| place.find_child("Address"));
    let address_value = |name| address.and_then(|element| element.attribute_value(name));
    let natures =
        child_texts(address.and_then(|element| element.find_child("NatureOfBusinessList")));
    json!({
        "businessDetails": {
            "apprvdt": business_value("apprvdt"),
            "dty": business_value("dty").map(recorded_code),
            "iscmp": business_value("iscmp"),
            "lgnm": business_value("lgnm"),
            "sts": business_value("sts").map(recorded_code),
            "trdnm": business_value("trdnm"),
            "categoryList": { "catList": categories },
        },
        "placeofBusiness": {
            "address": {
                // The recorded value is a text, not a list; a generated business has one nature.
                "natureOfBusinessList": { "ntr": natures.first() },
                "buildingNumber": address_value("bno"),
                "floorNumber": address_value("flno"),
                "buildingName": address_value("bnm"),
                "roadStreet": address_value("st"),
                "cityTownVillage": address_value("loc"),
                "state": address_value("stcd"),
                "district": address_value("dst"),
                "pinCode": address_value("pncd"),
            },
        },
    })
}

fn child_texts(element: Option<&Element>) -> Vec<&str> {
    let children = element.into_iter().flat_map(|element| &element.children);
    children.filter_map(|child| child.text.as_deref()).collect()
}

/// Returns the code that the recorded tab has for a type of taxpayer or a status.
fn recorded_code(word: &str) -> &str {
    match word {
        "Regular" => "TP",
        "Active" => "A",
        other => other,
    }
}

/// Converts the repeatable children of an element to a list; null if there are none, as in the
/// recorded tab.
fn gst_list_to_json(element: Option<&Element>) -> Value {
    let children = element.map_or(&[][..], |element| &element.children);
    if children.is_empty() {
        return Value::Null;
    }
    children.iter().map(gst_return_to_json).collect()
}

/// Converts a GST return or a part of it.
///
/// `Assumption:` the recorded registration has no returns; their names are those of the schema in
/// camel case (`retPrd`), and an empty list is null.
fn gst_return_to_json(element: &Element) -> Value {
    let mut object = Map::new();
    for (name, value) in &element.attributes {
        object.insert(to_camel_case(name), value.to_string().into());
    }
    for child in &element.children {
        if child.repeatable {
            object.insert(to_camel_case(child.name), gst_list_to_json(Some(element)));
            // A list has children of one name.
            break;
        }
        object.insert(to_camel_case(child.name), gst_return_to_json(child));
    }
    let item_name = element
        .name
        .strip_suffix("_list")
        .or(element.name.strip_suffix("_dtls"));
    if let Some(item_name) = item_name.filter(|_| object.is_empty()) {
        object.insert(to_camel_case(item_name), Value::Null);
    }
    Value::Object(object)
}

fn document_roots<'s>(statements: &'s [&SentStatement]) -> impl Iterator<Item = &'s Element> {
    statements
        .iter()
        .filter_map(|statement| match &statement.body {
            StatementBody::Other(document) => Some(&document.root),
            StatementBody::Bank(_) => None,
        })
}

/// Returns the element without namespace attributes, which have no meaning in JSON.
pub(crate) fn without_namespaces(root: &Element) -> Element {
    let mut root = root.clone();
    root.attributes.retain(|(name, _)| !is_of_namespace(name));
    root
}

/// Converts an element to an object whose keys are the mapped names of its children and of its
/// attributes.
pub(crate) fn to_json_with_names(
    element: &Element,
    map_element: &dyn Fn(&str) -> String,
    map_attribute: &dyn Fn(&str) -> String,
) -> Value {
    if let Some(text) = &element.text {
        return Value::String(text.to_string());
    }
    let mut object = Map::new();
    for (name, value) in &element.attributes {
        object.insert(map_attribute(name), Value::String(value.to_string()));
    }
    for child in &element.children {
        let value = to_json_with_names(child, map_element, map_attribute);
        let name = map_element(child.name);
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

pub(crate) fn lowercase_first(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_ascii_lowercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

/// Converts `ret_prd` to `retPrd`.
pub(crate) fn to_camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (initial, rest) = word.split_at(word.len().min(1));
        name + &initial.to_ascii_uppercase() + rest
    })
}
