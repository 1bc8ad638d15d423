//! How links know the services at their other end, and what they show there.
//! In come the authorities and this host's own certificate for links; out goes what each link's handshake needs.
//! The system's roots are read only where a service needs them.

use super::connect::Trust;
use super::pem::{authorities, certified, problem, provider};
use super::served::HTTP;
use super::{Links, Wanted};
use crate::configuration::{PEM_BYTES, PemFile, Problem};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// Reads the files for every service that is reached over TLS.
pub(super) fn load(wanted: &Wanted) -> Result<Links, Vec<Problem>> {
    let mut problems = Vec::new();
    let shown = wanted.ssl.shown.as_ref().map(|pair| certified(wanted, pair)).transpose();
    let shown = shown.unwrap_or_else(|found| {
        problems.extend(found);
        None
    });
    let shown: Option<Arc<dyn ResolvesClientCert>> = shown.map(|shown| Arc::new(SingleCertAndKey::from(shown)) as _);
    if let Some(Err(found)) = wanted.ssl.trusted.as_ref().map(|file| authorities(wanted, file)) {
        // Also where no service needs it yet.
        problems.push(found);
    }
    let mut links = Links::new();
    for (service, file) in &wanted.links {
        match trust(wanted, file.as_ref(), shown.clone()) {
            Ok(trust) => {
                links.insert(service.clone(), trust);
            }
            Err(found) if problems.contains(&found) => {}
            Err(found) => problems.push(found),
        }
    }
    if problems.is_empty() { Ok(links) } else { Err(problems) }
}

fn trust(
    wanted: &Wanted,
    file: Option<&PemFile>,
    shown: Option<Arc<dyn ResolvesClientCert>>,
) -> Result<Trust, Problem> {
    let store = match file {
        Some(file) => authorities(wanted, file)?,
        None => system_roots(),
    };
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| match file {
        Some(file) => problem(file, &format!("cannot be used: {error}"), "use another one"),
        None => Problem::in_file(Path::new(crate::configuration::CONFIG), error.to_string(), "report this"),
    })?;
    let builder = builder.with_root_certificates(store);
    let mut config = match shown {
        Some(shown) => builder.with_client_cert_resolver(shown),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![HTTP.to_vec()];
    // A link is opened seldom, and each time the other end is to show what it is.
    config.resumption = Resumption::disabled();
    Ok(Trust::new(config))
}

impl Trust {
    /// How a host that is no qewd is known: by the authorities of this file, else by those of the system.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn outward(file: Option<&Path>) -> Result<Self, String> {
        let store = match file {
            Some(file) => outward_authorities(file).map_err(|what| format!("{}: {what}", file.display()))?,
            None => system_roots(),
        };
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| error.to_string())?.with_root_certificates(store);
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = vec![HTTP.to_vec()];
        Ok(Self::new(config))
    }
}

fn outward_authorities(file: &Path) -> Result<RootCertStore, String> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(PEM_BYTES).read_to_end(&mut bytes));
    read.map_err(|error| format!("cannot be read: {error}; mend the path, or let the user that runs qewd read it"))?;
    let mut store = RootCertStore::empty();
    let (good, _) = store.add_parsable_certificates(CertificateDer::pem_slice_iter(&bytes).flatten());
    (good > 0).then_some(store).ok_or_else(|| "holds no certificate of an authority in PEM form".to_owned())
}

/// Without any, every certificate is refused, in words that say what to do.
fn system_roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (good, _) = store.add_parsable_certificates(found.certs);
    if good == 0 {
        tracing::warn!("this system has no authorities that links could trust; name one with caFilePath");
    }
    store
}
