//! `mockaa consent raise`: raises a consent as an FIU does, by a call of the ReBIT, seed or Unaport
//! API with the shipped development credentials. Scenario and persona are chosen with it.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::cli::remote::{
    JsonResponse, RESPONSE_TIMEOUT, Remote, build_client, encode_segment, field_text,
    parse_header_text, print_fields,
};
use crate::cli::{SandboxRefusal, UsageError};
use crate::config::shipped_key;
use crate::crypto::jws::sign_detached;
use crate::domain::account::FiType;
use crate::domain::customer_address::{is_mobile_number, normalize_address};
use crate::domain::participants::SignatureProfile;
use crate::domain::text::{escape_controls, quote_value};
use crate::domain::version::RebitVersion;
use crate::fiu::consent_request::ConsentTerms;
use crate::http::routes::all_routes;
use crate::wire::fields::parse_timestamp;

/// Name of the customer unless an option gives another.
const CUSTOMER_NAME: &str = "9876543210";

/// API by which a consent is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ApiName {
    Seed,
    Rebit,
    Unaport,
}

/// Arguments of a consent, without the sandbox. No doc comments on the type: clap would show them.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConsentOrder {
    /// API of the call; default: rebit, unless a story needs another.
    #[arg(long, value_enum)]
    pub api: Option<ApiName>,
    /// Address of the customer, or a mobile number at the default AA; default: 9876543210, for a
    /// story a new one.
    #[arg(long, value_name = "ADDRESS")]
    pub customer: Option<String>,
    /// FI types of the consent.
    #[arg(long = "fi-type", value_parser = parse_fi_type, value_delimiter = ',', default_value = "DEPOSIT", value_name = "TYPE,…")]
    pub fi_types: Vec<FiType>,
    /// Persona of the customer; `mockaa data personas` lists them.
    #[arg(long, value_name = "NAME")]
    pub persona: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RaiseArguments {
    #[command(flatten)]
    order: ConsentOrder,
    /// Scenario of this consent; `mockaa scenario list` lists them.
    #[arg(long, value_parser = parse_header_text, value_name = "NAME")]
    scenario: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

fn parse_fi_type(text: &str) -> Result<FiType, String> {
    FiType::parse_any_name(&text.to_uppercase())
        .ok_or_else(|| format!("give one of {}", FiType::accepted_names()))
}

const FIELDS: [(&str, &str); 6] = [
    ("handle", "consentHandle"),
    ("state", "state"),
    ("customer", "customer"),
    ("fiu", "fiuId"),
    ("scenario", "scenario"),
    ("page", "pageUrl"),
];

/// Runs `mockaa consent raise`.
pub(crate) async fn run(arguments: RaiseArguments) -> anyhow::Result<ExitCode> {
    let RaiseArguments {
        order,
        scenario,
        remote,
    } = arguments;
    let fiu = FiuClient::connect(&remote, &order, scenario.as_deref()).await?;
    let handle = fiu.raise_consent().await?;
    print_consent(&remote, &fetch_consent(&remote, &handle).await?);
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn fetch_consent(remote: &Remote, handle: &str) -> anyhow::Result<JsonResponse> {
    let path = format!("consents/{}", encode_segment(handle));
    remote.get(&path).await
}

/// Prints the handle and the page of a consent.
pub(crate) fn print_consent(remote: &Remote, consent: &JsonResponse) {
    print_fields(remote, consent, &FIELDS);
}

/// Returns the path of a call by its name in `/openapi.json`.
fn path_of(id: &str) -> &'static str {
    let route = all_routes().find(|route| route.id == id);
    route.expect("the call exists").path
}

/// An FIU of the world as it identifies itself.
struct FiuCredentials {
    id: String,
    api_key: String,
}

/// A login of the Unaport API.
struct UnaportLogin {
    access_token: String,
    organisation_id: String,
    fiu: String,
}

/// User of the logins, who creates the consents.
const UNAPORT_USER: &str = "developer@lender.example";

/// A small FIU, with the consent that it asks for.
pub(crate) struct FiuClient<'a> {
    client: Client,
    remote: &'a Remote,
    api: ApiName,
    aa: String,
    scenario: Option<&'a str>,
    terms: ConsentTerms,
}

impl<'a> FiuClient<'a> {
    /// Prepares the consent of an order: its customer gets the persona. The scenario drives this
    /// consent only.
    ///
    /// # Errors
    /// The sandbox refuses one of the calls.
    pub(crate) async fn connect(
        remote: &'a Remote,
        order: &ConsentOrder,
        scenario: Option<&'a str>,
    ) -> anyhow::Result<Self> {
        let world = remote.get("world").await?;
        let aas = world["aas"].as_array().map_or(&[][..], Vec::as_slice);
        let default_aa = aas.first().context("the sandbox has no AA")?;
        let name = order.customer.as_deref().unwrap_or(CUSTOMER_NAME);
        let (address, aa) = match name.rsplit_once('@') {
            Some((_, handle)) => {
                let aa = aas.iter().find(|aa| aa["handle"] == handle);
                (name.to_owned(), aa.unwrap_or(default_aa))
            }
            None if is_mobile_number(name) => {
                let handle = field_text(default_aa, "handle");
                (format!("{name}@{handle}"), default_aa)
            }
            None => {
                let name = quote_value(name);
                return Err(UsageError(format!(
                    "--customer {name} is neither an address such as 9876543210@mockaa nor a \
                     mobile number of 10 digits"
                ))
                .into());
            }
        };
        let customer = normalize_address(&address).into_owned();
        if let Some(persona) = &order.persona {
            let path = format!("customers/{}/persona", encode_segment(&customer));
            remote.post(&path, &json!({ "persona": persona })).await?;
        }
        let clock = remote.get("clock").await?;
        let now = clock["now"].as_str().and_then(parse_timestamp);
        Ok(Self {
            client: build_client(remote.server_url(), RESPONSE_TIMEOUT)?,
            remote,
            api: order.api.unwrap_or(ApiName::Rebit),
            aa: field_text(aa, "id"),
            scenario,
            terms: ConsentTerms {
                now: now.context("the clock has no time")?,
                customer,
                fi_types: order.fi_types.clone(),
            },
        })
    }

    /// Returns the customer's address in its normal form.
    pub(crate) fn customer(&self) -> &str {
        &self.terms.customer
    }

    /// Raises the consent and returns its handle.
    ///
    /// # Errors
    /// The sandbox refuses one of the calls.
    pub(crate) async fn raise_consent(&self) -> anyhow::Result<String> {
        let answer = match self.api {
            ApiName::Rebit => self.raise_on_rebit().await?,
            ApiName::Seed => self.raise_on_seed().await?,
            ApiName::Unaport => self.raise_on_unaport().await?,
        };
        answer["ConsentHandle"]
            .as_str()
            .map(str::to_owned)
            .context("the answer has no ConsentHandle")
    }

    /// Asks for the status of a consent, as an FIU does that has received no webhook.
    ///
    /// # Errors
    /// The sandbox refuses one of the calls.
    pub(crate) async fn poll_status(&self, handle: &str) -> anyhow::Result<()> {
        let request = match self.api {
            ApiName::Rebit => {
                let mut message = self.terms.build_head(RebitVersion::V2_0_0);
                message["ConsentHandle"] = handle.into();
                let fiu = self.fetch_first_fiu().await?;
                self.sign_request("getConsentStatus", &fiu, message.to_string())?
            }
            ApiName::Seed => {
                let fiu = self.fetch_first_fiu().await?;
                let path = path_of("getSeedConsent").replace("{id}", handle);
                self.request(Method::GET, &path)
                    .header("authorization", fiu.api_key)
            }
            ApiName::Unaport => {
                let login = self.log_in().await?;
                let path = path_of("getUnaportConsent").replace("{consentHandle}", handle);
                self.request(Method::GET, &path)
                    .bearer_auth(login.access_token)
            }
        };
        self.send(request).await.map(drop)
    }

    async fn raise_on_rebit(&self) -> anyhow::Result<Value> {
        let fiu = self.fetch_first_fiu().await?;
        let version = self.terms.version_from(RebitVersion::V2_0_0);
        let body = self.terms.build_message(version, &fiu.id).to_string();
        let request = self.sign_request("createConsent", &fiu, body)?;
        self.send(self.with_scenario(request)).await
    }

    /// Returns a call of ReBIT that is signed with the shipped key of the FIU.
    fn sign_request(
        &self,
        call: &str,
        fiu: &FiuCredentials,
        body: String,
    ) -> anyhow::Result<RequestBuilder> {
        let request = self
            .request(Method::POST, path_of(call))
            .header("client_api_key", &fiu.api_key);
        // Without the key of an FIU the call is not signed, which only a strict sandbox refuses.
        let Some(key) = shipped_key(&fiu.id) else {
            return Ok(request.body(body));
        };
        let signature = sign_detached(&key, body.as_bytes(), SignatureProfile::Detached);
        let signature = signature.context("the profile signs")?;
        Ok(request.header("x-jws-signature", signature).body(body))
    }

    async fn raise_on_seed(&self) -> anyhow::Result<Value> {
        let fiu = self.fetch_first_fiu().await?;
        let version = self.terms.version_from(RebitVersion::V1_1_3);
        let body = self.terms.build_message(version, &fiu.id).to_string();
        let request = self
            .request(Method::POST, path_of("createSeedConsent"))
            .header("authorization", fiu.api_key);
        self.send(self.with_scenario(request).body(body)).await
    }

    async fn fetch_first_fiu(&self) -> anyhow::Result<FiuCredentials> {
        let fius = self.remote.get("config/fiu").await?;
        let [id, api_key] = ["id", "apiKey"].map(|name| fius["items"][0][name].as_str());
        let (id, api_key) = id.zip(api_key).context("the world has no FIU")?;
        Ok(FiuCredentials {
            id: id.to_owned(),
            api_key: api_key.to_owned(),
        })
    }

    async fn raise_on_unaport(&self) -> anyhow::Result<Value> {
        let UnaportLogin {
            access_token,
            organisation_id,
            fiu,
        } = self.log_in().await?;
        let version = self.terms.version_from(RebitVersion::V2_0_0);
        let body = json!({
            "vuaId": self.terms.customer,
            "createdBy": UNAPORT_USER,
            "trackingId": "mockaa consent raise",
            "aaId": self.aa,
            "fiuId": fiu,
            "fiuBaseUrl": "https://lender.example",
            "redirectUrl": "https://lender.example/back",
            "ConsentsRequest": self.terms.build_message(version, &fiu),
        });
        let path = path_of("createUnaportConsent").replace("{org_id}", &organisation_id);
        let request = self.request(Method::POST, &path).bearer_auth(access_token);
        self.send(self.with_scenario(request).body(body.to_string()))
            .await
    }

    /// Logs in, and asks for the organisation and its FIU.
    async fn log_in(&self) -> anyhow::Result<UnaportLogin> {
        let credentials = json!({ "emailId": UNAPORT_USER, "password": "any-password" });
        let request = self.request(Method::POST, path_of("logIn"));
        let login = self.send(request.body(credentials.to_string())).await?;
        let access_token = login["access_token"].as_str().context("no access token")?;
        let request = self.request(Method::GET, path_of("getClientOrganisation"));
        let organisation = self.send(request.bearer_auth(access_token)).await?;
        let fiu = organisation["fiutest"]["entityId"].as_str();
        let id = organisation["orgId"].as_str();
        let (fiu, id) = fiu.zip(id).context("the organisation has no FIU")?;
        Ok(UnaportLogin {
            access_token: access_token.to_owned(),
            organisation_id: id.to_owned(),
            fiu: fiu.to_owned(),
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.remote.server_url());
        let request = self.remote.name_world(self.client.request(method, url));
        request.header("content-type", "application/json")
    }

    fn with_scenario(&self, request: RequestBuilder) -> RequestBuilder {
        match self.scenario {
            Some(scenario) => request.header("x-mockaa-scenario", scenario),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let response = request.send().await;
        let response = response.map_err(|error| self.remote.describe_failure(&error))?;
        let status = response.status();
        let body = response.bytes().await;
        let body = body.map_err(|error| self.remote.describe_failure(&error))?;
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let mut messages = ["errorMsg", "message", "error"].iter();
        let message = messages.find_map(|name| answer[*name].as_str());
        let message = message.map_or_else(String::new, |message| {
            format!(": {}", escape_controls(message))
        });
        Err(SandboxRefusal(format!("the FIU's call is answered {status}{message}")).into())
    }
}
