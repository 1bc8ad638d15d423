//! How links know the services at their other end, and what they show there.
//! In come the authorities and this host's own certificate for links; out goes what each link's handshake needs.
//! The system's roots are read only where a service needs them.

use super::connect::Trust;
use super::pem::{authorities, certified, problem, provider};
use super::served::HTTP;
use super::{Links, Wanted};
use crate::configuration::{PemFile, Problem};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};
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
