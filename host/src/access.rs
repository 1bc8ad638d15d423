//! Who asks, and may they?
//! In come a request and whether its route needs a login; out goes the caller's session, or a refusal with its words.
//! A token that was not verified is never trusted, refreshed or signed again, on no path.

mod token;
mod known;
mod claims;
mod keys;
mod link_token;
mod reply;

pub use link_token::{LinkKey, LinkTokenRefusal, Visitor};
pub use reply::{TOKEN_HEADER, attach_token};
pub use token::{TokenKey, TokenRefusal};

use crate::failure::Failure;
use crate::request::{Kind, Request};
use crate::session::{SECRET_BY_DEFAULT, Session, Shown};
use known::{Known, Tokens};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Checks callers on one host and writes the tokens that they get.
pub struct Access {
    key: TokenKey,
    known: Tokens,
    /// The `application` claim of the tokens that this host writes: its name.
    application: String,
    /// Seconds that a new session lives until a handler sets another timeout.
    initial_timeout: u32,
    /// The names of a new session's secret claims.
    secret: Arc<[String]>,
}

/// A caller who was let in.
pub struct Caller {
    /// The verified content of the caller's token, or a new session where none is needed and none came.
    pub session: Shown,
    /// The valid token that the caller showed: a successful answer renews it.
    token: Option<Arc<Known>>,
}

/// The claims of a new session.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewClaims<'a> {
    application: &'a str,
    timeout: u32,
    ip_address: &'a str,
    authenticated: bool,
}

impl Access {
    /// An access check with the shared secret of the fleet.
    #[must_use]
    pub fn new(key: TokenKey, application: &str, initial_timeout: u32) -> Self {
        let secret = SECRET_BY_DEFAULT.map(str::to_owned).into();
        Self { key, known: Tokens::default(), application: application.to_owned(), initial_timeout, secret }
    }

    /// Lets a caller in, or says why not.
    ///
    /// A route that needs no login gets a new session unless the caller shows a valid token.
    ///
    /// # Errors
    /// 401 with `WWW-Authenticate` and the words that clients of QEWD-Up know.
    pub fn admit(&self, request: &Request, login_needed: bool) -> Result<Caller, Failure> {
        match request.bearer().map(|token| self.verify(token)) {
            Some(Ok(known)) if !login_needed || known.session.authenticated() => {
                Ok(Caller { session: known.shown().clone(), token: Some(known) })
            }
            Some(Ok(_)) => Err(unauthorized("User is not authenticated", "invalid_token")),
            _ if !login_needed => Ok(Caller { session: self.new_session(request), token: None }),
            Some(Err(refusal)) => Err(unauthorized(format!("Invalid JWT: {refusal}"), "invalid_token")),
            // Clients compare this text to the letter, and it has always lacked its last bracket.
            None => Err(unauthorized(
                "Authorization Header missing or JWT not found in header (expected format: Bearer {{JWT}}",
                "invalid_request",
            )),
        }
    }

    /// What a token says, if it is good now.
    fn verify(&self, token: &str) -> Result<Arc<Known>, TokenRefusal> {
        let now = unix_now();
        if let Some(known) = self.known.get(token) {
            token::check_times(&known.session.claims, now)?;
            return Ok(known);
        }
        let session = self.key.verify(token, now)?;
        Ok(self.known.keep(token.into(), session))
    }

    /// The token that a successful answer carries: none if the caller has none and the handler opened no session.
    ///
    /// # Errors
    /// When a handler left the session in a state that no token can carry, such as a timeout that is not positive.
    pub fn renew(&self, caller: &Caller, changed: Option<Session>, kind: Kind) -> Result<Option<Arc<str>>, Failure> {
        let before = caller.token.as_deref();
        // A client that registered has a socket; it may use its token for REST as well.
        let is_client =
            kind == Kind::Message || before.is_some_and(|known| known.session.claims.contains_key("socketId"));
        let now = unix_now();
        let (mut session, unchanged) = match (changed, before) {
            (None, None) => return Ok(None),
            (Some(changed), _) => (changed, None),
            (None, Some(known)) => match known.renewed(now, is_client) {
                Some(token) => return Ok(Some(token)),
                None => (known.session.clone(), Some(known)),
            },
        };
        let registered =
            before.filter(|_| is_client).and_then(|known| known.session.claims.get("application").cloned());
        // By it the client's next message is routed, wherever this one was answered; no handler may move a client.
        let application = registered.unwrap_or_else(|| json!(self.application));
        session.claims.insert("application".to_owned(), application);
        let token = self.write(&session, now).map_err(|refusal| {
            Failure::system(500, "The handler left a session that no token can carry", refusal.to_string())
        })?;
        if let Some(known) = unchanged {
            known.renew(now, is_client, &token);
        }
        Ok(Some(token))
    }

    /// Writes a token, and knows it from now on: it is what the caller shows next.
    fn write(&self, session: &Session, now: u64) -> Result<Arc<str>, TokenRefusal> {
        let token: Arc<str> = self.key.issue(session, now)?.into();
        self.known.keep(Arc::clone(&token), TokenKey::as_issued(session, now)?);
        Ok(token)
    }

    /// A token for a client or a host that registers: the answer to `ewd-register`, as QEWD-Up gives it. A host registers
    /// for the name of this one.
    ///
    /// # Errors
    /// When signing fails, which no input can bring about.
    pub fn registration_token(
        &self,
        application: Option<&str>,
        socket_id: &str,
        address: &str,
    ) -> Result<String, TokenRefusal> {
        let mut session = self.empty_session();
        if let Some(application) = application {
            session.claims.insert("application".to_owned(), json!(application));
        }
        session.claims.insert("socketId".to_owned(), json!(socket_id));
        session.claims.insert("ipAddress".to_owned(), json!(address));
        session.claims.insert("authenticated".to_owned(), json!(false));
        self.key.issue(&session, unix_now())
    }

    /// Checks a token that another host of the fleet has issued.
    ///
    /// # Errors
    /// One of [`TokenRefusal`].
    pub fn verify_own(&self, token: &str) -> Result<(), TokenRefusal> {
        self.verify(token).map(|_| ())
    }

    /// The application for which the client with this token registered.
    ///
    /// # Errors
    /// One of [`TokenRefusal`].
    pub fn registered(&self, token: &str) -> Result<String, TokenRefusal> {
        application_of(&self.verify(token)?.session)
    }

    /// The token of a client that has connected anew, with the id of its new socket; and its application.
    ///
    /// # Errors
    /// One of [`TokenRefusal`].
    pub fn move_to(&self, token: &str, socket_id: &str) -> Result<(String, String), TokenRefusal> {
        let mut session = self.verify(token)?.session.clone();
        let application = application_of(&session)?;
        session.claims.insert("socketId".to_owned(), json!(socket_id));
        Ok((self.key.issue(&session, unix_now())?, application))
    }

    /// The same token with new times. It was verified when it came, so only its signature is checked again.
    #[must_use]
    pub fn renew_own(&self, token: &str) -> Option<String> {
        self.key.renew(token, unix_now())
    }

    fn new_session(&self, request: &Request) -> Shown {
        let Self { application, initial_timeout: timeout, .. } = self;
        let claims =
            NewClaims { application, timeout: *timeout, ip_address: &request.client_address, authenticated: false };
        // Texts and numbers are always JSON.
        Shown { claims: serde_json::to_vec(&claims).unwrap_or_default().into(), secret: Arc::clone(&self.secret) }
    }

    fn empty_session(&self) -> Session {
        let mut claims = Map::new();
        claims.insert("application".to_owned(), json!(self.application));
        claims.insert("timeout".to_owned(), Value::from(self.initial_timeout));
        Session { claims, secret: SECRET_BY_DEFAULT.map(str::to_owned).to_vec() }
    }
}

fn application_of(session: &Session) -> Result<String, TokenRefusal> {
    let application = session.claims.get("application").and_then(Value::as_str);
    application.map(str::to_owned).ok_or(TokenRefusal::Claims("the token names no application"))
}

fn unauthorized(words: impl Into<std::borrow::Cow<'static, str>>, error: &str) -> Failure {
    Failure::caller(401, words).with_header("www-authenticate", format!("Bearer realm=\"qewd\", error=\"{error}\""))
}

/// Seconds since 1970, as tokens count.
fn unix_now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod fuzz_tests;
