//! Calls itself without end.

use qewd_sdk::Request;
use std::hint::black_box;

qewd_sdk::handlers!(overflows_its_stack);

fn overflows_its_stack(_request: &mut Request) -> String {
    deeper(0).to_string()
}

/// Needs its frame after the call, so that the compiler cannot make a loop of it.
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    let below = if black_box(true) { deeper(depth + 1) } else { 0 };
    below + black_box(frame).iter().sum::<u64>()
}
