//! Reads files in PEM form.
//! In come files that config.json names; out go certificates, keys and authorities, or a problem with its mend.
//! No problem shows what is in a file: it may be a key.

use super::Wanted;
use crate::configuration::{PEM_BYTES, PemFile, PemPair, Problem};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error, RootCertStore};
use std::io::Read as _;
use std::sync::Arc;

/// The cryptography of all of TLS.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// A problem of a file, at the place where it is named.
pub(super) fn problem(file: &PemFile, what: &str, mend: &str) -> Problem {
    Problem::at(&file.place, format!("{:?}: {} {what}", file.key, file.shown), mend)
}

/// Reads a certificate and its key, and checks that they fit and are in force.
pub(super) fn certified(wanted: &Wanted, pair: &PemPair) -> Result<CertifiedKey, Vec<Problem>> {
    let (certificates, key) = match (certificates(wanted, &pair.certificate), private_key(wanted, &pair.key)) {
        (Ok(certificates), Ok(key)) => (certificates, key),
        (certificates, key) => return Err(certificates.err().into_iter().chain(key.err()).collect()),
    };
    let certified =
        CertifiedKey::from_der(certificates, key, &provider()).map_err(|error| vec![unfit(pair, &error)])?;
    match certified.end_entity_cert().ok().and_then(out_of_force) {
        Some(what) => Err(vec![problem(&pair.certificate, what, "put a new certificate and its key there")]),
        None => Ok(certified),
    }
}

fn unfit(pair: &PemPair, error: &Error) -> Problem {
    let certificate = &pair.certificate.shown;
    match error {
        Error::InconsistentKeys(_) => {
            let what = format!("does not hold the key of the certificate in {certificate}");
            problem(&pair.key, &what, "put a certificate and its own key there")
        }
        Error::InvalidCertificate(_) => {
            problem(&pair.certificate, "holds a certificate that cannot be read", "put another certificate there")
        }
        _ => problem(&pair.key, "holds a key that cannot be used", "use RSA of 2048 bits or more, ECDSA or Ed25519"),
    }
}

/// Whether a certificate is outside of its time. The library tells it when it checks the certificate, with whatever
/// authority, before it looks at anything else.
fn out_of_force(certificate: &CertificateDer<'_>) -> Option<&'static str> {
    let mut itself = RootCertStore::empty();
    itself.add(certificate.clone().into_owned()).ok()?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(itself), provider()).build().ok()?;
    let name = ServerName::try_from("localhost").ok()?;
    let checked = verifier.verify_server_cert(certificate, &[], &name, &[], UnixTime::now());
    match checked {
        Err(Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. })) => {
            Some("holds a certificate that has expired")
        }
        Err(Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. })) => {
            Some("holds a certificate that is not valid yet; the clock of this machine may be wrong")
        }
        // Any other objection is for those to raise who meet the certificate.
        _ => None,
    }
}

/// Reads authorities.
pub(super) fn authorities(wanted: &Wanted, file: &PemFile) -> Result<RootCertStore, Problem> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(wanted, file)? {
        store.add(certificate).map_err(|_| {
            problem(file, "holds a certificate that cannot be an authority's", "put the authority's certificate there")
        })?;
    }
    Ok(store)
}

fn certificates(wanted: &Wanted, file: &PemFile) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let bytes = read(wanted, file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| {
        problem(file, "holds no certificate in PEM form", "it has to begin with -----BEGIN CERTIFICATE-----")
    })
}

fn private_key(wanted: &Wanted, file: &PemFile) -> Result<PrivateKeyDer<'static>, Problem> {
    // The library's own words may show a line of the file.
    PrivateKeyDer::from_pem_slice(&read(wanted, file)?).map_err(|_| {
        let mend = "it has to begin with -----BEGIN PRIVATE KEY-----, and have no password";
        problem(file, "holds no private key in PEM form", mend)
    })
}

fn read(wanted: &Wanted, file: &PemFile) -> Result<Vec<u8>, Problem> {
    let unreadable = |error: std::io::Error| {
        problem(
            file,
            &format!("cannot be read: {error}"),
            "mend the path, or let the user that runs qewd read the file",
        )
    };
    let opened = std::fs::File::open(file.below(&wanted.folder)).map_err(unreadable)?;
    let mut bytes = Vec::new();
    opened.take(PEM_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > PEM_BYTES {
        let what = format!("has more than {PEM_BYTES} bytes");
        return Err(problem(file, &what, "put only the certificates or the key there"));
    }
    Ok(bytes)
}
