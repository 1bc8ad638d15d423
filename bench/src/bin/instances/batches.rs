//! Two ways to do the same thing, measured in turn, so that both have the same share of what disturbs them.
//! In come the two ways; out goes a row that compares them.
//! A batch has many repetitions, since one alone is too short for the clock.

use bench::figures::{Times, ratio, time};
use bench::row;
use std::time::{Duration, Instant};

/// Batches of each way. Between two of one way there is one of the other.
const BATCHES: usize = 30;

/// The heading of the rows.
pub(crate) const HEADING: [&str; 9] =
    ["what", "host, best", "median", "noise", "plain, best", "median", "noise", "ratio of the best", "of the medians"];

/// Measures both ways. Each does its thing as often as it is told, and returns how long that took.
pub(crate) async fn compare(
    what: &str,
    repetitions: u32,
    mut host: impl AsyncFnMut(u32) -> Duration,
    mut plain: impl AsyncFnMut(u32) -> Duration,
) -> Vec<String> {
    let (mut of_host, mut of_plain) = (Vec::new(), Vec::new());
    // The first batch warms caches up and does not count.
    host(repetitions).await;
    plain(repetitions).await;
    for _ in 0..BATCHES {
        of_host.push(host(repetitions).await / repetitions);
        of_plain.push(plain(repetitions).await / repetitions);
    }
    let (host, plain) = (Times::new(of_host), Times::new(of_plain));
    row![
        what,
        time(host.best()),
        time(host.median()),
        host.noise(),
        time(plain.best()),
        time(plain.median()),
        plain.noise(),
        ratio(host.best(), plain.best()),
        ratio(host.median(), plain.median()),
    ]
}

/// How long something takes.
pub(crate) async fn timed(work: impl Future<Output = ()>) -> Duration {
    let began = Instant::now();
    work.await;
    began.elapsed()
}
