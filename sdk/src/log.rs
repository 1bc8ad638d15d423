//! Lines in the host's log.
//! In come words and named values, out goes one line.
//! It adds neither time, handler nor request id: the host does. Never give it passwords, tokens or whole bodies.
//!
//! The words stay the same from call to call, so that lines can be searched; what differs is a field.
//!
//! ```
//! use qewd_sdk::log;
//!
//! let order = 7;
//! log::info("order stored", &[("order", &order), ("customer", &"rob")]);
//! log::debug("nothing to do", &[]);
//! ```

use crate::bindings::qewd::handler::log::Level;
use crate::imports;
use std::fmt::Display;

/// For whoever looks for a fault; hosts usually leave it out.
pub fn debug(message: &str, fields: &[(&str, &dyn Display)]) {
    write(Level::Debug, message, fields);
}

/// What happened.
pub fn info(message: &str, fields: &[(&str, &dyn Display)]) {
    write(Level::Info, message, fields);
}

/// What somebody should look at some day.
pub fn warn(message: &str, fields: &[(&str, &dyn Display)]) {
    write(Level::Warn, message, fields);
}

/// What somebody must look at.
pub fn error(message: &str, fields: &[(&str, &dyn Display)]) {
    write(Level::Error, message, fields);
}

fn write(level: Level, message: &str, fields: &[(&str, &dyn Display)]) {
    let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
    imports::write_log(level, message, &fields);
}
