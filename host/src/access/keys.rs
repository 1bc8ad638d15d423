//! Keys for single purposes, derived from the one secret of the fleet.
//! In come the secret and what the key is for; out goes a key that says nothing about the others.
//! It never stores a key.

use crate::configuration::Secret;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

/// A 256-bit key by HKDF-SHA256 (RFC 5869), for one purpose.
pub(super) fn derive(secret: &Secret, purpose: &[u8]) -> Result<[u8; 32], Unspecified> {
    let mut key = [0; 32];
    Salt::new(HKDF_SHA256, b"qewd")
        .extract(secret.expose().as_bytes())
        .expand(&[purpose], HKDF_SHA256)?
        .fill(&mut key)?;
    Ok(key)
}
