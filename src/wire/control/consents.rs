//! Owns the control API's view of a consent, and the body of `approve`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AccountView;
use crate::domain::account::FiType;
use crate::domain::action::ConsentAction;
use crate::domain::command_arguments::AccountChoice;
use crate::domain::consent::{Consent, Input, Status, StatusChange};
use crate::domain::scenario_set::SelectionReason;
use crate::domain::terms::{ConsentMode, ConsentType, FetchType, Terms};
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
    /// The reason for which the scenario drives it.
    #[schemars(with = "Option<SelectionReason>")]
    scenario_reason: Option<&'static str>,
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
    /// The conditions of the FIU.
    terms: TermsView,
    /// The URL of the operator's page.
    page_url: String,
    /// The URL where the customer decides.
    customer_url: String,
    history: Vec<StatusChangeView>,
}

/// The conditions to which an FIU asks the customer to agree (ReBIT AA API 2.0.0, `ConsentDetail`).
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TermsView {
    purpose_code: String,
    purpose_text: Option<String>,
    #[schemars(with = "ConsentMode")]
    mode: &'static str,
    #[schemars(with = "FetchType")]
    fetch_type: &'static str,
    #[schemars(with = "Vec<ConsentType>")]
    consent_types: Vec<&'static str>,
    #[schemars(with = "Vec<FiType>")]
    fi_types: Vec<&'static str>,
    /// The first instant of the data.
    #[schemars(with = "TimestampText")]
    from: String,
    /// The last instant of the data.
    #[schemars(with = "TimestampText")]
    to: String,
    data_life: AmountView,
    /// The number of fetches that are allowed in a unit of time.
    frequency: AmountView,
    filters: Vec<FilterView>,
}

/// A number of units, such as 3 MONTH.
#[derive(Debug, Serialize, JsonSchema)]
struct AmountView {
    unit: &'static str,
    value: u32,
}

/// A condition on the transactions.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FilterView {
    criterion: &'static str,
    operator: &'static str,
    value: String,
}

impl From<&Terms> for TermsView {
    fn from(terms: &Terms) -> Self {
        let Terms {
            start: _,
            expiry: _,
            mode,
            fetch_type,
            consent_types,
            fi_types,
            consumer: _,
            consumer_type: _,
            customer: _,
            sent_customer: _,
            purpose,
            range,
            data_life: (life_unit, life),
            frequency: (frequency_unit, frequency),
            filters,
            vdr_provider: _,
            txnid: _,
        } = terms;
        let filters = filters.as_deref().unwrap_or_default().iter();
        Self {
            purpose_code: purpose.code.to_string(),
            purpose_text: purpose.text.as_deref().map(str::to_owned),
            mode: mode.as_str(),
            fetch_type: fetch_type.as_str(),
            consent_types: consent_types.iter().map(|it| it.as_str()).collect(),
            fi_types: fi_types.iter().map(|it| it.as_str()).collect(),
            from: range.from.to_string(),
            to: range.to.to_string(),
            data_life: AmountView {
                unit: life_unit.as_str(),
                value: *life,
            },
            frequency: AmountView {
                unit: frequency_unit.as_str(),
                value: *frequency,
            },
            filters: filters
                .map(|filter| FilterView {
                    criterion: filter.criterion.as_str(),
                    operator: filter.operator.as_str(),
                    value: filter.value.to_string(),
                })
                .collect(),
        }
    }
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
    pub selection_reason: Option<SelectionReason>,
    pub page_url: String,
    pub customer_url: String,
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
        let ConsentContext {
            scenario,
            selection_reason,
            page_url,
            customer_url,
        } = context;
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
            scenario_reason: selection_reason.map(SelectionReason::as_str),
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
            terms: TermsView::from(&**terms),
            page_url,
            customer_url,
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
