//! The pages of the customer's app: reading and answering consents, the result, and the customer's
//! own list of consents. The structs hold finished words.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;

use crate::domain::account::{Account, FiType};
use crate::domain::brand::Brand;
use crate::domain::consent::{Consent, Status};
use crate::domain::participants::Participants;
use crate::domain::terms::{
    ConsentMode, ConsentType, DataFilter, DataLifeUnit, FetchType, FilterCriterion, FilterOperator,
    FrequencyUnit, Terms, TransactionType,
};
use crate::ui::mark::{draw_mark, show_logo};
use crate::ui::messages::Language;

/// A company on a page: its name, and the HTML of its logo or mark.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub name: String,
    pub mark: String,
}

impl Party {
    /// Describes an AA to the pages of the world with this base path.
    pub(crate) fn of_aa(participants: &Participants, base_path: &str, id: &str) -> Self {
        let aa = participants.find_aa(id);
        let logo = aa.and_then(|aa| aa.logo.as_ref());
        let brand = aa.map_or_else(|| Brand::from_id(id), |aa| aa.brand);
        Self {
            name: aa.map_or(id, |aa| &aa.name).to_owned(),
            mark: logo.map_or_else(
                || draw_mark(id, brand, Some("mark")),
                |logo| show_logo(logo, base_path, "mark"),
            ),
        }
    }

    /// Describes an FIU to the pages of the world with this base path.
    pub(crate) fn of_fiu(participants: &Participants, base_path: &str, id: &str) -> Self {
        let fiu = participants.find_fiu(id);
        let logo = fiu.and_then(|fiu| fiu.logo.as_ref());
        let brand = fiu.map_or_else(|| Brand::from_id(id), |fiu| fiu.brand);
        Self {
            name: fiu.map_or(id, |fiu| &fiu.entity.name).to_owned(),
            mark: logo.map_or_else(
                || draw_mark(id, brand, Some("logo")),
                |logo| show_logo(logo, base_path, "logo"),
            ),
        }
    }

    pub(crate) fn of_fip(participants: &Participants, id: &Arc<str>) -> Self {
        Self {
            name: participants.fip_name(id).to_string(),
            mark: draw_mark(id, Brand::from_id(id), None),
        }
    }
}

/// The frame of all pages of a visit.
#[derive(Clone, Debug)]
pub(crate) struct AppFrame {
    pub language: Language,
    /// The path of the visit, without a slash at its end.
    pub path: String,
    /// The path of this page, for the links to other languages.
    pub page_path: String,
    pub aa: Party,
    pub fiu: Party,
    /// The token of the page's forms.
    pub token: String,
    /// The path of the stylesheet with the AA's colours.
    pub theme: Option<String>,
    /// The step of the journey at which the page is.
    pub step: Option<JourneyStep>,
    /// The idle time after which the visit ends, in seconds; `None` if it has ended.
    pub session_s: Option<i64>,
    /// A sentence above the page.
    pub notice: Option<String>,
    /// Messages to the page that opened or frames this one.
    pub sdk: Option<SdkMessages>,
}

/// The messages that a page posts to the page that opened or frames it.
#[derive(Clone, Debug)]
pub(crate) struct SdkMessages {
    /// A list in JSON.
    pub messages: String,
    /// The origin of the page that may read them.
    pub target: String,
}

/// A step of a journey that begins with a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum JourneyStep {
    SignIn = 1,
    Accounts,
    Review,
    Result,
}

impl JourneyStep {
    pub(crate) const ALL: [Self; 4] = [Self::SignIn, Self::Accounts, Self::Review, Self::Result];
}

impl AppFrame {
    pub(crate) fn text(&self, key: &str) -> &'static str {
        self.language.text(key)
    }

    /// Returns a text in which `{fiu}` and `{aa}` stand for the companies of the visit.
    pub(crate) fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        let parties = [("fiu", &*self.fiu.name), ("aa", &*self.aa.name)];
        self.language.fill(key, &[&parties, values].concat())
    }

    /// Returns the bar of steps, each with whether it is reached, and its text.
    pub(crate) fn steps(&self) -> Option<(Vec<bool>, String)> {
        let step = self.step?;
        let (n, total) = (step as usize, JourneyStep::ALL.len());
        let reached = JourneyStep::ALL.iter().map(|other| *other <= step);
        let values = [("n", &*n.to_string()), ("total", &*total.to_string())];
        Some((reached.collect(), self.fill("app.step", &values)))
    }

    /// Returns the sentence that warns of the end of the visit.
    pub(crate) fn warning(&self) -> String {
        self.fill("session.warn", &[("s", "60")])
    }

    /// Returns where to complain.
    pub(crate) fn complain(&self) -> String {
        self.fill("review.complain", &[])
    }

    /// Returns the languages with their names and the address of this page in each.
    pub(crate) fn languages(&self) -> impl Iterator<Item = (Language, &'static str, String)> {
        let all = Language::ALL.iter().copied();
        all.map(|language| {
            let address = format!("{}?lang={language}", self.page_path);
            (language, language.own_name(), address)
        })
    }
}

/// An error of what the customer entered.
#[derive(Debug)]
pub(crate) struct FormError {
    pub text: String,
    /// The id of the element that it is about.
    pub target: String,
}

impl FormError {
    /// Returns the error of a page if it is about the element with this id.
    pub(crate) fn find<'e>(error: Option<&'e Self>, id: &str) -> Option<&'e Self> {
        error.filter(|error| error.target == id)
    }
}

/// The page on which the consents of a visit are read and answered.
#[derive(Debug, Template)]
#[template(path = "app_review.html")]
pub(crate) struct ReviewPage {
    frame: AppFrame,
    heading: String,
    several: String,
    /// The sentence that a scenario answers too.
    follows: Option<String>,
    notices: Vec<String>,
    error: Option<FormError>,
    cards: Vec<ConsentCard>,
    withdraw: String,
    blind: String,
    customer: String,
}

impl ReviewPage {
    /// Creates the page; `cards` has at least one consent. `follows` is true if a scenario answers too.
    pub(crate) fn new(
        frame: AppFrame,
        cards: Vec<ConsentCard>,
        (customer, follows): (String, bool),
        (notices, error): (Vec<String>, Option<FormError>),
    ) -> Self {
        let count = cards.len().to_string();
        Self {
            heading: frame.fill("review.title", &[]),
            several: frame.fill("review.several", &[("n", &count)]),
            withdraw: frame.fill("review.withdraw", &[]),
            blind: frame.fill("review.blind", &[]),
            customer,
            follows: follows.then(|| frame.fill("wait.scenario", &[])),
            notices,
            error,
            cards,
            frame,
        }
    }
}

/// The choices of a customer for a consent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    /// `true`: approved, `false`: refused.
    pub is_approved: Option<bool>,
    /// The `linkRefNumber`s of the accounts.
    pub accounts: BTreeSet<String>,
}

/// A consent on the page: what is shared, from which accounts, and on what terms.
#[derive(Debug)]
pub(crate) struct ConsentCard {
    handle: String,
    title: String,
    purpose: String,
    parts: Vec<SharedPart>,
    banks: Vec<Bank>,
    no_accounts: String,
    terms: Vec<Term>,
    facts: Vec<(String, String)>,
    is_approved: bool,
    is_rejected: bool,
}

/// A part of the data that is shared.
#[derive(Debug)]
pub(crate) struct SharedPart {
    /// The content of the icon.
    icon: &'static str,
    text: &'static str,
    notes: Vec<String>,
}

/// A term of a consent, such as the time for which it is valid.
#[derive(Debug)]
pub(crate) struct Term {
    name: &'static str,
    value: String,
    notes: Vec<String>,
}

/// The accounts at one FIP.
#[derive(Debug)]
struct Bank {
    party: Party,
    accounts: Vec<ShownAccount>,
}

/// An account that can be chosen.
#[derive(Debug)]
struct ShownAccount {
    link_ref: String,
    kind: &'static str,
    number: String,
    is_chosen: bool,
}

impl ConsentCard {
    fn has_accounts(&self) -> bool {
        !self.banks.is_empty()
    }

    /// Describes a consent. `position` is its number and the number of consents.
    pub(crate) fn new(
        frame: &AppFrame,
        consent: &Consent,
        accounts: &[Account],
        participants: &Participants,
        choice: &Choice,
        position: (usize, usize),
    ) -> Self {
        let terms = &consent.terms;
        let (number, total) = (position.0.to_string(), position.1.to_string());
        Self {
            handle: consent.handle.to_string(),
            title: frame.fill("review.one", &[("n", &number), ("total", &total)]),
            purpose: describe_purpose(frame.language, terms),
            parts: describe_parts(frame, terms),
            banks: list_banks(frame, accounts, participants, choice),
            no_accounts: frame.fill("review.none", &[]),
            terms: describe_terms(frame, terms),
            facts: vec![
                (frame.fill("review.id", &[]), terms.customer.to_string()),
                (frame.fill("review.fiu", &[]), terms.consumer.to_string()),
                (frame.fill("review.handle", &[]), consent.handle.to_string()),
                (
                    frame.fill("review.code", &[]),
                    terms.purpose.code.to_string(),
                ),
                (
                    frame.fill("review.start", &[]),
                    frame.language.format_time(terms.start),
                ),
                (frame.fill("review.mode", &[]), terms.mode.to_string()),
            ],
            is_approved: choice.is_approved == Some(true),
            is_rejected: choice.is_approved == Some(false),
        }
    }
}

/// Returns the purpose in the artefact's words, or else that of its code.
pub(crate) fn describe_purpose(language: Language, terms: &Terms) -> String {
    let purpose = &terms.purpose;
    match purpose
        .text
        .as_deref()
        .filter(|text| !text.trim().is_empty())
    {
        Some(text) => text.to_owned(),
        None if matches!(&*purpose.code, "101" | "102" | "103" | "104" | "105") => language
            .text(&format!("purpose.{}", purpose.code))
            .to_owned(),
        None => purpose.code.to_string(),
    }
}

pub(crate) fn describe_parts(frame: &AppFrame, terms: &Terms) -> Vec<SharedPart> {
    let parts = terms.consent_types.iter().map(|part| {
        let mut notes = Vec::new();
        if *part == ConsentType::Transactions {
            let (from, to) = (
                frame.language.format_day(terms.range.from),
                frame.language.format_day(terms.range.to),
            );
            notes.push(frame.fill("review.period", &[("from", &from), ("to", &to)]));
            for filter in terms.filters.as_deref().unwrap_or_default() {
                let filter = describe_filter(frame.language, filter);
                notes.push(frame.fill("review.filter", &[("filter", &filter)]));
            }
        }
        SharedPart {
            icon: match part {
                ConsentType::Profile => {
                    r#"<circle cx="8" cy="5.2" r="3"/><path d="M2.4 14c.5-3 2.7-4.6 5.600-4.600s5.100 1.600 5.600 4.600"/>"#
                }
                ConsentType::Summary => {
                    r#"<rect x="2" y="3.400" width="12" height="9.600" rx="1.600"/><path d="M2 6.600h12M4.600 10.200h3"/>"#
                }
                ConsentType::Transactions => {
                    r#"<path d="M5.500 4h8.500M5.500 8h8.500M5.500 12h8.500M2.200 4h.1M2.200 8h.1M2.200 12h.1"/>"#
                }
            },
            text: frame.text(&format!("review.{part}")),
            notes,
        }
    });
    parts.collect()
}

fn describe_filter(language: Language, filter: &DataFilter) -> String {
    match filter.criterion {
        FilterCriterion::Amount(amount) => {
            let key = match filter.operator {
                FilterOperator::Equal => "filter.amount.equal",
                FilterOperator::NotEqual => "filter.amount.not_equal",
                FilterOperator::Greater => "filter.amount.greater",
                FilterOperator::Less => "filter.amount.less",
                FilterOperator::GreaterOrEqual => "filter.amount.at_least",
                FilterOperator::LessOrEqual => "filter.amount.at_most",
            };
            let paise = match amount.0 % 100 {
                0 => String::new(),
                paise => format!(".{paise:02}"),
            };
            let amount = format!("₹{}{paise}", amount.group_rupees());
            language.fill(key, &[("amount", &amount)])
        }
        FilterCriterion::Type(_) => {
            let allows = |kind| filter.matches_transaction(crate::domain::money::Paise(0), kind);
            let kinds = [TransactionType::Credit, TransactionType::Debit];
            let allowed = kinds.into_iter().filter(|kind| allows(*kind));
            let texts = allowed.map(|kind| language.text(&format!("filter.{kind}")));
            texts.collect::<Vec<_>>().join(" / ")
        }
    }
}

/// Describes how often data is fetched, until when, and what becomes of it.
pub(crate) fn describe_terms(frame: &AppFrame, terms: &Terms) -> Vec<Term> {
    let language = frame.language;
    let fi_types: Vec<_> = terms
        .fi_types
        .iter()
        .map(|fi_type| describe_fi_type(language, *fi_type))
        .collect();
    let (often, is_high) = describe_frequency(frame, terms);
    let mut often_notes = Vec::new();
    if is_high {
        often_notes.push(frame.fill("review.high", &[]));
    }
    let life = describe_data_life(language, terms.data_life);
    let kept = match (terms.mode, terms.data_life.0) {
        (ConsentMode::Store, DataLifeUnit::Inf) => frame.fill("review.INF", &[]),
        (mode, _) => frame.fill(&format!("review.{mode}"), &[("life", &life)]),
    };
    let term = |key, value, notes| Term {
        name: language.text(key),
        value,
        notes,
    };
    vec![
        term("review.who", frame.fiu.name.clone(), Vec::new()),
        term("review.accounts", fi_types.join(", "), Vec::new()),
        term("review.often", often, often_notes),
        term(
            "review.until",
            language.format_time(terms.expiry),
            Vec::new(),
        ),
        term("review.life", kept, Vec::new()),
    ]
}

/// Describes how often data may be fetched, and returns whether that is more than once a day.
fn describe_frequency(frame: &AppFrame, terms: &Terms) -> (String, bool) {
    let (unit, count) = terms.frequency;
    if terms.fetch_type == FetchType::OneTime {
        return (frame.fill("review.once", &[]), false);
    }
    let n = count.to_string();
    let days = match unit {
        FrequencyUnit::Hour => 0,
        FrequencyUnit::Day => 1,
        FrequencyUnit::Month => 31,
        FrequencyUnit::Year => 366,
        FrequencyUnit::Inf => {
            return (frame.fill("review.total", &[("n", &n)]), false);
        }
    };
    let unit = frame.text(&format!("unit.{unit}"));
    let text = if count == 1 {
        frame.fill("review.periodic.one", &[("unit", unit)])
    } else {
        frame.fill("review.periodic", &[("n", &n), ("unit", unit)])
    };
    (text, count > days)
}

fn describe_data_life(language: Language, (unit, count): (DataLifeUnit, u32)) -> String {
    // The plural rules of CLDR: in Hindi, 0 counts as one.
    let is_one = count == 1 || (count == 0 && language == Language::Hindi);
    match unit {
        DataLifeUnit::Inf => String::new(),
        unit if is_one => format!("{count} {}", language.text(&format!("unit.{unit}"))),
        unit => format!("{count} {}", language.text(&format!("units.{unit}"))),
    }
}

pub(crate) fn describe_fi_type(language: Language, fi_type: FiType) -> &'static str {
    language.text(&format!("fi.{fi_type}"))
}

fn list_banks(
    frame: &AppFrame,
    accounts: &[Account],
    participants: &Participants,
    choice: &Choice,
) -> Vec<Bank> {
    let mut banks: Vec<(&str, Bank)> = Vec::new();
    for account in accounts {
        let shown = ShownAccount {
            link_ref: account.link_ref.to_string(),
            kind: describe_account_kind(frame.language, account),
            number: describe_number(frame.language, &account.masked_number),
            is_chosen: choice.accounts.contains(&*account.link_ref),
        };
        match banks.iter_mut().find(|(fip, _)| **fip == *account.fip) {
            Some((_, bank)) => bank.accounts.push(shown),
            None => banks.push((
                &account.fip,
                Bank {
                    party: Party::of_fip(participants, &account.fip),
                    accounts: vec![shown],
                },
            )),
        }
    }
    banks.into_iter().map(|(_, bank)| bank).collect()
}

/// Returns the kind of an account: that of a bank account, or else its FI type.
pub(crate) fn describe_account_kind(language: Language, account: &Account) -> &'static str {
    if account.fi_type == FiType::Deposit {
        language.text(&format!("acc.{}", account.account_type))
    } else {
        describe_fi_type(language, account.fi_type)
    }
}

/// Returns the last digits of a masked number, in words.
pub(crate) fn describe_number(language: Language, masked: &str) -> String {
    let digits: String = masked
        .chars()
        .skip(masked.chars().count().saturating_sub(4))
        .collect();
    language.fill("acc.ending", &[("digits", &digits)])
}

/// Masks the number in a customer's address but for its last four characters; half of a shorter name.
pub(crate) fn mask_customer(address: &str) -> String {
    let name = address.split('@').next().unwrap_or_default();
    let length = name.chars().count();
    let hidden = length - (length / 2).min(4);
    let masked = name.chars().enumerate();
    masked
        .map(|(index, letter)| if index < hidden { '•' } else { letter })
        .collect()
}

/// Returns the CSS class of a status.
pub(crate) fn status_class(status: Status) -> String {
    status.as_str().to_ascii_lowercase()
}

pub(crate) fn describe_status(language: Language, status: Status) -> &'static str {
    language.text(&format!("status.{status}"))
}

/// A page with a question, whose form does something that the customer confirms.
#[derive(Debug, Template)]
#[template(path = "app_question.html")]
pub(crate) struct QuestionPage {
    pub frame: AppFrame,
    pub heading: String,
    pub lines: Vec<String>,
    /// The path to which the form is sent.
    pub action: String,
    /// Possible reasons, each with its value in the form.
    pub reasons: Vec<(&'static str, &'static str)>,
    pub button: &'static str,
    /// `false` if it cannot be undone.
    pub is_harmless: bool,
    pub back: String,
    pub back_text: &'static str,
}

/// The end of a visit, or a message in place of it.
#[derive(Debug, Template)]
#[template(path = "app_result.html")]
pub(crate) struct ResultPage {
    pub frame: AppFrame,
    pub heading: String,
    pub lines: Vec<String>,
    pub receipts: Vec<Receipt>,
    pub back: Option<WayBack>,
    /// Path and text of the link that begins the visit again.
    pub again: Option<(String, String)>,
    /// Path and text of the button that leads back to the FIU, if the visit has not ended.
    pub leave: Option<(String, String)>,
    /// The path of the customer's consents.
    pub own_consents: String,
    /// The error, for developers.
    pub details: Option<String>,
}

impl ResultPage {
    /// Creates a page with a heading and the path of the customer's consents.
    pub(crate) fn new(heading: String, own_consents: String, frame: AppFrame) -> Self {
        Self {
            frame,
            heading,
            lines: Vec::new(),
            receipts: Vec::new(),
            back: None,
            again: None,
            leave: None,
            own_consents,
            details: None,
        }
    }
}

/// The outcome of a consent.
#[derive(Debug)]
pub(crate) struct Receipt {
    title: String,
    class: String,
    status: &'static str,
    lines: Vec<String>,
}

impl Receipt {
    pub(crate) fn new(frame: &AppFrame, consent: &Consent) -> Self {
        let language = frame.language;
        let mut lines = Vec::new();
        if let (Some(grant), Status::Ready | Status::Active | Status::Paused) =
            (&consent.grant, consent.status)
        {
            let (n, date) = (
                grant.accounts.len().to_string(),
                language.format_time(consent.terms.expiry),
            );
            let id = grant.consent_id.to_string();
            let values = [("n", &*n), ("date", &*date), ("id", &*id)];
            let key = match grant.accounts.len() {
                1 => "done.receipt.one",
                _ => "done.receipt",
            };
            lines.push(frame.fill(key, &values));
        }
        if let Some(change) = consent.history.last() {
            let date = language.format_time(change.at);
            lines.push(frame.fill("stale.since", &[("date", &date)]));
        }
        Self {
            title: describe_purpose(language, &consent.terms),
            class: status_class(consent.status),
            status: describe_status(language, consent.status),
            lines,
        }
    }
}

/// A sentence with a number of seconds, which a script counts down.
#[derive(Debug)]
pub(crate) struct Countdown {
    pub before: String,
    pub seconds: i64,
    pub after: String,
}

impl Countdown {
    /// Splits the text of a key at its place `{s}`, and fills the other places.
    pub(crate) fn new(frame: &AppFrame, key: &str, seconds: i64) -> Self {
        // Names and texts have no control characters.
        const PLACE: char = '\u{1f}';
        let text = frame.fill(key, &[("s", PLACE.encode_utf8(&mut [0; 4]))]);
        let (before, after) = text.split_once(PLACE).expect("the text has a place");
        Self {
            before: before.to_owned(),
            seconds,
            after: after.to_owned(),
        }
    }
}

/// The way from the last page back to the FIU.
#[derive(Debug)]
pub(crate) struct WayBack {
    pub address: String,
    pub host: String,
    pub text: String,
    pub countdown: Countdown,
    /// The path of the same page without a countdown; `None` if there is none.
    pub stay: Option<String>,
}

/// The customer's consents.
#[derive(Debug, Template)]
#[template(path = "app_consents.html")]
pub(crate) struct ConsentsPage {
    pub frame: AppFrame,
    pub customer: String,
    pub groups: Vec<ConsentGroup>,
}

/// Consents in the same situation.
#[derive(Debug)]
pub(crate) struct ConsentGroup {
    pub title: &'static str,
    pub consents: Vec<ListedConsent>,
}

/// A consent in the customer's list.
#[derive(Debug)]
pub(crate) struct ListedConsent {
    pub handle: String,
    pub party: Party,
    pub class: String,
    pub status: &'static str,
    pub purpose: String,
    pub line: String,
}

/// One consent in detail, with what the customer can do.
#[derive(Debug, Template)]
#[template(path = "app_consent.html")]
pub(crate) struct ConsentPage {
    pub frame: AppFrame,
    pub heading: String,
    pub class: String,
    pub status: &'static str,
    pub since: String,
    pub used: String,
    pub parts: Vec<SharedPart>,
    pub terms: Vec<Term>,
    pub accounts: Vec<String>,
    /// Status and time, newest first.
    pub history: Vec<(&'static str, String)>,
    /// Path, text and CSS class.
    pub actions: Vec<(String, &'static str, &'static str)>,
}

/// Returns how often data was fetched under a consent, or when it was asked for.
pub(crate) fn describe_use(frame: &AppFrame, consent: &Consent) -> String {
    let used = consent.grant.as_ref().and_then(|grant| {
        let (count, last) = grant.data_requests();
        let (n, date) = (count.to_string(), frame.language.format_time(last?));
        let key = match count {
            1 => "mine.used.one",
            _ => "mine.used",
        };
        Some(frame.fill(key, &[("n", &n), ("date", &date)]))
    });
    used.unwrap_or_else(|| match consent.status {
        Status::Pending => {
            let date = frame.language.format_time(consent.created_at);
            frame.fill("mine.asked", &[("date", &date)])
        }
        _ => frame.fill("mine.unused", &[]),
    })
}
