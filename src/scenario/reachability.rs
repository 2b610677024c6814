//! The statuses, events and webhooks that a consent of a plan can reach, by the state machine of
//! consents.
//!
//! The result is an upper bound: what happens when the plan is played is always in it. It is
//! computed twice. *Alone*, only the plan, the passing of time and the data calls of the FIU act.
//! With *anyone*, customers, pages and the control API act too, from the first moment at which the
//! plan waits. Notifications that a person sends by hand are in neither.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::action::{Action, BankAction, ConsentAction, CustomerAction, SandboxAction};
use crate::domain::consent::{Input, Status};
use crate::domain::event::EventName;
use crate::domain::expectation::ExpectationTarget;
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::scenario_plan::ScenarioPlan;
use crate::domain::session::{ApprovalMode, FiStatus, SessionStatus};
use crate::domain::time::Millis;
use crate::domain::unaport::AnalyticsStatus;

/// An upper bound of how often something happens to one consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bound {
    AtMost(u32),
    Unbounded,
}

impl Bound {
    pub(crate) const NEVER: Self = Self::AtMost(0);

    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::AtMost(one), Self::AtMost(other)) => Self::AtMost(one.saturating_add(other)),
            _ => Self::Unbounded,
        }
    }

    /// Returns whether it can happen this often.
    pub(crate) fn allows(self, count: u32) -> bool {
        match self {
            Self::AtMost(most) => count <= most,
            Self::Unbounded => true,
        }
    }
}

/// The parties that act on a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actors {
    /// The plan, the passing of time and the FIU's calls for data.
    PlanAlone,
    Anyone,
}

/// The statuses, events and webhooks that can be reached.
#[derive(Clone, Debug)]
pub(crate) struct Reachability {
    /// The statuses that a consent can have while time passes.
    pub statuses: BTreeSet<Status>,
    pub events: BTreeSet<EventName>,
    /// The webhooks by kind and status, each with its largest number; those of a scripted body have
    /// no status.
    notifications: BTreeMap<(NotificationKind, Option<&'static str>), Bound>,
}

impl Reachability {
    /// Computes what a consent of the plan can reach.
    pub(crate) fn compute(plan: &ScenarioPlan, actors: Actors) -> Self {
        let walk = Walk::run(plan, actors);
        let notifications = bound_notifications(plan, &walk, actors);
        Self {
            statuses: walk.statuses,
            events: walk.events,
            notifications,
        }
    }

    /// Returns the largest number of webhooks of this kind and status; without a kind or a status,
    /// of all.
    pub(crate) fn bound_webhooks(
        &self,
        kind: Option<NotificationKind>,
        status: Option<&str>,
    ) -> Bound {
        self.notifications
            .iter()
            .filter(|((known_kind, known_status), _)| {
                kind.is_none_or(|kind| kind == *known_kind)
                    && status.is_none_or(|status| *known_status == Some(status))
            })
            .fold(Bound::NEVER, |sum, (_, bound)| sum.plus(*bound))
    }

    /// Returns the webhooks of a kind that can be sent, or of all kinds, in words.
    pub(crate) fn describe_webhooks(&self, kind: Option<NotificationKind>) -> String {
        let webhooks: Vec<_> = self
            .notifications
            .iter()
            .filter(|((known, _), bound)| {
                **bound != Bound::NEVER && kind.is_none_or(|kind| kind == *known)
            })
            .map(|((kind, status), bound)| {
                let status = status.unwrap_or("with a scripted body");
                match bound {
                    Bound::AtMost(most) => format!("{kind} {status} (at most {most})"),
                    Bound::Unbounded => format!("{kind} {status}"),
                }
            })
            .collect();
        if webhooks.is_empty() {
            "none".to_owned()
        } else {
            webhooks.join(", ")
        }
    }
}

/// Returns whether one event of a consent can happen after another one of the same consent.
pub(crate) fn can_follow(first: EventName, then: EventName) -> bool {
    let (Some(status), Some(_)) = (first.resulting_status(), then.resulting_status()) else {
        return then != EventName::ConsentRaised;
    };
    reachable_from(&BTreeSet::from([status]))
        .iter()
        .any(|status| {
            let mut inputs = Input::ALL.iter().copied();
            inputs.any(|input| event_of(input) == then && status.transition_on(input).is_some())
        })
}

/// Returns the statuses that a consent can reach by any actor's inputs, including the given ones.
pub(crate) fn reachable_from(from: &BTreeSet<Status>) -> BTreeSet<Status> {
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

/// Returns the APIs of the consents that a plan drives, as far as its `match` says.
pub(crate) fn list_apis(plan: &ScenarioPlan) -> Vec<&'static str> {
    match plan.matcher() {
        Some(matcher) if !matcher.apis.is_empty() => matcher.apis.clone(),
        _ => vec!["seed", "rebit-1", "rebit-2", "unaport"],
    }
}

/// One change of a consent: the inputs are applied in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Move {
    Input(Input),
    /// An approval that activates the consent in the same step.
    ApproveAndActivate,
}

impl Move {
    fn of_action(action: &ConsentAction) -> Self {
        match action {
            ConsentAction::Approve { hold: false, .. } => Self::ApproveAndActivate,
            other => Self::Input(other.input()),
        }
    }

    fn inputs(self) -> impl Iterator<Item = Input> {
        let (first, second) = match self {
            Self::ApproveAndActivate => (Input::Approve, Some(Input::Activate)),
            Self::Input(input) => (input, None),
        };
        std::iter::once(first).chain(second)
    }

    /// Returns the status after the move; `None`: the move is illegal.
    fn apply(self, status: Status) -> Option<Status> {
        self.inputs().try_fold(status, Status::transition_on)
    }

    /// Returns whether the move is an approval. In a status that allows it, it is still rejected if
    /// the customer has no account to share.
    fn is_approval(self) -> bool {
        matches!(self, Self::ApproveAndActivate | Self::Input(Input::Approve))
    }
}

/// Returns the event that an input causes.
pub(crate) const fn event_of(input: Input) -> EventName {
    match input {
        Input::Approve => EventName::ConsentApproved,
        Input::Activate => EventName::ConsentActivated,
        Input::Reject => EventName::ConsentRejected,
        Input::Fail => EventName::ConsentFailed,
        Input::Pause => EventName::ConsentPaused,
        Input::Resume => EventName::ConsentResumed,
        Input::Revoke => EventName::ConsentRevoked,
        Input::Expire => EventName::ConsentExpired,
    }
}

/// The exploration of a plan.
struct Walk<'a> {
    plan: &'a ScenarioPlan,
    /// The statuses that are possible now.
    current: BTreeSet<Status>,
    statuses: BTreeSet<Status>,
    events: BTreeSet<EventName>,
    /// Moves that can happen at any time from now on.
    armed: BTreeSet<Move>,
    /// The plan has answered a data request.
    answers_data: bool,
    /// Events of data that happen once there is data.
    awaiting_data: BTreeSet<EventName>,
    /// A data call exists on an API of the plan.
    has_data_calls: bool,
    has_unaport: bool,
}

impl<'a> Walk<'a> {
    fn run(plan: &'a ScenarioPlan, actors: Actors) -> Self {
        let apis = list_apis(plan);
        let mut walk = Self {
            plan,
            current: BTreeSet::from([Status::Pending]),
            statuses: BTreeSet::new(),
            events: BTreeSet::new(),
            armed: BTreeSet::new(),
            answers_data: plan.delivers_after_activation,
            awaiting_data: BTreeSet::new(),
            has_data_calls: actors == Actors::Anyone || apis.iter().any(|api| *api != "seed"),
            has_unaport: apis.contains(&"unaport"),
        };
        // A person approves where the plan says so, and calls that the plan expects are made.
        let has_person = plan.approval == Some(ApprovalMode::Manual);
        let acts_freely = actors == Actors::Anyone || has_person;
        walk.see_event(EventName::ConsentRaised);
        let mut approval_at = plan.approval.and_then(ApprovalMode::approval_delay);
        let mut now = Millis::ZERO;
        for step in &plan.steps {
            if let Some(at) = approval_at.take_if(|at| *at <= step.due_after) {
                if at > now {
                    walk.pass_time(acts_freely);
                }
                walk.apply_move(Move::ApproveAndActivate);
            }
            if step.due_after > now {
                walk.pass_time(acts_freely);
                now = step.due_after;
            }
            walk.apply_action(&step.action);
        }
        if let Some(at) = approval_at {
            if at > now {
                walk.pass_time(acts_freely);
            }
            walk.apply_move(Move::ApproveAndActivate);
        }
        walk.pass_time(acts_freely);
        walk
    }

    /// Lets time pass: the consent can expire, and others can act.
    fn pass_time(&mut self, acts_freely: bool) {
        self.armed.insert(Move::Input(Input::Expire));
        if acts_freely {
            self.armed.insert(Move::ApproveAndActivate);
            self.armed
                .extend(Input::ALL.iter().map(|input| Move::Input(*input)));
            self.answers_data = true;
            self.awaiting_data.insert(EventName::DataOutdated);
            for event in EventName::ALL {
                if event.resulting_status().is_none() && !is_data_event(*event) {
                    self.see_event(*event);
                }
            }
        } else if expects_revocation(self.plan) {
            self.armed.insert(Move::Input(Input::Revoke));
        }
        self.apply_armed();
        self.statuses.extend(&self.current);
    }

    /// Applies a step of the plan.
    fn apply_action(&mut self, action: &Action) {
        if let Action::Transition(action) = action {
            self.apply_move(Move::of_action(action));
        } else {
            self.arm_action(action);
        }
        self.apply_armed();
    }

    /// Applies a move that happens now. A status in which it is rejected remains.
    fn apply_move(&mut self, applied: Move) {
        // The consents of a deregistered customer are hidden, so that nothing changes them.
        let can_be_rejected =
            applied.is_approval() || self.events.contains(&EventName::CustomerDeregistered);
        let mut next = BTreeSet::new();
        for status in self.current.clone() {
            match applied.apply(status) {
                Some(after) => {
                    next.insert(after);
                    if can_be_rejected {
                        next.insert(status);
                    }
                    for input in applied.inputs() {
                        self.see_event(event_of(input));
                    }
                }
                None => {
                    next.insert(status);
                }
            }
        }
        self.current = next;
        self.apply_armed();
    }

    /// Adds the statuses after all armed moves, in any order and number.
    fn apply_armed(&mut self) {
        loop {
            self.see_data_events();
            let mut found = Vec::new();
            for status in &self.current {
                for armed in &self.armed {
                    if let Some(after) = armed.apply(*status) {
                        found.push((*armed, after));
                    }
                }
            }
            let (armed_before, count_before) = (self.armed.len(), self.current.len());
            for (armed, after) in found {
                self.current.insert(after);
                for input in armed.inputs() {
                    self.see_event(event_of(input));
                }
            }
            if self.armed.len() == armed_before && self.current.len() == count_before {
                break;
            }
        }
    }

    /// Records an event and arms the rules that follow it.
    fn see_event(&mut self, event: EventName) {
        if !self.events.insert(event) {
            return;
        }
        let plan = self.plan;
        for rule in plan.rules.iter().filter(|rule| rule.event == event) {
            self.arm_action(&rule.action);
        }
    }

    /// Lets an action happen at any time from now on.
    fn arm_action(&mut self, action: &Action) {
        match action {
            Action::Transition(action) => {
                self.armed.insert(Move::of_action(action));
            }
            Action::Answer(_) => self.answers_data = true,
            Action::Customer(CustomerAction::Link { .. }) => {
                self.see_event(EventName::CustomerRegistered);
                self.see_event(EventName::AccountsLinked);
            }
            Action::Customer(CustomerAction::Delink(_)) => {
                self.armed.insert(Move::Input(Input::Revoke));
                self.see_event(EventName::AccountDelinked);
            }
            Action::Customer(CustomerAction::Deregister {}) => {
                self.see_event(EventName::CustomerDeregistered);
                self.see_event(EventName::AccountDelinked);
            }
            Action::Bank(action) => {
                self.see_event(match action {
                    BankAction::Add(_) => EventName::TransactionAdded,
                    BankAction::Change(_) => EventName::TransactionChanged,
                    BankAction::Remove(_) => EventName::TransactionRemoved,
                });
                self.awaiting_data.insert(EventName::DataOutdated);
            }
            Action::Sandbox(SandboxAction::Notify(_)) => {
                self.see_event(EventName::NotificationScripted);
            }
            Action::Sandbox(SandboxAction::Set(_)) => self.see_event(EventName::TimingChanged),
            Action::Sandbox(SandboxAction::Redirect { .. }) => {
                self.see_event(EventName::RedirectionScripted);
            }
        }
    }

    /// Records the events of data, once the consent can be ACTIVE and something requests data.
    fn see_data_events(&mut self) {
        if self.events.contains(&EventName::ConsentRaised) {
            // Raising a consent can register its customer and assign a persona.
            self.see_event(EventName::CustomerRegistered);
            self.see_event(EventName::PersonaAssigned);
        }
        let is_active = self.current.contains(&Status::Active);
        if !is_active || !(self.has_data_calls || self.answers_data) {
            return;
        }
        for event in EventName::ALL
            .iter()
            .copied()
            .filter(|event| is_data_event(*event))
        {
            let is_possible = match event {
                EventName::AnalyticsReported => self.has_unaport,
                EventName::DataOutdated => self.awaiting_data.contains(&event),
                _ => true,
            };
            if is_possible {
                self.see_event(event);
            }
        }
    }
}

const fn is_data_event(event: EventName) -> bool {
    matches!(
        event,
        EventName::DataRequested
            | EventName::DataPrepared
            | EventName::DataFetched
            | EventName::DataExpired
            | EventName::DataOutdated
            | EventName::AnalyticsReported
    )
}

/// Returns whether the plan expects the FIU to revoke the consent.
fn expects_revocation(plan: &ScenarioPlan) -> bool {
    plan.expectations.iter().any(|expectation| {
        expectation.count.at_least > 0
            && matches!(
                expectation.target,
                ExpectationTarget::Call {
                    op: Operation::ConsentRevoke,
                    ..
                }
            )
    })
}

/// Returns the largest number of times that an event happens to one consent by the plan alone.
/// `visited` are the events on the way: a rule that leads back to one of them has no bound.
fn bound_event(plan: &ScenarioPlan, event: EventName, visited: &mut Vec<EventName>) -> Bound {
    if visited.contains(&event) {
        return Bound::Unbounded;
    }
    if is_data_event(event) {
        return Bound::Unbounded;
    }
    let happens_once = matches!(
        event,
        EventName::ConsentRaised | EventName::ConsentApproved | EventName::ConsentActivated
    ) || event.resulting_status().is_some_and(Status::is_final);
    if happens_once {
        return Bound::AtMost(1);
    }
    bound_actions(plan, visited, event, |action| causes_event(action, event))
}

/// Returns the largest number of times that the plan takes an action of a kind. `event` is the
/// event of the action.
fn bound_actions(
    plan: &ScenarioPlan,
    visited: &mut Vec<EventName>,
    event: EventName,
    is_counted: impl Fn(&Action) -> bool,
) -> Bound {
    let steps = plan.steps.iter().filter(|step| is_counted(&step.action));
    let mut bound = Bound::AtMost(u32::try_from(steps.count()).unwrap_or(u32::MAX));
    visited.push(event);
    for rule in plan.rules.iter().filter(|rule| is_counted(&rule.action)) {
        bound = bound.plus(bound_event(plan, rule.event, visited));
    }
    visited.pop();
    bound
}

/// Returns whether an action can cause an event that is none of data.
fn causes_event(action: &Action, event: EventName) -> bool {
    match action {
        Action::Transition(action) => event_of(action.input()) == event,
        Action::Sandbox(SandboxAction::Notify(_)) => event == EventName::NotificationScripted,
        Action::Sandbox(SandboxAction::Set(_)) => event == EventName::TimingChanged,
        Action::Sandbox(SandboxAction::Redirect { .. }) => event == EventName::RedirectionScripted,
        Action::Answer(_) | Action::Customer(_) | Action::Bank(_) => false,
    }
}

/// Returns the largest number of webhooks of each kind and status.
fn bound_notifications(
    plan: &ScenarioPlan,
    walk: &Walk<'_>,
    actors: Actors,
) -> BTreeMap<(NotificationKind, Option<&'static str>), Bound> {
    let mut bounds = BTreeMap::new();
    let acts_freely = actors == Actors::Anyone || plan.approval == Some(ApprovalMode::Manual);
    let mut add = |kind, status: Option<&'static str>, bound: Bound| {
        let known = bounds.entry((kind, status)).or_insert(Bound::NEVER);
        *known = known.plus(bound);
    };
    for event in &walk.events {
        let Some(status) = event.resulting_status() else {
            continue;
        };
        let is_sent = match status {
            Status::Pending => false,
            Status::Ready => walk.has_unaport,
            _ => true,
        };
        let repeats = matches!(event, EventName::ConsentPaused | EventName::ConsentResumed);
        let bound = if repeats && acts_freely {
            Bound::Unbounded
        } else {
            bound_event(plan, *event, &mut Vec::new())
        };
        if is_sent {
            add(
                NotificationKind::ConsentStatus,
                Some(status.as_str()),
                bound,
            );
        }
    }
    if walk.events.contains(&EventName::DataPrepared) {
        let fails = acts_freely || has_timeout(plan);
        for status in SessionStatus::ALL {
            if *status == SessionStatus::Failed && !fails {
                continue;
            }
            add(
                NotificationKind::FiStatus,
                Some(status.as_str()),
                Bound::Unbounded,
            );
            if *status != SessionStatus::Expired && can_push_data(plan, actors) {
                add(
                    NotificationKind::FiData,
                    Some(status.as_str()),
                    Bound::Unbounded,
                );
            }
        }
    }
    if walk.events.contains(&EventName::AnalyticsReported) {
        for status in AnalyticsStatus::ALL {
            add(
                NotificationKind::Analytics,
                Some(status.as_str()),
                Bound::Unbounded,
            );
        }
    }
    let actions = plan.steps.iter().map(|step| (None, &step.action)).chain(
        plan.rules
            .iter()
            .map(|rule| (Some(rule.event), &rule.action)),
    );
    for (event, action) in actions {
        let Action::Sandbox(SandboxAction::Notify(notification)) = action else {
            continue;
        };
        let bound = match event {
            None => Bound::AtMost(1),
            Some(event) if !walk.events.contains(&event) => Bound::NEVER,
            Some(_) if acts_freely => Bound::Unbounded,
            Some(event) => bound_event(plan, event, &mut vec![EventName::NotificationScripted]),
        };
        let status = match &notification.body {
            Some(_) => None,
            None => notification.status.map(Status::as_str),
        };
        add(notification.event, status, bound);
    }
    bounds
}

/// Returns whether statements of the plan can be pushed.
fn can_push_data(plan: &ScenarioPlan, actors: Actors) -> bool {
    match plan.push_data {
        Some(is_pushed) => is_pushed,
        // The seed API pushes by default, the others if the sandbox is started with --push-data.
        None => actors == Actors::Anyone || list_apis(plan).contains(&"seed"),
    }
}

/// Returns whether an answer of the plan is TIMEOUT, so that a session can fail.
fn has_timeout(plan: &ScenarioPlan) -> bool {
    let steps = plan.steps.iter().map(|step| &step.action);
    let rules = plan.rules.iter().map(|rule| &rule.action);
    steps.chain(rules).any(|action| match action {
        Action::Answer(answer) => answer.answers().has_status(FiStatus::Timeout),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::{Actors, Bound, EventName, NotificationKind, Reachability, Status, can_follow};
    use crate::domain::journal_entry::JournalRecord;
    use crate::domain::listing::ListPart;
    use crate::domain::time::Millis;
    use crate::engine::proptests::{advance_world, new_world, raise_consent};
    use crate::scenario::format::parse;

    const ACTIONS: [&str; 17] = [
        "approve: {}",
        "approve: { hold: true }",
        "approve: { accounts: { fips: [FIP-2] } }",
        "activate: {}",
        "reject: {}",
        "fail: {}",
        "pause: {}",
        "resume: {}",
        "revoke: {}",
        "expire: {}",
        "deliver: {}",
        "time_out: {}",
        "link: {}",
        "delink: {}",
        "deregister: {}",
        "notify: { status: PAUSED }",
        "set: { data: manual }",
    ];

    const EVENTS: [&str; 10] = [
        "consent.raised",
        "consent.ready",
        "consent.active",
        "consent.paused",
        "consent.resumed",
        "consent.revoked",
        "fi.requested",
        "fi.prepared",
        "notification.scripted",
        "timing.changed",
    ];

    const APPROVALS: [&str; 3] = ["", "consent: immediate\n", "consent: timed\n"];

    fn any_plan() -> impl Strategy<Value = String> {
        let action = || (0..ACTIONS.len()).prop_map(|index| ACTIONS[index]);
        let after = || prop_oneof![Just(0), Just(1), Just(30), Just(3_600)];
        let steps = proptest::collection::vec((after(), action()), 0..6);
        let event = (0..EVENTS.len()).prop_map(|index| EVENTS[index]);
        let rules = proptest::collection::vec((event, 1..100i64, action()), 0..4);
        (0..APPROVALS.len(), steps, rules).prop_map(|(approval, steps, rules)| {
            let mut text = format!("version: 1\nname: any\n{}", APPROVALS[approval]);
            if !steps.is_empty() {
                text += "steps:\n";
            }
            for (after, action) in steps {
                text += &format!("  - {{ after: {after}s, {action} }}\n");
            }
            if !rules.is_empty() {
                text += "rules:\n";
            }
            for (event, after, action) in rules {
                text += &format!("  - {{ when: {event}, after: {after}s, {action} }}\n");
            }
            text
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// All that happens when a plan is played was called reachable.
        #[test]
        fn what_happens_is_reachable(text in any_plan()) {
            let plan = Arc::new(parse(&text).expect("a scenario"));
            let alone = Reachability::compute(&plan, Actors::PlanAlone);
            let anyone = Reachability::compute(&plan, Actors::Anyone);
            prop_assert!(anyone.statuses.is_superset(&alone.statuses), "{text}");
            prop_assert!(anyone.events.is_superset(&alone.events), "{text}");
            let world = new_world();
            world.scenarios().put_local(None, plan, "").expect("it is new");
            world.scenarios().set_default(None, Some("any".to_owned())).expect("it exists");
            let _ = world.submit(None, raise_consent(1, 2)).expect("it is raised");
            // The clock moves in steps of some seconds, then to the expiry of the consent.
            for seconds in std::iter::repeat_n(7, 20).chain([3_000, 3_000, 200_000]) {
                for consent in world.catch_up().consents(0, 10) {
                    prop_assert!(alone.statuses.contains(&consent.status), "{} {text}", consent.status);
                }
                advance_world(&world, Millis::from_secs(seconds));
            }
            let (entries, _) = world.catch_up().journal_matching(ListPart::oldest(usize::MAX), |_| true);
            for entry in &entries {
                if let JournalRecord::Event(event) = &entry.record {
                    prop_assert!(alone.events.contains(&event.name()), "{} {text}", event.name());
                }
            }
            let mut counts = BTreeMap::new();
            for delivery in world.catch_up().deliveries(0, usize::MAX) {
                let notification = &delivery.notification;
                *counts.entry((notification.kind(), notification.status())).or_insert(0u32) += 1;
            }
            for ((kind, status), count) in counts {
                let bound = alone.bound_webhooks(Some(kind), status);
                prop_assert!(bound.allows(count), "{count} {kind} {status:?}, {bound:?}: {text}");
            }
        }
    }

    #[test]
    fn the_order_of_events_follows_the_state_machine() {
        use EventName::{
            ConsentActivated, ConsentApproved, ConsentPaused, ConsentRaised, ConsentRejected,
            ConsentResumed, ConsentRevoked, DataRequested,
        };
        for (first, then, is_possible) in [
            (ConsentRaised, ConsentRejected, true),
            (ConsentApproved, ConsentActivated, true),
            (ConsentPaused, ConsentPaused, true),
            (ConsentResumed, ConsentRevoked, true),
            (ConsentActivated, DataRequested, true),
            (ConsentActivated, ConsentApproved, false),
            (ConsentActivated, ConsentActivated, false),
            (ConsentActivated, ConsentRejected, false),
            (ConsentActivated, ConsentRaised, false),
            (DataRequested, ConsentRaised, false),
            (ConsentRevoked, ConsentPaused, false),
        ] {
            assert_eq!(can_follow(first, then), is_possible, "{first} {then}");
        }
    }

    #[test]
    fn a_hidden_consent_keeps_its_status() {
        let plan = parse("version: 1\nname: x\nsteps: [deregister: {}, reject: {}]");
        let reachable = Reachability::compute(&plan.expect("a scenario"), Actors::PlanAlone);
        assert!(reachable.statuses.contains(&Status::Pending));
    }

    #[test]
    fn bounds_follow_the_state_machine() {
        let bound = |text: &str, status| {
            let plan = parse(&format!("version: 1\nname: x\n{text}")).expect("a scenario");
            Reachability::compute(&plan, Actors::PlanAlone)
                .bound_webhooks(Some(NotificationKind::ConsentStatus), Some(status))
        };
        let paused = "steps: [approve: {}, { after: 1s, pause: {} }, { after: 1s, resume: {} }]";
        assert_eq!(bound(paused, "ACTIVE"), Bound::AtMost(2));
        assert_eq!(bound(paused, "PAUSED"), Bound::AtMost(1));
        assert_eq!(bound(paused, "REVOKED"), Bound::NEVER);
        assert_eq!(bound(paused, "PENDING"), Bound::NEVER);
        let endless = "steps: [approve: {}]\nrules:\n  - { when: consent.active, after: 1s, pause: {} }\n  - { when: consent.paused, \
                       after: 1s, resume: {} }\n  - { when: consent.resumed, after: 1s, pause: {} }";
        assert_eq!(bound(endless, "PAUSED"), Bound::Unbounded);
        let rejected = "steps: [reject: {}]";
        assert_eq!(bound(rejected, "REJECTED"), Bound::AtMost(1));
        assert_eq!(bound(rejected, "EXPIRED"), Bound::NEVER);
    }
}
