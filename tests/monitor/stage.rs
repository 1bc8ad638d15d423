//! The hosts of one story, and what a script can have done with them.
//! In comes a wish such as `{"wish": "kill", "host": "db_service"}`; out goes its answer as JSON.
//! Hosts keep their ports when they are started again, and a wish that fails is the failure of the test.

use crate::harness::{App, Crowd, Fleet, Host, Launch, Socket, command, free_port, versions};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

/// How long the log may keep a story waiting for a line.
const PATIENCE: Duration = Duration::from_secs(30);
/// The orchestrator keeps the password that everybody knows; the others have one of their own, one as it is and one hashed.
const OWN: (&str, &str) = ("login_service", "a password of its own");
const HASHED: (&str, &str) = ("info_service", "a password with a hash");

/// The example application on four hosts, with some more handlers on the orchestrator.
pub(crate) struct Stage {
    app: App,
    ports: BTreeMap<String, u16>,
    hosts: BTreeMap<String, Host>,
    load: Option<Crowd>,
    clients: Vec<Socket>,
}

impl Stage {
    /// Starts all hosts and waits for their links.
    pub(crate) fn set() -> Self {
        let names = Fleet::EXAMPLE.into_iter().chain(["orchestrator"]);
        let ports = names.map(|name| (name.to_owned(), free_port())).collect();
        let mut stage = Self { app: app(), ports, hosts: BTreeMap::new(), load: None, clients: Vec::new() };
        for name in Fleet::EXAMPLE.into_iter().chain(["orchestrator"]) {
            stage.start(name);
        }
        stage.hosts.values().for_each(Host::wait_for_links);
        stage
    }

    /// The port of each host.
    pub(crate) fn ports(&self) -> &BTreeMap<String, u16> {
        &self.ports
    }

    fn start(&mut self, name: &str) {
        let launch = match name {
            "orchestrator" => Launch::orchestrator(&self.app),
            service => Launch::microservice(&self.app, service),
        };
        let launch = launch.port(self.ports[name]);
        let services = self.ports.iter().filter(|(other, _)| *other != "orchestrator" && *other != name);
        let launch = services.fold(launch, |launch, (service, port)| launch.reaching(service, *port));
        self.hosts.insert(name.to_owned(), launch.start());
    }

    /// Does what a script wishes.
    pub(crate) fn fulfil(&mut self, wish: &Value) -> Value {
        let text = |name: &str| wish[name].as_str().unwrap_or_else(|| panic!("a wish without {name}: {wish}"));
        let number = |name: &str| usize::try_from(wish[name].as_u64().unwrap()).unwrap();
        match text("wish") {
            "kill" => self.host(text("host")).kill(),
            "start" => self.start(text("host")),
            "end of" => return json!(self.host(text("host")).ended().code()),
            "process" => return json!(self.host(text("host")).process()),
            "line" => return json!(self.host(text("host")).wait_for_within(text("text"), PATIENCE)),
            "links" => self.host(text("host")).wait_for_links(),
            "load" => {
                let port = self.host(text("host")).port;
                let right = |answer: &crate::harness::Answer| answer.status == 200;
                self.load = Some(Crowd::start(number("clients"), port, text("path"), right));
            }
            "end of load" => return json!(self.load.take().unwrap().end()),
            "version" => {
                let place = self.app.path().join(text("file"));
                versions::rename_into(&place, &versions::bytes(number("version")));
            }
            "file" => drop(self.app.write(text("file"), text("text"))),
            "client" => {
                let client = Socket::registered(&self.hosts[text("host")], text("application"));
                self.clients.push(client);
            }
            "end of client" => return end_of(self.clients.remove(0)),
            "settings" => self.change_settings(text("host"), wish["settings"].as_object().unwrap()),
            other => panic!("nobody knows how to {other}"),
        }
        Value::Null
    }

    fn host(&mut self, name: &str) -> &mut Host {
        self.hosts.get_mut(name).unwrap_or_else(|| panic!("there is no host {name}"))
    }

    /// Writes members of a host's `qewd` block into config.json while the hosts run.
    fn change_settings(&mut self, host: &str, settings: &Map<String, Value>) {
        let mut config: Value = serde_json::from_str(&self.app.config()).unwrap();
        let block = settings_of(&mut config, host);
        block.extend(settings.clone());
        let new = self.app.write("configuration/config.new", config.to_string());
        std::fs::rename(new, self.app.path().join("configuration/config.json")).unwrap();
    }
}

/// What the host says when it closes a client's socket.
fn end_of(mut client: Socket) -> Value {
    let frame = client.closed();
    frame.map_or(Value::Null, |frame| json!({"code": u16::from(frame.code), "reason": frame.reason.as_str()}))
}

fn settings_of<'a>(config: &'a mut Value, host: &str) -> &'a mut Map<String, Value> {
    let block = match host {
        "orchestrator" => &mut config["orchestrator"],
        service => {
            let services = config["microservices"].as_array_mut().unwrap();
            services.iter_mut().find(|entry| entry["name"] == service).unwrap()
        }
    };
    block["qewd"].as_object_mut().unwrap()
}

fn app() -> App {
    let app = App::example()
        .guest("orchestrator", "keeper")
        .guest("orchestrator", "sleeper")
        .guest("orchestrator", "versioned");
    let file = "configuration/routes.json";
    let routes: Value = serde_json::from_str(&std::fs::read_to_string(app.path().join(file)).unwrap()).unwrap();
    let open = |method: &str, uri: &str, handler: &str| json!({"method": method, "uri": uri, "handler": handler, "authenticate": false});
    let mut all = vec![
        open("POST", "/api/keep", "keeper"),
        open("GET", "/api/sleep", "sleeper"),
        open("GET", "/api/which", "versioned"),
    ];
    all.extend(routes.as_array().unwrap().clone());
    app.write(file, Value::from(all).to_string());
    let app = app.setting(OWN.0, "managementPassword", OWN.1);
    app.setting(HASHED.0, "managementPassword", hash())
}

/// What stands in config.json in the place of a password, as `qewd hash-password` makes it.
pub(crate) fn hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let mut asked = command().arg("hash-password").stdin(Stdio::piped()).spawn().unwrap();
        writeln!(asked.stdin.take().unwrap(), "{}", HASHED.1).unwrap();
        let output = asked.wait_with_output().unwrap();
        let hash = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        assert!(output.status.success() && hash.starts_with("$argon2id$"), "{hash}");
        hash
    })
}
