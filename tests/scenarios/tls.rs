//! TLS from outside: clients and hosts with certificates of authorities that the tests make.

use crate::harness::{Answer, App, Authority, Ended, Host, Launch, Pair, TlsClient, command, raw, wait_until};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const LIST: &str = r#"200 [{"id":1},{"id":2}]"#;
const DOWN: &str = r#"503 {"error":"MicroService connection is down"}"#;

fn ssl(name: &str) -> Value {
    json!({"certFilePath": format!("{name}.pem"), "keyFilePath": format!("{name}.key")})
}

/// A host alone that serves TLS with the files `ssl/host.pem` and `ssl/host.key`.
fn alone(pair: &Pair) -> App {
    let route = json!({"uri": "/api/list", "handler": "list", "authenticate": false});
    let app = App::new(json!({"qewd_up": true, "orchestrator": {"qewd": {"ssl": ssl("ssl/host")}}}), &json!([route]));
    pair.write(&app, "ssl/host");
    app.guest("orchestrator", "echo")
}

/// A folder for an orchestrator and `far`; both entries are given.
fn two(qewd: &Value, far: &Value) -> App {
    let route = json!({"uri": "/api/list", "handler": "list", "on_microservice": "far", "authenticate": false});
    let echo = json!({"uri": "/api/echo", "method": "POST", "handler": "echo", "on_microservice": "far", "authenticate": false});
    let config = json!({"qewd_up": true, "orchestrator": {"qewd": qewd}, "microservices": [far]});
    App::new(config, &json!([route, echo])).guest("far", "echo")
}

/// `far` serving TLS with a certificate for these names, and the authority of it in `ca.pem`.
fn far(authority: &Authority, names: &[&str], far_ssl: &Value) -> (App, Host) {
    let app = two(&json!({}), &json!({"name": "far", "qewd": {"ssl": far_ssl}}));
    authority.issue(names).write(&app, "far");
    authority.write(&app, "ca.pem");
    let host = Launch::microservice(&app, "far").start();
    (app, host)
}

fn url(host: &str, service: &Host) -> String {
    format!("https://{host}:{}", service.port)
}

fn count(host: &Host, text: &str) -> usize {
    host.lines().iter().filter(|line| line.contains(text)).count()
}

fn works(host: &Host) -> bool {
    host.get("/api/list").send().shown() == LIST
}

#[test]
fn clients_are_served_over_tls() {
    let authority = Authority::new();
    let pair = authority.issue(&["localhost"]);
    let host = Launch::orchestrator(&alone(&pair)).start();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut client = TlsClient::with(host.port, &authority, None, &[version]);
        assert_eq!(client.get("/api/list").shown(), LIST);
        assert_eq!((client.protocol(), client.certificate()), (b"http/1.1".to_vec(), pair.der()));
        assert_eq!(client.get("/api/none").shown(), r#"404 {"error":"url could not be matched"}"#);
    }
    // What the HTTP library cannot read is answered in our words here as well.
    let bad = TlsClient::connect(host.port, &authority).send("NONSENSE\r\n\r\n");
    assert_eq!(bad.shown(), r#"400 {"error":"This is not an HTTP/1.1 request"}"#);
    let line = host.wait_for("the port speaks HTTPS with certificate ");
    assert!(!line.contains("PRIVATE"), "{line}");
}

#[test]
fn who_speaks_no_tls_is_let_go_and_nobody_waits_for_it() {
    let authority = Authority::new();
    let host = Launch::orchestrator(&alone(&authority.issue(&["localhost"]))).logging("debug").start();
    // This one never says a word, and holds nobody up.
    let _silent = raw(host.port, b"");
    let begun = Instant::now();
    let mut plain = raw(host.port, b"GET /api/list HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut said = Vec::new();
    // An alert of TLS at most, and then the end.
    let _ = plain.read_to_end(&mut said);
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    assert!(said.len() < 16 && !said.starts_with(b"HTTP"), "{said:?}");
    let line = host.wait_for("was not taken: it does not speak TLS");
    assert!(line.contains("DEBUG") && line.contains("a connection from 127.0.0.1"), "{line}");
    assert_eq!(TlsClient::connect(host.port, &authority).get("/api/list").shown(), LIST);
}

#[test]
fn a_new_certificate_serves_without_a_lost_request() {
    let authority = Authority::new();
    let pair = authority.issue(&["localhost"]);
    let app = alone(&pair);
    let host = Launch::orchestrator(&app).start();
    let (over, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
    let shown = || TlsClient::connect(host.port, &authority).certificate();
    assert_eq!(shown(), pair.der());
    std::thread::scope(|scope| {
        let asking = |keeps: bool| {
            let mut client = TlsClient::connect(host.port, &authority);
            while !over.load(Ordering::Relaxed) {
                assert_eq!(client.get("/api/list").shown(), LIST);
                answers.fetch_add(1, Ordering::Relaxed);
                if !keeps {
                    client = TlsClient::connect(host.port, &authority);
                }
            }
        };
        let clients: Vec<_> = [true, true, false].map(|keeps| scope.spawn(move || asking(keeps))).into();
        for _ in 0..2 {
            let pair = authority.issue(&["localhost"]);
            pair.write(&app, "ssl/host");
            wait_until("the new certificate is shown", || shown() == pair.der());
        }
        over.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().unwrap();
        }
    });
    assert!(answers.load(Ordering::Relaxed) > 10);
    wait_until("both are told", || count(&host, "serves in place of") == 2);
    assert_eq!(count(&host, "ERROR"), 0, "{:#?}", host.lines());
}

#[test]
fn a_broken_certificate_changes_nothing_and_is_told_once() {
    let authority = Authority::new();
    let pair = authority.issue(&["localhost"]);
    let app = alone(&pair);
    let host = Launch::orchestrator(&app).start();
    let shown = || TlsClient::connect(host.port, &authority).certificate();
    let other = authority.issue(&["localhost"]);
    let stays = "; the certificate before it stays in service";
    app.write("ssl/host.pem", &other.certificate);
    let line = host.wait_for("ssl/host.key does not hold the key of the certificate in ssl/host.pem");
    assert!(line.contains("ERROR configuration/config.json:1:") && line.ends_with(stays), "{line}");
    app.write("ssl/host.pem", "no certificate");
    host.wait_for("ssl/host.pem holds no certificate in PEM form");
    authority.issue_until(&["localhost"], 2020).write(&app, "ssl/host");
    host.wait_for("ssl/host.pem holds a certificate that has expired");
    assert_eq!(shown(), pair.der());
    std::fs::remove_file(app.path().join("ssl/host.key")).unwrap();
    host.wait_for("ssl/host.key cannot be read");
    let told = Instant::now();
    wait_until("the files were looked at a few times more", || told.elapsed() > Duration::from_millis(2500));
    assert_eq!(shown(), pair.der());
    let again = authority.issue(&["localhost"]);
    again.write(&app, "ssl/host");
    wait_until("the mended pair is shown", || shown() == again.der());
    assert_eq!(count(&host, stays), 4, "{:#?}", host.lines());
}

/// As Kubernetes exchanges a secret: the folder behind a link is another one from one moment to the next.
#[test]
fn files_elsewhere_behind_links_are_followed() {
    let authority = Authority::new();
    let pairs = [authority.issue(&["localhost"]), authority.issue(&["localhost"])];
    let secrets = tempfile::tempdir().unwrap();
    for (pair, folder) in pairs.iter().zip(["one", "two"]) {
        let folder = secrets.path().join(folder);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("tls.pem"), &pair.certificate).unwrap();
        std::fs::write(folder.join("tls.key"), &pair.key).unwrap();
    }
    let point = |folder: &str| {
        let (new, data) = (secrets.path().join("..new"), secrets.path().join("..data"));
        std::os::unix::fs::symlink(Path::new(folder), &new).unwrap();
        std::fs::rename(new, data).unwrap();
    };
    point("one");
    let name = secrets.path().join("..data/tls").display().to_string();
    let app = alone(&pairs[0]).setting("orchestrator", "ssl", ssl(&name));
    let host = Launch::orchestrator(&app).start();
    let shown = || TlsClient::connect(host.port, &authority).certificate();
    assert_eq!(shown(), pairs[0].der());
    point("two");
    wait_until("the other certificate is shown", || shown() == pairs[1].der());
}

#[test]
fn other_paths_are_in_force_at_once_but_tls_itself_waits() {
    let authority = Authority::new();
    let app = alone(&authority.issue(&["localhost"]));
    let host = Launch::orchestrator(&app).start();
    let shown = || TlsClient::connect(host.port, &authority).certificate();
    // The files come after their names.
    let app = app.setting("orchestrator", "ssl", ssl("other"));
    let line = host.wait_for("\"certFilePath\": other.pem cannot be read");
    assert!(line.ends_with("; the configuration before it stays in force"), "{line}");
    let other = authority.issue(&["localhost"]);
    other.write(&app, "other");
    wait_until("the other certificate is shown", || shown() == other.der());
    let app = app.setting("orchestrator", "ssl", json!({}));
    host.wait_for("TLS is turned off at the next start; until then the port speaks HTTPS");
    host.wait_for("the configuration as it is now in config.json and routes.json is in force");
    assert_eq!(shown(), other.der());
    let host = Launch::orchestrator(&app).start();
    assert_eq!(host.get("/api/list").send().shown(), LIST);
    app.setting("orchestrator", "ssl", ssl("other"));
    host.wait_for("TLS is turned on at the next start; until then the port speaks plain HTTP");
    assert_eq!(host.get("/api/list").send().shown(), LIST);
}

#[test]
fn links_trust_the_authority_of_the_entry_or_of_the_host_or_of_the_system() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (folder, service) = far(&authority, &["localhost", "127.0.0.1"], &ssl("far"));
    let entry = json!({"name": "far", "caFilePath": "ca.pem"});
    let trusting = json!({"ssl": {"caFilePath": "ca.pem"}});
    let astray = json!({"ssl": {"caFilePath": "stranger.pem"}});
    let plain = json!({"name": "far"});
    for (qewd, entry, name) in
        [(&astray, &entry, "localhost"), (&trusting, &plain, "127.0.0.1"), (&json!({}), &plain, "localhost")]
    {
        let app = two(qewd, entry);
        authority.write(&app, "ca.pem");
        stranger.write(&app, "stranger.pem");
        let url = url(name, &service);
        let host = Launch::orchestrator(&app).reaching_at("far", &url);
        let host = host.environment("SSL_CERT_FILE", folder.path().join("ca.pem")).start();
        host.wait_for(&format!("{url} micro-service ready"));
        assert!(works(&host));
    }
    // As config.json says it, without the command line.
    let entry = json!({"name": "far", "host": "https://localhost", "port": service.port, "caFilePath": "ca.pem"});
    let app = two(&json!({}), &entry);
    authority.write(&app, "ca.pem");
    let host = Launch::orchestrator(&app).start();
    host.wait_for("far registered");
    assert!(works(&host));
    // Many records of TLS, both ways, several at once.
    let body = "0123456789".repeat(100_000);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(host.post("/api/echo", &body).send().json()["body"] == body));
        }
    });
    assert_eq!(count(&host, "server has disconnected"), 0);
}

#[test]
fn an_unknown_authority_is_told_once_and_the_right_one_heals_it() {
    let authority = Authority::new();
    let (_folder, service) = far(&authority, &["localhost"], &ssl("far"));
    let app = two(&json!({}), &json!({"name": "far", "caFilePath": "ca.pem"}));
    Authority::named("another one").write(&app, "ca.pem");
    let url = url("localhost", &service);
    let host = Launch::orchestrator(&app).reaching_at("far", &url).start();
    let words = "its certificate is not signed by an authority that this host trusts; \
                 name the file of the right one with caFilePath in config.json";
    let line = host.wait_for(words);
    assert!(line.contains(&format!("ERROR far at {url} cannot be used: its certificate")), "{line}");
    assert_eq!(host.get("/api/list").send().shown(), DOWN);
    authority.write(&app, "ca.pem");
    wait_until("the right authority is trusted", || works(&host));
    assert_eq!(count(&host, "cannot be used: "), 1, "{:#?}", host.lines());
    host.wait_for("links that are opened from now on use the certificates as they are now");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let (app, service) = far(&authority, &["far.example"], &ssl("far"));
    let app = app.setting("orchestrator", "ssl", json!({"caFilePath": "ca.pem"}));
    for name in ["localhost", "127.0.0.1"] {
        let host = Launch::orchestrator(&app).reaching_at("far", &url(name, &service)).start();
        let line = host.wait_for("cannot be used: ");
        assert!(line.contains(&format!("its certificate is not made for {name}; mend host in config.json")), "{line}");
        assert_eq!(host.get("/api/list").send().shown(), DOWN);
    }
}

#[test]
fn a_certificate_that_has_signed_itself_is_trusted_by_name_unless_it_is_an_authority() {
    let trusting = json!({"ssl": {"caFilePath": "far.pem"}});
    let start = |pair: &Pair| {
        let app = two(&trusting, &json!({"name": "far", "qewd": {"ssl": ssl("far")}}));
        pair.write(&app, "far");
        let service = Launch::microservice(&app, "far").start();
        let host = Launch::orchestrator(&app).reaching_at("far", &url("localhost", &service)).start();
        (service, host)
    };
    let (_service, host) = start(&Pair::self_signed("localhost"));
    host.wait_for("far registered");
    assert!(works(&host));
    let (_service, host) = start(&Authority::new().itself());
    host.wait_for("its certificate is marked as an authority's (CA:TRUE), which no host's may be; make it anew");
}

#[test]
fn tls_on_one_side_only_is_said() {
    let authority = Authority::new();
    let (app, secure) = far(&authority, &["localhost"], &ssl("far"));
    let host = Launch::orchestrator(&app).reaching("far", secure.port).start();
    let line = host.wait_for("what answers there is no qewd host that takes links (");
    assert!(line.contains("ERROR") && line.ends_with("or write https:// before its host if it serves TLS"), "{line}");
    let plain_app = two(&json!({"ssl": {"caFilePath": "ca.pem"}}), &json!({"name": "far"}));
    authority.write(&plain_app, "ca.pem");
    let plain = Launch::microservice(&plain_app, "far").start();
    let host = Launch::orchestrator(&plain_app).reaching_at("far", &url("localhost", &plain)).start();
    let line = host.wait_for("what answers there does not speak TLS");
    assert!(line.contains("ERROR") && line.contains("write http:// in config.json"), "{line}");
}

#[test]
fn links_show_a_certificate_where_one_is_demanded() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let mut demanding = ssl("far");
    demanding["clientCaFilePath"] = "ca.pem".into();
    let (_folder, service) = far(&authority, &["localhost"], &demanding);
    let start = |pair: Option<Pair>| {
        let mut own = json!({"caFilePath": "ca.pem"});
        let app = two(&json!({}), &json!({"name": "far"}));
        authority.write(&app, "ca.pem");
        if let Some(pair) = pair {
            pair.write(&app, "own");
            own["clientCertFilePath"] = "own.pem".into();
            own["clientKeyFilePath"] = "own.key".into();
        }
        let app = app.setting("orchestrator", "ssl", own);
        Launch::orchestrator(&app).reaching_at("far", &url("localhost", &service)).start()
    };
    let host = start(None);
    let words = "it shows no client certificate; \
                 add clientCertFilePath and clientKeyFilePath to the ssl block of the calling host";
    let line = host.wait_for(words);
    assert!(line.contains("ERROR") && line.contains("it refuses this host: the link is refused: "), "{line}");
    service.wait_for(&format!("refused a link from 127.0.0.1: {words}"));
    assert_eq!(host.get("/api/list").send().shown(), DOWN);
    drop(host);

    let host = start(Some(authority.issue(&["orchestrator"])));
    host.wait_for("far registered");
    assert!(works(&host));
    drop(host);

    let seen = service.seen();
    let host = start(Some(stranger.issue(&["orchestrator"])));
    let line = host.wait_for("it refuses this host's client certificate; put one that it trusts into");
    assert!(line.contains("ERROR"), "{line}");
    service.wait_for_after(seen, "refused a connection from 127.0.0.1: its client certificate is not signed by the authority in clientCaFilePath");
    // Clients need none.
    let route = |answer: Answer| answer.shown();
    assert_eq!(route(TlsClient::connect(service.port, &authority).get("/api/list")), LIST);
    let knock = TlsClient::connect(service.port, &authority).send(
        "GET /qewd/link HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: qewd-link.3\r\n\r\n",
    );
    assert_eq!(knock.shown(), format!(r#"401 {{"error":"the link is refused: {words}"}}"#));
}

#[test]
fn files_that_cannot_serve_are_said_before_the_start() {
    let authority = Authority::new();
    let (pair, other) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
    let expired = authority.issue_until(&["localhost"], 2020);
    let app = alone(&pair);
    let said = |certificate: &str, key: &str| {
        app.write("ssl/host.pem", certificate);
        app.write("ssl/host.key", key);
        let checked = Ended::of(command().arg("check").arg("--app").arg(app.path()));
        let words = checked.problems();
        let ended = Launch::orchestrator(&app).fails();
        assert_eq!((checked.code, ended.code), (Some(1), Some(1)), "{words}");
        assert_eq!(words.lines().next().unwrap(), ended.err.trim_start_matches("qewd: ").trim_end());
        assert!(!words.contains("PRIVATE KEY-----\n"), "{words}");
        let (place, rest) = words.lines().next().unwrap().split_once(": ").unwrap();
        assert!(place.starts_with("configuration/config.json:1:"), "{words}");
        rest.to_owned()
    };
    assert_eq!(
        said(&pair.certificate, &other.key),
        "\"keyFilePath\": ssl/host.key does not hold the key of the certificate in ssl/host.pem; \
         put a certificate and its own key there"
    );
    assert_eq!(
        said(&pair.key, &pair.key),
        "\"certFilePath\": ssl/host.pem holds no certificate in PEM form; \
         it has to begin with -----BEGIN CERTIFICATE-----"
    );
    assert_eq!(
        said(&pair.certificate, &pair.certificate),
        "\"keyFilePath\": ssl/host.key holds no private key in PEM form; \
         it has to begin with -----BEGIN PRIVATE KEY-----, and have no password"
    );
    assert_eq!(
        said(&expired.certificate, &expired.key),
        "\"certFilePath\": ssl/host.pem holds a certificate that has expired; put a new certificate and its key there"
    );
    let cut: String = pair.certificate.chars().take(200).collect();
    assert!(said(&cut, &pair.key).contains("ssl/host.pem holds no certificate in PEM form"));
    pair.write(&app, "ssl/host");
    std::fs::remove_file(app.path().join("ssl/host.key")).unwrap();
    let ended = Launch::orchestrator(&app).fails();
    assert!(
        ended.err.contains(
            "\"keyFilePath\": ssl/host.key cannot be read: No such file or directory (os error 2); \
             mend the path, or let the user that runs qewd read the file"
        ),
        "{}",
        ended.err
    );
}
