//! One host's own settings: a `qewd` block of config.json.
//! In comes the block as written; out go checked settings with every default filled in.
//! A value that does not fit is reported and its default stands in, so that the reading goes on.

use super::block::Block;
use super::keys::{Key, Keys, Kind, SOME_TEXT, TEXT, Usual, form, key, whole};
use super::limits::{self, Limits};
use super::password;
use super::problem::Words;
use super::secret::Secret;
use super::ssl::{self, SSL_KEYS, Ssl};
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
    /// `managementPort`: TCP port of its own for health, metrics and monitor; 0 takes any free one. Default none: they are on
    /// the host's one port.
    pub management_port: Option<u16>,
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
    /// `log`: which lines the log has, unless the environment says so. Default: neither does.
    pub log: Option<String>,
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
            management_port: None,
            pool_size: limits::default_pool_size(),
            max_queue_length: limits::DEFAULT_QUEUE,
            idle_limit: Duration::from_millis(limits::DEFAULT_IDLE_MILLISECONDS),
            initial_session_timeout: limits::DEFAULT_SESSION_SECONDS,
            cors: Cors::Any,
            version_header: false,
            log: None,
            limits: Limits::default(),
            ssl: Ssl::default(),
        }
    }
}

/// The second port of a host.
const MANAGEMENT_PORT: &str = "managementPort";

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

/// `qewd-monitor`, wherever it stands.
pub(crate) const MONITOR_KEY: Key =
    key(MONITOR, Kind::Flag, "Whether the host has its monitor; where one place says false, it has none.")
        .usually(Usual::Flag(true));

/// An origin as browsers send it.
const ORIGIN: Kind = form("^https?://[0-9a-z._:\\[\\]-]+$");
const CORS: Kind = Kind::Either("true, false or a list of origins", &[Kind::Flag, Kind::Texts(&ORIGIN, 1)]);

/// A `qewd` block.
pub(crate) const QEWD_KEYS: Keys = Keys {
    idle: &[
        ("database", "the document store is part of the host and needs no database: remove the key"),
        ("webServer", "the web server is part of the host: remove the key"),
        ("webSockets", "WebSockets are part of the host: remove the key"),
        ("bodyParser", "handlers get the body as it came: parse it there, and remove the key"),
        ("mode", "a host has no modes: remove the key"),
        ("use_worker_threads", "workers are instances inside the host: remove the key"),
        ("sessionDocumentName", "sessions travel in tokens: remove the key"),
    ],
    ..Keys::new(
        "qewd",
        &[
            key("serverName", TEXT, "The name that the monitor shows.")
                .usually(Usual::Text(limits::DEFAULT_SERVER_NAME)),
            key(
                "managementPassword",
                SOME_TEXT,
                "Opens the monitor: a password, or its hash from `qewd hash-password`.",
            )
            .usually(Usual::Words("the one that everybody knows; set your own")),
            key("port", Kind::Whole(0, u16::MAX as u64), "The TCP port to listen on; 0 takes a free one.")
                .usually(Usual::Number(limits::DEFAULT_PORT as u64)),
            key(
                MANAGEMENT_PORT,
                Kind::Whole(0, u16::MAX as u64),
                "The TCP port for health, metrics and the monitor alone, another than \"port\"; 0 takes a free one.",
            )
            .usually(Usual::Words("none: they are on \"port\"")),
            key(
                "poolSize",
                Kind::Whole(1, limits::MOST_WORKERS),
                "Workers at most; each serves one request at a time.",
            )
            .usually(Usual::Words("twice the cores, at least 2")),
            key("max_queue_length", Kind::Whole(0, limits::MOST_QUEUE), "Requests that may wait for a worker.")
                .usually(Usual::Number(limits::DEFAULT_QUEUE as u64)),
            key(
                "idleLimit",
                Kind::WholeInQuotes(1, limits::MOST_IDLE_MILLISECONDS),
                "Milliseconds after which an idle worker ends.",
            )
            .usually(Usual::Number(limits::DEFAULT_IDLE_MILLISECONDS)),
            key(
                "initialSessionTimeout",
                Kind::Whole(1, u32::MAX as u64),
                "Seconds that a new session lives until a handler says otherwise.",
            )
            .usually(Usual::Number(limits::DEFAULT_SESSION_SECONDS as u64)),
            key("cors", CORS, "Which web pages of other origins may call: all, none, or those of these origins.")
                .usually(Usual::Flag(true)),
            key(
                "versionHeader",
                Kind::Flag,
                "Whether an answer names the version of its module in the header qewd-version.",
            )
            .usually(Usual::Flag(false)),
            key("log", SOME_TEXT, "Which lines the log has, in the words of QEWD_LOG, which wins.")
                .usually(Usual::Text("info")),
            key("limits", Kind::Object(&LIMIT_KEYS), "What the host works within."),
            key("ssl", Kind::Object(&SSL_KEYS), "The host's certificates.").usually(Usual::Words("none: plain HTTP")),
            key("poolPrefork", Kind::Flag, "Only false describes what happens: workers start on demand.")
                .usually(Usual::Flag(false)),
            MONITOR_KEY,
        ],
    )
};

const BYTES: Kind = Kind::Whole(1, limits::MOST_BYTES);

const LIMIT_KEYS: Keys = Keys::new(
    "limits",
    &[
        key("bodyBytes", Kind::Whole(0, limits::MOST_BYTES), "Bytes of a request's body.")
            .usually(Usual::Number(limits::DEFAULT_BODY as u64)),
        key("headerBytes", whole(&limits::HEADER_BYTES), "Bytes of a request's line and headers.")
            .usually(Usual::Number(limits::DEFAULT_HEADERS as u64)),
        key("headerCount", Kind::Whole(1, limits::MOST_HEADER_COUNT), "Headers of a request.")
            .usually(Usual::Number(limits::DEFAULT_HEADER_COUNT as u64)),
        key("connections", Kind::Whole(1, limits::MOST_CONNECTIONS), "Connections at one time.")
            .usually(Usual::Number(limits::DEFAULT_CONNECTIONS as u64)),
        key(
            "requestMilliseconds",
            whole(&limits::REQUEST_MILLISECONDS),
            "Milliseconds from a request's arrival to its answer.",
        )
        .usually(Usual::Number(limits::DEFAULT_REQUEST_MILLISECONDS)),
        key("responseBytes", BYTES, "Bytes of a response's body and headers.")
            .usually(Usual::Number(limits::DEFAULT_RESPONSE as u64)),
        key("memoryBytes", whole(&limits::MEMORY_BYTES), "Bytes of memory of one instance.")
            .usually(Usual::Number(limits::DEFAULT_MEMORY as u64)),
        key("hops", Kind::Whole(1, u8::MAX as u64), "How often hosts and handlers may send one request on.")
            .usually(Usual::Number(limits::DEFAULT_HOPS as u64)),
        key("sockets", Kind::Whole(0, limits::MOST_CONNECTIONS), "WebSocket clients at one time.")
            .usually(Usual::Number(limits::DEFAULT_SOCKETS as u64)),
        key("socketMessageBytes", BYTES, "Bytes of a WebSocket client's message.")
            .usually(Usual::Number(limits::DEFAULT_SOCKET_MESSAGE as u64)),
        key(
            "socketMessagesPerSecond",
            Kind::Whole(1, limits::MOST_SOCKET_PACE),
            "Messages of one WebSocket client in a second.",
        )
        .usually(Usual::Number(limits::DEFAULT_SOCKET_PACE as u64)),
        key(
            "socketIdleMilliseconds",
            Kind::Whole(1, limits::MOST_IDLE_MILLISECONDS),
            "Milliseconds for which a WebSocket client may neither say nor hear anything.",
        )
        .usually(Usual::Number(limits::DEFAULT_SOCKET_IDLE_MILLISECONDS)),
        key(
            "stopMilliseconds",
            Kind::Whole(1, limits::MOST_STOP_MILLISECONDS),
            "Milliseconds from the signal to stop to the end.",
        )
        .usually(Usual::Number(limits::DEFAULT_STOP_MILLISECONDS)),
        key(
            "drainMilliseconds",
            Kind::Whole(0, limits::MOST_STOP_MILLISECONDS),
            "Milliseconds of these for which the host goes on as before; less than \"stopMilliseconds\".",
        )
        .usually(Usual::Words("1000, or half of \"stopMilliseconds\" if that is less")),
    ],
);

/// Reads a `qewd` block.
pub(crate) fn read(block: &mut Block<'_, '_>) -> HostSettings {
    let usual = HostSettings::default();
    block.idle_unless("poolPrefork", false, "workers start on demand: remove the key");
    let port = block.whole("port").unwrap_or(usual.port);
    HostSettings {
        server_name: block.text("serverName").map_or(usual.server_name, str::to_owned),
        management_password: management_password(block).unwrap_or(usual.management_password),
        monitor: block.flag(MONITOR).unwrap_or(usual.monitor),
        port,
        management_port: management_port(block, port),
        pool_size: block.whole("poolSize").unwrap_or(usual.pool_size),
        max_queue_length: block.whole("max_queue_length").unwrap_or(usual.max_queue_length),
        idle_limit: block.whole("idleLimit").map_or(usual.idle_limit, Duration::from_millis),
        initial_session_timeout: block.whole("initialSessionTimeout").unwrap_or(usual.initial_session_timeout),
        cors: cors(block).unwrap_or(usual.cors),
        version_header: block.flag("versionHeader").unwrap_or(usual.version_header),
        log: log(block),
        limits: block.inner("limits", &LIMIT_KEYS).map_or(usual.limits, |mut inner| read_limits(&mut inner)),
        ssl: ssl::read_below(block),
    }
}

/// Reads the `qewd` block below this object, or gives the defaults.
pub(crate) fn read_below(block: &mut Block<'_, '_>) -> HostSettings {
    block.inner("qewd", &QEWD_KEYS).map_or_else(HostSettings::default, |mut inner| read(&mut inner))
}

fn management_port(block: &mut Block<'_, '_>, port: u16) -> Option<u16> {
    let second = block.whole(MANAGEMENT_PORT)?;
    if let Err(words) = check_ports(port, Some(second)) {
        // Numbers from outside are not told.
        let what = if block.spot(MANAGEMENT_PORT).is_outside() {
            "\"managementPort\" is the host's own port".into()
        } else {
            Words::from(words)
        };
        block.error(MANAGEMENT_PORT, what, "choose another, or remove the key to have everything on one port");
        return None;
    }
    Some(second)
}

/// Whether a host can have these two ports.
///
/// # Errors
/// The words that say why not.
pub fn check_ports(port: u16, management_port: Option<u16>) -> Result<(), String> {
    // Each 0 is a free port of its own.
    if port != 0 && management_port == Some(port) {
        return Err(format!("\"managementPort\" is {port}, which is the host's own port"));
    }
    Ok(())
}

/// Which lines the log has, in the words that the start has for it.
fn log(block: &mut Block<'_, '_>) -> Option<String> {
    let lines = block.text("log")?;
    match crate::logging::check(lines) {
        Ok(()) => Some(lines.to_owned()),
        Err(words) => {
            if block.spot("log").is_outside() {
                let mend = "write error, warn, info, debug or trace, or also parts, such as info,qewd::handler=debug";
                block.error("log", "\"log\" is not understood", mend);
            } else {
                let (what, mend) = words.split_once("; ").unwrap_or((&words, ""));
                block.error("log", format!("\"log\": {what}"), mend.to_owned());
            }
            None
        }
    }
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
    let (stop, drain) = stop_and_drain(block, &usual);
    Limits {
        body: block.whole("bodyBytes").unwrap_or(usual.body),
        headers: block.whole("headerBytes").unwrap_or(usual.headers),
        header_count: block.whole("headerCount").unwrap_or(usual.header_count),
        connections: block.whole("connections").unwrap_or(usual.connections),
        request_time: block.whole("requestMilliseconds").map_or(usual.request_time, Duration::from_millis),
        response: block.whole("responseBytes").unwrap_or(usual.response),
        memory: block.whole("memoryBytes").unwrap_or(usual.memory),
        hops: block.whole("hops").unwrap_or(usual.hops),
        sockets: block.whole("sockets").unwrap_or(usual.sockets),
        socket_message: block.whole("socketMessageBytes").unwrap_or(usual.socket_message),
        socket_pace: block.whole("socketMessagesPerSecond").unwrap_or(usual.socket_pace),
        socket_idle: block.whole("socketIdleMilliseconds").map_or(usual.socket_idle, Duration::from_millis),
        stop,
        drain,
    }
}

/// All of a stop, and the part of it for which the host goes on.
fn stop_and_drain(block: &mut Block<'_, '_>, usual: &Limits) -> (Duration, Duration) {
    let stop = block.whole("stopMilliseconds").map_or(usual.stop, Duration::from_millis);
    let given = block.whole("drainMilliseconds").map(Duration::from_millis);
    if given.is_some_and(|drain| drain >= stop) {
        let what: Words = if block.spot("stopMilliseconds").is_outside() || block.spot("drainMilliseconds").is_outside()
        {
            "\"drainMilliseconds\" must be less than \"stopMilliseconds\"".into()
        } else {
            let stop = stop.as_millis();
            format!("\"drainMilliseconds\" must be less than \"stopMilliseconds\", which is {stop}").into()
        };
        block.error("drainMilliseconds", what, "leave requests in flight the time that they need");
    }
    // Where only the whole is given, half of it is left for requests in flight.
    (stop, given.unwrap_or(usual.drain.min(stop / 2)))
}
