//! The pages on which a customer finds accounts at banks and links them.

use askama::Template;

use crate::ui::journey::{AppFrame, FormError, Party};

/// The page that asks for the customer's banks.
#[derive(Debug, Template)]
#[template(path = "app_banks.html")]
pub(crate) struct BanksPage {
    pub frame: AppFrame,
    pub search: String,
    /// The sentence that no bank matches the search.
    pub no_match: Option<String>,
    /// The PAN, if the banks need it.
    pub pan: Option<String>,
    /// The date of birth, if the banks need it.
    pub birth_date: Option<String>,
    pub banks: Vec<ListedBank>,
    pub error: Option<FormError>,
}

/// A bank that can be asked.
#[derive(Debug)]
pub(crate) struct ListedBank {
    pub id: String,
    pub party: Party,
    pub is_chosen: bool,
    /// The sentence that the FIU suggests it.
    pub note: Option<String>,
}

/// The page with the accounts that the banks have found.
#[derive(Debug, Template)]
#[template(path = "app_found.html")]
pub(crate) struct FoundPage {
    pub frame: AppFrame,
    pub banks: Vec<FoundBank>,
    /// The sentence that no bank has an account.
    pub nothing: Option<String>,
    /// `true` if a bank has not answered yet.
    pub is_waiting: bool,
    pub can_link: bool,
    pub error: Option<FormError>,
}

/// The answer of a bank.
#[derive(Debug)]
pub(crate) struct FoundBank {
    pub id: String,
    pub party: Party,
    /// `true` if it has not answered yet.
    pub is_waiting: bool,
    /// `true` if it can be asked again.
    pub can_retry: bool,
    /// The texts of the buttons that ask it again, and go on without it.
    pub retry: String,
    pub skip: String,
    pub answer: String,
    pub accounts: Vec<FoundAccount>,
}

/// An account at a bank.
#[derive(Debug)]
pub(crate) struct FoundAccount {
    /// The value in the form: the ids of the bank and of the account.
    pub value: String,
    pub kind: &'static str,
    pub number: String,
    pub is_linked: bool,
}
