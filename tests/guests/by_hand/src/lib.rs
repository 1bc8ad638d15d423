//! A module without the SDK, by the contract's records alone.
//! In comes a request; out goes all that was seen of it, and after a POST another session.
//! Nothing here is a model for handlers: the SDK says all of this in one line.

#![cfg(target_arch = "wasm32")]

/// The contract as it is.
mod contract {
    wit_bindgen::generate!({
        path: "../../../sdk/wit",
        world: "module",
    });
}

mod module {
    use super::contract::export;
    use super::contract::exports::qewd::handler::handlers::{Failure, Guest, Offer, Request, Response};
    use super::contract::qewd::handler::types::{Kind, Session};
    use serde_json::{Value, json};

    struct Module;

    impl Guest for Module {
        fn describe() -> Vec<Offer> {
            vec![Offer { name: "by_hand".to_owned(), needs: Vec::new() }]
        }

        fn handle(request: Request) -> Result<Response, Failure> {
            if request.method == "DELETE" {
                return Err(Failure { status: 409, message: "not that".to_owned(), body: None });
            }
            let claims: Value = serde_json::from_slice(&request.session.claims).unwrap_or_default();
            let body = json!({
                "id": request.id,
                "handler": request.handler,
                "application": request.application,
                "rest": request.kind == Kind::Rest,
                "method": request.method,
                "path": request.path,
                "route": request.route,
                "variables": request.variables,
                "query": request.query,
                "headers": request.headers,
                "client": request.client_address,
                "body": String::from_utf8_lossy(&request.body),
                "claims": claims.clone(),
                "secret": request.session.secret,
            });
            let session = (request.method == "POST").then(|| signed_in(claims));
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            Ok(Response { status: 200, headers, body: body.to_string().into_bytes(), session })
        }
    }

    /// The session with more in it: what the host has put there stays.
    fn signed_in(mut claims: Value) -> Session {
        claims["authenticated"] = true.into();
        claims["username"] = "rob".into();
        claims["colour"] = "red".into();
        let secret = vec!["authenticated".to_owned(), "colour".to_owned()];
        Session { claims: claims.to_string().into_bytes(), secret }
    }

    export!(Module with_types_in super::contract);
}
