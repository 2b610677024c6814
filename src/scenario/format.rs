//! The file format, version 1 (DESIGN §5): YAML or JSON, unknown keys refused, every error with its line and column
//! and what would have been accepted.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::{Location, Spanned};

use crate::domain::command::{Choice, Outcome, Party, Verb};
use crate::domain::event::EventName;
use crate::domain::session::{FiStatus, Progression};
use crate::domain::time::Span;
use crate::domain::unaport::FetchQuirk;
use crate::scenario::plan::{Action, Plan, Rule, Step};
use crate::wire::span::{SPAN_FORMS, parse_span};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Spanned<u64>,
    name: Spanned<String>,
    /// Free text for people.
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(default)]
    push_data: Option<bool>,
    /// When FIPs answer a request for data, where no rule says so.
    data: Option<Spanned<String>>,
    /// Oddities of Unaport's Fetch Data.
    #[serde(default)]
    fetch_quirks: Vec<Spanned<String>>,
    #[serde(default)]
    steps: Vec<Spanned<Entry>>,
    #[serde(default)]
    rules: Vec<Spanned<Entry>>,
}

/// A step or a rule. One type for both: `flatten` would let unknown keys through in silence.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Option<String>,
    on: Option<Spanned<String>>,
    after: Option<Spanned<String>>,
    approve: Option<Approve>,
    activate: Option<Nothing>,
    reject: Option<Nothing>,
    fail: Option<Nothing>,
    pause: Option<Nothing>,
    resume: Option<Nothing>,
    revoke: Option<Revoke>,
    expire: Option<Nothing>,
    deliver: Option<Deliver>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Approve {
    /// Stay READY until `activate`.
    #[serde(default)]
    hold: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    by: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deliver {
    /// How accounts answer that are not named below.
    default: Option<Spanned<String>>,
    /// By FIP.
    #[serde(default)]
    fips: BTreeMap<String, Spanned<String>>,
    /// By `linkRefNumber`.
    #[serde(default)]
    accounts: BTreeMap<String, Spanned<String>>,
}

/// What is wrong, and where in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Counts from 1; 0 when the place is not known.
    pub line: u64,
    pub column: u64,
    pub message: String,
}

const VERBS: &str = "approve, activate, reject, fail, pause, resume, revoke, expire, deliver";

/// Reads a scenario.
///
/// # Errors
/// Everything that is wrong: one fault where the text is not of the format, else all faults of its contents.
pub fn parse(text: &str) -> Result<Plan, Vec<Fault>> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| {
        let location = error.location().unwrap_or(Location::UNKNOWN);
        let message = error.without_snippet().to_string();
        let place = format!(" at line {}, column {}", location.line(), location.column());
        vec![fault(location, message.strip_suffix(&place).unwrap_or(&message).to_owned())]
    })?;
    let mut checker = Checker::default();
    let plan = checker.plan(file);
    if checker.faults.is_empty() { Ok(plan) } else { Err(checker.faults) }
}

/// What a rule can wait for.
fn events() -> String {
    let names = EventName::ALL.iter().filter(|event| event.concerns_a_consent()).map(|event| event.as_str());
    names.collect::<Vec<_>>().join(", ")
}

fn fault(location: Location, message: String) -> Fault {
    Fault { line: location.line(), column: location.column(), message }
}

#[derive(Default)]
struct Checker {
    faults: Vec<Fault>,
}

impl Checker {
    fn plan(&mut self, file: File) -> Plan {
        let File { version, name, _description: _, push_data, data, fetch_quirks, steps, rules } = file;
        if version.value != 1 {
            self.say(&version, format!("version {} is not known; this mockaa reads version 1", version.value));
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.value.is_empty() || !name.value.chars().all(plain) {
            self.say(&name, format!("name '{}' has to be lower-case letters, digits and dashes", name.value));
        }
        let data = data.and_then(|text| self.one_of(&text, Progression::parse, Progression::names));
        let quirks = fetch_quirks.iter().filter_map(|text| self.one_of(text, FetchQuirk::parse, FetchQuirk::names));
        let fetch_quirks = quirks.collect();
        let mut at = Span::ZERO;
        let steps = steps.into_iter().zip(1..).filter_map(|(entry, number)| {
            let (after, action, origin) = self.entry(&entry, "step", number);
            at = Span(at.0.saturating_add(after.0));
            if let Some(on) = &entry.value.on {
                self.say(on, "steps happen in order; what waits for an event belongs under rules".to_owned());
            }
            Some(Step { at, action: action?, origin })
        });
        let steps = steps.collect();
        let rules = rules.into_iter().zip(1..).filter_map(|(entry, number)| {
            let (after, action, origin) = self.entry(&entry, "rule", number);
            let Some(on) = &entry.value.on else {
                self.say(&entry, format!("a rule needs `on`, one of {}", events()));
                return None;
            };
            let event = EventName::parse(&on.value).filter(|event| event.concerns_a_consent());
            if event.is_none() {
                self.say(on, format!("'{}' is not an event of a consent; one of {}", on.value, events()));
            }
            Some(Rule { on: event?, after, action: action?, origin })
        });
        let rules = rules.collect();
        Plan { name: name.value, push_data, data, fetch_quirks, steps, rules, delivers_on_seed: false }
    }

    fn entry(&mut self, entry: &Spanned<Entry>, noun: &str, number: usize) -> (Span, Option<Action>, String) {
        let Entry { id, on: _, after, approve, activate, reject, fail, pause, resume, revoke, expire, deliver } =
            &entry.value;
        let delay = after.as_ref().map_or(Some(Span::ZERO), |after| {
            let span = parse_span(&after.value);
            if span.is_none() {
                self.say(after, format!("'{}' is not {SPAN_FORMS}", after.value));
            }
            span
        });
        let moves = [
            approve.as_ref().map(|approve| Verb::Approve { hold: approve.hold, accounts: Choice::All }),
            activate.as_ref().map(|_| Verb::Activate),
            reject.as_ref().map(|_| Verb::Reject),
            fail.as_ref().map(|_| Verb::Fail),
            pause.as_ref().map(|_| Verb::Pause),
            resume.as_ref().map(|_| Verb::Resume),
            revoke.as_ref().map(|revoke| Verb::Revoke { by: self.party(revoke) }),
            expire.as_ref().map(|_| Verb::Expire),
        ];
        let delivery = deliver.as_ref().map(|deliver| Action::Deliver(self.outcome(deliver)));
        let mut actions = moves.into_iter().flatten().map(Action::Move).chain(delivery);
        let action = actions.next();
        let more = actions.next().is_some();
        if action.is_none() || more {
            let count = if more { "several verbs" } else { "no verb" };
            self.say(entry, format!("{noun} {number} has {count}; give one of {VERBS} (`approve: {{}}`)"));
        }
        let origin = match id {
            Some(id) => format!("{noun} {number} ({id}), line {}", entry.referenced.line()),
            None => format!("{noun} {number}, line {}", entry.referenced.line()),
        };
        (delay.unwrap_or_default(), action, origin)
    }

    fn party(&mut self, revoke: &Revoke) -> Party {
        let Some(by) = &revoke.by else { return Party::Customer };
        Party::parse(&by.value).unwrap_or_else(|| {
            self.say(by, format!("'{}' does not revoke; one of {}", by.value, Party::names()));
            Party::Customer
        })
    }

    fn outcome(&mut self, deliver: &Deliver) -> Outcome {
        let Deliver { default, fips, accounts } = deliver;
        let mut named = |list: &BTreeMap<String, Spanned<String>>| {
            list.iter().map(|(name, status)| (name.as_str().into(), self.status(status))).collect()
        };
        let (fips, accounts) = (named(fips), named(accounts));
        let default = default.as_ref().map(|default| self.status(default));
        Outcome::told(default, fips, accounts)
    }

    fn status(&mut self, text: &Spanned<String>) -> FiStatus {
        FiStatus::parse_answer(&text.value).unwrap_or_else(|| {
            self.say(text, format!("'{}' is no outcome; one of {}", text.value, FiStatus::answers()));
            FiStatus::Ready
        })
    }

    fn one_of<T>(&mut self, text: &Spanned<String>, parse: fn(&str) -> Option<T>, names: fn() -> String) -> Option<T> {
        let known = parse(&text.value);
        if known.is_none() {
            self.say(text, format!("'{}' is not one of {}", text.value, names()));
        }
        known
    }

    fn say<T>(&mut self, place: &Spanned<T>, message: String) {
        self.faults.push(fault(place.referenced, message));
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn faults(text: &str) -> String {
        let line = |fault: &super::Fault| format!("{}:{}: {}\n", fault.line, fault.column, fault.message);
        parse(text).expect_err("the text is wrong").iter().map(line).collect()
    }

    #[test]
    fn a_typo_is_told_with_its_place_and_what_was_expected() {
        insta::assert_snapshot!(faults("version: 1\nname: x\nsteps:\n  - { aftr: 2s, approve: {} }\n"));
        insta::assert_snapshot!(faults("version: 1\nname: x\nsteps:\n  - { approve: { hold: maybe } }\n"));
        insta::assert_snapshot!(faults("version: 1\nnme: x\n"));
    }

    #[test]
    fn all_wrong_contents_are_told_at_once() {
        insta::assert_snapshot!(faults(
            "version: 2\nname: Bad Name\nsteps:\n  - { after: soon, approve: {} }\n  - { approve: {}, reject: {} }\n  \
             - { on: consent.active, pause: {} }\n  - {}\nrules:\n  - { deliver: {} }\n  - { on: consent.actve, deliver: { \
             default: LATE } }\n  - { on: consent.active, revoke: { by: me } }\n"
        ));
    }

    #[test]
    fn json_is_read_too() {
        let plan = parse(r#"{"version":1,"name":"x","push_data":false,"steps":[{"after":"P1D","approve":{}}]}"#);
        let plan = plan.expect("the text is a scenario");
        assert_eq!((plan.push_data, plan.steps[0].at.0), (Some(false), 86_400_000));
    }
}
