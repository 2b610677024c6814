//! Bodies of consent templates, which the paths call products (Unaport FIU API v2.0.0, Create
//! Consent Template and Get Consent Templates List).
//!
//! Dates of a template are months relative to the consent that uses it; `domain::unaport` resolves
//! them.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::field_rules::{FieldRule, FieldType, ValidatedBody, enum_names};
use super::{Envelope, format_with_offset};
use crate::domain::account::FiType;
use crate::domain::terms::{
    ConsentMode, ConsentType, DataLifeUnit, FetchType, FrequencyUnit, Purpose, Terms,
};
use crate::domain::time::Timestamp;
use crate::domain::unaport::{ConsentTemplate, RelativeTerms, UnaportVersion};
use crate::wire::api_error::ApiError;
use crate::wire::artefact::ConsentDetail;
use crate::wire::consent_detail;
use crate::wire::fields::IsoTimestamp;
use crate::wire::purpose::StandardPurpose;

/// The nine FI types of the page's table "FI TYPES".
const FI_TYPES: [FiType; 9] = [
    FiType::Deposit,
    FiType::TermDeposit,
    FiType::RecurringDeposit,
    FiType::MutualFunds,
    FiType::Etf,
    FiType::Equities,
    FiType::Nps,
    FiType::InsurancePolicies,
    FiType::Gstr1_3b,
];

pub(crate) fn fi_type_names() -> Vec<&'static str> {
    FI_TYPES.iter().map(|fi_type| fi_type.as_str()).collect()
}

/// Returns the five codes of the page's table "Purpose Code Definition".
pub(crate) fn purpose_codes() -> Vec<&'static str> {
    StandardPurpose::ALL
        .iter()
        .map(|purpose| purpose.code)
        .collect()
}

/// The range of a template's relative dates, in months: all numbers of at most four characters.
const RANGE_MONTHS_MIN: i32 = -999;
const RANGE_MONTHS_MAX: i32 = 9_999;

pub(crate) const RULES: &[FieldRule] = &[
    FieldRule::mandatory("product_name", FieldType::Text).with_max_length(100),
    FieldRule::mandatory("ConsentDetail", FieldType::Object),
    // Quirk: length 20 in the table, 24 in every sample of the page.
    FieldRule::mandatory("ConsentDetail.consentStart", FieldType::DateTime).with_max_length(24),
    FieldRule::mandatory("ConsentDetail.consentExpiry", FieldType::Months(1, 99))
        .with_max_length(2),
    FieldRule::mandatory(
        "ConsentDetail.consentMode",
        FieldType::OneOf(enum_names!(ConsentMode)),
    )
    .with_max_length(10),
    FieldRule::mandatory(
        "ConsentDetail.fetchType",
        FieldType::OneOf(enum_names!(FetchType)),
    )
    .with_max_length(8),
    // Quirk: both lists are String(15) in the table, arrays in every sample.
    FieldRule::mandatory(
        "ConsentDetail.consentTypes",
        FieldType::ListOf(enum_names!(ConsentType)),
    ),
    FieldRule::mandatory("ConsentDetail.fiTypes", FieldType::ListOf(fi_type_names)),
    FieldRule::mandatory("ConsentDetail.DataConsumer.id", FieldType::Text).with_max_length(50),
    FieldRule::mandatory(
        "ConsentDetail.Purpose.code",
        FieldType::OneOf(purpose_codes),
    )
    .with_max_length(10),
    FieldRule::optional("ConsentDetail.Purpose.refUri", FieldType::Text).with_max_length(255),
    FieldRule::optional("ConsentDetail.Purpose.text", FieldType::Text).with_max_length(255),
    FieldRule::optional("ConsentDetail.Purpose.Category.type", FieldType::Text).with_max_length(50),
    // Quirk: Number in the table, a text in every sample.
    FieldRule::mandatory(
        "ConsentDetail.FIDataRange.from",
        FieldType::Months(RANGE_MONTHS_MIN, RANGE_MONTHS_MAX),
    )
    .with_max_length(4),
    FieldRule::mandatory(
        "ConsentDetail.FIDataRange.to",
        FieldType::Months(RANGE_MONTHS_MIN, RANGE_MONTHS_MAX),
    )
    .with_max_length(4),
    FieldRule::mandatory(
        "ConsentDetail.DataLife.unit",
        FieldType::OneOf(enum_names!(DataLifeUnit)),
    )
    .with_max_length(5),
    FieldRule::mandatory("ConsentDetail.DataLife.value", FieldType::Count(3)),
    FieldRule::mandatory(
        "ConsentDetail.Frequency.unit",
        FieldType::OneOf(enum_names!(FrequencyUnit)),
    )
    .with_max_length(5),
    FieldRule::mandatory("ConsentDetail.Frequency.value", FieldType::Count(3)),
    FieldRule::optional("ConsentDetail.DataFilter", FieldType::List),
];

/// Parses and validates a template; returns its name and its terms.
pub(crate) fn parse_template(
    body: &Map<String, Value>,
) -> Result<(Box<str>, RelativeTerms), ApiError> {
    let validated = ValidatedBody::validate_fields(body, RULES)?;
    let range_months = (
        validated.required_months("ConsentDetail.FIDataRange.from"),
        validated.required_months("ConsentDetail.FIDataRange.to"),
    );
    if range_months.0 > range_months.1 {
        let problem = format!(
            "{} is before FIDataRange.from, {}",
            range_months.1, range_months.0
        );
        return Err(ApiError::invalid_field(
            "ConsentDetail.FIDataRange.to",
            problem,
        ));
    }
    let plan = RelativeTerms {
        start: validated.required_timestamp("ConsentDetail.consentStart"),
        expiry_months: validated
            .required_months("ConsentDetail.consentExpiry")
            .unsigned_abs(),
        mode: validated.required_enum("ConsentDetail.consentMode", ConsentMode::parse),
        fetch_type: validated.required_enum("ConsentDetail.fetchType", FetchType::parse),
        consent_types: validated.enum_list("ConsentDetail.consentTypes", ConsentType::parse),
        fi_types: validated.enum_list("ConsentDetail.fiTypes", FiType::parse),
        consumer: validated
            .required_text("ConsentDetail.DataConsumer.id")
            .into(),
        purpose: Arc::new(read_purpose(validated)),
        range_months,
        data_life: read_data_life(validated),
        frequency: read_frequency(validated),
        filters: consent_detail::parse_filter_json(
            validated.non_empty_value("ConsentDetail.DataFilter"),
        )?,
    };
    // A template must already satisfy the rules that the AA applies to its consents.
    consent_detail::check_terms(&sample_terms(&plan), "")?;
    Ok((validated.required_text("product_name").into(), plan))
}

/// Returns the deviations of a template's terms from rules that only the certification has.
pub(crate) fn list_term_deviations(plan: &RelativeTerms) -> Vec<ApiError> {
    consent_detail::list_term_deviations(&sample_terms(plan))
}

/// Returns the terms of a consent that is raised from a template at its start.
fn sample_terms(plan: &RelativeTerms) -> Terms {
    plan.resolve_at(plan.start, "0@0".into(), "".into())
}

/// Reads `DataLife` of a validated body.
pub(crate) fn read_data_life(body: ValidatedBody<'_>) -> (DataLifeUnit, u32) {
    let unit = body.required_enum("ConsentDetail.DataLife.unit", DataLifeUnit::parse);
    (unit, body.required_count("ConsentDetail.DataLife.value"))
}

/// Reads `Frequency` of a validated body.
pub(crate) fn read_frequency(body: ValidatedBody<'_>) -> (FrequencyUnit, u32) {
    let unit = body.required_enum("ConsentDetail.Frequency.unit", FrequencyUnit::parse);
    (unit, body.required_count("ConsentDetail.Frequency.value"))
}

/// Reads `Purpose` of a validated body.
pub(crate) fn read_purpose(body: ValidatedBody<'_>) -> Purpose {
    Purpose {
        code: body.required_text("ConsentDetail.Purpose.code").into(),
        ref_uri: body.text_at("ConsentDetail.Purpose.refUri").map(Into::into),
        text: body.text_at("ConsentDetail.Purpose.text").map(Into::into),
        category: body
            .text_at("ConsentDetail.Purpose.Category.type")
            .map(Into::into),
    }
}

/// The answer of Create Consent Template.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum CreateTemplateResponse<'a> {
    #[serde(rename_all = "camelCase")]
    V2 {
        version: &'static str,
        txn_id: String,
        product_id: String,
        product_name: &'a str,
        timestamp: IsoTimestamp,
    },
    /// Quirk: the status text includes the reason phrase.
    #[serde(rename_all = "camelCase")]
    V1_7 {
        product_id: String,
        status: &'static str,
    },
}

impl<'a> CreateTemplateResponse<'a> {
    pub(crate) fn new(
        template: &'a ConsentTemplate,
        api_version: UnaportVersion,
        envelope: Envelope,
    ) -> Self {
        let Envelope {
            version,
            txn_id,
            timestamp,
        } = envelope;
        let product_id = template.id.to_string();
        match api_version {
            UnaportVersion::V2 => Self::V2 {
                version,
                txn_id,
                product_id,
                product_name: &template.name,
                timestamp,
            },
            UnaportVersion::V1_7 => Self::V1_7 {
                product_id,
                status: "200 OK",
            },
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TemplateRow<'a> {
    product_id: String,
    product_name: &'a str,
    org_id: &'a str,
    created_at: String,
    #[serde(rename = "ConsentDetail")]
    detail: Value,
}

/// The answer of Get Consent Templates List.
///
/// `Assumption:` no successful answer was recorded; the collection's script reads
/// `Data[0].productId`, so there is a list of that name, and the newest template comes first.
#[derive(Debug, Serialize)]
pub(crate) struct ListTemplatesResponse<'a> {
    #[serde(flatten)]
    envelope: Option<Envelope>,
    #[serde(rename = "Data")]
    data: Vec<TemplateRow<'a>>,
}

/// Builds the list of templates; version 1.7 has no envelope.
pub(crate) fn build_template_list<'a>(
    templates: &'a [Arc<ConsentTemplate>],
    org_id: &'a str,
    envelope: Option<Envelope>,
) -> ListTemplatesResponse<'a> {
    let data = templates.iter().map(|template| TemplateRow {
        product_id: template.id.to_string(),
        product_name: &template.name,
        org_id,
        created_at: format_with_offset(template.created_at),
        detail: build_relative_detail(&template.terms),
    });
    ListTemplatesResponse {
        envelope,
        data: data.collect(),
    }
}

/// Returns `ConsentDetail` as the template was created, with relative dates.
fn build_relative_detail(plan: &RelativeTerms) -> Value {
    // The day is arbitrary: all fields that depend on it are overwritten below.
    let terms = plan.resolve_at(Timestamp::MIN, String::new(), "".into());
    let mut detail = serde_json::to_value(ConsentDetail::from_terms(&terms))
        .expect("texts and numbers serialise");
    detail["consentStart"] = json!(plan.start.to_string());
    detail["consentExpiry"] = json!(plan.expiry_months.to_string());
    detail["FIDataRange"] =
        json!({ "from": plan.range_months.0.to_string(), "to": plan.range_months.1.to_string() });
    detail["DataConsumer"] = json!({ "id": &*plan.consumer });
    detail
        .as_object_mut()
        .expect("ConsentDetail serialises to an object")
        .shift_remove("Customer");
    detail
}
