//! Owns the incoming `ConsentDetail`: parsing and validation of the terms that an FIU requests.
//!
//! The seed calls and all ReBIT versions share the shape; [`ValidationRules`] lists the differences
//! in required fields and business rules. Unaport reads its own fields and uses
//! [`parse_filter_json`] and [`check_terms`] of this module.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Number, Value};

use crate::domain::account::FiType;
use crate::domain::customer_address::{
    is_mobile_number, normalize_address, normalize_sent_address,
};
use crate::domain::money::Paise;
use crate::domain::naming::wire_enum;
use crate::domain::terms::{
    ConsentMode, ConsentType, ConsumerType, DataFilter, DataLifeUnit, FetchType, FilterCriterion,
    FilterOperator, FrequencyUnit, Purpose, Terms, TimeRange, TransactionType, VdrProvider,
};
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::domain::version::{MajorVersion, RebitVersion};
use crate::wire::api_error::ApiError;
use crate::wire::fields::{
    JsonObject, check_list_length, deserialize_object, deserialize_object_list, discard_blank,
    is_customer_address, parse_optional_text, require_count, require_enum, require_enum_list,
    require_text, require_timestamp,
};
use crate::wire::purpose::StandardPurpose;

/// The `ConsentDetail` of a request, not yet validated.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsentDetailRequest {
    consent_start: Option<String>,
    consent_expiry: Option<String>,
    consent_mode: Option<String>,
    fetch_type: Option<String>,
    consent_types: Option<Vec<String>>,
    fi_types: Option<Vec<String>>,
    #[serde(
        rename = "DataConsumer",
        default,
        deserialize_with = "deserialize_object"
    )]
    data_consumer: Option<UncheckedConsumer>,
    #[serde(rename = "Customer", default, deserialize_with = "deserialize_object")]
    customer: Option<UncheckedCustomer>,
    #[serde(rename = "Purpose", default, deserialize_with = "deserialize_object")]
    purpose: Option<UncheckedPurpose>,
    #[serde(
        rename = "FIDataRange",
        default,
        deserialize_with = "deserialize_object"
    )]
    range: Option<UncheckedRange>,
    #[serde(rename = "DataLife", default, deserialize_with = "deserialize_object")]
    data_life: Option<UncheckedQuantity>,
    #[serde(rename = "Frequency", default, deserialize_with = "deserialize_object")]
    frequency: Option<UncheckedQuantity>,
    #[serde(
        rename = "DataFilter",
        default,
        deserialize_with = "deserialize_object_list"
    )]
    data_filter: Option<Vec<UncheckedFilter>>,
    #[serde(
        rename = "VDRProvider",
        default,
        deserialize_with = "deserialize_object"
    )]
    vdr_provider: Option<UncheckedVdrProvider>,
}

#[derive(Debug, Default, Deserialize)]
struct UncheckedConsumer {
    id: Option<String>,
    r#type: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct UncheckedCustomer {
    id: Option<String>,
    #[serde(
        rename = "Identifiers",
        default,
        deserialize_with = "deserialize_object_list"
    )]
    identifiers: Option<Vec<UncheckedIdentifier>>,
}

#[derive(Debug, Deserialize)]
struct UncheckedIdentifier {
    r#type: Option<String>,
    value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UncheckedPurpose {
    code: Option<String>,
    ref_uri: Option<String>,
    text: Option<String>,
    #[serde(rename = "Category", default, deserialize_with = "deserialize_object")]
    category: Option<UncheckedCategory>,
}

#[derive(Debug, Deserialize)]
struct UncheckedCategory {
    r#type: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct UncheckedRange {
    from: Option<String>,
    to: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct UncheckedQuantity {
    unit: Option<String>,
    value: Option<Number>,
}

#[derive(Debug, Deserialize)]
struct UncheckedFilter {
    r#type: Option<String>,
    operator: Option<String>,
    value: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct UncheckedVdrProvider {
    vdrpid: Option<String>,
    fiuid: Option<String>,
}

impl UncheckedVdrProvider {
    /// Returns whether the object is `{}`, which counts as absent.
    fn is_empty(&self) -> bool {
        self.vdrpid.is_none() && self.fiuid.is_none()
    }
}

/// The validation rules that depend on the protocol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValidationRules {
    /// The version whose schema and business rules apply. `None` for the seed calls, which have
    /// hardly any.
    pub rebit_version: Option<RebitVersion>,
    /// The replacement of `{{current_timestamp}}`; `None` where the protocol does not support it.
    pub current_timestamp: Option<Timestamp>,
}

/// The Postman variable in the sample of the seed documents. It is accepted so that the sample
/// works as printed, and means the world's current time.
const CURRENT_TIMESTAMP: &str = "{{current_timestamp}}";

impl ValidationRules {
    /// Returns the rules of a ReBIT version.
    pub(crate) fn for_version(version: RebitVersion) -> Self {
        Self {
            rebit_version: Some(version),
            current_timestamp: None,
        }
    }

    /// Returns whether ReBIT 2.x applies, where `DataConsumer.type` is required and `Customer.id`
    /// is optional.
    fn is_generation_two(self) -> bool {
        self.rebit_version
            .is_some_and(|version| version.major_version() == MajorVersion::V2)
    }

    /// Parses a required date-time of the request.
    pub(crate) fn require_timestamp(
        self,
        field: &'static str,
        value: Option<String>,
    ) -> Result<Timestamp, ApiError> {
        match self.current_timestamp {
            Some(now) if value.as_deref() == Some(CURRENT_TIMESTAMP) => Ok(now),
            _ => require_timestamp(field, value),
        }
    }
}

impl ConsentDetailRequest {
    /// Validates the detail and returns its terms. `aa_handle` completes the address of a customer
    /// who is identified by mobile number only.
    pub(crate) fn into_terms(
        self,
        txnid: String,
        rules: ValidationRules,
        aa_handle: &str,
    ) -> Result<Terms, ApiError> {
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
        let start = rules.require_timestamp("ConsentDetail.consentStart", consent_start)?;
        let expiry = rules.require_timestamp("ConsentDetail.consentExpiry", consent_expiry)?;
        let consumer = data_consumer.unwrap_or_default();
        let range = range.unwrap_or_default();
        let data_life = data_life.unwrap_or_default();
        let frequency = frequency.unwrap_or_default();
        let field = "ConsentDetail.consentMode";
        let mode = require_enum(
            field,
            consent_mode,
            ConsentMode::parse,
            ConsentMode::accepted_names,
        )?;
        let fetch_type = require_enum(
            "ConsentDetail.fetchType",
            fetch_type,
            FetchType::parse,
            FetchType::accepted_names,
        )?;
        let field = "ConsentDetail.consentTypes";
        let consent_types = require_enum_list(
            field,
            consent_types,
            ConsentType::parse,
            ConsentType::accepted_names,
        )?;
        let fi_types = require_enum_list(
            "ConsentDetail.fiTypes",
            fi_types,
            FiType::parse_any_name,
            FiType::accepted_names,
        )?;
        if let Some((version, unsupported)) = rules.rebit_version.and_then(|version| {
            let unsupported = fi_types.iter().find(|fi_type| {
                !version.supports_fi_type(**fi_type) && !version.tolerates_fi_type(**fi_type)
            });
            unsupported.map(|unsupported| (version, unsupported))
        }) {
            return Err(unsupported_fi_type(*unsupported, version));
        }
        let consumer_id = require_text("ConsentDetail.DataConsumer.id", consumer.id)?;
        let consumer_type = match discard_blank(consumer.r#type) {
            None if !rules.is_generation_two() => ConsumerType::Fiu,
            consumer_type => require_enum(
                "ConsentDetail.DataConsumer.type",
                consumer_type,
                ConsumerType::parse,
                ConsumerType::accepted_names,
            )?,
        };
        let customer = resolve_customer_address(customer.unwrap_or_default(), rules, aa_handle)?;
        let (customer, sent_customer) = normalize_sent_address(customer);
        let purpose = parse_purpose(purpose.unwrap_or_default())?;
        let range = TimeRange {
            from: rules.require_timestamp("ConsentDetail.FIDataRange.from", range.from)?,
            to: rules.require_timestamp("ConsentDetail.FIDataRange.to", range.to)?,
        };
        let data_life = (
            require_enum(
                "ConsentDetail.DataLife.unit",
                data_life.unit,
                DataLifeUnit::parse,
                DataLifeUnit::accepted_names,
            )?,
            require_count("ConsentDetail.DataLife.value", data_life.value)?,
        );
        let frequency = (
            require_enum(
                "ConsentDetail.Frequency.unit",
                frequency.unit,
                FrequencyUnit::parse,
                FrequencyUnit::accepted_names,
            )?,
            require_count("ConsentDetail.Frequency.value", frequency.value)?,
        );
        check_list_length(
            "ConsentDetail.DataFilter",
            data_filter.as_deref().unwrap_or_default(),
        )?;
        let filters = data_filter
            .map(|filters| parse_filters(filters, rules))
            .transpose()?;
        let vdr_provider =
            vdr_provider.filter(|provider| rules.rebit_version.is_none() && !provider.is_empty());
        let vdr_provider = vdr_provider.map(parse_vdr_provider).transpose()?;
        let terms = Terms {
            start,
            expiry,
            mode,
            fetch_type,
            consent_types: consent_types.into(),
            fi_types: fi_types.into(),
            consumer: consumer_id.into(),
            consumer_type,
            customer,
            sent_customer,
            purpose: Arc::new(purpose),
            range,
            data_life,
            frequency,
            filters,
            vdr_provider: vdr_provider.map(Arc::new),
            txnid: txnid.into(),
        };
        check_consistency(&terms, aa_handle)?;
        if rules.rebit_version.is_some() {
            check_business_rules(&terms)?;
        }
        Ok(terms)
    }
}

wire_enum! {
    /// The kinds of customer identifiers (ReBIT AA API 2.0.0, `Customer.Identifiers.type`).
    IdentifierType { Mobile = "MOBILE", Email = "EMAIL", Others = "OTHERS" }
}

/// Returns the customer's address. In 2.x it is optional and then built from the mobile number
/// (ReBIT AA API 2.0.0, `Customer.Identifiers`).
fn resolve_customer_address(
    customer: UncheckedCustomer,
    rules: ValidationRules,
    aa_handle: &str,
) -> Result<String, ApiError> {
    const TYPE: &str = "ConsentDetail.Customer.Identifiers.type";
    let UncheckedCustomer { id, identifiers } = customer;
    check_list_length(
        "ConsentDetail.Customer.Identifiers",
        identifiers.as_deref().unwrap_or_default(),
    )?;
    let mut mobile = None;
    for identifier in identifiers.unwrap_or_default() {
        // The seed calls ignore identifiers that they do not need.
        let is_ignored = rules.rebit_version.is_none()
            && identifier.r#type.as_deref() != Some(IdentifierType::Mobile.as_str());
        if is_ignored {
            continue;
        }
        let kind = require_enum(
            TYPE,
            identifier.r#type,
            IdentifierType::parse,
            IdentifierType::accepted_names,
        )?;
        let value = require_text("ConsentDetail.Customer.Identifiers.value", identifier.value)?;
        if kind == IdentifierType::Mobile {
            if !is_mobile_number(&value) {
                return Err(ApiError::InvalidCustomerAddress(format!(
                    "{} in Identifiers is not a mobile number, such as 9999999999",
                    quote_value(&value)
                )));
            }
            mobile.get_or_insert(value);
        }
    }
    if let Some(id) = parse_optional_text("ConsentDetail.Customer.id", id)? {
        return Ok(id);
    }
    let accepts_mobile = rules.rebit_version.is_none() || rules.is_generation_two();
    match mobile.filter(|_| accepts_mobile) {
        Some(mobile) => Ok(format!("{}@{aa_handle}", normalize_address(&mobile))),
        None => Err(ApiError::invalid_field(
            "ConsentDetail.Customer.id",
            "is missing, and no Identifiers entry of type MOBILE replaces it",
        )),
    }
}

/// Checks the constraints between fields, which hold in every protocol.
fn check_consistency(terms: &Terms, aa_handle: &str) -> Result<(), ApiError> {
    let Terms {
        start,
        expiry,
        range,
        ..
    } = terms;
    if start >= expiry {
        let message = format!("{expiry} is not after consentStart, {start}");
        return Err(ApiError::invalid_field(
            "ConsentDetail.consentExpiry",
            message,
        ));
    }
    if range.from > range.to {
        let message = format!("{} is before FIDataRange.from, {}", range.to, range.from);
        return Err(ApiError::invalid_field(
            "ConsentDetail.FIDataRange.to",
            message,
        ));
    }
    let customer = terms.customer_as_sent();
    if !is_customer_address(customer) {
        let message = format!(
            "{} is not an address of the form name@{aa_handle}",
            quote_value(customer)
        );
        return Err(ApiError::InvalidCustomerAddress(message));
    }
    Ok(())
}

/// Checks the business rules that hold in every mode: Frequency, and the purpose code
/// (certification cases AA_1010 and AA_1013; `docs/sources.md#certification-cases`).
fn check_business_rules(terms: &Terms) -> Result<(), ApiError> {
    if terms.frequency.1 == 0 {
        return Err(ApiError::invalid_field(
            "ConsentDetail.Frequency.value",
            "is 0; it must be at least 1",
        ));
    }
    if StandardPurpose::find_by_code(&terms.purpose.code).is_some() {
        return Ok(());
    }
    let codes: Vec<_> = StandardPurpose::ALL
        .iter()
        .map(|purpose| purpose.code)
        .collect();
    Err(ApiError::InvalidPurpose(format!(
        "code {} is not one of {}",
        quote_value(&terms.purpose.code),
        codes.join(", ")
    )))
}

fn unsupported_fi_type(fi_type: FiType, version: RebitVersion) -> ApiError {
    ApiError::invalid_field(
        "ConsentDetail.fiTypes",
        format!("{fi_type} is not defined in version {version}"),
    )
}

/// Returns the FI types of terms that the version does not have, as errors.
pub(crate) fn list_unsupported_fi_types(terms: &Terms, version: RebitVersion) -> Vec<ApiError> {
    let fi_types = terms.fi_types.iter();
    fi_types
        .filter(|fi_type| !version.supports_fi_type(**fi_type))
        .map(|fi_type| unsupported_fi_type(*fi_type, version))
        .collect()
}

/// Returns the deviations of terms that strict mode rejects and the other modes note.
pub(crate) fn list_term_deviations(terms: &Terms) -> Vec<ApiError> {
    let mut deviations = list_guideline_deviations(terms);
    deviations.extend(list_filter_deviations(
        terms.filters.as_deref().unwrap_or_default(),
    ));
    deviations
}

/// Returns the errors of filters whose operator orders the types of transactions.
///
/// `Assumption:` ReBIT AA API 2.0.0, `DataFilter`, has one list of operators for both types. Strict
/// mode rejects those that mean nothing for a type, the other modes note them.
pub(crate) fn list_filter_deviations(filters: &[DataFilter]) -> Vec<ApiError> {
    let deviations = filters.iter().filter(|filter| {
        matches!(filter.criterion, FilterCriterion::Type(_))
            && !matches!(
                filter.operator,
                FilterOperator::Equal | FilterOperator::NotEqual
            )
    });
    deviations
        .map(|filter| {
            let message = format!(
                "{} has no meaning for TRANSACTIONTYPE; use = or !=",
                filter.operator
            );
            ApiError::invalid_field("ConsentDetail.DataFilter.operator", message)
        })
        .collect()
}

/// Returns the deviations from rules that only the certification has: DataLife against
/// `consentMode`, and the address of the purpose (cases AA_1010 and AA_1012; general guidelines,
/// rule 5; `docs/sources.md#certification-cases`).
///
/// `Assumption:` strict mode rejects them, the other modes note them: hosted sandboxes accept them.
fn list_guideline_deviations(terms: &Terms) -> Vec<ApiError> {
    let Terms {
        mode,
        data_life,
        purpose,
        ..
    } = terms;
    let data_life_error = match (*mode, *data_life) {
        (_, (DataLifeUnit::Inf, value)) if value != 0 => {
            Some(format!("is {value}; it must be 0 with unit INF"))
        }
        (ConsentMode::Store, (unit, 0)) if unit != DataLifeUnit::Inf => Some(format!(
            "is 0; it must be at least 1 {unit} with consentMode STORE"
        )),
        (ConsentMode::View | ConsentMode::Query | ConsentMode::Stream, (_, value))
            if value != 0 =>
        {
            Some(format!("is {value}; it must be 0 with consentMode {mode}"))
        }
        _ => None,
    };
    let data_life_error = data_life_error
        .map(|message| ApiError::invalid_field("ConsentDetail.DataLife.value", message));
    let expected = StandardPurpose::find_by_code(&purpose.code).map(|standard| standard.ref_uri);
    let ref_uri_error = expected.zip(purpose.ref_uri.as_deref());
    let ref_uri_error = ref_uri_error
        .filter(|(expected, ref_uri)| ref_uri != expected)
        .map(|(expected, ref_uri)| {
            ApiError::InvalidPurpose(format!("refUri {} is not {expected}", quote_value(ref_uri)))
        });
    data_life_error.into_iter().chain(ref_uri_error).collect()
}

fn parse_purpose(purpose: UncheckedPurpose) -> Result<Purpose, ApiError> {
    let UncheckedPurpose {
        code,
        ref_uri,
        text: purpose_text,
        category,
    } = purpose;
    Ok(Purpose {
        code: require_text("ConsentDetail.Purpose.code", code)?.into(),
        ref_uri: parse_optional_text("ConsentDetail.Purpose.refUri", ref_uri)?.map(Into::into),
        text: parse_optional_text("ConsentDetail.Purpose.text", purpose_text)?.map(Into::into),
        category: parse_optional_text(
            "ConsentDetail.Purpose.Category.type",
            category.and_then(|category| category.r#type),
        )?
        .map(Into::into),
    })
}

fn parse_vdr_provider(provider: UncheckedVdrProvider) -> Result<VdrProvider, ApiError> {
    Ok(VdrProvider {
        vdrp_id: require_text("ConsentDetail.VDRProvider.vdrpid", provider.vdrpid)?.into(),
        fiu_id: require_text("ConsentDetail.VDRProvider.fiuid", provider.fiuid)?.into(),
    })
}

/// Parses a `DataFilter` of Unaport by ReBIT's rules; `None` if it is absent.
pub(crate) fn parse_filter_json(
    value: Option<&Value>,
) -> Result<Option<Arc<[DataFilter]>>, ApiError> {
    let Some(value) = value else { return Ok(None) };
    let unchecked: Vec<JsonObject<UncheckedFilter>> = serde_json::from_value(value.clone())
        .map_err(|error| {
            ApiError::invalid_field(
                "ConsentDetail.DataFilter",
                format!("cannot be read: {error}"),
            )
        })?;
    check_list_length("ConsentDetail.DataFilter", &unchecked)?;
    let unchecked = unchecked
        .into_iter()
        .map(|JsonObject(filter)| filter)
        .collect();
    parse_filters(
        unchecked,
        ValidationRules::for_version(RebitVersion::V2_0_0),
    )
    .map(Some)
}

/// Checks ReBIT's constraints and business rules for terms that Unaport's requests state.
pub(crate) fn check_terms(terms: &Terms, aa_handle: &str) -> Result<(), ApiError> {
    check_consistency(terms, aa_handle)?;
    check_business_rules(terms)
}

fn parse_filters(
    filters: Vec<UncheckedFilter>,
    rules: ValidationRules,
) -> Result<Arc<[DataFilter]>, ApiError> {
    filters
        .into_iter()
        .filter_map(|filter| parse_filter(filter, rules).transpose())
        .collect()
}

/// Parses a filter. An empty object counts as absent.
fn parse_filter(
    filter: UncheckedFilter,
    rules: ValidationRules,
) -> Result<Option<DataFilter>, ApiError> {
    const VALUE: &str = "ConsentDetail.DataFilter.value";
    if filter.r#type.is_none() && filter.operator.is_none() && filter.value.is_none() {
        return Ok(None);
    }
    let kind = require_text("ConsentDetail.DataFilter.type", filter.r#type)?;
    let operator = require_enum(
        "ConsentDetail.DataFilter.operator",
        filter.operator,
        FilterOperator::parse,
        FilterOperator::accepted_names,
    )?;
    let (value, is_string) = match filter.value {
        Some(Value::String(value)) => (require_text(VALUE, Some(value))?, true),
        // The example of ReBIT AA API 1.1.2 has a number, as that of the seed documents.
        Some(Value::Number(value)) if !rules.is_generation_two() => {
            (format_js_number(&value), false)
        }
        None | Some(Value::Null) => return Err(ApiError::invalid_field(VALUE, "is missing")),
        Some(_) => {
            return Err(ApiError::invalid_field(
                VALUE,
                "is not a string; write it as \"20000\"",
            ));
        }
    };
    let criterion = match kind.as_str() {
        "TRANSACTIONAMOUNT" => FilterCriterion::Amount(Paise::parse(&value).ok_or_else(|| {
            ApiError::invalid_field(
                VALUE,
                format!(
                    "{} is not an amount in rupees with at most two decimals",
                    quote_value(&value)
                ),
            )
        })?),
        "TRANSACTIONTYPE" => FilterCriterion::Type(require_enum(
            VALUE,
            Some(value.clone()),
            TransactionType::parse,
            TransactionType::accepted_names,
        )?),
        other => {
            let message = format!(
                "{} is not one of TRANSACTIONTYPE, TRANSACTIONAMOUNT",
                quote_value(other)
            );
            return Err(ApiError::invalid_field(
                "ConsentDetail.DataFilter.type",
                message,
            ));
        }
    };
    Ok(Some(DataFilter {
        operator,
        criterion,
        value: value.into(),
        is_json_string: is_string,
    }))
}

/// Formats a number as JavaScript does, `20000` and not `20000.0`, so that a client's parse and
/// print of our bodies changes nothing.
fn format_js_number(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => format!("{value:.0}"),
        _ => number.to_string(),
    }
}
