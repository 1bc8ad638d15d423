//! What the host's port shows.
//! In come the certificate, its key, and the authority of other hosts' certificates; out goes what a handshake needs.
//! Clients need no certificate: whether one was shown is asked at the door of the links alone.

use super::Wanted;
use super::pem::{authorities, certified, problem, provider};
use crate::configuration::Problem;
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::sync::Arc;

/// The one protocol that is spoken inside.
pub(super) const HTTP: &[u8] = b"http/1.1";
/// Bytes of a fingerprint that the log shows: enough to tell one certificate from another.
const FINGERPRINT: usize = 8;

/// What the port shows.
pub struct Served {
    /// The beginning of the certificate's SHA-256, as `openssl x509 -fingerprint -sha256` writes it.
    pub fingerprint: String,
    /// Whether a host that opens a link has to show a certificate.
    pub demands_certificate: bool,
    pub(super) config: Arc<ServerConfig>,
}

/// Reads the files; nothing: the port speaks plain HTTP.
pub(super) fn load(wanted: &Wanted) -> Result<Option<Served>, Vec<Problem>> {
    let Some(pair) = &wanted.ssl.served else { return Ok(None) };
    let demanded = wanted.ssl.demanded.as_ref().map(|file| authorities(wanted, file).map(|store| (file, store)));
    let (certified, demanded) = match (certified(wanted, pair), demanded.transpose()) {
        (Ok(certified), Ok(demanded)) => (certified, demanded),
        (certified, demanded) => {
            return Err(certified.err().into_iter().flatten().chain(demanded.err()).collect());
        }
    };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| vec![problem(&pair.certificate, &format!("cannot be used: {error}"), "use another one")])?;
    let demands_certificate = demanded.is_some();
    let builder = match demanded {
        None => builder.with_no_client_auth(),
        Some((file, store)) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider());
            let verifier = verifier.allow_unauthenticated().build();
            let verifier =
                verifier.map_err(|error| vec![problem(file, &format!("cannot be used: {error}"), "use another one")]);
            builder.with_client_cert_verifier(verifier?)
        }
    };
    let fingerprint = fingerprint(&certified);
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![HTTP.to_vec()];
    Ok(Some(Served { fingerprint, demands_certificate, config: Arc::new(config) }))
}

fn fingerprint(certified: &CertifiedKey) -> String {
    let bytes = certified.end_entity_cert().map(AsRef::as_ref).unwrap_or_default();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let shown: Vec<String> = digest.as_ref().iter().take(FINGERPRINT).map(|byte| format!("{byte:02X}")).collect();
    shown.join(":")
}
