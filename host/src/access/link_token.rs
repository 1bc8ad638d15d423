//! The short-lived tokens with which two hosts show one another that they share the secret.
//! In comes the secret, out go a token for one upgrade request to one service, the service's answer to it, and their checks.
//! Their key is derived for this purpose alone, so that no caller's token opens a link and no link's token is a session.

use super::keys::derive;
use super::token::{TokenRefusal, check_times, verified_claims};
use crate::configuration::Secret;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::{Map, Value, json};

/// Seconds that a link token is good for: an upgrade takes milliseconds, but hosts' clocks differ.
const LIFE_SECONDS: u64 = 60;
/// Seconds by which the other host's clock may be behind.
const CLOCK_SKEW_SECONDS: u64 = 60;
/// Who issues the token at the door.
const KNOCK: &str = "qewd.link";
/// Who issues the answer to it.
const WELCOME: &str = "qewd.link.welcome";

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
    /// Shown to another service than the one that it was made for.
    #[error("it was made for {0}; mend host and port of both in config.json")]
    OtherService(String),
}

/// A host that knocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// Its name.
    pub from: String,
    /// What its token is known by; the answer repeats it.
    pub nonce: String,
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
        let key = derive(secret, b"links, form 1").map_err(|_| TokenRefusal::Claims("no key for links"))?;
        Ok(Self { signing: EncodingKey::from_secret(&key), verifying: DecodingKey::from_secret(&key) })
    }

    /// A token for one upgrade request, for the service of this name alone.
    ///
    /// # Errors
    /// When signing fails, which no input can bring about.
    pub fn knock(&self, visitor: &Visitor, service: &str) -> Result<String, TokenRefusal> {
        self.sign(&json!({"iss": KNOCK, "from": visitor.from, "aud": service, "jti": visitor.nonce}))
    }

    /// Who knocks at the service of this name.
    ///
    /// # Errors
    /// One of [`LinkTokenRefusal`].
    pub fn check_knock(&self, token: &str, service: &str) -> Result<Visitor, LinkTokenRefusal> {
        let claims = self.claims(token, KNOCK)?;
        match (text(&claims, "aud"), text(&claims, "from"), text(&claims, "jti")) {
            (Some(wanted), Some(from), Some(nonce)) if wanted == service => Ok(Visitor { from, nonce }),
            (Some(wanted), Some(_), Some(_)) => Err(LinkTokenRefusal::OtherService(wanted)),
            _ => Err(LinkTokenRefusal::OtherSecret),
        }
    }

    /// The service's proof that it has the secret, too: it answers this one knock.
    ///
    /// # Errors
    /// When signing fails, which no input can bring about.
    pub fn welcome(&self, visitor: &Visitor, service: &str) -> Result<String, TokenRefusal> {
        self.sign(&json!({"iss": WELCOME, "from": service, "aud": visitor.from, "jti": visitor.nonce}))
    }

    /// Checks the answer to our own knock.
    ///
    /// # Errors
    /// One of [`LinkTokenRefusal`].
    pub fn check_welcome(&self, proof: &str, visitor: &Visitor, service: &str) -> Result<(), LinkTokenRefusal> {
        let claims = self.claims(proof, WELCOME)?;
        let is = |name: &str, value: &str| claims.get(name).and_then(Value::as_str) == Some(value);
        if is("from", service) && is("aud", &visitor.from) && is("jti", &visitor.nonce) {
            Ok(())
        } else {
            Err(LinkTokenRefusal::OtherSecret)
        }
    }

    fn sign(&self, claims: &Value) -> Result<String, TokenRefusal> {
        let now = super::unix_now();
        let mut claims = claims.clone();
        if let Value::Object(claims) = &mut claims {
            claims.insert("iat".to_owned(), json!(now));
            claims.insert("exp".to_owned(), json!(now.saturating_add(LIFE_SECONDS)));
        }
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
            .map_err(|_| TokenRefusal::Claims("the link token could not be signed"))
    }

    fn claims(&self, token: &str, issuer: &str) -> Result<Map<String, Value>, LinkTokenRefusal> {
        let claims = verified_claims(token, &self.verifying).map_err(|_| LinkTokenRefusal::OtherSecret)?;
        let now = super::unix_now().saturating_sub(CLOCK_SKEW_SECONDS);
        check_times(&claims, now).map_err(|_| LinkTokenRefusal::Expired)?;
        let issued = claims.get("iss").and_then(Value::as_str) == Some(issuer);
        issued.then_some(claims).ok_or(LinkTokenRefusal::OtherSecret)
    }
}

/// A claim that is a name of ours: short, since it goes into the log.
fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    claims.get(name).and_then(Value::as_str).map(|text| text.chars().take(64).collect())
}
