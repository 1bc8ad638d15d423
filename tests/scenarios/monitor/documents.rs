//! Documents, looked at and changed by an operator.

use super::*;

/// A path as the query has it.
fn at(path: &Value) -> String {
    format!("path={}", form(&path.to_string()))
}

fn form(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn names(view: &Value) -> Vec<String> {
    view["children"].as_array().unwrap().iter().map(|child| child["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn values_are_found_level_by_level_and_changed() {
    let app = app();
    let folder = tempfile::tempdir().unwrap();
    let host = Launch::orchestrator(&app).data(folder.path()).start();
    let operator = Operator::of(&host);
    let path = json!(["Documents", "1", "name", "first", "a b/ö"]);
    let set = operator.send("PUT", &format!("documents?{}", at(&path)), &json!({"value": "Rob"}));
    assert_eq!((set.status, set.json()), (200, json!({"ok": true})));
    host.wait_for("monitor: 127.0.0.1 changed Documents");
    assert_eq!(names(&operator.view("documents")), ["Documents"]);
    assert_eq!(names(&operator.view(&format!("documents?{}", at(&json!(["Documents", "1", "name"]))))), ["first"]);
    let node = operator.view(&format!("documents?{}", at(&path)));
    assert_eq!((&node["value"], &node["exists"], &node["hasChildren"]), (&json!("Rob"), &json!(true), &json!(false)));
    let tree = operator.view(&format!("documents/json?{}", at(&json!(["Documents"]))));
    assert_eq!(tree, json!({"1": {"name": {"first": {"a b/ö": "Rob"}}}}));
    // A number of any length stays what it is.
    let long = "12345678901234567890.5";
    operator.send_text("PUT", &format!("documents?{}", at(&path)), &format!(r#"{{"value": {long}}}"#));
    assert!(operator.request("GET", &format!("documents?{}", at(&path))).send().text().contains(long));
    let whole = operator.send("PUT", &format!("documents?{}", at(&path)), &json!({"value": {"a": 1}}));
    assert_eq!(whole.status, 400);
    let gone = operator.request("DELETE", &format!("documents?{}", at(&json!(["Documents", "1"])))).send();
    assert_eq!(gone.json(), json!({"ok": true}));
    host.wait_for("monitor: 127.0.0.1 deleted Documents");
    assert!(names(&operator.view("documents")).is_empty());
    let nothing = operator.request("DELETE", &format!("documents?{}", at(&json!(["Documents", "1"])))).send();
    assert_eq!(nothing.status, 404);
    assert!(!host.lines().iter().any(|line| line.contains("Rob")), "values are not logged");
}

#[test]
fn siblings_are_paged_both_ways() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    for number in 1..=25 {
        let path = at(&json!(["list", number.to_string()]));
        assert_eq!(operator.send("PUT", &format!("documents?{path}"), &json!({"value": number})).status, 200);
    }
    let list = at(&json!(["list"]));
    let page = |more: &str| operator.view(&format!("documents?{list}&limit=10{more}"));
    let numbers = |range: std::ops::RangeInclusive<u32>| range.map(|number| number.to_string()).collect::<Vec<_>>();
    let first = page("");
    assert_eq!((names(&first), &first["previous"], &first["next"]), (numbers(1..=10), &json!(false), &json!(true)));
    let second = page("&after=10");
    assert_eq!((names(&second), &second["previous"], &second["next"]), (numbers(11..=20), &json!(true), &json!(true)));
    let third = page("&after=20");
    assert_eq!((names(&third), &third["previous"], &third["next"]), (numbers(21..=25), &json!(true), &json!(false)));
    let back = page("&before=21");
    assert_eq!((names(&back), &back["previous"], &back["next"]), (numbers(11..=20), &json!(true), &json!(true)));
    assert_eq!(names(&page("&before=11")), numbers(1..=10));
    assert_eq!(names(&page("&from=24")), numbers(24..=25));
    assert_eq!(operator.request("GET", "documents?path=nope").send().status, 400);
}
