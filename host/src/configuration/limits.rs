//! Every default number and every bound of a host.
//! In comes nothing; out go constants with unit, value and reason, and the limits that a host works within.
//! No number of the configuration is hidden anywhere else.

use std::ops::RangeInclusive;
use std::time::Duration;

/// TCP port, 8080: what QEWD-Up listens on in every role, so a container needs no setting.
pub const DEFAULT_PORT: u16 = 8080;

/// Workers at least, 2: one may wait for another service while the next request still runs.
pub const LEAST_DEFAULT_WORKERS: usize = 2;

/// Workers per core, 2: handlers wait for other services and hold no thread meanwhile.
pub const WORKERS_PER_CORE: usize = 2;

/// Workers at most that may be asked for, 4096: each may hold [`DEFAULT_MEMORY`].
pub const MOST_WORKERS: u64 = 4096;

/// Requests that may wait for a worker, 1000: at a millisecond each and two workers a wait of half a second.
pub const DEFAULT_QUEUE: usize = 1000;

/// Requests that may wait at most, a million: more would only hold memory until their time is over.
pub const MOST_QUEUE: u64 = 1_000_000;

/// Milliseconds after which an idle worker ends, 3 600 000 (one hour): QEWD-Up's value.
pub const DEFAULT_IDLE_MILLISECONDS: u64 = 3_600_000;

/// Milliseconds of idleness at most, one year: longer means never, and it still fits every clock.
pub const MOST_IDLE_MILLISECONDS: u64 = 31_536_000_000;

/// Seconds that a session lives until a handler says otherwise, 300: QEWD-Up's value.
pub const DEFAULT_SESSION_SECONDS: u32 = 300;

/// Bytes of a request's body, 1 MiB: ten times the 100 KiB of QEWD-Up's body parser, and safe times the connections.
pub const DEFAULT_BODY: usize = 1024 * 1024;

/// Bytes of a request's line and headers, 64 KiB: a session travels as a token in one header and may be large.
pub const DEFAULT_HEADERS: usize = 64 * 1024;

/// Headers of a request, 100: what common HTTP servers allow.
pub const DEFAULT_HEADER_COUNT: usize = 100;

/// Connections at one time, 10 000: within the open files that container hosts usually grant.
pub const DEFAULT_CONNECTIONS: usize = 10_000;

/// Milliseconds from a request's arrival to its answer, 30 000: shorter than the 60 seconds of common proxies.
pub const DEFAULT_REQUEST_MILLISECONDS: u64 = 30_000;

/// Bytes of a response's body, 8 MiB: a large list, but not a file.
pub const DEFAULT_RESPONSE: usize = 8 * 1024 * 1024;

/// Bytes of memory of one handler instance, 64 MiB: ample for a handler, and eight fit into a small container.
pub const DEFAULT_MEMORY: usize = 64 * 1024 * 1024;

/// WebSocket clients at one time, 20 000: at some 10 KiB each they take 200 MiB.
pub const DEFAULT_SOCKETS: usize = 20_000;

/// Bytes of a WebSocket client's message, 1 MiB: what QEWD-Up's sockets take.
pub const DEFAULT_SOCKET_MESSAGE: usize = 1024 * 1024;

/// Messages of one WebSocket client in a second, 100: no person is faster, and twice as many may come at once.
pub const DEFAULT_SOCKET_PACE: u32 = 100;

/// Milliseconds after which a WebSocket client that neither says nor hears anything is let go, 3 600 000 (one hour): its
/// session is over by then, and it connects again when it has something to say.
pub const DEFAULT_SOCKET_IDLE_MILLISECONDS: u64 = 3_600_000;

/// Milliseconds from the signal to stop to the end, 8000: containers are killed after 10 seconds, and documents and links
/// need a moment to close.
pub const DEFAULT_STOP_MILLISECONDS: u64 = 8_000;

/// Milliseconds for which a host goes on after the signal to stop, 1000: time for proxies to use up the connections that
/// they keep, and for a health check to see it.
pub const DEFAULT_DRAIN_MILLISECONDS: u64 = 1_000;

/// Milliseconds for a stop at most, one hour: no supervisor waits longer.
pub(crate) const MOST_STOP_MILLISECONDS: u64 = 3_600_000;

/// Hosts and handlers that may send one request on, 12: a chain of ten hosts whose last handler asks another service has as
/// many, and deeper ones are almost surely circles. A circle of routes alone is noticed when it closes.
pub const DEFAULT_HOPS: u8 = 12;

/// Status of the answer to an unknown path, 404: HTTP's own.
pub const DEFAULT_ELSE_STATUS: u16 = 404;

/// Words of the answer to an unknown path, `Not Found`: what clients of QEWD-Up know.
pub const DEFAULT_ELSE_TEXT: &str = "Not Found";

/// The management password that QEWD-Up documents. Everybody knows it, so operators should change it.
pub const DEFAULT_MANAGEMENT_PASSWORD: &str = "keepThisSecret!";

/// Bytes of a password, 1024: nobody types more.
pub const PASSWORD_BYTES: usize = 1024;

/// KiB of memory that one look at a hashed password may need, 1 GiB: more would be missing elsewhere on the machine.
pub const HASH_MEMORY: u32 = 1024 * 1024;

/// Passes over that memory, 20: with all of it one look takes half a minute already.
pub const HASH_PASSES: u32 = 20;

/// Lanes of a hashed password, 64: they are computed one after the other here, so more of them would be of no use.
pub const HASH_LANES: u32 = 64;

/// The name that the monitor shows.
pub const DEFAULT_SERVER_NAME: &str = "QEWD Server";

/// Requests after which a worker ends, drawn for each one from this range: what a handler leaks stays small, a new instance
/// costs a ten-thousandth of what it serves, and the workers of a host do not all end at once.
pub const RETIRE_REQUESTS: RangeInclusive<u64> = 9_000..=11_000;

/// Part of its memory limit above which a worker ends after its request, one half: wasm memory never shrinks, so one large
/// request would else be paid for by the host as long as the worker lives.
pub const RETIRE_MEMORY_DIVISOR: usize = 2;

/// Resources of the host, such as open streams, above which a worker ends after its request, 1000: a request needs a few.
pub const RETIRE_RESOURCES: usize = 1000;

/// Resources of the host that one instance may hold at once, 10 000: some megabytes of the host's own memory.
pub const MOST_RESOURCES: usize = 10_000;

/// Instances of one microservice that one host links to, 64: each is a socket and a task; farms that are larger stand behind
/// load balancers of their own.
pub const MOST_INSTANCES: usize = 64;

/// Elements of one table of an instance, 100 000: far above what any compiler writes for indirect calls.
pub const TABLE_ELEMENTS: usize = 100_000;

/// Bytes of a module's file, 64 MiB: three times the largest that a language with its own run time builds; compiling one
/// takes some minutes, and several times its size in memory.
pub const MODULE_BYTES: u64 = 64 * 1024 * 1024;

/// Bytes of a file with certificates or a key, 4 MiB: ten times all the authorities that a common system trusts.
pub(crate) const PEM_BYTES: u64 = 4 * 1024 * 1024;

/// Bytes of a file that `file:` names, 64 KiB: a secret, a number or one block of settings; a host reads it with each change.
pub(crate) const OUTSIDE_BYTES: u64 = 64 * 1024;

/// Bytes that `bodyBytes`, `responseBytes` and `memoryBytes` may be at most, 4 GiB: what 32-bit wasm can address.
pub(crate) const MOST_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Bytes for `headerBytes`: the HTTP library needs 8 KiB to read at all; more than 256 KiB might not fit into the header
/// of a link's frame, where each character takes up to four.
pub(crate) const HEADER_BYTES: RangeInclusive<u64> = 8192..=256 * 1024;

/// Bytes for `memoryBytes`: at least one page of wasm memory.
pub(crate) const MEMORY_BYTES: RangeInclusive<u64> = 65_536..=MOST_BYTES;

/// Headers of a request at most that may be asked for, 10 000: far above what any client sends.
pub(crate) const MOST_HEADER_COUNT: u64 = 10_000;

/// Connections and WebSocket clients at most that may be asked for, a million each: as many open files as systems grant.
pub(crate) const MOST_CONNECTIONS: u64 = 1_000_000;

/// Messages of one WebSocket client in a second at most that may be asked for, a million: as good as no limit.
pub(crate) const MOST_SOCKET_PACE: u64 = 1_000_000;

/// Milliseconds for `requestMilliseconds`: at most a day.
pub(crate) const REQUEST_MILLISECONDS: RangeInclusive<u64> = 1..=86_400_000;

/// What a host works within. In config.json: the key `limits` of a `qewd` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// `bodyBytes`: bytes of a request's body.
    pub body: usize,
    /// `headerBytes`: bytes of a request's line and headers.
    pub headers: usize,
    /// `headerCount`: headers of a request.
    pub header_count: usize,
    /// `connections`: connections at one time.
    pub connections: usize,
    /// `requestMilliseconds`: from a request's arrival to its answer.
    pub request_time: Duration,
    /// `responseBytes`: bytes of a response's body.
    pub response: usize,
    /// `memoryBytes`: bytes of memory of one handler instance.
    pub memory: usize,
    /// `hops`: hosts and handlers that may send one request on.
    pub hops: u8,
    /// `sockets`: WebSocket clients at one time.
    pub sockets: usize,
    /// `socketMessageBytes`: bytes of a WebSocket client's message.
    pub socket_message: usize,
    /// `socketMessagesPerSecond`: messages of one WebSocket client in a second.
    pub socket_pace: u32,
    /// `socketIdleMilliseconds`: after this a WebSocket client that neither says nor hears anything is let go.
    pub socket_idle: Duration,
    /// `stopMilliseconds`: from the signal to stop to the end.
    pub stop: Duration,
    /// `drainMilliseconds`: for so long of it the host goes on as before.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: DEFAULT_BODY,
            headers: DEFAULT_HEADERS,
            header_count: DEFAULT_HEADER_COUNT,
            connections: DEFAULT_CONNECTIONS,
            request_time: Duration::from_millis(DEFAULT_REQUEST_MILLISECONDS),
            response: DEFAULT_RESPONSE,
            memory: DEFAULT_MEMORY,
            hops: DEFAULT_HOPS,
            sockets: DEFAULT_SOCKETS,
            socket_message: DEFAULT_SOCKET_MESSAGE,
            socket_pace: DEFAULT_SOCKET_PACE,
            socket_idle: Duration::from_millis(DEFAULT_SOCKET_IDLE_MILLISECONDS),
            stop: Duration::from_millis(DEFAULT_STOP_MILLISECONDS),
            drain: Duration::from_millis(DEFAULT_DRAIN_MILLISECONDS),
        }
    }
}

/// Workers at most if config.json does not say: twice the cores, but at least two.
#[must_use]
pub fn default_pool_size() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores * WORKERS_PER_CORE).max(LEAST_DEFAULT_WORKERS)
}
