//! Converts the types of a file to domain values. Reports the errors that involve several values,
//! which the schema cannot express. Positions come from the file's `Spanned` values.

use serde_saphyr::Spanned;

use super::Diagnostic;
use super::conditions::{BodyConditions, HeaderConditions, convert_conditions};
use super::types::{
    API_NAMES, ActionEntry, ApiCallSelectorSpec, ApiFaultEntry, ExpectCall, ExpectEvent,
    ExpectNever, ExpectState, ExpectWebhook, ExpectationEntry, ExpectationsFile, FaultsFile,
    MatchSpec, OneOrMany, ScenarioFile, WebhookFaultEntry, WebhookSelectorSpec,
    notification_statuses,
};
use crate::domain::action::{Action, AnswerAction, BankAction, SandboxAction};
use crate::domain::api_fault::{
    ApiCallSelector, ApiFault, ApiFaultRule, Faults, Latency, ReplyFault,
};
use crate::domain::bank_answer::BankAnswers;
use crate::domain::command_arguments::TimingOverride;
use crate::domain::consent_matcher::ConsentMatcher;
use crate::domain::customer_address::normalize_pattern;
use crate::domain::event::EventName;
use crate::domain::expectation::{CountRange, Expectation, ExpectationTarget, SubjectFilter};
use crate::domain::glob::Glob;
use crate::domain::ids::ConsentHandle;
use crate::domain::message_filter::MessageFilter;
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::scenario_plan::{Rule, ScenarioPlan, SourceLocation, Step};
use crate::domain::text::quote_value;
use crate::domain::time::Millis;
use crate::domain::webhook_fault::{Occurrences, WebhookFaultRule, WebhookSelector};
use crate::files::yaml::diagnostic_at;

/// The largest number of different delays in one `deliver`. Each delay becomes a command of its
/// own.
const DELAYS_MAX: usize = 100;

pub(crate) fn convert_scenario(file: ScenarioFile) -> Result<ScenarioPlan, Vec<Diagnostic>> {
    let ScenarioFile {
        version: _,
        name,
        description,
        r#match,
        persona,
        consent,
        data,
        push_data,
        fi_schema,
        quirks,
        fetch_quirks,
        discovery,
        linking,
        steps,
        rules,
        webhooks,
        api_faults,
        expect,
    } = file;
    let mut converter = Converter::default();
    let matcher = r#match
        .as_ref()
        .map(|spec| (convert_match(&spec.value), location_of(spec)));
    let steps = converter.convert_steps(&steps);
    let rules = converter.convert_rules(&rules);
    let faults = Faults {
        webhooks: converter.convert_webhook_faults(&webhooks),
        api: converter.convert_api_faults(&api_faults),
    };
    let expectations = converter.convert_expectations(&expect, None);
    converter.into_result(ScenarioPlan {
        location: location_of(&name),
        name: name.value,
        file: None,
        description,
        matcher,
        persona: persona.map(|persona| (location_of(&persona), persona.value)),
        approval: consent,
        push_data,
        data,
        fi_schema,
        quirks: quirks
            .iter()
            .map(|quirk| (quirk.value, location_of(quirk)))
            .collect(),
        fetch_quirks_location: fetch_quirks.first().map(location_of),
        fetch_quirks: fetch_quirks.iter().map(|quirk| quirk.value).collect(),
        bank_answers_location: [
            discovery.as_ref().map(location_of),
            linking.as_ref().map(location_of),
        ]
        .into_iter()
        .flatten()
        .min(),
        bank_answers: BankAnswers {
            discovery: discovery.map(|answers| answers.value).unwrap_or_default(),
            linking: linking.map(|answers| answers.value).unwrap_or_default(),
        },
        steps,
        rules,
        delivers_after_activation: false,
        fault_locations: webhooks
            .iter()
            .map(location_of)
            .chain(api_faults.iter().map(location_of))
            .collect(),
        faults,
        expectations,
    })
}

/// Converts steps that a person runs through the control API.
pub(crate) fn convert_manual_steps(
    entries: &[Spanned<ActionEntry>],
) -> Result<ScenarioPlan, Vec<Diagnostic>> {
    let mut converter = Converter::default();
    let steps = converter.convert_steps(entries);
    converter.into_result(ScenarioPlan {
        name: "by hand".to_owned(),
        steps,
        ..ScenarioPlan::default()
    })
}

pub(crate) fn convert_faults(
    file: FaultsFile,
) -> Result<(Faults, Option<Millis>), Vec<Diagnostic>> {
    let FaultsFile {
        webhooks,
        api_faults,
        ttl,
    } = file;
    let mut converter = Converter::default();
    let faults = Faults {
        webhooks: converter.convert_webhook_faults(&webhooks),
        api: converter.convert_api_faults(&api_faults),
    };
    converter.into_result((faults, ttl))
}

pub(crate) fn convert_expectations_file(
    file: ExpectationsFile,
) -> Result<Vec<Expectation>, Vec<Diagnostic>> {
    let ExpectationsFile {
        expect,
        consent_handle,
    } = file;
    let mut converter = Converter::default();
    let handle = consent_handle.and_then(|text| {
        let handle = ConsentHandle::parse(&text);
        if handle.is_none() {
            let message = format!("invalid consent_handle {}; give a UUID", quote_value(&text));
            converter.diagnostics.push(Diagnostic {
                line: 0,
                column: 0,
                message,
            });
        }
        handle
    });
    let expectations = converter.convert_expectations(&expect, handle);
    converter.into_result(expectations)
}

fn location_of<T>(spanned: &Spanned<T>) -> SourceLocation {
    SourceLocation {
        line: spanned.referenced.line(),
        column: spanned.referenced.column(),
    }
}

fn convert_match(spec: &MatchSpec) -> ConsentMatcher {
    let MatchSpec {
        customer,
        fiu,
        aa,
        fi_types,
        purpose,
        fetch_type,
        api,
    } = spec;
    ConsentMatcher {
        customers: iter_texts(customer.as_ref()).map(customer_glob).collect(),
        fius: to_globs(fiu.as_ref()),
        aas: to_globs(aa.as_ref()),
        fi_types: fi_types.iter().flatten().copied().collect(),
        purposes: iter_texts(purpose.as_ref()).map(Into::into).collect(),
        fetch_types: fetch_type.iter().copied().collect(),
        apis: API_NAMES
            .into_iter()
            .filter(|known| api.as_deref() == Some(*known))
            .collect(),
    }
}

fn to_globs(texts: Option<&OneOrMany>) -> Vec<Glob> {
    iter_texts(texts).map(Glob::new).collect()
}

/// Returns the pattern of customers' addresses. Worlds keep addresses in their normal form.
fn customer_glob(text: &str) -> Glob {
    Glob::new(&normalize_pattern(text))
}

fn iter_texts(texts: Option<&OneOrMany>) -> impl Iterator<Item = &str> {
    let texts = match texts {
        None => &[],
        Some(OneOrMany::One(text)) => std::slice::from_ref(text),
        Some(OneOrMany::Many(texts)) => texts.as_slice(),
    };
    texts.iter().map(String::as_str)
}

fn subject_filter(
    handle: Option<ConsentHandle>,
    customer: Option<&String>,
    fiu: Option<&String>,
) -> SubjectFilter {
    SubjectFilter {
        handle,
        customer: customer.map(|customer| customer_glob(customer)),
        fiu: fiu.map(|fiu| Glob::new(fiu)),
    }
}

#[derive(Default)]
struct Converter {
    diagnostics: Vec<Diagnostic>,
}

impl Converter {
    fn add_diagnostic<T>(&mut self, spanned: &Spanned<T>, message: String) {
        self.diagnostics
            .push(diagnostic_at(spanned.referenced, message));
    }

    fn into_result<T>(mut self, value: T) -> Result<T, Vec<Diagnostic>> {
        self.diagnostics.sort();
        if self.diagnostics.is_empty() {
            Ok(value)
        } else {
            Err(self.diagnostics)
        }
    }

    fn convert_steps(&mut self, entries: &[Spanned<ActionEntry>]) -> Vec<Step> {
        let mut at = Millis::ZERO;
        let mut steps = Vec::new();
        for (entry, number) in entries.iter().zip(1..) {
            if entry.value.when.is_some() {
                let message = "a step has no `when`; move an action that follows an event to rules";
                self.add_diagnostic(entry, message.to_owned());
            }
            self.check_action(entry);
            at = Millis(at.0.saturating_add(entry.value.after.0));
            steps.push(Step {
                due_after: at,
                action: entry.value.action.clone(),
                origin: describe_origin(entry, "step", number),
                location: location_of(entry),
            });
        }
        steps
    }

    fn convert_rules(&mut self, entries: &[Spanned<ActionEntry>]) -> Vec<Rule> {
        let mut rules = Vec::new();
        for (entry, number) in entries.iter().zip(1..) {
            let Some(event) = entry.value.when else {
                let events: Vec<_> = EventName::ALL
                    .iter()
                    .filter(|event| event.is_about_consent())
                    .map(|event| event.as_str())
                    .collect();
                self.add_diagnostic(
                    entry,
                    format!("a rule needs `when`, one of {}", events.join(", ")),
                );
                continue;
            };
            self.check_action(entry);
            rules.push(Rule {
                event,
                after: entry.value.after,
                action: entry.value.action.clone(),
                origin: describe_origin(entry, "rule", number),
                location: location_of(entry),
            });
        }
        rules
    }

    /// Reports the errors of an action that the schema cannot express.
    fn check_action(&mut self, entry: &Spanned<ActionEntry>) {
        let message = match &entry.value.action {
            Action::Answer(AnswerAction::Deliver(answers))
                if answers.delays().len() > DELAYS_MAX =>
            {
                let count = answers.delays().len();
                format!("deliver has {count} different delays; the limit is {DELAYS_MAX}")
            }
            Action::Sandbox(SandboxAction::Notify(notification))
                if notification.status.is_some()
                    && notification.event != NotificationKind::ConsentStatus =>
            {
                let kind = notification.event;
                format!("notify of {kind} has no status; give a body, or use consent.status")
            }
            Action::Sandbox(SandboxAction::Notify(notification))
                if notification.status.is_some() && notification.body.is_some() =>
            {
                "notify takes a status or a body, not both".to_owned()
            }
            Action::Sandbox(SandboxAction::Notify(notification))
                if notification.status.is_none()
                    && notification.body.is_none()
                    && !notification.repeats_session() =>
            {
                "notify needs a status or a body; fi.status needs neither".to_owned()
            }
            Action::Bank(BankAction::Change(edited)) if edited.changes_nothing() => {
                "change_transaction has nothing to change; give amount, narration, days_ago, type, mode or reference".to_owned()
            }
            Action::Sandbox(SandboxAction::Set(TimingOverride {
                latency: Some(latency),
                ..
            })) => return self.check_latency(entry, *latency),
            _ => return,
        };
        self.add_diagnostic(entry, message);
    }

    fn convert_webhook_faults(
        &mut self,
        entries: &[Spanned<WebhookFaultEntry>],
    ) -> Vec<WebhookFaultRule> {
        let rules = entries.iter().map(|entry| {
            let WebhookFaultEntry { r#where, fault } = &entry.value;
            let default_selector = WebhookSelectorSpec::default();
            let WebhookSelectorSpec {
                event,
                status,
                nth,
                attempts,
            } = r#where.as_ref().unwrap_or(&default_selector);
            if let (Some(status), Some(_)) = (status, event) {
                self.check_notification_status(entry, *event, status);
            }
            if attempts.is_some() && fault.affects_scheduling() {
                let message = format!(
                    "{} applies to a message, not to its attempts; remove `attempts`",
                    fault.name()
                );
                self.add_diagnostic(entry, message);
            }
            let selector = WebhookSelector {
                event: *event,
                status: status.as_deref().map(Into::into),
                occurrences: nth.map_or(Occurrences::ALL, |count| count.0),
                attempts: attempts.map_or(Occurrences::ALL, |count| count.0),
            };
            WebhookFaultRule {
                selector,
                fault: fault.clone(),
            }
        });
        rules.collect()
    }

    fn convert_api_faults(&mut self, entries: &[Spanned<ApiFaultEntry>]) -> Vec<ApiFaultRule> {
        let mut rules = Vec::new();
        for entry in entries {
            let ApiFaultEntry { r#where, fault } = &entry.value;
            let default_selector = ApiCallSelectorSpec::default();
            let ApiCallSelectorSpec {
                op,
                calls,
                probability,
                r#for,
                customer,
                fiu,
            } = r#where.as_ref().unwrap_or(&default_selector);
            if let ApiFault::Reply(ReplyFault::Latency(latency)) = fault {
                self.check_latency(entry, *latency);
            }
            if fault.is_of_visits() && *op != Some(Operation::Redirection) {
                let name = fault.name();
                let message =
                    format!("{name} is a fault of visits; write where: {{ op: redirection }}");
                self.add_diagnostic(entry, message);
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the schema requires 0 to 1"
            )]
            let per_mille =
                probability.map_or(1000, |probability| (probability * 1000.0).ceil() as u16);
            let selector = ApiCallSelector {
                op: *op,
                calls: calls.map_or(Occurrences::ALL, |count| count.0),
                per_mille,
                duration: *r#for,
                customer: customer.as_deref().map(customer_glob),
                fiu: fiu.as_deref().map(Glob::new),
            };
            rules.push(ApiFaultRule {
                selector,
                fault: fault.clone(),
            });
        }
        rules
    }

    fn check_latency<T>(&mut self, entry: &Spanned<T>, latency: Latency) {
        if let Err(problem) = latency.check_bounds() {
            self.add_diagnostic(entry, format!("invalid latency: {problem}"));
        }
    }

    fn convert_expectations(
        &mut self,
        entries: &[Spanned<ExpectationEntry>],
        handle: Option<ConsentHandle>,
    ) -> Vec<Expectation> {
        let mut expectations = Vec::new();
        for (entry, number) in entries.iter().zip(1..) {
            let line = entry.referenced.line();
            let origin = if line == 0 {
                format!("expect {number}")
            } else {
                format!("expect {number}, line {line}")
            };
            if let Some(expectation) = self.convert_expectation(entry, handle, origin) {
                expectations.push(expectation);
            }
        }
        expectations
    }

    fn convert_expectation(
        &mut self,
        entry: &Spanned<ExpectationEntry>,
        handle: Option<ConsentHandle>,
        origin: String,
    ) -> Option<Expectation> {
        let ExpectationEntry {
            call,
            event,
            webhook,
            state,
            never,
        } = &entry.value;
        let (target, count, within, after) = if let Some(call) = call {
            let ExpectCall {
                op,
                status,
                body,
                header,
                answer_body,
                customer,
                fiu,
                count,
                at_least,
                at_most,
                within,
                after_event,
            } = call;
            let target = ExpectationTarget::Call {
                op: *op,
                response_status: status.map(|status| status.0),
                request: self.convert_filter(entry, body.as_ref(), header.as_ref()),
                response: self.convert_filter(entry, answer_body.as_ref(), None),
                subject: subject_filter(handle, customer.as_ref(), fiu.as_ref()),
            };
            (
                target,
                self.convert_quantity(entry, (*count, *at_least, *at_most))?,
                within,
                after_event,
            )
        } else if let Some(event) = event {
            let ExpectEvent {
                name,
                customer,
                count,
                at_least,
                at_most,
                within,
                after_event,
            } = event;
            let target = ExpectationTarget::Event {
                name: *name,
                subject: subject_filter(handle, customer.as_ref(), None),
            };
            (
                target,
                self.convert_quantity(entry, (*count, *at_least, *at_most))?,
                within,
                after_event,
            )
        } else if let Some(webhook) = webhook {
            let ExpectWebhook {
                event,
                status,
                answered,
                fault,
                body,
                header,
                answer_body,
                customer,
                fiu,
                count,
                at_least,
                at_most,
                within,
                after_event,
            } = webhook;
            if let (Some(status), Some(_)) = (status, event) {
                self.check_notification_status(entry, *event, status);
            }
            let target = ExpectationTarget::Webhook {
                event: *event,
                status: status.as_deref().map(Into::into),
                response_status: answered.map(|answered| answered.0),
                fault: *fault,
                message: self.convert_filter(entry, body.as_ref(), header.as_ref()),
                response: self.convert_filter(entry, answer_body.as_ref(), None),
                subject: subject_filter(handle, customer.as_ref(), fiu.as_ref()),
            };
            (
                target,
                self.convert_quantity(entry, (*count, *at_least, *at_most))?,
                within,
                after_event,
            )
        } else if let Some(state) = state {
            let ExpectState {
                is,
                customer,
                count,
                at_least,
                at_most,
                within,
            } = state;
            let target = ExpectationTarget::State {
                status: *is,
                subject: subject_filter(handle, customer.as_ref(), None),
            };
            (
                target,
                self.convert_quantity(entry, (*count, *at_least, *at_most))?,
                within,
                &None,
            )
        } else if let Some(never) = never {
            let ExpectNever {
                op,
                event,
                status,
                body,
                header,
                customer,
                fiu,
                after_event,
            } = never;
            if event.is_some() && (status.is_some() || body.is_some() || header.is_some()) {
                let message = "an event has no status, body or header; give `op` for a call";
                self.add_diagnostic(entry, message.to_owned());
            }
            let subject = subject_filter(handle, customer.as_ref(), fiu.as_ref());
            let target = match (op, event) {
                (Some(op), _) => ExpectationTarget::Call {
                    op: *op,
                    response_status: status.map(|status| status.0),
                    request: self.convert_filter(entry, body.as_ref(), header.as_ref()),
                    response: MessageFilter::default(),
                    subject,
                },
                (None, Some(event)) => ExpectationTarget::Event {
                    name: *event,
                    subject,
                },
                (None, None) => return None,
            };
            (target, CountRange::ZERO, &None, after_event)
        } else {
            return None;
        };
        Some(Expectation {
            target,
            count,
            within: *within,
            after: *after,
            origin,
            location: location_of(entry),
        })
    }

    fn convert_filter<T>(
        &mut self,
        entry: &Spanned<T>,
        body: Option<&BodyConditions>,
        headers: Option<&HeaderConditions>,
    ) -> MessageFilter {
        convert_conditions(body, headers).unwrap_or_else(|problem| {
            self.add_diagnostic(entry, problem);
            MessageFilter::default()
        })
    }

    /// Reports a status that webhooks of this kind never have.
    fn check_notification_status<T>(
        &mut self,
        entry: &Spanned<T>,
        event: Option<NotificationKind>,
        status: &str,
    ) {
        let statuses = notification_statuses(event);
        if !statuses.contains(&status) {
            let message = format!(
                "{} webhooks have no status {status}; they have {}",
                event.map_or("", NotificationKind::as_str),
                statuses.join(", ")
            );
            self.add_diagnostic(entry, message);
        }
    }

    fn convert_quantity<T>(
        &mut self,
        entry: &Spanned<T>,
        (count, least, most): (Option<u64>, Option<u64>, Option<u64>),
    ) -> Option<CountRange> {
        match (count, least, most) {
            (Some(count), None, None) => Some(CountRange::exactly(count)),
            (None, None, None) => Some(CountRange::AT_LEAST_ONE),
            (None, least, most) if most.is_none_or(|most| least.unwrap_or_default() <= most) => {
                Some(CountRange {
                    at_least: least.unwrap_or_default(),
                    at_most: most,
                })
            }
            _ => {
                self.add_diagnostic(
                    entry,
                    "contradicting counts; give count, or at_least and at_most, the smaller first"
                        .to_owned(),
                );
                None
            }
        }
    }
}

fn describe_origin(entry: &Spanned<ActionEntry>, noun: &str, number: usize) -> String {
    let line = entry.referenced.line();
    match &entry.value.id {
        Some(id) => format!("{noun} {number} ({id}), line {line}"),
        None => format!("{noun} {number}, line {line}"),
    }
}
