//! The servers of this program as processes.
//! In come answers; out go servers that give them.
//! They are given the answers as files, so that they have nothing to do but to send them.

use super::process::{Server, free_port, own};
use std::path::Path;

/// A bare axum server with these answers.
pub(crate) fn bare(folder: &Path, hello: &str, safe: &str) -> Server {
    let port = free_port();
    let file = |name: &str, text: &str| {
        let file = folder.join(name);
        std::fs::write(&file, text).expect("the temporary folder can be written");
        file.display().to_string()
    };
    let (hello, safe) = (file("hello", hello), file("safe", safe));
    Server::start("bare axum", port, &mut own("bare", &[&port.to_string(), &hello, &safe]))
}
