//! One request, as a handler reads it.
//! In comes the request in one piece, out go path variables, query, headers, body and session.
//! Only the session can be changed.

use crate::bindings::qewd::handler::types;
use crate::packed::{One, Packed};
use crate::{Failure, Session, json};
use serde::de::DeserializeOwned;
use std::fmt;
use std::str::FromStr;

pub use types::Kind;

/// One request.
///
/// ```
/// use qewd_sdk::{Failure, Request};
///
/// fn page(request: &mut Request) -> Result<String, Failure> {
///     let book: u32 = request.parse_variable("book")?;
///     let page = request.query("page").unwrap_or("1");
///     Ok(format!("book {book}, page {page}"))
/// }
/// ```
pub struct Request {
    /// What the host knows about the caller, and keeps for the next request.
    pub session: Session,
    wire: Packed,
}

impl Request {
    pub(crate) fn from_wire(wire: Packed) -> Self {
        let (claims, secret) = (wire.one(One::Claims).as_bytes().to_vec(), wire.secret().map(str::to_owned).collect());
        Self { session: Session::from_wire(types::Session { claims, secret }), wire }
    }

    #[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
    pub(crate) fn with_session(wire: Packed, session: Session) -> Self {
        Self { session, wire }
    }

    /// The id that the client, every log line and every host on the way share.
    #[must_use]
    pub fn id(&self) -> &str {
        self.wire.one(One::Id)
    }

    /// The name under which this handler was called.
    #[must_use]
    pub fn handler(&self) -> &str {
        self.wire.one(One::Handler)
    }

    /// The host's application: its name, or what a WebSocket client registered as.
    #[must_use]
    pub fn application(&self) -> &str {
        self.wire.one(One::Application)
    }

    /// How the request came: from a REST client, as a WebSocket message, or from another handler.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.wire.kind()
    }

    /// Upper case: `GET`, `POST`; `MESSAGE` for a message.
    #[must_use]
    pub fn method(&self) -> &str {
        self.wire.one(One::Method)
    }

    /// As the client wrote it: percent-encoded, without the query. That of a message is `/<application>/<type>`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.wire.one(One::Path)
    }

    /// The `uri` of the route that led here, as routes.json has it.
    #[must_use]
    pub fn route(&self) -> &str {
        self.wire.one(One::Route)
    }

    /// The type of a WebSocket client's message; none for any other request.
    #[must_use]
    pub fn message_type(&self) -> Option<String> {
        let segment = self.path().rsplit('/').next().filter(|_| self.kind() == Kind::Message)?;
        Some(decode(segment))
    }

    /// The `params` of a WebSocket client's message, read as JSON into a type of yours. The whole message is the body.
    ///
    /// ```
    /// use qewd_sdk::{Failure, Request};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Login {
    ///     username: String,
    /// }
    ///
    /// fn login(request: &mut Request) -> Result<String, Failure> {
    ///     let login: Login = request.params()?;
    ///     Ok(format!("Hello {}", login.username))
    /// }
    /// ```
    ///
    /// # Errors
    /// Status 400 with words that say what is wrong, also where the message has no `params`.
    pub fn params<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let mut message: serde_json::Map<String, serde_json::Value> = self.json()?;
        let params = message.remove("params").ok_or_else(|| Failure::new("The message has no `params`"))?;
        serde_json::from_value(params)
            .map_err(|error| Failure::new(format!("The `params` are not what is wanted: {error}")))
    }

    /// The client's IP address, as the first host on the way saw it.
    #[must_use]
    pub fn client_address(&self) -> &str {
        self.wire.one(One::ClientAddress)
    }

    /// A path variable: `7` for `variable("id")` at the route `/api/order/:id` and the path `/api/order/7`.
    ///
    /// # Errors
    /// Status 500 if the route has no such variable: routes.json and the handler do not fit.
    pub fn variable(&self, name: &str) -> Result<&str, Failure> {
        first(self.wire.variables(), name)
            .ok_or_else(|| Failure::new(format!("The route `{}` has no variable `{name}`", self.route())).status(500))
    }

    /// A path variable as a number, a date or whatever else can be parsed.
    ///
    /// # Errors
    /// Status 400 if the text does not parse; status 500 if the route has no such variable.
    pub fn parse_variable<T>(&self, name: &str) -> Result<T, Failure>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let text = self.variable(name)?;
        text.parse().map_err(|error| Failure::new(format!("`{text}` is not a good value for `{name}`: {error}")))
    }

    /// The first value of this name in the query.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        first(self.wire.query(), name)
    }

    /// Every value of this name in the query, in order.
    pub fn queries(&self, name: &str) -> impl Iterator<Item = &str> {
        self.wire.query().filter(move |(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Every name and value of the query, in order.
    pub fn query_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.wire.query()
    }

    /// The first header of this name; upper and lower case are the same.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.wire.headers().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The body, untouched.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.wire.body()
    }

    /// The body as text.
    ///
    /// # Errors
    /// Status 400 if it is not UTF-8.
    pub fn text(&self) -> Result<&str, Failure> {
        std::str::from_utf8(self.body()).map_err(|error| Failure::new(format!("The body is not text: {error}")))
    }

    /// The body, read as JSON into a type of yours.
    ///
    /// ```
    /// use qewd_sdk::{Failure, Request};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Login {
    ///     username: String,
    /// }
    ///
    /// fn login(request: &mut Request) -> Result<String, Failure> {
    ///     let login: Login = request.json()?;
    ///     Ok(format!("Hello {}", login.username))
    /// }
    /// ```
    ///
    /// # Errors
    /// Status 400 with words that say what is wrong and where: line, column, the field that is missing.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        if self.body().is_empty() {
            return Err(Failure::new("The body is empty; this request wants JSON"));
        }
        json::read(self.body(), "The body").map_err(Failure::new)
    }
}

impl fmt::Debug for Request {
    /// Neither headers, body nor claims: they hold secrets, and this text ends in logs.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Request {} {} {}", self.id(), self.method(), self.path())
    }
}

/// Undoes percent-encoding; an escape that is broken stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let escape = others.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = escape.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { others.get(2..).unwrap_or_default() } else { others };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn first<'a>(mut pairs: impl Iterator<Item = (&'a str, &'a str)>, name: &str) -> Option<&'a str> {
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use crate::testing;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Login {
        #[expect(dead_code, reason = "only whether it is there matters")]
        username: String,
    }

    #[test]
    fn a_bad_body_is_refused_with_its_place() {
        let words = |body: &str| {
            let request = testing::post("/api/login").body(body).request();
            request.json::<Login>().unwrap_err().message().to_owned()
        };
        assert_eq!(words(""), "The body is empty; this request wants JSON");
        assert_eq!(
            words(r#"{"username":"rob" "password":1}"#),
            "The body is not valid JSON at line 1, column 19: expected `,` or `}`"
        );
        assert_eq!(
            words("{\n  \"name\": 1}"),
            "The body is JSON, but not what is wanted here, at line 2, column 12: missing field `username`"
        );
    }

    #[test]
    fn a_good_body_is_read() {
        let request = testing::post("/api/login").body(r#"{"username":"rob"}"#).request();
        assert!(request.json::<Login>().is_ok());
        assert_eq!(request.text().unwrap(), r#"{"username":"rob"}"#);
    }

    #[test]
    fn finds_variables_queries_and_headers() {
        let request = testing::get("/api/order/7")
            .route("/api/order/:id")
            .variable("id", "7")
            .query("tag", "a")
            .query("tag", "b")
            .header("X-Trace", "t")
            .request();
        assert_eq!(request.variable("id").unwrap(), "7");
        assert_eq!(request.parse_variable::<u8>("id").unwrap(), 7);
        assert_eq!(request.query("tag"), Some("a"));
        assert_eq!(request.queries("tag").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(request.header("x-TRACE"), Some("t"));
        assert_eq!(request.query_pairs().collect::<Vec<_>>(), [("tag", "a"), ("tag", "b")]);
        assert_eq!(request.query("none"), None);
        assert_eq!(request.header("none"), None);
    }

    #[test]
    fn a_message_has_a_type_and_params() {
        let message = testing::message("my-app", "what/now ?", &serde_json::json!({"a": 1})).request();
        assert_eq!(message.message_type().as_deref(), Some("what/now ?"));
        assert_eq!(message.params::<serde_json::Value>().unwrap(), serde_json::json!({"a": 1}));
        assert_eq!(testing::get("/a/b").request().message_type(), None);
        let without = testing::get("/a/b").body("{}").request();
        assert_eq!(without.params::<u8>().unwrap_err().message(), "The message has no `params`");
    }

    #[test]
    fn a_bad_variable_is_the_callers_fault_and_a_missing_one_is_ours() {
        let request = testing::get("/api/order/x").route("/api/order/:id").variable("id", "x").request();
        let bad = request.parse_variable::<u8>("id").unwrap_err();
        assert_eq!(bad.message(), "`x` is not a good value for `id`: invalid digit found in string");
        assert_eq!(bad.status_code(), 400);
        let missing = request.variable("no").unwrap_err();
        assert_eq!(missing.message(), "The route `/api/order/:id` has no variable `no`");
        assert_eq!(missing.status_code(), 500);
    }
}
