//! Owns the control API's view of a consent, and the body of `approve`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AccountView;
use crate::domain::action::ConsentAction;
use crate::domain::command_arguments::AccountChoice;
use crate::domain::consent::{Consent, Input, Status, StatusChange};
use crate::wire::control::schema_types::{TimestampText, UuidText};

/// A consent as the control API shows it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsentView {
    #[schemars(with = "UuidText")]
    consent_handle: String,
    #[schemars(with = "Option<UuidText>")]
    consent_id: Option<String>,
    #[schemars(with = "Status")]
    state: &'static str,
    customer: String,
    api: &'static str,
    fiu_id: String,
    aa_id: String,
    /// Unaport's `trackingId`; consents of the other APIs have none.
    tracking_id: Option<String>,
    scenario: Option<String>,
    /// The persona that its accounts belong to.
    persona: String,
    /// The accounts that the customer granted.
    accounts: Vec<AccountView>,
    /// The id of each FIP's own artefact.
    fip_artefacts: Vec<FipArtefactView>,
    /// `true` after the customer has left the AA: FIUs can no longer see the consent.
    hidden: bool,
    #[schemars(with = "TimestampText")]
    created_at: String,
    #[schemars(with = "TimestampText")]
    consent_start: String,
    #[schemars(with = "TimestampText")]
    consent_expiry: String,
    /// The actions that the current state allows.
    #[schemars(with = "Vec<Input>")]
    legal: Vec<&'static str>,
    /// The URL of the page where a person approves or rejects it.
    page_url: String,
    history: Vec<StatusChangeView>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FipArtefactView {
    fip_id: String,
    #[schemars(with = "UuidText")]
    consent_id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StatusChangeView {
    #[schemars(with = "Status")]
    state: &'static str,
    #[schemars(with = "TimestampText")]
    at: String,
}

impl std::fmt::Display for StatusChangeView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.state, self.at)
    }
}

/// The parts of a [`ConsentView`] that the consent does not contain.
#[derive(Debug)]
pub(crate) struct ConsentContext {
    pub scenario: Option<String>,
    pub page_url: String,
}

impl ConsentView {
    /// Returns the view of a consent.
    pub(crate) fn new(consent: &Consent, context: ConsentContext) -> Self {
        let Consent {
            handle,
            number: _,
            short_code: _,
            api,
            aa,
            fiu,
            terms,
            metadata,
            status,
            created_at,
            grant,
            hidden,
            persona,
            history,
        } = consent;
        let ConsentContext { scenario, page_url } = context;
        Self {
            consent_handle: handle.to_string(),
            consent_id: grant.as_ref().map(|grant| grant.consent_id.to_string()),
            state: status.as_str(),
            customer: terms.customer.to_string(),
            api: api.as_str(),
            fiu_id: fiu.to_string(),
            aa_id: aa.to_string(),
            tracking_id: metadata
                .as_ref()
                .map(|metadata| metadata.tracking_id.to_string()),
            scenario,
            persona: persona.definition.name.to_string(),
            accounts: grant
                .iter()
                .flat_map(|grant| grant.accounts.iter())
                .map(|account| AccountView::new(account, None))
                .collect(),
            fip_artefacts: grant
                .iter()
                .flat_map(|grant| grant.fips.iter())
                .map(|fip_artefact| FipArtefactView {
                    fip_id: fip_artefact.fip.to_string(),
                    consent_id: fip_artefact.consent_id.to_string(),
                })
                .collect(),
            hidden: *hidden,
            created_at: created_at.to_string(),
            consent_start: terms.start.to_string(),
            consent_expiry: terms.expiry.to_string(),
            legal: status.legal_inputs().map(Input::as_str).collect(),
            page_url,
            history: history.iter().map(StatusChangeView::from).collect(),
        }
    }
}

impl From<&StatusChange> for StatusChangeView {
    fn from(change: &StatusChange) -> Self {
        let StatusChange { status, at } = change;
        Self {
            state: status.as_str(),
            at: at.to_string(),
        }
    }
}

/// The body of `approve`; it is optional.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveRequest {
    /// Keep the consent READY until `activate`. Default: false.
    #[serde(default)]
    hold: bool,
    /// The accounts to grant: `all` linked accounts of the requested FI types, the default; a list
    /// of `linkRefNumber`s; or a filter, as in scenarios.
    #[serde(default)]
    accounts: AccountChoice,
}

impl From<ApproveRequest> for ConsentAction {
    fn from(request: ApproveRequest) -> Self {
        let ApproveRequest { hold, accounts } = request;
        Self::Approve { hold, accounts }
    }
}
