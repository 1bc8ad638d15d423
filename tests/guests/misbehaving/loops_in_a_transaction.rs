//! Takes a lock, begins a transaction, writes in it, and never ends it.

use qewd_sdk::{Failure, Request, documents};
use std::hint::black_box;
use std::time::Duration;

qewd_sdk::handlers!(loops_in_a_transaction);

fn loops_in_a_transaction(_request: &mut Request) -> Result<&'static str, Failure> {
    let work = documents::open("work");
    std::mem::forget(work.lock(Duration::from_secs(5))?);
    documents::transaction(|| {
        work.at("half").set(&true)?;
        let mut round = 0_u64;
        loop {
            round = black_box(round.wrapping_add(1));
        }
    })
}
