//! What several hosts that start in one folder agree on: their names and the generated secret.
//! In come small application folders; out go the hosts, and config.json as it was rewritten.
//! Nothing here needs a running host.

use super::tests::{FIRST, folder, load, problems};
use super::{Configuration, IfSecretMissing};
use crate::names::ServiceName;
use std::fs;

#[test]
fn the_host_is_found_by_its_name() {
    let config = r#"{"microservices": [{"name": "login"}, {"name": "all", "members": ["login"]}]}"#;
    let of = |host| load(config, Some(host)).map(|loaded| loaded.host.to_string()).map_err(|p| p.to_string());
    assert_eq!(of("orchestrator").unwrap(), "orchestrator");
    assert_eq!(of("login").unwrap(), "login");
    assert_eq!(
        of("lgoin").unwrap_err(),
        "configuration/config.json: no host is called \"lgoin\"; did you mean \"login\"? start one of: orchestrator, login"
    );
    assert!(of("all").unwrap_err().contains("is a group"));
    let loaded = load(config, None).unwrap();
    assert_eq!((loaded.services.len(), loaded.groups.len(), loaded.links.len()), (1, 1, 1));
}

#[test]
fn a_folder_may_belong_to_one_microservice() {
    let config = r#"{"ms_name": "solo", "qewd": {"port": 3001}}"#;
    for host in [None, Some("solo")] {
        let loaded = load(config, host).unwrap();
        assert_eq!((loaded.host.as_str(), loaded.settings.port, loaded.standalone), ("solo", 3001, true));
        assert!(loaded.links.is_empty());
    }
    assert!(load(config, Some("orchestrator")).is_err());
    assert!(problems(r#"{"ms_name": "solo", "orchestrator": {}}"#).contains("cannot stand in one file"));
    let hosts = |config: &str| {
        let hosts = Configuration::hosts(folder(config, None).path()).unwrap();
        hosts.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(hosts(config), ["solo"]);
    assert_eq!(hosts(FIRST), ["orchestrator", "login_service"]);
}

#[test]
fn a_microservice_with_a_folder_of_its_own_may_lead_on_to_others() {
    let others = r#"{"name": "far"}, {"name": "both", "members": ["far", "solo"]}"#;
    for (config, port) in [
        (
            format!(
                r#"{{"ms_name": "solo", "qewd": {{"port": 3001}}, "microservices": [{{"name": "solo"}}, {others}]}}"#
            ),
            3001,
        ),
        (
            format!(
                r#"{{"ms_name": "solo", "microservices": [{{"name": "solo", "qewd": {{"port": 3002}}}}, {others}]}}"#
            ),
            3002,
        ),
        (
            format!(
                r#"{{"ms_name": "solo", "qewd": {{"port": 3003}}, "microservices": [{others}, {{"name": "solo", "qewd": {{"port": 1}}}}]}}"#
            ),
            3003,
        ),
    ] {
        let loaded = load(&config, None).unwrap();
        assert_eq!((loaded.host.as_str(), loaded.settings.port, loaded.standalone), ("solo", port, true));
        assert_eq!(loaded.links.iter().map(ToString::to_string).collect::<Vec<_>>(), ["far"], "{config}");
        assert_eq!(Configuration::hosts(folder(&config, None).path()).unwrap().len(), 1);
    }
    let group = r#"{"ms_name": "g", "microservices": [{"name": "far"}, {"name": "g", "members": ["far"]}]}"#;
    assert!(problems(group).contains("\"g\" is a group; give the group another name"));
}

#[test]
fn a_group_stands_for_its_leaves_and_never_for_itself() {
    let config = r#"{"microservices": [{"name": "a"}, {"name": "b"}, {"name": "c"},
      {"name": "in", "members": ["b", "a"]}, {"name": "out", "members": ["c", "in", "a", "c"]}]}"#;
    let loaded = load(config, None).unwrap();
    let leaves = |name| {
        let leaves = loaded.leaves(&ServiceName::new(name).unwrap());
        leaves.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!((leaves("a"), leaves("in"), leaves("out")), ("a".into(), "b a".into(), "c b a".into()));
    let itself = r#"{"microservices": [{"name": "a"}, {"name": "g", "members": ["a", "g"]}]}"#;
    assert_eq!(problems(itself), "1:66: the group \"g\" contains itself; take this member out of the group");
    let round = r#"{"microservices": [{"name": "g", "members": ["h"]}, {"name": "h", "members": ["i"]}, {"name": "i", "members": ["g"]}]}"#;
    let found = problems(round);
    assert!(found.contains("1:46: the group \"g\" contains itself, by way of \"h\""), "{found}");
    assert_eq!(found.lines().count(), 3, "{found}");
    assert!(problems(r#"{"microservices": [{"name": "g", "members": []}]}"#).contains("this group has no members"));
}

#[test]
fn ten_hosts_at_once_share_one_generated_secret() {
    for config in ["{}", FIRST, "{\"jwt\": {\"claims\": \"qewd\"}}", "\u{feff}{\n\t\"qewd_up\": true\n}\n"] {
        let folder = folder(config, None);
        let load = || Configuration::load(folder.path(), None, IfSecretMissing::Generate).unwrap().jwt.secret;
        let mut secrets = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..10).map(|_| scope.spawn(load)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        secrets.extend((0..10).map(|_| load()));
        assert!(secrets.iter().all(|secret| *secret == secrets[0]));
        assert_eq!(secrets[0].expose().len(), 36);
        let names: Vec<_> = fs::read_dir(folder.path().join("configuration")).unwrap().collect();
        assert_eq!(names.len(), 1);
    }
}

#[test]
fn only_the_secret_is_added_to_the_file() {
    for (before, after) in [
        (
            "{\n    \"qewd_up\": true,\n    \"qewd\": { \"port\":1 }\n}\n",
            "{\n    \"qewd_up\": true,\n    \"qewd\": { \"port\":1 },\n    \"jwt\": {\n        \"secret\": \"S\"\n    }\n}\n",
        ),
        (
            "{\n\t\"jwt\": {\n\t\t\"claims\": \"sealed\"\n\t}\n}",
            "{\n\t\"jwt\": {\n\t\t\"claims\": \"sealed\",\n\t\t\"secret\": \"S\"\n\t}\n}",
        ),
        ("\u{feff}{}", "\u{feff}{\n  \"jwt\": {\n    \"secret\": \"S\"\n  }\n}"),
    ] {
        let folder = folder(before, None);
        let read = || fs::read_to_string(folder.path().join("configuration/config.json")).unwrap();
        Configuration::load(folder.path(), None, IfSecretMissing::LeaveOut).unwrap();
        assert_eq!(read(), before);
        let loaded = Configuration::load(folder.path(), None, IfSecretMissing::Generate).unwrap();
        assert_eq!(read().replace(loaded.jwt.secret.expose(), "S"), after);
        let again = Configuration::load(folder.path(), None, IfSecretMissing::Generate).unwrap();
        assert_eq!(again.jwt, loaded.jwt);
    }
    let folder = folder("{\"prot\": 1}", None);
    assert!(Configuration::load(folder.path(), None, IfSecretMissing::Generate).is_err());
    assert!(!fs::read_to_string(folder.path().join("configuration/config.json")).unwrap().contains("jwt"));
}

#[test]
fn a_second_port_is_none_or_another_one() {
    let of = |config: &str| load(config, None).map(|loaded| loaded.settings.management_port).unwrap();
    assert_eq!(of(r#"{"orchestrator": {}}"#), None);
    assert_eq!(of(r#"{"qewd": {"managementPort": 9090}}"#), Some(9090));
    assert_eq!(of(r#"{"qewd": {"port": 0, "managementPort": 0}}"#), Some(0));
    for config in [r#"{"qewd": {"managementPort": 8080}}"#, r#"{"qewd": {"port": 8080, "managementPort": 8080}}"#] {
        let words = "\"managementPort\" is 8080, which is the host's own port; choose another, or remove the key";
        assert!(problems(config).contains(words), "{}", problems(config));
    }
}

#[test]
fn a_service_is_required_only_where_its_entry_says_so() {
    let config =
        r#"{"microservices": [{"name": "a", "required": true}, {"name": "b"}, {"name": "c", "required": false}]}"#;
    let required: Vec<bool> = load(config, None).unwrap().services.iter().map(|service| service.required).collect();
    assert_eq!(required, [true, false, false]);
    let group = r#"{"microservices": [{"name": "a"}, {"name": "g", "members": ["a"], "required": true}]}"#;
    let warnings = load(group, None).unwrap().warnings;
    assert!(warnings.iter().any(|warning| warning.what.contains("\"required\" has no effect")), "{warnings:?}");
}
