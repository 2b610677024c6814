//! The lender's calls of a sandbox, and the log of them that a visitor's pages show.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;

use crate::domain::time::Millis;
use crate::engine::clock::system_now;

/// An entry of a call log: a call of the lender, or a webhook that it has received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallLogEntry {
    /// Such as `POST /FIU/Consents/{org_id}`.
    pub call: String,
    /// Such as `200, 4 ms`.
    pub result: String,
}

/// The calls and webhooks of a visitor, the newest last.
#[derive(Debug, Default)]
pub(super) struct CallLog(Mutex<CallLogEntries>);

/// The newest entries of a call log.
#[derive(Clone, Debug, Default)]
pub(super) struct CallLogEntries {
    pub entries: VecDeque<CallLogEntry>,
    /// The number of earlier ones, which are not kept.
    pub forgotten: usize,
}

/// The largest number of entries that are kept.
const ENTRIES_MAX: usize = 100;

impl CallLog {
    pub(super) fn add(&self, call: String, result: String) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if log.entries.len() == ENTRIES_MAX {
            log.entries.pop_front();
            log.forgotten += 1;
        }
        log.entries.push_back(CallLogEntry { call, result });
    }

    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = CallLogEntries::default();
    }

    pub(super) fn entries(&self) -> CallLogEntries {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }
}

/// The sandbox as the lender reaches it, in the world of one visitor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calls<'a> {
    pub http: &'a Client,
    /// The URL of the world, without a slash at its end.
    pub world_url: &'a str,
    pub call_log: &'a CallLog,
}

/// An answer of the sandbox.
#[derive(Debug)]
pub(super) struct Answer {
    /// The call, as the log names it.
    call: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Calls<'_> {
    /// Begins a call of a path of the world. A body is JSON.
    pub(super) fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.world_url));
        match body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(body),
            None => request,
        }
    }

    /// Sends a call, and notes it under this name with its answer.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        call: String,
    ) -> Result<Answer, String> {
        let begin = system_now();
        let answer = request.send().await.map_err(|error| {
            self.call_log.add(call.clone(), "no answer".to_owned());
            format!("{call} has no answer: {error}")
        })?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(|error| error.to_string())?;
        let Millis(duration) = system_now().duration_since(begin);
        let result = format!("{}, {duration} ms", status.as_u16());
        self.call_log.add(call.clone(), result);
        Ok(Answer {
            call,
            status,
            headers,
            body: body.to_vec(),
        })
    }

    /// Makes a call of the control API, which is not noted.
    ///
    /// # Errors
    /// The answer of the sandbox, in words.
    pub(super) async fn call_control_api(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Value, String> {
        let path = format!("/_mockaa/v1/{path}");
        let answer = self.request(method, &path, body).send().await;
        let answer = answer.map_err(|error| error.to_string())?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|error| error.to_string())?;
        if status.is_success() {
            return Ok(serde_json::from_slice(&body).unwrap_or_default());
        }
        Err(String::from_utf8_lossy(&body).into_owned())
    }
}

impl Answer {
    /// Returns the answer if it is a success.
    ///
    /// # Errors
    /// The answer, in words.
    pub(super) fn require_success(self) -> Result<Self, String> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(format!(
            "{} was answered with {}: {}",
            self.call,
            self.status.as_u16(),
            self.describe_error()
        ))
    }

    /// Returns the code and the message of an error, or the whole body if it has none.
    fn describe_error(&self) -> String {
        let error: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let names = ["errorCode", "errorMsg", "error", "message"];
        let texts: Vec<_> = names
            .iter()
            .filter_map(|name| error[*name].as_str())
            .collect();
        if texts.is_empty() {
            return String::from_utf8_lossy(&self.body).into_owned();
        }
        texts.join(", ")
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.body)
            .map_err(|error| format!("the answer to {} is no JSON: {error}", self.call))
    }
}

/// Returns a text of an answer.
///
/// # Errors
/// The answer does not have it.
pub(super) fn read_text(answer: &Value, field: &str) -> Result<String, String> {
    let text = answer[field].as_str();
    text.map(str::to_owned)
        .ok_or_else(|| format!("the answer has no {field}: {answer}"))
}
