//! Consent templates, which the paths call products (Unaport FIU API v2.0.0, Create Consent Template and Get Consent
//! Templates List).

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::form::{Form, Kind, Rule, names};
use super::{Envelope, with_offset};
use crate::domain::account::FiType;
use crate::domain::consent::{ConsentType, DataLifeUnit, FetchType, FrequencyUnit, Mode, Purpose};
use crate::domain::time::Timestamp;
use crate::domain::unaport::{Dialect, Template, TermsPlan};
use crate::wire::artefact::Stated;
use crate::wire::consent_detail;
use crate::wire::fields::Instant;
use crate::wire::problem::Problem;
use crate::wire::purpose::StandardPurpose;

/// The nine kinds of the page's table "FI TYPES".
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

pub fn fi_types() -> Vec<&'static str> {
    FI_TYPES.iter().map(|fi_type| fi_type.as_str()).collect()
}

/// The five codes of the page's table "Purpose Code Definition".
pub fn purposes() -> Vec<&'static str> {
    StandardPurpose::ALL
        .iter()
        .map(|purpose| purpose.code)
        .collect()
}

/// Months that a template may look back or ahead: as many as four characters hold.
const MONTHS_BACK: i32 = -999;
const MONTHS_AHEAD: i32 = 9_999;

pub const RULES: &[Rule] = &[
    Rule::must("product_name", Kind::Text).up_to(100),
    Rule::must("ConsentDetail", Kind::Object),
    // Quirk: the table says 20, every sample of the page has 24.
    Rule::must("ConsentDetail.consentStart", Kind::Instant).up_to(24),
    Rule::must("ConsentDetail.consentExpiry", Kind::Months(1, 99)).up_to(2),
    Rule::must("ConsentDetail.consentMode", Kind::OneOf(names!(Mode))).up_to(10),
    Rule::must("ConsentDetail.fetchType", Kind::OneOf(names!(FetchType))).up_to(8),
    // Quirk: the table has both lists as String(15), every sample has arrays.
    Rule::must(
        "ConsentDetail.consentTypes",
        Kind::ListOf(names!(ConsentType)),
    ),
    Rule::must("ConsentDetail.fiTypes", Kind::ListOf(fi_types)),
    Rule::must("ConsentDetail.DataConsumer.id", Kind::Text).up_to(50),
    Rule::must("ConsentDetail.Purpose.code", Kind::OneOf(purposes)).up_to(10),
    Rule::may("ConsentDetail.Purpose.refUri", Kind::Text).up_to(255),
    Rule::may("ConsentDetail.Purpose.text", Kind::Text).up_to(255),
    Rule::may("ConsentDetail.Purpose.Category.type", Kind::Text).up_to(50),
    // Quirk: the table says Number, every sample has a text.
    Rule::must(
        "ConsentDetail.FIDataRange.from",
        Kind::Months(MONTHS_BACK, MONTHS_AHEAD),
    )
    .up_to(4),
    Rule::must(
        "ConsentDetail.FIDataRange.to",
        Kind::Months(MONTHS_BACK, MONTHS_AHEAD),
    )
    .up_to(4),
    Rule::must(
        "ConsentDetail.DataLife.unit",
        Kind::OneOf(names!(DataLifeUnit)),
    )
    .up_to(5),
    Rule::must("ConsentDetail.DataLife.value", Kind::Count(3)),
    Rule::must(
        "ConsentDetail.Frequency.unit",
        Kind::OneOf(names!(FrequencyUnit)),
    )
    .up_to(5),
    Rule::must("ConsentDetail.Frequency.value", Kind::Count(3)),
    Rule::may("ConsentDetail.DataFilter", Kind::List),
];

/// Name and terms of a template.
pub fn read(body: &Map<String, Value>) -> Result<(Box<str>, TermsPlan), Problem> {
    let form = Form::check(body, RULES)?;
    let range_months = (
        form.months("ConsentDetail.FIDataRange.from"),
        form.months("ConsentDetail.FIDataRange.to"),
    );
    if range_months.0 > range_months.1 {
        let problem = format!(
            "{} is before FIDataRange.from, {}",
            range_months.1, range_months.0
        );
        return Err(Problem::field("ConsentDetail.FIDataRange.to", problem));
    }
    let plan = TermsPlan {
        start: form.instant("ConsentDetail.consentStart"),
        expiry_months: form.months("ConsentDetail.consentExpiry").unsigned_abs(),
        mode: form.one_of("ConsentDetail.consentMode", Mode::parse),
        fetch_type: form.one_of("ConsentDetail.fetchType", FetchType::parse),
        consent_types: form.list_of("ConsentDetail.consentTypes", ConsentType::parse),
        fi_types: form.list_of("ConsentDetail.fiTypes", FiType::parse),
        consumer: form.needed("ConsentDetail.DataConsumer.id").into(),
        purpose: Arc::new(purpose(form)),
        range_months,
        data_life: data_life(form),
        frequency: frequency(form),
        filters: consent_detail::filters(form.value("ConsentDetail.DataFilter"))?,
    };
    // The rules of business that the AA will apply hold for the template already.
    let nobody = plan.terms(plan.start, "0@0".into(), "".into());
    consent_detail::check(&nobody, "")?;
    Ok((form.needed("product_name").into(), plan))
}

/// `DataLife` of a checked form.
pub fn data_life(form: Form<'_>) -> (DataLifeUnit, u32) {
    let unit = form.one_of("ConsentDetail.DataLife.unit", DataLifeUnit::parse);
    (unit, form.count("ConsentDetail.DataLife.value"))
}

/// `Frequency` of a checked form.
pub fn frequency(form: Form<'_>) -> (FrequencyUnit, u32) {
    let unit = form.one_of("ConsentDetail.Frequency.unit", FrequencyUnit::parse);
    (unit, form.count("ConsentDetail.Frequency.value"))
}

/// `Purpose` of a checked form.
pub fn purpose(form: Form<'_>) -> Purpose {
    Purpose {
        code: form.needed("ConsentDetail.Purpose.code").into(),
        ref_uri: form.text("ConsentDetail.Purpose.refUri").map(Into::into),
        text: form.text("ConsentDetail.Purpose.text").map(Into::into),
        category: form
            .text("ConsentDetail.Purpose.Category.type")
            .map(Into::into),
    }
}

/// Answer of Create Consent Template.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Saved<'a> {
    #[serde(rename_all = "camelCase")]
    V2 {
        version: &'static str,
        txn_id: String,
        product_id: String,
        product_name: &'a str,
        timestamp: Instant,
    },
    /// Quirk: the reason phrase stands in the text.
    #[serde(rename_all = "camelCase")]
    V1_7 {
        product_id: String,
        status: &'static str,
    },
}

impl<'a> Saved<'a> {
    pub fn new(template: &'a Template, dialect: Dialect, envelope: Envelope) -> Self {
        let Envelope {
            version,
            txn_id,
            timestamp,
        } = envelope;
        let product_id = template.id.to_string();
        match dialect {
            Dialect::V2 => Self::V2 {
                version,
                txn_id,
                product_id,
                product_name: &template.name,
                timestamp,
            },
            Dialect::V1_7 => Self::V1_7 {
                product_id,
                status: "200 OK",
            },
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TemplateView<'a> {
    product_id: String,
    product_name: &'a str,
    org_id: &'a str,
    created_at: String,
    #[serde(rename = "ConsentDetail")]
    detail: Value,
}

/// Answer of Get Consent Templates List.
///
/// `Assumption:` no true answer was recorded; the collection's script reads `Data[0].productId`, so there is a list of
/// that name, and the newest template comes first.
#[derive(Debug, Serialize)]
pub struct Listed<'a> {
    #[serde(flatten)]
    envelope: Option<Envelope>,
    #[serde(rename = "Data")]
    data: Vec<TemplateView<'a>>,
}

/// The list; in 1.7 without an envelope.
pub fn listed<'a>(
    templates: &'a [Arc<Template>],
    org_id: &'a str,
    envelope: Option<Envelope>,
) -> Listed<'a> {
    let data = templates.iter().map(|template| TemplateView {
        product_id: template.id.to_string(),
        product_name: &template.name,
        org_id,
        created_at: with_offset(template.created_at),
        detail: detail(&template.plan),
    });
    Listed {
        envelope,
        data: data.collect(),
    }
}

/// The template as it was written, its dates relative.
fn detail(plan: &TermsPlan) -> Value {
    // As of whatever day: what depends on the day is overwritten.
    let terms = plan.terms(Timestamp::MIN, "".into(), "".into());
    let mut detail =
        serde_json::to_value(Stated::asked(&terms)).expect("texts and numbers serialise");
    detail["consentStart"] = json!(plan.start.to_string());
    detail["consentExpiry"] = json!(plan.expiry_months.to_string());
    detail["FIDataRange"] =
        json!({ "from": plan.range_months.0.to_string(), "to": plan.range_months.1.to_string() });
    detail["DataConsumer"] = json!({ "id": &*plan.consumer });
    detail
        .as_object_mut()
        .expect("it is an object")
        .remove("Customer");
    detail
}
