//! The scenario of a case: what is sent and answered, and what is expected of the FIU. The first
//! expectations are the case's controls; where one is not met, the case shows nothing.

use serde_json::{Value, json};
use thiserror::Error;

use super::suite::{Case, Check, Family, Refusal};
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::scenario_plan::ScenarioPlan;
use crate::scenario::format::parse;

/// The scenario of a case.
#[derive(Debug)]
pub(crate) struct Script {
    /// The scenario file.
    pub text: String,
    pub plan: ScenarioPlan,
    /// The number of expectations that are controls; they come first.
    pub control_count: usize,
}

/// The consent that the scenario of a case drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScriptStart {
    /// A consent that is raised under the scenario.
    NewConsent,
    /// An active consent, with a data session where the case needs one.
    ActiveConsent,
}

/// Values that the suite does not know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScriptContext<'a> {
    pub start: ScriptStart,
    /// Id of an AA other than that of the consent.
    pub other_aa: &'a str,
    /// Ids of another consent of the same FIU, and of its session.
    pub other_handle: &'a str,
    pub other_consent_id: &'a str,
    pub other_session_id: &'a str,
}

impl ScriptContext<'_> {
    /// The ids of no consent, for a scenario that is played outside a run.
    pub(crate) const EXAMPLE: Self = Self {
        start: ScriptStart::NewConsent,
        other_aa: "UNACORES-AA-UAT",
        other_handle: "7c2f4a60-1d5e-4b8a-9f03-5e6d7c8b9a01",
        other_consent_id: "7c2f4a60-1d5e-4b8a-9f03-5e6d7c8b9a02",
        other_session_id: "7c2f4a60-1d5e-4b8a-9f03-5e6d7c8b9a03",
    };

    /// Returns the text with the ids in place of their placeholders.
    fn fill_placeholders(self, text: &str) -> String {
        [
            ("{{otherAaId}}", self.other_aa),
            ("{{otherConsentHandle}}", self.other_handle),
            ("{{otherConsentId}}", self.other_consent_id),
            ("{{otherSessionId}}", self.other_session_id),
        ]
        .into_iter()
        .fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
    }
}

/// A case that cannot be a scenario.
#[derive(Debug, Error)]
#[error("{case}: {problem}")]
pub(crate) struct ScriptError {
    case: String,
    problem: String,
}

/// World time after which a scenario goes on: an FIU has answered what came before.
const PAUSE: &str = "10s";

/// World time between an answer to the FIU and the notification that follows it: the FIU has kept the
/// id in the answer.
const ANSWER_TIME: &str = "300ms";

/// Builds the scenario of a case.
///
/// # Errors
/// A field that the check needs and the suite lacks, or what is no scenario.
pub(crate) fn build_script(
    family: &Family,
    case: &Case,
    context: ScriptContext<'_>,
) -> Result<Script, ScriptError> {
    let fail = |problem: String| ScriptError {
        case: case.id.clone(),
        problem,
    };
    let mut parts = Parts::default();
    parts.add_check(family, case, context.start).map_err(fail)?;
    let text = context.fill_placeholders(&parts.render(family, case));
    let plan = parse(&text).map_err(|diagnostics| {
        let texts: Vec<_> = diagnostics.iter().map(|it| it.message.clone()).collect();
        fail(texts.join("; "))
    })?;
    Ok(Script {
        text,
        plan,
        control_count: parts.controls.len(),
    })
}

/// The entries of a scenario file.
#[derive(Debug, Default)]
struct Parts {
    fetch_quirks: Vec<Value>,
    steps: Vec<Value>,
    rules: Vec<Value>,
    webhooks: Vec<Value>,
    api_faults: Vec<Value>,
    controls: Vec<Value>,
    verdicts: Vec<Value>,
}

impl Parts {
    fn add_check(
        &mut self,
        family: &Family,
        case: &Case,
        start: ScriptStart,
    ) -> Result<(), String> {
        let op = || family.op.ok_or_else(|| lacks(family, "op"));
        let event = || family.event.ok_or_else(|| lacks(family, "event"));
        let answer = || {
            family
                .answer
                .as_ref()
                .ok_or_else(|| lacks(family, "answer"))
        };
        match family.check {
            Check::Call => {
                self.deliver_when_requested();
                self.approve(start);
                let call = json!({ "op": op()?, "status": "2xx" });
                self.verdicts.push(json!({ "call": call }));
            }
            Check::Accepts => {
                self.announce(event()?, start);
                self.verdicts.push(expect_acceptance(event()?));
            }
            Check::Refuses => self.add_refusals(case, event()?, answer()?, start)?,
            Check::RefusesAfter => {
                self.deliver_when_requested();
                self.add_faulty_answer(case, op()?)?;
                self.add_late_notification(op()?);
                self.controls
                    .push(json!({ "call": { "op": op()?, "status": "2xx" } }));
                self.expect_refusal(event()?, None, 1, answer()?);
            }
            Check::Discards => {
                self.deliver_when_requested();
                self.add_faulty_answer(case, op()?)?;
                self.steps.push(approve());
                if op()? == Operation::ConsentStatus {
                    // `Assumption:` the suite's status is PENDING, which no FIU can take further. Here the
                    // FIU can know of the approval by the faulty answer only.
                    self.webhooks.push(json!({
                        "where": { "event": NotificationKind::ConsentStatus },
                        "fault": { "drop": {} },
                    }));
                }
                self.controls
                    .push(json!({ "call": { "op": op()?, "status": "2xx" } }));
                for next in operations_after(op()?) {
                    self.verdicts.push(json!({ "never": { "op": next } }));
                }
            }
            Check::Stops => self.add_stop(family, case)?,
            Check::FetchesNothing => self.add_failed_session(case),
            Check::Plays => {
                let play = &case.plays;
                if play.expect.is_empty() {
                    return Err("the check plays needs `plays` with `expect`".to_owned());
                }
                self.fetch_quirks.clone_from(&play.fetch_quirks);
                self.steps.clone_from(&play.steps);
                self.rules.clone_from(&play.rules);
                self.webhooks.clone_from(&play.webhooks);
                self.api_faults.clone_from(&play.api_faults);
                self.controls.clone_from(&play.controls);
                self.verdicts.clone_from(&play.expect);
            }
            Check::Journey => {
                self.deliver_when_requested();
                self.steps.push(approve());
                for op in JOURNEY {
                    self.verdicts
                        .push(json!({ "call": { "op": op, "status": "2xx" } }));
                }
                for event in [NotificationKind::ConsentStatus, NotificationKind::FiStatus] {
                    self.verdicts.push(expect_acceptance(event));
                }
            }
        }
        Ok(())
    }

    fn deliver_when_requested(&mut self) {
        self.rules
            .push(json!({ "when": "fi.requested", "after": ANSWER_TIME, "deliver": {} }));
    }

    fn approve(&mut self, start: ScriptStart) {
        if start == ScriptStart::NewConsent {
            self.steps.push(approve());
        }
    }

    /// Lets a true notification of this kind be sent.
    fn announce(&mut self, event: NotificationKind, start: ScriptStart) {
        self.approve(start);
        match (start, event) {
            (ScriptStart::NewConsent, NotificationKind::FiStatus) => {
                self.steps.push(json!({ "deliver": {} }));
            }
            (ScriptStart::NewConsent, _) => {}
            (ScriptStart::ActiveConsent, _) => self.steps.push(repeat_notification(event)),
        }
    }

    /// Sends a control and the faulty notifications of the case.
    fn add_refusals(
        &mut self,
        case: &Case,
        event: NotificationKind,
        answer: &Refusal,
        start: ScriptStart,
    ) -> Result<(), String> {
        let messages = case.faulty_messages();
        self.announce(event, start);
        // The first of these is the control, unless the notification above was.
        let true_count = 1 + usize::from(start == ScriptStart::NewConsent);
        let repeats = messages.len() + true_count - 1;
        self.steps
            .extend((0..repeats).map(|_| repeat_notification(event)));
        self.controls.push(json!({
            "webhook": { "event": event, "answered": "2xx", "at_least": true_count },
        }));
        let mut counts: Vec<(String, usize)> = Vec::new();
        for (message, number) in messages.iter().zip(true_count + 1..) {
            for fault in message {
                self.webhooks.push(json!({
                    "where": { "event": event, "nth": number },
                    "fault": fault,
                }));
            }
            let name = message.first().and_then(Value::as_object);
            let name = name.and_then(|fault| fault.keys().next());
            let name = name.ok_or("a message of the case has no fault")?;
            match counts.iter_mut().find(|(known, _)| known == name) {
                Some((_, count)) => *count += 1,
                None => counts.push((name.clone(), 1)),
            }
        }
        if counts.is_empty() {
            return Err("the check refuses needs `fault` or `messages`".to_owned());
        }
        for (fault, count) in counts {
            self.expect_refusal(event, Some(&fault), count, answer);
        }
        Ok(())
    }

    fn expect_refusal(
        &mut self,
        event: NotificationKind,
        fault: Option<&str>,
        count: usize,
        answer: &Refusal,
    ) {
        let mut accepted = json!({ "event": event, "answered": "2xx", "count": 0 });
        let mut refused = json!({
            "event": event,
            "answered": answer.status.to_string(),
            "at_least": count,
        });
        if let Some(fault) = fault {
            accepted["fault"] = fault.into();
            refused["fault"] = fault.into();
        }
        if !answer.codes.is_empty() {
            let pattern = format!("^({})$", answer.codes.join("|"));
            refused["answer_body"] = json!({ "/errorCode": { "matches": pattern } });
        }
        self.verdicts.push(json!({ "webhook": accepted }));
        self.verdicts.push(json!({ "webhook": refused }));
    }

    fn add_faulty_answer(&mut self, case: &Case, op: Operation) -> Result<(), String> {
        let faults: Vec<_> = case.faulty_messages().into_iter().flatten().collect();
        if faults.is_empty() {
            return Err("the check needs `fault`".to_owned());
        }
        for fault in faults {
            self.api_faults
                .push(json!({ "where": { "op": op }, "fault": fault }));
        }
        Ok(())
    }

    /// Lets the notification come that the FIU can expect only if it has believed the answer to `op`.
    fn add_late_notification(&mut self, op: Operation) {
        self.steps.push(approve());
        if op == Operation::ConsentStatus {
            // The FIU asks for the status first.
            self.webhooks.push(json!({
                "where": { "event": NotificationKind::ConsentStatus, "nth": 1 },
                "fault": { "drop": {} },
            }));
            self.steps
                .push(json!({ "after": PAUSE, "notify": { "status": "ACTIVE" } }));
        }
    }

    fn add_stop(&mut self, family: &Family, case: &Case) -> Result<(), String> {
        let action = case.action.as_ref().and_then(Value::as_object);
        let action = action.ok_or_else(|| lacks(family, "action"))?;
        let (status, stopped) = match action.keys().next().map(String::as_str) {
            Some("pause") => ("PAUSED", "consent.paused"),
            Some("expire") => ("EXPIRED", "consent.expired"),
            Some("revoke") => ("REVOKED", "consent.revoked"),
            _ => return Err("the action is none of pause, expire, revoke".to_owned()),
        };
        let mut stop = json!({ "after": PAUSE });
        for (name, parameters) in action {
            stop[name] = parameters.clone();
        }
        self.steps.push(approve());
        self.steps.push(stop);
        // Without data the FIU wants to request it again.
        self.rules
            .push(json!({ "when": "fi.requested", "after": ANSWER_TIME, "time_out": {} }));
        // The second one may be more than the consent's frequency allows.
        self.controls.push(json!({
            "call": { "op": Operation::FiRequest, "at_least": 2 },
        }));
        self.controls.push(json!({
            "webhook": { "event": NotificationKind::ConsentStatus, "status": status, "answered": "2xx" },
        }));
        self.verdicts.push(json!({
            "never": { "op": Operation::FiRequest, "after_event": stopped },
        }));
        Ok(())
    }

    fn add_failed_session(&mut self, case: &Case) {
        self.steps.push(approve());
        let faults: Vec<_> = case.faulty_messages().into_iter().flatten().collect();
        // A session that is only said to have ended has data.
        let answer = if faults.is_empty() {
            "time_out"
        } else {
            "deliver"
        };
        self.rules
            .push(json!({ "when": "fi.requested", "after": ANSWER_TIME, answer: {} }));
        for fault in faults {
            self.webhooks.push(json!({
                "where": { "event": NotificationKind::FiStatus },
                "fault": fault,
            }));
        }
        self.controls
            .push(json!({ "call": { "op": Operation::FiRequest, "status": "2xx" } }));
        self.controls.push(json!({
            "webhook": { "event": NotificationKind::FiStatus, "answered": "2xx" },
        }));
        self.verdicts
            .push(json!({ "never": { "op": Operation::FiFetch } }));
    }

    fn render(&self, family: &Family, case: &Case) -> String {
        let description = format!("{}. {}: {}.", case.id, family.name, case.title);
        let mut text = format!(
            "version: 1\nname: {}\ndescription: {}\n",
            case.scenario_name(),
            Value::from(description)
        );
        let expect: Vec<_> = self.controls.iter().chain(&self.verdicts).collect();
        let lists = [
            ("fetch_quirks", self.fetch_quirks.iter().collect()),
            ("steps", self.steps.iter().collect::<Vec<&Value>>()),
            ("rules", self.rules.iter().collect()),
            ("webhooks", self.webhooks.iter().collect()),
            ("api_faults", self.api_faults.iter().collect()),
            ("expect", expect),
        ];
        for (name, entries) in lists {
            if entries.is_empty() {
                continue;
            }
            text += &format!("{name}:\n");
            for entry in entries {
                text += &format!("  - {}\n", render_entry(entry));
            }
        }
        text
    }
}

/// The calls of a whole journey.
const JOURNEY: [Operation; 4] = [
    Operation::ConsentCreate,
    Operation::ConsentFetch,
    Operation::FiRequest,
    Operation::FiFetch,
];

/// Returns the calls that rely on the answer to a call.
const fn operations_after(op: Operation) -> &'static [Operation] {
    match op {
        Operation::ConsentStatus => &[Operation::ConsentFetch, Operation::FiRequest],
        Operation::ConsentFetch => &[Operation::FiRequest],
        Operation::FiRequest => &[Operation::FiFetch],
        _ => &[],
    }
}

/// Returns the step that sends a true notification again.
fn repeat_notification(event: NotificationKind) -> Value {
    match event {
        NotificationKind::ConsentStatus => json!({ "notify": { "status": "ACTIVE" } }),
        _ => json!({ "notify": { "event": event } }),
    }
}

fn expect_acceptance(event: NotificationKind) -> Value {
    json!({ "webhook": { "event": event, "answered": "200", "answer_body": { "/response": "OK" } } })
}

fn approve() -> Value {
    json!({ "after": ANSWER_TIME, "approve": {} })
}

fn lacks(family: &Family, field: &str) -> String {
    format!("the check {} needs `{field}`", family.check)
}

/// Renders an entry of a list in YAML: its keys as a mapping in one line.
fn render_entry(value: &Value) -> String {
    match value {
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(key, value)| format!("{key}: {}", render_entry(value)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(render_entry).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) if is_plain(text) => text.clone(),
        value => value.to_string(),
    }
}

/// Returns whether a text needs no quotes in YAML: it is a name, which is no other value.
fn is_plain(text: &str) -> bool {
    let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    let is_value = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        .contains(&text.to_lowercase().as_str());
    is_name && !is_value
}
