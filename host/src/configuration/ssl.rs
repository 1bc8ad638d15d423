//! Reads an `ssl` block: which files hold this host's certificates and keys, and whom it trusts.
//! In comes the block as written; out go paths, each with its place.
//! It opens none of these files.

use super::block::Block;
use super::keys::{Keys, Kind, SOME_TEXT, Usual, key};
use super::problem::Place;
use std::path::{Path, PathBuf};

/// A file in PEM form that config.json names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PemFile {
    /// The key of config.json.
    pub key: &'static str,
    /// As written: absolute, or relative to the application folder.
    pub path: PathBuf,
    /// Where it is named.
    pub place: Place,
    /// What to call it: its path, or what names it if that is not config.json.
    pub shown: String,
}

impl PemFile {
    /// Where it lies.
    #[must_use]
    pub fn below(&self, application: &Path) -> PathBuf {
        application.join(&self.path)
    }
}

/// A certificate, with those between it and its authority, and its private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PemPair {
    /// The certificates.
    pub certificate: PemFile,
    /// The private key.
    pub key: PemFile,
}

/// `ssl`: the certificates of one host. Default: none, the host speaks plain HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ssl {
    /// `certFilePath` and `keyFilePath`: what the host's port shows; with them it speaks TLS only.
    pub served: Option<PemPair>,
    /// `clientCaFilePath`: a host that opens a link to this one has to show a certificate of this authority.
    pub demanded: Option<PemFile>,
    /// `clientCertFilePath` and `clientKeyFilePath`: what this host shows when it opens links.
    pub shown: Option<PemPair>,
    /// `caFilePath`: whom its links trust. Default: the system's roots.
    pub trusted: Option<PemFile>,
}

/// The key that names an authority, in `ssl` and in an entry of `microservices`.
pub(crate) const CA: &str = "caFilePath";
const CERTIFICATE: &str = "certFilePath";
const KEY: &str = "keyFilePath";
const CLIENT_CERTIFICATE: &str = "clientCertFilePath";
const CLIENT_KEY: &str = "clientKeyFilePath";
const CLIENT_CA: &str = "clientCaFilePath";

/// The path of a file in PEM form.
pub(crate) const PATH: Kind = SOME_TEXT;

/// The object `ssl`.
pub(super) const SSL_KEYS: Keys = Keys {
    pairs: &[
        (CERTIFICATE, KEY),
        (KEY, CERTIFICATE),
        (CLIENT_CERTIFICATE, CLIENT_KEY),
        (CLIENT_KEY, CLIENT_CERTIFICATE),
    ],
    ..Keys::new(
        "ssl",
        &[
            key(KEY, PATH, "File in PEM form with the private key of the host's certificate, without a password."),
            key(CERTIFICATE, PATH, "File in PEM form with the certificate that the host's port shows.")
                .usually(Usual::Words("the port speaks plain HTTP")),
            key(CA, PATH, "File in PEM form with the authorities that this host's links trust.")
                .usually(Usual::Words("those of the system")),
            key(
                CLIENT_KEY,
                PATH,
                "File in PEM form with the private key of the certificate that this host shows when it opens links.",
            ),
            key(
                CLIENT_CERTIFICATE,
                PATH,
                "File in PEM form with the certificate that this host shows when it opens links.",
            ),
            key(
                CLIENT_CA,
                PATH,
                "File in PEM form with the authorities of which a host that opens a link has to show a certificate.",
            ),
        ],
    )
};

/// Reads the `ssl` block below a `qewd` block, or gives the default.
pub(crate) fn read_below(block: &mut Block<'_, '_>) -> Ssl {
    let Some(mut ssl) = block.inner("ssl", &SSL_KEYS) else {
        return Ssl::default();
    };
    let served = pair(&mut ssl, CERTIFICATE, KEY);
    let demanded = file(&mut ssl, CLIENT_CA);
    if demanded.is_some() && ssl.get(KEY).is_none() && ssl.get(CERTIFICATE).is_none() {
        let what = format!("{CLIENT_CA:?} has a meaning only on a host that serves TLS");
        ssl.error(CLIENT_CA, what, format!("add {KEY:?} and {CERTIFICATE:?}, or remove the key"));
    }
    Ssl { served, demanded, shown: pair(&mut ssl, CLIENT_CERTIFICATE, CLIENT_KEY), trusted: file(&mut ssl, CA) }
}

/// Reads the path of a file.
pub(crate) fn file(block: &mut Block<'_, '_>, key: &'static str) -> Option<PemFile> {
    let path = block.text(key)?;
    if path.is_empty() {
        let mend = "write the path of a file in PEM form, absolute or from the application folder, or remove the key";
        block.error(key, format!("{key:?} is empty"), mend);
        return None;
    }
    let at = block.spot(key);
    let shown = match block.report.origin(at) {
        Some(origin) => format!("the file that {origin} names"),
        None => path.to_owned(),
    };
    Some(PemFile { key, path: PathBuf::from(path), place: block.report.place(at), shown })
}

fn pair(block: &mut Block<'_, '_>, certificate: &'static str, key: &'static str) -> Option<PemPair> {
    let (certificate, key) = (file(block, certificate), file(block, key));
    certificate.zip(key).map(|(certificate, key)| PemPair { certificate, key })
}
