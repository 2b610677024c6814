//! Decisions about the transactions of bank accounts, and the notifications of FIUs that have data
//! of these accounts.

use std::borrow::Cow;
use std::sync::Arc;

use super::DecisionContext;
use super::customers::{check_registered, find_linked_accounts, list_accounts_of};
use super::data::find_granted;
use crate::domain::account::{Account, FiType};
use crate::domain::consent::Status;
use crate::domain::customer_address::customer_identifier;
use crate::domain::event::Event;
use crate::domain::ledger_changes::{
    AccountQuery, ChangeTransaction, ChangedTransaction, LedgerChanges, NewTransaction,
    StatementSource, TransactionChange, TransactionContent, TransactionKey, TransactionTime,
};
use crate::domain::persona::PersonaInstance;
use crate::domain::rejection::Rejection;
use crate::domain::session::{Session, SessionAccount};
use crate::domain::time::Timestamp;
use crate::engine::state::State;

/// The description of an account in the notification of a change.
const OUTDATED: &str = "Transactions have changed since this data was prepared";

/// A customer as a bank knows it, at one instant.
struct Bank<'a> {
    state: &'a State,
    context: &'a DecisionContext<'a>,
    customer: &'a str,
    persona: PersonaInstance,
}

/// Decides a change of one transaction, and the notifications of the FIUs with a consent in force.
pub(crate) fn change_transaction(
    state: &State,
    request: ChangeTransaction,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let ChangeTransaction {
        customer,
        account,
        consent,
        change,
    } = request;
    check_registered(state, &customer)?;
    let consent = consent.and_then(|handle| state.consent(handle));
    let bank = Bank {
        state,
        context,
        customer: &customer,
        persona: consent.map_or_else(
            || context.current_persona(state, &customer),
            |consent| consent.persona.clone(),
        ),
    };
    let mut accounts = bank.list_accounts();
    if let Some(grant) = consent.and_then(|consent| consent.grant.as_ref()) {
        // A scenario means the accounts of its consent first.
        accounts.sort_by_key(|account| !is_granted(&grant.accounts, account));
    }
    let accounts = select_accounts(accounts, account.as_deref(), &customer)?;
    let is_time_relative = matches!(change.time(), Some(TransactionTime::DaysAgo(_)));
    let (account, id, before, after) = match change {
        TransactionChange::Add(new) => {
            let account = accounts.into_iter().next().expect("at least one");
            let (id, content) = bank.number_transaction(&account, new);
            (account, id, None, Some(content))
        }
        TransactionChange::Change(key, fields) => {
            let (account, id, before) = bank.find_transaction(accounts, &key, account)?;
            let after = before.with_fields(&fields, context.now);
            if after == before {
                return Err(Rejection::TransactionUnchanged(before.txn_id(id).into()));
            }
            (account, id, Some(before), Some(after))
        }
        TransactionChange::Remove(key) => {
            let (account, id, before) = bank.find_transaction(accounts, &key, account)?;
            (account, id, Some(before), None)
        }
    };
    if let Some(after) = &after {
        bank.check_time(&account, after.at, is_time_relative)?;
    }
    let changes = bank.changes_of(&account);
    let is_new = changes.is_none_or(|changes| changes.find(id).is_none());
    if is_new && changes.is_some_and(LedgerChanges::is_full) {
        return Err(Rejection::TooManyTransactions {
            account: account.account_ref.to_string(),
        });
    }
    let notifications = outdated_events(&bank, &account);
    let transaction = Arc::new(ChangedTransaction {
        customer: Arc::clone(&customer),
        account,
        persona: Arc::clone(&bank.persona.definition),
        id,
        before,
        after,
    });
    let event = match (&transaction.before, &transaction.after) {
        (None, _) => Event::TransactionAdded { transaction },
        (Some(_), Some(_)) => Event::TransactionChanged { transaction },
        (Some(_), None) => Event::TransactionRemoved { transaction },
    };
    Ok(std::iter::once(event).chain(notifications).collect())
}

/// Finds what a statement of a customer's account is generated from: of the named account, or of the
/// first bank account.
pub(crate) fn find_statement_source(
    state: &State,
    customer: &str,
    account: Option<&str>,
    context: &DecisionContext<'_>,
) -> Result<StatementSource, Rejection> {
    let bank = Bank {
        state,
        context,
        customer,
        persona: context.current_persona(state, customer),
    };
    let accounts = bank.list_accounts();
    let account = match account {
        Some(name) => find_named(accounts, name, customer)?,
        None => select_accounts(accounts, None, customer)?.swap_remove(0),
    };
    let persona = &bank.persona.definition;
    let changes = state.ledger_changes(customer, &account, persona).cloned();
    Ok(StatementSource {
        account,
        persona: bank.persona,
        changes,
        now: context.now,
    })
}

impl Bank<'_> {
    /// Returns the accounts of the customer, each with the `linkRefNumber` of its link.
    fn list_accounts(&self) -> Vec<Account> {
        let Self {
            state,
            context,
            customer,
            persona,
        } = self;
        let linked = find_linked_accounts(state, customer, persona, context);
        let accounts = list_accounts_of(customer, persona, context).into_iter();
        accounts
            .map(|account| {
                let link = linked
                    .iter()
                    .find(|linked| linked.matches_ref(&account.fip, &account.account_ref));
                link.cloned().unwrap_or(account)
            })
            .collect()
    }

    fn changes_of(&self, account: &Account) -> Option<&LedgerChanges> {
        let persona = &self.persona.definition;
        let changes = self.state.ledger_changes(self.customer, account, persona);
        changes.map(|changes| &**changes)
    }

    fn query<'a>(&'a self, account: &'a Account) -> AccountQuery<'a> {
        AccountQuery {
            seed: self.context.seed,
            participants: self.context.participants,
            customer: self.customer,
            persona: &self.persona,
            account,
            now: self.context.now,
        }
    }

    /// Returns a new transaction with its id. Without a reference it has the number of the addition.
    fn number_transaction(
        &self,
        account: &Account,
        new: NewTransaction,
    ) -> (u64, TransactionContent) {
        let NewTransaction {
            time,
            transaction_type,
            mode,
            amount,
            narration,
            reference,
        } = new;
        let at = time.resolve(self.context.now);
        let id = match self.changes_of(account) {
            Some(changes) => changes.next_id(at),
            None => LedgerChanges::default().next_id(at),
        };
        let content = TransactionContent {
            at,
            transaction_type,
            mode,
            amount,
            narration,
            reference: reference.unwrap_or_else(|| id.to_string().into()),
            supplied_id: None,
            value_date: None,
        };
        (id, content)
    }

    /// Returns the only account that has this transaction, with its id and its current content.
    fn find_transaction(
        &self,
        accounts: Vec<Account>,
        key: &TransactionKey,
        named: Option<Box<str>>,
    ) -> Result<(Account, u64, TransactionContent), Rejection> {
        let mut found: Vec<_> = accounts
            .into_iter()
            .filter_map(|account| {
                let changes = self.changes_of(&account);
                let id = match key {
                    TransactionKey::Id(id) => {
                        let supplied = self.context.fips.find_supplied_id;
                        let supplied = supplied(&self.query(&account), id.as_str());
                        supplied.or_else(|| id.generated_id())?
                    }
                    TransactionKey::Added(reference) => changes?.find_added(reference)?,
                };
                let content = match changes.and_then(|changes| changes.find(id)) {
                    Some(content) => content.cloned(),
                    None => (self.context.fips.find_transaction)(&self.query(&account), id),
                }?;
                Some((account, id, content))
            })
            .collect();
        if found.len() > 1 {
            let accounts = found
                .iter()
                .map(|(account, ..)| account.account_ref.to_string());
            return Err(Rejection::AmbiguousTransaction {
                transaction: key.to_string(),
                accounts: accounts.collect(),
            });
        }
        found.pop().ok_or_else(|| Rejection::UnknownTransaction {
            customer: self.customer.to_owned(),
            transaction: key.to_string(),
            account: named.map(String::from),
        })
    }

    fn check_time(
        &self,
        account: &Account,
        at: Timestamp,
        is_relative: bool,
    ) -> Result<(), Rejection> {
        let now = self.context.now;
        if at > now {
            return Err(Rejection::TransactionInFuture { at, now });
        }
        match (self.context.fips.opening_date)(&self.query(account)) {
            Some(opened_on) if at.ist_date() < opened_on => {
                Err(Rejection::TransactionBeforeOpening {
                    at,
                    opened_on,
                    is_relative,
                })
            }
            _ => Ok(()),
        }
    }
}

/// Returns the account with this accRefNumber or linkRefNumber.
fn find_named(accounts: Vec<Account>, name: &str, customer: &str) -> Result<Account, Rejection> {
    let mut accounts = accounts.into_iter();
    accounts
        .find(|account| *account.account_ref == *name || *account.link_ref == *name)
        .ok_or_else(|| Rejection::UnknownAccount {
            customer: customer.to_owned(),
            account: name.to_owned(),
            place: "at any FIP; GET /_mockaa/v1/customers/{id}/accounts lists them",
        })
}

/// Returns the bank accounts that a request means: the named one, or all; there is at least one.
fn select_accounts(
    accounts: Vec<Account>,
    named: Option<&str>,
    customer: &str,
) -> Result<Vec<Account>, Rejection> {
    if let Some(name) = named {
        let account = find_named(accounts, name, customer)?;
        if account.fi_type != FiType::Deposit {
            return Err(Rejection::NotABankAccount {
                account: name.to_owned(),
                fi_type: account.fi_type.as_str(),
            });
        }
        return Ok(vec![account]);
    }
    let mut accounts = accounts;
    accounts.retain(|account| account.fi_type == FiType::Deposit);
    if accounts.is_empty() {
        return Err(Rejection::NoBankAccount(customer.to_owned()));
    }
    Ok(accounts)
}

fn is_granted(granted: &[Account], account: &Account) -> bool {
    granted
        .iter()
        .any(|granted| granted.matches_ref(&account.fip, &account.account_ref))
}

/// Returns an event for each consent in force whose newest session has data of the account.
///
/// `Assumption:` ReBIT has no notification of changed transactions. The nearest one is the FI
/// notification, which is about a session: the FIU gets that of the newest session of its consent,
/// with the unchanged statuses and a description of the account. A consent without a session, or
/// whose FIP has not answered READY, has no data that the change makes outdated.
fn outdated_events(bank: &Bank<'_>, account: &Account) -> Vec<Event> {
    let state = bank.state;
    let identifier = customer_identifier(bank.customer);
    let consents = state.consents(0).filter(|consent| {
        consent.status == Status::Active
            && !consent.hidden
            && consent.terms.start <= bank.context.now
            && customer_identifier(&consent.terms.customer) == identifier
            && consent.persona.definition == bank.persona.definition
    });
    consents
        .filter_map(|consent| {
            let session = state.session(consent.grant.as_ref()?.session?)?;
            let is_affected = |part: &SessionAccount| {
                part.status.is_fetchable()
                    && find_granted(part, consent).is_some_and(|granted| {
                        granted.matches_ref(&account.fip, &account.account_ref)
                    })
            };
            if !session.accounts.iter().any(is_affected) {
                return None;
            }
            let accounts = session.accounts.iter().map(|part| SessionAccount {
                description: if is_affected(part) {
                    Cow::Borrowed(OUTDATED)
                } else {
                    part.description.clone()
                },
                ..part.clone()
            });
            Some(Event::DataOutdated {
                session: Arc::new(Session {
                    accounts: accounts.collect(),
                    ..(**session).clone()
                }),
            })
        })
        .collect()
}
