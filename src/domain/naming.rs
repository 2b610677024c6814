//! Enums with one table of wire names, families of enums with parameters, and suggestions
//! for misspelled names.

use std::borrow::Cow;

use schemars::{Schema, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::domain::text::quote_value;

/// An enum with one table of wire names, for code that is generic over such enums.
pub(crate) trait WireEnum: Copy + Sized + 'static {
    /// Returns all variants in the order of the table.
    fn all_variants() -> &'static [Self];

    /// Returns the wire name.
    fn wire_name(self) -> &'static str;
}

/// Reads the wire name of a variant.
///
/// # Errors
/// An unknown name.
pub(crate) fn deserialize_wire_name<'de, T: WireEnum, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    T::all_variants()
        .iter()
        .copied()
        .find(|variant| variant.wire_name() == text)
        .ok_or_else(|| D::Error::custom(format!("unknown name {}", quote_value(&text))))
}

/// Returns the schema of the wire names of these variants.
pub(crate) fn wire_name_schema<T: WireEnum>(variants: impl IntoIterator<Item = T>) -> Schema {
    let names: Vec<_> = variants.into_iter().map(T::wire_name).collect();
    json_schema!({ "type": "string", "enum": names })
}

/// Declares an enum together with the table of its wire names. serde and JSON Schema use the same
/// table.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(unreachable_pub, dead_code, reason = "not every use needs all of it outside")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        #[allow(unreachable_pub, dead_code, reason = "not every use needs all of it outside")]
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

/// Declares an enum with contents together with the enum of its names. Its written form has them.
macro_rules! named_enum {
    (
        $(#[$meta:meta])* $enum:ident,
        $(#[$name_meta:meta])* $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal $content:tt)+
        }
    ) => {
        $(#[$meta])*
        #[derive(serde::Serialize, serde::Deserialize)]
        #[allow(unreachable_pub, dead_code, reason = "not every use needs all of it outside")]
        pub enum $enum { $($(#[$variant_meta])* #[serde(rename = $text)] $variant $content),+ }

        $crate::domain::naming::wire_enum! {
            $(#[$name_meta])*
            $name { $($variant = $text),+ }
        }

        #[allow(unreachable_pub, dead_code, reason = "not every use needs all of it outside")]
        impl $enum {
            pub const fn name(&self) -> $name {
                match self { $(Self::$variant { .. } => $name::$variant),+ }
            }
        }
    };
}
pub(crate) use named_enum;

/// Declares a family of members that people write as `name: { parameters }`, such as the faults of a
/// webhook. One table gives three kinds of enum:
///
/// - the family, with one variant per class;
/// - the members of each class, with their parameters. The place where a class acts matches its
///   enum exhaustively, so the compiler names the place that a new member needs;
/// - the names of all members, without parameters.
///
/// A member without parameters is written `name: {}`. Doc comments are the descriptions in the JSON
/// Schema. `[Class(Struct) = "name"]` is a class of one member whose parameters are written beside
/// its name; the struct has both.
macro_rules! tagged_family {
    (
        $(#[$family_meta:meta])* $family:ident,
        $(#[$name_meta:meta])* $name:ident {
            $([$single:ident($single_type:ident) = $single_text:literal])*
            $(
                $(#[$class_meta:meta])*
                $class:ident($members:ident) {
                    $($(#[$member_meta:meta])* $member:ident = $text:literal $parameters:tt)+
                }
            )+
        }
    ) => {
        $(#[$family_meta])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
        #[serde(untagged)]
        #[schemars(transform = $crate::domain::naming::merge_member_schemas)]
        #[allow(unreachable_pub, dead_code, reason = "not every use needs all of it outside")]
        pub enum $family {
            $($single($single_type),)*
            $($class($members),)+
        }

        $(
            $(#[$class_meta])*
            #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
            #[serde(deny_unknown_fields)]
            #[schemars(inline)]
            #[allow(unreachable_pub, dead_code, reason = "not every use needs all of it outside")]
            pub enum $members {
                $($(#[$member_meta])* #[serde(rename = $text)] $member $parameters,)+
            }

            impl From<$members> for $family {
                fn from(member: $members) -> Self {
                    Self::$class(member)
                }
            }
        )+

        $crate::domain::naming::wire_enum! {
            $(#[$name_meta])*
            $name { $($single = $single_text,)* $($($member = $text,)+)+ }
        }

        impl<'de> serde::Deserialize<'de> for $family {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use serde::de::Error;

                // serde's own buffer would read a key such as `123` as a number.
                let value = serde_json::Value::deserialize(deserializer)?;
                let name = value
                    .as_object()
                    .and_then(|fields| fields.keys().find_map(|key| $name::parse(key)))
                    .ok_or_else(|| {
                        D::Error::custom(format!("needs one of {}", $name::accepted_names()))
                    })?;
                let family = match name {
                    $($name::$single => serde_json::from_value(value).map(Self::$single),)*
                    $($($name::$member)|+ => serde_json::from_value(value).map(Self::$class),)+
                };
                family.map_err(D::Error::custom)
            }
        }

        #[allow(unreachable_pub, dead_code, reason = "not every use needs all of it outside")]
        impl $family {
            pub const fn name(&self) -> $name {
                match self {
                    $(Self::$single(_) => $name::$single,)*
                    $($(Self::$class($members::$member { .. }) => $name::$member,)+)+
                }
            }
        }
    };
}
pub(crate) use tagged_family;

/// Rewrites the schema of a `tagged_family!` as one object that has the keys of all members and
/// requires exactly one of them.
pub(crate) fn merge_member_schemas(schema: &mut Schema) {
    let Some(Value::Array(classes)) = schema.remove("anyOf") else {
        return;
    };
    let (mut properties, mut choices) = (Map::new(), Vec::new());
    let mut dependencies = Map::new();
    for mut class in classes {
        let members = match class["oneOf"].take() {
            Value::Array(members) => members,
            _ => vec![class],
        };
        for mut member in members {
            let name = member["required"][0].take();
            let Value::Object(mut member_properties) = member["properties"].take() else {
                continue;
            };
            for (key, property) in &mut member_properties {
                if name != *key {
                    dependencies.insert(key.clone(), json!([name]));
                } else if let Some(description) = member.get("description") {
                    property["description"] = description.clone();
                }
            }
            properties.extend(member_properties);
            choices.push(json!({ "required": [name] }));
        }
    }
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    schema.insert("additionalProperties".to_owned(), false.into());
    schema.insert("oneOf".to_owned(), choices.into());
    if !dependencies.is_empty() {
        schema.insert("dependentRequired".to_owned(), dependencies.into());
    }
}

/// The length of the longest name of a scenario, a persona and the like, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 100;

/// Returns the most similar name, if one is similar enough to be a misspelling.
pub(crate) fn closest_name<'n>(
    text: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    if text.len() > NAME_BYTES_MAX {
        return None;
    }
    let text = text.to_lowercase();
    let limit = 1 + text.len() / 4;
    let similar = names.into_iter().filter_map(|name| {
        let edits = count_edits(&text, &name.to_lowercase(), limit)?;
        Some((edits, name))
    });
    similar
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// Returns the number of letters in which two texts differ, if it is at most `limit`. The comparison
/// takes memory for each pair of letters, so texts whose lengths differ by more are not compared.
pub(crate) fn count_edits(one: &str, other: &str, limit: usize) -> Option<usize> {
    let lengths = [one, other].map(|text| text.chars().count());
    if lengths[0].abs_diff(lengths[1]) > limit {
        return None;
    }
    Some(strsim::damerau_levenshtein(one, other)).filter(|edits| *edits <= limit)
}

/// Returns the end of an error message about an unknown name: the closest name, or all names.
pub(crate) fn suggest_name<'n>(text: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    closest_name(text, names.clone()).map_or_else(
        || format!("known: {}", names.collect::<Vec<_>>().join(", ")),
        |closest| format!("did you mean {closest}?"),
    )
}
