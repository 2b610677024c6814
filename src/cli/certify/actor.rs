//! The user's triggers and probe: URLs or commands that let the FIU act, or that answer what it shows.

use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, Url};
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::crypto::trust::TrustedCas;
use crate::domain::naming::WireEnum;
use crate::platform::ProcessGroup;
use crate::scenario::certification::Display;

/// Longest time that an actor may take.
const ACTOR_TIMEOUT: Duration = Duration::from_secs(30);

/// Length of an answer, in characters, from which the rest is not shown.
const ANSWER_CHARS_MAX: usize = 300;

/// An address, or a command for the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    Address(Box<Url>),
    Command(String),
}

impl FromStr for Actor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("give an http or https URL, or a command".to_owned());
        }
        if !text.starts_with("http://") && !text.starts_with("https://") {
            return Ok(Self::Command(text.to_owned()));
        }
        match Url::parse(text) {
            Ok(url) => Ok(Self::Address(Box::new(url))),
            Err(error) => Err(format!("it is not a URL: {error}")),
        }
    }
}

/// The parameters of a case, as an actor gets them: as JSON, or in the environment.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActorInput {
    pub case: String,
    /// Address of the customer.
    pub customer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_handle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_id: Option<String>,
    /// `true` if the FIU has to ask for the id itself.
    #[serde(skip)]
    pub hides_consent_id: bool,
}

impl ActorInput {
    /// Returns the variables of the environment of a command.
    fn variables(&self) -> [(&'static str, &str); 4] {
        [
            ("MOCKAA_CASE", &self.case),
            ("MOCKAA_CUSTOMER", &self.customer),
            (
                "MOCKAA_CONSENT_HANDLE",
                self.consent_handle.as_deref().unwrap_or_default(),
            ),
            (
                "MOCKAA_CONSENT_ID",
                self.consent_id.as_deref().unwrap_or_default(),
            ),
        ]
    }
}

/// The client of actors with an address.
pub(super) fn build_client(trusted: &TrustedCas) -> anyhow::Result<Client> {
    Ok(trusted.build_client(|| Client::builder().timeout(ACTOR_TIMEOUT).no_proxy())?)
}

/// The failure of an actor.
#[derive(Debug, Error)]
pub(super) enum ActorError {
    /// It reports a failure, which the FIU may have meant.
    #[error("{0}")]
    Reported(String),
    /// It cannot be reached or started, or does not end.
    #[error("{0}")]
    Unreachable(String),
}

impl Actor {
    /// Calls the URL, or runs the command. Returns its answer.
    ///
    /// # Errors
    /// [`ActorError`], without the secrets of the URL.
    pub(super) async fn invoke(
        &self,
        client: &Client,
        input: &ActorInput,
    ) -> Result<String, ActorError> {
        match self {
            Self::Address(url) => post_input(client, url, input).await,
            Self::Command(command) => {
                let mut shell = Command::new("sh");
                shell
                    .args(["-c", command])
                    .envs(input.variables())
                    .stdin(Stdio::null())
                    .stdout(Stdio::piped());
                run_shell(shell, command).await
            }
        }
    }
}

async fn post_input(client: &Client, url: &Url, input: &ActorInput) -> Result<String, ActorError> {
    let shown = mask_url(url);
    let fail = |error: reqwest::Error| {
        let error = anyhow::Error::new(error.without_url());
        ActorError::Unreachable(format!("POST {shown}: {error:#}"))
    };
    let body = serde_json::to_vec(input).expect("texts are JSON");
    let request = client
        .post(url.clone())
        .header("content-type", "application/json")
        .body(body);
    let response = request.send().await.map_err(fail)?;
    let status = response.status();
    let answer = response.text().await.map_err(fail)?;
    if status.is_success() {
        return Ok(answer);
    }
    Err(ActorError::Reported(format!(
        "POST {shown} answers {}: {}",
        status.as_u16(),
        shorten(&answer)
    )))
}

/// Returns an address without its user, password and query.
fn mask_url(url: &Url) -> String {
    let mut url = url.clone();
    // These fail for addresses without a host, which http has not.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string()
}

async fn run_shell(shell: Command, command: &str) -> Result<String, ActorError> {
    let fail = |error: std::io::Error| ActorError::Unreachable(format!("{command}: {error}"));
    let mut processes = ProcessGroup::spawn(shell).map_err(fail)?;
    let mut stdout = processes.take_stdout();
    let run = async {
        let mut answer = Vec::new();
        if let Some(stdout) = &mut stdout {
            stdout.read_to_end(&mut answer).await?;
        }
        std::io::Result::Ok((processes.wait().await?, answer))
    };
    let ended = tokio::time::timeout(ACTOR_TIMEOUT, run).await;
    let (status, answer) = ended
        .map_err(|_| {
            let seconds = ACTOR_TIMEOUT.as_secs();
            ActorError::Unreachable(format!("{command} did not end in {seconds} s"))
        })?
        .map_err(fail)?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&answer).into_owned());
    }
    Err(ActorError::Reported(format!(
        "{command} ended with {status}"
    )))
}

/// Reads the answer of a probe: one word, or an object with the field `shows`.
///
/// # Errors
/// Another answer, with the accepted ones.
pub(super) fn parse_display(answer: &str) -> anyhow::Result<Display> {
    let text = answer.trim();
    let word = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(fields)) => fields
            .get("shows")
            .and_then(Value::as_str)
            .map(str::to_owned),
        Ok(Value::String(word)) => Some(word),
        _ => Some(text.to_owned()),
    };
    let words: Vec<_> = Display::ALL.iter().map(|it| it.wire_name()).collect();
    word.and_then(|word| Display::parse(&word))
        .with_context(|| {
            format!(
                "the probe answered {:?}; give {}, as a word or as the field `shows` of an object",
                shorten(text),
                words.join(", ")
            )
        })
}

fn shorten(text: &str) -> String {
    text.trim().chars().take(ANSWER_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::{Actor, parse_display};
    use crate::scenario::certification::Display;

    #[test]
    fn an_actor_is_an_address_or_a_command() {
        let address = "http://127.0.0.1:9000/apply".parse::<Actor>();
        assert!(matches!(address, Ok(Actor::Address(_))));
        let command = "curl -d x http://127.0.0.1:9000".parse::<Actor>();
        assert!(matches!(command, Ok(Actor::Command(_))));
        for wrong in ["", "  ", "http://", "https://[x"] {
            assert!(wrong.parse::<Actor>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_probe_answers_with_a_word_or_with_an_object() {
        for answer in ["data\n", "\"data\"", r#"{"shows":"data","more":1}"#] {
            assert_eq!(parse_display(answer).expect("an answer"), Display::Data);
        }
        for wrong in ["", "yes", "{}", r#"{"shows":"rows"}"#, "data failure"] {
            let error = parse_display(wrong).expect_err("no answer");
            assert!(
                error.to_string().contains("data, failure, waiting"),
                "{error}"
            );
        }
    }
}
