//! Takes a lock for good, writes in a transaction, and says no at its end.

use qewd_sdk::{Failure, Request, documents};
use std::time::Duration;

qewd_sdk::handlers!(refuses_in_a_transaction);

fn refuses_in_a_transaction(_request: &mut Request) -> Result<&'static str, Failure> {
    let work = documents::open("work");
    std::mem::forget(work.lock(Duration::from_secs(5))?);
    documents::transaction(|| {
        work.at("half").set(&true)?;
        Err(Failure::new("There is no room for the other half").status(409))
    })
}
