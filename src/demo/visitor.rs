//! One visitor of the lender: the application, and its progress. The page of a visitor shows what is kept here,
//! so that it can be loaded at any time.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

use super::api::{Api, ApiState, BankData, ConsentOrder, FetchOutcome, LenderCalls};
use super::calls::{CallLog, Calls, read_text};
use super::consent::{ConsentState, LoanPurpose, RaisedConsent};
use super::offer::{Application, Decision, decide};
use super::pages::DemoDraft;
use super::rebit::{DataNotifications, LenderKeys};
use super::variation::Variation;
use crate::analytics::build_report;
use crate::domain::appraisal::Appraisal;
use crate::domain::participants::Participants;
use crate::domain::statement::Statement;
use crate::domain::time::{Millis, Timestamp};
use crate::engine::clock::system_now;
use crate::fiu::notification::DataNotification;
use crate::ui::messages::Language;
use crate::wire::fields::parse_timestamp;

/// The time after which the lender asks for the state although no webhook has come.
const POLL_INTERVAL: Millis = Millis::from_secs(10);

/// The number of times that this time doubles while nothing comes.
const POLL_DOUBLINGS: u32 = 5;

/// The time that passes beside a month, so that what is due after a month is due.
const MONTH_MARGIN: Millis = Millis::from_secs(3_600);

/// A visitor.
#[derive(Debug)]
pub(super) struct Visitor {
    /// The name of the visitor's world, such as `demo-k7m2a`.
    pub world: String,
    /// The URL of the world, without a slash at its end.
    pub world_url: String,
    pub call_log: CallLog,
    pub keys: LenderKeys,
    pub notifications: DataNotifications,
    /// Set when a webhook has come since the last question.
    has_webhook: AtomicBool,
    /// Set when a webhook was refused since the application.
    has_refused_webhook: AtomicBool,
    /// The time of the world at which a webhook has reported a withdrawal.
    revoked_at: Mutex<Option<Timestamp>>,
    /// The time of the world is ahead of the system time by this, in milliseconds.
    clock_offset: AtomicI64,
    /// The system time of the last page, in milliseconds.
    last_used_at: AtomicI64,
    /// The number of event streams that are passed on.
    pub streams: Arc<AtomicUsize>,
    state: AsyncMutex<VisitorState>,
}

#[derive(Debug)]
pub(super) struct VisitorState {
    pub language: Language,
    pub stage: Stage,
    /// The fields of the form, for another application.
    pub draft: DemoDraft,
    pub api_state: ApiState,
    /// The problem of the last question, after which the lender asks again.
    pub problem: Option<String>,
    /// The problem of what a person has wanted from the lender, until it was shown.
    pub failure: Option<String>,
    /// The system time of the last question.
    asked_at: Timestamp,
    /// The number of questions since the last webhook. The lender asks less and less often.
    questions: u32,
    /// `true` if a person wants the lender to ask now.
    pub asks_now: bool,
}

/// The progress of an application.
#[derive(Debug)]
pub(super) enum Stage {
    /// The application has to be written.
    Form,
    /// The customer has to answer at the AA.
    Asked(Application, RaisedConsent),
    /// The customer has agreed, and the bank data is under way.
    Fetching(Application, RaisedConsent),
    /// The customer has paused the consent before the data came.
    Paused(Application, RaisedConsent),
    /// The consent was refused, or it was withdrawn or has expired before the data came.
    Ended(RaisedConsent, ConsentState),
    /// No bank has answered in time.
    TimedOut(RaisedConsent),
    /// The data has no transactions.
    Empty(RaisedConsent),
    Decided(Box<Assessment>),
}

/// The lender's knowledge of an applicant, and its decision.
#[derive(Debug)]
pub(super) struct Assessment {
    pub application: Application,
    pub consent: RaisedConsent,
    /// The id of the data session.
    pub session: String,
    pub arrival: DataArrival,
    pub statements: Vec<Statement>,
    pub appraisal: Appraisal,
    pub decision: Decision,
    /// The second consent, if the lender has asked for one.
    pub monitoring: Option<Monitoring>,
}

/// The way in which the bank data came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DataArrival {
    /// The number of accounts whose data came, and that of all.
    pub ready: usize,
    pub total: usize,
    /// `true` if no webhook about it has come.
    pub was_polled: bool,
}

/// A consent by which the lender sees the accounts while the loan is repaid.
#[derive(Debug)]
pub(super) struct Monitoring {
    pub consent: RaisedConsent,
    /// `true` if a month has passed by the clock.
    pub has_month_passed: bool,
    pub progress: MonitoringProgress,
    /// The newest data.
    pub data: Option<FetchedData>,
}

/// The progress of a consent for monitoring.
#[derive(Debug)]
pub(super) enum MonitoringProgress {
    /// The customer has to answer.
    Asked,
    /// The consent is in force, and data is under way.
    Fetching,
    /// The consent is in force, and its data has come.
    InForce,
    /// The consent is in force, and no bank has answered in time.
    TimedOut,
    Paused,
    /// The consent is no longer in force, or never was.
    Ended {
        state: ConsentState,
        at: Timestamp,
        /// The answer to the request that the lender has made nevertheless.
        refusal: Option<String>,
    },
}

/// Data that the lender keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FetchedData {
    session: String,
    pub fetched_at: Timestamp,
    /// The number of transactions.
    pub rows: usize,
}

impl FetchedData {
    /// Returns the time until which the lender may keep it.
    pub(super) fn kept_until(&self) -> Timestamp {
        self.fetched_at
            .saturating_add(LoanPurpose::Monitoring.data_life())
    }
}

impl Stage {
    /// Returns the consent that the visitor's page is about.
    pub(super) fn consent(&self) -> Option<&RaisedConsent> {
        match self {
            Self::Form => None,
            Self::Asked(_, consent)
            | Self::Fetching(_, consent)
            | Self::Paused(_, consent)
            | Self::Ended(consent, _)
            | Self::TimedOut(consent)
            | Self::Empty(consent) => Some(consent),
            Self::Decided(it) => Some(it.monitoring.as_ref().map_or(&it.consent, |m| &m.consent)),
        }
    }

    /// Returns a name of the stage, by which a page finds that it is out of date.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Asked(..) => "asked",
            Self::Fetching(..) => "fetching",
            Self::Paused(..) => "paused",
            Self::Ended(..) => "ended",
            Self::TimedOut(_) => "timed-out",
            Self::Empty(_) => "empty",
            Self::Decided(_) => "decided",
        }
    }

    /// Returns whether the lender waits for the customer or for the banks.
    fn is_waiting(&self) -> bool {
        match self {
            Self::Asked(..) | Self::Fetching(..) | Self::Paused(..) => true,
            Self::Decided(it) => it.monitoring.as_ref().is_some_and(|monitoring| {
                !matches!(monitoring.progress, MonitoringProgress::Ended { .. })
            }),
            Self::Form | Self::Ended(..) | Self::TimedOut(_) | Self::Empty(_) => false,
        }
    }
}

impl Visitor {
    pub(super) fn new(
        world: String,
        world_url: String,
        keys: LenderKeys,
        language: Language,
    ) -> Self {
        let now = system_now();
        Self {
            world,
            world_url,
            keys,
            call_log: CallLog::default(),
            notifications: DataNotifications::default(),
            has_webhook: AtomicBool::new(false),
            has_refused_webhook: AtomicBool::new(false),
            clock_offset: AtomicI64::new(0),
            last_used_at: AtomicI64::new(now.as_millis()),
            revoked_at: Mutex::default(),
            streams: Arc::default(),
            state: AsyncMutex::new(VisitorState {
                language,
                stage: Stage::Form,
                draft: DemoDraft::default(),
                api_state: ApiState::default(),
                problem: None,
                failure: None,
                asked_at: now,
                questions: 0,
                asks_now: false,
            }),
        }
    }

    pub(super) async fn lock_state(&self) -> MutexGuard<'_, VisitorState> {
        self.last_used_at
            .store(system_now().as_millis(), Ordering::Relaxed);
        self.state.lock().await
    }

    /// Returns the time since the last page.
    pub(super) fn idle_time(&self) -> Millis {
        Millis(system_now().as_millis() - self.last_used_at.load(Ordering::Relaxed))
    }

    /// Returns the time of the visitor's world.
    pub(super) fn now(&self) -> Timestamp {
        system_now().saturating_add(Millis(self.clock_offset.load(Ordering::Relaxed)))
    }

    /// Notes a webhook whose signatures hold. It needs no lock: the lender may be asking meanwhile.
    pub(super) fn note_webhook(&self, message: &Value) {
        if let Some(notification) = DataNotification::from_message(message) {
            self.notifications.note(notification);
        }
        if message["ConsentStatusNotification"]["consentStatus"] == "REVOKED" {
            *self.lock_revocation() = Some(self.now());
        }
        self.has_webhook.store(true, Ordering::Relaxed);
    }

    fn lock_revocation(&self) -> std::sync::MutexGuard<'_, Option<Timestamp>> {
        self.revoked_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a webhook that was refused.
    pub(super) fn note_refused_webhook(&self) {
        self.has_refused_webhook.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_refused_webhook(&self) -> bool {
        self.has_refused_webhook.load(Ordering::Relaxed)
    }

    pub(super) fn calls<'a>(&'a self, http: &'a Client) -> Calls<'a> {
        Calls {
            http,
            world_url: &self.world_url,
            call_log: &self.call_log,
        }
    }

    pub(super) fn lender_calls<'a>(
        &'a self,
        http: &'a Client,
        participants: &'a Participants,
    ) -> LenderCalls<'a> {
        LenderCalls {
            calls: self.calls(http),
            keys: &self.keys,
            notifications: &self.notifications,
            participants,
            now: self.now(),
        }
    }

    /// Asks the AA for the consent to decide on an application. A scenario of the variation plays what the customer
    /// does not.
    pub(super) async fn apply(
        &self,
        calls: LenderCalls<'_>,
        state: &mut VisitorState,
        application: Application,
        return_url: &str,
    ) -> Result<(), String> {
        let variation = state.draft.variation();
        let api = state.draft.api();
        if let Some(scenario) = variation.scenario() {
            let path = format!("scenarios/{}", variation.as_str());
            calls
                .calls
                .call_control_api(Method::PUT, &path, Some(scenario.to_owned()))
                .await?;
        }
        let order = ConsentOrder {
            api,
            purpose: LoanPurpose::Underwriting,
            mobile: &application.mobile,
            return_url,
            scenario: variation.scenario().map(|_| variation.as_str()),
        };
        let consent = calls.raise_consent(&mut state.api_state, &order).await?;
        self.notifications.clear();
        self.has_refused_webhook.store(false, Ordering::Relaxed);
        state.stage = Stage::Asked(application, consent);
        state.asked_at = system_now();
        state.questions = 0;
        Ok(())
    }

    /// Asks the AA for the consent to see the accounts while the loan is repaid.
    pub(super) async fn monitor(
        &self,
        calls: LenderCalls<'_>,
        state: &mut VisitorState,
        return_url: &str,
    ) -> Result<(), String> {
        let VisitorState {
            stage: Stage::Decided(assessment),
            api_state,
            ..
        } = state
        else {
            return Ok(());
        };
        if assessment.monitoring.is_some() || !matches!(assessment.decision, Decision::Offer(_)) {
            return Ok(());
        }
        let api = assessment.consent.api;
        let order = ConsentOrder {
            api,
            purpose: LoanPurpose::Monitoring,
            mobile: &assessment.application.mobile,
            return_url,
            scenario: None,
        };
        let consent = calls.raise_consent(api_state, &order).await?;
        assessment.monitoring = Some(Monitoring {
            consent,
            has_month_passed: false,
            progress: MonitoringProgress::Asked,
            data: None,
        });
        *self.lock_revocation() = None;
        api_state.rebit.request = None;
        state.asked_at = system_now();
        Ok(())
    }

    /// Advances the clock of the world by a month, after which the lender fetches data again.
    pub(super) async fn pass_month(
        &self,
        calls: LenderCalls<'_>,
        state: &mut VisitorState,
    ) -> Result<(), String> {
        let Stage::Decided(assessment) = &mut state.stage else {
            return Ok(());
        };
        let Some(monitoring) = &mut assessment.monitoring else {
            return Ok(());
        };
        if !matches!(monitoring.progress, MonitoringProgress::InForce)
            || monitoring.has_month_passed
        {
            return Ok(());
        }
        let to = self.now().shift_months(1).saturating_add(MONTH_MARGIN);
        let body = json!({ "to": to.to_string() }).to_string();
        let answer = calls
            .calls
            .call_control_api(Method::POST, "clock/advance", Some(body))
            .await?;
        let reached = parse_timestamp(&read_text(&answer, "to")?).unwrap_or(to);
        let Millis(offset) = reached.duration_since(system_now());
        self.clock_offset.store(offset, Ordering::Relaxed);
        monitoring.has_month_passed = true;
        monitoring.progress = MonitoringProgress::Fetching;
        // Logins have expired by the clock.
        state.api_state.login = None;
        state.asks_now = true;
        Ok(())
    }

    /// Asks for data although the consent is no longer in force, to show the refusal.
    pub(super) async fn request_again(
        &self,
        calls: LenderCalls<'_>,
        state: &mut VisitorState,
    ) -> Result<(), String> {
        let VisitorState {
            stage: Stage::Decided(assessment),
            api_state,
            ..
        } = state
        else {
            return Ok(());
        };
        let Some(Monitoring {
            consent,
            progress: MonitoringProgress::Ended { refusal, .. },
            ..
        }) = &mut assessment.monitoring
        else {
            return Ok(());
        };
        *refusal = Some(match consent.api {
            // Unaport requests data by itself, and only for a consent that is in force.
            Api::Unaport => {
                let state = calls.fetch_state(api_state, consent).await?;
                format!("the consent is {state}, and Unaport requests no more data for it")
            }
            Api::Rebit => {
                api_state.rebit.request = None;
                match calls.fetch_data(api_state, consent, None).await {
                    Err(answer) => answer,
                    Ok(_) => return Err("data was requested without a consent".to_owned()),
                }
            }
        });
        Ok(())
    }

    /// Begins anew, after the world was reset.
    pub(super) fn start_over(&self, state: &mut VisitorState) {
        state.stage = Stage::Form;
        state.api_state = ApiState::default();
        state.problem = None;
        state.failure = None;
        state.draft.problem = None;
        state.asks_now = false;
        // The ids of the world that was reset occur again.
        self.notifications.clear();
        self.has_webhook.store(false, Ordering::Relaxed);
        self.clock_offset.store(0, Ordering::Relaxed);
        self.has_refused_webhook.store(false, Ordering::Relaxed);
        self.call_log.clear();
    }

    /// Asks the sandbox for the state of the application if a webhook has come, a person wants it, or the last
    /// question was ten seconds ago. After a problem the lender asks again.
    pub(super) async fn update(&self, calls: LenderCalls<'_>, state: &mut VisitorState) {
        if !state.stage.is_waiting() {
            return;
        }
        let now = system_now();
        let has_webhook = self.has_webhook.swap(false, Ordering::Relaxed);
        let asks_now = std::mem::take(&mut state.asks_now);
        if has_webhook {
            state.questions = 0;
        }
        let interval = Millis(POLL_INTERVAL.0 << state.questions.min(POLL_DOUBLINGS));
        let is_overdue = now.duration_since(state.asked_at) >= interval;
        if !(has_webhook || asks_now || is_overdue) {
            return;
        }
        state.asked_at = now;
        if !has_webhook && !asks_now {
            state.questions += 1;
            let call = format!("no webhook for {} s", interval.0 / 1000);
            self.call_log.add(call, "the lender asks".to_owned());
        }
        let result = match &mut state.stage {
            Stage::Decided(assessment) => {
                let monitoring = assessment.monitoring.as_mut().expect("the stage waits");
                let revoked_at = *self.lock_revocation();
                monitoring
                    .follow(calls, &mut state.api_state, revoked_at)
                    .await
            }
            _ => self.fetch_progress(calls, state).await,
        };
        state.problem = result.err();
    }

    /// Asks for the consent, then for the data, and decides as soon as the data is there.
    async fn fetch_progress(
        &self,
        calls: LenderCalls<'_>,
        state: &mut VisitorState,
    ) -> Result<(), String> {
        let (Stage::Asked(application, consent)
        | Stage::Fetching(application, consent)
        | Stage::Paused(application, consent)) = &state.stage
        else {
            return Ok(());
        };
        let (application, consent) = (application.clone(), consent.clone());
        let api_state = &mut state.api_state;
        match calls.fetch_state(api_state, &consent).await? {
            ConsentState::Created => return Ok(()),
            ConsentState::Active => {}
            ConsentState::Paused => {
                state.stage = Stage::Paused(application, consent);
                return Ok(());
            }
            end => {
                state.stage = Stage::Ended(consent, end);
                return Ok(());
            }
        }
        state.stage = Stage::Fetching(application.clone(), consent.clone());
        let data = match calls.fetch_data(api_state, &consent, None).await? {
            FetchOutcome::Pending => return Ok(()),
            FetchOutcome::TimedOut => {
                state.stage = Stage::TimedOut(consent);
                return Ok(());
            }
            FetchOutcome::Ready(data) => data,
        };
        let BankData {
            session,
            ready,
            total,
            statements,
        } = data;
        let numbered: Vec<_> = (1..).zip(&statements).collect();
        let Some(report) = build_report(&numbered) else {
            state.stage = Stage::Empty(consent);
            return Ok(());
        };
        if consent.api == Api::Unaport {
            calls.generate_analytics(api_state, &session).await?;
        }
        let appraisal = report.appraisal().clone();
        state.stage = Stage::Decided(Box::new(Assessment {
            decision: decide(&application, &appraisal.figures),
            application,
            consent,
            arrival: DataArrival {
                ready,
                total,
                was_polled: self.notifications.is_empty(),
            },
            session,
            statements,
            appraisal,
            monitoring: None,
        }));
        Ok(())
    }
}

impl Monitoring {
    /// Asks for the consent, and for the data that is under way.
    async fn follow(
        &mut self,
        calls: LenderCalls<'_>,
        api_state: &mut ApiState,
        revoked_at: Option<Timestamp>,
    ) -> Result<(), String> {
        match calls.fetch_state(api_state, &self.consent).await? {
            ConsentState::Created => return Ok(()),
            ConsentState::Active => {}
            ConsentState::Paused => {
                self.progress = MonitoringProgress::Paused;
                return Ok(());
            }
            state => {
                self.progress = MonitoringProgress::Ended {
                    state,
                    at: revoked_at.unwrap_or(calls.now),
                    refusal: None,
                };
                return Ok(());
            }
        }
        match self.progress {
            MonitoringProgress::Asked => self.progress = MonitoringProgress::Fetching,
            MonitoringProgress::Paused => {
                self.progress = match self.data {
                    Some(_) => MonitoringProgress::InForce,
                    None => MonitoringProgress::Fetching,
                };
            }
            _ => {}
        }
        if !matches!(self.progress, MonitoringProgress::Fetching) {
            return Ok(());
        }
        let known = self.data.as_ref().map(|data| &*data.session);
        let outcome = calls.fetch_data(api_state, &self.consent, known).await?;
        match outcome {
            FetchOutcome::Pending => {}
            FetchOutcome::TimedOut => {
                api_state.rebit.request = None;
                self.progress = MonitoringProgress::TimedOut;
            }
            FetchOutcome::Ready(data) => {
                let transactions = data.statements.iter().filter_map(Statement::transactions);
                self.data = Some(FetchedData {
                    session: data.session,
                    fetched_at: calls.now,
                    rows: transactions.map(|it| it.rows.len()).sum(),
                });
                self.progress = MonitoringProgress::InForce;
            }
        }
        Ok(())
    }
}

impl DemoDraft {
    /// Returns the variation of the form; the usual one if it names none.
    pub(super) fn variation(&self) -> Variation {
        Variation::parse(&self.variation).unwrap_or_default()
    }

    /// Returns the API of the form; the first one if it names none.
    pub(super) fn api(&self) -> Api {
        Api::parse(&self.api).unwrap_or_default()
    }
}
