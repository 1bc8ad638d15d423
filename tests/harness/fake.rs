//! Something that listens where a qewd host is expected, and is none.
//! In comes what it does with each connection; out goes its port.
//! It ends with the test's process at the latest.

use super::ports::free_port;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

pub(crate) struct Fake {
    pub(crate) port: u16,
}

impl Fake {
    /// Listens, and gives each connection to this function.
    pub(crate) fn start(serve: impl Fn(TcpStream) + Send + 'static) -> Self {
        let port = free_port();
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        std::thread::spawn(move || {
            for connection in socket.incoming().flatten() {
                serve(connection);
            }
        });
        Self { port }
    }
}
