//! Authorities, certificates and clients for tests of TLS, made when they are needed.
//! In come names and ports; out go files in PEM form, and answers over encrypted connections.
//! A client here trusts one authority alone, and the name `localhost`.

use super::app::App;
use super::client::{Answer, raw, read_answer};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;

/// Signs certificates.
pub(crate) struct Authority {
    /// Its own certificate.
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("an authority for tests")
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate for these host names and addresses.
    pub(crate) fn issue(&self, names: &[&str]) -> Pair {
        self.issue_until(names, 4096)
    }

    /// One that is in force until the first day of this year.
    pub(crate) fn issue_until(&self, names: &[&str], year: i32) -> Pair {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair { certificate, key: key.serialize_pem() }
    }

    /// Its own certificate, with its key.
    pub(crate) fn itself(&self) -> Pair {
        Pair { certificate: self.pem.clone(), key: self.issuer.key().serialize_pem() }
    }

    /// Puts its own certificate into a folder.
    pub(crate) fn write(&self, app: &App, file: &str) {
        app.write(file, &self.pem);
    }
}

impl Pair {
    /// A certificate that has signed itself, and is no authority.
    pub(crate) fn self_signed(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Self { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    /// Puts the pair into a folder: `NAME.pem` and `NAME.key`.
    pub(crate) fn write(&self, app: &App, name: &str) {
        app.write(&format!("{name}.pem"), &self.certificate);
        app.write(&format!("{name}.key"), &self.key);
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap().to_vec()
    }
}

/// One encrypted connection of a client.
pub(crate) struct TlsClient {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl TlsClient {
    /// Connects; the host's certificate must be of this authority.
    pub(crate) fn connect(port: u16, authority: &Authority) -> Self {
        Self::with(port, authority, None, rustls::DEFAULT_VERSIONS)
    }

    /// The same, and shows a certificate if it is asked for one, or speaks only these versions.
    pub(crate) fn with(
        port: u16,
        authority: &Authority,
        shown: Option<&Pair>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_protocol_versions(versions).unwrap().with_root_certificates(roots);
        let mut config = match shown {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![pair.der().into()], key).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, raw(port, b""));
        stream.flush().unwrap();
        Self { stream }
    }

    /// Asks on this connection, which stays open.
    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    }

    pub(crate) fn send(&mut self, text: &str) -> Answer {
        self.stream.write_all(text.as_bytes()).unwrap();
        read_answer(&mut self.stream, true)
    }

    /// What the host shows.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.stream.conn.peer_certificates().unwrap()[0].to_vec()
    }

    pub(crate) fn protocol(&self) -> Vec<u8> {
        self.stream.conn.alpn_protocol().unwrap().to_vec()
    }
}
