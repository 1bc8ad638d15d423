//! Rules of routes.json, one by one.
//! In come small application folders; out go routes and the exact words of problems.
//! Nothing here needs a running host.

use super::tests::{folder, warnings_of};
use super::{Configuration, Example, IfSecretMissing, Method, Otherwise, Problems};

const CONFIG: &str = r#"{"orchestrator": {}, "microservices": [
  {"name": "login"}, {"name": "stock", "connections": ["login"]}, {"name": "all", "members": ["login"]}]}"#;

fn load(routes: &str, host: Option<&str>) -> Result<Configuration, Problems> {
    Configuration::load(folder(CONFIG, Some(routes)).path(), host, IfSecretMissing::LeaveOut)
}

/// The problem of the file for the orchestrator, without the file's name.
fn problem(routes: &str) -> String {
    let failure = load(routes, None).err();
    failure.map(|problems| problems.to_string().replace("configuration/routes.json:", "")).unwrap_or_default()
}

#[test]
fn routes_are_read_in_the_order_of_the_file() {
    let loaded = load(
        r#"[
      {"uri": "/a", "handler": "ha"},
      {"uri": "/b/:id", "method": "POST", "on_microservice": "login", "authenticate": false,
       "example": {"path": "/b/7", "body": {"x": 1}}},
      {"else": {"statusCode": 410, "text": "Gone"}},
      {"uri": "/c", "method": "ANY", "handler": "hc", "from_microservices": ["orchestrator", "stock"]}
    ]"#,
        None,
    )
    .unwrap();
    let [a, b, c] = loaded.routes.as_slice() else { panic!("{:?}", loaded.routes) };
    assert_eq!((a.uri.as_str(), a.method, a.authenticate), ("/a", Method::Verb("GET"), true));
    assert_eq!((a.handler.as_ref().unwrap().as_str(), a.on_microservice.as_ref()), ("ha", None));
    assert_eq!(a.place.to_string(), "configuration/routes.json:2:7");
    assert_eq!((b.method, b.authenticate, b.handler.as_ref()), (Method::Verb("POST"), false, None));
    assert_eq!(b.on_microservice.as_ref().unwrap().as_str(), "login");
    let body = Some(serde_json::json!({"x": 1}));
    assert_eq!(b.example, Some(Example { path: Some("/b/7".to_owned()), body }));
    assert_eq!((c.method, c.from_microservices.as_ref().unwrap().len()), (Method::Any, 2));
    assert_eq!(loaded.otherwise, Some(Otherwise { status: 410, text: "Gone".to_owned() }));
    let usual = load(r#"[{"else": {}}]"#, None).unwrap().otherwise.unwrap();
    assert_eq!((usual.status, usual.text.as_str()), (404, "Not Found"));
}

#[test]
fn a_wrong_route_names_the_way_out() {
    for (route, expected) in [
        (r#""uri": "api", "handler": "h""#, r#"bad uri "api": the uri must begin with /; write "/api""#),
        (r#""uri": "/a?b", "handler": "h""#, "a uri cannot hold '?'; leave the query out"),
        (r#""uri": "/a(/b", "handler": "h""#, "a ( is not closed; add the missing )"),
        (r#""uri": "/a)", "handler": "h""#, "a ) has no ( before it; remove it, or add the ("),
        (r#""uri": "/a/:", "handler": "h""#, "a : has no name behind it; write a name such as :id"),
        (r#""uri": "/a/*", "handler": "h""#, "a * has no name behind it; write a name such as *id"),
        (r#""uri": "/:a/(:a)", "handler": "h""#, "the variable \"a\" comes twice; give each variable its own name"),
        (r#""uri": "/100%", "handler": "h""#, "holds a broken % escape; write %25 for the sign % itself"),
        (r#""uri": "/%ff", "handler": "h""#, "holds a broken % escape"),
        (r#""handler": "h""#, "this route has no \"uri\"; add"),
        (r#""uri": "/a""#, "this route has no \"handler\"; add"),
        (r#""uri": "/a", "handler": "a b""#, "\"a b\" is not a name"),
        (r#""uri": "/a", "handler": "h", "method": "get""#, "\"method\" is \"get\"; write \"GET\""),
        (
            r#""uri": "/a", "handler": "h", "method": "FETCH""#,
            "use one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, ANY",
        ),
        (
            r#""uri": "/a", "handler": "h", "authenticate": "no""#,
            "\"authenticate\" must be true or false, but is the text \"no\"",
        ),
        (
            r#""uri": "/a", "on_microservice": "lgin""#,
            "unknown microservice \"lgin\"; did you mean \"login\"? config.json has: login, stock, all",
        ),
        (r#""uri": "/a", "on_microservice": "orchestrator""#, "the orchestrator is no microservice; remove"),
        (r#""uri": "/a", "handler": "h", "from_microservices": ["x"]"#, "unknown microservice \"x\"; add it to"),
        (
            r#""uri": "/a", "handler": "h", "handler_source": "lgin""#,
            "unknown microservice \"lgin\"; did you mean \"login\"?",
        ),
        (
            r#""uri": "/a", "handler": "h", "handler_source": "all""#,
            "unknown microservice \"all\"; a group has no folder",
        ),
        (
            r#""uri": "/a", "on_microservice": "login", "handler_source": "stock""#,
            "\"handler_source\" says whose handler is meant, and this route has none; add \"handler\"",
        ),
        (
            r#""uri": "/a", "on_microservices": ["login"]"#,
            "\"on_microservices\" needs the variable :destination in the \"uri\"; write the uri as \"/api/:destination/",
        ),
        (
            r#""uri": "/:destination/a", "handler": "h""#,
            ":destination in the uri has nothing to choose from; add \"on_microservices\": [\"…\"], or give",
        ),
        (
            r#""uri": "/a(/:destination)", "on_microservices": ["login"]"#,
            ":destination in the uri chooses where the request goes, so it must be one whole :name; write it outside",
        ),
        (r#""uri": "/a/*destination", "on_microservice": "login""#, "must be one whole :name"),
        (r#""uri": "/:destination", "on_microservices": []"#, "\"on_microservices\" is empty; name at least one"),
        (r#""uri": "/:destination", "on_microservices": ["login", "x"]"#, "unknown microservice \"x\"; add it to"),
        (r#""uri": "/:destination", "on_microservices": ["orchestrator"]"#, "the orchestrator is no microservice"),
        (r#""uri": "/:destination", "on_microservices": "login""#, "must be a list of texts"),
        (
            r#""application": "a", "type": "b", "on_microservices": ["login"]"#,
            "\"on_microservices\" needs the variable :destination",
        ),
        (r#""uri": "/a", "handler": "h", "router": "x""#, "this version does not serve the key \"router\"; write one"),
        (r#""application": "x", "handler": "h""#, "this route for messages has no \"type\"; add \"type\": \"…\""),
        (r#""type": "x", "handler": "h""#, "this route for messages has no \"application\"; add"),
        (
            r#""application": "a b", "type": "y", "handler": "h""#,
            "\"application\" is \"a b\"; use 1 to 64 letters, digits, '_', '-' and '.', and do not begin with '.'",
        ),
        (
            r#""application": "a", "type": "", "handler": "h""#,
            "\"type\" is \"\"; use 1 to 128 characters, none of them a control character",
        ),
        (
            r#""application": "a", "type": "ewd-register", "handler": "h""#,
            "messages of type \"ewd-register\" belong to the connection itself; give the type another name",
        ),
        (r#""application": "a", "type": "qoper8-x", "handler": "h""#, "belong to the connection itself"),
        (r#""application": "a", "type": "restRequest", "handler": "h""#, "belong to the connection itself"),
        (r#""application": "a", "type": "error", "handler": "h""#, "belong to the connection itself"),
        (
            r#""application": "a", "type": "b", "handler": "h", "uri": "/a""#,
            "a route for messages has no \"uri\"; write one route for requests and one for messages",
        ),
        (
            r#""application": "a", "type": "b", "handler": "h", "method": "GET""#,
            "a route for messages has no \"method\"; messages have none: remove the key",
        ),
        (
            r#""uri": "/a", "handler": "h", "hander": "i""#,
            "unknown key \"hander\"; did you mean \"handler\"? known keys: uri, method, application, type",
        ),
        (r#""else": {"statusCode": 99}"#, "\"statusCode\" must be a whole number from 200 to 599"),
        (r#""else": {}, "uri": "/a", "handler": "h""#, "\"else\"; put it into an object of its own"),
    ] {
        let found = problem(&format!("[{{{route}}}]"));
        assert!(found.contains(expected), "{route}\n{found}");
        assert!(found.starts_with("1:"), "{found}");
    }
    assert!(problem("{}").contains("1:1: the file must be a list of routes, but is an object"));
    assert!(problem("[1]").contains("a route must be an object, but is the number 1"));
    assert!(problem("[{\"else\": {}}, {\"else\": {}}]").contains("more than one \"else\""));
}

#[test]
fn both_files_are_read_before_giving_up() {
    let folder = folder("{\"prot\": 1,}", Some("[\n1\n2]"));
    let failure = Configuration::load(folder.path(), None, IfSecretMissing::Generate).unwrap_err();
    let files: Vec<String> = failure.0.iter().map(|problem| problem.file.display().to_string()).collect();
    assert_eq!(files, ["configuration/config.json", "configuration/routes.json"]);
}

#[test]
fn keys_without_effect_are_warned_about() {
    let loaded =
        load(r#"[{"uri": "/a", "handler": "h", "applyBeforeHandler": false, "imported": true}]"#, None).unwrap();
    assert_eq!(warnings_of(&loaded).len(), 2);
}

#[test]
fn links_come_from_connections_and_routes() {
    let routes = r#"[
      {"uri": "/a", "handler": "h", "on_microservice": "stock", "from_microservices": ["login", "stock"]},
      {"uri": "/b", "handler": "h", "on_microservice": "stock", "from_microservices": ["login"]},
      {"uri": "/c", "handler": "h", "on_microservice": "login", "from_microservices": ["stock"]}
    ]"#;
    let links = |host| load(routes, host).unwrap().links.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(links(None), ["login", "stock"]);
    assert_eq!(links(Some("login")), ["stock"]);
    assert_eq!(links(Some("stock")), ["login"]);
}

#[test]
fn links_go_to_every_member_and_every_choice() {
    let config = r#"{"orchestrator": {}, "microservices": [
      {"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "g", "members": ["b", "c"]}]}"#;
    let routes = r#"[
      {"uri": "/all", "handler": "h", "on_microservice": "g", "from_microservices": ["b"]},
      {"uri": "/:destination", "handler": "h", "on_microservices": ["g", "b"], "from_microservices": ["a"]}
    ]"#;
    let folder = folder(config, Some(routes));
    let links = |host| {
        let loaded = Configuration::load(folder.path(), Some(host), IfSecretMissing::LeaveOut).unwrap();
        loaded.links.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!((links("a"), links("b"), links("c")), (vec!["b".into(), "c".into()], vec!["c".into()], Vec::new()));
}

#[test]
fn a_handler_may_come_from_another_folder() {
    let routes = r#"[
      {"uri": "/a", "handler": "h", "handler_source": "stock"},
      {"uri": "/b", "handler": "h", "handler_source": "login", "on_microservice": "all"},
      {"uri": "/c", "handler": "h", "handler_source": "stock", "on_microservice": "login"}
    ]"#;
    let sources = |host| load(routes, host).unwrap().sources().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!((sources(None), sources(Some("login"))), (vec!["stock".to_owned()], vec!["stock".to_owned()]));
    assert!(sources(Some("stock")).is_empty());
}

#[test]
fn a_route_for_messages_is_a_path_with_a_method_of_its_own() {
    let loaded = load(
        r#"[
      {"application": "shop", "type": "what/now ?", "handler": "h", "authenticate": false},
      {"application": "shop", "type": "*", "on_microservice": "login"}
    ]"#,
        None,
    )
    .unwrap();
    let [odd, every] = loaded.routes.as_slice() else { panic!("{:?}", loaded.routes) };
    assert_eq!((odd.uri.as_str(), odd.method, odd.authenticate), ("/shop/what%2Fnow%20%3F", Method::Message, false));
    assert_eq!((every.uri.as_str(), every.method.as_str(), every.authenticate), ("/shop/*", "MESSAGE", true));
    assert_eq!(every.on_microservice.as_ref().unwrap().as_str(), "login");
}
