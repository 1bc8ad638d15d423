//! Finds the route of a request.
//! In come a method and a path; out go the route's entry with its variables, or why there is none.
//! It sends nothing anywhere and checks no token.

mod belonging;
mod index;
mod path;
mod pattern;
mod steps;
mod table;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod message_tests;
#[cfg(test)]
mod fuzz_tests;

pub use table::{Choice, Decision, Destination, Destinations, Entry, NoRoute, Table, owner};
