//! The history of a consent: the entries of the journal, joined by their causes.

use std::collections::BTreeMap;

use super::{class_of, format_clock};
use crate::domain::cause::CauseKind;
use crate::domain::consent::Status;
use crate::domain::event::Event;
use crate::domain::journal_entry::{CallRecord, JournalEntry, JournalRecord, WebhookRecord};
use crate::domain::participants::Participants;
use crate::domain::time::{Millis, Timestamp};
use crate::ui::icons;
use crate::ui::messages::Language;

/// An entry with its words.
#[derive(Debug)]
pub(crate) struct DescribedEntry {
    pub entry: JournalEntry,
    /// Its content on one line, without secrets.
    pub text: String,
    /// The path of a call, without secrets.
    pub path: Option<String>,
}

/// The order in which entries are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TimelineOrder {
    /// Below what caused them.
    #[default]
    ByCause,
    /// One after the other.
    ByTime,
}

/// The timeline.
#[derive(Debug)]
pub(super) struct Timeline {
    pub threads: Vec<Thread>,
    /// The number of entries of each kind, with the id of its switch.
    pub kinds: Vec<KindCount>,
    pub failures: usize,
    pub count: usize,
}

/// The number of entries of a kind.
#[derive(Debug)]
pub(super) struct KindCount {
    pub label: &'static str,
    pub id: &'static str,
    pub count: usize,
}

/// Entries with one cause.
#[derive(Debug)]
pub(super) struct Thread {
    /// The number of the first entry, by which a page that is updated finds the thread again.
    pub seq: u64,
    /// `true` if the browser shows the rows as they are.
    pub is_shown: bool,
    /// The day, if it is another than that of the thread before; else the pause before it, if it is long.
    pub break_text: String,
    pub rows: Vec<Row>,
}

/// A row of a timeline.
#[derive(Debug)]
pub(super) struct Row {
    /// `None` for a cause that has no entry.
    pub seq: Option<u64>,
    pub kind: RowKind,
    /// 0 for a cause, 1 for what it brought about, 2 for the webhooks of that.
    pub depth: u8,
    pub time: String,
    pub instant: String,
    pub icon: &'static str,
    pub title: String,
    pub note: String,
    /// The state of the consent after the row: name, class and icon.
    pub badge: Option<(&'static str, String, &'static str)>,
    pub tag: Option<Tag>,
    /// The faults that were injected.
    pub faults: Vec<&'static str>,
    /// The time that a call or an attempt took.
    pub duration: String,
}

impl Row {
    /// Returns whether the row tells of a failure or of a fault, which no switch hides.
    pub(super) fn is_failure(&self) -> bool {
        let has_failed = self.tag.as_ref().is_some_and(|tag| tag.tone == Tone::Bad);
        has_failed || !self.faults.is_empty()
    }

    /// Returns the classes of the row.
    pub(super) fn classes(&self) -> String {
        let mut classes = format!("row {}", self.kind.class());
        if self.depth == 0 {
            classes += " cause";
        }
        if self.depth == 2 {
            classes += " deep";
        }
        if self.is_failure() {
            classes += " failure";
        }
        classes
    }
}

/// The number of entries from which on a browser takes long to lay all of them out.
const LONG_COUNT: usize = 100;

/// The number of threads at the beginning that are always sent whole. Where there are too many entries, a new one
/// takes the oldest from them.
const FIRST_THREADS: usize = 8;

/// A kind of rows, which has a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    /// A cause without an entry.
    Cause,
    Call,
    Event,
    Webhook,
    Note,
}

impl RowKind {
    const SWITCHED: [(Self, &'static str, &'static str); 4] = [
        (Self::Call, "Calls", "show-calls"),
        (Self::Event, "Events", "show-events"),
        (Self::Webhook, "Webhooks", "show-webhooks"),
        (Self::Note, "Notes", "show-notes"),
    ];

    const fn class(self) -> &'static str {
        match self {
            Self::Cause => "of-cause",
            Self::Call => "of-call",
            Self::Event => "of-event",
            Self::Webhook => "of-webhook",
            Self::Note => "of-note",
        }
    }
}

/// The result of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub text: String,
    pub tone: Tone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Plain,
    Warning,
    Bad,
}

impl Tone {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Plain => "",
            Self::Warning => "warn",
            Self::Bad => "bad",
        }
    }

    /// Returns the sign that tells the tone without its color.
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Bad => "✗ ",
            Self::Warning => "! ",
            Self::Good => "✓ ",
            Self::Plain => "",
        }
    }
}

impl Tag {
    /// Returns the tag of the answer to a webhook that the FIU must reject, if it must: accepting it is no
    /// success.
    pub(super) fn of_rejectable(self, must_be_rejected: bool) -> Self {
        if self.tone == Tone::Good && must_be_rejected {
            return Self {
                text: format!("{}, must reject", self.text),
                tone: Tone::Bad,
            };
        }
        self
    }

    /// Returns the tag of an answer.
    pub(super) fn of_status(status: u16) -> Self {
        Self {
            text: status.to_string(),
            tone: if status < 400 { Tone::Good } else { Tone::Bad },
        }
    }
}

impl Timeline {
    /// Joins entries, the oldest of which comes first.
    pub(super) fn new(
        entries: &[DescribedEntry],
        participants: &Participants,
        order: TimelineOrder,
    ) -> Self {
        let threads = match order {
            TimelineOrder::ByCause => join_by_cause(entries, participants),
            TimelineOrder::ByTime => {
                let rows = entries.iter().map(|it| {
                    let mut row = build_row(it, participants);
                    row.time = format_clock(it.entry.at);
                    (&it.entry, vec![row])
                });
                rows.collect()
            }
        };
        let kinds = RowKind::SWITCHED.iter().map(|(kind, label, id)| KindCount {
            label,
            id,
            count: entries
                .iter()
                .filter(|it| kind_of(&it.entry.record) == *kind)
                .count(),
        });
        let span = match (threads.first(), threads.last()) {
            (Some((first, _)), Some((last, _))) => last.at.duration_since(first.at),
            _ => Millis::ZERO,
        };
        let mut last_at = None;
        let mut shown = Vec::new();
        for (first, rows) in threads {
            shown.push(Thread {
                seq: first.seq,
                is_shown: false,
                break_text: describe_break(last_at, first.at, span),
                rows,
            });
            last_at = Some(first.at);
        }
        Self {
            kinds: kinds.collect(),
            failures: shown
                .iter()
                .flat_map(|thread| &thread.rows)
                .filter(|row| row.is_failure())
                .count(),
            count: entries.len(),
            threads: shown,
        }
    }

    /// Returns whether a browser should lay out only what is in sight.
    pub(super) fn is_long(&self) -> bool {
        self.count > LONG_COUNT
    }

    /// Leaves out the rows of threads that a browser shows which has all entries up to this one. The thread
    /// of the entry that is open stays, and so do the first ones, which may have lost rows.
    pub(super) fn leave_out_shown(&mut self, last_shown: u64, open: Option<u64>) {
        for thread in self.threads.iter_mut().skip(FIRST_THREADS) {
            let mut seqs = thread.rows.iter().filter_map(|row| row.seq);
            thread.is_shown = seqs.all(|seq| seq <= last_shown && Some(seq) != open);
        }
    }
}

/// Returns what is said between two threads: the day if it is a new one, and a long pause.
fn describe_break(last: Option<Timestamp>, at: Timestamp, span: Millis) -> String {
    let Some(last) = last else {
        return Language::English.format_day(at);
    };
    let pause = at.duration_since(last);
    let words = (pause.0 > 10 && pause.0 * 20 > span.0).then(|| describe_pause(pause));
    let day = (last.ist_date() != at.ist_date()).then(|| Language::English.format_day(at));
    let parts: Vec<_> = words.into_iter().chain(day).collect();
    parts.join(", until ")
}

/// Returns a time between two causes in words.
fn describe_pause(Millis(ms): Millis) -> String {
    const UNITS: [(&str, i64); 4] = [
        ("day", 86_400_000),
        ("hour", 3_600_000),
        ("minute", 60_000),
        ("second", 1_000),
    ];
    let unit = UNITS.iter().find(|(_, unit)| ms >= *unit);
    match unit.map(|(name, unit)| (name, ms / unit)) {
        Some((name, 1)) => format!("1 {name}"),
        Some((name, count)) => format!("{count} {name}s"),
        None => format!("{ms} ms"),
    }
}

/// Returns the rows of each cause with its first entry, in the order of these.
fn join_by_cause<'e>(
    entries: &'e [DescribedEntry],
    participants: &Participants,
) -> Vec<(&'e JournalEntry, Vec<Row>)> {
    let mut causes: BTreeMap<u64, Vec<&DescribedEntry>> = BTreeMap::new();
    let mut first_seqs: BTreeMap<(bool, u64), u64> = BTreeMap::new();
    for it in entries {
        // An entry without a cause is a thread of its own.
        let key = match &it.entry.cause {
            Some(cause) => (true, cause.number),
            None => (false, it.entry.seq),
        };
        let first = *first_seqs.entry(key).or_insert(it.entry.seq);
        causes.entry(first).or_default().push(it);
    }
    let threads = causes
        .into_values()
        .map(|group| (&group[0].entry, build_thread(&group, participants)));
    threads.collect()
}

/// Returns the rows of entries with one cause: the cause, then what it brought about, each event with the
/// webhooks that tell of it.
fn build_thread(group: &[&DescribedEntry], participants: &Participants) -> Vec<Row> {
    let begin = group[0].entry.at;
    let head = group
        .iter()
        .find(|it| matches!(it.entry.record, JournalRecord::Call(_)));
    let mut rows = Vec::new();
    match head {
        Some(head) => {
            let mut row = build_row(head, participants);
            row.depth = 0;
            row.time = format_clock(begin);
            rows.push(row);
        }
        None => rows.extend(build_cause(group[0], participants)),
    }
    let head_seq = head.map(|head| head.entry.seq);
    let others = group.iter().filter(|it| Some(it.entry.seq) != head_seq);
    let others: Vec<_> = others.collect();
    let mut placed = Vec::new();
    for it in &others {
        let mut row = build_row(it, participants);
        row.time = match it.entry.at.duration_since(begin).0 {
            ms @ 0..1_000 => format!("+ {ms} ms"),
            ms => format!("+ {}.{:03} s", ms / 1000, ms % 1000),
        };
        if rows.is_empty() && placed.is_empty() {
            row.depth = 0;
            row.time = format_clock(begin);
        }
        match &it.entry.record {
            JournalRecord::Webhook(webhook) => {
                row.depth = 2;
                placed.push((find_told_event(&others, webhook, it.entry.seq), row));
            }
            _ => placed.push((it.entry.seq, row)),
        }
    }
    placed.sort_by_key(|(event, row)| (*event, row.depth, row.seq));
    rows.extend(placed.into_iter().map(|(_, row)| row));
    rows
}

/// Returns the number of the event that a webhook tells, or else of the last event before it.
fn find_told_event(others: &[&&DescribedEntry], webhook: &WebhookRecord, seq: u64) -> u64 {
    let events = others.iter().filter_map(|it| match &it.entry.record {
        JournalRecord::Event(event) => Some((it.entry.seq, event)),
        _ => None,
    });
    let events: Vec<_> = events.collect();
    let tells = |event: &Event| {
        let status = match event.session() {
            Some(session) if webhook.session == Some(session.id) => Some(session.status.as_str()),
            Some(_) => None,
            None => event.resulting_status().map(Status::as_str),
        };
        status.is_some() && status == webhook.status
    };
    let told = events.iter().rev().find(|(_, event)| tells(event));
    let before = events.iter().rev().find(|(number, _)| *number < seq);
    told.or(before).map_or(seq, |(number, _)| *number)
}

/// Returns the row of a cause that has no entry of its own.
fn build_cause(it: &DescribedEntry, participants: &Participants) -> Option<Row> {
    let cause = it.entry.cause.as_deref()?;
    Some(Row {
        seq: None,
        kind: RowKind::Cause,
        depth: 0,
        time: format_clock(it.entry.at),
        instant: it.entry.at.to_string(),
        icon: icon_of_cause(cause.kind),
        title: name_cause(cause.kind, None, participants),
        note: cause.origin.to_string(),
        badge: None,
        tag: None,
        faults: Vec::new(),
        duration: String::new(),
    })
}

/// Returns the name of a cause. `fiu` is the id of the FIU that calls.
pub(super) fn name_cause(
    kind: CauseKind,
    fiu: Option<&str>,
    participants: &Participants,
) -> String {
    let name = match kind {
        CauseKind::Fiu => {
            let fiu = fiu.and_then(|id| participants.find_fiu(id));
            return fiu.map_or_else(|| "An FIU".to_owned(), |fiu| fiu.entity.name.to_string());
        }
        CauseKind::Fip => "An FIP",
        CauseKind::Customer => "The customer",
        CauseKind::Operator => "The operator",
        CauseKind::Scenario => "The scenario",
        CauseKind::Timer => "The clock",
    };
    name.to_owned()
}

const fn icon_of_cause(kind: CauseKind) -> &'static str {
    match kind {
        CauseKind::Fiu => icons::ARROW_IN,
        CauseKind::Fip => icons::BANK,
        CauseKind::Customer => icons::PERSON,
        CauseKind::Operator => icons::WRENCH,
        CauseKind::Scenario => icons::CODE,
        CauseKind::Timer => icons::CLOCK,
    }
}

const fn kind_of(record: &JournalRecord) -> RowKind {
    match record {
        JournalRecord::Call(_) => RowKind::Call,
        JournalRecord::Event(_) => RowKind::Event,
        JournalRecord::Webhook(_) => RowKind::Webhook,
        JournalRecord::StepRejected { .. }
        | JournalRecord::InvalidSignature { .. }
        | JournalRecord::Note { .. } => RowKind::Note,
    }
}

/// Returns the row of an entry.
pub(super) fn build_row(it: &DescribedEntry, participants: &Participants) -> Row {
    let DescribedEntry { entry, text, path } = it;
    let row = Row {
        seq: Some(entry.seq),
        kind: kind_of(&entry.record),
        depth: 1,
        time: String::new(),
        instant: entry.at.to_string(),
        icon: icons::DOT,
        title: String::new(),
        note: String::new(),
        badge: None,
        tag: None,
        faults: Vec::new(),
        duration: String::new(),
    };
    match &entry.record {
        JournalRecord::Call(call) => {
            let kind = entry.cause.as_ref().map_or(CauseKind::Fiu, |it| it.kind);
            let path = path.as_deref().unwrap_or_default();
            Row {
                icon: icon_of_cause(kind),
                title: describe_caller(call, kind, participants),
                note: format!("{} {path}", call.method),
                tag: Some(tag_of_call(call)),
                faults: call.faults.iter().map(|fault| fault.as_str()).collect(),
                duration: describe_duration(call.duration),
                ..row
            }
        }
        JournalRecord::Event(event) => Row {
            title: event.name().as_str().to_owned(),
            note: describe_event(event),
            badge: event
                .resulting_status()
                .map(|status| (status.as_str(), class_of(status), icons::of_status(status))),
            ..row
        },
        JournalRecord::Webhook(webhook) => Row {
            icon: icons::ARROW_OUT,
            title: describe_webhook(webhook),
            note: text.clone(),
            tag: Some(tag_of_webhook(webhook)),
            faults: webhook.faults.iter().map(|fault| fault.as_str()).collect(),
            duration: if webhook.attempt > 0 {
                describe_duration(webhook.duration)
            } else {
                String::new()
            },
            ..row
        },
        JournalRecord::StepRejected { .. } => note_row(row, "A step was refused", text, Tone::Bad),
        JournalRecord::InvalidSignature { .. } => {
            note_row(row, "The signature does not verify", text, Tone::Bad)
        }
        JournalRecord::Note { .. } => note_row(row, "Note", text, Tone::Plain),
    }
}

fn note_row(row: Row, title: &str, text: &str, tone: Tone) -> Row {
    Row {
        icon: icons::ALERT,
        title: title.to_owned(),
        note: text.lines().next().unwrap_or_default().to_owned(),
        tag: Some(Tag {
            text: if tone == Tone::Bad { "refused" } else { "note" }.to_owned(),
            tone,
        }),
        ..row
    }
}

fn describe_caller(call: &CallRecord, kind: CauseKind, participants: &Participants) -> String {
    let caller = name_cause(kind, call.fiu.as_deref(), participants);
    format!("{caller}: {}", call.operation.as_str())
}

fn tag_of_call(call: &CallRecord) -> Tag {
    let tag = Tag::of_status(call.status);
    if call.is_broken() {
        return Tag {
            text: format!("{}, broken off", tag.text),
            tone: Tone::Bad,
        };
    }
    tag
}

fn tag_of_webhook(webhook: &WebhookRecord) -> Tag {
    let text = match webhook.response_status {
        Some(status) => status.to_string(),
        None if webhook.attempt == 0 => "not sent".to_owned(),
        None => "no answer".to_owned(),
    };
    let is_good = webhook.response_status.is_some() && webhook.is_accepted();
    let tone = if is_good { Tone::Good } else { Tone::Bad };
    Tag { text, tone }.of_rejectable(webhook.must_be_rejected)
}

fn describe_webhook(webhook: &WebhookRecord) -> String {
    let status = webhook.status.unwrap_or_else(|| webhook.event.as_str());
    let attempt = match webhook.attempt {
        0 | 1 => String::new(),
        number => format!(", attempt {number}"),
    };
    format!("Webhook {} · {status}{attempt}", webhook.delivery)
}

/// Returns what an event tells beside its name and the state of the consent.
fn describe_event(event: &Event) -> String {
    match event {
        Event::ConsentApproved { accounts, .. } => match accounts.len() {
            1 => "1 account".to_owned(),
            count => format!("{count} accounts"),
        },
        Event::ConsentRevoked { by, .. } => format!("by {}", by.as_str()),
        _ => event.session().map_or_else(String::new, |session| {
            let id = session.id.to_string();
            let id = id.split('-').next().unwrap_or_default();
            format!("session {id}…, {}", session.status.as_str())
        }),
    }
}

fn describe_duration(Millis(ms): Millis) -> String {
    match ms {
        ..1 => "< 1 ms".to_owned(),
        1..10_000 => format!("{ms} ms"),
        _ => format!("{} s", ms / 1000),
    }
}
