//! Explains a path that no call has: a misspelling, or a base URL that is missing or doubled.

use crate::domain::naming::count_edits;
use crate::http::route_info::RouteMethod;

/// The paths of all calls, below each of their base paths.
#[derive(Debug)]
pub(crate) struct KnownPaths(Vec<KnownPath>);

#[derive(Debug)]
struct KnownPath {
    method: RouteMethod,
    segments: Vec<&'static str>,
    base_path: &'static str,
    /// `true` for the base path under which the documents have the call.
    is_documented: bool,
}

impl KnownPath {
    /// Returns whether the call answers this method; GET also answers HEAD.
    fn has_method(&self, method: &str) -> bool {
        let method = if method == "HEAD" { "GET" } else { method };
        self.method.as_str() == method
    }

    /// Returns whether the segments are those of the path. Case does not count, and a parameter
    /// takes any segment.
    fn matches(&self, segments: &[&str]) -> bool {
        self.segments.len() == segments.len() && is_same_end(&self.segments, segments)
    }

    /// Asks whether the path was meant. It names the method if the call has another one.
    fn suggest(&self, method: &str, mount: &str, segments: &[&str]) -> String {
        let path = self.fill(segments);
        if self.has_method(method) {
            format!("did you mean {mount}{path}?")
        } else {
            format!("did you mean {} {mount}{path}?", self.method)
        }
    }

    /// Returns the number of letters in which the path differs from these segments, if they are few.
    /// What a parameter takes is left out on both sides: it is no mistake, however long it is.
    fn count_edits(&self, segments: &[&str]) -> Option<usize> {
        let is_taken = |from_end: usize| {
            let known = self.segments.iter().rev().nth(from_end);
            known.is_some_and(|known| is_parameter(known)) && from_end < segments.len()
        };
        let join_fixed = |segments: &[&str]| {
            let indexed = segments.iter().rev().enumerate();
            let fixed = indexed.filter(|(from_end, _)| !is_taken(*from_end));
            let mut fixed: Vec<_> = fixed.map(|(_, segment)| *segment).collect();
            fixed.reverse();
            join(&fixed).to_lowercase()
        };
        let fixed = self.segments.iter().filter(|known| !is_parameter(known));
        let limit = 1 + fixed.map(|known| known.len()).sum::<usize>() / 4;
        count_edits(&join_fixed(segments), &join_fixed(&self.segments), limit)
    }

    /// Returns the path with its parameters filled from these segments, the last from the last.
    fn fill(&self, segments: &[&str]) -> String {
        let surplus = self.segments.len().saturating_sub(segments.len());
        let missing = segments.len().saturating_sub(self.segments.len());
        let filled = self.segments.iter().enumerate().map(|(index, segment)| {
            let given = (index + missing).checked_sub(surplus);
            let given = given.and_then(|index| segments.get(index));
            given
                .filter(|_| is_parameter(segment))
                .map_or(*segment, |given| *given)
        });
        join(&filled.collect::<Vec<_>>())
    }
}

impl KnownPaths {
    /// Takes method, base path and path below the base path of each call, and whether the documents
    /// have it there.
    pub(crate) fn new(
        calls: impl Iterator<Item = (RouteMethod, &'static str, &'static str, bool)>,
    ) -> Self {
        let known = calls.map(|(method, base_path, path, is_documented)| KnownPath {
            method,
            segments: split_segments(base_path)
                .chain(split_segments(path))
                .collect(),
            base_path,
            is_documented,
        });
        Self(known.filter(|known| !known.segments.is_empty()).collect())
    }

    /// Returns what is probably wrong with the path, as the end of an error message. `mount` is the
    /// prefix of the path's world, and `path` the rest.
    pub(crate) fn explain(&self, method: &str, mount: &str, path: &str) -> Option<String> {
        let segments: Vec<_> = split_segments(path).collect();
        if let Some(known) = self.find(method, |known| known.matches(&segments)) {
            let is_same = known.fill(&segments) == path;
            return (!is_same).then(|| known.suggest(method, mount, &segments));
        }
        let surplus = (1..segments.len()).find_map(|start| {
            let (surplus, rest) = segments.split_at(start);
            let known = self.find(method, |known| known.matches(rest))?;
            Some((surplus, rest, known))
        });
        if let Some((surplus, rest, known)) = surplus
            && let Some(explanation) = self.explain_surplus(method, mount, surplus, rest, known)
        {
            return Some(explanation);
        }
        let longer = self.find_longer(method, &segments);
        if let Some(known) = longer {
            let missing = join(&known.segments[..known.segments.len() - segments.len()]);
            if known.base_path.starts_with(&missing) {
                let suggestion = known.suggest(method, mount, &segments);
                let base_path = known.base_path;
                return Some(format!("the base URL ends with {base_path}, {suggestion}"));
            }
        }
        if let Some(known) = self.find_similar(method, &segments) {
            return Some(known.suggest(method, mount, &segments));
        }
        if let Some((surplus, rest, known)) = surplus {
            let (surplus, suggestion) = (join(surplus), known.suggest(method, mount, rest));
            return Some(format!("nothing is served below {surplus}, {suggestion}"));
        }
        longer.map(|known| known.suggest(method, mount, &segments))
    }

    /// Returns why these segments do not belong before the rest, which is a known path.
    fn explain_surplus(
        &self,
        method: &str,
        mount: &str,
        surplus: &[&str],
        rest: &[&str],
        known: &KnownPath,
    ) -> Option<String> {
        let surplus_path = join(surplus);
        if let [base @ .., "w", world] = surplus
            && mount.is_empty()
        {
            let mount = format!("/w/{world}{}", join(base));
            let suggestion = known.suggest(method, &mount, rest);
            return Some(format!("the world comes first, {suggestion}"));
        }
        let cause = if surplus.iter().any(|segment| segment.ends_with(':')) {
            "a whole URL stands in the path".to_owned()
        } else if surplus_path == known.base_path {
            format!("the base path {surplus_path} stands in it twice")
        } else if surplus == rest {
            format!("{surplus_path} stands in it twice")
        } else if self.0.iter().any(|known| known.base_path == surplus_path) {
            format!("{surplus_path} is the base path of other calls")
        } else {
            return None;
        };
        Some(format!("{cause}, {}", known.suggest(method, mount, rest)))
    }

    /// Returns the first path for which this holds, if possible of a call with this method.
    fn find(&self, method: &str, is_wanted: impl Fn(&KnownPath) -> bool) -> Option<&KnownPath> {
        let wanted = self.0.iter().filter(|known| is_wanted(known));
        wanted.min_by_key(|known| !known.has_method(method))
    }

    /// Returns the shortest path that ends with these segments.
    fn find_longer(&self, method: &str, segments: &[&str]) -> Option<&KnownPath> {
        let longer = self.0.iter().filter(|known| {
            known.segments.len() > segments.len() && is_same_end(&known.segments, segments)
        });
        longer.min_by_key(|known| {
            (
                !known.is_documented,
                known.segments.len(),
                !known.has_method(method),
            )
        })
    }

    /// Returns the path from which these segments differ least, if few letters differ.
    fn find_similar(&self, method: &str, segments: &[&str]) -> Option<&KnownPath> {
        let similar = self.0.iter().filter_map(|known| {
            let edits = known.count_edits(segments)?;
            Some((edits, !known.has_method(method), known))
        });
        let closest = similar.min_by_key(|(edits, is_other_method, _)| (*edits, *is_other_method));
        closest.map(|(_, _, known)| known)
    }
}

fn split_segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn join(segments: &[&str]) -> String {
    segments
        .iter()
        .fold(String::new(), |path, segment| path + "/" + segment)
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

/// Returns whether the known segments end with the given ones, at least one of them literally.
fn is_same_end(known: &[&str], given: &[&str]) -> bool {
    let mut pairs = known.iter().rev().zip(given.iter().rev());
    pairs.clone().any(|(known, _)| !is_parameter(known))
        && pairs.all(|(known, given)| is_parameter(known) || known.eq_ignore_ascii_case(given))
}

#[cfg(test)]
mod tests {
    use crate::http::routes::known_paths;

    #[test]
    fn an_unknown_path_is_explained() {
        let known = known_paths();
        for (method, path, explanation) in [
            ("POST", "/Consnt", "did you mean /Consent?"),
            ("POST", "/FI/Request", "did you mean /FI/request?"),
            ("POST", "//Consent", "did you mean /Consent?"),
            ("POST", "/Consent/", "did you mean /Consent?"),
            ("POST", "/FIRequest", "did you mean /FI/request?"),
            ("GET", "/FI/request/", "did you mean POST /FI/request?"),
            (
                "GET",
                "/Consent/handel/e6c8fd39",
                "did you mean /Consent/handle/e6c8fd39?",
            ),
            ("POST", "/v3/Consent", "did you mean /v1/Consent?"),
            (
                "POST",
                "/v2/v2/Consent",
                "the base path /v2 stands in it twice, did you mean /v2/Consent?",
            ),
            (
                "POST",
                "/FI/request/FI/request",
                "/FI/request stands in it twice, did you mean /FI/request?",
            ),
            (
                "POST",
                "/sandbox/Consent",
                "nothing is served below /sandbox, did you mean /Consent?",
            ),
            (
                "POST",
                "/v2/w/ci-7/Consent",
                "the world comes first, did you mean /w/ci-7/v2/Consent?",
            ),
            (
                "POST",
                "/http://127.0.0.1:8080/Consent",
                "a whole URL stands in the path, did you mean /Consent?",
            ),
            (
                "GET",
                "/FIU/GetConsent/x",
                "the base URL ends with /backend-v2/api/v2, did you mean /backend-v2/api/v2/FIU/GetConsent/x?",
            ),
            (
                "POST",
                "/public/user/login",
                "the base URL ends with /api/v1, did you mean /api/v1/public/user/login?",
            ),
            (
                "POST",
                "/api/v1/api/v1/public/user/login",
                "the base path /api/v1 stands in it twice, did you mean /api/v1/public/user/login?",
            ),
            (
                "POST",
                "/api/v2/FIU/InsertProduct/o-1",
                "the base URL ends with /backend-v2/api/v2, did you mean /backend-v2/api/v2/FIU/InsertProduct/o-1?",
            ),
            (
                "GET",
                "/_mockaa/consents",
                "did you mean /_mockaa/v1/consents?",
            ),
            (
                "GET",
                "/_mockaa/v1/consent",
                "did you mean /_mockaa/v1/consents?",
            ),
            ("GET", "/worlds", "did you mean /_mockaa/v1/worlds?"),
            ("GET", "/reddyz", "did you mean /readyz?"),
            ("GET", "/openapi.yaml", "did you mean /openapi.json?"),
        ] {
            assert_eq!(
                known.explain(method, "", path).as_deref(),
                Some(explanation),
                "{method} {path}"
            );
        }
        for path in [
            "/",
            "/favicon.ico",
            "/wp-login.php",
            "/a/b/c/d/e",
            "/robots.txt",
        ] {
            assert_eq!(known.explain("GET", "", path), None, "{path}");
        }
    }

    /// Comparing all letters of two such paths would take a gigabyte.
    #[test]
    fn a_long_parameter_is_not_compared() {
        let value = "x".repeat(10_000);
        let explanation = known_paths().explain("GET", "", &format!("/Consent/handel/{value}"));
        let expected = format!("did you mean /Consent/handle/{value}?");
        assert_eq!(explanation.as_deref(), Some(&*expected));
        let unknown = known_paths().explain("GET", "", &format!("/{value}"));
        assert_eq!(unknown, None);
    }

    #[test]
    fn a_suggestion_keeps_the_world() {
        let explanation = known_paths().explain("POST", "/w/ci-7", "/v2/v2/Consent");
        assert_eq!(
            explanation.as_deref(),
            Some("the base path /v2 stands in it twice, did you mean /w/ci-7/v2/Consent?")
        );
    }
}
