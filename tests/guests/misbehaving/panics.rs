//! Panics in a function whose name the log has to show.

use qewd_sdk::Request;

qewd_sdk::handlers!(panics);

fn panics(request: &mut Request) -> String {
    look_up_the_price(request.path())
}

#[inline(never)]
fn look_up_the_price(path: &str) -> String {
    let prices: [u32; 0] = [];
    assert!(!prices.is_empty(), "no price list for {path}");
    String::new()
}
