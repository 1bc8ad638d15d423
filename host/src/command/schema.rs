//! `qewd schema`: prints what config.json or routes.json may hold.
//! In comes which of the two; out goes its JSON Schema on standard output.
//! It looks at no application folder.

use crate::configuration::{Described, schema};
use clap::{Args, ValueEnum};
use std::process::ExitCode;

#[derive(Args)]
pub(super) struct SchemaArguments {
    /// Whose schema
    file: File,
}

#[derive(Clone, Copy, ValueEnum)]
enum File {
    /// config.json
    Config,
    /// routes.json
    Routes,
}

/// Prints a schema.
///
/// # Errors
/// When standard output takes nothing.
pub(super) fn print(arguments: &SchemaArguments) -> Result<ExitCode, String> {
    let of = match arguments.file {
        File::Config => Described::Config,
        File::Routes => Described::Routes,
    };
    super::shell::print(format!("{:#}\n", schema(of)).as_bytes())
}
