//! Reads where a microservice listens: `host` and `port`, or `hosts`, of an entry of `microservices`.
//! In comes the entry; out go the addresses of its instances, and a problem for each that is none.
//! It does not look whether anybody listens there.

use super::address::Address;
use super::block::Block;
use super::keys::{Keys, Kind, Usual, form, key};
use super::limits::{DEFAULT_PORT, MOST_INSTANCES};
use super::problem::{Report, Words};
use super::tree::{Node, Value};
use crate::names::ServiceName;

/// Where a microservice is reached, with `http://` or `https://` before it if you like.
pub(super) const HOST: Kind = form("^(https?://)?(\\[[0-9A-Fa-f:.]+\\]|[^/:\\[\\]\\s]+)$");
/// The same with a port, if you like.
const HOST_AND_PORT: Kind = form("^(https?://)?(\\[[0-9A-Fa-f:.]+\\]|[^/:\\[\\]\\s]+)(:[0-9]{1,5})?/?$");
/// The port at which a microservice is reached.
pub(super) const PORT: Kind = Kind::Whole(1, u16::MAX as u64);

const ITEM_KEYS: Keys = Keys::new(
    "instance",
    &[
        key("host", HOST, "Where the other hosts reach this instance: a host name or an IP address.").must(),
        key("port", PORT, "The TCP port at that address.").usually(Usual::Words("the port of the entry")),
    ],
);
/// Each place at which an instance is reached.
pub(super) const HOSTS: Kind = Kind::List(
    "a list",
    &Kind::Either("a text or an object", &[HOST_AND_PORT, Kind::Object(&ITEM_KEYS)]),
    MOST_INSTANCES,
);

const ITEM_FORMS: &str =
    "write \"10.0.0.1\", \"10.0.0.1:3001\", \"http://10.0.0.1:3001\" or {\"host\": \"10.0.0.1\", \"port\": 3001}";

/// The addresses of an entry; after a problem one that keeps the service known, so that routes to it are not reported
/// as well.
pub(super) fn addresses(block: &mut Block<'_, '_>, name: Option<&ServiceName>) -> Option<Vec<Address>> {
    let port = port(block);
    let Some(node) = block.get("hosts") else {
        return address(block, name, port).map(|address| vec![address]);
    };
    if block.get("host").is_some() {
        block.error(
            "host",
            "\"host\" and \"hosts\" stand in one entry",
            "put this host into the list and remove \"host\"",
        );
    }
    let stand_in = name.map(|name| vec![stand_in(name)]);
    let Value::List(items) = node.plain() else {
        block.wrong("hosts", node, "a list", "write it as [\"10.0.0.1\", \"10.0.0.2\"]");
        return stand_in;
    };
    let mend = match items.len() {
        0 => "name one host at least, or remove the key: then the microservice's name is its host",
        count if count > MOST_INSTANCES => "put a load balancer in front of so many",
        _ => {
            let addresses = list(items, port, block.report);
            return if addresses.is_empty() { stand_in } else { Some(addresses) };
        }
    };
    let what = if block.spot("hosts").is_outside() {
        Words::from("\"hosts\" may have 1 to 64 items")
    } else {
        format!("\"hosts\" has {} items, and may have 1 to {MOST_INSTANCES}", items.len()).into()
    };
    block.error("hosts", what, mend);
    stand_in
}

fn port(block: &mut Block<'_, '_>) -> Option<u16> {
    block.whole("port")
}

fn stand_in(name: &ServiceName) -> Address {
    Address { secure: false, host: name.as_str().to_owned(), port: DEFAULT_PORT }
}

fn address(block: &mut Block<'_, '_>, name: Option<&ServiceName>, port: Option<u16>) -> Option<Address> {
    let host = block.text("host").or(name.map(ServiceName::as_str))?;
    match Address::new(host, port) {
        Ok(address) => Some(address),
        Err(failure) => {
            block.error("host", format!("\"host\" is {host:?}"), failure.rule());
            name.map(stand_in)
        }
    }
}

fn list(items: &[Node], port: Option<u16>, report: &mut Report) -> Vec<Address> {
    let mut addresses = Vec::new();
    for node in items {
        let Some(address) = item(node, port, report) else { continue };
        if addresses.contains(&address) {
            let mend = "remove one of them: each instance has an address of its own";
            report.error(Some(node.outside().unwrap_or(node.at)), format!("{address} stands twice in \"hosts\""), mend);
        } else {
            addresses.push(address);
        }
    }
    addresses
}

fn item(node: &Node, port: Option<u16>, report: &mut Report) -> Option<Address> {
    if matches!(node.plain(), Value::Object(_)) {
        let mut block = Block::open(node, "an item of \"hosts\"", &ITEM_KEYS, report)?;
        if block.get("host").is_none() {
            block.error("host", "this item of \"hosts\" has no \"host\"", "add \"host\": \"…\"");
        }
        let port = self::port(&mut block).or(port);
        return address(&mut block, None, port);
    }
    let Some(text) = node.text() else {
        let what = format!("an item of \"hosts\" must be a text or an object, but is {}", node.described());
        report.error(Some(node.at), what, ITEM_FORMS);
        return None;
    };
    match Address::read(text, port.unwrap_or(DEFAULT_PORT)) {
        Ok(address) => Some(address),
        Err(failure) => {
            report.error(Some(node.at), format!("an item of \"hosts\" is {text:?}"), failure.rule());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, problems};

    fn urls(entry: &str) -> Vec<String> {
        let loaded = load(&format!(r#"{{"microservices": [{{"name": "far", {entry}}}]}}"#), None).unwrap();
        loaded.services[0].addresses.iter().map(super::Address::url).collect()
    }

    #[test]
    fn each_form_of_an_item_is_an_address() {
        let hosts = r#""hosts": ["10.0.0.1", "10.0.0.1:3001", "http://10.0.0.2:3001", "https://10.0.0.2", "[::1]:9", "[::1]",
                       {"host": "10.0.0.3", "port": 3001}, {"host": "https://far"}]"#;
        let with = |port: u16| {
            vec![
                format!("http://10.0.0.1:{port}"),
                "http://10.0.0.1:3001".to_owned(),
                "http://10.0.0.2:3001".to_owned(),
                format!("https://10.0.0.2:{port}"),
                "http://[::1]:9".to_owned(),
                format!("http://[::1]:{port}"),
                "http://10.0.0.3:3001".to_owned(),
                format!("https://far:{port}"),
            ]
        };
        assert_eq!(urls(hosts), with(8080));
        assert_eq!(urls(&format!(r#""port": 5000, {hosts}"#)), with(5000));
    }

    #[test]
    fn what_is_no_list_of_addresses_is_said() {
        let said = |entry: &str| problems(format!("{{\"microservices\": [{{\"name\": \"far\",\n{entry}}}]}}"));
        for (entry, expected) in [
            (
                r#""hosts": []"#,
                "2:10: \"hosts\" has 0 items, and may have 1 to 64; \
                 name one host at least, or remove the key: then the microservice's name is its host",
            ),
            (
                r#""host": "a", "hosts": ["b"]"#,
                "2:9: \"host\" and \"hosts\" stand in one entry; put this host into the list and remove \"host\"",
            ),
            (
                r#""hosts": "a""#,
                "2:10: \"hosts\" must be a list, but is the text \"a\"; write it as [\"10.0.0.1\", \"10.0.0.2\"]",
            ),
            (
                r#""hosts": ["a", "http://a:8080"]"#,
                "2:16: http://a:8080 stands twice in \"hosts\"; \
                 remove one of them: each instance has an address of its own",
            ),
            (
                r#""hosts": [1]"#,
                "2:11: an item of \"hosts\" must be a text or an object, but is the number 1; \
                 write \"10.0.0.1\", \"10.0.0.1:3001\", \"http://10.0.0.1:3001\" or {\"host\": \"10.0.0.1\", \"port\": 3001}",
            ),
            (r#""hosts": ["a:0"]"#, "2:11: an item of \"hosts\" is \"a:0\"; the port must be a number from 1 to 65535"),
            (r#""hosts": ["::1"]"#, "2:11: an item of \"hosts\" is \"::1\"; put an IPv6 address in brackets: [::1]"),
            (r#""hosts": [{"port": 1}]"#, "2:11: this item of \"hosts\" has no \"host\"; add \"host\": \"…\""),
            (
                r#""hosts": [{"host": "a", "prot": 1}]"#,
                "2:25: unknown key \"prot\"; did you mean \"port\"? known keys: host, port",
            ),
            (r#""hosts": [{"host": "a:1"}]"#, "2:20: \"host\" is \"a:1\"; give the port in \"port\", not in \"host\""),
        ] {
            assert_eq!(said(entry), expected, "{entry}");
        }
        let many: Vec<String> = (0..65).map(|number| format!("\"10.0.0.{number}\"")).collect();
        assert_eq!(
            said(&format!("\"hosts\": [{}]", many.join(", "))),
            "2:10: \"hosts\" has 65 items, and may have 1 to 64; put a load balancer in front of so many"
        );
    }
}
