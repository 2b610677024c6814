//! Enums with one table of wire names, and suggestions for misspelled names.

/// An enum with one table of wire names, for code that is generic over such enums.
pub trait WireEnum: Copy + Sized + 'static {
    /// Returns all variants in the order of the table.
    fn all_variants() -> &'static [Self];

    /// Returns the wire name.
    fn wire_name(self) -> &'static str;
}

/// Declares an enum together with the table of its wire names.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the wire name of the variant.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Returns the variant with exactly this wire name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }

            /// Returns all wire names, for error messages.
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

/// Returns the most similar name, if one is similar enough to be a misspelling.
pub fn closest_name<'n>(text: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let text = text.to_lowercase();
    names
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&text, &name.to_lowercase()),
                name,
            )
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 1 + text.len() / 4)
        .map(|(_, name)| name)
}

/// Returns the end of an error message about an unknown name: the closest name, or all names.
pub fn suggest_name<'n>(text: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    closest_name(text, names.clone()).map_or_else(
        || format!("known: {}", names.collect::<Vec<_>>().join(", ")),
        |closest| format!("did you mean {closest}?"),
    )
}
