//! Makes a module out of plain functions.
//! In come the functions' names, out go the two functions that a host calls.
//! It never decides which request is meant for a module: the host did that.

use crate::bindings::qewd::handler::types;
use crate::packed::{One, Packed};
use crate::{Failure, Reply, Request, Response};

/// Exports functions as the handlers of this module. Use it once per crate.
///
/// Each function takes `&mut Request` and returns any [`Reply`]. What a handler asks through
/// [`services`](crate::services) stands in `needs`, so that the host can say at once if a service is missing. A service
/// whose name is no Rust name is written in quotes.
///
/// ```
/// use qewd_sdk::{Failure, Request, services};
/// use serde_json::Value;
///
/// qewd_sdk::handlers!(login, check_user needs [login_service, "audit-log"]);
///
/// fn login(_request: &mut Request) -> &'static str {
///     "welcome"
/// }
///
/// fn check_user(_request: &mut Request) -> Result<Value, Failure> {
///     services::get("/api/login/user").on("login_service").ask().ok()?.json()
/// }
/// ```
///
/// A function of another shape is a compile error at its name:
///
/// ```compile_fail,E0308
/// qewd_sdk::handlers!(hello);
///
/// fn hello(_name: String) -> &'static str {
///     "hello"
/// }
/// ```
///
/// And so is a result that is no [`Reply`]:
///
/// ```compile_fail,E0277
/// qewd_sdk::handlers!(hello);
///
/// fn hello(_request: &mut qewd_sdk::Request) -> u32 {
///     7
/// }
/// ```
///
/// And a name that stands there twice:
///
/// ```compile_fail,E0428
/// qewd_sdk::handlers!(hello, hello);
///
/// fn hello(_request: &mut qewd_sdk::Request) -> &'static str {
///     "hello"
/// }
/// ```
#[macro_export]
macro_rules! handlers {
    // Names are `tt` and not `ident`, because only then the compiler's errors point at them.
    ($($name:tt $(needs [$($service:tt),* $(,)?])?),+ $(,)?) => {
        const _: () = {
            // Only here so that a name that stands twice is a compile error.
            #[allow(dead_code, non_camel_case_types, reason = "never used; named like functions")]
            enum EachNameOnce {
                $($name),+
            }

            // Outside of wasm nobody calls them, but a wrong signature is an error there too.
            #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only a host calls them"))]
            const HANDLERS: &[$crate::private::Handler] = &[
                $($crate::private::Handler {
                    name: stringify!($name),
                    needs: &[$($($crate::handlers!(@service $service)),*)?],
                    run: |request| $crate::private::answer($name, request),
                }),+
            ];

            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::bindings::exports::qewd::handler::packed_handlers::{
                    Failure, Guest, Offer, PackedRequest, Response,
                };

                struct Module;

                impl Guest for Module {
                    fn describe() -> Vec<Offer> {
                        $crate::private::describe(HANDLERS)
                    }

                    fn handle(request: PackedRequest) -> Result<Response, Failure> {
                        $crate::private::handle(HANDLERS, request)
                    }
                }

                $crate::bindings::export!(Module with_types_in $crate::bindings);
            };
        };
    };
    (@service $name:ident) => { stringify!($name) };
    (@service $name:literal) => { $name };
}

/// One function of a module.
pub struct Handler {
    /// The function's name.
    pub name: &'static str,
    /// The services that it asks.
    pub needs: &'static [&'static str],
    /// Calls it.
    pub run: fn(&mut Request) -> Result<Response, Failure>,
}

/// Calls a function and turns what it returns into an answer.
///
/// # Errors
/// What the function refused with.
pub fn answer<R: Reply>(function: fn(&mut Request) -> R, request: &mut Request) -> Result<Response, Failure> {
    function(request).into_answer()
}

/// What a host asks when it loads the module.
#[must_use]
pub fn describe(handlers: &[Handler]) -> Vec<types::Offer> {
    let offer = |handler: &Handler| types::Offer {
        name: handler.name.to_owned(),
        needs: handler.needs.iter().map(ToString::to_string).collect(),
    };
    handlers.iter().map(offer).collect()
}

/// What a host calls for each request.
///
/// # Errors
/// What the handler refused with, or that the module has no such handler.
pub fn handle(handlers: &[Handler], wire: types::PackedRequest) -> Result<types::Response, types::Failure> {
    run(handlers, Packed::new(wire)).map_err(Failure::into_wire)
}

fn run(handlers: &[Handler], wire: Packed) -> Result<types::Response, Failure> {
    let handler = find(handlers, wire.one(One::Handler))?;
    let mut request = Request::from_wire(wire);
    let response = (handler.run)(&mut request)?;
    response.into_wire(request.session)
}

fn find<'a>(handlers: &'a [Handler], name: &str) -> Result<&'a Handler, Failure> {
    // A file with one handler may be called by any name: the file's name is as good as the function's.
    if let [only] = handlers {
        return Ok(only);
    }
    handlers.iter().find(|handler| handler.name == name).ok_or_else(|| {
        let names: Vec<_> = handlers.iter().map(|handler| handler.name).collect();
        Failure::new(format!("This module has no handler `{name}`; it has {}", names.join(", "))).status(500)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(_request: &mut Request) -> &'static str {
        "hello"
    }

    fn sign_in(request: &mut Request) -> Result<(), Failure> {
        request.session.set_authenticated(true);
        Ok(())
    }

    fn refuse(_request: &mut Request) -> Result<(), Failure> {
        Err(Failure::new("no"))
    }

    const ALL: &[Handler] = &[
        Handler { name: "hello", needs: &[], run: |request| answer(hello, request) },
        Handler { name: "sign_in", needs: &["login_service"], run: |request| answer(sign_in, request) },
        Handler { name: "refuse", needs: &[], run: |request| answer(refuse, request) },
    ];

    fn wire(handler: &str) -> types::PackedRequest {
        let request = types::Request {
            id: "1".to_owned(),
            handler: handler.to_owned(),
            application: "test".to_owned(),
            kind: types::Kind::Rest,
            method: "GET".to_owned(),
            path: "/".to_owned(),
            route: "/".to_owned(),
            variables: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            client_address: "127.0.0.1".to_owned(),
            session: types::Session { claims: b"{}".to_vec(), secret: Vec::new() },
        };
        request.into()
    }

    #[test]
    fn describes_names_and_needs() {
        let offers = describe(ALL);
        let names: Vec<_> = offers.iter().map(|offer| offer.name.as_str()).collect();
        assert_eq!(names, ["hello", "sign_in", "refuse"]);
        assert_eq!(offers[1].needs, ["login_service"]);
    }

    #[test]
    fn runs_the_handler_that_is_meant() {
        let response = handle(ALL, wire("hello")).unwrap();
        assert_eq!((response.status, response.body.as_slice()), (200, b"hello".as_slice()));
        assert!(response.session.is_none());
        let failure = handle(ALL, wire("refuse")).unwrap_err();
        assert_eq!((failure.status, failure.message.as_str()), (400, "no"));
    }

    #[test]
    fn a_changed_session_travels_back() {
        let session = handle(ALL, wire("sign_in")).unwrap().session.unwrap();
        assert_eq!(session.claims, br#"{"authenticated":true}"#);
        assert_eq!(session.secret, ["authenticated"]);
    }

    #[test]
    fn an_unknown_name_is_a_failure_that_names_the_others() {
        let failure = handle(ALL, wire("helo")).unwrap_err();
        assert_eq!(failure.status, 500);
        assert_eq!(failure.message, "This module has no handler `helo`; it has hello, sign_in, refuse");
    }

    #[test]
    fn a_single_handler_has_any_name() {
        assert!(handle(&ALL[..1], wire("the_file")).is_ok());
    }
}
