//! From the types of a file to what they mean: what only several values together can get wrong is found here.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serde_saphyr::Spanned;

use super::Fault;
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
use crate::domain::session::{DataTiming, FiStatus};
use crate::domain::time::Millis;
use crate::domain::webhook_fault::{Occurrences, WebhookFault, WebhookFaultRule, WebhookSelector};
use crate::scenario::plan::{Action, Plan, Rule, SourceLocation, Step};
use crate::wire::fields::quote_value;
use crate::wire::yaml::diagnostic_at;
use crate::wire::yaml::scalars::{HumanDuration, Keyword};

/// Answers of FIPs whose delays differ are told one after the other.
const DELAYS_MAX: usize = 100;

pub fn convert_scenario(file: ScenarioFile) -> Result<Plan, Vec<Fault>> {
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
    converter.into_result(Plan {
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

/// Steps that are played by hand.
pub fn convert_manual_steps(entries: &[Spanned<ActionEntry>]) -> Result<Plan, Vec<Fault>> {
    let mut converter = Converter::default();
    let steps = converter.convert_steps(entries);
    converter.into_result(Plan {
        name: "by hand".to_owned(),
        steps,
        ..Plan::default()
    })
}

pub fn convert_faults(file: FaultsFile) -> Result<(Faults, Option<Millis>), Vec<Fault>> {
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
    converter.into_result((faults, ttl.map(|HumanDuration(span)| span)))
}

pub fn convert_expectations_file(file: ExpectationsFile) -> Result<Vec<Expectation>, Vec<Fault>> {
    let ExpectationsFile {
        expect,
        consent_handle,
    } = file;
    let mut converter = Converter::default();
    let handle = consent_handle.and_then(|text| {
        let handle = ConsentHandle::parse(&text);
        if handle.is_none() {
            let message = format!("consent_handle {} is not a UUID", quote_value(&text));
            converter.diagnostics.push(Fault {
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
    let to_globs = |texts: &Option<OneOrMany>| iter_texts(texts.as_ref()).map(Glob::new).collect();
    ConsentMatcher {
        customers: to_globs(customer),
        fius: to_globs(fiu),
        aas: to_globs(aa),
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

fn iter_texts(texts: Option<&OneOrMany>) -> impl Iterator<Item = &str> {
    let texts = match texts {
        None => &[],
        Some(OneOrMany::One(text)) => std::slice::from_ref(text),
        Some(OneOrMany::Many(texts)) => texts.as_slice(),
    };
    texts.iter().map(String::as_str)
}

fn to_data_timing(when: &DataTimingSpec) -> DataTiming {
    match when {
        DataTimingSpec::Keyword(DataTimingKeyword::Immediate) => DataTiming::Immediate,
        DataTimingSpec::Keyword(DataTimingKeyword::Timed) => DataTiming::Timed,
        DataTimingSpec::Keyword(DataTimingKeyword::Manual) => DataTiming::Manual,
        DataTimingSpec::Polls(polls) => DataTiming::AfterPolls(polls.polls),
    }
}

fn duration_or(duration: Option<HumanDuration>, default: Millis) -> Millis {
    duration.map_or(default, |HumanDuration(span)| span)
}

#[derive(Default)]
struct Converter {
    diagnostics: Vec<Fault>,
}

impl Converter {
    fn add_diagnostic<T>(&mut self, spanned: &Spanned<T>, message: String) {
        self.diagnostics
            .push(diagnostic_at(spanned.referenced, message));
    }

    fn into_result<T>(mut self, value: T) -> Result<T, Vec<Fault>> {
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
                let message = "steps happen in order; what waits for an event belongs under rules";
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
                let events = EventName::ALL
                    .iter()
                    .filter(|event| event.is_about_consent());
                let events: Vec<_> = events.map(|event| event.as_str()).collect();
                self.add_diagnostic(
                    entry,
                    format!("a rule needs `on`, one of {}", events.join(", ")),
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

    /// The one verb of an entry.
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
        let transition = |verb: ConsentAction| Some(Action::Transition(verb));
        let to_fip = |fip: &Option<String>| fip.as_deref().map(Arc::from);
        if let Some(approve) = approve {
            transition(convert_approve(approve))
        } else if activate.is_some() {
            transition(ConsentAction::Activate)
        } else if reject.is_some() {
            transition(ConsentAction::Reject)
        } else if fail.is_some() {
            transition(ConsentAction::Fail)
        } else if pause.is_some() {
            transition(ConsentAction::Pause)
        } else if resume.is_some() {
            transition(ConsentAction::Resume)
        } else if expire.is_some() {
            transition(ConsentAction::Expire)
        } else if let Some(revoke) = revoke {
            transition(ConsentAction::Revoke {
                by: revoke.by.map_or(Party::Customer, |Keyword(by)| by),
            })
        } else if let Some(deliver) = deliver {
            self.convert_deliver(entry, deliver)
        } else if let Some(deny) = deny {
            Some(answer_at_fips(deny, FiStatus::Denied))
        } else if let Some(time_out) = time_out {
            Some(answer_at_fips(time_out, FiStatus::Timeout))
        } else if let Some(link) = link {
            Some(Action::Link {
                fip: to_fip(&link.fip),
            })
        } else if let Some(delink) = delink {
            match &delink.account {
                Some(account) => Some(Action::DelinkAccount {
                    link_ref: account.as_str().into(),
                }),
                None => Some(Action::DelinkAll {
                    fip: to_fip(&delink.fip),
                }),
            }
        } else if deregister.is_some() {
            Some(Action::Deregister)
        } else if let Some(notify) = notify {
            self.convert_notify(entry, notify)
        } else if let Some(set) = set {
            let latency = set
                .latency
                .as_ref()
                .and_then(|latency| self.convert_latency(entry, latency));
            Some(Action::SetTiming(TimingOverride {
                data: set.data.as_ref().map(to_data_timing),
                latency,
            }))
        } else {
            None
        }
    }

    /// Answers are grouped by their delay: those without one first.
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
        let delayed_status = |spec: &FipAnswerSpec| match spec {
            FipAnswerSpec::Immediate(answer) => (Millis::ZERO, answer.0),
            FipAnswerSpec::Delayed(later) => {
                let answer = later
                    .answer
                    .or(later.fail)
                    .expect("the schema asks for one");
                (duration_or(later.after, Millis::ZERO), answer.0)
            }
        };
        let names_nothing = fips.is_empty() && accounts.is_empty() && last_fip.is_none();
        let last_fip = last_fip.as_ref().map(delayed_status);
        let default = default
            .as_ref()
            .map(delayed_status)
            .or(names_nothing.then_some((Millis::ZERO, FiStatus::Ready)));
        let resolve_answers =
            |list: &BTreeMap<String, FipAnswerSpec>| -> Vec<(Box<str>, (Millis, FiStatus))> {
                list.iter()
                    .map(|(name, answer)| (name.as_str().into(), delayed_status(answer)))
                    .collect()
            };
        let (fips, accounts) = (resolve_answers(fips), resolve_answers(accounts));
        let delays = default
            .iter()
            .chain(&last_fip)
            .chain(fips.iter().chain(&accounts).map(|(_, answer)| answer));
        let mut delays: Vec<Millis> = delays.map(|(after, _)| *after).collect();
        delays.sort_unstable();
        delays.dedup();
        if delays.len() > DELAYS_MAX {
            self.add_diagnostic(
                entry,
                format!(
                    "deliver has {} different delays; {DELAYS_MAX} are enough",
                    delays.len()
                ),
            );
            return None;
        }
        let outcome_at = |delay: Millis| {
            // Who is to answer at another time says nothing now, whatever the default is.
            let statuses_at = |list: &[(Box<str>, (Millis, FiStatus))]| {
                let status_at = |(after, status): (Millis, FiStatus)| {
                    if after == delay {
                        status
                    } else {
                        FiStatus::Pending
                    }
                };
                list.iter()
                    .map(|(name, timed_status)| (name.clone(), status_at(*timed_status)))
                    .collect()
            };
            let last_fip = last_fip.map(|(after, status)| {
                if after == delay {
                    status
                } else {
                    FiStatus::Pending
                }
            });
            let default = default
                .filter(|(after, _)| *after == delay)
                .map(|(_, status)| status);
            (
                delay,
                AccountStatuses {
                    default,
                    by_fip: statuses_at(&fips),
                    by_account: statuses_at(&accounts),
                    last_fip,
                },
            )
        };
        Some(Action::Deliver(
            delays.into_iter().map(outcome_at).collect(),
        ))
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
                    format!(
                        "notify of {kind} takes a body; a status is told by consent.status only"
                    ),
                );
                return None;
            }
            _ => {
                self.add_diagnostic(entry, "notify takes a status or a body".to_owned());
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
                    "{status} is no status that {} tells",
                    event.map_or("", NotificationKind::as_str)
                );
                self.add_diagnostic(
                    entry,
                    format!(
                        "{message}; it tells {}",
                        notification_statuses(event).join(", ")
                    ),
                );
            }
            let fault = convert_webhook_fault(fault);
            if attempts.is_some() && fault.name().affects_scheduling() {
                let message = format!(
                    "{} befalls a message, not its attempts; leave `attempts` out",
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
                reason = "the schema asks for 0 to 1"
            )]
            let per_mille =
                probability.map_or(1000, |probability| (probability * 1000.0).ceil() as u16);
            let selector = ApiCallSelector {
                op: op.map(|Keyword(op)| op),
                calls: calls.map_or(Occurrences::ALL, |count| count.0),
                per_mille,
                duration: r#for.map(|HumanDuration(span)| span),
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
            self.add_diagnostic(
                entry,
                "retry_after and error_code go with status".to_owned(),
            );
            return None;
        }
        Some(if let Some(status) = status {
            ApiFault::Status {
                status: *status,
                retry_after: retry_after.map(|HumanDuration(span)| span),
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
            LatencySpec::Fixed(HumanDuration(span)) => return Some(Latency::Fixed(*span)),
            LatencySpec::Distribution(spread) => spread,
        };
        let pair = |first: &Option<HumanDuration>, second: &Option<HumanDuration>| {
            Some(((*first)?.0, (*second)?.0))
        };
        let given_count = [min, max, mean, deviation, p50, p99]
            .into_iter()
            .filter(|part| part.is_some())
            .count();
        let latency = match (pair(min, max), pair(mean, deviation), pair(p50, p99)) {
            (Some((min, max)), None, None) if min <= max => Some(Latency::Uniform { min, max }),
            (None, Some((mean, deviation)), None) => Some(Latency::Normal { mean, deviation }),
            (None, None, Some((p50, p99))) if Millis::ZERO < p50 && p50 <= p99 => {
                Some(Latency::Lognormal { p50, p99 })
            }
            _ => None,
        };
        if latency.is_none() || given_count != 2 {
            let message = "latency takes a length of time, or {min, max}, {mean, deviation} or {p50, p99}, the smaller first";
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
        let about = |customer: &Option<String>, fiu: Option<&String>| SubjectFilter {
            handle,
            customer: customer.as_deref().map(Glob::new),
            fiu: fiu.map(|fiu| Glob::new(fiu)),
        };
        let (sought, count, within, after) = if let Some(call) = call {
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
            let about = about(customer, fiu.as_ref());
            let sought = ExpectationTarget::Call {
                op: op.0,
                response_status: status.map(|status| status.0),
                subject: about,
            };
            (
                sought,
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
            let sought = ExpectationTarget::Event {
                name: name.0,
                subject: about(customer, None),
            };
            (
                sought,
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
            let sought = ExpectationTarget::Webhook {
                event: event.map(|Keyword(event)| event),
                status: status.as_deref().map(Into::into),
                response_status: answered.map(|answered| answered.0),
                fault: fault.map(|Keyword(fault)| fault),
                subject: about(customer, fiu.as_ref()),
            };
            (
                sought,
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
            let sought = ExpectationTarget::State {
                status,
                subject: about(customer, None),
            };
            (
                sought,
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
            let about = about(customer, fiu.as_ref());
            let sought = match (op, event) {
                (Some(op), _) => ExpectationTarget::Call {
                    op: op.0,
                    response_status: status.map(|status| status.0),
                    subject: about,
                },
                (None, Some(event)) => ExpectationTarget::Event {
                    name: event.0,
                    subject: about,
                },
                (None, None) => return None,
            };
            (sought, CountRange::ZERO, &None, after_event)
        } else {
            return None;
        };
        let within = within.map(|HumanDuration(span)| span);
        Some(Expectation {
            target: sought,
            count,
            within,
            after: after.map(|Keyword(after)| after),
            origin,
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
                    "give count, or at_least and at_most, the smaller first".to_owned(),
                );
                None
            }
        }
    }
}

/// How far a timestamp is off where nobody says so: a minute more than the certification framework allows.
const TIMESTAMP_OFFSET_DEFAULT: Millis = Millis::from_secs(16 * 60);

fn convert_approve(approve: &Approve) -> ConsentAction {
    let accounts = match &approve.accounts {
        None | Some(AccountsSpec::All(_)) => AccountChoice::All,
        Some(AccountsSpec::LinkRefs(names)) => {
            AccountChoice::ByLinkRef(names.iter().map(|name| name.as_str().into()).collect())
        }
        Some(AccountsSpec::Filter(of)) => AccountChoice::Matching(Arc::new(AccountSelector {
            fips: of.fips.iter().map(|fip| fip.as_str().into()).collect(),
            fi_types: of
                .fi_types
                .iter()
                .map(|Keyword(fi_type)| *fi_type)
                .collect(),
            limit: of.first,
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
    let offset_or = |offset: &OffsetSpec, default| duration_or(offset.by, default);
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
            by: offset_or(late, Millis::from_secs(10 * 60)),
        }
    } else if let Some(burst) = &spec.burst {
        WebhookFault::Burst {
            copies: burst.copies.unwrap_or(20),
        }
    } else if spec.before_response.is_some() {
        WebhookFault::BeforeResponse
    } else if let Some(stale) = &spec.stale_timestamp {
        WebhookFault::StaleTimestamp {
            by: offset_or(stale, TIMESTAMP_OFFSET_DEFAULT),
        }
    } else if let Some(future) = &spec.future_timestamp {
        WebhookFault::FutureTimestamp {
            by: offset_or(future, TIMESTAMP_OFFSET_DEFAULT),
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
