//! Configuration files that nobody would write.
//! In come the files of the tests beside this program, changed at random; each is read, or refused with a place in it.
//! Nothing is written, and no folder is needed.

use super::outside::{self, Surroundings};
use super::problem::Report;
use super::{Problem, application, routes, tree};
use crate::fuzz;
use std::path::Path;

const CONFIG: &str = r#"{"qewd_up":true,"orchestrator":{},"microservices":[{"name":"a"},{"name":"b"},{"name":"all","members":["a","b"]}]}"#;

/// What every variable holds, and no problem may show.
const MARKER: &str = "m4rker!s3cret";

fn report() -> Report {
    Report::new(Path::new("file.json"))
}

/// Each problem has words, a way out, and a place that is in the file.
fn look(text: &str, problems: &[Problem]) {
    let lines: Vec<&str> = text.split('\n').collect();
    for problem in problems {
        assert!(!problem.what.is_empty() && !problem.mend.is_empty(), "{problem}");
        assert!(!problem.to_string().contains('\n'), "a problem of several lines: {problem}");
        let (Some(line), Some(column)) = (problem.line, problem.column) else { continue };
        assert!((1..=lines.len()).contains(&line), "{problem} is not in the file");
        assert!((1..=lines[line - 1].chars().count() + 1).contains(&column), "{problem} is not in its line");
    }
}

#[test]
fn any_file_is_read_or_refused_with_a_place_in_it() {
    let known = application::read(&tree::parse(CONFIG, &mut report()).unwrap(), &mut report()).unwrap();
    fuzz::run_also_from("configuration", "tests/configurations", ".json", |input| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        let mut parsing = report();
        let parsed = tree::parse(text, &mut parsing);
        let problems = parsing.into_problems();
        look(text, &problems);
        let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
        let is_json = serde_json::from_str::<serde_json::Value>(plain).is_ok();
        assert!(is_json || !problems.is_empty(), "what is no JSON was taken");
        assert!(parsed.is_some() || !problems.is_empty(), "refused without a word");
        let Some(mut parsed) = parsed else { return };
        let (mut as_config, mut as_routes) = (report(), report());
        let _ = routes::read(&parsed, &known, &mut as_routes);
        look(text, &as_routes.into_problems());
        let secret = format!("{{\"{MARKER}\":[\"{MARKER}\"]}}");
        let variable =
            |name: &str| Some(if name.len().is_multiple_of(2) { MARKER.into() } else { secret.clone().into() });
        let elsewhere = Surroundings { folder: Path::new("/there/is/no/such/folder"), variable: &variable };
        outside::resolve(&mut parsed, &elsewhere, &mut as_config);
        let read = application::read(&parsed, &mut as_config);
        let problems = as_config.into_problems();
        assert!(read.is_some() || !problems.is_empty(), "refused without a word");
        look(text, &problems);
        let shown = problems.iter().find(|problem| problem.to_string().contains(MARKER));
        assert!(shown.is_none() || text.contains(MARKER), "what stands elsewhere is shown: {shown:?}");
    });
}
