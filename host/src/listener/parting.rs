//! How connections end while the host stops, so that no request is lost that a client could still send in good faith.
//! In comes a connection; out go answers that say that they are the last, and the end of a connection that is quiet.
//! It never ends a connection whose request has begun to come.

use super::wire::Sign;
use axum::http::{HeaderValue, Response, StatusCode, Version, header};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::sleep;

/// For how long a connection has to be quiet before it is ended, 250 ms: a proxy that has chosen it has sent its request by
/// then, and a client that has just connected has sent the first.
pub(super) const QUIET: Duration = Duration::from_millis(250);
/// How often that is waited for, 8 times: who sends a byte now and then must not hold the stop.
const ROUNDS: u32 = 8;

/// Tells the client that this is the last answer on its connection. `asked` is the version of its request.
pub(super) fn say_last<B>(response: &mut Response<B>, asked: Version) {
    // An upgrade takes the connection over; its header is its own.
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        if asked == Version::HTTP_10 {
            // In an answer of a newer version the library would add that the connection is kept.
            *response.version_mut() = asked;
        }
    }
}

/// Serves a connection to its end: requests that come are answered, and it is closed when it is quiet. None: no request ever
/// came. `shut` ends it, at once or after the request that runs.
pub(super) async fn part<C: Future>(
    mut connection: Pin<&mut C>,
    sign: &Sign,
    shut: impl FnOnce(Pin<&mut C>),
) -> Option<C::Output> {
    for _ in 0..ROUNDS {
        let before = sign.reads();
        tokio::select! {
            ended = connection.as_mut() => return Some(ended),
            () = sleep(QUIET) => {}
        }
        if sign.reads() != before {
            continue;
        }
        sign.ask();
        let looked = poll_fn(|context| Poll::Ready(connection.as_mut().poll(context))).await;
        if let Poll::Ready(ended) = looked {
            return Some(ended);
        }
        if sign.is_quiet() {
            break;
        }
    }
    // A request that runs is answered nevertheless.
    shut(connection.as_mut());
    // The library would wait for the rest of a first head that was begun. Nothing was asked yet.
    if sign.has_asked() { Some(connection.await) } else { None }
}
