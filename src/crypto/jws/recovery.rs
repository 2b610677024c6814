//! Recovery of an RSA signature: `s^e mod n` gives the padded message representative, whose padding
//! shows which key signed, with which scheme and hash function, and the digest that was signed (RFC
//! 8017, sections 8 and 9). Only the right key gives a valid padding.

use std::fmt;

use aws_lc_rs::{digest, hmac};
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U64, U2048, U3072, U4096, U8192, Uint};

use crate::crypto::base64;
use crate::domain::participants::PublicKey;

/// Hash function of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HashFunction {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl HashFunction {
    const ALL: [Self; 4] = [Self::Sha256, Self::Sha512, Self::Sha384, Self::Sha1];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }

    const fn hmac_algorithm(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    /// Length of a digest, in bytes.
    fn digest_bytes(self) -> usize {
        self.algorithm().output_len()
    }

    /// Returns the function whose digests have this length.
    fn by_digest_length(length: usize) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|hash| hash.digest_bytes() == length)
    }

    /// Returns the DER object identifier of the function.
    const fn object_identifier(self) -> &'static [u8] {
        match self {
            Self::Sha1 => &[0x2b, 0x0e, 0x03, 0x02, 0x1a],
            Self::Sha256 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
            Self::Sha384 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
            Self::Sha512 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
        }
    }

    /// Returns the hash of the concatenated parts.
    pub(super) fn hash(self, parts: &[&[u8]]) -> digest::Digest {
        let mut context = digest::Context::new(self.algorithm());
        for part in parts {
            context.update(part);
        }
        context.finish()
    }

    /// Returns the DER `DigestInfo` of a digest (RFC 8017, section 9.2).
    fn encode_digest_info(self, digest: &[u8]) -> Vec<u8> {
        let identifier = encode_der(0x06, self.object_identifier());
        let algorithm = encode_der(0x30, &[&identifier[..], &[0x05, 0x00]].concat());
        encode_der(0x30, &[algorithm, encode_der(0x04, digest)].concat())
    }
}

/// Padding of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    /// RSASSA-PKCS1-v1_5.
    Pkcs1,
    /// RSASSA-PSS with this mask hash and length of the salt in bytes.
    Pss { mask: HashFunction, salt: usize },
    /// No padding at all.
    Missing,
}

/// Content that a signature proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// Content of a `DigestInfo`: a digest, unless the sender put something else there.
    Digest(HashFunction, Vec<u8>),
    /// Padded bytes that are no `DigestInfo`.
    Bare(Vec<u8>),
    /// PSS: the hash of eight zero bytes, the digest and the salt.
    Salted {
        hash: HashFunction,
        digest: Vec<u8>,
        salt: Vec<u8>,
    },
    /// A message authentication code under this secret.
    Mac {
        hash: HashFunction,
        secret: Vec<u8>,
        tag: Vec<u8>,
    },
}

/// A signature as one key decodes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecoveredSignature {
    pub padding: Padding,
    pub evidence: Evidence,
    /// `false` if the padding has so few fixed bytes that another key could show it by chance. Then
    /// only a message that matches proves the key.
    pub is_certain: bool,
}

/// Use of the digest in a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DigestForm {
    /// The digest of the message, as the scheme demands.
    Once,
    /// The digest was signed as if it were the message.
    Twice(HashFunction, DigestText),
    /// The `DigestInfo` was signed as if it were the message.
    DigestInfoTwice,
    /// The digest is in the padding without a `DigestInfo`, or as text in it.
    Bare(HashFunction, DigestText),
    /// The whole message is in the padding, not its digest.
    Message,
}

/// Notation of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DigestText {
    Bytes,
    Hex,
    UpperHex,
    Base64,
}

impl DigestText {
    const ALL: [Self; 4] = [Self::Bytes, Self::Hex, Self::UpperHex, Self::Base64];

    fn encode(self, digest: &[u8]) -> Vec<u8> {
        match self {
            Self::Bytes => digest.to_vec(),
            Self::Hex => encode_hex(digest).into_bytes(),
            Self::UpperHex => encode_hex(digest).to_uppercase().into_bytes(),
            Self::Base64 => base64::encode(digest).into_bytes(),
        }
    }
}

impl fmt::Display for DigestText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "as bytes",
            Self::Hex => "as hexadecimal text",
            Self::UpperHex => "as hexadecimal text in upper case",
            Self::Base64 => "as base64 text",
        })
    }
}

/// Returns bytes as hexadecimal text in lower case.
pub(super) fn encode_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Evidence {
    /// Returns the use of the digest if this is a signature of the message, given in parts.
    pub(super) fn match_message(&self, parts: &[&[u8]]) -> Option<DigestForm> {
        match self {
            Self::Digest(hash, signed) => {
                let digest = hash.hash(parts);
                if digest.as_ref() == signed.as_slice() {
                    return Some(DigestForm::Once);
                }
                if let Some(text) = find_text_of(digest.as_ref(), signed) {
                    return Some(DigestForm::Bare(*hash, text));
                }
                match_twice(*hash, parts, |message| {
                    hash.hash(&[message]).as_ref() == signed.as_slice()
                })
            }
            Self::Salted { hash, digest, salt } => {
                let is_digest = |message_digest: &[u8]| {
                    hash.hash(&[&[0; 8], message_digest, salt]).as_ref() == digest.as_slice()
                };
                if is_digest(hash.hash(parts).as_ref()) {
                    return Some(DigestForm::Once);
                }
                match_twice(*hash, parts, |message| {
                    is_digest(hash.hash(&[message]).as_ref())
                })
            }
            Self::Bare(signed) => {
                let length: usize = parts.iter().map(|part| part.len()).sum();
                if length == signed.len() && parts.concat() == *signed {
                    return Some(DigestForm::Message);
                }
                HashFunction::ALL.into_iter().find_map(|hash| {
                    let text = find_text_of(hash.hash(parts).as_ref(), signed)?;
                    Some(DigestForm::Bare(hash, text))
                })
            }
            Self::Mac { hash, secret, tag } => {
                let key = hmac::Key::new(hash.hmac_algorithm(), secret);
                let mut context = hmac::Context::with_key(&key);
                for part in parts {
                    context.update(part);
                }
                (context.sign().as_ref() == tag.as_slice()).then_some(DigestForm::Once)
            }
        }
    }

    /// Number of bytes that a comparison with a message of this length hashes.
    pub(super) fn cost(&self, message_bytes: usize) -> usize {
        // A short hash costs about as much as this many bytes of a long one.
        const OVERHEAD_BYTES: usize = 512;
        match self {
            Self::Bare(_) => (message_bytes + OVERHEAD_BYTES) * HashFunction::ALL.len(),
            _ => message_bytes + OVERHEAD_BYTES,
        }
    }
}

/// Returns the notation in which these bytes are the digest.
fn find_text_of(digest: &[u8], signed: &[u8]) -> Option<DigestText> {
    DigestText::ALL
        .into_iter()
        .find(|text| text.encode(digest) == signed)
}

/// Returns the notation in which the message's digest was signed as if it were the message.
fn match_twice(
    hash: HashFunction,
    parts: &[&[u8]],
    is_signed: impl Fn(&[u8]) -> bool,
) -> Option<DigestForm> {
    let inner_hashes: &[HashFunction] = if hash == HashFunction::Sha256 {
        &[HashFunction::Sha256]
    } else {
        &[hash, HashFunction::Sha256]
    };
    for inner in inner_hashes {
        let digest = inner.hash(parts);
        let text = DigestText::ALL
            .into_iter()
            .find(|text| is_signed(&text.encode(digest.as_ref())));
        if let Some(text) = text {
            return Some(DigestForm::Twice(*inner, text));
        }
        if is_signed(&inner.encode_digest_info(digest.as_ref())) {
            return Some(DigestForm::DigestInfoTwice);
        }
    }
    None
}

/// Number of fixed bytes that a padding must have, so that no other key shows it by chance.
const CERTAIN_BYTES: usize = 8;

/// Shortest content that is recognised without padding, in bytes.
const BARE_BYTES_MIN: usize = 16;

/// Returns what the key decodes from the signature: nothing if the key did not make it. Several
/// results are possible only where none is certain.
pub(super) fn recover_signature(key: &PublicKey, signature: &[u8]) -> Vec<RecoveredSignature> {
    let Some(encoded) = apply_public_key(key, signature) else {
        return Vec::new();
    };
    if let Some(content) = strip_pkcs1_padding(&encoded) {
        let evidence = parse_digest_info(content).map_or_else(
            || Evidence::Bare(content.to_vec()),
            |(hash, digest)| Evidence::Digest(hash, digest.to_vec()),
        );
        return vec![RecoveredSignature {
            padding: Padding::Pkcs1,
            evidence,
            is_certain: true,
        }];
    }
    let mut found = Vec::new();
    for hash in HashFunction::ALL {
        for mask in [hash, HashFunction::Sha1] {
            let recovered = unmask_pss(&encoded, hash, mask);
            found.extend(recovered.filter(|recovered| !found.contains(recovered)));
        }
    }
    if let Some(certain) = found.iter().find(|recovered| recovered.is_certain) {
        return vec![certain.clone()];
    }
    let content = &encoded[encoded.iter().take_while(|byte| **byte == 0).count()..];
    if (BARE_BYTES_MIN..=encoded.len() / 2).contains(&content.len()) {
        found.push(RecoveredSignature {
            padding: Padding::Missing,
            evidence: Evidence::Bare(content.to_vec()),
            is_certain: false,
        });
    }
    found
}

/// Returns the content of a PKCS#1 v1.5 padding of type 1.
fn strip_pkcs1_padding(encoded: &[u8]) -> Option<&[u8]> {
    let padded = encoded.strip_prefix(&[0, 1])?;
    let length = padded.iter().take_while(|byte| **byte == 0xff).count();
    let content = padded[length..].strip_prefix(&[0])?;
    (length >= CERTAIN_BYTES && !content.is_empty()).then_some(content)
}

/// Returns hash function and digest of a `DigestInfo`. Absent parameters are accepted.
fn parse_digest_info(content: &[u8]) -> Option<(HashFunction, &[u8])> {
    let (info, rest) = split_der(0x30, content)?;
    let (algorithm, octets) = split_der(0x30, info)?;
    let (identifier, parameters) = split_der(0x06, algorithm)?;
    let (digest, end) = split_der(0x04, octets)?;
    let is_complete = rest.is_empty() && end.is_empty() && matches!(parameters, [] | [5, 0]);
    let hash = HashFunction::ALL
        .into_iter()
        .find(|hash| hash.object_identifier() == identifier)?;
    is_complete.then_some((hash, digest))
}

/// Splits off a DER element of this tag; returns its content and the rest.
fn split_der(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [first, length, rest @ ..] = bytes else {
        return None;
    };
    let (length, rest) = match length {
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        short => (usize::from(*short), rest),
    };
    (*first == tag && length <= rest.len()).then(|| rest.split_at(length))
}

/// Encodes a DER element.
fn encode_der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut element = vec![tag];
    match u8::try_from(length) {
        Ok(length) if length < 0x80 => element.push(length),
        Ok(length) => element.extend([0x81, length]),
        Err(_) => {
            let length = u16::try_from(length).expect("a key has less than 64 KiB");
            element.push(0x82);
            element.extend(length.to_be_bytes());
        }
    }
    element.extend_from_slice(content);
    element
}

/// Returns the public key in DER (RFC 5280, `SubjectPublicKeyInfo`).
pub(super) fn encode_public_key(key: &PublicKey) -> Vec<u8> {
    let encode_integer = |number: &[u8]| {
        let is_negative = number.first().is_some_and(|byte| *byte >= 0x80);
        encode_der(2, &[&[0][..usize::from(is_negative)], number].concat())
    };
    let numbers = [encode_integer(&key.modulus), encode_integer(&key.exponent)].concat();
    let rsa_encryption = [
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let bits = encode_der(3, &[&[0][..], &encode_der(0x30, &numbers)].concat());
    encode_der(0x30, &[&rsa_encryption[..], &bits].concat())
}

/// Removes the mask of a PSS encoding (RFC 8017, section 9.1.2); `None` if it has no such padding.
fn unmask_pss(
    encoded: &[u8],
    hash: HashFunction,
    mask: HashFunction,
) -> Option<RecoveredSignature> {
    // All moduli have a whole number of bytes, so one bit of the first byte is unused.
    let (trailer, encoded) = encoded.split_last()?;
    let split = encoded.len().checked_sub(hash.digest_bytes())?;
    let (masked, digest) = encoded.split_at(split);
    if *trailer != 0xbc || *masked.first()? >= 0x80 {
        return None;
    }
    let mut block = unmask_block(masked, digest, mask);
    block[0] &= 0x7f;
    let zeros = block.iter().take_while(|byte| **byte == 0).count();
    let salt = block[zeros..].strip_prefix(&[1])?.to_vec();
    Some(RecoveredSignature {
        padding: Padding::Pss {
            mask,
            salt: salt.len(),
        },
        evidence: Evidence::Salted {
            hash,
            digest: digest.to_vec(),
            salt,
        },
        is_certain: zeros >= CERTAIN_BYTES,
    })
}

/// Combines a block with the mask that MGF1 makes of a seed (RFC 8017, appendix B.2.1).
fn unmask_block(masked: &[u8], seed: &[u8], hash: HashFunction) -> Vec<u8> {
    let chunks = masked.chunks(hash.digest_bytes());
    (0_u32..)
        .zip(chunks)
        .flat_map(|(counter, chunk)| {
            let mask = hash.hash(&[seed, &counter.to_be_bytes()]);
            let bytes = chunk.iter().zip(mask.as_ref());
            bytes.map(|(byte, mask)| byte ^ mask).collect::<Vec<_>>()
        })
        .collect()
}

/// Returns `s^e mod n`, as long as the modulus; `None` if the signature does not belong to a key of
/// this size.
fn apply_public_key(key: &PublicKey, signature: &[u8]) -> Option<Vec<u8>> {
    let modulus = strip_zeros(&key.modulus);
    let signature = strip_zeros(signature);
    // Zero and one are their own powers under every key.
    if signature.len() > modulus.len() || signature.len() < modulus.len() / 2 {
        return None;
    }
    let exponent = strip_zeros(&key.exponent);
    if exponent.len() > 8 {
        return None;
    }
    let exponent = exponent
        .iter()
        .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    match modulus.len() * 8 {
        0..=2048 => raise_to_power::<{ U2048::LIMBS }>(modulus, exponent, signature),
        2049..=3072 => raise_to_power::<{ U3072::LIMBS }>(modulus, exponent, signature),
        3073..=4096 => raise_to_power::<{ U4096::LIMBS }>(modulus, exponent, signature),
        4097..=8192 => raise_to_power::<{ U8192::LIMBS }>(modulus, exponent, signature),
        _ => None,
    }
}

fn strip_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

fn raise_to_power<const LIMBS: usize>(
    modulus: &[u8],
    exponent: u64,
    base: &[u8],
) -> Option<Vec<u8>> {
    let parse_number = |bytes: &[u8]| {
        let mut padded = vec![0; Uint::<LIMBS>::BYTES];
        let start = padded.len() - bytes.len();
        padded[start..].copy_from_slice(bytes);
        Uint::<LIMBS>::from_be_slice(&padded)
    };
    let (number, base) = (parse_number(modulus), parse_number(base));
    if base >= number {
        return None;
    }
    let parameters = FixedMontyParams::new_vartime(Odd::new(number).into_option()?);
    let power = FixedMontyForm::new(&base, &parameters)
        .pow_vartime(&U64::from_u64(exponent))
        .retrieve();
    let words = power.to_words();
    let bytes: Vec<u8> = words
        .iter()
        .rev()
        .flat_map(|word| word.to_be_bytes())
        .collect();
    Some(bytes[bytes.len() - modulus.len()..].to_vec())
}

/// Returns the evidence of a message authentication code of this length under a secret.
pub(super) fn mac_evidence(secret: &[u8], tag: &[u8]) -> Option<Evidence> {
    Some(Evidence::Mac {
        hash: HashFunction::by_digest_length(tag.len())?,
        secret: secret.to_vec(),
        tag: tag.to_vec(),
    })
}
