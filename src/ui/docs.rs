//! The page that describes the calls of an OpenAPI document: search, one anchor for each operation,
//! parameters, bodies, examples, webhooks, and a form that makes the call.

use askama::Template;
use serde_json::Value;

/// The HTML page of an OpenAPI document.
#[derive(Template)]
#[template(path = "docs.html")]
pub(crate) struct DocsPage {
    title: String,
    version: String,
    description: Vec<String>,
    server: String,
    groups: Vec<Group>,
}

/// The operations with one tag.
struct Group {
    name: String,
    description: String,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    /// `false` for what the sandbox sends; such an operation cannot be tried.
    is_call: bool,
    /// `None` if everybody may make the call.
    key: Option<Key>,
    parameters: Vec<Parameter>,
    headers: Vec<Parameter>,
    request: Option<Body>,
    responses: Vec<Response>,
}

/// Authentication of a caller.
struct Key {
    /// Header with the key or token.
    header: String,
    /// Word before the key in the header: `Bearer`, `Basic`, or none.
    prefix: &'static str,
    description: String,
    /// `true` if a sandbox that is not strict needs no key.
    is_optional: bool,
}

struct Parameter {
    name: String,
    location: String,
    is_required: bool,
    format: String,
    description: String,
    example: String,
}

struct Body {
    media_types: String,
    /// Media type that the form sends.
    first_media_type: String,
    outline: String,
    example: String,
}

struct Response {
    status: String,
    description: String,
    body: Option<Body>,
}

impl DocsPage {
    pub(crate) fn new(document: &Value) -> Self {
        let reader = DocumentReader { document };
        let tags = document["tags"].as_array().into_iter().flatten();
        let groups: Vec<Group> = tags
            .map(|tag| Group {
                name: text_of(&tag["name"]),
                description: text_of(&tag["description"]),
                operations: ["paths", "webhooks"]
                    .iter()
                    .flat_map(|part| {
                        reader.read_operations(&document[*part], &text_of(&tag["name"]))
                    })
                    .collect(),
            })
            .collect();
        let info = &document["info"];
        Self {
            title: text_of(&info["title"]),
            version: text_of(&info["version"]),
            description: text_of(&info["description"])
                .split("\n\n")
                .map(str::to_owned)
                .collect(),
            server: text_of(&document["servers"][0]["url"]),
            groups,
        }
    }
}

/// Returns a text, or nothing for another value.
fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Returns a value as it is typed into a form: a text without quotes.
fn input_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

struct DocumentReader<'a> {
    document: &'a Value,
}

impl DocumentReader<'_> {
    fn read_operations(&self, paths: &Value, tag: &str) -> Vec<Operation> {
        let items = paths.as_object().into_iter().flatten();
        items
            .flat_map(|(path, item)| {
                let operations = item.as_object().into_iter().flatten();
                operations.map(move |(method, operation)| (path, method, operation))
            })
            .filter(|(_, _, operation)| operation["tags"][0] == tag)
            .map(|(path, method, operation)| {
                let is_call = path.starts_with('/');
                self.read_operation(path, method, operation, is_call)
            })
            .collect()
    }

    fn read_operation(
        &self,
        path: &str,
        method: &str,
        operation: &Value,
        is_call: bool,
    ) -> Operation {
        let parameters: Vec<Parameter> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| self.read_parameter(resolve_reference(self.document, parameter)))
            .collect();
        let (headers, parameters): (Vec<_>, Vec<_>) = parameters
            .into_iter()
            .partition(|parameter| parameter.location == "header");
        let request = self.read_body(&operation["requestBody"]["content"]);
        let responses = operation["responses"].as_object().into_iter().flatten();
        let mut responses: Vec<Response> = responses
            .map(|(status, response)| Response {
                status: status.clone(),
                description: text_of(&response["description"]),
                body: self
                    .read_body(&response["content"])
                    .filter(|_| status.starts_with('2')),
            })
            .collect();
        responses.sort_by(|a, b| a.status.cmp(&b.status));
        let key = self.read_key(&operation["security"]);
        Operation {
            id: text_of(&operation["operationId"]),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text_of(&operation["summary"]),
            description: text_of(&operation["description"]),
            is_call,
            key,
            parameters,
            headers,
            request,
            responses,
        }
    }

    fn read_parameter(&self, parameter: &Value) -> Parameter {
        Parameter {
            name: text_of(&parameter["name"]),
            location: text_of(&parameter["in"]),
            is_required: parameter["required"] == true,
            format: self.outline().describe_type(&parameter["schema"]),
            description: text_of(&parameter["description"]),
            example: input_text(&parameter["example"]),
        }
    }

    fn read_body(&self, content: &Value) -> Option<Body> {
        let content = content.as_object()?;
        let (first_media_type, media) = content.iter().next()?;
        let mut outline = self.outline();
        let kind = outline.describe_type(&media["schema"]);
        outline.write_fields(&media["schema"], 0);
        let fields = outline.text.trim_start_matches('\n');
        let example = &media["example"];
        let media_types: Vec<&str> = content.keys().map(String::as_str).collect();
        Some(Body {
            media_types: media_types.join(", "),
            first_media_type: first_media_type.clone(),
            outline: if fields.is_empty() {
                kind
            } else {
                fields.to_owned()
            },
            example: match example {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => serde_json::to_string_pretty(other).expect("JSON serialises"),
            },
        })
    }

    /// Reads how a caller authenticates from the alternatives of an operation.
    fn read_key(&self, security: &Value) -> Option<Key> {
        let alternatives: Vec<&Value> = security.as_array().into_iter().flatten().collect();
        let schemes: Vec<&Value> = alternatives
            .iter()
            .filter_map(|alternative| alternative.as_object()?.keys().next())
            .map(|name| &self.document["components"]["securitySchemes"][name.as_str()])
            .collect();
        let first = schemes.first()?;
        let descriptions: Vec<_> = schemes
            .iter()
            .map(|scheme| text_of(&scheme["description"]))
            .collect();
        let (header, prefix) = match first["scheme"].as_str() {
            Some("basic") => ("authorization".to_owned(), "Basic"),
            Some(_) => ("authorization".to_owned(), "Bearer"),
            None => (text_of(&first["name"]), ""),
        };
        Some(Key {
            header,
            prefix,
            description: descriptions.join("; or "),
            is_optional: alternatives.iter().any(|alternative| {
                alternative
                    .as_object()
                    .is_some_and(serde_json::Map::is_empty)
            }),
        })
    }

    fn outline(&self) -> SchemaOutline<'_> {
        SchemaOutline {
            document: self.document,
            text: String::new(),
        }
    }
}

/// Follows a reference to the value that it names.
fn resolve_reference<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"]
        .as_str()
        .and_then(|reference| document.pointer(reference.trim_start_matches('#')));
    target.map_or(value, |target| resolve_reference(document, target))
}

/// Maximum depth of an outline; deeper fields are only in the OpenAPI document.
const DEPTH_MAX: usize = 6;

/// Largest number of names of an enum that an outline shows.
const NAMES_MAX: usize = 12;

/// The fields of a schema, one line each.
struct SchemaOutline<'a> {
    document: &'a Value,
    text: String,
}

impl<'a> SchemaOutline<'a> {
    /// Follows references, and the first alternative of a value that may be `null`.
    fn resolve_schema(&self, schema: &'a Value) -> &'a Value {
        let schema = resolve_reference(self.document, schema);
        let alternatives = schema["anyOf"].as_array().map_or(&[][..], Vec::as_slice);
        match alternatives {
            [first, second] if second["type"] == "null" => self.resolve_schema(first),
            _ => schema,
        }
    }

    /// Describes the type of a value with its format and limits, or lists the names of an enum.
    fn describe_type(&self, schema: &'a Value) -> String {
        let schema = self.resolve_schema(schema);
        if let Some(values) = schema["enum"].as_array() {
            let mut names: Vec<_> = values.iter().take(NAMES_MAX).map(input_text).collect();
            if values.len() > NAMES_MAX {
                names.push(format!("… {} more", values.len() - NAMES_MAX));
            }
            return names.join(" | ");
        }
        if let Some(alternatives) = schema["anyOf"].as_array() {
            let kinds: Vec<_> = alternatives
                .iter()
                .map(|alternative| self.describe_type(alternative))
                .collect();
            return kinds.join(" or ");
        }
        let kinds: Vec<&str> = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            kind => kind.as_str().into_iter().collect(),
        };
        if kinds.is_empty() {
            return "any value".to_owned();
        }
        let kinds: Vec<_> = kinds
            .into_iter()
            .map(|kind| match kind {
                "array" => format!("list of {}", self.describe_type(&schema["items"])),
                "null" => "null".to_owned(),
                "string" => schema["format"].as_str().unwrap_or("text").to_owned(),
                other => other.to_owned(),
            })
            .collect();
        format!("{}{}", kinds.join(" or "), describe_limits(schema))
    }

    fn write_fields(&mut self, schema: &'a Value, depth: usize) {
        let schema = self.resolve_schema(schema);
        for choice in schema["anyOf"].as_array().into_iter().flatten() {
            self.write_fields(choice, depth);
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

/// Describes the limits of a value: range, length and pattern.
fn describe_limits(schema: &Value) -> String {
    let range = |from: &Value, to: &Value, unit: &str| match (from, to) {
        (Value::Null, Value::Null) => None,
        (from, Value::Null) => Some(format!("from {from}{unit}")),
        (Value::Null, to) => Some(format!("at most {to}{unit}")),
        (from, to) => Some(format!("{from} to {to}{unit}")),
    };
    let limits = [
        range(&schema["minimum"], &schema["maximum"], ""),
        range(&schema["minLength"], &schema["maxLength"], " characters"),
        schema["pattern"].as_str().map(|pattern| match pattern {
            "\\S" => "not blank".to_owned(),
            pattern => pattern.to_owned(),
        }),
    ];
    let limits: Vec<_> = limits.into_iter().flatten().collect();
    if limits.is_empty() {
        String::new()
    } else {
        format!(" ({})", limits.join("; "))
    }
}
