//! Messages as the inspector shows them: calls, and attempts to send webhooks.

use actix_web::http::StatusCode;

use super::PageCall;
use crate::crypto::jws::{SearchEffort, SignatureQuestion, SignedContent, explain_signature};
use crate::crypto::webhook::is_valid_payload;
use crate::domain::call_facts::RequestSignature;
use crate::domain::delivery::{Attempt, AttemptOutcome, Delivery, DeliveryState};
use crate::domain::journal_entry::{CallRecord, JournalEntry, JournalRecord};
use crate::domain::listing::{Cursor, ListPart};
use crate::domain::participants::PublicKey;
use crate::http::params::Params;
use crate::ui::console::comparison::compare_headers;
use crate::ui::console::inspector::{
    Exchange, Finding, InspectorPart, InspectorPlace, OtherMessage, ShownAnswer, ShownBody, Verdict,
};
use crate::ui::console::timeline::DescribedEntry;
use crate::wire::api_error::ApiError;
use crate::wire::control::journal::{BodySide, EntrySummary, RecordedBody};
use crate::wire::fields::require_enum;
use crate::wire::mask::{
    MASKED_HEADER, RequestMask, SecretDetail, mask_headers, mask_message, mask_target,
};

/// Largest body that a command has in it, in bytes.
const CURL_BODY_MAX: usize = 64 * 1024;

/// Returns an entry with its words, without secrets.
pub(super) fn describe_entry(entry: JournalEntry) -> DescribedEntry {
    let summary = EntrySummary::from(&entry);
    let path = summary.path().map(str::to_owned);
    let text = match &entry.record {
        JournalRecord::Webhook(webhook) => mask_message(&webhook.outcome),
        _ => summary.into_text(),
    };
    DescribedEntry { entry, text, path }
}

/// Parses the parameters of the inspector of a page.
pub(super) fn parse_place(
    params: &Params,
    path: String,
    parameters: Vec<(&'static str, String)>,
) -> Result<InspectorPlace, ApiError> {
    let part = params.first_value("part").map(str::to_owned);
    let part = part
        .map(|part| {
            require_enum(
                "part",
                Some(part),
                InspectorPart::parse,
                InspectorPart::accepted_names,
            )
        })
        .transpose()?;
    let offset = params.first_value("offset").unwrap_or("0");
    let offset = offset
        .parse()
        .map_err(|_| ApiError::invalid_field("offset", "is not a whole number"))?;
    Ok(InspectorPlace {
        path,
        parameters,
        part: part.unwrap_or_default(),
        offset,
        reveals: params.parse_switch("reveal")?,
    })
}

const fn secrets_of(place: &InspectorPlace) -> SecretDetail {
    if place.reveals {
        SecretDetail::Reveal
    } else {
        SecretDetail::Mask
    }
}

fn show_headers(headers: &[(String, String)], secrets: SecretDetail) -> Vec<(String, String)> {
    match secrets {
        SecretDetail::Mask => mask_headers(headers),
        SecretDetail::Reveal => headers.to_vec(),
    }
}

fn show_target(target: &str, secrets: SecretDetail) -> String {
    match secrets {
        SecretDetail::Mask => mask_target(target),
        SecretDetail::Reveal => target.to_owned(),
    }
}

impl PageCall<'_> {
    /// Returns the message of an entry; `None` if it has none.
    pub(super) fn exchange_of(
        &self,
        entry: &JournalEntry,
        place: &InspectorPlace,
    ) -> Option<Exchange> {
        match &entry.record {
            JournalRecord::Call(call) => Some(self.show_call(entry, call, place)),
            JournalRecord::Webhook(webhook) => {
                let delivery = self.world.catch_up().delivery(webhook.delivery)?;
                let number = usize::try_from(webhook.attempt).ok()?.checked_sub(1)?;
                self.show_attempt(&delivery, number, place)
            }
            _ => None,
        }
    }

    fn show_call(
        &self,
        entry: &JournalEntry,
        call: &CallRecord,
        place: &InspectorPlace,
    ) -> Exchange {
        let secrets = secrets_of(place);
        let address = |side: BodySide| {
            let reveal = if place.reveals { "?reveal=true" } else { "" };
            let base = &self.call.page_frame().base_path;
            format!(
                "{base}/_mockaa/v1/journal/{}/{}{reveal}",
                entry.seq,
                side.as_str()
            )
        };
        let body = |side: BodySide| {
            let body = RecordedBody::of_entry(entry, side, secrets);
            body.map_or_else(ShownBody::default, |body| ShownBody {
                bytes: body.bytes,
                length: body.length,
                address: address(side),
            })
        };
        let recorded_headers = call.headers.to_list();
        let (headers, path) = (
            show_headers(&recorded_headers, secrets),
            show_target(&call.path, secrets),
        );
        let request = body(BodySide::Request);
        let answer = body(BodySide::Answer);
        let reason = StatusCode::from_u16(call.status).ok();
        let reason = reason.and_then(|status| status.canonical_reason());
        let recorded = [BodySide::Request, BodySide::Answer]
            .map(|side| RecordedBody::of_entry(entry, side, SecretDetail::Reveal));
        let hides_body = [(&request, &recorded[0]), (&answer, &recorded[1])]
            .iter()
            .any(|(shown, whole)| {
                whole
                    .as_ref()
                    .is_some_and(|whole| whole.bytes != shown.bytes)
            });
        let server = super::server_url(self.call, &self.world);
        let curl = Curl {
            method: &call.method,
            url: format!("{server}{path}"),
            headers: &headers,
            body: &request,
            server: &server,
            remarks: if hides_body {
                &["Secrets in the body are masked; reveal them first."]
            } else {
                &[]
            },
        };
        Exchange {
            line: format!("{} {path}", call.method),
            is_masked: headers != recorded_headers || path != call.path || hides_body,
            verdict: self.judge_call(entry, call),
            other: None,
            resend: None,
            answer: Some(ShownAnswer {
                line: format!("{} {}", call.status, reason.unwrap_or_default()),
                has_come: true,
                headers: show_headers(&call.response_headers.to_list(), secrets),
                body: answer,
            }),
            curl: curl.write(),
            headers,
            body: request,
        }
    }

    /// Returns the result of the check of a call's signature, as it was made when the call came.
    fn judge_call(&self, entry: &JournalEntry, call: &CallRecord) -> Option<Verdict> {
        let (is_valid, title, text) = match call.facts.signature.as_ref()? {
            RequestSignature::Valid => (true, "The signature verifies", String::new()),
            RequestSignature::Missing => (
                false,
                "The call is not signed",
                "x-jws-signature is missing".to_owned(),
            ),
            RequestSignature::Invalid(reason) => {
                (false, "The signature does not verify", reason.to_string())
            }
        };
        let cause = entry.cause.as_ref().map(|cause| cause.number);
        let part = ListPart {
            cursor: Cursor::Before(entry.seq),
            limit: 1,
        };
        let (explained, _) = self.world.catch_up().journal_matching(part, |it| {
            matches!(it.record, JournalRecord::InvalidSignature { .. })
                && cause.is_some()
                && it.cause.as_ref().map(|cause| cause.number) == cause
        });
        let explanation = explained
            .into_iter()
            .next()
            .map(|it| describe_entry(it).text);
        Some(Verdict {
            is_valid,
            title: title.to_owned(),
            findings: if text.is_empty() {
                Vec::new()
            } else {
                vec![Finding {
                    is_good: false,
                    label: "Signature",
                    text,
                }]
            },
            explanation: explanation.unwrap_or_default(),
        })
    }

    /// Returns an attempt of a delivery by its place; `None` if there is no such attempt.
    pub(super) fn show_attempt(
        &self,
        delivery: &Delivery,
        index: usize,
        place: &InspectorPlace,
    ) -> Option<Exchange> {
        let attempt = delivery.attempts.get(index)?;
        let secrets = secrets_of(place);
        let (headers, url) = (
            show_headers(&attempt.headers, secrets),
            show_target(&attempt.url, secrets),
        );
        let bytes = delivery.body_of(Some(attempt)).unwrap_or_default().to_vec();
        let base = &self.call.page_frame().base_path;
        let body = ShownBody {
            length: bytes.len(),
            bytes,
            address: format!(
                "{base}/_mockaa/v1/webhooks/{}/body?attempt={}",
                delivery.id,
                index + 1
            ),
        };
        let mask = RequestMask::new(&attempt.headers, &attempt.url, &[]);
        let answer = attempt.outcome.body().as_bytes();
        let shown_answer = match secrets {
            SecretDetail::Mask => mask.mask_answer(answer),
            SecretDetail::Reveal => answer.to_vec(),
        };
        let curl = Curl {
            method: "POST",
            url: url.clone(),
            headers: &headers,
            body: &body,
            server: &super::server_url(self.call, &self.world),
            remarks: &[
                "The signed bytes. A receiver that checks webhook-timestamp refuses them after five minutes.",
            ],
        };
        Some(Exchange {
            line: format!("POST {url}"),
            is_masked: headers != attempt.headers || url != attempt.url || shown_answer != answer,
            verdict: self.judge_attempt(delivery, attempt),
            other: find_other(delivery, index, secrets),
            resend: can_resend(delivery).then_some(delivery.id),
            answer: Some(ShownAnswer {
                line: match &attempt.outcome {
                    AttemptOutcome::Failed { reason } => match secrets {
                        SecretDetail::Mask => mask.mask_message(reason),
                        SecretDetail::Reveal => reason.clone(),
                    },
                    outcome => format!("{outcome}, after {} ms", attempt.duration_ms),
                },
                has_come: attempt.outcome.status().is_some(),
                headers: Vec::new(),
                body: ShownBody {
                    length: shown_answer.len(),
                    bytes: shown_answer,
                    address: String::new(),
                },
            }),
            curl: curl.write(),
            headers,
            body,
        })
    }

    /// Checks the signatures of an attempt as its receiver would.
    fn judge_attempt(&self, delivery: &Delivery, attempt: &Attempt) -> Option<Verdict> {
        let notification = &delivery.notification;
        let header = |name: &str| {
            let mut headers = attempt.headers.iter();
            let found = headers.find(|(it, _)| it.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str())
        };
        let body = delivery.body_of(Some(attempt))?;
        let participants = self.world.participants();
        let keyring = &self.call.app_state().keys;
        let aa = &participants.aa_for_consent(&notification.consent).id;
        let own = keyring.key_for_aa(aa);
        let next = keyring.next_public_key(own);
        let keys: [&PublicKey; 2] = [&own.public, &next];
        let known = keys.map(|key| (aa.to_string(), key));
        let mut findings = Vec::new();
        let mut explanation = String::new();
        match header("x-jws-signature") {
            None => findings.push(Finding {
                is_good: false,
                label: "x-jws-signature",
                text: "missing".to_owned(),
            }),
            Some(signature) => {
                let result = explain_signature(&SignatureQuestion {
                    signature,
                    content: &SignedContent::Body(body, None),
                    caller_keys: &keys,
                    known_keys: &known,
                    secrets: &[],
                    effort: SearchEffort::Bounded,
                });
                let is_good = result.verifies();
                findings.push(Finding {
                    is_good,
                    label: "x-jws-signature",
                    text: if is_good {
                        format!("verifies with a key of {aa} over {} bytes", body.len())
                    } else {
                        "does not verify with the keys of the AA".to_owned()
                    },
                });
                // A fault needs no remedy.
                if !is_good && attempt.faults.is_empty() {
                    explanation = result.to_string();
                }
            }
        }
        if let (Some(id), Some(timestamp), Some(signatures)) = (
            header("webhook-id"),
            header("webhook-timestamp"),
            header("webhook-signature"),
        ) {
            let fiu = participants.find_fiu(&notification.fiu);
            let is_good = fiu.is_some_and(|fiu| {
                let seconds = timestamp.parse().ok();
                seconds.is_some_and(|seconds| {
                    is_valid_payload(&fiu.webhook_secret, id, seconds, body, signatures)
                })
            });
            findings.push(Finding {
                is_good,
                label: "webhook-signature",
                text: if is_good {
                    "matches the secret of the FIU".to_owned()
                } else {
                    "does not match the present secret of the FIU".to_owned()
                },
            });
        }
        let are_good = findings.iter().all(|finding| finding.is_good);
        let is_valid = are_good && attempt.faulty_body.is_none();
        if !attempt.faults.is_empty() {
            let names: Vec<_> = attempt.faults.iter().map(|fault| fault.as_str()).collect();
            findings.push(Finding {
                is_good: is_valid,
                label: "On purpose",
                text: format!(
                    "{} {}",
                    if names.len() == 1 {
                        "the fault"
                    } else {
                        "the faults"
                    },
                    names.join(", ")
                ),
            });
        }
        let title = match (is_valid, attempt.faults.is_empty()) {
            (true, _) => "The signatures verify",
            (false, true) => "Not every signature verifies",
            (false, false) => "A fault changes this message on purpose",
        };
        Some(Verdict {
            is_valid,
            title: title.to_owned(),
            findings,
            explanation,
        })
    }
}

/// Returns the message with which an attempt is compared: the one without faults, if a fault has changed
/// it, or else that of the attempt before.
fn find_other(delivery: &Delivery, index: usize, secrets: SecretDetail) -> Option<OtherMessage> {
    let attempt = delivery.attempts.get(index)?;
    let faultless_headers = attempt.faultless_headers.as_deref();
    let (name, headers, body) = if attempt.faulty_body.is_some() || faultless_headers.is_some() {
        (
            "the message without faults".to_owned(),
            faultless_headers.unwrap_or(&attempt.headers),
            delivery.body_of(None)?,
        )
    } else {
        let number = index.checked_sub(1)?;
        let before = delivery.attempts.get(number)?;
        let name = format!("attempt {index}");
        (name, &*before.headers, delivery.body_of(Some(before))?)
    };
    let show = |name: &str, value: &str| {
        let shown = show_headers(&[(name.to_owned(), value.to_owned())], secrets);
        shown.into_iter().map(|(_, value)| value).collect()
    };
    Some(OtherMessage {
        name,
        header_changes: compare_headers(headers, &attempt.headers, show),
        body: body.to_vec(),
    })
}

/// Returns whether a delivery can be sent again now.
pub(super) const fn can_resend(delivery: &Delivery) -> bool {
    !matches!(
        delivery.state,
        DeliveryState::Held | DeliveryState::Queued | DeliveryState::Sending
    )
}

/// A command that sends a message again.
struct Curl<'a> {
    method: &'a str,
    url: String,
    headers: &'a [(String, String)],
    body: &'a ShownBody,
    /// The address of the sandbox.
    server: &'a str,
    /// Comments above the command.
    remarks: &'a [&'static str],
}

/// Headers that the client writes itself.
const OWN_HEADERS: [&str; 6] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "user-agent",
];

impl Curl<'_> {
    fn write(&self) -> String {
        let mut text = String::new();
        for remark in self.remarks {
            text += &format!("# {remark}\n");
        }
        let plain_body = std::str::from_utf8(&self.body.bytes)
            .ok()
            .filter(|body| body.len() <= CURL_BODY_MAX && !body.contains('\0'))
            .filter(|body| body.len() == self.body.length);
        if plain_body.is_none() && self.body.length > 0 {
            let address = format!("{}{}", self.server, self.body.address);
            text += &format!("curl -o body.bin {}\n", quote_word(&address));
        }
        text += &match self.method {
            // With -X HEAD, curl waits for a body.
            "HEAD" => format!("curl -I {}", quote_word(&self.url)),
            method if method.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                format!("curl -X {method} {}", quote_word(&self.url))
            }
            method => format!("curl -X {} {}", quote_word(method), quote_word(&self.url)),
        };
        let headers = self.headers.iter();
        for (name, value) in headers.filter(|(name, _)| !OWN_HEADERS.contains(&&**name)) {
            text += " \\\n  -H ";
            text += &match &**value {
                // The reader has the secret in a variable of the shell.
                MASKED_HEADER => {
                    let start = quote_word(&format!("{name}: "));
                    format!("{start}\"$MOCKAA_{}\"", variable_name(name))
                }
                "" => quote_word(&format!("{name};")),
                value => quote_word(&format!("{name}: {value}")),
            };
        }
        let has_type = self.headers.iter().any(|(name, _)| name == "content-type");
        if self.body.length > 0 && !has_type {
            text += " \\\n  -H 'content-type:'";
        }
        match plain_body {
            Some("") => {}
            Some(body) => text += &format!(" \\\n  --data-raw {}", quote_word(body)),
            None if self.body.length == 0 => {}
            None => text += " \\\n  --data-binary @body.bin",
        }
        text
    }
}

/// Returns the name of a header with letters, digits and underscores only.
fn variable_name(header: &str) -> String {
    let letters = header.chars();
    letters
        .map(|it| {
            if it.is_ascii_alphanumeric() {
                it.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// Quotes a word for a POSIX shell.
fn quote_word(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{Curl, quote_word};
    use crate::ui::console::inspector::ShownBody;

    fn write(method: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let headers = headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let body = ShownBody {
            bytes: body.to_vec(),
            length: body.len(),
            address: "/body".to_owned(),
        };
        let curl = Curl {
            method,
            url: "http://localhost/a?b=c&d".to_owned(),
            headers: &headers,
            body: &body,
            server: "http://localhost",
            remarks: &[],
        };
        curl.write()
    }

    #[test]
    fn a_command_has_the_exact_bytes_and_no_secret() {
        let headers = [
            ("content-type", "application/json"),
            ("client_api_key", "(masked)"),
            ("host", "localhost"),
            ("x-empty", ""),
        ];
        assert_eq!(
            write("POST", &headers, b"@{\"a\": \"it's\"}\n"),
            "curl -X POST 'http://localhost/a?b=c&d' \\\n  -H 'content-type: application/json' \\\n  \
             -H 'client_api_key: '\"$MOCKAA_CLIENT_API_KEY\" \\\n  -H 'x-empty;' \\\n  \
             --data-raw '@{\"a\": \"it'\\''s\"}\n'"
        );
        let binary = write("POST", &[], &[0xff]);
        assert!(binary.starts_with("curl -o body.bin 'http://localhost/body'\n"));
        assert!(binary.ends_with("-H 'content-type:' \\\n  --data-binary @body.bin"));
        assert!(write("HEAD", &[], b"").starts_with("curl -I 'http"));
        assert!(write("A`id`", &[], b"").starts_with("curl -X 'A`id`' 'http"));
        assert_eq!(quote_word("$HOME `x`"), "'$HOME `x`'");
    }

    /// The name of a header comes from a caller, and the command is pasted into a shell.
    #[test]
    fn the_name_of_a_header_is_no_command() {
        let text = write("GET", &[("x-`uname`-$(id)-api_key", "(masked)")], b"");
        assert!(
            text.contains("'x-`uname`-$(id)-api_key: '\"$MOCKAA_X__UNAME____ID__API_KEY\""),
            "{text}"
        );
    }
}
