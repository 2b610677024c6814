//! The page that describes the calls of an OpenAPI document.

use askama::Template;
use serde_json::Value;

/// The HTML page of an OpenAPI document: each call with its request and response.
#[derive(Template)]
#[template(path = "docs.html")]
pub struct DocsPage {
    title: String,
    version: String,
    description: String,
    server: String,
    groups: Vec<Group>,
}

struct Group {
    name: &'static str,
    endpoints: Vec<Endpoint>,
}

struct Endpoint {
    method: String,
    path: String,
    summary: String,
    /// Names of the query parameters.
    query: String,
    request_body: Option<String>,
    response_body: String,
}

/// Returns the heading under which a path is listed.
fn group_for_path(path: &str) -> &'static str {
    match path {
        path if path.starts_with("/_mockaa") => "Control API",
        path if path.starts_with("/api/") || path.starts_with("/backend") => {
            "Unaport FIU API v2.0.0"
        }
        _ => "ReBIT AA API",
    }
}

impl DocsPage {
    pub fn new(document: &Value) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let query = operation["parameters"].as_array().into_iter().flatten();
                let query = query
                    .filter(|parameter| parameter["in"] == "query")
                    .map(|parameter| string_or_empty(&parameter["name"]));
                let body = &operation["requestBody"];
                let body_description = body["description"].as_str().map(str::to_owned);
                let endpoint = Endpoint {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    summary: string_or_empty(&operation["summary"]),
                    query: query.collect::<Vec<_>>().join(", "),
                    request_body: body_description
                        .or_else(|| describe_shape(document, &body["content"])),
                    response_body: describe_shape(
                        document,
                        &operation["responses"]["200"]["content"],
                    )
                    .unwrap_or_default(),
                };
                let name = group_for_path(path);
                match groups.iter_mut().find(|group| group.name == name) {
                    Some(group) => group.endpoints.push(endpoint),
                    None => groups.push(Group {
                        name,
                        endpoints: vec![endpoint],
                    }),
                }
            }
        }
        Self {
            title: string_or_empty(&document["info"]["title"]),
            version: string_or_empty(&document["info"]["version"]),
            description: string_or_empty(&document["info"]["description"]),
            server: string_or_empty(&document["servers"][0]["url"]),
            groups,
        }
    }

    pub fn to_html(&self) -> String {
        self.render().expect("rendering into a string cannot fail")
    }
}

fn string_or_empty(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Describes the fields of a body, one line each.
fn describe_shape(document: &Value, content: &Value) -> Option<String> {
    let (content_type, body) = content.as_object()?.iter().next()?;
    let mut outline = SchemaOutline {
        document,
        text: String::new(),
    };
    match outline.describe_type(&body["schema"]).as_str() {
        "" => outline.text.push_str(content_type),
        "object" => {}
        other => outline.text.push_str(other),
    }
    outline.write_fields(&body["schema"], 0);
    Some(outline.text.trim_start_matches('\n').to_owned())
}

/// Maximum depth of an outline; deeper fields are only in the OpenAPI document.
const DEPTH_MAX: usize = 5;

struct SchemaOutline<'a> {
    document: &'a Value,
    text: String,
}

impl<'a> SchemaOutline<'a> {
    /// Follows references to the schema; what else a schema with a reference contains is ignored.
    fn resolve_schema(&self, schema: &'a Value) -> &'a Value {
        let reference = schema["$ref"].as_str().or_else(|| {
            ["allOf", "anyOf"]
                .iter()
                .find_map(|name| schema[*name][0]["$ref"].as_str())
        });
        let target = reference
            .and_then(|reference| self.document.pointer(reference.trim_start_matches('#')));
        target.map_or(schema, |target| self.resolve_schema(target))
    }

    /// Returns the type of a value, or the values of an enum.
    fn describe_type(&self, schema: &'a Value) -> String {
        let schema = self.resolve_schema(schema);
        if let Some(values) = schema["enum"].as_array() {
            let values: Vec<_> = values.iter().filter_map(Value::as_str).collect();
            return values.join(" | ");
        }
        match schema["type"].as_str() {
            Some("array") => format!("list of {}", self.describe_type(&schema["items"])),
            Some("string") => schema["format"].as_str().unwrap_or("text").to_owned(),
            Some(other) => other.to_owned(),
            None if schema["oneOf"].is_array() => "one of several types".to_owned(),
            None => String::new(),
        }
    }

    fn write_fields(&mut self, schema: &'a Value, depth: usize) {
        let schema = self.resolve_schema(schema);
        for choice in schema["oneOf"].as_array().into_iter().flatten() {
            self.write_fields(choice, depth + 1);
        }
        if schema["items"].is_object() {
            self.write_fields(&schema["items"], depth);
        }
        let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let optional_mark = if required.iter().any(|required| required == name) {
                ""
            } else {
                "?"
            };
            let kind = self.describe_type(field);
            let description = field["description"]
                .as_str()
                .map(|text| format!("  {}", text.replace('\n', " ")))
                .unwrap_or_default();
            self.text += &format!(
                "\n{:indent$}{name}{optional_mark}: {kind}{description}",
                "",
                indent = 2 * depth
            );
            if depth < DEPTH_MAX {
                self.write_fields(field, depth + 1);
            }
        }
    }
}
