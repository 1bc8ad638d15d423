//! Takes memory until there is none left.

use qewd_sdk::Request;
use std::hint::black_box;

qewd_sdk::handlers!(eats_memory);

fn eats_memory(_request: &mut Request) -> String {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        taken.push(black_box(vec![1; 1 << 20]));
    }
}
