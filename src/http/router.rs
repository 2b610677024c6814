//! Finds the calls of a path, in a tree of its segments. All workers share one tree, and a look-up
//! costs a few comparisons, however many calls there are.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::http::route_info::Section;
use crate::http::routes::{Resource, list_resources};

/// The patterns of all calls.
#[derive(Debug)]
pub(crate) struct Router(Node);

/// The continuations of one prefix of segments.
#[derive(Debug, Default)]
struct Node {
    literals: BTreeMap<&'static str, Node>,
    /// The continuations behind a parameter.
    parameter: Option<Box<Node>>,
    /// The calls of the path that ends here.
    end: Option<Box<Resource>>,
}

/// Splits a path below `/w/NAME` into the world's name and the rest, which is `/` for the address of
/// the world itself.
pub(crate) fn split_world(path: &str) -> (Option<&str>, &str) {
    let Some(rest) = path.strip_prefix("/w/") else {
        return (None, path);
    };
    match rest.split_once('/') {
        Some(("", _)) => (None, path),
        Some((world, _)) => (Some(world), &rest[world.len()..]),
        None if rest.is_empty() => (None, path),
        None => (Some(rest), "/"),
    }
}

/// The calls of a path.
#[derive(Debug)]
pub(crate) struct RouteMatch<'a> {
    pub resource: &'a Resource,
    pub parameters: PathParameters,
}

/// The parameters of a path, by name.
#[derive(Debug, Default)]
pub(crate) struct PathParameters(Vec<(&'static str, Box<str>)>);

impl PathParameters {
    /// Returns the value of a parameter, decoded.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut parameters = self.0.iter();
        parameters
            .find(|(key, _)| *key == name)
            .map(|(_, value)| &**value)
    }
}

/// Decodes `%25`, `%2B` and `%2F`. The server has decoded all other escapes of the path.
pub(crate) fn decode_parameter(value: &str) -> Box<str> {
    if value.contains('%') {
        percent_decode_str(value).decode_utf8_lossy().into()
    } else {
        value.into()
    }
}

impl Router {
    /// Builds the router from the table of calls. Of two patterns that fit the same paths, the first
    /// one counts.
    pub(crate) fn new() -> Self {
        let mut root = Node::default();
        for resource in list_resources() {
            for base in resource.base_paths() {
                let segments = base.split('/').skip(1);
                let segments = segments.chain(resource.path().split('/').skip(1));
                root.insert(segments, &resource);
            }
        }
        Self(root)
    }

    /// Finds the calls of a path below its world. A segment that is written in the table comes before
    /// a parameter.
    ///
    /// The calls of Unaport accept repeated slashes at the end, and between the base URL and the path
    /// (`docs/sources.md#unaport-pitfalls`).
    pub(crate) fn find(&self, path: &str) -> Option<RouteMatch<'_>> {
        self.find_exact(path).or_else(|| {
            let bases = Section::Unaport.base_paths().iter();
            let (base, rest) = bases
                .filter_map(|base| Some((base, path.strip_prefix(base)?)))
                .find(|(_, rest)| rest.starts_with('/'))?;
            let path = format!("{base}/{}", rest.trim_matches('/'));
            // The last slash may be that before an empty parameter.
            self.find_exact(&format!("{path}/"))
                .or_else(|| self.find_exact(&path))
        })
    }

    fn find_exact(&self, path: &str) -> Option<RouteMatch<'_>> {
        let path = path.strip_prefix('/')?;
        let mut values = Vec::new();
        let resource = self.0.find(Some(path), &mut values)?;
        let names = resource.parameter_names();
        let parameters = names.zip(values.into_iter().map(decode_parameter));
        Some(RouteMatch {
            resource,
            parameters: PathParameters(parameters.collect()),
        })
    }
}

impl Node {
    fn insert(&mut self, segments: impl Iterator<Item = &'static str>, resource: &Resource) {
        let mut node = self;
        for segment in segments {
            node = if segment.starts_with('{') {
                node.parameter.get_or_insert_default()
            } else {
                node.literals.entry(segment).or_default()
            };
        }
        node.end.get_or_insert_with(|| Box::new(resource.clone()));
    }

    /// Finds the calls of the rest of a path; `None` is its end. `values` gets the parameters.
    fn find<'a>(&self, rest: Option<&'a str>, values: &mut Vec<&'a str>) -> Option<&Resource> {
        let Some(rest) = rest else {
            return self
                .end
                .as_deref()
                .filter(|resource| resource.accepts(values));
        };
        let (segment, rest) = match rest.split_once('/') {
            Some((segment, rest)) => (segment, Some(rest)),
            None => (rest, None),
        };
        let literal = self.literals.get(segment);
        if let Some(resource) = literal.and_then(|node| node.find(rest, values)) {
            return Some(resource);
        }
        let parameter = self.parameter.as_ref()?;
        values.push(segment);
        let resource = parameter.find(rest, values);
        if resource.is_none() {
            values.pop();
        }
        resource
    }
}

#[cfg(test)]
mod tests {
    use super::{Router, split_world};

    /// Returns the documented path of the calls that a path has, with its parameters.
    fn describe(path: &str) -> Option<String> {
        let router = Router::new();
        let found = router.find(path)?;
        let values = found.resource.parameter_names().map(|name| {
            let value = found.parameters.get(name).expect("it has a value");
            format!("{name}={value}")
        });
        let values: Vec<_> = values.collect();
        Some(format!("{} {}", found.resource.path(), values.join(" ")))
    }

    #[test]
    fn a_written_segment_comes_before_a_parameter() {
        for (path, found) in [
            ("/", Some("/ ")),
            ("/consent", Some("/consent ")),
            ("/v2/consent/a%2Fb", Some("/consent/{id} id=a/b")),
            ("/consent/", None),
            ("/consent/a/b", None),
            ("consent", None),
            ("//consent", None),
            (
                "/_mockaa/v1/scenarios/default",
                Some("/_mockaa/v1/scenarios/default "),
            ),
            (
                "/_mockaa/v1/scenarios/defaults",
                Some("/_mockaa/v1/scenarios/{name} name=defaults"),
            ),
        ] {
            assert_eq!(describe(path).as_deref(), found, "{path}");
        }
    }

    #[test]
    fn a_variable_that_was_not_set_and_more_slashes_are_accepted_where_they_occur() {
        let by_product = "/FIU/Consents/product/{org_id} org_id=";
        for (path, found) in [
            (
                "/Consent/handle/",
                Some("/Consent/handle/{consentHandle} consentHandle="),
            ),
            ("/api/v1/FIU/Consents/product/", Some(by_product)),
            ("/api/v1//FIU/Consents/product//", Some(by_product)),
            (
                "/backend/api/v1/FIU/Consents//c",
                Some("/FIU/Consents/{org_id}/{consentId} org_id= consentId=c"),
            ),
            ("/api/v1FIU/Consents/product/o", None),
            ("/consent//a", None),
        ] {
            assert_eq!(describe(path).as_deref(), found, "{path}");
        }
    }

    #[test]
    fn a_world_is_split_off_once() {
        for (path, split) in [
            ("/consent", (None, "/consent")),
            ("/w/a/consent", (Some("a"), "/consent")),
            ("/w/a", (Some("a"), "/")),
            ("/w/a/", (Some("a"), "/")),
            ("/w/a/w/b/consent", (Some("a"), "/w/b/consent")),
            ("/w/", (None, "/w/")),
            ("/w//consent", (None, "/w//consent")),
        ] {
            assert_eq!(split_world(path), split, "{path}");
        }
    }
}
