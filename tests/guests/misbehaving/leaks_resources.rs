//! Has the host make timers and never gives one back: `?count=` of them, or more and more.

use qewd_sdk::{Failure, Request};

qewd_sdk::handlers!(leaks_resources);

fn leaks_resources(request: &mut Request) -> Result<String, Failure> {
    let count = request.query("count").map_or(Ok(u64::MAX), str::parse)?;
    (0..count).for_each(|_| leak_a_timer());
    Ok(format!("leaked {count} timers"))
}

#[cfg(not(target_arch = "wasm32"))]
fn leak_a_timer() {
    unreachable!("only a host has timers to give")
}

#[cfg(target_arch = "wasm32")]
fn leak_a_timer() {
    const HOUR: u64 = 3_600_000_000_000;
    std::mem::forget(clocks::wasi::clocks::monotonic_clock::subscribe_duration(HOUR));
}

/// WASI's clocks as they are: the standard library gives back every timer that it takes.
#[cfg(target_arch = "wasm32")]
mod clocks {
    wit_bindgen::generate!({
        inline: "
            package guests:leak;

            world leak {
                import wasi:clocks/monotonic-clock@0.2.0;
            }

            package wasi:io@0.2.0 {
                interface poll {
                    resource pollable {
                        ready: func() -> bool;
                        block: func();
                    }
                    poll: func(in: list<borrow<pollable>>) -> list<u32>;
                }
            }

            package wasi:clocks@0.2.0 {
                interface monotonic-clock {
                    use wasi:io/poll@0.2.0.{pollable};
                    type instant = u64;
                    type duration = u64;
                    now: func() -> instant;
                    resolution: func() -> duration;
                    subscribe-instant: func(when: instant) -> pollable;
                    subscribe-duration: func(when: duration) -> pollable;
                }
            }
        ",
        generate_all,
    });
}
