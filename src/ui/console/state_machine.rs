//! The picture of a consent's state machine: the states, the path that the consent took, and the ways
//! that are open to it.

use super::{class_of, format_clock, format_precise_time};
use crate::domain::consent::{Consent, Input, Status, StatusChange};
use crate::domain::time::Timestamp;
use crate::ui::icons;

/// A box for a state, with its visits.
#[derive(Debug)]
pub(super) struct Node {
    pub name: &'static str,
    /// The class of the colors of the state.
    pub class: String,
    pub icon: &'static str,
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
    pub radius: u32,
    pub role: NodeRole,
    pub visits: Option<VisitLabel>,
}

/// The numbers of the visits of a state in the path, above its box.
#[derive(Debug)]
pub(super) struct VisitLabel {
    pub numbers: String,
    pub width: u32,
    /// The place of the left upper corner.
    pub x: u32,
    pub y: u32,
    /// The time of the last visit.
    pub at: String,
}

impl VisitLabel {
    /// Returns the place of the numbers, which is their middle.
    pub(super) fn numbers_place(&self) -> (u32, u32) {
        (self.x + self.width / 2, self.y + 12)
    }

    /// Returns the place of the time: above a state of the upper row, below one of the lower row, where
    /// lines come from above.
    pub(super) fn time_place(&self) -> (u32, u32) {
        let below = if self.y > 100 { 57 } else { 3 };
        (self.x + self.width + 5, self.y + below)
    }
}

/// The part that a state has in the path of a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeRole {
    Current,
    Visited,
    NotVisited,
}

impl Node {
    pub(super) fn is_current(&self) -> bool {
        self.role == NodeRole::Current
    }

    pub(super) fn was_visited(&self) -> bool {
        self.role == NodeRole::Visited
    }

    /// Returns the place of the name.
    pub(super) fn name_place(&self) -> (u32, u32) {
        (self.x + 40, self.y + self.height / 2 + 5)
    }

    /// Returns the place of the icon.
    pub(super) fn icon_place(&self) -> (u32, u32) {
        (self.x + 16, self.y + self.height / 2 - 8)
    }
}

/// A line from a state to another.
#[derive(Debug)]
pub(super) struct Wire {
    pub path: String,
    pub use_: WireUse,
    pub has_head: bool,
}

/// The use of a way: a consent took it, may take it now, or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WireUse {
    Closed,
    Open,
    Taken,
}

impl WireUse {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Closed => "wire",
            Self::Open => "wire may",
            Self::Taken => "wire taken",
        }
    }

    /// Returns the id of the arrowhead.
    pub(super) fn head(self) -> &'static str {
        match self {
            Self::Closed => "a-w",
            Self::Open => "a-m",
            Self::Taken => "a-t",
        }
    }
}

/// The name of an input beside its lines.
#[derive(Debug)]
pub(super) struct WireLabel {
    pub text: &'static str,
    pub x: u32,
    pub y: u32,
    plate_width: Option<u32>,
    pub is_open: bool,
}

impl WireLabel {
    /// Returns the left upper corner and the width of the ground below a name on a line.
    pub(super) fn plate(&self) -> Option<(u32, u32, u32)> {
        let width = self.plate_width?;
        Some((self.x - width / 2, self.y - 11, width))
    }
}

/// A place where lines meet.
#[derive(Debug)]
pub(super) struct Joint {
    pub x: u32,
    pub y: u32,
    pub is_open: bool,
}

/// A step of the path, for readers who do not see the picture.
#[derive(Debug)]
pub(super) struct PathStep {
    pub name: &'static str,
    pub class: String,
    pub icon: &'static str,
    pub text: String,
}

/// The picture with all that it shows.
#[derive(Debug)]
pub(super) struct StateMachine {
    pub nodes: Vec<Node>,
    pub wires: Vec<Wire>,
    pub labels: Vec<WireLabel>,
    pub joints: Vec<Joint>,
    pub description: String,
    /// The last steps of the path.
    pub path: Vec<PathStep>,
    /// A sentence about steps that are not shown; empty if there are none.
    pub hidden_steps: String,
    /// The inputs that are legal now, in words.
    pub open_inputs: String,
}

/// The place of a state: the upper row is the life of a consent, the lower row its ends.
const fn place(status: Status) -> (u32, u32) {
    match status {
        Status::Pending => (10, 52),
        Status::Ready => (232, 52),
        Status::Active => (454, 52),
        Status::Paused => (676, 52),
        Status::Rejected => (10, 202),
        Status::Failed => (196, 202),
        Status::Expired => (386, 202),
        Status::Revoked => (528, 202),
    }
}

const fn is_end(status: Status) -> bool {
    place(status).1 > 100
}

/// The line of an input in a state. `trunk` leads to the line of another state that goes on to the end
/// state by `descent`; without a descent it leads there itself.
struct Route {
    from: Status,
    input: Input,
    trunk: &'static str,
    descent: &'static str,
}

const fn route(from: Status, input: Input, trunk: &'static str, descent: &'static str) -> Route {
    Route {
        from,
        input,
        trunk,
        descent,
    }
}

/// The lines of the transition table.
const ROUTES: [Route; 14] = [
    route(Status::Pending, Input::Approve, "M146 72H230", ""),
    route(Status::Ready, Input::Activate, "M368 72H452", ""),
    route(Status::Active, Input::Pause, "M590 62H674", ""),
    route(Status::Paused, Input::Resume, "M676 82H592", ""),
    route(Status::Pending, Input::Reject, "M50 92V200", ""),
    route(
        Status::Pending,
        Input::Fail,
        "M90 92V116Q90 122 96 122H258",
        "V200",
    ),
    route(Status::Ready, Input::Fail, "M258 92V200", ""),
    route(
        Status::Pending,
        Input::Expire,
        "M126 92V136Q126 142 132 142H474",
        "V200",
    ),
    route(Status::Ready, Input::Expire, "M300 92V142", "H474V200"),
    route(Status::Active, Input::Expire, "M474 92V200", ""),
    route(
        Status::Paused,
        Input::Expire,
        "M710 92V136Q710 142 704 142H474",
        "V200",
    ),
    route(
        Status::Ready,
        Input::Revoke,
        "M340 92V156Q340 162 346 162H566",
        "V200",
    ),
    route(Status::Active, Input::Revoke, "M566 92V200", ""),
    route(
        Status::Paused,
        Input::Revoke,
        "M770 92V156Q770 162 764 162H566",
        "V200",
    ),
];

/// The places where lines meet, with the input that they belong to.
const JOINTS: [(Input, u32, u32); 4] = [
    (Input::Fail, 258, 122),
    (Input::Expire, 300, 142),
    (Input::Expire, 474, 142),
    (Input::Revoke, 566, 162),
];

/// The names of the inputs: place, and the width of the ground of those on a line.
const LABELS: [(Input, u32, u32, Option<u32>); 8] = [
    (Input::Approve, 188, 64, None),
    (Input::Activate, 410, 64, None),
    (Input::Pause, 633, 55, None),
    (Input::Resume, 633, 98, None),
    (Input::Reject, 50, 182, Some(42)),
    (Input::Fail, 258, 182, Some(31)),
    (Input::Expire, 474, 182, Some(42)),
    (Input::Revoke, 566, 182, Some(42)),
];

/// The largest number of steps of the path that are listed.
const STEPS_MAX: usize = 8;

/// The largest number of visits of a state that are numbered one by one.
const VISITS_MAX: usize = 4;

impl StateMachine {
    /// Draws the state machine for a consent.
    pub(super) fn new(consent: &Consent) -> Self {
        let (status, history) = (consent.status, &consent.history);
        // A long history has lost its beginning, which every consent with a grant has in common.
        let is_cut = history
            .first()
            .is_some_and(|it| it.status != Status::Pending);
        let beginning: &[Status] = if is_cut {
            &[Status::Pending, Status::Ready, Status::Active]
        } else {
            &[]
        };
        let known: Vec<_> = history.iter().map(|change| change.status).collect();
        let took = |from: Status, to: Status| {
            let mut steps = beginning.windows(2).chain(known.windows(2));
            steps.any(|pair| pair == [from, to])
        };
        let mut wires: Vec<_> = ROUTES
            .iter()
            .map(|route| {
                let to = route.from.transition_on(route.input);
                let use_ = if to.is_some_and(|to| took(route.from, to)) {
                    WireUse::Taken
                } else if route.from == status {
                    WireUse::Open
                } else {
                    WireUse::Closed
                };
                // A line that is not used ends where it meets another one.
                let is_whole = use_ != WireUse::Closed || route.descent.is_empty();
                let descent = if is_whole { route.descent } else { "" };
                Wire {
                    path: format!("{}{descent}", route.trunk),
                    use_,
                    has_head: is_whole,
                }
            })
            .collect();
        // Used lines are drawn over the others.
        wires.sort_by_key(|wire| wire.use_);
        let labels = LABELS.iter().map(|(input, x, y, plate)| WireLabel {
            text: input.as_str(),
            x: *x,
            y: *y,
            plate_width: *plate,
            is_open: status.transition_on(*input).is_some(),
        });
        let joints = JOINTS.iter().map(|(_, x, y)| Joint {
            x: *x,
            y: *y,
            is_open: status == Status::Active && *x > place(Status::Active).0,
        });
        let open_inputs = join_words(&status.legal_inputs().map(Input::as_str).collect::<Vec<_>>());
        Self {
            nodes: Status::ALL
                .iter()
                .map(|it| build_node(*it, status, history, is_cut))
                .collect(),
            wires,
            labels: labels.collect(),
            joints: joints.collect(),
            description: describe(status, history, &open_inputs),
            hidden_steps: describe_hidden(history.len(), is_cut),
            path: history[history.len().saturating_sub(STEPS_MAX)..]
                .iter()
                .map(|change| PathStep {
                    name: change.status.as_str(),
                    class: class_of(change.status),
                    icon: icons::of_status(change.status),
                    text: format_precise_time(change.at),
                })
                .collect(),
            open_inputs,
        }
    }
}

/// Says how many steps of a path are not listed. `is_cut` is true if some are not known any more.
fn describe_hidden(count: usize, is_cut: bool) -> String {
    match (count.saturating_sub(STEPS_MAX), is_cut) {
        (0, _) => String::new(),
        (1, false) => "1 earlier change is in the timeline.".to_owned(),
        (hidden, false) => format!("{hidden} earlier changes are in the timeline."),
        (hidden, true) => format!(
            "At least {hidden} earlier changes; the journal has those that it has not forgotten."
        ),
    }
}

fn build_node(it: Status, current: Status, history: &[StatusChange], is_cut: bool) -> Node {
    let visits = history.iter().zip(1usize..);
    let visits: Vec<_> = visits.filter(|(change, _)| change.status == it).collect();
    let numbers: Vec<_> = visits
        .iter()
        .map(|(_, number)| number.to_string())
        .collect();
    let label = match numbers.len() {
        0 => None,
        _ if is_cut => Some("…".to_owned()),
        1..=VISITS_MAX => Some(numbers.join("·")),
        count => Some(format!("{}…{}", numbers[0], numbers[count - 1])),
    };
    let (x, y) = place(it);
    let (width, height, radius) = if is_end(it) {
        (124, 36, 18)
    } else {
        (136, 40, 9)
    };
    Node {
        name: it.as_str(),
        class: class_of(it),
        icon: icons::of_status(it),
        x,
        y,
        width,
        height,
        radius,
        role: if it == current {
            NodeRole::Current
        } else if visits.is_empty() && !(is_cut && matches!(it, Status::Pending | Status::Ready)) {
            NodeRole::NotVisited
        } else {
            NodeRole::Visited
        },
        visits: label.map(|numbers| VisitLabel {
            width: 11 + 6 * u32::try_from(numbers.chars().count()).unwrap_or(u32::MAX / 8),
            numbers,
            x: x - 5,
            y: y - 9,
            at: visits
                .last()
                .map_or_else(String::new, |(change, _)| format_visit(change.at, history)),
        }),
    }
}

/// Formats the time of a change; where the path takes more than a day, its day.
fn format_visit(at: Timestamp, history: &[StatusChange]) -> String {
    let day = at.ist_date();
    if history.iter().all(|change| change.at.ist_date() == day) {
        format_clock(at)
    } else {
        day.format("%-d %b %Y").to_string()
    }
}

/// Joins words by commas, and the last one by "or".
fn join_words(words: &[&str]) -> String {
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

fn describe(status: Status, history: &[StatusChange], open_inputs: &str) -> String {
    let path: Vec<_> = history
        .iter()
        .map(|change| change.status.as_str())
        .collect();
    let now = match open_inputs {
        "" => "It is final: no action leads out of it.".to_owned(),
        inputs => format!("Possible now: {inputs}."),
    };
    format!(
        "{}. The path: {}. {now}",
        status.as_str(),
        path.join(", then ")
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{JOINTS, LABELS, ROUTES};
    use crate::domain::consent::{Input, Status};

    #[test]
    fn the_picture_has_a_line_and_a_name_for_each_legal_input() {
        let legal: BTreeSet<_> = Status::ALL
            .iter()
            .flat_map(|status| {
                let inputs = status.legal_inputs();
                inputs.map(|input| (status.as_str(), input.as_str()))
            })
            .collect();
        let drawn = ROUTES
            .iter()
            .map(|it| (it.from.as_str(), it.input.as_str()));
        assert_eq!(drawn.collect::<BTreeSet<_>>(), legal);
        assert_eq!(legal.len(), ROUTES.len());
        let named: BTreeSet<_> = LABELS.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(named, Input::ALL.iter().map(|it| it.as_str()).collect());
        assert!(JOINTS.iter().all(|joint| {
            let lines = ROUTES.iter().filter(|it| it.input == joint.0);
            lines.count() > 1
        }));
    }
}
