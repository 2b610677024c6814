//! One visitor of the lender: the application, and how far it has come. All that is shown is kept here and
//! in the visitor's world, so that a page can be loaded again at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Client;
use tokio::sync::{Mutex, MutexGuard};

use super::bank_data::read_statements;
use super::offer::{Application, Decision, decide};
use super::unaport::{DataNotice, RaisedConsent, UnaportClient, Underneath};
use crate::analytics::build_report;
use crate::domain::appraisal::Appraisal;
use crate::domain::participants::Participants;
use crate::domain::statement::Statement;
use crate::domain::time::{Millis, Timestamp};
use crate::engine::clock::system_now;
use crate::ui::messages::Language;

/// The time after which the lender asks again for what no webhook has told.
const ASK_AFTER: Millis = Millis::from_secs(10);

/// A visitor.
#[derive(Debug)]
pub(super) struct Visitor {
    /// The name of the visitor's world, such as `demo-k7m2`.
    pub world: String,
    /// The URL of the world, without a slash at its end.
    pub world_url: String,
    pub underneath: Underneath,
    /// Set when a webhook, or the customer who comes back, tells that there is something to ask for.
    has_news: AtomicBool,
    state: Mutex<VisitorState>,
}

#[derive(Debug)]
pub(super) struct VisitorState {
    pub language: Language,
    pub stage: Stage,
    /// The system time of the last question to the sandbox.
    asked_at: Timestamp,
    /// `true` if no webhook and no customer had told the lender to ask then.
    was_polled: bool,
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
    /// The customer has not agreed.
    Refused(RaisedConsent),
    Decided(Box<Assessment>),
    /// No bank has answered in time.
    TimedOut(RaisedConsent),
    /// The sandbox has refused a call.
    Failed(RaisedConsent, String),
}

/// The lender's knowledge of an applicant, and its decision.
#[derive(Debug)]
pub(super) struct Assessment {
    pub application: Application,
    pub consent: RaisedConsent,
    /// The answers of the banks.
    pub notice: DataNotice,
    /// `true` if no webhook has told that the data is there.
    pub was_polled: bool,
    pub statements: Vec<Statement>,
    pub appraisal: Appraisal,
    pub decision: Decision,
}

impl Visitor {
    pub(super) fn new(world: String, world_url: String, language: Language) -> Self {
        Self {
            world,
            world_url,
            underneath: Underneath::default(),
            has_news: AtomicBool::new(false),
            state: Mutex::new(VisitorState {
                language,
                stage: Stage::Form,
                asked_at: system_now(),
                was_polled: false,
            }),
        }
    }

    pub(super) async fn lock(&self) -> MutexGuard<'_, VisitorState> {
        self.state.lock().await
    }

    /// Notes that there is something to ask for.
    pub(super) fn bring_news(&self) {
        self.has_news.store(true, Ordering::Relaxed);
    }

    /// Goes on as far as the sandbox lets the lender now. Without news it asks every ten seconds.
    pub(super) async fn advance(
        &self,
        http: &Client,
        participants: &Participants,
        state: &mut VisitorState,
    ) {
        let is_waiting = matches!(state.stage, Stage::Asked(..) | Stage::Collecting(..));
        let now = system_now();
        let is_overdue = now.duration_since(state.asked_at) >= ASK_AFTER;
        let has_news = self.has_news.swap(false, Ordering::Relaxed);
        if !is_waiting || (!has_news && !is_overdue) {
            return;
        }
        state.asked_at = now;
        state.was_polled = !has_news;
        if state.was_polled {
            let result = "the lender asks".to_owned();
            self.underneath
                .add("no webhook for 10 s".to_owned(), result);
        }
        if let Err(problem) = self.ask(http, participants, state).await
            && let Stage::Asked(_, consent) | Stage::Collecting(_, consent) = &state.stage
        {
            state.stage = Stage::Failed(consent.clone(), problem);
        }
    }

    async fn ask(
        &self,
        http: &Client,
        participants: &Participants,
        state: &mut VisitorState,
    ) -> Result<(), String> {
        let client = UnaportClient::log_in(http, &self.world_url, &self.underneath).await?;
        if let Stage::Asked(application, consent) = &state.stage {
            match &*client.fetch_status(&consent.handle).await? {
                "ACTIVE" => {
                    state.stage = Stage::Collecting(application.clone(), consent.clone());
                }
                "PENDING" | "READY" => return Ok(()),
                _ => {
                    state.stage = Stage::Refused(consent.clone());
                    return Ok(());
                }
            }
        }
        let Stage::Collecting(application, consent) = &state.stage else {
            return Ok(());
        };
        let Some(notice) = client.find_session(&consent.handle).await? else {
            return Ok(());
        };
        match &*notice.status {
            "COMPLETED" | "FAILED" if notice.ready > 0 => {}
            "COMPLETED" | "FAILED" => {
                state.stage = Stage::TimedOut(consent.clone());
                return Ok(());
            }
            "PENDING" | "ACTIVE" => return Ok(()),
            other => return Err(format!("the session of the data is {other}")),
        }
        let data = client.fetch_data(&notice.session).await?;
        client.generate_analytics(&notice.session).await?;
        let statements = read_statements(&data, consent.range, |id| {
            participants.fip_name(&Arc::from(id))
        })?;
        let numbered: Vec<_> = (1..).zip(&statements).collect();
        let report = build_report(&numbered).ok_or("the bank data has no transactions")?;
        let appraisal = report.appraisal().clone();
        state.stage = Stage::Decided(Box::new(Assessment {
            decision: decide(application, &appraisal.figures),
            application: application.clone(),
            consent: consent.clone(),
            was_polled: state.was_polled,
            notice,
            statements,
            appraisal,
        }));
        Ok(())
    }
}
