//! Tokens as the program, QEWD-Up or a forger would write them.
//! In come claims and a secret, out goes a token.
//! It shares no code with the program.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// A moment as tokens count it.
pub(crate) fn seconds_from_now(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    i64::try_from(now).unwrap() + seconds
}

/// The claims of a user who signed in.
fn claims() -> Map<String, Value> {
    let claims = json!({
        "exp": seconds_from_now(300), "iat": seconds_from_now(0), "iss": "qewd.jwt", "application": "login_service",
        "timeout": 300, "username": "rob", "authenticated": true,
    });
    claims.as_object().unwrap().clone()
}

/// A good token with these claims in place of its own (null: left out), signed with this secret and algorithm.
pub(crate) fn signed(algorithm: Algorithm, secret: &str, other: &Value) -> String {
    let mut claims = claims();
    claims.extend(other.as_object().unwrap().clone());
    claims.retain(|_, value| !value.is_null());
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(algorithm), &claims, &key).unwrap()
}

/// A good payload under a header and a signature of any kind.
pub(crate) fn forged(header: &Value, signature: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let payload = Value::Object(claims()).to_string();
    format!("{}.{}.{}", part(header.to_string().as_bytes()), part(payload.as_bytes()), part(signature))
}
