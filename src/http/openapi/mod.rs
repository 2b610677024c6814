//! Owns the OpenAPI 3.0.3 document of `/openapi.json`: the ReBIT API, the Unaport API and the
//! control API, without the seed API. Enumerations and lengths come from the tables that validate
//! requests, so the document cannot differ from the code.

mod control;
mod rebit;
mod unaport;

use serde_json::{Map, Value, json};

/// Returns the OpenAPI document; `server` is the URL that the caller used.
pub fn build_document(server: &str) -> Value {
    let (control_paths, control_schemas) = control::build_paths_and_schemas();
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "mockaa: ReBIT Account Aggregator and Unaport FIU API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A sandbox of the ReBIT AA API 1.1.0 to 1.1.3, 2.0.0 and 2.1.0, and of the Unaport FIU API \
                            v2.0.0. ReBIT's paths also exist below /v1, /v2, /V2 and /proxy/v2, Unaport's on each of \
                            its hosts' paths and below /backend/api/v1; all of them in every world below /w/{world}. \
                            Every ReBIT response is signed (x-jws-signature, detached JWS over the body); the body's \
                            ver selects the version. Paths that begin with /_mockaa/v1 are the sandbox's own control \
                            API.",
            "license": { "name": "Apache-2.0" },
        },
        "servers": [{ "url": server }],
        "paths": merge_objects(merge_objects(rebit::build_paths(), unaport::build_paths()), control_paths),
        "components": {
            "schemas": merge_objects(merge_objects(rebit::build_schemas(), unaport::build_schemas()), control_schemas),
            "securitySchemes": {
                "fiu": { "type": "apiKey", "in": "header", "name": "client_api_key" },
                "fip": { "type": "apiKey", "in": "header", "name": "fip_api_key" },
                "operator": { "type": "http", "scheme": "bearer", "description": "The control token, required if the sandbox does not listen on loopback only" },
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
        },
    })
}

/// Returns the fields of both objects; `extra` wins.
fn merge_objects(mut base: Value, mut extra: Value) -> Value {
    let fields = base.as_object_mut().expect("an object");
    fields.append(extra.as_object_mut().expect("an object"));
    base
}

fn header_parameter(name: &str, description: &str) -> Value {
    json!({ "name": name, "in": "header", "description": description, "schema": { "type": "string" } })
}

fn json_content(schema: &str) -> Value {
    json!({ "application/json": { "schema": schema_ref(schema) } })
}

fn schema_ref(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn string_schema() -> Value {
    json!({ "type": "string" })
}

fn uuid_schema() -> Value {
    json!({ "type": "string", "minLength": 36, "maxLength": 36 })
}

fn timestamp_schema() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn enum_schema<'a>(names: impl IntoIterator<Item = &'a str>) -> Value {
    let names: Vec<_> = names.into_iter().collect();
    json!({ "type": "string", "enum": names })
}

fn integer_schema(minimum: u32) -> Value {
    json!({ "type": "integer", "minimum": minimum })
}

fn array_schema(items: &Value) -> Value {
    json!({ "type": "array", "minItems": 1, "items": items })
}

/// Returns the schema of an object. A field whose name ends with a question mark is optional.
fn object_schema(fields: &[(&str, Value)]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in fields {
        let property = name.trim_end_matches('?');
        if property == *name {
            required.push(property);
        }
        properties.insert(property.to_owned(), schema.clone());
    }
    json!({ "type": "object", "required": required, "properties": properties })
}

#[cfg(test)]
mod tests {
    use super::build_document;

    #[test]
    fn every_reference_resolves() {
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
        let document = build_document("http://x");
        walk(&document, &document);
    }
}
