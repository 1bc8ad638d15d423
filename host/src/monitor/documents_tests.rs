//! The documents as the monitor shows and changes them, over a store in memory.
//! In come queries and bodies as a page sends them, out go answers, and what the log has.
//! The clock of these tests is never asked.

use super::*;
use crate::configuration::DocumentSettings;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::io::{self, Write};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Waker};
use tracing_subscriber::fmt::MakeWriter;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// A store with these documents.
async fn store(documents: &[(&str, String)]) -> Arc<Documents> {
    let store = Arc::new(Documents::in_memory(&DocumentSettings::default()).unwrap());
    let mut request = store.request();
    for (name, json) in documents {
        let at = Node::new(*name, [""; 0]);
        let json = json.clone().into_bytes();
        request.with_json(at, json, qewd_documents::Connection::replace).await.unwrap();
    }
    store
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn path(json: &str) -> String {
    format!("path={}", encoded(json))
}

fn text(answer: Result<Response, Failure>) -> String {
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(JSON)));
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// The names of a page, and whether there is more before and behind it.
async fn names(store: &Arc<Documents>, query: &str) -> (Vec<String>, bool, bool) {
    let answer: serde_json::Value = serde_json::from_str(&text(page(store, query).await)).unwrap();
    let children = answer["children"].as_array().unwrap().iter();
    let names = children.map(|child| child["name"].as_str().unwrap().to_owned()).collect();
    (names, answer["previous"] == true, answer["next"] == true)
}

fn refused(answer: Result<Response, Failure>) -> (u16, String) {
    let failure = answer.unwrap_err();
    (failure.status, failure.caller.into_owned())
}

#[tokio::test]
async fn a_node_is_shown_with_its_children() {
    let store = store(&[("b", r#"{"": 1, "x": null, "y": {"z": 2}, "w": []}"#.into()), ("a", "true".into())]).await;
    assert_eq!(
        text(page(&store, "").await),
        r#"{"path":[],"exists":true,"value":null,"hasValue":false,"hasChildren":true,"children":[{"name":"a","value":true,"hasValue":true,"hasChildren":false},{"name":"b","value":1,"hasValue":true,"hasChildren":true}],"previous":false,"next":false}"#
    );
    assert_eq!(
        text(page(&store, &path(r#"["b"]"#)).await),
        r#"{"path":["b"],"exists":true,"value":1,"hasValue":true,"hasChildren":true,"children":[{"name":"w","value":null,"hasValue":false,"hasChildren":false},{"name":"x","value":null,"hasValue":true,"hasChildren":false},{"name":"y","value":null,"hasValue":false,"hasChildren":true}],"previous":false,"next":false}"#
    );
    assert_eq!(
        text(page(&store, &path(r#"["b","none"]"#)).await),
        r#"{"path":["b","none"],"exists":false,"value":null,"hasValue":false,"hasChildren":false,"children":[],"previous":false,"next":false}"#
    );
    let empty = self::store(&[]).await;
    assert!(
        text(page(&empty, &path("[]")).await)
            .contains(r#""exists":true,"value":null,"hasValue":false,"hasChildren":false"#)
    );
}

#[tokio::test]
async fn one_pages_both_ways() {
    let members: Vec<String> = (1..=25).map(|number| format!("\"{number}\": {number}")).collect();
    let store = store(&[("d", format!("{{{}}}", members.join(",")))]).await;
    let at = |rest: &str| format!("{}&limit=10{rest}", path(r#"["d"]"#));
    let numbers = |range: std::ops::RangeInclusive<u32>| range.map(|number| number.to_string()).collect::<Vec<_>>();
    for (rest, children, previous, next) in [
        ("", 1..=10, false, true),
        ("&after=10", 11..=20, true, true),
        ("&after=20", 21..=25, true, false),
        ("&after=15", 16..=25, true, false),
        ("&before=21", 11..=20, true, true),
        ("&before=11", 1..=10, false, true),
        ("&before=4", 1..=3, false, true),
        ("&before=99", 16..=25, true, false),
        ("&from=7", 7..=16, true, true),
        ("&from=7.5", 8..=17, true, true),
        ("&from=0", 1..=10, false, true),
    ] {
        assert_eq!(names(&store, &at(rest)).await, (numbers(children), previous, next), "{rest}");
    }
    let none = Vec::<String>::new();
    assert_eq!(names(&store, &at("&after=25")).await, (none.clone(), true, false));
    assert_eq!(names(&store, &at("&from=x")).await, (none.clone(), true, false));
    assert_eq!(names(&store, &at("&before=1")).await, (none.clone(), false, true));
    assert_eq!(names(&store, &at("&prefix=7&after=7")).await, (none.clone(), true, false));
    assert_eq!(names(&store, &at("&prefix=x")).await, (none, false, false));
    assert_eq!(names(&store, &at("&prefix=2")).await.0, ["2", "20", "21", "22", "23", "24", "25"]);
}

#[tokio::test]
async fn a_prefix_bounds_what_is_more() {
    let members: Vec<String> = ["a1", "b1", "b2", "b3", "c1"].map(|name| format!("{name:?}: 0")).to_vec();
    let store = store(&[("d", format!("{{{}}}", members.join(",")))]).await;
    let at = |rest: &str| format!("{}&limit=2&prefix=b{rest}", path(r#"["d"]"#));
    for (rest, children, previous, next) in [
        ("", vec!["b1", "b2"], false, true),
        ("&after=b2", vec!["b3"], true, false),
        ("&before=b3", vec!["b1", "b2"], false, true),
        ("&before=z", vec!["b2", "b3"], true, false),
        ("&from=a", vec!["b1", "b2"], false, true),
    ] {
        let children: Vec<String> = children.into_iter().map(str::to_owned).collect();
        assert_eq!(names(&store, &at(rest)).await, (children, previous, next), "{rest}");
    }
}

#[tokio::test]
async fn every_child_is_on_one_page_from_either_end() {
    let members: Vec<String> = (0..2500).map(|number| format!("\"n{number}\": {number}")).collect();
    let store = store(&[("d", format!("{{{}}}", members.join(",")))]).await;
    let (mut forwards, mut backwards) = (Vec::new(), Vec::new());
    let mut query = path(r#"["d"]"#) + "&limit=1000";
    loop {
        let (names, previous, next) = names(&store, &query).await;
        assert_eq!(previous, !forwards.is_empty());
        forwards.extend(names);
        query = format!("{}&limit=1000&after={}", path(r#"["d"]"#), forwards.last().unwrap());
        if !next {
            break;
        }
    }
    let mut query = path(r#"["d"]"#) + "&limit=700&before=zzz";
    loop {
        let (mut names, previous, next) = names(&store, &query).await;
        assert_eq!(next, !backwards.is_empty());
        names.extend(std::mem::take(&mut backwards));
        backwards = names;
        query = format!("{}&limit=700&before={}", path(r#"["d"]"#), backwards[0]);
        if !previous {
            break;
        }
    }
    assert_eq!(forwards.len(), 2500);
    assert!(forwards == backwards);
}

#[tokio::test]
async fn values_stay_exact_and_long_texts_are_cut_in_lists() {
    let number = format!("1{}.50", "0".repeat(1500));
    let (fits, long) = ("ä".repeat(1000), "\"\u{1f600}".repeat(501));
    let json = serde_json::json!({ "fits": fits, "long": long }).to_string();
    let store = store(&[("d", json)]).await;
    let body = format!("{{\"value\": {number} }}");
    assert_eq!(text(put(&store, &path(r#"["d","number"]"#), body.as_bytes(), HERE).await), r#"{"ok":true}"#);
    let shown = text(page(&store, &path(r#"["d"]"#)).await);
    assert!(shown.contains(&format!(r#"{{"name":"number","value":{number},"hasValue":true,"hasChildren":false}}"#)));
    assert!(shown.contains(&format!(r#"{{"name":"fits","value":"{fits}","hasValue":true,"hasChildren":false}}"#)));
    let cut = "\\\"\u{1f600}".repeat(500);
    assert!(
        shown.contains(&format!(r#"{{"name":"long","value":"{cut}","hasValue":true,"hasChildren":false,"cut":true}}"#))
    );
    let whole = text(page(&store, &path(r#"["d","long"]"#)).await);
    assert!(whole.contains(&serde_json::to_string(&long).unwrap()) && !whole.contains("cut"));
    assert_eq!(text(json_of(&store, r#"["d","number"]"#).await), number);
}

async fn json_of(store: &Arc<Documents>, at: &str) -> Result<Response, Failure> {
    json(store, &path(at)).await
}

#[tokio::test]
async fn a_subtree_is_json_unless_it_is_too_large() {
    let tree = r#"{"a":[1,2.50,{"b":"c"}],"e":{}}"#;
    let many = format!("[{}1]", "1,".repeat(100_000));
    let large = format!("{{\"a\": {0}, \"b\": {0}, \"c\": {0}}}", serde_json::to_string(&"x".repeat(1000)).unwrap());
    let store = store(&[("tree", tree.into()), ("many", many), ("large", large)]).await;
    assert_eq!(text(json_of(&store, r#"["tree"]"#).await), tree);
    assert_eq!(text(json_of(&store, r#"["tree","a","2"]"#).await), r#"{"b":"c"}"#);
    assert_eq!(refused(json_of(&store, r#"["tree","x"]"#).await), (404, "There is nothing".into()));
    let too_many = refused(json_of(&store, r#"["many"]"#).await);
    assert_eq!(too_many, (422, "this has more than 100000 values; look at a part of it".into()));
    assert!(text(json_of(&store, r#"["large"]"#).await).len() > 3000);
    for part in 0..9 {
        let body = format!("{{\"value\":\"{}\"}}", "x".repeat(1_000_000));
        put(&store, &path(&format!(r#"["large","{part}"]"#)), body.as_bytes(), HERE).await.unwrap();
    }
    let (status, words) = refused(json_of(&store, r#"["large"]"#).await);
    assert!(status == 422 && words.contains("8388608 bytes"), "{status} {words}");
    assert_eq!(refused(json_of(&store, r#"["tree",""]"#).await).0, 400);
}

/// As `put`, with a body that a list of cases holds.
async fn put_text(store: &Arc<Documents>, query: &str, body: &str) -> Result<Response, Failure> {
    put(store, query, body.as_bytes(), HERE).await
}

#[tokio::test]
async fn only_a_scalar_is_taken() {
    let store = store(&[("d", r#"{"x": {"y": 1}}"#.into())]).await;
    let at = path(r#"["d","x"]"#);
    let put = |body| put_text(&store, &at, body);
    for (body, status) in [
        (r#"{"value": {"a": 1}}"#, 400),
        (r#"{"value": []}"#, 400),
        (r#"{"value": 01}"#, 400),
        (r#"{"value": nul}"#, 400),
        (r#"{"value": "\ud800"}"#, 400),
        (r#"{"value": 1, "value": 2}"#, 400),
        (r#"{"value": 1, "more": 2}"#, 400),
        ("{}", 400),
        ("[]", 400),
        ("", 400),
        ("{\"value\": 1} x", 400),
    ] {
        assert_eq!(put(body).await.unwrap_err().status, status, "{body}");
    }
    let (_, words) = refused(put(r#"{"value": [1]}"#).await);
    assert!(words.starts_with("A node's value is a text, a number"), "{words}");
    let too_long = format!("{{\"value\": \"{}\"}}", "x".repeat(1024 * 1024));
    assert!(refused(put(&too_long).await).1.contains("1048576 bytes"));
    for value in ["null", "\"\"", "-0.0e-7", "false"] {
        put_text(&store, &at, &format!("{{\"value\":{value}}}")).await.unwrap();
        assert_eq!(text(json_of(&store, r#"["d"]"#).await), format!(r#"{{"x":{{"":{value},"y":1}}}}"#));
    }
}

#[tokio::test]
async fn what_is_deleted_is_gone_with_all_below() {
    let store = store(&[("d", r#"{"x": {"y": 1}, "z": 2}"#.into())]).await;
    let at = path(r#"["d","x"]"#);
    assert_eq!(text(delete(&store, &at, HERE).await), r#"{"ok":true}"#);
    assert_eq!(text(json_of(&store, r#"["d"]"#).await), r#"{"z":2}"#);
    assert_eq!(refused(delete(&store, &at, HERE).await).0, 404);
    for query in ["", "path=%5B%5D"] {
        assert_eq!(refused(delete(&store, query, HERE).await).0, 400);
        assert_eq!(refused(put(&store, query, "{\"value\":1}".as_bytes(), HERE).await).0, 400);
    }
    assert_eq!(text(json_of(&store, r#"["d"]"#).await), r#"{"z":2}"#);
}

#[tokio::test]
async fn what_a_query_means_is_never_guessed() {
    let store = store(&[]).await;
    for (query, words) in [
        ("path=d", "\"path\" is a JSON list of texts"),
        ("path=%5B1%5D", "\"path\" is a JSON list of texts"),
        ("path=%5B%22%FF%22%5D", "the query is no UTF-8"),
        ("path=%5B%5D&path=%5B%5D", "\"path\" stands twice"),
        ("paht=%5B%5D", "unknown parameter \"paht\"; known ones: path, after"),
        ("limit=0", "\"limit\" must be a whole number from 1 to 1000"),
        ("limit=1001", "\"limit\" must be"),
        ("after=", "\"after\" is empty"),
        ("after=a&before=b", "exclude each other"),
        ("from=a&before=b", "exclude each other"),
        ("path=%5B%22%22%5D", "a document has a name"),
    ] {
        let (status, said) = refused(page(&store, query).await);
        assert!(status == 400 && said.contains(words), "{query}: {status} {said}");
    }
    let (_, said) = refused(delete(&store, "path=%5B%22d%22%5D&limit=5", HERE).await);
    assert_eq!(said, "unknown parameter \"limit\"; known ones: path");
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_change_is_in_the_log_with_its_caller_and_without_its_value() {
    let store = store(&[]).await;
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).without_time().finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let at = path(r#"["d\u001b[2J\n","7","a\u001bb"]"#);
    put(&store, &at, b"{\"value\":\"secret\"}", HERE).await.unwrap();
    delete(&store, &at, HERE).await.unwrap();
    delete(&store, &at, HERE).await.unwrap_err();
    put(&store, &at, b"{\"value\":[]}", HERE).await.unwrap_err();
    {
        // Who goes away does not keep a change out of the log.
        let mut left = pin!(put(&store, &at, b"{\"value\":1}", HERE));
        assert!(left.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    tokio::task::yield_now().await;
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = log.lines().filter_map(|line| line.split_once("monitor: ")).map(|(_, line)| line).collect();
    let node = r#"d\u{1b}[2J\n(7, "a\u{1b}b")"#;
    let changed = format!("127.0.0.1 changed {node}");
    assert_eq!(lines, [changed.as_str(), &format!("127.0.0.1 deleted {node} and what lay below"), &changed]);
}
