//! `ConsentDetail`: as an FIU asks for it and as an artefact states it. The seed calls and all ReBIT versions share
//! the shape; what differs between them is which fields must be there ([`Rules`]).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::domain::account::{Account, FiType};
use crate::domain::consent::{
    Consent, ConsentType, ConsumerType, DataLifeUnit, FetchType, Filter, FilterOn, FrequencyUnit, Mode, Operator,
    Purpose, Range, Terms, TransactionType, VdrProvider,
};
use crate::domain::money::Paise;
use crate::domain::participants::Aa;
use crate::domain::time::Timestamp;
use crate::wire::fields::{Instant, count, instant, list_of, object, objects, one_of, optional, quoted, text};
use crate::wire::problem::Problem;

/// `ConsentDetail` of a request, nothing checked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    consent_start: Option<String>,
    consent_expiry: Option<String>,
    consent_mode: Option<String>,
    fetch_type: Option<String>,
    consent_types: Option<Vec<String>>,
    fi_types: Option<Vec<String>>,
    #[serde(rename = "DataConsumer", default, deserialize_with = "object")]
    data_consumer: Option<AskedConsumer>,
    #[serde(rename = "Customer", default, deserialize_with = "object")]
    customer: Option<AskedCustomer>,
    #[serde(rename = "Purpose", default, deserialize_with = "object")]
    purpose: Option<AskedPurpose>,
    #[serde(rename = "FIDataRange", default, deserialize_with = "object")]
    range: Option<AskedRange>,
    #[serde(rename = "DataLife", default, deserialize_with = "object")]
    data_life: Option<AskedQuantity>,
    #[serde(rename = "Frequency", default, deserialize_with = "object")]
    frequency: Option<AskedQuantity>,
    #[serde(rename = "DataFilter", default, deserialize_with = "objects")]
    data_filter: Option<Vec<AskedFilter>>,
    #[serde(rename = "VDRProvider", default, deserialize_with = "object")]
    vdr_provider: Option<AskedRegistry>,
}

#[derive(Debug, Default, Deserialize)]
struct AskedConsumer {
    id: Option<String>,
    r#type: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct AskedCustomer {
    id: Option<String>,
    #[serde(rename = "Identifiers", default, deserialize_with = "objects")]
    identifiers: Option<Vec<AskedIdentifier>>,
}

#[derive(Debug, Deserialize)]
struct AskedIdentifier {
    r#type: Option<String>,
    value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedPurpose {
    code: Option<String>,
    ref_uri: Option<String>,
    text: Option<String>,
    #[serde(rename = "Category", default, deserialize_with = "object")]
    category: Option<AskedCategory>,
}

#[derive(Debug, Deserialize)]
struct AskedCategory {
    r#type: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct AskedRange {
    from: Option<String>,
    to: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct AskedQuantity {
    unit: Option<String>,
    value: Option<Number>,
}

#[derive(Debug, Deserialize)]
struct AskedFilter {
    r#type: Option<String>,
    operator: Option<String>,
    value: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct AskedRegistry {
    vdrpid: Option<String>,
    fiuid: Option<String>,
}

impl AskedRegistry {
    /// `{}` is no registry.
    fn is_empty(&self) -> bool {
        self.vdrpid.is_none() && self.fiuid.is_none()
    }
}

/// Where the dialects differ.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// `DataConsumer.type` must be there (ReBIT from 2.0.0 on).
    pub consumer_type_required: bool,
    /// `DataFilter.value` may be a JSON number (seed documents).
    pub numeric_filters: bool,
    /// `VDRProvider` is part of the dialect (seed documents); elsewhere it is ignored like any unknown field.
    pub vdr_provider: bool,
    /// What stands for `{{current_timestamp}}`, where the dialect knows it.
    pub current_timestamp: Option<Timestamp>,
}

/// The seed documents print their sample with this Postman variable. Whoever pastes it as printed gets the world's
/// now.
const CURRENT_TIMESTAMP: &str = "{{current_timestamp}}";

impl Rules {
    /// A date-time of the request.
    pub fn instant(self, field: &'static str, value: Option<String>) -> Result<Timestamp, Problem> {
        match self.current_timestamp {
            Some(now) if value.as_deref() == Some(CURRENT_TIMESTAMP) => Ok(now),
            _ => instant(field, value),
        }
    }
}

impl Asked {
    /// Checks everything. `aa_handle` completes the address of a customer who is given by mobile number only.
    pub fn into_terms(self, txnid: String, rules: Rules, aa_handle: &str) -> Result<Terms, Problem> {
        let Self {
            consent_start,
            consent_expiry,
            consent_mode,
            fetch_type,
            consent_types,
            fi_types,
            data_consumer,
            customer,
            purpose,
            range,
            data_life,
            frequency,
            data_filter,
            vdr_provider,
        } = self;
        let start = rules.instant("ConsentDetail.consentStart", consent_start)?;
        let expiry = rules.instant("ConsentDetail.consentExpiry", consent_expiry)?;
        if start >= expiry {
            let problem = format!("{expiry} is not after consentStart, {start}");
            return Err(Problem::field("ConsentDetail.consentExpiry", problem));
        }
        let consumer = data_consumer.unwrap_or_default();
        let range = range.unwrap_or_default();
        let data_life = data_life.unwrap_or_default();
        let frequency = frequency.unwrap_or_default();
        let field = "ConsentDetail.consentMode";
        let mode = one_of(field, consent_mode, Mode::parse, Mode::names)?;
        let fetch_type = one_of("ConsentDetail.fetchType", fetch_type, FetchType::parse, FetchType::names)?;
        let field = "ConsentDetail.consentTypes";
        let consent_types = list_of(field, consent_types, ConsentType::parse, ConsentType::names)?;
        let fi_types = list_of("ConsentDetail.fiTypes", fi_types, FiType::parse, FiType::names)?;
        let consumer_id = text("ConsentDetail.DataConsumer.id", consumer.id)?;
        let consumer_type = match optional(consumer.r#type) {
            None if !rules.consumer_type_required => ConsumerType::Fiu,
            given => one_of("ConsentDetail.DataConsumer.type", given, ConsumerType::parse, ConsumerType::names)?,
        };
        let customer = address(customer.unwrap_or_default(), aa_handle)?;
        let purpose = purpose_of(purpose.unwrap_or_default())?;
        let range = Range {
            from: rules.instant("ConsentDetail.FIDataRange.from", range.from)?,
            to: rules.instant("ConsentDetail.FIDataRange.to", range.to)?,
        };
        if range.from > range.to {
            let problem = format!("{} is before FIDataRange.from, {}", range.to, range.from);
            return Err(Problem::field("ConsentDetail.FIDataRange.to", problem));
        }
        let data_life = (
            one_of("ConsentDetail.DataLife.unit", data_life.unit, DataLifeUnit::parse, DataLifeUnit::names)?,
            count("ConsentDetail.DataLife.value", data_life.value)?,
        );
        let frequency = (
            one_of("ConsentDetail.Frequency.unit", frequency.unit, FrequencyUnit::parse, FrequencyUnit::names)?,
            count("ConsentDetail.Frequency.value", frequency.value)?,
        );
        let filters = data_filter.map(|filters| filters_of(filters, rules)).transpose()?;
        let vdr_provider = vdr_provider.filter(|registry| rules.vdr_provider && !registry.is_empty());
        let vdr_provider = vdr_provider.map(registry_of).transpose()?;
        Ok(Terms {
            start,
            expiry,
            mode,
            fetch_type,
            consent_types,
            fi_types,
            consumer: consumer_id.into(),
            consumer_type,
            customer: customer.into(),
            purpose: Arc::new(purpose),
            range,
            data_life,
            frequency,
            filters,
            vdr_provider: vdr_provider.map(Arc::new),
            txnid: txnid.into(),
        })
    }
}

/// The customer's address; in 2.x it may be missing and is then made from the mobile number
/// (ReBIT AA API 2.0.0, `Customer.Identifiers`).
fn address(customer: AskedCustomer, aa_handle: &str) -> Result<String, Problem> {
    let by_mobile = || {
        let identifiers = customer.identifiers.unwrap_or_default();
        let mobile = identifiers.into_iter().find(|identifier| identifier.r#type.as_deref() == Some("MOBILE"));
        let mobile = mobile.and_then(|identifier| optional(identifier.value))?;
        Some(format!("{mobile}@{aa_handle}"))
    };
    let id = optional(customer.id).or_else(by_mobile).ok_or_else(|| {
        let problem = "is missing, and no Identifiers of type MOBILE stands in for it";
        Problem::field("ConsentDetail.Customer.id", problem)
    })?;
    match id.split_once('@') {
        Some((name, handle)) if !name.is_empty() && !handle.is_empty() && !handle.contains('@') => Ok(id),
        _ => Err(Problem::CustomerAddress(format!("{} is not an address of the form name@{aa_handle}", quoted(&id)))),
    }
}

fn purpose_of(purpose: AskedPurpose) -> Result<Purpose, Problem> {
    let AskedPurpose { code, ref_uri, text: words, category } = purpose;
    Ok(Purpose {
        code: text("ConsentDetail.Purpose.code", code)?.into(),
        ref_uri: optional(ref_uri).map(Into::into),
        text: optional(words).map(Into::into),
        category: category.and_then(|category| optional(category.r#type)).map(Into::into),
    })
}

fn registry_of(registry: AskedRegistry) -> Result<VdrProvider, Problem> {
    Ok(VdrProvider {
        vdrp_id: text("ConsentDetail.VDRProvider.vdrpid", registry.vdrpid)?.into(),
        fiu_id: text("ConsentDetail.VDRProvider.fiuid", registry.fiuid)?.into(),
    })
}

fn filters_of(filters: Vec<AskedFilter>, rules: Rules) -> Result<Box<[Filter]>, Problem> {
    filters.into_iter().filter_map(|filter| filter_of(filter, rules).transpose()).collect()
}

/// A filter; an empty object is no filter.
fn filter_of(filter: AskedFilter, rules: Rules) -> Result<Option<Filter>, Problem> {
    const VALUE: &str = "ConsentDetail.DataFilter.value";
    if filter.r#type.is_none() && filter.operator.is_none() && filter.value.is_none() {
        return Ok(None);
    }
    let kind = text("ConsentDetail.DataFilter.type", filter.r#type)?;
    let operator = one_of("ConsentDetail.DataFilter.operator", filter.operator, Operator::parse, Operator::names)?;
    let (value, is_string) = match filter.value {
        Some(Value::String(value)) => (text(VALUE, Some(value))?, true),
        Some(Value::Number(value)) if rules.numeric_filters => (plain_number(&value), false),
        None | Some(Value::Null) => return Err(Problem::field(VALUE, "is missing")),
        Some(_) => return Err(Problem::field(VALUE, "is not a string; write it as \"20000\"")),
    };
    let on = match kind.as_str() {
        "TRANSACTIONAMOUNT" => FilterOn::Amount(Paise::parse(&value).ok_or_else(|| {
            Problem::field(VALUE, format!("{} is not an amount in rupees with at most two decimals", quoted(&value)))
        })?),
        "TRANSACTIONTYPE" => {
            FilterOn::Type(one_of(VALUE, Some(value.clone()), TransactionType::parse, TransactionType::names)?)
        }
        other => {
            let problem = format!("{} is not one of TRANSACTIONTYPE, TRANSACTIONAMOUNT", quoted(other));
            return Err(Problem::field("ConsentDetail.DataFilter.type", problem));
        }
    };
    Ok(Some(Filter { operator, on, value: value.into(), quoted: is_string }))
}

/// A number as JavaScript prints it: `20000`, not `20000.0`, so that our bodies survive a parse and a print.
fn plain_number(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => format!("{value:.0}"),
        _ => number.to_string(),
    }
}

/// `ConsentDetail` of an artefact (ReBIT AA API 2.0.0, `SignedConsentDetail`; the seed documents' `GET /consent/{id}`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stated<'a> {
    consent_start: Instant,
    consent_expiry: Instant,
    consent_mode: &'static str,
    fetch_type: &'static str,
    consent_types: Vec<&'static str>,
    fi_types: Vec<&'static str>,
    #[serde(rename = "DataConsumer")]
    data_consumer: Party<'a>,
    #[serde(rename = "DataProvider")]
    data_provider: Party<'a>,
    #[serde(rename = "Customer")]
    customer: CustomerId<'a>,
    #[serde(rename = "Accounts")]
    accounts: Vec<StatedAccount<'a>>,
    #[serde(rename = "Purpose")]
    purpose: StatedPurpose<'a>,
    #[serde(rename = "FIDataRange")]
    range: StatedRange,
    #[serde(rename = "DataLife")]
    data_life: Quantity,
    #[serde(rename = "Frequency")]
    frequency: Quantity,
    #[serde(rename = "DataFilter", skip_serializing_if = "Option::is_none")]
    data_filter: Option<Vec<StatedFilter<'a>>>,
    #[serde(rename = "VDRProvider", skip_serializing_if = "Option::is_none")]
    vdr_provider: Option<Registry<'a>>,
}

#[derive(Debug, Serialize)]
struct Party<'a> {
    id: &'a str,
    r#type: &'static str,
}

/// `Customer` of an answer.
#[derive(Debug, Serialize)]
pub struct CustomerId<'a> {
    pub id: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatedAccount<'a> {
    fi_type: &'static str,
    fip_id: &'a str,
    acc_type: &'static str,
    link_ref_number: &'a str,
    masked_acc_number: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatedPurpose<'a> {
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ref_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(rename = "Category", skip_serializing_if = "Option::is_none")]
    category: Option<Category<'a>>,
}

#[derive(Debug, Serialize)]
struct Category<'a> {
    r#type: &'a str,
}

#[derive(Debug, Serialize)]
struct StatedRange {
    from: Instant,
    to: Instant,
}

#[derive(Debug, Serialize)]
struct Quantity {
    unit: &'static str,
    value: u32,
}

#[derive(Debug, Serialize)]
struct StatedFilter<'a> {
    r#type: &'static str,
    operator: &'static str,
    value: FilterValue<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum FilterValue<'a> {
    Text(&'a str),
    Number(Number),
}

#[derive(Debug, Serialize)]
struct Registry<'a> {
    vdrpid: &'a str,
    fiuid: &'a str,
}

impl<'a> Stated<'a> {
    /// The FIU's artefact: it consumes, the AA provides, and all granted accounts are named
    /// (`reference/rebit.md` §3.2).
    pub fn new(consent: &'a Consent, aa: &'a Aa) -> Self {
        let Terms {
            start,
            expiry,
            mode,
            fetch_type,
            consent_types,
            fi_types,
            consumer,
            consumer_type,
            customer,
            purpose,
            range,
            data_life,
            frequency,
            filters,
            vdr_provider,
            txnid: _,
        } = &*consent.terms;
        Self {
            consent_start: Instant(*start),
            consent_expiry: Instant(*expiry),
            consent_mode: mode.as_str(),
            fetch_type: fetch_type.as_str(),
            consent_types: consent_types.iter().map(|part| part.as_str()).collect(),
            fi_types: fi_types.iter().map(|fi_type| fi_type.as_str()).collect(),
            data_consumer: Party { id: consumer, r#type: consumer_type.as_str() },
            data_provider: Party { id: &aa.id, r#type: "AA" },
            customer: CustomerId { id: customer },
            accounts: consent.grant.iter().flat_map(|grant| grant.accounts.iter()).map(StatedAccount::new).collect(),
            purpose: StatedPurpose {
                code: &purpose.code,
                ref_uri: purpose.ref_uri.as_deref(),
                text: purpose.text.as_deref(),
                category: purpose.category.as_deref().map(|r#type| Category { r#type }),
            },
            range: StatedRange { from: Instant(range.from), to: Instant(range.to) },
            data_life: Quantity { unit: data_life.0.as_str(), value: data_life.1 },
            frequency: Quantity { unit: frequency.0.as_str(), value: frequency.1 },
            data_filter: filters.as_ref().map(|filters| filters.iter().map(StatedFilter::new).collect()),
            vdr_provider: vdr_provider
                .as_ref()
                .map(|registry| Registry { vdrpid: &registry.vdrp_id, fiuid: &registry.fiu_id }),
        }
    }

    /// Compact JSON: the bytes that are signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers serialise")
    }
}

impl<'a> StatedAccount<'a> {
    fn new(account: &'a Account) -> Self {
        let Account { fi_type, fip, account_type, link_ref, masked_number } = account;
        Self {
            fi_type: fi_type.as_str(),
            fip_id: fip,
            acc_type: account_type.as_str(),
            link_ref_number: link_ref,
            masked_acc_number: masked_number,
        }
    }
}

impl<'a> StatedFilter<'a> {
    fn new(filter: &'a Filter) -> Self {
        let Filter { operator, on, value, quoted } = filter;
        let r#type = match on {
            FilterOn::Amount(_) => "TRANSACTIONAMOUNT",
            FilterOn::Type(_) => "TRANSACTIONTYPE",
        };
        let number = (!quoted).then(|| value.parse().ok()).flatten();
        Self {
            r#type,
            operator: operator.as_str(),
            value: number.map_or(FilterValue::Text(value), FilterValue::Number),
        }
    }
}

/// `Consent.use`: how often the consent was used (ReBIT AA API 2.0.0, `ConsentUse`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentUse {
    log_uri: String,
    count: u32,
    last_use_date_time: Instant,
}

impl ConsentUse {
    /// `Assumption:` the schema requires a last use even when there was none; it is then the consent's creation.
    pub fn new(consent: &Consent) -> Self {
        let grant = consent.grant.as_ref();
        Self {
            log_uri: format!("urn:mockaa:consent-log:{}", consent.handle),
            count: grant.map_or(0, |grant| grant.uses),
            last_use_date_time: Instant(grant.and_then(|grant| grant.last_used_at).unwrap_or(consent.created_at)),
        }
    }
}
