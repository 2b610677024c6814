//! `mockaa trigger`: raises a consent that follows a named story, lets the world's time pass, and
//! prints what has happened. Each scenario is a story; a few have a name of their own, or an end
//! that an FIU adds.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::control::print_entries;
use crate::cli::lists::{List, find_journal_end};
use crate::cli::raise::{ApiName, ConsentOrder, FiuClient, fetch_consent, print_consent};
use crate::cli::remote::{JsonResponse, Remote, encode_segment, field_text, print_table};
use crate::cli::run::{RETRY_TIME, action_time};
use crate::cli::{SandboxRefusal, UnmetExpectation, UsageError};
use crate::domain::delivery::DeliveryState;
use crate::domain::naming::suggest_name;
use crate::domain::scenario_plan::ScenarioPlan;
use crate::domain::time::Millis;
use crate::scenario::format::parse;
use crate::scenario::shipped::SHIPPED;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mockaa trigger\n  mockaa trigger consent-approved\n  mockaa trigger webhook-lost-then-polled --customer 9876543210\n  mockaa trigger partial-data --api unaport --json\n\nThe clock of the world is advanced until the last step; --world NAME leaves other worlds alone."
)]
pub(crate) struct Arguments {
    /// Name of the story; default: all stories are listed. Scenarios of your own are stories too.
    name: Option<String>,
    #[command(flatten)]
    order: ConsentOrder,
    #[command(flatten)]
    remote: Remote,
}

/// A story with a name of its own.
#[derive(Clone, Copy, Debug)]
struct Story {
    name: &'static str,
    /// The scenario that drives the consent.
    scenario: &'static str,
    /// The API, where the story is one of it.
    api: Option<ApiName>,
    end: StoryEnd,
}

/// End of a story, after the steps of its scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StoryEnd {
    Steps,
    /// The FIU polls for the status of the consent.
    Poll,
}

const STORIES: [Story; 8] = [
    Story::of_scenario("consent-approved", "approve"),
    Story::of_scenario("consent-expired", "expire"),
    Story::of_scenario("consent-paused-and-resumed", "pause-resume"),
    Story::of_scenario("consent-rejected", "reject"),
    Story::of_scenario("consent-revoked", "revoke"),
    Story::of_scenario("customer-left", "customer-deregisters"),
    Story {
        api: Some(ApiName::Unaport),
        ..Story::of_scenario("data-delivered", "approve")
    },
    Story {
        end: StoryEnd::Poll,
        ..Story::of_scenario("webhook-lost-then-polled", "webhook-lost")
    },
];

impl Story {
    const fn of_scenario(name: &'static str, scenario: &'static str) -> Self {
        Self {
            name,
            scenario,
            api: None,
            end: StoryEnd::Steps,
        }
    }

    /// Returns what happens, from the description of the scenario.
    fn describe(&self, scenario: &LoadedScenario) -> String {
        let mut text = scenario.describe();
        if self.api == Some(ApiName::Unaport) {
            text += " Unaport requests the data.";
        }
        if self.end == StoryEnd::Poll {
            text += " The FIU polls.";
        }
        text
    }
}

/// A scenario with its text.
struct LoadedScenario {
    plan: ScenarioPlan,
    text: String,
}

impl LoadedScenario {
    /// Returns the description, or else the first sentence of the comment on top of the file.
    fn describe(&self) -> String {
        if let Some(description) = &self.plan.description {
            return description.clone();
        }
        let comment: Vec<&str> = self
            .text
            .lines()
            .map_while(|line| line.strip_prefix('#'))
            .map(str::trim)
            .collect();
        let comment = comment.join(" ");
        match comment.split_once(". ") {
            Some((sentence, _)) => format!("{sentence}."),
            None if comment.is_empty() => format!("The scenario {}.", self.plan.name),
            None => comment,
        }
    }
}

fn load_shipped() -> Vec<LoadedScenario> {
    let texts = SHIPPED.iter().map(|(_, text)| (*text).to_owned());
    texts
        .map(|text| LoadedScenario {
            plan: parse(&text).expect("shipped scenarios are valid"),
            text,
        })
        .collect()
}

/// Mobile number of the customer of the first story in a world. Each story has another customer.
const FIRST_CUSTOMER: u64 = 9_876_000_000;

/// World time after the last step in which simulated FIPs and Unaport answer.
const ANSWER_TIME: Millis = Millis::from_secs(30);

/// Largest number of advances by [`RETRY_TIME`] for webhooks that are not delivered.
const RETRIES_MAX: usize = 24;

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments {
        name,
        mut order,
        remote,
    } = arguments;
    let Some(name) = name else {
        print_stories(remote.json);
        return Ok(ExitCode::SUCCESS);
    };
    let story = STORIES.iter().find(|story| story.name == name);
    let scenario = fetch_scenario(&remote, story.map_or(&*name, |story| story.scenario)).await?;
    let plan = &scenario.plan;
    let journal_end = find_journal_end(&remote).await?;
    let api = story.and_then(|story| story.api);
    if let (Some(wanted), Some(given)) = (api, order.api)
        && wanted != given
    {
        return Err(
            UsageError(format!("{name} is a story of another API; leave out --api")).into(),
        );
    }
    order.api = order.api.or(api);
    // A story may deregister its customer.
    order
        .customer
        .get_or_insert_with(|| (FIRST_CUSTOMER + journal_end).to_string());
    let fiu = FiuClient::connect(&remote, &order, Some(&plan.name)).await?;
    let handle = fiu.raise_consent().await?;
    let performance = Performance {
        remote: &remote,
        handle: &handle,
    };
    let action_time = action_time(plan).map_or(0, |time| time.0);
    performance
        .advance(Millis(action_time.saturating_add(ANSWER_TIME.0)))
        .await?;
    for _ in 0..RETRIES_MAX {
        if performance.list_webhooks(is_open).await?.is_empty() {
            break;
        }
        performance.advance(RETRY_TIME).await?;
    }
    if story.is_some_and(|story| story.end == StoryEnd::Poll) {
        fiu.poll_status(&handle).await?;
    }
    let events = performance.list_events(fiu.customer(), journal_end).await?;
    let consent = fetch_consent(&remote, &handle).await?;
    let needs = performance.list_needs(&consent).await?;
    if remote.json {
        let result = json!({
            "story": name,
            "scenario": plan.name,
            "consent": *consent,
            "journal": events,
            "next": needs,
        });
        println!("{result}");
    } else {
        let description =
            story.map_or_else(|| scenario.describe(), |story| story.describe(&scenario));
        println!("{name}: {description}\n");
        print_entries(&events);
        println!();
        print_consent(&remote, &consent);
        for need in needs {
            println!("next      {need}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the stories of this program, one per line.
fn print_stories(prints_json: bool) {
    let shipped = load_shipped();
    let named = STORIES.iter().filter_map(|story| {
        let mut scenarios = shipped.iter();
        let scenario = scenarios.find(|scenario| scenario.plan.name == story.scenario)?;
        Some((story.name, story.scenario, story.describe(scenario)))
    });
    let others = shipped.iter().map(|scenario| {
        let name = &*scenario.plan.name;
        (name, name, scenario.describe())
    });
    let stories = named.chain(others);
    if prints_json {
        let items: Vec<Value> = stories
            .map(|(name, scenario, description)| {
                json!({ "name": name, "scenario": scenario, "description": description })
            })
            .collect();
        println!("{}", json!({ "items": items, "next": null }));
    } else {
        let rows: Vec<Vec<String>> = stories
            .map(|(name, _, description)| vec![name.to_owned(), description])
            .collect();
        print_table(&["story", "description"], &rows);
    }
}

/// Returns a scenario as the sandbox has it.
async fn fetch_scenario(remote: &Remote, name: &str) -> anyhow::Result<LoadedScenario> {
    let path = format!("scenarios/{}", encode_segment(name));
    let text = match remote.get_bytes(&path).await {
        Err(error) if error.is::<SandboxRefusal>() => {
            let list = remote.get_all("scenarios").await?;
            let items = list["items"].as_array().into_iter().flatten();
            let scenarios = items.filter_map(|item| item["name"].as_str());
            let names = STORIES.iter().map(|story| story.name).chain(scenarios);
            let suggestion = suggest_name(name, names);
            return Err(UsageError(format!("unknown story {name}; {suggestion}")).into());
        }
        text => String::from_utf8(text?)?,
    };
    match parse(&text) {
        Ok(plan) => Ok(LoadedScenario { plan, text }),
        Err(_) => bail!("cannot read the scenario {name}; give `mockaa` the sandbox's version"),
    }
}

/// The run of a story in a sandbox.
struct Performance<'a> {
    remote: &'a Remote,
    handle: &'a str,
}

impl Performance<'_> {
    /// Advances the clock of the world; returns when its webhooks have been sent.
    async fn advance(&self, by: Millis) -> anyhow::Result<()> {
        let body = json!({ "by": format!("{}ms", by.0) });
        let advance = self.remote.post("clock/advance", &body).await?;
        if advance["stopped"] == "target" {
            return Ok(());
        }
        Err(UnmetExpectation(format!(
            "the story of {} has not ended: the clock stopped at {}, {}",
            self.handle,
            field_text(&advance, "to"),
            field_text(&advance, "error")
        ))
        .into())
    }

    /// Returns the webhooks about the consent in some states.
    async fn list_webhooks(
        &self,
        is_wanted: impl Fn(DeliveryState) -> bool,
    ) -> anyhow::Result<Vec<Value>> {
        let webhooks = List {
            remote: self.remote,
            path: "webhooks".to_owned(),
            time_field: "createdAt",
            filters: vec![("consentHandle", Some(self.handle.to_owned()))],
        };
        let mut deliveries = webhooks.read_after(0).await?;
        deliveries.retain(|delivery| {
            let state = delivery["state"].as_str().and_then(DeliveryState::parse);
            state.is_some_and(&is_wanted)
        });
        Ok(deliveries)
    }

    /// Returns the entries of the journal about the consent and its customer.
    async fn list_events(&self, customer: &str, after: u64) -> anyhow::Result<Vec<Value>> {
        let journal = List {
            remote: self.remote,
            path: format!("journal?customer={}", encode_segment(customer)),
            time_field: "at",
            filters: Vec::new(),
        };
        let mut entries = journal.read_after(after).await?;
        entries.retain(|entry| {
            let handle = entry["consentHandle"].as_str();
            handle.is_none_or(|handle| handle == self.handle)
        });
        Ok(entries)
    }

    /// Returns what is to be done before the story goes on.
    async fn list_needs(&self, consent: &JsonResponse) -> anyhow::Result<Vec<String>> {
        let handle = self.handle;
        let mut needs = Vec::new();
        match consent["state"].as_str() {
            Some("PENDING") => needs.push(format!(
                "answer as the customer: `mockaa consent approve {handle}`, or on the page"
            )),
            Some("READY") => needs.push(format!(
                "activate the consent: `mockaa consent activate {handle}`"
            )),
            _ => {}
        }
        let sessions = List {
            remote: self.remote,
            path: "sessions".to_owned(),
            time_field: "openedAt",
            filters: vec![
                ("consentHandle", Some(handle.to_owned())),
                ("sessionStatus", Some("ACTIVE".to_owned())),
            ],
        };
        for session in sessions.read_after(0).await? {
            needs.push(format!(
                "deliver the data: `mockaa session deliver {}`, or let the FIU poll",
                field_text(&session, "sessionId")
            ));
        }
        let is_unaddressed = |state| state == DeliveryState::Unaddressed;
        if let Some(webhook) = self.list_webhooks(is_unaddressed).await?.first() {
            needs.push(format!(
                "give the FIU an address for its webhooks: `mockaa fiu put {} --set baseUrl=URL`",
                field_text(webhook, "fiuId")
            ));
        }
        Ok(needs)
    }
}

/// Returns whether a delivery is to be sent yet.
const fn is_open(state: DeliveryState) -> bool {
    match state {
        DeliveryState::Held
        | DeliveryState::Queued
        | DeliveryState::Sending
        | DeliveryState::Waiting => true,
        DeliveryState::Delivered
        | DeliveryState::Exhausted
        | DeliveryState::Unaddressed
        | DeliveryState::Disabled
        | DeliveryState::Dropped => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_story_has_a_shipped_scenario_and_a_name_of_its_own() {
        let shipped = load_shipped();
        let names = shipped.iter().map(|scenario| &*scenario.plan.name);
        for story in STORIES {
            assert!(names.clone().any(|name| name == story.scenario));
            assert!(names.clone().all(|name| name != story.name));
        }
    }

    #[test]
    fn a_scenario_without_description_is_described_by_its_comment() {
        for (text, description) in [
            ("# One. Two.\n", "One."),
            ("# A customer\n# leaves.\n", "A customer leaves."),
            ("", "The scenario x."),
        ] {
            let text = format!("{text}version: 1\nname: x\nsteps: [approve: {{}}]\n");
            let plan = parse(&text).expect("the scenario is valid");
            assert_eq!(LoadedScenario { plan, text }.describe(), description);
        }
    }
}
