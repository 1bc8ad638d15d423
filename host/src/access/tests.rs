//! Access from outside: golden tokens of QEWD-Up, forged ones, and what each caller is told.

use super::*;
use crate::configuration::{ClaimsForm, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

const SECRET: &str = "f4b5659e-1556-451f-a80f-7afc70ca1f06";
/// The registration token that QEWD-Up's own documents publish, in its parts.
const PAYLOAD: &str = r#"{"exp":1589476996,"iat":1589476696,"iss":"qewd.jwt","application":"login_service","timeout":300,"qewd":"4329267c64e6158a71882362befc22f513a4451fca4fef1b2781f29c1062f8221c22f4399ed1e21785defc45c050f4714b5700396112310b2b584016e184a15caa8e5f4a9e61b320bab70bbf94ccee6c73ba15f951d7169e9f0a69274d42620d"}"#;
const SIGNATURE: &str = "PmWplqTjV0uAdd6u1bxk2zZJEtQ2-IMWiUheAclA4B0";

fn key(form: ClaimsForm) -> TokenKey {
    TokenKey::new(&Secret::new(SECRET), form).unwrap()
}

fn golden() -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{SIGNATURE}", part(r#"{"typ":"JWT","alg":"HS256"}"#), part(PAYLOAD))
}

fn payload_of(token: &str) -> String {
    String::from_utf8(URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[test]
fn a_golden_token_is_read() {
    let session = key(ClaimsForm::Sealed).verify(&golden(), 1_589_476_700).unwrap();
    assert_eq!(session.claims["socketId"], "OpEFvhCtopEsk-jmAAAA");
    assert_eq!(session.claims["ipAddress"], "::ffff:192.168.1.74");
    assert!(!session.authenticated());
    assert_eq!(session.secret, SECRET_BY_DEFAULT);
}

#[test]
fn a_golden_token_is_written_to_the_bit() {
    let key = key(ClaimsForm::Qewd);
    let session = key.verify(&golden(), 1_589_476_700).unwrap();
    assert_eq!(key.issue(&session, 1_589_476_696).unwrap(), golden());
}

#[test]
fn the_golden_token_after_a_login_is_written_to_the_bit() {
    let key = key(ClaimsForm::Qewd);
    let mut session = key.verify(&golden(), 1_589_476_700).unwrap();
    session.claims.insert("username".into(), json!("rob"));
    session.claims.insert("authenticated".into(), json!(true));
    session.claims.insert("timeout".into(), json!(1200));
    session.claims.insert("secretThing".into(), json!("x"));
    session.secret.push("secretThing".into());
    let token = key.issue(&session, 1_589_476_697).unwrap();
    assert!(token.ends_with(".vuM5wBgAL6Gw4QQ4moOnpV1lOLHAiyRCSP_4BuhujpI"), "{}", payload_of(&token));
    assert_eq!(key.verify(&token, 1_589_476_697).unwrap().claims["secretThing"], "x");
}

#[test]
fn sealed_claims_come_back_and_show_nothing() {
    let key = key(ClaimsForm::Sealed);
    let mut session = key.verify(&golden(), 1_589_476_700).unwrap();
    session.claims.insert("card".into(), json!("4711"));
    session.secret.push("card".into());
    let token = key.issue(&session, 1_700_000_000).unwrap();
    assert!(!payload_of(&token).contains("4711") && !payload_of(&token).contains("card"));
    let again = key.verify(&token, 1_700_000_000).unwrap();
    assert_eq!(again.claims["card"], "4711");
    assert!(again.secret.contains(&"card".to_owned()));
    assert_ne!(token, key.issue(&session, 1_700_000_000).unwrap(), "each seal has a nonce of its own");
}

#[test]
fn an_encrypted_claim_wins_over_a_clear_one() {
    let key = key(ClaimsForm::Sealed);
    let session = key.verify(&golden(), 1_589_476_700).unwrap();
    let mut claims: Map<String, Value> = serde_json::from_str(PAYLOAD).unwrap();
    claims.insert("authenticated".into(), json!(true));
    let forged = jsonwebtoken::encode(
        &jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256),
        &claims,
        &jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes()),
    );
    assert_eq!(key.verify(&forged.unwrap(), 1_589_476_700).unwrap().authenticated(), session.authenticated());
}

#[test]
fn refusals_have_the_words_that_clients_know() {
    let key = key(ClaimsForm::Sealed);
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let none = format!("{}.{}.", part(r#"{"typ":"JWT","alg":"none"}"#), part(PAYLOAD));
    let other = format!("{}.{}.{SIGNATURE}", part(r#"{"typ":"JWT","alg":"HS512"}"#), part(PAYLOAD));
    for (token, words) in [
        ("nonsense".to_owned(), "Error: Not enough or too many segments"),
        ("a.b.c".to_owned(), "SyntaxError: a segment is not JSON"),
        (none, "Error: Algorithm not supported"),
        (other, "Error: Algorithm not supported"),
        (golden().replace(SIGNATURE, &SIGNATURE.replace('P', "Q")), "Error: Signature verification failed"),
    ] {
        assert_eq!(key.verify(&token, 1_589_476_700).unwrap_err().to_string(), words, "{token}");
    }
    assert_eq!(key.verify(&golden(), 1_589_476_997).unwrap_err(), TokenRefusal::Expired);
}

#[test]
fn a_timeout_must_be_positive() {
    let key = key(ClaimsForm::Sealed);
    let mut session = key.verify(&golden(), 1_589_476_700).unwrap();
    for timeout in [json!(0), json!(-1), json!("300"), json!(null)] {
        session.claims.insert("timeout".into(), timeout);
        assert!(key.issue(&session, 1).is_err());
    }
}

#[test]
fn a_link_token_is_for_links_only() {
    let link = LinkKey::new(&Secret::new(SECRET)).unwrap();
    let visitor = Visitor { from: "orchestrator".into(), nonce: "n1".into() };
    let token = link.knock(&visitor, "login_service").unwrap();
    assert_eq!(link.check_knock(&token, "login_service").unwrap(), visitor);
    assert_eq!(key(ClaimsForm::Sealed).verify(&token, 0).unwrap_err(), TokenRefusal::Signature);
    assert_eq!(link.check_knock(&golden(), "login_service").unwrap_err(), LinkTokenRefusal::OtherSecret);
    let other = LinkKey::new(&Secret::new("another")).unwrap();
    assert_eq!(other.check_knock(&token, "login_service").unwrap_err(), LinkTokenRefusal::OtherSecret);
}

#[test]
fn a_link_token_opens_one_service_alone() {
    let link = LinkKey::new(&Secret::new(SECRET)).unwrap();
    let visitor = Visitor { from: "orchestrator".into(), nonce: "n1".into() };
    let token = link.knock(&visitor, "fake_service").unwrap();
    let refusal = link.check_knock(&token, "login_service").unwrap_err();
    assert_eq!(refusal, LinkTokenRefusal::OtherService("fake_service".into()));
}

#[test]
fn a_welcome_answers_one_knock_of_one_host() {
    let link = LinkKey::new(&Secret::new(SECRET)).unwrap();
    let visitor = |from: &str, nonce: &str| Visitor { from: from.into(), nonce: nonce.into() };
    let knock = visitor("orchestrator", "n1");
    let proof = link.welcome(&knock, "login_service").unwrap();
    assert_eq!(link.check_welcome(&proof, &knock, "login_service"), Ok(()));
    let token = link.knock(&knock, "login_service").unwrap();
    for (proof, visitor, service) in [
        (&proof, visitor("orchestrator", "n2"), "login_service"),
        (&proof, visitor("info_service", "n1"), "login_service"),
        (&proof, knock.clone(), "other_service"),
        (&token, knock, "login_service"),
        (&golden(), visitor("orchestrator", "n1"), "login_service"),
    ] {
        assert_eq!(link.check_welcome(proof, &visitor, service), Err(LinkTokenRefusal::OtherSecret));
    }
}

proptest! {
    /// A token that the host writes is known at once, without being read again.
    #[test]
    fn what_is_known_of_a_token_that_was_issued_is_what_it_says(
        claims in proptest::collection::vec((name(), value()), 0..8),
        secret in proptest::collection::vec(name(), 0..6),
        timeout in 1_u64..5000,
        sealed in any::<bool>(),
    ) {
        let key = key(if sealed { ClaimsForm::Sealed } else { ClaimsForm::Qewd });
        let mut claims: Map<String, Value> = claims.into_iter().collect();
        claims.insert("timeout".to_owned(), json!(timeout));
        let (session, now) = (Session { claims, secret }, 1_700_000_000);
        let (token, known) = (key.issue(&session, now).unwrap(), TokenKey::as_issued(&session, now).unwrap());
        // Whoever hides one of the host's own claims has a token that is refused.
        if let Ok(read) = key.verify(&token, now) {
            prop_assert_eq!(known, read);
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    let names = vec!["a", "b", "username", "authenticated", "socketId", "application", "iat", "qewd", "\u{e9}"];
    proptest::sample::select(names).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,4}".prop_map(Value::from),
        Just(Value::Null),
        Just(json!({"x": [1, null]})),
    ]
}
