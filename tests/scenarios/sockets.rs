//! WebSocket clients: they register, send messages by application and type, hear parts and pushes, and are kept within limits.

use crate::harness::{App, Fleet, Host, Launch, Request, SECRET, Socket, bare, free_port, signed, wait_until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// An orchestrator whose messages are answered by itself (`here`) or by the microservice `far` (`demo`).
fn app(limits: &Value) -> App {
    let message = |application: &str, kind: &str, handler: &str, open: bool| {
        let mut route = json!({"application": application, "type": kind, "handler": handler, "authenticate": !open});
        if application == "demo" {
            route["on_microservice"] = "far".into();
        }
        route
    };
    let mut routes = Vec::new();
    for application in ["demo", "here"] {
        for handler in ["hello", "sign_in", "count", "shout", "whisper", "slowly"] {
            routes.push(message(application, handler, handler, true));
        }
        routes.push(message(application, "private", "hello", false));
    }
    routes.push(message("wild", "*", "hello", true));
    routes.push(json!({"uri": "/api/near", "method": "ANY", "handler": "hello", "authenticate": false}));
    routes.push(json!({"uri": "/api/far", "method": "ANY", "handler": "hello", "on_microservice": "far", "authenticate": false}));
    routes.push(json!({"uri": "/api/shout", "method": "POST", "handler": "shout", "authenticate": false}));
    routes.push(json!({"uri": "/api/count", "method": "POST", "handler": "count", "authenticate": false}));
    let config = json!({
        "qewd_up": true, "orchestrator": {"qewd": {"limits": limits}}, "microservices": [{"name": "far"}],
    });
    App::new(config, &Value::from(routes)).guest("far", "chatty").guest("orchestrator", "chatty")
}

fn fleet() -> Fleet {
    Fleet::start(app(&json!({})), &["far"])
}

fn alone(limits: &Value) -> (App, Host) {
    let app = app(limits);
    let host = Launch::orchestrator(&app).start();
    (app, host)
}

#[test]
fn messages_are_routed_by_application_and_type() {
    let fleet = fleet();
    for application in ["demo", "here"] {
        let mut socket = Socket::registered(&fleet.orchestrator, application);
        let answer = socket.ask(json!({"type": "hello", "params": {"a": [1, "ö"]}, "id": 7}));
        let socket_id = answer["message"]["socketId"].as_str().unwrap().to_owned();
        assert_eq!(socket_id.len(), 32);
        assert!(answer["responseTime"].as_str().unwrap().ends_with("ms"));
        assert_eq!(
            bare(answer),
            json!({
                "type": "hello", "finished": true, "id": 7,
                "message": {"kind": "message", "application": application, "type": "hello", "params": {"a": [1, "ö"]},
                            "socketId": socket_id, "authenticated": false},
            })
        );
        let refused = bare(socket.ask(json!({"type": "private", "id": "p"})));
        let expected = json!({"type": "private", "finished": true, "message": {"error": "User is not authenticated"}, "status": 401, "id": "p"});
        assert_eq!(refused, expected);
        assert_eq!(bare(socket.ask(json!({"type": "sign_in"})))["message"], json!({"ok": true}));
        let answer = socket.ask(json!({"type": "private"}));
        assert_eq!(answer["message"]["authenticated"], json!(true));
        assert_eq!(answer["message"]["application"], json!(application));
        let unknown = bare(socket.ask(json!({"type": "nosuch"})));
        let words = format!("Handler not defined for {application} messages of type nosuch");
        assert_eq!(unknown, json!({"type": "nosuch", "finished": true, "message": {"error": words}, "status": 404}));
    }
    let mut wild = Socket::registered(&fleet.orchestrator, "wild");
    assert_eq!(wild.ask(json!({"type": "any thing/at all"}))["message"]["type"], json!("any thing/at all"));
}

#[test]
fn a_client_that_connects_anew_goes_on_with_its_session() {
    let fleet = fleet();
    let mut first = Socket::registered(&fleet.orchestrator, "demo");
    first.ask(json!({"type": "sign_in"}));
    let before = first.ask(json!({"type": "hello"}))["message"]["socketId"].clone();
    let token = first.token.clone();
    first.vanish();
    let mut second = Socket::open(&fleet.orchestrator);
    let answer = second.ask(json!({"type": "ewd-reregister", "token": token, "id": 1}));
    assert!(answer["message"]["token"].is_string());
    assert_eq!(bare(answer), json!({"type": "ewd-reregister", "finished": true, "message": {"ok": true}, "id": 1}));
    let after = second.ask(json!({"type": "private"}));
    assert_eq!(after["message"]["authenticated"], json!(true));
    assert_ne!(after["message"]["socketId"], before);
}

#[test]
fn tokens_are_checked_and_control_types_are_unknown() {
    let (_app, host) = alone(&json!({}));
    let mut socket = Socket::open(&host);
    let mut error = |message: Value| {
        let answer = socket.ask(message);
        assert_eq!(answer["finished"], json!(true), "{answer}");
        (answer["message"]["error"].as_str().unwrap().to_owned(), answer["message"]["disconnect"] == json!(true))
    };
    let said = |words: &str, disconnect| (words.to_owned(), disconnect);
    assert_eq!(error(json!({"type": "hello"})), said("Missing authorization header", true));
    assert_eq!(error(json!({"type": "ewd-reregister"})), said("Missing authorization header", true));
    for kind in ["hello", "ewd-reregister"] {
        let with = |token: &str| json!({"type": kind, "token": token});
        assert_eq!(error(with("4b8b5b4e-uuid")), said("Invalid token or session expired", true));
        let forged = signed(jsonwebtoken::Algorithm::HS256, "another secret", &json!({}));
        let words = "Invalid JWT: Error: Signature verification failed";
        assert_eq!(error(with(&forged)), said(words, true));
        let expired = signed(jsonwebtoken::Algorithm::HS256, SECRET, &json!({"exp": 1}));
        assert_eq!(error(with(&expired)), said("Invalid JWT: Error: Token expired", true));
    }
    let words = "Registering needs an \"application\": use 1 to 64 letters, digits, '_', '-' and '.', and do not begin with '.'";
    for bad in [json!({"type": "ewd-register"}), json!({"type": "ewd-register", "application": "a b"})] {
        assert_eq!(error(bad), said(words, false));
    }
    let good = signed(jsonwebtoken::Algorithm::HS256, SECRET, &json!({"application": "wild"}));
    for control in ["qoper8-exit", "qoper8-getStats", "ewd-jwt-encode", "ewd-qoper8-express", "restRequest", "error"] {
        let words = format!("Handler not defined for wild messages of type {control}");
        assert_eq!(error(json!({"type": control, "token": good})), said(&words, false));
    }
    for text in ["nonsense", "[]", "7", "{}", "{\"type\":1}", "[\"hello\",1]"] {
        socket.send_text(text);
        let answer = socket.next();
        assert_eq!((&answer["type"], &answer["status"]), (&json!("error"), &json!(400)), "{answer}");
    }
}

#[test]
fn intermediate_messages_come_in_order_before_the_answer() {
    let fleet = fleet();
    for application in ["demo", "here"] {
        let mut socket = Socket::registered(&fleet.orchestrator, application);
        // Far more than any window on the way; large ones too.
        for (to, bytes) in [(0, 0), (3, 0), (2000, 0), (100, 20_000)] {
            socket.send(json!({"type": "count", "params": {"to": to, "bytes": bytes}, "id": "c"}));
            for number in 1..=to {
                let part = socket.next();
                assert_eq!(
                    (&part["type"], &part["finished"], &part["id"]),
                    (&json!("count"), &json!(false), &json!("c"))
                );
                assert_eq!(part["message"]["number"], json!(number));
                assert_eq!(part["message"]["weight"].as_str().unwrap().len(), bytes);
            }
            let answer = bare(socket.next());
            let expected =
                json!({"type": "count", "finished": true, "message": {"counted": to, "heard": to > 0}, "id": "c"});
            assert_eq!(answer, expected);
        }
        socket.send(json!({"type": "count", "params": {"to": 1, "as": "progress"}}));
        assert_eq!(socket.next()["type"], json!("progress"));
        assert_eq!(socket.next()["message"]["counted"], json!(1));
        let forged = socket.ask(json!({"type": "count", "params": {"to": 1, "as": "ewd-register"}}));
        assert_eq!(forged["status"], json!(500), "{forged}");
    }
    // Over REST nobody waits for them.
    let answer = fleet.orchestrator.post("/api/count", r#"{"params":{"to":2}}"#).send();
    assert_eq!(answer.shown(), r#"200 {"counted":2,"heard":false}"#);
}

#[test]
fn answers_of_one_socket_come_when_they_are_ready() {
    let fleet = fleet();
    let mut socket = Socket::registered(&fleet.orchestrator, "demo");
    socket.send(json!({"type": "slowly", "params": {"milliseconds": 800, "n": 1}, "id": 1}));
    socket.send(json!({"type": "slowly", "params": {"milliseconds": 10, "n": 2}, "id": 2}));
    let (first, second) = (socket.next(), socket.next());
    assert_eq!((&first["id"], &first["message"]["n"]), (&json!(2), &json!(2)));
    assert_eq!((&second["id"], &second["message"]["n"]), (&json!(1), &json!(1)));
}

#[test]
fn pushes_reach_clients_wherever_they_are() {
    let app = app(&json!({}));
    let far = Launch::microservice(&app, "far").start();
    // A farm: both orchestrators lead to one service.
    let farm: Vec<Host> = (0..2).map(|_| Launch::orchestrator(&app).reaching("far", far.port).start()).collect();
    for host in &farm {
        host.wait_for("micro-service ready");
    }
    let mut one = Socket::registered(&farm[0], "demo");
    let mut two = Socket::registered(&farm[1], "demo");
    let mut other = Socket::registered(&farm[1], "here");
    let shouted = |words: &str| json!({"type": "shouted", "message": {"words": words}});
    // From the service, for the client of one orchestrator and that of the other.
    one.send(json!({"type": "shout", "params": {"to": "demo", "words": "from far"}}));
    let mut heard = [one.next(), one.next()];
    heard.sort_by_key(|message| message["type"].as_str().unwrap().to_owned());
    assert_eq!(heard[1], shouted("from far"));
    assert_eq!(two.next(), shouted("from far"));
    // From an orchestrator, through the service, for the other orchestrator's client; over REST as well.
    farm[0].post("/api/shout", r#"{"params":{"to":"here","words":"from one"}}"#).send();
    assert_eq!(other.next(), shouted("from one"));
    // For one client alone.
    let id = two.ask(json!({"type": "hello"}))["message"]["socketId"].clone();
    let answer = one.ask(json!({"type": "whisper", "params": {"to": id, "words": {"psst": true}}}));
    assert_eq!(bare(answer)["message"], json!({"ok": true}));
    assert_eq!(two.next(), json!({"type": "whispered", "message": {"psst": true}}));
    assert_eq!(one.ask(json!({"type": "hello"}))["type"], json!("hello"), "the others heard nothing of it");
    assert_eq!(other.ask(json!({"type": "hello"}))["type"], json!("hello"));
}

#[test]
fn a_message_may_go_to_a_group() {
    let routes = json!([
        {"application": "demo", "type": "hello", "handler": "hello", "on_microservice": "both", "authenticate": false},
        {"application": "demo", "type": "count", "handler": "count", "on_microservice": "both", "authenticate": false},
    ]);
    let services = json!([{"name": "one"}, {"name": "two"}, {"name": "both", "members": ["one", "two"]}]);
    let app = App::new(json!({"qewd_up": true, "orchestrator": {}, "microservices": services}), &routes);
    let app = app.guest("one", "chatty").guest("two", "chatty");
    let mut fleet = Fleet::start(app, &["one", "two"]);
    let mut socket = Socket::registered(&fleet.orchestrator, "demo");
    let answer = socket.ask(json!({"type": "hello", "id": 1}));
    assert!(answer["message"]["token"].is_string(), "{answer}");
    for member in ["one", "two"] {
        let said = &answer["message"]["results"][member];
        assert_eq!((&said["application"], said.get("token")), (&json!("demo"), None), "{answer}");
    }
    socket.send(json!({"type": "count", "params": {"to": 2}}));
    let parts: Vec<Value> = (0..4).map(|_| socket.next()).collect();
    assert!(parts.iter().all(|part| part["finished"] == json!(false)), "{parts:?}");
    let counted = json!({"one": {"counted": 2, "heard": true}, "two": {"counted": 2, "heard": true}});
    assert_eq!(bare(socket.next())["message"]["results"], counted);
    fleet.service("two").kill();
    let half = bare(socket.ask(json!({"type": "count", "params": {"to": 0}})));
    let down = json!({"error": "MicroService connection is down", "status": {"code": 503}});
    assert_eq!(half["message"]["results"], json!({"one": {"counted": 0, "heard": false}, "two": down}));
}

#[test]
fn a_message_to_a_service_that_is_down_is_answered() {
    let app = app(&json!({}));
    let host = Launch::orchestrator(&app).reaching("far", free_port()).start();
    let mut socket = Socket::registered(&host, "demo");
    let answer = bare(socket.ask(json!({"type": "hello", "id": 1})));
    assert_eq!(
        answer,
        json!({"type": "hello", "finished": true, "message": {"error": "MicroService connection is down"}, "status": 503, "id": 1})
    );
}

#[test]
fn a_client_that_goes_away_ends_what_it_asked_for() {
    let mut fleet = fleet();
    let mut socket = Socket::registered(&fleet.orchestrator, "demo");
    socket.send(json!({"type": "slowly", "params": {"milliseconds": 10_000}}));
    fleet.service("far").wait_for("falling asleep");
    socket.vanish();
    fleet.orchestrator.wait_for("was given up by its caller");
    fleet.service("far").wait_for("was given up by its caller");
}

#[test]
fn sockets_have_limits() {
    let limits =
        json!({"sockets": 2, "socketMessageBytes": 2000, "socketMessagesPerSecond": 5, "socketIdleMilliseconds": 700});
    let (_app, host) = alone(&limits);
    let mut first = Socket::registered(&host, "here");
    let _second = Socket::open(&host);
    let refused = Socket::open_with(&host, &[]).err().expect("there is room for two");
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(refused.body().as_deref().unwrap(), br#"{"error":"Too many clients are connected; try again"}"#);
    for number in 0..40 {
        first.send(json!({"type": "hello", "id": number}));
    }
    let answers: Vec<Value> = (0..40).map(|_| first.next()).collect();
    let refused = answers.iter().filter(|answer| answer["status"] == json!(429)).count();
    assert!((20..=31).contains(&refused), "{refused} of 40 messages were too fast");
    let words = "Too many messages; send fewer in a second";
    assert!(answers.iter().any(|answer| answer["message"]["error"] == json!(words)));
    first.send(json!({"type": "hello", "params": "x".repeat(3000)}));
    let closed = first.closed().unwrap();
    assert_eq!((u16::from(closed.code), closed.reason.as_str()), (1009, "a message was too large"));
    let mut idle = None;
    wait_until("its place is free", || {
        idle = Socket::open_with(&host, &[]).ok();
        idle.is_some()
    });
    let mut idle = idle.unwrap();
    idle.register("here");
    let since = Instant::now();
    let closed = idle.closed().unwrap();
    assert_eq!((u16::from(closed.code), closed.reason.as_str()), (1001, "it was idle for too long"));
    assert!(since.elapsed() >= Duration::from_millis(600));
    idle.vanish();
    let mut binary = None;
    wait_until("there is room again", || {
        binary = Socket::open_with(&host, &[]).ok();
        binary.is_some()
    });
    let mut binary = binary.unwrap();
    binary.send_bytes(vec![1, 2, 3]);
    assert_eq!(u16::from(binary.closed().unwrap().code), 1003);
}

#[test]
fn origins_are_checked() {
    let open = |cors: Value, origin: &str| {
        let app = app(&json!({})).setting("orchestrator", "cors", cors);
        let host = Launch::orchestrator(&app).start();
        let origin = origin.replace("PORT", &host.port.to_string());
        Socket::open_with(&host, &[("origin", &origin)]).map(|_| ()).map_err(|response| {
            (response.status().as_u16(), String::from_utf8(response.body().clone().unwrap()).unwrap())
        })
    };
    let refused = Err((403, r#"{"error":"Pages of this origin may not connect here"}"#.to_owned()));
    assert_eq!(open(json!(true), "https://anybody.example"), Ok(()));
    assert_eq!(open(json!(false), "http://localhost:PORT"), Ok(()));
    assert_eq!(open(json!(false), "https://anybody.example"), refused);
    assert_eq!(open(json!(["https://shop.example.com"]), "https://shop.example.com"), Ok(()));
    assert_eq!(open(json!(["https://shop.example.com"]), "https://shop.example.com.evil.example"), refused);
    assert_eq!(open(json!(["https://shop.example.com"]), "null"), refused);
}

#[test]
fn messages_go_over_http_too() {
    let fleet = fleet();
    let ajax = |message: &Value| fleet.orchestrator.post("/ajax", &message.to_string()).send();
    let registered = ajax(&json!({"type": "ewd-register", "application": "demo"}));
    assert_eq!(registered.shown(), r#"200 {"token":"…"}"#);
    let token = registered.token();
    let answer = ajax(&json!({"type": "count", "params": {"to": 2}, "token": token}));
    assert_eq!(answer.shown(), r#"200 {"counted":2,"heard":false,"token":"…"}"#);
    for (message, shown) in [
        (json!({"type": "hello"}), r#"400 {"error":"Missing authorization header","disconnect":true}"#),
        (
            json!({"type": "nosuch", "token": token}),
            r#"400 {"error":"Handler not defined for demo messages of type nosuch"}"#,
        ),
        (json!([]), r#"400 {"error":"A message is a JSON object with a \"type\""}"#),
        (
            json!({"type": "qoper8-exit", "token": token}),
            r#"400 {"error":"Handler not defined for demo messages of type qoper8-exit"}"#,
        ),
    ] {
        assert_eq!(ajax(&message).shown(), shown);
    }
    // REST never reaches a route for messages.
    let straight = Request::new(fleet.orchestrator.port, "MESSAGE", "/demo/hello").send();
    assert_eq!(straight.status, 404);
}

/// Hosts have a kind of request of their own for one another's monitors. However a client words it, it does not get it.
#[test]
fn no_client_asks_as_a_monitor_does() {
    let fleet = fleet();
    let port = fleet.orchestrator.port;
    for path in ["/api/near?kind=monitor", "/api/far?kind=monitor"] {
        for method in ["GET", "POST", "MONITOR"] {
            let request = Request::new(port, method, path).header("kind", "monitor").header("x-qewd-kind", "monitor");
            let answer = request.body(r#"{"kind": "monitor", "head": {"kind": "monitor"}}"#).send();
            assert_eq!((answer.status, &answer.json()["kind"]), (200, &json!("rest")), "{method} {path}");
        }
    }
    for application in ["demo", "here", "wild"] {
        let mut socket = Socket::registered(&fleet.orchestrator, application);
        let kind = if application == "wild" { "monitor" } else { "hello" };
        let message = json!({"type": kind, "kind": "monitor", "method": "MONITOR", "head": {"kind": "monitor"}});
        assert_eq!(socket.ask(message.clone())["message"]["kind"], json!("message"), "{application}");
        let mut message = message;
        message["token"] = socket.token.as_deref().into();
        let answer = fleet.orchestrator.post("/ajax", &message.to_string()).send();
        assert_eq!(answer.json()["kind"], json!("message"), "{application}");
    }
}

#[test]
fn fragments_stay_in_the_applications_folder() {
    let (app, host) = alone(&json!({}));
    app.write("www/here/part.html", "<p>ö</p>");
    app.write("www/secret.html", "no");
    std::os::unix::fs::symlink(app.path().join("www/secret.html"), app.path().join("www/here/link.html")).unwrap();
    let mut socket = Socket::registered(&host, "here");
    let mut fragment =
        |file: &str| bare(socket.ask(json!({"type": "ewd-fragment", "params": {"file": file, "targetId": "x"}})));
    assert_eq!(fragment("part.html")["message"], json!({"fragmentName": "part.html", "content": "<p>ö</p>"}));
    app.write("www/here/.hidden", "no");
    for file in ["none.html", "../secret.html", "/etc/passwd", "link.html", ".hidden", "", ".", "a\u{0}b"] {
        let answer = fragment(file);
        assert_eq!(
            answer["message"],
            json!({"error": format!("Fragment file {file} does not exist"), "file": file}),
            "{file:?}"
        );
    }
}

#[test]
fn a_host_that_stops_answers_what_it_has_and_says_goodbye() {
    let (_app, host) = alone(&json!({}));
    let mut host = host;
    let mut socket = Socket::registered(&host, "here");
    socket.send(json!({"type": "slowly", "params": {"milliseconds": 700}, "id": 1}));
    host.wait_for("falling asleep");
    host.signal("TERM");
    assert_eq!(socket.next()["message"]["milliseconds"], json!(700));
    let closed = socket.closed().unwrap();
    assert_eq!((u16::from(closed.code), closed.reason.as_str()), (1001, "this host stops"));
    assert_eq!(host.ended().code(), Some(0));
}

#[test]
fn messages_right_behind_a_large_one_are_read_in_their_order() {
    let (_app, host) = alone(&json!({}));
    let mut socket = Socket::registered(&host, "here");
    let large = "x".repeat(300_000);
    for round in 0..3 {
        // A message that is no message is answered at once, so the order of the answers is that of reading.
        for id in 0..3 {
            socket.send(json!({"id": id, "params": large}));
            socket.send(json!({"id": format!("behind {id}")}));
        }
        for id in 0..3 {
            assert_eq!(socket.next()["id"], json!(id), "round {round}");
            assert_eq!(socket.next()["id"], json!(format!("behind {id}")));
        }
        let answer = socket.ask(json!({"type": "hello", "params": large}));
        assert_eq!(answer["message"]["params"], json!(large));
    }
}

/// The name of an application is a folder's name, too.
#[test]
fn no_name_of_an_application_leads_out_of_its_folder() {
    let (app, host) = alone(&json!({}));
    app.write("www/index.html", "page");
    for application in ["..", ".", "../here", "here/..", ".here", ""] {
        let mut socket = Socket::open(&host);
        let answer = bare(socket.ask(json!({"type": "ewd-register", "application": application})));
        assert_eq!((&answer["status"], answer["message"].get("token")), (&json!(400), None), "{application:?}");
        // Also not with a token that says so.
        let token = signed(jsonwebtoken::Algorithm::HS256, SECRET, &json!({"application": application}));
        let wanted = json!({"type": "ewd-fragment", "params": {"file": "configuration/config.json"}, "token": token});
        let answer = socket.ask(wanted);
        assert!(answer["message"].get("content").is_none(), "{application:?}: {answer}");
    }
}

#[test]
fn a_client_that_does_not_read_holds_nobody_up() {
    let (_app, host) = alone(&json!({}));
    let mut host = host;
    let mut lazy = Socket::registered(&host, "here");
    for _ in 0..8 {
        lazy.send(json!({"type": "count", "params": {"to": 2000, "bytes": 100_000}}));
    }
    wait_until("its socket is closed", || {
        host.lines().iter().any(|line| line.contains("disconnected") && line.contains("does not read what it is sent"))
    });
    let mut other = Socket::registered(&host, "here");
    assert_eq!(other.ask(json!({"type": "hello"}))["finished"], json!(true));
    // And a stop is not held up by one that hears pushes and reads none.
    let _deaf = Socket::registered(&host, "here");
    let words = "x".repeat(900_000);
    for _ in 0..10 {
        other.ask(json!({"type": "shout", "params": {"to": "here", "words": words}}));
        other.next();
    }
    host.signal("TERM");
    assert_eq!(host.ended().code(), Some(0));
}

#[test]
fn a_goodbye_is_answered() {
    let (_app, host) = alone(&json!({}));
    let mut socket = Socket::registered(&host, "here");
    socket.leave(1000, "bye");
    let answer = socket.closed().unwrap();
    assert_eq!((u16::from(answer.code), answer.reason.as_str()), (1000, "bye"));
}

#[test]
fn who_pushes_much_at_once_loses_no_hearer() {
    let fleet = fleet();
    let mut hearers: Vec<Socket> = (0..4).map(|_| Socket::registered(&fleet.orchestrator, "demo")).collect();
    let mut speaker = Socket::registered(&fleet.orchestrator, "here");
    // From this host, and from another one.
    speaker.ask(json!({"type": "shout", "params": {"to": "demo", "words": "a", "times": 700}}));
    let mut far = Socket::registered(&fleet.orchestrator, "demo");
    far.send(json!({"type": "shout", "params": {"to": "demo", "words": "b", "times": 700}}));
    for hearer in &mut hearers {
        for words in ["a", "b"] {
            for _ in 0..700 {
                assert_eq!(hearer.next(), json!({"type": "shouted", "message": {"words": words}}));
            }
        }
    }
}

#[test]
fn waiting_for_an_answer_is_not_idleness() {
    let (_app, host) = alone(&json!({"socketIdleMilliseconds": 400}));
    let mut socket = Socket::registered(&host, "here");
    let answer = socket.ask(json!({"type": "slowly", "params": {"milliseconds": 1500}}));
    assert_eq!(answer["message"]["milliseconds"], json!(1500));
    assert_eq!(socket.ask(json!({"type": "hello"}))["finished"], json!(true));
    assert_eq!(socket.closed().unwrap().reason.as_str(), "it was idle for too long");
}

#[test]
fn a_push_to_an_id_that_cannot_be_one_is_refused() {
    let fleet = fleet();
    let mut socket = Socket::registered(&fleet.orchestrator, "demo");
    let answer = socket.ask(json!({"type": "whisper", "params": {"to": "x".repeat(100_000), "words": 1}}));
    assert_eq!((&answer["status"], &answer["message"]["error"]), (&json!(500), &json!("No socket has so long an id")));
    assert_eq!(socket.ask(json!({"type": "hello"}))["finished"], json!(true));
}

#[test]
fn a_clients_token_serves_for_rest_as_well() {
    let fleet = fleet();
    let mut socket = Socket::registered(&fleet.orchestrator, "demo");
    socket.ask(json!({"type": "sign_in"}));
    let token = socket.token.clone().unwrap();
    let answer = fleet.orchestrator.post("/api/count", r#"{"params":{"to":0}}"#).token(&token).send();
    socket.token = Some(answer.token());
    assert_eq!(socket.ask(json!({"type": "private"}))["message"]["authenticated"], json!(true));
}

#[test]
fn a_flood_ends_the_socket() {
    let (_app, host) = alone(&json!({"socketMessagesPerSecond": 20}));
    let mut socket = Socket::registered(&host, "here");
    let closed = socket.flood(&json!({"type": "hello"}), 5000);
    assert_eq!((u16::from(closed.code), closed.reason.as_str()), (1008, "it sent far too many messages"));
}
