//! Explanations of signatures that do not verify, for the sender's developer. An explanation names
//! the key, the padding and the hash function, which the signature itself proves, and the bytes that
//! were signed, if one of the candidates is right. It claims nothing else.

use std::fmt;

use serde_json::Value;

use crate::crypto::base64::{encode, url_encode};
use crate::crypto::jws::candidates::{Frame, PayloadForm, Search, SearchedHeader, SignedBytes};
use crate::crypto::jws::lenient::LenientJws;
use crate::crypto::jws::recovery::{
    DigestForm, DigestText, Evidence, HashFunction, Padding, encode_hex, encode_public_key,
    mac_evidence, recover_signature,
};
use crate::crypto::jws::signed_content::SignedContent;
use crate::crypto::jws::{PayloadEncoding, SignatureError, signing_input, verify_detached};
use crate::domain::participants::PublicKey;
use crate::domain::text::escape_controls;

/// Question why a signature does not verify.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignatureQuestion<'a> {
    /// Value of `x-jws-signature`.
    pub signature: &'a str,
    pub content: &'a SignedContent<'a>,
    /// Keys with which the caller may sign.
    pub caller_keys: &'a [&'a PublicKey],
    /// All known keys, each with its owner.
    pub known_keys: &'a [(String, &'a PublicKey)],
    /// Known secrets, each with its description.
    pub secrets: &'a [(String, String)],
    pub effort: SearchEffort,
}

/// Effort that an explanation may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SearchEffort {
    /// For the journal: anybody can cause it.
    Bounded,
    /// For the command line: the reader waits for it.
    Thorough,
}

impl SearchEffort {
    /// Number of bytes that the search may hash.
    const fn bytes(self) -> usize {
        match self {
            Self::Bounded => 8 << 20,
            Self::Thorough => 1 << 30,
        }
    }

    /// Number of keys that are tried.
    const fn keys(self) -> usize {
        match self {
            Self::Bounded => 64,
            Self::Thorough => 10_000,
        }
    }
}

/// Explanation of a detached signature.
#[derive(Debug)]
pub(crate) struct SignatureExplanation {
    /// Decoded JWS header, as far as it is readable.
    header: String,
    verdict: Result<PayloadEncoding, SignatureError>,
    /// The key, the scheme and the bytes that were signed; `None` if the signature verifies or
    /// cannot be read.
    cause: Option<String>,
    /// Deviations from a correct signature, each with its remedy.
    hints: Vec<String>,
    /// Bytes that have to be signed with this header, as text, shortened in the middle.
    expected_bytes: Option<String>,
}

/// Number of bytes that an explanation shows of each end of the signing input.
const EXCERPT_BYTES: usize = 600;

/// Maker of a signature that a piece of evidence proves.
#[derive(Debug)]
enum Signer {
    /// Indexes of the known keys with this modulus, and the padding.
    Key(Vec<usize>, Padding),
    /// Description of a secret.
    Secret(String),
    /// A signature that is a mere digest, which no secret protects.
    Digest,
}

/// Pieces of evidence of one signature, each with its maker.
#[derive(Debug, Default)]
struct Findings {
    evidence: Vec<Evidence>,
    signers: Vec<Signer>,
    /// `true` if a padding proves the key.
    is_certain: bool,
}

/// Verifies a detached signature. If that fails, recovers which key signed and searches for the bytes
/// that it signed.
pub(crate) fn explain_signature(question: &SignatureQuestion<'_>) -> SignatureExplanation {
    let jws = LenientJws::parse(question.signature);
    let fields = jws.header_fields();
    let accepted: Vec<Vec<u8>> = match question.content {
        SignedContent::Body(body, _) => vec![body.to_vec()],
        SignedContent::Target(target) => {
            let forms = target.accepted_forms().into_iter();
            forms.map(String::into_bytes).collect()
        }
    };
    let header_text = jws.header_text.as_deref();
    let payload_form = expected_form(fields.as_ref());
    let mut explanation = SignatureExplanation {
        header: match (&fields, header_text) {
            (_, None) => "missing".to_owned(),
            (None, Some(_)) => "not readable".to_owned(),
            (Some(_), Some(_)) => shorten_middle(&jws.header),
        },
        verdict: verify_any(question, &accepted),
        cause: None,
        hints: jws.findings.clone(),
        expected_bytes: header_text.map(|text| {
            let payload = match payload_form {
                PayloadForm::Raw => accepted[0].clone(),
                _ => url_encode(&accepted[0]).into_bytes(),
            };
            shorten_middle(&signing_input(text, &payload))
        }),
    };
    if explanation.verdict.is_ok() {
        return explanation;
    }
    if jws.signatures.is_empty() {
        let is_unsigned = fields
            .as_ref()
            .is_some_and(|fields| fields["alg"] == "none");
        if is_unsigned {
            explanation.cause = Some("unsigned: the header names alg none".to_owned());
        }
        return explanation;
    }
    explanation.add_cause(question, &jws, fields.as_ref());
    explanation
}

/// Verifies the signature over each of the accepted texts. The error is that of the first.
fn verify_any(
    question: &SignatureQuestion<'_>,
    accepted: &[Vec<u8>],
) -> Result<PayloadEncoding, SignatureError> {
    let mut first_error = None;
    for bytes in accepted {
        match verify_detached(question.signature, bytes, question.caller_keys) {
            Ok(encoding) => return Ok(encoding),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or(SignatureError::Malformed))
}

/// Returns the encoding of the payload that the header demands.
fn expected_form(fields: Option<&Value>) -> PayloadForm {
    match fields {
        Some(fields) if fields["b64"] == Value::Bool(false) => PayloadForm::Raw,
        _ => PayloadForm::Base64Url,
    }
}

impl Findings {
    /// Recovers what the known keys show of a signature.
    fn from_keys(
        signature: &[u8],
        keys: &[(String, &PublicKey)],
        kid: Option<&str>,
        keys_max: usize,
    ) -> Self {
        let mut findings = Self::default();
        let mut tried: Vec<&PublicKey> = Vec::new();
        let mut ordered: Vec<_> = keys.iter().map(|(_, key)| *key).collect();
        // The key that the header names is the most likely one.
        ordered.sort_by_key(|key| Some(key.kid.as_str()) != kid);
        for key in ordered.into_iter().take(keys_max) {
            let is_same =
                |other: &PublicKey| other.modulus == key.modulus && other.exponent == key.exponent;
            if tried.iter().any(|tried| is_same(tried)) {
                continue;
            }
            tried.push(key);
            for recovered in recover_signature(key, signature) {
                let owners = (0..keys.len()).filter(|index| is_same(keys[*index].1));
                let signer = Signer::Key(owners.collect(), recovered.padding);
                if recovered.is_certain {
                    return Self {
                        evidence: vec![recovered.evidence],
                        signers: vec![signer],
                        is_certain: true,
                    };
                }
                findings.evidence.push(recovered.evidence);
                findings.signers.push(signer);
            }
        }
        findings
    }

    /// Adds what a signature of the length of a digest may be: a digest, or an authentication code.
    fn add_short_signature(&mut self, signature: &[u8], question: &SignatureQuestion<'_>) {
        let mut secrets: Vec<(String, Vec<u8>)> = Vec::new();
        for (owner, key) in question.known_keys.iter().take(question.effort.keys()) {
            let der = encode_public_key(key);
            let lines: Vec<_> = encode(&der)
                .into_bytes()
                .chunks(64)
                .map(|line| String::from_utf8_lossy(line).into_owned())
                .collect();
            let pem = format!(
                "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----",
                lines.join("\n")
            );
            let name = format!("the public key {} of {owner}", key.kid);
            secrets.push((format!("{name} in PEM"), format!("{pem}\n").into_bytes()));
            secrets.push((format!("{name} in PEM"), pem.into_bytes()));
            secrets.push((format!("{name} in DER"), der));
        }
        secrets.extend(
            question
                .secrets
                .iter()
                .map(|(name, secret)| (name.clone(), secret.as_bytes().to_vec())),
        );
        for (name, secret) in secrets {
            if let Some(evidence) = mac_evidence(&secret, signature) {
                self.evidence.push(evidence);
                self.signers.push(Signer::Secret(name));
            }
        }
        if mac_evidence(b"", signature).is_some() {
            self.evidence.push(Evidence::Bare(signature.to_vec()));
            self.signers.push(Signer::Digest);
        }
    }
}

impl SignatureExplanation {
    /// Returns whether the signature verifies.
    pub(crate) fn verifies(&self) -> bool {
        self.verdict.is_ok()
    }

    fn add_cause(
        &mut self,
        question: &SignatureQuestion<'_>,
        jws: &LenientJws,
        fields: Option<&Value>,
    ) {
        let (keys, effort) = (question.known_keys, question.effort);
        let kid = fields.and_then(|fields| fields["kid"].as_str());
        let mut findings = Findings::default();
        for (signature, finding) in &jws.signatures {
            let own = Findings::from_keys(signature, keys, kid, effort.keys());
            if own.is_certain {
                self.hints.extend(finding.map(str::to_owned));
                findings = own;
                break;
            }
            findings.evidence.extend(own.evidence);
            findings.signers.extend(own.signers);
        }
        if !findings.is_certain {
            findings.add_short_signature(&jws.signatures[0].0, question);
        }
        let header = SearchedHeader {
            text: jws.header_text.clone(),
            decoded: jws.header.clone(),
            fields: fields.cloned(),
            kids: findings
                .signers
                .iter()
                .filter_map(|signer| match signer {
                    Signer::Key(owners, _) => Some(keys[owners[0]].1.kid.clone()),
                    _ => None,
                })
                .collect(),
            payload: jws.payload_text.clone(),
        };
        let mut search = Search::new(&findings.evidence, &header, effort.bytes());
        let signed = if findings.evidence.is_empty() {
            None
        } else {
            search.find_signed_bytes(question.content, &header)
        };
        match &signed {
            Some(signed) => {
                let signer = &findings.signers[signed.evidence];
                let evidence = &findings.evidence[signed.evidence];
                self.cause = Some(format!(
                    "{} over {}",
                    describe_signer(signer, evidence, keys),
                    describe_signed_bytes(signed)
                ));
                self.add_signing_hints(signed, fields);
                self.add_signer_hints(signer, evidence, question, fields);
            }
            None if findings.is_certain => {
                let (signer, evidence) = (&findings.signers[0], &findings.evidence[0]);
                let content = match question.content {
                    SignedContent::Body(..) => "this body",
                    SignedContent::Target(_) => "this path or URL",
                };
                self.cause = Some(format!(
                    "{} over bytes that are not {content}; {}",
                    describe_signer(signer, evidence, keys),
                    describe_digest(evidence)
                ));
                if search.is_cut {
                    self.hints.push(format!(
                        "the search ended after {} candidates, because the content is large; \
                         `mockaa jws explain` searches longer",
                        search.candidate_count
                    ));
                } else {
                    self.hints.push(format!(
                        "{} candidates were compared: layouts, encodings and frames of the content; \
                         print the bytes that the sender signs and compare their digest",
                        search.candidate_count
                    ));
                }
                self.add_signer_hints(signer, evidence, question, fields);
            }
            None => self.add_unknown_signer(question, jws, &findings, fields),
        }
    }

    /// Explains a signature that no known key has certainly made.
    fn add_unknown_signer(
        &mut self,
        question: &SignatureQuestion<'_>,
        jws: &LenientJws,
        findings: &Findings,
        fields: Option<&Value>,
    ) {
        let keys = question.known_keys;
        let tried = keys.len().min(question.effort.keys());
        let possible = findings
            .signers
            .iter()
            .zip(&findings.evidence)
            .find(|(signer, _)| matches!(signer, Signer::Key(_, Padding::Pss { .. })));
        let alg = fields.and_then(|fields| fields["alg"].as_str());
        let length = jws.signatures[0].0.len();
        let is_key_length = |(_, key): &(String, &PublicKey)| {
            key.modulus.iter().skip_while(|byte| **byte == 0).count() == length
        };
        let mut cause = match alg {
            Some(alg) if alg.starts_with("HS") => format!(
                "the header names {alg}, a message authentication code; no known secret made it, and \
                 no known key made this signature"
            ),
            Some(alg) if alg.starts_with("ES") || alg == "EdDSA" => format!(
                "the header names {alg}, an elliptic-curve signature; the known keys are RSA keys, and \
                 no known key made this signature"
            ),
            _ => "no known key made this signature".to_owned(),
        };
        cause += &match (tried, &possible) {
            (0, _) => ": no key is known".to_owned(),
            (_, Some((signer, evidence))) => format!(
                " for certain; it could be {}, which fits by chance once in 65,000",
                describe_signer(signer, evidence, keys)
            ),
            (tried, None) => format!(
                ": {tried} keys were tried, and none of them decodes it to a PKCS#1 v1.5 or PSS padding"
            ),
        };
        self.cause = Some(cause);
        if tried < keys.len() {
            self.hints.push(format!(
                "only {tried} of {} keys were tried; `mockaa jws explain` tries all",
                keys.len()
            ));
        }
        if tried > 0 && !keys.iter().any(is_key_length) {
            self.hints.push(format!(
                "the signature has {length} bytes, and no known key makes signatures of this length; \
                 it may be cut off, or not be an RSA signature"
            ));
        }
        self.hints.push(
            "register the public key that belongs to the signing key (its kid, n and e), sign with RS256, \
             and compare the value with the one that was sent: a changed signature fits no key"
                .to_owned(),
        );
    }

    /// Adds a remedy for each deviation of the signed bytes.
    fn add_signing_hints(&mut self, signed: &SignedBytes, fields: Option<&Value>) {
        let SignedBytes {
            evidence: _,
            text,
            payload,
            frame,
            header_difference,
            digest,
        } = signed;
        let mut add = |hint: &str| self.hints.push(hint.to_owned());
        if !text.is_expected && *frame != Frame::HeaderAlone {
            add("sign the bytes that are sent, or send the bytes that are signed; print them once");
        }
        match (expected_form(fields), payload) {
            (expected, found) if expected == *found || *frame == Frame::HeaderAlone => {}
            (PayloadForm::Base64Url, PayloadForm::Raw) if fields.is_some() => add(
                "the header lacks b64:false, so the payload counts as base64url; add \
                 \"b64\":false,\"crit\":[\"b64\"] to the header, or sign the base64url of the payload",
            ),
            (PayloadForm::Raw, PayloadForm::Base64Url) => add(
                "the header has b64:false, so the payload counts as raw bytes; sign them raw, or remove \
                 b64 and crit from the header",
            ),
            (expected, _) => add(&format!(
                "with this header, the payload has to be signed {}",
                expected.describe()
            )),
        }
        if *frame != Frame::Standard || header_difference.is_some() {
            add(
                "the signing input is the header as it is sent, a dot and the payload (RFC 7515, \
                 section 5.1)",
            );
        }
        match digest {
            DigestForm::Once => {}
            DigestForm::Twice(..) | DigestForm::DigestInfoTwice => add(
                "give the message to the signing function, not its digest; the function hashes it",
            ),
            DigestForm::Bare(..) | DigestForm::Message => add(
                "the padding has no DigestInfo around the digest (RFC 8017, section 9.2); use the \
                 signing function SHA256withRSA, not encryption with the private key",
            ),
        }
    }

    /// Adds a remedy for each deviation of the key and the algorithm.
    fn add_signer_hints(
        &mut self,
        signer: &Signer,
        evidence: &Evidence,
        question: &SignatureQuestion<'_>,
        fields: Option<&Value>,
    ) {
        let alg = fields.and_then(|fields| fields["alg"].as_str());
        let owners = match signer {
            Signer::Key(owners, padding) => {
                let actual = algorithm_name(*padding, evidence);
                if let Some(alg) = alg.filter(|alg| *alg != actual) {
                    self.hints.push(format!(
                        "the header names alg {alg}, but the signature is {actual}; sign with RS256, and \
                         name it in the header"
                    ));
                }
                owners
            }
            Signer::Secret(_) => {
                self.hints.push(
                    "whoever knows the secret can forge such a code; sign with the private RSA key and \
                     RS256"
                        .to_owned(),
                );
                return;
            }
            Signer::Digest => {
                self.hints.push(
                    "sign with the private RSA key and RS256; a digest alone proves no sender"
                        .to_owned(),
                );
                return;
            }
        };
        let keys = question.known_keys;
        let kids: Vec<_> = owners.iter().map(|index| &keys[*index].1.kid).collect();
        match fields.map(|fields| fields["kid"].as_str()) {
            Some(Some(kid)) if kids.iter().all(|known| *known != kid) => self.hints.push(format!(
                "the header names kid {kid}, but the key that signed is {}; name that kid, or sign with \
                 the key {kid}",
                kids[0]
            )),
            Some(None) if question.caller_keys.len() != 1 => self
                .hints
                .push(format!("the header names no kid; add \"kid\":\"{}\"", kids[0])),
            _ => {}
        }
        let is_callers = owners.iter().any(|index| {
            let key = keys[*index].1;
            let mut own = question.caller_keys.iter();
            own.any(|own| own.modulus == key.modulus)
        });
        if !is_callers {
            self.hints.push(format!(
                "this key of {} does not count for the caller; sign with a key of the participant whose \
                 API key is sent, or register this one",
                keys[owners[0]].0
            ));
        }
    }
}

/// Returns the JWS name of a scheme; a description where JWS has none (RFC 7518, section 3.1).
fn algorithm_name(padding: Padding, evidence: &Evidence) -> String {
    let hash = match evidence {
        Evidence::Digest(hash, _) | Evidence::Salted { hash, .. } | Evidence::Mac { hash, .. } => {
            *hash
        }
        Evidence::Bare(_) => return "RSA without a hash function".to_owned(),
    };
    let family = match (padding, evidence) {
        (_, Evidence::Mac { .. }) => "HS",
        (Padding::Pss { .. }, _) => "PS",
        _ => "RS",
    };
    match hash {
        HashFunction::Sha1 => format!("{family} with SHA-1, which JWS does not have"),
        HashFunction::Sha256 => format!("{family}256"),
        HashFunction::Sha384 => format!("{family}384"),
        HashFunction::Sha512 => format!("{family}512"),
    }
}

/// Returns the signer and the scheme, such as `signed by FIU-1's key k1 (RS256, PKCS#1 v1.5,
/// SHA-256)`.
fn describe_signer(signer: &Signer, evidence: &Evidence, keys: &[(String, &PublicKey)]) -> String {
    let (owners, padding) = match signer {
        Signer::Key(owners, padding) => (owners, *padding),
        Signer::Secret(name) => {
            let algorithm = algorithm_name(Padding::Missing, evidence);
            return format!(
                "not signed by a key: a message authentication code ({algorithm}) whose secret is {name},"
            );
        }
        Signer::Digest => return "not signed: the signature is a mere digest".to_owned(),
    };
    let (owner, key) = &keys[owners[0]];
    let also = match &owners[1..] {
        [] => String::new(),
        others => {
            let names = others.iter().take(4).map(|index| {
                let (owner, key) = &keys[*index];
                format!("{owner}'s key {}", key.kid)
            });
            format!(", the same as {}", names.collect::<Vec<_>>().join(", "))
        }
    };
    let algorithm = algorithm_name(padding, evidence);
    let scheme = match (padding, evidence) {
        (Padding::Pkcs1, Evidence::Digest(hash, _)) => {
            format!("{algorithm}, PKCS#1 v1.5, {}", hash.name())
        }
        (Padding::Pkcs1, _) => "PKCS#1 v1.5 without a DigestInfo".to_owned(),
        (Padding::Pss { mask, salt }, Evidence::Salted { hash, .. }) => {
            let mask = if mask == *hash {
                String::new()
            } else {
                format!(", MGF1 with {}", mask.name())
            };
            format!(
                "{algorithm}, PSS, {}, salt of {salt} bytes{mask}",
                hash.name()
            )
        }
        _ => "RSA without padding".to_owned(),
    };
    format!("signed by {owner}'s key {}{also} ({scheme})", key.kid)
}

/// Returns what a signature without a matching text shows of it.
fn describe_digest(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Digest(_, digest) => format!("digest {}", encode_hex(digest)),
        Evidence::Salted { digest, .. } => {
            format!(
                "PSS hides the digest; its salted hash is {}",
                encode_hex(digest)
            )
        }
        Evidence::Bare(content) => match std::str::from_utf8(content) {
            Ok(text) => format!("the padding has the text `{text}`"),
            Err(_) => format!("the padding has the bytes {}", encode_hex(content)),
        },
        Evidence::Mac { tag, .. } => format!("code {}", encode_hex(tag)),
    }
}

/// Returns the signed bytes in words.
fn describe_signed_bytes(signed: &SignedBytes) -> String {
    let SignedBytes {
        evidence: _,
        text,
        payload,
        frame,
        header_difference,
        digest,
    } = signed;
    let mut description = if *frame == Frame::HeaderAlone {
        "the header alone, without the content".to_owned()
    } else {
        format!(
            "{}, {}, {}",
            text.description,
            payload.describe(),
            frame.describe()
        )
    };
    if let Some(difference) = header_difference {
        description += &format!(", with {difference}");
    }
    let notation = |text: &DigestText| match text {
        DigestText::Bytes => String::new(),
        text => format!(" {text}"),
    };
    description += &match digest {
        DigestForm::Once => String::new(),
        DigestForm::Twice(hash, text) => format!(
            "; not these bytes were signed, but their {} digest{}, which was hashed again (digest of the digest)",
            hash.name(),
            notation(text)
        ),
        DigestForm::DigestInfoTwice => {
            "; not these bytes were signed, but the DigestInfo of their digest, which was hashed again".to_owned()
        }
        DigestForm::Bare(hash, text) => format!(
            "; the signature holds their {} digest{} without a DigestInfo",
            hash.name(),
            notation(text)
        ),
        DigestForm::Message => "; the signature holds these bytes, not their digest".to_owned(),
    };
    description
}

fn shorten_middle(bytes: &[u8]) -> String {
    match bytes.len().checked_sub(2 * EXCERPT_BYTES) {
        None | Some(0) => String::from_utf8_lossy(bytes).into_owned(),
        Some(omitted) => {
            let head = String::from_utf8_lossy(&bytes[..EXCERPT_BYTES]);
            let tail = String::from_utf8_lossy(&bytes[EXCERPT_BYTES + omitted..]);
            format!("{head} …{omitted} bytes… {tail}")
        }
    }
}

impl SignatureExplanation {
    pub(crate) fn is_valid(&self) -> bool {
        self.verdict.is_ok()
    }
}

/// Writes one part of an explanation on one line: what it quotes of the sender has its control
/// characters escaped.
fn write_line(f: &mut fmt::Formatter<'_>, name: &str, text: impl fmt::Display) -> fmt::Result {
    writeln!(f, "{name}: {}", escape_controls(&text.to_string()))
}

impl fmt::Display for SignatureExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Ok(PayloadEncoding::Raw) => {
                writeln!(f, "verdict: verifies over the raw body (RFC 7797)")?;
            }
            Ok(PayloadEncoding::Encoded) => {
                writeln!(f, "verdict: verifies over the base64url-encoded body")?;
            }
            Err(error) => write_line(f, "verdict", error)?,
        }
        write_line(f, "header", &self.header)?;
        if let Some(cause) = &self.cause {
            write_line(f, "cause", cause)?;
        }
        for hint in &self.hints {
            write_line(f, "hint", hint)?;
        }
        match &self.expected_bytes {
            Some(bytes) => write_line(f, "expected bytes", bytes),
            None => Ok(()),
        }
    }
}
