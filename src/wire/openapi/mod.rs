//! Both faces and the control API described in OpenAPI 3.0.3, for `/openapi.json`. Enumerations and lengths come from the tables that the
//! code itself reads, so the description cannot drift from them.

mod control;
mod rebit;
mod unaport;

use serde_json::{Map, Value, json};

/// The description; `server` is the address that the caller used.
pub fn document(server: &str) -> Value {
    let (control_paths, control_schemas) = control::described();
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "mockaa: ReBIT Account Aggregator and Unaport FIU API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A sandbox of the ReBIT AA API 1.1.0 to 1.1.3, 2.0.0 and 2.1.0, and of the Unaport FIU API \
                            v2.0.0. ReBIT's paths also exist below /v1, /v2, /V2 and /proxy/v2, Unaport's on each of \
                            its hosts' paths and below /backend/api/v1; all of them in every world below /w/{world}. \
                            Every ReBIT answer is signed (x-jws-signature, detached JWS over the body); the body's ver \
                            chooses the version. What begins with /_mockaa/v1 is the sandbox's own control API.",
            "license": { "name": "Apache-2.0" },
        },
        "servers": [{ "url": server }],
        "paths": merged(merged(rebit::paths(), unaport::paths()), control_paths),
        "components": {
            "schemas": merged(merged(rebit::schemas(), unaport::schemas()), control_schemas),
            "securitySchemes": {
                "fiu": { "type": "apiKey", "in": "header", "name": "client_api_key" },
                "fip": { "type": "apiKey", "in": "header", "name": "fip_api_key" },
                "operator": { "type": "http", "scheme": "bearer", "description": "The control token, where the sandbox is not on loopback" },
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
        },
    })
}

/// Two objects as one.
fn merged(mut one: Value, mut other: Value) -> Value {
    let fields = one.as_object_mut().expect("an object");
    fields.append(other.as_object_mut().expect("an object"));
    one
}

fn header(name: &str, description: &str) -> Value {
    json!({ "name": name, "in": "header", "description": description, "schema": { "type": "string" } })
}

fn content(schema: &str) -> Value {
    json!({ "application/json": { "schema": reference(schema) } })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn uuid() -> Value {
    json!({ "type": "string", "minLength": 36, "maxLength": 36 })
}

fn instant() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> Value {
    let names: Vec<_> = names.into_iter().collect();
    json!({ "type": "string", "enum": names })
}

fn count(minimum: u32) -> Value {
    json!({ "type": "integer", "minimum": minimum })
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "minItems": 1, "items": items })
}

/// An object; a name with a question mark after it may be missing.
fn object(fields: &[(&str, Value)]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in fields {
        let bare = name.trim_end_matches('?');
        if bare == *name {
            required.push(bare);
        }
        properties.insert(bare.to_owned(), schema.clone());
    }
    json!({ "type": "object", "required": required, "properties": properties })
}

#[cfg(test)]
mod tests {
    use super::document;

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(value: &serde_json::Value, root: &serde_json::Value) {
            if let Some(reference) = value["$ref"].as_str() {
                assert!(
                    root.pointer(reference.trim_start_matches('#')).is_some(),
                    "{reference}"
                );
            }
            match value {
                serde_json::Value::Object(fields) => {
                    fields.values().for_each(|value| walk(value, root));
                }
                serde_json::Value::Array(items) => items.iter().for_each(|value| walk(value, root)),
                _ => {}
            }
        }
        let document = document("http://x");
        walk(&document, &document);
    }
}
