//! One visitor of the lender: the application, and its progress. The page of a visitor shows what is kept here,
//! so that it can be loaded at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use reqwest::Client;
use tokio::sync::{Mutex, MutexGuard};

use super::bank_data::read_statements;
use super::offer::{Application, Decision, decide};
use super::pages::DemoDraft;
use super::unaport::{
    CallLog, ConsentState, DataNotice, LoginSession, RaisedConsent, UnaportClient,
};
use crate::analytics::build_report;
use crate::domain::appraisal::Appraisal;
use crate::domain::participants::Participants;
use crate::domain::statement::Statement;
use crate::domain::time::{Millis, Timestamp};
use crate::engine::clock::system_now;
use crate::ui::messages::Language;

/// The time after which the lender asks for the state although no webhook has come.
const POLL_INTERVAL: Millis = Millis::from_secs(10);

/// A visitor.
#[derive(Debug)]
pub(super) struct Visitor {
    /// The name of the visitor's world, such as `demo-k7m2a`.
    pub world: String,
    /// The URL of the world, without a slash at its end.
    pub world_url: String,
    pub call_log: CallLog,
    /// Set when a webhook has come since the last question.
    has_webhook: AtomicBool,
    /// Set when a webhook about the data has come.
    has_data_webhook: AtomicBool,
    /// The system time of the last page, in milliseconds.
    last_used_at: AtomicI64,
    state: Mutex<VisitorState>,
}

#[derive(Debug)]
pub(super) struct VisitorState {
    pub language: Language,
    pub stage: Stage,
    /// The fields of the form, for another application.
    pub draft: DemoDraft,
    pub login: Option<LoginSession>,
    /// The problem of the last question, after which the lender asks again.
    pub problem: Option<String>,
    /// The system time of the last question.
    asked_at: Timestamp,
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
    Collecting(Application, RaisedConsent),
    /// The consent is not in force: refused, or withdrawn, paused or expired before the data came.
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
}

/// The way in which the bank data came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DataArrival {
    /// The number of accounts whose data came, and that of all.
    pub ready: usize,
    pub total: usize,
    /// `true` if no webhook had told of it.
    pub was_polled: bool,
}

impl Visitor {
    pub(super) fn new(world: String, world_url: String, language: Language) -> Self {
        let now = system_now();
        Self {
            world,
            world_url,
            call_log: CallLog::default(),
            has_webhook: AtomicBool::new(false),
            has_data_webhook: AtomicBool::new(false),
            last_used_at: AtomicI64::new(now.as_millis()),
            state: Mutex::new(VisitorState {
                language,
                stage: Stage::Form,
                draft: DemoDraft::default(),
                login: None,
                problem: None,
                asked_at: now,
                asks_now: false,
            }),
        }
    }

    pub(super) async fn lock_state(&self) -> MutexGuard<'_, VisitorState> {
        self.last_used_at
            .store(system_now().as_millis(), Ordering::Relaxed);
        self.state.lock().await
    }

    pub(super) fn last_used_at(&self) -> i64 {
        self.last_used_at.load(Ordering::Relaxed)
    }

    /// Notes a webhook. It needs no lock: the lender may be asking meanwhile.
    pub(super) fn note_webhook(&self, is_about_data: bool) {
        self.has_webhook.store(true, Ordering::Relaxed);
        if is_about_data {
            self.has_data_webhook.store(true, Ordering::Relaxed);
        }
    }

    /// Begins to wait for the answer to a consent request.
    pub(super) fn await_consent(
        &self,
        state: &mut VisitorState,
        application: Application,
        consent: RaisedConsent,
    ) {
        self.has_data_webhook.store(false, Ordering::Relaxed);
        state.stage = Stage::Asked(application, consent);
        state.asked_at = system_now();
    }

    /// Asks the sandbox for the state of the application if a webhook has come, a person wants it, or the last
    /// question was ten seconds ago. After a problem the lender asks again.
    pub(super) async fn update(
        &self,
        http: &Client,
        participants: &Participants,
        state: &mut VisitorState,
    ) {
        if !matches!(state.stage, Stage::Asked(..) | Stage::Collecting(..)) {
            return;
        }
        let now = system_now();
        let has_webhook = self.has_webhook.swap(false, Ordering::Relaxed);
        let asks_now = std::mem::take(&mut state.asks_now);
        let is_overdue = now.duration_since(state.asked_at) >= POLL_INTERVAL;
        if !(has_webhook || asks_now || is_overdue) {
            return;
        }
        state.asked_at = now;
        if !has_webhook && !asks_now {
            let result = "the lender asks".to_owned();
            self.call_log.add("no webhook for 10 s".to_owned(), result);
        }
        let result = self.fetch_progress(http, participants, state).await;
        if result.is_err() {
            state.login = None;
        }
        state.problem = result.err();
    }

    /// Asks for the consent, then for the data, and decides as soon as the data is there.
    async fn fetch_progress(
        &self,
        http: &Client,
        participants: &Participants,
        state: &mut VisitorState,
    ) -> Result<(), String> {
        let client =
            UnaportClient::log_in(http, &self.world_url, &self.call_log, state.login.take())
                .await?;
        let (Stage::Asked(application, consent) | Stage::Collecting(application, consent)) =
            &state.stage
        else {
            return Ok(());
        };
        let (application, consent) = (application.clone(), consent.clone());
        let consent_state = client.fetch_state(&consent.handle).await?;
        if consent_state == ConsentState::Active {
            state.stage = Stage::Collecting(application.clone(), consent.clone());
            if let Some(stage) = self
                .fetch_data(&client, participants, application, consent)
                .await?
            {
                state.stage = stage;
            }
        } else if consent_state != ConsentState::Created {
            state.stage = Stage::Ended(consent, consent_state);
        }
        state.login = Some(client.into_session());
        Ok(())
    }

    /// Returns the next stage if the data session has ended.
    async fn fetch_data(
        &self,
        client: &UnaportClient<'_>,
        participants: &Participants,
        application: Application,
        consent: RaisedConsent,
    ) -> Result<Option<Stage>, String> {
        let notice = client.find_session(&consent.handle).await?;
        let notice = notice.filter(DataNotice::has_ended);
        let Some(notice) = notice else {
            return Ok(None);
        };
        if notice.ready == 0 {
            return Ok(Some(Stage::TimedOut(consent)));
        }
        let data = client.fetch_data(&notice.session).await?;
        let statements = read_statements(&data, consent.range, |id| {
            participants.fip_name(&Arc::from(id))
        })?;
        let numbered: Vec<_> = (1..).zip(&statements).collect();
        let Some(report) = build_report(&numbered) else {
            return Ok(Some(Stage::Empty(consent)));
        };
        client.generate_analytics(&notice.session).await?;
        let appraisal = report.appraisal().clone();
        Ok(Some(Stage::Decided(Box::new(Assessment {
            decision: decide(&application, &appraisal.figures),
            application,
            consent,
            arrival: DataArrival {
                ready: notice.ready,
                total: notice.total,
                was_polled: !self.has_data_webhook.load(Ordering::Relaxed),
            },
            session: notice.session,
            statements,
            appraisal,
        }))))
    }
}
