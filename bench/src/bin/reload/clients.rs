//! Clients that ask without pause, each on a connection that it keeps.
//! In come a port and a number of connections; out go how many answers there were and how long each took.
//! What is in an answer is the ledger's to judge. All clients share one thread: the host needs the cores more.

use super::ledger::Ledger;
use bench::figures::Times;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The path that the guest's route has.
pub(crate) const PATH: &str = "/api/versioned";
/// How long a connection that was lost waits before it comes back: a host that is gone must not be asked in a circle.
const AFTER_LOSS: Duration = Duration::from_millis(100);

/// Clients at work.
pub(crate) struct Clients {
    shared: Arc<Shared>,
    thread: JoinHandle<Vec<Duration>>,
    began: Instant,
}

struct Shared {
    port: u16,
    ledger: Arc<Ledger>,
    answered: AtomicU64,
    stop: AtomicBool,
}

impl Clients {
    /// Starts as many clients as there are to be connections.
    pub(crate) fn start(port: u16, connections: usize, ledger: &Arc<Ledger>) -> Self {
        let (answered, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let shared = Arc::new(Shared { port, ledger: Arc::clone(ledger), answered, stop });
        let clients: Vec<_> = (0..connections).map(|_| Arc::clone(&shared)).collect();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("the machine gives a runtime").block_on(async {
                let asking: Vec<_> = clients.into_iter().map(|shared| tokio::spawn(ask_on(shared))).collect();
                let mut times = Vec::new();
                for client in asking {
                    times.extend(client.await.expect("a client ends well"));
                }
                times
            })
        });
        Self { shared, thread, began: Instant::now() }
    }

    /// Answers so far.
    pub(crate) fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Lets each client have its last answer. Returns all their times, and for how long they asked.
    pub(crate) fn stop(self) -> (Times, Duration) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let times = self.thread.join().expect("the clients end well");
        (Times::new(times), self.began.elapsed())
    }
}

/// One client.
async fn ask_on(shared: Arc<Shared>) -> Vec<Duration> {
    let mut times = Vec::new();
    while !shared.stop.load(Ordering::Relaxed) {
        if let Err(error) = ask_on_one_connection(&shared, &mut times).await {
            shared.ledger.complain(format!("a connection was lost: {error}"));
            tokio::time::sleep(AFTER_LOSS).await;
        }
    }
    times
}

async fn ask_on_one_connection(shared: &Shared, times: &mut Vec<Duration>) -> std::io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.port)).await?;
    stream.set_nodelay(true)?;
    let request = format!("GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut bytes = Vec::new();
    while !shared.stop.load(Ordering::Relaxed) {
        let newest = shared.ledger.newest();
        let sent = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        bytes.clear();
        let head = loop {
            if let Some(head) = Head::read(&bytes)? {
                break head;
            }
            read_more(&mut stream, &mut bytes).await?;
        };
        while bytes.len() < head.length + head.body {
            read_more(&mut stream, &mut bytes).await?;
        }
        times.push(sent.elapsed());
        shared.ledger.answered(newest, head.status, bytes.get(head.length..).unwrap_or_default());
        shared.answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

async fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    match stream.read_buf(bytes).await? {
        0 => Err(std::io::Error::other("the host closed it in the middle of an answer")),
        _ => Ok(()),
    }
}

/// What the head of an answer says.
struct Head {
    status: u16,
    /// Bytes of the head itself, the empty line with it.
    length: usize,
    /// Bytes of the body.
    body: usize,
}

impl Head {
    /// Nothing: the head is not there as a whole.
    fn read(bytes: &[u8]) -> std::io::Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
        let bad = || std::io::Error::other("an answer that is not HTTP");
        let text = std::str::from_utf8(bytes.get(..end).unwrap_or_default()).map_err(|_| bad())?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(bad)?;
        let body = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, length)| length.trim().parse().ok())
            .ok_or_else(bad)?;
        Ok(Some(Self { status, length: end + 4, body }))
    }
}
