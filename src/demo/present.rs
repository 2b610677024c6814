//! The presenter's view: the pages on the left, the timeline of the consent on the right, a tour, and a sentence
//! that says what has happened underneath.

use askama::Template;
use serde::Serialize;
use serde_json::Value;

use super::forward::TIMELINE_ONLY;
use super::pages::LanguageLink;
use crate::ui::journey::Party;
use crate::ui::messages::Language;
use crate::ui::qr_code::QrImage;

/// The presenter's view.
#[derive(Debug, Template)]
#[template(path = "demo_present.html")]
pub(super) struct PresentPage {
    pub language: Language,
    /// The path of the visit, with a slash at its end.
    pub path: String,
    pub fiu: Party,
    pub phones: PhoneAccess,
    /// The address of the world in the console.
    pub console: String,
    /// The path of the timeline; `None` before a consent is raised.
    pub timeline: Option<String>,
    /// `true` if the customer is played.
    pub is_automatic: bool,
}

/// The way by which phones reach the lender.
#[derive(Debug)]
pub(super) enum PhoneAccess {
    /// Only this machine reaches it.
    None,
    /// The address of the visit, and that of a new one.
    Open { url: String, new_url: String },
    /// The address at which the view has to be opened: a consent leads its customer back to the one at which it was
    /// asked for.
    Elsewhere(String),
}

/// A step of the tour.
#[derive(Debug)]
struct TourStep {
    number: usize,
    /// Such as "Step 1 of 8".
    count: String,
    title: &'static str,
    /// The speaker's notes.
    notes: &'static str,
    /// The anchors of the steps before and after it.
    previous: Option<usize>,
    next: Option<usize>,
}

/// The keys of the steps of the tour.
const TOUR: [(&str, &str); 8] = [
    ("tour.1.title", "tour.1.notes"),
    ("tour.2.title", "tour.2.notes"),
    ("tour.3.title", "tour.3.notes"),
    ("tour.4.title", "tour.4.notes"),
    ("tour.5.title", "tour.5.notes"),
    ("tour.6.title", "tour.6.notes"),
    ("tour.7.title", "tour.7.notes"),
    ("tour.8.title", "tour.8.notes"),
];

impl PresentPage {
    fn text(&self, key: &str) -> &'static str {
        self.language.text(key)
    }

    fn languages(&self) -> Vec<LanguageLink> {
        let query = if self.is_automatic { "auto&" } else { "" };
        LanguageLink::list(&format!("{}present?{query}", self.path))
    }

    fn tour(&self) -> Vec<TourStep> {
        let steps = TOUR
            .iter()
            .zip(1..)
            .map(|((title, notes), number)| TourStep {
                number,
                count: self.count_step(number),
                title: self.text(title),
                notes: self.text(notes),
                previous: (number > 1).then(|| number - 1),
                next: (number < TOUR.len()).then(|| number + 1),
            });
        steps.collect()
    }

    fn count_step(&self, number: usize) -> String {
        let values = [
            ("n", &*number.to_string()),
            ("total", &*TOUR.len().to_string()),
        ];
        self.language.fill("tour.step", &values)
    }

    fn qr_code(&self) -> Option<QrImage> {
        match &self.phones {
            PhoneAccess::Open { url, .. } => QrImage::new(url),
            PhoneAccess::None | PhoneAccess::Elsewhere(_) => None,
        }
    }
}

/// The progress of a visit, for the scripts of the presenter's view.
#[derive(Debug, Serialize)]
pub(super) struct Progress {
    pub stage: &'static str,
    /// The path of the timeline.
    pub timeline: Option<String>,
    pub underneath: Option<Underneath>,
}

/// A sentence about the newest call, webhook or event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Underneath {
    pub text: String,
    /// The path of the entry in the timeline.
    pub address: String,
}

/// Returns the path of the timeline of a consent in a world.
pub(super) fn build_timeline_path(world: &str, handle: &str) -> String {
    format!("/w/{world}/ui/consents/{handle}?{TIMELINE_ONLY}")
}

impl Underneath {
    /// Describes an entry of the journal about a consent, as the control API shows it.
    pub(super) fn from_entry(entry: &Value, world: &str, handle: &str) -> Option<Self> {
        let seq = &entry["seq"];
        let (call, webhook) = (&entry["call"], &entry["webhook"]);
        let text = if call.is_object() {
            let path = call["path"].as_str()?;
            let path = path.strip_prefix(&format!("/w/{world}")).unwrap_or(path);
            let (path, _) = path.split_once('?').unwrap_or((path, ""));
            format!(
                "{} {path}, answered with {} in {} ms",
                call["method"].as_str()?,
                call["status"],
                call["durationMs"]
            )
        } else if webhook.is_object() {
            let kind = webhook["event"].as_str().unwrap_or("webhook");
            let status = webhook["status"].as_str().unwrap_or_default();
            let answer = match &webhook["answered"] {
                Value::Null => webhook["outcome"].as_str().unwrap_or("not sent").to_owned(),
                answer => format!("answered with {answer}"),
            };
            format!("webhook {kind} {status} to the lender, {answer}")
        } else {
            let kind = entry["kind"].as_str()?;
            match entry["text"].as_str() {
                Some(text) if kind == "note" => text.to_owned(),
                _ => format!("event {kind}"),
            }
        };
        Some(Self {
            text: format!("{text} (journal {seq})"),
            address: format!("{}&open={seq}#e{seq}", build_timeline_path(world, handle)),
        })
    }
}
