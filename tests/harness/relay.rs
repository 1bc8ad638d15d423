//! A wire between two hosts that a test can make slow, silent or broken.
//! In come connections for a host; out go their bytes: late, in crumbs, in part or not at all, as the test wants.
//! It never changes a byte or its place: nothing follows what it swallowed.

use super::ports::free_port;
use rand::RngExt as _;
use rand::rngs::StdRng;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::sleep;

/// Bytes that are read at once.
const CHUNK: usize = 16 << 10;
/// How long binding again may be tried: the system may need a moment.
const BIND_PAUSE: Duration = Duration::from_millis(5);

/// What happens to bytes on their way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    Pass,
    /// Each chunk waits, at most so long.
    Delay(Duration),
    /// Chunks are cut into crumbs of at most so many bytes.
    Split(usize),
    /// Nothing moves and nothing is lost, as when a network drops all packets for a while.
    Stall(Ways),
    /// Bytes are taken and forgotten: on each connection that says anything, nothing ever comes through again.
    Swallow,
}

/// Which of the two ways of a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Ways {
    There,
    Back,
    Both,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cut {
    /// In good order, FIN.
    Finish,
    /// At once, RST.
    Reset,
}

/// What the test wants now.
#[derive(Debug, Clone, Copy)]
struct Orders {
    manner: Manner,
    refuses: bool,
    /// Counts what ended all connections so far, and says how the last one did.
    cuts: (u64, Cut),
    /// Counts how often connections were ended on which something was swallowed.
    heals: u64,
}

/// A relay, which ends with this value.
pub(crate) struct Relay {
    pub(crate) port: u16,
    wire: Arc<Wire>,
    _running: Runtime,
}

struct Wire {
    port: u16,
    target: u16,
    orders: watch::Sender<Orders>,
    /// Bytes that still pass before a cut, and its manner.
    left: Mutex<Option<(usize, Cut)>>,
    chance: Mutex<StdRng>,
}

impl Relay {
    /// Passes everything to this port, for now.
    pub(crate) fn to(target: u16, chance: StdRng) -> Self {
        let port = free_port();
        let orders = Orders { manner: Manner::Pass, refuses: false, cuts: (0, Cut::Finish), heals: 0 };
        let (orders, chance) = (watch::Sender::new(orders), Mutex::new(chance));
        let wire = Arc::new(Wire { port, target, orders, left: Mutex::new(None), chance });
        let running = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = running.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port))).unwrap();
        running.spawn(Arc::clone(&wire).listen(listener));
        Self { port, wire, _running: running }
    }

    /// From now on, on all connections.
    pub(crate) fn set(&self, manner: Manner) {
        self.wire.orders.send_modify(|orders| orders.manner = manner);
    }

    /// Whether nobody listens any more: who connects is refused by the system.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.wire.orders.send_modify(|orders| orders.refuses = refuses);
    }

    /// Ends all connections.
    pub(crate) fn cut(&self, how: Cut) {
        self.wire.orders.send_modify(|orders| orders.cuts = (orders.cuts.0 + 1, how));
    }

    /// Ends the connection that moves the last of so many bytes from now.
    pub(crate) fn cut_after(&self, bytes: usize, how: Cut) {
        *self.wire.left.lock().unwrap() = Some((bytes, how));
    }

    /// A wire like new. Connections of which something was swallowed cannot go on, so they end.
    pub(crate) fn heal(&self) {
        *self.wire.left.lock().unwrap() = None;
        self.wire.orders.send_modify(|orders| {
            *orders = Orders { manner: Manner::Pass, refuses: false, heals: orders.heals + 1, ..*orders };
        });
    }
}

impl Wire {
    async fn listen(self: Arc<Self>, mut listener: TcpListener) {
        let mut orders = self.orders.subscribe();
        loop {
            while !orders.borrow_and_update().refuses {
                tokio::select! {
                    accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                        tokio::spawn(Arc::clone(&self).connect(stream));
                    },
                    _ = orders.changed() => {}
                }
            }
            drop(listener);
            if orders.wait_for(|orders| !orders.refuses).await.is_err() {
                return;
            }
            listener = loop {
                match TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await {
                    Ok(listener) => break listener,
                    Err(_) => sleep(BIND_PAUSE).await,
                }
            };
        }
    }

    async fn connect(self: Arc<Self>, mut near: TcpStream) {
        // Nobody there: the stream ends here.
        let Ok(mut far) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.target)).await else { return };
        if near.set_nodelay(true).is_err() || far.set_nodelay(true).is_err() {
            return;
        }
        let lossy = AtomicBool::new(false);
        let ended = {
            let ((near_in, near_out), (far_in, far_out)) = (near.split(), far.split());
            let there = Pump { wire: &self, way: Ways::There, lossy: &lossy };
            let back = Pump { wire: &self, way: Ways::Back, lossy: &lossy };
            tokio::select! {
                how = self.told_to_cut(&lossy) => how,
                moved = async { tokio::try_join!(there.run(near_in, far_out), back.run(far_in, near_out)) } =>
                    moved.err().unwrap_or(Cut::Finish),
            }
        };
        if ended == Cut::Reset {
            // A connection that is gone already needs no reset.
            let _ = (near.set_zero_linger(), far.set_zero_linger());
        }
    }

    /// Waits until this connection is to end.
    async fn told_to_cut(&self, lossy: &AtomicBool) -> Cut {
        let mut orders = self.orders.subscribe();
        let first = *orders.borrow_and_update();
        loop {
            if orders.changed().await.is_err() {
                return Cut::Reset;
            }
            let now = *orders.borrow_and_update();
            if now.cuts.0 != first.cuts.0 {
                return now.cuts.1;
            }
            if now.heals != first.heals && lossy.load(Ordering::Relaxed) {
                return Cut::Reset;
            }
        }
    }

    /// How many of so many bytes may pass, and whether the connection ends behind them.
    fn allow(&self, count: usize) -> (usize, Option<Cut>) {
        let mut left = self.left.lock().unwrap();
        match *left {
            Some((most, how)) if most <= count => {
                *left = None;
                (most, Some(how))
            }
            Some((most, how)) => {
                *left = Some((most - count, how));
                (count, None)
            }
            None => (count, None),
        }
    }

    fn draw(&self, most: u64) -> u64 {
        self.chance.lock().unwrap().random_range(0..=most)
    }
}

/// One way of one connection.
struct Pump<'a> {
    wire: &'a Wire,
    way: Ways,
    /// Whether something was swallowed on either way.
    lossy: &'a AtomicBool,
}

impl Pump<'_> {
    async fn run(self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Result<(), Cut> {
        let mut chunk = vec![0; CHUNK];
        loop {
            self.while_stalled().await;
            let count = from.read(&mut chunk).await.map_err(|_| Cut::Reset)?;
            // It may have stalled while there was nothing to read.
            self.while_stalled().await;
            if self.is_lossy() {
                if count == 0 {
                    return Ok(());
                }
                continue;
            }
            if count == 0 {
                return to.shutdown().await.map_err(|_| Cut::Reset);
            }
            let (allowed, cut) = self.wire.allow(count);
            self.pass_on(&chunk[..allowed], &mut to).await.map_err(|_| Cut::Reset)?;
            if let Some(cut) = cut {
                return Err(cut);
            }
        }
    }

    async fn while_stalled(&self) {
        let stalled =
            |orders: &Orders| matches!(orders.manner, Manner::Stall(ways) if ways == self.way || ways == Ways::Both);
        // The sender lives as long as the wire.
        let _ = self.wire.orders.subscribe().wait_for(|orders| !stalled(orders)).await;
    }

    fn is_lossy(&self) -> bool {
        if self.wire.orders.borrow().manner == Manner::Swallow {
            self.lossy.store(true, Ordering::Relaxed);
        }
        self.lossy.load(Ordering::Relaxed)
    }

    async fn pass_on(&self, bytes: &[u8], to: &mut WriteHalf<'_>) -> std::io::Result<()> {
        let manner = self.wire.orders.borrow().manner;
        match manner {
            Manner::Delay(most) => {
                let most = u64::try_from(most.as_millis()).unwrap();
                sleep(Duration::from_millis(self.wire.draw(most))).await;
                to.write_all(bytes).await
            }
            Manner::Split(most) => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    let crumb = 1 + usize::try_from(self.wire.draw(most as u64 - 1)).unwrap();
                    let (first, others) = rest.split_at(crumb.min(rest.len()));
                    to.write_all(first).await?;
                    rest = others;
                    // Crumbs of a large body would else take all of the machine.
                    tokio::task::yield_now().await;
                }
                Ok(())
            }
            Manner::Pass | Manner::Stall(_) | Manner::Swallow => to.write_all(bytes).await,
        }
    }
}
