//! What the measured handler answers, as a component for `wasmtime serve`.
//! In comes a request of `wasi:http`; out goes the same small JSON object.
//! It is as short as the crate of the standard's own authors lets it be.

#![cfg(target_arch = "wasm32")]

use serde_json::json;
use wasi::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Hello;

wasi::http::proxy::export!(Hello);

impl wasi::exports::http::incoming_handler::Guest for Hello {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let answer = json!({ "hello": name, "items": [1, 2, 3], "text": "as much as a small answer of a service has" });
        let headers = Fields::new();
        // A header of this form is always taken.
        let _ = headers.set("content-type", &[b"application/json".to_vec()]);
        let response = OutgoingResponse::new(headers);
        let Ok(body) = response.body() else { return };
        ResponseOutparam::set(out, Ok(response));
        if let Ok(stream) = body.write() {
            let _ = stream.blocking_write_and_flush(answer.to_string().as_bytes());
        }
        let _ = OutgoingBody::finish(body, None);
    }
}
