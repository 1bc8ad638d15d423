//! Where a running host of this machine listens, for those who ask it by `qewd healthcheck`.
//! In come an application folder and a host's name; out go the ports that it took when it started, and whether they speak TLS.
//! It writes no file: a sign is the name of a socket that the system takes back with the process, however that ends.
//!
//! config.json says what the next start takes, and may be in the middle of a change. A file of our own would need a place that
//! many containers do not have, and would outlive a host that is killed.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::net::UnixDatagram;
use std::path::Path;

/// How each sign begins.
const BEGINNING: &str = "qewd-host";
/// Between the parts of a sign.
const BETWEEN: char = '/';
/// What stands in the place of a second port where there is none.
const NONE: &str = "-";
const TLS: &str = "tls";
const PLAIN: &str = "plain";

/// Where a host listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whereabouts {
    /// Its own port.
    pub port: u16,
    /// The one for operators.
    pub management_port: Option<u16>,
    /// Whether both speak TLS.
    pub speaks_tls: bool,
}

/// Tells where a host listens, as long as it is held.
#[derive(Debug)]
pub(super) struct Sign(#[expect(dead_code, reason = "its name is all that it is for")] UnixDatagram);

impl Whereabouts {
    /// The places of all running hosts of this name and folder. There may be several, on ports of their own.
    #[must_use]
    pub fn of_running(folder: &Path, microservice: Option<&str>) -> Vec<Self> {
        let whose = whose(folder, microservice);
        // Where the system does not tell, nobody is found.
        let sockets = std::fs::read_to_string("/proc/net/unix").unwrap_or_default();
        let names = sockets.lines().filter_map(|line| line.rsplit_once(' ')?.1.strip_prefix('@'));
        let mut found = Vec::new();
        for place in names.filter_map(|name| read(name, &whose)) {
            if !found.contains(&place) {
                found.push(place);
            }
        }
        found
    }

    /// Puts up a sign; nothing where the system has none of this kind, or somebody else has just this one.
    pub(super) fn tell(self, folder: &Path, microservice: Option<&str>) -> Option<Sign> {
        let name = self.named(&whose(folder, microservice));
        let put_up = put_up(&name);
        put_up.inspect_err(|error| tracing::debug!("no sign for health checks: {error}")).ok().map(Sign)
    }

    fn named(self, whose: &str) -> String {
        [BEGINNING, whose, &self.to_string()].join(&BETWEEN.to_string())
    }
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = self.management_port.map_or_else(|| NONE.to_owned(), |port| port.to_string());
        let speaks = if self.speaks_tls { TLS } else { PLAIN };
        write!(formatter, "{}{BETWEEN}{second}{BETWEEN}{speaks}", self.port)
    }
}

/// Containers may share their network and have the same folder inside, but each has processes of its own.
fn whose(folder: &Path, microservice: Option<&str>) -> String {
    let mut hasher = DefaultHasher::new();
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned()).hash(&mut hasher);
    // An empty text says nothing.
    microservice.filter(|name| !name.is_empty()).hash(&mut hasher);
    std::fs::read_link("/proc/self/ns/pid").ok().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn read(name: &str, whose: &str) -> Option<Whereabouts> {
    let mut parts = name.strip_prefix(BEGINNING)?.split(BETWEEN).skip(1);
    if parts.next()? != whose {
        return None;
    }
    let port = parts.next()?.parse().ok()?;
    let management_port = match parts.next()? {
        NONE => None,
        port => Some(port.parse().ok()?),
    };
    let speaks_tls = match parts.next()? {
        TLS => true,
        PLAIN => false,
        _ => return None,
    };
    parts.next().is_none().then_some(Whereabouts { port, management_port, speaks_tls })
}

#[cfg(target_os = "linux")]
fn put_up(name: &str) -> std::io::Result<UnixDatagram> {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::SocketAddr;
    UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name)?)
}

#[cfg(not(target_os = "linux"))]
fn put_up(_: &str) -> std::io::Result<UnixDatagram> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_is_read_as_it_was_written_and_nothing_else_is() {
        let plain = Whereabouts { port: 8080, management_port: None, speaks_tls: false };
        let both = Whereabouts { port: 8443, management_port: Some(9090), speaks_tls: true };
        for place in [plain, both] {
            assert_eq!(read(&place.named("me"), "me"), Some(place));
            assert_eq!(read(&place.named("you"), "me"), None);
        }
        for other in ["", "qewd-host", "qewd-host/me/8080/-", "qewd-host/me/8080/-/plain/more", "qewd-host/me/x/-/tls"]
        {
            assert_eq!(read(other, "me"), None, "{other}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_sign_is_there_as_long_as_it_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let place = Whereabouts { port: 1, management_port: Some(2), speaks_tls: false };
        let sign = place.tell(folder.path(), Some("a")).unwrap();
        assert_eq!(Whereabouts::of_running(&folder.path().join("."), Some("a")), [place]);
        assert_eq!(Whereabouts::of_running(folder.path(), None), []);
        drop(sign);
        assert_eq!(Whereabouts::of_running(folder.path(), Some("a")), []);
    }
}
