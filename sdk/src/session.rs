//! What the host knows about the caller from one request to the next: the claims of a token.
//! In comes the verified token's content, out goes the changed one, if a handler changed it.
//! It never signs, encrypts or checks anything: the host does.

use crate::Failure;
use crate::bindings::qewd::handler::types;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::cell::OnceCell;

/// Names that the host alone sets.
const RESERVED: [&str; 6] = ["exp", "iat", "iss", "qewd", "qewd_list", "application"];

/// Names that are secret unless a handler makes them public.
const SECRET: [&str; 3] = ["authenticated", "ipAddress", "socketId"];

/// The caller's session: named JSON values that come back with the next request.
///
/// The caller holds them in a signed token and can read, but not change them. What [`Session::make_secret`] names, only
/// hosts can read. If the handler returns a [`Failure`], nothing of its changes is kept.
///
/// ```
/// use qewd_sdk::{Failure, Request};
///
/// fn login(request: &mut Request) -> Result<(), Failure> {
///     request.session.set("username", "rob")?;
///     request.session.set_authenticated(true);
///     request.session.set_timeout(1200);
///     Ok(())
/// }
/// ```
pub struct Session {
    /// The claims as the host wrote them.
    written: Vec<u8>,
    /// They are read when they are asked for: a handler that never looks need not wait for that.
    claims: OnceCell<Map<String, Value>>,
    secret: Vec<String>,
    changed: bool,
}

impl Session {
    /// The value of this name, if there is one and it fits the type.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        // Values know how to be read in place, so nothing is copied but what the type keeps.
        T::deserialize(self.claims().get(name)?).ok()
    }

    /// Sets a value.
    ///
    /// # Errors
    /// If the host alone may set this name, or if the value cannot be written as JSON.
    pub fn set(&mut self, name: &str, value: impl Serialize) -> Result<(), Failure> {
        refuse_reserved(name)?;
        let value = serde_json::to_value(value).map_err(|error| Failure::from(error).status(500))?;
        refuse_misfit(name, &value)?;
        self.put(name, value);
        Ok(())
    }

    /// Removes a value. A name that is not there is fine.
    ///
    /// # Errors
    /// If the host alone may set this name.
    pub fn remove(&mut self, name: &str) -> Result<(), Failure> {
        refuse_reserved(name)?;
        if self.change(|claims| claims.shift_remove(name)).is_some() {
            self.secret.retain(|secret| secret != name);
            self.changed = true;
        }
        Ok(())
    }

    /// Whether the caller has proved who it is. Routes let nobody else in, unless they say `"authenticate": false`.
    #[must_use]
    pub fn authenticated(&self) -> bool {
        self.claims().get("authenticated") == Some(&Value::Bool(true))
    }

    /// States whether the caller has proved who it is.
    pub fn set_authenticated(&mut self, authenticated: bool) {
        self.put("authenticated", Value::Bool(authenticated));
    }

    /// After how many idle seconds the session ends; none: after the host's usual time.
    #[must_use]
    pub fn timeout(&self) -> Option<u32> {
        self.get("timeout")
    }

    /// States after how many idle seconds the session ends.
    pub fn set_timeout(&mut self, seconds: u32) {
        self.put("timeout", Value::from(seconds));
    }

    /// The application for which the token was made, if it says so.
    #[must_use]
    pub fn application(&self) -> Option<&str> {
        self.claims().get("application")?.as_str()
    }

    /// From now on only hosts can read the value of this name.
    ///
    /// # Errors
    /// If the host alone may set this name.
    pub fn make_secret(&mut self, name: &str) -> Result<(), Failure> {
        refuse_reserved(name)?;
        if !self.is_secret(name) {
            self.secret.push(name.to_owned());
            self.changed = true;
        }
        Ok(())
    }

    /// From now on the caller can read the value of this name.
    pub fn make_public(&mut self, name: &str) {
        if self.is_secret(name) {
            self.secret.retain(|secret| secret != name);
            self.changed = true;
        }
    }

    /// Whether only hosts can read the value of this name.
    #[must_use]
    pub fn is_secret(&self, name: &str) -> bool {
        self.secret.iter().any(|secret| secret == name)
    }

    /// Whether the handler changed anything, so that the caller gets a token with new content.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.changed
    }

    pub(crate) fn from_wire(wire: types::Session) -> Self {
        Self { written: wire.claims, claims: OnceCell::new(), secret: wire.secret, changed: false }
    }

    pub(crate) fn into_wire(self) -> Option<types::Session> {
        if !self.changed {
            return None;
        }
        let claims = serde_json::to_vec(self.claims()).unwrap_or_default();
        Some(types::Session { claims, secret: self.secret })
    }

    fn claims(&self) -> &Map<String, Value> {
        // The host writes nothing but JSON objects.
        self.claims.get_or_init(|| serde_json::from_slice(&self.written).unwrap_or_default())
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut Map<String, Value>) -> T) -> T {
        self.claims();
        let mut claims = self.claims.take().unwrap_or_default();
        let changed = change(&mut claims);
        self.claims = OnceCell::from(claims);
        changed
    }

    /// Sets a value without asking whether a handler may. The same value again is no change.
    fn put(&mut self, name: &str, value: Value) {
        if self.claims().get(name) == Some(&value) {
            return;
        }
        let before = self.change(|claims| claims.insert(name.to_owned(), value));
        // Only at its first time: afterwards a handler may have made it public.
        if before.is_none() && SECRET.contains(&name) && !self.is_secret(name) {
            self.secret.push(name.to_owned());
        }
        self.changed = true;
    }

    #[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
    pub(crate) fn empty() -> Self {
        Self { written: Vec::new(), claims: OnceCell::new(), secret: Vec::new(), changed: false }
    }

    /// The state in which a test wants a request to begin: reserved names too.
    #[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
    pub(crate) fn begin_with(&mut self, name: &str, value: Value) {
        self.put(name, value);
    }

    #[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
    pub(crate) fn begin(&mut self) {
        self.changed = false;
    }
}

impl std::fmt::Debug for Session {
    /// Names only: values hold secrets, and this text ends in logs.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.claims().keys().collect();
        write!(formatter, "Session {names:?}, changed: {}", self.changed)
    }
}

fn refuse_reserved(name: &str) -> Result<(), Failure> {
    if RESERVED.contains(&name) {
        let words = format!("`{name}` belongs to the host; choose another name for a value of the session");
        return Err(Failure::new(words).status(500));
    }
    Ok(())
}

/// Two names mean something to the host, so their values must be of its kind.
fn refuse_misfit(name: &str, value: &Value) -> Result<(), Failure> {
    let words = match name {
        "authenticated" if !value.is_boolean() => "`authenticated` is true or false; use set_authenticated",
        "timeout" if value.as_u64().is_none_or(|seconds| u32::try_from(seconds).is_err()) => {
            "`timeout` is a number of seconds; use set_timeout"
        }
        _ => return Ok(()),
    };
    Err(Failure::new(words).status(500))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(claims: &str, secret: &[&str]) -> Session {
        let secret = secret.iter().map(ToString::to_string).collect();
        Session::from_wire(types::Session { claims: claims.as_bytes().to_vec(), secret })
    }

    #[test]
    fn reads_claims_by_type() {
        let session = session(r#"{"username":"rob","timeout":300,"application":"info","authenticated":true}"#, &[]);
        assert_eq!(session.get::<String>("username").as_deref(), Some("rob"));
        assert_eq!(session.get::<u32>("username"), None);
        assert_eq!(session.get::<String>("none"), None);
        assert_eq!(session.timeout(), Some(300));
        assert_eq!(session.application(), Some("info"));
        assert!(session.authenticated());
        assert!(!session.changed());
        assert!(session.into_wire().is_none());
    }

    #[test]
    fn a_change_travels_back_and_the_same_value_is_none() {
        let mut session = session(r#"{"timeout":300,"a":1}"#, &[]);
        session.set("a", 1).unwrap();
        session.set_timeout(300);
        session.remove("none").unwrap();
        assert!(!session.changed());
        session.set("b", vec![1, 2]).unwrap();
        session.remove("a").unwrap();
        session.set_timeout(1200);
        assert_eq!(session.into_wire().unwrap().claims, br#"{"timeout":1200,"b":[1,2]}"#);
    }

    #[test]
    fn the_hosts_names_cannot_be_set() {
        let mut session = session(r#"{"exp":1}"#, &[]);
        for name in RESERVED {
            let words = session.set(name, 2).unwrap_err().message().to_owned();
            assert!(words.contains(name) && words.contains("belongs to the host"), "{words}");
            assert!(session.remove(name).is_err() && session.make_secret(name).is_err());
        }
        assert!(session.set("authenticated", "yes").is_err());
        assert!(session.set("timeout", -1).is_err());
        assert!(session.set("timeout", 60).is_ok());
    }

    #[test]
    fn some_names_are_secret_from_the_start() {
        let mut session = session("", &[]);
        session.set_authenticated(true);
        session.set("username", "rob").unwrap();
        assert!(session.is_secret("authenticated") && !session.is_secret("username"));
        session.make_secret("username").unwrap();
        session.make_public("authenticated");
        session.set_authenticated(false);
        assert!(session.is_secret("username") && !session.is_secret("authenticated"));
    }

    #[test]
    fn debug_shows_no_values() {
        let text = format!("{:?}", session(r#"{"username":"rob"}"#, &[]));
        assert_eq!(text, r#"Session ["username"], changed: false"#);
    }
}
