//! Hosts on machines of their own: network namespaces with a switch between them, whose wires can be pulled.
//! Where the system does not let a test make such, the test says so and is skipped.

use crate::harness::{App, Host, Launch, command_through, tell, wait_until};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Inside of namespaces no port is taken.
const PORT: u16 = 8080;
/// Five seconds of silence, and what a busy machine may add.
const FOUND_OUT: Duration = Duration::from_secs(7);
/// Two seconds, one wait between two tries (1.4 s), and a try that began just before the wire was there again (1.5 s).
const HEALED: Duration = Duration::from_millis(2000 + 1400 + 1500);
/// How long the wire stays pulled after the loss was found out.
const PULLED: Duration = Duration::from_secs(2);
const MACHINES: [&str; 3] = ["orchestrator", "near", "far"];
const DOWN: &str = r#"503 {"error":"MicroService connection is down"}"#;

/// Runs `ip` with these words; the error is what it said.
fn ip(words: &str) -> Result<(), String> {
    let output = Command::new("ip").args(words.split(' ')).stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("ip {words}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("ip cannot be run: {error}")),
    }
}

/// A switch and a machine for each host, all of which go with this value.
struct Network {
    /// What belongs to this run begins so.
    mark: String,
}

impl Network {
    fn build() -> Result<Self, String> {
        let network = Self { mark: format!("qewd-{}", std::process::id()) };
        let switch = network.space("switch");
        ip(&format!("netns add {switch}"))?;
        ip(&format!("-n {switch} link add switch type bridge"))?;
        ip(&format!("-n {switch} link set switch up"))?;
        for (number, machine) in MACHINES.iter().enumerate() {
            let space = network.space(machine);
            ip(&format!("netns add {space}"))?;
            ip(&format!("-n {space} link set lo up"))?;
            ip(&format!("-n {switch} link add wire{number} type veth peer name eth0 netns {space}"))?;
            ip(&format!("-n {switch} link set wire{number} master switch up"))?;
            ip(&format!("-n {space} address add {}/24 dev eth0", address(number)))?;
            ip(&format!("-n {space} link set eth0 up"))?;
        }
        Ok(network)
    }

    fn space(&self, machine: &str) -> String {
        format!("{}-{machine}", self.mark)
    }

    /// Pulls the wire of a machine out of the switch, or puts it back.
    fn wire(&self, machine: &str, state: &str) {
        let number = MACHINES.iter().position(|other| *other == machine).unwrap();
        ip(&format!("-n {} link set wire{number} {state}", self.space("switch"))).unwrap();
    }

    /// A command that runs on a machine.
    fn on(&self, machine: &str, program: &str) -> Command {
        let mut command = command_through(Command::new("ip"));
        command.args(["netns", "exec", &self.space(machine), program]);
        command
    }

    fn start(&self, app: &App, machine: &str) -> Host {
        let mut command = self.on(machine, env!("CARGO_BIN_EXE_qewd"));
        command.args(["run", "--app"]).arg(app.path());
        if machine != "orchestrator" {
            command.args(["--microservice", machine]);
        }
        Launch::plain(machine, command).port(PORT).start()
    }

    /// Status and body of the orchestrator's answer to a client on its own machine.
    fn get(&self, path: &str) -> String {
        let ask = format!(
            "exec 3<>/dev/tcp/127.0.0.1/{PORT}; printf 'GET {path} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3; cat <&3"
        );
        let output = self.on("orchestrator", "bash").args(["-c", &ask]).output().unwrap();
        let answer = String::from_utf8(output.stdout).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        format!("{} {body}", head.split(' ').nth(1).unwrap())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for machine in MACHINES.iter().chain(&["switch"]) {
            // What was never made cannot be taken away.
            let _ = ip(&format!("netns del {}", self.space(machine)));
        }
    }
}

fn address(number: usize) -> String {
    format!("10.83.0.{}", number + 1)
}

fn app() -> App {
    let service = |number: usize, connections: &[&str]| json!({"name": MACHINES[number], "host": address(number), "port": PORT, "connections": connections});
    let route = |uri: &str, handler: &str, service: &str| json!({"uri": uri, "handler": handler, "on_microservice": service, "authenticate": false});
    let config = json!({"qewd_up": true, "orchestrator": {}, "microservices": [service(1, &["far"]), service(2, &[])]});
    let routes = json!([
        route("/api/ask", "asker", "near"),
        route("/api/far", "echo", "far"),
        route("/api/sleep", "sleeper", "far"),
    ]);
    App::new(config, &routes).guest("near", "asker").guest("far", "echo").guest("far", "sleeper")
}

/// Waits until a question along both links is answered, and returns how long that took.
fn works(network: &Network) -> Duration {
    let started = Instant::now();
    wait_until("the question goes over both links", || {
        let answer = network.get("/api/ask?on=far&path=/api/far");
        let (status, body) = answer.split_once(' ').unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        status == "200" && body["application"] == "far"
    });
    started.elapsed()
}

#[test]
fn a_pulled_wire_is_found_out_and_one_that_is_back_is_used_again() {
    let network = match Network::build() {
        Ok(network) => network,
        Err(why) => {
            tell(&format!("SKIPPED: hosts in network namespaces: {why}"));
            return;
        }
    };
    let app = app();
    let [far, _near, _orchestrator] = ["far", "near", "orchestrator"].map(|machine| network.start(&app, machine));
    works(&network);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| network.get("/api/sleep?milliseconds=20000"));
        far.wait_for("falling asleep");
        network.wire("far", "down");
        let pulled = Instant::now();
        assert_eq!(asking.join().unwrap(), DOWN);
        assert!(pulled.elapsed() < FOUND_OUT, "it took {:?}", pulled.elapsed());
    });
    // Both who ask it know now, and say so at once.
    let started = Instant::now();
    wait_until("both know", || network.get("/api/ask?on=far&path=/api/far") == DOWN);
    assert_eq!(network.get("/api/far"), DOWN);
    assert!(started.elapsed() < FOUND_OUT, "it took {:?}", started.elapsed());
    std::thread::sleep(PULLED);
    network.wire("far", "up");
    let healed = works(&network);
    assert!(healed < HEALED, "it took {healed:?}");
}
