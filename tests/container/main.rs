//! The image as its users meet it: the commands of docs/containers.md, typed one after the other, and other ways to start it.
//! In come the page and an image; out goes what a command did not do as the page promises it.
//! Nothing of the machine's own containers is touched: each test has a store of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "all of this is test code, also what stands outside of test functions"
)]

#[path = "../harness/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the scenarios use the rest of it")]
mod harness;

mod dockerfiles;
mod engine;
mod image;
mod manifests;
mod page;
mod terminal;
mod users;
mod walk;
