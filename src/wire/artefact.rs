//! Owns the outgoing `ConsentDetail`: that of an artefact, for the FIU and for each FIP, and the
//! terms of a request that Unaport's records and templates show. Leaves parsing to
//! `consent_detail`.

use serde::Serialize;
use serde_json::Number;

use crate::domain::account::Account;
use crate::domain::consent::{Api, Consent};
use crate::domain::participants::Aa;
use crate::domain::terms::{DataFilter, Terms};
use crate::wire::fields::IsoTimestamp;
use crate::wire::purpose::StandardPurpose;

/// The `ConsentDetail` of an artefact or of a request (ReBIT AA API 2.0.0, `SignedConsentDetail`;
/// the seed documents' `GET /consent/{id}`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentDetail<'a> {
    consent_start: IsoTimestamp,
    consent_expiry: IsoTimestamp,
    consent_mode: &'static str,
    fetch_type: &'static str,
    consent_types: Vec<&'static str>,
    fi_types: Vec<&'static str>,
    #[serde(rename = "DataConsumer")]
    data_consumer: Party<'a>,
    #[serde(rename = "DataProvider", skip_serializing_if = "Option::is_none")]
    data_provider: Option<Party<'a>>,
    #[serde(rename = "Customer")]
    customer: CustomerId<'a>,
    #[serde(rename = "Accounts", skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<ConsentAccount<'a>>>,
    #[serde(rename = "Purpose")]
    purpose: ConsentPurpose<'a>,
    #[serde(rename = "FIDataRange")]
    range: DataRange,
    #[serde(rename = "DataLife")]
    data_life: Quantity,
    #[serde(rename = "Frequency")]
    frequency: Quantity,
    #[serde(rename = "DataFilter", skip_serializing_if = "Option::is_none")]
    data_filter: Option<Vec<ConsentFilter<'a>>>,
    #[serde(rename = "VDRProvider", skip_serializing_if = "Option::is_none")]
    vdr_provider: Option<VdrProvider<'a>>,
}

#[derive(Debug, Serialize)]
struct Party<'a> {
    id: &'a str,
    r#type: &'static str,
}

/// The `Customer` of a response.
#[derive(Debug, Serialize)]
pub(crate) struct CustomerId<'a> {
    pub id: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConsentAccount<'a> {
    fi_type: &'static str,
    fip_id: &'a str,
    acc_type: &'static str,
    link_ref_number: &'a str,
    masked_acc_number: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConsentPurpose<'a> {
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
struct DataRange {
    from: IsoTimestamp,
    to: IsoTimestamp,
}

#[derive(Debug, Serialize)]
struct Quantity {
    unit: &'static str,
    value: u32,
}

#[derive(Debug, Serialize)]
struct ConsentFilter<'a> {
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
struct VdrProvider<'a> {
    vdrpid: &'a str,
    fiuid: &'a str,
}

impl<'a> ConsentDetail<'a> {
    /// Returns the detail of a FIP's artefact: the AA is the consumer, the FIP the provider, and
    /// only the FIP's accounts are listed (ReBIT AA API 2.0.0, `SignedConsentDetail`;
    /// `docs/sources.md#consent-artefact-states`).
    pub fn for_fip(consent: &'a Consent, aa: &'a Aa, fip: &'a str) -> Self {
        let mut detail = Self::new(consent, aa);
        detail.data_consumer = Party {
            id: &aa.id,
            r#type: "AA",
        };
        detail.data_provider = Some(Party {
            id: fip,
            r#type: "FIP",
        });
        detail
            .accounts
            .iter_mut()
            .for_each(|accounts| accounts.retain(|account| account.fip_id == fip));
        detail
    }

    /// Returns the detail of the FIU's artefact: the FIU is the consumer, the AA the provider, and
    /// all granted accounts are listed (ReBIT AA API 2.0.0, `SignedConsentDetail`;
    /// `docs/sources.md#consent-artefact-states`).
    ///
    /// `Assumption:` ReBIT 2.x requires every part of the purpose in the artefact, also those that
    /// a request may omit. Omitted parts are filled with ReBIT's own text for the purpose code.
    pub fn new(consent: &'a Consent, aa: &'a Aa) -> Self {
        let mut detail = Self::from_terms(&consent.terms);
        detail.data_provider = Some(Party {
            id: &aa.id,
            r#type: "AA",
        });
        let accounts = consent.grant.iter().flat_map(|grant| grant.accounts.iter());
        detail.accounts = Some(accounts.map(ConsentAccount::new).collect());
        let standard = match consent.api {
            Api::Seed => None,
            Api::Rebit(_) | Api::Unaport => {
                StandardPurpose::find_by_code(&consent.terms.purpose.code)
            }
        };
        if let Some(standard) = standard {
            let purpose = &mut detail.purpose;
            purpose.ref_uri.get_or_insert(standard.ref_uri);
            purpose.text.get_or_insert(standard.text);
            purpose.category.get_or_insert(Category {
                r#type: standard.category,
            });
        }
        detail
    }

    /// Returns the requested terms, without provider and accounts.
    pub fn from_terms(terms: &'a Terms) -> Self {
        let Terms {
            start,
            expiry,
            mode,
            fetch_type,
            consent_types,
            fi_types,
            consumer,
            consumer_type,
            customer: _,
            sent_customer: _,
            purpose,
            range,
            data_life,
            frequency,
            filters,
            vdr_provider,
            txnid: _,
        } = terms;
        Self {
            consent_start: IsoTimestamp(*start),
            consent_expiry: IsoTimestamp(*expiry),
            consent_mode: mode.as_str(),
            fetch_type: fetch_type.as_str(),
            consent_types: consent_types.iter().map(|part| part.as_str()).collect(),
            fi_types: fi_types.iter().map(|fi_type| fi_type.as_str()).collect(),
            data_consumer: Party {
                id: consumer,
                r#type: consumer_type.as_str(),
            },
            data_provider: None,
            customer: CustomerId {
                id: terms.customer_as_sent(),
            },
            accounts: None,
            purpose: ConsentPurpose {
                code: &purpose.code,
                ref_uri: purpose.ref_uri.as_deref(),
                text: purpose.text.as_deref(),
                category: purpose
                    .category
                    .as_deref()
                    .map(|r#type| Category { r#type }),
            },
            range: DataRange {
                from: IsoTimestamp(range.from),
                to: IsoTimestamp(range.to),
            },
            data_life: Quantity {
                unit: data_life.0.as_str(),
                value: data_life.1,
            },
            frequency: Quantity {
                unit: frequency.0.as_str(),
                value: frequency.1,
            },
            data_filter: filters
                .as_ref()
                .map(|filters| filters.iter().map(ConsentFilter::new).collect()),
            vdr_provider: vdr_provider.as_ref().map(|provider| VdrProvider {
                vdrpid: &provider.vdrp_id,
                fiuid: &provider.fiu_id,
            }),
        }
    }

    /// Returns the compact JSON, the bytes that are signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers serialise")
    }
}

impl<'a> ConsentAccount<'a> {
    fn new(account: &'a Account) -> Self {
        let Account {
            fi_type,
            fip,
            account_type,
            account_ref: _,
            link_ref,
            masked_number,
        } = account;
        Self {
            fi_type: fi_type.as_str(),
            fip_id: fip,
            acc_type: account_type.as_str(),
            link_ref_number: link_ref,
            masked_acc_number: masked_number,
        }
    }
}

impl<'a> ConsentFilter<'a> {
    fn new(filter: &'a DataFilter) -> Self {
        let DataFilter {
            operator,
            criterion,
            value,
            is_json_string,
        } = filter;
        let number = (!is_json_string).then(|| value.parse().ok()).flatten();
        Self {
            r#type: criterion.as_str(),
            operator: operator.as_str(),
            value: number.map_or(FilterValue::Text(value), FilterValue::Number),
        }
    }
}

/// The usage count of a consent and its last use (ReBIT AA API 2.0.0, `ConsentUse`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsentUse {
    log_uri: String,
    count: u32,
    last_use_date_time: IsoTimestamp,
}

impl ConsentUse {
    /// Returns the usage of a consent.
    ///
    /// `Assumption:` the schema requires a last use even if there was none. It is then the creation
    /// of the consent.
    pub(crate) fn new(consent: &Consent) -> Self {
        let grant = consent.grant.as_ref();
        Self {
            log_uri: format!("urn:mockaa:consent-log:{}", consent.handle),
            count: grant.map_or(0, |grant| grant.use_count),
            last_use_date_time: IsoTimestamp(
                grant
                    .and_then(|grant| grant.last_used_at)
                    .unwrap_or(consent.created_at),
            ),
        }
    }
}
