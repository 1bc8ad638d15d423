//! One link of another host, from its registration to its end.
//! In come the messages of its socket; out go the answers of `dispatch`.
//! It answers every request that it took.

use super::Front;
use crate::access::{LinkKey, Visitor};
use crate::audience::Neighbour;
use crate::edition::Edition;
use crate::link::{
    AT_ONCE, Callee, CalleeEvent, Counted, Greeting, Socket, WINDOW, Welcome, Wire, wake_by, websocket_config,
};
use crate::message::Part;
use crate::presence::{HostPlace, InFlight};
use crate::request::{Kind, Request};
use crate::response::Response;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{AbortHandle, yield_now};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

/// How long a host that stops waits for what the other one sent before it heard of it. Usually that one closes at once,
/// and then nothing is lost; a machine that is overloaded may need a while.
const PARTING_TIME: Duration = Duration::from_secs(2);
/// Finished answers that may wait for the connection's task, which takes them at once.
const ANSWERS: usize = 64;

/// Waits until another edition serves; for ever, if none ever does.
async fn next_edition(mut entered: watch::Receiver<u64>) -> watch::Receiver<u64> {
    if entered.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    entered
}

/// The other end of one link.
pub(super) struct Peer {
    visitor: Visitor,
    address: IpAddr,
    socket_id: String,
}

impl Peer {
    pub(super) fn new(visitor: Visitor, address: IpAddr) -> Self {
        Self { visitor, address, socket_id: format!("{:016x}", rand::random::<u64>()) }
    }
}

/// What a request of this number has to say.
type Said = (u64, Words);

enum Words {
    Part(Part),
    Answer(Response),
}

/// A request that runs.
struct Running {
    task: AbortHandle,
    /// How many more intermediate messages the other host takes.
    window: Arc<Semaphore>,
    /// None: a view, which is no work of the host.
    _counted: Option<InFlight>,
}

/// One link of another host.
pub(super) struct HostLink {
    socket: Socket<Counted<TokioIo<Upgraded>>>,
    callee: Callee,
    peer: Peer,
    /// Among those who are connected, once it has registered.
    place: Option<HostPlace>,
    front: Arc<Front>,
    /// Bytes of a request's body, as agreed when the link was opened.
    body_limit: usize,
    /// The requests that run, so that they end when nobody waits for them any more.
    running: HashMap<u64, Running>,
    say: mpsc::Sender<Said>,
    said: mpsc::Receiver<Said>,
    /// Pushes to clients go both ways.
    neighbour: Neighbour,
    /// Why this host says goodbye, once it does.
    leaving: Option<&'static str>,
    entered: watch::Receiver<u64>,
    /// The handlers of which the other host was told.
    told: Vec<String>,
    /// What was shown when the link was opened.
    link_key: Arc<LinkKey>,
}

impl HostLink {
    /// It has the terms of the edition in which it was opened.
    pub(super) async fn new(upgraded: Upgraded, peer: Peer, front: Arc<Front>, edition: &Edition) -> Self {
        let limits = &edition.configuration.settings.limits;
        let (stream, traffic) = Counted::new(TokioIo::new(upgraded));
        let config = Some(websocket_config(limits.body));
        let stream = WebSocketStream::from_raw_socket(stream, Role::Server, config).await;
        let (say, said) = mpsc::channel(ANSWERS);
        let neighbour = front.dispatch.audience.neighbour();
        let mut entered = front.dispatch.entered();
        // One may have entered since the token was checked.
        entered.mark_changed();
        Self {
            socket: Socket::new(stream, traffic),
            callee: Callee::new(limits.request_time, Instant::now()),
            peer,
            place: None,
            body_limit: limits.body,
            running: HashMap::new(),
            say,
            said,
            neighbour,
            leaving: None,
            entered,
            told: edition.catalog.names().map(ToString::to_string).collect(),
            link_key: Arc::clone(&edition.link_key),
            front,
        }
    }

    /// Serves it until it ends.
    pub(super) async fn serve(mut self) {
        let why = self.run().await;
        self.end(&why).await;
    }

    /// Serves it until it ends, and says why it did.
    async fn run(&mut self) -> String {
        // Made once and not in each turn: the turns are as many as requests and answers.
        let stop = self.front.stop.clone();
        let mut stopped = pin!(stop.cancelled());
        let mut entering = pin!(next_edition(self.entered.clone()));
        let mut alarm = pin!(sleep_until(self.callee.next_wake()));
        loop {
            wake_by(alarm.as_mut(), self.callee.next_wake());
            if !self.flush().await {
                return "it does not read what it is sent".to_owned();
            }
            let over = tokio::select! {
                message = self.socket.next() => match message {
                    Some(message) => self.hear_all(message),
                    None => Some(self.socket.parting_words()),
                },
                Some(said) = self.said.recv() => {
                    self.say_all(said).await;
                    None
                }
                Some(push) = self.neighbour.inbox.recv() => {
                    // What waits in memory is bounded, and a push is worth less than an answer.
                    if !self.socket.is_full() {
                        self.callee.push(push.item.clone());
                    }
                    None
                }
                () = alarm.as_mut() => {
                    if self.socket.has_moved() {
                        self.callee.heard(Instant::now());
                    }
                    let event = self.callee.wake(Instant::now());
                    alarm.as_mut().reset(self.callee.next_wake());
                    event.and_then(|event| self.heed(event))
                }
                () = sleep(PARTING_TIME), if self.has_parted() => Some(self.leaving.unwrap_or_default().to_owned()),
                () = stopped.as_mut(), if self.leaving.is_none() => {
                    self.leave("this host stops");
                    None
                }
                entered = entering.as_mut(), if self.leaving.is_none() => {
                    entering.set(next_edition(entered));
                    self.renew();
                    None
                }
            };
            if let Some(why) = over {
                return why;
            }
        }
    }

    /// Heeds a message and those that came with it: a turn of the loop costs more than a message. Something: the link is over,
    /// and why.
    fn hear_all(&mut self, message: Wire) -> Option<String> {
        let mut next = Some(message);
        for _ in 0..AT_ONCE {
            let event = self.callee.receive(next?, Instant::now());
            if let Some(why) = event.and_then(|event| self.heed(event)) {
                return Some(why);
            }
            next = self.socket.next_waiting();
        }
        let event = self.callee.receive(next?, Instant::now())?;
        self.heed(event)
    }

    /// Does what an event asks for. Something: the link is over, and why.
    fn heed(&mut self, event: CalleeEvent) -> Option<String> {
        match event {
            CalleeEvent::Greeted(greeting) => self.greet(&greeting),
            CalleeEvent::Request { id, request, takes_parts } => self.start(id, request, takes_parts),
            CalleeEvent::Took(id, count) => self.took(id, count),
            CalleeEvent::Push(push) => self.neighbour.heard(push),
            CalleeEvent::Cancel(id) => self.cancel(id),
            CalleeEvent::Ended(reason) => return Some(reason.to_string()),
        }
        None
    }

    /// Whether this host stops and has given every answer into the system's hands.
    fn has_parted(&self) -> bool {
        self.leaving.is_some() && self.callee.is_idle() && self.socket.is_drained()
    }

    fn leave(&mut self, why: &'static str) {
        self.leaving = Some(why);
        self.callee.leave();
    }

    /// Another edition serves. Who showed the secret of an earlier one has to show the new one.
    fn renew(&mut self) {
        let edition = self.front.dispatch.edition();
        if !Arc::ptr_eq(&edition.link_key, &self.link_key) {
            self.leave("the secret has changed");
            return;
        }
        let handlers: Vec<String> = edition.catalog.names().map(ToString::to_string).collect();
        let news = (handlers != self.told).then(|| handlers.clone());
        self.told = handlers;
        self.callee.renew(edition.configuration.settings.limits.request_time, news);
    }

    /// Says everything that is to be said. False: the other host does not read it.
    async fn flush(&mut self) -> bool {
        while let Some(message) = self.callee.next_out() {
            if self.socket.send(message).is_err() {
                return false;
            }
        }
        self.socket.flush().await;
        true
    }

    fn greet(&mut self, greeting: &Greeting) {
        let (kind, application) = (greeting.type_name(), greeting.application());
        let Peer { visitor, address, socket_id } = &self.peer;
        let name = &visitor.from;
        tracing::info!(
            "{name} received message: {}",
            serde_json::json!({"type": kind, "application": application, "jwt": true, "socketId": socket_id, "ipAddress": address})
        );
        match self.welcome(greeting) {
            Ok(welcome) => {
                tracing::info!("sent response to {name}: {}", serde_json::json!({"type": kind, "finished": true}));
                self.told.clone_from(&welcome.handlers);
                self.place = Some(self.front.presence.host(socket_id, name, *address));
                self.callee.welcome(welcome);
            }
            Err(words) => {
                tracing::error!("refused the registration of {name} at {address}: {words}");
                self.callee.refuse(words);
            }
        }
    }

    fn welcome(&self, greeting: &Greeting) -> Result<Welcome, String> {
        let edition = self.front.dispatch.edition();
        if let Greeting::Reregister { token, .. } = greeting {
            edition.access.verify_own(token).map_err(|refusal| format!("its token is refused: {refusal}"))?;
        }
        let address = self.peer.address.to_string();
        let token = edition.access.registration_token(None, &self.peer.socket_id, &address);
        let proof = edition.link_key.welcome(&self.peer.visitor, &edition.application);
        Ok(Welcome {
            token: token.map_err(|refusal| refusal.to_string())?,
            proof: proof.map_err(|refusal| refusal.to_string())?,
            service: edition.application.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            handlers: edition.catalog.names().map(ToString::to_string).collect(),
            body_limit: self.body_limit,
        })
    }

    fn start(&mut self, id: u64, request: Request, takes_parts: bool) {
        let (front, say) = (Arc::clone(&self.front), self.say.clone());
        let window = Arc::new(Semaphore::new(WINDOW));
        let room = Arc::clone(&window);
        let is_view = request.kind == Kind::Monitor;
        let counted = self.place.as_ref().filter(|_| !is_view).map(HostPlace::begin);
        let task = tokio::spawn(async move {
            let response = if is_view {
                front.monitor.answer_host(&request).await
            } else if takes_parts {
                let (room, say) = (&room, &say);
                let each = |part| async move {
                    if let Ok(permit) = room.acquire().await {
                        permit.forget();
                        let _ = say.send((id, Words::Part(part))).await;
                    }
                };
                // Boxed: almost no request has parts.
                Box::pin(front.dispatch.answer_in_parts(request, each)).await
            } else {
                front.dispatch.answer(request).await
            };
            // Nobody is there to be answered if the link has ended.
            let _ = say.send((id, Words::Answer(response))).await;
        });
        self.running.insert(id, Running { task: task.abort_handle(), window, _counted: counted });
    }

    /// Says what a request has to say, and what others have to say by now, so that it goes out with one write.
    async fn say_all(&mut self, (id, words): Said) {
        self.say(id, words);
        if !self.callee.is_idle() {
            // Where many run, others are about to answer: they have their turn first. Who is alone is not kept waiting.
            yield_now().await;
        }
        for _ in 0..ANSWERS {
            let Ok((id, words)) = self.said.try_recv() else { return };
            self.say(id, words);
        }
    }

    fn say(&mut self, id: u64, words: Words) {
        match words {
            Words::Part(part) => self.callee.part(id, part),
            Words::Answer(response) => {
                self.running.remove(&id);
                self.callee.answer(id, response);
            }
        }
    }

    fn took(&mut self, id: u64, count: usize) {
        if let Some(running) = self.running.get(&id) {
            // More than the window would be a lie of the other host.
            running.window.add_permits(count.min(WINDOW.saturating_sub(running.window.available_permits())));
        }
    }

    fn cancel(&mut self, id: u64) {
        if let Some(running) = self.running.remove(&id) {
            running.task.abort();
        }
    }

    async fn end(mut self, why: &str) {
        for (_, running) in self.running.drain() {
            running.task.abort();
        }
        tracing::info!(
            "socket {} disconnected: {} at {}: {why}",
            self.peer.socket_id,
            self.peer.visitor.from,
            self.peer.address
        );
        self.flush().await;
        self.socket.close(why).await;
    }
}
