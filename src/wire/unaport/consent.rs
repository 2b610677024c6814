//! Consent bodies (Unaport FIU API v2.0.0, Create Consent with and without template, Check Consent
//! Status, Revoke Consent), and the codes of short consent links.
//!
//! The rules that all APIs share for consent terms are in [`crate::wire::consent_detail`].

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::field_rules::{FieldRule, FieldType, PHONE_LENGTH_MAX, ValidatedBody, enum_names};
use super::template::{fi_type_names, purpose_codes, read_data_life, read_frequency, read_purpose};
use super::{VERSION, format_with_offset};
use crate::domain::account::FiType;
use crate::domain::consent::{Consent, Status};
use crate::domain::customer_address::{normalize_address, normalize_sent_address};
use crate::domain::participants::Aa;
use crate::domain::terms::{
    ConsentMode, ConsentType, ConsumerType, DataLifeUnit, FetchType, FrequencyUnit, Terms,
    TimeRange,
};
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::domain::unaport::{ConsentTemplate, UnaportMetadata};
use crate::domain::version::RebitVersion;
use crate::wire::api_error::{ApiError, FieldError};
use crate::wire::artefact::ConsentDetail;
use crate::wire::consent_detail;
use crate::wire::fields::{IsoTimestamp, is_customer_address};
use crate::wire::web_sdk::SdkConfig;

/// The field rules of Create Consent without template.
pub(crate) const RULES: &[FieldRule] = &[
    // Quirk: mandatory by the table, empty in the recorded calls, which identify the customer by
    // mobile number.
    FieldRule::present("vuaId", FieldType::Text).with_max_length(50),
    FieldRule::mandatory("createdBy", FieldType::Text).with_max_length(100),
    FieldRule::mandatory("trackingId", FieldType::Text).with_max_length(50),
    FieldRule::mandatory("aaId", FieldType::Text).with_max_length(50),
    FieldRule::mandatory("fiuId", FieldType::Text).with_max_length(50),
    FieldRule::optional("redirectUrl", FieldType::Url).with_max_length(255),
    FieldRule::mandatory("fiuBaseUrl", FieldType::Text).with_max_length(255),
    FieldRule::mandatory("ConsentsRequest", FieldType::Object),
    FieldRule::mandatory(
        "ConsentsRequest.ver",
        FieldType::OneOf(enum_names!(RebitVersion)),
    )
    .with_max_length(5),
    FieldRule::mandatory("ConsentsRequest.timestamp", FieldType::DateTime).with_max_length(25),
    FieldRule::mandatory("ConsentsRequest.txnid", FieldType::Text).with_max_length(50),
    FieldRule::mandatory("ConsentsRequest.ConsentDetail", FieldType::Object),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.consentStart",
        FieldType::DateTime,
    )
    .with_max_length(24),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.consentExpiry",
        FieldType::DateTime,
    )
    .with_max_length(24),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.consentMode",
        FieldType::OneOf(enum_names!(ConsentMode)),
    )
    .with_max_length(10),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.fetchType",
        FieldType::OneOf(enum_names!(FetchType)),
    )
    .with_max_length(8),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.consentTypes",
        FieldType::ListOf(enum_names!(ConsentType)),
    ),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.fiTypes",
        FieldType::ListOf(fi_type_names),
    ),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.DataConsumer",
        FieldType::Object,
    ),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.DataConsumer.id",
        FieldType::Text,
    )
    .with_max_length(50),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.DataConsumer.type",
        FieldType::OneOf(enum_names!(ConsumerType)),
    )
    .with_max_length(10),
    FieldRule::mandatory("ConsentsRequest.ConsentDetail.Customer", FieldType::Object),
    // Quirk: mandatory by the table, empty in the recorded call, whose Identifiers have a mobile
    // number.
    FieldRule::optional("ConsentsRequest.ConsentDetail.Customer.id", FieldType::Text)
        .with_max_length(100),
    FieldRule::optional(IDENTIFIERS_PATH, FieldType::Identifiers),
    FieldRule::mandatory("ConsentsRequest.ConsentDetail.Purpose", FieldType::Object),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.Purpose.code",
        FieldType::OneOf(purpose_codes),
    )
    .with_max_length(10),
    FieldRule::optional(
        "ConsentsRequest.ConsentDetail.Purpose.refUri",
        FieldType::Text,
    )
    .with_max_length(255),
    FieldRule::optional(
        "ConsentsRequest.ConsentDetail.Purpose.text",
        FieldType::Text,
    )
    .with_max_length(255),
    FieldRule::optional(
        "ConsentsRequest.ConsentDetail.Purpose.Category",
        FieldType::Object,
    ),
    FieldRule::optional(
        "ConsentsRequest.ConsentDetail.Purpose.Category.type",
        FieldType::Text,
    )
    .with_max_length(50),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.FIDataRange",
        FieldType::Object,
    ),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.FIDataRange.from",
        FieldType::DateTime,
    )
    .with_max_length(24),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.FIDataRange.to",
        FieldType::DateTime,
    )
    .with_max_length(24),
    FieldRule::mandatory("ConsentsRequest.ConsentDetail.DataLife", FieldType::Object),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.DataLife.unit",
        FieldType::OneOf(enum_names!(DataLifeUnit)),
    )
    .with_max_length(5),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.DataLife.value",
        FieldType::Count(3),
    ),
    FieldRule::mandatory("ConsentsRequest.ConsentDetail.Frequency", FieldType::Object),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.Frequency.unit",
        FieldType::OneOf(enum_names!(FrequencyUnit)),
    )
    .with_max_length(5),
    FieldRule::mandatory(
        "ConsentsRequest.ConsentDetail.Frequency.value",
        FieldType::Count(3),
    ),
    // Missing from this table, but present in that of templates and in ReBIT's.
    FieldRule::optional("ConsentsRequest.ConsentDetail.DataFilter", FieldType::List),
];

/// The field rules of Create Consent with template.
pub(crate) const RULES_WITH_TEMPLATE: &[FieldRule] = &[
    // Quirk: as above; here `mobileNumber` is a separate field.
    FieldRule::present("vuaId", FieldType::Text).with_max_length(50),
    FieldRule::mandatory("mobileNumber", FieldType::Phone).with_max_length(PHONE_LENGTH_MAX),
    FieldRule::mandatory("createdBy", FieldType::Text).with_max_length(100),
    FieldRule::mandatory("trackingId", FieldType::Text).with_max_length(50),
    FieldRule::mandatory("aaId", FieldType::Text).with_max_length(50),
    FieldRule::mandatory("fiuId", FieldType::Text).with_max_length(50),
    FieldRule::optional("redirectUrl", FieldType::Url).with_max_length(255),
    FieldRule::mandatory("fiuBaseUrl", FieldType::Text).with_max_length(255),
    FieldRule::mandatory("productId", FieldType::Text).with_max_length(50),
];

/// The part of both requests that is not consent terms.
#[derive(Debug)]
pub(crate) struct ConsentRequestHeader {
    pub aa_id: Box<str>,
    pub fiu_id: Box<str>,
    pub metadata: UnaportMetadata,
    vua_id: Option<Box<str>>,
}

impl ConsentRequestHeader {
    /// Returns the error of a `vuaId` at another AA than the one that the request names, unless it
    /// is the address of these terms, which has a check of its own.
    ///
    /// `Assumption:` `vuaId` names the customer at the AA of `aaId`; the page does not connect the
    /// two fields. Strict mode rejects another handle, the other modes note it.
    pub(crate) fn list_vua_deviations(&self, terms: &Terms, aa: &Aa) -> Vec<ApiError> {
        let vua = self.vua_id.as_deref().unwrap_or_default();
        match vua.rsplit_once('@') {
            Some((_, handle)) if *handle != *aa.handle && vua != terms.customer_as_sent() => {
                let (vua, id, handle) = (quote_value(vua), &aa.id, &aa.handle);
                let message =
                    format!("{vua} is not an address at {id}, whose addresses end in @{handle}");
                vec![ApiError::invalid_field("vuaId", message)]
            }
            _ => Vec::new(),
        }
    }
}

impl ConsentRequestHeader {
    /// Returns the header of a consent that the web SDK raises.
    pub(crate) fn for_web_sdk(
        config: &SdkConfig,
        aa_id: &str,
        created_by: &str,
        now: Timestamp,
    ) -> Self {
        Self {
            aa_id: aa_id.into(),
            fiu_id: config.fiu_id.clone(),
            metadata: UnaportMetadata {
                tracking_id: config.tracking_id.clone(),
                created_by: created_by.into(),
                redirect_url: config.redirect_url.clone(),
                ver: VERSION.into(),
                timestamp: now,
            },
            vua_id: None,
        }
    }
}

fn read_header(body: ValidatedBody<'_>, ver: &str, timestamp: Timestamp) -> ConsentRequestHeader {
    ConsentRequestHeader {
        aa_id: body.required_text("aaId").into(),
        fiu_id: body.required_text("fiuId").into(),
        metadata: UnaportMetadata {
            tracking_id: body.required_text("trackingId").into(),
            created_by: body.required_text("createdBy").into(),
            redirect_url: body.text_at("redirectUrl").map(Into::into),
            ver: ver.into(),
            timestamp,
        },
        vua_id: body.text_at("vuaId").map(Into::into),
    }
}

/// A validated request without template. Its terms can be built when the AA is known.
#[derive(Debug)]
pub(crate) struct ConsentRequest<'a>(ValidatedBody<'a>);

impl<'a> ConsentRequest<'a> {
    pub(crate) fn validate_body(body: &'a Map<String, Value>) -> Result<Self, ApiError> {
        Ok(Self(ValidatedBody::validate_fields(body, RULES)?))
    }

    pub(crate) fn read_header(&self) -> ConsentRequestHeader {
        read_header(
            self.0,
            self.0.required_text("ConsentsRequest.ver"),
            self.0.required_timestamp("ConsentsRequest.timestamp"),
        )
    }

    pub(crate) fn build_terms(&self, aa: &Aa) -> Result<Terms, ApiError> {
        let Self(body) = *self;
        let request = body
            .non_empty_value("ConsentsRequest")
            .and_then(Value::as_object)
            .expect("the body was validated");
        let request = ValidatedBody::assume_validated(request);
        let (customer, sent_customer) =
            normalize_sent_address(resolve_customer_address(body, request, aa)?);
        let terms = Terms {
            start: request.required_timestamp("ConsentDetail.consentStart"),
            expiry: request.required_timestamp("ConsentDetail.consentExpiry"),
            mode: request.required_enum("ConsentDetail.consentMode", ConsentMode::parse),
            fetch_type: request.required_enum("ConsentDetail.fetchType", FetchType::parse),
            consent_types: request.enum_list("ConsentDetail.consentTypes", ConsentType::parse),
            fi_types: request.enum_list("ConsentDetail.fiTypes", FiType::parse),
            consumer: request
                .required_text("ConsentDetail.DataConsumer.id")
                .into(),
            consumer_type: request
                .required_enum("ConsentDetail.DataConsumer.type", ConsumerType::parse),
            customer,
            sent_customer,
            purpose: Arc::new(read_purpose(request)),
            range: TimeRange {
                from: request.required_timestamp("ConsentDetail.FIDataRange.from"),
                to: request.required_timestamp("ConsentDetail.FIDataRange.to"),
            },
            data_life: read_data_life(request),
            frequency: read_frequency(request),
            filters: consent_detail::parse_filter_json(
                request.value_at("ConsentDetail.DataFilter"),
            )
            .map_err(prefix_field_path)?,
            vdr_provider: None,
            txnid: request.required_text("txnid").into(),
        };
        consent_detail::check_terms(&terms, &aa.handle).map_err(prefix_field_path)?;
        Ok(terms)
    }
}

/// Returns the deviations of terms that strict mode rejects, by their field paths in this body.
pub(crate) fn list_term_deviations(terms: &Terms) -> Vec<ApiError> {
    let deviations = consent_detail::list_term_deviations(terms);
    deviations.into_iter().map(prefix_field_path).collect()
}

/// Converts an error about `ConsentDetail` to the field path in this body.
fn prefix_field_path(error: ApiError) -> ApiError {
    match error.clone().into_field_error() {
        Some(FieldError {
            field,
            message: problem,
        }) => ApiError::invalid_field(format!("ConsentsRequest.{field}"), problem),
        None => error,
    }
}

const CUSTOMER_ID_PATH: &str = "ConsentsRequest.ConsentDetail.Customer.id";
const IDENTIFIERS_PATH: &str = "ConsentsRequest.ConsentDetail.Customer.Identifiers";

/// Returns the customer's address: `Customer.id`, else the mobile number of `Identifiers`, else
/// `vuaId`. The AA's handle is appended if the address has none.
fn resolve_customer_address(
    body: ValidatedBody<'_>,
    request: ValidatedBody<'_>,
    aa: &Aa,
) -> Result<String, ApiError> {
    let identifiers = request
        .non_empty_value("ConsentDetail.Customer.Identifiers")
        .and_then(Value::as_array);
    let mobile = identifiers
        .into_iter()
        .flatten()
        .find(|identifier| identifier["type"] == "MOBILE")
        .and_then(|identifier| identifier["value"].as_str());
    let (field, name) = if let Some(id) = request.text_at("ConsentDetail.Customer.id") {
        (CUSTOMER_ID_PATH, id)
    } else if let Some(mobile) = mobile {
        (IDENTIFIERS_PATH, mobile)
    } else if let Some(vua) = body.text_at("vuaId") {
        ("vuaId", vua)
    } else {
        return Err(ApiError::invalid_field(
            CUSTOMER_ID_PATH,
            "is empty; send it, an identifier of type MOBILE in Identifiers, or vuaId",
        ));
    };
    qualify_with_aa_handle(field, name, aa)
}

/// Returns a customer's identifier as an address at the AA. An address stays as it was sent.
fn qualify_with_aa_handle(field: &'static str, name: &str, aa: &Aa) -> Result<String, ApiError> {
    let is_address = name.contains('@');
    let sent = if is_address {
        name.to_owned()
    } else {
        format!("{name}@{}", aa.handle)
    };
    if !is_customer_address(&sent) {
        let message = format!(
            "{} is not of the form NAME@{}",
            quote_value(name),
            aa.handle
        );
        return Err(ApiError::invalid_field(field, message));
    }
    Ok(if is_address {
        sent
    } else {
        normalize_address(&sent).into_owned()
    })
}

/// A validated request with template.
#[derive(Debug)]
pub(crate) struct TemplateConsentRequest<'a>(ValidatedBody<'a>);

impl<'a> TemplateConsentRequest<'a> {
    pub(crate) fn validate_body(body: &'a Map<String, Value>) -> Result<Self, ApiError> {
        Ok(Self(ValidatedBody::validate_fields(
            body,
            RULES_WITH_TEMPLATE,
        )?))
    }

    /// Returns the header. `now` is the time of the call, whose body has no timestamp.
    pub(crate) fn read_header(&self, now: Timestamp) -> ConsentRequestHeader {
        read_header(self.0, VERSION, now)
    }

    pub(crate) fn product_id_text(&self) -> &'a str {
        self.0.required_text("productId")
    }

    pub(crate) fn build_terms(
        &self,
        template: &ConsentTemplate,
        aa: &Aa,
        now: Timestamp,
    ) -> Result<Terms, ApiError> {
        let vua = self.0.text_at("vuaId").filter(|vua| vua.contains('@'));
        let name = vua.unwrap_or_else(|| self.0.required_text("mobileNumber"));
        let field = if vua.is_some() {
            "vuaId"
        } else {
            "mobileNumber"
        };
        build_template_terms(template, field, name, aa, now)
    }
}

/// Returns the terms of a consent with a template for a customer, whose address or mobile number is
/// in the field.
pub(crate) fn build_template_terms(
    template: &ConsentTemplate,
    field: &'static str,
    customer: &str,
    aa: &Aa,
    now: Timestamp,
) -> Result<Terms, ApiError> {
    let customer = qualify_with_aa_handle(field, customer, aa)?;
    // The call has no txnid; the world generates one.
    Ok(template.terms.resolve_at(now, customer, "".into()))
}

/// The answer of both Create Consent calls.
#[derive(Debug, Serialize)]
pub(crate) struct CreateConsentResponse<'a> {
    ver: &'static str,
    timestamp: IsoTimestamp,
    txnid: &'a str,
    #[serde(rename = "Customer")]
    customer: Customer<'a>,
    /// Quirk: a capital first letter here, a small one everywhere else.
    #[serde(rename = "ConsentHandle")]
    handle: String,
    /// Quirk: a sentence instead of a boolean.
    success: &'static str,
    #[serde(rename = "redirectUrl")]
    redirect_url: String,
}

#[derive(Debug, Serialize)]
struct Customer<'a> {
    id: &'a str,
}

impl<'a> CreateConsentResponse<'a> {
    pub(crate) fn new(consent: &'a Consent, redirect_url: String, now: Timestamp) -> Self {
        Self {
            ver: VERSION,
            timestamp: IsoTimestamp(now),
            txnid: &consent.terms.txnid,
            customer: Customer {
                id: consent.terms.customer_as_sent(),
            },
            handle: consent.handle.to_string(),
            success: "Consent created successfully",
            redirect_url,
        }
    }
}

/// The answer of Revoke Consent.
///
/// `Assumption:` the page has the call's path parameters only; the fields of the answer are those
/// of the other calls.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevokeConsentResponse<'a> {
    ver: &'static str,
    timestamp: IsoTimestamp,
    txnid: &'a str,
    consent_id: Option<String>,
    consent_handle: String,
    consent_status: &'static str,
    success: &'static str,
}

impl<'a> RevokeConsentResponse<'a> {
    pub(crate) fn new(consent: &'a Consent, now: Timestamp) -> Self {
        Self {
            ver: VERSION,
            timestamp: IsoTimestamp(now),
            txnid: &consent.terms.txnid,
            consent_id: consent.consent_id().map(|id| id.to_string()),
            consent_handle: consent.handle.to_string(),
            consent_status: map_status(consent.status).1,
            success: "Consent revoked successfully",
        }
    }
}

/// Returns `approveStatus` and `consentStatus` (`docs/architecture.md#one-lifecycle`).
///
/// `Assumption:` no source has the `consentStatus` of a consent that was rejected or that expired
/// without an answer (`docs/sources.md#unaport-statuses`).
fn map_consent_status(consent: &Consent) -> (&'static str, &'static str) {
    match (consent.status, &consent.grant) {
        (Status::Expired, None) => ("EXPIRED", "EXPIRED"),
        (status, _) => map_status(status),
    }
}

fn map_status(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Pending => ("PENDING", "CREATED"),
        Status::Ready => ("READY", "CREATED"),
        Status::Active => ("READY", "ACTIVE"),
        Status::Paused => ("READY", "PAUSED"),
        Status::Revoked => ("READY", "REVOKED"),
        Status::Expired => ("READY", "EXPIRED"),
        Status::Rejected | Status::Failed => ("FAILED", "REJECTED"),
    }
}

/// The answer of Check Consent Status.
#[derive(Debug, Serialize)]
pub(crate) struct ConsentStatusResponse<'a> {
    #[serde(rename = "Data")]
    records: [ConsentRecord<'a>; 1],
}

/// A consent in the answer of Check Consent Status.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConsentRecord<'a> {
    id: u32,
    tracking_id: &'a str,
    vua_id: &'a str,
    org_id: &'a str,
    consent_handle: String,
    approve_status: &'static str,
    consent_status: &'static str,
    fetch_type: &'static str,
    consent_id: Option<String>,
    created_at: String,
    notification_date: Option<String>,
    consent_start: String,
    /// Quirk: spelled so on the wire.
    consent_expried: String,
    last_runtime: Option<String>,
    next_runtime: Option<String>,
    updated_on: Option<String>,
    created_by: &'a str,
    aa_id: &'a str,
    consents_detail: String,
    signed_consent: Option<String>,
    consentid_called: u32,
    run_counter: u32,
    consentid_error: Option<String>,
}

/// The complete consent request, which `consentsDetail` has as JSON text.
#[derive(Debug, Serialize)]
struct RequestText<'a> {
    ver: &'a str,
    timestamp: IsoTimestamp,
    txnid: &'a str,
    #[serde(rename = "ConsentDetail")]
    detail: ConsentDetail<'a>,
}

/// Builds the record of a consent. `signed_artefact` exists from approval on.
///
/// `Assumption:` `runCounter` counts the runs of a PERIODIC consent, and `consentidCalled` the data
/// fetches: both are 0 in the only recording, after the run of a ONETIME consent whose data had not
/// been fetched yet. `updatedOn` is the last change after activation; the recorded consent had
/// none.
pub(crate) fn build_status_response<'a>(
    consent: &'a Consent,
    metadata: &'a UnaportMetadata,
    org_id: &'a str,
    signed_artefact: Option<String>,
) -> ConsentStatusResponse<'a> {
    let terms = &consent.terms;
    let grant = consent.grant.as_deref();
    let request = RequestText {
        ver: &metadata.ver,
        timestamp: IsoTimestamp(metadata.timestamp),
        txnid: &terms.txnid,
        detail: ConsentDetail::from_terms(terms),
    };
    let (approve_status, consent_status) = map_consent_status(consent);
    let last_transition = consent
        .history
        .last()
        .filter(|moment| moment.status != Status::Pending);
    let activation_index = consent
        .history
        .iter()
        .position(|moment| moment.status == Status::Active);
    let last_change = last_transition
        .filter(|_| activation_index.is_some_and(|index| index + 1 < consent.history.len()));
    let periodic = terms.fetch_type == FetchType::Periodic;
    let consent_record = ConsentRecord {
        id: consent.number,
        tracking_id: &metadata.tracking_id,
        vua_id: terms.customer_as_sent(),
        org_id,
        consent_handle: consent.handle.to_string(),
        approve_status,
        consent_status,
        fetch_type: terms.fetch_type.as_str(),
        consent_id: consent.consent_id().map(|id| id.to_string()),
        created_at: format_with_offset(consent.created_at),
        notification_date: last_transition.map(|moment| format_with_offset(moment.at)),
        consent_start: format_with_offset(terms.start),
        consent_expried: format_with_offset(terms.expiry),
        last_runtime: grant
            .and_then(|grant| grant.last_run_at)
            .map(format_with_offset),
        next_runtime: grant
            .and_then(|grant| grant.next_run_at)
            .filter(|_| can_fetch_data(consent.status))
            .map(format_with_offset),
        updated_on: last_change.map(|moment| format_with_offset(moment.at)),
        created_by: &metadata.created_by,
        aa_id: &consent.aa,
        consents_detail: serde_json::to_string(&request).expect("texts and numbers serialise"),
        signed_consent: signed_artefact,
        consentid_called: grant.map_or(0, |grant| grant.fetch_count),
        run_counter: grant
            .filter(|_| periodic)
            .map_or(0, |grant| grant.run_count),
        consentid_error: None,
    };
    ConsentStatusResponse {
        records: [consent_record],
    }
}

/// Returns whether the status allows further data requests.
fn can_fetch_data(status: Status) -> bool {
    matches!(status, Status::Ready | Status::Active | Status::Paused)
}
