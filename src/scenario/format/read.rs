//! From the types of a file to what they mean: what only several values together can get wrong is found here.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serde_saphyr::Spanned;

use super::Fault;
use super::types::{
    AccountsSpec, ApiEntry, ApiFaultSpec, ApiWhere, Approve, AtFips, By, DataWhen, DataWord,
    Deliver, Entry, ExpectCall, ExpectEntry, ExpectEvent, ExpectFile, ExpectState, ExpectWebhook,
    FACES, FaultsFile, File, LatencySpec, MatchSpec, Never, Notify, OneOrMore, Over, Spread, Told,
    WebhookEntry, WebhookFaultSpec, WebhookWhere, told_statuses,
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
use crate::scenario::plan::{Action, Place, Plan, Rule, Step};
use crate::wire::fields::quote_value;
use crate::wire::yaml::fault;
use crate::wire::yaml::words::{Lasting, Word};

/// Answers of FIPs whose delays differ are told one after the other.
const ANSWERS_MAX: usize = 100;

pub fn plan(file: File) -> Result<Plan, Vec<Fault>> {
    let File {
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
    let mut reader = Reader::default();
    let casting = r#match
        .as_ref()
        .map(|spec| (matched(&spec.value), place(spec)));
    let steps = reader.steps(&steps);
    let rules = reader.rules(&rules);
    let faults = Faults {
        webhooks: reader.webhooks(&webhooks),
        api: reader.api(&api_faults),
    };
    let expect = reader.expect(&expect, None);
    reader.end(Plan {
        place: place(&name),
        name: name.value,
        description,
        casting,
        persona: persona.map(|persona| (place(&persona), persona.value)),
        approval: consent.map(|Word(approval)| approval),
        push_data,
        data: data.as_ref().map(progression),
        fetch_quirks: fetch_quirks.into_iter().map(|Word(quirk)| quirk).collect(),
        steps,
        rules,
        delivers_on_seed: false,
        fault_places: webhooks
            .iter()
            .map(place)
            .chain(api_faults.iter().map(place))
            .collect(),
        faults,
        expect,
    })
}

/// Steps that are played by hand.
pub fn steps(entries: &[Spanned<Entry>]) -> Result<Plan, Vec<Fault>> {
    let mut reader = Reader::default();
    let steps = reader.steps(entries);
    reader.end(Plan {
        name: "by hand".to_owned(),
        steps,
        ..Plan::default()
    })
}

pub fn faults(file: FaultsFile) -> Result<(Faults, Option<Millis>), Vec<Fault>> {
    let FaultsFile {
        webhooks,
        api_faults,
        ttl,
    } = file;
    let mut reader = Reader::default();
    let faults = Faults {
        webhooks: reader.webhooks(&webhooks),
        api: reader.api(&api_faults),
    };
    reader.end((faults, ttl.map(|Lasting(span)| span)))
}

pub fn expectations(file: ExpectFile) -> Result<Vec<Expectation>, Vec<Fault>> {
    let ExpectFile {
        expect,
        consent_handle,
    } = file;
    let mut reader = Reader::default();
    let handle = consent_handle.and_then(|text| {
        let handle = ConsentHandle::parse(&text);
        if handle.is_none() {
            let message = format!("consent_handle {} is not a UUID", quote_value(&text));
            reader.faults.push(Fault {
                line: 0,
                column: 0,
                message,
            });
        }
        handle
    });
    let expect = reader.expect(&expect, handle);
    reader.end(expect)
}

fn place<T>(spanned: &Spanned<T>) -> Place {
    Place {
        line: spanned.referenced.line(),
        column: spanned.referenced.column(),
    }
}

fn matched(spec: &MatchSpec) -> ConsentMatcher {
    let MatchSpec {
        customer,
        fiu,
        aa,
        fi_types,
        purpose,
        fetch_type,
        face,
    } = spec;
    let globs = |texts: &Option<OneOrMore>| list(texts.as_ref()).map(Glob::new).collect();
    ConsentMatcher {
        customers: globs(customer),
        fius: globs(fiu),
        aas: globs(aa),
        fi_types: fi_types
            .iter()
            .flatten()
            .map(|Word(fi_type)| *fi_type)
            .collect(),
        purposes: list(purpose.as_ref()).map(Into::into).collect(),
        fetch_types: fetch_type
            .iter()
            .map(|Word(fetch_type)| *fetch_type)
            .collect(),
        apis: FACES
            .into_iter()
            .filter(|known| face.as_deref() == Some(*known))
            .collect(),
    }
}

fn list(texts: Option<&OneOrMore>) -> impl Iterator<Item = &str> {
    let texts = match texts {
        None => &[],
        Some(OneOrMore::One(text)) => std::slice::from_ref(text),
        Some(OneOrMore::More(texts)) => texts.as_slice(),
    };
    texts.iter().map(String::as_str)
}

fn progression(when: &DataWhen) -> DataTiming {
    match when {
        DataWhen::Named(DataWord::Immediate) => DataTiming::Immediate,
        DataWhen::Named(DataWord::Timed) => DataTiming::Timed,
        DataWhen::Named(DataWord::Manual) => DataTiming::Manual,
        DataWhen::Polls(polls) => DataTiming::AfterPolls(polls.polls),
    }
}

fn span(given: Option<Lasting>, default: Millis) -> Millis {
    given.map_or(default, |Lasting(span)| span)
}

#[derive(Default)]
struct Reader {
    faults: Vec<Fault>,
}

impl Reader {
    fn say<T>(&mut self, place: &Spanned<T>, message: String) {
        self.faults.push(fault(place.referenced, message));
    }

    fn end<T>(mut self, value: T) -> Result<T, Vec<Fault>> {
        self.faults.sort();
        if self.faults.is_empty() {
            Ok(value)
        } else {
            Err(self.faults)
        }
    }

    fn steps(&mut self, entries: &[Spanned<Entry>]) -> Vec<Step> {
        let mut at = Millis::ZERO;
        let mut steps = Vec::new();
        for (entry, number) in entries.iter().zip(1..) {
            if entry.value.on.is_some() {
                let message = "steps happen in order; what waits for an event belongs under rules";
                self.say(entry, message.to_owned());
            }
            let after = span(entry.value.after, Millis::ZERO);
            at = Millis(at.0.saturating_add(after.0));
            if let Some(action) = self.action(entry) {
                steps.push(Step {
                    at,
                    action,
                    origin: origin(entry, "step", number),
                    place: place(entry),
                });
            }
        }
        steps
    }

    fn rules(&mut self, entries: &[Spanned<Entry>]) -> Vec<Rule> {
        let mut rules = Vec::new();
        for (entry, number) in entries.iter().zip(1..) {
            let Some(on) = entry.value.on else {
                let events = EventName::ALL
                    .iter()
                    .filter(|event| event.is_about_consent());
                let events: Vec<_> = events.map(|event| event.as_str()).collect();
                self.say(
                    entry,
                    format!("a rule needs `on`, one of {}", events.join(", ")),
                );
                continue;
            };
            let after = span(entry.value.after, Millis::ZERO);
            if let Some(action) = self.action(entry) {
                rules.push(Rule {
                    on: on.0,
                    after,
                    action,
                    origin: origin(entry, "rule", number),
                    place: place(entry),
                });
            }
        }
        rules
    }

    /// The one verb of an entry.
    fn action(&mut self, entry: &Spanned<Entry>) -> Option<Action> {
        let Entry {
            id: _,
            on: _,
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
        let moved = |verb: ConsentAction| Some(Action::Move(verb));
        let fip = |fip: &Option<String>| fip.as_deref().map(Arc::from);
        if let Some(approve) = approve {
            moved(approved(approve))
        } else if activate.is_some() {
            moved(ConsentAction::Activate)
        } else if reject.is_some() {
            moved(ConsentAction::Reject)
        } else if fail.is_some() {
            moved(ConsentAction::Fail)
        } else if pause.is_some() {
            moved(ConsentAction::Pause)
        } else if resume.is_some() {
            moved(ConsentAction::Resume)
        } else if expire.is_some() {
            moved(ConsentAction::Expire)
        } else if let Some(revoke) = revoke {
            moved(ConsentAction::Revoke {
                by: revoke.by.map_or(Party::Customer, |Word(by)| by),
            })
        } else if let Some(deliver) = deliver {
            self.delivered(entry, deliver)
        } else if let Some(deny) = deny {
            Some(at_fips(deny, FiStatus::Denied))
        } else if let Some(time_out) = time_out {
            Some(at_fips(time_out, FiStatus::Timeout))
        } else if let Some(link) = link {
            Some(Action::Link {
                fip: fip(&link.fip),
            })
        } else if let Some(delink) = delink {
            match &delink.account {
                Some(account) => Some(Action::DelinkAccount {
                    link_ref: account.as_str().into(),
                }),
                None => Some(Action::DelinkAll {
                    fip: fip(&delink.fip),
                }),
            }
        } else if deregister.is_some() {
            Some(Action::Deregister)
        } else if let Some(notify) = notify {
            self.notified(entry, notify)
        } else if let Some(set) = set {
            let latency = set
                .latency
                .as_ref()
                .and_then(|latency| self.latency(entry, latency));
            Some(Action::Adjust(TimingOverride {
                data: set.data.as_ref().map(progression),
                latency,
            }))
        } else {
            None
        }
    }

    /// Answers are grouped by their delay: those without one first.
    fn delivered(&mut self, entry: &Spanned<Entry>, deliver: &Deliver) -> Option<Action> {
        let Deliver {
            default,
            fips,
            accounts,
            last_fip,
        } = deliver;
        let told = |told: &Told| match told {
            Told::AtOnce(answer) => (Millis::ZERO, answer.0),
            Told::Later(later) => {
                let answer = later
                    .answer
                    .or(later.fail)
                    .expect("the schema asks for one");
                (span(later.after, Millis::ZERO), answer.0)
            }
        };
        let nobody_named = fips.is_empty() && accounts.is_empty() && last_fip.is_none();
        let last_fip = last_fip.as_ref().map(told);
        let default = default
            .as_ref()
            .map(told)
            .or(nobody_named.then_some((Millis::ZERO, FiStatus::Ready)));
        let named = |list: &BTreeMap<String, Told>| -> Vec<(Box<str>, (Millis, FiStatus))> {
            list.iter()
                .map(|(name, answer)| (name.as_str().into(), told(answer)))
                .collect()
        };
        let (fips, accounts) = (named(fips), named(accounts));
        let delays = default
            .iter()
            .chain(&last_fip)
            .chain(fips.iter().chain(&accounts).map(|(_, answer)| answer));
        let mut delays: Vec<Millis> = delays.map(|(after, _)| *after).collect();
        delays.sort_unstable();
        delays.dedup();
        if delays.len() > ANSWERS_MAX {
            self.say(
                entry,
                format!(
                    "deliver has {} different delays; {ANSWERS_MAX} are enough",
                    delays.len()
                ),
            );
            return None;
        }
        let outcome = |delay: Millis| {
            // Who is to answer at another time says nothing now, whatever the default is.
            let now = |list: &[(Box<str>, (Millis, FiStatus))]| {
                let answer = |(after, status): (Millis, FiStatus)| {
                    if after == delay {
                        status
                    } else {
                        FiStatus::Pending
                    }
                };
                list.iter()
                    .map(|(name, told)| (name.clone(), answer(*told)))
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
                    by_fip: now(&fips),
                    by_account: now(&accounts),
                    last_fip,
                },
            )
        };
        Some(Action::Deliver(delays.into_iter().map(outcome).collect()))
    }

    fn notified(&mut self, entry: &Spanned<Entry>, notify: &Notify) -> Option<Action> {
        let Notify {
            event,
            status,
            body,
        } = notify;
        let kind = event.map_or(NotificationKind::ConsentStatus, |Word(kind)| kind);
        let content = match (status, body) {
            (Some(Word(status)), None) if kind == NotificationKind::ConsentStatus => {
                NotificationContent::ConsentStatus(*status)
            }
            (None, Some(body)) => NotificationContent::Raw(Arc::new(RawNotification {
                kind,
                body: body.to_string().into_bytes().into(),
            })),
            (Some(_), None) => {
                self.say(
                    entry,
                    format!(
                        "notify of {kind} takes a body; a status is told by consent.status only"
                    ),
                );
                return None;
            }
            _ => {
                self.say(entry, "notify takes a status or a body".to_owned());
                return None;
            }
        };
        Some(Action::Notify(content))
    }

    fn webhooks(&mut self, entries: &[Spanned<WebhookEntry>]) -> Vec<WebhookFaultRule> {
        let rules = entries.iter().map(|entry| {
            let WebhookEntry { r#where, fault } = &entry.value;
            let everywhere = WebhookWhere::default();
            let WebhookWhere {
                event,
                status,
                nth,
                attempts,
            } = r#where.as_ref().unwrap_or(&everywhere);
            let event = event.map(|Word(event)| event);
            if let (Some(status), Some(_)) = (status, event)
                && !told_statuses(event).contains(&status.as_str())
            {
                let message = format!(
                    "{status} is no status that {} tells",
                    event.map_or("", NotificationKind::as_str)
                );
                self.say(
                    entry,
                    format!("{message}; it tells {}", told_statuses(event).join(", ")),
                );
            }
            let fault = webhook_fault(fault);
            if attempts.is_some() && fault.name().affects_scheduling() {
                let message = format!(
                    "{} befalls a message, not its attempts; leave `attempts` out",
                    fault.name()
                );
                self.say(entry, message);
            }
            let place = WebhookSelector {
                event,
                status: status.as_deref().map(Into::into),
                occurrences: nth.map_or(Occurrences::ALL, |count| count.0),
                attempts: attempts.map_or(Occurrences::ALL, |count| count.0),
            };
            WebhookFaultRule {
                selector: place,
                fault,
            }
        });
        rules.collect()
    }

    fn api(&mut self, entries: &[Spanned<ApiEntry>]) -> Vec<ApiFaultRule> {
        let mut rules = Vec::new();
        for entry in entries {
            let ApiEntry { r#where, fault } = &entry.value;
            let everywhere = ApiWhere::default();
            let ApiWhere {
                op,
                calls,
                probability,
                r#for,
                customer,
                fiu,
            } = r#where.as_ref().unwrap_or(&everywhere);
            let Some(fault) = self.api_fault(entry, fault) else {
                continue;
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the schema asks for 0 to 1"
            )]
            let per_mille =
                probability.map_or(1000, |probability| (probability * 1000.0).ceil() as u16);
            let place = ApiCallSelector {
                op: op.map(|Word(op)| op),
                calls: calls.map_or(Occurrences::ALL, |count| count.0),
                per_mille,
                duration: r#for.map(|Lasting(span)| span),
                customer: customer.as_deref().map(Glob::new),
                fiu: fiu.as_deref().map(Glob::new),
            };
            rules.push(ApiFaultRule {
                selector: place,
                fault,
            });
        }
        rules
    }

    fn api_fault(&mut self, entry: &Spanned<ApiEntry>, spec: &ApiFaultSpec) -> Option<ApiFault> {
        let ApiFaultSpec {
            status,
            retry_after,
            error_code,
            latency,
            reset,
            empty_reply,
            truncated_chunk,
            malformed_chunk,
            slow_body,
            wrong_signature,
            missing_field,
            set_field,
            wrong_version,
            stale_timestamp,
            future_timestamp,
            other_txnid,
            tampered_consent,
            stale_answer,
        } = spec;
        if status.is_none() && (retry_after.is_some() || error_code.is_some()) {
            self.say(
                entry,
                "retry_after and error_code go with status".to_owned(),
            );
            return None;
        }
        Some(if let Some(status) = status {
            ApiFault::Status {
                status: *status,
                retry_after: retry_after.map(|Lasting(span)| span),
                code: error_code.map(|Word(code)| code.as_str().into()),
            }
        } else if let Some(latency) = latency {
            ApiFault::Latency(self.latency(entry, latency)?)
        } else if reset.is_some() {
            ApiFault::Reset
        } else if empty_reply.is_some() {
            ApiFault::EmptyResponse
        } else if truncated_chunk.is_some() {
            ApiFault::TruncatedChunk
        } else if malformed_chunk.is_some() {
            ApiFault::MalformedChunk
        } else if let Some(Over { over }) = slow_body {
            ApiFault::SlowBody {
                over: span(*over, Millis::from_secs(5)),
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
        } else if let Some(By { by }) = stale_timestamp {
            ApiFault::StaleTimestamp {
                by: span(*by, TIMESTAMP_BY),
            }
        } else if let Some(By { by }) = future_timestamp {
            ApiFault::FutureTimestamp {
                by: span(*by, TIMESTAMP_BY),
            }
        } else if other_txnid.is_some() {
            ApiFault::WrongTxnid
        } else if let Some(Word(how)) = tampered_consent {
            ApiFault::TamperedConsent(*how)
        } else if stale_answer.is_some() {
            ApiFault::StaleResponse
        } else {
            return None;
        })
    }

    fn latency<T>(&mut self, entry: &Spanned<T>, spec: &LatencySpec) -> Option<Latency> {
        let Spread {
            min,
            max,
            mean,
            deviation,
            p50,
            p99,
        } = match spec {
            LatencySpec::Fixed(Lasting(span)) => return Some(Latency::Fixed(*span)),
            LatencySpec::Spread(spread) => spread,
        };
        let pair = |one: &Option<Lasting>, other: &Option<Lasting>| Some(((*one)?.0, (*other)?.0));
        let given = [min, max, mean, deviation, p50, p99]
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
        if latency.is_none() || given != 2 {
            let message = "latency takes a length of time, or {min, max}, {mean, deviation} or {p50, p99}, the smaller first";
            self.say(entry, message.to_owned());
            return None;
        }
        latency
    }

    fn expect(
        &mut self,
        entries: &[Spanned<ExpectEntry>],
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
            if let Some(expectation) = self.expectation(entry, handle, origin) {
                expectations.push(expectation);
            }
        }
        expectations
    }

    fn expectation(
        &mut self,
        entry: &Spanned<ExpectEntry>,
        handle: Option<ConsentHandle>,
        origin: String,
    ) -> Option<Expectation> {
        let ExpectEntry {
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
                self.quantity(entry, (*count, *at_least, *at_most))?,
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
                self.quantity(entry, (*count, *at_least, *at_most))?,
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
                event: event.map(|Word(event)| event),
                status: status.as_deref().map(Into::into),
                response_status: answered.map(|answered| answered.0),
                fault: fault.map(|Word(fault)| fault),
                subject: about(customer, fiu.as_ref()),
            };
            (
                sought,
                self.quantity(entry, (*count, *at_least, *at_most))?,
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
            let Word(status): Word<Status> = *is;
            let sought = ExpectationTarget::State {
                status,
                subject: about(customer, None),
            };
            (
                sought,
                self.quantity(entry, (*count, *at_least, *at_most))?,
                within,
                &None,
            )
        } else if let Some(never) = never {
            let Never {
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
        let within = within.map(|Lasting(span)| span);
        Some(Expectation {
            target: sought,
            count,
            within,
            after: after.map(|Word(after)| after),
            origin,
        })
    }

    fn quantity<T>(
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
                self.say(
                    entry,
                    "give count, or at_least and at_most, the smaller first".to_owned(),
                );
                None
            }
        }
    }
}

/// How far a timestamp is off where nobody says so: a minute more than the certification framework allows.
const TIMESTAMP_BY: Millis = Millis::from_secs(16 * 60);

fn approved(approve: &Approve) -> ConsentAction {
    let accounts = match &approve.accounts {
        None | Some(AccountsSpec::All(_)) => AccountChoice::All,
        Some(AccountsSpec::Named(names)) => {
            AccountChoice::ByLinkRef(names.iter().map(|name| name.as_str().into()).collect())
        }
        Some(AccountsSpec::Of(of)) => AccountChoice::Matching(Arc::new(AccountSelector {
            fips: of.fips.iter().map(|fip| fip.as_str().into()).collect(),
            fi_types: of.fi_types.iter().map(|Word(fi_type)| *fi_type).collect(),
            limit: of.first,
        })),
    };
    ConsentAction::Approve {
        hold: approve.hold,
        accounts,
    }
}

fn at_fips(at: &AtFips, status: FiStatus) -> Action {
    let outcome = if at.fips.is_empty() {
        AccountStatuses::uniform_status(status)
    } else {
        let fips = at
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

fn webhook_fault(spec: &WebhookFaultSpec) -> WebhookFault {
    let by = |by: &By, default| span(by.by, default);
    if let Some(duplicate) = &spec.duplicate {
        WebhookFault::Duplicate {
            copies: duplicate.copies.unwrap_or(2),
            spacing: span(duplicate.spacing, Millis::ZERO),
        }
    } else if let Some(near) = &spec.near_duplicate {
        WebhookFault::NearDuplicate {
            spacing: span(near.spacing, Millis::ZERO),
        }
    } else if let Some(reorder) = &spec.reorder {
        WebhookFault::Reorder {
            within: span(reorder.within, Millis::from_secs(10)),
        }
    } else if spec.drop.is_some() {
        WebhookFault::Drop
    } else if let Some(late) = &spec.late {
        WebhookFault::Late {
            by: by(late, Millis::from_secs(10 * 60)),
        }
    } else if let Some(burst) = &spec.burst {
        WebhookFault::Burst {
            copies: burst.copies.unwrap_or(20),
        }
    } else if spec.overtake.is_some() {
        WebhookFault::BeforeResponse
    } else if let Some(stale) = &spec.stale_timestamp {
        WebhookFault::StaleTimestamp {
            by: by(stale, TIMESTAMP_BY),
        }
    } else if let Some(future) = &spec.future_timestamp {
        WebhookFault::FutureTimestamp {
            by: by(future, TIMESTAMP_BY),
        }
    } else if spec.wrong_key.is_some() {
        WebhookFault::WrongKey
    } else if spec.tampered_body.is_some() {
        WebhookFault::TamperedBody
    } else if let Some(Word(how)) = spec.corrupt_signature {
        WebhookFault::CorruptSignature(how)
    } else if spec.missing_signature.is_some() {
        WebhookFault::MissingSignature
    } else if spec.unknown_kid.is_some() {
        WebhookFault::UnknownKid
    } else if let Some(Word(algorithm)) = spec.swap_alg {
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
    } else if let Some(Over { over }) = &spec.slow_drip {
        WebhookFault::SlowBody {
            over: span(*over, Millis::from_secs(5)),
        }
    } else if spec.reset.is_some() {
        WebhookFault::Reset
    } else if let Some(Word(form)) = spec.transport {
        WebhookFault::Transport(form)
    } else {
        WebhookFault::Fail
    }
}

fn origin(entry: &Spanned<Entry>, noun: &str, number: usize) -> String {
    let line = entry.referenced.line();
    match &entry.value.id {
        Some(id) => format!("{noun} {number} ({id}), line {line}"),
        None => format!("{noun} {number}, line {line}"),
    }
}
