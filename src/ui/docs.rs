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
        path if path.starts_with("/api/") || path.starts_with("/backend") => "Unaport FIU API v2.0.0",
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
                let query =
                    query.filter(|parameter| parameter["in"] == "query").map(|parameter| text(&parameter["name"]));
                let body = &operation["requestBody"];
                let told = body["description"].as_str().map(str::to_owned);
                let call = Call {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    summary: text(&operation["summary"]),
                    query: query.collect::<Vec<_>>().join(", "),
                    takes: told.or_else(|| shape_of(document, &body["content"])),
                    answers: shape_of(document, &operation["responses"]["200"]["content"]).unwrap_or_default(),
                };
                let name = group_of(path);
                match groups.iter_mut().find(|group| group.name == name) {
                    Some(group) => group.calls.push(call),
                    None => groups.push(Group { name, calls: vec![call] }),
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

/// The schema of a body, the one it refers to put in its place.
fn shape_of(document: &Value, content: &Value) -> Option<String> {
    let (_, body) = content.as_object()?.iter().next()?;
    let schema = &body["schema"];
    let referred = schema["$ref"].as_str().and_then(|reference| document.pointer(reference.trim_start_matches('#')));
    serde_json::to_string_pretty(referred.unwrap_or(schema)).ok()
}
