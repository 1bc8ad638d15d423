//! All hosts, seen from one.

use super::*;

#[test]
fn the_orchestrator_shows_its_services_over_the_links() {
    let mut fleet = Fleet::example();
    fleet.orchestrator.wait_for_links();
    let token = fleet.orchestrator.login();
    assert_eq!(fleet.orchestrator.get("/api/info/info").token(&token).send().status, 200);
    let operator = Operator::of(&fleet.orchestrator);
    let view = operator.view("fleet");
    let hosts = view["hosts"].as_array().unwrap();
    let states: Vec<(&str, &str)> =
        hosts.iter().map(|host| (host["name"].as_str().unwrap(), host["state"].as_str().unwrap())).collect();
    assert_eq!(states[0], ("orchestrator", "here"));
    assert!(states[1..].iter().all(|(_, state)| *state == "ready") && states.len() > 2, "{states:?}");
    let info = hosts.iter().find(|host| host["name"] == json!("info_service")).unwrap();
    assert_eq!(
        (&info["overview"]["host"], &info["overview"]["role"]),
        (&json!("info_service"), &json!("microservice"))
    );
    assert_eq!(info["overview"]["totals"]["requests"], json!(1));
    assert_eq!(info["overview"]["configuration"], Value::Null);
    assert_eq!(operator.view("overview?host=info_service")["workers"][0]["module"], json!("info_service"));
    assert_eq!(operator.view("handlers?host=info_service")["modules"][0]["requests"], json!(1));
    let activity = operator.view("activity?host=info_service");
    assert_eq!(activity["requests"][0]["path"], json!("/api/info/info"));
    let callers = operator.view("links?host=info_service")["callers"].clone();
    assert_eq!(callers[0]["host"], json!("orchestrator"));
    // What is seen there can only be looked at from here.
    assert_eq!(
        operator.request("GET", "overview?host=nope").send().shown(),
        r#"404 {"error":"This host has no link to nope"}"#
    );
    assert_eq!(operator.request("GET", "fleet?host=info_service").send().status, 400);
    let mut links = operator.stream("links");
    let state = |view: &Value, name: &str| {
        let services = view["services"].as_array().unwrap();
        services.iter().find(|service| service["name"] == json!(name)).unwrap()["instances"][0].clone()
    };
    let ready = links.until(|view| state(view, "info_service")["roundTrip"].is_number());
    assert_eq!(state(&ready, "info_service")["state"], json!("ready"));
    fleet.service("info_service").kill();
    let down = links.until(|view| state(view, "info_service")["state"] == json!("down"));
    assert!(state(&down, "info_service")["why"].is_string());
    let member = operator.view("fleet")["hosts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|host| host["name"] == json!("info_service"))
        .unwrap()
        .clone();
    assert_eq!((&member["state"], &member["overview"]), (&json!("down"), &Value::Null));
    let gone = operator.request("GET", "overview?host=info_service").send();
    assert_eq!(gone.status, 503);
    assert!(gone.json()["error"].as_str().unwrap().starts_with("It cannot be asked: "), "{gone:?}");
}

#[test]
fn a_client_cannot_ask_as_another_host_does() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    for path in ["/overview", "/qewd-monitor/api/overview?kind=monitor"] {
        let answer = host.get(path).header("x-qewd-kind", "monitor").send();
        assert!([401, 404].contains(&answer.status), "{answer:?}");
    }
}
