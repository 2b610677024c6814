//! The `config` of Unaport's web SDK: its fields, its theme, and the fields that mockaa adds
//! (`docs/unaport.md#web-sdk`).

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::domain::account::{FiKind, FiType};
use crate::domain::brand::Color;
use crate::domain::naming::{suggest_name, wire_enum};
use crate::domain::sdk_theme::{SdkTheme, ThemeColor};
use crate::domain::text::quote_value;
use crate::wire::api_error::{ApiError, FieldError};
use crate::wire::fields::parse_json;
use crate::wire::redirect_url::{EXPECTED_REDIRECT_URL, parse_redirect_url};
use crate::wire::web_origin::{EXPECTED_ORIGIN, origin_of, parse_web_origin};

/// The fields of a config, in the order of the documentation; those that mockaa adds come last.
const FIELDS: [&str; 13] = [
    "phoneNumber",
    "trackingId",
    "fiuId",
    "accessToken",
    "refreshToken",
    "theme",
    "productId",
    "FIType",
    "templateId",
    "redirectUrl",
    "callbackUrl",
    "origin",
    "language",
];

/// Key of the theme that is no color.
const FONT_NAME: &str = "fontName";

/// Largest number of characters of `trackingId`, as in Create Consent.
const TRACKING_ID_MAX: usize = 50;

/// Largest number of characters of an address, as in Create Consent.
const URL_MAX: usize = 255;

wire_enum! {
    /// A kind of accounts, by which the SDK selects FIPs.
    SdkFiType {
        Deposits = "Deposits",
        Insurance = "Insurance",
        Gst = "GST",
        Investment = "Investment",
    }
}

impl SdkFiType {
    /// Returns whether accounts of an FI type are of this kind.
    ///
    /// `Assumption:` the SDK's page names the four kinds and no FI types. Investment is all that is
    /// none of the others, but for OTHER.
    pub(crate) fn includes(self, fi_type: FiType) -> bool {
        let kind = match fi_type.kind() {
            FiKind::Deposit => Self::Deposits,
            FiKind::Insurance => Self::Insurance,
            FiKind::Tax => Self::Gst,
            FiKind::Investment => Self::Investment,
            FiKind::Other => return false,
        };
        kind == self
    }
}

/// A config whose fields can be read. Tokens and ids have not been looked up.
#[derive(Debug)]
pub(crate) struct SdkConfig {
    /// 10 digits.
    pub phone_number: Box<str>,
    pub tracking_id: Box<str>,
    pub fiu_id: Box<str>,
    pub access_token: Box<str>,
    pub refresh_token: Box<str>,
    /// The id of the consent template.
    pub product_id: Box<str>,
    /// The field that has the id: `productId` or `templateId`.
    pub product_field: &'static str,
    pub fi_type: Option<SdkFiType>,
    pub theme: SdkTheme,
    /// The address to which the ended visit leads.
    pub redirect_url: Option<Box<str>>,
    /// The origin of the page that gets messages about the visit.
    pub message_origin: Option<String>,
    pub language: Option<Box<str>>,
}

impl SdkConfig {
    /// Parses the decoded text of a config.
    ///
    /// # Errors
    /// All fields that are missing, unknown or unreadable, each with the remedy.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, ApiError> {
        let config: Map<String, Value> = parse_json(text).map_err(|error| {
            let reason = match error {
                ApiError::InvalidJson(reason) => reason,
                other => other.message(),
            };
            let message = format!(
                "is Base64 of a text that is not a JSON object ({reason}); encode a JSON object \
                 with the fields {}",
                FIELDS[..7].join(", ")
            );
            ApiError::invalid_field("config", message)
        })?;
        let mut reader = ConfigReader {
            config: &config,
            errors: Vec::new(),
        };
        let read = reader.read();
        match reader.errors {
            errors if errors.is_empty() => Ok(read),
            mut errors if errors.len() == 1 => {
                let FieldError { field, message } = errors.remove(0);
                Err(ApiError::InvalidField { field, message })
            }
            errors => Err(ApiError::InvalidFields(errors)),
        }
    }
}

/// Reads the fields of a config and collects the errors. A field with an error is read as empty.
struct ConfigReader<'a> {
    config: &'a Map<String, Value>,
    errors: Vec<FieldError>,
}

impl<'a> ConfigReader<'a> {
    fn read(&mut self) -> SdkConfig {
        self.check_names();
        let phone_number = self.require("phoneNumber", "send the customer's mobile number");
        let is_number =
            phone_number.len() == 10 && phone_number.bytes().all(|byte| byte.is_ascii_digit());
        if !phone_number.is_empty() && !is_number {
            let message = format!(
                "{} is not a mobile number of 10 digits; leave out the country code, signs and \
                 spaces",
                quote_value(phone_number)
            );
            self.refuse("phoneNumber", message);
        }
        let tracking_id = self.require("trackingId", "send a reference of your own");
        let length = tracking_id.chars().count();
        if length > TRACKING_ID_MAX {
            let message = format!("has {length} characters; send at most {TRACKING_ID_MAX}");
            self.refuse("trackingId", message);
        }
        let fiu_id = self.require("fiuId", "send the id of the FIU of the tokens");
        let access_token = self.require("accessToken", "send the access_token of a new login");
        let refresh_token = self.require("refreshToken", "send the refresh_token of a new login");
        let theme = self.read_theme();
        let (product_field, product_id) = self.read_product();
        let fi_type = self.read_fi_type();
        let redirect_url = self.read_redirect_url();
        let origin = self.read_origin();
        let redirect_origin = redirect_url.and_then(|url| origin_of(&parse_redirect_url(url)?));
        SdkConfig {
            phone_number: phone_number.into(),
            tracking_id: tracking_id.into(),
            fiu_id: fiu_id.into(),
            access_token: access_token.into(),
            refresh_token: refresh_token.into(),
            product_id: product_id.into(),
            product_field,
            fi_type,
            theme,
            redirect_url: redirect_url.map(Into::into),
            message_origin: origin.or(redirect_origin),
            language: self.text("language").map(Into::into),
        }
    }

    fn refuse(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.errors.push(FieldError {
            field: field.into().into(),
            message: message.into(),
        });
    }

    fn check_names(&mut self) {
        let config = self.config;
        for name in config.keys().filter(|name| !FIELDS.contains(&&***name)) {
            let hint = suggest_name(name, FIELDS.into_iter());
            let message = format!("has the unknown field {}; {hint}", quote_value(name));
            self.refuse("config", message);
        }
    }

    /// Returns the text of a field; `None` if the field is missing, `null` or blank.
    fn text(&mut self, name: &str) -> Option<&'a str> {
        match self.config.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(&**text).filter(|text| !text.trim().is_empty()),
            // Tokens are not repeated.
            _ => {
                self.refuse(name, "is not a text; write it in quotes");
                None
            }
        }
    }

    /// Returns the text of a required field.
    fn require(&mut self, name: &str, remedy: &str) -> &'a str {
        let errors = self.errors.len();
        let text = self.text(name);
        if text.is_none() && self.errors.len() == errors {
            self.refuse(name, format!("is missing or empty; {remedy}"));
        }
        text.unwrap_or_default()
    }

    /// Reads the id of the template, and the field that has it.
    ///
    /// `Assumption:` `templateId`, which a public client sends and no document has, is another name
    /// of `productId`; the prose of the SDK's page calls that the template's id.
    fn read_product(&mut self) -> (&'static str, &'a str) {
        let Some(template) = self.text("templateId") else {
            let product = self.require("productId", "send the id of a consent template");
            return ("productId", product);
        };
        match self.text("productId") {
            Some(product) if product != template => {
                let message = format!(
                    "{} differs from productId {}; send one of them",
                    quote_value(template),
                    quote_value(product)
                );
                self.refuse("templateId", message);
            }
            Some(_) => return ("productId", template),
            None => {}
        }
        ("templateId", template)
    }

    fn read_fi_type(&mut self) -> Option<SdkFiType> {
        let text = self.text("FIType")?;
        let fi_type = SdkFiType::parse(text);
        if fi_type.is_none() {
            let (value, known) = (quote_value(text), SdkFiType::accepted_names());
            self.refuse("FIType", format!("{value} is not one of {known}"));
        }
        fi_type
    }

    fn read_redirect_url(&mut self) -> Option<&'a str> {
        let mut found: Option<&'a str> = None;
        for name in ["redirectUrl", "callbackUrl"] {
            let Some(url) = self.text(name) else { continue };
            let length = url.chars().count();
            if parse_redirect_url(url).is_none() {
                let value = quote_value(url);
                self.refuse(name, format!("{value} is not {EXPECTED_REDIRECT_URL}"));
            } else if length > URL_MAX {
                let message = format!("has {length} characters; send at most {URL_MAX}");
                self.refuse(name, message);
            } else if found.is_some_and(|found| found != url) {
                let message = format!(
                    "{} differs from redirectUrl; send one of them",
                    quote_value(url)
                );
                self.refuse(name, message);
            } else {
                found = Some(url);
            }
        }
        found
    }

    fn read_origin(&mut self) -> Option<String> {
        let text = self.text("origin")?;
        let origin = parse_web_origin(text);
        if origin.is_none() {
            let message = format!(
                "{} is not the origin of a page; send {EXPECTED_ORIGIN}",
                quote_value(text)
            );
            self.refuse("origin", message);
        }
        origin
    }

    fn read_theme(&mut self) -> SdkTheme {
        const REMEDY: &str = "send an object of colors; an empty one keeps those of the AA";
        let mut theme = SdkTheme::default();
        let fields = match self.config.get("theme") {
            None | Some(Value::Null) => {
                self.refuse("theme", format!("is missing; {REMEDY}"));
                return theme;
            }
            Some(Value::Object(fields)) => fields,
            Some(other) => {
                let value = quote_value(&other.to_string());
                self.refuse("theme", format!("{value} is not an object; {REMEDY}"));
                return theme;
            }
        };
        for (name, value) in fields {
            let color = ThemeColor::parse(name);
            if color.is_none() && name != FONT_NAME {
                let names = ThemeColor::ALL.iter().map(|name| name.as_str());
                let hint = suggest_name(name, names.chain([FONT_NAME]));
                let message = format!("has the unknown key {}; {hint}", quote_value(name));
                self.refuse("theme", message);
                continue;
            }
            let text = value.as_str();
            match (color, text, text.and_then(Color::parse)) {
                (None, Some(font), _) => theme.font_name = Some(font.into()),
                (Some(name), Some(_), Some(color)) => {
                    theme.colors.insert(name, color);
                }
                _ => {
                    let mut message = text.map_or_else(|| value.to_string(), str::to_owned);
                    message = quote_value(&message);
                    let expected = if color.is_some() {
                        "a color; send six hexadecimal digits, such as #7762FF"
                    } else {
                        "the name of a font; send a text"
                    };
                    write!(message, " is not {expected}").expect("a text takes everything");
                    self.refuse(format!("theme.{name}"), message);
                }
            }
        }
        theme
    }
}

#[cfg(test)]
mod tests {
    use super::SdkFiType;
    use crate::domain::account::FiType;

    #[test]
    fn an_fi_type_is_of_one_kind_at_most() {
        for fi_type in FiType::ALL {
            let kinds = SdkFiType::ALL.iter().filter(|kind| kind.includes(*fi_type));
            let expected = usize::from(*fi_type != FiType::Other);
            assert_eq!(kinds.count(), expected, "{fi_type}");
        }
    }
}
