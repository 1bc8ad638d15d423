//! Where one instance of a service is dialled, and which instances a name stands for.
//! In come configured addresses and what their names resolve to; out go targets.
//! It resolves nothing itself.

use crate::configuration::{Address, MOST_INSTANCES};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// One end to which a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The address as it is configured.
    pub address: Address,
    /// One of the several IP addresses that the address's name has; none: the name is dialled.
    pub ip: Option<IpAddr>,
}

impl Target {
    /// A target that is dialled as it is configured.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self { address, ip: None }
    }

    /// The URL by which the log tells it from others.
    #[must_use]
    pub fn url(&self) -> String {
        let Some(ip) = self.ip else { return self.address.url() };
        let host = match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Address { host, ..self.address.clone() }.url()
    }

    /// What the socket is connected to.
    #[must_use]
    pub fn dial(&self) -> (String, u16) {
        let host = self.ip.map_or_else(|| self.address.dial_host().to_owned(), |ip| ip.to_string());
        (host, self.address.port)
    }
}

/// Whether an address may stand for several instances: an IP address is one.
pub(super) fn is_name(address: &Address) -> bool {
    address.dial_host().parse::<IpAddr>().is_err()
}

/// The targets of an address whose name resolves to these, given the targets that it has now.
///
/// Several addresses of one family are as many instances; one of each family, as `localhost` often has, is one
/// instance, which is dialled by name. Where nothing was found, what is known is kept.
pub(super) fn resolved(address: &Address, found: &[SocketAddr], now: &[Target]) -> Vec<Target> {
    let family = |is_v4: bool| -> BTreeSet<IpAddr> {
        found.iter().map(SocketAddr::ip).filter(|ip| ip.is_ipv4() == is_v4).collect()
    };
    let at = |ip: &IpAddr| Target { address: address.clone(), ip: Some(*ip) };
    let several = [family(true), family(false)].into_iter().find(|family| family.len() > 1);
    if let Some(several) = several {
        // Sorted before it is cut: who answers in another order each time still means the same.
        return several.iter().take(MOST_INSTANCES).map(at).collect();
    }
    if found.is_empty() {
        return now.to_vec();
    }
    // Of several one is left: its link stays.
    let left: Vec<Target> = found.iter().map(|found| at(&found.ip())).filter(|target| now.contains(target)).collect();
    match left.as_slice() {
        [only] => vec![only.clone()],
        _ => vec![Target::new(address.clone())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address() -> Address {
        Address::new("far", Some(3000)).unwrap()
    }

    fn found(ips: &[&str]) -> Vec<SocketAddr> {
        ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 3000)).collect()
    }

    fn urls(found: &[SocketAddr], now: &[Target]) -> Vec<String> {
        resolved(&address(), found, now).iter().map(Target::url).collect()
    }

    #[test]
    fn a_name_is_several_instances_when_one_family_has_several_addresses() {
        let by_name = [Target::new(address())];
        for one in [&["10.0.0.1"][..], &["::1"], &["127.0.0.1", "::1"], &["10.0.0.1", "10.0.0.1"], &[]] {
            assert_eq!(urls(&found(one), &by_name), ["http://far:3000"], "{one:?}");
        }
        let two = ["http://10.0.0.1:3000", "http://10.0.0.2:3000"];
        assert_eq!(urls(&found(&["10.0.0.2", "10.0.0.1", "10.0.0.2"]), &by_name), two);
        assert_eq!(urls(&found(&["fd00::1", "10.0.0.2", "fd00::2", "10.0.0.1"]), &by_name), two);
        let sixes = ["http://[fd00::1]:3000", "http://[fd00::2]:3000"];
        assert_eq!(urls(&found(&["fd00::1", "10.0.0.2", "fd00::2"]), &by_name), sixes);
    }

    #[test]
    fn what_is_left_of_several_keeps_its_link() {
        let two = resolved(&address(), &found(&["10.0.0.1", "10.0.0.2"]), &[]);
        assert_eq!(urls(&found(&["10.0.0.2"]), &two), ["http://10.0.0.2:3000"]);
        assert_eq!(urls(&found(&["10.0.0.2", "fd00::1"]), &two), ["http://10.0.0.2:3000"]);
        assert_eq!(urls(&found(&["10.0.0.3"]), &two), ["http://far:3000"]);
        assert_eq!(urls(&[], &two), ["http://10.0.0.1:3000", "http://10.0.0.2:3000"]);
    }

    #[test]
    fn a_target_is_dialled_at_its_ip_address() {
        let [one, ..] = &resolved(&address(), &found(&["fd00::1", "fd00::2"]), &[])[..] else { panic!("no target") };
        assert_eq!(one.dial(), ("fd00::1".to_owned(), 3000));
        assert_eq!(Target::new(address()).dial(), ("far".to_owned(), 3000));
        let bracketed = Target::new(Address::new("[::1]", None).unwrap());
        assert_eq!(bracketed.dial(), ("::1".to_owned(), 8080));
        assert!(
            is_name(&address()) && !is_name(&bracketed.address) && !is_name(&Address::new("10.0.0.1", None).unwrap())
        );
    }

    proptest! {
        #[test]
        fn there_is_always_a_target_and_looking_again_changes_nothing(ips in proptest::collection::vec(any::<IpAddr>(), 0..100)) {
            let found: Vec<SocketAddr> = ips.into_iter().map(|ip| SocketAddr::new(ip, 3000)).collect();
            let first = resolved(&address(), &found, &[Target::new(address())]);
            prop_assert!((1..=MOST_INSTANCES).contains(&first.len()));
            prop_assert_eq!(&resolved(&address(), &found, &first), &first);
        }
    }
}
