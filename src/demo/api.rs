//! The two APIs by which the lender can work, behind one set of calls.

use super::calls::Calls;
use super::consent::{ConsentState, LoanPurpose, RaisedConsent};
use super::rebit::{DataNotifications, LenderKeys, RebitClient, RebitState};
use super::unaport::{LoginSession, UnaportClient};
use crate::domain::naming::wire_enum;
use crate::domain::participants::Participants;
use crate::domain::statement::Statement;
use crate::domain::time::Timestamp;

wire_enum! {
    /// An API of a sandbox.
    #[derive(Default)]
    Api {
        /// The Unaport FIU API v2.0.0.
        #[default]
        Unaport = "unaport",
        /// The ReBIT AA API 2.0.0: signed, encrypted, and decrypted by the lender.
        Rebit = "rebit",
    }
}

/// The AA whose customers apply by the Unaport API.
const UNAPORT_AA: &str = "UNACORES-AA-UAT";

impl Api {
    /// Returns the key of its name for the presenter.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Unaport => "lender.api.unaport",
            Self::Rebit => "lender.api.rebit",
        }
    }

    /// Returns the id of the AA whose customers apply. The ReBIT calls are those of the first one.
    pub(super) fn aa_id(self, participants: &Participants) -> &str {
        match self {
            Self::Unaport => UNAPORT_AA,
            Self::Rebit => &participants.aas[0].id,
        }
    }
}

/// The bank data of a consent, so far.
#[derive(Debug)]
pub(super) enum FetchOutcome {
    /// The banks have not answered.
    Pending,
    /// No bank has answered in time.
    TimedOut,
    Ready(BankData),
}

/// Bank data that has come.
#[derive(Debug)]
pub(super) struct BankData {
    /// The id of the data session.
    pub session: String,
    /// The number of accounts whose data came, and that of all.
    pub ready: usize,
    pub total: usize,
    pub statements: Vec<Statement>,
}

/// The state of the lender's calls between two of them.
#[derive(Debug, Default)]
pub(super) struct ApiState {
    /// The login of the Unaport API.
    pub login: Option<LoginSession>,
    pub rebit: RebitState,
}

/// The lender as it calls one of the APIs.
#[derive(Clone, Copy, Debug)]
pub(super) struct LenderCalls<'a> {
    pub calls: Calls<'a>,
    pub keys: &'a LenderKeys,
    pub notifications: &'a DataNotifications,
    pub participants: &'a Participants,
    /// The time of the visitor's world.
    pub now: Timestamp,
}

/// A consent to be raised.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConsentOrder<'a> {
    pub api: Api,
    pub purpose: LoanPurpose,
    /// The customer's mobile number, ten digits.
    pub mobile: &'a str,
    /// The address at which the customer comes back.
    pub return_url: &'a str,
    /// The scenario that plays what the customer does not.
    pub scenario: Option<&'a str>,
}

impl LenderCalls<'_> {
    /// Asks the AA for the customer's consent.
    ///
    /// # Errors
    /// The answer of the sandbox, in words.
    pub(super) async fn raise_consent(
        &self,
        state: &mut ApiState,
        order: &ConsentOrder<'_>,
    ) -> Result<RaisedConsent, String> {
        match order.api {
            Api::Unaport => {
                let aa = order.api.aa_id(self.participants);
                let raise = async |client: &UnaportClient<'_>| {
                    client.raise_consent(order, aa, self.now).await
                };
                self.with_login(state, raise).await
            }
            Api::Rebit => self.rebit().raise_consent(order).await,
        }
    }

    /// Returns the state of a consent.
    ///
    /// # Errors
    /// The answer of the sandbox, in words.
    pub(super) async fn fetch_state(
        &self,
        state: &mut ApiState,
        consent: &RaisedConsent,
    ) -> Result<ConsentState, String> {
        let handle = &consent.handle;
        match consent.api {
            Api::Unaport => {
                let fetch = async |client: &UnaportClient<'_>| client.fetch_state(handle).await;
                self.with_login(state, fetch).await
            }
            Api::Rebit => self.rebit().fetch_state(handle, &mut state.rebit).await,
        }
    }

    /// Fetches the bank data of a consent, unless it is that of the session that the lender has. The state of the
    /// consent was fetched before.
    ///
    /// # Errors
    /// The answer of the sandbox, in words.
    pub(super) async fn fetch_data(
        &self,
        state: &mut ApiState,
        consent: &RaisedConsent,
        known_session: Option<&str>,
    ) -> Result<FetchOutcome, String> {
        let participants = self.participants;
        match consent.api {
            Api::Unaport => {
                let fetch = async |client: &UnaportClient<'_>| {
                    client
                        .fetch_data(consent, known_session, participants)
                        .await
                };
                self.with_login(state, fetch).await
            }
            Api::Rebit => {
                self.rebit()
                    .fetch_data(consent, &mut state.rebit, participants)
                    .await
            }
        }
    }

    /// Generates the analytics of all accounts of a session of the Unaport API.
    ///
    /// # Errors
    /// The answer of the sandbox, in words.
    pub(super) async fn generate_analytics(
        &self,
        state: &mut ApiState,
        session: &str,
    ) -> Result<(), String> {
        let generate = async |client: &UnaportClient<'_>| client.generate_analytics(session).await;
        self.with_login(state, generate).await
    }

    /// Returns the credit appraisal sheet of a session of the Unaport API as a file of a format.
    ///
    /// # Errors
    /// The answer of the sandbox, in words.
    pub(super) async fn export_appraisal(
        &self,
        state: &mut ApiState,
        session: &str,
        format: &str,
    ) -> Result<Vec<u8>, String> {
        let export =
            async |client: &UnaportClient<'_>| client.export_appraisal(session, format).await;
        self.with_login(state, export).await
    }

    /// Makes a call of the Unaport API. After a failure the lender logs in again.
    async fn with_login<T>(
        &self,
        state: &mut ApiState,
        call: impl AsyncFnOnce(&UnaportClient<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let client = UnaportClient::log_in(self.calls, state.login.take()).await?;
        let answer = call(&client).await?;
        state.login = Some(client.into_session());
        Ok(answer)
    }

    fn rebit(&self) -> RebitClient<'_> {
        RebitClient {
            calls: self.calls,
            keys: self.keys,
            notifications: self.notifications,
            now: self.now,
            aa_handle: &self.participants.aas[0].handle,
        }
    }
}
