//! Panics in a function whose name the log has to show.

use qewd_sdk::Request;
use std::collections::BTreeMap;

qewd_sdk::handlers!(panics);

fn panics(request: &mut Request) -> String {
    look_up_the_price(&BTreeMap::new(), request.path())
}

#[inline(never)]
fn look_up_the_price(prices: &BTreeMap<String, String>, path: &str) -> String {
    assert!(prices.contains_key(path), "no price list for {path}");
    String::new()
}
