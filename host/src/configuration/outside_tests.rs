//! Values of config.json that stand elsewhere, one by one.
//! In come small application folders, files and made-up variables; out go configurations and the exact words of problems.
//! No test changes the environment of the process.

use super::outside::Surroundings;
use super::tests::folder;
use super::{Configuration, Severity};

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
}
