//! Rules of config.json, one by one.
//! In come small application folders; out go configurations and the exact words of problems.
//! Nothing here needs a running host.

use super::{ClaimsForm, Configuration, Cors, HostSettings, IfSecretMissing, Limits, Problems};
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

pub(super) fn folder(config: impl AsRef<[u8]>, routes: Option<&str>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("configuration");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("config.json"), config).unwrap();
    if let Some(routes) = routes {
        fs::write(path.join("routes.json"), routes).unwrap();
    }
    folder
}

pub(super) fn load(config: &str, host: Option<&str>) -> Result<Configuration, Problems> {
    Configuration::load(folder(config, Some("[]")).path(), host, IfSecretMissing::LeaveOut)
}

/// The problems of a file, each without the file's name.
pub(super) fn problems(config: impl AsRef<[u8]>) -> String {
    let folder = folder(config, Some("[]"));
    let failure = Configuration::load(folder.path(), None, IfSecretMissing::LeaveOut).err();
    failure.map(|problems| problems.to_string().replace("configuration/config.json:", "")).unwrap_or_default()
}

/// The warnings of a file, but for the one about the password that everybody knows, which most files here have.
fn warnings(config: &str) -> Vec<String> {
    warnings_of(&load(config, None).unwrap())
}

/// As [`warnings`], of what was loaded.
pub(super) fn warnings_of(loaded: &Configuration) -> Vec<String> {
    let warnings = loaded.warnings.iter().map(ToString::to_string);
    warnings.filter(|warning| !warning.contains(KNOWN_PASSWORD)).collect()
}

/// What is said of a host with the password that everybody knows.
const KNOWN_PASSWORD: &str = "opens with the password that everybody knows";

pub(super) const FIRST: &str = r#"{
"qewd_up": true,
"orchestrator": { "qewd": { "serverName": "Orchestrator" } },
"microservices": [ { "name": "login_service", "qewd": { "serverName": "Login MicroService" } } ]
}"#;

const SECOND: &str = r#"{
"qewd_up": true,
"orchestrator": { "qewd": { "serverName": "Orchestrator" } },
"microservices": [
{ "name": "login_service", "host": "204.50.20.3", "port": 3000, "qewd": { "serverName": "Login MicroService" } }
],
"jwt": { "secret": "mySharedJWTSecretString" }
}"#;

const THIRD: &str = r#"{
"qewd_up": true,
"orchestrator": { "qewd": { "serverName": "Orchestrator", "managementPassword": "myOrchestratorPassword" } },
"microservices": [
{ "name": "login_service",
  "qewd": { "serverName": "Login MicroService", "managementPassword": "myLoginServicePassword" } }
]
}"#;

#[test]
fn the_documented_files_load_without_routes() {
    for config in [FIRST, SECOND, THIRD] {
        let folder = folder(config, None);
        for (host, name) in [(None, "Orchestrator"), (Some("login_service"), "Login MicroService")] {
            let loaded = Configuration::load(folder.path(), host, IfSecretMissing::Generate).unwrap();
            assert_eq!(loaded.settings.server_name, name);
            assert_eq!(
                warnings_of(&loaded),
                ["configuration/routes.json: the file does not exist, so this host has no routes; \
                  every path answers 404 until the file is there: write [ … ] with your routes"]
            );
        }
    }
    let second = load(SECOND, None).unwrap();
    assert_eq!(second.services[0].addresses[0].url(), "http://204.50.20.3:3000");
    assert_eq!(second.jwt.secret.expose(), "mySharedJWTSecretString");
    assert_eq!(second.links.len(), 1);
    let third = load(THIRD, Some("login_service")).unwrap();
    assert_eq!(third.settings.management_password.expose(), "myLoginServicePassword");
    assert_eq!(third.services[0].addresses[0].url(), "http://login_service:8080");
    assert!(third.links.is_empty());
    assert!(!format!("{third:?}").contains("myLoginServicePassword"));
}

#[test]
fn an_empty_object_gives_the_defaults() {
    let settings = load("{}", None).unwrap().settings;
    assert_eq!(settings, HostSettings::default());
    assert_eq!((settings.port, settings.server_name.as_str()), (8080, "QEWD Server"));
    assert!(settings.pool_size >= 2);
}

#[test]
fn settings_are_read() {
    let config = r#"{ "qewd": {
      "port": 0, "poolSize": 3, "max_queue_length": 0, "idleLimit": "5000", "initialSessionTimeout": 60,
      "cors": ["https://shop.example.com", "http://[::1]:3000"],
      "limits": { "bodyBytes": 1, "headerBytes": 8192, "headerCount": 2, "connections": 3,
                  "requestMilliseconds": 4, "responseBytes": 5, "memoryBytes": 65536, "hops": 7,
                  "sockets": 8, "socketMessageBytes": 9, "socketMessagesPerSecond": 10, "socketIdleMilliseconds": 11,
                  "stopMilliseconds": 13, "drainMilliseconds": 12 } },
      "jwt": {"secret": "s", "claims": "qewd"}, "userDefined": {"b": 1, "a": [null]} }"#;
    let loaded = load(config, Some("")).unwrap();
    let settings = loaded.settings;
    assert_eq!((settings.port, settings.pool_size, settings.max_queue_length), (0, 3, 0));
    assert_eq!(settings.idle_limit, Duration::from_secs(5));
    assert_eq!(settings.initial_session_timeout, 60);
    assert_eq!(
        settings.cors,
        Cors::Origins(vec!["https://shop.example.com".to_owned(), "http://[::1]:3000".to_owned()])
    );
    let limits = Limits {
        body: 1,
        headers: 8192,
        header_count: 2,
        connections: 3,
        request_time: Duration::from_millis(4),
        response: 5,
        memory: 65536,
        hops: 7,
        sockets: 8,
        socket_message: 9,
        socket_pace: 10,
        socket_idle: Duration::from_millis(11),
        stop: Duration::from_millis(13),
        drain: Duration::from_millis(12),
    };
    assert_eq!(settings.limits, limits);
    assert_eq!(loaded.jwt.claims, ClaimsForm::Qewd);
    assert_eq!(serde_json::to_string(&*loaded.user_defined).unwrap(), r#"{"b":1,"a":[null]}"#);
    assert_eq!(load(r#"{"qewd": {"cors": false}}"#, None).unwrap().settings.cors, Cors::Off);
}

#[test]
fn the_while_before_a_stop_is_a_part_of_it() {
    let limits = |limits: &str| load(&format!(r#"{{"qewd": {{"limits": {limits}}}}}"#), None);
    let times = |text: &str| {
        let limits = limits(text).unwrap().settings.limits;
        (limits.stop.as_millis(), limits.drain.as_millis())
    };
    assert_eq!(times("{}"), (8000, 1000));
    assert_eq!(times(r#"{"stopMilliseconds": 1000}"#), (1000, 500));
    assert_eq!(times(r#"{"drainMilliseconds": 0}"#), (8000, 0));
    assert_eq!(times(r#"{"stopMilliseconds": 60000, "drainMilliseconds": 10000}"#), (60_000, 10_000));
    let refused = limits(r#"{"drainMilliseconds": 8000}"#).unwrap_err().to_string();
    let words = r#""drainMilliseconds" must be less than "stopMilliseconds", which is 8000; leave requests in flight the time that they need"#;
    assert!(refused.contains(words), "{refused}");
}

#[test]
fn syntax_errors_have_a_place_and_an_expectation() {
    for (config, expected) in [
        ("{\n \"a\": 1\n \"b\": 2 }", "2:8: not valid JSON: expected a comma here; put a comma between the two values"),
        (
            "{\n \"qewd\": {\n",
            "2:10: not valid JSON: expected the closing } of the object that begins here; add the missing }",
        ),
        ("{\"qewd_up\": true,\n}", "1:17: not valid JSON: no comma may follow the last value; remove the comma"),
        ("", " the file is empty; write the JSON that belongs here, or restore the file"),
        (" \n", " the file is empty; write the JSON that belongs here, or restore the file"),
        ("{ // x\n}", "1:3: not valid JSON: comments are not JSON; remove the comment"),
        (
            "{} {}",
            "1:4: not valid JSON: expected the end of the file after the first value; remove what follows, or check the braces",
        ),
        ("[]", "1:1: the file must be an object, but is a list; write { … } here"),
    ] {
        assert_eq!(problems(config), expected, "{config}");
    }
    assert_eq!(
        problems(b"{\n \"\xc3\xa9\xff\": 1}"),
        "2:4: the text is not UTF-8; save the file with the encoding UTF-8"
    );
    for config in [
        "{'a': 1}",
        "{a: 1}",
        "{\"qewd\": 0x1}",
        "{\"userDefined\": {\"a\": \"\t\n\"}}",
        "{\"ms_name\": 01}",
        "nul",
        "{\"a\"}",
    ] {
        assert!(problems(config).contains(": not valid JSON: "), "{config} {}", problems(config));
    }
    assert!(problems(format!("{{\"userDefined\": {}", "[".repeat(100_000))).contains("not valid JSON"));
    assert_eq!(problems("\u{feff}{}"), "");
}

#[test]
fn all_problems_come_at_once() {
    let config = r#"{
  "qewd_up": false,
  "qewd": { "prot": 1, "port": "80", "poolSize": 0, "cors": 7, "managementPassword": 12345 },
  "qewd": {},
  "microservices": [
    { "name": "orchestrator" }, { "name": "a" }, { "name": "a" }, { "name": "9" }, {}, 5,
    { "name": "g", "members": ["a", "b"] }, { "name": "c", "connections": ["aa", "g"], "host": "x:1" }
  ],
  "jwt": { "secret": "" }
}"#;
    let expected = [
        "2:14: \"qewd_up\" is false; write true: this program only runs QEWD-Up applications",
        "3:13: unknown key \"prot\"; did you mean \"port\"? known keys: serverName, managementPassword, port, managementPort, poolSize, \
         max_queue_length, idleLimit, initialSessionTimeout, cors, versionHeader, log, limits, ssl, poolPrefork, qewd-monitor",
        "3:32: \"port\" must be a whole number from 0 to 65535, but is the text \"80\"; write 80 without quotes",
        "3:50: \"poolSize\" must be a whole number from 1 to 4096, but is the number 0; \
         write such a number, or remove the key for the default",
        "3:61: \"cors\" must be true, false or a list of origins, but is the number 7; \
         write true, false or [\"https://…\"]",
        "3:86: \"managementPassword\" must be a text; put it in double quotes",
        "4:3: the key \"qewd\" was already written on line 3; remove one of the two",
        "6:15: no microservice may be called \"orchestrator\"; give the microservice another name",
        "6:60: the name \"a\" is already taken on line 6; give each entry of \"microservices\" its own name",
        "6:77: \"9\" is not a name: use at most 64 letters, digits, '_' and '-', and begin with a letter; \
         give the microservice another name",
        "6:84: this microservice has no \"name\"; add \"name\": \"…\"",
        "6:88: an entry of \"microservices\" must be an object, but is the number 5; write { … } here",
        "7:37: the member \"b\" is no microservice; add it to \"microservices\" in config.json, or use one of: a, c",
        "7:76: unknown microservice \"aa\"; add it to \"microservices\" in config.json, or use one of: a, c",
        "7:82: a connection cannot lead to the group \"g\"; name the members of the group instead",
        "7:96: \"host\" is \"x:1\"; give the port in \"port\", not in \"host\"",
        "9:22: \"jwt.secret\" must be a text that is not empty; \
         write a long random text, or remove the key and let the first host generate one",
    ];
    let found = problems(config);
    let found: Vec<&str> = found.lines().collect();
    assert_eq!(found, expected);
}

#[test]
fn keys_of_the_original_without_effect_are_warned_about() {
    let config = r#"{"use_jwt": true, "qewd-monitor": true, "qewd": {"database": {"type": "dbx"}, "mode": {},
      "poolPrefork": false, "qewd-monitor": false}}"#;
    let found = warnings(config);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert_eq!(
        found[2],
        "configuration/config.json:1:79: the key \"mode\" has no effect here; \
         a host has no modes: remove the key"
    );
    assert_eq!(warnings(r#"{"orchestrator": {}, "qewd": {}}"#).len(), 1);
    assert_eq!(problems(r#"{"jwt": "hidden"}"#), "1:9: \"jwt\" must be an object; write {\"secret\": \"…\"} here");
    assert!(problems(r#"{"qewd-up": true}"#).contains("did you mean \"qewd_up\"?"));
    assert!(problems(r#"{"qewd": {"cors": ["https://x/"]}}"#).contains("is not an origin"));
}

/// Whether a host has its monitor, and whether it warns of its password.
fn monitor(config: &str, host: Option<&str>) -> (bool, bool) {
    let loaded = load(config, host).unwrap();
    let warns = loaded.warnings.iter().any(|warning| warning.to_string().contains(KNOWN_PASSWORD));
    (loaded.settings.monitor, warns)
}

#[test]
fn the_password_that_everybody_knows_is_warned_about() {
    let of = |config, host| load(config, host).unwrap().warnings.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        of(FIRST, Some("login_service")),
        ["configuration/config.json: the monitor of login_service opens with the password that everybody knows; \
          set \"managementPassword\" in its \"qewd\" block (`qewd hash-password` makes a hash for it)"]
    );
    assert_eq!((of(THIRD, None).len(), of(THIRD, Some("login_service")).len()), (0, 0));
    let own = |text: &str| monitor(&format!(r#"{{"qewd": {{"managementPassword": "{text}"}}}}"#), None);
    assert_eq!((own("keepThisSecret!"), own("keepThisSecret")), ((true, true), (true, false)));
    // Where something is wrong, that is said and nothing else.
    let (_, found) = Configuration::survey(folder(r#"{"qewd": {"managementPassword": 7}}"#, Some("[]")).path(), None);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn the_monitor_is_switched_off_wherever_the_original_takes_it() {
    let service =
        r#"{"name": "a", "qewd-monitor": false}, {"name": "b", "qewd": {"qewd-monitor": false}}, {"name": "c"}"#;
    let fleet = format!(r#"{{"orchestrator": {{}}, "microservices": [{service}]}}"#);
    for (host, has) in [(None, true), (Some("a"), false), (Some("b"), false), (Some("c"), true)] {
        assert_eq!(monitor(&fleet, host), (has, has), "{host:?}");
    }
    for (config, has) in [
        (r#"{"qewd-monitor": false}"#, false),
        (r#"{"qewd": {"qewd-monitor": false}}"#, false),
        (r#"{"qewd-monitor": true, "qewd": {"qewd-monitor": false}}"#, false),
        (r#"{"qewd-monitor": false, "qewd": {"qewd-monitor": true}}"#, false),
        (r#"{"orchestrator": {"qewd-monitor": false}}"#, false),
        (r#"{"orchestrator": {"qewd": {"qewd-monitor": false}}}"#, false),
        (r#"{"qewd-monitor": false, "orchestrator": {"qewd-monitor": true}}"#, false),
        (r#"{"qewd-monitor": true, "orchestrator": {"qewd": {"qewd-monitor": true}}}"#, true),
        (r#"{"ms_name": "solo", "qewd-monitor": false}"#, false),
        (r#"{"ms_name": "solo", "qewd-monitor": false, "microservices": [{"name": "solo"}]}"#, false),
        (r#"{"ms_name": "solo", "qewd": {}, "microservices": [{"name": "solo", "qewd-monitor": false}]}"#, false),
        (r#"{"ms_name": "solo", "microservices": [{"name": "solo", "qewd": {"qewd-monitor": false}}]}"#, false),
        (
            r#"{"ms_name": "solo", "qewd": {}, "microservices": [{"name": "solo"}, {"name": "a", "qewd-monitor": false}]}"#,
            true,
        ),
    ] {
        assert_eq!(monitor(config, None), (has, has), "{config}");
    }
    // What the orchestrator's file says at its top is not for the others.
    assert_eq!(monitor(r#"{"qewd-monitor": false, "microservices": [{"name": "a"}]}"#, Some("a")), (true, true));
    assert_eq!(
        problems(r#"{"qewd-monitor": 1}"#),
        "1:18: \"qewd-monitor\" must be true or false, but is the number 1; write it without quotes"
    );
    let group = r#"{"microservices": [{"name": "a"}, {"name": "g", "members": ["a"], "qewd-monitor": false}]}"#;
    assert!(warnings(group)[0].contains("is a group and not a process"));
}

#[test]
fn a_hashed_password_that_cannot_be_used_has_its_place() {
    let hash = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0NTY3OA$3QpGImd1I7qBeXxWsfTrAbXB1VL32BwfYDx8xYmZ+Jo";
    let with = |hash: &str| problems(format!(r#"{{"qewd": {{"managementPassword": "{hash}"}}}}"#));
    assert_eq!(with(hash), "");
    assert_eq!(
        with(&hash.replace("m=64", "m=4194304")),
        "1:33: \"managementPassword\" is a hash with m=4194304, and 1048576 is the most; let `qewd hash-password` make one"
    );
    let cut = with(&hash[..40]);
    assert!(cut.starts_with("1:33: \"managementPassword\" is no whole Argon2 hash"), "{cut}");
    assert!(!cut.contains("c29tZXNh"), "it shows no part of it: {cut}");
}

#[test]
fn a_missing_file_names_the_way_out() {
    let empty = tempfile::tempdir().unwrap();
    let failure = Configuration::hosts(empty.path()).unwrap_err().to_string();
    assert!(failure.starts_with("configuration/config.json: the file does not exist in /"), "{failure}");
    assert!(
        failure.ends_with("start in the folder that has configuration/config.json, or name that folder with --app DIR")
    );
    assert!(Configuration::load(empty.path(), None, IfSecretMissing::Generate).is_err());
}

#[test]
fn the_files_of_tls_are_read_with_their_places() {
    let config = r#"{"qewd": {"ssl": {"keyFilePath": "ssl/key.pem", "certFilePath": "/etc/cert.pem",
      "clientCaFilePath": "ssl/hosts.pem", "caFilePath": "ssl/ca.pem"}},
      "microservices": [{"name": "far", "host": "https://far", "caFilePath": "far.pem"}]}"#;
    let loaded = load(config, None).unwrap();
    let ssl = &loaded.settings.ssl;
    let served = ssl.served.as_ref().unwrap();
    let below = |file: &super::PemFile| file.below(std::path::Path::new("app")).display().to_string();
    assert_eq!((below(&served.key), below(&served.certificate)), ("app/ssl/key.pem".into(), "/etc/cert.pem".into()));
    assert_eq!(served.key.place.to_string(), "configuration/config.json:1:34");
    assert_eq!(below(ssl.demanded.as_ref().unwrap()), "app/ssl/hosts.pem");
    assert_eq!((below(ssl.trusted.as_ref().unwrap()), ssl.shown.as_ref()), ("app/ssl/ca.pem".into(), None));
    assert_eq!(below(loaded.services[0].trusted.as_ref().unwrap()), "app/far.pem");
    assert_eq!(warnings_of(&loaded), [""; 0]);
    assert!(load("{}", None).unwrap().settings.ssl == super::Ssl::default());
}

#[test]
fn half_a_pair_of_tls_is_refused() {
    for (half, other) in [("certFilePath", "keyFilePath"), ("clientKeyFilePath", "clientCertFilePath")] {
        let config = format!(r#"{{"qewd": {{"ssl": {{"{half}": "x"}}}}}}"#);
        let words = problems(&config);
        let expected = format!(": \"{half}\" stands without \"{other}\"; add \"{other}\"");
        assert!(words.ends_with(&expected) && words.lines().count() == 1, "{words}");
    }
    assert!(problems(r#"{"qewd": {"ssl": {"clientCaFilePath": "x"}}}"#).contains("only on a host that serves TLS"));
    assert!(problems(r#"{"qewd": {"ssl": {"caFilePath": ""}}}"#).contains("\"caFilePath\" is empty"));
    assert!(problems(r#"{"qewd": {"ssl": {"caFilepath": "x"}}}"#).contains("did you mean \"caFilePath\"?"));
    let plain = r#"{"microservices": [{"name": "a", "qewd": {"ssl": {"certFilePath": "x", "keyFilePath": "y"}}}]}"#;
    let words = warnings(plain);
    assert!(words[0].ends_with("other hosts reach it without; write \"host\": \"https://a\""), "{words:?}");
}
