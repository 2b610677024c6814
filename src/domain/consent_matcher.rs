//! Conditions by which a scenario matches consents.

use crate::domain::account::FiType;
use crate::domain::command::RaiseConsent;
use crate::domain::glob::Glob;
use crate::domain::terms::FetchType;

/// Conditions on a consent request. A request must meet all of them, each with one of the listed
/// values. An empty list is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsentMatcher {
    pub customers: Vec<Glob>,
    pub fius: Vec<Glob>,
    pub aas: Vec<Glob>,
    /// Matches a request that has at least one of these FI types.
    pub fi_types: Vec<FiType>,
    pub purposes: Vec<Box<str>>,
    pub fetch_types: Vec<FetchType>,
    pub apis: Vec<&'static str>,
}

/// Rank of a [`ConsentMatcher`]: first the number of conditions, then the sum of the literal
/// characters in the least specific pattern of each condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Specificity {
    conditions: usize,
    literal_chars: usize,
}

impl ConsentMatcher {
    pub fn matches_request(&self, request: &RaiseConsent) -> bool {
        let RaiseConsent {
            terms,
            api,
            aa,
            fiu,
            ..
        } = request;
        any_glob_matches(&self.customers, &terms.customer)
            && any_glob_matches(&self.fius, fiu)
            && any_glob_matches(&self.aas, aa)
            && (self.fi_types.is_empty()
                || terms
                    .fi_types
                    .iter()
                    .any(|fi_type| self.fi_types.contains(fi_type)))
            && (self.purposes.is_empty() || self.purposes.contains(&terms.purpose.code))
            && (self.fetch_types.is_empty() || self.fetch_types.contains(&terms.fetch_type))
            && (self.apis.is_empty() || self.apis.contains(&api.as_str()))
    }

    /// Returns whether one consent can match both.
    pub fn overlaps_with(&self, other: &Self) -> bool {
        globs_overlap(&self.customers, &other.customers)
            && globs_overlap(&self.fius, &other.fius)
            && globs_overlap(&self.aas, &other.aas)
            // FI types cannot exclude each other: a consent may ask for types of both.
            && can_share_value(&self.purposes, &other.purposes)
            && can_share_value(&self.fetch_types, &other.fetch_types)
            && can_share_value(&self.apis, &other.apis)
    }

    pub fn specificity(&self) -> Specificity {
        let globs = [&self.customers, &self.fius, &self.aas];
        let empty_lists = [
            self.fi_types.is_empty(),
            self.purposes.is_empty(),
            self.fetch_types.is_empty(),
            self.apis.is_empty(),
        ];
        let glob_criteria = globs.iter().filter(|globs| !globs.is_empty()).count();
        Specificity {
            conditions: glob_criteria + empty_lists.iter().filter(|empty| !**empty).count(),
            literal_chars: globs.iter().map(|globs| fewest_literals(globs)).sum(),
        }
    }
}

fn any_glob_matches(globs: &[Glob], text: &str) -> bool {
    globs.is_empty() || globs.iter().any(|glob| glob.matches(text))
}

fn globs_overlap(one: &[Glob], other: &[Glob]) -> bool {
    one.is_empty()
        || other.is_empty()
        || one
            .iter()
            .any(|glob| other.iter().any(|other| glob.overlaps(other)))
}

fn fewest_literals(globs: &[Glob]) -> usize {
    globs
        .iter()
        .map(Glob::literal_count)
        .min()
        .unwrap_or_default()
}

fn can_share_value<T: PartialEq>(one: &[T], other: &[T]) -> bool {
    one.is_empty() || other.is_empty() || one.iter().any(|value| other.contains(value))
}

#[cfg(test)]
mod tests {
    use super::ConsentMatcher;
    use crate::domain::account::FiType;
    use crate::domain::glob::Glob;
    use crate::domain::terms::FetchType;

    fn match_customers(pattern: &str) -> ConsentMatcher {
        ConsentMatcher {
            customers: vec![Glob::new(pattern)],
            ..ConsentMatcher::default()
        }
    }

    #[test]
    fn more_criteria_outrank_closer_patterns_and_closer_patterns_outrank_loose_ones() {
        let loose = match_customers("98*");
        let close = match_customers("9812345678@*");
        let with_type = ConsentMatcher {
            fi_types: vec![FiType::Deposit],
            ..loose.clone()
        };
        assert!(close.specificity() > loose.specificity());
        assert!(with_type.specificity() > close.specificity());
    }

    #[test]
    fn mutually_exclusive_matchers_do_not_overlap() {
        let one_time = ConsentMatcher {
            fetch_types: vec![FetchType::OneTime],
            ..match_customers("98*")
        };
        let periodic = ConsentMatcher {
            fetch_types: vec![FetchType::Periodic],
            ..match_customers("98*")
        };
        assert!(!one_time.overlaps_with(&periodic));
        assert!(one_time.overlaps_with(&match_customers("*@x")));
        assert!(!match_customers("98*").overlaps_with(&match_customers("97*")));
    }
}
