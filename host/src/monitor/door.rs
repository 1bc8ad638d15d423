//! Who comes in at the API: the session of a caller, its beginning and its end.
//! In come requests; out go sessions, the cookie that carries one, and refusals.
//! It looks at no password itself, and takes no change from a page of another origin.

use super::gate::{NewSession, Session};
use super::{Monitor, json};
use crate::failure::Failure;
use crate::request::{MONITOR_PATH, Request};
use crate::response::Response;
use serde::Deserialize;
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};
use std::time::SystemTime;

/// What the names of all cookies begin with.
const COOKIE: &str = "qewd-monitor";

#[derive(Deserialize)]
struct Credentials {
    password: String,
}

impl Monitor {
    /// The session of a request; using it keeps it.
    pub(super) fn signed_in(&self, request: &Request) -> Option<Session> {
        self.gate.check(token(request)?, &self.password())
    }

    /// Begins, shows or ends a session.
    pub(super) async fn session(&self, request: &Request, is_secure: bool) -> Result<Response, Failure> {
        match request.method.as_str() {
            "GET" | "HEAD" => Ok(self.show_session(request)),
            "POST" => self.begin_session(request, is_secure).await,
            "DELETE" => {
                if let Some(session) = self.signed_in(request) {
                    self.gate.sign_out(&session, address(request));
                }
                Ok(with_cookie(json(&json!({"ok": true})), request, "", 0, is_secure))
            }
            _ => Err(wrong_method("GET, POST, DELETE")),
        }
    }

    fn show_session(&self, request: &Request) -> Response {
        let edition = self.edition();
        let settings = &edition.configuration.settings;
        let (host, name) = (&*edition.application, &settings.server_name);
        json(&match self.signed_in(request) {
            None => json!({"host": host, "serverName": name, "signedIn": false}),
            Some(_) => {
                let known = settings.has_known_password();
                json!({"host": host, "serverName": name, "signedIn": true, "defaultPassword": known})
            }
        })
    }

    async fn begin_session(&self, request: &Request, is_secure: bool) -> Result<Response, Failure> {
        check_json(request)?;
        let words = "Send {\"password\": \"…\"} as JSON";
        let Credentials { password } =
            serde_json::from_slice(&request.body).map_err(|_| Failure::caller(400, words))?;
        let begun = self.gate.sign_in(address(request), &password, &self.password()).await?;
        let NewSession { token, ends } = begun;
        let seconds = ends.duration_since(SystemTime::now()).unwrap_or_default().as_secs();
        let answer = json(&json!({"ok": true, "ends": super::milliseconds(ends)}));
        Ok(with_cookie(answer, request, &token, seconds, is_secure))
    }
}

/// Whether a request changes nothing, by its method.
pub(super) fn only_looks(request: &Request) -> bool {
    matches!(request.method.as_str(), "GET" | "HEAD")
}

/// Refuses every other method where there is only something to look at.
pub(super) fn check_looks(request: &Request) -> Result<(), Failure> {
    if only_looks(request) { Ok(()) } else { Err(wrong_method("GET, HEAD")) }
}

/// Refuses what a page of another origin wants changed. Programs send no origin; browsers always say where a page is from.
pub(super) fn check_origin(request: &Request) -> Result<(), Failure> {
    let site = request.header("sec-fetch-site").unwrap_or("same-origin");
    let own = |origin: &str| origin.split_once("://").map(|(_, host)| host) == request.header("host");
    let is_own = matches!(site, "same-origin" | "none") && request.header("origin").is_none_or(own);
    if is_own { Ok(()) } else { Err(Failure::caller(403, "Only the monitor's own page may do this")) }
}

/// Other sites' forms cannot send this type without asking before.
pub(super) fn check_json(request: &Request) -> Result<(), Failure> {
    let is_json = request.header("content-type").is_some_and(crate::response::is_json);
    if is_json { Ok(()) } else { Err(Failure::caller(415, "Send JSON, with content-type: application/json")) }
}

pub(super) fn sign_in_first() -> Failure {
    let words = format!("Sign in first: POST {{\"password\": \"…\"}} to {MONITOR_PATH}/api/session");
    Failure::caller(401, words)
}

pub(super) fn no_such_path(path: &str) -> Failure {
    Failure::caller(404, format!("The monitor has nothing at api/{path}"))
}

pub(super) fn wrong_method(allowed: &'static str) -> Failure {
    Failure::caller(405, format!("This is not allowed here; allowed: {allowed}")).with_header("allow", allowed)
}

/// The address that the listener saw.
pub(super) fn address(request: &Request) -> IpAddr {
    request.client_address.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// Browsers keep cookies by host without its port, so the hosts of one machine would sign each other out: the port of the
/// address that the browser uses is part of the name.
fn cookie_name(request: &Request) -> String {
    let port = request.header("host").and_then(|host| host.rsplit_once(':')).map_or("", |(_, port)| port);
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if is_port { format!("{COOKIE}-{port}") } else { COOKIE.to_owned() }
}

fn token(request: &Request) -> Option<&str> {
    let name = cookie_name(request);
    let cookies = request.headers.iter().filter(|(header, _)| header == "cookie");
    let mut pairs = cookies.flat_map(|(_, cookies)| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn with_cookie(mut answer: Response, request: &Request, token: &str, seconds: u64, is_secure: bool) -> Response {
    let name = cookie_name(request);
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!("{name}={token}; Path={MONITOR_PATH}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    answer.headers.push(("set-cookie".to_owned(), cookie));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Kind;
    use bytes::Bytes;

    fn request(headers: &[(&str, &str)]) -> Request {
        Request {
            id: crate::names::RequestId::random(),
            kind: Kind::Rest,
            method: "POST".to_owned(),
            path: format!("{MONITOR_PATH}/api/host/stop"),
            query: String::new(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: Bytes::new(),
            client_address: "127.0.0.1".to_owned(),
            deadline: tokio::time::Instant::now(),
            hops: 0,
            parts: None,
            way: Vec::new(),
            token_in_header: false,
            as_member: false,
            trace: crate::trace::Trace::begin(),
        }
    }

    #[test]
    fn a_change_comes_from_the_own_page_or_from_a_program() {
        let good: [&[(&str, &str)]; 4] = [
            &[("host", "a:1")],
            &[("host", "a:1"), ("origin", "http://a:1")],
            &[("host", "a"), ("origin", "https://a"), ("sec-fetch-site", "same-origin")],
            &[("host", "a"), ("sec-fetch-site", "none")],
        ];
        for headers in good {
            assert_eq!(check_origin(&request(headers)), Ok(()), "{headers:?}");
        }
        let bad: [&[(&str, &str)]; 6] = [
            &[("host", "a:1"), ("origin", "http://a:2")],
            &[("host", "a:1"), ("origin", "http://b:1")],
            &[("host", "a:1"), ("origin", "null")],
            &[("origin", "http://a")],
            &[("host", "a"), ("sec-fetch-site", "same-site")],
            &[("host", "a"), ("sec-fetch-site", "cross-site")],
        ];
        for headers in bad {
            assert_eq!(check_origin(&request(headers)).map_err(|failure| failure.status), Err(403), "{headers:?}");
        }
    }

    #[test]
    fn each_port_has_a_cookie_of_its_own() {
        let cookies = ("cookie", "a=b; qewd-monitor-3000=one; qewd-monitor=none; qewd-monitor-3001=two");
        for (host, token) in [("x:3000", Some("one")), ("x:3001", Some("two")), ("x", Some("none")), ("x:3", None)] {
            assert_eq!(super::token(&request(&[("host", host), cookies])), token, "{host}");
        }
        assert_eq!(cookie_name(&request(&[("host", "[::1]:8080")])), "qewd-monitor-8080");
        assert_eq!(cookie_name(&request(&[("host", "[::1]")])), "qewd-monitor");
    }
}
