//! Answers questions of signed-in users, one capability per handler.
//! In come requests that the host has admitted, out goes JSON.
//! It keeps nothing: what it knows stands in this crate.

mod greeting;
mod heading;
mod info;
mod order;

use greeting::greeting;
use heading::heading;
use info::info;
use order::order;

qewd_sdk::handlers!(info, heading, order, greeting needs [login_service]);
