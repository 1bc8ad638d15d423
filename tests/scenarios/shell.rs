//! What shells and `man` get to know of the program, and that it is all of it.

use crate::harness::{Ended, command};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

fn said(arguments: &[&str]) -> String {
    let ended = Ended::of(command().args(arguments));
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{arguments:?}");
    ended.out
}

/// The verbs, as `--help` lists them.
fn verbs() -> Vec<String> {
    let help = said(&["--help"]);
    let list = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
    let first_words = list.lines().filter_map(|line| line.split_whitespace().next());
    let verbs: Vec<String> = first_words.filter(|verb| *verb != "help").map(str::to_owned).collect();
    assert!(verbs.len() >= 7, "{verbs:?}");
    verbs
}

/// What bash offers where this is typed.
fn offered(typed: &[&str]) -> String {
    let mut script = tempfile::NamedTempFile::new().unwrap();
    script.write_all(said(&["completions", "bash"]).as_bytes()).unwrap();
    let ask = "source \"$0\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
               _qewd qewd \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"; echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").arg("-c").arg(ask).arg(script.path()).args(typed).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_shell_learns_every_verb() {
    for shell in SHELLS {
        let script = said(&["completions", shell]);
        for verb in verbs() {
            assert!(script.contains(&verb), "{shell} does not know {verb}");
        }
    }
    assert_eq!(Ended::of(command().args(["completions", "tcsh"])).code, Some(2));
}

#[test]
fn bash_completes_verbs_and_flags() {
    assert_eq!(offered(&["qewd", "hash"]).trim(), "hash-password");
    assert_eq!(offered(&["qewd", "run", "--micro"]).trim(), "--microservice");
    let all = offered(&["qewd", ""]);
    for verb in verbs() {
        assert!(all.split_whitespace().any(|word| word == verb), "{verb} is not in {all}");
    }
}

/// The text of a page without its layout: `\-` is a hyphen.
fn page(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}")).replace("\\-", "-")
}

#[test]
fn the_manual_has_a_page_for_the_program_and_for_each_verb() {
    let folder = tempfile::tempdir().unwrap();
    let (pages, below) = (folder.path().join("made/by/it"), |name: &str| format!("qewd-{name}.1"));
    said(&["man", "--to", pages.to_str().unwrap()]);
    for verb in verbs() {
        let help = said(&[&verb, "--help"]);
        let text = page(&pages, &below(&verb));
        for flag in help.split_whitespace().filter(|word| word.starts_with("--")) {
            let flag = flag.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            assert!(text.contains(flag), "the page of {verb} does not have {flag}");
        }
        assert!(page(&pages, "qewd.1").contains(&format!("qewd-{verb}(1)")), "the page of the program leads to {verb}");
    }
    for variable in ["microservice", "QEWD_PORT", "QEWD_MANAGEMENT_PORT", "QEWD_DATA"] {
        assert!(page(&pages, "qewd-run.1").contains(variable), "the page of run does not have {variable}");
    }
    assert_eq!(said(&["man"]).replace("\\-", "-"), page(&pages, "qewd.1"));
    let file = folder.path().join("made/by/it/qewd.1");
    let refused = Ended::of(command().args(["man", "--to"]).arg(&file));
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.ends_with("; choose another folder\n"), "{}", refused.err);
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    for arguments in [&["schema", "config"][..], &["man"], &["completions", "bash"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = Ended::of(command().args(arguments).stdout(writer));
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{arguments:?}");
    }
}
