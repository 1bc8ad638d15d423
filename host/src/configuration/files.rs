//! Fetches the text of a configuration file.
//! In come the application folder and a path below it; out goes the text, or a problem that says how to go on.
//! Nothing here looks into the text.

use super::problem::{Report, Spot};
use super::{CONFIG, ROUTES};
use std::io::ErrorKind;
use std::path::Path;

/// Reads a file. `None` if there is no text, which is then in the report: only a warning where the file is optional.
pub(crate) fn read(folder: &Path, file: &str, report: &mut Report) -> Option<String> {
    let bytes = match std::fs::read(folder.join(file)) {
        Ok(bytes) => bytes,
        Err(failure) if matches!(failure.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            if file == ROUTES {
                let mend = "every path answers 404 until the file is there: write [ … ] with your routes";
                report.warning(None, "the file does not exist, so this host has no routes", mend);
            } else {
                let mend = format!("start in the folder that has {CONFIG}, or name that folder with --app DIR");
                report.error(None, format!("the file does not exist in {}", shown(folder)), mend);
            }
            return None;
        }
        Err(failure) => {
            report.error(None, format!("the file cannot be read ({failure})"), "let this user read it");
            return None;
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(failure) => {
            let valid = failure.as_bytes().get(..failure.utf8_error().valid_up_to()).unwrap_or_default();
            let valid = String::from_utf8_lossy(valid);
            let column = valid.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
            let spot = Spot::new(valid.matches('\n').count() + 1, column);
            report.error(Some(spot), "the text is not UTF-8", "save the file with the encoding UTF-8");
            None
        }
    }
}

/// The folder in full where that is known: `.` would help nobody.
fn shown(folder: &Path) -> String {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()).display().to_string()
}
