//! The host's log: lines on standard output, where `docker logs` and a terminal show them.
//! In comes which lines are wanted; out goes the one subscriber that every part writes to.
//! Secrets, tokens, passwords and bodies are never given to it.

use tracing_subscriber::EnvFilter;

/// The environment variable that chooses lines: `warn`, or `info,qewd::handler=debug`.
pub const VARIABLE: &str = "QEWD_LOG";

/// Starts the log. Called once, by `main`'s command.
pub fn start() {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stdout());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(colours)
        .init();
}
