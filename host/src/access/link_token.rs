//! The short-lived token with which one host knocks at another.
//! In comes the shared secret, out goes a token for one upgrade request, and the check of one.
//! Its key is derived for this purpose alone, so that no caller's token opens a link and no link's token is a session.

use super::token::{TokenRefusal, check_times, verified_claims};
use crate::configuration::Secret;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::{Value, json};

/// Seconds that a link token is good for: an upgrade takes milliseconds, but hosts' clocks differ.
const LIFE_SECONDS: u64 = 60;
/// Seconds by which the other host's clock may be behind.
const CLOCK_SKEW_SECONDS: u64 = 60;
const ISSUER: &str = "qewd.link";

/// Why a link token was refused, in words for both operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkTokenRefusal {
    /// Another secret, or no token of ours at all.
    #[error(
        "it was not signed with this host's jwt.secret; put the same jwt.secret into config.json on both hosts and restart"
    )]
    OtherSecret,
    /// The clocks differ by more than a minute.
    #[error("it is too old; set the clocks of both hosts")]
    Expired,
}

/// Signs and checks link tokens.
pub struct LinkKey {
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl LinkKey {
    /// The key that belongs to the fleet's secret.
    ///
    /// # Errors
    /// When the cryptographic library refuses the key, which no secret can bring about.
    pub fn new(secret: &Secret) -> Result<Self, TokenRefusal> {
        let mut key = [0; 32];
        Salt::new(HKDF_SHA256, b"qewd")
            .extract(secret.expose().as_bytes())
            .expand(&[b"links, form 1"], HKDF_SHA256)
            .and_then(|derived| derived.fill(&mut key))
            .map_err(|_| TokenRefusal::Claims("no key for links"))?;
        Ok(Self {
            signing: EncodingKey::from_secret(&key),
            verifying: DecodingKey::from_secret(&key),
        })
    }

    /// A token for one upgrade request, from the host of this name.
    ///
    /// # Errors
    /// When signing fails, which no input can bring about.
    pub fn issue(&self, from: &str) -> Result<String, TokenRefusal> {
        let now = super::unix_now();
        let claims = json!({"iss": ISSUER, "from": from, "iat": now, "exp": now.saturating_add(LIFE_SECONDS)});
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
            .map_err(|_| TokenRefusal::Claims("the link token could not be signed"))
    }

    /// The name of the host that knocks.
    ///
    /// # Errors
    /// One of [`LinkTokenRefusal`].
    pub fn verify(&self, token: &str) -> Result<String, LinkTokenRefusal> {
        let claims = verified_claims(token, &self.verifying).map_err(|_| LinkTokenRefusal::OtherSecret)?;
        check_times(&claims, super::unix_now().saturating_sub(CLOCK_SKEW_SECONDS))
            .map_err(|_| LinkTokenRefusal::Expired)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        match (text("iss"), text("from")) {
            (Some(ISSUER), Some(from)) => Ok(from.chars().take(64).collect()),
            _ => Err(LinkTokenRefusal::OtherSecret),
        }
    }
}
