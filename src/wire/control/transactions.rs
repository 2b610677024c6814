//! Owns the bodies of the calls that change the transactions of a customer, and the view of a
//! transaction.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::domain::account::Account;
use crate::domain::event::Event;
use crate::domain::ledger_changes::{
    ChangedTransaction, NewTransaction, TransactionContent, TransactionFields, TransactionTime,
    TxnId,
};
use crate::domain::money::Paise;
use crate::domain::statement::{Statement, TransactionMode};
use crate::domain::terms::{TimeRange, TransactionType};
use crate::domain::text::quote_value;
use crate::wire::api_error::ApiError;
use crate::wire::control::schema_types::{AmountText, FilledText, TimestampText};
use crate::wire::fields::{
    require_count, require_enum, require_field, require_text, require_timestamp,
};

/// The body of `customers/{id}/transactions`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewTransactionRequest {
    /// The `accRefNumber` or `linkRefNumber` of the account. Default: the customer's first DEPOSIT
    /// account.
    #[schemars(with = "Option<FilledText>")]
    account: Option<String>,
    /// Rupees with at most two decimals, more than 0; as a number or a text.
    #[schemars(with = "AmountText")]
    amount: Option<Value>,
    /// Default: CREDIT.
    #[schemars(with = "Option<TransactionType>")]
    r#type: Option<String>,
    /// Default: OTHERS.
    #[schemars(with = "Option<TransactionMode>")]
    mode: Option<String>,
    #[schemars(with = "FilledText")]
    narration: Option<String>,
    /// Default: the number of the transaction.
    #[schemars(with = "Option<FilledText>")]
    reference: Option<String>,
    /// The time of the transaction. Default: now.
    #[schemars(with = "Option<TimestampText>")]
    transaction_timestamp: Option<String>,
    /// Days before now, in place of `transactionTimestamp`.
    #[schemars(with = "Option<u32>")]
    days_ago: Option<Number>,
}

/// The body of `customers/{id}/transactions/{txnId}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TransactionRequest {
    /// The `accRefNumber` or `linkRefNumber` of the account. Default: the one that has the transaction.
    #[schemars(with = "Option<FilledText>")]
    account: Option<String>,
    /// Rupees with at most two decimals, more than 0; as a number or a text.
    #[schemars(with = "Option<AmountText>")]
    amount: Option<Value>,
    #[schemars(with = "Option<TransactionType>")]
    r#type: Option<String>,
    #[schemars(with = "Option<TransactionMode>")]
    mode: Option<String>,
    #[schemars(with = "Option<FilledText>")]
    narration: Option<String>,
    #[schemars(with = "Option<FilledText>")]
    reference: Option<String>,
    /// The time of the transaction.
    #[schemars(with = "Option<TimestampText>")]
    transaction_timestamp: Option<String>,
    /// Days before now, in place of `transactionTimestamp`.
    #[schemars(with = "Option<u32>")]
    days_ago: Option<Number>,
}

impl NewTransactionRequest {
    /// Validates a new transaction; returns it with the account that the body names.
    pub(crate) fn into_new(self) -> Result<(Option<Box<str>>, NewTransaction), ApiError> {
        let request = TransactionRequest {
            account: self.account,
            amount: self.amount,
            r#type: self.r#type,
            mode: self.mode,
            narration: self.narration,
            reference: self.reference,
            transaction_timestamp: self.transaction_timestamp,
            days_ago: self.days_ago,
        };
        let (account, fields) = request.into_fields()?;
        let TransactionFields {
            time,
            transaction_type,
            mode,
            amount,
            narration,
            reference,
        } = fields;
        let new = NewTransaction {
            time: time.unwrap_or(TransactionTime::DaysAgo(0)),
            transaction_type: transaction_type.unwrap_or(TransactionType::Credit),
            mode: mode.unwrap_or(TransactionMode::Others),
            amount: require_field("amount", amount)?,
            narration: require_field("narration", narration)?,
            reference,
        };
        Ok((account, new))
    }
}

impl TransactionRequest {
    /// Validates a change, which has at least one field; returns it with the account that the body
    /// names.
    pub(crate) fn into_change(self) -> Result<(Option<Box<str>>, TransactionFields), ApiError> {
        let (account, fields) = self.into_fields()?;
        if fields == TransactionFields::default() {
            let message = "has nothing to change; send at least one of amount, type, mode, narration, reference, transactionTimestamp, daysAgo";
            return Err(ApiError::invalid_field("the body", message));
        }
        Ok((account, fields))
    }

    fn into_fields(self) -> Result<(Option<Box<str>>, TransactionFields), ApiError> {
        let Self {
            account,
            amount,
            r#type,
            mode,
            narration,
            reference,
            transaction_timestamp,
            days_ago,
        } = self;
        let account = account.map(|text| require_text("account", Some(text)));
        let at = transaction_timestamp
            .map(|text| require_timestamp("transactionTimestamp", Some(text)))
            .transpose()?;
        let days = days_ago
            .map(|number| require_count("daysAgo", Some(number)))
            .transpose()?;
        let time = match (at, days) {
            (Some(_), Some(_)) => {
                let message = "and transactionTimestamp are both given; send one of them";
                return Err(ApiError::invalid_field("daysAgo", message));
            }
            (Some(at), None) => Some(TransactionTime::At(at)),
            (None, days) => days.map(TransactionTime::DaysAgo),
        };
        let transaction_type = r#type.map(|text| {
            let (parse, names) = (TransactionType::parse, TransactionType::accepted_names);
            require_enum("type", Some(text), parse, names)
        });
        let mode = mode.map(|text| {
            let (parse, names) = (TransactionMode::parse, TransactionMode::accepted_names);
            require_enum("mode", Some(text), parse, names)
        });
        let fields = TransactionFields {
            time,
            transaction_type: transaction_type.transpose()?,
            mode: mode.transpose()?,
            amount: amount.map(|value| parse_amount(&value)).transpose()?,
            narration: parse_line("narration", narration)?,
            reference: parse_line("reference", reference)?,
        };
        Ok((account.transpose()?.map(Into::into), fields))
    }
}

fn parse_amount(value: &Value) -> Result<Paise, ApiError> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => other.to_string(),
    };
    Paise::parse_positive(&text).map_err(|message| ApiError::invalid_field("amount", message))
}

/// Parses an optional text of one line.
fn parse_line(field: &'static str, text: Option<String>) -> Result<Option<Box<str>>, ApiError> {
    let text = text
        .map(|text| require_text(field, Some(text)))
        .transpose()?;
    match text {
        Some(text) if text.contains(char::is_control) => {
            let message = format!(
                "{} has a control character; write one line of text",
                quote_value(&text)
            );
            Err(ApiError::invalid_field(field, message))
        }
        text => Ok(text.map(Into::into)),
    }
}

/// Parses the `txnId` of a path.
pub(crate) fn parse_txn_id(text: &str) -> Result<TxnId, ApiError> {
    TxnId::parse(text).map_err(|message| ApiError::invalid_field("txnId", message))
}

/// A transaction with the names of the FI schema of deposits.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransactionView {
    txn_id: String,
    acc_ref_number: String,
    link_ref_number: String,
    r#type: TransactionType,
    mode: TransactionMode,
    /// Rupees with two decimals.
    amount: String,
    #[schemars(with = "TimestampText")]
    transaction_timestamp: String,
    narration: String,
    reference: String,
}

/// A part of the transactions of a bank account, the oldest first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransactionPage {
    fip_id: String,
    masked_acc_number: String,
    /// The range of the transactions, both ends included.
    #[schemars(with = "TimestampText")]
    from: String,
    #[schemars(with = "TimestampText")]
    to: String,
    /// The balance now, in rupees.
    balance: Option<String>,
    /// The number of transactions in the range.
    total: usize,
    items: Vec<StatementRowView>,
    /// The `after` of the next part; `null` if this is the last one.
    next: Option<u64>,
}

/// A transaction in a statement.
#[derive(Debug, Serialize, JsonSchema)]
struct StatementRowView {
    #[serde(flatten)]
    transaction: TransactionView,
    /// The balance after it, in rupees.
    balance: String,
}

impl TransactionPage {
    /// Returns a part of the transactions of a statement; `None` if it is not of a bank account.
    pub(crate) fn new(
        statement: &Statement,
        range: TimeRange,
        skip: u64,
        limit: usize,
    ) -> Option<Self> {
        let bank = statement.as_bank()?;
        let account = &statement.account;
        let rows = bank.transactions.as_ref()?;
        let start = usize::try_from(skip).unwrap_or(usize::MAX);
        let part = rows.iter().skip(start).take(limit);
        let items: Vec<_> = part
            .map(|row| StatementRowView {
                balance: row.balance.to_string(),
                transaction: TransactionView::new(account, row.id, &TransactionContent::from(row)),
            })
            .collect();
        let end = start.saturating_add(items.len());
        Some(Self {
            fip_id: account.fip.to_string(),
            masked_acc_number: account.masked_number.to_string(),
            from: range.from.to_string(),
            to: range.to.to_string(),
            balance: bank
                .summary
                .as_ref()
                .map(|summary| summary.balance.to_string()),
            total: rows.rows.len(),
            items,
            next: (end < rows.rows.len()).then_some(end as u64),
        })
    }
}

impl TransactionView {
    /// Returns the transaction after an event that has added or changed it.
    ///
    /// # Panics
    /// When the event is another one.
    pub(crate) fn from_event(event: &Event) -> Self {
        let (Event::TransactionAdded { transaction } | Event::TransactionChanged { transaction }) =
            event
        else {
            panic!("the caller has added or changed a transaction");
        };
        let ChangedTransaction {
            customer: _,
            account,
            persona: _,
            id,
            before: _,
            after,
        } = &**transaction;
        let content = after.as_ref().expect("the transaction was not withdrawn");
        Self::new(account, *id, content)
    }

    fn new(account: &Account, id: u64, content: &TransactionContent) -> Self {
        let TransactionContent {
            at,
            transaction_type,
            mode,
            amount,
            narration,
            reference,
            ..
        } = content;
        Self {
            txn_id: content.txn_id(id),
            acc_ref_number: account.account_ref.to_string(),
            link_ref_number: account.link_ref.to_string(),
            r#type: *transaction_type,
            mode: *mode,
            amount: amount.to_string(),
            transaction_timestamp: at.to_string(),
            narration: narration.to_string(),
            reference: reference.to_string(),
        }
    }
}
