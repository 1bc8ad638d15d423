//! Drives the real program from outside: folders to start it in, processes, and a client.
//! In comes what a scenario wants; out go answers and lines of logs.
//! Every wait is for a condition with a deadline, and every port is a free one.

mod app;
mod browser;
mod client;
mod collector;
mod crowd;
mod fake;
mod guests;
mod host;
mod nginx;
mod operator;
mod ports;
mod relay;
mod seed;
mod siege;
mod socket;
mod tls;
mod token;
pub(crate) mod versions;

pub(crate) use app::{App, SECRET, workspace};
pub(crate) use browser::{FLAGS, Page, chromium};
pub(crate) use client::{Answer, Request, bounded, raw, read_answer, try_answer};
pub(crate) use collector::{Collector, Seen, text};
pub(crate) use crowd::Crowd;
pub(crate) use fake::Fake;
pub(crate) use guests::{Source, guest_names, module};
pub(crate) use host::{Ended, Fleet, Host, Launch, PATIENCE, command, command_through, wait_until};
pub(crate) use nginx::Nginx;
pub(crate) use operator::{API, DEFAULT_PASSWORD, Events, Operator, sign_in};
pub(crate) use ports::{free_port, free_ports_in_a_row, is_free};
pub(crate) use relay::{Cut, Manner, Relay, Ways};
pub(crate) use seed::Seed;
pub(crate) use siege::{Siege, clients};
pub(crate) use socket::{Socket, bare};
pub(crate) use tls::{Authority, Pair, TlsClient};
pub(crate) use token::{forged, seconds_from_now, signed};

/// Says something that is shown also when the test passes.
pub(crate) fn tell(line: &str) {
    use std::io::Write as _;
    // The macros' output is kept back by the test runner.
    let _ = writeln!(std::io::stderr(), "{line}");
}
