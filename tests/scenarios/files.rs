//! Static files: what lies in `www/` is served where no route takes the path, and nothing else ever is.

use crate::harness::{Answer, App, Host, Launch, Request};
use serde_json::json;
use std::os::unix::fs::symlink;

const NOTHING: &str = r#"404 {"error":"url could not be matched"}"#;

fn app() -> App {
    let routes = json!([
        {"uri": "/taken.txt", "handler": "echo", "authenticate": false},
        {"uri": "/posted.txt", "method": "POST", "handler": "echo", "authenticate": false},
        {"uri": "/far", "handler": "echo", "on_microservice": "far", "authenticate": false},
    ]);
    let config = json!({"qewd_up": true, "microservices": [{"name": "far"}]});
    let app = App::new(config, &routes).guest("orchestrator", "echo").guest("far", "echo");
    for (file, content) in [
        ("index.html", "<p>home</p>"),
        ("a.txt", "0123456789"),
        ("taken.txt", "hidden by a route"),
        ("posted.txt", "hidden by a route"),
        ("deep/index.html", "<p>deep</p>"),
        ("deep/with space ö.js", "1"),
        ("empty/a.txt", "no index here"),
        (".env", "secret"),
        (".git/config", "secret"),
    ] {
        app.write(&format!("www/{file}"), content);
    }
    app
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.header(name).unwrap_or_default()
}

fn alone(app: &App) -> Host {
    Launch::orchestrator(app).start()
}

/// Its answer is one of the program's own, not taken for the HTTP library's.
#[test]
fn a_condition_that_does_not_hold_is_said() {
    let app = app();
    let host = alone(&app);
    let answer = host.get("/a.txt").header("If-Match", "\"no\"").send();
    assert_eq!(answer.status, 412);
    assert!(answer.header("x-request-id").is_some());
}

#[test]
fn files_are_served_where_no_route_takes_the_path() {
    let app = app();
    let host = Launch::orchestrator(&app).logging("debug").start();
    let get = |path: &str| host.get(path).send();
    for (path, kind, content) in [
        ("/", "text/html", "<p>home</p>"),
        ("/index.html", "text/html", "<p>home</p>"),
        ("/a.txt?x=1", "text/plain", "0123456789"),
        ("/deep/", "text/html", "<p>deep</p>"),
        ("/deep/with%20space%20%C3%B6.js", "text/javascript", "1"),
    ] {
        let answer = get(path);
        assert_eq!(
            (answer.status, header(&answer, "content-type"), answer.text().as_str()),
            (200, format!("{kind}; charset=utf-8").as_str(), content),
            "{path}"
        );
        assert_eq!(
            (header(&answer, "cache-control"), header(&answer, "x-content-type-options")),
            ("no-cache", "nosniff")
        );
    }
    assert!(get("/taken.txt").text().contains("\"path\":\"/taken.txt\""), "routes come first");
    assert_eq!(get("/posted.txt").status, 405, "also where they want another method");
    assert_eq!(host.post("/a.txt", "{}").send().shown(), NOTHING);
    let moved = get("/deep?x=1");
    assert_eq!((moved.status, header(&moved, "location")), (307, "/deep/?x=1"));
    for path in ["/none.txt", "/empty/", "/empty", "/a.txt/", "/a.txt/b"] {
        assert_eq!(get(path).shown(), NOTHING, "{path}");
    }
    host.wait_for("DEBUG GET \"/a.txt\" -> 200: a file");
    let told = host.lines().iter().filter(|line| line.contains("INFO GET \"/a.txt\"")).count();
    assert_eq!(told, 0, "a file is no news");
}

#[test]
fn browsers_need_not_read_twice() {
    let app = app();
    let host = alone(&app);
    for path in ["/a.txt", "/qewd-client.js"] {
        let first = host.get(path).send();
        let (tag, length) = (header(&first, "etag").to_owned(), header(&first, "content-length").to_owned());
        let again = host.get(path).header("If-None-Match", &tag).send();
        assert_eq!((again.status, again.body.len(), header(&again, "etag")), (304, 0, tag.as_str()), "{path}");
        assert_eq!(host.get(path).header("If-None-Match", "\"other\"").send().status, 200);
        let head = Request::new(host.port, "HEAD", path).send();
        assert_eq!(
            (head.status, header(&head, "content-length"), header(&head, "etag")),
            (200, length.as_str(), tag.as_str())
        );
    }
    let since = header(&host.get("/a.txt").send(), "last-modified").to_owned();
    assert_eq!(host.get("/a.txt").header("If-Modified-Since", &since).send().status, 304);
    let part = host.get("/a.txt").header("Range", "bytes=2-4").send();
    assert_eq!((part.status, part.text().as_str(), header(&part, "content-range")), (206, "234", "bytes 2-4/10"));
    // A file that changes is served as it is now.
    app.write("www/a.txt", "changed");
    assert_eq!(host.get("/a.txt").send().text(), "changed");
}

#[test]
fn nothing_outside_of_www_and_nothing_hidden_is_shown() {
    let app = app();
    let www = app.path().join("www");
    symlink(app.path().join("configuration"), www.join("out")).unwrap();
    symlink(app.path().join("configuration/config.json"), www.join("out.json")).unwrap();
    symlink(www.join("a.txt"), www.join("in.txt")).unwrap();
    std::fs::create_dir(www.join("trap")).unwrap();
    symlink(app.path().join("configuration/config.json"), www.join("trap/index.html")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(www.join("pipe")).status().unwrap();
    assert!(made.success());
    let host = alone(&app);
    for path in [
        "/../configuration/config.json",
        "/%2e%2e/configuration/config.json",
        "/..%2fconfiguration/config.json",
        "/deep/../../configuration/config.json",
        "/%252e%252e/configuration/config.json",
        "/..%5cconfiguration%5cconfig.json",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/.env",
        "/.git/config",
        "/%2egit/config",
        "/out/config.json",
        "/out.json",
        "/trap/",
        "/a.txt%00",
        "/pipe",
        "//deep",
    ] {
        let answer = host.get(path).send();
        assert_eq!(answer.shown(), NOTHING, "{path}");
    }
    assert_eq!(host.get("/in.txt").send().text(), "0123456789", "a link that stays inside may be there");
}

#[test]
fn limits_hold_for_files_too() {
    let app = app();
    let host = alone(&app);
    let large = host.get("/a.txt").header("x-large", &"x".repeat(70_000)).send();
    assert_eq!(large.status, 431);
    let two_hosts = host.get("/a.txt").header("Host", "other").send();
    assert_eq!(two_hosts.shown(), r#"400 {"error":"A request needs one Host header"}"#);
}

#[test]
fn a_microservice_of_a_shared_folder_shows_no_pages() {
    let app = app();
    let service = Launch::microservice(&app, "far").start();
    for path in ["/", "/a.txt", "/deep/"] {
        assert_eq!(service.get(path).send().shown(), NOTHING, "{path}");
    }
    assert_eq!(service.get("/qewd-client.js").send().status, 200);
    let own = App::new(json!({"ms_name": "single"}), &json!([]));
    own.write("www/a.txt", "mine");
    let single = Launch::microservice(&own, "single").start();
    assert_eq!(single.get("/a.txt").send().text(), "mine");
}

#[test]
fn an_application_may_bring_a_client_of_its_own() {
    let app = app();
    let host = alone(&app);
    let types = host.get("/qewd-client.d.ts").send();
    assert_eq!(header(&types, "content-type"), "application/typescript; charset=utf-8");
    assert!(types.text().contains("export class Client"));
    app.write("www/qewd-client.js", "mine");
    assert_eq!(host.get("/qewd-client.js").send().text(), "mine");
    // A name like ours may be a route's, too.
    let routes = json!([{"uri": "/*path", "handler": "echo", "authenticate": false}]);
    let taken = App::new(json!({}), &routes).guest("orchestrator", "echo");
    let host = alone(&taken);
    assert!(host.get("/qewd-client.js").send().text().contains("\"path\":\"/qewd-client.js\""));
}
