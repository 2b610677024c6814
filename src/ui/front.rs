//! The start page of a sandbox, and the page that shows an error.

use askama::Template;

/// The data that all pages for developers have in common.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The path of the world, without a slash at its end; empty for the default one.
    pub base_path: String,
}

/// The page that a browser gets instead of an error in JSON.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage {
    pub frame: Frame,
    pub error: ErrorDetails,
}

/// An error, in words.
#[derive(Debug)]
pub(crate) struct ErrorDetails {
    pub status: u16,
    pub title: String,
    pub message: String,
    /// The values that identify the call, each with its name.
    pub facts: Vec<(&'static str, String)>,
}

/// The start page.
#[derive(Debug, Template)]
#[template(path = "start.html")]
pub(crate) struct StartPage {
    pub frame: Frame,
    pub version: &'static str,
    pub world: String,
    /// The present time of the world.
    pub now: String,
    /// Name and address, and whether a browser can show what is there.
    pub addresses: Vec<(&'static str, String, bool)>,
    /// Empty if the reader may not see keys.
    pub participants: Vec<ShownParticipant>,
    pub magic_customers: Vec<ShownMagicCustomer>,
}

/// A participant with its key.
#[derive(Debug)]
pub(crate) struct ShownParticipant {
    pub name: String,
    pub role: &'static str,
    pub id: String,
    pub api_key: String,
}

/// A customer whose consents follow a fixed scenario.
#[derive(Debug)]
pub(crate) struct ShownMagicCustomer {
    pub number: &'static str,
    pub description: &'static str,
}
