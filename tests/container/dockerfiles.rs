//! The two files that make the image, side by side.
//! In come `Dockerfile` and `deploy/Dockerfile.prebuilt`; out goes where they would make different images.
//! It builds nothing.

use crate::harness::workspace;
use std::fs;

fn read(file: &str) -> String {
    fs::read_to_string(workspace().join(file)).unwrap()
}

/// The last stage of a file, without what says where its files come from.
fn last_stage(text: &str) -> Vec<String> {
    let stage = &text[text.rfind("FROM scratch AS image").unwrap()..];
    let lines = stage.lines().filter(|line| !line.starts_with("ARG "));
    lines
        .map(|line| match line.split_once(' ') {
            Some(("COPY", files)) if !files.starts_with("deploy/") && !files.starts_with("--chown") => {
                format!("COPY … {}", files.rsplit(' ').next().unwrap())
            }
            _ => line.to_owned(),
        })
        .collect()
}

#[test]
fn both_files_make_the_same_image() {
    let (whole, prebuilt) = (last_stage(&read("Dockerfile")), last_stage(&read("deploy/Dockerfile.prebuilt")));
    assert!(whole.len() > 10);
    assert_eq!(whole, prebuilt);
}

#[test]
fn the_compiler_is_that_of_the_checkout() {
    let toolchain = read("rust-toolchain.toml");
    let version = toolchain.split('"').nth(1).unwrap();
    assert!(read("Dockerfile").contains(&format!("docker.io/library/rust:{version}-")), "{version}");
}

#[test]
fn what_the_image_needs_is_not_ignored() {
    let ignored = read(".dockerignore");
    for line in ignored.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        assert!(!line.starts_with("deploy") && !line.starts_with("host") && line != "*", "{line}");
    }
    assert!(ignored.lines().any(|line| line == "!target/image"));
}
