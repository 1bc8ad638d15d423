//! Begins a transaction past the SDK, which would end it, writes in it, and answers as if all were done.

use qewd_sdk::{Failure, Request, documents};

qewd_sdk::handlers!(forgets_its_transaction);

fn forgets_its_transaction(_request: &mut Request) -> Result<&'static str, Failure> {
    begin();
    documents::open("work").at("half").set(&true)?;
    Ok("done")
}

#[cfg(not(target_arch = "wasm32"))]
fn begin() {
    unreachable!("only a host has transactions")
}

#[cfg(target_arch = "wasm32")]
fn begin() {
    contract::qewd::handler::documents::begin().expect("no transaction runs yet");
}

/// The contract as it is.
#[cfg(target_arch = "wasm32")]
mod contract {
    wit_bindgen::generate!({
        inline: "
            package guests:forgets;

            world forgets {
                import qewd:handler/documents@0.1.3;
            }
        ",
        path: "../../sdk/wit",
        generate_all,
    });
}
