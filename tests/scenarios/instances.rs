//! Several instances of one microservice behind one name: each gets its share, and one that goes costs as little as can be.

use crate::harness::{Answer, App, Crowd, Fleet, Host, Launch, Request, free_port, read_answer, wait_until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const DOWN: &str = r#"503 {"error":"MicroService connection is down"}"#;
/// What the handler writes each time that it runs.
const RUN: &str = "falling asleep";

/// An orchestrator that has everything done by `far`, which has room for all requests of a test.
fn app(far: &Value) -> App {
    let route = |uri: &str, method: &str, handler: &str| json!({"uri": uri, "method": method, "handler": handler, "on_microservice": "far", "authenticate": false});
    let routes = json!([route("/api/sleep", "GET", "sleeper"), route("/api/sleep", "POST", "sleeper")]);
    let mut far = far.clone();
    far["name"] = "far".into();
    far["qewd"] = json!({"poolSize": 32});
    let config = json!({"qewd_up": true, "orchestrator": {}, "microservices": [far]});
    App::new(config, &routes).guest("far", "sleeper")
}

/// An orchestrator and instances of `far`, all linked.
struct Farm {
    app: App,
    orchestrator: Host,
    far: Vec<Host>,
}

impl Farm {
    fn start(app: App, size: usize) -> Self {
        let far: Vec<Host> = (0..size).map(|_| Launch::microservice(&app, "far").port(free_port()).start()).collect();
        let orchestrator = orchestrator(&app, &far);
        Self { app, orchestrator, far }
    }

    /// Starts an instance anew on its port, and waits until it is linked. Returns the one that has ended.
    fn replace(&mut self, number: usize) -> Host {
        let port = self.far[number].port;
        let seen = self.orchestrator.seen();
        let new = Launch::microservice(&self.app, "far").port(port).start();
        self.orchestrator.wait_for_after(seen, &format!("{} micro-service ready", url(port)));
        std::mem::replace(&mut self.far[number], new)
    }

    fn runs(&self) -> Vec<usize> {
        self.far.iter().map(runs).collect()
    }

    /// Begins requests that keep the instances busy, and waits until all of them run.
    fn begin(&self, count: usize, method: &'static str, milliseconds: usize) -> Vec<std::net::TcpStream> {
        let before: usize = self.runs().iter().sum();
        let path = format!("/api/sleep?milliseconds={milliseconds}&for=me");
        let begun = (0..count).map(|_| Request::new(self.orchestrator.port, method, &path).begin()).collect();
        wait_until("all of them run", || self.runs().iter().sum::<usize>() == before + count);
        begun
    }
}

/// An orchestrator in the folder that knows these instances, linked with all of them.
fn orchestrator(app: &App, far: &[Host]) -> Host {
    let launch = far.iter().fold(Launch::orchestrator(app), |launch, host| launch.reaching("far", host.port));
    let orchestrator = launch.start();
    for host in far {
        orchestrator.wait_for(&format!("{} micro-service ready", url(host.port)));
    }
    orchestrator
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// How often the handler ran on a host.
fn runs(host: &Host) -> usize {
    count(host, RUN)
}

fn count(host: &Host, text: &str) -> usize {
    host.lines().iter().filter(|line| line.contains(text)).count()
}

fn slept(milliseconds: usize) -> String {
    format!(r#"200 {{"slept":{milliseconds},"for":"me"}}"#)
}

fn is_short_sleep(answer: &Answer) -> bool {
    answer.shown() == slept(5)
}

const SHORT_SLEEP: &str = "/api/sleep?milliseconds=5&for=me";

/// The answers that came in the end, each as its status and body.
fn answers(begun: Vec<std::net::TcpStream>) -> Vec<String> {
    begun.into_iter().map(|mut stream| read_answer(&mut stream, true).shown()).collect()
}

#[test]
fn every_instance_gets_its_share() {
    let farm = Farm::start(app(&json!({})), 3);
    for _ in 0..90 {
        assert_eq!(farm.orchestrator.get("/api/sleep?for=me").send().shown(), slept(0));
    }
    wait_until("all of them are told", || farm.runs().iter().sum::<usize>() == 90);
    let runs = farm.runs();
    assert!(runs.iter().all(|count| *count >= 10), "{runs:?}");
    for host in &farm.far {
        let url = url(host.port);
        farm.orchestrator.wait_for(&format!("Adding MicroService Client connection: url = {url}; application = far"));
        farm.orchestrator.wait_for(&format!("starting microService connection to {url}"));
        farm.orchestrator.wait_for(&format!("far registered url={url}"));
    }
}

#[test]
fn busy_instances_are_spared() {
    let farm = Farm::start(app(&json!({})), 2);
    let begun = farm.begin(6, "GET", 1000);
    assert_eq!(farm.runs(), [3, 3], "each request goes to the one that has less in flight");
    assert!(answers(begun).iter().all(|answer| *answer == slept(1000)));
}

#[test]
fn reads_survive_an_instance_that_is_killed() {
    let mut farm = Farm::start(app(&json!({})), 2);
    let begun = farm.begin(6, "GET", 1000);
    let crowd = Crowd::start(4, farm.orchestrator.port, SHORT_SLEEP, is_short_sleep);
    farm.far[0].kill();
    assert!(answers(begun).iter().all(|answer| *answer == slept(1000)));
    farm.orchestrator.wait_for(&format!("asking far at {} in place of another", url(farm.far[1].port)));
    farm.replace(0);
    wait_until("the instance that came back has its share", || runs(&farm.far[0]) > 10);
    assert!(crowd.end() > 0);
}

#[test]
fn what_may_have_changed_something_is_answered_for_and_never_repeated() {
    let mut farm = Farm::start(app(&json!({})), 2);
    let begun = farm.begin(6, "POST", 2000);
    let started = Instant::now();
    farm.far[0].kill();
    let answers = answers(begun);
    let lost = answers.iter().filter(|answer| *answer == DOWN).count();
    let answered = answers.iter().filter(|answer| **answer == slept(2000)).count();
    assert_eq!((lost, answered), (3, 3), "{answers:?}");
    assert!(started.elapsed() < Duration::from_secs(4), "it took {:?}", started.elapsed());
    assert_eq!(farm.runs(), [3, 3], "what was lost did not run again");
    let one_more = farm.orchestrator.post("/api/sleep?for=me", "").send().shown();
    assert_eq!(one_more, slept(0), "what comes now goes to the instance that is left");
}

#[test]
fn instances_are_restarted_one_by_one_and_nothing_is_lost() {
    let mut farm = Farm::start(app(&json!({})), 2);
    let reading = Crowd::start(4, farm.orchestrator.port, SHORT_SLEEP, is_short_sleep);
    let writing = Crowd::posting(4, farm.orchestrator.port, SHORT_SLEEP, is_short_sleep);
    let mut ran = 0;
    for round in 0..4 {
        let number = round % 2;
        wait_until("it has work", || runs(&farm.far[number]) > 20);
        farm.far[number].signal("TERM");
        assert_eq!(farm.far[number].ended().code(), Some(0));
        ran += runs(&farm.replace(number));
    }
    let answered = reading.end() + writing.end();
    let ran = || ran + farm.runs().iter().sum::<usize>();
    wait_until("all that ran is in the log", || ran() >= answered);
    assert_eq!(ran(), answered, "each request ran once");
    assert!(!farm.orchestrator.lines().iter().any(|line| line.contains("resting far")));
}

#[test]
fn requests_wait_for_a_service_that_is_restarted() {
    let mut farm = Farm::start(app(&json!({})), 1);
    let reading = Crowd::start(4, farm.orchestrator.port, SHORT_SLEEP, is_short_sleep);
    let writing = Crowd::posting(4, farm.orchestrator.port, SHORT_SLEEP, is_short_sleep);
    wait_until("it has work", || runs(&farm.far[0]) > 20);
    farm.far[0].signal("TERM");
    assert_eq!(farm.far[0].ended().code(), Some(0));
    let old = farm.replace(0);
    wait_until("they go on", || runs(&farm.far[0]) > 20);
    let answered = reading.end() + writing.end();
    let ran = || runs(&old) + farm.runs().iter().sum::<usize>();
    wait_until("all that ran is in the log", || ran() >= answered);
    assert_eq!(ran(), answered, "each request ran once");
    // One that is gone for longer is not waited for any more.
    farm.far[0].signal("TERM");
    assert_eq!(farm.far[0].ended().code(), Some(0));
    assert_eq!(farm.orchestrator.get(SHORT_SLEEP).send().shown(), DOWN);
    let started = Instant::now();
    assert_eq!(farm.orchestrator.get(SHORT_SLEEP).send().shown(), DOWN);
    assert!(started.elapsed() < Duration::from_secs(2), "it took {:?}", started.elapsed());
}

#[test]
fn an_instance_that_falls_silent_is_noticed_and_comes_back() {
    let farm = Farm::start(app(&json!({})), 2);
    let silent = url(farm.far[0].port);
    let begun = farm.begin(6, "GET", 3000);
    farm.far[0].signal("STOP");
    let started = Instant::now();
    assert!(answers(begun).iter().all(|answer| *answer == slept(3000)));
    assert!(started.elapsed() < Duration::from_secs(12), "it took {:?}", started.elapsed());
    let line = farm.orchestrator.wait_for(&format!("resting far at {silent} for "));
    assert!(line.contains("nothing was heard of it for 5 seconds"), "{line}");
    let crowd = Crowd::start(2, farm.orchestrator.port, SHORT_SLEEP, is_short_sleep);
    farm.far[0].signal("CONT");
    farm.orchestrator.wait_for(&format!("far at {silent} is back in use"));
    let before = runs(&farm.far[0]);
    wait_until("it has its share", || runs(&farm.far[0]) > before + 5);
    crowd.end();
    assert_eq!(count(&farm.orchestrator, "is back in use"), 1, "a change is said once");
}

#[test]
fn an_instance_that_does_not_answer_in_time_rests() {
    let app = app(&json!({})).setting("orchestrator", "limits", json!({"requestMilliseconds": 1000}));
    let farm = Farm::start(app, 2);
    farm.far[0].signal("STOP");
    let asking: Vec<_> = (0..8).map(|_| farm.orchestrator.get("/api/sleep?milliseconds=300&for=me").begin()).collect();
    let late = answers(asking).iter().filter(|answer| answer.starts_with("504 ")).count();
    assert!((3..=5).contains(&late), "{late} of 8 were late");
    let line = farm.orchestrator.wait_for(&format!("resting far at {} for ", url(farm.far[0].port)));
    assert!(line.contains("WARN") && line.ends_with("the service did not answer in time"), "{line}");
    assert_eq!(count(&farm.orchestrator, "resting far"), 1, "failures of one moment are one rest");
    farm.far[0].signal("CONT");
}

#[test]
fn a_service_of_which_nothing_is_left_is_down() {
    let mut farm = Farm::start(app(&json!({})), 2);
    farm.far.iter_mut().for_each(Host::kill);
    wait_until("it is down", || farm.orchestrator.get("/api/sleep?for=me").send().shown() == DOWN);
    let line = farm.orchestrator.wait_for("503");
    for host in &farm.far {
        assert!(farm.orchestrator.lines().iter().any(|line| line.contains(&url(host.port))), "{line}");
    }
    farm.replace(1);
    assert_eq!(farm.orchestrator.get("/api/sleep?for=me").send().shown(), slept(0));
}

#[test]
fn instances_come_and_go_with_the_configuration() {
    let ports = [free_port(), free_port(), free_port()];
    let with = |ports: &[u16]| {
        let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        app(&json!({"hosts": hosts}))
    };
    let app = with(&ports[..2]);
    let far: Vec<Host> = ports.iter().map(|port| Launch::microservice(&app, "far").port(*port).start()).collect();
    let orchestrator = Launch::orchestrator(&app).start();
    let ready = |port: &u16| drop(orchestrator.wait_for(&format!("{} micro-service ready", url(*port))));
    ports[..2].iter().for_each(ready);
    let crowd = Crowd::posting(4, orchestrator.port, SHORT_SLEEP, is_short_sleep);
    wait_until("both have work", || far[..2].iter().all(|host| runs(host) > 5));
    app.write("configuration/config.json", with(&ports[1..]).config());
    orchestrator.wait_for(&format!("closed the link to far at {}", url(ports[0])));
    ready(&ports[2]);
    wait_until("the new one has its share", || runs(&far[2]) > 5);
    crowd.end();
    for port in ports {
        let added = count(&orchestrator, &format!("Adding MicroService Client connection: url = {};", url(port)));
        assert_eq!(added, 1, "the link to {port} was opened once");
    }
}

#[test]
fn orchestrators_stand_side_by_side() {
    let mut fleet = Fleet::example();
    let services = Fleet::EXAMPLE.map(|name| (name, fleet.service(name).port));
    let knowing = |launch: Launch, (name, port): (&str, u16)| launch.reaching(name, port);
    let second = services.into_iter().fold(Launch::orchestrator(&fleet.app), knowing).start();
    for (_, port) in services {
        second.wait_for(&format!("{} micro-service ready", url(port)));
    }
    let token = fleet.orchestrator.login();
    let ask = |host: &Host, token: &str| host.get("/api/info/greeting").token(token).send().status;
    for orchestrator in [&fleet.orchestrator, &second, &fleet.orchestrator, &second] {
        assert_eq!(ask(orchestrator, &token), 200, "a token of one is good at the other");
    }
    fleet.orchestrator.kill();
    assert_eq!(ask(&second, &token), 200);
    assert_eq!(ask(&second, &second.login()), 200);
}

#[test]
fn an_instance_that_cannot_serve_costs_nobody_an_answer() {
    let step = |method: &str, on: &str, from: &str| json!({"uri": "/api/list", "method": method, "on_microservice": on, "from_microservices": [from], "authenticate": false});
    let mut routes = Vec::new();
    for method in ["GET", "POST"] {
        routes.push(step(method, "far", "orchestrator"));
        let mut last = step(method, "deep", "far");
        last["handler"] = "list".into();
        routes.push(last);
    }
    let services = json!([{"name": "far"}, {"name": "deep"}]);
    let app = App::new(json!({"qewd_up": true, "orchestrator": {}, "microservices": services}), &routes.into());
    let app = app.guest("deep", "echo");
    let deep = Launch::microservice(&app, "deep").start();
    let far = |port: u16| Launch::microservice(&app, "far").reaching("deep", port).start();
    // The first of them has no way to the next host.
    let far = [far(free_port()), far(deep.port)];
    far[1].wait_for("micro-service ready");
    let orchestrator = orchestrator(&app, &far);
    let list = r#"200 [{"id":1},{"id":2}]"#;
    for _ in 0..30 {
        assert_eq!(orchestrator.get("/api/list").send().shown(), list);
        assert_eq!(orchestrator.post("/api/list", "{}").send().shown(), list);
    }
    orchestrator.wait_for(&format!("resting far at {} for ", url(far[0].port)));
    assert!(count(&orchestrator, "in place of another: it cannot serve the request now") >= 3);
    drop(deep);
    wait_until("both cannot serve", || orchestrator.get("/api/list").send().shown() == DOWN);
    assert_eq!(orchestrator.get("/api/list").send().header("qewd-not-run"), None);
}

#[test]
fn what_one_instance_has_no_room_for_another_one_does() {
    let mut far = json!({"name": "far"});
    far["qewd"] = json!({"poolSize": 1, "max_queue_length": 0});
    let route = json!({"uri": "/api/sleep", "method": "ANY", "handler": "sleeper", "on_microservice": "far", "authenticate": false});
    let app = App::new(json!({"qewd_up": true, "orchestrator": {}, "microservices": [far]}), &json!([route]));
    let farm = Farm::start(app.guest("far", "sleeper"), 2);
    let mut elsewhere = farm.far[0].get("/api/sleep?milliseconds=3000&for=me").begin();
    farm.far[0].wait_for(RUN);
    for _ in 0..10 {
        let answer = farm.orchestrator.post("/api/sleep?milliseconds=1&for=me", "{}").send();
        assert_eq!(answer.shown(), slept(1));
    }
    wait_until("all of them are told", || farm.runs() == [1, 10]);
    assert_eq!(read_answer(&mut elsewhere, true).status, 200);
}
