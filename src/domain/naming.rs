//! Enums with one table of wire names, and suggestions for misspelled names.

use std::borrow::Cow;

use schemars::{Schema, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// An enum with one table of wire names, for code that is generic over such enums.
pub trait WireEnum: Copy + Sized + 'static {
    /// Returns all variants in the order of the table.
    fn all_variants() -> &'static [Self];

    /// Returns the wire name.
    fn wire_name(self) -> &'static str;
}

/// Reads the wire name of a variant.
///
/// # Errors
/// An unknown name.
pub fn deserialize_wire_name<'de, T: WireEnum, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    T::all_variants()
        .iter()
        .copied()
        .find(|variant| variant.wire_name() == text)
        .ok_or_else(|| D::Error::custom(format!("unknown name '{text}'")))
}

/// Returns the schema of the wire names of these variants.
pub fn wire_name_schema<T: WireEnum>(variants: impl IntoIterator<Item = T>) -> Schema {
    let names: Vec<_> = variants.into_iter().map(T::wire_name).collect();
    json_schema!({ "type": "string", "enum": names })
}

/// Declares an enum together with the table of its wire names. serde and JSON Schema use the same
/// table.
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

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::domain::naming::deserialize_wire_name(deserializer)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::domain::naming::wire_name_schema(Self::ALL.iter().copied())
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
