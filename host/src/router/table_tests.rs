//! Rules of the router, one by one.
//! In come small application folders; out go decisions and problems.
//! Nothing here needs a running host.

use super::{Decision, Destination, Destinations, Entry, NoRoute, Table};
use crate::configuration::{Configuration, IfSecretMissing, Problems};
use crate::request::Kind;

pub(super) const CONFIG: &str = r#"{
  "orchestrator": {}, "jwt": {"secret": "s"},
  "microservices": [ {"name": "a"}, {"name": "b", "connections": ["c"]}, {"name": "c"} ]
}"#;

pub(super) fn table_of(config: &str, host: Option<&str>, routes: &str) -> Result<Table, Problems> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("configuration");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("config.json"), config).unwrap();
    std::fs::write(path.join("routes.json"), routes).unwrap();
    let configuration = Configuration::load(folder.path(), host, IfSecretMissing::LeaveOut).unwrap();
    Table::new(&configuration)
}

/// A table of the orchestrator; each text is `uri` or `METHOD uri`, and its handler is `h0`, `h1`, …
pub(super) fn table(routes: &[&str]) -> Result<Table, Problems> {
    let lines: Vec<String> = routes
        .iter()
        .enumerate()
        .map(|(index, route)| {
            let (method, uri) = route.split_once(' ').unwrap_or(("GET", route));
            format!("{}", serde_json::json!({"method": method, "uri": uri, "handler": format!("h{index}")}))
        })
        .collect();
    table_of(CONFIG, None, &format!("[\n{}\n]", lines.join(",\n")))
}

fn pairs(decision: &Decision<'_>) -> Vec<(String, String)> {
    decision.variables.clone()
}

/// The variables as `name=value` in order, or `-` if the path has no route.
fn variables(uri: &str, path: &str) -> String {
    match table(&[uri]).unwrap().decide(Kind::Rest, "GET", path) {
        Ok(decision) => {
            pairs(&decision).iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        }
        Err(_) => "-".to_owned(),
    }
}

fn handler(table: &Table, method: &str, path: &str) -> Result<String, NoRoute> {
    table.decide(Kind::Rest, method, path).map(|decision| decision.entry.handler.as_ref().unwrap().to_string())
}

#[test]
fn literals_and_variables() {
    assert_eq!(variables("/api/info", "/api/info"), "");
    assert_eq!(variables("/api/info", "/api/Info"), "-");
    assert_eq!(variables("/api/info", "/api"), "-");
    assert_eq!(variables("/api/info", "/api/info/x"), "-");
    assert_eq!(variables("/api/user/:id", "/api/user/7"), "id=7");
    assert_eq!(variables("/api/user/:id", "/api/user/"), "-");
    assert_eq!(variables("/api/:a/:b", "/api/x/y"), "a=x b=y");
    assert_eq!(variables("/api/:a-:b", "/api/x-y-z"), "a=x-y b=z");
    assert_eq!(variables("/api/:a:b", "/api/xéé"), "a=xé b=é");
    assert_eq!(variables("/api/v:n/x", "/api/v2/x"), "n=2");
    assert_eq!(variables("/:a", "/"), "-");
}

#[test]
fn the_rest_of_a_path() {
    assert_eq!(variables("/files/*path", "/files/"), "path=");
    assert_eq!(variables("/files/*path", "/files"), "-");
    assert_eq!(variables("/files/*path", "/files/a/b/"), "path=a/b/");
    assert_eq!(variables("/files*path", "/files/a"), "path=/a");
    assert_eq!(variables("/*a/x/*b", "/1/x/2/x/3"), "a=1 b=2/x/3");
    assert_eq!(variables("/*a.:ext", "/d/f.tar.gz"), "a=d/f ext=tar.gz");
}

#[test]
fn optional_groups() {
    assert_eq!(variables("/api(/:id)", "/api"), "");
    assert_eq!(variables("/api(/:id)", "/api/7"), "id=7");
    assert_eq!(variables("/api(/:id)", "/api/7/8"), "-");
    assert_eq!(variables("/api(/:a(/:b))", "/api/1"), "a=1");
    assert_eq!(variables("/api(/:a(/:b))", "/api/1/2"), "a=1 b=2");
    assert_eq!(variables("/api(/:a)(/:b)/end", "/api/1/end"), "a=1");
    assert_eq!(variables("/x(a(b)c)d(:e)", "/xacd"), "");
    assert_eq!(variables("/x(a(b)c)d(:e)", "/xabcdz"), "e=z");
    assert_eq!(variables("/x(a(b)c)d(:e)", "/xabd"), "-");
}

#[test]
fn one_slash_at_the_end_is_forgiven() {
    assert_eq!(variables("/api/info", "/api/info/"), "");
    assert_eq!(variables("/api/info", "/api/info//"), "-");
    assert_eq!(variables("/api/:id", "/api/7/"), "id=7");
    assert_eq!(variables("/", "/"), "");
    assert_eq!(variables("/api/info/", "/api/info/"), "");
    assert_eq!(variables("/api/info/", "/api/info"), "-");
}

#[test]
fn escapes_are_decoded_but_never_cross_a_segment() {
    assert_eq!(variables("/api/:x", "/api/a%2Fb"), "x=a/b");
    assert_eq!(variables("/api/:x/b", "/api/a%2Fb"), "-");
    assert_eq!(variables("/api/:x", "/api/caf%C3%A9"), "x=café");
    assert_eq!(variables("/api/café", "/api/caf%C3%A9"), "");
    assert_eq!(variables("/api/caf%C3%A9", "/api/café"), "");
    assert_eq!(variables("/api/a%2Fb", "/api/a%2fb"), "");
    assert_eq!(variables("/api/a%2Fb", "/api/a/b"), "-");
    assert_eq!(variables("/api/info", "/api%2Finfo"), "-");
    assert_eq!(variables("/api/info", "/%61pi/info"), "");
    for broken in ["/api/%", "/api/%4", "/api/%zz", "/api/%ff", "/api/%fe", "/api/%C3", "/api/%C3/%A9", "/api/%+1"] {
        assert_eq!(variables("/*x", broken), "-", "{broken}");
    }
    for other in ["", "*", "api/info", "?"] {
        assert_eq!(variables("/*x", other), "-", "{other}");
    }
}

#[test]
fn the_first_route_that_fits_wins() {
    let table = table(&["/api/x", "/api/:id", "POST /api/:id", "ANY /any", "HEAD /head", "/head"]).unwrap();
    assert_eq!(handler(&table, "GET", "/api/x").unwrap(), "h0");
    assert_eq!(handler(&table, "GET", "/api/y").unwrap(), "h1");
    assert_eq!(handler(&table, "HEAD", "/api/y").unwrap(), "h1");
    assert_eq!(handler(&table, "POST", "/api/x").unwrap(), "h2");
    assert_eq!(handler(&table, "TRACE", "/any").unwrap(), "h3");
    assert_eq!(handler(&table, "HEAD", "/head").unwrap(), "h4");
    assert_eq!(handler(&table, "GET", "/head").unwrap(), "h5");
    assert_eq!(handler(&table, "GET", "/nowhere"), Err(NoRoute::UnknownPath));
    let allowed = ["GET", "HEAD", "POST"].map(str::to_owned).to_vec();
    assert_eq!(handler(&table, "PUT", "/api/x"), Err(NoRoute::WrongMethod { allowed }));
}

fn problem(routes: &[&str]) -> String {
    table(routes).err().map(|problems| problems.to_string()).unwrap_or_default()
}

#[test]
fn a_route_that_stands_twice_is_an_error() {
    assert_eq!(
        problem(&["/api/:a", "/api/:b"]),
        "configuration/routes.json:3:1: GET /api/:b stands already on line 2, as /api/:a; remove one of the two"
    );
    assert_eq!(problem(&["/api/:a", "POST /api/:b"]), "");
}

#[test]
fn a_hidden_route_is_an_error() {
    assert_eq!(
        problem(&["/api/:x", "/api/lit"]),
        "configuration/routes.json:3:1: GET /api/lit is never reached: GET /api/:x on line 2 takes its requests; \
         move it above line 2"
    );
    for (earlier, later) in [
        ("ANY /api/:x", "/api/:y"),
        ("/api/:x", "HEAD /api/y"),
        ("/*all", "/api/:x(/:y)"),
        ("/api(/:x)", "/api"),
        ("/api(/*x)", "/api/:a/*b"),
        ("/api/:x", "/api/:a-:b"),
        ("/api/:x", "/api/a%2Fb"),
        ("/api/x", "/api/x/"),
        ("/api/:a(/:b)", "/api/1(/2)"),
    ] {
        assert!(problem(&[earlier, later]).contains("never reached"), "{earlier} {later}");
    }
    for (earlier, later) in [
        ("/api/lit", "/api/:x"),
        ("/api/:x", "/api(/:x)"),
        ("/api/:x", "/api/*x"),
        ("/api/:x/y", "/api/:x/:y"),
        ("/api/:a-:b", "/api/:x"),
        ("POST /*all", "/api/x"),
        ("/api/x", "ANY /api/x"),
        ("HEAD /api/x", "/api/x"),
        ("/api/:x", "/api/x/"),
    ] {
        let found = problem(&[earlier, later]);
        let forgiven = later == "/api/x/";
        assert_eq!(found.is_empty(), !forgiven, "{earlier} {later} {found}");
    }
}

/// `uri`, and where it leads from this host.
fn shown(entry: &Entry) -> String {
    let place = |destination: &Destination| match destination {
        Destination::Here(handler) => format!("here {handler}"),
        Destination::There(service) => format!("there {service}"),
        Destination::Members(members) => format!("all of {members:?}"),
    };
    let places = match &entry.destinations {
        Destinations::One(destination) => place(destination),
        Destinations::Chosen(choices) => {
            let choices = choices.iter().map(|choice| format!("{}: {}", choice.name, place(&choice.destination)));
            choices.collect::<Vec<_>>().join(", ")
        }
    };
    format!("{} {places}", entry.uri)
}

#[test]
fn each_host_has_its_own_routes() {
    let routes = r#"[
      {"uri": "/local", "handler": "l"},
      {"uri": "/a", "handler": "ha", "on_microservice": "a"},
      {"uri": "/c", "handler": "hc", "on_microservice": "c"},
      {"uri": "/c/private", "handler": "hp", "on_microservice": "c", "from_microservices": ["a"]},
      {"uri": "/a/both", "handler": "hb", "on_microservice": "a", "from_microservices": ["orchestrator", "b"]}
    ]"#;
    let list = |host: Option<&str>| -> Vec<String> {
        let table = table_of(CONFIG, host, routes).unwrap();
        table.entries().iter().map(shown).collect()
    };
    assert_eq!(list(None), ["/local here l", "/a there a", "/c there c", "/a/both there a"]);
    assert_eq!(list(Some("a")), ["/a here ha", "/c there c", "/c/private there c", "/a/both here hb"]);
    assert_eq!(list(Some("b")), ["/a there a", "/c there c", "/a/both there a"]);
    assert_eq!(list(Some("c")), ["/c here hc", "/c/private here hp"]);
}

#[test]
fn the_only_microservice_of_a_folder_answers_all() {
    let config = r#"{"ms_name": "solo", "jwt": {"secret": "s"}}"#;
    let routes = r#"[{"uri": "/x", "handler": "hx"}, {"uri": "/y", "handler": "hy", "on_microservice": "solo"}]"#;
    let table = table_of(config, None, routes).unwrap();
    assert!(table.entries().iter().all(|entry| entry.handler_here("solo").is_some()));
    assert_eq!(table.entries().len(), 2);
}

const FLEET: &str = r#"{
  "orchestrator": {}, "jwt": {"secret": "s"},
  "microservices": [ {"name": "a"}, {"name": "b", "connections": ["a", "c"]}, {"name": "c"}, {"name": "d"},
                     {"name": "ab", "members": ["a", "b"]}, {"name": "most", "members": ["ab", "c"]} ]
}"#;

/// The routes of each host of `FLEET`, `orchestrator` first.
fn lists(routes: &str) -> Vec<(&'static str, Vec<String>)> {
    let list = |host: &'static str| {
        let table = table_of(FLEET, Some(host), routes).unwrap_or_else(|problems| panic!("{host}: {problems}"));
        (host, table.entries().iter().map(shown).collect())
    };
    ["orchestrator", "a", "b", "c", "d"].map(list).to_vec()
}

fn expect(found: &[(&str, Vec<String>)], expected: &[(&str, &[&str])]) {
    for (host, list) in found {
        let wanted = expected.iter().find(|(name, _)| name == host).map_or(&[] as &[&str], |(_, list)| *list);
        assert_eq!(list, wanted, "{host}");
    }
}

#[test]
fn a_group_is_asked_from_outside_and_answered_by_its_members() {
    let routes = r#"[
      {"uri": "/ab", "handler": "h", "on_microservice": "ab"},
      {"uri": "/most", "handler": "h", "on_microservice": "most", "from_microservices": ["b"]}
    ]"#;
    expect(
        &lists(routes),
        &[
            ("orchestrator", &["/ab all of [\"a\", \"b\"]"]),
            ("a", &["/ab here h", "/most here h"]),
            ("b", &["/ab here h", "/most all of [\"a\", \"b\", \"c\"]"]),
            ("c", &["/most here h"]),
        ],
    );
}

#[test]
fn a_path_chooses_among_what_its_host_can_reach() {
    let routes =
        r#"[{"uri": "/:destination/x", "handler": "h", "on_microservices": ["d", "most"], "on_microservice": "c"}]"#;
    expect(
        &lists(routes),
        &[
            (
                "orchestrator",
                &[
                    "/:destination/x c: there c, d: there d, most: all of [\"a\", \"b\", \"c\"], ab: all of [\"a\", \"b\"], \
                   a: there a, b: there b",
                ],
            ),
            ("a", &["/:destination/x most: here h, ab: here h, a: here h"]),
            ("b", &["/:destination/x c: there c, most: here h, ab: here h, a: there a, b: here h"]),
            ("c", &["/:destination/x c: here h, most: here h"]),
            ("d", &["/:destination/x d: here h"]),
        ],
    );
    let table = table_of(FLEET, None, routes).unwrap();
    let decided = |path| table.decide(Kind::Rest, "GET", path).map(|decision| decision.destination.clone());
    assert!(matches!(decided("/d/x"), Ok(Destination::There(service)) if service.as_str() == "d"));
    assert!(matches!(decided("/most/x"), Ok(Destination::Members(members)) if members.len() == 3));
    for (path, name) in [("/zzz/x", "zzz"), ("/orchestrator/x", "orchestrator"), ("/D/x", "D"), ("/a%2Fb/x", "a/b")] {
        assert_eq!(decided(path), Err(NoRoute::NoSuchDestination(name.to_owned())));
    }
}

#[test]
fn a_chain_is_written_as_routes_of_one_path() {
    let chain = r#"[
      {"uri": "/x/:id", "on_microservice": "a", "from_microservices": ["orchestrator"]},
      {"uri": "/x/:id", "on_microservice": "b", "from_microservices": ["a"]},
      {"uri": "/x/:key", "on_microservice": "c", "from_microservices": ["b"]},
      {"uri": "/x/:id", "on_microservice": "d", "from_microservices": ["c"], "handler": "h"}
    ]"#;
    let expected: &[(&str, &[&str])] = &[
        ("orchestrator", &["/x/:id there a"]),
        ("a", &["/x/:id there b"]),
        ("b", &["/x/:key there c"]),
        ("c", &["/x/:id there d"]),
        ("d", &["/x/:id here h"]),
    ];
    expect(&lists(chain), expected);
    // The last host's route may be one of its own, before or behind the others, and may be open to every sender.
    let last = r#"{"uri": "/x/:id", "on_microservice": "d", "handler": "h"}"#;
    let bare = chain.replace(", \"handler\": \"h\"", "");
    expect(&lists(&bare.replacen('[', &format!("[{last},"), 1)), expected);
    expect(&lists(&bare.replace("\n    ]", &format!(",{last}]"))), expected);
}

#[test]
fn a_chain_may_begin_beside_the_orchestrator_and_end_in_a_group() {
    let routes = r#"[
      {"uri": "/x", "on_microservice": "d", "from_microservices": ["orchestrator"]},
      {"uri": "/x", "on_microservice": "most", "from_microservices": ["d"], "handler": "h"}
    ]"#;
    expect(
        &lists(routes),
        &[
            ("orchestrator", &["/x there d"]),
            ("d", &["/x all of [\"a\", \"b\", \"c\"]"]),
            ("a", &["/x here h"]),
            ("b", &["/x here h"]),
            ("c", &["/x here h"]),
        ],
    );
}

#[test]
fn a_ring_is_a_chain_without_an_end() {
    let routes = r#"[
      {"uri": "/x", "on_microservice": "a", "from_microservices": ["orchestrator", "b"]},
      {"uri": "/x", "on_microservice": "b", "from_microservices": ["a"]}
    ]"#;
    let expected: &[(&str, &[&str])] =
        &[("orchestrator", &["/x there a"]), ("a", &["/x there b"]), ("b", &["/x there a"])];
    expect(&lists(routes), expected);
}

#[test]
fn what_really_stands_twice_on_one_host_is_still_an_error() {
    let problem = |routes: &str, host| table_of(FLEET, Some(host), routes).err().map(|all| all.to_string());
    let two_ways = r#"[
      {"uri": "/x", "on_microservice": "a", "from_microservices": ["orchestrator"]},
      {"uri": "/x", "on_microservice": "b", "from_microservices": ["orchestrator"], "handler": "h"}
    ]"#;
    let twice = "configuration/routes.json:3:7: GET /x stands already on line 2, as /x; remove one of the two";
    assert_eq!(problem(two_ways, "orchestrator").unwrap(), twice);
    let answered_and_sent_on = r#"[
      {"uri": "/x", "on_microservice": "a", "handler": "h"},
      {"uri": "/x", "on_microservice": "b", "from_microservices": ["a"], "handler": "h"}
    ]"#;
    assert_eq!(problem(answered_and_sent_on, "a").unwrap(), twice);
    let nobody = r#"[{"uri": "/x", "on_microservice": "a"}]"#;
    assert_eq!(problem(nobody, "orchestrator"), None);
    assert!(problem(nobody, "a").unwrap().contains("1:2: this route has no \"handler\"; add \"handler\""));
}

#[test]
fn a_host_may_send_all_of_its_requests_to_one_that_knows_more() {
    let routes = r#"[
      {"uri": "/api/*all", "method": "ANY", "on_microservice": "a", "from_microservices": ["orchestrator"]},
      {"uri": "/api/x/:id", "on_microservice": "c", "from_microservices": ["a"], "handler": "hx"},
      {"uri": "/api/y", "on_microservice": "a", "from_microservices": ["d"], "handler": "hy"}
    ]"#;
    expect(
        &lists(routes),
        &[
            ("orchestrator", &["/api/*all there a"]),
            ("a", &["/api/x/:id there c", "/api/y here hy"]),
            ("c", &["/api/x/:id here hx"]),
            ("d", &["/api/y there a"]),
        ],
    );
}

#[test]
fn a_member_that_asks_its_group_needs_the_handler() {
    let routes = r#"[{"uri": "/x", "on_microservice": "most", "from_microservices": ["b"]}]"#;
    let problem = table_of(FLEET, Some("b"), routes).err().map(|all| all.to_string()).unwrap_or_default();
    assert!(problem.contains("this route has no \"handler\""), "{problem}");
}
