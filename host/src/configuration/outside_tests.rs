//! Values of config.json that stand elsewhere, one by one.
//! In come small application folders, files and made-up variables; out go configurations and the exact words of problems.
//! No test changes the environment of the process.

use super::outside::Surroundings;
use super::tests::folder;
use super::{Configuration, Severity};
use serde_json::{Value, json};

/// What came of a file with these variables: the configuration, and its errors without the file's name.
fn survey(config: &str, variables: &[(&str, &str)], host: Option<&str>) -> (Option<Configuration>, String) {
    let folder = folder(config, Some("[]"));
    let variable = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).into());
    let (found, problems) =
        Configuration::survey_with(&Surroundings { folder: folder.path(), variable: &variable }, host);
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    let lines: Vec<String> =
        errors.map(|problem| problem.to_string().replace("configuration/config.json:", "")).collect();
    (found, lines.join("\n"))
}

#[test]
fn texts_and_numbers_come_from_variables() {
    let config = r#"{"qewd": {"serverName": "env:NAME", "poolSize": "env:POOL", "idleLimit": "env:IDLE", "cors": "env:CORS",
      "limits": "env:LIMITS"}, "jwt": {"secret": "env:_S1"}, "userDefined": {"a": "env:POOL", "b": "text:env:X"}}"#;
    let variables = [
        ("NAME", "12345"),
        ("POOL", "3"),
        ("IDLE", "60"),
        ("CORS", r#"["https://a"]"#),
        ("LIMITS", r#"{"hops": 7}"#),
        ("_S1", "true"),
    ];
    let (loaded, words) = survey(config, &variables, None);
    assert_eq!(words, "");
    let loaded = loaded.unwrap();
    assert_eq!((loaded.settings.server_name.as_str(), loaded.settings.pool_size), ("12345", 3));
    assert_eq!((loaded.settings.limits.hops, loaded.jwt.secret.expose()), (7, "true"));
    assert_eq!(serde_json::to_string(&*loaded.user_defined).unwrap(), r#"{"a":"3","b":"env:X"}"#);
}

#[test]
fn what_is_missing_is_said_and_no_default_takes_its_place() {
    let (_, words) =
        survey(r#"{"jwt": {"secret": "env:JWT"}, "qewd": {"poolSize": "env:POOL"}}"#, &[("POOL", "many")], None);
    assert_eq!(
        words,
        "1:20: the environment variable JWT is not set; set it, or write the value here\n\
         1:53: the value of the environment variable POOL is not a whole number from 1 to 4096; correct it there, or write the value here"
    );
    for (config, words) in [
        (r#"{"qewd": {"managementPassword": "env:V"}}"#, "cannot be used here; choose a password"),
        (r#"{"microservices": [{"name": "a", "host": "env:V"}]}"#, "cannot be used here; it is empty"),
        (
            r#"{"jwt": {"secret": "s", "claims": "env:V"}}"#,
            "is not \"sealed\" or \"qewd\"; correct it there, or write the value here",
        ),
        (
            r#"{"jwt": {"secret": "env:V"}}"#,
            "\"jwt.secret\" must be a text that is not empty (from the environment variable V)",
        ),
    ] {
        let (_, said) = survey(config, &[("V", "")], None);
        assert!(said.contains(words), "{said}");
    }
}

/// A text that is no name, no address and no origin, so that nothing in force can hold it.
const MARKER: &str = "m4rker!s3cret";

/// A file with each kind of value.
fn full() -> Value {
    json!({
        "qewd_up": true,
        "orchestrator": {"qewd-monitor": true, "qewd": {
            "serverName": "x", "managementPassword": "x", "port": 8080, "managementPort": 9090, "poolSize": 2, "idleLimit": "5000",
            "cors": ["https://a"], "limits": {"hops": 3, "stopMilliseconds": 500, "drainMilliseconds": 600},
            "ssl": {"keyFilePath": "k", "certFilePath": "c", "caFilePath": "a"},
        }},
        "microservices": [
            {"name": "a", "host": "https://a", "port": 80, "caFilePath": "x", "connections": ["b"], "qewd": {"ssl": {"keyFilePath": "k", "certFilePath": "c"}}},
            {"name": "b", "hosts": ["c", "c", {"host": "d", "port": 1}], "required": true},
            {"name": "g", "members": ["a", "b"]},
        ],
        "jwt": {"secret": "x", "claims": "sealed"},
        "userDefined": {"k": [{"l": 1}]},
        "handlers": {"a/b": {"mode": "reuse", "deadlineMilliseconds": 1, "memoryBytes": 65536, "workers": 1, "imports": ["log"]}},
        "documents": {"durability": "durable", "indexes": {"p": {"x/:id": {"documentName": "i", "path": ":value/:id", "apply": "lower", "value": "id"}}}},
    })
}

/// The ways to every value.
fn ways(value: &Value, way: &str, found: &mut Vec<String>) {
    found.push(way.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                ways(member, &format!("{way}/{}", name.replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                ways(item, &format!("{way}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// What could stand elsewhere in place of a value: other kinds of it, and itself with the marker at each of its places.
fn contents(value: &Value) -> Vec<String> {
    let mut contents = vec![
        MARKER.to_owned(),
        format!("[{MARKER:?}]"),
        format!("[{{\"name\": {MARKER:?}, \"host\": {MARKER:?}}}]"),
        format!("{{{MARKER:?}: {MARKER:?}}}"),
        format!("{{{MARKER:?}: {{{MARKER:?}: 1}}}}"),
        format!("{{{MARKER:?}: 1, {MARKER:?}: 2}}"),
        format!("{{{MARKER:?}"),
        format!("$argon2{MARKER}$v=19$m=8"),
        format!("$argon2id$v=19$m=64,t=1,p=1${MARKER}"),
    ];
    let mut inner = Vec::new();
    ways(value, "", &mut inner);
    for way in &inner {
        let mut changed = value.clone();
        *changed.pointer_mut(way).unwrap() = MARKER.into();
        contents.push(changed.to_string());
        if let Some(Value::Object(members)) = value.clone().pointer_mut(way) {
            members.insert(MARKER.to_owned(), json!({MARKER: [MARKER]}));
            let mut changed = value.clone();
            *changed.pointer_mut(way).unwrap() = Value::Object(members.clone());
            contents.push(changed.to_string());
        }
    }
    contents
}

#[test]
fn nothing_from_elsewhere_is_shown_wherever_it_stands() {
    let full = full();
    let (mut all, mut tried) = (Vec::new(), 0);
    ways(&full, "", &mut all);
    assert!(all.len() > 50);
    for way in &all {
        let mut config = full.clone();
        *config.pointer_mut(way).unwrap() = "env:V".into();
        for content in contents(full.pointer(way).unwrap()) {
            for host in [None, Some("a"), Some("b")] {
                let (found, words) = survey(&config.to_string(), &[("V", &content)], host);
                assert!(!words.contains("m4rker"), "{way} as {content}: {words}");
                assert!(!format!("{found:?}").contains("m4rker"), "{way} as {content}");
                tried += 1;
            }
        }
    }
    assert!(tried > 2500, "{tried}");
}

#[test]
fn files_are_read_once_whole_and_without_waiting() {
    let folder = folder("{}", Some("[]"));
    let with = |reference: &str| {
        let config = json!({"jwt": {"secret": reference}, "qewd": {"poolSize": 1}}).to_string();
        std::fs::write(folder.path().join("configuration/config.json"), config).unwrap();
        let (found, problems) =
            Configuration::survey_with(&Surroundings { folder: folder.path(), variable: &|_| None }, None);
        let errors =
            problems.iter().find(|problem| problem.severity == Severity::Error).map(|problem| problem.what.clone());
        errors.map_or_else(|| Ok(found.unwrap().jwt.secret.expose().to_owned()), Err)
    };
    let write = |content: &[u8]| std::fs::write(folder.path().join("s"), content).unwrap();
    for (content, secret) in [
        ("x\n", "x"),
        ("x\n\n", "x\n"),
        ("x\r\n", "x"),
        (" x ", " x "),
        ("x\r", "x\r"),
        ("env:PATH", "env:PATH"),
        ("text:env:x", "text:env:x"),
    ] {
        write(content.as_bytes());
        assert_eq!(with("file:s").as_deref(), Ok(secret));
    }
    let absolute = format!("file:{}", folder.path().join("s").display());
    assert_eq!(with(&absolute).as_deref(), Ok("text:env:x"));
    write(&vec![b'x'; 65536]);
    assert_eq!(with("file:s").map(|secret| secret.len()), Ok(65536));
    write(&vec![b'x'; 65537]);
    assert_eq!(with("file:s").unwrap_err(), "the file s has more than 65536 bytes");
    write(b"m4rker\xff");
    assert_eq!(with("file:s").unwrap_err(), "the file s is not UTF-8");
    for empty in ["", "\n"] {
        write(empty.as_bytes());
        assert_eq!(with("file:s").unwrap_err(), "\"jwt.secret\" must be a text that is not empty (from the file s)");
    }
    std::fs::remove_file(folder.path().join("s")).unwrap();
    assert_eq!(with("file:s").unwrap_err(), "the file s does not exist");
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("s")).status();
    if made.is_ok_and(|made| made.success()) {
        assert_eq!(with("file:s").unwrap_err(), "the file s is no regular file");
    }
    assert_eq!(with("file:/dev/zero").unwrap_err(), "the file /dev/zero is no regular file");
    assert_eq!(with("text:file:s").as_deref(), Ok("file:s"));
    assert_eq!(with("text:text:file:s").as_deref(), Ok("text:file:s"));
    assert_eq!(with("text:plain").as_deref(), Ok("text:plain"));
}

#[test]
fn a_block_may_stand_elsewhere_and_says_where_in_it_something_is_wrong() {
    let block = "{\n  \"poolSize\": 0,\n  \"serverName\": \"env:X\", \"prot\": 1,\n  \"mode\": 2 }";
    let (found, words) = survey(r#"{"qewd": "env:QEWD"}"#, &[("QEWD", block)], None);
    let at = |line, column| {
        format!("1:10: what stands at line {line}, column {column} of the environment variable QEWD is not")
    };
    let lines: Vec<&str> = words.lines().collect();
    assert_eq!(lines.len(), 2, "{words}");
    assert!(words.contains(&format!("{} a whole number from 1 to 4096; ", at(2, 15))), "{words}");
    assert!(words.contains(&format!("{} one of the known keys: serverName, ", at(3, 26))), "{words}");
    assert_eq!(found.unwrap().settings.server_name, "env:X", "what comes from elsewhere is no reference");
    let (_, words) = survey(r#"{"qewd": "env:QEWD"}"#, &[("QEWD", "{")], None);
    let no_object = "1:10: the value of the environment variable QEWD is not an object";
    assert!(words.starts_with(&format!("{no_object} (line 1, column 1: EOF while parsing an object); ")), "{words}");
    for (block, why) in [
        ("{\n  \"s3cret\": 1,,\n}", " (line 2, column 15: key must be a string); "),
        (
            "{\"s3cret\": 1, \"s3cret\": 2}",
            " (line 1, column 15: a key that was there before, or a number that is too large); ",
        ),
        ("s3cret", "; "),
        ("7", "; "),
    ] {
        let (_, words) = survey(r#"{"qewd": "env:QEWD"}"#, &[("QEWD", block)], None);
        assert!(words.starts_with(&format!("{no_object}{why}")) && !words.contains("s3cret"), "{words}");
    }
    let (found, _) = survey(r#""env:ALL""#, &[("ALL", r#"{"jwt": {"secret": "s"}, "qewd": {"port": 7}}"#)], None);
    assert_eq!(found.unwrap().settings.port, 7);
    for (config, words) in [
        (r#""env:ALL""#, "\"jwt.secret\" is missing (from the environment variable ALL)"),
        (r#"{"jwt": "env:ALL"}"#, "\"jwt.secret\" is missing (from the environment variable ALL)"),
    ] {
        assert!(survey(config, &[("ALL", "{}")], None).1.contains(words), "{config}");
    }
}

#[test]
fn a_host_says_where_its_settings_stand() {
    let config = r#"{"orchestrator": {"qewd": {"poolSize": "env:P"}}, "microservices": [{"name": "g", "members": ["a"]},
      {"name": "a", "qewd": {"limits": "env:L"}}], "jwt": {"secret": "env:P"}}"#;
    let of = |host, key| survey(config, &[("P", "3"), ("L", r#"{"hops": 3}"#)], host).0.unwrap().origin(key);
    assert_eq!((of(None, "poolSize").as_deref(), of(Some("a"), "poolSize")), (Some("env:P"), None));
    assert_eq!((of(None, "limits.hops"), of(Some("a"), "limits.hops").as_deref()), (None, Some("env:L")));
    assert_eq!(of(Some("a"), "jwt.secret").as_deref(), Some("env:P"));
}
