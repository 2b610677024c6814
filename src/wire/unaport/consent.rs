//! Consents (Unaport FIU API v2.0.0, Create Consent with and without template, Check Consent Status, Revoke Consent).

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::form::{Form, Kind, PHONE_MAX, Rule, is_phone, names};
use super::template::{data_life, fi_types, frequency, purpose, purposes};
use super::{VERSION, with_offset};
use crate::domain::account::FiType;
use crate::domain::consent::{
    Consent, ConsentType, ConsumerType, DataLifeUnit, FetchType, FrequencyUnit, Mode, Range,
    Status, Terms,
};
use crate::domain::ids::ProductId;
use crate::domain::participants::Aa;
use crate::domain::time::Timestamp;
use crate::domain::unaport::{Filing, Template};
use crate::domain::version::Version;
use crate::wire::artefact::Stated;
use crate::wire::consent_detail;
use crate::wire::fields::{Instant, is_address, quoted};
use crate::wire::problem::{FieldProblem, Problem};

/// Create Consent without template.
pub const RULES: &[Rule] = &[
    // Quirk: mandatory by the table, empty in the recorded calls, which name the customer by mobile number.
    Rule::may("vuaId", Kind::Text).up_to(50),
    Rule::must("createdBy", Kind::Text).up_to(100),
    Rule::must("trackingId", Kind::Text).up_to(50),
    Rule::must("aaId", Kind::Text).up_to(50),
    Rule::must("fiuId", Kind::Text).up_to(50),
    Rule::may("redirectUrl", Kind::Address).up_to(255),
    Rule::must("fiuBaseUrl", Kind::Text).up_to(255),
    Rule::must("ConsentsRequest", Kind::Object),
    Rule::must("ConsentsRequest.ver", Kind::OneOf(names!(Version))).up_to(5),
    Rule::must("ConsentsRequest.timestamp", Kind::Instant).up_to(25),
    Rule::must("ConsentsRequest.txnid", Kind::Text).up_to(50),
    Rule::must("ConsentsRequest.ConsentDetail", Kind::Object),
    Rule::must("ConsentsRequest.ConsentDetail.consentStart", Kind::Instant).up_to(24),
    Rule::must("ConsentsRequest.ConsentDetail.consentExpiry", Kind::Instant).up_to(24),
    Rule::must(
        "ConsentsRequest.ConsentDetail.consentMode",
        Kind::OneOf(names!(Mode)),
    )
    .up_to(10),
    Rule::must(
        "ConsentsRequest.ConsentDetail.fetchType",
        Kind::OneOf(names!(FetchType)),
    )
    .up_to(8),
    Rule::must(
        "ConsentsRequest.ConsentDetail.consentTypes",
        Kind::ListOf(names!(ConsentType)),
    ),
    Rule::must(
        "ConsentsRequest.ConsentDetail.fiTypes",
        Kind::ListOf(fi_types),
    ),
    Rule::must("ConsentsRequest.ConsentDetail.DataConsumer", Kind::Object),
    Rule::must("ConsentsRequest.ConsentDetail.DataConsumer.id", Kind::Text).up_to(50),
    Rule::must(
        "ConsentsRequest.ConsentDetail.DataConsumer.type",
        Kind::OneOf(names!(ConsumerType)),
    )
    .up_to(10),
    Rule::must("ConsentsRequest.ConsentDetail.Customer", Kind::Object),
    // Quirk: mandatory by the table, empty in the recorded call, whose Identifiers have a mobile number.
    Rule::may("ConsentsRequest.ConsentDetail.Customer.id", Kind::Text).up_to(100),
    Rule::may(IDENTIFIERS, Kind::Identifiers),
    Rule::must("ConsentsRequest.ConsentDetail.Purpose", Kind::Object),
    Rule::must(
        "ConsentsRequest.ConsentDetail.Purpose.code",
        Kind::OneOf(purposes),
    )
    .up_to(10),
    Rule::may("ConsentsRequest.ConsentDetail.Purpose.refUri", Kind::Text).up_to(255),
    Rule::may("ConsentsRequest.ConsentDetail.Purpose.text", Kind::Text).up_to(255),
    Rule::may(
        "ConsentsRequest.ConsentDetail.Purpose.Category",
        Kind::Object,
    ),
    Rule::may(
        "ConsentsRequest.ConsentDetail.Purpose.Category.type",
        Kind::Text,
    )
    .up_to(50),
    Rule::must("ConsentsRequest.ConsentDetail.FIDataRange", Kind::Object),
    Rule::must(
        "ConsentsRequest.ConsentDetail.FIDataRange.from",
        Kind::Instant,
    )
    .up_to(24),
    Rule::must(
        "ConsentsRequest.ConsentDetail.FIDataRange.to",
        Kind::Instant,
    )
    .up_to(24),
    Rule::must("ConsentsRequest.ConsentDetail.DataLife", Kind::Object),
    Rule::must(
        "ConsentsRequest.ConsentDetail.DataLife.unit",
        Kind::OneOf(names!(DataLifeUnit)),
    )
    .up_to(5),
    Rule::must(
        "ConsentsRequest.ConsentDetail.DataLife.value",
        Kind::Count(3),
    ),
    Rule::must("ConsentsRequest.ConsentDetail.Frequency", Kind::Object),
    Rule::must(
        "ConsentsRequest.ConsentDetail.Frequency.unit",
        Kind::OneOf(names!(FrequencyUnit)),
    )
    .up_to(5),
    Rule::must(
        "ConsentsRequest.ConsentDetail.Frequency.value",
        Kind::Count(3),
    ),
    // Not in this table, but in that of templates, and ReBIT's.
    Rule::may("ConsentsRequest.ConsentDetail.DataFilter", Kind::List),
];

/// Create Consent with template.
pub const RULES_WITH_TEMPLATE: &[Rule] = &[
    // Quirk: as above; here the mobile number is a field of its own.
    Rule::may("vuaId", Kind::Text).up_to(50),
    Rule::must("mobileNumber", Kind::Phone).up_to(PHONE_MAX),
    Rule::must("createdBy", Kind::Text).up_to(100),
    Rule::must("trackingId", Kind::Text).up_to(50),
    Rule::must("aaId", Kind::Text).up_to(50),
    Rule::must("fiuId", Kind::Text).up_to(50),
    Rule::may("redirectUrl", Kind::Address).up_to(255),
    Rule::must("fiuBaseUrl", Kind::Text).up_to(255),
    Rule::must("productId", Kind::Text).up_to(50),
];

/// What both calls say beside the terms.
#[derive(Debug)]
pub struct Heading {
    pub aa_id: Box<str>,
    pub fiu_id: Box<str>,
    pub filing: Filing,
}

fn heading(form: Form<'_>, ver: &str, timestamp: Timestamp) -> Heading {
    Heading {
        aa_id: form.needed("aaId").into(),
        fiu_id: form.needed("fiuId").into(),
        filing: Filing {
            tracking_id: form.needed("trackingId").into(),
            created_by: form.needed("createdBy").into(),
            redirect_url: form.text("redirectUrl").map(Into::into),
            ver: ver.into(),
            timestamp,
        },
    }
}

/// A checked request without template; its terms are made once the AA is known.
#[derive(Debug)]
pub struct Plain<'a>(Form<'a>);

impl<'a> Plain<'a> {
    pub fn check(body: &'a Map<String, Value>) -> Result<Self, Problem> {
        Ok(Self(Form::check(body, RULES)?))
    }

    pub fn heading(&self) -> Heading {
        heading(
            self.0,
            self.0.needed("ConsentsRequest.ver"),
            self.0.instant("ConsentsRequest.timestamp"),
        )
    }

    pub fn terms(&self, aa: &Aa) -> Result<Terms, Problem> {
        let Self(whole) = *self;
        let request = whole
            .value("ConsentsRequest")
            .and_then(Value::as_object)
            .expect("the form was checked");
        let form = Form::unchecked(request);
        let terms = Terms {
            start: form.instant("ConsentDetail.consentStart"),
            expiry: form.instant("ConsentDetail.consentExpiry"),
            mode: form.one_of("ConsentDetail.consentMode", Mode::parse),
            fetch_type: form.one_of("ConsentDetail.fetchType", FetchType::parse),
            consent_types: form.list_of("ConsentDetail.consentTypes", ConsentType::parse),
            fi_types: form.list_of("ConsentDetail.fiTypes", FiType::parse),
            consumer: form.needed("ConsentDetail.DataConsumer.id").into(),
            consumer_type: form.one_of("ConsentDetail.DataConsumer.type", ConsumerType::parse),
            customer: customer(whole, form, aa)?.into(),
            purpose: Arc::new(purpose(form)),
            range: Range {
                from: form.instant("ConsentDetail.FIDataRange.from"),
                to: form.instant("ConsentDetail.FIDataRange.to"),
            },
            data_life: data_life(form),
            frequency: frequency(form),
            filters: consent_detail::filters(form.value("ConsentDetail.DataFilter"))
                .map_err(in_request)?,
            vdr_provider: None,
            txnid: form.needed("txnid").into(),
        };
        consent_detail::check(&terms, &aa.handle).map_err(in_request)?;
        Ok(terms)
    }
}

/// A problem of `ConsentDetail`, told with the path that it has in this body.
fn in_request(problem: Problem) -> Problem {
    match problem.clone().into_field() {
        Some(FieldProblem { field, problem }) => {
            Problem::field(format!("ConsentsRequest.{field}"), problem)
        }
        None => problem,
    }
}

const CUSTOMER_ID: &str = "ConsentsRequest.ConsentDetail.Customer.id";
const IDENTIFIERS: &str = "ConsentsRequest.ConsentDetail.Customer.Identifiers";

/// The customer's address: `Customer.id`, else the mobile number of `Identifiers`, else `vuaId`, completed by the
/// AA's handle where it has none.
fn customer(whole: Form<'_>, form: Form<'_>, aa: &Aa) -> Result<String, Problem> {
    let identifiers = form
        .value("ConsentDetail.Customer.Identifiers")
        .and_then(Value::as_array);
    let mobile = identifiers
        .into_iter()
        .flatten()
        .find(|identifier| identifier["type"] == "MOBILE");
    let mobile = mobile.and_then(|identifier| identifier["value"].as_str());
    let id = form
        .text("ConsentDetail.Customer.id")
        .map(|id| (CUSTOMER_ID, id));
    let mobile = || mobile.map(|mobile| (IDENTIFIERS, mobile));
    let vua = || whole.text("vuaId").map(|vua| ("vuaId", vua));
    let (field, name) = id.or_else(mobile).or_else(vua).ok_or_else(|| {
        Problem::field(
            CUSTOMER_ID,
            "is empty, and neither Identifiers of type MOBILE nor vuaId stand in for it",
        )
    })?;
    at_aa(field, name, aa)
}

/// A customer's name as an address at the AA.
///
/// `Assumption:` a bare mobile number with the country code of India, or with a zero before it, is that of the same
/// customer as without.
fn at_aa(field: &'static str, name: &str, aa: &Aa) -> Result<String, Problem> {
    let digits = name
        .strip_prefix('+')
        .filter(|digits| is_phone(digits))
        .unwrap_or(name);
    let without = ["0", "91", "091"].map(|prefix| digits.strip_prefix(prefix));
    let national = without
        .into_iter()
        .flatten()
        .find(|national| national.len() == 10 && is_phone(national));
    let name = national.unwrap_or(digits);
    let address = if name.contains('@') {
        name.to_owned()
    } else {
        format!("{name}@{}", aa.handle)
    };
    if is_address(&address) {
        Ok(address)
    } else {
        Err(Problem::field(
            field,
            format!("{} is not of the form NAME@{}", quoted(name), aa.handle),
        ))
    }
}

/// A checked request with template.
#[derive(Debug)]
pub struct ByTemplate<'a>(Form<'a>);

impl<'a> ByTemplate<'a> {
    pub fn check(body: &'a Map<String, Value>) -> Result<Self, Problem> {
        Ok(Self(Form::check(body, RULES_WITH_TEMPLATE)?))
    }

    /// `now` is when the consent is raised; the call has no timestamp of its own.
    pub fn heading(&self, now: Timestamp) -> Heading {
        heading(self.0, VERSION, now)
    }

    /// The template's id; `None`: what is there cannot be one.
    pub fn product(&self) -> Option<ProductId> {
        ProductId::parse(self.product_text())
    }

    pub fn product_text(&self) -> &'a str {
        self.0.needed("productId")
    }

    pub fn terms(&self, template: &Template, aa: &Aa, now: Timestamp) -> Result<Terms, Problem> {
        let vua = self.0.text("vuaId").filter(|vua| vua.contains('@'));
        let name = vua.unwrap_or_else(|| self.0.needed("mobileNumber"));
        let field = if vua.is_some() {
            "vuaId"
        } else {
            "mobileNumber"
        };
        // The call has no txnid: the world draws one.
        Ok(template
            .plan
            .terms(now, at_aa(field, name, aa)?.into(), "".into()))
    }
}

/// Answer of both calls.
#[derive(Debug, Serialize)]
pub struct Created<'a> {
    ver: &'static str,
    timestamp: Instant,
    txnid: &'a str,
    #[serde(rename = "Customer")]
    customer: Customer<'a>,
    /// Quirk: a capital letter here, a small one everywhere else.
    #[serde(rename = "ConsentHandle")]
    handle: String,
    /// Quirk: a sentence.
    success: &'static str,
    #[serde(rename = "redirectUrl")]
    redirect_url: String,
}

#[derive(Debug, Serialize)]
struct Customer<'a> {
    id: &'a str,
}

impl<'a> Created<'a> {
    pub fn new(consent: &'a Consent, redirect_url: String, now: Timestamp) -> Self {
        Self {
            ver: VERSION,
            timestamp: Instant(now),
            txnid: &consent.terms.txnid,
            customer: Customer {
                id: &consent.terms.customer,
            },
            handle: consent.handle.to_string(),
            success: "Consent created successfully",
            redirect_url,
        }
    }
}

/// Answer of Revoke Consent.
///
/// `Assumption:` the page has the call's path parameters and nothing else; the answer is made of words that the others
/// use.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Revoked<'a> {
    ver: &'static str,
    timestamp: Instant,
    txnid: &'a str,
    consent_id: Option<String>,
    consent_handle: String,
    consent_status: &'static str,
    success: &'static str,
}

impl<'a> Revoked<'a> {
    pub fn new(consent: &'a Consent, now: Timestamp) -> Self {
        Self {
            ver: VERSION,
            timestamp: Instant(now),
            txnid: &consent.terms.txnid,
            consent_id: consent.consent_id().map(|id| id.to_string()),
            consent_handle: consent.handle.to_string(),
            consent_status: statuses(consent.status).1,
            success: "Consent revoked successfully",
        }
    }
}

/// `approveStatus` and `consentStatus` (DESIGN §2).
///
/// `Assumption:` `consentStatus` of what was rejected or ran out unanswered is in no source (`reference/unaport.md` §3).
fn statuses_of(consent: &Consent) -> (&'static str, &'static str) {
    match (consent.status, &consent.grant) {
        (Status::Expired, None) => ("EXPIRED", "EXPIRED"),
        (status, _) => statuses(status),
    }
}

fn statuses(status: Status) -> (&'static str, &'static str) {
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

/// Answer of Check Consent Status.
#[derive(Debug, Serialize)]
pub struct Records<'a> {
    #[serde(rename = "Data")]
    data: [Record<'a>; 1],
}

/// A consent as it is shown there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
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

/// The whole request, as the text in `consentsDetail` has it.
#[derive(Debug, Serialize)]
struct Request<'a> {
    ver: &'a str,
    timestamp: Instant,
    txnid: &'a str,
    #[serde(rename = "ConsentDetail")]
    detail: Stated<'a>,
}

/// The record of a consent. `signed` is the artefact, from approval on.
///
/// `Assumption:` `runCounter` counts the runs of a PERIODIC consent, `consentidCalled` how often its data was taken:
/// both are 0 in the one recording, after the run of a ONETIME consent whose data nobody had taken yet. `updatedOn` is
/// the last change after coming into force, which the recording has not had.
pub fn record<'a>(
    consent: &'a Consent,
    filing: &'a Filing,
    org_id: &'a str,
    signed: Option<String>,
) -> Records<'a> {
    let terms = &consent.terms;
    let grant = consent.grant.as_deref();
    let request = Request {
        ver: &filing.ver,
        timestamp: Instant(filing.timestamp),
        txnid: &terms.txnid,
        detail: Stated::asked(terms),
    };
    let (approve_status, consent_status) = statuses_of(consent);
    let last = consent
        .history
        .last()
        .filter(|moment| moment.status != Status::Pending);
    let came_into_force = consent
        .history
        .iter()
        .position(|moment| moment.status == Status::Active);
    let changed =
        last.filter(|_| came_into_force.is_some_and(|place| place + 1 < consent.history.len()));
    let periodic = terms.fetch_type == FetchType::Periodic;
    let record = Record {
        id: consent.number,
        tracking_id: &filing.tracking_id,
        vua_id: &terms.customer,
        org_id,
        consent_handle: consent.handle.to_string(),
        approve_status,
        consent_status,
        fetch_type: terms.fetch_type.as_str(),
        consent_id: consent.consent_id().map(|id| id.to_string()),
        created_at: with_offset(consent.created_at),
        notification_date: last.map(|moment| with_offset(moment.at)),
        consent_start: with_offset(terms.start),
        consent_expried: with_offset(terms.expiry),
        last_runtime: grant.and_then(|grant| grant.last_run_at).map(with_offset),
        next_runtime: grant
            .and_then(|grant| grant.next_run_at)
            .filter(|_| runs(consent.status))
            .map(with_offset),
        updated_on: changed.map(|moment| with_offset(moment.at)),
        created_by: &filing.created_by,
        aa_id: &consent.aa,
        consents_detail: serde_json::to_string(&request).expect("texts and numbers serialise"),
        signed_consent: signed,
        consentid_called: grant.map_or(0, |grant| grant.taken),
        run_counter: grant.filter(|_| periodic).map_or(0, |grant| grant.runs),
        consentid_error: None,
    };
    Records { data: [record] }
}

/// Whether data may still be asked for under the consent.
fn runs(status: Status) -> bool {
    matches!(status, Status::Ready | Status::Active | Status::Paused)
}

/// Characters of a short link's code.
const CODE_LENGTH: usize = 6;

/// An odd number, so that multiplying by it is a permutation of the codes, and its inverse modulo 2^24.
const SCATTER: u32 = 0x9e_3779;
const GATHER: u32 = 0xb3_82c9;

/// The code of a consent's short link: its number, scattered over the six hexadecimal digits that the service uses, so
/// that no two of the first sixteen million consents of a world share one and the code says where to look.
pub fn short_code(number: u32) -> String {
    format!(
        "{:0CODE_LENGTH$x}",
        number.wrapping_mul(SCATTER) & 0xff_ffff
    )
}

/// The consent's number, from its code.
pub fn number_of(code: &str) -> Option<u32> {
    let plain = code.len() == CODE_LENGTH
        && code
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let code = plain
        .then(|| u32::from_str_radix(code, 16).ok())
        .flatten()?;
    Some(code.wrapping_mul(GATHER) & 0xff_ffff)
}

#[cfg(test)]
mod tests {
    use super::{number_of, short_code};

    #[test]
    fn a_code_leads_back_to_its_number() {
        for number in (1..5_000).chain((0xff_0000..=0xff_ffff).step_by(97)) {
            assert_eq!(number_of(&short_code(number)), Some(number));
        }
        for code in ["", "12345", "1234567", "ABCDEF", "+12345", "12 456"] {
            assert_eq!(number_of(code), None, "{code}");
        }
    }
}
