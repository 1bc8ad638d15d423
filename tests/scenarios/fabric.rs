//! Ten hosts of which each has a link to each other one, and any handler asks any other.

use crate::harness::{App, Host, Launch, Seed, free_port, wait_until};
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};

const HOSTS: usize = 10;

fn name(number: usize) -> String {
    format!("s{number}")
}

fn names() -> Vec<String> {
    (0..HOSTS).map(name).collect()
}

/// The folder of all of them.
fn app() -> App {
    let others = |own: &str| names().into_iter().filter(|name| name != own).collect::<Vec<_>>();
    let service = |name: &String| json!({"name": name, "qewd": {"poolSize": 4}, "connections": others(name)});
    let services: Vec<Value> = names().iter().map(service).collect();
    let route = |name: &str, handler: &str| json!({"uri": format!("/api/{name}/{handler}"), "handler": handler, "on_microservice": name, "authenticate": false});
    let routes: Vec<Value> =
        names().iter().flat_map(|name| ["asker", "along", "echo"].map(|handler| route(name, handler))).collect();
    let app = App::new(json!({"qewd_up": true, "microservices": services}), &json!(routes));
    names().iter().fold(app, |app, name| app.guest(name, "asker").guest(name, "echo"))
}

fn launch(app: &App, ports: &[u16], number: usize) -> Launch {
    let launch = Launch::microservice(app, &name(number)).port(ports[number]);
    let others = (0..HOSTS).filter(|other| *other != number);
    others.fold(launch, |launch, other| launch.reaching(&name(other), ports[other]))
}

/// Starts all at once: none of them waits for another.
fn start(app: &App, ports: &[u16]) -> Vec<Host> {
    std::thread::scope(|scope| {
        let starting: Vec<_> =
            (0..HOSTS).map(|number| scope.spawn(move || launch(app, ports, number).start())).collect();
        starting.into_iter().map(|host| host.join().unwrap()).collect()
    })
}

/// What a client of one host gets whose handler asks another one.
fn asks(host: &Host, other: &str) -> (u16, Value) {
    let answer = host.get(format!("/api/{}/asker?on={other}&path=/api/{other}/echo", host.name)).send();
    (answer.status, answer.json())
}

fn reaches(host: &Host, other: &str) -> bool {
    let (status, answer) = asks(host, other);
    assert!(status == 503 || (status == 200 && answer["application"] == other), "{status} {answer}");
    status == 200
}

/// Waits until every host reaches every other one.
fn wait_until_all_reach_all(hosts: &[Host]) {
    for host in hosts {
        for other in hosts.iter().filter(|other| other.name != host.name) {
            wait_until("every host reaches every other one", || reaches(host, &other.name));
        }
    }
}

#[test]
fn all_of_ten_hosts_reach_each_other_also_after_each_was_restarted() {
    let (app, ports) = (app(), [0; HOSTS].map(|_| free_port()));
    let mut hosts = start(&app, &ports);
    wait_until_all_reach_all(&hosts);
    let mut order: Vec<usize> = (0..HOSTS).collect();
    order.shuffle(&mut Seed::of_this_run("fabric").part(0));
    for (turn, number) in order.into_iter().enumerate() {
        if turn % 2 == 0 {
            hosts[number].kill();
        } else {
            hosts[number].signal("TERM");
            assert_eq!(hosts[number].ended().code(), Some(0));
        }
        // The others do without it.
        let (one, two) = (&hosts[(number + 1) % HOSTS], name((number + 2) % HOSTS));
        wait_until("the loss is seen", || !reaches(one, &name(number)));
        assert_eq!(asks(one, &name(number)).1, json!({"error": "MicroService connection is down"}));
        wait_until("the others reach each other", || reaches(one, &two));
        hosts[number] = launch(&app, &ports, number).start();
    }
    wait_until_all_reach_all(&hosts);
}

#[test]
fn a_question_is_passed_on_along_ten_hosts_if_so_many_hops_are_allowed() {
    let (app, ports) = (app(), [0; HOSTS].map(|_| free_port()));
    let hosts = start(&app, &ports);
    wait_until_all_reach_all(&hosts);
    let along = |count: usize| {
        let way = names()[1..count].join(",");
        hosts[0].get(format!("/api/s0/along?along={way}")).send().shown()
    };
    let stations = |count: usize| format!("200 {}", json!(names()[..count]));
    let too_often = |count: usize| {
        let way: Vec<String> = names()[..count].iter().map(|name| format!("{name}'s handler")).collect();
        let words = "The request was sent on too often; its routes or handlers lead in a circle";
        format!(r#"508 {{"error":"{words}: {}"}}"#, way.join(" > "))
    };
    // A question is one hop, and its way to the other host another: the default of 12 is enough for six questions.
    assert_eq!(along(7), stations(7));
    assert_eq!(along(8), too_often(7));
    let allow =
        |app: App, hops: u8| names().iter().fold(app, |app, name| app.setting(name, "limits", json!({ "hops": hops })));
    let app = allow(app, 17);
    wait_until("nine hosts are allowed", || along(9) == stations(9));
    assert_eq!(along(10), too_often(9));
    let _app = allow(app, 18);
    wait_until("ten hosts are allowed", || along(10) == stations(10));
}
