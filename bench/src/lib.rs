//! What the measurements share: the program and the modules that they load, the memory of a process, and numbers in a table.
//! In come names of modules, process ids and lists of times; out go files, sizes and lines for a terminal.
//! It never measures anything by itself.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has nothing better to do than to say so and end"
)]
#![allow(clippy::cast_precision_loss, reason = "times and sizes are shown with three digits")]

pub mod figures;
pub mod memory;
pub mod modules;
pub mod noise;
pub mod program;
pub mod table;
