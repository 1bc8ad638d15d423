//! What a client's message asks for, however it came: registering, a fragment of a page, or a handler's answer.
//! In comes a message as it was read; out goes its answer.
//! It never trusts a token that was not verified, and no message of a client reaches anything but routes for messages.

use super::Front;
use super::envelope::{Answer, Incoming};
use super::fragment;
use super::refusals::{Refusal, Sender, refuse};
use crate::access::TokenRefusal;
use crate::edition::Edition;
use crate::message::Part;
use crate::names::{MESSAGE_APPLICATION_RULE, RequestId};
use crate::request::{Kind, MESSAGE, Request, message_path};
use crate::response::JSON;
use crate::trace::Trace;
use bytes::Bytes;
use std::net::IpAddr;
use tokio::time::Instant;

/// Opens a session.
const REGISTER: &str = "ewd-register";
/// Goes on with a session on a new connection.
const REREGISTER: &str = "ewd-reregister";
/// Asks for a part of a page.
pub(super) const FRAGMENT: &str = "ewd-fragment";

/// A message, and from where it came.
pub(super) struct Message {
    pub(super) incoming: Incoming,
    /// The message as it came.
    pub(super) text: Bytes,
    pub(super) address: IpAddr,
    /// The socket on which it came; empty: it came by HTTP.
    pub(super) socket_id: String,
}

impl Message {
    fn sender(&self) -> Sender<'_> {
        Sender { socket_id: &self.socket_id, address: self.address, kind: &self.incoming.label.kind }
    }
}

/// What becomes of a message.
pub(super) struct Said {
    pub(super) answer: Answer,
    /// For this application its verified token was given: the socket hears what is pushed to it from now on.
    pub(super) joins: Option<String>,
}

impl From<Answer> for Said {
    fn from(answer: Answer) -> Self {
        Self { answer, joins: None }
    }
}

/// Answers a message. Intermediate messages are given to `each`, where there is one.
pub(super) async fn answer<F: Future<Output = ()>>(
    front: &Front,
    message: Message,
    each: Option<impl Fn(Part) -> F>,
) -> Said {
    let edition = front.dispatch.edition();
    match message.incoming.label.kind.as_str() {
        REGISTER => return told(front, &message, register(&edition, &message)),
        REREGISTER => return told(front, &message, reregister(&edition, &message)),
        _ => {}
    }
    let application = match registered(&edition, &message) {
        Ok(application) => application,
        Err(refusal) => return told(front, &message, Err(refusal)),
    };
    let answer = if message.incoming.label.kind == FRAGMENT {
        fragment::answer(&edition, &application, message.incoming.params.as_deref()).await
    } else {
        let request = request(&edition, message, &application);
        Answer::of(match each {
            Some(each) => front.dispatch.answer_in_parts(request, each).await,
            None => front.dispatch.answer(request).await,
        })
    };
    Said { answer, joins: Some(application) }
}

/// What was refused has its line.
fn told(front: &Front, message: &Message, answered: Result<Said, Refusal>) -> Said {
    answered.unwrap_or_else(|refusal| refuse(front, message.sender(), &refusal, "").into())
}

fn register(edition: &Edition, message: &Message) -> Result<Said, Refusal> {
    let application = message.incoming.registers_for().ok_or_else(|| {
        Refusal::new(400, format!("Registering needs an \"application\": {MESSAGE_APPLICATION_RULE}"))
    })?;
    let address = message.address.to_string();
    let token = edition.access.registration_token(Some(application), &message.socket_id, &address);
    let token = token.map_err(|refusal| Refusal::new(500, refusal.to_string()))?;
    match message.socket_id.as_str() {
        "" => tracing::info!("client at {address} registered for {application}, over HTTP"),
        socket => tracing::info!("client at {address} registered for {application}, socket {socket}"),
    }
    let answer = Answer::plain(&serde_json::json!({ "token": token }));
    Ok(Said { answer, joins: Some(application.to_owned()) })
}

fn reregister(edition: &Edition, message: &Message) -> Result<Said, Refusal> {
    let token = message.incoming.token.as_ref().ok_or_else(no_token)?;
    let moved = edition.access.move_to(token, &message.socket_id);
    let (token, application) = moved.map_err(|refusal| refused(&refusal))?;
    let answer = Answer::plain(&serde_json::json!({ "ok": true, "token": token }));
    Ok(Said { answer, joins: Some(application) })
}

/// The application for which the sender registered.
fn registered(edition: &Edition, message: &Message) -> Result<String, Refusal> {
    let token = message.incoming.token.as_ref().ok_or_else(no_token)?;
    edition.access.registered(token).map_err(|refusal| refused(&refusal))
}

/// Clients compare these texts to the letter.
fn no_token() -> Refusal {
    Refusal { disconnect: true, ..Refusal::new(401, "Missing authorization header") }
}

fn refused(refusal: &TokenRefusal) -> Refusal {
    let words = match refusal {
        TokenRefusal::Segments => "Invalid token or session expired".to_owned(),
        other => format!("Invalid JWT: {other}"),
    };
    Refusal { disconnect: true, ..Refusal::new(401, words) }
}

/// The message as handlers get it: its token stands where that of a REST request does.
fn request(edition: &Edition, message: Message, application: &str) -> Request {
    let bearer = message.incoming.token.map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
    let mut headers = vec![("content-type".to_owned(), JSON.to_owned())];
    headers.extend(bearer);
    Request {
        id: RequestId::random(),
        kind: Kind::Message,
        method: MESSAGE.to_owned(),
        path: message_path(application, &message.incoming.label.kind),
        query: String::new(),
        headers,
        body: message.text,
        client_address: message.address.to_string(),
        deadline: Instant::now() + edition.configuration.settings.limits.request_time,
        hops: 0,
        parts: None,
        way: Vec::new(),
        token_in_header: true,
        as_member: false,
        trace: Trace::begin(),
    }
}
