//! Compares a world with a small model by random actions over HTTP. Invariants: only legal
//! transitions happen, each is notified once, the events of the journal reproduce the state,
//! webhooks of a consent keep their order, none is lost, and none follows a revocation, unless a
//! fault changes this.

use std::collections::BTreeMap;

use mockaa::internals::domain::webhook_fault::WebhookFaultName;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::helpers::TestApp;
use crate::inbox::Message;

/// A state, a verb, the next state, the events of the transition, the status that the FIU is
/// notified of. Repeated here on purpose, independently of the code. ReBIT has no status for
/// FAILED.
type ModelTransition = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    Option<&'static str>,
);
const TRANSITIONS: [ModelTransition; 20] = [
    ("PENDING", "approve", "READY", &["consent.ready"], None),
    ("PENDING", "hold", "READY", &["consent.ready"], None),
    (
        "PENDING",
        "reject",
        "REJECTED",
        &["consent.rejected"],
        Some("REJECTED"),
    ),
    (
        "PENDING",
        "fail",
        "FAILED",
        &["consent.failed"],
        Some("REJECTED"),
    ),
    (
        "PENDING",
        "expire",
        "EXPIRED",
        &["consent.expired"],
        Some("EXPIRED"),
    ),
    (
        "READY",
        "activate",
        "ACTIVE",
        &["consent.active"],
        Some("ACTIVE"),
    ),
    (
        "READY",
        "fail",
        "FAILED",
        &["consent.failed"],
        Some("REJECTED"),
    ),
    (
        "READY",
        "revoke",
        "REVOKED",
        &["consent.revoked"],
        Some("REVOKED"),
    ),
    (
        "READY",
        "expire",
        "EXPIRED",
        &["consent.expired"],
        Some("EXPIRED"),
    ),
    (
        "ACTIVE",
        "pause",
        "PAUSED",
        &["consent.paused"],
        Some("PAUSED"),
    ),
    (
        "ACTIVE",
        "revoke",
        "REVOKED",
        &["consent.revoked"],
        Some("REVOKED"),
    ),
    (
        "ACTIVE",
        "expire",
        "EXPIRED",
        &["consent.expired"],
        Some("EXPIRED"),
    ),
    (
        "ACTIVE",
        "deliver",
        "ACTIVE",
        &["fi.requested", "fi.prepared"],
        Some("FI"),
    ),
    (
        "PAUSED",
        "resume",
        "ACTIVE",
        &["consent.resumed"],
        Some("ACTIVE"),
    ),
    (
        "PAUSED",
        "revoke",
        "REVOKED",
        &["consent.revoked"],
        Some("REVOKED"),
    ),
    (
        "PAUSED",
        "expire",
        "EXPIRED",
        &["consent.expired"],
        Some("EXPIRED"),
    ),
    // Transitions that happen by time alone.
    (
        "PENDING",
        "time",
        "EXPIRED",
        &["consent.expired"],
        Some("EXPIRED"),
    ),
    (
        "READY",
        "time",
        "EXPIRED",
        &["consent.expired"],
        Some("EXPIRED"),
    ),
    (
        "ACTIVE",
        "time",
        "EXPIRED",
        &["consent.expired"],
        Some("EXPIRED"),
    ),
    (
        "PAUSED",
        "time",
        "EXPIRED",
        &["consent.expired"],
        Some("EXPIRED"),
    ),
];
const VERBS: [&str; 10] = [
    "approve", "hold", "activate", "reject", "fail", "pause", "resume", "revoke", "expire",
    "deliver",
];
const FAULTS: [WebhookFaultName; 3] = [
    WebhookFaultName::Drop,
    WebhookFaultName::Duplicate,
    WebhookFaultName::Late,
];
/// Consents expire after this many days, so that some of them expire within a run.
const EXPIRES_AFTER_DAYS: u64 = 20;

#[derive(Clone, Debug)]
enum Action {
    Raise,
    Apply { consent: usize, verb: &'static str },
    Advance { days: u64 },
    SetFault(Option<WebhookFaultName>),
}

#[derive(Clone, Debug, PartialEq)]
struct ExpectedWebhook {
    status: &'static str,
    fault: Option<WebhookFaultName>,
}

#[derive(Clone, Debug)]
struct ModelConsent {
    state: &'static str,
    raised_on: u64,
    events: Vec<&'static str>,
    webhooks: Vec<ExpectedWebhook>,
}

#[derive(Clone, Debug, Default)]
struct Model {
    day: u64,
    fault: Option<WebhookFaultName>,
    consents: Vec<ModelConsent>,
    /// `true` if the last action was legal.
    legal: bool,
}

impl Model {
    fn apply_verb(&mut self, consent: usize, verb: &str) -> bool {
        let fault = self.fault;
        let model_consent = &mut self.consents[consent];
        let transition = TRANSITIONS.iter().find(|(state, transition_verb, ..)| {
            *state == model_consent.state && *transition_verb == verb
        });
        let Some((_, _, next, events, notified_status)) = transition else {
            return false;
        };
        model_consent.state = next;
        model_consent.events.extend(*events);
        model_consent
            .webhooks
            .extend(notified_status.map(|status| ExpectedWebhook { status, fault }));
        // An approval without hold activates the consent as well.
        verb != "approve" || self.apply_verb(consent, "activate")
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Action;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Action> {
        prop_oneof![
            2 => Just(Action::Raise),
            8 => (0usize..4, prop::sample::select(&VERBS[..])).prop_map(|(consent, verb)| Action::Apply { consent, verb }),
            1 => (1u64..15).prop_map(|days| Action::Advance { days }),
            1 => prop::option::of(prop::sample::select(&FAULTS[..])).prop_map(Action::SetFault),
        ]
        .boxed()
    }

    fn apply(mut model: Self, action: &Action) -> Self {
        model.legal = true;
        match action {
            Action::Raise => {
                model.consents.push(ModelConsent {
                    state: "PENDING",
                    raised_on: model.day,
                    events: vec!["consent.raised"],
                    webhooks: Vec::new(),
                });
            }
            Action::Apply { consent, verb } => model.legal = model.apply_verb(*consent, verb),
            Action::Advance { days } => {
                model.day += days;
                for consent in 0..model.consents.len() {
                    if model.consents[consent].raised_on + EXPIRES_AFTER_DAYS < model.day {
                        model.apply_verb(consent, "time");
                    }
                }
            }
            Action::SetFault(fault) => model.fault = *fault,
        }
        model
    }

    fn preconditions(model: &Self, action: &Action) -> bool {
        !matches!(action, Action::Apply { consent, .. } if *consent >= model.consents.len())
    }
}

struct LiveWorld {
    app: TestApp,
    handles: Vec<String>,
    messages: Vec<Message>,
}

impl LiveWorld {
    async fn apply_action(&mut self, model: &Model, action: Action) {
        let app = &mut self.app;
        match action {
            Action::Raise => {
                let now = app.get("/_mockaa/v1/clock").await.expect_ok()["now"]
                    .as_str()
                    .expect("a time")
                    .to_owned();
                let now = chrono::DateTime::parse_from_rfc3339(&now).expect("an instant");
                let expiry = now
                    + chrono::Duration::days(EXPIRES_AFTER_DAYS.cast_signed())
                    + chrono::Duration::hours(12);
                let text =
                    |at: chrono::DateTime<_>| at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
                let handle = app.raise_consent(|body| {
                    body["timestamp"] = text(now).into();
                    body["ConsentDetail"]["consentExpiry"] = text(expiry).into();
                });
                self.handles.push(handle.await);
            }
            Action::Apply { consent, verb } => {
                let handle = &self.handles[consent];
                let consents = "/_mockaa/v1/consents";
                let reply = match verb {
                    "hold" => {
                        app.post(
                            &format!("{consents}/{handle}/approve"),
                            &json!({ "hold": true }),
                        )
                        .await
                    }
                    "deliver" => {
                        app.post(
                            &format!("{consents}/{handle}/play"),
                            &json!({ "deliver": {} }),
                        )
                        .await
                    }
                    verb => app.apply_verb(handle, verb).await,
                };
                assert_eq!(
                    reply.status,
                    if model.legal { 200 } else { 409 },
                    "{verb}: {}",
                    reply.text
                );
            }
            Action::Advance { days } => {
                app.advance_clock(&format!("P{days}D")).await;
            }
            Action::SetFault(fault) => {
                let request = match fault {
                    Some(fault) => {
                        let body = json!({ "webhooks": [{ "fault": { fault.as_str(): {} } }] });
                        app.request(Method::PUT, "/_mockaa/v1/faults/model")
                            .json(&body)
                    }
                    None => app.request(Method::DELETE, "/_mockaa/v1/faults"),
                };
                app.send(request).await.expect_ok();
            }
        }
        // The call returns when all webhooks due now have arrived.
        app.advance_clock("0s").await;
        self.messages.extend(app.fiu.drain_messages());
    }

    async fn assert_matches_model(&self, model: &Model) {
        let listed = self.app.get("/_mockaa/v1/consents").await.expect_ok();
        let mut actual = BTreeMap::new();
        for consent in listed["items"].as_array().expect("a list") {
            actual.insert(
                expect_text(&consent["consentHandle"]),
                expect_text(&consent["state"]),
            );
        }
        let expected: BTreeMap<_, _> = self
            .handles
            .iter()
            .cloned()
            .zip(
                model
                    .consents
                    .iter()
                    .map(|model_consent| model_consent.state.to_owned()),
            )
            .collect();
        assert_eq!(actual, expected);
    }

    /// Checks the invariants of a whole run.
    async fn check_invariants(&mut self, model: &Model) {
        // Delayed webhooks arrive within two hours. Consents expire at another time of day, so none
        // expires now.
        self.app.advance_clock("2h").await;
        self.messages.extend(self.app.fiu.drain_messages());
        let journal = self.app.read_journal_events().await;
        let deliveries = self.app.list_deliveries().await;
        for (handle, model_consent) in self.handles.iter().zip(&model.consents) {
            let events = journal
                .iter()
                .filter(|entry| entry["consentHandle"] == **handle && entry["kind"] != "note");
            let events: Vec<_> = events.filter_map(|entry| entry["kind"].as_str()).collect();
            assert_eq!(
                events, model_consent.events,
                "exactly the events of the transitions"
            );
            let last_state = events.iter().rev().find_map(|event| {
                let states = [("consent.raised", "PENDING")].into_iter();
                let mut states = states.chain(
                    TRANSITIONS
                        .iter()
                        .filter(|transition| transition.1 != "deliver")
                        .map(|transition| (transition.3[0], transition.2)),
                );
                states.find(|(name, _)| name == event)
            });
            assert_eq!(
                last_state.expect("the consent was raised").1,
                model_consent.state,
                "the events reproduce the state"
            );

            let consent_deliveries: Vec<_> = deliveries
                .iter()
                .filter(|delivery| delivery["consentHandle"] == **handle)
                .collect();
            let received: Vec<_> = self
                .messages
                .iter()
                .filter(|message| {
                    consent_deliveries
                        .iter()
                        .any(|delivery| delivery["webhookId"] == message.header("webhook-id"))
                })
                .map(webhook_status)
                .collect();
            let expected = model_consent.webhooks.iter().flat_map(|webhook| {
                let times = match webhook.fault {
                    Some(WebhookFaultName::Drop) => 0,
                    Some(WebhookFaultName::Duplicate) => 2,
                    _ => 1,
                };
                vec![webhook.status.to_owned(); times]
            });
            let expected: Vec<_> = expected.collect();
            let sorted = |list: &[String]| {
                let mut list = list.to_vec();
                list.sort();
                list
            };
            assert_eq!(
                sorted(&received),
                sorted(&expected),
                "no webhook is lost or repeated without a fault"
            );
            if model_consent
                .webhooks
                .iter()
                .all(|webhook| webhook.fault != Some(WebhookFaultName::Late))
            {
                assert_eq!(
                    received, expected,
                    "webhooks of a consent keep their order; none follows a revocation"
                );
            }
        }
    }
}

fn expect_text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn webhook_status(message: &Message) -> String {
    match message.path.as_str() {
        "/Consent/Notification" => {
            expect_text(&message.json()["ConsentStatusNotification"]["consentStatus"])
        }
        _ => "FI".to_owned(),
    }
}

/// The system under test: a world with its runtime.
struct ModelRun {
    runtime: Runtime,
    world: LiveWorld,
}

impl StateMachineTest for ModelRun {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(_: &Model) -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let app = runtime.block_on(TestApp::start_with(|builder| builder.push_data(false)));
        Self {
            runtime,
            world: LiveWorld {
                app,
                handles: Vec::new(),
                messages: Vec::new(),
            },
        }
    }

    fn apply(mut run: Self, model: &Model, action: Action) -> Self {
        run.runtime.block_on(run.world.apply_action(model, action));
        run.runtime.block_on(run.world.assert_matches_model(model));
        run
    }

    fn teardown(mut run: Self, model: Model) {
        run.runtime.block_on(run.world.check_invariants(&model));
        // Tasks that the world has started must end inside its runtime.
        let _guard = run.runtime.enter();
        drop(run.world);
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_world_behaves_as_its_model(sequential 10..50 => ModelRun);
}
