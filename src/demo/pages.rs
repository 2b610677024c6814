//! The pages of the lender. The structs hold finished words.

use askama::Template;
use serde::Deserialize;

use super::api::Api;
use super::calls::CallLogEntries;
use super::consent::ConsentState;
use super::offer::{Application, Decision, DeclineReason, Offer};
use super::present::Underneath;
use super::variation::Variation;
use super::visitor::{Assessment, Monitoring, MonitoringProgress};
use crate::domain::appraisal::{Appraisal, AppraisalFigures};
use crate::domain::money::{Paise, group_count};
use crate::domain::naming::WireEnum as _;
use crate::domain::terms::TransactionType;
use crate::ui::journey::Party;
use crate::ui::messages::Language;

/// The number of transactions that the page of a decision lists.
const ROWS_MAX: usize = 12;

/// A page of the lender.
#[derive(Debug, Template)]
#[template(path = "demo.html")]
pub(super) struct DemoPage {
    pub language: Language,
    /// The address of the visitor's page, with a slash at its end.
    pub path: String,
    /// The name of the stage of the application.
    pub stage: &'static str,
    pub fiu: Party,
    pub aa: Party,
    pub aa_id: String,
    pub content: DemoContent,
    /// The problem of the last question to the sandbox.
    pub problem: Option<String>,
    /// The problem of what a person has wanted.
    pub failure: Option<String>,
    /// `true` if a webhook was refused.
    pub has_refused_webhook: bool,
    pub call_log: CallLogEntries,
    /// The newest call, webhook or event.
    pub underneath: Option<Underneath>,
    /// The path of the timeline; `None` before a consent is raised.
    pub timeline: Option<String>,
}

/// A link to a page in another language.
#[derive(Debug)]
pub(super) struct LanguageLink {
    pub code: &'static str,
    pub name: &'static str,
    pub address: String,
}

impl LanguageLink {
    /// Lists the languages of a page. The beginning of its address ends with `?` or `&`.
    pub(super) fn list(beginning: &str) -> Vec<Self> {
        let all = Language::all_variants().iter();
        all.map(|it| Self {
            code: it.as_str(),
            name: it.own_name(),
            address: format!("{beginning}lang={}", it.as_str()),
        })
        .collect()
    }
}

/// The content of a page: how far the application has come.
#[derive(Debug)]
pub(super) enum DemoContent {
    /// The form, with the numbers of instalments to choose from.
    Form(DemoDraft, [u32; 4]),
    Asked,
    Fetching,
    Paused,
    /// The consent is not in force.
    Ended(ConsentState),
    TimedOut,
    Empty,
    Decided(Box<DecidedContent>),
}

/// The fields of the form as they were typed, with what is wrong about them.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct DemoDraft {
    pub name: String,
    pub mobile: String,
    pub amount: String,
    pub months: String,
    /// The name of the variation.
    #[serde(default)]
    pub variation: String,
    /// The name of the API.
    #[serde(default)]
    pub api: String,
    #[serde(skip)]
    pub problem: Option<String>,
}

impl Default for DemoDraft {
    fn default() -> Self {
        Self {
            name: "Asha Rao".to_owned(),
            mobile: "9876543210".to_owned(),
            amount: "2,00,000".to_owned(),
            months: "36".to_owned(),
            variation: Variation::default().as_str().to_owned(),
            api: Api::default().as_str().to_owned(),
            problem: None,
        }
    }
}

/// The decision with the figures that it follows from.
#[derive(Debug)]
pub(super) struct DecidedContent {
    heading: String,
    /// Remarks on how the data came.
    notes: Vec<String>,
    /// The terms of the offer, each with its name; empty without an offer.
    offer: Vec<(&'static str, String)>,
    reasons: Vec<String>,
    figures: Vec<FigureRow>,
    accounts: Vec<String>,
    rows: Vec<DemoRow>,
    shown: String,
    monitoring: Option<MonitoringContent>,
}

/// The consent by which the lender sees the accounts while the loan is repaid.
#[derive(Debug)]
struct MonitoringContent {
    sentences: Vec<String>,
    step: MonitoringStep,
    /// A word that changes when the page has to be shown again; `None` if the page does not change by itself.
    mark: Option<String>,
}

/// The next step of a consent for monitoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MonitoringStep {
    /// The lender asks for it.
    Ask,
    /// The customer answers.
    Answer,
    /// The banks answer.
    Wait,
    /// A month passes.
    PassMonth,
    /// The customer withdraws it.
    Withdraw,
    /// The lender asks for data without it.
    RequestAgain,
    Nothing,
}

/// A figure of the applicant, with the evidence in English.
#[derive(Debug)]
struct FigureRow {
    name: &'static str,
    value: String,
    evidence: String,
}

#[derive(Debug)]
struct DemoRow {
    day: String,
    /// The number of the account.
    account: String,
    narration: String,
    amount: String,
    balance: String,
}

impl DemoContent {
    /// Returns the content of a decision.
    pub(super) fn from_assessment(
        assessment: &Assessment,
        variation: Variation,
        aa: &str,
        language: Language,
    ) -> Self {
        let Assessment {
            application,
            arrival,
            statements,
            appraisal,
            decision,
            ..
        } = assessment;
        let figures = &appraisal.figures;
        let [ready, total] = [arrival.ready, arrival.total].map(|count| count.to_string());
        let counts = [("n", &*ready), ("total", &*total)];
        let is_partial = arrival.ready < arrival.total;
        let partial = is_partial.then(|| language.fill("lender.partial", &counts));
        let polled = arrival
            .was_polled
            .then(|| language.text("lender.polled").to_owned());
        let (key, offer) = match decision {
            Decision::Offer(offer) => (
                "lender.offer",
                list_offer(&application.name, offer, language),
            ),
            Decision::Declined(_) => ("lender.declined", Vec::new()),
        };
        let transactions = statements
            .iter()
            .filter_map(|it| Some((&it.account.masked_number, it.transactions()?)));
        let count: usize = transactions.clone().map(|(_, it)| it.rows.len()).sum();
        let mut rows: Vec<_> = transactions
            .flat_map(|(account, it)| it.iter().map(move |row| (account, row)))
            .collect();
        rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.at));
        rows.truncate(ROWS_MAX);
        Self::Decided(Box::new(DecidedContent {
            heading: language.text(key).to_owned(),
            notes: partial.into_iter().chain(polled).collect(),
            offer,
            reasons: list_reasons(application, decision, figures, language),
            figures: list_figures(appraisal, language),
            accounts: statements
                .iter()
                .map(|it| format!("{}, {}", it.fip_name, it.account.masked_number))
                .collect(),
            shown: language.fill(
                "lender.rows",
                &[
                    ("n", &group_count(rows.len())),
                    ("total", &group_count(count)),
                ],
            ),
            monitoring: describe_monitoring(assessment, variation, aa, language),
            rows: rows
                .into_iter()
                .map(|(account, row)| DemoRow {
                    account: account.to_string(),
                    day: language.format_day(row.at),
                    narration: row.narration.to_owned(),
                    amount: if row.transaction_type == TransactionType::Credit {
                        format!("+{}", row.amount.group())
                    } else {
                        format!("−{}", row.amount.group())
                    },
                    balance: row.balance.group(),
                })
                .collect(),
        }))
    }
}

/// Returns the key of the sentence about the end of a consent.
const fn end_key(end: ConsentState) -> &'static str {
    match end {
        ConsentState::Rejected => "lender.refused",
        ConsentState::Expired => "lender.expired",
        ConsentState::Revoked
        | ConsentState::Created
        | ConsentState::Active
        | ConsentState::Paused => "lender.revoked",
    }
}

/// Describes the second consent, of the variation that has one.
fn describe_monitoring(
    assessment: &Assessment,
    variation: Variation,
    aa: &str,
    language: Language,
) -> Option<MonitoringContent> {
    if variation != Variation::RevokedLater || !matches!(assessment.decision, Decision::Offer(_)) {
        return None;
    }
    let fill = |key, values: &[(&str, &str)]| {
        let values = [&[("aa", aa)], values].concat();
        language.fill(key, &values)
    };
    let Some(monitoring) = &assessment.monitoring else {
        return Some(MonitoringContent {
            sentences: vec![fill("lender.monitor.text", &[])],
            step: MonitoringStep::Ask,
            mark: None,
        });
    };
    let kept = monitoring.data.as_ref().map(|data| {
        let rows = group_count(data.rows);
        let until = language.format_day(data.kept_until());
        fill("lender.monitor.held", &[("n", &rows), ("date", &until)])
    });
    let (mut sentences, step) = match &monitoring.progress {
        MonitoringProgress::Asked => (
            vec![fill("lender.monitor.asked", &[])],
            MonitoringStep::Answer,
        ),
        MonitoringProgress::Fetching => (
            vec![language.text("lender.collecting").to_owned()],
            MonitoringStep::Wait,
        ),
        MonitoringProgress::InForce if monitoring.has_month_passed => (
            vec![fill(
                "lender.monitor.month",
                &[("mobile", &assessment.application.mobile)],
            )],
            MonitoringStep::Withdraw,
        ),
        MonitoringProgress::InForce => (
            vec![fill("lender.monitor.active", &[])],
            MonitoringStep::PassMonth,
        ),
        MonitoringProgress::TimedOut => (
            vec![language.text("lender.timeout").to_owned()],
            MonitoringStep::Nothing,
        ),
        MonitoringProgress::Paused => (
            vec![language.text("lender.paused").to_owned()],
            MonitoringStep::Wait,
        ),
        MonitoringProgress::Ended { state, at, refusal } => {
            let day = language.format_day(*at);
            let end = match state {
                ConsentState::Revoked => fill("lender.revoked_on", &[("date", &day)]),
                other => language.text(end_key(*other)).to_owned(),
            };
            let refused = refusal
                .as_ref()
                .map(|refusal| fill("lender.monitor.again_refused", &[("answer", refusal)]));
            let step = match (refusal, state) {
                (None, ConsentState::Revoked) => MonitoringStep::RequestAgain,
                _ => MonitoringStep::Nothing,
            };
            (std::iter::once(end).chain(refused).collect(), step)
        }
    };
    sentences.splice(1..1, kept);
    Some(MonitoringContent {
        sentences,
        step,
        mark: monitoring_mark(monitoring),
    })
}

/// Returns a word that changes when the page has to be shown again; `None` if the page does not change by itself.
fn monitoring_mark(monitoring: &Monitoring) -> Option<String> {
    let progress = match &monitoring.progress {
        MonitoringProgress::Asked => "asked",
        MonitoringProgress::Fetching => "fetching",
        MonitoringProgress::InForce => "in-force",
        MonitoringProgress::TimedOut => "timed-out",
        MonitoringProgress::Paused => "paused",
        MonitoringProgress::Ended { .. } => return None,
    };
    Some(format!(
        "monitoring-{progress}-{}",
        monitoring.has_month_passed
    ))
}

fn format_money(amount: Paise) -> String {
    format!("₹ {}", amount.group_rupees())
}

fn list_offer(applicant: &str, offer: &Offer, language: Language) -> Vec<(&'static str, String)> {
    vec![
        (language.text("lender.applicant"), applicant.to_owned()),
        (language.text("lender.amount"), format_money(offer.amount)),
        (
            language.text("lender.rate"),
            format!("{}.{:02} %", offer.rate / 100, offer.rate % 100),
        ),
        (language.text("lender.months"), offer.months.to_string()),
        (
            language.text("lender.instalment"),
            format_money(offer.instalment),
        ),
    ]
}

/// Returns the reasons for a decision.
fn list_reasons(
    application: &Application,
    decision: &Decision,
    figures: &AppraisalFigures,
    language: Language,
) -> Vec<String> {
    let score = figures.score.to_string();
    let eligible = format_money(figures.eligible_instalment);
    let asked = format_money(application.amount);
    let keys = match decision {
        Decision::Offer(offer) if offer.is_reduced => {
            ["lender.reason.score", "lender.reason.reduced"].as_slice()
        }
        Decision::Offer(_) => &["lender.reason.score", "lender.reason.capacity"],
        Decision::Declined(DeclineReason::Score) => &["lender.reason.low_score"],
        Decision::Declined(DeclineReason::Capacity) => &["lender.reason.no_capacity"],
    };
    let values = [
        ("score", &*score),
        ("eligible", &*eligible),
        ("asked", &*asked),
    ];
    let reasons = keys.iter().map(|key| language.fill(key, &values));
    reasons.collect()
}

/// Returns the figures of the appraisal on which the decision rests.
fn list_figures(appraisal: &Appraisal, language: Language) -> Vec<FigureRow> {
    let figures = &appraisal.figures;
    let rows = [
        (
            "lender.income",
            format_money(figures.income),
            "Verified income a month",
        ),
        (
            "lender.average",
            format_money(figures.average_balance),
            "Average balance",
        ),
        (
            "lender.obligation",
            format_money(figures.obligation),
            "Obligations a month",
        ),
        ("lender.score", figures.score.to_string(), "Score"),
    ];
    let rows = rows.map(|(key, value, item)| {
        let fact = appraisal.facts.iter().find(|fact| fact.item == item);
        FigureRow {
            name: language.text(key),
            value,
            evidence: fact.map_or_else(String::new, |fact| fact.evidence.clone()),
        }
    });
    rows.into()
}

impl DemoPage {
    fn text(&self, key: &str) -> &'static str {
        self.language.text(key)
    }

    /// Returns a text in which `{aa}` stands for the AA.
    fn fill(&self, key: &str) -> String {
        self.language.fill(key, &[("aa", &self.aa.name)])
    }

    fn heading(&self) -> String {
        match &self.content {
            DemoContent::Form(..) => self.text("lender.start").to_owned(),
            DemoContent::Asked => self.text("lender.asked").to_owned(),
            DemoContent::Fetching => self.text("lender.collecting").to_owned(),
            DemoContent::Paused => self.text("lender.paused").to_owned(),
            DemoContent::Ended(end) => self.text(end_key(*end)).to_owned(),
            DemoContent::Empty => self.text("lender.empty").to_owned(),
            DemoContent::TimedOut => self.text("lender.timeout").to_owned(),
            DemoContent::Decided(content) => content.heading.clone(),
        }
    }

    /// Returns the variations, each with its name in the form and for the presenter.
    fn variations(&self) -> Vec<(&'static str, &'static str)> {
        let all = Variation::ALL.iter();
        all.map(|it| (it.as_str(), self.text(it.key()))).collect()
    }

    /// Returns the path of the customer's own consents at the AA.
    fn own_consents(&self) -> String {
        format!("/w{}aa?aa={}", self.path, self.aa_id)
    }

    /// Returns the APIs, each with its name in the form and for the presenter.
    fn apis(&self) -> Vec<(&'static str, &'static str)> {
        let all = Api::ALL.iter();
        all.map(|it| (it.as_str(), self.text(it.key()))).collect()
    }

    fn languages(&self) -> Vec<LanguageLink> {
        LanguageLink::list(&format!("{}?", self.path))
    }
}
