//! The cache of compiled modules: a start from it, and a cache that a disk has damaged.

use crate::harness::{App, Host, Launch};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

fn app() -> App {
    let routes = json!([
        {"uri": "/api/list", "handler": "list", "authenticate": false},
        {"uri": "/api/versioned", "handler": "versioned", "authenticate": false},
    ]);
    App::new(json!({"qewd_up": true}), &routes).guest("orchestrator", "echo").guest("orchestrator", "versioned")
}

/// The user's cache: hosts share it, and a data folder belongs to one host.
fn launch(app: &App) -> Launch {
    Launch::orchestrator(app).environment("XDG_CACHE_HOME", app.path().join("cache"))
}

fn start(app: &App) -> Host {
    launch(app).start()
}

/// Starts a host, sees it serve, and ends it.
fn serves(app: &App) -> Vec<String> {
    let mut host = start(app);
    assert_eq!(host.get("/api/list").send().shown(), r#"200 [{"id":1},{"id":2}]"#);
    assert_eq!(host.get("/api/versioned").send().status, 200);
    host.signal("TERM");
    assert_eq!(host.ended().code(), Some(0));
    host.lines()
}

/// The files of compiled code in the cache.
fn code(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files.extend(code(&entry));
        } else if entry.extension().is_none() {
            files.push(entry);
        }
    }
    files.sort();
    files
}

#[test]
fn a_damaged_cache_is_not_run() {
    let app = app();
    serves(&app);
    let folder = app.path().join("cache/qewd/compiled/code");
    let files = code(&folder);
    assert_eq!(files.len(), 2, "one for each module: {files:?}");
    let whole: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    for part in 1..8 {
        for (file, bytes) in files.iter().zip(&whole) {
            let mut damaged = bytes.clone();
            let place = bytes.len() * part / 8;
            damaged[place] ^= 1;
            fs::write(file, damaged).unwrap();
        }
        let lines = serves(&app);
        let told = lines.iter().filter(|line| line.contains("was damaged; its module is compiled anew")).count();
        assert_eq!(told, 2, "{lines:#?}");
    }
    fs::write(&files[0], "").unwrap();
    fs::write(&files[1], &whole[1][..1000]).unwrap();
    serves(&app);
    // What is whole is used as it is.
    let written = |files: &[PathBuf]| -> Vec<_> {
        files.iter().map(|file| fs::metadata(file).unwrap().modified().unwrap()).collect()
    };
    let before = written(&code(&folder));
    assert!(!serves(&app).iter().any(|line| line.contains("damaged")));
    assert_eq!(written(&code(&folder)), before);
}

#[test]
fn a_folder_that_others_may_write_to_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let app = app();
    let folder = app.path().join("cache/qewd/compiled");
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let lines = serves(&app);
    assert!(
        lines.iter().any(|line| line.contains("WARN") && line.contains("others may write to it; type chmod go-w")),
        "{lines:#?}"
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn hosts_that_start_at_one_moment_share_a_cache_in_disorder() {
    let app = app();
    let folder = app.path().join("cache/qewd/compiled");
    for _ in 0..5 {
        serves(&app);
        let files = code(&folder.join("code"));
        fs::write(&files[0], "damaged").unwrap();
        fs::write(folder.join("sums").join(files[1].file_name().unwrap()), "damaged").unwrap();
        for number in 0..50 {
            fs::write(files[0].with_file_name(format!("unknown{number}")), "half").unwrap();
        }
        std::thread::scope(|scope| {
            let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| launch(&app).start())).collect();
            for host in starts.into_iter().map(|start| start.join().unwrap()) {
                assert_eq!(host.get("/api/versioned").send().status, 200);
                assert!(!host.lines().iter().any(|line| line.contains("compiled at each start")));
            }
        });
    }
    assert_eq!(code(&folder.join("code")).len(), 2);
}

#[test]
fn a_cache_that_cannot_be_used_costs_only_time() {
    let app = app();
    fs::create_dir_all(app.path().join("cache/qewd/compiled")).unwrap();
    fs::write(app.path().join("cache/qewd/compiled/code"), "in the way").unwrap();
    let lines = serves(&app);
    let told = |line: &String| line.contains("WARN") && line.contains("modules are compiled at each start");
    assert!(lines.iter().any(told), "{lines:#?}");
}
