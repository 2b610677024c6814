//! `ConsentDetail` as an FIU asks for it. The seed calls and all ReBIT versions share the shape; what differs between
//! them is which fields must be there and which rules hold ([`Rules`]).

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Number, Value};

use crate::domain::account::FiType;
use crate::domain::consent::{
    ConsentType, ConsumerType, DataLifeUnit, FetchType, Filter, FilterOn, FrequencyUnit, Mode,
    Operator, Purpose, Range, Terms, TransactionType, VdrProvider,
};
use crate::domain::money::Paise;
use crate::domain::naming::named;
use crate::domain::time::Timestamp;
use crate::domain::version::{Generation, Version};
use crate::wire::fields::{
    Object, bounded_list, count, instant, is_address, list_of, object, objects, one_of, optional,
    optional_text, quoted, text,
};
use crate::wire::problem::Problem;
use crate::wire::purpose::StandardPurpose;

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
    /// The version whose rules of form and business hold; `None`: the seed calls, which have hardly any.
    pub rebit: Option<Version>,
    /// What stands for `{{current_timestamp}}`, where the dialect knows it.
    pub current_timestamp: Option<Timestamp>,
}

/// The seed documents print their sample with this Postman variable. Whoever pastes it as printed gets the world's
/// now.
const CURRENT_TIMESTAMP: &str = "{{current_timestamp}}";

impl Rules {
    pub fn rebit(version: Version) -> Self {
        Self {
            rebit: Some(version),
            current_timestamp: None,
        }
    }

    /// `DataConsumer.type` must be there, `Customer.id` need not (ReBIT from 2.0.0 on).
    fn is_two(self) -> bool {
        self.rebit
            .is_some_and(|version| version.generation() == Generation::Two)
    }

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
    pub fn into_terms(
        self,
        txnid: String,
        rules: Rules,
        aa_handle: &str,
    ) -> Result<Terms, Problem> {
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
        let consumer = data_consumer.unwrap_or_default();
        let range = range.unwrap_or_default();
        let data_life = data_life.unwrap_or_default();
        let frequency = frequency.unwrap_or_default();
        let field = "ConsentDetail.consentMode";
        let mode = one_of(field, consent_mode, Mode::parse, Mode::names)?;
        let fetch_type = one_of(
            "ConsentDetail.fetchType",
            fetch_type,
            FetchType::parse,
            FetchType::names,
        )?;
        let field = "ConsentDetail.consentTypes";
        let consent_types = list_of(field, consent_types, ConsentType::parse, ConsentType::names)?;
        let fi_types = list_of(
            "ConsentDetail.fiTypes",
            fi_types,
            FiType::parse,
            FiType::names,
        )?;
        if let Some((version, unknown)) = rules.rebit.and_then(|version| {
            let unknown = fi_types.iter().find(|fi_type| !version.knows(**fi_type));
            unknown.map(|unknown| (version, unknown))
        }) {
            return Err(Problem::field(
                "ConsentDetail.fiTypes",
                format!("{unknown} is not known to version {version}"),
            ));
        }
        let consumer_id = text("ConsentDetail.DataConsumer.id", consumer.id)?;
        let consumer_type = match optional(consumer.r#type) {
            None if !rules.is_two() => ConsumerType::Fiu,
            given => one_of(
                "ConsentDetail.DataConsumer.type",
                given,
                ConsumerType::parse,
                ConsumerType::names,
            )?,
        };
        let customer = customer_of(customer.unwrap_or_default(), rules, aa_handle)?;
        let purpose = purpose_of(purpose.unwrap_or_default())?;
        let range = Range {
            from: rules.instant("ConsentDetail.FIDataRange.from", range.from)?,
            to: rules.instant("ConsentDetail.FIDataRange.to", range.to)?,
        };
        let data_life = (
            one_of(
                "ConsentDetail.DataLife.unit",
                data_life.unit,
                DataLifeUnit::parse,
                DataLifeUnit::names,
            )?,
            count("ConsentDetail.DataLife.value", data_life.value)?,
        );
        let frequency = (
            one_of(
                "ConsentDetail.Frequency.unit",
                frequency.unit,
                FrequencyUnit::parse,
                FrequencyUnit::names,
            )?,
            count("ConsentDetail.Frequency.value", frequency.value)?,
        );
        bounded_list(
            "ConsentDetail.DataFilter",
            data_filter.as_deref().unwrap_or_default(),
        )?;
        let filters = data_filter
            .map(|filters| filters_of(filters, rules))
            .transpose()?;
        let vdr_provider =
            vdr_provider.filter(|registry| rules.rebit.is_none() && !registry.is_empty());
        let vdr_provider = vdr_provider.map(registry_of).transpose()?;
        let terms = Terms {
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
        };
        consistent(&terms, aa_handle)?;
        if rules.rebit.is_some() {
            permitted(&terms)?;
        }
        Ok(terms)
    }
}

named! {
    /// By what a customer may be named (ReBIT AA API 2.0.0, `Customer.Identifiers.type`).
    IdentifierType { Mobile = "MOBILE", Email = "EMAIL", Others = "OTHERS" }
}

/// The customer's address; in 2.x it may be missing and is then made from the mobile number
/// (ReBIT AA API 2.0.0, `Customer.Identifiers`).
fn customer_of(customer: AskedCustomer, rules: Rules, aa_handle: &str) -> Result<String, Problem> {
    const TYPE: &str = "ConsentDetail.Customer.Identifiers.type";
    let AskedCustomer { id, identifiers } = customer;
    bounded_list(
        "ConsentDetail.Customer.Identifiers",
        identifiers.as_deref().unwrap_or_default(),
    )?;
    let mut mobile = None;
    for identifier in identifiers.unwrap_or_default() {
        // The seed calls do not look at what they do not need.
        let lax = rules.rebit.is_none()
            && identifier.r#type.as_deref() != Some(IdentifierType::Mobile.as_str());
        if lax {
            continue;
        }
        let kind = one_of(
            TYPE,
            identifier.r#type,
            IdentifierType::parse,
            IdentifierType::names,
        )?;
        let value = text("ConsentDetail.Customer.Identifiers.value", identifier.value)?;
        if kind == IdentifierType::Mobile {
            mobile.get_or_insert(value);
        }
    }
    let by_mobile = || mobile.filter(|_| rules.rebit.is_none() || rules.is_two());
    optional_text("ConsentDetail.Customer.id", id)?
        .or_else(|| by_mobile().map(|mobile| format!("{mobile}@{aa_handle}")))
        .ok_or_else(|| {
            let problem = "is missing, and no Identifiers of type MOBILE stands in for it";
            Problem::field("ConsentDetail.Customer.id", problem)
        })
}

/// What must hold between the fields, in every dialect.
fn consistent(terms: &Terms, aa_handle: &str) -> Result<(), Problem> {
    let Terms {
        start,
        expiry,
        range,
        customer,
        ..
    } = terms;
    if start >= expiry {
        let problem = format!("{expiry} is not after consentStart, {start}");
        return Err(Problem::field("ConsentDetail.consentExpiry", problem));
    }
    if range.from > range.to {
        let problem = format!("{} is before FIDataRange.from, {}", range.to, range.from);
        return Err(Problem::field("ConsentDetail.FIDataRange.to", problem));
    }
    if !is_address(customer) {
        let problem = format!(
            "{} is not an address of the form name@{aa_handle}",
            quoted(customer)
        );
        return Err(Problem::CustomerAddress(problem));
    }
    Ok(())
}

/// ReBIT's rules of business (certification cases AA_1010, AA_1012, AA_1013; certification framework, general
/// guidelines, rule 5).
fn permitted(terms: &Terms) -> Result<(), Problem> {
    let Terms {
        mode,
        data_life,
        frequency,
        purpose,
        ..
    } = terms;
    let life = |problem: String| Err(Problem::field("ConsentDetail.DataLife.value", problem));
    match (*mode, *data_life) {
        (_, (DataLifeUnit::Inf, value)) if value != 0 => {
            return life(format!("is {value}; with unit INF it has to be 0"));
        }
        (Mode::Store, (unit, 0)) if unit != DataLifeUnit::Inf => {
            return life(format!("is 0; consentMode STORE needs at least 1 {unit}"));
        }
        (Mode::View | Mode::Query | Mode::Stream, (_, value)) if value != 0 => {
            return life(format!(
                "is {value}; it has to be 0 unless consentMode is STORE, and it is {mode}"
            ));
        }
        _ => {}
    }
    if frequency.1 == 0 {
        return Err(Problem::field(
            "ConsentDetail.Frequency.value",
            "is 0; it has to be at least 1",
        ));
    }
    let Some(standard) = StandardPurpose::of(&purpose.code) else {
        let codes: Vec<_> = StandardPurpose::ALL
            .iter()
            .map(|purpose| purpose.code)
            .collect();
        return Err(Problem::Purpose(format!(
            "code {} is not one of {}",
            quoted(&purpose.code),
            codes.join(", ")
        )));
    };
    let expected = standard.ref_uri;
    match purpose
        .ref_uri
        .as_deref()
        .filter(|ref_uri| *ref_uri != expected)
    {
        Some(ref_uri) => Err(Problem::Purpose(format!(
            "refUri {} is not {expected}",
            quoted(ref_uri)
        ))),
        None => Ok(()),
    }
}

fn purpose_of(purpose: AskedPurpose) -> Result<Purpose, Problem> {
    let AskedPurpose {
        code,
        ref_uri,
        text: words,
        category,
    } = purpose;
    Ok(Purpose {
        code: text("ConsentDetail.Purpose.code", code)?.into(),
        ref_uri: optional_text("ConsentDetail.Purpose.refUri", ref_uri)?.map(Into::into),
        text: optional_text("ConsentDetail.Purpose.text", words)?.map(Into::into),
        category: optional_text(
            "ConsentDetail.Purpose.Category.type",
            category.and_then(|category| category.r#type),
        )?
        .map(Into::into),
    })
}

fn registry_of(registry: AskedRegistry) -> Result<VdrProvider, Problem> {
    Ok(VdrProvider {
        vdrp_id: text("ConsentDetail.VDRProvider.vdrpid", registry.vdrpid)?.into(),
        fiu_id: text("ConsentDetail.VDRProvider.fiuid", registry.fiuid)?.into(),
    })
}

/// The filters of a `DataFilter` that is read elsewhere, by ReBIT's rules.
pub fn filters(value: Option<&Value>) -> Result<Option<Box<[Filter]>>, Problem> {
    let Some(value) = value else { return Ok(None) };
    let asked: Vec<Object<AskedFilter>> =
        serde_json::from_value(value.clone()).map_err(|error| {
            Problem::field(
                "ConsentDetail.DataFilter",
                format!("cannot be read: {error}"),
            )
        })?;
    bounded_list("ConsentDetail.DataFilter", &asked)?;
    let asked = asked.into_iter().map(|Object(filter)| filter).collect();
    filters_of(asked, Rules::rebit(Version::V2_0_0)).map(Some)
}

/// ReBIT's rules for terms that were read elsewhere.
pub fn check(terms: &Terms, aa_handle: &str) -> Result<(), Problem> {
    consistent(terms, aa_handle)?;
    permitted(terms)
}

fn filters_of(filters: Vec<AskedFilter>, rules: Rules) -> Result<Box<[Filter]>, Problem> {
    filters
        .into_iter()
        .filter_map(|filter| filter_of(filter, rules).transpose())
        .collect()
}

/// A filter; an empty object is no filter.
fn filter_of(filter: AskedFilter, rules: Rules) -> Result<Option<Filter>, Problem> {
    const VALUE: &str = "ConsentDetail.DataFilter.value";
    if filter.r#type.is_none() && filter.operator.is_none() && filter.value.is_none() {
        return Ok(None);
    }
    let kind = text("ConsentDetail.DataFilter.type", filter.r#type)?;
    let operator = one_of(
        "ConsentDetail.DataFilter.operator",
        filter.operator,
        Operator::parse,
        Operator::names,
    )?;
    let (value, is_string) = match filter.value {
        Some(Value::String(value)) => (text(VALUE, Some(value))?, true),
        Some(Value::Number(value)) if rules.rebit.is_none() => (plain_number(&value), false),
        None | Some(Value::Null) => return Err(Problem::field(VALUE, "is missing")),
        Some(_) => {
            return Err(Problem::field(
                VALUE,
                "is not a string; write it as \"20000\"",
            ));
        }
    };
    let on = match kind.as_str() {
        "TRANSACTIONAMOUNT" => FilterOn::Amount(Paise::parse(&value).ok_or_else(|| {
            Problem::field(
                VALUE,
                format!(
                    "{} is not an amount in rupees with at most two decimals",
                    quoted(&value)
                ),
            )
        })?),
        "TRANSACTIONTYPE" => FilterOn::Type(one_of(
            VALUE,
            Some(value.clone()),
            TransactionType::parse,
            TransactionType::names,
        )?),
        other => {
            let problem = format!(
                "{} is not one of TRANSACTIONTYPE, TRANSACTIONAMOUNT",
                quoted(other)
            );
            return Err(Problem::field("ConsentDetail.DataFilter.type", problem));
        }
    };
    Ok(Some(Filter {
        operator,
        on,
        value: value.into(),
        quoted: is_string,
    }))
}

/// A number as JavaScript prints it: `20000`, not `20000.0`, so that our bodies survive a parse and a print.
fn plain_number(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => format!("{value:.0}"),
        _ => number.to_string(),
    }
}
