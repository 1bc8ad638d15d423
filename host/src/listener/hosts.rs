//! The side door: another host opens a link to this one.
//! In comes an upgrade with a token that the shared secret signed; out goes its socket, to a task of its own.
//! It takes nothing from a socket whose token was not verified.

use super::host_link::{HostLink, Peer};
use super::upgrade::{accept_key, refusal, switching};
use super::{Certified, Front};
use crate::link::SUBPROTOCOL;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{self, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use std::net::IpAddr;
use std::sync::Arc;

/// What both hosts' logs say of a host without a certificate, where one is demanded.
const NO_CERTIFICATE: &str = "it shows no client certificate; \
     add clientCertFilePath and clientKeyFilePath to the ssl block of the calling host";

/// Checks the token at the door and takes the socket over.
pub(super) async fn upgrade(
    State(front): State<Arc<Front>>,
    ConnectInfo(address): ConnectInfo<IpAddr>,
    mut request: axum::extract::Request,
) -> http::Response<Body> {
    let headers = request.headers();
    let Some(accept) = accept_key(&request) else {
        return refusal(StatusCode::UPGRADE_REQUIRED, "Only qewd hosts connect here, by WebSocket");
    };
    if headers.get(header::SEC_WEBSOCKET_PROTOCOL).is_none_or(|offered| offered != SUBPROTOCOL) {
        let words = format!("This host speaks {SUBPROTOCOL}; run the same version of qewd on both hosts");
        return refusal(StatusCode::BAD_REQUEST, &words);
    }
    let is_certified = request.extensions().get::<Certified>().is_some_and(|certified| certified.0);
    if !is_certified && front.tls.served().is_some_and(|served| served.demands_certificate) {
        front.door.refuse(address, NO_CERTIFICATE);
        return refusal(StatusCode::UNAUTHORIZED, &format!("the link is refused: {NO_CERTIFICATE}"));
    }
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let edition = front.dispatch.edition();
    let visitor = match front.door.check(&edition.link_key, token.unwrap_or_default(), &edition.application, address) {
        Ok(visitor) => visitor,
        Err(why) => return refusal(StatusCode::UNAUTHORIZED, &format!("the link's token is refused: {why}")),
    };
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return refusal(StatusCode::BAD_REQUEST, "This connection cannot be upgraded");
    };
    let serving = Arc::clone(&front);
    front.live.spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            let peer = Peer::new(visitor, address);
            let link = HostLink::new(upgraded, peer, serving, &edition).await;
            drop(edition);
            link.serve().await;
        }
    });
    switching(&accept, Some(SUBPROTOCOL))
}
