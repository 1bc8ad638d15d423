//! The page of the monitor: files that are part of the program.
//! In comes a path below `/qewd-monitor`; out goes the file, with headers that keep it from loading anything from elsewhere.
//! It has nothing of the host in it: whoever may not sign in learns from it nothing but that there is a monitor.

use crate::failure::Failure;
use crate::request::Request;
use crate::response::Response;
use crate::stamp::{has_tag, tag};
use bytes::Bytes;
use std::sync::LazyLock;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

/// What the page may load and do: its own scripts, styles and data, and nothing else; nobody may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Names, kinds and contents of the files. The page itself has no name.
macro_rules! files {
    ($($name:literal is $kind:ident),* $(,)?) => {
        [$(($name, $kind, include_str!(concat!("../../browser/monitor/", $name)))),*]
    };
}

/// Each file with the tag by which a browser knows whether it has it already.
static FILES: LazyLock<Vec<(&str, &str, &str, String)>> = LazyLock::new(|| {
    let files = files! {
        "act.js" is SCRIPT,
        "activity.js" is SCRIPT,
        "api.js" is SCRIPT,
        "app.js" is SCRIPT,
        "ask.js" is SCRIPT,
        "banner.js" is SCRIPT,
        "chart.js" is SCRIPT,
        "clients.js" is SCRIPT,
        "document-change.js" is SCRIPT,
        "document-path.js" is SCRIPT,
        "documents.js" is SCRIPT,
        "elements.js" is SCRIPT,
        "exact.js" is SCRIPT,
        "facts.js" is SCRIPT,
        "fleet.js" is SCRIPT,
        "follow-view.js" is SCRIPT,
        "handlers.js" is SCRIPT,
        "home.js" is SCRIPT,
        "icon.svg" is IMAGE,
        "index.html" is HTML,
        "json-view.js" is SCRIPT,
        "links.js" is SCRIPT,
        "live.js" is SCRIPT,
        "log-lines.js" is SCRIPT,
        "notice.js" is SCRIPT,
        "overview.js" is SCRIPT,
        "place.js" is SCRIPT,
        "records.js" is SCRIPT,
        "request-details.js" is SCRIPT,
        "routes.js" is SCRIPT,
        "sign-in.js" is SCRIPT,
        "style.css" is STYLE,
        "table.js" is SCRIPT,
        "time-bar.js" is SCRIPT,
        "words.js" is SCRIPT,
    };
    files.into_iter().map(|(name, kind, text)| (name, kind, text, tag(text))).collect()
});

/// The file at this path.
pub(super) fn answer(request: &Request, below: &str) -> Response {
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return Failure::caller(405, "The monitor's page is only read").with_header("allow", "GET, HEAD").into();
    }
    let name = match below {
        "" | "/" => "index.html",
        path => path.trim_start_matches('/'),
    };
    match FILES.iter().find(|(file, ..)| *file == name) {
        Some((_, kind, text, tag)) => file(request, kind, text, tag),
        None => Failure::caller(404, "The monitor has no such file").into(),
    }
}

fn file(request: &Request, kind: &str, text: &'static str, tag: &str) -> Response {
    let known = request.header("if-none-match").unwrap_or_default();
    let (status, body) =
        if has_tag(known, tag) { (304, Bytes::new()) } else { (200, Bytes::from_static(text.as_bytes())) };
    let headers = [
        ("content-type", kind),
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        // A browser asks each time whether it has the newest, so that page and host are always of one version.
        ("cache-control", "no-cache"),
        ("etag", tag),
    ];
    Response { status, headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(), body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/monitor");
        let written = std::fs::read_dir(folder).unwrap();
        let mut written: Vec<_> = written.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        written.sort();
        let mut served: Vec<_> = FILES.iter().map(|(name, ..)| (*name).to_owned()).collect();
        served.sort();
        assert_eq!(served, written);
    }
}
