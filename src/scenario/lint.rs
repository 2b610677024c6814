//! Static checks of a plan: steps that can never fire and faults that can never match. The state
//! machine of a consent is small enough to be explored completely, so these are found before a run.
//!
//! The exploration assumes that only the scenario acts. A step that is impossible whatever other
//! actors do, because the consent has ended, is an error. A step that needs another actor is a
//! warning.

use std::collections::BTreeSet;

use crate::domain::action::{Action, ConsentAction, CustomerAction, DelinkedAccounts};
use crate::domain::api_fault::{ApiFault, ApiFaultRule, ContentFault};
use crate::domain::consent::{Input, Status};
use crate::domain::event::EventName;
use crate::domain::naming::wire_enum;
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::scenario_plan::{ScenarioPlan, SourceLocation};
use crate::domain::session::ApprovalMode;
use crate::domain::time::Millis;
use crate::domain::unaport::RECORDED_APPROVAL_DELAY;
use crate::domain::webhook_fault::{SchedulingFault, WebhookFault, WebhookFaultRule};
use crate::engine::outbox::BACKOFF_SCHEDULE;
use crate::scenario::format::Diagnostic;

wire_enum! {
    /// The severity of a lint diagnostic.
    Severity { Error = "error", Warning = "warning" }
}

/// A diagnostic about something in a plan that can never have an effect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LintDiagnostic {
    pub diagnostic: Diagnostic,
    pub severity: Severity,
}

/// The longest delay of a step, 100 years: longer than any consent and any run of a clock.
const DELAY_MAX: Millis = Millis::from_secs(100 * 366 * 86_400);

/// Returns the lint diagnostics of a plan, sorted by position.
pub(crate) fn lint_plan(plan: &ScenarioPlan) -> Vec<LintDiagnostic> {
    let mut linter = Linter {
        plan,
        diagnostics: Vec::new(),
        reached_statuses: BTreeSet::new(),
    };
    linter.check_steps();
    linter.check_rules();
    linter.check_faults();
    linter.diagnostics.sort();
    linter.diagnostics
}

struct Linter<'a> {
    plan: &'a ScenarioPlan,
    diagnostics: Vec<LintDiagnostic>,
    /// The statuses that the scenario can bring a consent into.
    reached_statuses: BTreeSet<Status>,
}

/// The possible statuses of the consent at one step.
#[derive(Clone, Debug)]
struct ReachableState {
    states: BTreeSet<Status>,
    /// The line that caused the statuses; 0 at the beginning.
    since_line: u64,
    /// The line on which the customer deregistered.
    left_line: Option<u64>,
}

impl Linter<'_> {
    fn add_diagnostic(&mut self, severity: Severity, location: SourceLocation, message: String) {
        let SourceLocation { line, column } = location;
        self.diagnostics.push(LintDiagnostic {
            diagnostic: Diagnostic {
                line,
                column,
                message,
            },
            severity,
        });
    }

    fn check_steps(&mut self) {
        let plan = self.plan;
        let mut state = ReachableState {
            states: BTreeSet::from([Status::Pending]),
            since_line: 0,
            left_line: None,
        };
        let auto_approval = plan.approval.and_then(|approval| match approval {
            ApprovalMode::Manual => None,
            ApprovalMode::Immediate => Some(Millis::ZERO),
            ApprovalMode::Timed => Some(RECORDED_APPROVAL_DELAY),
        });
        let mut auto_approval = auto_approval.map(|at| (at, plan.location.line));
        self.reached_statuses.insert(Status::Pending);
        self.follow_rules(&mut state, EventName::ConsentRaised);
        for (step, number) in plan.steps.iter().zip(1..) {
            // Commands that are due at the same instant keep their order, and `consent` is first.
            if let Some((_, line)) = auto_approval.take_if(|(at, _)| *at <= step.due_after) {
                self.apply_input(&mut state, Input::Approve, line);
                self.apply_input(&mut state, Input::Activate, line);
            }
            if step.due_after > DELAY_MAX {
                let message = format!(
                    "step {number} is due more than 100 years after the consent was raised"
                );
                self.add_diagnostic(Severity::Error, step.location, message);
            }
            self.check_step(
                &mut state,
                &step.action,
                &format!("step {number}"),
                step.location,
            );
        }
        if let Some((_, line)) = auto_approval {
            self.apply_input(&mut state, Input::Approve, line);
            self.apply_input(&mut state, Input::Activate, line);
        }
    }

    fn check_step(
        &mut self,
        state: &mut ReachableState,
        action: &Action,
        name: &str,
        location: SourceLocation,
    ) {
        let line = location.line;
        if let Some(left_line) = state.left_line {
            let message = format!(
                "{name}, line {line}, can never fire: the customer deregisters on line {left_line}"
            );
            self.add_diagnostic(Severity::Error, location, message);
            return;
        }
        match action {
            Action::Transition(action) => {
                let possible = state
                    .states
                    .iter()
                    .any(|status| status.transition_on(action.input()).is_some());
                if !possible {
                    let severity = unreachable_severity(&state.states, |status| {
                        status.transition_on(action.input()).is_some()
                    });
                    self.report_unreachable(
                        state,
                        (name, location),
                        action.input().as_str(),
                        severity,
                    );
                    return;
                }
                self.apply_input(state, action.input(), line);
                if matches!(action, ConsentAction::Approve { hold: false, .. }) {
                    self.apply_input(state, Input::Activate, line);
                }
            }
            Action::Answer(_) => {
                if !state.states.contains(&Status::Active) {
                    let severity =
                        unreachable_severity(&state.states, |status| status == Status::Active);
                    let action = action.name().as_str();
                    self.report_unreachable(state, (name, location), action, severity);
                }
            }
            // No account stays linked, so every consent with accounts is revoked.
            Action::Customer(CustomerAction::Delink(DelinkedAccounts {
                fip: None,
                account: None,
            })) if state.states.iter().all(|status| *status != Status::Pending) => {
                self.apply_input(state, Input::Revoke, line);
            }
            Action::Customer(CustomerAction::Delink(_)) => {
                // Consents with the account are revoked; others are not.
                let revoked = state
                    .states
                    .iter()
                    .filter_map(|status| status.transition_on(Input::Revoke));
                let revoked: Vec<_> = revoked.collect();
                self.reached_statuses.extend(&revoked);
                state.states.extend(revoked);
            }
            Action::Customer(CustomerAction::Deregister {}) => state.left_line = Some(line),
            Action::Customer(CustomerAction::Link { .. }) | Action::Sandbox(_) => {}
        }
    }

    /// Reports an action that is illegal in every possible status: as a warning if another actor
    /// could bring the consent into a status in which it is legal.
    fn report_unreachable(
        &mut self,
        state: &ReachableState,
        (name, location): (&str, SourceLocation),
        action: &str,
        severity: Severity,
    ) {
        let states: Vec<_> = state.states.iter().map(|status| status.as_str()).collect();
        let since_text = match state.since_line {
            0 => "from the beginning".to_owned(),
            line => format!("since line {line}"),
        };
        let line = location.line;
        let states = states.join(" or ");
        let message = match severity {
            Severity::Warning => format!(
                "{name}, line {line}, fires only if another actor changes the consent first: \
                 it is {states} {since_text}, which does not allow {action}"
            ),
            Severity::Error => {
                format!("{name}, line {line}, can never fire: the consent is {states} {since_text}")
            }
        };
        self.add_diagnostic(severity, location, message);
    }

    /// Applies an input to the possible statuses, then the rules that follow its events.
    fn apply_input(&mut self, state: &mut ReachableState, input: Input, line: u64) {
        let next_statuses: BTreeSet<Status> = state
            .states
            .iter()
            .filter_map(|status| status.transition_on(input))
            .collect();
        if next_statuses.is_empty() {
            return;
        }
        self.reached_statuses.extend(&next_statuses);
        state.states = next_statuses;
        state.since_line = line;
        for event in events_for(input) {
            self.follow_rules(state, event);
        }
    }

    /// Adds the statuses that rules can lead to after an event. A rule may fire later, so the
    /// statuses before it stay possible.
    fn follow_rules(&mut self, state: &mut ReachableState, event: EventName) {
        let mut pending = vec![event];
        let mut seen = BTreeSet::new();
        while let Some(event) = pending.pop() {
            if !seen.insert(event) {
                continue;
            }
            for rule in self.plan.rules.iter().filter(|rule| rule.event == event) {
                let Action::Transition(action) = &rule.action else {
                    continue;
                };
                let mut inputs = vec![action.input()];
                if matches!(action, ConsentAction::Approve { hold: false, .. }) {
                    inputs.push(Input::Activate);
                }
                for input in inputs {
                    let next_statuses: Vec<_> = state
                        .states
                        .iter()
                        .filter_map(|status| status.transition_on(input))
                        .collect();
                    if !next_statuses.is_empty() {
                        self.reached_statuses.extend(&next_statuses);
                        state.states.extend(next_statuses);
                        pending.extend(events_for(input));
                    }
                }
            }
            // An ACTIVE consent allows the FIU to request data and FIPs to answer.
            if event == EventName::ConsentActivated {
                pending.extend([
                    EventName::DataRequested,
                    EventName::DataPrepared,
                    EventName::DataFetched,
                ]);
            }
        }
    }

    /// Reports rules that would change a consent after its final status.
    fn check_rules(&mut self) {
        for (rule, number) in self.plan.rules.iter().zip(1..) {
            let Some(status) = rule
                .event
                .resulting_status()
                .filter(|status| status.legal_inputs().next().is_none())
            else {
                continue;
            };
            let changes_consent = matches!(rule.action, Action::Transition(_) | Action::Answer(_));
            if changes_consent {
                let line = rule.location.line;
                let message = format!(
                    "rule {number}, line {line}, can never fire: after {} the consent is {status}",
                    rule.event
                );
                self.add_diagnostic(Severity::Error, rule.location, message);
            }
        }
    }

    fn check_faults(&mut self) {
        let plan = self.plan;
        let locations: Vec<_> = plan.fault_locations.clone();
        let (webhook_locations, api_locations) =
            locations.split_at(plan.faults.webhooks.len().min(locations.len()));
        for (rule, location) in plan.faults.webhooks.iter().zip(webhook_locations) {
            self.check_webhook_fault(rule, *location);
        }
        for (rule, location) in plan.faults.api.iter().zip(api_locations) {
            self.check_api_fault(rule, *location);
        }
    }

    fn check_webhook_fault(&mut self, rule: &WebhookFaultRule, location: SourceLocation) {
        let WebhookFaultRule { selector, fault } = rule;
        let attempts = u32::try_from(BACKOFF_SCHEDULE.len()).unwrap_or(u32::MAX);
        if selector.attempts.first > attempts {
            let message =
                format!("matches nothing: a webhook is attempted {attempts} times at most");
            self.add_diagnostic(Severity::Error, location, message);
        }
        if let WebhookFault::Scheduling(
            SchedulingFault::Late { by } | SchedulingFault::Reorder { within: by },
        ) = fault
            && *by > DELAY_MAX
        {
            self.add_diagnostic(
                Severity::Error,
                location,
                format!("{} by more than 100 years is never sent", fault.name()),
            );
        }
        let fault_status = selector.status.as_deref().and_then(Status::parse);
        let is_consent_event = selector
            .event
            .is_none_or(|event| event == NotificationKind::ConsentStatus);
        // EXPIRED needs no action: an unanswered request and an artefact both expire in time.
        if let Some(status) =
            fault_status.filter(|status| is_consent_event && *status != Status::Expired)
            && !self.reached_statuses.contains(&status)
        {
            let message = format!(
                "matches nothing unless another actor changes the consent: \
                 this scenario never makes it {status}"
            );
            self.add_diagnostic(Severity::Warning, location, message);
        }
        let is_data_event = matches!(
            selector.event,
            Some(NotificationKind::FiStatus | NotificationKind::FiData)
        );
        if is_data_event && !self.reached_statuses.contains(&Status::Active) {
            let message = "matches nothing unless another actor changes the consent: \
                           this scenario never makes it ACTIVE, so there is no data request";
            self.add_diagnostic(Severity::Warning, location, message.to_owned());
        }
    }

    fn check_api_fault(&mut self, rule: &ApiFaultRule, location: SourceLocation) {
        let ApiFaultRule { selector, fault } = rule;
        if selector.per_mille == 0 {
            self.add_diagnostic(
                Severity::Error,
                location,
                "matches nothing: its probability is 0".to_owned(),
            );
        }
        let Some(op) = selector.op else { return };
        if !op.has_subject() {
            let message = format!(
                "matches nothing: {op} calls concern no consent, so a scenario cannot select them; \
                 activate the fault for the whole world with PUT /_mockaa/v1/faults/NAME"
            );
            self.add_diagnostic(Severity::Error, location, message);
        }
        let seed_only = self
            .plan
            .matcher
            .as_ref()
            .is_some_and(|(matcher, _)| matcher.apis == ["seed"]);
        if seed_only && !matches!(op, Operation::ConsentCreate | Operation::ConsentFetch) {
            let message =
                format!("matches nothing: the seed API, which match selects, has no {op}");
            self.add_diagnostic(Severity::Error, location, message);
        }
        if let (Some(customer), Some((matcher, _))) = (&selector.customer, &self.plan.matcher)
            && !matcher.customers.is_empty()
            && !matcher.customers.iter().any(|glob| glob.overlaps(customer))
        {
            self.add_diagnostic(
                Severity::Error,
                location,
                format!("matches nothing: no customer of match matches {customer}"),
            );
        }
        if matches!(fault, ApiFault::Content(ContentFault::TamperedConsent(_)))
            && !matches!(op, Operation::ConsentFetch | Operation::ConsentStatus)
        {
            self.add_diagnostic(
                Severity::Error,
                location,
                format!("changes nothing: responses of {op} have no signed consent"),
            );
        }
    }
}

/// Returns the statuses that a consent can reach by any actor's inputs, including the given ones.
fn reachable_from(from: &BTreeSet<Status>) -> BTreeSet<Status> {
    let mut visited = from.clone();
    let mut pending: Vec<Status> = from.iter().copied().collect();
    while let Some(status) = pending.pop() {
        let next = Input::ALL
            .iter()
            .filter_map(|input| status.transition_on(*input));
        pending.extend(next.filter(|next| visited.insert(*next)));
    }
    visited
}

/// Returns the severity of an action that no status of `from` allows: a warning if another actor
/// could bring the consent into a status that allows it.
fn unreachable_severity(from: &BTreeSet<Status>, is_allowed: impl Fn(Status) -> bool) -> Severity {
    if reachable_from(from).into_iter().any(is_allowed) {
        Severity::Warning
    } else {
        Severity::Error
    }
}

/// Returns the events that an input causes.
fn events_for(input: Input) -> Vec<EventName> {
    match input {
        Input::Approve => vec![EventName::ConsentApproved],
        Input::Activate => vec![EventName::ConsentActivated],
        Input::Reject => vec![EventName::ConsentRejected],
        Input::Fail => vec![EventName::ConsentFailed],
        Input::Pause => vec![EventName::ConsentPaused],
        Input::Resume => vec![EventName::ConsentResumed],
        Input::Revoke => vec![EventName::ConsentRevoked],
        Input::Expire => vec![EventName::ConsentExpired],
    }
}

#[cfg(test)]
mod tests {
    use super::{Severity, lint_plan};
    use crate::scenario::format::parse;
    use crate::scenario::magic::MAGIC_CUSTOMERS;
    use crate::scenario::shipped::SHIPPED;

    fn lint_text(text: &str) -> String {
        let plan = parse(text).expect("the text is a valid scenario");
        lint_plan(&plan)
            .iter()
            .map(|diagnostic| format!("{} {}\n", diagnostic.severity, diagnostic.diagnostic))
            .collect()
    }

    #[test]
    fn shipped_scenarios_have_no_diagnostics() {
        for (file, text) in SHIPPED {
            assert_eq!(lint_text(text), "", "{file}");
        }
        for magic in MAGIC_CUSTOMERS {
            assert_eq!(lint_plan(&magic.to_plan()), [], "{}", magic.number);
        }
    }

    #[test]
    fn steps_that_can_never_fire_are_reported_with_the_line_that_ended_it() {
        insta::assert_snapshot!(lint_text(
            "version: 1\nname: x\nsteps:\n  - reject: {}\n  - { after: 1s, approve: {} }\n  - { after: 1s, deliver: {} }\n"
        ));
        insta::assert_snapshot!(lint_text(
            "version: 1\nname: x\nconsent: timed\nsteps:\n  - approve: {}\n  - resume: {}\n  - { after: 30s, approve: {} }\n  - \
             deregister: {}\n  - pause: {}\n"
        ));
    }

    #[test]
    fn rules_are_followed_wherever_they_may_lead() {
        let yaml = "version: 1\nname: x\nsteps:\n  - approve: {}\n  - { after: 1m, resume: {} }\nrules:\n  - { when: \
                        consent.active, after: 5s, pause: {} }\n";
        assert_eq!(lint_text(yaml), "");
        insta::assert_snapshot!(lint_text(
            "version: 1\nname: x\nsteps: [approve: {}]\nrules:\n  - { when: consent.revoked, resume: {} }\n  - { when: \
             consent.rejected, notify: { status: ACTIVE } }\n"
        ));
    }

    #[test]
    fn faults_that_match_nothing_are_reported() {
        insta::assert_snapshot!(lint_text(
            "version: 1\nname: x\nmatch: { api: seed, customer: \"98*\" }\nsteps: [reject: {}]\nwebhooks:\n  - { where: { status: \
             PAUSED }, fault: { drop: {} } }\n  - { where: { attempts: 7 }, fault: { fail: {} } }\n  - { where: { event: \
             fi.status }, fault: { drop: {} } }\napi_faults:\n  - { where: { op: heartbeat }, fault: { reset: {} } }\n  - { \
             where: { op: fi.fetch, probability: 0 }, fault: { reset: {} } }\n  - { where: { op: consent.create, customer: \
             \"97*\" }, fault: { tampered_consent: unsigned } }\n"
        ));
    }

    #[test]
    fn times_beyond_all_clocks_are_reported() {
        let diagnostics =
            lint_text("version: 1\nname: x\nsteps: [{ after: 5300w, approve: {} }]\n");
        assert!(
            diagnostics.starts_with(Severity::Error.as_str()) && diagnostics.contains("100 years"),
            "{diagnostics}"
        );
    }
}
