//! The pages of the sign-in: the mobile number, and a one-time password (OTP).

use askama::Template;

use crate::ui::journey::{AppFrame, Countdown, FormError};

/// The page that asks for the mobile number.
#[derive(Debug, Template)]
#[template(path = "app_mobile.html")]
pub(crate) struct MobilePage {
    pub frame: AppFrame,
    pub heading: String,
    /// The request, if an FIU asks.
    pub arrival: Option<Arrival>,
    /// The sentence with the masked number, if the request names it.
    pub fixed: Option<String>,
    pub terms: String,
    pub typed: String,
    pub error: Option<FormError>,
}

/// The beginning of a visit: who asks for what, and what will happen.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub why: String,
    pub purposes: Vec<String>,
    pub lines: [String; 3],
}

/// The page that asks for a one-time password, of the AA or of a bank.
#[derive(Debug, Template)]
#[template(path = "app_otp.html")]
pub(crate) struct OtpPage {
    pub frame: AppFrame,
    pub heading: String,
    pub sent: String,
    pub action: String,
    /// The id of the link that waits for the password, if it is that of a bank.
    pub link: Option<String>,
    /// The path that sends another password.
    pub resend: Option<String>,
    /// The path that leads out of the sign-in.
    pub leave: String,
    /// The path that goes on without the bank, and its text.
    pub skip: Option<(String, String)>,
    /// The time until another password can be sent.
    pub wait: Option<Countdown>,
    pub error: Option<FormError>,
}
