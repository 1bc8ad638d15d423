//! Stops at its first instruction, before it looked at the request.

#[cfg(target_arch = "wasm32")]
mod module {
    use qewd_sdk::bindings::exports::qewd::handler::packed_handlers::{Failure, Guest, Offer, PackedRequest, Response};

    struct Module;

    impl Guest for Module {
        fn describe() -> Vec<Offer> {
            Vec::new()
        }

        fn handle(_request: PackedRequest) -> Result<Response, Failure> {
            std::process::abort()
        }
    }

    qewd_sdk::bindings::export!(Module with_types_in qewd_sdk::bindings);
}
