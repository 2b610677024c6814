//! The parameters of the scenario actions that change the transactions of a bank account.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

use crate::domain::ledger_changes::{
    NewTransaction, TXN_ID_BYTES_MAX, TransactionChange, TransactionFields, TransactionKey,
    TransactionTime, TxnId,
};
use crate::domain::money::Paise;
use crate::domain::statement::TransactionMode;
use crate::domain::terms::TransactionType;

/// An amount that people write: rupees, more than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rupees(Paise);

impl<'de> Deserialize<'de> for Rupees {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        let parsed = Paise::parse_positive(&number.to_string());
        parsed
            .map(Self)
            .map_err(|message| D::Error::custom(format!("amount {message}")))
    }
}

impl Serialize for Rupees {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number: Number = self.0.to_string().parse().expect("digits");
        number.serialize(serializer)
    }
}

impl JsonSchema for Rupees {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rupees".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0.01 })
    }
}

impl<'de> Deserialize<'de> for TxnId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|message| D::Error::custom(format!("id {message}")))
    }
}

impl Serialize for TxnId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl JsonSchema for TxnId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TxnId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": TXN_ID_BYTES_MAX })
    }
}

/// Returns the key of the transaction that an action names; the schema requires one of the two.
fn to_key(id: Option<&TxnId>, added: Option<&str>) -> TransactionKey {
    match (id, added) {
        (Some(id), _) => TransactionKey::Id(id.clone()),
        (None, added) => TransactionKey::Added(added.unwrap_or_default().into()),
    }
}

/// A transaction to add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct AddedTransaction {
    /// Rupees with at most two decimals.
    pub amount: Rupees,
    #[schemars(length(min = 1))]
    pub narration: Box<str>,
    /// Days before the action, at the same time of day.
    #[serde(default)]
    pub days_ago: u32,
    /// Default: CREDIT.
    #[serde(default = "default_type")]
    pub r#type: TransactionType,
    /// Default: OTHERS.
    #[serde(default = "default_mode")]
    pub mode: TransactionMode,
    /// Default: the number of the transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub reference: Option<Box<str>>,
    /// The `accRefNumber` or `linkRefNumber`; default: the first DEPOSIT account of the consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub account: Option<Box<str>>,
}

const fn default_type() -> TransactionType {
    TransactionType::Credit
}

const fn default_mode() -> TransactionMode {
    TransactionMode::Others
}

impl AddedTransaction {
    /// Returns the change.
    pub fn to_change(&self) -> TransactionChange {
        TransactionChange::Add(NewTransaction {
            time: TransactionTime::DaysAgo(self.days_ago),
            transaction_type: self.r#type,
            mode: self.mode,
            amount: self.amount.0,
            narration: self.narration.clone(),
            reference: self.reference.clone(),
        })
    }
}

/// A change of a transaction; fields that are left out keep their value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, extend("oneOf" = [{ "required": ["id"] }, { "required": ["added"] }]))]
pub struct EditedTransaction {
    /// The `txnId` of the transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<TxnId>,
    /// The `reference` with which the transaction was added, in place of `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub added: Option<Box<str>>,
    /// Rupees with at most two decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Rupees>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub narration: Option<Box<str>>,
    /// Days before the action, at the same time of day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_ago: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<TransactionType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<TransactionMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub reference: Option<Box<str>>,
    /// The `accRefNumber` or `linkRefNumber`; default: the account that has the transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub account: Option<Box<str>>,
}

impl EditedTransaction {
    /// Returns whether the action names a transaction only.
    pub fn changes_nothing(&self) -> bool {
        self.fields() == TransactionFields::default()
    }

    fn fields(&self) -> TransactionFields {
        TransactionFields {
            time: self.days_ago.map(TransactionTime::DaysAgo),
            transaction_type: self.r#type,
            mode: self.mode,
            amount: self.amount.map(|amount| amount.0),
            narration: self.narration.clone(),
            reference: self.reference.clone(),
        }
    }

    /// Returns the change.
    pub fn to_change(&self) -> TransactionChange {
        let key = to_key(self.id.as_ref(), self.added.as_deref());
        TransactionChange::Change(key, self.fields())
    }
}

/// A transaction to withdraw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, extend("oneOf" = [{ "required": ["id"] }, { "required": ["added"] }]))]
pub struct RemovedTransaction {
    /// The `txnId` of the transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<TxnId>,
    /// The `reference` with which the transaction was added, in place of `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub added: Option<Box<str>>,
    /// The `accRefNumber` or `linkRefNumber`; default: the account that has the transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub account: Option<Box<str>>,
}

impl RemovedTransaction {
    /// Returns the change.
    pub fn to_change(&self) -> TransactionChange {
        TransactionChange::Remove(to_key(self.id.as_ref(), self.added.as_deref()))
    }
}
