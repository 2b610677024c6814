//! Documents as JSON: attributes become keys, elements become objects, and lists where the schema lets them repeat.

use serde_json::{Map, Value};

use crate::domain::document::Element;
use crate::domain::statement::{Body, Statement};

/// The element as an object. Names are the schema's.
pub fn object(element: &Element) -> Value {
    shaped(&told(element), &|name| name.to_owned())
}

/// The accounts of a kind as the Unaport face tells them.
///
/// `Assumption:` no sample exists of these tabs; ours is a list of accounts with the schema's names, their first letter
/// small, as the tab of GSTR1_3B has them.
pub fn accounts(statements: &[&Statement]) -> Value {
    roots(statements)
        .map(|root| shaped(&told(root), &small))
        .collect()
}

/// GST registrations: one object each, numbered, with names that are longer than the schema's (`reference/unaport.md`
/// §4.2).
pub fn registrations(statements: &[&Statement]) -> Value {
    let numbered = roots(statements).enumerate();
    numbered
        .map(|(place, root)| {
            (
                format!("GSTR1_3B{place}"),
                shaped(&told(root), &spelled_out),
            )
        })
        .collect::<Map<_, _>>()
        .into()
}

fn roots<'s>(statements: &'s [&Statement]) -> impl Iterator<Item = &'s Element> {
    statements
        .iter()
        .filter_map(|statement| match &statement.body {
            Body::Other(document) => Some(&document.root),
            Body::Bank(_) => None,
        })
}

/// Without the namespace, which is XML's.
fn told(root: &Element) -> Element {
    let mut root = root.clone();
    root.attributes
        .retain(|(name, _)| !name.starts_with("xmlns") && !name.contains(':'));
    root
}

fn shaped(element: &Element, spelled: &dyn Fn(&str) -> String) -> Value {
    let mut object = Map::new();
    for (name, value) in &element.attributes {
        object.insert(spelled(name), Value::String(value.to_string()));
    }
    for child in &element.children {
        let value = shaped(child, spelled);
        let name = spelled(child.name);
        if child.repeats {
            let list = object
                .entry(name)
                .or_insert_with(|| Value::Array(Vec::new()));
            list.as_array_mut()
                .expect("a name is a list's or an object's")
                .push(value);
        } else {
            object.insert(name, value);
        }
    }
    Value::Object(object)
}

fn small(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_ascii_lowercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

fn spelled_out(name: &str) -> String {
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
        other => return small(other),
    }
    .to_owned()
}
