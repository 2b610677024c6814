//! Finding accounts at banks, and linking them with a one-time password of each bank. Linking uses the
//! commands that the control API and scenarios use.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::sign_in::FIELD;
use super::{OpenVisit, show_other_visit};
use crate::domain::account::{Account, CustomerAccount, FiKind, FiType};
use crate::domain::api_fault::ApiFault;
use crate::domain::bank_answer::{
    BankAnswers, DiscoveryAnswer, DiscoveryResult, LinkingAnswer, SearchState,
};
use crate::domain::command::{Command, OnPendingLink};
use crate::domain::customer::PendingLink;
use crate::domain::ids::LinkId;
use crate::domain::operation::Operation;
use crate::domain::participants::LinkingMethod;
use crate::domain::rejection::Rejection;
use crate::domain::sign_in::{TRIES_MAX, parse_password};
use crate::domain::text::{is_pan, quote_value};
use crate::domain::time::Timestamp;
use crate::domain::visit_progress::{LinkingTally, NothingFound, VisitStep};
use crate::engine::clock::system_now;
use crate::engine::faults::{CallStage, CallSubject};
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::ui::accounts::{BanksPage, FoundAccount, FoundBank, FoundPage, ListedBank};
use crate::ui::journey::{
    AppFrame, FormError, JourneyStep, Party, describe_account_kind, describe_number, mask_customer,
};
use crate::ui::sign_in::OtpPage;
use crate::wire::api_error::ApiError;

/// The search for the customer's accounts at one bank.
#[derive(Clone, Debug)]
pub(crate) struct BankSearch {
    pub fip: Arc<str>,
    /// In system time, since a frozen world would never end the wait.
    started_at: Timestamp,
    answer: DiscoveryAnswer,
}

impl BankSearch {
    pub(super) fn state(&self) -> SearchState {
        let waited = system_now().duration_since(self.started_at);
        self.answer.state_after(waited)
    }

    /// Returns whether the bank may still answer.
    pub(super) fn is_waiting(&self) -> bool {
        self.state().is_waiting()
    }
}

/// A link that waits for the one-time password of its bank.
#[derive(Clone, Debug)]
pub(crate) struct BankLink {
    pub fip: Arc<str>,
    pub id: LinkId,
    accounts: Arc<[Account]>,
    /// The answer of the bank to the right password, if a scenario or a fault sets one.
    answer: Option<LinkingAnswer>,
    /// Number of wrong passwords.
    ///
    /// `Assumption:` a bank allows as many as the AA for each password that it sends.
    pub tries: u8,
}

/// The field with the id of the link that a page asks about. Other tabs may have gone on.
const LINK_FIELD: &str = "link";

/// The accounts that a bank has refused to link.
#[derive(Clone, Debug)]
pub(crate) struct LinkRefusal {
    fip: Arc<str>,
    accounts: Vec<Account>,
    /// `true` if the bank has linked others.
    is_partial: bool,
}

fn list_refused(answer: Option<LinkingAnswer>, accounts: &[Account]) -> Vec<Account> {
    answer.map_or_else(Vec::new, |answer| {
        answer.refused_accounts(accounts).to_vec()
    })
}

impl OpenVisit {
    fn form_error(&self, key: &str, target: &str) -> FormError {
        FormError {
            text: self.visit.language.text(key).to_owned(),
            target: target.to_owned(),
        }
    }

    /// Returns the FI types that are asked for; none if the customer came for the own consents.
    fn wanted_fi_types(&self) -> Vec<FiType> {
        let consents = self.consents();
        let fi_types = consents.iter().flat_map(|it| &*it.terms.fi_types);
        fi_types.copied().collect()
    }

    /// Returns whether the FI types that are asked for have one of this kind.
    fn wants_kind(&self, kind: FiKind) -> bool {
        let fi_types = self.wanted_fi_types();
        fi_types
            .iter()
            .any(|fi_type| fi_type.kind() == kind && self.offers_type(*fi_type))
    }

    /// Returns the customer's requests to link accounts.
    fn link_requests(&self) -> Vec<Arc<PendingLink>> {
        let (record, _) = self.world.catch_up().customer(&self.visit.customer);
        record.map(|it| it.pending_links).unwrap_or_default()
    }

    fn show_banks(&self, call: &Call, search: &str, error: Option<FormError>) -> ApiResponse {
        let frame = self.frame_at(call, "/accounts", JourneyStep::Accounts);
        let wanted = search.trim().to_lowercase();
        let fips = self.participants.fips.iter();
        let matches = |name: &str| name.to_lowercase().contains(&wanted);
        // Chosen banks stay in sight.
        let matching = fips
            .filter(|fip| matches(&fip.entity.name) || self.visit.banks.contains(&fip.entity.id))
            .filter(|fip| self.offers_bank(&fip.entity.id));
        let mut banks: Vec<_> = matching
            .map(|fip| ListedBank {
                id: fip.entity.id.to_string(),
                party: Party::of_fip(&self.participants, &fip.entity.id),
                is_chosen: self.visit.banks.contains(&fip.entity.id),
                note: (self.visit.named_fip.as_ref() == Some(&fip.entity.id))
                    .then(|| frame.fill("find.asked", &[])),
            })
            .collect();
        // The bank that the FIU suggests comes first.
        banks.sort_by_key(|bank| bank.note.is_none());
        let page = BanksPage {
            no_match: banks
                .iter()
                .all(|bank| !matches(&bank.party.name))
                .then(|| frame.fill("find.nomatch", &[("text", search.trim())])),
            search: search.to_owned(),
            pan: self
                .wants_kind(FiKind::Investment)
                .then(|| self.visit.pan.clone().unwrap_or_default()),
            birth_date: self
                .wants_kind(FiKind::Insurance)
                .then(|| self.visit.birth_date.clone().unwrap_or_default()),
            banks,
            error,
            frame,
        };
        ApiResponse::page(&page)
    }

    /// Returns the customer's accounts at the banks that have answered, of the FI types that are
    /// asked for.
    pub(super) fn discover(&self) -> Vec<CustomerAccount> {
        let (_, mut accounts) = self.world.catch_up().customer(&self.visit.customer);
        let wanted = self.wanted_fi_types();
        let searches = self.visit.searches.iter();
        let answered = searches.filter(|search| search.state() == SearchState::Answered);
        let answered: Vec<&str> = answered.map(|search| &*search.fip).collect();
        accounts.retain(|CustomerAccount { account, .. }| {
            answered.contains(&&*account.fip)
                && (wanted.is_empty() || wanted.contains(&account.fi_type))
        });
        accounts
    }

    /// Returns the answers of banks that scenarios and faults set at this stage of the visit.
    fn plan_bank_answers(&self, stage: CallStage) -> BankAnswers {
        let mut answers = BankAnswers::default();
        for handle in &self.visit.handles {
            answers.extend(self.world.bank_answers(*handle));
        }
        let subject = CallSubject {
            op: Operation::Redirection,
            stage,
            customer: Some(&self.visit.customer),
            fiu: self.visit.handles.first().map(|_| &*self.visit.fiu),
        };
        let faults = self.world.faults();
        let planned = faults.plan_call_faults(subject, self.visit.handles.first().copied());
        for planned in planned.faults {
            match planned.fault {
                ApiFault::Discovery(fault) => answers.discovery.extend(fault.discovery),
                ApiFault::Linking(fault) => answers.linking.extend(fault.linking),
                _ => continue,
            }
            faults.mark_applied(planned.rule.as_slice());
        }
        answers
    }

    /// Begins the search at these banks, beside those at others.
    fn search(&self, call: &Call, fips: &[Arc<str>]) {
        let answers = self.plan_bank_answers(CallStage::Discovery);
        let searches: Vec<_> = fips
            .iter()
            .map(|fip| {
                let scripted = answers.discovery.get(&**fip).copied();
                if let Some(answer) = scripted {
                    let note = format!("{fip} answers the search for accounts with {answer}");
                    self.world.write_note(note);
                }
                BankSearch {
                    fip: Arc::clone(fip),
                    started_at: system_now(),
                    answer: scripted.unwrap_or_default(),
                }
            })
            .collect();
        self.remember(call, |visit| {
            for search in searches {
                let mut known = visit.searches.iter_mut();
                match known.find(|known| known.fip == search.fip) {
                    Some(known) => *known = search,
                    None => visit.searches.push(search),
                }
            }
        });
    }

    /// Returns the step at which the visit would end now.
    pub(super) fn step(&self) -> VisitStep {
        let visit = &self.visit;
        if self.is_locked() {
            return VisitStep::Locked;
        }
        if !visit.sign_in.is_complete() {
            return VisitStep::SignIn;
        }
        let tally = visit.linking.unwrap_or_default();
        let has_problem = tally.wrong > 0 || tally.refused > 0;
        if has_problem || !visit.links.is_empty() {
            return VisitStep::Linking(tally);
        }
        let consents = self.pending_consents();
        let has_account = consents.iter().any(|consent| {
            let accounts = self.world.catch_up().consent_accounts(consent);
            !accounts.is_empty()
        });
        if has_account {
            return VisitStep::Review;
        }
        // Every bank that was asked to link accounts has been skipped.
        if visit.linking.is_some() {
            return VisitStep::Linking(tally);
        }
        if !self.discover().is_empty() {
            return VisitStep::AccountsFound;
        }
        if visit.searches.is_empty() || visit.searches.iter().any(BankSearch::is_waiting) {
            return VisitStep::Review;
        }
        let reason = match &*visit.searches {
            [search] if visit.named_fip.as_ref() == Some(&search.fip) => match search.state() {
                SearchState::Answered | SearchState::Failed(DiscoveryResult::None) => {
                    NothingFound::AtNamedBank
                }
                _ => NothingFound::NamedBankFailed,
            },
            _ => NothingFound::AtChosenBanks,
        };
        VisitStep::NothingFound(reason)
    }

    fn show_found(&self, call: &Call, error: Option<FormError>) -> ApiResponse {
        let frame = self.frame_at(call, "/accounts/found", JourneyStep::Accounts);
        let mobile = mask_customer(&self.visit.customer);
        let discovered = self.discover();
        let banks: Vec<_> = self
            .visit
            .searches
            .iter()
            .map(|search| {
                let fip = &search.fip;
                let party = Party::of_fip(&self.participants, fip);
                let found = discovered.iter().filter(|it| it.account.fip == *fip);
                let accounts: Vec<_> = found.collect();
                let count = accounts.len().to_string();
                let values = [("bank", &*party.name), ("mobile", &*mobile), ("n", &*count)];
                let state = search.state();
                let key = match (state, accounts.len()) {
                    (SearchState::Busy, _) => "find.busy",
                    (SearchState::Unanswered, _) => "find.slow",
                    (SearchState::Failed(DiscoveryResult::Error), _) => "find.error",
                    (SearchState::Failed(DiscoveryResult::UnknownCustomer), _) => "find.unknown",
                    (_, 0) => "find.empty",
                    (_, 1) => "find.found.one",
                    _ => "find.found",
                };
                FoundBank {
                    id: fip.to_string(),
                    is_waiting: state.is_waiting(),
                    can_retry: matches!(
                        state,
                        SearchState::Unanswered | SearchState::Failed(DiscoveryResult::Error)
                    ),
                    retry: frame.fill("btn.retry.bank", &values),
                    skip: frame.fill("link.skip", &values),
                    answer: frame.fill(key, &values),
                    accounts: accounts
                        .iter()
                        .map(|CustomerAccount { account, is_linked }| FoundAccount {
                            value: format!("{}/{}", account.fip, account.account_ref),
                            kind: describe_account_kind(frame.language, account),
                            number: describe_number(frame.language, &account.masked_number),
                            is_linked: *is_linked,
                        })
                        .collect(),
                    party,
                }
            })
            .collect();
        let mut accounts = banks.iter().flat_map(|bank| &bank.accounts);
        let page = FoundPage {
            can_link: accounts.any(|account| !account.is_linked),
            nothing: banks
                .iter()
                .all(|bank| bank.accounts.is_empty() && !bank.is_waiting)
                .then(|| frame.fill("find.nothing", &[])),
            is_waiting: banks.iter().any(|bank| bank.is_waiting),
            banks,
            error,
            frame,
        };
        ApiResponse::page(&page)
    }

    fn show_bank_otp(&self, call: &Call, link: &BankLink, error: Option<FormError>) -> ApiResponse {
        let frame = self.frame_at(call, "/accounts/otp", JourneyStep::Accounts);
        let bank = Party::of_fip(&self.participants, &link.fip).name;
        let mobile = mask_customer(&self.visit.customer);
        let values = [("bank", &*bank), ("mobile", &*mobile)];
        let page = OtpPage {
            heading: frame.fill("otp.title", &[]),
            sent: frame.fill("otp.sent.bank", &values),
            action: format!("{}/accounts/otp", self.path),
            link: Some(link.id.to_string()),
            resend: None,
            leave: format!("{}/leave", self.path),
            skip: Some((
                format!("{}/accounts/skip", self.path),
                frame.fill("link.skip", &values),
            )),
            wait: None,
            error,
            frame,
        };
        ApiResponse::page(&page)
    }

    /// Records the outcome of a bank that got the right password, or needed none.
    fn record_link(&self, call: &Call, link: &PendingLink, refused: &[Account]) {
        let (fip, asked) = (&link.fip, &link.accounts);
        self.remember(call, |visit| {
            let mut links = visit.links.iter();
            let was_wrong = links.any(|known| known.id == link.id && known.tries > 0);
            let tally = visit.linking.get_or_insert_default();
            tally.linked += usize::from(refused.len() < asked.len());
            tally.refused += usize::from(!refused.is_empty());
            tally.wrong = tally.wrong.saturating_sub(usize::from(was_wrong));
            if !refused.is_empty() {
                visit.refusals.push(LinkRefusal {
                    fip: Arc::clone(fip),
                    accounts: refused.to_vec(),
                    is_partial: refused.len() < asked.len(),
                });
            }
        });
    }

    /// Returns a sentence for each account that a bank has refused to link.
    pub(super) fn describe_refusals(&self, frame: &AppFrame) -> Vec<String> {
        let mut texts = Vec::new();
        for refusal in &self.visit.refusals {
            let bank = Party::of_fip(&self.participants, &refusal.fip).name;
            if refusal.is_partial {
                for account in &refusal.accounts {
                    let account = describe_number(frame.language, &account.masked_number);
                    let values = [("bank", &*bank), ("account", &*account)];
                    texts.push(frame.fill("link.some", &values));
                }
            } else {
                texts.push(frame.fill("link.failed", &[("bank", &bank)]));
            }
        }
        texts
    }

    /// Finds the link that a form is about; `None` if the visit has gone on from it.
    fn find_link(&self, form: &Params) -> Result<Option<&BankLink>, ApiError> {
        let id = form.first_value(LINK_FIELD).unwrap_or_default();
        let id = LinkId::parse(id).ok_or_else(|| {
            let message = format!("{} is not the id of a link", quote_value(id));
            ApiError::invalid_field(LINK_FIELD, message)
        })?;
        Ok(self.visit.links.iter().find(|link| link.id == id))
    }

    /// Goes on from a link whose request is gone: another visit, or a command, has linked the accounts,
    /// or has asked for them anew.
    fn leave_lost_link(&self, call: &Call, link: &BankLink) -> ApiResponse {
        let (_, known) = self.world.catch_up().customer(&self.visit.customer);
        let is_linked = link.accounts.iter().all(|account| {
            let mut known = known.iter().filter(|known| known.is_linked);
            known.any(|known| {
                known
                    .account
                    .matches_ref(&account.fip, &account.account_ref)
            })
        });
        self.remember(call, |visit| {
            let mut links = visit.links.iter();
            let Some(known) = links.find(|known| known.id == link.id) else {
                return;
            };
            let tally = visit.linking.get_or_insert_default();
            tally.linked += usize::from(is_linked);
            tally.wrong = tally.wrong.saturating_sub(usize::from(known.tries > 0));
        });
        self.remove_link(call, link);
        if is_linked {
            return self.redirect_to_next_bank(call);
        }
        let bank = Party::of_fip(&self.participants, &link.fip).name;
        let error = FormError {
            text: self
                .visit
                .language
                .fill("err.link.elsewhere", &[("bank", &bank)]),
            target: "banks".to_owned(),
        };
        self.show_found(call, Some(error)).with_status_code(400)
    }

    /// Removes a link from those that wait.
    fn remove_link(&self, call: &Call, link: &BankLink) {
        self.remember(call, |visit| {
            visit.links.retain(|known| known.id != link.id);
        });
    }

    /// Goes on with the next link that waits, or with the visit.
    fn redirect_to_next_bank(&self, call: &Call) -> ApiResponse {
        let visit = self.remember(call, |_| ());
        let is_waiting = visit.is_some_and(|visit| !visit.links.is_empty());
        self.redirect_to(call, if is_waiting { "/accounts/otp" } else { "" })
    }
}

/// Asks for the customer's banks; `search` narrows the list.
pub(crate) fn show_banks(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find_signed_in(call)? else {
        return show_other_visit(call);
    };
    let params = Params::parse(call.query())?;
    let search = params.first_value("search").unwrap_or_default();
    Ok(open.show_banks(call, search, None))
}

impl OpenVisit {
    /// Remembers by what the banks identify the customer beside the mobile number: the PAN for
    /// investments, the date of birth for insurance. Returns the text and the field of an error.
    ///
    /// `Assumption:` the simulated banks accept any value of the right form.
    fn remember_identity(
        &self,
        call: &Call,
        form: &Params,
    ) -> Option<(&'static str, &'static str)> {
        let read = |name, kind| {
            let typed = form.first_value(name).unwrap_or_default().trim();
            self.wants_kind(kind).then(|| typed.to_ascii_uppercase())
        };
        let (pan, birth_date) = (
            read("pan", FiKind::Investment),
            read("dob", FiKind::Insurance),
        );
        let has_pan = pan.as_deref().is_none_or(is_pan);
        let has_date = birth_date.as_deref().is_none_or(|text| {
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d");
            date.is_ok_and(|date| date < self.world.now().ist_date())
        });
        self.remember(call, |visit| {
            (visit.pan, visit.birth_date) = (pan, birth_date);
        });
        match (has_pan, has_date) {
            (false, _) => Some(("err.pan", "pan")),
            (true, false) => Some(("err.dob", "dob")),
            (true, true) => None,
        }
    }
}

/// Remembers the banks that are chosen, and leads to their answers.
pub(crate) fn choose_banks(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(mut open) = OpenVisit::find_signed_in(call)? else {
        return show_other_visit(call);
    };
    let form = open.read_form(call, &["bank", "pan", "dob", "search", "find"])?;
    let mut banks: Vec<Arc<str>> = Vec::new();
    for id in form.values_of("bank") {
        let fip = open.participants.find_fip(id);
        let fip = fip.ok_or_else(|| Rejection::UnknownFip(quote_value(id)))?;
        if !banks.contains(&fip.entity.id) {
            banks.push(Arc::clone(&fip.entity.id));
        }
    }
    if form.first_value("find").is_some() {
        open.remember_identity(call, &form);
        open.remember(call, |visit| visit.banks = banks);
        let search = form.first_value("search").unwrap_or_default();
        let search = utf8_percent_encode(search.trim(), NON_ALPHANUMERIC);
        return Ok(open.redirect_to(call, &format!("/accounts?search={search}")));
    }
    if banks.is_empty() {
        let error = open.form_error("err.bank", "banks");
        return Ok(open.show_banks(call, "", Some(error)).with_status_code(400));
    }
    if let Some((key, target)) = open.remember_identity(call, &form) {
        if let Some(changed) = open.remember(call, |visit| visit.banks = banks) {
            open.visit = changed;
        }
        let error = open.form_error(key, target);
        return Ok(open.show_banks(call, "", Some(error)).with_status_code(400));
    }
    open.search(call, &banks);
    open.remember(call, |visit| {
        visit.searches.retain(|search| banks.contains(&search.fip));
        visit.banks = banks;
        // The answers of earlier banks no longer say where the visit is.
        if visit.links.is_empty() {
            visit.linking = None;
        }
    });
    Ok(open.redirect_to(call, "/accounts/found"))
}

/// Asks a bank again, or goes on without it.
pub(crate) fn change_search(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find_signed_in(call)? else {
        return show_other_visit(call);
    };
    let form = open.read_form(call, &["retry", "without", "account"])?;
    let find = |name| {
        let id = form.first_value(name);
        id.map(|id| {
            let mut searches = open.visit.searches.iter();
            let search = searches.find(|search| *search.fip == *id);
            search
                .map(|search| Arc::clone(&search.fip))
                .ok_or_else(|| Rejection::UnknownFip(quote_value(id)))
        })
    };
    match (find("retry").transpose()?, find("without").transpose()?) {
        (Some(fip), None) => open.search(call, &[fip]),
        (None, Some(fip)) => {
            open.remember(call, |visit| {
                visit.searches.retain(|search| search.fip != fip);
                visit.banks.retain(|bank| *bank != fip);
            });
        }
        _ => {
            let message = "give a bank in either retry or without";
            return Err(ApiError::invalid_field("retry", message));
        }
    }
    Ok(open.redirect_to(call, "/accounts/found"))
}

/// Shows the accounts that the chosen banks have found.
pub(crate) fn show_found(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find_signed_in(call)? else {
        return show_other_visit(call);
    };
    if open.visit.searches.is_empty() {
        return Ok(open.redirect_to(call, "/accounts"));
    }
    Ok(open.show_found(call, None))
}

/// Asks the banks to link the chosen accounts. A bank that verifies by itself links them at once, and
/// the others send a one-time password each.
pub(crate) fn link_accounts(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find_signed_in(call)? else {
        return show_other_visit(call);
    };
    let form = open.read_form(call, &["account"])?;
    let discovered = open.discover();
    let mut by_fip: BTreeMap<Arc<str>, Vec<Box<str>>> = BTreeMap::new();
    for value in form.values_of("account") {
        // Only what the page has shown can be linked.
        let known = value.split_once('/').and_then(|(fip, account)| {
            let mut accounts = discovered.iter().map(|it| &it.account);
            accounts.find(|it| it.matches_ref(fip, account))
        });
        let Some(account) = known else {
            let error = open.form_error("err.account.gone", "banks");
            return Ok(open.show_found(call, Some(error)).with_status_code(400));
        };
        let accounts = by_fip.entry(Arc::clone(&account.fip)).or_default();
        accounts.push(account.account_ref.clone());
    }
    if by_fip.is_empty() {
        let error = open.form_error("err.pick", "banks");
        return Ok(open.show_found(call, Some(error)).with_status_code(400));
    }
    let customer = &open.visit.customer;
    // A bank that was skipped is asked anew, and sends another password.
    let commands = by_fip.iter().map(|(fip, accounts)| Command::LinkAccounts {
        customer: Arc::clone(customer),
        fip: Arc::clone(fip),
        accounts: accounts.clone(),
        on_pending_link: OnPendingLink::Replace,
    });
    let requested = match open.world.submit_all(commands.collect()) {
        Ok(receipt) => receipt,
        // Another tab was faster: the page shows what is linked now.
        Err(Rejection::AlreadyLinked(_)) if open.visit.links.is_empty() => {
            return Ok(open.redirect_to(call, "/accounts/found"));
        }
        Err(Rejection::AlreadyLinked(_)) => return Ok(open.redirect_to(call, "/accounts/otp")),
        // The customer has left the AA meanwhile.
        Err(Rejection::CustomerNotRegistered(_)) => return Ok(open.redirect_to(call, "")),
        Err(rejection) => return Err(rejection.into()),
    };
    let is_chosen = |link: &PendingLink| {
        let chosen = by_fip.get(&link.fip).into_iter().flatten();
        chosen.into_iter().any(|account| {
            let mut accounts = link.accounts.iter();
            accounts.any(|it| it.matches_ref(&link.fip, account))
        })
    };
    let pending = open.link_requests().into_iter();
    let (direct, by_password): (Vec<_>, Vec<_>) = pending
        .filter(|link| is_chosen(link))
        .partition(|link| link.linking == LinkingMethod::Direct);
    let next = if by_password.is_empty() {
        ""
    } else {
        "/accounts/otp"
    };
    let answers = open.plan_bank_answers(CallStage::Linking);
    open.remember(call, |visit| {
        let links = by_password.iter().map(|link| BankLink {
            fip: Arc::clone(&link.fip),
            id: link.id,
            accounts: Arc::clone(&link.accounts),
            answer: answers.linking.get(&*link.fip).copied(),
            tries: 0,
        });
        visit.links = links.collect();
        visit.linking = Some(LinkingTally::default());
        visit.refusals.clear();
    });
    let redirect = open.redirect_to(call, next);
    let response = ApiResponse::from_receipt(requested, |_| redirect);
    if direct.is_empty() {
        return Ok(response);
    }
    let refused: Vec<_> = direct
        .iter()
        .map(|link| {
            let answer = answers.linking.get(&*link.fip).copied();
            list_refused(answer, &link.accounts)
        })
        .collect();
    let commands = direct
        .iter()
        .zip(&refused)
        .map(|(link, refused)| Command::VerifyLink {
            customer: Arc::clone(customer),
            link: link.id,
            token: "".into(),
            refused: refused.iter().map(|it| it.account_ref.clone()).collect(),
        });
    let linked = match open.world.submit_all(commands.collect()) {
        Ok(receipt) => receipt,
        // Another tab was faster.
        Err(Rejection::UnknownLink(_)) => return Ok(response),
        Err(rejection) => return Err(rejection.into()),
    };
    for (link, refused) in direct.iter().zip(&refused) {
        open.record_link(call, link, refused);
    }
    Ok(ApiResponse::from_receipt(linked, |_| response))
}

/// Asks for the one-time password of the next bank.
pub(crate) fn show_bank_otp(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find_signed_in(call)? else {
        return show_other_visit(call);
    };
    match open.visit.links.first() {
        Some(link) => Ok(open.show_bank_otp(call, link, None)),
        None => Ok(open.redirect_to(call, "")),
    }
}

/// Compares the one-time password of a bank, and links its accounts.
pub(crate) fn verify_bank_otp(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find_signed_in(call)? else {
        return show_other_visit(call);
    };
    let form = open.read_form(call, &["otp", LINK_FIELD])?;
    let Some(link) = open.find_link(&form)? else {
        return Ok(open.redirect_to_next_bank(call));
    };
    let typed = form.first_value("otp").unwrap_or_default();
    let refuse = |error| {
        let page = open.show_bank_otp(call, link, Some(error));
        Ok(page.with_status_code(400))
    };
    if link.tries >= TRIES_MAX {
        return refuse(open.form_error("err.otp.bank.tries", FIELD));
    }
    let token = match parse_password(typed) {
        Ok(token) => token,
        Err(error) => return refuse(open.describe_error(error)),
    };
    let mut requests = open.link_requests().into_iter();
    let Some(request) = requests.find(|it| it.id == link.id) else {
        return Ok(open.leave_lost_link(call, link));
    };
    let refused = list_refused(link.answer, &request.accounts);
    let command = Command::VerifyLink {
        customer: Arc::clone(&open.visit.customer),
        link: link.id,
        token: token.into(),
        refused: refused.iter().map(|it| it.account_ref.clone()).collect(),
    };
    let key = match open.world.submit(command) {
        Ok(receipt) => {
            open.record_link(call, &request, &refused);
            return Ok(ApiResponse::from_receipt(receipt, |_| {
                open.remove_link(call, link);
                open.redirect_to_next_bank(call)
            }));
        }
        Err(Rejection::UnknownLink(_)) => return Ok(open.leave_lost_link(call, link)),
        Err(Rejection::InvalidLinkToken) => {
            open.remember(call, |visit| {
                let mut links = visit.links.iter_mut();
                if let Some(known) = links.find(|known| known.id == link.id) {
                    known.tries = known.tries.saturating_add(1);
                    if known.tries == 1 {
                        visit.linking.get_or_insert_default().wrong += 1;
                    }
                }
            });
            "err.otp.bank"
        }
        Err(Rejection::LinkTokenExpired(_)) => "err.otp.bank.expired",
        Err(rejection) => return Err(rejection.into()),
    };
    refuse(open.form_error(key, FIELD))
}

/// Goes on without the accounts of a bank.
pub(crate) fn skip_bank(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find_signed_in(call)? else {
        return show_other_visit(call);
    };
    let form = open.read_form(call, &[LINK_FIELD])?;
    if let Some(link) = open.find_link(&form)? {
        open.remove_link(call, link);
    }
    Ok(open.redirect_to_next_bank(call))
}
