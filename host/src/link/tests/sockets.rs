//! The socket over a pipe in memory, with a clock that stands still until everybody waits: what hangs fails at once.

use super::super::socket::{Socket, websocket_config};
use super::super::traffic::Traffic;
use super::*;
use futures_util::{SinkExt as _, StreamExt as _};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

const PATIENCE: Duration = Duration::from_secs(60);
const BODY: usize = 1 << 20;

async fn stream<S: AsyncRead + AsyncWrite + Unpin>(pipe: S, role: Role) -> WebSocketStream<S> {
    WebSocketStream::from_raw_socket(pipe, role, Some(websocket_config(BODY))).await
}

async fn pair(buffer: usize) -> (Socket<DuplexStream>, Socket<DuplexStream>) {
    let (one, other) = duplex(buffer);
    let one = Socket::new(stream(one, Role::Client).await, Traffic::default());
    (one, Socket::new(stream(other, Role::Server).await, Traffic::default()))
}

fn binary(byte: u8, length: usize) -> Wire {
    Wire::Binary(Bytes::from(vec![byte; length]))
}

#[tokio::test(start_paused = true)]
async fn messages_arrive_as_they_were_sent_and_in_order() {
    let (mut one, mut other) = pair(64).await;
    let messages =
        [Wire::Text("{\"a\":\"\u{e9}\"}".to_owned()), binary(0, 0), binary(0xff, 100_000), Wire::Text(String::new())];
    for message in &messages {
        one.send(message.clone()).unwrap();
    }
    let read = async {
        for message in messages {
            assert_eq!(timeout(PATIENCE, other.next()).await.unwrap(), Some(message));
        }
    };
    while_it_waits(&mut one, read).await;
    assert!(one.is_drained());
}

/// The other end reads while this one waits for a message, which does not come.
async fn while_it_waits<T>(
    socket: &mut Socket<impl AsyncRead + AsyncWrite + Unpin>,
    other: impl Future<Output = T>,
) -> T {
    tokio::select! {
        message = socket.next() => panic!("{message:?}"),
        read = other => read,
    }
}

#[tokio::test(start_paused = true)]
async fn two_ends_that_both_have_much_to_say_never_wait_for_one_another() {
    let (mut one, mut other) = pair(1024).await;
    let talk = async |socket: &mut Socket<DuplexStream>, own: u8, others: u8| {
        for _ in 0..50 {
            socket.send(binary(own, 100_000)).unwrap();
        }
        tokio::task::yield_now().await;
        for _ in 0..50 {
            assert_eq!(socket.next().await, Some(binary(others, 100_000)));
            socket.send(Wire::Ping(7)).unwrap();
        }
        let mut signs = 0;
        while signs < 100 {
            match socket.next().await {
                Some(Wire::Ping(_) | Wire::Pong(_)) => signs += 1,
                message => panic!("{message:?}"),
            }
        }
    };
    let both = async { tokio::join!(talk(&mut one, 1, 2), talk(&mut other, 2, 1)) };
    timeout(PATIENCE, both).await.expect("both ends wait");
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_by_itself() {
    let (mut one, mut other) = pair(1024).await;
    one.send(Wire::Ping(u64::MAX - 1)).unwrap();
    one.flush().await;
    let quiet = tokio::spawn(async move {
        assert_eq!(other.next().await, Some(Wire::Ping(u64::MAX - 1)));
        other.next().await
    });
    assert_eq!(timeout(PATIENCE, one.next()).await.unwrap(), Some(Wire::Pong(u64::MAX - 1)));
    quiet.abort();
}

#[tokio::test(start_paused = true)]
async fn closing_writes_what_waits_and_says_goodbye() {
    let (one, other) = duplex(256);
    let mut one = Socket::new(stream(one, Role::Client).await, Traffic::default());
    let mut other = stream(other, Role::Server).await;
    for _ in 0..20 {
        one.send(binary(7, 1000)).unwrap();
    }
    let reader = tokio::spawn(async move {
        let mut messages = Vec::new();
        while let Some(Ok(message)) = other.next().await {
            messages.push(message);
        }
        messages
    });
    let started = Instant::now();
    one.close("the test ends").await;
    assert!(started.elapsed() < PATIENCE);
    let messages = timeout(PATIENCE, reader).await.unwrap().unwrap();
    assert_eq!(messages.len(), 21);
    assert!(messages[..20].iter().all(|message| message.len() == 1000));
    assert!(matches!(messages[20], Message::Close(_)));
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_nobody_for_ever() {
    let (mut one, other) = pair(256).await;
    for _ in 0..20 {
        one.send(binary(7, 1000)).unwrap();
    }
    let started = Instant::now();
    one.close("the test ends").await;
    assert_eq!(started.elapsed(), Duration::from_millis(200));
    drop(other);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_does_not_read_is_found_to_be_stuck() {
    let (mut one, _other) = pair(256).await;
    let mut sent = 0;
    while one.send(binary(1, 100)).is_ok() {
        sent += 1;
        assert!(sent < 20_000, "unwritten messages have no bound");
        one.flush().await;
    }
    assert!(sent >= super::super::caller::IN_FLIGHT);
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_a_break_and_an_oversized_message_end_the_socket() {
    let (one, other) = duplex(4096);
    let mut one = Socket::new(stream(one, Role::Client).await, Traffic::default());
    let mut other = stream(other, Role::Server).await;
    other.send(Message::text("last")).await.unwrap();
    other.close(None).await.unwrap();
    drop(other);
    assert_eq!(one.next().await, Some(Wire::Text("last".to_owned())));
    assert_eq!(timeout(PATIENCE, one.next()).await.unwrap(), None);

    let (mut one, other) = pair(4096).await;
    drop(other);
    assert_eq!(timeout(PATIENCE, one.next()).await.unwrap(), None);

    let (mut one, mut other) = pair(4096).await;
    other.send(binary(0, 3 * BODY)).unwrap();
    assert_eq!(while_it_waits(&mut other, timeout(PATIENCE, one.next())).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_the_most_and_the_longest_header_fit() {
    let (mut one, mut other) = pair(64 << 10).await;
    let most = binary(0, BODY + super::super::frame::HEADER_BYTES + 4);
    one.send(most.clone()).unwrap();
    assert_eq!(while_it_waits(&mut one, timeout(PATIENCE, other.next())).await.unwrap(), Some(most));
}

/// A pipe that counts how often it is written to.
struct Counted(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_gathered_goes_out_with_one_write() {
    let writes = Arc::new(AtomicUsize::new(0));
    let (one, other) = duplex(1 << 20);
    let mut one = Socket::new(stream(Counted(one, Arc::clone(&writes)), Role::Client).await, Traffic::default());
    let mut other = Socket::new(stream(other, Role::Server).await, Traffic::default());
    for _ in 0..100 {
        one.send(binary(1, 100)).unwrap();
    }
    one.flush().await;
    for _ in 0..100 {
        assert_eq!(other.next().await, Some(binary(1, 100)));
    }
    let writes = writes.load(Ordering::Relaxed);
    assert!(writes <= 2, "{writes} writes for 100 small messages");
}

#[tokio::test(start_paused = true)]
async fn what_has_been_written_is_not_counted_while_more_comes() {
    let (mut one, mut other) = pair(1024).await;
    let read = async { while other.next().await.is_some() {} };
    let write = async {
        // More than may wait, but never at one time.
        for _ in 0..100 {
            one.send(binary(1, 1 << 20)).unwrap();
            one.send(binary(1, 1)).unwrap();
            assert!(!one.is_full());
            let _ = timeout(Duration::from_millis(1), one.next()).await;
        }
        assert!(one.is_drained());
    };
    tokio::select! {
        () = write => {}
        () = read => panic!("it ends by itself"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_come_is_read_though_nothing_can_be_written_any_more() {
    let (one, other) = duplex(4096);
    let mut one = Socket::new(stream(one, Role::Client).await, Traffic::default());
    let mut other = stream(other, Role::Server).await;
    other.send(Message::text("last")).await.unwrap();
    drop(other);
    one.send(binary(1, 100)).unwrap();
    one.flush().await;
    one.send(binary(1, 100)).unwrap();
    assert_eq!(timeout(PATIENCE, one.next()).await.unwrap(), Some(Wire::Text("last".to_owned())));
    assert_eq!(timeout(PATIENCE, one.next()).await.unwrap(), None);
}
