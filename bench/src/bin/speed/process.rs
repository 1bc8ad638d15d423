//! Servers as child processes.
//! In comes a command; out goes a server that answers, and that ends with this process's interest in it.
//! It never chooses a port that somebody has.

use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(60);

/// How long it may take to stop.
const STOP: Duration = Duration::from_secs(3);

/// A server that answers.
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) port: u16,
    child: Child,
}

impl Server {
    /// Starts a server that is told its port, and waits until it takes connections.
    pub(crate) fn start(name: &str, port: u16, command: &mut Command) -> Self {
        let child = command.stdin(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut server = Self { name: name.to_owned(), port, child };
        let until = Instant::now() + START;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < until && server.is_alive(), "{name} does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    /// One that was started and waited for elsewhere.
    pub(crate) fn of(name: &str, port: u16, child: Child) -> Self {
        Self { name: name.to_owned(), port, child }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The answer to one request: its status and its body.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[String], body: &str) -> (u16, String) {
        ask(self.port, method, path, headers, body).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Waits until it answers a request well, which a link or a first version may delay.
    pub(crate) fn wait_for(&self, path: &str) -> String {
        let until = Instant::now() + START;
        loop {
            match ask(self.port, "GET", path, &[], "") {
                Ok((200, body)) => return body,
                last => assert!(Instant::now() < until, "{} does not answer {path}: {last:?}", self.name),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // NGINX would leave its workers behind, if it were not asked. Others end at once.
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        let until = Instant::now() + STOP;
        while self.is_alive() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request on a connection of its own.
pub(crate) fn ask(
    port: u16,
    method: &str,
    path: &str,
    headers: &[String],
    body: &str,
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(START))?;
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    Ok((status, body.to_owned()))
}

/// A port that nobody has.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the system has ports");
    listener.local_addr().expect("a listener knows its port").port()
}

/// This program as one of its servers.
pub(crate) fn own(server: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program knows where it is"));
    command.arg(server).args(arguments);
    command
}

/// NGINX in front of another server, with kept connections to it, and a line in a file for each request, as qewd writes one.
pub(crate) fn nginx(folder: &Path, port: u16, to: u16) -> Command {
    let file = folder.join("nginx.conf");
    let text = format!(
        "worker_processes auto; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
         events {{ worker_connections 2048; }}
         http {{
           access_log {folder}/access.log; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
           fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
           keepalive_requests 1000000000; client_max_body_size 4m;
           upstream behind {{ server 127.0.0.1:{to}; keepalive 256; keepalive_requests 1000000000; }}
           server {{
             listen 127.0.0.1:{port};
             location / {{
               proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection \"\";
               proxy_request_buffering off;
             }}
           }}
         }}",
        folder = folder.display()
    );
    std::fs::write(&file, text).expect("the temporary folder can be written");
    let mut command = Command::new("nginx");
    command.arg("-c").arg(file).stderr(Stdio::null());
    command
}

/// A file for what a server writes.
pub(crate) fn output(file: &Path) -> Stdio {
    Stdio::from(File::create(file).expect("the temporary folder can be written"))
}
