//! Owns the plaintexts of web redirection, `ecreq` and `ecres`, and their dates
//! (aa-redirection-standards 1.5.0; `docs/sources.md#web-redirection`). Leaves encryption to
//! `crypto::redirection`.

use chrono::{NaiveDateTime, Timelike};
use reqwest::Url;

use crate::domain::redirection_code::RedirectionCode;
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::wire::api_error::ApiError;
use crate::wire::redirect_url::{EXPECTED_REDIRECT_URL, parse_redirect_url};

const DATE_FORMAT: &str = "%d%m%Y%H%M%S";

/// Parses `reqdate`: ddMMyyyyHHmmss in UTC and one more digit, which is read as tenths of a second.
pub(crate) fn parse_date(text: &str) -> Result<Timestamp, ApiError> {
    try_parse_date(text).ok_or_else(|| {
        let message = format!(
            "{} is not 15 digits, ddMMyyyyHHmmss in UTC and one more digit",
            quote_value(text)
        );
        ApiError::invalid_field("reqdate", message)
    })
}

fn try_parse_date(text: &str) -> Option<Timestamp> {
    if text.len() != 15 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let at = NaiveDateTime::parse_from_str(&text[..14], DATE_FORMAT).ok()?;
    let tenths = i64::from(text.as_bytes()[14] - b'0');
    Some(Timestamp::from_millis(
        at.and_utc().timestamp_millis() + tenths * 100,
    ))
}

/// Formats `resdate`, as [`parse_date`] reads it.
pub(crate) fn format_date(at: Timestamp) -> String {
    let utc = chrono::DateTime::from_timestamp_millis(at.as_millis())
        .expect("years 1 to 9999 are representable");
    format!(
        "{}{}",
        utc.format(DATE_FORMAT),
        utc.nanosecond() / 100_000_000
    )
}

/// The content of `ecreq`. Fields that only prefill forms are ignored.
#[derive(Debug)]
pub(crate) struct Request {
    txnid: String,
    session: String,
    /// The customer's address, in `userid`.
    pub user: String,
    redirect: Url,
    /// Consent handles, in `srcref`.
    pub handles: Vec<String>,
    /// The id of a FIP, in `fipid`, at which the customer has accounts.
    pub fip: Option<String>,
    /// The customer's PAN, in `pan`.
    pub pan: Option<String>,
    /// The customer's date of birth, in `dob`: `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// The language of the pages, in `isoLanguageCode`, such as `en` or `hi`.
    pub language: Option<String>,
}

impl Request {
    /// Parses the decrypted text, which is form-urlencoded.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        // The query of a URL has the same format.
        let form = Url::parse(&format!("form:?{}", text.replace('#', "%23")))
            .map_err(|_| ApiError::invalid_field("ecreq", "is not form-urlencoded"))?;
        let redirect = require_form_value(&form, "redirect")?;
        let redirect = parse_redirect_url(&redirect).ok_or_else(|| {
            ApiError::invalid_field(
                "ecreq",
                format!(
                    "redirect {} is not {EXPECTED_REDIRECT_URL}",
                    quote_value(&redirect)
                ),
            )
        })?;
        Ok(Self {
            txnid: require_form_value(&form, "txnid")?,
            session: require_form_value(&form, "sessionid")?,
            user: require_form_value(&form, "userid")?,
            redirect,
            language: optional_value(&form, "isoLanguageCode"),
            fip: optional_value(&form, "fipid"),
            pan: optional_value(&form, "pan"),
            birth_date: optional_value(&form, "dob"),
            handles: form_value(&form, "srcref")
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(Into::into)
                .collect(),
        })
    }

    /// Returns the plaintext of `ecres`; `handles` are the consents in `srcref`.
    pub(crate) fn encode_response(&self, code: RedirectionCode, handles: &[String]) -> String {
        let mut form = Url::parse("form:").expect("a scheme is a URL");
        let status = if code.is_success() { "S" } else { "F" };
        form.query_pairs_mut()
            .append_pair("txnid", &self.txnid)
            .append_pair("sessionid", &self.session)
            .append_pair("userid", &self.user)
            .append_pair("status", status)
            .append_pair("errorcode", &code.to_string())
            .append_pair("srcref", &handles.join(","));
        form.query().unwrap_or_default().to_owned()
    }

    /// Returns the URL that the browser is sent back to.
    pub(crate) fn build_return_url(
        &self,
        obfuscated_aa: &str,
        date: &str,
        encrypted: &str,
    ) -> String {
        let mut url = self.redirect.clone();
        url.query_pairs_mut()
            .append_pair("fi", obfuscated_aa)
            .append_pair("resdate", date)
            .append_pair("ecres", encrypted);
        url.into()
    }
}

/// Returns the first value of a form field, or an empty text.
fn form_value(form: &Url, name: &str) -> String {
    let value = form.query_pairs().find(|(key, _)| key == name);
    value.map(|(_, text)| text.into_owned()).unwrap_or_default()
}

fn optional_value(form: &Url, name: &str) -> Option<String> {
    Some(form_value(form, name)).filter(|value| !value.is_empty())
}

fn require_form_value(form: &Url, name: &'static str) -> Result<String, ApiError> {
    let text = form_value(form, name);
    if text.is_empty() {
        return Err(ApiError::invalid_field("ecreq", format!("has no {name}")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{Request, format_date, parse_date};
    use crate::domain::redirection_code::RedirectionCode;

    #[test]
    fn a_date_reads_back_as_it_is_written() {
        let at = parse_date("031120201803460").expect("a date");
        assert_eq!(
            (at.to_string(), format_date(at)),
            ("2020-11-03T18:03:46.000Z".into(), "031120201803460".into())
        );
        for text in [
            "",
            "03112020180346",
            "0311202018034600",
            "331120201803460",
            "03112020180346x",
        ] {
            assert!(parse_date(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_request_needs_a_redirect_url() {
        let text = "txnid=T1&sessionid=S1&srcref=a%2Cb&userid=x%40mockaa&redirect=https%3A%2F%2Ffiu.example%2Fback%3Fa%3D1";
        let request = Request::parse(text).expect("a request");
        assert_eq!(request.handles, ["a", "b"]);
        let expected = "txnid=T1&sessionid=S1&userid=x%40mockaa&status=F&errorcode=1&srcref=a%2Cb";
        assert_eq!(
            request.encode_response(RedirectionCode::REJECTED, &request.handles),
            expected
        );
        let url = request.build_return_url("Zm9v", "031120201803460", "YQ==");
        assert_eq!(
            url,
            "https://fiu.example/back?a=1&fi=Zm9v&resdate=031120201803460&ecres=YQ%3D%3D"
        );
        for text in [
            "",
            "txnid=T1&sessionid=S1&userid=u",
            "txnid=T1&sessionid=S1&userid=u&redirect=javascript:x",
        ] {
            assert!(Request::parse(text).is_err(), "{text}");
        }
    }
}
