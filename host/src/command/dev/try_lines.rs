//! Requests to try, as `curl` lines for the terminal.
//! In come the routes and the orchestrator's URL; out go three lines that can be typed as they are.
//! It sends nothing itself.

use crate::configuration::{Configuration, Method, Route};
use std::fmt::Write as _;

/// How many requests are shown.
const LINES: usize = 3;

/// Three requests to try; those whose route has an `example` come first.
pub(super) fn lines(configuration: &Configuration, url: &str) -> String {
    let mut routes: Vec<&Route> = configuration.routes.iter().filter(|route| is_open(route)).collect();
    routes.sort_by_key(|route| route.example.is_none());
    let login = routes.iter().find(|route| is_login(route)).map(|route| request(route, url));
    let mut text = String::from("\nTo try, in another terminal:\n");
    for route in routes.into_iter().take(LINES) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {}\n", line(route, url, login.as_deref()));
    }
    text
}

/// Routes for microservices alone, and for messages, are not for a terminal.
fn is_open(route: &Route) -> bool {
    route.from_microservices.is_none() && route.method != Method::Message
}

fn is_login(route: &Route) -> bool {
    !route.authenticate && route.example.is_some() && route.uri.ends_with("/login")
}

/// A protected request logs in by itself where the application shows how, so that each line works alone.
fn line(route: &Route, url: &str, login: Option<&str>) -> String {
    let request = request(route, url);
    match login {
        _ if !route.authenticate => request,
        Some(login) => {
            let token = format!("{login} | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/'");
            format!("{request} -H \"Authorization: Bearer $({token})\"")
        }
        None => format!("{request} -H \"Authorization: Bearer $TOKEN\""),
    }
}

fn request(route: &Route, url: &str) -> String {
    let example = route.example.as_ref();
    let path = example.and_then(|example| example.path.clone()).unwrap_or_else(|| route.uri.clone());
    let mut line = String::from("curl -s");
    match &route.method {
        Method::Verb(verb) if *verb != "GET" => line.push_str(&format!(" -X {verb}")),
        Method::Verb(_) | Method::Any | Method::Message => {}
    }
    line.push_str(&format!(" {url}{path}"));
    if let Some(body) = example.and_then(|example| example.body.as_ref()) {
        let body = body.to_string().replace('\'', "'\\''");
        line.push_str(&format!(" -H 'Content-Type: application/json' -d '{body}'"));
    }
    line
}
