//! Tokens that nobody signed: whatever is changed in one, it opens nothing.
//! In come real tokens of the corpus, changed at random; each that is taken has to be one that was signed.
//! The link's tokens there are good for centuries; none of them fits any secret but that of these tests.

use super::token::TokenKey;
use super::{LinkKey, Visitor};
use crate::configuration::{ClaimsForm, Secret};
use crate::fuzz;
use crate::session::Session;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const SECRET: &str = "a secret of tests only";
/// Between `iat` and `exp` of the tokens in the corpus.
const NOW: u64 = 1_700_000_000;

/// Header and payload of each token of a corpus that this accepts: what was signed.
fn signed(target: &str, accepts: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let tokens = fuzz::corpus(target).into_iter().filter_map(|bytes| String::from_utf8(bytes).ok());
    let signed: BTreeSet<String> = tokens.filter(|token| accepts(token)).map(|token| signed_part(&token)).collect();
    assert!(signed.len() > 2, "the corpus of {target} has good tokens");
    signed
}

fn signed_part(token: &str) -> String {
    token.rsplit_once('.').map(|(signed, _)| signed.to_owned()).unwrap_or_default()
}

#[test]
fn a_changed_token_is_never_taken() {
    let key = TokenKey::new(&Secret::new(SECRET), ClaimsForm::Sealed).unwrap();
    let signed = signed("token", |token| key.verify(token, NOW).is_ok());
    fuzz::run("token", |input| {
        let Ok(token) = std::str::from_utf8(input) else { return };
        match key.verify(token, NOW) {
            Ok(_) => assert!(signed.contains(&signed_part(token)), "forged"),
            // The words go to the caller.
            Err(refusal) => assert!(refusal.to_string().contains(": ")),
        }
        if key.renew(token, NOW).is_some() {
            assert!(
                key.verify(token, 0).is_ok() || key.verify(token, NOW).is_ok() || is_old(token),
                "renewed a forged one"
            );
        }
    });
}

/// Whether times alone keep a token from being taken: such a one was signed as well.
fn is_old(token: &str) -> bool {
    fuzz::corpus("token").iter().any(|known| signed_part(&String::from_utf8_lossy(known)) == signed_part(token))
}

#[test]
fn a_changed_token_of_a_link_opens_no_link() {
    let key = LinkKey::new(&Secret::new(SECRET)).unwrap();
    let visitor = Visitor { from: "orchestrator".to_owned(), nonce: "0123456789abcdef".to_owned() };
    let opens = |token: &str| key.check_knock(token, "login_service").is_ok();
    let proves = |token: &str| key.check_welcome(token, &visitor, "login_service").is_ok();
    let knocks = signed("link_token", opens);
    let welcomes = signed("link_token", proves);
    assert!(knocks.is_disjoint(&welcomes));
    fuzz::run("link_token", |input| {
        let Ok(token) = std::str::from_utf8(input) else { return };
        assert!(!opens(token) || knocks.contains(&signed_part(token)), "forged");
        assert!(!proves(token) || welcomes.contains(&signed_part(token)), "forged");
    });
}

/// Claims of any form may be signed: a handler writes them, and another program of the fleet may.
#[test]
fn signed_claims_of_any_form_are_read_or_refused() {
    let key = TokenKey::new(&Secret::new(SECRET), ClaimsForm::Sealed).unwrap();
    let signing = EncodingKey::from_secret(SECRET.as_bytes());
    fuzz::run("claims", |input| {
        let Ok(claims) = serde_json::from_slice::<Map<String, Value>>(input) else { return };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &signing).unwrap();
        let Ok(session) = key.verify(&token, NOW) else { return };
        assert_eq!(session.claims.get("iss").and_then(Value::as_str), Some("qewd.jwt"));
        let Ok(renewed) = key.issue(&session, NOW) else { return };
        let again = key.verify(&renewed, NOW).unwrap();
        assert_eq!(own_claims(&again), own_claims(&session));
        for name in session.secret.iter().filter(|name| session.claims.contains_key(*name)) {
            assert!(again.secret.contains(name), "{name} is secret no more");
        }
    });
}

/// The claims that a handler gave: times are renewed, and what a token lacks is written as null.
fn own_claims(session: &Session) -> Map<String, Value> {
    let ours = ["exp", "iat", "iss", "qewd"];
    let own = session.claims.iter().filter(|(name, value)| !ours.contains(&name.as_str()) && !value.is_null());
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}
