//! Ends the program it believes to be.

use qewd_sdk::Request;

qewd_sdk::handlers!(exits);

fn exits(_request: &mut Request) -> String {
    std::process::exit(3)
}
