//! Changes of the transactions of a bank account in one world. Statements are generated from seed
//! and persona; a world keeps what was added, changed or withdrawn since, and `bankgen` applies it
//! when a statement is generated.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::domain::account::Account;
use crate::domain::ids::ConsentHandle;
use crate::domain::money::Paise;
use crate::domain::participants::Participants;
use crate::domain::persona::{Persona, PersonaInstance};
use crate::domain::statement::{NewRow, SuppliedFields, TransactionMode};
use crate::domain::terms::TransactionType;
use crate::domain::text::quote_value;
use crate::domain::time::{Millis, Timestamp};

/// Maximum number of transactions of one account that differ from the generated ones. It bounds the
/// memory of a world and the cost of a statement.
pub(crate) const LEDGER_CHANGES_MAX: usize = 10_000;

/// The `txnId` of a transaction: that of a supplied statement, or `M` and the id; the `M` may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnId(Box<str>);

impl TxnId {
    /// Parses the text that a caller gives.
    ///
    /// # Errors
    /// A message that continues a sentence which begins with the field's name.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > TXN_ID_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(format!(
                "{} is not the txnId of a transaction, such as M2026013100012",
                quote_value(text)
            ));
        }
        Ok(Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the id of a transaction whose `txnId` was not supplied.
    pub fn generated_id(&self) -> Option<u64> {
        parse_generated_id(&self.0)
    }
}

/// Returns the number in a `txnId` of the sandbox's own form.
pub(crate) fn parse_generated_id(txn_id: &str) -> Option<u64> {
    let digits = txn_id.strip_prefix('M').unwrap_or(txn_id);
    let has_only_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| has_only_digits)
}

impl From<u64> for TxnId {
    fn from(id: u64) -> Self {
        Self(format!("M{id}").into())
    }
}

/// The size of the longest `txnId` that is kept, in bytes.
pub(crate) const TXN_ID_BYTES_MAX: usize = 256;

/// The inputs that a world has for a statement of a customer's account, at one instant.
#[derive(Clone, Debug)]
pub struct StatementSource {
    pub account: Account,
    pub persona: PersonaInstance,
    pub changes: Option<Arc<LedgerChanges>>,
    /// World time.
    pub now: Timestamp,
}

/// The content of a transaction: a row without its id and its balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionContent {
    pub at: Timestamp,
    pub transaction_type: TransactionType,
    pub mode: TransactionMode,
    /// Always positive; `transaction_type` is the direction.
    pub amount: Paise,
    pub narration: Box<str>,
    pub reference: Box<str>,
    /// The `txnId` of a transaction of a supplied statement.
    pub supplied_id: Option<Box<str>>,
    /// The value date of a transaction of a supplied statement.
    pub value_date: Option<NaiveDate>,
}

impl TransactionContent {
    /// Returns the amount with the sign of its effect on the balance.
    pub fn signed_amount(&self) -> Paise {
        self.transaction_type.sign(self.amount)
    }

    /// Returns the `txnId` of the transaction with this id.
    pub fn txn_id(&self, id: u64) -> String {
        let supplied = self.supplied_id.as_deref();
        supplied.map_or_else(|| format!("M{id}"), str::to_owned)
    }

    /// Returns the row with this id and balance.
    pub fn to_row(&self, id: u64, balance: Paise) -> NewRow<'_> {
        NewRow {
            at: self.at,
            transaction_type: self.transaction_type,
            mode: self.mode,
            amount: self.amount,
            balance,
            id,
            narration: &self.narration,
            reference: &self.reference,
            supplied: SuppliedFields {
                txn_id: self.supplied_id.as_deref(),
                value_date: self.value_date,
            },
        }
    }

    /// Returns the content with these fields changed.
    #[must_use]
    pub fn with_fields(&self, fields: &TransactionFields, now: Timestamp) -> Self {
        let TransactionFields {
            time,
            transaction_type,
            mode,
            amount,
            narration,
            reference,
        } = fields;
        Self {
            at: time.map_or(self.at, |time| time.resolve(now)),
            transaction_type: transaction_type.unwrap_or(self.transaction_type),
            mode: mode.unwrap_or(self.mode),
            amount: amount.unwrap_or(self.amount),
            narration: narration.clone().unwrap_or_else(|| self.narration.clone()),
            reference: reference.clone().unwrap_or_else(|| self.reference.clone()),
            supplied_id: self.supplied_id.clone(),
            // The value date follows a new time.
            value_date: self.value_date.filter(|_| time.is_none()),
        }
    }
}

impl From<NewRow<'_>> for TransactionContent {
    fn from(row: NewRow<'_>) -> Self {
        Self {
            at: row.at,
            transaction_type: row.transaction_type,
            mode: row.mode,
            amount: row.amount,
            narration: row.narration.into(),
            reference: row.reference.into(),
            supplied_id: row.supplied.txn_id.map(Into::into),
            value_date: row.supplied.value_date,
        }
    }
}

/// A transaction of the generated ledger that was changed or withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    pub original: TransactionContent,
    /// `None`: the transaction is withdrawn.
    pub current: Option<TransactionContent>,
}

impl Replacement {
    /// Returns the current content if the transaction keeps its place in the ledger.
    pub fn content_in_place(&self) -> Option<&TransactionContent> {
        let current = self.current.as_ref()?;
        (current.at == self.original.at).then_some(current)
    }

    /// Returns the current content if the transaction has another place in the ledger.
    fn content_elsewhere(&self) -> Option<&TransactionContent> {
        let current = self.current.as_ref()?;
        (current.at != self.original.at).then_some(current)
    }
}

/// All changes of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerChanges {
    added: BTreeMap<u64, TransactionContent>,
    replaced: BTreeMap<u64, Replacement>,
    /// Number of transactions that were ever added; ids are not used again.
    added_count: u64,
    /// Number of changes so far.
    revision: u32,
}

impl LedgerChanges {
    /// Returns the number of changes so far; it differs between two states of an account.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Returns whether another transaction of the account may differ from the generated ones.
    pub fn is_full(&self) -> bool {
        self.added.len() + self.replaced.len() >= LEDGER_CHANGES_MAX
    }

    /// Returns the id of the next transaction that is added: the day in India as yyyymmdd, followed
    /// by the six-digit number of the addition. The ids of generated transactions have five digits
    /// after the day, so they differ.
    pub fn next_id(&self, at: Timestamp) -> u64 {
        let day = at.ist_date().format("%Y%m%d").to_string();
        let day: u64 = day.parse().expect("eight digits");
        day * 1_000_000 + self.added_count + 1
    }

    /// Returns the current content of an added or changed transaction; `Some(None)` if it is
    /// withdrawn, `None` if it is as it was generated.
    #[allow(
        clippy::option_option,
        reason = "unchanged, withdrawn and changed are three answers"
    )]
    pub fn find(&self, id: u64) -> Option<Option<&TransactionContent>> {
        if let Some(added) = self.added.get(&id) {
            return Some(Some(added));
        }
        let replacement = self.replaced.get(&id)?;
        Some(replacement.current.as_ref())
    }

    /// Returns the id of the transaction that was added last with this reference.
    pub fn find_added(&self, reference: &str) -> Option<u64> {
        let added = self.added.iter();
        let matching = added.filter(|(_, content)| *content.reference == *reference);
        // The number of the addition follows the day.
        matching.map(|(id, _)| *id).max_by_key(|id| id % 1_000_000)
    }

    /// Returns what became of a transaction of the generated ledger.
    pub fn replacement(&self, id: u64) -> Option<&Replacement> {
        self.replaced.get(&id)
    }

    /// Applies a change: the contents of a transaction before and after it. Nothing before it adds
    /// the transaction, nothing after it withdraws it.
    pub fn apply(
        &mut self,
        id: u64,
        before: Option<&TransactionContent>,
        after: Option<&TransactionContent>,
    ) {
        self.revision += 1;
        match (before, after) {
            (None, Some(content)) => {
                self.added.insert(id, content.clone());
                self.added_count += 1;
            }
            (Some(_), None) if self.added.remove(&id).is_some() => {}
            (Some(_), Some(content)) if self.added.contains_key(&id) => {
                self.added.insert(id, content.clone());
            }
            (Some(content), after) => {
                let replacement = self.replaced.entry(id).or_insert_with(|| Replacement {
                    original: content.clone(),
                    current: None,
                });
                replacement.current = after.cloned();
                if replacement.current.as_ref() == Some(&replacement.original) {
                    self.replaced.remove(&id);
                }
            }
            (None, None) => {}
        }
    }

    /// Returns the transactions that the generated ledger does not have at their place, by time.
    pub fn list_inserted(&self) -> Vec<(u64, &TransactionContent)> {
        let moved = self.replaced.iter().filter_map(|(id, replacement)| {
            let content = replacement.content_elsewhere()?;
            Some((*id, content))
        });
        let added = self.added.iter().map(|(id, content)| (*id, content));
        let mut inserted: Vec<_> = added.chain(moved).collect();
        inserted.sort_by_key(|(id, content)| (content.at, *id));
        inserted
    }

    /// Returns the effect on the balance of all changes whose time `is_counted`.
    pub fn balance_effect(&self, is_counted: impl Fn(Timestamp) -> bool) -> Paise {
        let amount_of = |content: &TransactionContent| {
            if is_counted(content.at) {
                content.signed_amount()
            } else {
                Paise(0)
            }
        };
        let added: Paise = self.added.values().map(amount_of).sum();
        let replaced = self.replaced.values().map(|replacement| {
            let current = replacement.current.as_ref().map_or(Paise(0), amount_of);
            current - amount_of(&replacement.original)
        });
        added + replaced.sum()
    }
}

/// An account at one instant, of which a bank is asked.
#[derive(Clone, Copy, Debug)]
pub struct AccountQuery<'a> {
    /// The world's seed.
    pub seed: u64,
    pub participants: &'a Participants,
    /// The customer's address.
    pub customer: &'a str,
    pub persona: &'a PersonaInstance,
    pub account: &'a Account,
    /// The current world time.
    pub now: Timestamp,
}

/// A change of one transaction that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangedTransaction {
    /// The customer's address.
    pub customer: Arc<str>,
    pub account: Account,
    /// The persona that the account is generated from.
    pub persona: Arc<Persona>,
    pub id: u64,
    /// `None`: the transaction was added.
    pub before: Option<TransactionContent>,
    /// `None`: the transaction was withdrawn.
    pub after: Option<TransactionContent>,
}

/// A request to change the transactions of a customer's bank account.
#[derive(Clone, Debug)]
pub struct ChangeTransaction {
    /// The customer's address.
    pub customer: Arc<str>,
    /// `accRefNumber` or `linkRefNumber`. `None`: for a transaction that is added, the first bank
    /// account, and for others the account that has the transaction.
    pub account: Option<Box<str>>,
    /// The consent whose persona and accounts are meant; `None`: the customer's current persona.
    pub consent: Option<ConsentHandle>,
    pub change: TransactionChange,
}

/// A change of one transaction.
#[derive(Clone, Debug)]
pub enum TransactionChange {
    Add(NewTransaction),
    Change(TransactionKey, TransactionFields),
    Remove(TransactionKey),
}

impl TransactionChange {
    /// Returns the time that the change gives the transaction, if it does.
    pub fn time(&self) -> Option<TransactionTime> {
        match self {
            Self::Add(new) => Some(new.time),
            Self::Change(_, fields) => fields.time,
            Self::Remove(_) => None,
        }
    }
}

/// The name of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionKey {
    Id(TxnId),
    /// The reference of a transaction that was added; of several, the last one is meant.
    Added(Box<str>),
}

impl fmt::Display for TransactionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => match id.generated_id() {
                Some(id) => write!(f, "M{id}"),
                None => f.write_str(id.as_str()),
            },
            Self::Added(reference) => write!(
                f,
                "that was added with the reference {}",
                quote_value(reference)
            ),
        }
    }
}

/// A transaction to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTransaction {
    pub time: TransactionTime,
    pub transaction_type: TransactionType,
    pub mode: TransactionMode,
    pub amount: Paise,
    pub narration: Box<str>,
    /// `None`: the number of the addition.
    pub reference: Option<Box<str>>,
}

/// The fields of a transaction that a change replaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionFields {
    pub time: Option<TransactionTime>,
    pub transaction_type: Option<TransactionType>,
    pub mode: Option<TransactionMode>,
    pub amount: Option<Paise>,
    pub narration: Option<Box<str>>,
    pub reference: Option<Box<str>>,
}

/// The time of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionTime {
    At(Timestamp),
    /// This many days before now, at the same time of day.
    DaysAgo(u32),
}

impl TransactionTime {
    /// Returns the instant.
    pub fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::DaysAgo(days) => now.saturating_add(Millis::from_secs(-86_400 * i64::from(days))),
        }
    }
}
