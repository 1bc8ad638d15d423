//! TLS: what this host shows on its port, and how its links know the other end.
//! In come the files that config.json names; out go connections that are encrypted, or words that say why not.
//! It never prints a key, and a broken file never takes the place of a sound one.

mod accept;
mod connect;
mod pem;
mod served;
mod trusted;
mod unchecked;
mod watched;

pub(crate) use accept::accept;
pub use connect::{Trust, refusal};
pub use served::Served;

use crate::configuration::{Address, Configuration, PemFile, PemPair, Problem, Problems, Service, Ssl};
use crate::names::ServiceName;
use arc_swap::{ArcSwap, ArcSwapOption};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use watched::{Stamps, Watched};

/// How often the files are looked at. They may lie anywhere and be exchanged by links, which nobody tells of everywhere.
const LOOK: Duration = Duration::from_secs(1);

/// The bytes of a connection, plain or encrypted. Boxed, so that plain ones stay small.
pub type Stream = Either<TcpStream, Box<tokio_rustls::TlsStream<TcpStream>>>;

/// Whether the other end has shown a certificate, which was then checked.
pub(crate) fn has_shown_certificate(stream: &Stream) -> bool {
    match stream {
        Either::Left(_) => false,
        Either::Right(stream) => stream.get_ref().1.peer_certificates().is_some_and(|shown| !shown.is_empty()),
    }
}

/// The way to each service that is reached over TLS.
type Links = BTreeMap<ServiceName, Trust>;

/// Everything about TLS of one host, as its files are now.
pub struct Tls {
    /// Addresses in place of the configured ones.
    given: BTreeMap<ServiceName, Vec<Address>>,
    served: ArcSwapOption<Served>,
    links: ArcSwap<Links>,
    followed: Mutex<Followed>,
}

/// What is named now, and the files behind it.
struct Followed {
    wanted: Wanted,
    served: Watched,
    links: Watched,
}

/// What the configuration says about TLS.
#[derive(Clone, PartialEq)]
struct Wanted {
    folder: PathBuf,
    ssl: Ssl,
    /// Services that are reached over TLS, or whose authority is named.
    links: Vec<(ServiceName, Option<PemFile>)>,
}

impl Tls {
    /// Reads every file that the configuration names; `given` are addresses in place of the configured ones.
    ///
    /// # Errors
    /// Every file that cannot be used, with its mend.
    pub fn load(configuration: &Configuration, given: &BTreeMap<ServiceName, Vec<Address>>) -> Result<Self, Problems> {
        let wanted = Wanted::new(configuration, given);
        let (stamps, link_stamps) = (wanted.served_stamps(), wanted.link_stamps());
        let (served, links) = (served::load(&wanted), trusted::load(&wanted));
        match (served, links) {
            (Ok(served), Ok(links)) => Ok(Self {
                given: given.clone(),
                served: ArcSwapOption::from(served.map(Arc::new)),
                links: ArcSwap::from_pointee(links),
                followed: Mutex::new(Followed {
                    wanted,
                    served: Watched::new(stamps),
                    links: Watched::new(link_stamps),
                }),
            }),
            (served, links) => Err(Problems(served.err().into_iter().chain(links.err()).flatten().collect())),
        }
    }

    /// Whether the files that a configuration names could be taken.
    ///
    /// # Errors
    /// Every file that cannot be used, with its mend.
    pub fn check(&self, configuration: &Configuration) -> Result<(), Problems> {
        if self.followed().wanted == Wanted::new(configuration, &self.given) {
            return Ok(());
        }
        Self::load(configuration, &self.given).map(|_| ())
    }

    /// Takes what another configuration names.
    pub fn adopt(&self, configuration: &Configuration) {
        let wanted = Wanted::new(configuration, &self.given);
        let mut followed = self.followed();
        let before = std::mem::replace(&mut followed.wanted, wanted);
        if before.served_names() != followed.wanted.served_names() {
            let stamps = followed.wanted.served_stamps();
            self.renew_served(&mut followed, stamps);
        }
        if before.link_names() != followed.wanted.link_names() {
            let stamps = followed.wanted.link_stamps();
            self.renew_links(&mut followed, stamps);
        }
    }

    /// What the port shows now; nothing: it speaks plain HTTP.
    #[must_use]
    pub fn served(&self) -> Option<Arc<Served>> {
        self.served.load_full()
    }

    /// How a link to this service knows the other end.
    #[must_use]
    pub fn trust(&self, service: &ServiceName) -> Option<Trust> {
        self.links.load().get(service).cloned()
    }

    /// Keeps in step with the files until the host is to stop.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            if self.followed().wanted.names_nothing() {
                continue;
            }
            let looking = Arc::clone(&self);
            // On a thread that may wait for a slow file system; one that fails is told by the runtime's own words.
            let _ = tokio::task::spawn_blocking(move || looking.look()).await;
        }
    }

    fn look(&self) {
        let mut followed = self.followed();
        let stamps = followed.wanted.served_stamps();
        if followed.served.is_news(&stamps) {
            self.renew_served(&mut followed, stamps);
        }
        let stamps = followed.wanted.link_stamps();
        if followed.links.is_news(&stamps) {
            self.renew_links(&mut followed, stamps);
        }
    }

    fn renew_served(&self, followed: &mut Followed, stamps: Stamps) {
        let loaded = served::load(&followed.wanted);
        if followed.wanted.served_stamps() != stamps {
            // They change again, so what was read may be half of each; the next look takes them up.
            return;
        }
        match loaded {
            Ok(served) => {
                let before = self.served.swap(served.map(Arc::new));
                tell(before.as_deref(), self.served.load().as_deref());
                followed.served = Watched::new(stamps);
            }
            Err(problems) => {
                refuse(&problems, "the certificate before it stays in service");
                followed.served.refuse(stamps);
            }
        }
    }

    fn renew_links(&self, followed: &mut Followed, stamps: Stamps) {
        let loaded = trusted::load(&followed.wanted);
        if followed.wanted.link_stamps() != stamps {
            return;
        }
        match loaded {
            Ok(links) => {
                if !(links.is_empty() && self.links.load().is_empty()) {
                    tracing::info!("links that are opened from now on use the certificates as they are now");
                }
                self.links.store(Arc::new(links));
                followed.links = Watched::new(stamps);
            }
            Err(problems) => {
                refuse(&problems, "links go on with what was there before");
                followed.links.refuse(stamps);
            }
        }
    }

    fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(before: Option<&Served>, now: Option<&Served>) {
    let Some(now) = now else { return };
    match before {
        Some(before) if before.fingerprint != now.fingerprint => {
            let (old, new) = (&before.fingerprint, &now.fingerprint);
            tracing::info!("certificate {new} serves in place of {old}");
        }
        _ => tracing::info!("certificate {} serves; its files were read anew", now.fingerprint),
    }
}

fn refuse(problems: &[Problem], stays: &str) {
    for problem in problems {
        tracing::error!("{problem}; {stays}");
    }
}

impl Wanted {
    fn new(configuration: &Configuration, given: &BTreeMap<ServiceName, Vec<Address>>) -> Self {
        let ssl = configuration.settings.ssl.clone();
        let trusted = |service: &Service| service.trusted.clone().or_else(|| ssl.trusted.clone());
        let addresses = |service: &Service| given.get(&service.name).unwrap_or(&service.addresses).clone();
        let is_secure = |service: &Service| addresses(service).iter().any(|address| address.secure);
        let linked = configuration.services.iter().filter(|service| configuration.links.contains(&service.name));
        let named = linked.filter(|service| is_secure(service) || service.trusted.is_some());
        let links = named.map(|service| (service.name.clone(), trusted(service))).collect();
        Self { folder: configuration.folder.clone(), ssl, links }
    }

    fn names_nothing(&self) -> bool {
        self.ssl == Ssl::default() && self.links.iter().all(|(_, trusted)| trusted.is_none())
    }

    fn served_files(&self) -> impl Iterator<Item = &PemFile> {
        pair(self.ssl.served.as_ref()).chain(&self.ssl.demanded)
    }

    fn link_files(&self) -> impl Iterator<Item = &PemFile> {
        let trusted = self.links.iter().filter_map(|(_, trusted)| trusted.as_ref());
        pair(self.ssl.shown.as_ref()).chain(&self.ssl.trusted).chain(trusted)
    }

    /// What the port shows, without the places in config.json: those move with every line.
    fn served_names(&self) -> Vec<(&str, &Path)> {
        self.served_files().map(|file| (file.key, file.path.as_path())).collect()
    }

    /// The same for links, and which service has which authority.
    fn link_names(&self) -> Vec<(&str, &Path)> {
        let services = self
            .links
            .iter()
            .map(|(service, file)| (service.as_str(), file.as_ref().map_or(Path::new(""), |file| file.path.as_path())));
        self.link_files().map(|file| (file.key, file.path.as_path())).chain(services).collect()
    }

    fn served_stamps(&self) -> Stamps {
        self.stamps(self.served_files())
    }

    fn link_stamps(&self) -> Stamps {
        self.stamps(self.link_files())
    }

    fn stamps<'a>(&self, files: impl Iterator<Item = &'a PemFile>) -> Stamps {
        files.map(|file| file.below(&self.folder)).map(|path| (crate::stamp::Stamp::of(&path), path)).collect()
    }
}

fn pair(pair: Option<&PemPair>) -> impl Iterator<Item = &PemFile> {
    pair.into_iter().flat_map(|pair| [&pair.certificate, &pair.key])
}
