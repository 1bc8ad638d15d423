//! The published schemas, against the code, the files of this repository and those of its tests.
//! In come documents as a person writes them; out goes whether the schema and the readers say the same of them.
//! A document that nobody classified fails: it would be checked for nothing.

use super::{Described, schema};
use jsonschema::Validator;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders of tests/configurations/refused of which a schema cannot know that they are wrong, each with the reason.
const BEYOND_A_SCHEMA: [(&str, &str); 6] = [
    ("duplicate_route", "it would have to compare routes"),
    ("hidden_route", "it would have to compare routes"),
    ("name_twice", "it would have to compare entries"),
    ("path_of_the_links", "it would have to know which paths the host keeps for itself"),
    ("unknown_handler", "it would have to look into modules"),
    ("unknown_microservice", "it would have to look into the other file"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn validator(of: Described) -> Validator {
    jsonschema::draft202012::new(&schema(of)).unwrap()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the schema says against a document.
fn said(of: Described, document: &Value) -> Vec<String> {
    validator(of).iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_published_schemas_are_those_of_the_code() {
    for (of, name) in [(Described::Config, "config"), (Described::Routes, "routes")] {
        let file = format!("docs/schema/{name}.schema.json");
        let published = fs::read_to_string(root().join(&file)).unwrap_or_default();
        assert!(
            published == format!("{:#}\n", schema(of)),
            "{file} is not what the code says; renew it: cargo run -- schema {name} > {file}"
        );
        assert!(jsonschema::draft202012::meta::is_valid(&schema(of)), "{file} is no schema");
    }
}

#[test]
fn the_files_of_the_example_and_of_the_tests_are_valid() {
    let json = |file: &Path| serde_json::from_str(&read(file)).unwrap();
    for (of, file) in [(Described::Config, "config.json"), (Described::Routes, "routes.json")] {
        for folder in ["configuration", "deploy/kubernetes"] {
            assert_eq!(said(of, &json(&root().join(folder).join(file))), [""; 0], "{folder}/{file}");
        }
    }
    let accepted: Vec<PathBuf> = fs::read_dir(root().join("tests/configurations/accepted"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(accepted.len() >= 3, "{accepted:?}");
    for file in accepted {
        assert_eq!(said(Described::Config, &json(&file)), [""; 0], "{}", file.display());
    }
}

#[test]
fn what_the_readers_refuse_the_schema_refuses_where_it_can() {
    let mut taken = Vec::new();
    for case in fs::read_dir(root().join("tests/configurations/refused")).unwrap() {
        let case = case.unwrap().path();
        let refuses = |of, file: &str| match serde_json::from_str(&read(&case.join(file))) {
            Ok(document) => !said(of, &document).is_empty(),
            Err(_) => true,
        };
        if !refuses(Described::Config, "config.json") && !refuses(Described::Routes, "routes.json") {
            taken.push(case.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    taken.sort();
    assert_eq!(taken, BEYOND_A_SCHEMA.map(|(name, _)| name));
}

/// The JSON examples of a page.
fn examples(page: &str) -> Vec<String> {
    let text = read(&root().join(page));
    let blocks = text.split("\n```json\n").skip(1).map(|rest| rest.split("\n```").next().unwrap().to_owned());
    blocks.collect()
}

#[test]
fn the_examples_of_the_pages_are_valid() {
    let known: Vec<&str> = super::application::TOP_KEYS.names().collect();
    let (mut configs, mut routes) = (0, 0);
    for page in ["README.md", "docs/configuration.md"] {
        for example in examples(page) {
            // An answer that is shortened with … is no JSON.
            let Ok(document) = serde_json::from_str::<Value>(&example) else { continue };
            let (of, document) = match &document {
                Value::Array(_) => (Described::Routes, document),
                Value::Object(members) if members.keys().any(|key| known.contains(&key.as_str())) => {
                    (Described::Config, document)
                }
                Value::Object(members) if page != "README.md" && members.contains_key("name") => {
                    (Described::Config, json!({"microservices": [document]}))
                }
                _ => continue,
            };
            *(if of == Described::Config { &mut configs } else { &mut routes }) += 1;
            assert_eq!(said(of, &document), [""; 0], "{page}: {example}");
        }
    }
    assert!(configs >= 6 && routes >= 5, "{configs} {routes}");
}

#[test]
fn each_value_may_stand_elsewhere_and_keys_have_words() {
    for good in [
        json!("file:all.json"),
        json!({"qewd": "env:Q", "microservices": "file:m.json", "jwt": "env:_J", "handlers": "env:H", "documents": "env:D"}),
        json!({"qewd": {"port": "env:PORT", "poolSize": "file:/run/pool", "cors": "env:C", "limits": {"hops": "env:HOPS"}}}),
        json!({"qewd": {"cors": ["env:ORIGIN", "https://x"], "managementPassword": "text:env:x"}, "$schema": "x"}),
        json!({"microservices": ["env:M", {"name": "env:N", "hosts": ["env:H", {"host": "env:H", "port": "env:P"}]}]}),
        json!({"userDefined": {"a": "env:b", "c": {"d": ["file:e"]}}, "qewd-monitor": "env:MONITOR"}),
    ] {
        assert_eq!(said(Described::Config, &good), [""; 0], "{good}");
    }
    for bad in [
        json!({"qewd": {"port": "80"}}),
        json!({"qewd": {"port": "env:"}}),
        json!({"qewd": {"port": "env:9"}}),
        json!({"qewd": {"port": "text:env:PORT"}}),
        json!({"qewd": {"poolSize": 0}}),
        json!({"qewd": {"prot": 1}}),
        json!({"jwt": {"secret": ""}}),
        json!({"jwt": {"claims": "other"}}),
        json!({"microservices": [{"name": "orchestrator"}]}),
        json!({"microservices": [{"name": "a", "host": "b", "hosts": ["c"]}]}),
        json!({"microservices": [{"name": "g", "members": []}]}),
        json!({"microservices": [{}]}),
        json!({"qewd": {"ssl": {"keyFilePath": "x"}}}),
        json!({"ms_name": "a", "orchestrator": {}}),
        json!([]),
    ] {
        assert_ne!(said(Described::Config, &bad), [""; 0], "{bad}");
    }
    let schema = schema(Described::Config);
    let pool = &schema["$defs"]["qewd"]["properties"]["poolSize"]["description"];
    let words = "Workers at most; each serves one request at a time. A whole number from 1 to 4096. Default: twice the cores, at least 2.";
    assert_eq!(pool, words);
    let idle = &schema["$defs"]["qewd"]["properties"]["database"];
    assert_eq!(idle["deprecated"], true);
    for route in [
        json!({"uri": "/a", "handler": "a", "env": 1}),
        json!({"uri": "a", "handler": "a"}),
        json!({"uri": "/a"}),
        json!({"uri": "/a", "handler": "a", "method": "get"}),
        json!({"uri": "/a", "handler": "a", "application": "b"}),
        json!({"application": "b", "type": "ewd-x", "handler": "a"}),
        json!({"application": "b", "handler": "a"}),
        json!({"else": {"statusCode": 99}}),
        json!({"uri": "/a", "handler": "a", "authenticate": "env:X"}),
    ] {
        assert_ne!(said(Described::Routes, &json!([route])), [""; 0], "{route}");
    }
}

#[test]
fn the_page_has_every_key_and_no_other() {
    let page = read(&root().join("docs/configuration.md"));
    let mut keys = Vec::new();
    for of in [Described::Config, Described::Routes] {
        names(&schema(of), &mut keys);
    }
    keys.sort();
    keys.dedup();
    assert!(keys.len() > 50, "{keys:?}");
    let has = |key: &String| page.contains(&format!("`{key}`")) || page.contains(&format!("\"{key}\""));
    let missing: Vec<&String> = keys.iter().filter(|key| !has(key)).collect();
    assert!(missing.is_empty(), "docs/configuration.md does not name {missing:?}");
    // The first cell of a row in a table of keys.
    let mut unknown = Vec::new();
    let mut in_keys = false;
    for line in page.lines() {
        in_keys = line.starts_with("| Key |") || in_keys && line.starts_with('|');
        let cell = line.strip_prefix("| `").and_then(|rest| rest.split('`').next());
        unknown.extend(cell.filter(|cell| in_keys && !keys.iter().any(|key| key == cell)));
    }
    assert!(unknown.is_empty(), "docs/configuration.md names keys that nobody knows: {unknown:?}");
}

/// The names of all properties in a schema.
fn names(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "properties" {
                    found.extend(member.as_object().into_iter().flat_map(|members| members.keys().cloned()));
                }
                names(member, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        _ => {}
    }
}
