//! What the measured handler answers, as a component for `wasmtime serve`.
//! In comes a request of `wasi:http`; out goes the same small JSON object.
//! It is as short as the crate of the standard's own authors lets it be.

#![cfg(target_arch = "wasm32")]

use serde_json::json;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Hello;

wasip2::http::proxy::export!(Hello);

impl wasip2::exports::http::incoming_handler::Guest for Hello {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let answer = json!({ "hello": name, "items": [1, 2, 3], "text": "as much as a small answer of a service has" });
        let answer = answer.to_string();
        let headers = Fields::new();
        // Headers of this form are always taken.
        let _ = headers.set("content-type", &[b"application/json".to_vec()]);
        let _ = headers.set("content-length", &[answer.len().to_string().into_bytes()]);
        let response = OutgoingResponse::new(headers);
        let Ok(body) = response.body() else { return };
        ResponseOutparam::set(out, Ok(response));
        if let Ok(stream) = body.write() {
            let _ = stream.blocking_write_and_flush(answer.as_bytes());
        }
        let _ = OutgoingBody::finish(body, None);
    }
}
