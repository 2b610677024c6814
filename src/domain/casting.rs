//! Which consents a scenario is for.

use crate::domain::account::FiType;
use crate::domain::command::RaiseConsent;
use crate::domain::consent::FetchType;
use crate::domain::glob::Glob;

/// What a consent has to be like: all of this, each of one of the listed kinds. An empty list asks nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    pub customers: Vec<Glob>,
    pub fius: Vec<Glob>,
    pub aas: Vec<Glob>,
    /// It asks for at least one of them.
    pub fi_types: Vec<FiType>,
    pub purposes: Vec<Box<str>>,
    pub fetch_types: Vec<FetchType>,
    pub faces: Vec<&'static str>,
}

/// How much a [`Match`] asks: first the number of things, then how closely names are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    things: usize,
    literals: usize,
}

impl Match {
    pub fn has(&self, raise: &RaiseConsent) -> bool {
        let RaiseConsent {
            terms,
            face,
            aa,
            fiu,
            ..
        } = raise;
        let glob = |globs: &[Glob], text: &str| {
            globs.is_empty() || globs.iter().any(|glob| glob.matches(text))
        };
        glob(&self.customers, &terms.customer)
            && glob(&self.fius, fiu)
            && glob(&self.aas, aa)
            && (self.fi_types.is_empty()
                || terms
                    .fi_types
                    .iter()
                    .any(|fi_type| self.fi_types.contains(fi_type)))
            && (self.purposes.is_empty() || self.purposes.contains(&terms.purpose.code))
            && (self.fetch_types.is_empty() || self.fetch_types.contains(&terms.fetch_type))
            && (self.faces.is_empty() || self.faces.contains(&face.as_str()))
    }

    /// Whether there can be a consent that both are for.
    pub fn overlaps(&self, other: &Self) -> bool {
        let globs = |one: &[Glob], other: &[Glob]| {
            one.is_empty()
                || other.is_empty()
                || one
                    .iter()
                    .any(|glob| other.iter().any(|other| glob.overlaps(other)))
        };
        globs(&self.customers, &other.customers)
            && globs(&self.fius, &other.fius)
            && globs(&self.aas, &other.aas)
            // A consent may ask for kinds of both.
            && meet(&self.purposes, &other.purposes)
            && meet(&self.fetch_types, &other.fetch_types)
            && meet(&self.faces, &other.faces)
    }

    pub fn rank(&self) -> Rank {
        let globs = [&self.customers, &self.fius, &self.aas];
        let others = [
            self.fi_types.is_empty(),
            self.purposes.is_empty(),
            self.fetch_types.is_empty(),
            self.faces.is_empty(),
        ];
        let asked = globs.iter().filter(|globs| !globs.is_empty()).count();
        let loosest =
            |globs: &&Vec<Glob>| globs.iter().map(Glob::literals).min().unwrap_or_default();
        Rank {
            things: asked + others.iter().filter(|empty| !**empty).count(),
            literals: globs.iter().map(loosest).sum(),
        }
    }
}

fn meet<T: PartialEq>(one: &[T], other: &[T]) -> bool {
    one.is_empty() || other.is_empty() || one.iter().any(|value| other.contains(value))
}

#[cfg(test)]
mod tests {
    use super::Match;
    use crate::domain::account::FiType;
    use crate::domain::consent::FetchType;
    use crate::domain::glob::Glob;

    fn customers(pattern: &str) -> Match {
        Match {
            customers: vec![Glob::new(pattern)],
            ..Match::default()
        }
    }

    #[test]
    fn more_things_outrank_closer_names_and_closer_names_outrank_loose_ones() {
        let loose = customers("98*");
        let close = customers("9812345678@*");
        let with_type = Match {
            fi_types: vec![FiType::Deposit],
            ..loose.clone()
        };
        assert!(close.rank() > loose.rank());
        assert!(with_type.rank() > close.rank());
    }

    #[test]
    fn what_excludes_each_other_does_not_overlap() {
        let once = Match {
            fetch_types: vec![FetchType::OneTime],
            ..customers("98*")
        };
        let again = Match {
            fetch_types: vec![FetchType::Periodic],
            ..customers("98*")
        };
        assert!(!once.overlaps(&again));
        assert!(once.overlaps(&customers("*@x")));
        assert!(!customers("98*").overlaps(&customers("97*")));
    }
}
