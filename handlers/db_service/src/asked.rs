//! Asks the handlers as the routes do, for tests.
//! In come words such as `GET people/7` and a body, out goes the answer's body, or the failure.
//! It is no part of the module.

use crate::{create, fetch, list, remove, replace, search};
use qewd_sdk::testing;

/// What a request to `/api/db/…` brings.
pub(crate) fn ask(line: &str, body: &str) -> String {
    let (method, path) = line.split_once(' ').unwrap();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    let mut request = testing::request(method, path).variable("documentName", name).variable("id", rest).body(body);
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap();
        request = request.query(name, value);
    }
    let handler = match (method, rest) {
        ("POST", _) => create,
        ("GET", "list") => list,
        ("GET", "search") => search,
        ("PUT", _) => replace,
        ("DELETE", _) => remove,
        _ => fetch,
    };
    match testing::call(handler, &mut request.request()) {
        Ok(response) => response.body_text(),
        Err(failure) => failure.to_string(),
    }
}
