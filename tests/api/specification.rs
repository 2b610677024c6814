//! The published OpenAPI files of the AA and the FIU: every response and every webhook of these
//! tests is checked against them. They are read from `../shared/rebit/openapi`, or below
//! `MOCKAA_SPECS`. Without them these checks are skipped, and a test reports that. The sandbox's
//! own document, `/openapi.json`, is always checked.

use std::path::PathBuf;
use std::sync::OnceLock;

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::skip::report_skip;

struct Specification {
    document: Value,
}

/// Returns the sandbox's own OpenAPI document.
fn own_specification() -> &'static Specification {
    static SPECIFICATION: OnceLock<Specification> = OnceLock::new();
    SPECIFICATION.get_or_init(|| Specification {
        document: mockaa::internals::http::openapi::build_document("http://127.0.0.1"),
    })
}

/// Returns how a value differs from a schema of the sandbox's own document.
pub fn own_violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut violations = Vec::new();
    own_specification().collect_violations(schema, value, "", &mut violations);
    violations
}

struct Specifications {
    aa: [(&'static str, Specification); 3],
    fiu: [(&'static str, Specification); 2],
}

/// Returns the published files, read once; `None` if they are missing.
fn published_specifications() -> Option<&'static Specifications> {
    static SPECIFICATIONS: OnceLock<Option<Specifications>> = OnceLock::new();
    SPECIFICATIONS
        .get_or_init(|| {
            let default_path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/rebit");
            let folder = std::env::var_os("MOCKAA_SPECS")
                .map_or_else(|| PathBuf::from(default_path), PathBuf::from);
            let read_specification = |name: &str| {
                let text = std::fs::read_to_string(folder.join("openapi").join(name)).ok()?;
                Some(Specification {
                    document: serde_saphyr::from_str(&text).expect("a specification is YAML"),
                })
            };
            Some(Specifications {
                aa: [
                    ("1.1.", read_specification("aa-1.1.2.yaml")?),
                    ("2.0.0", read_specification("aa-2.0.0.yaml")?),
                    (
                        "2.1.0",
                        read_specification("aa-2.1.0-sahamati-router.yaml")?,
                    ),
                ],
                fiu: [
                    ("1.1.", read_specification("fiu-1.1.2.yaml")?),
                    ("2.0.0", read_specification("fiu-2.0.0.yaml")?),
                ],
            })
        })
        .as_ref()
}

#[test]
fn the_specifications_are_checked_or_reported_missing() {
    match published_specifications() {
        Some(_) => {
            println!("responses and webhooks are checked against the OpenAPI files");
        }
        None => report_skip(
            "the OpenAPI files of ReBIT in ../shared/rebit or MOCKAA_SPECS; without them, no answer is checked against them",
        ),
    }
}

fn find_version<'a>(
    list: &'a [(&'static str, Specification)],
    body: &Value,
) -> Option<&'a Specification> {
    let ver = body["ver"].as_str()?;
    list.iter()
        .find(|(prefix, _)| ver.starts_with(prefix))
        .map(|(_, specification)| specification)
}

/// Strips the prefixes that the sandbox adds to a path: the world and the base path.
fn strip_world_and_base_path(path: &str) -> &str {
    let local = path
        .strip_prefix("/w/")
        .and_then(|rest| rest.find('/').map(|end| &rest[end..]))
        .unwrap_or(path);
    let base_paths = ["/proxy/v2", "/v1", "/v2", "/V2"];
    base_paths
        .iter()
        .find_map(|base_path| local.strip_prefix(base_path))
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(local)
}

/// Checks a response against the specification of its version, if that defines the call and the
/// status.
pub fn check_response(method: &Method, path: &str, status: StatusCode, text: &str) {
    let path = strip_world_and_base_path(path);
    let Ok(body) = serde_json::from_str::<Value>(text) else {
        return;
    };
    if let Some(operation) = own_specification().find_operation(method, path) {
        let response = &operation["responses"][status.as_str()];
        assert!(
            !response.is_null() || text.contains("was requested by") || text.contains("injected"),
            "{method} {path} {status} is not in /openapi.json\n{text}"
        );
        let mut violations = Vec::new();
        own_specification().collect_violations(
            &response["content"]["application/json"]["schema"],
            &body,
            "",
            &mut violations,
        );
        assert!(
            violations.is_empty(),
            "{method} {path} {status} differs from /openapi.json: {violations:?}\n{text}"
        );
    }
    let Some(specifications) = published_specifications() else {
        return;
    };
    let Some(specification) = find_version(&specifications.aa, &body) else {
        return;
    };
    let Some(operation) = specification.find_operation(method, path) else {
        return;
    };
    let schema = &operation["responses"][status.as_str()]["schema"];
    if !schema.is_null() {
        let mut violations = Vec::new();
        specification.collect_violations(schema, &body, "", &mut violations);
        assert!(
            violations.is_empty(),
            "{method} {path} {status} differs from the specification: {violations:?}\n{text}"
        );
    }
}

/// Checks a webhook against the FIU's specification. Pushed statements are the sandbox's own and
/// not specified.
pub fn check_webhook(path: &str, body: &[u8]) {
    let Some(specifications) = published_specifications() else {
        return;
    };
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return;
    };
    // Webhooks of the Unaport API have more fields and other statuses.
    if body.get("trackingId").is_some() {
        return;
    }
    let Some(specification) = find_version(&specifications.fiu, &body) else {
        return;
    };
    let Some(operation) = specification.find_operation(&Method::POST, path) else {
        return;
    };
    let parameters = operation["parameters"].as_array().expect("a list").iter();
    let schema = parameters
        .map(|parameter| specification.resolve_ref(parameter))
        .find(|parameter| parameter["in"] == "body");
    let mut violations = Vec::new();
    specification.collect_violations(
        &schema.expect("a notification has a body")["schema"],
        &body,
        "",
        &mut violations,
    );
    assert!(
        violations.is_empty(),
        "webhook {path} differs from the specification: {violations:?}\n{body}"
    );
}

fn has_type(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not known"),
    }
}

impl Specification {
    fn find_operation(&self, method: &Method, path: &str) -> Option<&Value> {
        let paths = self.document["paths"].as_object().expect("a map");
        let matches = |template: &str| {
            let (parts, segments): (Vec<_>, Vec<_>) =
                (template.split('/').collect(), path.split('/').collect());
            parts.len() == segments.len()
                && parts.iter().zip(&segments).all(|(part, segment)| {
                    part == segment || part.starts_with('{') && !segment.is_empty()
                })
        };
        let exact = paths.iter().find(|(template, _)| *template == path);
        let path_item = exact.or_else(|| paths.iter().find(|(template, _)| matches(template)));
        path_item
            .map(|(_, item)| &item[method.as_str().to_lowercase()])
            .filter(|operation| !operation.is_null())
    }

    fn resolve_ref<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            None => schema,
            Some(reference) => {
                let target = self.document.pointer(reference.trim_start_matches('#'));
                self.resolve_ref(target.unwrap_or_else(|| panic!("no schema {reference}")))
            }
        }
    }

    fn collect_violations(
        &self,
        schema: &Value,
        value: &Value,
        pointer: &str,
        violations: &mut Vec<String>,
    ) {
        self.collect_violations_except(&[], schema, value, pointer, violations);
    }

    /// Checks all properties except the excluded ones. Quirk: the files extend an error by
    /// redefining its `errorCode` beside `allOf`; the redefinition counts.
    fn collect_violations_except(
        &self,
        excluded: &[&str],
        schema: &Value,
        value: &Value,
        pointer: &str,
        violations: &mut Vec<String>,
    ) {
        let schema = self.resolve_ref(schema);
        if value.is_null() && schema["nullable"] == true {
            return;
        }
        let list = |name: &str| {
            schema[name]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default()
        };
        let properties = schema["properties"].as_object().into_iter().flatten();
        let redefined: Vec<_> = properties
            .map(|(name, _)| name.as_str())
            .chain(excluded.iter().copied())
            .collect();
        for part in list("allOf") {
            self.collect_violations_except(&redefined, part, value, pointer, violations);
        }
        let kinds: Vec<_> = match &schema["type"] {
            Value::String(kind) => vec![kind.as_str()],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !kinds.is_empty() && !kinds.iter().any(|kind| has_type(value, kind)) {
            violations.push(format!(
                "{pointer}: {value} is not of type {}",
                schema["type"]
            ));
        }
        let alternatives = list("anyOf");
        let is_violated = |alternative| {
            let mut violations = Vec::new();
            self.collect_violations(alternative, value, pointer, &mut violations);
            !violations.is_empty()
        };
        if !alternatives.is_empty() && alternatives.iter().all(is_violated) {
            violations.push(format!("{pointer}: {value} is none of the alternatives"));
        }
        if let Some(minimum) = schema["minimum"].as_i64()
            && value.as_i64().is_some_and(|number| number < minimum)
        {
            violations.push(format!("{pointer}: {value} is less than {minimum}"));
        }
        if let Some(length) = schema["minLength"].as_u64()
            && value
                .as_str()
                .is_some_and(|text| (text.chars().count() as u64) < length)
        {
            violations.push(format!("{pointer}: {value} is too short"));
        }
        if schema["format"] == "uuid"
            && value.as_str().is_some_and(|text| {
                text.len() != 36 || text.bytes().filter(|byte| *byte == b'-').count() != 4
            })
        {
            violations.push(format!("{pointer}: {value} is not a UUID"));
        }
        if !list("enum").is_empty() && !list("enum").contains(value) {
            violations.push(format!(
                "{pointer}: {value} is not one of {}",
                schema["enum"]
            ));
        }
        if schema["format"] == "date-time"
            && value
                .as_str()
                .is_some_and(|text| chrono::DateTime::parse_from_rfc3339(text).is_err())
        {
            violations.push(format!("{pointer}: {value} is not a date-time"));
        }
        for required in list("required").iter().filter_map(Value::as_str) {
            if value.is_object() && value.get(required).is_none() {
                violations.push(format!("{pointer}: {required} is missing"));
            }
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(member) = value
                .get(name)
                .filter(|_| !excluded.contains(&name.as_str()))
            {
                self.collect_violations(property, member, &format!("{pointer}/{name}"), violations);
            }
        }
        if let Some(items) = schema.get("items") {
            for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                self.collect_violations(items, item, &format!("{pointer}/{index}"), violations);
            }
        }
    }
}
