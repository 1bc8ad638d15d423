//! One link from this host to a service: open the socket, drive the state machine, wait, and open it again, for ever.
//! In come requests, out go their answers; every request that was taken gets one, also when the link is lost.
//! It never decides what a message means: that is the state machine's part.

use super::caller::{Caller, Event, NotTaken};
use super::frame::{Greeting, Welcome};
use super::socket::{Socket, websocket_config};
use super::{PATH, SUBPROTOCOL};
use crate::access::{Access, LinkKey};
use crate::configuration::Address;
use crate::failure::Failure;
use crate::names::ServiceName;
use crate::request::Request;
use crate::response::Response;
use backon::BackoffBuilder as _;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::{Error as SocketError, handshake::client::Request as Upgrade};

/// The shortest wait before the next try.
const BACKOFF_LEAST: Duration = Duration::from_millis(100);
/// The longest wait before its random part is added, see [`waits`]: a service that comes back is to be reached within two
/// seconds.
const BACKOFF_MOST: Duration = Duration::from_millis(800);
/// How long resolving a name, connecting and upgrading may take together.
const CONNECT_TIME: Duration = Duration::from_millis(1500);
/// How long a socket that is given up may take to say goodbye.
const GOODBYE_TIME: Duration = Duration::from_millis(200);
/// Commands that may wait for the link's task: it takes them at once unless the machine is overloaded.
const COMMANDS: usize = 1024;

/// Opens links for one host.
#[derive(Clone)]
pub struct Dialer {
    /// This host's name, as the other hosts' logs show it.
    pub from: String,
    /// Signs the token at the door.
    pub key: Arc<LinkKey>,
    /// Checks the token that a service answers with: the proof that it shares the secret.
    pub access: Arc<Access>,
    /// Bytes of a body, in either direction.
    pub body_limit: usize,
    /// Is told what a service says of itself each time it takes us in.
    pub on_welcome: Arc<dyn Fn(&ServiceName, &Welcome) + Send + Sync>,
}

/// A handle on one link.
pub struct Link {
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<LinkState>,
    next_id: AtomicU64,
}

/// What a link is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Not connected, and why.
    Down(String),
    /// The service takes requests.
    Ready(Welcome),
}

enum Command {
    Ask {
        id: u64,
        request: Box<Request>,
        reply: Reply,
    },
    GiveUp {
        id: u64,
    },
}

type Reply = oneshot::Sender<Result<Response, Failure>>;

impl Dialer {
    /// Starts a link; it connects by itself, now or whenever the service comes.
    #[must_use]
    pub fn open(&self, service: ServiceName, address: Address) -> Link {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (state_sender, state) = watch::channel(LinkState::Down("not connected yet".to_owned()));
        tracing::info!("starting microService connection to {}", address.url());
        let task = Task {
            dialer: self.clone(),
            service,
            address,
            inbox,
            state: state_sender,
            token: None,
            told: None,
        };
        tokio::spawn(task.run());
        Link {
            commands,
            state,
            next_id: AtomicU64::new(1),
        }
    }
}

impl Link {
    /// What the link is doing now.
    #[must_use]
    pub fn state(&self) -> LinkState {
        self.state.borrow().clone()
    }

    /// Sends a request and waits for its answer until its deadline.
    ///
    /// # Errors
    /// 503 when the link is down, lost while waiting, or has too much in flight; 504 when the deadline passes.
    pub async fn ask(&self, request: Request) -> Result<Response, Failure> {
        if let LinkState::Down(why) = &*self.state.borrow() {
            return Err(Failure::connection_down(why.clone()));
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (deadline, (reply, answer)) = (request.deadline, oneshot::channel());
        self.commands
            .try_send(Command::Ask {
                id,
                request: Box::new(request),
                reply,
            })
            .map_err(|_| congested())?;
        let mut patience = Patience {
            id: Some(id),
            commands: &self.commands,
        };
        match timeout_at(deadline, answer).await {
            Ok(answered) => {
                patience.id = None;
                answered.unwrap_or_else(|_| Err(Failure::connection_down("the link's task has ended")))
            }
            Err(_) => Err(Failure::deadline("the service did not answer in time")),
        }
    }
}

fn congested() -> Failure {
    Failure::system(
        503,
        "The service is busy; try again",
        "too many requests are in flight on the link",
    )
    .with_header("retry-after", "1")
}

/// Tells the service that nobody waits any more, when a caller goes away or its deadline passes.
struct Patience<'a> {
    id: Option<u64>,
    commands: &'a mpsc::Sender<Command>,
}

impl Drop for Patience<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // A full inbox only means that an answer is thrown away later.
            let _ = self.commands.try_send(Command::GiveUp { id });
        }
    }
}

/// Why there is no connection.
enum NotConnected {
    /// The operator has to do something.
    Refused(String),
    /// It may come by itself.
    Unreachable(String),
}

struct Task {
    dialer: Dialer,
    service: ServiceName,
    address: Address,
    inbox: mpsc::Receiver<Command>,
    state: watch::Sender<LinkState>,
    /// What registering brought: the next connection re-registers with it.
    token: Option<String>,
    /// What the log was told last about why there is no connection, so that it is told once.
    told: Option<String>,
}

type Stream = tokio_tungstenite::WebSocketStream<TcpStream>;

/// The waits between tries: doubled from the least to the most, each with a random part so that many hosts that lost one
/// service do not come back at once. The library adds up to one wait again, so the longest is 1.6 s.
fn waits() -> impl Iterator<Item = Duration> {
    backon::ExponentialBuilder::default()
        .with_min_delay(BACKOFF_LEAST)
        .with_max_delay(BACKOFF_MOST)
        .without_max_times()
        .with_jitter()
        .build()
}

impl Task {
    async fn run(mut self) {
        let mut wait = waits();
        loop {
            match self.connect_while_refusing().await {
                Some(Ok(socket)) => {
                    if self.drive(Socket::new(socket)).await {
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

    /// Connects; who asks meanwhile is answered at once. Nothing: nobody holds the link any more.
    async fn connect_while_refusing(&mut self) -> Option<Result<Stream, NotConnected>> {
        let connecting = connect(self.dialer.clone(), self.address.clone());
        tokio::pin!(connecting);
        loop {
            tokio::select! {
                connected = &mut connecting => return Some(connected),
                command = self.inbox.recv() => refuse(command?),
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
            }
        }
    }

    /// Serves one connection until it ends. Returns whether the service had taken us in.
    async fn drive(&mut self, mut socket: Socket<TcpStream>) -> bool {
        let mut caller = Caller::new(&self.greeting(), Instant::now());
        let mut replies: HashMap<u64, Reply> = HashMap::new();
        let mut was_ready = false;
        let why = loop {
            if !flush(&mut caller, &socket) {
                break "it does not read what it is sent".to_owned();
            }
            let event = tokio::select! {
                message = socket.next() => match message {
                    Some(message) => caller.receive(message, Instant::now()),
                    None => break "it closed the connection".to_owned(),
                },
                command = self.inbox.recv() => match command {
                    Some(command) => { take(&mut caller, &mut replies, command); None }
                    None => break "this host ends the link".to_owned(),
                },
                () = sleep_until(caller.next_wake()) => caller.wake(Instant::now()),
            };
            match event {
                None => {}
                Some(Event::Answer(id, response)) => answer(&mut replies, id, response),
                Some(Event::Leaving) => self.down("it is stopping".to_owned()),
                Some(Event::Ready(welcome)) => match self.check(&welcome) {
                    Ok(()) => {
                        was_ready = true;
                        self.ready(welcome)
                    }
                    Err(why) => break why,
                },
                Some(Event::Ended(reason)) => break reason.to_string(),
            }
        };
        self.lost(&why, was_ready, replies);
        socket.close(GOODBYE_TIME).await;
        was_ready
    }

    fn greeting(&self) -> Greeting {
        let application = self.service.to_string();
        let renewed = self
            .token
            .as_deref()
            .and_then(|token| self.dialer.access.renew_own(token));
        match renewed {
            Some(token) => Greeting::Reregister {
                application,
                token,
                jwt: true,
            },
            None => Greeting::Register { application, jwt: true },
        }
    }

    /// The token proves that the service has our secret, and the name that we reached the one we meant.
    fn check(&mut self, welcome: &Welcome) -> Result<(), String> {
        if welcome.service != self.service.as_str() {
            let words = format!("{} answers there; mend host and port in config.json", welcome.service);
            self.tell(NotConnected::Refused(words.clone()));
            return Err(words);
        }
        self.dialer.access.verify_own(&welcome.token).map_err(|refusal| {
            let words = format!(
                "its token is refused ({refusal}): put the same jwt.secret into config.json on both hosts and restart"
            );
            self.tell(NotConnected::Refused(words.clone()));
            words
        })
    }

    fn ready(&mut self, welcome: Welcome) {
        if self.token.is_none() {
            tracing::info!("{} registered", self.service);
        } else {
            tracing::info!("*** socketClient re-register: {}", self.service);
            tracing::info!("Re-registered {}", self.service);
        }
        tracing::info!("{} micro-service ready", self.address.url());
        (self.dialer.on_welcome)(&self.service, &welcome);
        self.token = Some(welcome.token.clone());
        self.told = None;
        self.state.send_replace(LinkState::Ready(welcome));
    }

    fn down(&self, why: String) {
        self.state.send_replace(LinkState::Down(format!(
            "{} at {}: {why}",
            self.service,
            self.address.url()
        )));
    }

    /// Every request in flight is answered now: nobody waits for an answer that cannot come.
    fn lost(&mut self, why: &str, was_ready: bool, replies: HashMap<u64, Reply>) {
        self.down(why.to_owned());
        if was_ready {
            tracing::warn!(
                service = %self.service, in_flight = replies.len(), why,
                "*** server has disconnected socket, probably because it shut down"
            );
        } else {
            self.tell(NotConnected::Unreachable(why.to_owned()));
        }
        for (_, reply) in replies {
            let lost = format!(
                "the link to {} was lost while the request was in flight: {why}",
                self.service
            );
            // A caller that has gone needs no answer.
            let _ = reply.send(Err(Failure::connection_down(lost)));
        }
    }

    /// Says once why there is no connection; then the link tries on in silence.
    fn tell(&mut self, why: NotConnected) {
        let (words, refused) = match why {
            NotConnected::Refused(words) => (words, true),
            NotConnected::Unreachable(words) => (words, false),
        };
        self.down(words.clone());
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

fn flush(caller: &mut Caller, socket: &Socket<TcpStream>) -> bool {
    while let Some(message) = caller.next_out() {
        if socket.send(message).is_err() {
            return false;
        }
    }
    true
}

fn take(caller: &mut Caller, replies: &mut HashMap<u64, Reply>, command: Command) {
    match command {
        Command::Ask { id, request, reply } => match caller.ask(id, &request, Instant::now()) {
            Ok(()) => {
                replies.insert(id, reply);
            }
            Err(NotTaken::NotReady) => refuse(Command::Ask { id, request, reply }),
            Err(NotTaken::TooMany) => {
                let _ = reply.send(Err(congested()));
            }
        },
        Command::GiveUp { id } => {
            replies.remove(&id);
            caller.give_up(id);
        }
    }
}

fn answer(replies: &mut HashMap<u64, Reply>, id: u64, response: Response) {
    if let Some(reply) = replies.remove(&id) {
        // A caller that has gone needs no answer.
        let _ = reply.send(Ok(response));
    }
}

fn refuse(command: Command) {
    if let Command::Ask { reply, .. } = command {
        let _ = reply.send(Err(Failure::connection_down(
            "the link was lost just before the request was sent",
        )));
    }
}

async fn connect(dialer: Dialer, address: Address) -> Result<Stream, NotConnected> {
    let unreachable = |error: &dyn std::fmt::Display| NotConnected::Unreachable(error.to_string());
    if address.secure {
        return Err(NotConnected::Refused(
            "links over TLS are not served by this version; use http://".to_owned(),
        ));
    }
    let request = upgrade(&dialer, &address).map_err(NotConnected::Refused)?;
    let connected = timeout(CONNECT_TIME, async {
        let stream = TcpStream::connect((address.dial_host(), address.port))
            .await
            .map_err(|error| unreachable(&error))?;
        stream.set_nodelay(true).map_err(|error| unreachable(&error))?;
        let config = Some(websocket_config(dialer.body_limit));
        tokio_tungstenite::client_async_with_config(request, stream, config)
            .await
            .map_err(|error| refused(&error))
    });
    let (socket, _) = connected
        .await
        .map_err(|_| NotConnected::Unreachable("it does not answer".to_owned()))??;
    Ok(socket)
}

fn upgrade(dialer: &Dialer, address: &Address) -> Result<Upgrade, String> {
    let url = format!("ws://{}:{}{PATH}", address.host, address.port);
    let mut request = url
        .into_client_request()
        .map_err(|error| format!("its address is no address: {error}"))?;
    let token = dialer.key.issue(&dialer.from).map_err(|error| error.to_string())?;
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| error.to_string())?;
    request.headers_mut().insert(AUTHORIZATION, bearer);
    request
        .headers_mut()
        .insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    Ok(request)
}

/// An answer other than the upgrade, in words. The door's refusals come as `{"error": …}`.
fn refused(error: &SocketError) -> NotConnected {
    let SocketError::Http(response) = error else {
        return NotConnected::Unreachable(error.to_string());
    };
    let body = response.body().as_deref().unwrap_or_default();
    let said = serde_json::from_slice::<serde_json::Value>(body).ok();
    let said = said
        .as_ref()
        .and_then(|body| body.get("error"))
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default();
    match response.status().as_u16() {
        401 => NotConnected::Refused(format!("it refuses this host: {said}")),
        status => NotConnected::Refused(format!(
            "what answers there is no qewd host that takes links (status {status}); mend host and port in config.json"
        )),
    }
}
