//! The handshake with whoever connects to this host's port.
//! In comes a connection; out goes the same one encrypted, or why not.
//! It never takes longer than its time, and it says nothing about what the other end sent.

use super::Served;
use rustls::{CertificateError, Error};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a handshake may take: some trips on the slowest of networks.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long the other end may take to read why it was refused: were it cut at once, the system would throw the words away
/// with what it still sends.
const LINGER: Duration = Duration::from_millis(500);
/// Bytes that are thrown away meanwhile.
const LINGER_BYTES: u64 = 64 << 10;

/// Why a connection was not taken.
#[derive(Debug)]
pub(crate) struct NotAccepted {
    /// In words for the log.
    pub(crate) why: String,
    /// It showed a certificate that `clientCaFilePath` does not allow: that may be another host.
    pub(crate) showed_bad_certificate: bool,
}

impl NotAccepted {
    fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), showed_bad_certificate: false }
    }
}

/// Shakes hands.
pub(crate) async fn accept<S>(served: &Served, stream: S) -> Result<TlsStream<S>, NotAccepted>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let accepting = TlsAcceptor::from(Arc::clone(&served.config)).accept(stream).into_fallible();
    match timeout(HANDSHAKE_TIME, accepting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err((error, stream))) => {
            let refused = not_accepted(&error);
            // It may have gone already.
            let _ = timeout(LINGER, linger(stream)).await;
            Err(refused)
        }
        Err(_) => Err(NotAccepted::new(format!("the handshake took longer than {} s", HANDSHAKE_TIME.as_secs()))),
    }
}

async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Result<()> {
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await?;
    Ok(())
}

fn not_accepted(error: &io::Error) -> NotAccepted {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidMessage(_)) => NotAccepted::new("it does not speak TLS"),
        // Only a certificate of the other end is checked here.
        Some(Error::InvalidCertificate(found)) => {
            let why = format!("its client certificate {}", unwelcome(found));
            NotAccepted { why, showed_bad_certificate: true }
        }
        Some(error) => NotAccepted::new(error.to_string()),
        None => NotAccepted::new(error.to_string()),
    }
}

fn unwelcome(found: &CertificateError) -> String {
    match found {
        // A bad signature comes from an authority of the same name with another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "is not signed by the authority in clientCaFilePath; put one that is into \
             clientCertFilePath and clientKeyFilePath of the calling host"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired; put a new one into clientCertFilePath and clientKeyFilePath of the calling host".to_owned()
        }
        other => format!("cannot be used: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::generate_simple_self_signed;
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::duplex;

    fn served() -> Served {
        let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(super::super::pem::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Served { fingerprint: String::new(), demands_certificate: false, config: Arc::new(config) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_handshake_that_does_not_go_on_is_cut() {
        let (_other, own) = duplex(1024);
        let begun = tokio::time::Instant::now();
        let refused = accept(&served(), own).await.unwrap_err();
        assert_eq!(refused.why, "the handshake took longer than 10 s");
        assert_eq!(begun.elapsed(), HANDSHAKE_TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn plain_http_is_said_and_read_for_a_moment_only() {
        let (mut other, own) = duplex(1024);
        other.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let begun = tokio::time::Instant::now();
        let refused = accept(&served(), own).await.unwrap_err();
        assert_eq!((refused.why.as_str(), refused.showed_bad_certificate), ("it does not speak TLS", false));
        assert_eq!(begun.elapsed(), LINGER);
    }
}
