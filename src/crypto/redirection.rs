//! Encryption of web redirections between FIU and AA (Sahamati aa-redirection-standards 1.5.0;
//! `docs/sources.md#web-redirection`). The scheme is the ecosystem's. It has a fixed IV, and a salt
//! with a resolution of a tenth of a second: do not use it for anything else.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;

use crate::crypto::base64;

const PBKDF2_ITERATIONS: NonZeroU32 = NonZeroU32::new(65_536).expect("it is not zero");

/// Key of one message. Its derivation takes about 20 ms by design: call it on a blocking thread.
pub struct MessageKey([u8; 32]);

impl MessageKey {
    /// Derives the key by PBKDF2. `salt` is the message's `reqdate` or `resdate`.
    pub fn derive(passphrase: &str, salt: &str) -> Self {
        let mut key = [0; 32];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            PBKDF2_ITERATIONS,
            salt.as_bytes(),
            passphrase.as_bytes(),
            &mut key,
        );
        Self(key)
    }

    /// Encrypts with AES-256-CBC, PKCS#7 padding and an IV of zeros; returns base64url with
    /// padding.
    pub fn encrypt(&self, plaintext: &str) -> String {
        let key = UnboundCipherKey::new(&AES_256, &self.0).expect("a key of 32 bytes");
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).expect("AES has CBC");
        let mut text = plaintext.as_bytes().to_vec();
        let zero_iv = EncryptionContext::Iv128(FixedLength::from([0; 16]));
        key.less_safe_encrypt(&mut text, zero_iv)
            .expect("CBC takes an IV of 16 bytes");
        base64::url_encode_padded(&text)
    }

    /// Decrypts a message; `None` when it was not encrypted with this key.
    pub fn decrypt(&self, message: &str) -> Option<String> {
        // Form decoders turn a plus sign of the standard alphabet into a space.
        let mut bytes = base64::decode_any(&message.replace(' ', "+"))?;
        let key = UnboundCipherKey::new(&AES_256, &self.0).expect("a key of 32 bytes");
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).expect("AES has CBC");
        let zero_iv = DecryptionContext::Iv128(FixedLength::from([0; 16]));
        let plaintext = key.decrypt(&mut bytes, zero_iv).ok()?;
        String::from_utf8(plaintext.to_vec()).ok()
    }
}

/// Obfuscates a participant's id: XOR with the repeated date, in base64.
pub fn obfuscate_id(id: &str, date: &str) -> String {
    base64::encode(&xor_with_date(id.as_bytes(), date))
}

/// Reverses [`obfuscate_id`]; `None` when the text is not base64 of an id.
pub fn deobfuscate_id(text: &str, date: &str) -> Option<String> {
    let bytes = base64::decode_any(&text.replace(' ', "+"))?;
    String::from_utf8(xor_with_date(&bytes, date)).ok()
}

fn xor_with_date(bytes: &[u8], date: &str) -> Vec<u8> {
    bytes
        .iter()
        .zip(date.bytes().cycle())
        .map(|(byte, key)| byte ^ key)
        .collect()
}
