//! Lists of the control API as the commands print them: all pages are read, filtered, and the newest
//! entries printed. What is left out is counted.

use std::collections::VecDeque;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::remote::{Remote, encode_segment, field_text, print_table};
use crate::cli::{StateConflict, UnmetExpectation, UsageError};
use crate::domain::duration::parse_duration;
use crate::domain::time::{Millis, Timestamp};
use crate::wire::fields::parse_timestamp;

/// Entries that a list prints unless options say otherwise.
const LAST_DEFAULT: usize = 50;

/// Time for which one request waits for further entries, in system time.
const WAIT: &str = "5m";

#[derive(Clone, Debug, Args)]
pub(crate) struct ListArguments {
    /// Print this many entries, the newest ones.
    #[arg(long, default_value_t = LAST_DEFAULT, value_name = "N")]
    last: usize,
    /// Print all entries.
    #[arg(long, conflicts_with = "last")]
    all: bool,
    /// Print only entries since this world time, such as 2020-07-04T06:00:00Z, or of the last 5m.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Go on and print new entries until Ctrl-C.
    #[arg(long)]
    follow: bool,
}

/// A list of the control API.
pub(crate) struct List<'a> {
    pub remote: &'a Remote,
    /// Path and query, such as `webhooks` or `journal?kind=call`.
    pub path: String,
    /// Field of an entry with its world time.
    pub time_field: &'static str,
    /// Fields with the value that an entry must have.
    pub filters: Vec<(&'static str, Option<String>)>,
}

/// The selected entries of a list.
struct Selection {
    items: VecDeque<Value>,
    /// The number of entries that passed the filters before the first item.
    earlier: usize,
    /// The place after the last entry that was read.
    cursor: u64,
    /// Entries that the sandbox no longer keeps.
    evicted: u64,
}

impl Selection {
    /// Says how many entries are not in it.
    fn print_omissions(&self) {
        let Self {
            earlier, evicted, ..
        } = self;
        if *earlier > 0 {
            println!("({earlier} earlier entries; --last N or --all prints more)");
        }
        if *evicted > 0 {
            println!("({evicted} older entries were evicted)");
        }
    }
}

impl List<'_> {
    /// Prints the list by the options. `print` gets the entries; it is called again for entries that
    /// follow.
    pub(crate) async fn print(
        &self,
        arguments: &ListArguments,
        print: impl Fn(&[Value]),
    ) -> anyhow::Result<()> {
        self.print_after(None, arguments, print).await
    }

    /// Prints all entries after a place, or without one the newest ones.
    pub(crate) async fn print_after(
        &self,
        after: Option<u64>,
        arguments: &ListArguments,
        print: impl Fn(&[Value]),
    ) -> anyhow::Result<()> {
        let since = self.resolve_since(arguments.since.as_deref()).await?;
        let limit = (!arguments.all && after.is_none()).then_some(arguments.last);
        // Read before the list, so that no entry comes between the two unseen.
        let journal_end = if arguments.follow {
            find_journal_end(self.remote).await?
        } else {
            0
        };
        let mut selection = self.select(after.unwrap_or(0), limit, since).await?;
        let items = selection.items.make_contiguous();
        if self.remote.json && !arguments.follow {
            let page = json!({
                "items": items, "earlier": selection.earlier, "evicted": selection.evicted,
            });
            println!("{page:#}");
            return Ok(());
        }
        self.print_items(items, &print);
        if !self.remote.json {
            selection.print_omissions();
        }
        if arguments.follow {
            let places = (selection.cursor, journal_end);
            self.follow(places, since, &print).await?;
        }
        Ok(())
    }

    fn print_items(&self, items: &[Value], print: &impl Fn(&[Value])) {
        if self.remote.json {
            for item in items {
                println!("{item}");
            }
        } else {
            print(items);
        }
    }

    /// Reads the pages after a place.
    async fn select(
        &self,
        after: u64,
        limit: Option<usize>,
        since: Option<Timestamp>,
    ) -> anyhow::Result<Selection> {
        let mut selection = Selection {
            items: VecDeque::new(),
            earlier: 0,
            cursor: after,
            evicted: 0,
        };
        loop {
            let separator = if self.path.contains('?') { '&' } else { '?' };
            let path = format!("{}{separator}after={}", self.path, selection.cursor);
            let page = self.remote.get(&path).await?;
            selection.evicted = page["evicted"].as_u64().unwrap_or_default();
            let items = page["items"]
                .as_array()
                .context("the answer has no items")?;
            for item in items.iter().filter(|item| self.is_wanted(item, since)) {
                if limit.is_some_and(|limit| selection.items.len() == limit) {
                    selection.items.pop_front();
                    selection.earlier += 1;
                }
                if limit != Some(0) {
                    selection.items.push_back(item.clone());
                }
            }
            let next = page["next"].as_u64();
            selection.cursor = next.unwrap_or_else(|| place_after(items, selection.cursor));
            if next.is_none() {
                return Ok(selection);
            }
        }
    }

    fn is_wanted(&self, item: &Value, since: Option<Timestamp>) -> bool {
        let is_recent = since.is_none_or(|since| {
            let at = item[self.time_field].as_str().and_then(parse_timestamp);
            at.is_some_and(|at| at >= since)
        });
        is_recent
            && self.filters.iter().all(|(field, wanted)| {
                let wanted = wanted.as_ref();
                wanted.is_none_or(|wanted| field_text(item, field).eq_ignore_ascii_case(wanted))
            })
    }

    /// Returns the instant that `--since` names.
    async fn resolve_since(&self, since: Option<&str>) -> anyhow::Result<Option<Timestamp>> {
        let Some(text) = since else { return Ok(None) };
        if let Some(at) = parse_timestamp(text) {
            return Ok(Some(at));
        }
        let Some(duration) = parse_duration(text) else {
            let message = format!(
                "--since {text} is neither an instant such as 2020-07-04T06:00:00Z nor a duration \
                 such as 5m"
            );
            return Err(UsageError(message).into());
        };
        let clock = self.remote.get("clock").await?;
        let now = clock["now"].as_str().and_then(parse_timestamp);
        let now = now.context("the clock has no time")?;
        Ok(Some(now.saturating_add(Millis(-duration.0))))
    }

    /// Returns the entries after a place.
    pub(crate) async fn read_after(&self, after: u64) -> anyhow::Result<Vec<Value>> {
        Ok(self.select(after, None, None).await?.items.into())
    }

    /// Prints the entries that come, until the process is stopped.
    async fn follow(
        &self,
        (mut cursor, mut journal_end): (u64, u64),
        since: Option<Timestamp>,
        print: &impl Fn(&[Value]),
    ) -> anyhow::Result<()> {
        loop {
            let path = format!(
                "journal/wait?after={journal_end}&within={}",
                encode_segment(WAIT)
            );
            match self.remote.get(&path).await {
                Ok(page) => {
                    let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
                    journal_end = place_after(items, journal_end);
                }
                Err(error) if error.is::<UnmetExpectation>() => continue,
                Err(error) if error.is::<StateConflict>() => {
                    eprintln!("(the world was reset or deleted)");
                    // The numbers of its successor begin again.
                    (cursor, journal_end) = (0, 0);
                    continue;
                }
                Err(error) => return Err(error),
            }
            let mut selection = self.select(cursor, None, since).await?;
            cursor = selection.cursor;
            let items = selection.items.make_contiguous();
            if !items.is_empty() {
                self.print_items(items, print);
            }
        }
    }
}

/// Returns the place after the last entry of the journal.
pub(crate) async fn find_journal_end(remote: &Remote) -> anyhow::Result<u64> {
    let journal = List {
        remote,
        path: "journal".to_owned(),
        time_field: "at",
        filters: Vec::new(),
    };
    Ok(journal.select(0, Some(0), None).await?.cursor)
}

/// Returns the place after these entries: the highest number of them, or else the number of entries.
fn place_after(items: &[Value], before: u64) -> u64 {
    let number = |item: &Value| item["seq"].as_u64().or_else(|| item["id"].as_u64());
    match items.last() {
        None => before,
        Some(last) => number(last).unwrap_or(before + items.len() as u64),
    }
}

/// Prints entries as a table.
pub(crate) fn print_rows(items: &[Value], columns: &[(&str, &str)]) {
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            let cells = columns.iter().map(|(_, path)| field_text(item, path));
            cells.collect()
        })
        .collect();
    let headings: Vec<_> = columns.iter().map(|(heading, _)| *heading).collect();
    print_table(&headings, &rows);
}
