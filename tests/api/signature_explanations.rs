//! Wrong signatures as real clients make them, each really signed with a shipped key, and their
//! explanations in the journal. Layouts and encodings are written out here, so that they are not
//! those of the code under test.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use aws_lc_rs::{digest, hmac};
use mockaa::internals::crypto::base64::{encode, url_encode};
use reqwest::Method;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey, LineEnding};
use rsa::rand_core::OsRng;
use rsa::sha2::{Sha256, Sha384, Sha512};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPrivateKey};

use crate::helpers::TestApp;
use crate::participants::Participant;

const FIU_1: &str = include_str!("../../fixtures/keys/fiu-1.pem");
const FIP_1: &str = include_str!("../../fixtures/keys/fip-1.pem");
const AA: &str = include_str!("../../fixtures/keys/mockaa-aa.pem");

const DETACHED: &str = r#"{"alg":"RS256","kid":"fiu-1-dev-1","b64":false,"crit":["b64"]}"#;
const ENCODED: &str = r#"{"alg":"RS256","kid":"fiu-1-dev-1"}"#;

const BODY: &str = r#"{"ver":"2.0.0","txnid":"~~~~~","name":"अनु/é","amount":1.0,"count":2,"list":[1,{"b":true,"a":null}],"key":"a+b=="}"#;
const PYTHON: &str = r#"{"ver": "2.0.0", "txnid": "~~~~~", "name": "अनु/é", "amount": 1.0, "count": 2, "list": [1, {"b": true, "a": null}], "key": "a+b=="}"#;
const SORTED: &str = r#"{"amount":1.0,"count":2,"key":"a+b==","list":[1,{"a":null,"b":true}],"name":"अनु/é","txnid":"~~~~~","ver":"2.0.0"}"#;
const SORTED_PYTHON: &str = r#"{"amount": 1.0, "count": 2, "key": "a+b==", "list": [1, {"a": null, "b": true}], "name": "अनु/é", "txnid": "~~~~~", "ver": "2.0.0"}"#;
const INDENTED: &str = "{\n  \"ver\": \"2.0.0\",\n  \"txnid\": \"~~~~~\",\n  \"name\": \"अनु/é\",\n  \"amount\": 1.0,\n  \"count\": 2,\n  \"list\": [\n    1,\n    {\n      \"b\": true,\n      \"a\": null\n    }\n  ],\n  \"key\": \"a+b==\"\n}";
const JACKSON: &str = "{\n  \"ver\" : \"2.0.0\",\n  \"txnid\" : \"~~~~~\",\n  \"name\" : \"अनु/é\",\n  \"amount\" : 1.0,\n  \"count\" : 2,\n  \"list\" : [ 1, {\n    \"b\" : true,\n    \"a\" : null\n  } ],\n  \"key\" : \"a+b==\"\n}";

/// Signature scheme of a case.
#[derive(Clone, Copy)]
enum Scheme {
    Rs256,
    Rs384,
    Rs512,
    Rs1,
    /// PSS with SHA-256 and a salt of this length.
    Ps256(usize),
    /// PKCS#1 v1.5 around the message itself.
    Bare,
    /// The message as a number, without any padding.
    Textbook,
}

fn private_key(pem: &str) -> RsaPrivateKey {
    let start = pem.find("-----BEGIN").expect("a PEM block");
    RsaPrivateKey::from_pkcs8_pem(&pem[start..]).expect("a key")
}

fn hash(algorithm: &'static digest::Algorithm, message: &[u8]) -> Vec<u8> {
    digest::digest(algorithm, message).as_ref().to_vec()
}

fn sha256(message: &[u8]) -> Vec<u8> {
    hash(&digest::SHA256, message)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sign(pem: &str, scheme: Scheme, message: &[u8]) -> Vec<u8> {
    let key = private_key(pem);
    let signature = match scheme {
        Scheme::Rs256 => key.sign(Pkcs1v15Sign::new::<Sha256>(), &sha256(message)),
        Scheme::Rs384 => {
            let digest = hash(&digest::SHA384, message);
            key.sign(Pkcs1v15Sign::new::<Sha384>(), &digest)
        }
        Scheme::Rs512 => {
            let digest = hash(&digest::SHA512, message);
            key.sign(Pkcs1v15Sign::new::<Sha512>(), &digest)
        }
        Scheme::Rs1 => {
            let prefix = b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14";
            let padding = Pkcs1v15Sign {
                hash_len: Some(20),
                prefix: prefix.as_slice().into(),
            };
            key.sign(padding, &hash(&digest::SHA1_FOR_LEGACY_USE_ONLY, message))
        }
        Scheme::Ps256(salt) => key.sign_with_rng(
            &mut OsRng,
            Pss::new_with_salt::<Sha256>(salt),
            &sha256(message),
        ),
        Scheme::Bare => key.sign(Pkcs1v15Sign::new_unprefixed(), message),
        Scheme::Textbook => {
            let number = BigUint::from_bytes_be(message).modpow(key.d(), key.n());
            let bytes = number.to_bytes_be();
            Ok([vec![0; 256 - bytes.len()], bytes].concat())
        }
    };
    signature.expect("a signature")
}

/// Returns a detached JWS whose signing input is the encoded header, a dot and this payload.
fn jws(header: &str, payload: &[u8]) -> String {
    jws_of(FIU_1, Scheme::Rs256, header, payload)
}

fn jws_of(pem: &str, scheme: Scheme, header: &str, payload: &[u8]) -> String {
    let header = url_encode(header.as_bytes());
    let input = [header.as_bytes(), b".", payload].concat();
    format!("{header}..{}", url_encode(&sign(pem, scheme, &input)))
}

/// Returns a detached JWS of a new key, which no participant has.
fn jws_of_unknown_key(payload: &[u8]) -> String {
    let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let header = url_encode(DETACHED.as_bytes());
    let input = [header.as_bytes(), b".", payload].concat();
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        &input,
        &mut signature,
    )
    .expect("a signature");
    format!("{header}..{}", url_encode(&signature))
}

/// Returns a detached JWS with this header whose signature covers any bytes.
fn jws_over(header: &str, input: &[u8]) -> String {
    let signature = sign(FIU_1, Scheme::Rs256, input);
    format!(
        "{}..{}",
        url_encode(header.as_bytes()),
        url_encode(&signature)
    )
}

/// Returns the PSS encoding of a message with SHA-256, but with SHA-1 in the mask, as Java does by
/// default (RFC 8017, section 9.1.1).
fn encode_pss_with_sha1_mask(message: &[u8]) -> Vec<u8> {
    let salt = [7; 20];
    let salted = sha256(&[&[0; 8][..], &sha256(message), &salt].concat());
    let block = [&[0; 256 - 32 - 1 - 21][..], &[1], &salt].concat();
    let mask = (0_u32..).flat_map(|counter| {
        let seed = [&salted[..], &counter.to_be_bytes()].concat();
        hash(&digest::SHA1_FOR_LEGACY_USE_ONLY, &seed)
    });
    let mut masked: Vec<u8> = block
        .iter()
        .zip(mask)
        .map(|(byte, mask)| byte ^ mask)
        .collect();
    masked[0] &= 0x7f;
    [&masked[..], &salted, &[0xbc]].concat()
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

/// A wrong signature.
struct Case {
    name: &'static str,
    signature: String,
    body: String,
    /// Owner of the key that made the signature; `None` if no key did, or none that is known.
    signer: Option<&'static str>,
    /// Texts that the explanation has.
    expected: Vec<&'static str>,
}

/// The signer of most cases, as an explanation names it.
const SIGNER: &str = "cause: signed by FIU-1's key fiu-1-dev-1 (RS256, PKCS#1 v1.5, SHA-256) over ";

fn case(name: &'static str, signature: String, expected: &[&'static str]) -> Case {
    Case {
        name,
        signature,
        body: BODY.to_owned(),
        signer: Some("FIU-1"),
        expected: [&[SIGNER], expected].concat(),
    }
}

/// A case of another signer, or with another body than [`BODY`].
fn odd_case(
    name: &'static str,
    signer: Option<&'static str>,
    signature: String,
    body: &str,
    expected: &[&'static str],
) -> Case {
    Case {
        name,
        signature,
        body: body.to_owned(),
        signer,
        expected: expected.to_vec(),
    }
}

/// A body that was printed again between signing and sending.
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn list_spelling_cases() -> Vec<Case> {
    let raw = |text: &str| jws(DETACHED, text.as_bytes());
    let again = "over the body printed again";
    let tabs = INDENTED.replace("  ", "\t");
    let four = INDENTED.replace("  ", "    ");
    let escaped = BODY
        .replace("अनु", r"\u0905\u0928\u0941")
        .replace('é', r"\u00e9");
    let crlf = INDENTED.replace('\n', "\r\n");
    let mut cases = vec![
        case(
            "Python's separators",
            raw(PYTHON),
            &[
                again,
                "in Python's style",
                "its keys in their order",
                "raw, after the header",
            ],
        ),
        case(
            "sorted keys",
            raw(SORTED),
            &[again, "compact", "sorted keys"],
        ),
        case(
            "sorted, Python",
            raw(SORTED_PYTHON),
            &[again, "in Python's style", "sorted keys"],
        ),
        case(
            "indented by 2",
            raw(INDENTED),
            &[again, "indented by 2 spaces", "its keys in their order"],
        ),
        case(
            "indented by 4",
            raw(&four),
            &[again, "indented by 4 spaces"],
        ),
        case(
            "indented by tabs",
            raw(&tabs),
            &[again, "indented by a tab"],
        ),
        case(
            "Jackson",
            raw(JACKSON),
            &[again, "Jackson's indented style"],
        ),
        case(
            "base64url of Python's",
            jws(ENCODED, url_encode(PYTHON.as_bytes()).as_bytes()),
            &[again, "in Python's style", "in base64url"],
        ),
        case(
            "line feed",
            raw(&format!("{BODY}\n")),
            &["the body as received, with a line feed (\\n) at its end"],
        ),
        case(
            "CR LF",
            raw(&format!("{BODY}\r\n")),
            &["the body as received, with CR LF (\\r\\n) at its end"],
        ),
        case(
            "line feed after Python's",
            raw(&format!("{PYTHON}\n")),
            &[again, "in Python's style", "line feed (\\n) at its end"],
        ),
        case(
            "CR LF throughout",
            raw(&crlf),
            &[again, "indented by 2 spaces", "CR LF for each line break"],
        ),
        case(
            "BOM",
            raw(&format!("\u{feff}{BODY}")),
            &["with a byte order mark (BOM) before it"],
        ),
        case(
            "escapes",
            raw(&escaped),
            &[again, "characters beyond ASCII as \\uXXXX"],
        ),
        case(
            "escapes, Python",
            raw(&PYTHON
                .replace("अनु", r"\u0905\u0928\u0941")
                .replace('é', r"\u00e9")),
            &[again, "in Python's style", "\\uXXXX"],
        ),
        case(
            "escaped slash",
            raw(&BODY.replace('/', r"\/")),
            &[again, "each / as \\/"],
        ),
        case("PHP", raw(&escaped.replace('/', r"\/")), &[again, "(PHP)"]),
        case(
            "Gson",
            raw(&BODY.replace('=', r"\u003d")),
            &[again, "(Gson)"],
        ),
        case(
            ".NET",
            raw(&escaped.replace("00e9", "00E9").replace('+', r"\u002B")),
            &[again, "(.NET)"],
        ),
        case(
            "JavaScript's numbers",
            raw(&BODY.replace("1.0", "1")),
            &[again, "numbers in their shortest form"],
        ),
        case(
            "floating-point numbers",
            raw(&BODY.replace("\"count\":2,\"list\":[1,", "\"count\":2.0,\"list\":[1.0,")),
            &[again, "whole numbers with a fraction"],
        ),
        case(
            "without null",
            raw(&BODY.replace(",\"a\":null", "")),
            &[again, "without members that are null"],
        ),
        case(
            "UTF-16LE",
            jws(DETACHED, &utf16(BODY, u16::to_le_bytes)),
            &["the body as received, in UTF-16LE,"],
        ),
        case(
            "UTF-16BE with a mark",
            jws(
                DETACHED,
                &utf16(&format!("\u{feff}{BODY}"), u16::to_be_bytes),
            ),
            &["in UTF-16BE with a byte order mark"],
        ),
        case(
            "JSON string",
            raw(&serde_json::to_string(BODY).expect("a text")),
            &["as a JSON string in quotes"],
        ),
        case("no body", raw(""), &["no content at all"]),
        case(
            "a member",
            raw(r#"[1,{"b":true,"a":null}]"#),
            &["the value of `list` alone"],
        ),
        case(
            "Python's dictionary",
            raw(&PYTHON
                .replace('"', "'")
                .replace("true", "True")
                .replace("null", "None")),
            &["Python's str()"],
        ),
        case(
            "the path",
            raw("/Consent"),
            &["the path as sent (`/Consent`)"],
        ),
    ];
    let latin = r#"{"name":"é"}"#;
    cases.push(odd_case(
        "Latin-1",
        Some("FIU-1"),
        jws(DETACHED, b"{\"name\":\"\xe9\"}"),
        latin,
        &[SIGNER, "in Latin-1"],
    ));
    cases.push(odd_case(
        "received escaped, signed raw",
        Some("FIU-1"),
        raw(BODY),
        &escaped,
        &[SIGNER, again, "strings in raw UTF-8"],
    ));
    cases.push(odd_case(
        "received indented, signed compact",
        Some("FIU-1"),
        raw(BODY),
        INDENTED,
        &[SIGNER, again, "compact", "its keys in their order"],
    ));
    cases.push(odd_case(
        "received with a line feed, signed without",
        Some("FIU-1"),
        raw(BODY),
        &format!("{BODY}\n"),
        &[SIGNER, "without the white space at its end"],
    ));
    cases.push(odd_case(
        "no JSON, with a line feed",
        Some("FIU-1"),
        raw("plain\n"),
        "plain",
        &[SIGNER, "the body as received, with a line feed"],
    ));
    cases
}

/// A payload, header or frame that was signed in another form.
fn list_form_cases() -> Vec<Case> {
    let body = BODY.as_bytes();
    let header = url_encode(DETACHED.as_bytes());
    let over = |parts: &[&[u8]]| jws_over(DETACHED, &parts.concat());
    let twice = url_encode(url_encode(body).as_bytes());
    let wrapped: String = encode(body)
        .as_bytes()
        .chunks(76)
        .map(|line| format!("{}\r\n", String::from_utf8_lossy(line)))
        .collect();
    let as_received = "the body as received";
    vec![
        case(
            "base64url under b64:false",
            jws(DETACHED, url_encode(body).as_bytes()),
            &[
                as_received,
                "in base64url, after the header",
                "hint: the header has b64:false",
            ],
        ),
        case(
            "raw without b64:false",
            jws(ENCODED, body),
            &[
                as_received,
                "raw, after the header",
                "hint: the header lacks b64:false",
            ],
        ),
        case(
            "standard base64",
            jws(ENCODED, encode(body).as_bytes()),
            &[as_received, "in standard base64,"],
        ),
        case(
            "base64url with padding",
            jws(ENCODED, (url_encode(body) + "==").as_bytes()),
            &[as_received, "in base64url with padding"],
        ),
        case(
            "base64url twice",
            jws(ENCODED, twice.as_bytes()),
            &[as_received, "in base64url twice"],
        ),
        case(
            "standard base64 twice",
            jws(ENCODED, encode(encode(body).as_bytes()).as_bytes()),
            &[as_received, "in standard base64 twice"],
        ),
        case(
            "base64 in lines",
            jws(ENCODED, wrapped.trim_end().as_bytes()),
            &[as_received, "in standard base64 with line breaks"],
        ),
        case(
            "hexadecimal",
            jws(ENCODED, hex(body).as_bytes()),
            &[as_received, "in hexadecimal,"],
        ),
        case(
            "digest as payload",
            jws(DETACHED, &sha256(body)),
            &[as_received, "as its SHA-256 digest,"],
        ),
        case(
            "hex digest as payload",
            jws(DETACHED, hex(&sha256(body)).as_bytes()),
            &[as_received, "as its SHA-256 digest in hexadecimal"],
        ),
        case(
            "payload alone",
            over(&[body]),
            &[
                as_received,
                "raw, alone, without the header",
                "hint: the signing input is the header",
            ],
        ),
        case(
            "encoded payload alone",
            over(&[url_encode(body).as_bytes()]),
            &[as_received, "in base64url, alone, without the header"],
        ),
        case(
            "dot missing",
            over(&[header.as_bytes(), body]),
            &[as_received, "without a dot between them"],
        ),
        case(
            "two dots",
            over(&[header.as_bytes(), b"..", body]),
            &[as_received, "after the header and two dots"],
        ),
        case(
            "header alone",
            over(&[header.as_bytes()]),
            &["over the header alone"],
        ),
        case(
            "plain header",
            over(&[DETACHED.as_bytes(), b".", body]),
            &[as_received, "the header as plain JSON"],
        ),
        case(
            "other header",
            over(&[url_encode(ENCODED.as_bytes()).as_bytes(), b".", body]),
            &[
                as_received,
                "another header than the one that was sent: `{\"alg\":\"RS256\",\"kid\":\"fiu-1-dev-1\"}`",
            ],
        ),
        case(
            "header printed again",
            over(&[
                url_encode(DETACHED.replace(',', ", ").replace(':', ": ").as_bytes()).as_bytes(),
                b".",
                body,
            ]),
            &[as_received, "another header than the one that was sent"],
        ),
    ]
}

/// A digest, padding, algorithm or key that is not the right one.
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn list_scheme_cases() -> Vec<Case> {
    let body = BODY.as_bytes();
    let header = url_encode(DETACHED.as_bytes());
    let input = [header.as_bytes(), b".", body].concat();
    let digest = sha256(&input);
    let value =
        |scheme, message: &[u8]| format!("{header}..{}", url_encode(&sign(FIU_1, scheme, message)));
    let with_alg = |alg: &str, scheme| jws_of(FIU_1, scheme, &DETACHED.replace("RS256", alg), body);
    let right = "over the body as received, raw, after the header and a dot";
    let pem = private_key(FIU_1)
        .to_public_key()
        .to_public_key_pem(LineEnding::LF)
        .expect("a key");
    let mac = |secret: &[u8]| {
        let header = url_encode(DETACHED.replace("RS256", "HS256").as_bytes());
        let input = [header.as_bytes(), b".", body].concat();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), &input);
        format!("{header}..{}", url_encode(tag.as_ref()))
    };
    let digest_info = [
        &b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"[..],
        &digest,
    ]
    .concat();
    vec![
        case(
            "digest signed twice",
            value(Scheme::Rs256, &digest),
            &[right, "digest of the digest"],
        ),
        case(
            "digest signed as hex",
            value(Scheme::Rs256, hex(&digest).as_bytes()),
            &[
                right,
                "digest as hexadecimal text",
                "hint: give the message",
            ],
        ),
        case(
            "digest signed as base64",
            value(Scheme::Rs256, encode(&digest).as_bytes()),
            &[right, "digest as base64 text"],
        ),
        case(
            "DigestInfo signed",
            value(Scheme::Rs256, &digest_info),
            &[right, "DigestInfo of their digest"],
        ),
        case(
            "body's digest signed alone",
            value(Scheme::Rs256, &sha256(body)),
            &["the body as received", "SHA-256"],
        ),
        odd_case(
            "bare digest",
            Some("FIU-1"),
            value(Scheme::Bare, &digest),
            BODY,
            &[
                "signed by FIU-1's key fiu-1-dev-1 (PKCS#1 v1.5 without a DigestInfo)",
                right,
                "without a DigestInfo",
            ],
        ),
        odd_case(
            "bare hex digest",
            Some("FIU-1"),
            value(Scheme::Bare, hex(&digest).as_bytes()),
            BODY,
            &[
                "signed by FIU-1's key fiu-1-dev-1 (PKCS#1 v1.5 without a DigestInfo)",
                right,
                "digest as hexadecimal text",
            ],
        ),
        odd_case(
            "no padding",
            Some("FIU-1"),
            value(Scheme::Textbook, &digest),
            BODY,
            &[
                "signed by FIU-1's key fiu-1-dev-1 (RSA without padding)",
                right,
            ],
        ),
        odd_case(
            "PSS",
            Some("FIU-1"),
            value(Scheme::Ps256(32), &input),
            BODY,
            &[
                "signed by FIU-1's key fiu-1-dev-1 (PS256, PSS, SHA-256, salt of 32 bytes)",
                right,
                "hint: the header names alg RS256, but the signature is PS256",
            ],
        ),
        odd_case(
            "PSS with the longest salt",
            Some("FIU-1"),
            value(Scheme::Ps256(222), &input),
            BODY,
            &["(PS256, PSS, SHA-256, salt of 222 bytes)", right],
        ),
        odd_case(
            "PSS of Java",
            Some("FIU-1"),
            value(Scheme::Textbook, &encode_pss_with_sha1_mask(&input)),
            BODY,
            &[
                "(PS256, PSS, SHA-256, salt of 20 bytes, MGF1 with SHA-1)",
                right,
            ],
        ),
        odd_case(
            "PSS over Python's",
            Some("FIU-1"),
            jws_of(FIU_1, Scheme::Ps256(32), DETACHED, PYTHON.as_bytes()),
            BODY,
            &["PS256", "in Python's style"],
        ),
        odd_case(
            "alg PS256",
            Some("FIU-1"),
            with_alg("PS256", Scheme::Ps256(32)),
            BODY,
            &["verdict: alg PS256 is not accepted", "(PS256, PSS", right],
        ),
        odd_case(
            "RS512 named RS256",
            Some("FIU-1"),
            value(Scheme::Rs512, &input),
            BODY,
            &[
                "(RS512, PKCS#1 v1.5, SHA-512)",
                right,
                "hint: the header names alg RS256, but the signature is RS512",
            ],
        ),
        odd_case(
            "RS384",
            Some("FIU-1"),
            with_alg("RS384", Scheme::Rs384),
            BODY,
            &[
                "verdict: alg RS384 is not accepted",
                "(RS384, PKCS#1 v1.5, SHA-384)",
                right,
            ],
        ),
        odd_case(
            "SHA-1",
            Some("FIU-1"),
            value(Scheme::Rs1, &input),
            BODY,
            &["PKCS#1 v1.5, SHA-1)", right],
        ),
        case(
            "RS256 named RS512",
            with_alg("RS512", Scheme::Rs256),
            &[
                right,
                "hint: the header names alg RS512, but the signature is RS256",
            ],
        ),
        case(
            "RS256 named ES256",
            with_alg("ES256", Scheme::Rs256),
            &["verdict: alg ES256 is not accepted", right],
        ),
        odd_case(
            "another key than kid says",
            Some("FIP-1"),
            jws_of(FIP_1, Scheme::Rs256, DETACHED, body),
            BODY,
            &[
                "signed by FIP-1's key fip-1-dev-1 (RS256, PKCS#1 v1.5, SHA-256)",
                right,
                "hint: the header names kid fiu-1-dev-1, but the key that signed is fip-1-dev-1",
                "hint: this key of FIP-1 does not count for the caller",
            ],
        ),
        odd_case(
            "another participant's key",
            Some("FIP-1"),
            jws_of(FIP_1, Scheme::Rs256, &DETACHED.replace("fiu", "fip"), body),
            BODY,
            &[
                "signed by FIP-1's key",
                right,
                "this key of FIP-1 does not count for the caller",
            ],
        ),
        odd_case(
            "the AA's key",
            Some("mockaa"),
            jws_of(AA, Scheme::Rs256, DETACHED, body),
            BODY,
            &["signed by mockaa's key mockaa-dev-1", right],
        ),
        case(
            "unknown kid",
            jws(&DETACHED.replace("fiu-1-dev-1", "my-key"), body),
            &[
                right,
                "hint: the header names kid my-key, but the key that signed is fiu-1-dev-1",
            ],
        ),
        case(
            "unknown kid over Python's",
            jws(
                &DETACHED.replace("fiu-1-dev-1", "my-key"),
                PYTHON.as_bytes(),
            ),
            &["in Python's style", "names kid my-key"],
        ),
        case(
            "critical extension",
            jws(&DETACHED.replace("[\"b64\"]", "[\"b64\",\"exp\"]"), body),
            &["verdict: crit names", right],
        ),
        odd_case(
            "HMAC with the public key",
            None,
            mac(pem.as_bytes()),
            BODY,
            &[
                "not signed by a key: a message authentication code (HS256) whose secret is the public key fiu-1-dev-1 of FIU-1 in PEM",
                right,
            ],
        ),
        odd_case(
            "HMAC with the API key",
            None,
            mac(b"mockaa-dev-fiu-1-api-key"),
            BODY,
            &["whose secret is the API key of FIU-1", right],
        ),
        odd_case(
            "HMAC with an unknown secret",
            None,
            mac(b"secret"),
            BODY,
            &[
                "cause: the header names HS256",
                "no known key made this signature",
            ],
        ),
        odd_case(
            "a mere digest",
            None,
            format!("{header}..{}", url_encode(&digest)),
            BODY,
            &["not signed: the signature is a mere digest", right],
        ),
        odd_case(
            "alg none",
            None,
            format!("{}..", url_encode(br#"{"alg":"none"}"#)),
            BODY,
            &["cause: unsigned: the header names alg none"],
        ),
        odd_case(
            "an unknown key",
            None,
            jws_of_unknown_key(body),
            BODY,
            // A key fits by chance once in 65,000 trials; the text then says so.
            &["cause: no known key made this signature"],
        ),
        odd_case(
            "another body",
            Some("FIU-1"),
            jws(DETACHED, b"{}x"),
            BODY,
            &[
                "signed by FIU-1's key fiu-1-dev-1 (RS256, PKCS#1 v1.5, SHA-256) over bytes that are not this body; digest ",
            ],
        ),
        odd_case(
            "another body, PSS",
            Some("FIU-1"),
            jws_of(FIU_1, Scheme::Ps256(32), DETACHED, b"{}x"),
            BODY,
            &[
                "signed by FIU-1's key fiu-1-dev-1 (PS256, PSS, SHA-256, salt of 32 bytes) over bytes that are not this body",
            ],
        ),
    ]
}

/// A value that is not of the form `header..signature`.
fn list_value_cases() -> Vec<Case> {
    let body = BODY.as_bytes();
    let right = jws(DETACHED, body);
    let (header, signature) = right.split_once("..").expect("two parts");
    let bytes = sign(FIU_1, Scheme::Rs256, format!("{header}.{BODY}").as_bytes());
    let compact =
        jws(ENCODED, url_encode(body).as_bytes()).replace("..", &format!(".{}.", url_encode(body)));
    let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
    let as_received = "over the body as received";
    vec![
        case(
            "payload inside",
            compact,
            &[as_received, "hint: the middle part is not empty"],
        ),
        case(
            "quotes",
            format!("\"{right}\""),
            &[as_received, "hint: the value is in quotes"],
        ),
        case(
            "Bearer",
            format!("Bearer {right}"),
            &[as_received, "hint: the value begins with `Bearer`"],
        ),
        case(
            "one dot",
            format!("{header}.{signature}"),
            &[as_received, "hint: the value has one dot"],
        ),
        case(
            "bare signature",
            url_encode(&sign(FIU_1, Scheme::Rs256, body)),
            &[
                as_received,
                "alone, without the header",
                "hint: the value has no dot",
            ],
        ),
        case(
            "standard base64 signature",
            format!("{header}..{}", encode(&bytes)),
            &[as_received, "hint: the signature "],
        ),
        case(
            "hexadecimal signature",
            format!("{header}..{}", hex(&bytes)),
            &[as_received, "hint: the signature is in hexadecimal"],
        ),
        case(
            "signature in base64 twice",
            format!("{header}..{}", url_encode(encode(&bytes).as_bytes())),
            &[
                as_received,
                "hint: the signature is encoded in base64 twice",
            ],
        ),
        case(
            "signature in reverse order",
            format!("{header}..{}", url_encode(&reversed)),
            &[
                as_received,
                "hint: the bytes of the signature are in reverse order",
            ],
        ),
        odd_case(
            "signature cut off",
            None,
            format!("{header}..{}", &signature[..160]),
            BODY,
            &[
                "cause: no known key made this signature",
                "hint: the signature has 120 bytes",
            ],
        ),
        odd_case(
            "five parts",
            None,
            "a.b.c.d.e".to_owned(),
            BODY,
            &[
                "verdict: x-jws-signature is not of the form",
                "hint: a JWS has three parts",
            ],
        ),
        odd_case(
            "no base64",
            None,
            format!("{header}..*"),
            BODY,
            &["hint: the signature is not base64url"],
        ),
    ]
}

/// Explains each case by a sandbox, and returns the explanations.
async fn explain_cases(cases: &[Case]) -> Vec<String> {
    let app = TestApp::start_with(|builder| builder.security(mockaa::SecurityMode::Strict)).await;
    for case in cases {
        let request = app
            .request(Method::POST, "/Consent")
            .header("client_api_key", Participant::fiu_1().api_key)
            .header("content-type", "application/json")
            .header("x-jws-signature", &case.signature);
        let response = request.body(case.body.clone()).send().await;
        assert!(
            response.expect("an answer").status().is_client_error(),
            "{}",
            case.name
        );
    }
    read_explanations(&app).await
}

async fn read_explanations(app: &TestApp) -> Vec<String> {
    let entries = app
        .get("/_mockaa/v1/journal?kind=signature.invalid&limit=1000")
        .await;
    let entries = entries.expect_ok();
    let items = entries["items"].as_array().expect("a list").iter();
    items
        .map(|entry| entry["text"].as_str().expect("a text").to_owned())
        .collect()
}

#[tokio::test]
async fn wrong_signatures_of_real_clients_are_explained_and_none_falsely() {
    let cases = [
        list_spelling_cases(),
        list_form_cases(),
        list_scheme_cases(),
        list_value_cases(),
    ]
    .concat_cases();
    assert!(cases.len() >= 54, "{} cases", cases.len());
    let explanations = explain_cases(&cases).await;
    assert_eq!(explanations.len(), cases.len(), "each is explained");
    let mut wrong = Vec::new();
    for (case, explanation) in cases.iter().zip(&explanations) {
        let missing: Vec<_> = case
            .expected
            .iter()
            .filter(|expected| !explanation.contains(**expected))
            .collect();
        let named = explanation
            .split_once("cause: signed by ")
            .and_then(|(_, rest)| rest.split_once("'s key"))
            .map(|(owner, _)| owner);
        let is_false =
            named != case.signer || explanation.contains("no known key") && case.signer.is_some();
        if !missing.is_empty() || is_false {
            wrong.push(format!("{}: lacks {missing:?}:\n{explanation}", case.name));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

trait ConcatCases {
    fn concat_cases(self) -> Vec<Case>;
}

impl<const N: usize> ConcatCases for [Vec<Case>; N] {
    fn concat_cases(self) -> Vec<Case> {
        self.into_iter().flatten().collect()
    }
}

#[tokio::test]
async fn the_signature_of_a_get_is_explained_by_its_path_and_url() {
    let app = TestApp::start_with(|builder| builder.security(mockaa::SecurityMode::Strict)).await;
    let bare = "/Consent/handle/6E2E1B8C-0000-4000-8000-0123456789ab";
    let path = format!("/w/get/v2{bare}?a=1");
    let url = format!("{}{path}", app.sandbox.base_url());
    let cases = [
        (path.to_lowercase(), "the path in lower case as sent"),
        (path.to_uppercase(), "the path in upper case as sent"),
        (format!("/v1{bare}?a=1"), "the path below /v1 (`/v1"),
        (
            format!("/w/get{bare}"),
            "the path below /w/get, without the query",
        ),
        (
            url.replace("http:", "https:"),
            "the full URL with the other scheme as sent",
        ),
        (
            url.replace("/w/get/v2", ""),
            "the full URL without world and base path",
        ),
        (format!("{path}\n"), "line feed (\\n) at its end"),
        (format!("GET {path}"), "the method and the path as sent"),
        (
            bare.trim_start_matches('/').to_owned(),
            "the path without its first slash",
        ),
        (format!("{bare}/"), "the path with a slash at its end"),
        (
            "/Consent/handle/{consentHandle}".to_owned(),
            "the template of the path",
        ),
        (String::new(), "no content at all"),
        ("{}".to_owned(), "the text `{}`"),
    ];
    for (signed, _) in &cases {
        let request = app.request(Method::GET, &path);
        let request = request.header("client_api_key", Participant::fiu_1().api_key);
        let request = request.header("x-jws-signature", jws(DETACHED, signed.as_bytes()));
        let response = request.send().await.expect("an answer");
        assert!(response.status().is_client_error(), "{signed}");
    }
    let mut app = app;
    app.switch_world("get");
    let explanations = read_explanations(&app).await;
    assert_eq!(explanations.len(), cases.len());
    for ((signed, expected), explanation) in cases.iter().zip(&explanations) {
        assert!(
            explanation.contains(SIGNER) && explanation.contains(expected),
            "{signed:?}, {expected}:\n{explanation}"
        );
    }
}
