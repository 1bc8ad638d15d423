//! Values of config.json that stand in environment variables and in files: at the start, while a host runs, and when missing.

use crate::harness::{App, Ended, Launch, Operator, command, signed, wait_until};
use serde_json::{Value, json};
use std::path::Path;

/// What must be seen nowhere.
const MARKER: &str = "m4rker-0f-a-s3cret";

/// An application whose routes ask for a token, and for none.
fn app(config: Value) -> App {
    let routes = json!([
        {"uri": "/api/list", "handler": "list", "authenticate": false},
        {"uri": "/api/mine", "handler": "list"},
    ]);
    let folder = App::new(config, &routes).guest("orchestrator", "echo");
    folder.write("secrets/jwt", "the secret of the first day\n");
    folder
}

fn token(secret: &str) -> String {
    signed(jsonwebtoken::Algorithm::HS256, secret, &json!({}))
}

fn check(app: &App, variables: &[(&str, &str)]) -> Ended {
    Ended::of(command().arg("check").arg("--app").arg(app.path()).envs(variables.iter().copied()))
}

#[test]
fn a_host_serves_with_values_from_variables_and_files() {
    let app = app(json!({
        "qewd_up": true, "jwt": {"secret": "file:secrets/jwt"},
        "orchestrator": {"qewd": {"port": "env:PORT", "managementPassword": "env:PASSWORD", "cors": "env:CORS", "poolSize": "env:POOL"}},
    }));
    let before = app.config();
    let host = Launch::orchestrator(&app)
        .environment("PORT", "0")
        .environment("POOL", "3")
        .environment("PASSWORD", MARKER)
        .environment("CORS", r#"["https://shop.example.com"]"#)
        .start_as_it_is();
    assert_eq!(host.get("/api/mine").token(&token("the secret of the first day")).send().status, 200);
    assert_eq!(host.get("/api/mine").token(&token("file:secrets/jwt")).send().status, 401);
    let allowed = host.get("/api/list").header("Origin", "https://shop.example.com").send();
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://shop.example.com"));
    let operator = Operator::with(&host, MARKER);
    let shown = operator.view("overview");
    assert_eq!(
        (&shown["configuration"]["managementPassword"], &shown["configuration"]["jwt.secret"]),
        (&json!("env:PASSWORD"), &json!("file:secrets/jwt"))
    );
    assert!(!shown.to_string().contains(MARKER), "{shown}");
    assert!(!host.lines().iter().any(|line| line.contains(MARKER)), "{:#?}", host.lines());
    assert_eq!(app.config(), before, "a reference is no missing secret");
}

#[test]
fn what_is_missing_keeps_the_host_from_starting_and_shows_nothing() {
    let app = app(json!({
        "qewd_up": true, "jwt": {"secret": "env:JWT"}, "orchestrator": {"qewd": {"poolSize": "env:POOL"}},
    }));
    let before = app.config();
    let lines = "configuration/config.json:1:31: the environment variable JWT is not set; set it, or write the value here\n\
                 configuration/config.json:1:78: the value of the environment variable POOL is not a whole number from 1 to \
                 4096; correct it there, or write the value here\n";
    let lines = place(&app, lines);
    let checked = check(&app, &[("POOL", MARKER)]);
    assert_eq!((checked.code, checked.problems()), (Some(1), format!("{lines}2 problems\n")));
    let ended = Launch::orchestrator(&app).environment("POOL", MARKER).fails();
    assert_eq!((ended.code, ended.err), (Some(1), format!("qewd: {lines}")));
    assert!(!ended.out.contains(MARKER));
    let empty = Launch::orchestrator(&app).environment("JWT", "").environment("POOL", "2").fails();
    assert!(empty.err.contains("\"jwt.secret\" must be a text that is not empty (from the environment variable JWT)"));
    assert_eq!(app.config(), before, "no new secret was written");
}

/// Puts the places of the two references into the words: the order of the file's keys is not the test's.
fn place(app: &App, words: &str) -> String {
    let column = |text: &str| app.config().find(text).unwrap() + 1;
    words
        .replace("1:31", &format!("1:{}", column("\"env:JWT\"")))
        .replace("1:78", &format!("1:{}", column("\"env:POOL\"")))
}

#[test]
fn a_host_needs_only_what_is_its_own() {
    let app = app(json!({
        "qewd_up": true,
        "orchestrator": {"qewd": {"managementPassword": "env:OF_THE_ORCHESTRATOR"}},
        "microservices": [
            {"name": "near", "host": "env:NEAR_HOST", "qewd": {"managementPassword": "env:OF_NEAR"}},
            {"name": "far", "host": "127.0.0.1", "port": "env:FAR_PORT", "qewd": "file:gone.json"},
        ],
    }));
    // Nobody's links lead from it to anywhere.
    Launch::microservice(&app, "near").environment("OF_NEAR", "x").start();
    let ended = Launch::orchestrator(&app).fails();
    let said = |name: &str| ended.err.contains(&format!("the environment variable {name} is not set"));
    assert!(said("OF_THE_ORCHESTRATOR") && said("NEAR_HOST") && said("FAR_PORT") && !said("OF_NEAR"), "{}", ended.err);
    assert_eq!(ended.err.lines().count(), 3, "{}", ended.err);
    let checked = check(&app, &[]);
    assert!(checked.out.ends_with("5 problems\n"), "{}", checked.out);
    assert!(checked.out.contains("the file gone.json does not exist; put it there, or write the value here"));
}

/// Puts a secret into a folder as Kubernetes does: a link to the folder of the newest version changes its goal.
fn publish(volume: &Path, version: &str, secret: &str) {
    std::fs::create_dir_all(volume.join(version)).unwrap();
    std::fs::write(volume.join(version).join("jwt"), secret).unwrap();
    std::os::unix::fs::symlink(version, volume.join("..data_tmp")).unwrap();
    std::fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    if !volume.join("jwt").exists() {
        std::os::unix::fs::symlink("..data/jwt", volume.join("jwt")).unwrap();
    }
}

#[test]
fn a_changed_secret_is_taken_up_and_a_lost_one_serves_on() {
    let volume = tempfile::tempdir().unwrap();
    publish(volume.path(), "..first", "the first");
    let secret = format!("file:{}", volume.path().join("jwt").display());
    let app =
        app(json!({"qewd_up": true, "jwt": {"secret": secret}, "orchestrator": {"qewd": {"poolSize": "file:pool"}}}));
    app.write("pool", "2\n");
    let host = Launch::orchestrator(&app).start();
    let opens = |secret: &str| host.get("/api/mine").token(&token(secret)).send().status == 200;
    assert!(opens("the first"));
    publish(volume.path(), "..second", "the second");
    wait_until("the second secret opens", || opens("the second"));
    assert!(!opens("the first"));
    std::fs::remove_dir_all(volume.path().join("..second")).unwrap();
    let line = host.wait_for("jwt does not exist; put it there, or write the value here");
    assert!(line.contains("the configuration before it stays in force"), "{line}");
    assert!(opens("the second"));
    app.write("pool", MARKER);
    host.wait_for("the content of the file pool is not a whole number from 1 to 4096");
    publish(volume.path(), "..third", "the third");
    app.write("pool", "4096");
    host.wait_for("poolSize 4096 is more than this start made room for");
    wait_until("the third secret opens", || opens("the third"));
    assert!(!host.lines().iter().any(|line| line.contains(MARKER)), "{:#?}", host.lines());
}

#[test]
fn a_block_in_a_file_that_is_no_json_is_told_with_its_place_and_shows_nothing() {
    let app = app(json!({"qewd_up": true, "jwt": {"secret": "env:JWT"}, "orchestrator": {"qewd": "file:block.json"}}));
    app.write("block.json", format!("{{\n  \"managementPassword\": \"{MARKER}\",\n  \"poolSize\" 3\n}}\n"));
    let told = check(&app, &[("JWT", MARKER)]);
    let words = "the content of the file block.json is not an object (line 3, column 14: expected `:`); ";
    assert!(told.out.contains(words) && !told.out.contains(MARKER), "{told:?}");
}
