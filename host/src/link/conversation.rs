//! One connection of a link: its socket, its state machine, and who waits for what on it.
//! In come commands and what the state machine says; out go its messages, and to whoever waits the answers.
//! It decides nothing: whether a request is taken, the state machine says.

use super::caller::{Caller, Event, NotTaken};
use super::frame::Greeting;
use super::handle::{Command, Reply, congested, too_much};
use super::socket::Socket;
use super::traffic::Counted;
use super::unanswered::Cause;
use crate::audience::Neighbour;
use crate::failure::Failure;
use crate::message::{Part, Parts, Push};
use crate::response::Response;
use crate::tls::Stream;
use std::collections::HashMap;
use std::pin::Pin;
use tokio::time::{Instant, Sleep};

/// One connection, from its greeting to its end.
pub(super) struct Conversation {
    pub(super) socket: Socket<Counted<Stream>>,
    pub(super) caller: Caller,
    pub(super) replies: HashMap<u64, Waiting>,
    pub(super) neighbour: Neighbour,
    /// Whether the service has taken us in.
    pub(super) was_ready: bool,
}

/// Who waits for an answer.
pub(super) struct Waiting {
    pub(super) reply: Reply,
    /// Where its intermediate messages go.
    parts: Option<Parts>,
}

impl Conversation {
    pub(super) fn begin(socket: Socket<Counted<Stream>>, greeting: &Greeting, neighbour: Neighbour) -> Self {
        let caller = Caller::new(greeting, Instant::now());
        Self { socket, caller, replies: HashMap::new(), neighbour, was_ready: false }
    }

    /// Takes a command; what would only wait in memory, because the service does not read what it is sent, is refused.
    pub(super) fn take(&mut self, command: Command) {
        match command {
            Command::Ask { reply, .. } if self.socket.is_full() => {
                // A caller that has gone needs no answer.
                let _ = reply.send(Err(congested()));
            }
            Command::Ask { id, request, reply, parts } => match self.caller.ask(id, &request, Instant::now()) {
                Ok(()) => {
                    self.replies.insert(id, Waiting { reply, parts });
                }
                Err(NotTaken::NotReady) => refuse(Command::Ask { id, request, reply, parts }),
                Err(not_taken) => {
                    // A caller that has gone needs no answer.
                    let _ = reply.send(Err(too_much(&not_taken)));
                }
            },
            Command::Took { id, count } => self.caller.took(id, count),
            Command::GiveUp { id } => {
                self.replies.remove(&id);
                self.caller.give_up(id);
            }
        }
    }

    /// Says everything that is to be said. False: the service does not read it.
    pub(super) async fn flush(&mut self) -> bool {
        while let Some(message) = self.caller.next_out() {
            if self.socket.send(message).is_err() {
                return false;
            }
        }
        self.socket.flush().await;
        true
    }

    /// The alarm has rung.
    pub(super) fn woken(&mut self, alarm: Pin<&mut Sleep>) -> Option<Event> {
        if self.socket.has_moved() {
            self.caller.heard(Instant::now());
        }
        let event = self.caller.wake(Instant::now());
        alarm.reset(self.caller.next_wake());
        event
    }

    pub(super) fn pass_on(&self, id: u64, part: Part) {
        if let Some(parts) = self.replies.get(&id).and_then(|waiting| waiting.parts.as_ref()) {
            // The state machine keeps the service within the window, for which there is room.
            let _ = parts.try_send(part);
        }
    }

    /// What waits in memory is bounded, and a push is worth less than an answer.
    pub(super) fn push(&mut self, push: &Push) {
        if !self.socket.is_full() {
            self.caller.push(push.clone());
        }
    }

    pub(super) fn answer(&mut self, id: u64, response: Response) {
        if let Some(Waiting { reply, .. }) = self.replies.remove(&id) {
            // A caller that has gone needs no answer.
            let _ = reply.send(Ok(response));
        }
    }
}

pub(super) fn refuse(command: Command) {
    if let Command::Ask { reply, .. } = command {
        let words = "the link was lost just before the request was sent";
        let _ = reply.send(Err(Cause::NotSent.because(Failure::connection_down(words))));
    }
}
