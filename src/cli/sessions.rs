//! `mockaa session`: data sessions of a running sandbox, and the answers of their FIPs.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::cli::control::WorldTarget;
use crate::cli::remote::{
    JsonResponse, Remote, encode_segment, field_text, print_fields, print_list, print_table,
};
use crate::domain::session::FiStatus;
use crate::domain::unaport::AnalyticsStatus;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the data sessions of a world.
    #[command(after_help = "Examples:\n  mockaa session list\n  mockaa session list --json")]
    List(WorldTarget),
    /// Show a data session with the status of its accounts.
    #[command(after_help = "Example:\n  mockaa session show SESSION")]
    Show(SessionTarget),
    /// Deliver the data of a session in place of its FIPs; default: all accounts are READY.
    #[command(
        after_help = "Examples:\n  mockaa session deliver SESSION\n  mockaa session deliver SESSION --fip FIP-2=TIMEOUT\n  mockaa session deliver \
                      SESSION --answer READY --account REF=DENIED:'account is closed'"
    )]
    Deliver {
        #[command(flatten)]
        target: SessionTarget,
        /// Answer for all other accounts: READY, DENIED or TIMEOUT, or with a reason, such as
        /// DENIED:closed.
        #[arg(long, value_parser = parse_answer, value_name = "ANSWER")]
        answer: Option<Value>,
        /// Answer of a FIP; may be repeated.
        #[arg(long, value_parser = parse_named_answer, value_name = "ID=ANSWER")]
        fip: Vec<(String, Value)>,
        /// Answer for an account, by linkRefNumber; may be repeated.
        #[arg(long, value_parser = parse_named_answer, value_name = "REF=ANSWER")]
        account: Vec<(String, Value)>,
    },
    /// Complete Unaport's analytics of a session, and notify the FIU.
    #[command(
        after_help = "Examples:\n  mockaa session analytics SESSION\n  mockaa session analytics SESSION --status FAILED"
    )]
    Analytics {
        #[command(flatten)]
        target: SessionTarget,
        /// Result of the analytics; default: SUCCESS.
        #[arg(long, value_parser = parse_analytics_status, value_name = "STATUS")]
        status: Option<AnalyticsStatus>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SessionTarget {
    /// Id of the session, as `session list` prints it.
    session: String,
    #[command(flatten)]
    remote: Remote,
}

impl SessionTarget {
    fn path(&self) -> String {
        format!("sessions/{}", encode_segment(&self.session))
    }
}

/// Parses `STATUS` or `STATUS:REASON` to the answer of the control API.
fn parse_answer(text: &str) -> Result<Value, String> {
    let (status, reason) = match text.split_once(':') {
        Some((status, reason)) => (status, Some(reason)),
        None => (text, None),
    };
    let status = FiStatus::parse_answer(&status.to_uppercase())
        .ok_or_else(|| format!("give one of {}", FiStatus::answer_names()))?
        .as_str();
    Ok(match reason {
        None => json!(status),
        Some(reason) => json!({ "answer": status, "reason": reason }),
    })
}

fn parse_named_answer(text: &str) -> Result<(String, Value), String> {
    let (name, answer) = text
        .split_once('=')
        .ok_or_else(|| "give a name and an answer, such as FIP-2=TIMEOUT".to_owned())?;
    Ok((name.to_owned(), parse_answer(answer)?))
}

fn parse_analytics_status(text: &str) -> Result<AnalyticsStatus, String> {
    AnalyticsStatus::parse(&text.to_uppercase())
        .ok_or_else(|| format!("give one of {}", AnalyticsStatus::accepted_names()))
}

const FIELDS: [(&str, &str); 4] = [
    ("session", "sessionId"),
    ("status", "sessionStatus"),
    ("consent", "consentHandle"),
    ("opened", "openedAt"),
];

pub(crate) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(WorldTarget { remote }) => {
            let columns = ["opened", "session", "status", "consent"].map(|heading| {
                let field = FIELDS.iter().find(|(name, _)| *name == heading);
                *field.expect("each column is a field")
            });
            print_list(
                &remote,
                &remote.get_all("sessions?after=0").await?,
                &columns,
            );
        }
        Command::Show(target) => {
            let session = target.remote.get(&target.path()).await?;
            print_session(&target.remote, &session);
        }
        Command::Deliver {
            target,
            answer,
            fip,
            account,
        } => {
            let mut body = Map::new();
            body.extend(answer.map(|answer| ("default".to_owned(), answer)));
            for (name, answers) in [("fips", fip), ("accounts", account)] {
                let answers: Map<String, Value> = answers.into_iter().collect();
                if !answers.is_empty() {
                    body.insert(name.to_owned(), answers.into());
                }
            }
            let path = format!("{}/deliver", target.path());
            let session = target.remote.post(&path, &body.into()).await?;
            print_session(&target.remote, &session);
        }
        Command::Analytics { target, status } => {
            let body = status.map_or(Value::Null, |status| json!({ "status": status }));
            let path = format!("{}/analytics", target.path());
            let analytics = target.remote.post(&path, &body).await?;
            let fields = [
                ("session", "sessionId"),
                ("status", "status"),
                ("analytics", "analyticId"),
            ];
            print_fields(&target.remote, &analytics, &fields);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a session and its accounts.
fn print_session(remote: &Remote, session: &JsonResponse) {
    print_fields(remote, session, &FIELDS);
    if remote.json {
        return;
    }
    println!();
    let columns = [
        ("fip", "fipId"),
        ("account", "linkRefNumber"),
        ("status", "FIStatus"),
        ("description", "description"),
    ];
    let accounts = session["accounts"].as_array().into_iter().flatten();
    let rows: Vec<Vec<String>> = accounts
        .map(|account| columns.map(|(_, path)| field_text(account, path)).to_vec())
        .collect();
    print_table(&columns.map(|(heading, _)| heading), &rows);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_perhaps_a_reason() {
        assert_eq!(parse_answer("ready"), Ok(json!("READY")));
        assert_eq!(
            parse_named_answer("FIP-2=DENIED:closed: since May"),
            Ok((
                "FIP-2".to_owned(),
                json!({ "answer": "DENIED", "reason": "closed: since May" })
            ))
        );
        assert!(parse_answer("PENDING").is_err(), "FIPs do not answer that");
        assert!(parse_named_answer("FIP-2").is_err());
    }
}
