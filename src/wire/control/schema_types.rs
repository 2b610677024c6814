//! Types that stand for the schemas of texts: fields hold the text, `#[schemars(with = "…")]` names
//! the type.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::domain::naming::WireEnum;

/// The schema of a UUID.
pub enum UuidText {}

impl JsonSchema for UuidText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "UuidText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uuid" })
    }
}

/// The schema of a date-time with a zone.
pub enum TimestampText {}

impl JsonSchema for TimestampText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TimestampText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// The schema of a text that is not empty.
pub enum FilledText {}

impl JsonSchema for FilledText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "FilledText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "\\S" })
    }
}

/// The schema of the wire names of an enum.
pub struct NameOf<T>(PhantomData<T>);

impl<T: WireEnum> JsonSchema for NameOf<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        std::any::type_name::<Self>().into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = T::all_variants()
            .iter()
            .map(|variant| variant.wire_name())
            .collect();
        json_schema!({ "type": "string", "enum": names })
    }
}
