//! Plays the cases of a suite against an FIU, in one world of one sandbox. Cases that leave the state
//! alone share a consent and a session; each of the others needs a consent that the FIU raises.
//!
//! The steps of a case are run one after the other, each when the FIU has reacted to the one before:
//! the clock of the world is not moved, so that messages keep their dates.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context, bail};
use reqwest::Client;
use tokio::time::Instant;

use super::actor::{Actor, ActorError, ActorInput, parse_display};
use super::journal::{
    await_webhooks, entries_after, find_entry, is_call, last_seq, to_duration, wait_until_silent,
};
use super::judge::{CaseSpan, EarlyEnd, Judgement, add_evidence, judge_case};
use super::results::{CaseResult, Evidence, Outcome};
use crate::cli::raise::ApiName;
use crate::cli::run::build_request;
use crate::domain::action::{Action, AnswerAction, ConsentAction, FipAnswers};
use crate::domain::command::Command;
use crate::domain::consent::Input;
use crate::domain::consent_matcher::ConsentMatcher;
use crate::domain::customer_address::normalize_address;
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::JournalRecord;
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::scenario_plan::{ScenarioPlan, SourceLocation, Step};
use crate::domain::time::Millis;
use crate::engine::world::{Receipt, World};
use crate::scenario::certification::{
    Case, Check, Display, Family, Script, ScriptContext, ScriptError, ScriptStart, build_script,
};
use crate::scenario::format::parse;
use crate::scenario::format::types::API_NAMES;

/// Longest wait for a person's FIU to raise the first consent.
const PERSON_TIMEOUT: Millis = Millis::from_secs(180);

/// The settings of a run.
#[derive(Debug)]
pub(super) struct PlayerSettings {
    pub trigger_consent: Option<Actor>,
    pub trigger_fetch: Option<Actor>,
    pub probe: Option<Actor>,
    /// Longest wait for the FIU's next call.
    pub patience: Millis,
    /// Silence after which the FIU does nothing more.
    pub silence: Millis,
    /// The API of the FIU, by its name in scenarios.
    pub api: String,
    /// `true` if a person reads what is printed.
    pub asks_person: bool,
}

/// Plays cases in the world of a sandbox.
pub(super) struct Player {
    world: Arc<World>,
    client: Client,
    settings: PlayerSettings,
    shared: SharedConsent,
    /// Ids of another AA, and of another consent and its session.
    others: OtherIds,
    base: BaseFacts,
    /// The result of the control for cases about status requests; `None` before it was played.
    polls: Option<bool>,
    /// The number of customers so far.
    customers: u32,
    /// The longest time that the FIU has taken for a call.
    reaction: Millis,
    /// `true` if the FIU raises consents for other customers than those of the input.
    ignores_customers: bool,
    /// The failure of the last `--trigger-fetch`.
    fetch_failure: Option<ActorError>,
}

/// The consent and the session that cases share.
#[derive(Clone, Copy, Debug)]
struct SharedConsent {
    origin: ConsentOrigin,
    span: CaseSpan,
}

/// The raiser of a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConsentOrigin {
    Fiu,
    Sandbox,
}

/// Ids that are not those of the consent of a case.
#[derive(Debug, Default)]
struct OtherIds {
    aa: String,
    handle: String,
    consent: String,
    session: String,
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
    /// A consent request of the FIU that was refused, with the reason.
    refused_request: Option<(String, Vec<Evidence>)>,
}

impl BaseFacts {
    /// Reads the calls and the answers about a consent.
    fn read(world: &World, span: CaseSpan) -> Self {
        let mut facts = Self::default();
        let is_of_consent = |handle| handle == Some(span.handle);
        for entry in entries_after(world, span.journal_after, |it| is_of_consent(it.handle)) {
            match &entry.record {
                JournalRecord::Call(call) if call.is_success() => {
                    facts.calls.insert(call.operation);
                }
                JournalRecord::Webhook(webhook) if webhook.is_accepted() => {
                    facts.notifications.insert(webhook.event);
                }
                _ => {}
            }
        }
        facts
    }
}

/// Mobile number before that of the first customer.
const FIRST_CUSTOMER: u64 = 9_820_000_000;

/// The reason of a case that a consent of mockaa's own making cannot show.
const NEEDS_CONSENT: &str = "it needs a consent that your FIU raises; give --trigger-consent";

/// The scenario of the control for cases about faulty answers to status requests.
const POLLING_CONTROL: &str = "version: 1
name: control-of-status-requests
steps:
  - approve: {}
webhooks:
  - { where: { event: consent.status }, fault: { drop: {} } }
";

impl Player {
    /// Raises the consents whose ids cases use, or lets the FIU raise them.
    ///
    /// # Errors
    /// The world refuses a consent, no FIU answers, or it speaks another API than the suite's.
    pub(super) async fn open(
        world: Arc<World>,
        client: Client,
        settings: PlayerSettings,
    ) -> anyhow::Result<Self> {
        let journal_after = last_seq(&world);
        let mut player = Self {
            world,
            client,
            settings,
            shared: SharedConsent {
                origin: ConsentOrigin::Sandbox,
                span: CaseSpan {
                    handle: ConsentHandle::from_random([0; 16]),
                    journal_after,
                    journal_until: journal_after,
                },
            },
            others: OtherIds::default(),
            base: BaseFacts::default(),
            polls: None,
            customers: 0,
            reaction: Millis::ZERO,
            ignores_customers: false,
            fetch_failure: None,
        };
        let input = player.next_input("opening");
        let (handle, origin) = player.open_consent(&input, journal_after).await?;
        player.check_api(handle, origin)?;
        player.shared.origin = origin;
        player.shared.span.handle = handle;
        player.use_consent(handle, origin, &input).await?;
        player.shared.span.journal_until = last_seq(&player.world);
        let refused_request = player.base.refused_request.take();
        player.base = BaseFacts::read(&player.world, player.shared.span);
        player.base.refused_request = refused_request;
        player.check_fiu_answers()?;
        if origin == ConsentOrigin::Fiu {
            player.base.shown = player.ask_probe(handle, &input, Display::Data).await?;
        }
        player.others = player.open_other_consent().await?;
        Ok(player)
    }

    /// Raises another consent, and returns its ids.
    async fn open_other_consent(&mut self) -> anyhow::Result<OtherIds> {
        let participants = self.world.participants();
        let aa = participants.default_aa();
        let other_aa = participants.aas.iter().find(|it| it.id != aa.id);
        let aa = other_aa.map_or_else(|| format!("{}-other", aa.id), |it| it.id.to_string());
        let input = self.next_input("opening");
        let after = last_seq(&self.world);
        let trigger = self
            .settings
            .trigger_consent
            .clone()
            .filter(|_| self.shared.origin == ConsentOrigin::Fiu);
        let raised = match trigger {
            Some(trigger) => self.trigger_consent(&trigger, &input, after).await.ok(),
            None => None,
        };
        let (handle, origin) = match raised {
            Some(handle) => (handle, ConsentOrigin::Fiu),
            None => (self.raise_consent(&input, None)?, ConsentOrigin::Sandbox),
        };
        self.use_consent(handle, origin, &input).await?;
        let consent = self.world.catch_up().consent(handle);
        let grant = consent.as_ref().and_then(|consent| consent.grant.as_ref());
        let session = grant.and_then(|grant| grant.session);
        Ok(OtherIds {
            aa,
            handle: handle.to_string(),
            consent: grant.map_or_else(String::new, |grant| grant.consent_id.to_string()),
            session: session.map_or_else(String::new, |session| session.to_string()),
        })
    }

    /// Lets the FIU raise the first consent, or raises it.
    async fn open_consent(
        &mut self,
        input: &ActorInput,
        after: u64,
    ) -> anyhow::Result<(ConsentHandle, ConsentOrigin)> {
        let found = if let Some(trigger) = self.settings.trigger_consent.clone() {
            match self.trigger_consent(&trigger, input, after).await {
                Ok(handle) => Some(handle),
                Err(EarlyEnd(reason)) => {
                    self.base.refused_request = self.find_refused_request(after, &reason);
                    if self.base.refused_request.is_none() {
                        bail!(reason);
                    }
                    None
                }
            }
        } else {
            let timeout = if self.settings.asks_person {
                eprintln!(
                    "Let your FIU ask for a consent of {} now, at its own page. mockaa waits for {} s, and then \
                     raises one itself.",
                    input.customer,
                    PERSON_TIMEOUT.0 / 1000
                );
                PERSON_TIMEOUT
            } else {
                self.settings.patience
            };
            self.wait_for_consent(after, timeout, None).await
        };
        Ok(match found {
            Some(handle) => {
                let consent = self.world.catch_up().consent(handle);
                let customer = normalize_address(&input.customer);
                self.ignores_customers =
                    consent.is_none_or(|consent| *consent.terms.customer != *customer);
                (handle, ConsentOrigin::Fiu)
            }
            None => (self.raise_consent(input, None)?, ConsentOrigin::Sandbox),
        })
    }

    /// Returns the consent request after an entry that was refused, as evidence.
    fn find_refused_request(&self, after: u64, reason: &str) -> Option<(String, Vec<Evidence>)> {
        let is_request = |call: &JournalRecord| matches!(call, JournalRecord::Call(call) if call.operation == Operation::ConsentCreate);
        let entry = find_entry(&self.world, after, |entry| is_request(&entry.record))?;
        let mut evidence = Vec::new();
        add_evidence(&mut evidence, [&entry]);
        Some((reason.to_owned(), evidence))
    }

    /// Checks that the FIU uses the API of the suite.
    fn check_api(&self, handle: ConsentHandle, origin: ConsentOrigin) -> anyhow::Result<()> {
        let Some(consent) = self.world.catch_up().consent(handle) else {
            return Ok(());
        };
        let matcher = self.api_matcher();
        if origin == ConsentOrigin::Fiu && !matcher.apis.contains(&consent.api.as_str()) {
            bail!(
                "your FIU uses the API {}, and the suite is for {}; give --suite fiu-2.0.0, fiu-1.1.2 or \
                 unaport-2.0.0",
                consent.api.as_str(),
                self.settings.api
            );
        }
        Ok(())
    }

    fn api_matcher(&self) -> ConsentMatcher {
        let apis = API_NAMES
            .into_iter()
            .filter(|api| *api == self.settings.api);
        ConsentMatcher {
            apis: apis.collect(),
            ..ConsentMatcher::default()
        }
    }

    /// Checks that something answers to notifications.
    fn check_fiu_answers(&self) -> anyhow::Result<()> {
        let after = self.shared.span.journal_after;
        let attempts = entries_after(
            &self.world,
            after,
            |entry| matches!(&entry.record, JournalRecord::Webhook(webhook) if webhook.attempt > 0),
        );
        let mut attempts = attempts.into_iter().filter_map(|entry| match entry.record {
            JournalRecord::Webhook(webhook) => Some(webhook),
            _ => None,
        });
        let Some(first) = attempts.next() else {
            bail!("no notification was sent; give --fiu-url the base URL of your FIU");
        };
        if let Some(status @ (300..400 | 404 | 405)) = first.response_status {
            bail!(
                "your FIU answers {status} at {}; correct --fiu-url, or the path of your receiver",
                first.url
            );
        }
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

    /// Waits for a consent that an FIU raises, of a customer if one is given.
    async fn wait_for_consent(
        &self,
        after: u64,
        timeout: Millis,
        customer: Option<&str>,
    ) -> Option<ConsentHandle> {
        let customer = customer.map(normalize_address);
        self.world
            .wait_to_find(timeout, |world| {
                let entry = find_entry(world, after, |entry| match &entry.record {
                    JournalRecord::Call(call) => {
                        let is_of_customer = customer
                            .as_deref()
                            .is_none_or(|customer| entry.customer.as_deref() == Some(customer));
                        call.operation == Operation::ConsentCreate
                            && call.is_success()
                            && is_of_customer
                    }
                    _ => false,
                });
                entry.and_then(|entry| entry.handle)
            })
            .await
    }

    /// Lets the FIU raise a consent, and waits for it.
    async fn trigger_consent(
        &mut self,
        trigger: &Actor,
        input: &ActorInput,
        after: u64,
    ) -> Result<ConsentHandle, EarlyEnd> {
        // The FIU may report the failure of its request, which is the point of some cases.
        let acted = trigger.invoke(&self.client, input).await;
        let is_opening = self.customers == 1;
        let customer = (!is_opening && !self.ignores_customers).then_some(&*input.customer);
        let patience = self.settings.patience;
        if let Some(handle) = self.wait_for_consent(after, patience, customer).await {
            return Ok(handle);
        }
        let refused = find_entry(&self.world, after, |entry| {
            matches!(&entry.record, JournalRecord::Call(call)
                if call.operation == Operation::ConsentCreate && !call.is_success())
        });
        let refused = refused.and_then(|entry| match entry.record {
            JournalRecord::Call(call) => {
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
            Err(error) => error.to_string(),
        });
        Err(EarlyEnd(format!(
            "no consent request of your FIU after --trigger-consent: {detail}"
        )))
    }

    /// Raises a consent as an FIU would.
    fn raise_consent(
        &self,
        input: &ActorInput,
        scenario: Option<&str>,
    ) -> anyhow::Result<ConsentHandle> {
        let plan = ScenarioPlan {
            name: input.case.clone(),
            matcher: Some((self.api_matcher(), SourceLocation::default())),
            ..ScenarioPlan::default()
        };
        let mut request = build_request(&self.world, &plan, ApiName::Rebit);
        request.scenario = scenario.map(Into::into);
        request.terms.customer = normalize_address(&input.customer).into();
        let raised = self.world.submit(None, Command::RaiseConsent(request));
        let outcome = raised.context("cannot raise a consent")?.release_webhooks();
        Ok(outcome.consent().handle)
    }

    /// Approves a consent of the opening, and lets data be requested and fetched under it.
    async fn use_consent(
        &mut self,
        handle: ConsentHandle,
        origin: ConsentOrigin,
        input: &ActorInput,
    ) -> anyhow::Result<()> {
        let is_of_fiu = origin == ConsentOrigin::Fiu;
        let after = last_seq(&self.world);
        if is_of_fiu {
            // While it is PENDING the FIU can only ask for its status.
            self.wait_until_silent().await;
            self.trigger_fetch(handle, input).await;
            if let Some(ActorError::Unreachable(failure)) = &self.fetch_failure {
                bail!("--trigger-fetch: {failure}");
            }
        }
        let approve = ConsentAction::with_defaults(Input::Approve);
        self.run_action(handle, Action::Transition(approve))
            .map_err(|EarlyEnd(reason)| anyhow::anyhow!("cannot approve the consent: {reason}"))?;
        // Unaport requests the data itself.
        if is_of_fiu && self.settings.api != "unaport" {
            let _ = self
                .await_call(handle, Operation::FiRequest, after, input)
                .await;
        }
        // The FIU has to keep the id of the session before it is notified.
        self.wait_until_silent().await;
        let deliver = Action::Answer(AnswerAction::Deliver(FipAnswers::default()));
        self.run_action(handle, deliver)
            .map_err(|EarlyEnd(reason)| anyhow::anyhow!("cannot deliver data: {reason}"))?;
        if is_of_fiu {
            let _ = self
                .await_call(handle, Operation::FiFetch, after, input)
                .await;
        }
        self.wait_until_silent().await;
        Ok(())
    }

    /// Runs an action of a scenario on a consent now.
    fn run_action(&self, handle: ConsentHandle, action: Action) -> Result<(), EarlyEnd> {
        let step = Step {
            due_after: Millis::ZERO,
            action,
            origin: "mockaa certify".to_owned(),
            location: SourceLocation::default(),
        };
        let plan = ScenarioPlan {
            name: "certification".to_owned(),
            steps: vec![step],
            ..ScenarioPlan::default()
        };
        let receipt = self.world.run_steps(None, handle, &plan);
        let receipt = receipt.map_err(|rejection| EarlyEnd(rejection.to_string()))?;
        receipt.release_webhooks();
        Ok(())
    }

    /// Waits for a call of the FIU about a consent, which is told to go on until it comes.
    async fn await_call(
        &mut self,
        handle: ConsentHandle,
        op: Operation,
        after: u64,
        input: &ActorInput,
    ) -> Result<(), EarlyEnd> {
        let deadline = Instant::now() + to_duration(self.settings.patience);
        let has_trigger = self.settings.trigger_fetch.is_some();
        // The FIU has begun when the first trigger returns.
        let mut begun = Instant::now();
        let mut is_triggered = false;
        loop {
            let timeout = if has_trigger {
                self.settings.silence
            } else {
                self.settings.patience
            };
            let found = self.world.wait_to_find(timeout, |world| {
                find_entry(world, after, |entry| is_call(entry, op, handle)).map(drop)
            });
            if found.await.is_some() {
                let elapsed = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
                self.reaction = self.reaction.max(Millis(elapsed));
                return Ok(());
            }
            if !has_trigger || Instant::now() >= deadline {
                let patience = to_duration(self.settings.patience);
                let remedy = self.fetch_failure.as_ref().map_or_else(
                    || "give --trigger-fetch, or a longer --wait".to_owned(),
                    |failure| format!("--trigger-fetch: {failure}"),
                );
                return Err(EarlyEnd(format!(
                    "your FIU has not made the call {op} within {patience:?}; {remedy}"
                )));
            }
            self.trigger_fetch(handle, input).await;
            if !is_triggered {
                (begun, is_triggered) = (Instant::now(), true);
            }
        }
    }

    /// Lets the FIU go on with a consent, if there is a trigger for it. What counts are the calls that
    /// follow; a failure is part of the reason where they do not.
    async fn trigger_fetch(&mut self, handle: ConsentHandle, input: &ActorInput) {
        let Some(trigger) = &self.settings.trigger_fetch else {
            return;
        };
        let input = self.input_about(handle, input);
        self.fetch_failure = trigger.invoke(&self.client, &input).await.err();
    }

    /// Returns the parameters with the ids of the consent. The FIU gets no id that it is to ask for.
    fn input_about(&self, handle: ConsentHandle, input: &ActorInput) -> ActorInput {
        let consent = self.world.catch_up().consent(handle);
        let grant = consent.as_ref().and_then(|consent| consent.grant.as_ref());
        let consent_id = grant.map(|grant| grant.consent_id.to_string());
        ActorInput {
            customer: consent.as_ref().map_or_else(
                || input.customer.clone(),
                |it| it.terms.customer.to_string(),
            ),
            consent_handle: Some(handle.to_string()),
            consent_id: consent_id.filter(|_| !input.hides_consent_id),
            ..input.clone()
        }
    }

    async fn wait_until_silent(&self) {
        wait_until_silent(&self.world, self.settings.silence, self.settings.patience).await;
    }

    /// Waits until a call of the FIU would have come: twice the longest time that it has taken for one.
    async fn wait_for_absence(&self) {
        let silence = self.settings.silence.max(Millis(self.reaction.0 * 2));
        wait_until_silent(&self.world, silence, self.settings.patience).await;
    }

    /// Plays a case.
    pub(super) async fn play(&mut self, family: &Family, case: &Case) -> CaseResult {
        let started_at = Instant::now();
        let judged = match family.check {
            Check::Call | Check::Journey | Check::Accepts => self.judge_opening(family, case).await,
            Check::Refuses => self.play_notifications(family, case).await,
            Check::RefusesAfter
            | Check::Discards
            | Check::Stops
            | Check::FetchesNothing
            | Check::Plays => self.play_with_own_consent(family, case).await,
        };
        let judgement = judged.unwrap_or_else(Judgement::from);
        CaseResult::new(family, case, judgement, started_at.elapsed())
    }

    fn build_script(
        &self,
        family: &Family,
        case: &Case,
        start: ScriptStart,
    ) -> Result<Script, EarlyEnd> {
        let context = ScriptContext {
            start,
            other_aa: &self.others.aa,
            other_handle: &self.others.handle,
            other_consent_id: &self.others.consent,
            other_session_id: &self.others.session,
        };
        build_script(family, case, context)
            .map_err(|error: ScriptError| EarlyEnd(error.to_string()))
    }

    /// Judges what the FIU has done with the shared consent.
    async fn judge_opening(&mut self, family: &Family, case: &Case) -> Result<Judgement, EarlyEnd> {
        let SharedConsent { origin, span } = self.shared;
        let is_of_sandbox = origin == ConsentOrigin::Sandbox;
        if let Some((reason, evidence)) = &self.base.refused_request
            && family.op == Some(Operation::ConsentCreate)
        {
            return Ok(Judgement {
                outcome: Outcome::Failed,
                reasons: vec![reason.clone()],
                evidence: evidence.clone(),
            });
        }
        if is_of_sandbox && family.check != Check::Accepts {
            return Err(self.explain_missing_consent());
        }
        let script = self.build_script(family, case, ScriptStart::NewConsent)?;
        let mut judgement = judge_case(&self.world, (family, case), &script, span);
        if judgement.outcome == Outcome::Failed && self.is_unknown(family) {
            judgement.outcome = Outcome::Inconclusive;
            judgement.reasons.push(
                "nothing has made your FIU act; give --trigger-consent and --trigger-fetch"
                    .to_owned(),
            );
        }
        let input = ActorInput {
            case: case.id.clone(),
            ..ActorInput::default()
        };
        self.judge_display(family, span.handle, &input, judgement)
            .await
    }

    /// Returns whether the FIU cannot be blamed for what it has not done: nothing has told it to act,
    /// or it does not know the consent.
    fn is_unknown(&self, family: &Family) -> bool {
        let has_call = |op| {
            let SharedConsent { span, .. } = self.shared;
            find_entry(&self.world, span.journal_after, |it| {
                is_call(it, op, span.handle)
            })
            .is_some()
        };
        match (family.check, family.event) {
            (Check::Accepts, Some(event)) => {
                let made_by_fiu = match event {
                    NotificationKind::ConsentStatus => self.shared.origin == ConsentOrigin::Fiu,
                    _ => self.base.calls.contains(&Operation::FiRequest),
                };
                !made_by_fiu && !self.base.notifications.contains(&event)
            }
            (Check::Call, _) => {
                self.settings.trigger_fetch.is_none() && !family.op.is_some_and(has_call)
            }
            _ => self.settings.trigger_fetch.is_none() && !has_call(Operation::FiFetch),
        }
    }

    fn explain_missing_consent(&self) -> EarlyEnd {
        EarlyEnd(match &self.base.refused_request {
            Some((reason, _)) => reason.clone(),
            None => NEEDS_CONSENT.to_owned(),
        })
    }

    /// Sends the notifications of a case about the shared consent or its session.
    async fn play_notifications(
        &mut self,
        family: &Family,
        case: &Case,
    ) -> Result<Judgement, EarlyEnd> {
        let handle = self.shared.span.handle;
        let script = self.build_script(family, case, ScriptStart::ActiveConsent)?;
        let event = family.event.unwrap_or(NotificationKind::ConsentStatus);
        let journal_after = last_seq(&self.world);
        self.put_scenario(&script.plan, &script.text)?;
        let assigned = self
            .world
            .assign_scenario(None, handle, &script.plan.name)
            .map(Receipt::release_webhooks);
        let count = script.plan.steps.len();
        let are_answered = await_webhooks(&self.world, handle, event, journal_after, count).await;
        self.world.scenarios().remove_local(None, &script.plan.name);
        assigned.map_err(|rejection| EarlyEnd(rejection.to_string()))?;
        if !are_answered {
            return Err(EarlyEnd(format!(
                "your FIU has not answered all {count} notifications in time"
            )));
        }
        let span = CaseSpan {
            handle,
            journal_after,
            journal_until: last_seq(&self.world),
        };
        self.check_is_there(span)?;
        Ok(judge_case(&self.world, (family, case), &script, span))
    }

    /// Checks that the FIU has answered one of the notifications of a case.
    fn check_is_there(&self, span: CaseSpan) -> Result<(), EarlyEnd> {
        let webhooks = entries_after(&self.world, span.journal_after, |entry| {
            entry.handle == Some(span.handle) && matches!(&entry.record, JournalRecord::Webhook(_))
        });
        let mut outcomes = webhooks.iter().filter_map(|entry| match &entry.record {
            JournalRecord::Webhook(webhook) => Some((webhook.response_status, &webhook.outcome)),
            _ => None,
        });
        match outcomes.next() {
            Some((None, outcome)) if outcomes.all(|(status, _)| status.is_none()) => {
                Err(EarlyEnd(format!("your FIU answers no more: {outcome}")))
            }
            _ => Ok(()),
        }
    }

    fn put_scenario(&self, plan: &ScenarioPlan, text: &str) -> Result<(), EarlyEnd> {
        let scenarios = self.world.scenarios();
        scenarios
            .put_local(None, Arc::new(plan.clone()), text)
            .map_err(EarlyEnd)
    }

    /// Plays a case on a consent of its own.
    async fn play_with_own_consent(
        &mut self,
        family: &Family,
        case: &Case,
    ) -> Result<Judgement, EarlyEnd> {
        self.check_base(family).await?;
        let script = self.build_script(family, case, ScriptStart::NewConsent)?;
        let mut input = self.next_input(&case.id);
        input.hides_consent_id = family.op == Some(Operation::ConsentStatus);
        let journal_after = last_seq(&self.world);
        let mut plan = script.plan.clone();
        if family.check != Check::Plays {
            plan.rules.retain(|rule| !rule.action.is_answer());
        }
        let handle = self
            .raise_under(plan, &script.text, &input, journal_after)
            .await?;
        self.drive_case(family, &script, handle, &input).await?;
        let span = CaseSpan {
            handle,
            journal_after,
            journal_until: last_seq(&self.world),
        };
        let judgement = judge_case(&self.world, (family, case), &script, span);
        self.judge_display(family, handle, &input, judgement).await
    }

    /// Raises a consent that a scenario drives: by the FIU, if there is a trigger for it. Its steps are
    /// left to the caller.
    async fn raise_under(
        &mut self,
        mut plan: ScenarioPlan,
        text: &str,
        input: &ActorInput,
        journal_after: u64,
    ) -> Result<ConsentHandle, EarlyEnd> {
        plan.steps.clear();
        self.put_scenario(&plan, text)?;
        let raised = match self.settings.trigger_consent.clone() {
            None => self
                .raise_consent(input, Some(&plan.name))
                .map_err(|error| EarlyEnd(format!("{error:#}"))),
            Some(trigger) => {
                let world = Arc::clone(&self.world);
                let scenarios = world.scenarios();
                scenarios
                    .set_default(None, Some(plan.name.clone()))
                    .expect("the scenario was just put");
                let raised = self.trigger_consent(&trigger, input, journal_after).await;
                scenarios
                    .set_default(None, None)
                    .expect("no name is needed");
                raised
            }
        };
        self.world.scenarios().remove_local(None, &plan.name);
        let handle = raised?;
        if self.world.scenario_of(handle).as_ref() != Some(&plan.name) {
            return Err(EarlyEnd(format!(
                "another scenario drives the consent {handle}; remove the `match`, the pin or the default \
                 scenario that selects it"
            )));
        }
        Ok(handle)
    }

    /// Runs the steps of a case, each when the FIU has reacted to the one before.
    async fn drive_case(
        &mut self,
        family: &Family,
        script: &Script,
        handle: ConsentHandle,
        input: &ActorInput,
    ) -> Result<(), EarlyEnd> {
        let raised_at = self.shared.span.journal_until;
        // The FIU has to keep the handle before it is notified.
        self.wait_until_silent().await;
        if family.check == Check::Plays {
            return self.drive_play(family, script, handle, input).await;
        }
        let is_refusal = family.check == Check::RefusesAfter;
        if is_refusal && family.op == Some(Operation::ConsentStatus) {
            self.await_call(handle, Operation::ConsentStatus, raised_at, input)
                .await?;
        }
        let approved_after = last_seq(&self.world);
        let mut steps = script.plan.steps.iter().map(|step| step.action.clone());
        if let Some(approve) = steps.next() {
            self.run_action(handle, approve)?;
        }
        match (family.check, family.op) {
            (Check::RefusesAfter, Some(Operation::ConsentCreate)) => {
                self.await_notification(handle, NotificationKind::ConsentStatus, approved_after)
                    .await?;
            }
            (Check::RefusesAfter, Some(Operation::ConsentStatus)) => {
                self.wait_until_silent().await;
                self.run_last_step(handle, steps.next()).await?;
            }
            (Check::Discards, Some(op @ (Operation::ConsentStatus | Operation::ConsentFetch))) => {
                self.await_call(handle, op, approved_after, input).await?;
                self.wait_for_absence().await;
                self.trigger_fetch(handle, input).await;
            }
            (Check::Stops, _) => {
                self.answer_request(script, handle, approved_after, input)
                    .await?;
                // It would request data again, as long as the consent is active.
                let answered_at = last_seq(&self.world);
                let again = self
                    .await_call(handle, Operation::FiRequest, answered_at, input)
                    .await;
                again.map_err(|_| {
                    EarlyEnd(
                        "the control is not met: after a session without data your FIU requests none \
                         again, as long as the consent is active; let --trigger-fetch do it"
                            .to_owned(),
                    )
                })?;
                self.wait_until_silent().await;
                self.run_last_step(handle, steps.next()).await?;
                self.wait_until_silent().await;
                self.trigger_fetch(handle, input).await;
            }
            (Check::Discards, _) => {
                self.answer_request(script, handle, approved_after, input)
                    .await?;
                self.await_call(handle, Operation::FiFetch, approved_after, input)
                    .await?;
            }
            _ => {
                self.answer_request(script, handle, approved_after, input)
                    .await?;
                if !is_refusal {
                    self.wait_for_absence().await;
                    self.trigger_fetch(handle, input).await;
                }
            }
        }
        self.wait_for_absence().await;
        Ok(())
    }

    /// Waits for a data request of the FIU and lets the FIPs answer it as the scenario says.
    async fn answer_request(
        &mut self,
        script: &Script,
        handle: ConsentHandle,
        after: u64,
        input: &ActorInput,
    ) -> Result<(), EarlyEnd> {
        self.await_call(handle, Operation::FiRequest, after, input)
            .await?;
        // The FIU has to keep the id of the session before it is notified.
        self.wait_until_silent().await;
        let mut rules = script.plan.rules.iter();
        let answer = rules.find(|rule| rule.action.is_answer());
        let before = last_seq(&self.world);
        if let Some(rule) = answer {
            self.run_action(handle, rule.action.clone())?;
        }
        self.await_notification(handle, NotificationKind::FiStatus, before)
            .await
    }

    /// Runs the last step of a case, which notifies the FIU.
    async fn run_last_step(
        &self,
        handle: ConsentHandle,
        step: Option<Action>,
    ) -> Result<(), EarlyEnd> {
        let before = last_seq(&self.world);
        if let Some(action) = step {
            self.run_action(handle, action)?;
        }
        self.await_notification(handle, NotificationKind::ConsentStatus, before)
            .await
    }

    async fn await_notification(
        &self,
        handle: ConsentHandle,
        event: NotificationKind,
        after: u64,
    ) -> Result<(), EarlyEnd> {
        if await_webhooks(&self.world, handle, event, after, 1).await {
            return Ok(());
        }
        Err(EarlyEnd(format!(
            "no notification {event} was sent in time"
        )))
    }

    /// Runs the steps of a case that has a whole scenario.
    async fn drive_play(
        &mut self,
        family: &Family,
        script: &Script,
        handle: ConsentHandle,
        input: &ActorInput,
    ) -> Result<(), EarlyEnd> {
        let after = last_seq(&self.world);
        for step in &script.plan.steps {
            self.run_action(handle, step.action.clone())?;
            self.wait_until_silent().await;
        }
        if let Some(op) = family.op {
            self.await_call(handle, op, after, input).await?;
        }
        self.wait_for_absence().await;
        Ok(())
    }

    /// Checks that the FIU does, with correct messages, what a case expects it to leave.
    async fn check_base(&mut self, family: &Family) -> Result<(), EarlyEnd> {
        let has_trigger = self.settings.trigger_consent.is_some();
        if !family.needs_fiu() {
            return if has_trigger {
                Ok(())
            } else {
                self.check_accepted(NotificationKind::ConsentStatus)
            };
        }
        if self.shared.origin == ConsentOrigin::Sandbox || !has_trigger {
            return Err(self.explain_missing_consent());
        }
        if let (Some(Display::Failure), Some(shown)) = (family.shows, self.base.shown)
            && shown != Display::Data
        {
            return Err(EarlyEnd(format!(
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

    fn check_called(&self, op: Operation) -> Result<(), EarlyEnd> {
        if self.base.calls.contains(&op) {
            return Ok(());
        }
        Err(EarlyEnd(format!(
            "the control is not met: with correct answers your FIU has not made the call {op} either; give \
             --trigger-fetch, or a longer --wait"
        )))
    }

    fn check_accepted(&self, event: NotificationKind) -> Result<(), EarlyEnd> {
        if self.base.notifications.contains(&event) {
            return Ok(());
        }
        Err(EarlyEnd(format!(
            "the control is not met: your FIU has not accepted a correct notification {event}; the cases that \
             it has to accept show why"
        )))
    }

    /// Checks that the FIU asks for the status of a consent, and goes on with a correct answer.
    async fn check_polling(&mut self) -> Result<(), EarlyEnd> {
        if self.polls.is_none() {
            let polls = self.play_polling_control().await?;
            self.polls = Some(polls);
        }
        if self.polls == Some(true) {
            return Ok(());
        }
        Err(EarlyEnd(
            "the control is not met: without a notification your FIU does not ask for the status and fetch \
             the artefact; let --trigger-fetch do it"
                .to_owned(),
        ))
    }

    async fn play_polling_control(&mut self) -> Result<bool, EarlyEnd> {
        let plan = parse(POLLING_CONTROL).expect("the control is valid");
        let approve = plan.steps.first().map(|step| step.action.clone());
        let mut input = self.next_input("control of status requests");
        input.hides_consent_id = true;
        let after = last_seq(&self.world);
        let handle = self
            .raise_under(plan, POLLING_CONTROL, &input, after)
            .await?;
        self.wait_until_silent().await;
        self.run_action(handle, approve.expect("it has a step"))?;
        let call = self.await_call(handle, Operation::ConsentFetch, after, &input);
        Ok(call.await.is_ok())
    }

    /// Asks the probe for what the FIU shows, where the case is about that.
    async fn judge_display(
        &self,
        family: &Family,
        handle: ConsentHandle,
        input: &ActorInput,
        mut judgement: Judgement,
    ) -> Result<Judgement, EarlyEnd> {
        let Some(expected) = family
            .shows
            .filter(|_| judgement.outcome == Outcome::Passed)
        else {
            return Ok(judgement);
        };
        let shown = self.ask_probe(handle, input, expected).await;
        let shown = shown.map_err(|error| EarlyEnd(format!("{error:#}")))?;
        let Some(shown) = shown else {
            if family.needs_probe() {
                let consent = self.input_about(handle, input);
                let question = family.question.as_deref().unwrap_or("Is it shown?");
                judgement.outcome = Outcome::NeedsPerson;
                judgement.reasons.push(format!(
                    "{question} The consent is {handle} of {}. --probe answers it.",
                    consent.customer
                ));
            }
            return Ok(judgement);
        };
        if shown != expected {
            judgement.outcome = Outcome::Failed;
            judgement.reasons.push(format!(
                "expected the FIU to show {expected}; the probe answers {shown}"
            ));
        }
        Ok(judgement)
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
            let input = self.input_about(handle, input);
            let answer = probe.invoke(&self.client, &input).await;
            let shown = answer
                .map_err(anyhow::Error::new)
                .and_then(|answer| parse_display(&answer))
                .context("--probe")?;
            if shown != Display::Waiting || shown == expected || Instant::now() >= deadline {
                return Ok(Some(shown));
            }
            self.wait_until_silent().await;
        }
    }
}
