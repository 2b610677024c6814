//! Participants that follow the specification: every message has an API key and a signature, as
//! strict mode requires. [`Journey`] takes one of them, an FIU, through a consent step by step.

use mockaa::internals::crypto::base64::{decode, encode};
use mockaa::internals::crypto::jws::sign_detached;
use mockaa::internals::crypto::key_exchange::{
    KeyPair, encode_public_key, parse_nonce, parse_public_key,
};
use mockaa::internals::crypto::keys::SigningKey;
use mockaa::internals::domain::key_exchange::{Curve, PeerKey};
use mockaa::internals::domain::participants::SignatureProfile;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::helpers::{Reply, TestApp, extract_handle, rebit_message, rebit_request};

/// A registered participant.
pub struct Participant {
    pub id: &'static str,
    pub header: &'static str,
    pub api_key: String,
    pub key: SigningKey,
}

impl Participant {
    fn new(id: &'static str, header: &'static str, pem: &str) -> Self {
        let name = id.to_lowercase();
        let key = SigningKey::from_pem(&format!("{name}-dev-1"), pem).expect("a key");
        Self {
            id,
            header,
            api_key: format!("mockaa-dev-{name}-api-key"),
            key,
        }
    }

    pub fn fiu_1() -> Self {
        Self::new(
            "FIU-1",
            "client_api_key",
            include_str!("../../fixtures/keys/fiu-1.pem"),
        )
    }

    pub fn fiu_2() -> Self {
        Self::new(
            "FIU-2",
            "client_api_key",
            include_str!("../../fixtures/keys/fiu-2.pem"),
        )
    }

    pub fn unacores_fiu() -> Self {
        Self::new(
            "UNACORES-FIU-UAT",
            "client_api_key",
            include_str!("../../fixtures/keys/unacores-fiu-uat.pem"),
        )
    }

    pub fn fip_1() -> Self {
        Self::new(
            "FIP-1",
            "fip_api_key",
            include_str!("../../fixtures/keys/fip-1.pem"),
        )
    }

    pub fn fip_2() -> Self {
        Self::new(
            "FIP-2",
            "fip_api_key",
            include_str!("../../fixtures/keys/fip-2.pem"),
        )
    }

    pub fn fip_3() -> Self {
        Self::new(
            "FIP-3",
            "fip_api_key",
            include_str!("../../fixtures/keys/fip-3.pem"),
        )
    }

    pub fn acme_fip() -> Self {
        Self::new(
            "ACME-FIP",
            "fip_api_key",
            include_str!("../../fixtures/keys/acme-fip.pem"),
        )
    }

    pub fn sign(&self, bytes: &[u8]) -> String {
        sign_detached(&self.key, bytes, SignatureProfile::Detached).expect("a signature")
    }

    /// Builds a request with exactly this body, signed.
    pub fn build_signed_request(&self, app: &TestApp, path: &str, body: &str) -> RequestBuilder {
        let request = app
            .request(Method::POST, path)
            .header(self.header, &self.api_key);
        let request = request
            .header("content-type", "application/json")
            .header("x-jws-signature", self.sign(body.as_bytes()));
        request.body(body.to_owned())
    }

    pub async fn post(&self, app: &TestApp, path: &str, body: &Value) -> Reply {
        app.send(self.build_signed_request(app, path, &body.to_string()))
            .await
    }

    /// Sends a GET of 1.1.x, whose signature covers the path.
    pub async fn get(&self, app: &TestApp, path: &str) -> Reply {
        let request = app
            .request(Method::GET, path)
            .header(self.header, &self.api_key);
        app.send(request.header("x-jws-signature", self.sign(path.as_bytes())))
            .await
    }
}

/// Returns the FIU's key pair for one request.
pub fn key_pair(curve: Curve) -> KeyPair {
    KeyPair::from_random(curve, [0x42; 32], [0x17; 32])
}

pub fn key_material(pair: &KeyPair) -> Value {
    let (algorithm, curve) = match pair.curve {
        Curve::Weierstrass => ("ECDH", "Curve25519"),
        Curve::X25519 => ("X25519", "X25519"),
    };
    json!({
        "cryptoAlg": algorithm,
        "curve": curve,
        "params": "cipher=AES/GCM/NoPadding;KeyPairGenerator=ECDH",
        "DHPublicKey": { "expiry": "2030-01-01T00:00:00.000Z", "Parameters": "", "KeyValue": encode_public_key(pair.curve, &pair.public) },
        "Nonce": encode(&pair.nonce),
    })
}

/// Decrypts the document of every account.
pub fn decrypt_documents(pair: &KeyPair, fetched: &Value) -> Vec<(String, String)> {
    let mut documents = Vec::new();
    for entry in fetched["FI"].as_array().expect("a list") {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let material = &entry["KeyMaterial"];
        let (curve, public) =
            parse_public_key(&text(&material["DHPublicKey"]["KeyValue"])).expect("a key");
        let peer = PeerKey {
            curve,
            public,
            nonce: parse_nonce(&text(&material["Nonce"])).expect("a nonce"),
            labels: None,
        };
        for item in entry["data"].as_array().expect("a list") {
            let plaintext = pair
                .decrypt(&peer, &text(&item["encryptedFI"]))
                .expect("the text decrypts");
            let document = String::from_utf8(plaintext).expect("text");
            let document = if document.starts_with('<') {
                document
            } else {
                String::from_utf8(decode(&document).expect("base64 of a document")).expect("text")
            };
            documents.push((text(&item["linkRefNumber"]), document));
        }
    }
    documents
}

/// An FIU that takes one consent from request to data.
pub struct Journey<'a> {
    pub app: &'a TestApp,
    pub fiu: Participant,
}

impl<'a> Journey<'a> {
    pub fn new(app: &'a TestApp) -> Self {
        Self {
            app,
            fiu: Participant::fiu_1(),
        }
    }

    /// Raises a consent that allows repeated data requests, and returns its handle.
    pub async fn raise_consent(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut body = consent_request();
        body["timestamp"] = self.app.get("/_mockaa/v1/clock").await.expect_ok()["now"].clone();
        body["txnid"] = self.app.next_txnid().into();
        change(&mut body);
        extract_handle(&self.fiu.post(self.app, "/Consent", &body).await.expect_ok())
    }

    /// Builds a 2.0.0 message with this field, at the world's time.
    pub async fn build_message(&self, name: &str, value: &str) -> Value {
        let mut message = rebit_message(name, value);
        message["timestamp"] = self.app.get("/_mockaa/v1/clock").await.expect_ok()["now"].clone();
        message["txnid"] = self.app.next_txnid().into();
        message
    }

    pub async fn fetch_handle_status(&self, handle: &str) -> Value {
        let message = self.build_message("ConsentHandle", handle).await;
        self.fiu
            .post(self.app, "/Consent/handle", &message)
            .await
            .expect_ok()
    }

    /// Raises and approves a consent; returns the handle and the consent id.
    pub async fn raise_and_approve(&self, change: impl FnOnce(&mut Value)) -> (String, String) {
        let handle = self.raise_consent(change).await;
        self.app.apply_verb(&handle, "approve").await.expect_ok();
        let id = self.fetch_handle_status(&handle).await["ConsentStatus"]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        (handle, id)
    }

    /// Raises a consent and approves it with these accounts only.
    pub async fn raise_and_approve_with(
        &self,
        accounts: &[String],
        change: impl FnOnce(&mut Value),
    ) -> (String, String) {
        let handle = self.raise_consent(change).await;
        let path = format!("/_mockaa/v1/consents/{handle}/approve");
        self.app
            .post(&path, &json!({ "accounts": accounts }))
            .await
            .expect_ok();
        let id = self.fetch_handle_status(&handle).await["ConsentStatus"]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        (handle, id)
    }

    pub async fn fetch_artefact(&self, id: &str) -> Value {
        let message = self.build_message("consentId", id).await;
        self.fiu
            .post(self.app, "/Consent/fetch", &message)
            .await
            .expect_ok()
    }

    /// Builds a request for the data of this consent.
    pub async fn build_fi_request(&self, id: &str) -> Value {
        let signed = self.fetch_artefact(id).await["signedConsent"]
            .as_str()
            .expect("a JWS")
            .to_owned();
        let (_, signature) = signed.rsplit_once('.').expect("three parts");
        let mut request = self.build_message("FIDataRange", "").await;
        request["FIDataRange"] =
            json!({ "from": "2020-01-01T00:00:00.000Z", "to": "2020-06-30T00:00:00.000Z" });
        request["Consent"] = json!({ "id": id, "digitalSignature": signature });
        request["KeyMaterial"] = key_material(&key_pair(Curve::Weierstrass));
        request
    }

    pub async fn request_data(&self, id: &str) -> Reply {
        self.fiu
            .post(self.app, "/FI/request", &self.build_fi_request(id).await)
            .await
    }

    /// Requests data and returns the session id.
    pub async fn open_session(&self, id: &str) -> String {
        self.request_data(id).await.expect_ok()["sessionId"]
            .as_str()
            .expect("a session")
            .to_owned()
    }

    pub async fn fetch_data(&self, session: &str) -> Reply {
        let message = self.build_message("sessionId", session).await;
        self.fiu.post(self.app, "/FI/fetch", &message).await
    }

    /// Returns the session id under which a FIP knows the session.
    pub async fn fip_session_id(&self, session: &str, fip: &str) -> String {
        let session_body = self
            .app
            .get(&format!("/_mockaa/v1/sessions/{session}"))
            .await
            .expect_ok();
        let parts = session_body["fipSessions"].as_array().expect("a list");
        let part = parts
            .iter()
            .find(|part| part["fipId"] == fip)
            .expect("an entry of the FIP");
        part["sessionId"].as_str().expect("an id").to_owned()
    }

    /// Returns the consent id under which a FIP knows the consent.
    pub async fn fip_consent_id(&self, handle: &str, fip: &str) -> String {
        let consent = self.app.fetch_consent(handle).await;
        let parts = consent["fipArtefacts"].as_array().expect("a list");
        let part = parts
            .iter()
            .find(|part| part["fipId"] == fip)
            .expect("an entry of the FIP");
        part["consentId"].as_str().expect("an id").to_owned()
    }

    /// Returns `accRefNumber` and `linkRefNumber` of a customer's accounts of one FI type at a FIP.
    pub async fn list_accounts(
        &self,
        customer: &str,
        fip: &str,
        fi_type: &str,
    ) -> Vec<(String, String)> {
        let account_list = self
            .app
            .get(&format!("/_mockaa/v1/customers/{customer}/accounts"))
            .await
            .expect_ok();
        let accounts = account_list["items"].as_array().expect("a list").iter();
        let text =
            |account: &Value, field: &str| account[field].as_str().expect("a text").to_owned();
        accounts
            .filter(|account| account["fipId"] == fip && account["fiType"] == fi_type)
            .map(|account| {
                (
                    text(account, "accRefNumber"),
                    text(account, "linkRefNumber"),
                )
            })
            .collect()
    }

    pub async fn apply_customer_verb(&self, customer: &str, verb: &str, body: &Value) -> Reply {
        self.app
            .post(&format!("/_mockaa/v1/customers/{customer}/{verb}"), body)
            .await
    }

    /// Registers the customer and links accounts by one-time password.
    pub async fn register_and_link(&self, customer: &str, fip: &str, accounts: &[String]) {
        self.apply_customer_verb(customer, "register", &Value::Null)
            .await
            .expect_ok();
        self.link_accounts(customer, fip, accounts).await;
    }

    pub async fn link_accounts(&self, customer: &str, fip: &str, accounts: &[String]) {
        let link = self
            .apply_customer_verb(
                customer,
                "link",
                &json!({ "fipId": fip, "accounts": accounts }),
            )
            .await
            .expect_ok();
        let verify = json!({ "refNumber": link["RefNumber"], "token": "123456" });
        self.apply_customer_verb(customer, "verify", &verify)
            .await
            .expect_ok();
    }
}

/// Returns a valid 2.0.0 request for a consent that allows frequent fetches.
pub fn consent_request() -> Value {
    let mut body = rebit_request();
    body["ConsentDetail"]["fetchType"] = "PERIODIC".into();
    body["ConsentDetail"]["Frequency"] = json!({ "unit": "DAY", "value": 24 });
    body
}
