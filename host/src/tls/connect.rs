//! The handshake of a link, and what is wrong when it fails.
//! In come a connection and the name of the host that was meant; out goes the same connection encrypted, or an error.
//! It never goes on with a host whose certificate is not in order.

use super::Stream;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig, Error};
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;

/// How the links to one service know it, and what they show there.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    pub(super) fn new(config: ClientConfig) -> Self {
        Self(Arc::new(config))
    }

    /// Shakes hands. `host` is a host name or an IP address, for which the other end's certificate must be made.
    ///
    /// # Errors
    /// When the handshake fails; [`refusal`] has the words for what the operator can mend.
    pub async fn open(&self, host: &str, stream: TcpStream) -> io::Result<Stream> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| io::Error::other(Error::General("its host is no name for TLS".to_owned())))?;
        let stream = TlsConnector::from(Arc::clone(&self.0)).connect(name, stream).await?;
        Ok(Either::Right(Box::new(stream.into())))
    }
}

/// What the operator has to do about an error of TLS; nothing: it is none, or may pass by itself.
#[must_use]
pub fn refusal(error: &io::Error, host: &str) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match error {
        Error::InvalidCertificate(found) => bad_certificate(found, host),
        Error::InvalidMessage(_) => {
            "what answers there does not speak TLS; write http:// in config.json, or give that host its ssl".to_owned()
        }
        Error::AlertReceived(alert) => refused_by_the_other(*alert),
        other => format!("no TLS connection: {other}"),
    })
}

fn bad_certificate(found: &CertificateError, host: &str) -> String {
    match found {
        // A bad signature comes from an authority of the same name with another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is not signed by an authority that this host trusts; \
             name the file of the right one with caFilePath in config.json"
                .to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => format!(
            "its certificate is not made for {host}; mend host in config.json, or give that host a certificate for {host}"
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; put a new one into certFilePath and keyFilePath of that host".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; set the clocks of both hosts right".to_owned()
        }
        // The library has no name of its own for it.
        CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
            "its certificate is marked as an authority's (CA:TRUE), which no host's may be; make it anew with CA:FALSE"
                .to_owned()
        }
        other => format!("its certificate cannot be used: {other}; put another one into certFilePath of that host"),
    }
}

fn refused_by_the_other(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateRequired
        | AlertDescription::DecryptError => "it refuses this host's client certificate; put one that it trusts into \
             clientCertFilePath and clientKeyFilePath of this host"
            .to_owned(),
        other => format!("it refuses the TLS connection: {other:?}; look at the log of that host"),
    }
}
