//! The page of an error of an operator's call.

use askama::Template;

use super::ConsoleFrame;
use crate::ui::front::ErrorDetails;

/// The page of an error.
#[derive(Debug, Template)]
#[template(path = "console_error.html")]
pub(crate) struct ConsoleErrorPage {
    pub console: ConsoleFrame,
    pub error: ErrorDetails,
    /// The page that sent the form, or that is above the one that was asked for.
    pub way_back: String,
}
