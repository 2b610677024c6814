//! Transactions of customers' bank accounts: added, changed and withdrawn.

use super::authenticate_operator;
use crate::domain::command::Command;
use crate::domain::ledger_changes::{ChangeTransaction, TransactionChange, TransactionKey};
use crate::domain::rejection::Rejection;
use crate::http::call::Call;
use crate::http::call_world::CallWorld;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;
use crate::wire::control::transactions::{
    NewTransactionRequest, TransactionRequest, TransactionView, parse_txn_id,
};
use crate::wire::fields::{parse_customer_address, parse_optional_text};

/// Adds a transaction to a bank account of a customer.
pub(crate) fn add_transaction(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let (account, new) = call.parse_json::<NewTransactionRequest>()?.into_new()?;
    change_transaction(call, &world, account, TransactionChange::Add(new))
}

/// Changes fields of a transaction.
pub(crate) fn edit_transaction(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let id = parse_txn_id(call.path_segment("txnId"))?;
    let (account, fields) = call.parse_json::<TransactionRequest>()?.into_change()?;
    change_transaction(
        call,
        &world,
        account,
        TransactionChange::Change(TransactionKey::Id(id), fields),
    )
}

/// Withdraws a transaction, so that later statements do not have it.
pub(crate) fn remove_transaction(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let id = parse_txn_id(call.path_segment("txnId"))?;
    let params = Params::parse(call.query())?;
    let account = params.first_value("account").map(str::to_owned);
    let account = parse_optional_text("account", account)?.map(Into::into);
    change_transaction(
        call,
        &world,
        account,
        TransactionChange::Remove(TransactionKey::Id(id)),
    )
}

fn change_transaction(
    call: &Call,
    world: &CallWorld,
    account: Option<Box<str>>,
    change: TransactionChange,
) -> Result<ApiResponse, ApiError> {
    let customer = parse_customer_address("customer", call.path_segment("customer"))?;
    let removed = match &change {
        TransactionChange::Remove(key) => Some(key.to_string()),
        TransactionChange::Add(_) | TransactionChange::Change(..) => None,
    };
    let command = Command::ChangeTransaction(ChangeTransaction {
        customer,
        account,
        consent: None,
        change,
    });
    let receipt = world.submit(command).map_err(|rejection| match rejection {
        Rejection::UnknownAccount { .. } => {
            ApiError::invalid_field("account", format!("is unknown: {rejection}"))
        }
        other => other.into(),
    })?;
    Ok(ApiResponse::from_receipt(
        receipt,
        |outcome| match removed {
            Some(id) => ApiResponse::json(&serde_json::json!({ "deleted": id })),
            None => ApiResponse::json(&TransactionView::from_event(&outcome.last_event)),
        },
    ))
}
