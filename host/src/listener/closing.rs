//! The end of the port, without a loss.
//! In comes the socket; out go the last connections that the system has taken in.
//! It never resets a connection that a client believes to have: closing a port does that to all that wait to be accepted.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout_at};

/// For how long connections are taken that were half open, 20 ms: several times the way to a proxy and back.
const HALF_OPEN: Duration = Duration::from_millis(20);
/// A pause after a connection that could not be taken: it may be the last file that the system allows.
const PAUSE: Duration = Duration::from_millis(2);

/// Closes the port. Who knocks meanwhile hears nothing and tries again, which every system does after a second; then the
/// port is closed, and the other end knows that nothing of its request was read.
pub(super) async fn close(socket: TcpListener, mut take: impl FnMut(TcpStream, SocketAddr)) {
    if let Err(error) = turn_new_ones_away(&socket) {
        tracing::debug!("the system lets new connections come until the port is closed: {error}");
    }
    let until = Instant::now() + HALF_OPEN;
    while let Ok(accepted) = timeout_at(until, socket.accept()).await {
        match accepted {
            Ok((stream, address)) => take(stream, address),
            Err(_) => sleep(PAUSE).await,
        }
    }
    // The system knows of connections of which the runtime has not heard yet.
    let Ok(socket) = socket.into_std() else { return };
    while let Ok((stream, address)) = socket.accept() {
        if stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            take(stream, address);
        }
    }
}

/// Has the system pass over whoever begins to connect, but not those who have begun.
#[cfg(target_os = "linux")]
fn turn_new_ones_away(socket: &TcpListener) -> std::io::Result<()> {
    use socket2::{SockFilter, SockRef};
    /// Where the flags stand in a TCP header, and the two of them that tell a first packet.
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const SYN_AND_ACK: u32 = 0x12;
    /// The classic BPF instructions, as linux/filter.h makes them.
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    SockRef::from(socket).attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(AND, 0, 0, SYN_AND_ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ])
}

/// Elsewhere a connection that comes in the last microseconds may be reset.
#[cfg(not(target_os = "linux"))]
fn turn_new_ones_away(_socket: &TcpListener) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
