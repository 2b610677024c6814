//! The page on which an operator beyond loopback sends the control token.

use askama::Template;

use crate::ui::front::Frame;

/// The page that asks for the control token.
#[derive(Debug, Template)]
#[template(path = "console_sign_in.html")]
pub(crate) struct OperatorSignInPage {
    pub frame: Frame,
    /// The reason for which the last token was refused.
    pub problem: Option<String>,
    /// The page to which the sign-in leads.
    pub next: String,
    pub token: String,
}
