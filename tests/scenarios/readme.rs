//! README.md as its reader meets it: each `curl` line is typed as it stands, and each answer is the one printed below it.

use crate::harness::{Fleet, workspace};
use std::process::Command;

/// A command and the answer that stands below it.
struct Example {
    command: String,
    answer: String,
}

/// The `sh` blocks that begin with `curl`, each with the block that follows.
fn examples(readme: &str) -> Vec<Example> {
    let blocks: Vec<(&str, &str)> =
        readme.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect();
    let pairs = blocks.windows(2).filter(|pair| pair[0].0 == "sh" && pair[0].1.starts_with("curl "));
    pairs.map(|pair| Example { command: pair[0].1.trim().to_owned(), answer: pair[1].1.trim().to_owned() }).collect()
}

/// The text with each token written as the README writes it.
fn without_tokens(text: &str) -> String {
    let mut parts = text.split("\"token\":\"");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, rest) = part.split_once('"').unwrap_or_default();
        shown.push_str("\"token\":\"…\"");
        shown.push_str(rest);
    }
    shown
}

#[test]
fn every_request_of_the_readme_brings_the_answer_below_it() {
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    assert!(has_curl, "install curl: the lines of the README are for it");
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let examples = examples(&readme);
    assert!(examples.len() >= 6, "README.md has only {} examples that were found", examples.len());
    let fleet = Fleet::example();
    let here = format!("http://localhost:{}", fleet.orchestrator.port);
    for Example { command, answer } in examples {
        let typed = command.replace("http://localhost:8080", &here);
        let output = Command::new("sh").args(["-c", &typed]).output().unwrap();
        let shown = without_tokens(&String::from_utf8_lossy(&output.stdout));
        assert_eq!(shown.trim(), answer, "{command}");
    }
}
