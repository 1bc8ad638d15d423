//! The contract of `wit/handler.wit` as Rust types and functions, all of it generated.
//! In comes the WIT text, out go plain records, the imports and the `export!` macro.
//! Handlers never use it: the other files wrap all of it.

#![allow(clippy::same_length_and_capacity, reason = "generated")]

wit_bindgen::generate!({
    path: "wit",
    world: "packed-module",
    pub_export_macro: true,
    default_bindings_module: "qewd_sdk::bindings",
});
