//! `qewd hash-password`: the form of a management password that may stand in config.json.
//! In comes the password, typed twice on a terminal or as one line of standard input; out goes its hash on standard output.
//! It never shows the password, and writes no file.

use crate::configuration::{PASSWORD_BYTES, hash_password as hash};
use std::io::{self, BufRead, IsTerminal as _, Read as _, Write as _};
use std::process::ExitCode;

/// Asks for a password and prints its hash.
///
/// # Errors
/// The words that say why there is none.
pub(super) fn hash_password() -> Result<ExitCode, String> {
    let password = if io::stdin().is_terminal() { typed()? } else { line(&mut io::stdin().lock())? };
    writeln!(io::stdout(), "{}", hash(&password)?).map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
}

fn typed() -> Result<String, String> {
    let ask = |prompt| rpassword::prompt_password(prompt).map_err(|error| format!("the terminal: {error}"));
    let password = ask("Password: ")?;
    if password != ask("Again: ")? {
        return Err("these were two different passwords; begin again".to_owned());
    }
    Ok(password)
}

/// The first line, without its end.
fn line(input: &mut impl BufRead) -> Result<String, String> {
    // One that is too long is read so far that it is known to be, with its end.
    let most = u64::try_from(PASSWORD_BYTES).unwrap_or(u64::MAX).saturating_add(2);
    let mut line = String::new();
    input.take(most).read_line(&mut line).map_err(|error| format!("standard input: {error}"))?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line() {
        let line = |text: &str| line(&mut text.as_bytes());
        for text in ["pass word", "pass word\n", "pass word\r\n", "pass word\nmore\n"] {
            assert_eq!(line(text).unwrap(), "pass word");
        }
        assert_eq!((line("").unwrap(), line(" x \n").unwrap()), (String::new(), " x ".to_owned()));
        let longest = "x".repeat(PASSWORD_BYTES);
        for end in ["", "\n", "\r\n"] {
            assert_eq!(line(&format!("{longest}{end}")).unwrap(), longest);
            assert!(line(&format!("{longest}x{end}")).unwrap().len() > PASSWORD_BYTES);
        }
        assert!(super::line(&mut [0xFF, b'\n'].as_slice()).unwrap_err().starts_with("standard input: "));
    }
}
