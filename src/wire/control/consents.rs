//! Consents as the control API shows them, and how one is approved.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AccountView;
use crate::domain::command::{AccountChoice, ConsentAction};
use crate::domain::consent::{Consent, Input, StatusChange};

/// A consent as the control API shows it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsentView {
    consent_handle: String,
    consent_id: Option<String>,
    state: &'static str,
    customer: String,
    api: &'static str,
    fiu_id: String,
    aa_id: String,
    /// Unaport's `trackingId`; the other faces have none.
    tracking_id: Option<String>,
    scenario: Option<String>,
    /// Whose life its accounts tell.
    persona: String,
    /// The accounts that it was granted for.
    accounts: Vec<AccountView>,
    /// What each FIP's own artefact is called.
    fip_artefacts: Vec<FipArtefactView>,
    /// The customer has left the AA; nobody outside sees the consent any more.
    hidden: bool,
    created_at: String,
    consent_start: String,
    consent_expiry: String,
    /// What may be done now.
    legal: Vec<&'static str>,
    /// Where a person answers it.
    page_url: String,
    history: Vec<StatusChangeView>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FipArtefactView {
    fip_id: String,
    consent_id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct StatusChangeView {
    state: &'static str,
    at: String,
}

/// What [`ConsentView`] needs beside the consent.
#[derive(Debug)]
pub struct ConsentContext {
    pub scenario: Option<String>,
    pub page_url: String,
}

impl ConsentView {
    pub fn new(consent: &Consent, context: ConsentContext) -> Self {
        let Consent {
            handle,
            number: _,
            api: face,
            aa,
            fiu,
            terms,
            metadata: filing,
            status,
            created_at,
            grant,
            hidden,
            persona: life,
            history,
        } = consent;
        let ConsentContext { scenario, page_url } = context;
        Self {
            consent_handle: handle.to_string(),
            consent_id: grant.as_ref().map(|grant| grant.consent_id.to_string()),
            state: status.as_str(),
            customer: terms.customer.to_string(),
            api: face.as_str(),
            fiu_id: fiu.to_string(),
            aa_id: aa.to_string(),
            tracking_id: filing.as_ref().map(|filing| filing.tracking_id.to_string()),
            scenario,
            persona: life.definition.name.to_string(),
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
    fn from(moment: &StatusChange) -> Self {
        let StatusChange { status, at } = moment;
        Self {
            state: status.as_str(),
            at: at.to_string(),
        }
    }
}

/// Body of `approve`; all of it may be missing.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveRequest {
    /// Stay READY until `activate`.
    #[serde(default)]
    hold: bool,
    /// `linkRefNumber`s; without it, all linked accounts of the kinds that were asked for.
    accounts: Option<Vec<String>>,
}

impl From<ApproveRequest> for ConsentAction {
    fn from(request: ApproveRequest) -> Self {
        let ApproveRequest { hold, accounts } = request;
        let accounts = accounts.map_or(AccountChoice::All, |accounts| {
            AccountChoice::ByLinkRef(accounts.into_iter().map(Into::into).collect())
        });
        Self::Approve { hold, accounts }
    }
}
