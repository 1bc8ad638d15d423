//! Tokens: HS256 over the claims that QEWD-Up writes.
//! In comes a token, out goes the session in it, and back with new times; words say why a token is refused.
//! The algorithm is ours, never the token's, and nothing of a token is read before its signature was checked.

use super::claims::ClaimsKey;
use crate::configuration::{ClaimsForm, Secret};
use crate::session::{SECRET_BY_DEFAULT, Session};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Map, Value, json};

/// Who issues tokens for callers.
const ISSUER: &str = "qewd.jwt";

/// Why a token was refused, in the words that clients of QEWD-Up know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// It has not three parts.
    #[error("Error: Not enough or too many segments")]
    Segments,
    /// A part is not JSON in base64.
    #[error("SyntaxError: a segment is not JSON")]
    NotJson,
    /// Its header names another algorithm than HS256.
    #[error("Error: Algorithm not supported")]
    Algorithm,
    /// It was not signed with this secret, or was changed.
    #[error("Error: Signature verification failed")]
    Signature,
    /// `exp` is over.
    #[error("Error: Token expired")]
    Expired,
    /// `nbf` is not yet.
    #[error("Error: Token not yet active")]
    NotYetActive,
    /// It is signed, but is not a token for callers, or a handler left claims that cannot be signed.
    #[error("Error: {0}")]
    Claims(&'static str),
}

/// Reads and writes the tokens of callers.
pub struct TokenKey {
    signing: EncodingKey,
    verifying: DecodingKey,
    claims: ClaimsKey,
}

impl TokenKey {
    /// The keys that belong to a secret.
    ///
    /// # Errors
    /// When the cryptographic library refuses the keys, which no secret can bring about.
    pub fn new(secret: &Secret, form: ClaimsForm) -> Result<Self, TokenRefusal> {
        let bytes = secret.expose().as_bytes();
        Ok(Self {
            signing: EncodingKey::from_secret(bytes),
            verifying: DecodingKey::from_secret(bytes),
            claims: ClaimsKey::new(secret, form).map_err(|_| TokenRefusal::Claims("no key for secret claims"))?,
        })
    }

    /// The session in a token.
    ///
    /// # Errors
    /// One of [`TokenRefusal`], the signature's first.
    pub fn verify(&self, token: &str, now: u64) -> Result<Session, TokenRefusal> {
        let mut claims = verified_claims(token, &self.verifying)?;
        check_times(&claims, now)?;
        if claims.get("iss").and_then(Value::as_str) != Some(ISSUER) {
            return Err(TokenRefusal::Claims("the token was not issued for callers"));
        }
        let secret = self.unlock(&mut claims)?;
        Ok(Session { claims, secret })
    }

    /// A token for this session: renewed times, secret claims encrypted.
    ///
    /// # Errors
    /// When `timeout` is not a positive whole number of seconds.
    pub fn issue(&self, session: &Session, now: u64) -> Result<String, TokenRefusal> {
        let mut claims = first_claims(session, now)?;
        claims.insert("qewd".to_owned(), json!(self.lock(session)?));
        add_clear_claims(&mut claims, session);
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
            .map_err(|_| TokenRefusal::Claims("the claims could not be signed"))
    }

    /// The session as it is read from the token that [`TokenKey::issue`] makes of it.
    ///
    /// # Errors
    /// As with that.
    pub(super) fn as_issued(session: &Session, now: u64) -> Result<Session, TokenRefusal> {
        let mut claims = first_claims(session, now)?;
        add_clear_claims(&mut claims, session);
        let secret = put_back(&mut claims, secret_claims(session));
        Ok(Session { claims, secret })
    }

    /// A token of our own with new times; its signature is checked, its old times are not.
    pub(super) fn renew(&self, token: &str, now: u64) -> Option<String> {
        let mut claims = verified_claims(token, &self.verifying).ok()?;
        let secret = self.unlock(&mut claims).ok()?;
        self.issue(&Session { claims, secret }, now).ok()
    }

    /// Puts the secret claims among the others and returns their names. A secret claim wins over a clear one of its name.
    fn unlock(&self, claims: &mut Map<String, Value>) -> Result<Vec<String>, TokenRefusal> {
        let Some(Value::String(locked)) = claims.get("qewd") else {
            return Ok(SECRET_BY_DEFAULT.map(str::to_owned).to_vec());
        };
        let unreadable = TokenRefusal::Claims("the secret claims cannot be read");
        let plain = self.claims.decrypt(locked).ok_or(unreadable.clone())?;
        let secret: Map<String, Value> = serde_json::from_slice(&plain).map_err(|_| unreadable)?;
        claims.shift_remove("qewd");
        Ok(put_back(claims, secret))
    }

    fn lock(&self, session: &Session) -> Result<String, TokenRefusal> {
        let plain = Value::Object(secret_claims(session)).to_string().into_bytes();
        self.claims.encrypt(plain).map_err(|_| TokenRefusal::Claims("the secret claims could not be encrypted"))
    }
}

/// The claims that travel encrypted.
fn secret_claims(session: &Session) -> Map<String, Value> {
    let there = session.secret.iter().filter_map(|name| session.claims.get_key_value(name));
    there.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Puts secret claims among the others, and returns the names of all that are secret from now on.
fn put_back(claims: &mut Map<String, Value>, secret: Map<String, Value>) -> Vec<String> {
    let mut names: Vec<String> = secret.keys().cloned().collect();
    names.extend(SECRET_BY_DEFAULT.iter().filter(|name| !secret.contains_key(**name)).map(|&name| name.to_owned()));
    for (name, value) in secret {
        claims.shift_remove(&name);
        claims.insert(name, value);
    }
    names
}

/// The claims with which every token begins.
fn first_claims(session: &Session, now: u64) -> Result<Map<String, Value>, TokenRefusal> {
    let timeout = session.claims.get("timeout").and_then(Value::as_u64).filter(|seconds| *seconds > 0);
    let timeout = timeout.ok_or(TokenRefusal::Claims("timeout must be a positive whole number of seconds"))?;
    let mut claims = Map::new();
    claims.insert("exp".to_owned(), json!(now.saturating_add(timeout)));
    claims.insert("iat".to_owned(), json!(now));
    claims.insert("iss".to_owned(), json!(ISSUER));
    for name in ["application", "timeout"] {
        claims.insert(name.to_owned(), session.claims.get(name).cloned().unwrap_or(Value::Null));
    }
    Ok(claims)
}

/// Adds the claims that anybody may read.
fn add_clear_claims(claims: &mut Map<String, Value>, session: &Session) {
    for (name, value) in &session.claims {
        if !claims.contains_key(name) && name != "qewd" && !session.secret.contains(name) {
            claims.insert(name.clone(), value.clone());
        }
    }
}

/// The claims of a token that was signed with this key by HS256; times are the caller's to check.
pub(super) fn verified_claims(token: &str, key: &DecodingKey) -> Result<Map<String, Value>, TokenRefusal> {
    // Times are checked by `check_times`, with the caller's clock and the words that clients know.
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    // What is not a token at all is told apart from a forged one, so that clients see the words that they know.
    if token.split('.').count() != 3 {
        return Err(TokenRefusal::Segments);
    }
    jsonwebtoken::decode(token, key, &validation).map(|token| token.claims).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => TokenRefusal::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName | ErrorKind::UnsupportedAlgorithm => {
            TokenRefusal::Algorithm
        }
        ErrorKind::Base64(_) if part(token, 0).is_some() && part(token, 1).is_some() => TokenRefusal::Signature,
        ErrorKind::Json(_) if names_another_algorithm(token) => TokenRefusal::Algorithm,
        ErrorKind::InvalidToken => TokenRefusal::Segments,
        _ => TokenRefusal::NotJson,
    })
}

/// Whether the header is JSON and names an algorithm that the library does not know, such as `none`.
fn names_another_algorithm(token: &str) -> bool {
    part(token, 0).is_some_and(|header| header.contains_key("alg"))
}

/// The JSON object in one part of a token, unverified: only to choose the words of a refusal.
fn part(token: &str, number: usize) -> Option<Map<String, Value>> {
    let text = token.split('.').nth(number)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

pub(super) fn check_times(claims: &Map<String, Value>, now: u64) -> Result<(), TokenRefusal> {
    let seconds = |name: &str| claims.get(name).and_then(Value::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "exact until the year 285 million")]
    let now = now as f64;
    match (seconds("exp"), seconds("nbf")) {
        (None, _) => Err(TokenRefusal::Claims("the token never expires, which is not allowed")),
        (Some(expiry), _) if now > expiry => Err(TokenRefusal::Expired),
        (_, Some(start)) if now < start => Err(TokenRefusal::NotYetActive),
        _ if claims.contains_key("nbf") && seconds("nbf").is_none() => {
            Err(TokenRefusal::Claims("nbf must be a number"))
        }
        _ => Ok(()),
    }
}
