//! Where a service listens.
//! In come config.json's host and port, or a URL; out goes a URL that a link can open.
//! No name is resolved here.

use super::limits::DEFAULT_PORT;
use std::fmt;
use std::str::FromStr;

/// Where a service listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// Host name, IPv4 address, or IPv6 address in brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address: {1}")]
pub struct BadAddress(String, &'static str);

impl BadAddress {
    /// The rule that the text breaks.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.1
    }
}

impl Address {
    /// The address of a config.json entry: `host` may carry a scheme, and `port` is 8080 if it is missing.
    ///
    /// # Errors
    /// When the host is empty or carries more than a scheme and a name.
    pub fn new(host: &str, port: Option<u16>) -> Result<Self, BadAddress> {
        let (secure, name) = scheme_of(host);
        let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let rule = match bare {
            Some(inner) if inner.parse::<std::net::Ipv6Addr>().is_err() => {
                Some("the brackets must hold an IPv6 address")
            }
            Some(_) => None,
            None if name.parse::<std::net::Ipv6Addr>().is_ok() => Some("put an IPv6 address in brackets: [::1]"),
            None => broken_rule(name),
        };
        match rule {
            Some(rule) => Err(BadAddress(host.chars().take(80).collect(), rule)),
            None => Ok(Self { secure, host: name.to_owned(), port: port.unwrap_or(DEFAULT_PORT) }),
        }
    }

    /// Reads a host with or without scheme and port; without a port it is this one.
    pub(super) fn read(text: &str, standard: u16) -> Result<Self, BadAddress> {
        let (secure, rest) = scheme_of(text);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let bad = |rule| BadAddress(text.chars().take(80).collect(), rule);
        if let Some(rule) = broken_form(rest) {
            return Err(bad(rule));
        }
        let (host, port) = match rest.rsplit_once(':') {
            // The last colon of `[::1]` belongs to the address.
            Some((host, port)) if !port.ends_with(']') && (host.ends_with(']') || !host.contains(':')) => {
                let port = port.parse().ok().filter(|port| *port > 0);
                (host, Some(port.ok_or_else(|| bad("the port must be a number from 1 to 65535"))?))
            }
            _ => (rest, None),
        };
        let plain = Self::new(host, Some(port.unwrap_or(standard))).map_err(|failure| bad(failure.rule()))?;
        Ok(Self { secure, ..plain })
    }

    /// The host as sockets want it: an IPv6 address without its brackets.
    #[must_use]
    pub fn dial_host(&self) -> &str {
        let bare = self.host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        bare.unwrap_or(&self.host)
    }

    /// The URL of the service, such as `http://login_service:8080`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        match self.port {
            80 | 443 => format!("{scheme}://{}", self.host),
            port => format!("{scheme}://{}:{port}", self.host),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.url())
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    /// Reads a URL such as `http://127.0.0.1:3001`. Without a port it is the scheme's: 80 or 443.
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let (secure, _) = scheme_of(text);
        Self::read(text, if secure { 443 } else { 80 })
    }
}

fn scheme_of(text: &str) -> (bool, &str) {
    if let Some(rest) = text.strip_prefix("https://") {
        (true, rest)
    } else {
        (false, text.strip_prefix("http://").unwrap_or(text))
    }
}

/// What no address has, whatever stands for its port.
fn broken_form(rest: &str) -> Option<&'static str> {
    if rest.contains("://") {
        return Some("the scheme must be http:// or https://");
    }
    rest.contains('/').then_some("use a host name or an IP address, without a path")
}

fn broken_rule(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.contains("://") {
        return Some("the scheme must be http:// or https://");
    }
    if name.contains(':') {
        return Some("give the port in \"port\", not in \"host\"");
    }
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_');
    (!name.chars().all(fits)).then_some("use a host name or an IP address, without a path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_follow_the_rule() {
        let url = |host, port| Address::new(host, port).unwrap().url();
        assert_eq!(url("login_service", None), "http://login_service:8080");
        assert_eq!(url("204.50.20.3", Some(3000)), "http://204.50.20.3:3000");
        assert_eq!(url("https://login.example.com", Some(443)), "https://login.example.com");
        assert_eq!(url("http://x", Some(80)), "http://x");
        assert_eq!(url("https://x", None), "https://x:8080");
        assert_eq!(url("[::1]", Some(3000)), "http://[::1]:3000");
    }

    #[test]
    fn hosts_that_carry_more_are_refused() {
        for host in ["", "http://", "x:3000", "::1", "x/y", "ftp://x", "a b", "[x]"] {
            assert!(Address::new(host, None).is_err(), "{host}");
        }
    }

    #[test]
    fn urls_are_read() {
        let read = |text: &str| text.parse::<Address>();
        let address = read("http://127.0.0.1:3001").unwrap();
        assert_eq!((address.secure, address.host.as_str(), address.port), (false, "127.0.0.1", 3001));
        assert_eq!(address.url(), "http://127.0.0.1:3001");
        assert_eq!(read("https://x/").unwrap(), Address { secure: true, host: "x".to_owned(), port: 443 });
        assert_eq!(read("http://[::1]:81").unwrap().url(), "http://[::1]:81");
        assert_eq!(read("http://[::1]").unwrap().url(), "http://[::1]");
        assert_eq!(read("http://[::1]").unwrap().dial_host(), "::1");
        assert_eq!(read("localhost:81").unwrap().url(), "http://localhost:81");
        assert!(read("http://x:99999").is_err());
        assert!(read("::1").is_err());
    }
}
