//! Who is let in: what each caller without a good token is told, to the letter.

use crate::harness::{Answer, App, Fleet, Host, Launch, SECRET, Source, forged, seconds_from_now, signed};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm::{HS256, HS512};
use serde_json::{Value, json};

const NO_TOKEN: &str =
    r#"401 {"error":"Authorization Header missing or JWT not found in header (expected format: Bearer {{JWT}}"}"#;
const BAD_SIGNATURE: &str = r#"401 {"error":"Invalid JWT: Error: Signature verification failed"}"#;
const EXPIRED: &str = r#"401 {"error":"Invalid JWT: Error: Token expired"}"#;
const BAD_ALGORITHM: &str = r#"401 {"error":"Invalid JWT: Error: Algorithm not supported"}"#;
const NOT_AUTHENTICATED: &str = r#"401 {"error":"User is not authenticated"}"#;

/// One host with the example's login and a protected route.
fn app(jwt: &Value) -> App {
    let routes = json!([
        {"uri": "/api/login", "method": "POST", "handler": "login", "authenticate": false},
        {"uri": "/api/who", "handler": "who"},
        {"uri": "/api/open", "handler": "list", "authenticate": false},
    ]);
    App::new(json!({"qewd_up": true, "jwt": jwt}), &routes)
        .with("orchestrator", Source::Example, "login_service")
        .guest("orchestrator", "echo")
}

fn host() -> Host {
    Launch::orchestrator(&app(&json!({}))).start()
}

fn with_header(host: &Host, value: &str) -> Answer {
    host.get("/api/who").header("Authorization", value).send()
}

fn refused(answer: &Answer, words: &str, reason: &str) {
    assert_eq!(answer.shown(), words);
    let expected = format!("Bearer realm=\"qewd\", error=\"{reason}\"");
    assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()), "{words}");
    assert_eq!(answer.header("qewd-token"), None);
}

#[test]
fn a_caller_without_a_token_is_told_the_form() {
    let host = host();
    refused(&host.get("/api/who").send(), NO_TOKEN, "invalid_request");
    for value in ["Basic cm9iOnNlY3JldA==", "Bearer", "Bearer ", "nonsense"] {
        refused(&with_header(&host, value), NO_TOKEN, "invalid_request");
    }
}

#[test]
fn a_good_token_is_let_in_however_the_scheme_is_written() {
    let host = host();
    let token = signed(HS256, SECRET, &json!({}));
    for scheme in ["Bearer", "bearer", "BEARER"] {
        assert_eq!(with_header(&host, &format!("{scheme} {token}")).shown(), r#"200 {"username":"rob","token":"…"}"#);
    }
}

#[test]
fn a_token_that_is_none_is_refused_in_the_known_words() {
    let host = host();
    let good = signed(HS256, SECRET, &json!({}));
    let (unsigned, signature) = good.rsplit_once('.').unwrap();
    let (first, rest) = signature.split_at(1);
    let hs512 = signed(HS512, SECRET, &json!({}));
    let cases = [
        ("nonsense".to_owned(), r#"401 {"error":"Invalid JWT: Error: Not enough or too many segments"}"#),
        (unsigned.to_owned(), r#"401 {"error":"Invalid JWT: Error: Not enough or too many segments"}"#),
        (format!("{good}.more"), r#"401 {"error":"Invalid JWT: Error: Not enough or too many segments"}"#),
        ("a.b.c".to_owned(), r#"401 {"error":"Invalid JWT: SyntaxError: a segment is not JSON"}"#),
        (format!("{unsigned}.{}{}", if first == "A" { "B" } else { "A" }, rest), BAD_SIGNATURE),
        (format!("{unsigned}.not base64"), BAD_SIGNATURE),
        (format!("{unsigned}."), BAD_SIGNATURE),
        (forged(&json!({"typ": "JWT", "alg": "none"}), b""), BAD_ALGORITHM),
        (forged(&json!({"typ": "JWT", "alg": "RS256"}), b"whatever"), BAD_ALGORITHM),
        (forged(&json!({"typ": "JWT", "alg": "HS256"}), b"whatever"), BAD_SIGNATURE),
        (hs512, BAD_ALGORITHM),
        (signed(HS256, "another secret", &json!({})), BAD_SIGNATURE),
    ];
    for (token, words) in cases {
        refused(&with_header(&host, &format!("Bearer {token}")), words, "invalid_token");
    }
}

#[test]
fn a_signed_token_may_still_be_no_good() {
    let host = host();
    for (claims, words) in [
        (json!({"exp": seconds_from_now(-5)}), EXPIRED),
        (json!({"authenticated": false}), NOT_AUTHENTICATED),
        (json!({"authenticated": "true"}), NOT_AUTHENTICATED),
        (json!({"authenticated": null}), NOT_AUTHENTICATED),
        (json!({"nbf": seconds_from_now(60)}), r#"401 {"error":"Invalid JWT: Error: Token not yet active"}"#),
        (json!({"exp": null}), r#"401 {"error":"Invalid JWT: Error: the token never expires, which is not allowed"}"#),
        (json!({"iss": "somebody"}), r#"401 {"error":"Invalid JWT: Error: the token was not issued for callers"}"#),
    ] {
        let token = signed(HS256, SECRET, &claims);
        refused(&with_header(&host, &format!("Bearer {token}")), words, "invalid_token");
    }
}

#[test]
fn an_open_route_never_makes_a_bad_token_good() {
    let host = host();
    for token in
        [signed(HS256, "another secret", &json!({})), signed(HS256, SECRET, &json!({"exp": seconds_from_now(-5)}))]
    {
        let answer = host.get("/api/open").token(&token).send();
        assert_eq!(answer.shown(), r#"200 [{"id":1},{"id":2}]"#);
        assert_eq!(answer.header("qewd-token"), None);
    }
}

#[test]
fn a_bad_token_is_refused_before_it_travels() {
    let mut fleet = Fleet::example();
    let answer = fleet.orchestrator.get("/api/login/user").token("a.b.c").header("X-Request-Id", "stopped").send();
    assert_eq!(answer.status, 401);
    let token = fleet.orchestrator.login();
    let sent = fleet.orchestrator.get("/api/login/user").token(&token).header("X-Request-Id", "sent").send();
    assert_eq!(sent.status, 200);
    let service = fleet.service("login_service");
    service.wait_for("request=\"sent\"");
    assert!(!service.lines().iter().any(|line| line.contains("stopped")));
}

#[test]
fn a_token_of_the_original_is_understood() {
    // The token that QEWD-Up's own documents publish.
    let payload = r#"{"exp":1589476996,"iat":1589476696,"iss":"qewd.jwt","application":"login_service","timeout":300,"qewd":"4329267c64e6158a71882362befc22f513a4451fca4fef1b2781f29c1062f8221c22f4399ed1e21785defc45c050f4714b5700396112310b2b584016e184a15caa8e5f4a9e61b320bab70bbf94ccee6c73ba15f951d7169e9f0a69274d42620d"}"#;
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = part(r#"{"typ":"JWT","alg":"HS256"}"#);
    let golden = format!("{header}.{}.PmWplqTjV0uAdd6u1bxk2zZJEtQ2-IMWiUheAclA4B0", part(payload));
    let host = Launch::orchestrator(&app(&json!({"secret": "f4b5659e-1556-451f-a80f-7afc70ca1f06"}))).start();
    refused(&host.get("/api/who").token(&golden).send(), EXPIRED, "invalid_token");
}

#[test]
fn both_forms_of_secret_claims_are_read_whichever_is_written() {
    let (ours, original) = (
        Launch::orchestrator(&app(&json!({}))).start(),
        Launch::orchestrator(&app(&json!({"claims": "qewd"}))).start(),
    );
    let secret_claims = |token: &str| {
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(claims.get("authenticated"), None, "what only hosts may read is in the clear");
        claims["qewd"].as_str().unwrap().to_owned()
    };
    let (our_token, original_token) = (ours.login(), original.login());
    assert!(secret_claims(&our_token).starts_with("s1."));
    assert!(secret_claims(&original_token).bytes().all(|byte| byte.is_ascii_hexdigit()));
    for host in [&ours, &original] {
        for token in [&our_token, &original_token] {
            assert_eq!(host.get("/api/who").token(token).send().shown(), r#"200 {"username":"rob","token":"…"}"#);
        }
    }
}
