//! Never returns, and never waits for anything either.

use qewd_sdk::Request;
use std::hint::black_box;

qewd_sdk::handlers!(loops_for_ever);

fn loops_for_ever(_request: &mut Request) -> String {
    let mut round = 0_u64;
    loop {
        round = black_box(round.wrapping_add(1));
    }
}
