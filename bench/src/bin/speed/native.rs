//! What people would write without a host: a bare axum server, and a reverse proxy of the same parts.
//! In come a port and the bytes to answer; out goes a server that runs until its process is ended.
//! Both are as their libraries' own examples show them.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::serve::ListenerExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::net::Ipv4Addr;
use std::path::Path;

/// Answers with the bytes of these files.
pub(crate) fn bare(port: u16, hello: &Path, safe: &Path) {
    let answer = |file: &Path| {
        let bytes = Bytes::from(std::fs::read(file).expect("the answer can be read"));
        get(move || async move { ([(header::CONTENT_TYPE, "application/json")], bytes) })
    };
    let kind = [(header::CONTENT_TYPE, "application/json")];
    let size = move |body: Bytes| async move { (kind, format!("{{\"bytes\":{}}}", body.len())) };
    let router = Router::new()
        .route("/hello/{name}", answer(hello))
        .route("/safe/{name}", answer(safe))
        .route("/size", post(size))
        .layer(DefaultBodyLimit::max(4 << 20));
    serve(port, router);
}

/// Sends all requests on.
pub(crate) fn proxy(port: u16, to: u16) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build(connector);
    serve(port, Router::new().fallback(any(onward)).with_state((client, to)));
}

async fn onward(State((client, to)): State<(Client<HttpConnector, Body>, u16)>, mut request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = Uri::try_from(format!("http://127.0.0.1:{to}{path}")).expect("the path was one");
    match client.request(request).await {
        Ok(response) => response.into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

#[tokio::main]
async fn serve(port: u16, router: Router) {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("the port is free");
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a socket can be told"));
    axum::serve(listener, router).await.expect("it serves until it is ended");
}
