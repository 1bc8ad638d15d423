//! Traces: what of W3C Trace Context goes where, and what a collector gets to see.

use crate::harness::{App, Collector, Fleet, Host, Launch, Seen, text, wait_until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{SPAN}-{flags}")
}

fn app() -> App {
    let config = json!({
        "qewd_up": true, "orchestrator": {},
        "microservices": [
            {"name": "near", "connections": ["far"]}, {"name": "far"},
            {"name": "both", "members": ["near", "far"]},
        ],
    });
    let routes = json!([
        {"uri": "/api/here", "handler": "traced", "authenticate": false},
        {"uri": "/api/near", "handler": "traced", "on_microservice": "near", "authenticate": false},
        {"uri": "/api/far", "handler": "traced", "on_microservice": "far", "authenticate": false},
        {"uri": "/api/both", "handler": "traced", "on_microservice": "both", "authenticate": false},
        {"uri": "/api/panics", "handler": "panics", "authenticate": false},
    ]);
    let app = App::new(config, &routes).guest("orchestrator", "traced").guest("orchestrator", "panics");
    app.guest("near", "traced").guest("far", "traced")
}

fn parts(parent: &Value) -> Vec<String> {
    parent.as_str().unwrap().split('-').map(str::to_owned).collect()
}

#[test]
fn a_trace_goes_through_hosts_and_questions_each_in_a_span_of_its_own() {
    let fleet = Fleet::start(app(), &["far", "near"]);
    let ask = fleet.orchestrator.get("/api/near?path=/api/far&on=far");
    let answer =
        ask.header("traceparent", &parent("01")).header("tracestate", "a=1").header("tracestate", "b=2").send();
    let (near, far) = (answer.json(), answer.json()["below"].clone());
    let mut spans = vec![SPAN.to_owned()];
    for seen in [&near, &far] {
        let parts = parts(&seen["parent"]);
        assert_eq!((parts[0].as_str(), parts[1].as_str(), parts[3].as_str()), ("00", TRACE, "01"), "{seen}");
        assert_eq!(seen["state"], "a=1,b=2");
        assert!(!spans.contains(&parts[2]), "{seen} has a span that was there before");
        spans.push(parts[2].clone());
    }
    fleet.hosts().for_each(|host| {
        host.wait_for("-> 200");
    });
}

#[test]
fn what_is_no_trace_begins_a_new_one_without_a_state() {
    let host = Launch::orchestrator(&app()).start();
    let ask = |parents: &[&str]| {
        let request = host.get("/api/here").header("tracestate", "a=1");
        let request = parents.iter().fold(request, |request, parent| request.header("Traceparent", parent));
        request.send().json()
    };
    let good = parent("00");
    for bad in [
        vec![],
        vec![good.as_str(), good.as_str()],
        vec!["00-00000000000000000000000000000000-b7ad6b7169203331-01"],
        vec!["00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"],
        vec!["ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
        vec!["00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"],
        vec!["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"],
    ] {
        let seen = ask(&bad);
        assert_ne!(parts(&seen["parent"])[1], TRACE, "{bad:?}");
        assert_eq!(seen["state"], Value::Null, "{bad:?}");
    }
    let later = ask(&["cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes"]);
    assert_eq!((parts(&later["parent"])[1].as_str(), &later["state"]), (TRACE, &json!("a=1")));
}

#[test]
fn a_handler_names_a_trace_only_if_it_is_one() {
    let host = Launch::orchestrator(&app()).start();
    let below = |forge: &str| {
        let path = format!("/api/here?path=/api/here&forge={forge}");
        parts(&host.get(path).header("traceparent", &parent("01")).send().json()["below"]["parent"])[1].clone()
    };
    assert_eq!(below("copy"), TRACE);
    assert_eq!(below("nonsense"), TRACE);
    assert_eq!(below("00-11111111111111111111111111111111-b7ad6b7169203331-01"), "1".repeat(32));
}

fn to(collector: &Collector) -> impl Fn(Launch) -> Launch {
    let url = collector.url();
    move |launch: Launch| {
        let launch = launch.environment("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
        launch.environment("OTEL_BSP_SCHEDULE_DELAY", "50").environment("OTEL_EXPORTER_OTLP_HEADERS", "x-key=hush-hush")
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_of_the_trace(seen: &Seen) -> bool {
    hexadecimal(&seen.span.trace_id) == TRACE
}

const INTERNAL: i32 = 1;
const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const ERROR: i32 = 2;

#[test]
fn a_collector_sees_every_host_and_every_way_between_them() {
    let collector = Collector::start();
    let fleet = Fleet::start_as(app(), &["far", "near"], to(&collector));
    let ask = fleet.orchestrator.get("/api/near?path=/api/far&on=far").header("X-Request-Id", "traced-1");
    assert_eq!(ask.header("traceparent", &parent("01")).header("tracestate", "a=1").send().status, 200);
    let spans = collector.wait_for(9, is_of_the_trace);
    assert_eq!(spans.len(), 9, "{spans:#?}");
    let one = |service: &str, kind: i32, name: &str| {
        let is = |seen: &&Seen| seen.service == service && seen.span.kind == kind && seen.span.name == name;
        let found: Vec<&Seen> = spans.iter().filter(is).collect();
        assert_eq!(found.len(), 1, "{service} {name}: {spans:#?}");
        found[0].clone()
    };
    // From the client's span down: each is the parent of the next one.
    let way = [
        one("orchestrator", SERVER, "GET /api/near"),
        one("orchestrator", CLIENT, "GET near"),
        one("near", SERVER, "GET /api/near"),
        one("near", INTERNAL, "handler traced"),
        one("near", CLIENT, "GET far"),
        one("far", SERVER, "GET /api/far"),
        one("far", INTERNAL, "handler traced"),
    ];
    let mut above = SPAN.to_owned();
    for seen in &way {
        assert_eq!(hexadecimal(&seen.span.parent_span_id), above, "{seen:#?}");
        assert!(seen.span.start_time_unix_nano <= seen.span.end_time_unix_nano && seen.span.trace_state == "a=1");
        above = hexadecimal(&seen.span.span_id);
    }
    let first = &way[0];
    for (name, value) in [
        ("http.request.method", "GET"),
        ("url.path", "/api/near"),
        ("http.route", "/api/near"),
        ("http.response.status_code", "200"),
        ("qewd.request_id", "traced-1"),
    ] {
        assert_eq!(first.attribute(name).as_deref(), Some(value), "{name}: {first:#?}");
    }
    assert_eq!(way[2].attribute("qewd.handler").as_deref(), Some("traced"));
    assert_eq!(way[2].attribute("qewd.version").map(|version| version.len()), Some(12));
    assert!(
        collector
            .heads()
            .iter()
            .all(|head| { head.starts_with("POST /v1/traces HTTP/1.1") && head.contains("x-key: hush-hush") })
    );
    for host in fleet.hosts() {
        assert!(host.lines().iter().all(|line| !line.contains("hush")), "a header is in the log");
    }
}

#[test]
fn members_of_a_group_are_asked_in_spans_of_their_own() {
    let collector = Collector::start();
    let fleet = Fleet::start_as(app(), &["far", "near"], to(&collector));
    assert_eq!(fleet.orchestrator.get("/api/both").header("traceparent", &parent("01")).send().status, 200);
    let asked = collector.wait_for(2, |seen| is_of_the_trace(seen) && seen.span.kind == CLIENT);
    let served = collector.wait_for(3, |seen| is_of_the_trace(seen) && seen.span.kind == SERVER);
    for member in ["near", "far"] {
        let asked = asked.iter().find(|seen| seen.span.name == format!("GET {member}")).unwrap();
        let served = served.iter().find(|seen| seen.service == member).unwrap();
        assert_eq!(served.span.parent_span_id, asked.span.span_id);
    }
}

#[test]
fn a_caller_that_does_not_want_its_trace_kept_is_obeyed() {
    let collector = Collector::start();
    let host = to(&collector)(Launch::orchestrator(&app())).start();
    host.get("/api/here").header("traceparent", &parent("00")).send();
    let wanted = host.get("/api/here").header("traceparent", &parent("01").replace(SPAN, "1111111111111111")).send();
    assert_eq!(parts(&wanted.json()["parent"])[3], "01");
    let new = host.get("/api/here").send().json();
    assert_eq!(parts(&new["parent"])[3], "01", "a new trace is kept, and says so to others");
    let new = parts(&new["parent"])[1].clone();
    collector.wait_for(1, |seen| hexadecimal(&seen.span.trace_id) == new && seen.span.kind == SERVER);
    let kept = collector.wait_for(1, is_of_the_trace);
    assert!(kept.iter().all(|seen| hexadecimal(&seen.span.parent_span_id) != SPAN), "{kept:#?}");
}

#[test]
fn a_host_without_a_collector_decides_nothing_for_those_behind_it() {
    let collector = Collector::start();
    let far = to(&collector)(Launch::microservice(&app(), "far")).start();
    let near = Launch::microservice(&app(), "near").reaching("far", far.port).start();
    let host = Launch::orchestrator(&app()).reaching("far", far.port).reaching("near", near.port).start();
    [&near, &host].into_iter().for_each(Host::wait_for_links);
    let ways = ["/api/far", "/api/here?path=/api/far&on=far", "/api/here?path=/api/far&on=far&forge=copy", "/api/both"];
    for (number, way) in ways.into_iter().enumerate() {
        let id = format!("quiet-{number}");
        assert_eq!(host.get(way).header("X-Request-Id", &id).send().status, 200, "{way}");
        let is_it = |seen: &Seen| seen.span.kind == SERVER && seen.attribute("qewd.request_id").as_deref() == Some(&id);
        let seen = &collector.wait_for(1, is_it)[0];
        assert!(seen.span.parent_span_id.is_empty(), "{way}: it begins there: {seen:#?}");
    }
    // Its own handlers see a trace, and what a caller has decided is passed on.
    assert_eq!(parts(&host.get("/api/here").send().json()["parent"])[3], "00");
    assert_eq!(host.get("/api/far").header("traceparent", &parent("00")).send().status, 200);
    assert_eq!(host.get("/api/far").header("traceparent", &parent("01")).send().status, 200);
    let named = collector.wait_for(2, is_of_the_trace);
    assert_eq!(named.iter().filter(|seen| seen.span.kind == SERVER).count(), 1, "{named:#?}");
}

#[test]
fn faults_and_refusals_are_seen_and_the_last_spans_leave_with_the_host() {
    let collector = Collector::start();
    let mut host = to(&collector)(Launch::orchestrator(&app())).start();
    assert_eq!(host.get("/api/panics").send().status, 500);
    assert_eq!(host.get("/none").send().status, 404);
    assert_eq!(host.get("/api/here").header("X-Big", &"x".repeat(70_000)).send().status, 431);
    let mut spans = collector.wait_for(3, |seen| seen.span.kind == SERVER);
    spans.sort_by_key(|seen| seen.attribute("http.response.status_code"));
    let shown = |seen: &Seen| {
        let code = seen.span.status.as_ref().map(|status| status.code);
        (seen.span.name.clone(), seen.attribute("http.response.status_code"), code.unwrap_or_default())
    };
    let status = |code: &str| Some(code.to_owned());
    assert_eq!(shown(&spans[0]), ("GET".to_owned(), status("404"), 0));
    assert_eq!(shown(&spans[1]), ("GET /api/here".to_owned(), status("431"), 0));
    assert_eq!(shown(&spans[2]), ("GET /api/panics".to_owned(), status("500"), ERROR));
    // The last spans leave when the host ends.
    host.get("/api/here").header("traceparent", &parent("01")).send();
    host.signal("TERM");
    assert!(host.ended().success());
    assert!(collector.spans().iter().any(is_of_the_trace));
}

#[test]
fn a_collector_that_is_away_costs_one_line_and_no_request() {
    let collector = Collector::start();
    collector.answer(401);
    let mut host = to(&collector)(Launch::orchestrator(&app())).start();
    let ask = || assert_eq!(host.get("/api/here").send().status, 200);
    ask();
    host.wait_for("traces do not reach the collector at");
    let refused = collector.heads().len();
    for _ in 0..3 {
        ask();
        let before = collector.heads().len();
        wait_until("the next batch is refused", || collector.heads().len() > before);
    }
    assert!(collector.heads().len() > refused);
    let said = |words: &str| host.lines().iter().filter(|line| line.contains(words)).count();
    assert_eq!(said("collector"), 1, "{:#?}", host.lines());
    collector.answer(200);
    ask();
    host.wait_for("traces reach the collector at");
    // One that never answers does not hold up the end.
    let nobody = Launch::orchestrator(&app()).environment("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let mut nobody = nobody.start();
    assert_eq!(nobody.get("/api/here").send().status, 200);
    for host in [&mut host, &mut nobody] {
        let begun = Instant::now();
        host.signal("TERM");
        assert!(host.ended().success());
        assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    }
}

#[test]
fn spans_that_find_no_room_are_counted_and_told_though_the_collector_is_well() {
    let collector = Collector::start();
    let host = to(&collector)(Launch::orchestrator(&app())).environment("OTEL_BSP_MAX_QUEUE_SIZE", "1").start();
    let dropped = |reason: &str| {
        let text = host.get("/metrics").send().text();
        let sample = format!("qewd_spans_dropped_total{{reason=\"{reason}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&sample)).unwrap().parse::<usize>().unwrap()
    };
    assert_eq!((dropped("queue_full"), dropped("not_taken")), (0, 0));
    for _ in 0..20 {
        assert_eq!(host.get("/api/here").send().status, 200);
    }
    // Of each request at least two spans are more than one place has.
    let lost = dropped("queue_full");
    assert!((40..60).contains(&lost), "{lost}");
    wait_until("the others have come", || collector.spans().len() + dropped("queue_full") == 60);
    host.wait_for(" spans had no room in the queue of 1 and were dropped, though the collector takes spans; raise ");
    assert_eq!(host.lines().iter().filter(|line| line.contains("no room in the queue")).count(), 1);
    collector.answer(503);
    assert_eq!(host.get("/api/here").send().status, 200);
    wait_until("what is not taken is counted", || dropped("not_taken") > 0);
    let untold = Launch::orchestrator(&app()).start();
    assert!(!untold.get("/metrics").send().text().contains("qewd_spans_dropped_total"));
}

#[test]
fn the_environment_names_the_service_and_what_is_kept() {
    let collector = Collector::start();
    let launch = to(&collector)(Launch::microservice(&app(), "far"));
    let launch = launch.environment("OTEL_SERVICE_NAME", "shop").environment("OTEL_TRACES_SAMPLER", "always_on");
    let far = launch.environment("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,place=cellar%20%C3%B6%2C%3D").start();
    far.get("/api/far").header("traceparent", &parent("00")).send();
    let seen = &collector.wait_for(1, is_of_the_trace)[0];
    assert_eq!(seen.service, "shop");
    assert_eq!(text(&seen.resource, "place").as_deref(), Some("cellar ö,="));
    assert!(text(&seen.resource, "telemetry.sdk.name").is_some());
    let off = to(&collector)(Launch::orchestrator(&app())).environment("OTEL_SDK_DISABLED", "true").start();
    assert_eq!(off.get("/api/here").send().status, 200);
    assert!(off.lines().iter().all(|line| !line.contains("traces go to")));
}

#[test]
fn what_is_not_served_is_refused_at_the_start_and_never_shown() {
    for (name, value, words) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "ftp://user:hush@x",
            "OTEL_EXPORTER_OTLP_ENDPOINT must be the URL of a collector",
        ),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "hush", "OTEL_EXPORTER_OTLP_ENDPOINT must be the URL of a collector"),
        ("OTEL_TRACES_SAMPLER", "hush", "OTEL_TRACES_SAMPLER must be one of always_on"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hush", "OTEL_EXPORTER_OTLP_HEADERS must be headers such as api-key=…"),
        ("OTEL_SDK_DISABLED", "hush", "OTEL_SDK_DISABLED must be true or false"),
        ("OTEL_RESOURCE_ATTRIBUTES", "place=%hush", "OTEL_RESOURCE_ATTRIBUTES must be pairs such as place=cellar"),
        (
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            "/nowhere.pem",
            "OTEL_EXPORTER_OTLP_CERTIFICATE: /nowhere.pem: cannot be read",
        ),
    ] {
        let launch = Launch::orchestrator(&app()).environment("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:1");
        let refused = launch.environment(name, value).fails();
        assert_eq!(refused.code, Some(1), "{name}");
        assert!(refused.err.contains(words) && !refused.err.contains("hush"), "{refused:?}");
    }
}

#[test]
fn a_variable_that_is_no_text_is_refused_and_not_passed_over() {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = std::ffi::OsStr::from_bytes(b"info\xff");
    for name in ["QEWD_LOG", "QEWD_LOG_FORMAT", "OTEL_SERVICE_NAME"] {
        let refused = Launch::orchestrator(&app()).environment(name, bytes).fails();
        let words = format!("qewd: {name} is not UTF-8; mend it, or take it away\n");
        assert_eq!((refused.code, refused.err.as_str()), (Some(1), words.as_str()));
    }
}
