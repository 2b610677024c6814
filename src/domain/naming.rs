//! Outside names: enums that have one table of them, and what somebody meant who spelled one wrong.

/// An enum with one table of outside names, for who reads names of any kind.
pub trait WireEnum: Copy + Sized + 'static {
    /// All values, in the order of their table.
    fn all_variants() -> &'static [Self];

    /// The outside name.
    fn wire_name(self) -> &'static str;
}

/// Declares an enum together with the one table of its outside names.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name that the specification gives it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value of that name, spelled exactly.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }

            /// All names, for an error that says what would have been accepted.
            pub fn accepted_names() -> String {
                [$($text),+].join(", ")
            }
        }

        impl $crate::domain::naming::WireEnum for $name {
            fn all_variants() -> &'static [Self] {
                Self::ALL
            }

            fn wire_name(self) -> &'static str {
                self.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(crate) use wire_enum;

/// The name that somebody has most likely meant.
pub fn closest_name<'n>(text: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let text = text.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&text, &name.to_lowercase());
    let closest = names
        .into_iter()
        .map(|name| (distance(name), name))
        .min_by_key(|(distance, _)| *distance);
    closest
        .filter(|(distance, _)| *distance <= 1 + text.len() / 4)
        .map(|(_, name)| name)
}

/// What an unknown name's error goes on with: the one that was meant, or all there are.
pub fn suggest_name<'n>(text: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    closest_name(text, names.clone()).map_or_else(
        || format!("known: {}", names.collect::<Vec<_>>().join(", ")),
        |closest| format!("did you mean {closest}?"),
    )
}
