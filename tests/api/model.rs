//! A world against a model of twenty lines, by random deeds over HTTP: only legal moves are made, each is told once, the
//! journal's events rebuild the state, webhooks of a consent keep their order, none is lost, and none follows a
//! revocation, unless a fault says otherwise.

use std::collections::BTreeMap;

use mockaa::domain::webhook_fault::WebhookFaultName;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::helpers::TestApp;
use crate::inbox::Message;

/// A state, a verb, the next state, the events of the move, the status that the FIU is told. Written down here a second
/// time, on purpose. ReBIT has no word for FAILED.
type Move = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    Option<&'static str>,
);
const MOVES: [Move; 20] = [
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
    // What time does where nobody else does.
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
/// Consents expire after this many days, so that the clock of a run passes some of them.
const EXPIRES_AFTER: u64 = 20;

#[derive(Clone, Debug)]
enum Deed {
    Raise,
    Do { consent: usize, verb: &'static str },
    Wait { days: u64 },
    Misbehave(Option<WebhookFaultName>),
}

#[derive(Clone, Debug, PartialEq)]
struct Told {
    status: &'static str,
    fault: Option<WebhookFaultName>,
}

#[derive(Clone, Debug)]
struct Known {
    state: &'static str,
    raised_on: u64,
    events: Vec<&'static str>,
    told: Vec<Told>,
}

#[derive(Clone, Debug, Default)]
struct Model {
    day: u64,
    fault: Option<WebhookFaultName>,
    consents: Vec<Known>,
    /// Whether the last deed was legal.
    legal: bool,
}

impl Model {
    fn act(&mut self, consent: usize, verb: &str) -> bool {
        let fault = self.fault;
        let known = &mut self.consents[consent];
        let found = MOVES
            .iter()
            .find(|(state, given, ..)| *state == known.state && *given == verb);
        let Some((_, _, next, events, told)) = found else {
            return false;
        };
        known.state = next;
        known.events.extend(*events);
        known.told.extend(told.map(|status| Told { status, fault }));
        // Whoever approves without holding it puts it in force.
        verb != "approve" || self.act(consent, "activate")
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Deed;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Deed> {
        prop_oneof![
            2 => Just(Deed::Raise),
            8 => (0usize..4, prop::sample::select(&VERBS[..])).prop_map(|(consent, verb)| Deed::Do { consent, verb }),
            1 => (1u64..15).prop_map(|days| Deed::Wait { days }),
            1 => prop::option::of(prop::sample::select(&FAULTS[..])).prop_map(Deed::Misbehave),
        ]
        .boxed()
    }

    fn apply(mut model: Self, deed: &Deed) -> Self {
        model.legal = true;
        match deed {
            Deed::Raise => {
                model.consents.push(Known {
                    state: "PENDING",
                    raised_on: model.day,
                    events: vec!["consent.raised"],
                    told: Vec::new(),
                });
            }
            Deed::Do { consent, verb } => model.legal = model.act(*consent, verb),
            Deed::Wait { days } => {
                model.day += days;
                for consent in 0..model.consents.len() {
                    if model.consents[consent].raised_on + EXPIRES_AFTER < model.day {
                        model.act(consent, "time");
                    }
                }
            }
            Deed::Misbehave(fault) => model.fault = *fault,
        }
        model
    }

    fn preconditions(model: &Self, deed: &Deed) -> bool {
        !matches!(deed, Deed::Do { consent, .. } if *consent >= model.consents.len())
    }
}

struct World {
    app: TestApp,
    handles: Vec<String>,
    arrived: Vec<Message>,
}

impl World {
    async fn apply(&mut self, model: &Model, deed: Deed) {
        let app = &mut self.app;
        match deed {
            Deed::Raise => {
                let now = app.get("/_mockaa/v1/clock").await.ok()["now"]
                    .as_str()
                    .expect("a time")
                    .to_owned();
                let now = chrono::DateTime::parse_from_rfc3339(&now).expect("an instant");
                let expiry = now
                    + chrono::Duration::days(EXPIRES_AFTER.cast_signed())
                    + chrono::Duration::hours(12);
                let text =
                    |at: chrono::DateTime<_>| at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
                let handle = app.raise(|body| {
                    body["timestamp"] = text(now).into();
                    body["ConsentDetail"]["consentExpiry"] = text(expiry).into();
                });
                self.handles.push(handle.await);
            }
            Deed::Do { consent, verb } => {
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
                    verb => app.act(handle, verb).await,
                };
                assert_eq!(
                    reply.status,
                    if model.legal { 200 } else { 409 },
                    "{verb}: {}",
                    reply.text
                );
            }
            Deed::Wait { days } => {
                app.advance(&format!("P{days}D")).await;
            }
            Deed::Misbehave(fault) => {
                let put = match fault {
                    Some(fault) => {
                        let body = json!({ "webhooks": [{ "fault": { fault.as_str(): {} } }] });
                        app.request(Method::PUT, "/_mockaa/v1/faults/model")
                            .json(&body)
                    }
                    None => app.request(Method::DELETE, "/_mockaa/v1/faults"),
                };
                app.send(put).await.ok();
            }
        }
        // What is due now has arrived when this answers.
        app.advance("0s").await;
        self.arrived.extend(app.fiu.arrived());
    }

    async fn compare(&self, model: &Model) {
        let listed = self.app.get("/_mockaa/v1/consents").await.ok();
        let mut live = BTreeMap::new();
        for consent in listed["items"].as_array().expect("a list") {
            live.insert(text(&consent["consentHandle"]), text(&consent["state"]));
        }
        let expected: BTreeMap<_, _> = self
            .handles
            .iter()
            .cloned()
            .zip(model.consents.iter().map(|known| known.state.to_owned()))
            .collect();
        assert_eq!(live, expected);
    }

    /// The laws of a whole run.
    async fn judge(&mut self, model: &Model) {
        // What is late arrives; consents expire at another hour, so none does now.
        self.app.advance("2h").await;
        self.arrived.extend(self.app.fiu.arrived());
        let journal = self.app.journal().await;
        let deliveries = self.app.deliveries().await;
        for (handle, known) in self.handles.iter().zip(&model.consents) {
            let events = journal
                .iter()
                .filter(|entry| entry["consentHandle"] == **handle);
            let events: Vec<_> = events.filter_map(|entry| entry["kind"].as_str()).collect();
            assert_eq!(
                events, known.events,
                "one event for each move, and none else"
            );
            let rebuilt = events.iter().rev().find_map(|event| {
                let states = [("consent.raised", "PENDING")].into_iter();
                let mut states = states.chain(
                    MOVES
                        .iter()
                        .filter(|found| found.1 != "deliver")
                        .map(|found| (found.3[0], found.2)),
                );
                states.find(|(name, _)| name == event)
            });
            assert_eq!(
                rebuilt.expect("it was raised").1,
                known.state,
                "the events rebuild the state"
            );

            let mine: Vec<_> = deliveries
                .iter()
                .filter(|delivery| delivery["consentHandle"] == **handle)
                .collect();
            let is_mine = |message: &&Message| {
                mine.iter()
                    .any(|mine| mine["webhookId"] == message.header("webhook-id"))
            };
            let arrived: Vec<_> = self.arrived.iter().filter(is_mine).map(status).collect();
            let due = known.told.iter().flat_map(|told| {
                let times = match told.fault {
                    Some(WebhookFaultName::Drop) => 0,
                    Some(WebhookFaultName::Duplicate) => 2,
                    _ => 1,
                };
                vec![told.status.to_owned(); times]
            });
            let due: Vec<_> = due.collect();
            let sorted = |list: &[String]| {
                let mut list = list.to_vec();
                list.sort();
                list
            };
            assert_eq!(
                sorted(&arrived),
                sorted(&due),
                "nothing is lost or told twice unless a fault says so"
            );
            if known
                .told
                .iter()
                .all(|told| told.fault != Some(WebhookFaultName::Late))
            {
                assert_eq!(
                    arrived, due,
                    "webhooks of a consent keep their order; none follows a revocation"
                );
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn status(message: &Message) -> String {
    match message.path.as_str() {
        "/Consent/Notification" => {
            text(&message.json()["ConsentStatusNotification"]["consentStatus"])
        }
        _ => "FI".to_owned(),
    }
}

/// A world, and what drives it.
struct Run {
    runtime: Runtime,
    world: World,
}

impl StateMachineTest for Run {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(_: &Model) -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let app = runtime.block_on(TestApp::with(|builder| builder.push_data(false)));
        Self {
            runtime,
            world: World {
                app,
                handles: Vec::new(),
                arrived: Vec::new(),
            },
        }
    }

    fn apply(mut run: Self, model: &Model, deed: Deed) -> Self {
        run.runtime.block_on(run.world.apply(model, deed));
        run.runtime.block_on(run.world.compare(model));
        run
    }

    fn teardown(mut run: Self, model: Model) {
        run.runtime.block_on(run.world.judge(&model));
        // What it has started ends within its runtime.
        let _within = run.runtime.enter();
        drop(run.world);
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_world_behaves_as_its_model(sequential 10..50 => Run);
}
