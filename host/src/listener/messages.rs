//! What a client's message asks for, however it came: registering, a fragment of a page, or a handler's answer.
//! In comes a message as it was read; out goes its answer.
//! It never trusts a token that was not verified, and no message of a client reaches anything but routes for messages.

use super::Front;
use super::envelope::{Answer, Incoming};
use super::fragment;
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
        REGISTER => return register(&edition, &message),
        REREGISTER => return reregister(&edition, &message),
        _ => {}
    }
    let application = match registered(&edition, &message) {
        Ok(application) => application,
        Err(refusal) => return refusal.into(),
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

fn register(edition: &Edition, message: &Message) -> Said {
    let Some(application) = message.incoming.registers_for() else {
        let words = format!("Registering needs an \"application\": {MESSAGE_APPLICATION_RULE}");
        return Answer::refusal(400, &words, false).into();
    };
    let address = message.address.to_string();
    match edition.access.registration_token(Some(application), &message.socket_id, &address) {
        Ok(token) => {
            tracing::info!("client at {address} registered for {application}, socket {}", message.socket_id);
            let answer = Answer::plain(&serde_json::json!({ "token": token }));
            Said { answer, joins: Some(application.to_owned()) }
        }
        Err(refusal) => Answer::refusal(500, &refusal.to_string(), false).into(),
    }
}

fn reregister(edition: &Edition, message: &Message) -> Said {
    let Some(token) = &message.incoming.token else {
        return no_token().into();
    };
    match edition.access.move_to(token, &message.socket_id) {
        Ok((token, application)) => {
            let answer = Answer::plain(&serde_json::json!({ "ok": true, "token": token }));
            Said { answer, joins: Some(application) }
        }
        Err(refusal) => refused(&refusal).into(),
    }
}

/// The application for which the sender registered.
fn registered(edition: &Edition, message: &Message) -> Result<String, Answer> {
    let token = message.incoming.token.as_ref().ok_or_else(no_token)?;
    edition.access.registered(token).map_err(|refusal| refused(&refusal))
}

/// Clients compare these texts to the letter.
fn no_token() -> Answer {
    Answer::refusal(401, "Missing authorization header", true)
}

fn refused(refusal: &TokenRefusal) -> Answer {
    match refusal {
        TokenRefusal::Segments => Answer::refusal(401, "Invalid token or session expired", true),
        other => Answer::refusal(401, &format!("Invalid JWT: {other}"), true),
    }
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
