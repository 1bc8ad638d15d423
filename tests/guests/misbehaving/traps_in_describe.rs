//! Panics when the host asks what it offers.

#[cfg(target_arch = "wasm32")]
mod module {
    use qewd_sdk::bindings::exports::qewd::handler::packed_handlers::{Failure, Guest, Offer, PackedRequest, Response};

    struct Module;

    impl Guest for Module {
        fn describe() -> Vec<Offer> {
            unreachable!("this module does not know what it offers")
        }

        fn handle(_request: PackedRequest) -> Result<Response, Failure> {
            unreachable!("a module that is not loaded is not asked")
        }
    }

    qewd_sdk::bindings::export!(Module with_types_in qewd_sdk::bindings);
}
