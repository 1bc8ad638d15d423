//! What an operator can do: stop workers and the host, read a module anew, disconnect a client, change documents.
//! In comes a request of somebody who has signed in; out goes what was done, once it is done.
//! Each change has a line in the log with the address from which it was wanted.

use super::door::{address, check_json, no_such_path, only_looks, wrong_method};
use super::{Monitor, documents, json};
use crate::failure::Failure;
use crate::logging::{Chosen, one_line};
use crate::request::Request;
use crate::response::Response;
use serde::Deserialize;
use serde_json::json;

/// A wish of which lines the log has. Without the member it is none: a forgotten word must not take one back.
#[derive(Deserialize)]
struct Lines {
    #[serde(deserialize_with = "Option::deserialize")]
    lines: Option<String>,
}

#[derive(Deserialize)]
struct Which {
    module: String,
}

impl Monitor {
    /// Does what the path names.
    pub(super) async fn act(&self, segments: &[&str], request: &Request) -> Result<Response, Failure> {
        let is_posted = request.method == "POST";
        match *segments {
            ["workers", "stop"] if is_posted => self.stop_workers(None, request).await,
            ["workers", id, "stop"] if is_posted => self.stop_worker(id, request).await,
            ["handlers", "stop"] if is_posted => self.stop_workers(Some(which(request)?), request).await,
            ["handlers", "reload"] if is_posted => self.reload(which(request)?, request).await,
            ["clients", id, "disconnect"] if is_posted => self.disconnect(id, request),
            ["host", "stop"] if is_posted => Ok(self.stop_host(request)),
            ["log"] if is_posted => choose_lines(request),
            ["log"] if only_looks(request) => Ok(chosen(&crate::logging::chosen())),
            ["log"] => Err(wrong_method("GET, HEAD, POST")),
            ["workers" | "handlers" | "host", "stop"]
            | ["workers", _, "stop"]
            | ["handlers", "reload"]
            | ["clients", _, "disconnect"] => Err(wrong_method("POST")),
            _ => Err(no_such_path(&segments.join("/"))),
        }
    }

    pub(super) async fn document(&self, segments: &[&str], request: &Request) -> Result<Response, Failure> {
        let (store, query) = (&self.seen.documents, request.query.as_str());
        match (request.method.as_str(), segments) {
            ("GET" | "HEAD", ["documents"]) => documents::page(store, query).await,
            ("GET" | "HEAD", ["documents", "json"]) => documents::json(store, query).await,
            ("PUT", ["documents"]) => {
                check_json(request)?;
                documents::put(store, query, &request.body, address(request)).await
            }
            ("DELETE", ["documents"]) => documents::delete(store, query, address(request)).await,
            (_, ["documents"]) => Err(wrong_method("GET, PUT, DELETE")),
            _ => Err(no_such_path(&segments.join("/"))),
        }
    }

    async fn stop_worker(&self, id: &str, request: &Request) -> Result<Response, Failure> {
        let none = || Failure::caller(404, format!("There is no worker {id}; it may have ended"));
        let number = id.parse().map_err(|_| none())?;
        // It ends also when the operator does not wait for that.
        tracing::info!("monitor: {} stops worker {number}", address(request));
        if !self.seen.dispatch.pool.stop(number).await {
            return Err(none());
        }
        Ok(json(&json!({"ok": true, "stopped": 1})))
    }

    async fn stop_workers(&self, module: Option<String>, request: &Request) -> Result<Response, Failure> {
        if let Some(name) = &module {
            let edition = self.edition();
            let is_there = edition.catalog.modules().any(|module| *module.name == **name);
            if !is_there {
                return Err(Failure::caller(404, format!("There is no module {name}")));
            }
        }
        let whose = module.as_ref().map(|name| format!(" of {}", one_line(name))).unwrap_or_default();
        tracing::info!("monitor: {} stops all workers{whose}", address(request));
        let stopped = self.seen.dispatch.pool.stop_all(module.as_deref()).await;
        Ok(json(&json!({"ok": true, "stopped": stopped})))
    }

    async fn reload(&self, module: String, request: &Request) -> Result<Response, Failure> {
        tracing::info!("monitor: {} has {} read anew", address(request), one_line(&module));
        match self.seen.dispatch.findings.read_anew(module).await {
            Ok(version) => Ok(json(&json!({"ok": true, "version": &*version}))),
            Err(words) => Err(Failure::caller(422, words)),
        }
    }

    fn disconnect(&self, id: &str, request: &Request) -> Result<Response, Failure> {
        if !self.seen.presence.disconnect(id) {
            return Err(Failure::caller(404, format!("There is no client {id}; it may have gone")));
        }
        tracing::info!("monitor: {} disconnected client {id}", address(request));
        Ok(json(&json!({"ok": true})))
    }

    /// The answer still goes out: it is a request in flight.
    fn stop_host(&self, request: &Request) -> Response {
        tracing::info!("monitor: {} stops this host", address(request));
        self.seen.stop_wanted.cancel();
        json(&json!({"ok": true}))
    }
}

/// Changes which lines the log has, until it is taken back.
fn choose_lines(request: &Request) -> Result<Response, Failure> {
    check_json(request)?;
    let wish: Result<Lines, _> = serde_json::from_slice(&request.body);
    let Lines { lines } = wish.map_err(|_| Failure::caller(400, "Send {\"lines\": \"debug\"}, or null to go back"))?;
    let shown = lines.as_deref().unwrap_or("what is configured");
    let wanted = format!("monitor: {} has the log show {}", address(request), one_line(shown));
    let now = crate::logging::show(lines).map_err(|words| Failure::caller(400, words))?;
    tracing::info!("{wanted}");
    Ok(chosen(&now))
}

fn chosen(chosen: &Chosen) -> Response {
    json(&json!({"lines": chosen.lines, "from": chosen.by.as_str(), "otherwise": chosen.otherwise}))
}

/// The module that the body names.
fn which(request: &Request) -> Result<String, Failure> {
    check_json(request)?;
    let which: Result<Which, _> = serde_json::from_slice(&request.body);
    which.map(|which| which.module).map_err(|_| Failure::caller(400, "Send {\"module\": \"name\"}"))
}
