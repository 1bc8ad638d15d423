//! One host's own settings: a `qewd` block of config.json.
//! In comes the block as written; out go checked settings with every default filled in.
//! A value that does not fit is reported and its default stands in, so that the reading goes on.

use super::block::{Block, Keys};
use super::limits::{self, Limits};
use super::password;
use super::secret::Secret;
use super::ssl::{self, Ssl};
use super::tree::{Node, Value};
use std::time::Duration;

/// One host's own settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSettings {
    /// `serverName`: shown by the monitor. Default `QEWD Server`.
    pub server_name: String,
    /// `managementPassword`: opens the monitor; itself, or its hash. Default `keepThisSecret!`.
    pub management_password: Secret,
    /// `qewd-monitor`: whether the host has its monitor. Default yes.
    pub monitor: bool,
    /// `port`: TCP port to listen on; 0 takes any free one. Default 8080.
    pub port: u16,
    /// `poolSize`: workers at most, at least 1. Default: twice the cores, at least 2.
    pub pool_size: usize,
    /// `max_queue_length`: requests that may wait for a worker. Default 1000.
    pub max_queue_length: usize,
    /// `idleLimit`, milliseconds in the file: after this an idle worker ends. Default one hour.
    pub idle_limit: Duration,
    /// `initialSessionTimeout`: seconds that a session lives until a handler says otherwise. Default 300.
    pub initial_session_timeout: u32,
    /// `cors`: which web pages of other origins may call. Default any.
    pub cors: Cors,
    /// `versionHeader`: whether an answer says in the header `qewd-version` which version of its module gave it. Default no:
    /// it is nobody's business but the operator's.
    pub version_header: bool,
    /// `limits`: what this host works within.
    pub limits: Limits,
    /// `ssl`: this host's certificates. Default none.
    pub ssl: Ssl,
}

/// Which web pages of other origins may call this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cors {
    /// None: no CORS header is sent.
    Off,
    /// All (the default).
    Any,
    /// These, each such as `https://shop.example.com`.
    Origins(Vec<String>),
}

impl Default for HostSettings {
    fn default() -> Self {
        Self {
            server_name: limits::DEFAULT_SERVER_NAME.to_owned(),
            management_password: Secret::new(limits::DEFAULT_MANAGEMENT_PASSWORD),
            monitor: true,
            port: limits::DEFAULT_PORT,
            pool_size: limits::default_pool_size(),
            max_queue_length: limits::DEFAULT_QUEUE,
            idle_limit: Duration::from_millis(limits::DEFAULT_IDLE_MILLISECONDS),
            initial_session_timeout: limits::DEFAULT_SESSION_SECONDS,
            cors: Cors::Any,
            version_header: false,
            limits: Limits::default(),
            ssl: Ssl::default(),
        }
    }
}

/// Switches the monitor of a host off. As in the original it may stand in several places.
pub(crate) const MONITOR: &str = "qewd-monitor";

impl HostSettings {
    /// Takes `qewd-monitor` from a place beside the `qewd` block: where one of them says `false`, there is no monitor.
    pub(crate) fn read_monitor(&mut self, block: &mut Block<'_, '_>) {
        self.monitor &= block.flag(MONITOR).unwrap_or(true);
    }

    /// Whether the monitor opens with the password that everybody knows.
    #[must_use]
    pub fn has_known_password(&self) -> bool {
        self.monitor && self.management_password.expose() == limits::DEFAULT_MANAGEMENT_PASSWORD
    }
}

pub(crate) const QEWD_KEYS: Keys = Keys {
    known: &[
        "serverName",
        "managementPassword",
        "port",
        "poolSize",
        "max_queue_length",
        "idleLimit",
        "initialSessionTimeout",
        "cors",
        "versionHeader",
        "limits",
        "ssl",
        "poolPrefork",
        MONITOR,
    ],
    idle: &[
        ("database", "the document store is part of the host and needs no database: remove the key"),
        ("webServer", "the web server is part of the host: remove the key"),
        ("webSockets", "WebSockets are part of the host: remove the key"),
        ("bodyParser", "handlers get the body as it came: parse it there, and remove the key"),
        ("mode", "a host has no modes: remove the key"),
        ("use_worker_threads", "workers are instances inside the host: remove the key"),
        ("sessionDocumentName", "sessions travel in tokens: remove the key"),
    ],
    refused: &[],
};

const LIMIT_KEYS: Keys = Keys {
    known: &[
        "bodyBytes",
        "headerBytes",
        "headerCount",
        "connections",
        "requestMilliseconds",
        "responseBytes",
        "memoryBytes",
        "hops",
        "sockets",
        "socketMessageBytes",
        "socketMessagesPerSecond",
        "socketIdleMilliseconds",
    ],
    idle: &[],
    refused: &[],
};

/// Reads a `qewd` block.
pub(crate) fn read(block: &mut Block<'_, '_>) -> HostSettings {
    let usual = HostSettings::default();
    block.idle_unless("poolPrefork", false, "workers start on demand: remove the key");
    HostSettings {
        server_name: block.text("serverName").map_or(usual.server_name, str::to_owned),
        management_password: management_password(block).unwrap_or(usual.management_password),
        monitor: block.flag(MONITOR).unwrap_or(usual.monitor),
        port: whole(block, "port", 0, u64::from(u16::MAX)).unwrap_or(usual.port),
        pool_size: whole(block, "poolSize", 1, limits::MOST_WORKERS).unwrap_or(usual.pool_size),
        max_queue_length: whole(block, "max_queue_length", 0, limits::MOST_QUEUE).unwrap_or(usual.max_queue_length),
        idle_limit: block
            .whole_or_text("idleLimit", 1..=limits::MOST_IDLE_MILLISECONDS)
            .map_or(usual.idle_limit, Duration::from_millis),
        initial_session_timeout: whole(block, "initialSessionTimeout", 1, u64::from(u32::MAX))
            .unwrap_or(usual.initial_session_timeout),
        cors: cors(block).unwrap_or(usual.cors),
        version_header: block.flag("versionHeader").unwrap_or(usual.version_header),
        limits: block.inner("limits", &LIMIT_KEYS).map_or(usual.limits, |mut inner| read_limits(&mut inner)),
        ssl: ssl::read_below(block),
    }
}

/// Reads the `qewd` block below this object, or gives the defaults.
pub(crate) fn read_below(block: &mut Block<'_, '_>) -> HostSettings {
    block.inner("qewd", &QEWD_KEYS).map_or_else(HostSettings::default, |mut inner| read(&mut inner))
}

fn whole<T: TryFrom<u64>>(block: &mut Block<'_, '_>, name: &str, least: u64, most: u64) -> Option<T> {
    T::try_from(block.whole(name, least..=most)?).ok()
}

fn management_password(block: &mut Block<'_, '_>) -> Option<Secret> {
    let Some(text) = block.get("managementPassword").and_then(Node::text) else {
        // The value may be a password that lost its quotes, so the message must not show it.
        if block.get("managementPassword").is_some() {
            block.error("managementPassword", "\"managementPassword\" must be a text", "put it in double quotes");
        }
        return None;
    };
    if let Err((what, mend)) = password::check(text) {
        block.error("managementPassword", format!("\"managementPassword\" {what}"), mend);
        return None;
    }
    Some(Secret::new(text))
}

fn cors(block: &mut Block<'_, '_>) -> Option<Cors> {
    let node = block.get("cors")?;
    match node.plain() {
        Value::Flag(true) => Some(Cors::Any),
        Value::Flag(false) => Some(Cors::Off),
        Value::List(items) if items.is_empty() => {
            block.error("cors", "the list \"cors\" is empty", "write false to allow no other origin");
            None
        }
        Value::List(_) => {
            let origins = block.texts("cors")?;
            for (origin, spot) in &origins {
                if !is_origin(origin) {
                    let mend = "write scheme, host and port only, such as \"https://shop.example.com\"";
                    block.report.error(Some(*spot), format!("{origin:?} is not an origin"), mend);
                }
            }
            Some(Cors::Origins(origins.into_iter().map(|(origin, _)| origin.to_owned()).collect()))
        }
        _ => {
            block.wrong("cors", node, "true, false or a list of origins", "write true, false or [\"https://…\"]");
            None
        }
    }
}

/// Browsers send origins in exactly this form, so anything else would never match.
fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let fits = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || b".-_:[]".contains(&byte);
        !rest.is_empty() && rest.bytes().all(fits)
    })
}

fn read_limits(block: &mut Block<'_, '_>) -> Limits {
    let usual = Limits::default();
    let bytes = limits::MOST_BYTES;
    let (headers, memory) = (limits::HEADER_BYTES, limits::MEMORY_BYTES);
    Limits {
        body: whole(block, "bodyBytes", 0, bytes).unwrap_or(usual.body),
        headers: whole(block, "headerBytes", *headers.start(), *headers.end()).unwrap_or(usual.headers),
        header_count: whole(block, "headerCount", 1, 10_000).unwrap_or(usual.header_count),
        connections: whole(block, "connections", 1, 1_000_000).unwrap_or(usual.connections),
        request_time: block
            .whole("requestMilliseconds", limits::REQUEST_MILLISECONDS)
            .map_or(usual.request_time, Duration::from_millis),
        response: whole(block, "responseBytes", 1, bytes).unwrap_or(usual.response),
        memory: whole(block, "memoryBytes", *memory.start(), *memory.end()).unwrap_or(usual.memory),
        hops: whole(block, "hops", 1, u64::from(u8::MAX)).unwrap_or(usual.hops),
        sockets: whole(block, "sockets", 0, 1_000_000).unwrap_or(usual.sockets),
        socket_message: whole(block, "socketMessageBytes", 1, bytes).unwrap_or(usual.socket_message),
        socket_pace: whole(block, "socketMessagesPerSecond", 1, 1_000_000).unwrap_or(usual.socket_pace),
        socket_idle: block
            .whole("socketIdleMilliseconds", 1..=limits::MOST_IDLE_MILLISECONDS)
            .map_or(usual.socket_idle, Duration::from_millis),
    }
}
