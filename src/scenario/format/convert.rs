//! Converts the types of a file to domain values. Reports the errors that involve several values,
//! which the schema cannot express. Positions come from the file's `Spanned` values.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serde_saphyr::Spanned;

use super::Diagnostic;
use super::types::{
    API_NAMES, AccountsSpec, ActionEntry, ApiCallSelectorSpec, ApiFaultEntry, ApiFaultSpec,
    Approve, DataTimingKeyword, DataTimingSpec, Deliver, ExpectCall, ExpectEvent, ExpectNever,
    ExpectState, ExpectWebhook, ExpectationEntry, ExpectationsFile, FaultsFile, FipAnswerSpec,
    FipsFilter, LatencyDistribution, LatencySpec, MatchSpec, Notify, OffsetSpec, OneOrMany,
    ScenarioFile, ThrottleSpec, WebhookFaultEntry, WebhookFaultSpec, WebhookSelectorSpec,
    notification_statuses,
};
use crate::domain::api_fault::{ApiCallSelector, ApiFault, ApiFaultRule, Faults, Latency};
use crate::domain::command::{
    AccountChoice, AccountSelector, AccountStatuses, ConsentAction, Party, TimingOverride,
};
use crate::domain::consent::Status;
use crate::domain::consent_matcher::ConsentMatcher;
use crate::domain::event::EventName;
use crate::domain::expectation::{CountRange, Expectation, ExpectationTarget, SubjectFilter};
use crate::domain::glob::Glob;
use crate::domain::ids::ConsentHandle;
use crate::domain::notification::{NotificationContent, NotificationKind, RawNotification};
use crate::domain::scenario_plan::{Action, Rule, ScenarioPlan, SourceLocation, Step};
use crate::domain::session::{DataTiming, FiStatus};
use crate::domain::text::quote_value;
use crate::domain::time::Millis;
use crate::domain::webhook_fault::{Occurrences, WebhookFault, WebhookFaultRule, WebhookSelector};
use crate::files::yaml::diagnostic_at;
use crate::files::yaml::scalars::{HumanDuration, Keyword};

/// The largest number of different delays in one `deliver`. Each delay becomes a command of its
/// own.
const DELAYS_MAX: usize = 100;

pub fn convert_scenario(file: ScenarioFile) -> Result<ScenarioPlan, Vec<Diagnostic>> {
    let ScenarioFile {
        version: _,
        name,
        description,
        r#match,
        persona,
        consent,
        data,
        push_data,
        fetch_quirks,
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
        description,
        matcher,
        persona: persona.map(|persona| (location_of(&persona), persona.value)),
        approval: consent.map(|Keyword(approval)| approval),
        push_data,
        data: data.as_ref().map(to_data_timing),
        fetch_quirks: fetch_quirks
            .into_iter()
            .map(|Keyword(quirk)| quirk)
            .collect(),
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
pub fn convert_manual_steps(
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

pub fn convert_faults(file: FaultsFile) -> Result<(Faults, Option<Millis>), Vec<Diagnostic>> {
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
    converter.into_result((faults, ttl.map(|HumanDuration(duration)| duration)))
}

pub fn convert_expectations_file(
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
        customers: to_globs(customer.as_ref()),
        fius: to_globs(fiu.as_ref()),
        aas: to_globs(aa.as_ref()),
        fi_types: fi_types
            .iter()
            .flatten()
            .map(|Keyword(fi_type)| *fi_type)
            .collect(),
        purposes: iter_texts(purpose.as_ref()).map(Into::into).collect(),
        fetch_types: fetch_type
            .iter()
            .map(|Keyword(fetch_type)| *fetch_type)
            .collect(),
        apis: API_NAMES
            .into_iter()
            .filter(|known| api.as_deref() == Some(*known))
            .collect(),
    }
}

fn to_globs(texts: Option<&OneOrMany>) -> Vec<Glob> {
    iter_texts(texts).map(Glob::new).collect()
}

fn iter_texts(texts: Option<&OneOrMany>) -> impl Iterator<Item = &str> {
    let texts = match texts {
        None => &[],
        Some(OneOrMany::One(text)) => std::slice::from_ref(text),
        Some(OneOrMany::Many(texts)) => texts.as_slice(),
    };
    texts.iter().map(String::as_str)
}

fn to_data_timing(spec: &DataTimingSpec) -> DataTiming {
    match spec {
        DataTimingSpec::Keyword(DataTimingKeyword::Immediate) => DataTiming::Immediate,
        DataTimingSpec::Keyword(DataTimingKeyword::Timed) => DataTiming::Timed,
        DataTimingSpec::Keyword(DataTimingKeyword::Manual) => DataTiming::Manual,
        DataTimingSpec::Polls(polls) => DataTiming::AfterPolls(polls.polls),
    }
}

fn duration_or(duration: Option<HumanDuration>, default: Millis) -> Millis {
    duration.map_or(default, |HumanDuration(duration)| duration)
}

fn both_durations(
    first: Option<HumanDuration>,
    second: Option<HumanDuration>,
) -> Option<(Millis, Millis)> {
    Some((first?.0, second?.0))
}

fn optional_name(name: Option<&String>) -> Option<Arc<str>> {
    name.map(|name| Arc::from(name.as_str()))
}

/// The answer of a FIP, with the delay after which it comes.
type DelayedStatus = (Millis, FiStatus);

/// Delayed answers by FIP id or `linkRefNumber`.
type StatusesByName = Vec<(Box<str>, DelayedStatus)>;

fn delayed_status(spec: &FipAnswerSpec) -> DelayedStatus {
    match spec {
        FipAnswerSpec::Immediate(answer) => (Millis::ZERO, answer.0),
        FipAnswerSpec::Delayed(delayed) => {
            let answer = delayed
                .answer
                .or(delayed.fail)
                .expect("the schema requires one of the two");
            (duration_or(delayed.after, Millis::ZERO), answer.0)
        }
    }
}

fn delayed_statuses(specs: &BTreeMap<String, FipAnswerSpec>) -> StatusesByName {
    specs
        .iter()
        .map(|(name, answer)| (name.as_str().into(), delayed_status(answer)))
        .collect()
}

/// Returns the status that an answer contributes at one of the delays. An answer that is due at
/// another delay is PENDING, so that the default does not apply to it.
fn status_at_delay((after, status): DelayedStatus, delay: Millis) -> FiStatus {
    if after == delay {
        status
    } else {
        FiStatus::Pending
    }
}

fn statuses_at_delay(statuses: &StatusesByName, delay: Millis) -> Vec<(Box<str>, FiStatus)> {
    statuses
        .iter()
        .map(|(name, status)| (name.clone(), status_at_delay(*status, delay)))
        .collect()
}

fn subject_filter(
    handle: Option<ConsentHandle>,
    customer: Option<&String>,
    fiu: Option<&String>,
) -> SubjectFilter {
    SubjectFilter {
        handle,
        customer: customer.map(|customer| Glob::new(customer)),
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
            let after = duration_or(entry.value.after, Millis::ZERO);
            at = Millis(at.0.saturating_add(after.0));
            if let Some(action) = self.convert_action(entry) {
                steps.push(Step {
                    due_after: at,
                    action,
                    origin: describe_origin(entry, "step", number),
                    location: location_of(entry),
                });
            }
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
            let after = duration_or(entry.value.after, Millis::ZERO);
            if let Some(action) = self.convert_action(entry) {
                rules.push(Rule {
                    event: event.0,
                    after,
                    action,
                    origin: describe_origin(entry, "rule", number),
                    location: location_of(entry),
                });
            }
        }
        rules
    }

    /// Converts the action of an entry; the schema ensures that there is exactly one.
    fn convert_action(&mut self, entry: &Spanned<ActionEntry>) -> Option<Action> {
        let ActionEntry {
            id: _,
            when: _,
            after: _,
            approve,
            activate,
            reject,
            fail,
            pause,
            resume,
            revoke,
            expire,
            deliver,
            deny,
            time_out,
            link,
            delink,
            deregister,
            notify,
            set,
        } = &entry.value;
        Some(if let Some(approve) = approve {
            Action::Transition(convert_approve(approve))
        } else if activate.is_some() {
            Action::Transition(ConsentAction::Activate)
        } else if reject.is_some() {
            Action::Transition(ConsentAction::Reject)
        } else if fail.is_some() {
            Action::Transition(ConsentAction::Fail)
        } else if pause.is_some() {
            Action::Transition(ConsentAction::Pause)
        } else if resume.is_some() {
            Action::Transition(ConsentAction::Resume)
        } else if expire.is_some() {
            Action::Transition(ConsentAction::Expire)
        } else if let Some(revoke) = revoke {
            Action::Transition(ConsentAction::Revoke {
                by: revoke.by.map_or(Party::Customer, |Keyword(by)| by),
            })
        } else if let Some(deliver) = deliver {
            self.convert_deliver(entry, deliver)?
        } else if let Some(deny) = deny {
            answer_at_fips(deny, FiStatus::Denied)
        } else if let Some(time_out) = time_out {
            answer_at_fips(time_out, FiStatus::Timeout)
        } else if let Some(link) = link {
            Action::Link {
                fip: optional_name(link.fip.as_ref()),
            }
        } else if let Some(delink) = delink {
            match &delink.account {
                Some(account) => Action::DelinkAccount {
                    link_ref: account.as_str().into(),
                },
                None => Action::DelinkAll {
                    fip: optional_name(delink.fip.as_ref()),
                },
            }
        } else if deregister.is_some() {
            Action::Deregister
        } else if let Some(notify) = notify {
            self.convert_notify(entry, notify)?
        } else if let Some(set) = set {
            let latency = set
                .latency
                .as_ref()
                .and_then(|latency| self.convert_latency(entry, latency));
            Action::SetTiming(TimingOverride {
                data: set.data.as_ref().map(to_data_timing),
                latency,
            })
        } else {
            return None;
        })
    }

    /// Converts `deliver`. Answers are grouped by their delay, in ascending order.
    fn convert_deliver(
        &mut self,
        entry: &Spanned<ActionEntry>,
        deliver: &Deliver,
    ) -> Option<Action> {
        let Deliver {
            default,
            fips,
            accounts,
            last_fip,
        } = deliver;
        let names_nothing = fips.is_empty() && accounts.is_empty() && last_fip.is_none();
        let last_fip = last_fip.as_ref().map(delayed_status);
        let default = default
            .as_ref()
            .map(delayed_status)
            .or(names_nothing.then_some((Millis::ZERO, FiStatus::Ready)));
        let (fips, accounts) = (delayed_statuses(fips), delayed_statuses(accounts));
        let mut delays: Vec<Millis> = default
            .iter()
            .chain(&last_fip)
            .chain(fips.iter().chain(&accounts).map(|(_, answer)| answer))
            .map(|(after, _)| *after)
            .collect();
        delays.sort_unstable();
        delays.dedup();
        if delays.len() > DELAYS_MAX {
            self.add_diagnostic(
                entry,
                format!(
                    "deliver has {} different delays; the limit is {DELAYS_MAX}",
                    delays.len()
                ),
            );
            return None;
        }
        let mut outcomes = Vec::new();
        for delay in delays {
            let statuses = AccountStatuses {
                default: default
                    .filter(|(after, _)| *after == delay)
                    .map(|(_, status)| status),
                by_fip: statuses_at_delay(&fips, delay),
                by_account: statuses_at_delay(&accounts, delay),
                last_fip: last_fip.map(|status| status_at_delay(status, delay)),
            };
            outcomes.push((delay, statuses));
        }
        Some(Action::Deliver(outcomes))
    }

    fn convert_notify(&mut self, entry: &Spanned<ActionEntry>, notify: &Notify) -> Option<Action> {
        let Notify {
            event,
            status,
            body,
        } = notify;
        let kind = event.map_or(NotificationKind::ConsentStatus, |Keyword(kind)| kind);
        let content = match (status, body) {
            (Some(Keyword(status)), None) if kind == NotificationKind::ConsentStatus => {
                NotificationContent::ConsentStatus(*status)
            }
            (None, Some(body)) => NotificationContent::Raw(Arc::new(RawNotification {
                kind,
                body: body.to_string().into_bytes().into(),
            })),
            (Some(_), None) => {
                self.add_diagnostic(
                    entry,
                    format!("notify of {kind} has no status; give a body, or use consent.status"),
                );
                return None;
            }
            _ => {
                self.add_diagnostic(entry, "notify needs a status or a body".to_owned());
                return None;
            }
        };
        Some(Action::Notify(content))
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
            let event = event.map(|Keyword(event)| event);
            if let (Some(status), Some(_)) = (status, event)
                && !notification_statuses(event).contains(&status.as_str())
            {
                let message = format!(
                    "{} webhooks have no status {status}; they have {}",
                    event.map_or("", NotificationKind::as_str),
                    notification_statuses(event).join(", ")
                );
                self.add_diagnostic(entry, message);
            }
            let fault = convert_webhook_fault(fault);
            if attempts.is_some() && fault.name().affects_scheduling() {
                let message = format!(
                    "{} applies to a message, not to its attempts; remove `attempts`",
                    fault.name()
                );
                self.add_diagnostic(entry, message);
            }
            let selector = WebhookSelector {
                event,
                status: status.as_deref().map(Into::into),
                occurrences: nth.map_or(Occurrences::ALL, |count| count.0),
                attempts: attempts.map_or(Occurrences::ALL, |count| count.0),
            };
            WebhookFaultRule { selector, fault }
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
            let Some(fault) = self.convert_api_fault(entry, fault) else {
                continue;
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the schema requires 0 to 1"
            )]
            let per_mille =
                probability.map_or(1000, |probability| (probability * 1000.0).ceil() as u16);
            let selector = ApiCallSelector {
                op: op.map(|Keyword(op)| op),
                calls: calls.map_or(Occurrences::ALL, |count| count.0),
                per_mille,
                duration: r#for.map(|HumanDuration(duration)| duration),
                customer: customer.as_deref().map(Glob::new),
                fiu: fiu.as_deref().map(Glob::new),
            };
            rules.push(ApiFaultRule { selector, fault });
        }
        rules
    }

    fn convert_api_fault(
        &mut self,
        entry: &Spanned<ApiFaultEntry>,
        spec: &ApiFaultSpec,
    ) -> Option<ApiFault> {
        let ApiFaultSpec {
            status,
            retry_after,
            error_code,
            latency,
            reset,
            empty_response,
            truncated_chunk,
            malformed_chunk,
            slow_body,
            wrong_signature,
            missing_field,
            set_field,
            wrong_version,
            stale_timestamp,
            future_timestamp,
            wrong_txnid,
            tampered_consent,
            stale_response,
        } = spec;
        if status.is_none() && (retry_after.is_some() || error_code.is_some()) {
            self.add_diagnostic(entry, "retry_after and error_code need status".to_owned());
            return None;
        }
        Some(if let Some(status) = status {
            ApiFault::Status {
                status: *status,
                retry_after: retry_after.map(|HumanDuration(duration)| duration),
                code: error_code.map(|Keyword(code)| code.as_str().into()),
            }
        } else if let Some(latency) = latency {
            ApiFault::Latency(self.convert_latency(entry, latency)?)
        } else if reset.is_some() {
            ApiFault::Reset
        } else if empty_response.is_some() {
            ApiFault::EmptyResponse
        } else if truncated_chunk.is_some() {
            ApiFault::TruncatedChunk
        } else if malformed_chunk.is_some() {
            ApiFault::MalformedChunk
        } else if let Some(ThrottleSpec { over }) = slow_body {
            ApiFault::SlowBody {
                over: duration_or(*over, Millis::from_secs(5)),
            }
        } else if wrong_signature.is_some() {
            ApiFault::WrongSignature
        } else if let Some(field) = missing_field {
            ApiFault::MissingField(field.as_str().into())
        } else if let Some(set) = set_field {
            ApiFault::SetField {
                field: set.field.as_str().into(),
                value: Value::to_string(&set.value).into(),
            }
        } else if let Some(version) = wrong_version {
            ApiFault::WrongVersion(version.as_str().into())
        } else if let Some(OffsetSpec { by }) = stale_timestamp {
            ApiFault::StaleTimestamp {
                by: duration_or(*by, TIMESTAMP_OFFSET_DEFAULT),
            }
        } else if let Some(OffsetSpec { by }) = future_timestamp {
            ApiFault::FutureTimestamp {
                by: duration_or(*by, TIMESTAMP_OFFSET_DEFAULT),
            }
        } else if wrong_txnid.is_some() {
            ApiFault::WrongTxnid
        } else if let Some(Keyword(tampering)) = tampered_consent {
            ApiFault::TamperedConsent(*tampering)
        } else if stale_response.is_some() {
            ApiFault::StaleResponse
        } else {
            return None;
        })
    }

    fn convert_latency<T>(&mut self, entry: &Spanned<T>, spec: &LatencySpec) -> Option<Latency> {
        let LatencyDistribution {
            min,
            max,
            mean,
            deviation,
            p50,
            p99,
        } = match spec {
            LatencySpec::Fixed(HumanDuration(duration)) => return Some(Latency::Fixed(*duration)),
            LatencySpec::Distribution(distribution) => distribution,
        };
        let given_count = [min, max, mean, deviation, p50, p99]
            .into_iter()
            .filter(|part| part.is_some())
            .count();
        let latency = match (
            both_durations(*min, *max),
            both_durations(*mean, *deviation),
            both_durations(*p50, *p99),
        ) {
            (Some((min, max)), None, None) if min <= max => Some(Latency::Uniform { min, max }),
            (None, Some((mean, deviation)), None) => Some(Latency::Normal { mean, deviation }),
            (None, None, Some((p50, p99))) if Millis::ZERO < p50 && p50 <= p99 => {
                Some(Latency::Lognormal { p50, p99 })
            }
            _ => None,
        };
        if latency.is_none() || given_count != 2 {
            let message = "invalid latency; give a duration, or {min, max}, {mean, deviation} or \
                           {p50, p99}, the smaller first";
            self.add_diagnostic(entry, message.to_owned());
            return None;
        }
        latency
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
                customer,
                fiu,
                count,
                at_least,
                at_most,
                within,
                after_event,
            } = call;
            let target = ExpectationTarget::Call {
                op: op.0,
                response_status: status.map(|status| status.0),
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
                name: name.0,
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
                customer,
                fiu,
                count,
                at_least,
                at_most,
                within,
                after_event,
            } = webhook;
            let target = ExpectationTarget::Webhook {
                event: event.map(|Keyword(event)| event),
                status: status.as_deref().map(Into::into),
                response_status: answered.map(|answered| answered.0),
                fault: fault.map(|Keyword(fault)| fault),
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
            let Keyword(status): Keyword<Status> = *is;
            let target = ExpectationTarget::State {
                status,
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
                customer,
                fiu,
                after_event,
            } = never;
            let subject = subject_filter(handle, customer.as_ref(), fiu.as_ref());
            let target = match (op, event) {
                (Some(op), _) => ExpectationTarget::Call {
                    op: op.0,
                    response_status: status.map(|status| status.0),
                    subject,
                },
                (None, Some(event)) => ExpectationTarget::Event {
                    name: event.0,
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
            within: within.map(|HumanDuration(duration)| duration),
            after: after.map(|Keyword(after)| after),
            location: origin,
        })
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

/// The default offset of a stale or future timestamp: one minute more than the 15 minutes that the
/// Sahamati certification framework allows (general guidelines, rule 4;
/// `docs/sources.md#certification-cases`).
const TIMESTAMP_OFFSET_DEFAULT: Millis = Millis::from_secs(16 * 60);

fn convert_approve(approve: &Approve) -> ConsentAction {
    let accounts = match &approve.accounts {
        None | Some(AccountsSpec::All(_)) => AccountChoice::All,
        Some(AccountsSpec::LinkRefs(names)) => {
            AccountChoice::ByLinkRef(names.iter().map(|name| name.as_str().into()).collect())
        }
        Some(AccountsSpec::Filter(filter)) => AccountChoice::Matching(Arc::new(AccountSelector {
            fips: filter.fips.iter().map(|fip| fip.as_str().into()).collect(),
            fi_types: filter
                .fi_types
                .iter()
                .map(|Keyword(fi_type)| *fi_type)
                .collect(),
            limit: filter.first,
        })),
    };
    ConsentAction::Approve {
        hold: approve.hold,
        accounts,
    }
}

fn answer_at_fips(filter: &FipsFilter, status: FiStatus) -> Action {
    let outcome = if filter.fips.is_empty() {
        AccountStatuses::uniform_status(status)
    } else {
        let fips = filter
            .fips
            .iter()
            .map(|fip| (fip.as_str().into(), status))
            .collect();
        AccountStatuses {
            by_fip: fips,
            ..AccountStatuses::default()
        }
    };
    Action::Deliver(vec![(Millis::ZERO, outcome)])
}

fn convert_webhook_fault(spec: &WebhookFaultSpec) -> WebhookFault {
    if let Some(duplicate) = &spec.duplicate {
        WebhookFault::Duplicate {
            copies: duplicate.copies.unwrap_or(2),
            spacing: duration_or(duplicate.spacing, Millis::ZERO),
        }
    } else if let Some(near) = &spec.near_duplicate {
        WebhookFault::NearDuplicate {
            spacing: duration_or(near.spacing, Millis::ZERO),
        }
    } else if let Some(reorder) = &spec.reorder {
        WebhookFault::Reorder {
            within: duration_or(reorder.within, Millis::from_secs(10)),
        }
    } else if spec.drop.is_some() {
        WebhookFault::Drop
    } else if let Some(late) = &spec.late {
        WebhookFault::Late {
            by: duration_or(late.by, Millis::from_secs(10 * 60)),
        }
    } else if let Some(burst) = &spec.burst {
        WebhookFault::Burst {
            copies: burst.copies.unwrap_or(20),
        }
    } else if spec.before_response.is_some() {
        WebhookFault::BeforeResponse
    } else if let Some(stale) = &spec.stale_timestamp {
        WebhookFault::StaleTimestamp {
            by: duration_or(stale.by, TIMESTAMP_OFFSET_DEFAULT),
        }
    } else if let Some(future) = &spec.future_timestamp {
        WebhookFault::FutureTimestamp {
            by: duration_or(future.by, TIMESTAMP_OFFSET_DEFAULT),
        }
    } else if spec.wrong_key.is_some() {
        WebhookFault::WrongKey
    } else if spec.tampered_body.is_some() {
        WebhookFault::TamperedBody
    } else if let Some(Keyword(corruption)) = spec.corrupt_signature {
        WebhookFault::CorruptSignature(corruption)
    } else if spec.missing_signature.is_some() {
        WebhookFault::MissingSignature
    } else if spec.unknown_kid.is_some() {
        WebhookFault::UnknownKid
    } else if let Some(Keyword(algorithm)) = spec.swap_alg {
        WebhookFault::SwapAlg(algorithm)
    } else if spec.missing_crit.is_some() {
        WebhookFault::MissingCrit
    } else if spec.rotated_key.is_some() {
        WebhookFault::RotatedKey
    } else if spec.reserialised.is_some() {
        WebhookFault::Reserialised
    } else if spec.truncated.is_some() {
        WebhookFault::Truncated
    } else if spec.extra_fields.is_some() {
        WebhookFault::ExtraFields
    } else if spec.unknown_enum.is_some() {
        WebhookFault::UnknownEnum
    } else if spec.missing_optional.is_some() {
        WebhookFault::MissingOptional
    } else if spec.wrong_charset.is_some() {
        WebhookFault::WrongCharset
    } else if let Some(huge) = &spec.huge {
        WebhookFault::Huge {
            bytes: huge.bytes.unwrap_or(5_000_000),
        }
    } else if let Some(ThrottleSpec { over }) = &spec.slow_body {
        WebhookFault::SlowBody {
            over: duration_or(*over, Millis::from_secs(5)),
        }
    } else if spec.reset.is_some() {
        WebhookFault::Reset
    } else if let Some(Keyword(form)) = spec.transport {
        WebhookFault::Transport(form)
    } else {
        WebhookFault::Fail
    }
}

fn describe_origin(entry: &Spanned<ActionEntry>, noun: &str, number: usize) -> String {
    let line = entry.referenced.line();
    match &entry.value.id {
        Some(id) => format!("{noun} {number} ({id}), line {line}"),
        None => format!("{noun} {number}, line {line}"),
    }
}
