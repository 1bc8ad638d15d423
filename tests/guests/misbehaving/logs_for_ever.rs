//! Never stops writing to the log.

use qewd_sdk::{Request, log};

qewd_sdk::handlers!(logs_for_ever);

fn logs_for_ever(_request: &mut Request) -> String {
    let mut round = 0_u64;
    loop {
        log::info("still here", &[("round", &round)]);
        round += 1;
    }
}
