//! What a scenario says in vain: steps that can never fire, faults that match nothing. A consent's automaton is small
//! enough to be walked completely, so this is found before anything is run.
//!
//! The walk assumes that nobody but the scenario acts. What is impossible whoever acts, because the consent has ended, is
//! an error; what would need somebody else's doing is a warning.

use std::collections::BTreeSet;

use crate::domain::api_fault::{ApiFault, ApiFaultRule};
use crate::domain::command::ConsentAction;
use crate::domain::consent::{Input, Status};
use crate::domain::event::EventName;
use crate::domain::naming::wire_enum;
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::session::ApprovalMode;
use crate::domain::time::Millis;
use crate::domain::unaport::RECORDED_APPROVAL_DELAY;
use crate::domain::webhook_fault::{WebhookFault, WebhookFaultRule};
use crate::engine::outbox::BACKOFF_SCHEDULE;
use crate::scenario::format::Fault;
use crate::scenario::plan::{Action, Place, Plan};

wire_enum! {
    /// How bad a finding is.
    Severity { Error = "error", Warning = "warning" }
}

/// Something that is said in vain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub fault: Fault,
    pub severity: Severity,
}

/// No consent lasts that long, and no clock goes on for ever.
const LONGEST: Millis = Millis::from_secs(100 * 366 * 86_400);

/// Everything that a plan says in vain, by place.
pub fn lint(plan: &Plan) -> Vec<Finding> {
    let mut walk = Walk {
        plan,
        findings: Vec::new(),
        told: BTreeSet::new(),
    };
    walk.steps();
    walk.rules();
    walk.faults();
    walk.findings.sort();
    walk.findings
}

struct Walk<'a> {
    plan: &'a Plan,
    findings: Vec<Finding>,
    /// The statuses that the scenario brings about.
    told: BTreeSet<Status>,
}

/// Where a consent may stand, and since when.
#[derive(Clone, Debug)]
struct Standing {
    states: BTreeSet<Status>,
    /// The line that brought it there; 0 at the beginning.
    since: u64,
    /// The customer has left, on this line.
    gone: Option<u64>,
}

impl Walk<'_> {
    fn say(&mut self, severity: Severity, place: Place, message: String) {
        let Place { line, column } = place;
        self.findings.push(Finding {
            fault: Fault {
                line,
                column,
                message,
            },
            severity,
        });
    }

    fn steps(&mut self) {
        let plan = self.plan;
        let mut standing = Standing {
            states: BTreeSet::from([Status::Pending]),
            since: 0,
            gone: None,
        };
        let implied = plan.approval.and_then(|approval| match approval {
            ApprovalMode::Manual => None,
            ApprovalMode::Immediate => Some(Millis::ZERO),
            ApprovalMode::Timed => Some(RECORDED_APPROVAL_DELAY),
        });
        let mut implied = implied.map(|at| (at, plan.place.line));
        self.told.insert(Status::Pending);
        self.follow_rules(&mut standing, EventName::ConsentRaised);
        for (step, number) in plan.steps.iter().zip(1..) {
            // What is due at the same instant comes in the order in which it was asked for: `consent` first.
            if let Some((_, line)) = implied.take_if(|(at, _)| *at <= step.at) {
                self.go(&mut standing, Input::Approve, line);
                self.go(&mut standing, Input::Activate, line);
            }
            if step.at > LONGEST {
                let message = format!(
                    "step {number} is due more than 100 years after the consent was raised"
                );
                self.say(Severity::Error, step.place, message);
            }
            self.step(
                &mut standing,
                &step.action,
                &format!("step {number}"),
                step.place,
            );
        }
        if let Some((_, line)) = implied {
            self.go(&mut standing, Input::Approve, line);
            self.go(&mut standing, Input::Activate, line);
        }
    }

    fn step(&mut self, standing: &mut Standing, action: &Action, name: &str, place: Place) {
        let line = place.line;
        if let Some(gone) = standing.gone {
            let message = format!(
                "{name}, line {line}, can never fire: the customer has left since line {gone}"
            );
            self.say(Severity::Error, place, message);
            return;
        }
        match action {
            Action::Move(verb) => {
                let possible = standing
                    .states
                    .iter()
                    .any(|status| status.transition_on(verb.input()).is_some());
                if !possible {
                    let reachable = reachable(&standing.states)
                        .iter()
                        .any(|status| status.transition_on(verb.input()).is_some());
                    self.in_vain(standing, (name, place), verb.input().as_str(), reachable);
                    return;
                }
                self.go(standing, verb.input(), line);
                if matches!(verb, ConsentAction::Approve { hold: false, .. }) {
                    self.go(standing, Input::Activate, line);
                }
            }
            Action::Deliver(_) => {
                if !standing.states.contains(&Status::Active) {
                    let reachable = reachable(&standing.states).contains(&Status::Active);
                    self.in_vain(standing, (name, place), "deliver under", reachable);
                }
            }
            // No account is left: a consent that has any is revoked.
            Action::DelinkAll { fip: None }
                if standing
                    .states
                    .iter()
                    .all(|status| *status != Status::Pending) =>
            {
                self.go(standing, Input::Revoke, line);
            }
            Action::DelinkAccount { .. } | Action::DelinkAll { .. } => {
                // Consents that name the account are revoked.
                let revoked = standing
                    .states
                    .iter()
                    .filter_map(|status| status.transition_on(Input::Revoke));
                let revoked: Vec<_> = revoked.collect();
                self.told.extend(&revoked);
                standing.states.extend(revoked);
            }
            Action::Deregister => standing.gone = Some(line),
            Action::Link { .. } | Action::Notify(_) | Action::Adjust(_) => {}
        }
    }

    /// A verb that finds no state in which it is legal; `reachable`: somebody else could bring one about.
    fn in_vain(
        &mut self,
        standing: &Standing,
        (name, place): (&str, Place),
        verb: &str,
        reachable: bool,
    ) {
        let states: Vec<_> = standing
            .states
            .iter()
            .map(|status| status.as_str())
            .collect();
        let since = match standing.since {
            0 => "from the beginning".to_owned(),
            line => format!("since line {line}"),
        };
        let line = place.line;
        let states = states.join(" or ");
        if reachable {
            let message = format!(
                "{name}, line {line}, fires only if somebody else moves the consent: it is {states} {since}, and nobody can \
                 {verb} it then"
            );
            self.say(Severity::Warning, place, message);
        } else {
            let message =
                format!("{name}, line {line}, can never fire: the consent is {states} {since}");
            self.say(Severity::Error, place, message);
        }
    }

    /// The consent moves, and rules that answer that may move it on.
    fn go(&mut self, standing: &mut Standing, input: Input, line: u64) {
        let after: BTreeSet<Status> = standing
            .states
            .iter()
            .filter_map(|status| status.transition_on(input))
            .collect();
        if after.is_empty() {
            return;
        }
        self.told.extend(&after);
        standing.states = after;
        standing.since = line;
        for event in events_of(input) {
            self.follow_rules(standing, event);
        }
    }

    /// Rules that answer an event may fire, at some time: both what was and what comes of them is possible.
    fn follow_rules(&mut self, standing: &mut Standing, event: EventName) {
        let mut open = vec![event];
        let mut seen = BTreeSet::new();
        while let Some(event) = open.pop() {
            if !seen.insert(event) {
                continue;
            }
            for rule in self.plan.rules.iter().filter(|rule| rule.on == event) {
                let Action::Move(verb) = &rule.action else {
                    continue;
                };
                let mut inputs = vec![verb.input()];
                if matches!(verb, ConsentAction::Approve { hold: false, .. }) {
                    inputs.push(Input::Activate);
                }
                for input in inputs {
                    let after: Vec<_> = standing
                        .states
                        .iter()
                        .filter_map(|status| status.transition_on(input))
                        .collect();
                    if !after.is_empty() {
                        self.told.extend(&after);
                        standing.states.extend(after);
                        open.extend(events_of(input));
                    }
                }
            }
            // What the FIU asks for once the consent is in force, and what FIPs answer.
            if event == EventName::ConsentActive {
                open.extend([
                    EventName::FiRequested,
                    EventName::FiPrepared,
                    EventName::FiFetched,
                ]);
            }
        }
    }

    /// A rule that answers an end has nothing left to move.
    fn rules(&mut self) {
        for (rule, number) in self.plan.rules.iter().zip(1..) {
            let Some(status) =
                status_after(rule.on).filter(|status| status.legal_inputs().next().is_none())
            else {
                continue;
            };
            let moves = matches!(rule.action, Action::Move(_) | Action::Deliver(_));
            if moves {
                let line = rule.place.line;
                let message = format!(
                    "rule {number}, line {line}, can never fire: after {} the consent is {status}",
                    rule.on
                );
                self.say(Severity::Error, rule.place, message);
            }
        }
    }

    fn faults(&mut self) {
        let plan = self.plan;
        let places: Vec<_> = plan.fault_places.clone();
        let (of_webhooks, of_answers) =
            places.split_at(plan.faults.webhooks.len().min(places.len()));
        for (rule, place) in plan.faults.webhooks.iter().zip(of_webhooks) {
            self.webhook_fault(rule, *place);
        }
        for (rule, place) in plan.faults.api.iter().zip(of_answers) {
            self.api_fault(rule, *place);
        }
    }

    fn webhook_fault(&mut self, rule: &WebhookFaultRule, place: Place) {
        let WebhookFaultRule {
            selector: place_of,
            fault,
        } = rule;
        let attempts = u32::try_from(BACKOFF_SCHEDULE.len()).unwrap_or(u32::MAX);
        if place_of.attempts.first > attempts {
            let message =
                format!("matches nothing: a webhook is attempted {attempts} times at most");
            self.say(Severity::Error, place, message);
        }
        if let WebhookFault::Late { by } | WebhookFault::Reorder { within: by } = fault
            && *by > LONGEST
        {
            self.say(
                Severity::Error,
                place,
                format!("{} by more than 100 years is never sent", fault.name()),
            );
        }
        let told = place_of.status.as_deref().and_then(Status::parse);
        let of_consents = place_of
            .event
            .is_none_or(|event| event == NotificationKind::ConsentStatus);
        // A request that nobody answers, and a consent, end by themselves one day.
        if let Some(status) = told.filter(|status| of_consents && *status != Status::Expired)
            && !self.told.contains(&status)
        {
            let message = format!(
                "matches nothing unless somebody else moves the consent: here it is never {status}"
            );
            self.say(Severity::Warning, place, message);
        }
        let delivers = matches!(
            place_of.event,
            Some(NotificationKind::FiStatus | NotificationKind::FiData)
        );
        if delivers && !self.told.contains(&Status::Active) {
            let message = "matches nothing unless somebody else moves the consent: here it is never ACTIVE, so no data is asked for";
            self.say(Severity::Warning, place, message.to_owned());
        }
    }

    fn api_fault(&mut self, rule: &ApiFaultRule, place: Place) {
        let ApiFaultRule {
            selector: place_of,
            fault,
        } = rule;
        if place_of.per_mille == 0 {
            self.say(
                Severity::Error,
                place,
                "matches nothing: its probability is 0".to_owned(),
            );
        }
        let Some(op) = place_of.op else { return };
        if !op.has_subject() {
            let message = format!(
                "matches nothing: {op} is about no consent, and so about none of this scenario; put it in force for the whole \
                 world with PUT /_mockaa/v1/faults/NAME"
            );
            self.say(Severity::Error, place, message);
        }
        let seed_only = self
            .plan
            .casting
            .as_ref()
            .is_some_and(|(casting, _)| casting.apis == ["seed"]);
        if seed_only && !matches!(op, Operation::ConsentCreate | Operation::ConsentFetch) {
            let message =
                format!("matches nothing: the seed face, which match asks for, has no {op}");
            self.say(Severity::Error, place, message);
        }
        if let (Some(customer), Some((casting, _))) = (&place_of.customer, &self.plan.casting)
            && !casting.customers.is_empty()
            && !casting.customers.iter().any(|glob| glob.overlaps(customer))
        {
            self.say(
                Severity::Error,
                place,
                format!("matches nothing: no customer of match is {customer}"),
            );
        }
        if matches!(fault, ApiFault::TamperedConsent(_))
            && !matches!(op, Operation::ConsentFetch | Operation::ConsentStatus)
        {
            self.say(
                Severity::Error,
                place,
                format!("changes nothing: answers of {op} have no signed consent"),
            );
        }
    }
}

/// Where a consent can come to, whoever moves it.
fn reachable(from: &BTreeSet<Status>) -> BTreeSet<Status> {
    let mut reached = from.clone();
    let mut open: Vec<Status> = from.iter().copied().collect();
    while let Some(status) = open.pop() {
        let next = Input::ALL
            .iter()
            .filter_map(|input| status.transition_on(*input));
        open.extend(next.filter(|next| reached.insert(*next)));
    }
    reached
}

/// The events that a move is.
fn events_of(input: Input) -> Vec<EventName> {
    match input {
        Input::Approve => vec![EventName::ConsentReady],
        Input::Activate => vec![EventName::ConsentActive],
        Input::Reject => vec![EventName::ConsentRejected],
        Input::Fail => vec![EventName::ConsentFailed],
        Input::Pause => vec![EventName::ConsentPaused],
        Input::Resume => vec![EventName::ConsentResumed],
        Input::Revoke => vec![EventName::ConsentRevoked],
        Input::Expire => vec![EventName::ConsentExpired],
    }
}

/// Where a consent stands when an event has just happened to it.
fn status_after(event: EventName) -> Option<Status> {
    match event {
        EventName::ConsentRejected => Some(Status::Rejected),
        EventName::ConsentFailed => Some(Status::Failed),
        EventName::ConsentRevoked => Some(Status::Revoked),
        EventName::ConsentExpired => Some(Status::Expired),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Severity, lint};
    use crate::scenario::format::parse;
    use crate::scenario::magic::MAGIC;
    use crate::scenario::shipped::SHIPPED;

    fn findings(text: &str) -> String {
        let plan = parse(text).expect("the text is a scenario");
        lint(&plan)
            .iter()
            .map(|finding| format!("{} {}\n", finding.severity, finding.fault))
            .collect()
    }

    #[test]
    fn what_ships_says_nothing_in_vain() {
        for (file, text) in SHIPPED {
            assert_eq!(findings(text), "", "{file}");
        }
        for magic in MAGIC {
            assert_eq!(lint(&magic.plan()), [], "{}", magic.number);
        }
    }

    #[test]
    fn steps_that_can_never_fire_are_told_with_the_line_that_ended_it() {
        insta::assert_snapshot!(findings(
            "version: 1\nname: x\nsteps:\n  - reject: {}\n  - { after: 1s, approve: {} }\n  - { after: 1s, deliver: {} }\n"
        ));
        insta::assert_snapshot!(findings(
            "version: 1\nname: x\nconsent: timed\nsteps:\n  - approve: {}\n  - resume: {}\n  - { after: 30s, approve: {} }\n  - \
             deregister: {}\n  - pause: {}\n"
        ));
    }

    #[test]
    fn rules_are_followed_wherever_they_may_lead() {
        let answered = "version: 1\nname: x\nsteps:\n  - approve: {}\n  - { after: 1m, resume: {} }\nrules:\n  - { on: \
                        consent.active, after: 5s, pause: {} }\n";
        assert_eq!(findings(answered), "");
        insta::assert_snapshot!(findings(
            "version: 1\nname: x\nsteps: [approve: {}]\nrules:\n  - { on: consent.revoked, resume: {} }\n  - { on: \
             consent.rejected, notify: { status: ACTIVE } }\n"
        ));
    }

    #[test]
    fn faults_that_match_nothing_are_told() {
        insta::assert_snapshot!(findings(
            "version: 1\nname: x\nmatch: { face: seed, customer: \"98*\" }\nsteps: [reject: {}]\nwebhooks:\n  - { where: { status: \
             PAUSED }, fault: { drop: {} } }\n  - { where: { attempts: 7 }, fault: { fail: {} } }\n  - { where: { event: \
             fi.status }, fault: { drop: {} } }\napi_faults:\n  - { where: { op: heartbeat }, fault: { reset: {} } }\n  - { \
             where: { op: fi.fetch, probability: 0 }, fault: { reset: {} } }\n  - { where: { op: consent.create, customer: \
             \"97*\" }, fault: { tampered_consent: unsigned } }\n"
        ));
    }

    #[test]
    fn times_beyond_all_clocks_are_told() {
        let told = findings("version: 1\nname: x\nsteps: [{ after: 5300w, approve: {} }]\n");
        assert!(
            told.starts_with(Severity::Error.as_str()) && told.contains("100 years"),
            "{told}"
        );
    }
}
