//! Uses as many bytes of memory as `?bytes=` says, gives them back, and answers.

use qewd_sdk::{Failure, Request};
use std::hint::black_box;

qewd_sdk::handlers!(grows);

fn grows(request: &mut Request) -> Result<&'static str, Failure> {
    let bytes = request.query("bytes").unwrap_or("0").parse()?;
    black_box(vec![1_u8; bytes]);
    Ok("grown")
}
