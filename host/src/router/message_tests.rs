//! Rules of the router for messages of WebSocket clients.
//! In come small application folders; out go decisions and problems.
//! Nothing here needs a running host.

use super::table_tests::{CONFIG, table_of};
use super::{NoRoute, Table};
use crate::request::{Kind, message_path};

/// `handler variables` of a message, or `-`.
fn message(table: &Table, application: &str, kind: &str) -> String {
    match table.decide(Kind::Message, "MESSAGE", &message_path(application, kind)) {
        Ok(decision) => format!("{} {:?}", decision.entry.handler.as_ref().unwrap(), decision.variables),
        Err(none) => {
            assert_eq!(none, NoRoute::UnknownPath);
            "-".to_owned()
        }
    }
}

const MESSAGES: &str = r#"[
  {"uri": "/*all", "method": "ANY", "handler": "any"},
  {"application": "shop", "type": "load", "handler": "load"},
  {"application": "shop", "type": "what/now ?", "handler": "odd"},
  {"application": "shop", "type": "*", "handler": "every"},
  {"application": "chat", "type": "load", "handler": "chat"}
]"#;

#[test]
fn messages_have_routes_of_their_own() {
    let table = table_of(CONFIG, None, MESSAGES).unwrap();
    for (application, kind, expected) in [
        ("shop", "load", "load []"),
        ("shop", "what/now ?", "odd []"),
        ("shop", "Load", "every [(\"type\", \"Load\")]"),
        ("shop", "a/b", "every [(\"type\", \"a/b\")]"),
        ("chat", "load", "chat []"),
        ("chat", "save", "-"),
        ("Shop", "load", "-"),
        ("shop", "ewd-register", "-"),
        ("shop", "qoper8-exit", "-"),
        ("shop", "restRequest", "-"),
        ("shop", "error", "-"),
    ] {
        assert_eq!(message(&table, application, kind), expected, "{application} {kind}");
    }
    for path in ["/shop", "/shop/", "/shop/a/b", "/"] {
        assert!(table.decide(Kind::Message, "MESSAGE", path).is_err(), "{path}");
    }
    assert_eq!(table.entries()[3].uri.as_ref(), "/shop/*");
}

#[test]
fn no_request_reaches_a_route_for_messages() {
    let without_rest = MESSAGES.replacen("\"/*all\"", "\"/other\"", 1);
    let table = table_of(CONFIG, None, &without_rest).unwrap();
    for kind in [Kind::Rest, Kind::Service] {
        for method in ["MESSAGE", "GET", "POST"] {
            for path in ["/shop/load", "/shop/other", "/shop/*", "/chat/load"] {
                assert_eq!(table.decide(kind, method, path).err(), Some(NoRoute::UnknownPath), "{method} {path}");
            }
        }
    }
}

#[test]
fn what_a_monitor_asks_meets_no_route() {
    let table = table_of(CONFIG, None, MESSAGES).unwrap();
    for (kind, method, path) in [(Kind::Rest, "GET", "/anything"), (Kind::Message, "MESSAGE", "/shop/load")] {
        assert!(table.decide(kind, method, path).is_ok(), "{path}");
        assert_eq!(table.decide(Kind::Monitor, method, path).err(), Some(NoRoute::UnknownPath), "{path}");
    }
}

#[test]
fn messages_are_hidden_by_messages_alone() {
    let problem = |routes: &str| table_of(CONFIG, None, routes).err().map(|all| all.to_string()).unwrap_or_default();
    let hidden =
        r#"[{"application": "a", "type": "*", "handler": "h"}, {"application": "a", "type": "b", "handler": "h"}]"#;
    assert_eq!(
        problem(hidden),
        "configuration/routes.json:1:53: MESSAGE /a/b is never reached: MESSAGE /a/* on line 1 takes its requests; \
         move it above line 1"
    );
    let twice =
        r#"[{"application": "a", "type": "b", "handler": "h"}, {"application": "a", "type": "b", "handler": "h"}]"#;
    assert!(problem(twice).contains("stands already on line 1"));
    let both =
        r#"[{"application": "a", "type": "b", "handler": "h"}, {"uri": "/a/b", "method": "ANY", "handler": "h"}]"#;
    assert_eq!(problem(both), "");
}

#[test]
fn the_path_of_the_links_is_free_for_messages() {
    let table = table_of(CONFIG, None, r#"[{"application": "qewd", "type": "link", "handler": "h"}]"#).unwrap();
    assert_eq!(message(&table, "qewd", "link"), "h []");
}
