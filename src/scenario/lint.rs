//! Static checks of a plan: steps that can never fire and faults that can never match. The state
//! machine of a consent is small enough to be explored completely, so these are found before a run.
//!
//! The exploration assumes that only the scenario acts. What is impossible whatever other actors
//! do, because the consent has ended, is an error. What needs another actor is a warning. Faults and
//! expectations are held against [`Reachability`], and the fields of answers against a table.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::action::{
    Action, ConsentAction, CustomerAction, DelinkedAccounts, SandboxAction,
};
use crate::domain::answer_fields::{AnswerFields, Outcome};
use crate::domain::api_fault::{ApiFault, ApiFaultRule, ContentFault, ReplyFault};
use crate::domain::consent::{Input, Status};
use crate::domain::event::EventName;
use crate::domain::expectation::{CountRange, Expectation, ExpectationTarget, SubjectFilter};
use crate::domain::glob::Glob;
use crate::domain::ids::is_uuid;
use crate::domain::naming::{closest_name, wire_enum};
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::participants::Fip;
use crate::domain::retry_policy::RetryPolicy;
use crate::domain::scenario_plan::{ScenarioPlan, SourceLocation};
use crate::domain::session::ApprovalMode;
use crate::domain::text::quote_value;
use crate::domain::time::Millis;
use crate::domain::unaport::FetchQuirk;
use crate::domain::webhook_fault::{
    SchedulingFault, WebhookFault, WebhookFaultRule, WebhookSelector,
};
use crate::scenario::format::Diagnostic;
use crate::scenario::reachability::{
    Actors, Bound, Reachability, can_follow, event_of, list_apis, reachable_from,
};

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

/// The sandbox in which a plan is played, as far as lint depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LintContext<'a> {
    /// Ids of the registered FIUs.
    pub fius: &'a [Arc<str>],
    pub fips: &'a [Arc<Fip>],
    pub answer_fields: &'a AnswerFields,
}

/// Returns the lint diagnostics of a plan, sorted by position.
pub(crate) fn lint_plan(plan: &ScenarioPlan, context: LintContext<'_>) -> Vec<LintDiagnostic> {
    let mut linter = Linter {
        plan,
        context,
        apis: list_apis(plan),
        alone: Reachability::compute(plan, Actors::PlanAlone),
        anyone: Reachability::compute(plan, Actors::Anyone),
        diagnostics: Vec::new(),
    };
    linter.check_steps();
    linter.check_rules();
    linter.check_names();
    linter.check_match();
    linter.check_quirks();
    linter.check_faults();
    for expectation in &plan.expectations {
        linter.check_expectation(expectation);
    }
    linter.diagnostics.sort();
    linter.diagnostics.dedup();
    linter.diagnostics
}

struct Linter<'a> {
    plan: &'a ScenarioPlan,
    context: LintContext<'a>,
    /// The APIs of the consents that the plan drives.
    apis: Vec<&'static str>,
    alone: Reachability,
    anyone: Reachability,
    diagnostics: Vec<LintDiagnostic>,
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
        let auto_approval = plan.approval.and_then(ApprovalMode::approval_delay);
        let mut auto_approval = auto_approval.map(|at| (at, plan.location.line));
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
                state.states.extend(revoked);
            }
            Action::Customer(CustomerAction::Deregister {}) => state.left_line = Some(line),
            Action::Sandbox(SandboxAction::Redirect { .. })
                if !state.states.contains(&Status::Pending) =>
            {
                let states: Vec<_> = state.states.iter().map(|status| status.as_str()).collect();
                let states = states.join(" or ");
                let message = format!(
                    "{name}, line {line}, changes nothing, since a visit is about a PENDING \
                     consent: it is {states} since line {}",
                    state.since_line
                );
                self.add_diagnostic(Severity::Error, location, message);
            }
            Action::Customer(CustomerAction::Link { .. })
            | Action::Bank(_)
            | Action::Sandbox(_) => {}
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
    fn apply_input(&self, state: &mut ReachableState, input: Input, line: u64) {
        let next_statuses: BTreeSet<Status> = state
            .states
            .iter()
            .filter_map(|status| status.transition_on(input))
            .collect();
        if next_statuses.is_empty() {
            return;
        }
        state.states = next_statuses;
        state.since_line = line;
        self.follow_rules(state, event_of(input));
    }

    /// Adds the statuses that rules can lead to after an event. A rule may fire later, so the
    /// statuses before it stay possible.
    fn follow_rules(&self, state: &mut ReachableState, event: EventName) {
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
                        state.states.extend(next_statuses);
                        pending.push(event_of(input));
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
            let (is_possible, _) = self.reach_event(rule.event);
            if !is_possible {
                let events = list_names(self.anyone.events.iter().map(|event| event.as_str()));
                let message = format!(
                    "rule {number}, line {}, can never fire: {} never happens; possible events: {events}",
                    rule.location.line, rule.event
                );
                self.add_diagnostic(Severity::Error, rule.location, message);
                continue;
            }
            let Some(status) = rule.event.resulting_status() else {
                continue;
            };
            let is_final = status.is_final();
            let effect = match rule.action {
                Action::Transition(_) | Action::Answer(_) if is_final => "can never fire",
                Action::Sandbox(SandboxAction::Redirect { .. }) if status != Status::Pending => {
                    "changes nothing, since a visit is about a PENDING consent"
                }
                _ => continue,
            };
            let message = format!(
                "rule {number}, line {}, {effect}: after {} the consent is {status}",
                rule.location.line, rule.event
            );
            self.add_diagnostic(Severity::Error, rule.location, message);
        }
    }

    fn check_faults(&mut self) {
        let plan = self.plan;
        let locations = &plan.fault_locations;
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
        let attempts = u32::try_from(RetryPolicy::default().attempts_max()).unwrap_or(u32::MAX);
        if selector.attempts.first > attempts {
            let message = format!(
                "matches nothing: a webhook is attempted {attempts} times at most by default"
            );
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
        if fault.duration() == Some(Millis::ZERO) {
            self.report_no_duration(location);
        }
        self.check_webhook_selector(selector, location);
    }

    /// Reports a selector that selects more, or other, webhooks than can be sent.
    fn check_webhook_selector(&mut self, selector: &WebhookSelector, location: SourceLocation) {
        let WebhookSelector {
            event,
            status,
            occurrences,
            attempts: _,
        } = selector;
        let status = status.as_deref();
        let first = occurrences.first;
        let selected = describe_selection(*event, status);
        let hard = self.anyone.bound_webhooks(*event, status);
        let soft = self.alone.bound_webhooks(*event, status);
        let (severity, bound, reach, unless) = if !hard.allows(first) {
            (Severity::Error, hard, &self.anyone, "")
        } else if !soft.allows(first) {
            let unless = " unless another actor changes the consent";
            (Severity::Warning, soft, &self.alone, unless)
        } else {
            return;
        };
        let message = match bound {
            Bound::AtMost(most) if most > 0 => format!(
                "matches nothing{unless}: nth begins at {first}, and a consent causes \
                 {most} of {selected} at most"
            ),
            _ => format!(
                "matches nothing{unless}: {selected} is never sent; possible: {}",
                reach.describe_webhooks(*event)
            ),
        };
        self.add_diagnostic(severity, location, message);
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
        self.check_answer_fields(selector.op, fault, location);
        if fault.duration() == Some(Millis::ZERO) {
            self.report_no_duration(location);
        }
        if selector.duration == Some(Millis::ZERO) {
            let message = "matches nothing: `for` is 0";
            self.add_diagnostic(Severity::Error, location, message.to_owned());
        }
        let Some(op) = selector.op else { return };
        if op.has_subject() {
            self.check_operation("matches nothing", op, location);
        } else {
            let message = format!(
                "matches nothing: {op} calls concern no consent, so a scenario cannot select them; \
                 activate the fault for the whole world with PUT /_mockaa/v1/faults/NAME"
            );
            self.add_diagnostic(Severity::Error, location, message);
        }
        let needs_session = matches!(
            op,
            Operation::FiFetch
                | Operation::FiStatus
                | Operation::AnalyticsGenerate
                | Operation::AnalyticsFetch
                | Operation::Export
        );
        if needs_session && !self.alone.events.contains(&EventName::DataRequested) {
            let message = format!(
                "matches nothing unless another actor changes the consent: this scenario never \
                 makes it ACTIVE, so there is no data request that {op} could name"
            );
            self.add_diagnostic(Severity::Warning, location, message);
        }
        self.check_parties(
            "matches nothing",
            (selector.customer.as_ref(), selector.fiu.as_ref()),
            location,
        );
        let is_tampering = matches!(fault, ApiFault::Content(ContentFault::TamperedConsent(_)));
        if is_tampering && !self.answers_consent(op) {
            self.add_diagnostic(
                Severity::Error,
                location,
                format!("changes nothing: responses of {op} have no signed consent"),
            );
        }
        let is_first_only = selector.calls.first == 1 && selector.calls.last == Some(1);
        if matches!(fault, ApiFault::Reply(ReplyFault::StaleResponse {})) && is_first_only {
            let message = "changes nothing: there is no response before the first one";
            self.add_diagnostic(Severity::Error, location, message.to_owned());
        }
    }

    /// Returns whether an answer to a call has the signed consent.
    fn answers_consent(&self, op: Operation) -> bool {
        let answers = self.context.answer_fields;
        let fields = answers.fields_of(Some(op), &self.apis, &[Outcome::Success]);
        fields.contains("signedConsent") || fields.contains("ConsentDetail")
    }

    /// Reports a fault that lasts no time, or that moves a date by none.
    fn report_no_duration(&mut self, location: SourceLocation) {
        let message = "changes nothing: its duration is 0";
        self.add_diagnostic(Severity::Error, location, message.to_owned());
    }

    /// Reports an operation that the APIs of the plan do not have.
    fn check_operation(&mut self, effect: &str, op: Operation, location: SourceLocation) {
        let operations = self.context.answer_fields.operations(&self.apis);
        let is_of_no_api = matches!(op, Operation::Unknown | Operation::Redirection);
        if is_of_no_api || operations.contains(&op) || !self.is_limited_by_match() {
            return;
        }
        let names: Vec<_> = operations.iter().map(|op| op.as_str()).collect();
        let message = format!(
            "{effect}: the {} API, which match selects, has no {op}; it has {}",
            self.apis.join(" or "),
            names.join(", ")
        );
        self.add_diagnostic(Severity::Error, location, message);
    }

    fn is_limited_by_match(&self) -> bool {
        self.plan
            .matcher()
            .is_some_and(|matcher| !matcher.apis.is_empty())
    }

    /// Reports a customer or an FIU that `match` excludes.
    fn check_parties(
        &mut self,
        effect: &str,
        (customer, fiu): (Option<&Glob>, Option<&Glob>),
        location: SourceLocation,
    ) {
        if let Some(glob) = fiu {
            self.check_fiu(effect, glob, location);
        }
        let Some(matcher) = self.plan.matcher() else {
            return;
        };
        for (noun, glob, known) in [
            ("customer", customer, &matcher.customers),
            ("FIU", fiu, &matcher.fius),
        ] {
            let Some(glob) = glob else { continue };
            if !known.is_empty() && !known.iter().any(|known| known.overlaps(glob)) {
                let known: Vec<_> = known.iter().map(ToString::to_string).collect();
                let message = format!(
                    "{effect}: no {noun} of match matches {glob}; match has {}",
                    known.join(", ")
                );
                self.add_diagnostic(Severity::Error, location, message);
            }
        }
    }

    /// Reports FIUs of `match` that are not registered.
    fn check_match(&mut self) {
        let plan = self.plan;
        if let Some((matcher, location)) = &plan.matcher {
            for fiu in &matcher.fius {
                self.check_fiu("matches nothing", fiu, *location);
            }
        }
    }

    /// Reports quirks that meet no data.
    fn check_quirks(&mut self) {
        let plan = self.plan;
        let of_fetch = [FetchQuirk::DepositV2, FetchQuirk::FirstEmpty];
        if let Some(location) = plan.fetch_quirks_location
            && !self.apis.contains(&"unaport")
            && let Some(quirk) = of_fetch
                .into_iter()
                .find(|quirk| plan.fetch_quirks.contains(*quirk))
        {
            let message = format!(
                "{quirk} changes nothing: it is a quirk of Fetch Data of the Unaport API, and match has only consents of {}",
                self.apis.join(", ")
            );
            self.add_diagnostic(Severity::Error, location, message);
        }
        let all = plan.quirks.iter().map(|(quirk, _)| *quirk).collect();
        for (quirk, location) in &plan.quirks {
            if let Some(stronger) = quirk.overridden_by(all) {
                let message = format!("quirk {quirk} changes nothing beside {stronger}");
                self.add_diagnostic(Severity::Error, *location, message);
            }
            if !self.anyone.statuses.contains(&Status::Active) {
                let message = format!("quirk {quirk} meets no data: the consent is never ACTIVE");
                self.add_diagnostic(Severity::Error, *location, message);
            }
            let fi_types = plan.matcher().map_or(&[][..], |matcher| &matcher.fi_types);
            if !fi_types.is_empty() && !fi_types.iter().any(|fi_type| quirk.applies_to(*fi_type)) {
                let message = format!(
                    "quirk {quirk} meets no data: it changes nothing in documents of {}",
                    list_names(fi_types.iter().map(|fi_type| fi_type.as_str()))
                );
                self.add_diagnostic(Severity::Warning, *location, message);
            }
        }
    }

    /// Reports an FIU that is not registered.
    fn check_fiu(&mut self, effect: &str, glob: &Glob, location: SourceLocation) {
        let fius = self.context.fius;
        if !fius.iter().any(|fiu| glob.matches(fiu)) {
            let known = list_names(fius.iter().map(|fiu| &**fiu));
            let message = format!("{effect}: there is no FIU {glob}; known: {known}");
            self.add_diagnostic(Severity::Error, location, message);
        }
    }

    /// Reports a fault of a field that no answer of the call has.
    fn check_answer_fields(
        &mut self,
        op: Option<Operation>,
        fault: &ApiFault,
        location: SourceLocation,
    ) {
        if let ApiFault::Reply(ReplyFault::WrongSignature {}) = fault
            && !self.apis.iter().any(|api| api.starts_with("rebit"))
        {
            let message = format!(
                "changes nothing: answers of the {} API are not signed",
                self.apis.join(" or ")
            );
            self.add_diagnostic(Severity::Error, location, message);
        }
        // An FIU continues only after a success, so that only its date matters.
        let is_date = matches!(
            fault,
            ApiFault::Content(
                ContentFault::StaleTimestamp { .. } | ContentFault::FutureTimestamp { .. }
            )
        );
        let outcomes: &[Outcome] = if is_date {
            &[Outcome::Success]
        } else {
            &[Outcome::Success, Outcome::Error]
        };
        let fields = self
            .context
            .answer_fields
            .fields_of(op, &self.apis, outcomes);
        let (path, is_known) = match fault {
            ApiFault::Content(
                ContentFault::MissingField(path) | ContentFault::AlterField { field: path, .. },
            ) => (&**path, fields.contains(path)),
            // A field that is missing is added to its parent.
            ApiFault::Content(ContentFault::SetField { field, .. }) => {
                let parent = field.rsplit_once('.').map_or("", |(parent, _)| parent);
                (&**field, fields.contains(field) || fields.contains(parent))
            }
            ApiFault::Content(
                ContentFault::StaleTimestamp { .. } | ContentFault::FutureTimestamp { .. },
            ) => (
                "timestamp",
                fields.contains("timestamp") || fields.contains("createTimestamp"),
            ),
            _ => return,
        };
        let is_called = op.is_none_or(|op| {
            op.has_subject()
                && self
                    .context
                    .answer_fields
                    .operations(&self.apis)
                    .contains(&op)
        });
        if is_known || !is_called {
            return;
        }
        let calls = op.map_or("the calls".to_owned(), |op| format!("the call {op}"));
        let name = path.rsplit('.').next().unwrap_or(path);
        let same_name = fields
            .iter()
            .find(|known| known.rsplit('.').next() == Some(name));
        let suggestion = same_name.or_else(|| closest_name(path, fields.iter()));
        let remedy = match suggestion {
            Some(known) => format!("; did you mean {known}?"),
            None => format!("; it has {}", fields.list_children("").join(", ")),
        };
        let message = format!("changes nothing: no answer to {calls} has {path}{remedy}");
        self.add_diagnostic(Severity::Error, location, message);
    }

    /// Reports a FIP that does not exist.
    fn check_fip(&mut self, effect: &str, fip: &str, location: SourceLocation) {
        let mut fips = self.context.fips.iter();
        if fips.any(|known| *known.entity.id == *fip) {
            return;
        }
        let known = list_names(self.context.fips.iter().map(|fip| &*fip.entity.id));
        let message = format!(
            "{effect} has no effect at {}: there is no such FIP; known: {known}",
            quote_value(fip)
        );
        self.add_diagnostic(Severity::Error, location, message);
    }

    /// Reports FIPs and accounts of the plan that do not exist.
    fn check_names(&mut self) {
        let plan = self.plan;
        let location = plan.bank_answers_location.unwrap_or_default();
        for fip in plan.bank_answers.fips() {
            self.check_fip("discovery or linking", fip, location);
        }
        let locations = &plan.fault_locations;
        let api_locations = &locations[plan.faults.webhooks.len().min(locations.len())..];
        for (rule, location) in plan.faults.api.iter().zip(api_locations) {
            for fip in rule.fault.fips() {
                self.check_fip(rule.fault.name().as_str(), fip, *location);
            }
        }
        let steps = plan.steps.iter().map(|step| (&step.action, step.location));
        let rules = plan.rules.iter().map(|rule| (&rule.action, rule.location));
        for (action, location) in steps.chain(rules) {
            let (fips, accounts) = action.named_fips_and_accounts();
            for fip in fips {
                self.check_fip(action.name().as_str(), &fip, location);
            }
            for account in accounts.iter().filter(|account| !is_uuid(account)) {
                let message = format!(
                    "{} has no effect on {} unless a FIP links such an account: the \
                     linkRefNumber of an account is a UUID",
                    action.name(),
                    quote_value(account)
                );
                self.add_diagnostic(Severity::Warning, location, message);
            }
        }
    }

    /// Reports an expectation that can never be met, or never be unmet.
    fn check_expectation(&mut self, expectation: &Expectation) {
        let Expectation {
            target,
            count,
            after,
            location,
            ..
        } = expectation;
        let location = *location;
        if let Some(event) = after {
            let (is_possible, is_possible_alone) = self.reach_event(*event);
            let events = list_names(self.anyone.events.iter().map(|event| event.as_str()));
            self.report_possibility(
                (is_possible, is_possible_alone),
                &format!("can never be tested: {event}, which after_event names, never happens; possible events: {events}"),
                &format!("is tested only if another actor changes the consent: this scenario never causes {event}, which after_event names"),
                location,
            );
            if let ExpectationTarget::Event { name, .. } = target
                && !can_follow(*event, *name)
            {
                let message = format!(
                    "{}: {name} never follows {event} of the same consent",
                    describe_effect(*count)
                );
                self.add_diagnostic(Severity::Error, location, message);
            }
        }
        let (what, possible, known) = match target {
            ExpectationTarget::State { status, .. } => (
                format!("a consent is never {status}"),
                (
                    self.anyone.statuses.contains(status),
                    self.alone.statuses.contains(status),
                ),
                list_names(self.anyone.statuses.iter().map(|status| status.as_str())),
            ),
            ExpectationTarget::Event { name, .. } => (
                format!("{name} never happens"),
                self.reach_event(*name),
                list_names(self.anyone.events.iter().map(|event| event.as_str())),
            ),
            ExpectationTarget::Webhook { event, status, .. } => {
                let status = status.as_deref();
                let is_sent = |reach: &Reachability| reach.bound_webhooks(*event, status).allows(1);
                (
                    format!("{} is never sent", describe_selection(*event, status)),
                    (is_sent(&self.anyone), is_sent(&self.alone)),
                    self.anyone.describe_webhooks(*event),
                )
            }
            ExpectationTarget::Call { op, .. } => {
                let effect = describe_effect(*count);
                self.check_operation(effect, *op, location);
                (String::new(), (true, true), String::new())
            }
        };
        let is_required = count.at_least > 0;
        let (is_possible, is_possible_alone) = possible;
        self.report_possibility(
            (is_possible, is_possible_alone || !is_required),
            &format!("{}: {what}; possible: {known}", describe_effect(*count)),
            &format!("is met only if another actor changes the consent: by this scenario, {what}"),
            location,
        );
        self.check_expected_fault(expectation);
        let SubjectFilter { customer, fiu, .. } = target.subject();
        let (customer, fiu) = (customer.clone(), fiu.clone());
        self.check_parties(
            describe_effect(*count),
            (customer.as_ref(), fiu.as_ref()),
            location,
        );
    }

    /// Reports an expected webhook whose fault no rule of the plan injects into it.
    fn check_expected_fault(&mut self, expectation: &Expectation) {
        let ExpectationTarget::Webhook {
            event,
            status,
            fault: Some(fault),
            ..
        } = &expectation.target
        else {
            return;
        };
        let is_injected = self.plan.faults.webhooks.iter().any(|rule| {
            let WebhookSelector {
                event: selected_event,
                status: selected_status,
                ..
            } = &rule.selector;
            rule.fault.name() == *fault
                && (event.is_none() || selected_event.is_none() || event == selected_event)
                && (status.is_none() || selected_status.is_none() || status == selected_status)
        });
        if expectation.count.at_least > 0 && !is_injected {
            let names = self.plan.faults.webhooks.iter();
            let names = list_names(names.map(|rule| rule.fault.name().as_str()));
            let message = format!(
                "is met only if a fault set of the world injects {fault}: this scenario does not \
                 into these webhooks; it injects {names}"
            );
            self.add_diagnostic(Severity::Warning, expectation.location, message);
        }
    }

    /// Returns whether an event can happen by anyone, and by the plan alone.
    fn reach_event(&self, event: EventName) -> (bool, bool) {
        let is_about_consent = event.is_about_consent();
        (
            !is_about_consent || self.anyone.events.contains(&event),
            !is_about_consent || self.alone.events.contains(&event),
        )
    }

    /// Reports what is impossible as an error, and what needs another actor as a warning.
    fn report_possibility(
        &mut self,
        (is_possible, is_possible_alone): (bool, bool),
        error: &str,
        warning: &str,
        location: SourceLocation,
    ) {
        if !is_possible {
            self.add_diagnostic(Severity::Error, location, error.to_owned());
        } else if !is_possible_alone {
            self.add_diagnostic(Severity::Warning, location, warning.to_owned());
        }
    }
}

/// Returns the effect of a target that never happens on an expectation of this count.
const fn describe_effect(count: CountRange) -> &'static str {
    if count.at_least > 0 {
        "can never be met"
    } else {
        "is always met"
    }
}

fn list_names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// Returns the webhooks of a kind and status, in words.
fn describe_selection(event: Option<NotificationKind>, status: Option<&str>) -> String {
    let event = event.map_or("a webhook", NotificationKind::as_str);
    match status {
        Some(status) => format!("{event} with status {status}"),
        None => event.to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{LintContext, LintDiagnostic, Severity, lint_plan};
    use crate::domain::answer_fields::{AnswerFields, Outcome};
    use crate::domain::operation::Operation;
    use crate::domain::participants::Fip;
    use crate::domain::scenario_plan::ScenarioPlan;
    use crate::scenario::format::parse;
    use crate::scenario::magic::MAGIC_CUSTOMERS;
    use crate::scenario::shipped::SHIPPED;

    /// Returns the diagnostics in a sandbox with the FIPs of the shipped list, and with calls of
    /// these fields.
    fn lint_with_shipped(plan: &ScenarioPlan) -> Vec<LintDiagnostic> {
        let fips = ["FIP-1", "FIP-2", "FIP-3"].map(|id| Arc::new(Fip::with_id(id)));
        let mut answer_fields = AnswerFields::default();
        for op in Operation::ALL {
            for api in ["rebit-1", "rebit-2", "unaport"] {
                let fields = answer_fields.entry(*op, api, Outcome::Success);
                for path in [
                    "timestamp",
                    "ConsentStatus",
                    "ConsentStatus.status",
                    "ConsentUse",
                ] {
                    fields.add_path(path);
                }
            }
        }
        let artefact = answer_fields.entry(Operation::ConsentFetch, "rebit-2", Outcome::Success);
        artefact.add_path("signedConsent");
        artefact.add_path("consentId");
        for op in [Operation::ConsentCreate, Operation::ConsentFetch] {
            answer_fields
                .entry(op, "seed", Outcome::Success)
                .add_path("timestamp");
        }
        let fius = ["FIU-1", "FIU-2", "UNACORES-FIU-UAT"].map(Arc::from);
        let context = LintContext {
            fius: &fius,
            fips: &fips,
            answer_fields: &answer_fields,
        };
        lint_plan(plan, context)
    }

    fn lint_text(text: &str) -> String {
        let plan = parse(text).expect("the text is a valid scenario");
        lint_with_shipped(&plan)
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
            assert_eq!(lint_with_shipped(&magic.to_plan()), [], "{}", magic.number);
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
    fn redirections_of_an_answered_consent_are_reported() {
        insta::assert_snapshot!(lint_text(
            "version: 1\nname: x\nsteps:\n  - approve: {}\n  - redirect: { errorcode: 4 }\nrules:\n  - { when: \
             consent.active, redirect: { errorcode: 4 } }\n  - { when: consent.raised, redirect: { errorcode: 4 } }\n"
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
    fn faults_beyond_what_can_be_sent_or_answered_are_reported() {
        insta::assert_snapshot!(lint_text(
            "version: 1\nname: x\nmatch: { api: rebit-2 }\npush_data: false\nsteps: [approve: {}, { after: 1s, deliver: { fips: { FIP-99: READY }, accounts: { \
             one: DENIED } } }]\nwebhooks:\n  - { where: { event: consent.status, status: ACTIVE, nth: 9 }, fault: { drop: {} } }\n  - { where: { event: consent.status, status: EXPIRED, \
             nth: 2 }, fault: { drop: {} } }\n  - { where: { event: consent.status, status: PENDING }, fault: { drop: {} } }\n  - { \
             where: { status: READY }, fault: { drop: {} } }\n  - { where: { event: analytics }, fault: { drop: {} } }\n  - { where: { event: \
             fi.data }, fault: { drop: {} } }\napi_faults:\n  - { where: { op: consent.status }, fault: { missing_field: status } }\n  - { \
             where: { op: consent.status }, fault: { set_field: { field: Consent.x, value: 1 } } }\n  - { where: { op: consent.status }, \
             fault: { set_field: { field: ConsentUse.x, value: 1 } } }\n"
        ));
    }

    #[test]
    fn expectations_that_the_state_machine_rules_out_are_reported() {
        insta::assert_snapshot!(lint_text(
            "version: 1\nname: x\nmatch: { api: seed, customer: \"98*\" }\nsteps: [reject: {}]\nexpect:\n  - state: { is: ACTIVE }\n  - state: { is: ACTIVE, count: 0 \
             }\n  - event: { name: consent.paused }\n  - webhook: { event: consent.status, status: REVOKED }\n  - webhook: { fault: drop }\n  - never: \
             { op: consent.create, after_event: consent.revoked }\n  - never: { event: consent.expired, after_event: consent.rejected \
             }\n  - call: { op: fi.request }\n  - call: { op: consent.create, customer: \"97*\" }\n  - state: { is: REJECTED }\n"
        ));
        insta::assert_snapshot!(lint_text(
            "version: 1\nname: x\nsteps: [approve: {}]\nexpect:\n  - state: { is: PAUSED }\n  - never: { event: consent.revoked }\n  - event: { name: \
             consent.resumed }\n  - webhook: { event: fi.status, status: FAILED }\n  - state: { is: EXPIRED }\n"
        ));
        // A person acts where the scenario leaves the approval to one.
        assert_eq!(
            lint_text(
                "version: 1\nname: x\nconsent: manual\nexpect:\n  - state: { is: PAUSED }\n  - webhook: { status: REVOKED }\n"
            ),
            ""
        );
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
