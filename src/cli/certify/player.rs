//! Plays the cases of a suite against an FIU, in one world of one sandbox. Cases that leave the state
//! alone share a consent and a session; each of the others needs a consent that the FIU raises.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::Client;
use tokio::time::Instant;

use super::actor::{Actor, ActorInput, parse_display};
use super::results::{CaseResult, Evidence, Outcome};
use crate::cli::raise::ApiName;
use crate::cli::run::build_request;
use crate::domain::action::{AnswerAction, ConsentAction, FipAnswers};
use crate::domain::advance::{AdvancePlan, AdvanceTarget};
use crate::domain::command::Command;
use crate::domain::consent::{Input, Status};
use crate::domain::consent_matcher::ConsentMatcher;
use crate::domain::customer_address::normalize_address;
use crate::domain::expectation::{Expectation, ExpectationStatus, ExpectationTarget, Verdict};
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::{JournalEntry, JournalRecord, WebhookRecord};
use crate::domain::listing::{Cursor, ListPart};
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::scenario_plan::{ScenarioPlan, SourceLocation};
use crate::domain::time::Millis;
use crate::engine::advance::{Limits, advance_clock};
use crate::engine::world::World;
use crate::http::routes::has_operation;
use crate::scenario::certification::{
    Case, Check, Display, Family, Script, ScriptContext, ScriptError, ScriptStart, build_script,
};
use crate::scenario::format::types::API_NAMES;
use crate::wire::control::journal::VerdictView;

/// Maximum number of messages that the result of a case shows.
const EVIDENCE_MAX: usize = 10;

/// Longest wait for a person's FIU to raise the first consent.
const PERSON_TIMEOUT: Millis = Millis::from_secs(180);

/// Longest wait for the answer to a webhook, beyond the FIU's own time limit.
const WEBHOOK_WAIT: Millis = Millis::from_secs(16);

/// The settings of a run.
#[derive(Debug)]
pub(super) struct PlayerSettings {
    pub trigger_consent: Option<Actor>,
    pub trigger_fetch: Option<Actor>,
    pub probe: Option<Actor>,
    /// Longest wait for what the FIU does next.
    pub patience: Millis,
    /// Silence after which the FIU does nothing more.
    pub silence: Millis,
    /// The API of the FIU, by its name in scenarios.
    pub api: String,
    /// `true` if a person reads what is printed.
    pub asks_person: bool,
}

pub(super) struct Player {
    world: Arc<World>,
    client: Client,
    settings: PlayerSettings,
    other_aa: String,
    shared: SharedConsent,
    base: BaseFacts,
    /// The result of the status request of an FIU that gets no webhook and no fault; `None` before it
    /// was tried.
    polls: Option<Result<(), String>>,
    customers: u32,
}

/// The consent and the session that cases share.
#[derive(Clone, Copy, Debug)]
struct SharedConsent {
    handle: ConsentHandle,
    raised_by: Raiser,
    /// The part of the journal in which it was raised and used.
    journal_after: u64,
    journal_until: u64,
}

/// The FIU's part in the use of the shared consent: its reactions to correct messages.
#[derive(Debug, Default)]
struct BaseFacts {
    /// The calls that were answered with success.
    calls: HashSet<Operation>,
    /// The notifications that it has accepted.
    notifications: HashSet<NotificationKind>,
    /// The answer of the probe, if there is one.
    shown: Option<Display>,
}

impl BaseFacts {
    fn read(world: &World, shared: &SharedConsent) -> Self {
        let mut facts = Self::default();
        for entry in entries_after(world, shared.journal_after) {
            match &entry.record {
                JournalRecord::Call(call)
                    if call.handle == Some(shared.handle) && call.is_success() =>
                {
                    facts.calls.insert(call.operation);
                }
                JournalRecord::Webhook(webhook)
                    if webhook.handle == shared.handle && webhook.is_accepted() =>
                {
                    facts.notifications.insert(webhook.event);
                }
                _ => {}
            }
        }
        facts
    }
}

/// The raiser of a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Raiser {
    Fiu,
    Sandbox,
}

/// The end of a case without a result of its expectations.
struct Stop {
    outcome: Outcome,
    reason: String,
}

impl Stop {
    fn inconclusive(reason: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Inconclusive,
            reason: reason.into(),
        }
    }
}

impl From<ScriptError> for Stop {
    fn from(error: ScriptError) -> Self {
        Self::inconclusive(error.to_string())
    }
}

/// The result of a case that was played.
struct Played {
    outcome: Outcome,
    reasons: Vec<String>,
    evidence: Vec<Evidence>,
}

impl Player {
    /// Raises the consent that cases share, or lets the FIU raise it.
    ///
    /// # Errors
    /// The world refuses the consent.
    pub(super) async fn open(
        world: Arc<World>,
        client: Client,
        settings: PlayerSettings,
    ) -> anyhow::Result<Self> {
        let participants = world.participants();
        let aa = participants.default_aa();
        let other = participants.aas.iter().find(|it| it.id != aa.id);
        let other_aa = other.map_or_else(|| format!("{}-other", aa.id), |it| it.id.to_string());
        let journal_after = last_seq(&world);
        let mut player = Self {
            world,
            client,
            settings,
            other_aa,
            shared: SharedConsent {
                handle: ConsentHandle::parse("00000000-0000-0000-0000-000000000000")
                    .expect("it is a UUID"),
                raised_by: Raiser::Sandbox,
                journal_after,
                journal_until: journal_after,
            },
            base: BaseFacts::default(),
            polls: None,
            customers: 0,
        };
        let input = player.next_input("opening");
        let (handle, raised_by) = match player.wait_for_first_consent(&input).await {
            Some(handle) => (handle, Raiser::Fiu),
            None => (player.raise_consent(&input, None)?, Raiser::Sandbox),
        };
        player.shared.handle = handle;
        player.shared.raised_by = raised_by;
        player.use_shared_consent(&input).await?;
        player.shared.journal_until = last_seq(&player.world);
        player.base = BaseFacts::read(&player.world, &player.shared);
        if raised_by == Raiser::Fiu {
            player.base.shown = player.ask_probe(handle, &input, Display::Data).await?;
        }
        player.check_fiu_answers()?;
        Ok(player)
    }

    /// Checks that something answers to notifications.
    fn check_fiu_answers(&self) -> anyhow::Result<()> {
        let attempts = entries_after(&self.world, self.shared.journal_after);
        let mut attempts = attempts.into_iter().filter_map(|entry| match entry.record {
            JournalRecord::Webhook(webhook) if webhook.attempt > 0 => Some(webhook),
            _ => None,
        });
        let Some(first) = attempts.next() else {
            bail!("no notification was sent; give --fiu-url the base URL of your FIU");
        };
        let is_answered = first.response_status.is_some()
            || attempts.any(|webhook| webhook.response_status.is_some());
        if !is_answered {
            bail!(
                "no FIU answers at {}: {}; start it, or correct --fiu-url",
                first.url,
                first.outcome
            );
        }
        Ok(())
    }

    /// Returns the parameters of a case, with a customer of its own.
    fn next_input(&mut self, case: &str) -> ActorInput {
        self.customers += 1;
        let aa = Arc::clone(self.world.participants().default_aa());
        let number = FIRST_CUSTOMER + u64::from(self.customers);
        ActorInput {
            case: case.to_owned(),
            customer: format!("{number}@{}", aa.handle),
            ..ActorInput::default()
        }
    }

    async fn wait_for_first_consent(&self, input: &ActorInput) -> Option<ConsentHandle> {
        let after = self.shared.journal_after;
        if let Some(trigger) = &self.settings.trigger_consent {
            return match self.trigger_consent(trigger, input, after).await {
                Ok(handle) => Some(handle),
                Err(stop) => {
                    eprintln!("mockaa: {}; mockaa raises a consent itself", stop.reason);
                    None
                }
            };
        }
        let timeout = if self.settings.asks_person {
            eprintln!(
                "Let your FIU ask for a consent of {}, at its own page. mockaa waits for {} s, and then \
                 raises one itself.",
                input.customer,
                PERSON_TIMEOUT.0 / 1000
            );
            PERSON_TIMEOUT
        } else {
            self.settings.patience
        };
        self.wait_for_consent(after, timeout).await
    }

    /// Waits for a consent that an FIU raises.
    async fn wait_for_consent(&self, after: u64, timeout: Millis) -> Option<ConsentHandle> {
        self.world
            .wait_to_find(timeout, |world| {
                find_entry(world, after, |entry| match &entry.record {
                    JournalRecord::Call(call)
                        if call.operation == Operation::ConsentCreate && call.is_success() =>
                    {
                        call.handle
                    }
                    _ => None,
                })
            })
            .await
    }

    /// Lets the FIU raise a consent, and waits for it.
    async fn trigger_consent(
        &self,
        trigger: &Actor,
        input: &ActorInput,
        after: u64,
    ) -> Result<ConsentHandle, Stop> {
        // The FIU may report the failure of its request, which is the point of some cases.
        let acted = trigger.act(&self.client, input).await;
        if let Some(handle) = self.wait_for_consent(after, self.settings.patience).await {
            return Ok(handle);
        }
        let refused = find_entry(&self.world, after, |entry| match &entry.record {
            JournalRecord::Call(call) if call.operation == Operation::ConsentCreate => {
                let answer = String::from_utf8_lossy(&call.response_body).into_owned();
                Some(format!(
                    "mockaa has refused it with {}: {answer}",
                    call.status
                ))
            }
            _ => None,
        });
        let detail = refused.unwrap_or_else(|| match acted {
            Ok(_) => "the trigger reports success".to_owned(),
            Err(error) => format!("{error:#}"),
        });
        Err(Stop::inconclusive(format!(
            "no consent request of your FIU after --trigger-consent: {detail}"
        )))
    }

    /// Raises a consent as an FIU would.
    fn raise_consent(
        &self,
        input: &ActorInput,
        scenario: Option<&str>,
    ) -> anyhow::Result<ConsentHandle> {
        let apis = API_NAMES
            .into_iter()
            .filter(|api| *api == self.settings.api);
        let matcher = ConsentMatcher {
            apis: apis.collect(),
            ..ConsentMatcher::default()
        };
        let plan = ScenarioPlan {
            name: input.case.clone(),
            matcher: Some((matcher, SourceLocation::default())),
            ..ScenarioPlan::default()
        };
        let mut request = build_request(&self.world, &plan, ApiName::Rebit);
        request.scenario = scenario.map(Into::into);
        request.terms.customer = normalize_address(&input.customer).into();
        let raised = self.world.submit(None, Command::RaiseConsent(request));
        let outcome = raised.context("cannot raise a consent")?.release_webhooks();
        Ok(outcome.consent().handle)
    }

    /// Approves the shared consent, and lets data be requested and fetched under it.
    async fn use_shared_consent(&mut self, input: &ActorInput) -> anyhow::Result<()> {
        let SharedConsent {
            handle,
            raised_by,
            journal_after,
            ..
        } = self.shared;
        let is_of_fiu = raised_by == Raiser::Fiu;
        if is_of_fiu {
            // While it is PENDING the FIU can only ask for its status.
            self.let_fiu_fetch(handle, input).await;
        }
        let approve = Command::TransitionConsent {
            handle,
            action: ConsentAction::with_defaults(Input::Approve),
        };
        self.world
            .submit(None, approve)
            .context("cannot approve the consent")?
            .release_webhooks();
        // Unaport requests the data itself.
        if is_of_fiu && self.settings.api != "unaport" {
            self.await_call(handle, Operation::FiRequest, journal_after, input)
                .await;
            // The FIU has to keep the id of the session before it is notified.
            self.wait_until_silent(journal_after).await;
        }
        self.deliver_data(handle)?;
        if is_of_fiu {
            self.await_call(handle, Operation::FiFetch, journal_after, input)
                .await;
        }
        self.wait_until_silent(journal_after).await;
        Ok(())
    }

    /// Lets the FIPs answer the FIU's data request, or one that the AA makes itself.
    fn deliver_data(&self, handle: ConsentHandle) -> anyhow::Result<()> {
        let deliver = AnswerAction::Deliver(FipAnswers::default());
        for (_, statuses) in deliver.answers().group_by_delay() {
            let deliver = Command::DeliverData {
                handle,
                session: None,
                statuses,
            };
            let receipt = self.world.submit(None, deliver);
            receipt.context("cannot deliver data")?.release_webhooks();
        }
        Ok(())
    }

    /// Waits for a call of the FIU about a consent; again and again the FIU is told to go on.
    async fn await_call(
        &self,
        handle: ConsentHandle,
        op: Operation,
        after: u64,
        input: &ActorInput,
    ) -> bool {
        let is_call = |entry: &JournalEntry| match &entry.record {
            JournalRecord::Call(call) => call.operation == op && call.handle == Some(handle),
            _ => false,
        };
        let wait = |timeout| {
            self.world.wait_to_find(timeout, |world| {
                find_entry(world, after, |entry| is_call(entry).then_some(()))
            })
        };
        if self.settings.trigger_fetch.is_none() {
            return wait(self.settings.patience).await.is_some();
        }
        let deadline = Instant::now() + to_duration(self.settings.patience);
        loop {
            if wait(self.settings.silence).await.is_some() {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            self.let_fiu_fetch(handle, input).await;
        }
    }

    /// Tells the FIU to go on with a consent, if there is a trigger for it. The answer does not matter:
    /// what counts are the FIU's calls.
    async fn let_fiu_fetch(&self, handle: ConsentHandle, input: &ActorInput) {
        let after = last_seq(&self.world);
        let Some(trigger) = &self.settings.trigger_fetch else {
            return self.wait_until_silent(after).await;
        };
        let answer = trigger
            .act(&self.client, &self.input_about(handle, input))
            .await;
        if let Err(error) = answer {
            tracing::info!("--trigger-fetch, {}: {error:#}", input.case);
        }
        self.wait_until_silent(after).await;
    }

    /// Returns the parameters with the ids of the consent.
    fn input_about(&self, handle: ConsentHandle, input: &ActorInput) -> ActorInput {
        let consent = self.world.catch_up().consent(handle);
        let grant = consent.as_ref().and_then(|consent| consent.grant.as_ref());
        ActorInput {
            customer: consent.as_ref().map_or_else(
                || input.customer.clone(),
                |it| it.terms.customer.to_string(),
            ),
            consent_handle: Some(handle.to_string()),
            consent_id: grant.map(|grant| grant.consent_id.to_string()),
            ..input.clone()
        }
    }

    /// Waits until nothing has been written to the journal for a while.
    async fn wait_until_silent(&self, after: u64) {
        let deadline = Instant::now() + to_duration(self.settings.patience);
        let mut seen = last_seq(&self.world).max(after);
        while Instant::now() < deadline {
            let news = self.world.wait_to_find(self.settings.silence, |world| {
                Some(last_seq(world)).filter(|seq| *seq > seen)
            });
            match news.await {
                Some(seq) => seen = seq,
                None => return,
            }
        }
    }

    /// Plays a case.
    pub(super) async fn play(&mut self, family: &Family, case: &Case) -> CaseResult {
        let started_at = Instant::now();
        let played = match family.check {
            Check::Call | Check::Journey => self.judge_journey(family, case).await,
            Check::Accepts | Check::Refuses => self.play_notification(family, case).await,
            Check::RefusesAfter
            | Check::Discards
            | Check::Stops
            | Check::FetchesNothing
            | Check::Plays => self.play_with_own_consent(family, case).await,
        };
        let Played {
            outcome,
            reasons,
            evidence,
        } = played.unwrap_or_else(|Stop { outcome, reason }| Played {
            outcome,
            reasons: vec![reason],
            evidence: Vec::new(),
        });
        CaseResult {
            id: case.id.clone(),
            family: family.name.clone(),
            title: case.title.clone(),
            outcome,
            reasons,
            evidence,
            duration_ms: u64::try_from(started_at.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn build_script(
        &self,
        family: &Family,
        case: &Case,
        start: ScriptStart,
    ) -> Result<Script, ScriptError> {
        let context = ScriptContext {
            start,
            other_aa: &self.other_aa,
        };
        build_script(family, case, context)
    }

    /// Judges calls that the FIU has made about the shared consent.
    async fn judge_journey(&mut self, family: &Family, case: &Case) -> Result<Played, Stop> {
        let SharedConsent {
            handle,
            raised_by,
            journal_after,
            journal_until,
            ..
        } = self.shared;
        if raised_by == Raiser::Sandbox {
            return Err(Stop::inconclusive(NEEDS_CONSENT));
        }
        let script = self.build_script(family, case, ScriptStart::ActiveConsent)?;
        let mut played = self.judge(&script, handle, journal_after);
        let was_triggered = self.settings.trigger_fetch.is_some();
        if family.check == Check::Call && played.outcome == Outcome::Failed && !was_triggered {
            played.outcome = Outcome::Inconclusive;
            played
                .reasons
                .push("give --trigger-fetch, so that your FIU acts at once".to_owned());
        }
        self.apply_contract(
            family,
            case,
            handle,
            (journal_after, journal_until),
            &mut played,
        );
        let input = ActorInput {
            case: case.id.clone(),
            ..ActorInput::default()
        };
        self.judge_display(family, handle, &input, played).await
    }

    /// Sends the notifications of a case about the shared consent or its session.
    async fn play_notification(&mut self, family: &Family, case: &Case) -> Result<Played, Stop> {
        let handle = self.shared.handle;
        let script = self.build_script(family, case, ScriptStart::ActiveConsent)?;
        let journal_after = last_seq(&self.world);
        self.put_scenario(&script)?;
        let receipt = self
            .world
            .assign_scenario(None, handle, &script.plan.name)
            .map_err(|rejection| Stop::inconclusive(rejection.to_string()))?;
        receipt.release_webhooks();
        let count = script.plan.steps.len();
        self.await_webhooks(handle, family.event, journal_after, count)
            .await;
        self.world.scenarios().remove_local(None, &script.plan.name);
        let mut played = self.judge(&script, handle, journal_after);
        if played.outcome == Outcome::Failed && !self.is_known_to_fiu(family.event) {
            played.outcome = Outcome::Inconclusive;
            played.reasons.push(
                "your FIU does not know what mockaa has made; give --trigger-consent and --trigger-fetch"
                    .to_owned(),
            );
        }
        let span = (journal_after, last_seq(&self.world));
        self.apply_contract(family, case, handle, span, &mut played);
        Ok(played)
    }

    /// Returns whether the FIU can know of the consent or session of a notification: it has made it, or
    /// it has accepted the first notification.
    fn is_known_to_fiu(&self, event: Option<NotificationKind>) -> bool {
        let made_by_fiu = match event {
            Some(NotificationKind::FiStatus) => self.base.calls.contains(&Operation::FiRequest),
            _ => self.shared.raised_by == Raiser::Fiu,
        };
        made_by_fiu || event.is_some_and(|event| self.base.notifications.contains(&event))
    }

    /// Waits until a number of webhooks was answered.
    async fn await_webhooks(
        &self,
        handle: ConsentHandle,
        event: Option<NotificationKind>,
        after: u64,
        count: usize,
    ) -> bool {
        let is_wanted = |webhook: &WebhookRecord| {
            webhook.handle == handle
                && webhook.attempt > 0
                && event.is_none_or(|event| event == webhook.event)
        };
        let found = self.world.wait_to_find(WEBHOOK_WAIT, |world| {
            let webhooks = entries_after(world, after).into_iter().filter(|entry| {
                matches!(&entry.record, JournalRecord::Webhook(webhook) if is_wanted(webhook))
            });
            (webhooks.count() >= count).then_some(())
        });
        found.await.is_some()
    }

    fn put_scenario(&self, script: &Script) -> Result<(), Stop> {
        self.world
            .scenarios()
            .put_local(None, Arc::new(script.plan.clone()), &script.text)
            .map_err(Stop::inconclusive)
    }

    /// Plays a case on a consent that the FIU raises under its scenario.
    async fn play_with_own_consent(
        &mut self,
        family: &Family,
        case: &Case,
    ) -> Result<Played, Stop> {
        self.check_base(family).await?;
        let script = self.build_script(family, case, ScriptStart::NewConsent)?;
        let input = self.next_input(&case.id);
        let journal_after = last_seq(&self.world);
        let handle = self.raise_under(&script, &input, journal_after).await?;
        self.let_fiu_act(family, &script, handle, journal_after, &input)
            .await;
        self.world.scenarios().remove_local(None, &script.plan.name);
        let mut played = self.judge(&script, handle, journal_after);
        let span = (journal_after, last_seq(&self.world));
        self.apply_contract(family, case, handle, span, &mut played);
        self.judge_display(family, handle, &input, played).await
    }

    /// Raises a consent that a scenario drives: by the FIU, if there is a trigger for it.
    async fn raise_under(
        &self,
        script: &Script,
        input: &ActorInput,
        journal_after: u64,
    ) -> Result<ConsentHandle, Stop> {
        let Some(trigger) = &self.settings.trigger_consent else {
            self.put_scenario(script)?;
            return self
                .raise_consent(input, Some(&script.plan.name))
                .map_err(|error| Stop::inconclusive(format!("{error:#}")));
        };
        self.put_scenario(script)?;
        let name = script.plan.name.clone();
        let scenarios = self.world.scenarios();
        scenarios
            .set_default(None, Some(name))
            .map_err(|rejection| Stop::inconclusive(rejection.to_string()))?;
        let raised = self.trigger_consent(trigger, input, journal_after).await;
        scenarios
            .set_default(None, None)
            .map_err(|rejection| Stop::inconclusive(rejection.to_string()))?;
        raised
    }

    /// Waits for the calls and webhooks of a case, and moves the clock to its later steps.
    async fn let_fiu_act(
        &self,
        family: &Family,
        script: &Script,
        handle: ConsentHandle,
        journal_after: u64,
        input: &ActorInput,
    ) {
        let op = match family.check {
            Check::Stops | Check::FetchesNothing => Some(Operation::FiRequest),
            _ => family.op.filter(|op| *op != Operation::ConsentCreate),
        };
        self.await_approval(handle).await;
        // A status request before the approval has told the FIU nothing.
        let call_after = match op {
            Some(Operation::ConsentStatus) => last_seq(&self.world),
            _ => journal_after,
        };
        if let Some(op) = op
            && !self.await_call(handle, op, call_after, input).await
        {
            return;
        }
        let has_late_step = family.check == Check::Stops
            || (family.check, family.op) == (Check::RefusesAfter, Some(Operation::ConsentStatus));
        if has_late_step {
            self.wait_until_silent(journal_after).await;
            self.move_to_last_step(script, handle, input).await;
        }
        match (family.check, family.op) {
            // The notification has just been awaited.
            (Check::RefusesAfter, Some(Operation::ConsentStatus)) => {}
            (Check::Plays, _) => self.wait_until_silent(journal_after).await,
            (Check::RefusesAfter, _) => {
                self.await_webhooks(handle, family.event, journal_after, 1)
                    .await;
                self.wait_until_silent(journal_after).await;
            }
            (Check::FetchesNothing, _) => {
                let event = Some(NotificationKind::FiStatus);
                self.await_webhooks(handle, event, journal_after, 1).await;
                self.let_fiu_fetch(handle, input).await;
            }
            _ => self.let_fiu_fetch(handle, input).await,
        }
    }

    /// Waits until the consent is no longer PENDING.
    async fn await_approval(&self, handle: ConsentHandle) {
        let patience = self.settings.patience;
        self.world
            .wait_to_find(patience, |world| {
                let consent = world.catch_up().consent(handle)?;
                (consent.status != Status::Pending).then_some(())
            })
            .await;
    }

    /// Moves the clock to the last step of a scenario, which sends a notification.
    async fn move_to_last_step(&self, script: &Script, handle: ConsentHandle, input: &ActorInput) {
        let before = last_seq(&self.world);
        let last_step = script.plan.steps.iter().map(|step| step.due_after).max();
        let plan = AdvancePlan::to_target(AdvanceTarget::By(last_step.unwrap_or_default()));
        if let Err(error) = advance_clock(&self.world, &plan, Limits::default()).await {
            tracing::warn!("{}: {error}", input.case);
        }
        let event = Some(NotificationKind::ConsentStatus);
        self.await_webhooks(handle, event, before, 1).await;
    }

    /// Checks that the FIU does, with correct answers, what a case expects it to leave.
    async fn check_base(&mut self, family: &Family) -> Result<(), Stop> {
        let SharedConsent { raised_by, .. } = self.shared;
        if !family.needs_fiu() {
            return match self.settings.trigger_consent {
                Some(_) => Ok(()),
                None => self.check_accepted(NotificationKind::ConsentStatus),
            };
        }
        if raised_by == Raiser::Sandbox || self.settings.trigger_consent.is_none() {
            return Err(Stop::inconclusive(NEEDS_CONSENT));
        }
        if let (Some(Display::Failure), Some(shown)) = (family.shows, self.base.shown)
            && shown != Display::Data
        {
            return Err(Stop::inconclusive(format!(
                "the control is not met: with correct answers your FIU shows {shown}, not data"
            )));
        }
        match (family.check, family.op) {
            (Check::Plays, Some(op)) => self.check_called(op),
            (Check::RefusesAfter, Some(Operation::ConsentCreate | Operation::ConsentStatus)) => {
                self.check_accepted(NotificationKind::ConsentStatus)
            }
            (Check::RefusesAfter, _) => {
                self.check_called(Operation::FiRequest)?;
                self.check_accepted(NotificationKind::FiStatus)
            }
            (Check::Discards, Some(Operation::ConsentStatus)) => self.check_polling().await,
            (Check::Discards, Some(Operation::ConsentFetch)) | (Check::Stops, _) => {
                self.check_called(Operation::FiRequest)
            }
            _ => self.check_called(Operation::FiFetch),
        }
    }

    fn check_called(&self, op: Operation) -> Result<(), Stop> {
        if self.base.calls.contains(&op) {
            return Ok(());
        }
        Err(Stop::inconclusive(format!(
            "the control is not met: with correct answers your FIU has not made the call {op} either; give \
             --trigger-fetch, or a longer --wait"
        )))
    }

    fn check_accepted(&self, event: NotificationKind) -> Result<(), Stop> {
        if self.base.notifications.contains(&event) {
            return Ok(());
        }
        Err(Stop::inconclusive(format!(
            "the control is not met: your FIU has not accepted a correct notification {event}"
        )))
    }

    /// Checks that the FIU asks for the status of a consent, and goes on with a correct answer.
    async fn check_polling(&mut self) -> Result<(), Stop> {
        if self.polls.is_none() {
            let polls = self.try_polling().await;
            self.polls = Some(polls.map_err(|stop| stop.reason));
        }
        match &self.polls {
            Some(Err(reason)) => Err(Stop::inconclusive(reason.clone())),
            _ => Ok(()),
        }
    }

    async fn try_polling(&mut self) -> Result<(), Stop> {
        let text = POLLING_CONTROL;
        let plan = crate::scenario::format::parse(text).expect("the control is valid");
        let script = Script {
            text: text.to_owned(),
            plan,
            control_count: 0,
        };
        let input = self.next_input("control of status requests");
        let journal_after = last_seq(&self.world);
        let handle = self.raise_under(&script, &input, journal_after).await?;
        let has_read = self
            .await_call(handle, Operation::ConsentFetch, journal_after, &input)
            .await;
        self.world.scenarios().remove_local(None, &script.plan.name);
        if has_read {
            Ok(())
        } else {
            Err(Stop::inconclusive(
                "the control is not met: without a webhook your FIU does not ask for the status and \
                 fetch the artefact; let --trigger-fetch do it",
            ))
        }
    }

    /// Evaluates the expectations of a case: its controls first.
    fn judge(&self, script: &Script, handle: ConsentHandle, journal_after: u64) -> Played {
        let mut evidence = Vec::new();
        let mut unmet = Vec::new();
        for (expectation, number) in script.plan.expectations.iter().zip(0..) {
            let about_consent = about_consent(expectation, handle);
            let queries = self.world.catch_up();
            let mut verdict = queries.evaluate_expectation_after(&about_consent, journal_after);
            verdict
                .near_misses
                .retain(|miss| miss.entry.handle == Some(handle));
            let near = verdict.near_misses.iter().map(|miss| &miss.entry);
            add_entries(&mut evidence, verdict.matches.iter().chain(near));
            if verdict.status != ExpectationStatus::Met {
                let is_control = number < script.control_count;
                unmet.push((is_control, explain(expectation, &verdict)));
            }
        }
        let has_control_failed = unmet.iter().any(|(is_control, _)| *is_control);
        let outcome = match (has_control_failed, unmet.is_empty()) {
            (true, _) => Outcome::Inconclusive,
            (false, true) => Outcome::Passed,
            (false, false) => Outcome::Failed,
        };
        let reasons = unmet.into_iter().filter_map(|(is_control, reason)| {
            (is_control == has_control_failed).then(|| {
                let label = if is_control {
                    "the control is not met: expected "
                } else {
                    "expected "
                };
                format!("{label}{reason}")
            })
        });
        Played {
            outcome,
            reasons: reasons.collect(),
            evidence,
        }
    }

    /// Asks the probe for what the FIU shows, where the case is about that.
    async fn judge_display(
        &self,
        family: &Family,
        handle: ConsentHandle,
        input: &ActorInput,
        mut played: Played,
    ) -> Result<Played, Stop> {
        let Some(expected) = family.shows.filter(|_| played.outcome == Outcome::Passed) else {
            return Ok(played);
        };
        let shown = self.ask_probe(handle, input, expected).await;
        let shown = shown.map_err(|error| Stop::inconclusive(format!("{error:#}")))?;
        let Some(shown) = shown else {
            if family.needs_probe() {
                let consent = self.input_about(handle, input);
                let question = family.question.as_deref().unwrap_or("Is it shown?");
                played.outcome = Outcome::NeedsPerson;
                played.reasons.push(format!(
                    "{question} The consent is {handle} of {}. --probe answers it.",
                    consent.customer
                ));
            }
            return Ok(played);
        };
        if shown != expected {
            played.outcome = Outcome::Failed;
            played.reasons.push(format!(
                "expected the FIU to show {expected}; the probe answers {shown}"
            ));
        }
        Ok(played)
    }

    /// Asks the probe what the FIU shows for a consent, until it shows what is expected or the FIU has
    /// had time to give up; `None` without a probe.
    async fn ask_probe(
        &self,
        handle: ConsentHandle,
        input: &ActorInput,
        expected: Display,
    ) -> anyhow::Result<Option<Display>> {
        let Some(probe) = &self.settings.probe else {
            return Ok(None);
        };
        let deadline = Instant::now() + to_duration(self.settings.patience);
        loop {
            let answer = probe
                .act(&self.client, &self.input_about(handle, input))
                .await;
            let shown = answer
                .and_then(|answer| parse_display(&answer))
                .context("--probe")?;
            if shown != Display::Waiting || shown == expected || Instant::now() >= deadline {
                return Ok(Some(shown));
            }
            self.wait_until_silent(last_seq(&self.world)).await;
        }
    }

    /// Lets a case fail for which the contract report has evidence against the FIU: where both judge
    /// the same, they agree. `journal` is the part of the journal that belongs to the case.
    fn apply_contract(
        &self,
        family: &Family,
        case: &Case,
        handle: ConsentHandle,
        journal: (u64, u64),
        played: &mut Played,
    ) {
        let rules = family.contract_rules(case);
        if rules.is_empty() || !matches!(played.outcome, Outcome::Passed | Outcome::Failed) {
            return;
        }
        let contract = self.world.catch_up().grade_contract_in_full(has_operation);
        for rule in contract.iter().filter(|rule| rules.contains(&rule.rule)) {
            for (seq, text) in &rule.evidence {
                let Ok(entry) = self.world.catch_up().journal_entry(*seq) else {
                    continue;
                };
                let is_of_call = match &entry.record {
                    JournalRecord::Call(call) if family.check == Check::Call => {
                        Some(call.operation) == family.op
                    }
                    _ => true,
                };
                let is_here = is_of_call
                    && (journal.0 + 1..=journal.1).contains(seq)
                    && entry.handle.is_none_or(|other| other == handle);
                if is_here {
                    played.outcome = Outcome::Failed;
                    let reason = format!("contract report, {}: {text}", rule.rule);
                    played.reasons.push(reason);
                    add_entries(&mut played.evidence, [&entry]);
                }
            }
        }
    }
}

/// Mobile number before that of the first customer.
const FIRST_CUSTOMER: u64 = 9_820_000_000;

/// The reason of a case that a consent of mockaa's own making cannot show.
const NEEDS_CONSENT: &str = "it needs a consent that your FIU raises; give --trigger-consent";

/// The scenario of the control for cases about faulty answers to status requests.
const POLLING_CONTROL: &str = "version: 1
name: control-of-status-requests
description: The FIU can know of the approval by its status request only.
steps:
  - approve: {}
webhooks:
  - { where: { event: consent.status }, fault: { drop: {} } }
";

fn to_duration(time: Millis) -> Duration {
    Duration::from_millis(u64::try_from(time.0).unwrap_or_default())
}

fn last_seq(world: &World) -> u64 {
    world.catch_up().journal_after(u64::MAX, 0).1
}

fn entries_after(world: &World, after: u64) -> Vec<JournalEntry> {
    let part = ListPart {
        cursor: Cursor::After(after),
        limit: usize::MAX,
    };
    world.catch_up().journal_matching(part, |_| true).0
}

/// Returns what `find` finds first in the journal after an entry.
fn find_entry<T>(
    world: &World,
    after: u64,
    find: impl Fn(&JournalEntry) -> Option<T>,
) -> Option<T> {
    entries_after(world, after).iter().find_map(find)
}

/// Returns an expectation about one consent only.
fn about_consent(expectation: &Expectation, handle: ConsentHandle) -> Expectation {
    let mut expectation = expectation.clone();
    let subject = match &mut expectation.target {
        ExpectationTarget::Call { subject, .. }
        | ExpectationTarget::Event { subject, .. }
        | ExpectationTarget::Webhook { subject, .. }
        | ExpectationTarget::State { subject, .. } => subject,
    };
    subject.handle = Some(handle);
    expectation
}

/// Returns what was expected of a consent, and what there was instead.
fn explain(expectation: &Expectation, verdict: &Verdict) -> String {
    let view = VerdictView::new(expectation, verdict);
    format!("{expectation}\n{}", view.explanation().join("\n"))
}

fn add_entries<'a>(
    evidence: &mut Vec<Evidence>,
    entries: impl IntoIterator<Item = &'a JournalEntry>,
) {
    for entry in entries {
        let is_new = evidence.iter().all(|known| known.seq != entry.seq);
        if is_new && evidence.len() < EVIDENCE_MAX {
            evidence.extend(Evidence::of_entry(entry));
        }
    }
    evidence.sort_by_key(|it| it.seq);
}
