//! One link from this host to a service: open the socket, drive the state machine, wait, and open it again, for ever.
//! In come requests, out go their answers; every request that was taken gets one, also when the link is lost.
//! It never decides what a message means: that is the state machine's part.

use super::caller::Event;
use super::connect::{Connected, NotConnected, connect};
use super::conversation::{Conversation, Waiting, refuse};
use super::facts::LinkFacts;
use super::frame::{Greeting, Welcome};
use super::handle::{Command, Link};
use super::socket::{AT_ONCE, Socket, Wire};
use super::target::Target;
use super::traffic::Counted;
use super::unanswered::Cause;
use super::waits::{BACKOFF_MOST, waits};
use crate::access::{Access, LinkKey, Visitor};
use crate::audience::Audience;
use crate::counters::Counters;
use crate::failure::Failure;
use crate::names::ServiceName;
use crate::tls::{Stream, Tls};
use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};
use tokio::sync::{mpsc, watch};
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::field::{DisplayValue, display};

/// Why a service that said goodbye is down.
const STOPPING: &str = "it is stopping";
/// Why a link is given up that nothing leads over any more.
const NOT_NEEDED: &str = "this host has no further need of it";
/// Why a link ends for good.
const CLOSING: &str = "this host stops";
/// Is told what a service says of itself.
pub type OnWelcome = Arc<dyn Fn(&ServiceName, &Welcome) + Send + Sync>;

/// Opens links for one host.
#[derive(Clone)]
pub struct Dialer {
    /// This host's name, as the other hosts' logs show it.
    pub from: String,
    /// Signs the token at the door and checks the answer to it.
    pub key: Arc<LinkKey>,
    /// Renews the token with which a lost link registers again.
    pub access: Arc<Access>,
    /// Who hears pushes on this host, and whose pushes go over the links.
    pub audience: Arc<Audience>,
    /// Knows the services that are reached over TLS.
    pub tls: Arc<Tls>,
    /// Counts links that are ready again.
    pub counters: Arc<Counters>,
    /// Bytes of an answer's body that this host takes.
    pub answer_limit: usize,
    /// Is told what a service says of itself each time it takes us in.
    pub on_welcome: OnWelcome,
}

impl Dialer {
    /// Starts a link; it connects by itself, now or whenever the service comes. Where it is one of several to the
    /// service, its lines in the log name its URL.
    #[must_use]
    pub fn open(&self, service: ServiceName, address: Target, is_one_of_several: bool) -> Link {
        let (link, inbox, facts) = Link::new(address.clone());
        tracing::info!("starting microService connection to {}", address.url());
        let visitor = Visitor { from: self.from.clone(), nonce: String::new() };
        let url = is_one_of_several.then(|| address.url());
        let (dialer, closing) = (self.clone(), link.closing());
        let task = Task { visitor, dialer, service, address, url, inbox, facts, closing, token: None, told: None };
        tokio::spawn(task.run());
        link
    }
}

struct Task {
    dialer: Dialer,
    service: ServiceName,
    address: Target,
    /// Its URL, if lines of the log need it to be told apart.
    url: Option<String>,
    inbox: mpsc::Receiver<Command>,
    facts: watch::Sender<LinkFacts>,
    /// Whether the link is to end for good.
    closing: CancellationToken,
    /// This host, as its token at the door has it.
    visitor: Visitor,
    /// What registering brought: the next connection re-registers with it.
    token: Option<String>,
    /// What the log was told last about why there is no connection, so that it is told once.
    told: Option<String>,
}

impl Task {
    async fn run(mut self) {
        let mut wait = waits();
        loop {
            match self.connect_while_refusing().await {
                Some(Ok((socket, traffic))) => {
                    if self.drive(Socket::new(socket, traffic)).await {
                        wait = waits();
                    }
                }
                Some(Err(why)) => self.tell(why),
                None => return,
            }
            let pause = wait.next().unwrap_or(BACKOFF_MOST);
            if !self.refuse_until(Instant::now() + pause).await {
                return;
            }
        }
    }

    /// Connects; who asks meanwhile is answered at once. Nothing: the link is to end, or nobody holds it any more.
    async fn connect_while_refusing(&mut self) -> Option<Result<Connected, NotConnected>> {
        self.visitor.nonce = format!("{:032x}", rand::random::<u128>());
        let token = match self.dialer.key.knock(&self.visitor, self.service.as_str()) {
            Ok(token) => token,
            Err(refusal) => return Some(Err(NotConnected::Refused(refusal.to_string()))),
        };
        let (address, limit) = (self.address.clone(), self.dialer.answer_limit);
        let trust = self.dialer.tls.trust(&self.service);
        let connecting = async move { connect(&token, &address, trust, limit).await };
        tokio::pin!(connecting);
        loop {
            tokio::select! {
                connected = &mut connecting => return Some(connected),
                command = self.inbox.recv() => refuse(command?),
                () = self.closing.cancelled() => return None,
            }
        }
    }

    async fn refuse_until(&mut self, moment: Instant) -> bool {
        loop {
            tokio::select! {
                () = sleep_until(moment) => return true,
                command = self.inbox.recv() => match command {
                    Some(command) => refuse(command),
                    None => return false,
                },
                () = self.closing.cancelled() => return false,
            }
        }
    }

    /// Serves one connection until it ends. Returns whether the service had taken us in.
    async fn drive(&mut self, socket: Socket<Counted<Stream>>) -> bool {
        let mut talk = Conversation::begin(socket, &self.greeting(), self.dialer.audience.neighbour());
        // Made once and not in each turn: the turns are as many as requests and answers.
        let closing = self.closing.clone();
        let mut closed = pin!(closing.cancelled());
        let mut alarm = pin!(sleep_until(talk.caller.next_wake()));
        let why = loop {
            wake_by(alarm.as_mut(), talk.caller.next_wake());
            if !talk.flush().await {
                break "it does not read what it is sent".to_owned();
            }
            if talk.caller.is_done() {
                break STOPPING.to_owned();
            }
            let over = tokio::select! {
                message = talk.socket.next() => match message {
                    Some(message) => self.hear_all(message, &mut talk),
                    None => Some(talk.socket.parting_words()),
                },
                command = self.inbox.recv() => match command {
                    Some(command) => {
                        self.take_all(command, &mut talk).await;
                        None
                    }
                    None => Some(NOT_NEEDED.to_owned()),
                },
                Some(push) = talk.neighbour.inbox.recv() => {
                    talk.push(&push.item);
                    None
                }
                () = closed.as_mut() => Some(CLOSING.to_owned()),
                () = alarm.as_mut() => talk.woken(alarm.as_mut()).and_then(|event| self.heed(event, &mut talk)),
            };
            if let Some(why) = over {
                break why;
            }
        };
        self.lost(&why, talk.was_ready, talk.replies);
        talk.socket.close(&why).await;
        talk.was_ready
    }

    /// Takes a command and those that wait behind it, so that what they send goes out with one write.
    async fn take_all(&mut self, command: Command, talk: &mut Conversation) {
        talk.take(command);
        if talk.caller.in_flight() > 1 {
            // Where many ask, others are about to: they have their turn first. Who asks alone is not kept waiting.
            yield_now().await;
        }
        for _ in 0..AT_ONCE {
            let Ok(command) = self.inbox.try_recv() else { return };
            talk.take(command);
        }
    }

    /// Heeds a message and those that came with it: a turn of the loop costs more than a message. Something: the connection is
    /// over, and why.
    fn hear_all(&mut self, message: Wire, talk: &mut Conversation) -> Option<String> {
        let mut next = Some(message);
        for _ in 0..AT_ONCE {
            let event = talk.caller.receive(next?, Instant::now());
            if let Some(why) = event.and_then(|event| self.heed(event, talk)) {
                return Some(why);
            }
            next = talk.socket.next_waiting();
        }
        let event = talk.caller.receive(next?, Instant::now())?;
        self.heed(event, talk)
    }

    /// Does what an event asks for. Something: the connection is over, and why.
    fn heed(&mut self, event: Event, talk: &mut Conversation) -> Option<String> {
        match event {
            Event::Answer(id, response) => talk.answer(id, response),
            Event::Part(id, part) => talk.pass_on(id, part),
            Event::Push(push) => talk.neighbour.heard(push),
            Event::RoundTrip(time) => self.measured(time),
            Event::Leaving => {
                self.down(STOPPING);
                self.facts.send_modify(|facts| facts.leaving(Instant::now()));
            }
            Event::Offers(handlers) => self.offers(handlers),
            Event::Ready(welcome) => {
                if let Err(why) = self.check(&welcome) {
                    return Some(why);
                }
                talk.was_ready = true;
                self.ready(welcome);
            }
            Event::Ended(reason) => return Some(reason.to_string()),
        }
        None
    }

    fn url(&self) -> Option<DisplayValue<&str>> {
        self.url.as_deref().map(display)
    }

    fn greeting(&self) -> Greeting {
        let (application, body_limit) = (self.service.to_string(), self.dialer.answer_limit);
        let renewed = self.token.as_deref().and_then(|token| self.dialer.access.renew_own(token));
        match renewed {
            Some(token) => {
                tracing::info!(service = %self.service, url = self.url(), "*** socketClient re-register");
                Greeting::Reregister { application, token, jwt: true, body_limit }
            }
            None => Greeting::Register { application, jwt: true, body_limit },
        }
    }

    /// The proof shows that the service has our secret, and the name that we reached the one we meant.
    fn check(&mut self, welcome: &Welcome) -> Result<(), String> {
        if welcome.service != self.service.as_str() {
            let words = format!("{} answers there; mend host and port in config.json", welcome.service);
            self.tell(NotConnected::Refused(words.clone()));
            return Err(words);
        }
        let proven = self.dialer.key.check_welcome(&welcome.proof, &self.visitor, self.service.as_str());
        proven.map_err(|refusal| {
            let words = format!("it does not show that it has the secret: {refusal}");
            self.tell(NotConnected::Refused(words.clone()));
            words
        })
    }

    /// The state first: who reads in the log that the service is ready may ask it.
    fn ready(&mut self, welcome: Welcome) {
        let mut is_back = false;
        self.facts.send_modify(|facts| is_back = facts.ready(welcome.clone(), SystemTime::now()));
        if is_back {
            self.dialer.counters.reconnects.of(self.service.as_str()).fetch_add(1, Ordering::Relaxed);
        }
        if self.token.is_none() {
            tracing::info!(url = self.url(), "{} registered", self.service);
        } else {
            tracing::info!(service = %self.service, url = self.url(), "Re-registered");
        }
        tracing::info!("{} micro-service ready", self.address.url());
        (self.dialer.on_welcome)(&self.service, &welcome);
        self.token = Some(welcome.token);
        self.told = None;
    }

    fn offers(&self, handlers: Vec<String>) {
        let mut known = None;
        self.facts.send_modify(|facts| known = facts.offers(handlers));
        if let Some(welcome) = known {
            (self.dialer.on_welcome)(&self.service, &welcome);
        }
    }

    /// Nobody waits for that.
    fn measured(&self, round_trip: Duration) {
        self.facts.send_if_modified(|facts| {
            facts.measured(round_trip);
            false
        });
    }

    fn down(&self, why: &str) {
        let why = format!("{} at {}: {why}", self.service, self.address.url());
        self.facts.send_modify(|facts| facts.down(why, SystemTime::now()));
    }

    /// Every request in flight is answered now: nobody waits for an answer that cannot come.
    fn lost(&mut self, why: &str, was_ready: bool, replies: HashMap<u64, Waiting>) {
        self.down(why);
        let words = "*** server has disconnected socket, probably because it shut down";
        if [NOT_NEEDED, CLOSING].contains(&why) {
            tracing::info!("closed the link to {} at {}: {why}", self.service, self.address.url());
        } else if was_ready && why == STOPPING {
            tracing::info!(service = %self.service, url = self.url(), why, "{words}");
        } else if was_ready {
            tracing::warn!(service = %self.service, url = self.url(), in_flight = replies.len(), why, "{words}");
        } else {
            self.tell(NotConnected::Unreachable(why.to_owned()));
        }
        for (_, Waiting { reply, .. }) in replies {
            let lost = format!("the link to {} was lost while the request was in flight: {why}", self.service);
            // A caller that has gone needs no answer.
            let _ = reply.send(Err(Cause::Lost.because(Failure::connection_down(lost))));
        }
    }

    /// Says once why there is no connection; then the link tries on in silence.
    fn tell(&mut self, why: NotConnected) {
        let (words, refused) = match why {
            NotConnected::Refused(words) => (words, true),
            NotConnected::Unreachable(words) => (words, false),
        };
        self.down(&words);
        if self.told.as_ref() == Some(&words) {
            return;
        }
        let (service, url) = (&self.service, self.address.url());
        if refused {
            tracing::error!("{service} at {url} cannot be used: {words}");
        } else {
            tracing::info!("waiting for {service} at {url}: {words}");
        }
        self.told = Some(words);
    }
}

/// Has the alarm ring at this moment at the latest. It may ring earlier: setting it anew for each message would cost more.
pub(crate) fn wake_by(alarm: Pin<&mut Sleep>, moment: Instant) {
    if moment < alarm.deadline() {
        alarm.reset(moment);
    }
}
