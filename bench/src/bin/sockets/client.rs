//! The clients, in a process of their own.
//! In come steps on standard input, one a line; out goes one line for each: microseconds of all, then of each client.
//! A client that is answered otherwise than it should be ends the process.

use futures_util::future::join_all;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Clients of one address: fewer than there are ports for one.
const OF_ONE_ADDRESS: usize = 5000;
/// Clients that do something at one time: the host's line has room for them.
const AT_ONCE: usize = 64;
/// Bytes of params of the two messages.
const SMALL: usize = 1 << 10;
const LARGE: usize = 100 << 10;

/// What a client is told to do.
#[derive(Clone, Copy)]
enum Task {
    /// Send so many bytes, and get them back.
    Echo(usize),
    /// Wait for a push.
    Hear,
    /// Send a push to all, and wait for it, too.
    Shout,
}

/// A client in its task; dropping this ends it.
struct Client {
    tasks: mpsc::Sender<(Task, oneshot::Sender<Instant>)>,
}

/// Serves until standard input ends.
pub(crate) fn run(port: u16) {
    let runtime = tokio::runtime::Runtime::new().expect("tokio starts");
    let mut clients = Vec::new();
    for step in std::io::stdin().lines().map_while(Result::ok) {
        let (all, each) = runtime.block_on(take(&step, port, &mut clients));
        let each: String = each.iter().map(|time| format!(" {}", time.as_micros())).collect();
        println!("{}{each}", all.as_micros());
    }
}

async fn take(step: &str, port: u16, clients: &mut Vec<Client>) -> (Duration, Vec<Duration>) {
    let began = Instant::now();
    let each = match step.split_once(' ').unwrap_or((step, "")) {
        ("open", count) => open(port, count.parse().expect("a number of clients"), clients).await,
        ("small", _) => echo(clients, SMALL).await,
        ("large", _) => echo(clients, LARGE).await,
        ("push", _) => push(clients).await,
        _ => {
            clients.clear();
            Vec::new()
        }
    };
    (began.elapsed(), each)
}

async fn open(port: u16, count: usize, clients: &mut Vec<Client>) -> Vec<Duration> {
    let free = Arc::new(Semaphore::new(AT_ONCE));
    let opened = (0..count).map(|number| {
        let free = Arc::clone(&free);
        tokio::spawn(async move {
            let _place = free.acquire().await;
            let began = Instant::now();
            let client = Client::open(port, number).await;
            (client, began.elapsed())
        })
    });
    let mut times = Vec::new();
    for opened in join_all(opened.collect::<Vec<_>>()).await {
        let (client, time) = opened.expect("a client connects");
        clients.push(client);
        times.push(time);
    }
    times
}

async fn echo(clients: &[Client], bytes: usize) -> Vec<Duration> {
    let free = Semaphore::new(AT_ONCE);
    let each = clients.iter().map(async |client| {
        let _place = free.acquire().await;
        let began = Instant::now();
        client.does(Task::Echo(bytes)).await.duration_since(began)
    });
    join_all(each).await
}

async fn push(clients: &[Client]) -> Vec<Duration> {
    let (first, others) = clients.split_first().expect("there are clients");
    let hearing: Vec<_> = others.iter().map(|client| client.does(Task::Hear)).collect();
    let began = Instant::now();
    let (heard, others) = tokio::join!(first.does(Task::Shout), join_all(hearing));
    others.into_iter().chain([heard]).map(|heard| heard.duration_since(began)).collect()
}

impl Client {
    /// Connects and registers.
    async fn open(port: u16, number: usize) -> Self {
        let socket = TcpSocket::new_v4().expect("there is a socket");
        let own = u8::try_from(2 + number / OF_ONE_ADDRESS).expect("there are addresses enough");
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, own), 0))).expect("there is a port");
        let stream = socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.expect("the host listens");
        let request = format!("ws://localhost:{port}/ws").into_client_request().expect("an address");
        let config = WebSocketConfig::default().read_buffer_size(4 << 10).write_buffer_size(4 << 10);
        let (mut socket, _) = client_async_with_config(request, stream, Some(config)).await.expect("the host upgrades");
        say(&mut socket, &json!({"type": "ewd-register", "application": "demo"})).await;
        let token = next(&mut socket).await["message"]["token"].clone();
        assert!(token.is_string(), "the host registers clients");
        let (tasks, taken) = mpsc::channel(1);
        tokio::spawn(live(socket, token, taken));
        Self { tasks }
    }

    /// When the client had done this.
    async fn does(&self, task: Task) -> Instant {
        let (done, told) = oneshot::channel();
        let _ = self.tasks.send((task, done)).await;
        told.await.expect("the client does what it is told")
    }
}

/// Answers the host's signs of life, too, by reading.
async fn live(
    mut socket: WebSocketStream<TcpStream>,
    mut token: Value,
    mut tasks: mpsc::Receiver<(Task, oneshot::Sender<Instant>)>,
) {
    // A push may come before this client was told to wait for it.
    let mut early = None;
    loop {
        tokio::select! {
            task = tasks.recv() => match task {
                Some((Task::Hear, done)) if early.is_some() => {
                    let _ = early.take().map(|heard| done.send(heard));
                }
                Some((task, done)) => {
                    perform(&mut socket, &mut token, task).await;
                    let _ = done.send(Instant::now());
                }
                None => {
                    let _ = socket.close(None).await;
                    return;
                }
            },
            message = socket.next() => match message {
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(Message::Text(_))) if early.is_none() => early = Some(Instant::now()),
                other => panic!("an idle client got {other:?}"),
            },
        }
    }
}

async fn perform(socket: &mut WebSocketStream<TcpStream>, token: &mut Value, task: Task) {
    match task {
        Task::Echo(bytes) => {
            let params = Value::from("x".repeat(bytes));
            say(socket, &json!({"type": "hello", "token": token, "params": params})).await;
            let mut answer = next(socket).await;
            assert!(answer["message"]["params"] == params, "an answer was another");
            *token = answer["message"]["token"].take();
        }
        Task::Hear => heard(socket, false).await,
        Task::Shout => {
            let params = json!({"to": "demo", "words": "x".repeat(SMALL)});
            say(socket, &json!({"type": "shout", "token": token, "params": params})).await;
            heard(socket, true).await;
        }
    }
}

/// Waits for the push, and for the answer of the one who asked for it.
async fn heard(socket: &mut WebSocketStream<TcpStream>, with_answer: bool) {
    for _ in 0..=usize::from(with_answer) {
        let message = next(socket).await;
        assert!(message["type"] == "shouted" || message["message"]["ok"] == true, "{message}");
    }
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: &Value) {
    socket.send(Message::text(message.to_string())).await.expect("the host reads");
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Value {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("an answer is JSON"),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => panic!("no answer: {other:?}"),
        }
    }
}
