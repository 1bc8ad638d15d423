//! Takes a lock, begins a transaction, writes in it, and dies before its end.

use qewd_sdk::{Failure, Request, documents};
use std::time::Duration;

qewd_sdk::handlers!(traps_in_a_transaction);

fn traps_in_a_transaction(_request: &mut Request) -> Result<&'static str, Failure> {
    let work = documents::open("work");
    std::mem::forget(work.lock(Duration::from_secs(5))?);
    documents::transaction(|| {
        work.at("half").set(&true)?;
        work.at("count").increment(1)?;
        std::process::abort()
    })
}
