//! The encrypted part of a token: the claim `qewd`.
//! In goes a JSON object of secret claims, out comes text, and back; both forms are read, one is written.
//! It never looks at what the claims mean, and keys never leave it.

use super::keys::derive;
use crate::configuration::{ClaimsForm, Secret};
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use md5::{Digest as _, Md5};

/// Marks the sealed form; the other form is bare hexadecimal, which never has a dot.
const SEALED: &str = "s1.";
/// The length of an AES-GCM nonce (NIST SP 800-38D).
const NONCE_BYTES: usize = 12;

/// Encrypts and decrypts secret claims.
pub(super) struct ClaimsKey {
    form: ClaimsForm,
    sealed: RandomizedNonceKey,
    legacy: LegacyKey,
}

impl ClaimsKey {
    pub(super) fn new(secret: &Secret, form: ClaimsForm) -> Result<Self, Unspecified> {
        let key = derive(secret, b"secret claims, form 1")?;
        Ok(Self { form, sealed: RandomizedNonceKey::new(&AES_256_GCM, &key)?, legacy: LegacyKey::new(secret.expose()) })
    }

    pub(super) fn encrypt(&self, plain: Vec<u8>) -> Result<String, Unspecified> {
        match self.form {
            ClaimsForm::Sealed => self.seal(plain),
            ClaimsForm::Qewd => self.legacy.encrypt(plain),
        }
    }

    /// The plain text, or nothing if the text has neither form or was not made with this secret.
    pub(super) fn decrypt(&self, text: &str) -> Option<Vec<u8>> {
        match text.strip_prefix(SEALED) {
            Some(sealed) => self.open(sealed),
            None => self.legacy.decrypt(text),
        }
    }

    fn seal(&self, mut plain: Vec<u8>) -> Result<String, Unspecified> {
        let nonce = self.sealed.seal_in_place_append_tag(Aad::empty(), &mut plain)?;
        let mut bytes = nonce.as_ref().to_vec();
        bytes.append(&mut plain);
        Ok(format!("{SEALED}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, cipher_text) = bytes.split_at_checked(NONCE_BYTES)?;
        let mut buffer = cipher_text.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.sealed.open_in_place(nonce, Aad::empty(), &mut buffer).ok()?;
        Some(plain.to_vec())
    }
}

/// The form that QEWD-Up writes: AES-256-CBC, hexadecimal; key and first block from OpenSSL's `EVP_BytesToKey` with MD5,
/// one round, no salt. Read so that both systems can share a fleet; written only where config.json asks for it.
struct LegacyKey {
    key: [u8; 32],
    first_block: [u8; 16],
}

impl LegacyKey {
    fn new(secret: &str) -> Self {
        let first: [u8; 16] = Md5::digest(secret.as_bytes()).into();
        let second = follow(&first, secret);
        let third = follow(&second, secret);
        let mut key = [0; 32];
        for (to, from) in key.iter_mut().zip(first.iter().chain(&second)) {
            *to = *from;
        }
        Self { key, first_block: third }
    }

    fn encrypt(&self, mut plain: Vec<u8>) -> Result<String, Unspecified> {
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, &self.key)?)?;
        key.less_safe_encrypt(&mut plain, EncryptionContext::Iv128(FixedLength::from(self.first_block)))?;
        Ok(hex(&plain))
    }

    fn decrypt(&self, text: &str) -> Option<Vec<u8>> {
        let mut bytes = from_hex(text)?;
        let key = UnboundCipherKey::new(&AES_256, &self.key).and_then(PaddedBlockDecryptingKey::cbc_pkcs7).ok()?;
        let first_block = DecryptionContext::Iv128(FixedLength::from(self.first_block));
        key.decrypt(&mut bytes, first_block).ok().map(|plain| plain.to_vec())
    }
}

fn follow(block: &[u8; 16], secret: &str) -> [u8; 16] {
    Md5::new().chain_update(block).chain_update(secret.as_bytes()).finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    let digits = digits?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| pair.first().zip(pair.last()).map(|(high, low)| high << 4 | low)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_keys_are_those_of_the_golden_vectors() {
        for (secret, key, first_block) in [
            (
                "f4b5659e-1556-451f-a80f-7afc70ca1f06",
                "d8693c03147ce74398256b3a8bf21b5b98dfa874b310aeed3be0201f2597fe04",
                "eeb6596f1af5bb87e20adba0c15fc7b2",
            ),
            (
                "mySharedJWTSecretString",
                "d3808210ba59c08c8f971797f95a5a21c783ebf88deb9e1c2eb2cf175a88cdb0",
                "37a58e6c4bf13e5a57993f85b07d3a44",
            ),
        ] {
            let legacy = LegacyKey::new(secret);
            assert_eq!(hex(&legacy.key), key);
            assert_eq!(hex(&legacy.first_block), first_block);
        }
    }

    #[test]
    fn hexadecimal_is_read_strictly() {
        assert_eq!(from_hex("00ff"), Some(vec![0, 255]));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("zz"), None);
    }
}
