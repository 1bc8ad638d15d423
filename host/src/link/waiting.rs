//! Who waits for what on one link.
//! In come commands and what the state machine says; out go its requests, and to whoever waits the answers.
//! It decides nothing: whether a request is taken, the state machine says.

use super::caller::{Caller, NotTaken};
use super::handle::{Command, Reply, congested, too_much};
use super::socket::Socket;
use super::traffic::Counted;
use super::unanswered::Cause;
use crate::failure::Failure;
use crate::message::{Part, Parts, Push};
use crate::response::Response;
use crate::tls::Stream;
use std::collections::HashMap;
use tokio::time::Instant;

pub(super) fn take(caller: &mut Caller, replies: &mut HashMap<u64, Waiting>, command: Command) {
    match command {
        Command::Ask { id, request, reply, parts } => match caller.ask(id, &request, Instant::now()) {
            Ok(()) => {
                replies.insert(id, Waiting { reply, parts });
            }
            Err(NotTaken::NotReady) => refuse(Command::Ask { id, request, reply, parts }),
            Err(not_taken) => {
                // A caller that has gone needs no answer.
                let _ = reply.send(Err(too_much(&not_taken)));
            }
        },
        Command::Took { id, count } => caller.took(id, count),
        Command::GiveUp { id } => {
            replies.remove(&id);
            caller.give_up(id);
        }
    }
}

/// The service does not read what it is sent: what would only wait in memory is refused.
pub(super) fn turn_away(caller: &mut Caller, command: Command) {
    match command {
        Command::Ask { reply, .. } => {
            // A caller that has gone needs no answer.
            let _ = reply.send(Err(congested()));
        }
        Command::Took { id, count } => caller.took(id, count),
        Command::GiveUp { id } => caller.give_up(id),
    }
}

/// Who waits for an answer.
pub(super) struct Waiting {
    pub(super) reply: Reply,
    /// Where its intermediate messages go.
    parts: Option<Parts>,
}

pub(super) fn pass_on(replies: &HashMap<u64, Waiting>, id: u64, part: Part) {
    if let Some(parts) = replies.get(&id).and_then(|waiting| waiting.parts.as_ref()) {
        // The state machine keeps the service within the window, for which there is room.
        let _ = parts.try_send(part);
    }
}

/// What waits in memory is bounded, and a push is worth less than an answer.
pub(super) fn send_push(caller: &mut Caller, socket: &Socket<Counted<Stream>>, push: &Push) {
    if !socket.is_full() {
        caller.push(push.clone());
    }
}

pub(super) fn answer(replies: &mut HashMap<u64, Waiting>, id: u64, response: Response) {
    if let Some(Waiting { reply, .. }) = replies.remove(&id) {
        // A caller that has gone needs no answer.
        let _ = reply.send(Ok(response));
    }
}

pub(super) fn refuse(command: Command) {
    if let Command::Ask { reply, .. } = command {
        let words = "the link was lost just before the request was sent";
        let _ = reply.send(Err(Cause::NotSent.because(Failure::connection_down(words))));
    }
}
