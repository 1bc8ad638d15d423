//! What authors of handlers use.
//! A handler is an ordinary function: in comes a [`Request`], out goes anything that is a [`Reply`].
//! It never sees HTTP, sockets or tokens; the host keeps those.
//!
//! # The smallest handler
//!
//! ```
//! use qewd_sdk::Request;
//!
//! qewd_sdk::handlers!(hello);
//!
//! fn hello(_request: &mut Request) -> &'static str {
//!     "hello"
//! }
//! ```
//!
//! [`handlers!`] names the functions that the module offers. routes.json names them as `"handler": "hello"`.
//!
//! # Data in, data out
//!
//! `?` works on every error: the caller gets status 400 and `{"error": …}`. A [`Failure`] says something better.
//!
//! ```
//! use qewd_sdk::{Failure, Json, Request, log};
//! use serde::{Deserialize, Serialize};
//!
//! qewd_sdk::handlers!(double);
//!
//! #[derive(Deserialize)]
//! struct Wanted {
//!     number: i64,
//! }
//!
//! #[derive(Serialize)]
//! struct Doubled {
//!     number: i64,
//! }
//!
//! fn double(request: &mut Request) -> Result<Json<Doubled>, Failure> {
//!     let wanted: Wanted = request.json()?;
//!     let number = wanted.number.checked_mul(2).ok_or(Failure::new("That number is too large"))?;
//!     log::info("doubled", &[("number", &wanted.number)]);
//!     Ok(Json(Doubled { number }))
//! }
//! ```
//!
//! # In a test
//!
//! With the feature `testing`, a handler is called as what it is: a function. See the module `testing`.
//!
//! # Building
//!
//! Give the crate `crate-type = ["cdylib"]`, run `cargo build --release --target wasm32-wasip2` and copy the `.wasm` into
//! the folder `handlers/<host name>/` of the application.

mod export;
mod packed;
mod request;
mod session;
mod response;
pub mod log;
pub mod services;
pub mod messages;
pub mod settings;
pub mod documents;
#[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
pub mod testing;
mod failure;
mod json;
mod imports;
#[cfg(not(target_arch = "wasm32"))]
mod stand_in;
#[doc(hidden)]
pub mod bindings;

pub use failure::Failure;
pub use request::{Kind, Request};
pub use response::{Json, Reply, Response};
pub use session::Session;

/// What the macro [`handlers!`] writes into a module; not for use by hand.
#[doc(hidden)]
pub mod private {
    pub use crate::export::{Handler, answer, describe, handle};
}

// The examples of the README are tested like those of this page.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../README.md")]
struct Readme;
