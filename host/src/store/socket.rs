//! The socket through which operators reach the documents of a host that runs.
//! In comes an operation, and lines to import; out go its lines, words about its progress, and a closing word.
//! Only who may use the data folder can reach it: that is all the right one needs to change what lies there.
//!
//! A call is one line of JSON and then, for an import, lines until the caller ends its side. An answer is frames: a kind, four
//! bytes of length, and so many bytes.

use super::operate::{Lines, Operation, operate};
use qewd_documents::Store;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::sync::Semaphore;

/// Operators at one time, 4: each has a thread, and people take turns.
const CALLERS: usize = 4;
/// How long a caller may keep the host waiting for a line, or for room to write: after that it has gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of one frame: what is gathered before it is sent.
const FRAME_BYTES: usize = 64 * 1024;
/// Bytes of an operation.
const OPERATION_BYTES: u64 = 64 * 1024;

const OUTPUT: u8 = b'o';
const PROGRESS: u8 = b'p';
const ENDED: u8 = b'e';
const FAILED: u8 = b'f';

/// Bytes that a socket's path may have: the system's own bound, with the zero at its end.
const PATH_BYTES: usize = 107;

/// A path to the same socket that is short enough, and what has to stay open for it.
fn short(path: &Path) -> std::io::Result<(Option<File>, PathBuf)> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if path.as_os_str().len() > PATH_BYTES => {
            let folder = File::open(folder)?;
            let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
            Ok((Some(folder), path))
        }
        _ => Ok((None, path.to_owned())),
    }
}

/// Opens the socket; what is left of a host that was killed is replaced.
pub(super) fn bind(path: &Path) -> std::io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let (_folder, short) = short(path)?;
    let listener = UnixListener::bind(short)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers operators until it is dropped.
pub(super) async fn serve(listener: UnixListener, store: Store) {
    let places = std::sync::Arc::new(Semaphore::new(CALLERS));
    while let Ok(place) = std::sync::Arc::clone(&places).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // Too few open files, perhaps; the next one may come through.
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        };
        let store = store.clone();
        tokio::task::spawn_blocking(move || {
            let answered = stream.into_std().and_then(|stream| answer(&stream, &store));
            if let Err(error) = answered {
                tracing::debug!("an operator's call: {error}");
            }
            drop(place);
        });
    }
}

fn answer(stream: &UnixStream, store: &Store) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut input = BufReader::new(stream);
    let mut call = Vec::new();
    (&mut input).take(OPERATION_BYTES).read_until(b'\n', &mut call)?;
    let operation: Operation = serde_json::from_slice(&call)?;
    tracing::info!("an operator's call: {operation:?}");
    let ended = {
        let mut output = BufWriter::with_capacity(FRAME_BYTES, Frames { stream });
        let mut progress = |done: u64, of: u64| {
            // Who does not listen any more is noticed when its output is written.
            let _ = frame(stream, PROGRESS, format!("{done} {of}").as_bytes());
        };
        let mut lines = Lines { input: Box::new(input), output: &mut output, progress: &mut progress };
        let ended = operate(store, &operation, &mut lines);
        drop(lines);
        output.flush()?;
        ended
    };
    match ended {
        Ok(words) => frame(stream, ENDED, words.as_bytes()),
        Err(words) => frame(stream, FAILED, words.as_bytes()),
    }
}

/// Output that goes out as frames.
struct Frames<'s> {
    stream: &'s UnixStream,
}

impl Write for Frames<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        frame(self.stream, OUTPUT, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn frame(mut stream: &UnixStream, kind: u8, bytes: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| std::io::Error::other("a frame is too long"))?;
    let mut whole = Vec::with_capacity(bytes.len() + 5);
    whole.push(kind);
    whole.extend(length.to_be_bytes());
    whole.extend_from_slice(bytes);
    stream.write_all(&whole)
}

/// Has a host that runs do it.
///
/// # Errors
/// The closing word, where not everything is as it should be, or nobody answers.
pub(super) fn call(
    path: &Path,
    operation: &Operation,
    mut input: Box<dyn BufRead + Send>,
    output: &mut dyn Write,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<String, String> {
    let lost = |error: std::io::Error| {
        let end = "if it has just ended, type this again; lines that were imported stay";
        format!("the host that holds the documents does not answer: {error}; {end}")
    };
    let (_folder, short) = short(path).map_err(lost)?;
    let stream = UnixStream::connect(short).map_err(lost)?;
    // Who only counts says so now and then; who says nothing for so long is stopped, or hangs.
    stream.set_read_timeout(Some(PATIENCE)).map_err(lost)?;
    let mut text = serde_json::to_vec(operation).unwrap_or_default();
    text.push(b'\n');
    (&stream).write_all(&text).map_err(lost)?;
    if *operation == Operation::Import {
        let writer = stream.try_clone().map_err(lost)?;
        // Beside, because the host speaks meanwhile; and not waited for, because it may hang at a terminal.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut input, &mut &writer);
            let _ = writer.shutdown(Shutdown::Write);
        });
    }
    let mut answer = BufReader::new(&stream);
    loop {
        let (kind, bytes) = next_frame(&mut answer).map_err(lost)?;
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        match kind {
            OUTPUT => output.write_all(&bytes).map_err(|error| error.to_string())?,
            PROGRESS => {
                let text = text();
                let mut numbers = text.split(' ').map(|number| number.parse().unwrap_or(0));
                progress(numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
            }
            ENDED => return Ok(text()),
            _ => return Err(text()),
        }
    }
}

fn next_frame(answer: &mut impl Read) -> std::io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    answer.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let mut bytes = Vec::new();
    let length = u64::from(u32::from_be_bytes(length));
    if answer.take(length).read_to_end(&mut bytes)? as u64 != length {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok((kind, bytes))
}
