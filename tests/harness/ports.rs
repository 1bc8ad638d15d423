//! Free ports for hosts that have to come back on the same one, and for fakes.
//! In comes nothing, out goes a port that nobody else of this run gets.
//! Below the range from which the system takes ports for connections, so that none of those takes it meanwhile.

use std::net::{Ipv6Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 12_000;
const COUNT: u16 = 18_000;
/// Below the ports that are given out one by one.
const ROW_FIRST: u16 = 10_500;
const ROW_COUNT: u16 = 1_000;

/// A port that is free now and that this process has not given out before.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    // Two test runs on one machine begin at different places.
    let start = u16::try_from(std::process::id() * 61 % u32::from(COUNT)).unwrap();
    (0..COUNT)
        .map(|_| FIRST + (start + GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .find(|port| is_free(*port))
        .expect("no free port")
}

/// The first of so many free ports in a row, from a range of their own: who asks for the first also takes the others.
pub(crate) fn free_ports_in_a_row(count: u16) -> u16 {
    let start = u16::try_from(std::process::id() * 61 % u32::from(ROW_COUNT)).unwrap();
    (0..ROW_COUNT)
        .map(|step| ROW_FIRST + (start + step) % ROW_COUNT)
        .find(|first| (*first..first + count).all(is_free))
        .expect("no free ports")
}

pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).is_ok()
}
