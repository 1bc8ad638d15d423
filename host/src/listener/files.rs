//! Files for browsers: those of the application's folder `www/`, and the client that the program itself brings.
//! In comes a GET or HEAD request that no route takes; out goes the file, or nothing if there is none.
//! It never leaves `www/`, lists no folder, and shows nothing whose name begins with a dot.

use super::rest;
use crate::configuration::Configuration;
use crate::edition::Edition;
use crate::failure::Failure;
use crate::names::HostName;
use crate::request::Kind;
use crate::router::NoRoute;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use percent_encoding::percent_decode_str;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Component, Path, PathBuf};
use tokio::time::Instant;
use tower_http::services::ServeDir;

/// The folder of static files.
pub(super) const WWW: &str = "www";
/// What a folder shows of itself.
const INDEX: &str = "index.html";
/// What the program itself brings: path, kind, text.
const OWN: [(&str, &str, &str); 2] = [
    ("/qewd-client.js", "text/javascript; charset=utf-8", include_str!("../../browser/qewd-client.js")),
    ("/qewd-client.d.ts", "application/typescript; charset=utf-8", include_str!("../../browser/qewd-client.d.ts")),
];

/// The file at the request's path, unless a route takes it or it is asked for in another way.
pub(super) async fn answer(edition: &Edition, parts: &Parts) -> Option<Response<Body>> {
    let is_asked_for = parts.method == Method::GET || parts.method == Method::HEAD;
    let path = parts.uri.path();
    let is_free = || matches!(edition.table.decide(Kind::Rest, parts.method.as_str(), path), Err(NoRoute::UnknownPath));
    if !is_asked_for || !is_free() {
        return None;
    }
    let mut response = match of_the_application(&edition.configuration, parts).await {
        Some(response) => response,
        None => own(parts)?,
    };
    // A browser asks each time whether it has the newest, so a changed page is never mixed with old scripts.
    set(&mut response, header::CACHE_CONTROL, "no-cache");
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    tracing::debug!("{} {:?} -> {}: a file", parts.method, crate::logging::cut(path), response.status().as_u16());
    Some(response)
}

/// Whether this host shows `www/`: all hosts share the folder, and browsers come to the orchestrator.
fn shows_files(configuration: &Configuration) -> bool {
    configuration.standalone || configuration.host == HostName::Orchestrator
}

async fn of_the_application(configuration: &Configuration, parts: &Parts) -> Option<Response<Body>> {
    let folder = configuration.folder.join(WWW);
    if !shows_files(configuration) || !holds(&folder, parts.uri.path()).await {
        return None;
    }
    let mut request = Request::new(Body::empty());
    request.method_mut().clone_from(&parts.method);
    request.uri_mut().clone_from(&parts.uri);
    request.headers_mut().clone_from(&parts.headers);
    match ServeDir::new(folder).try_call(request).await {
        // It went away meanwhile.
        Ok(response) if response.status() == StatusCode::NOT_FOUND => None,
        Ok(response) => Some(response.map(Body::new)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!("{WWW}{} cannot be read: {error}; let the host's user read it", parts.uri.path());
            let failure = Failure::system(500, "The file cannot be read", error.to_string());
            Some(rest::reply(failure.into(), Instant::now()))
        }
    }
}

/// Whether there is a file for this path that may be shown. A link in the folder may lead out of it.
async fn holds(folder: &Path, path: &str) -> bool {
    let Some(name) = plain(path) else { return false };
    let Ok(folder) = tokio::fs::canonicalize(folder).await else { return false };
    let Some((file, kind)) = inside(&folder, &name).await else { return false };
    // Anything else than a file, such as a pipe, might never end.
    kind.is_file() || (kind.is_dir() && inside(&file, Path::new(INDEX)).await.is_some_and(|(_, kind)| kind.is_file()))
}

async fn inside(folder: &Path, name: &Path) -> Option<(PathBuf, std::fs::Metadata)> {
    let file = tokio::fs::canonicalize(folder.join(name)).await.ok()?;
    let kind = tokio::fs::metadata(&file).await.ok()?;
    file.starts_with(folder).then_some((file, kind))
}

/// The path below the folder, if every part of it is a plain name: no `..`, no hidden name, nothing twice decoded.
fn plain(path: &str) -> Option<PathBuf> {
    let decoded = percent_decode_str(path.strip_prefix('/')?).decode_utf8().ok()?;
    let is_hidden = decoded.split('/').any(|part| part.starts_with('.') || part.contains('\\'));
    let is_empty = decoded.starts_with('/') || decoded.contains("//") || decoded.contains('\0');
    let path = Path::new(&*decoded);
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    (is_plain && !is_hidden && !is_empty).then(|| path.to_owned())
}

/// A file that the program itself brings.
fn own(parts: &Parts) -> Option<Response<Body>> {
    let (_, kind, text) = OWN.into_iter().find(|(path, ..)| *path == parts.uri.path())?;
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let mut response = Response::new(Body::empty());
    if has_tag(&parts.headers, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Body::from(text);
        set(&mut response, header::CONTENT_TYPE, kind);
    }
    set(&mut response, header::ETAG, &tag);
    Some(response)
}

/// Whether the caller has this text already.
fn has_tag(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok());
    known.flat_map(|known| known.split(',')).any(|known| known.trim().trim_start_matches("W/") == tag)
}

fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_looked_for() {
        for (path, file) in [("/", ""), ("/a.js", "a.js"), ("/a/b%20c/", "a/b c"), ("/%C3%B6.html", "ö.html")] {
            assert_eq!(plain(path), Some(PathBuf::from(file)), "{path}");
        }
        for path in [
            "",
            "a",
            "//a",
            "/a//b",
            "/../a",
            "/a/../b",
            "/%2e%2e/a",
            "/.git/config",
            "/a/.b",
            "/%2fetc",
            "/a%00",
            "/a%5cb",
            "/%ff",
            "/./a",
        ] {
            assert_eq!(plain(path), None, "{path}");
        }
        assert_eq!(plain("/%252e%252e/a"), Some(PathBuf::from("%2e%2e/a")));
    }
}
