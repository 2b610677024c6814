//! The lender's calls of the ReBIT AA API 2.0.0, as any FIU makes them: signed with its own key, with data that it
//! decrypts itself.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};

use super::FIU_ID;
use super::api::{Api, BankData, ConsentOrder, FetchOutcome};
use super::bank_data::read_document;
use super::calls::{Answer, Calls, read_text};
use super::consent::{ConsentState, CustomerPage, RaisedConsent};
use crate::crypto::jws::{sign_detached, verify_compact, verify_detached};
use crate::crypto::key_exchange::KeyPair;
use crate::crypto::keys::SigningKey;
use crate::crypto::redirection::{MessageKey, obfuscate_id};
use crate::domain::key_exchange::Curve;
use crate::domain::participants::{Participants, SignatureProfile};
use crate::domain::time::{Millis, Timestamp};
use crate::domain::version::RebitVersion;
use crate::engine::entropy::random_key;
use crate::fiu::consent_request::random_message_id;
use crate::fiu::data::{decrypt_response, publish_key};
use crate::fiu::notification::DataNotification;
use crate::fiu::webhook_check::VerificationKeys;
use crate::wire::rebit::fi::ReceivedFetchResponse;
use crate::wire::redirection::format_date;

/// The header of the detached signature (ReBIT AA API 2.0.0).
const SIGNATURE: &str = "x-jws-signature";

/// The validity of the key of a data request.
const KEY_VALIDITY: Millis = Millis::from_secs(24 * 3_600);

/// The time after which the lender asks for the data although no webhook about it has come.
const NOTIFICATION_TIMEOUT: Millis = Millis::from_secs(8);

/// The time after which the lender no longer waits for the banks, if no webhook about their end has come.
const DATA_TIMEOUT: Millis = Millis::from_secs(3 * 60);

/// The keys of the lender, and those by which it knows the AAs of a world.
#[derive(Debug)]
pub(super) struct LenderKeys {
    /// The key with which the lender signs, made at its start.
    pub signing_key: Arc<SigningKey>,
    pub verification_keys: VerificationKeys,
    pub api_key: String,
    /// The passphrase of web redirection.
    pub passphrase: String,
}

/// The state of the lender's calls of the ReBIT API between two of them.
#[derive(Debug, Default)]
pub(super) struct RebitState {
    /// The artefact of the consent whose state was fetched last.
    artefact: Option<Artefact>,
    /// The data request that is under way.
    pub request: Option<DataRequest>,
}

#[derive(Debug)]
struct Artefact {
    consent_id: String,
    signed_consent: String,
}

/// A data request that is under way.
#[derive(Debug)]
pub(super) struct DataRequest {
    session: String,
    pair: KeyPair,
    /// The number of accounts in the consent.
    total: usize,
    requested_at: Timestamp,
}

/// The newest notification of a visitor about data, from a webhook whose signatures hold.
#[derive(Debug, Default)]
pub(super) struct DataNotifications(Mutex<Option<DataNotification>>);

impl DataNotifications {
    /// Notes a notification. After the end of a session there is nothing new about it.
    pub(super) fn note(&self, notification: DataNotification) {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_late = newest
            .as_ref()
            .is_some_and(|it| it.session == notification.session && it.has_ended);
        if !is_late {
            *newest = Some(notification);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        newest.is_none()
    }

    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn find_session(&self, session: &str) -> Option<DataNotification> {
        let newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        newest.clone().filter(|it| it.session == session)
    }
}

/// The lender as a caller of the ReBIT API.
#[derive(Clone, Copy, Debug)]
pub(super) struct RebitClient<'a> {
    pub calls: Calls<'a>,
    pub keys: &'a LenderKeys,
    pub notifications: &'a DataNotifications,
    /// The part of a customer's address after the `@`.
    pub aa_handle: &'a str,
    /// The time of the world.
    pub now: Timestamp,
}

impl RebitClient<'_> {
    /// Asks for a consent of the applicant.
    pub(super) async fn raise_consent(
        &self,
        order: &ConsentOrder<'_>,
    ) -> Result<RaisedConsent, String> {
        let customer = format!("{}@{}", order.mobile, self.aa_handle);
        let id = json!({ "id": customer });
        let fields = json!({ "ConsentDetail": order.purpose.build_detail(&id, self.now) });
        let answer = self.send("/Consent", fields, order.scenario).await?;
        let answer = answer.require_success()?.json()?;
        Ok(RaisedConsent {
            api: Api::Rebit,
            handle: read_text(&answer, "ConsentHandle")?,
            page: CustomerPage::Redirection(customer),
            range: order.purpose.data_range(self.now),
        })
    }

    /// Returns the state of a consent: that of its handle, and from the approval on that of its artefact.
    pub(super) async fn fetch_state(
        &self,
        handle: &str,
        state: &mut RebitState,
    ) -> Result<ConsentState, String> {
        state.artefact = None;
        let fields = json!({ "ConsentHandle": handle });
        let answer = self.send("/Consent/handle", fields, None).await?;
        let answer = answer.require_success()?.json()?;
        let status = &answer["ConsentStatus"];
        let consent_id = match &*read_text(status, "status")? {
            "PENDING" | "READY" => return Ok(ConsentState::Created),
            "APPROVED" => read_text(status, "id")?,
            "EXPIRED" => return Ok(ConsentState::Expired),
            _ => return Ok(ConsentState::Rejected),
        };
        let fields = json!({ "consentId": consent_id });
        let answer = self.send("/Consent/fetch", fields, None).await?;
        let answer = answer.require_success()?.json()?;
        let status = read_text(&answer, "status")?;
        state.artefact = Some(Artefact {
            consent_id,
            signed_consent: read_text(&answer, "signedConsent")?,
        });
        ConsentState::parse(&status).ok_or_else(|| format!("{status} is no state of a consent"))
    }

    /// Fetches the bank data of a consent. The first call requests it.
    pub(super) async fn fetch_data(
        &self,
        consent: &RaisedConsent,
        state: &mut RebitState,
        participants: &Participants,
    ) -> Result<FetchOutcome, String> {
        let Some(current) = &state.request else {
            state.request = Some(self.request_data(consent, state).await?);
            return Ok(FetchOutcome::Pending);
        };
        let waited = self.now.duration_since(current.requested_at);
        match self.notifications.find_session(&current.session) {
            Some(newest) if newest.has_ended && newest.ready == 0 => {
                return Ok(FetchOutcome::TimedOut);
            }
            Some(newest) if !newest.has_ended && waited < DATA_TIMEOUT => {
                return Ok(FetchOutcome::Pending);
            }
            None if waited < NOTIFICATION_TIMEOUT => return Ok(FetchOutcome::Pending),
            Some(_) | None => {}
        }
        let fields = json!({ "sessionId": current.session });
        let answer = self.send("/FI/fetch", fields, None).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(if waited > DATA_TIMEOUT {
                FetchOutcome::TimedOut
            } else {
                FetchOutcome::Pending
            });
        }
        let answer = answer.require_success()?;
        let response: ReceivedFetchResponse = serde_json::from_slice(&answer.body)
            .map_err(|error| format!("the answer of /FI/fetch cannot be read: {error}"))?;
        let documents =
            decrypt_response(&current.pair, response).map_err(|error| error.to_string())?;
        let statements = documents.iter().map(|document| {
            let bank = participants.fip_name(&Arc::from(&*document.fip_id));
            read_document(document, consent.range, bank)
        });
        let statements = statements.collect::<Result<Vec<_>, _>>()?;
        let data = BankData {
            session: current.session.clone(),
            ready: statements.len(),
            total: current.total,
            statements,
        };
        state.request = None;
        Ok(FetchOutcome::Ready(data))
    }

    /// Requests the bank data of a consent, with a key of its own.
    async fn request_data(
        &self,
        consent: &RaisedConsent,
        state: &RebitState,
    ) -> Result<DataRequest, String> {
        let artefact = state.artefact.as_ref();
        let Artefact {
            consent_id,
            signed_consent: signed,
        } = artefact.ok_or("the consent has no artefact")?;
        let keys = &self.keys.verification_keys.aa_keys;
        let detail = keys.iter().find_map(|key| verify_compact(signed, key));
        let detail = detail.ok_or("the signature of the consent artefact does not match")?;
        let detail: Value = serde_json::from_slice(&detail).unwrap_or_default();
        let pair = KeyPair::from_random(Curve::Weierstrass, random_key(), random_key());
        let key_material = publish_key(&pair, self.now.saturating_add(KEY_VALIDITY));
        let (_, signature) = signed.rsplit_once('.').unwrap_or_default();
        let fields = json!({
            "FIDataRange": {
                "from": consent.range.from.to_string(),
                "to": consent.range.to.min(self.now).to_string(),
            },
            "Consent": { "id": consent_id, "digitalSignature": signature },
            "KeyMaterial": key_material,
        });
        let answer = self.send("/FI/request", fields, None).await?;
        let answer = answer.require_success()?.json()?;
        Ok(DataRequest {
            session: read_text(&answer, "sessionId")?,
            pair,
            total: detail["Accounts"].as_array().map_or(0, Vec::len),
            requested_at: self.now,
        })
    }

    /// Sends a signed message with these fields, under a scenario if one is named. The signature of the answer must
    /// hold.
    async fn send(
        &self,
        path: &str,
        fields: Value,
        scenario: Option<&str>,
    ) -> Result<Answer, String> {
        let mut message = json!({
            "ver": RebitVersion::V2_0_0,
            "timestamp": self.now.to_string(),
            "txnid": random_message_id().to_string(),
        });
        if let (Value::Object(message), Value::Object(fields)) = (&mut message, fields) {
            message.extend(fields);
        }
        let body = message.to_string();
        let key = &self.keys.signing_key;
        let signature = sign_detached(key, body.as_bytes(), SignatureProfile::Detached);
        let mut request = self
            .calls
            .request(Method::POST, path, Some(body))
            .header("client_api_key", &self.keys.api_key)
            .header(SIGNATURE, signature.expect("the profile signs"));
        if let Some(name) = scenario {
            request = request.header("x-mockaa-scenario", name);
        }
        let answer = self.calls.send(request, format!("POST {path}")).await?;
        let signature = answer.headers.get(SIGNATURE);
        let signature = signature
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default();
        let keys: Vec<_> = self.keys.verification_keys.aa_keys.iter().collect();
        verify_detached(signature, &answer.body, &keys)
            .map_err(|error| format!("the answer to POST {path} is not used: {error}"))?;
        Ok(answer)
    }
}

/// The customer's way to the AA and back (Sahamati aa-redirection-standards 1.5.0;
/// `docs/sources.md#web-redirection`).
#[derive(Debug)]
pub(super) struct Redirection<'a> {
    pub keys: &'a LenderKeys,
    pub handle: &'a str,
    /// The customer's address.
    pub customer: &'a str,
    pub language: &'a str,
    pub return_url: &'a str,
    pub now: Timestamp,
}

impl Redirection<'_> {
    /// Returns the path of the AA's page, with its query. It holds for three minutes. Deriving the key takes about
    /// 20 ms: call it on a blocking thread.
    pub(super) fn build_path(&self) -> String {
        let date = format_date(self.now);
        let mut request = Url::parse("form:").expect("a scheme is a URL");
        request
            .query_pairs_mut()
            .append_pair("txnid", &random_message_id().to_string())
            .append_pair("sessionid", &random_message_id().to_string())
            .append_pair("userid", self.customer)
            .append_pair("redirect", self.return_url)
            .append_pair("srcref", self.handle)
            .append_pair("isoLanguageCode", self.language);
        let text = request.query().unwrap_or_default();
        let message = MessageKey::derive(&self.keys.passphrase, &date).encrypt(text);
        let mut path = Url::parse("form:").expect("a scheme is a URL");
        path.query_pairs_mut()
            .append_pair("fi", &obfuscate_id(FIU_ID, &date))
            .append_pair("reqdate", &date)
            .append_pair("ecreq", &message);
        format!("/aa/webview?{}", path.query().unwrap_or_default())
    }
}

/// Reads the outcome that the AA has sent with the customer: `status` and `errorcode`; `None` if it is not
/// encrypted with the passphrase.
pub(super) fn read_outcome(keys: &LenderKeys, date: &str, message: &str) -> Option<String> {
    let text = MessageKey::derive(&keys.passphrase, date).decrypt(message)?;
    let form = Url::parse(&format!("form:?{}", text.replace('#', "%23"))).ok()?;
    let value = |name: &str| {
        let found = form.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    };
    Some(format!(
        "status {}, errorcode {}",
        value("status")?,
        value("errorcode")?
    ))
}
