//! `qewd completions` and `qewd man`: what a shell and `man` know of the command line.
//! In comes the command line as clap has it; out go scripts and pages, on standard output or as files.
//! It never says anything that the command line itself does not say.

use clap::Command;
use clap_complete::Shell;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

/// Prints the script that completes words of the command line in a shell.
///
/// # Errors
/// When standard output takes nothing.
pub(super) fn completions(mut line: Command, shell: Shell) -> Result<ExitCode, String> {
    let name = line.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut line, name, &mut script);
    print(&script)
}

/// Prints the page of the program, or writes it and one page for each verb into a folder.
///
/// # Errors
/// When standard output or the folder takes nothing.
pub(super) fn man(line: Command, to: Option<&Path>) -> Result<ExitCode, String> {
    // Nobody needs a page about asking for pages.
    let line = line.disable_help_subcommand(true);
    let Some(folder) = to else {
        let mut page = Vec::new();
        clap_mangen::Man::new(line).render(&mut page).map_err(|error| error.to_string())?;
        return print(&page);
    };
    let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(line, folder));
    written.map_err(|error| format!("{}: {error}; choose another folder", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints all of it, as far as anybody reads it.
///
/// # Errors
/// When standard output takes nothing.
pub(super) fn print(bytes: &[u8]) -> Result<ExitCode, String> {
    match io::stdout().write_all(bytes) {
        // A reader such as `head` has enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("standard output: {error}")),
        _ => Ok(ExitCode::SUCCESS),
    }
}
