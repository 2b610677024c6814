//! The description of all calls, to be read by people.

use askama::Template;
use serde_json::Value;

/// Every call of an OpenAPI document, with what it takes and answers.
#[derive(Template)]
#[template(path = "docs.html")]
pub struct DocsPage {
    title: String,
    version: String,
    about: String,
    server: String,
    groups: Vec<Group>,
}

struct Group {
    name: &'static str,
    calls: Vec<Call>,
}

struct Call {
    method: String,
    path: String,
    summary: String,
    /// Names of what may follow the question mark.
    query: String,
    takes: Option<String>,
    answers: String,
}

/// Whose call a path is.
fn group_of(path: &str) -> &'static str {
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
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut groups: Vec<Group> = Vec::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let query = operation["parameters"].as_array().into_iter().flatten();
                let query = query
                    .filter(|parameter| parameter["in"] == "query")
                    .map(|parameter| text(&parameter["name"]));
                let body = &operation["requestBody"];
                let told = body["description"].as_str().map(str::to_owned);
                let call = Call {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    summary: text(&operation["summary"]),
                    query: query.collect::<Vec<_>>().join(", "),
                    takes: told.or_else(|| shape_of(document, &body["content"])),
                    answers: shape_of(document, &operation["responses"]["200"]["content"])
                        .unwrap_or_default(),
                };
                let name = group_of(path);
                match groups.iter_mut().find(|group| group.name == name) {
                    Some(group) => group.calls.push(call),
                    None => groups.push(Group {
                        name,
                        calls: vec![call],
                    }),
                }
            }
        }
        Self {
            title: text(&document["info"]["title"]),
            version: text(&document["info"]["version"]),
            about: text(&document["info"]["description"]),
            server: text(&document["servers"][0]["url"]),
            groups,
        }
    }

    pub fn to_html(&self) -> String {
        self.render().expect("rendering into a string cannot fail")
    }
}

/// What a body holds, a line for each field.
fn shape_of(document: &Value, content: &Value) -> Option<String> {
    let (kind, body) = content.as_object()?.iter().next()?;
    let mut outline = Outline {
        document,
        text: String::new(),
    };
    match outline.kind(&body["schema"]).as_str() {
        "" => outline.text.push_str(kind),
        "object" => {}
        other => outline.text.push_str(other),
    }
    outline.fields(&body["schema"], 0);
    Some(outline.text.trim_start_matches('\n').to_owned())
}

/// How deep an outline goes: what is further in is seen in the document itself.
const DEPTH_MAX: usize = 5;

struct Outline<'a> {
    document: &'a Value,
    text: String,
}

impl<'a> Outline<'a> {
    /// The schema that is meant, with what stands beside a reference left out.
    fn meant(&self, schema: &'a Value) -> &'a Value {
        let wrapped = || {
            ["allOf", "anyOf"]
                .iter()
                .find_map(|name| schema[*name][0]["$ref"].as_str())
        };
        let referred = schema["$ref"].as_str().or_else(wrapped);
        let found =
            referred.and_then(|reference| self.document.pointer(reference.trim_start_matches('#')));
        found.map_or(schema, |found| self.meant(found))
    }

    /// A word for the type of a value, or the words that it may be.
    fn kind(&self, schema: &'a Value) -> String {
        let schema = self.meant(schema);
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
            return words.join(" | ");
        }
        match schema["type"].as_str() {
            Some("array") => format!("list of {}", self.kind(&schema["items"])),
            Some("string") => schema["format"].as_str().unwrap_or("text").to_owned(),
            Some(other) => other.to_owned(),
            None if schema["oneOf"].is_array() => "one of two".to_owned(),
            None => String::new(),
        }
    }

    fn fields(&mut self, schema: &'a Value, depth: usize) {
        let schema = self.meant(schema);
        for choice in schema["oneOf"].as_array().into_iter().flatten() {
            self.fields(choice, depth + 1);
        }
        if schema["items"].is_object() {
            self.fields(&schema["items"], depth);
        }
        let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let may = if required.iter().any(|required| required == name) {
                ""
            } else {
                "?"
            };
            let kind = self.kind(field);
            let said = field["description"]
                .as_str()
                .map(|said| format!("  {}", said.replace('\n', " ")))
                .unwrap_or_default();
            self.text += &format!(
                "\n{:indent$}{name}{may}: {kind}{said}",
                "",
                indent = 2 * depth
            );
            if depth < DEPTH_MAX {
                self.fields(field, depth + 1);
            }
        }
    }
}
