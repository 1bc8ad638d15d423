//! How long instances and calls take, in the host and with wasmtime alone.
//! In comes a case; out go the rows of its table.
//! It judges nothing: what a ratio means is for the reader.

use super::batches::{compare, timed};
use super::calls::Case;
use super::hosted::Hosted;
use super::plain::Plain;
use qewd::configuration::Mode;
use std::path::Path;
use std::time::{Duration, Instant};

/// Instances in a batch: all of them live at once, within the engine's room.
const INSTANCES: u32 = 50;
/// Calls in a batch, where an instance lives on.
const CALLS: u32 = 400;
/// Calls in a batch, where each has an instance of its own.
const FRESH_CALLS: u32 = 100;

/// Measures everything about one module.
pub(crate) async fn rows(case: &Case, folder: &Path) -> Vec<Vec<String>> {
    let host = Hosted::load(case, folder, Mode::Reuse).await;
    let fresh = Hosted::load(case, folder, Mode::Fresh).await;
    let plain = Plain::load(case, folder);
    let name = case.name();
    let mut rows = Vec::new();

    let host_makes = async |count| make_and_end(count, async || host.make().await).await.0;
    let plain_makes = async |count| make_and_end(count, async || plain.make().await).await.0;
    rows.push(compare(&format!("{name}: make an instance"), INSTANCES, host_makes, plain_makes).await);

    let host_ends = async |count| make_and_end(count, async || host.make().await).await.1;
    let plain_ends = async |count| make_and_end(count, async || plain.make().await).await.1;
    rows.push(compare(&format!("{name}: end it"), INSTANCES, host_ends, plain_ends).await);

    let (mut hosted, mut bare) = (host.make().await, plain.make().await);
    let host_calls = async |count| {
        timed(async {
            for _ in 0..count {
                host.ask(&mut hosted, case).await;
            }
        })
        .await
    };
    let mut plain_calls = async |count| {
        timed(async {
            for _ in 0..count {
                plain.ask(&mut bare, case).await;
            }
        })
        .await
    };
    rows.push(compare(&format!("{name}: call a live instance"), CALLS, host_calls, &mut plain_calls).await);

    let through_pool = async |count| ask_pool(&host, case, count).await;
    rows.push(compare(&format!("{name}: call through the pool, `reuse`"), CALLS, through_pool, &mut plain_calls).await);

    let through_fresh_pool = async |count| ask_pool(&fresh, case, count).await;
    let plain_fresh = async |count| {
        timed(async {
            for _ in 0..count {
                plain.ask(&mut plain.make().await, case).await;
            }
        })
        .await
    };
    let what = format!("{name}: call through the pool, `fresh`");
    rows.push(compare(&what, FRESH_CALLS, through_fresh_pool, plain_fresh).await);
    rows
}

async fn ask_pool(host: &Hosted, case: &Case, count: u32) -> Duration {
    timed(async {
        for _ in 0..count {
            host.ask_pool(case).await;
        }
    })
    .await
}

/// How long it takes to make that many instances, and then to end all of them.
async fn make_and_end<T>(count: u32, make: impl AsyncFn() -> T) -> (Duration, Duration) {
    let mut made = Vec::new();
    let began = Instant::now();
    for _ in 0..count {
        made.push(make().await);
    }
    let making = began.elapsed();
    let began = Instant::now();
    drop(made);
    (making, began.elapsed())
}
