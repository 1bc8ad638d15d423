//! The program as its users meet it: started, asked, disturbed and stopped, and judged by its answers and its log.
//! One file for each subject; the names of the tests are what the program promises.
//! Nothing here calls the program's code: only its process, its port and its files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "all of this is test code, also what stands outside of test functions"
)]

#[path = "../harness/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests under load use the rest of it")]
mod harness;

mod roles;
mod shared_secret;
mod first_request;
mod access;
mod limits;
mod handler_misbehaves;
mod contract;
mod bad_modules;
mod reload;
mod reload_configuration;
mod workers;
mod compile_cache;
mod sockets;
mod links;
mod groups;
mod destinations;
mod chains;
mod link_failures;
mod wires;
mod fabric;
mod namespaces;
mod overload;
mod stopping;
mod log;
mod traces;
mod health;
mod metrics;
mod management_port;
mod rolling_restart;
mod tls;
mod instances;
mod configuration;
mod configuration_outside;
mod dev;
mod readme;
mod shell;
mod files;
mod browser;
mod monitor;
mod documents;
mod documents_damage;
mod documents_indexes;
mod documents_misbehaving;
mod documents_on_disk;
mod documents_operators;
mod documents_rest;
mod documents_room;
