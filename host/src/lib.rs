//! The qewd host, as a library that its one program runs.
//!
//! Modules stand in the order in which a newcomer meets them, and each may use only modules that stand below it.
//! The life of a request: `listener` makes it from HTTP or from a link's frame; `dispatch` takes it through the journey:
//! `router` finds the route, `access` checks the caller, and then `pool` runs a `handler` here or `link` asks another host;
//! `response` turns the outcome, also a failure, into the one reply.

pub mod command;
pub mod startup;
pub mod reload;
pub mod listener;
pub mod metrics;
pub mod health;
pub mod monitor;
pub mod dispatch;
pub mod edition;
pub mod router;
pub mod link;
pub mod access;
pub mod telemetry;
pub mod tls;
pub mod pool;
pub mod handler;
pub mod store;
pub mod audience;
pub mod presence;
pub mod configuration;
pub mod activity;
pub mod counters;
pub mod process;
pub mod logging;
pub mod session;
pub mod request;
pub mod message;
pub mod response;
pub mod failure;
pub mod names;
pub mod trace;
pub mod stamp;

#[cfg(test)]
#[path = "../../tests/fuzz/mod.rs"]
mod fuzz;
