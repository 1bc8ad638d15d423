//! Files for browsers: those of the application's folder `www/`, and the client that the program itself brings.
//! In comes a GET or HEAD request that no route takes; out goes the file, or nothing if there is none.
//! It never leaves `www/`, lists no folder, and shows nothing whose name begins with a dot.

use super::rest;
use crate::configuration::Configuration;
use crate::edition::Edition;
use crate::failure::Failure;
use crate::names::{HostName, RequestId};
use crate::request::Kind;
use crate::stamp::{has_tag, tag};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use percent_encoding::percent_decode_str;
use std::path::{Component, Path, PathBuf};
use tokio::time::Instant;
use tower_http::services::ServeDir;

/// The folder of static files.
const WWW: &str = "www";
/// What a folder shows of itself.
const INDEX: &str = "index.html";
/// What the program itself brings: path, kind, text.
const OWN: [(&str, &str, &str); 2] = [
    ("/qewd-client.js", "text/javascript; charset=utf-8", include_str!("../../browser/qewd-client.js")),
    ("/qewd-client.d.ts", "application/typescript; charset=utf-8", include_str!("../../browser/qewd-client.d.ts")),
];

/// Whether there may be a file for a request: no route takes it, and it is not asked for in another way.
pub(super) fn may_have(edition: &Edition, parts: &Parts) -> bool {
    let is_asked_for = parts.method == Method::GET || parts.method == Method::HEAD;
    is_asked_for && !edition.table.knows(Kind::Rest, parts.uri.path())
}

/// The file at the request's path, unless a route takes it or it is asked for in another way.
pub(super) async fn answer(edition: &Edition, parts: &Parts) -> Option<Response<Body>> {
    if !may_have(edition, parts) {
        return None;
    }
    let path = parts.uri.path();
    let mut response = match of_the_application(&edition.configuration, parts).await {
        Some(response) => response,
        None => own(parts)?,
    };
    // A browser asks each time whether it has the newest, so a changed page is never mixed with old scripts.
    set(&mut response, header::CACHE_CONTROL, "no-cache");
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // By it our answers are told from the HTTP library's bare ones.
    set(&mut response, HeaderName::from_static("x-request-id"), RequestId::random().as_str());
    say_charset(&mut response);
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

/// The text of a file of at most so many bytes in a folder of `www/`, under the rules of every file there.
pub(super) async fn text(configuration: &Configuration, folder: &str, file: &str, most: usize) -> Option<String> {
    let (folder, file) = (plain_name(folder)?, plain_name(file)?);
    if !shows_files(configuration) {
        return None;
    }
    let www = tokio::fs::canonicalize(configuration.folder.join(WWW)).await.ok()?;
    let (folder, _) = inside(&www, folder).await?;
    let (file, kind) = inside(&folder, file).await?;
    let fits = kind.is_file() && usize::try_from(kind.len()).is_ok_and(|size| size <= most);
    if !fits {
        return None;
    }
    tokio::fs::read_to_string(file).await.ok()
}

/// What a name in a folder stands for, unless that lies outside of it or is hidden. The folder has no links in its path.
async fn inside(folder: &Path, name: &Path) -> Option<(PathBuf, std::fs::Metadata)> {
    let file = tokio::fs::canonicalize(folder.join(name)).await.ok()?;
    let kind = tokio::fs::metadata(&file).await.ok()?;
    let is_hidden = |part: Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(b".");
    let is_shown = !file.strip_prefix(folder).ok()?.components().any(is_hidden);
    is_shown.then_some((file, kind))
}

/// The path below the folder, if every part of it is a plain name: no `..`, no hidden name, nothing twice decoded.
fn plain(path: &str) -> Option<PathBuf> {
    let decoded = percent_decode_str(path.strip_prefix('/')?).decode_utf8().ok()?;
    plain_name(&decoded).map(Path::to_owned)
}

/// A name below a folder as a path, if every part of it is a plain name.
fn plain_name(name: &str) -> Option<&Path> {
    let is_hidden = name.split('/').any(|part| part.starts_with('.') || part.contains('\\'));
    let is_empty = name.starts_with('/') || name.contains("//") || name.contains('\0');
    let path = Path::new(name);
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    (is_plain && !is_hidden && !is_empty).then_some(path)
}

/// A file that the program itself brings.
fn own(parts: &Parts) -> Option<Response<Body>> {
    let (_, kind, text) = OWN.into_iter().find(|(path, ..)| *path == parts.uri.path())?;
    let tag = tag(text);
    let mut response = Response::new(Body::empty());
    if is_known(&parts.headers, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Body::from(text);
        set(&mut response, header::CONTENT_TYPE, kind);
    }
    set(&mut response, header::ETAG, &tag);
    Some(response)
}

/// Whether the caller has this text already.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let mut known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok());
    known.any(|known| has_tag(known, tag))
}

/// Pages and scripts are UTF-8, and browsers that are not told so guess.
fn say_charset(response: &mut Response<Body>) {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let text = kind.filter(|kind| kind.starts_with("text/") && !kind.contains("charset"));
    if let Some(with_charset) = text.map(|kind| format!("{kind}; charset=utf-8")) {
        set(response, header::CONTENT_TYPE, &with_charset);
    }
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
