//! One question to a host of this very machine, as health checks ask it.
//! In come a port and a path; out go the status and the words of the answer, or why there is none.
//! It trusts any certificate: who answers here is the machine itself, and nothing secret is sent.

use crate::tls::{Stream, Trust};
use axum::http::header;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::Request;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::TcpStream;
use tokio_util::either::Either;

/// Bytes of an answer that are read, 256 KiB: a report of thousands of links.
const ANSWER_BYTES: usize = 256 * 1024;
/// The name under which the host is asked.
const NAME: &str = "localhost";

/// What a host answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// Asks; `trust`: over TLS.
///
/// # Errors
/// Words that say what did not work.
pub async fn probe(port: u16, path: &str, trust: Option<&Trust>) -> Result<Probed, String> {
    let stream = connect(port, trust).await?;
    let broken = |error: hyper::Error| format!("what listens on port {port} does not speak HTTP: {error}");
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let connection = tokio::spawn(connection);
    let request = Request::get(path).header(header::HOST, NAME).header(header::CONNECTION, "close");
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(broken)?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| format!("the answer of port {port} could not be read: {error}"))?.to_bytes();
    connection.abort();
    Ok(Probed { status, body })
}

async fn connect(port: u16, trust: Option<&Trust>) -> Result<Stream, String> {
    let nobody = |error: std::io::Error| format!("nothing listens on port {port} of this machine: {error}");
    let stream = match TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await {
        Ok(stream) => stream,
        // A machine may have only the other form.
        Err(error) => {
            TcpStream::connect(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await.map_err(|_| nobody(error))?
        }
    };
    match trust {
        None => Ok(Either::Left(stream)),
        Some(trust) => {
            let opened = trust.open(NAME, stream).await;
            opened.map_err(|error| format!("what listens on port {port} does not speak TLS: {error}"))
        }
    }
}
