//! Web redirection between FIU and AA (Sahamati aa-redirection-standards 1.5.0; `reference/rebit.md` §7). The scheme is
//! the ecosystem's, with a fixed IV and a salt that repeats every tenth of a second: do not use it for anything else.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;

use crate::crypto::base64;

const PBKDF2_ITERATIONS: NonZeroU32 = NonZeroU32::new(65_536).expect("it is not zero");

/// The key of one message: costs some twenty milliseconds by design, so derive it on a blocking thread.
pub struct MessageKey([u8; 32]);

impl MessageKey {
    /// `salt` is the message's `reqdate` or `resdate`.
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

    /// AES-256-CBC with PKCS#7 padding and an IV of zeros, as base64url with padding.
    pub fn encrypt(&self, plaintext: &str) -> String {
        let key = UnboundCipherKey::new(&AES_256, &self.0).expect("a key of 32 bytes");
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).expect("AES has CBC");
        let mut text = plaintext.as_bytes().to_vec();
        let zero_iv = EncryptionContext::Iv128(FixedLength::from([0; 16]));
        key.less_safe_encrypt(&mut text, zero_iv)
            .expect("CBC takes an IV of 16 bytes");
        base64::url_encode_padded(&text)
    }

    /// The text of a message; `None` when it was not made with this key.
    pub fn decrypt(&self, message: &str) -> Option<String> {
        // A space is what a form decoder makes of a plus sign that should have been a dash.
        let mut bytes = base64::decode_any(&message.replace(' ', "+"))?;
        let key = UnboundCipherKey::new(&AES_256, &self.0).expect("a key of 32 bytes");
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).expect("AES has CBC");
        let zero_iv = DecryptionContext::Iv128(FixedLength::from([0; 16]));
        let plaintext = key.decrypt(&mut bytes, zero_iv).ok()?;
        String::from_utf8(plaintext.to_vec()).ok()
    }
}

/// A participant's id, made unreadable: XOR with the date, repeated, in base64.
pub fn obfuscate_id(id: &str, date: &str) -> String {
    base64::encode(&xor_with_date(id.as_bytes(), date))
}

/// The id behind [`veil`].
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
