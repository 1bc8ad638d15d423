//! What breaks the protocol ends the link, on each side and with words.

use super::super::caller::IN_FLIGHT;
use super::super::frame::RequestHead;
use super::*;
use serde_json::json;

const WRONG_MOMENT: &str = "a message of the wrong kind for this moment";

fn request_frame(id: u64, now: Instant) -> Wire {
    let request = request("", now + Duration::from_secs(1));
    let frame = Frame::Request { id, request: RequestHead::new(&request, now), body: request.body.clone() };
    Wire::Binary(frame.encode())
}

fn answer_frame(id: u64) -> Wire {
    Wire::Binary(Frame::Answer { id, response: reply(id) }.encode())
}

fn raw_frame(header: &serde_json::Value) -> Wire {
    let header = header.to_string();
    let length = u32::try_from(header.len()).unwrap().to_be_bytes();
    Wire::Binary([&length, header.as_bytes()].concat().into())
}

fn text(text: &str) -> Wire {
    Wire::Text(text.to_owned())
}

fn garbage() -> Vec<Wire> {
    let frames = [
        &b""[..],
        b"\0",
        b"\0\0\0\0",
        b"\0\0\0\x02{}",
        b"\0\0\0\x04null",
        b"\0\0\0\x05{}",
        b"\xff\xff\xff\xff{}",
        b"\0\x20\0\0",
        b"\0\0\0\x07\"later\"",
        b"\0\0\0\x02\xc3\x28",
    ];
    frames
        .map(|bytes| Wire::Binary(Bytes::from_static(bytes)))
        .into_iter()
        .chain([
            raw_frame(&json!({"cancel": {"id": -1}})),
            raw_frame(&json!({"cancel": {"id": 1.5}})),
            raw_frame(&json!({"cancel": {}})),
            raw_frame(&json!({"answer": {"id": 1, "status": 70_000, "headers": []}})),
            raw_frame(&json!({"cancel": {"id": 1}, "leaving": null})),
        ])
        .collect()
}

fn caller_ends_by(rig: &mut Rig, message: Wire) -> String {
    let shown = format!("{message:?}");
    let event = rig.caller.receive(message, rig.now);
    rig.note_caller(event);
    assert!(rig.caller_ended.is_some(), "the caller took {shown}");
    assert_eq!(rig.caller.next_out(), None);
    protocol(rig.caller_ended.as_ref()).to_owned()
}

fn callee_ends_by(rig: &mut Rig, message: Wire) -> String {
    let shown = format!("{message:?}");
    let event = rig.callee.receive(message, rig.now);
    rig.note_callee(event);
    assert!(rig.callee_ended.is_some(), "the callee took {shown}");
    protocol(rig.callee_ended.as_ref()).to_owned()
}

#[test]
fn the_caller_takes_no_frame_before_its_greeting_is_answered() {
    let mut rig = Rig::connected();
    assert_eq!(caller_ends_by(&mut rig, answer_frame(1)), WRONG_MOMENT);
    let mut rig = Rig::connected();
    assert_eq!(caller_ends_by(&mut rig, Wire::Binary(Frame::Leaving.encode())), WRONG_MOMENT);
}

#[test]
fn the_callee_takes_no_frame_before_it_has_answered_the_greeting() {
    let mut rig = Rig::connected();
    let early = request_frame(1, rig.now);
    assert_eq!(callee_ends_by(&mut rig, early.clone()), WRONG_MOMENT);
    let mut rig = Rig::connected();
    rig.deliver_all();
    assert_eq!(callee_ends_by(&mut rig, early), WRONG_MOMENT);
    assert!(rig.running.is_empty());
}

#[test]
fn no_text_after_the_greeting() {
    assert_eq!(caller_ends_by(&mut Rig::ready(), text("{}")), WRONG_MOMENT);
    let greeting = serde_json::to_string(&register()).unwrap();
    assert_eq!(callee_ends_by(&mut Rig::ready(), text(&greeting)), WRONG_MOMENT);
    let mut greeted = Rig::connected();
    greeted.deliver_all();
    assert_eq!(callee_ends_by(&mut greeted, text(&greeting)), WRONG_MOMENT);
    let mut leaving = Rig::ready();
    leaving.callee.leave();
    leaving.deliver_all();
    assert_eq!(caller_ends_by(&mut leaving, text("{}")), WRONG_MOMENT);
}

#[test]
fn the_caller_answers_nothing() {
    let now = Instant::now();
    let words = "it asked on a link that only answers";
    assert_eq!(caller_ends_by(&mut Rig::ready(), request_frame(1, now)), words);
    let cancel = Wire::Binary(Frame::Cancel { id: 1 }.encode());
    assert_eq!(caller_ends_by(&mut Rig::ready(), cancel), words);
}

#[test]
fn the_callee_asks_nothing() {
    let words = "it answered on a link that only asks";
    assert_eq!(callee_ends_by(&mut Rig::ready(), answer_frame(1)), words);
    let leaving = Wire::Binary(Frame::Leaving.encode());
    assert_eq!(callee_ends_by(&mut Rig::ready(), leaving), words);
}

#[test]
fn a_number_is_not_used_twice() {
    let mut rig = Rig::ready();
    rig.ask(7).unwrap();
    rig.deliver_all();
    let twice = request_frame(7, rig.now);
    assert_eq!(callee_ends_by(&mut rig, twice), "it used a number twice");
    assert_eq!(rig.requested(), [7]);
}

#[test]
fn a_host_that_asks_more_than_may_be_in_flight_is_sent_away() {
    let mut rig = Rig::ready();
    for id in 0..IN_FLIGHT as u64 {
        let event = rig.callee.receive(request_frame(id, rig.now), rig.now);
        rig.note_callee(event);
    }
    assert!(rig.both_live());
    let more = request_frame(u64::MAX, rig.now);
    assert_eq!(callee_ends_by(&mut rig, more), "it asked more than may be in flight");
    assert_eq!(rig.requested().len(), IN_FLIGHT);
}

#[test]
fn garbage_ends_either_side() {
    for message in garbage() {
        let words = caller_ends_by(&mut Rig::ready(), message.clone());
        assert!(words.starts_with("a message that is no frame: "), "{words}");
        let words = callee_ends_by(&mut Rig::ready(), message);
        assert!(words.starts_with("a message that is no frame: "), "{words}");
    }
}

#[test]
fn a_greeting_that_is_none_ends_the_callee() {
    let none = [
        "",
        "{",
        "[]",
        "{}",
        r#"{"type":"ewd-register"}"#,
        r#"{"type":"ewd-registered","application":"a","jwt":true}"#,
        r#"{"type":"ewd-reregister","application":"a","jwt":true}"#,
        r#"{"type":"ewd-register","application":7,"jwt":true}"#,
    ];
    for message in none {
        assert_eq!(callee_ends_by(&mut Rig::connected(), text(message)), "its first message is no registration");
    }
}

#[test]
fn an_answer_to_the_greeting_that_is_none_ends_the_caller() {
    let none = [
        "",
        "{}",
        r#"{"type":"ewd-register","finished":true}"#,
        r#"{"type":"ewd-register","finished":true,"message":{}}"#,
        r#"{"type":"ewd-register","finished":true,"message":{"token":"a","service":"b"}}"#,
        r#"{"type":"ewd-register","finished":true,"message":{"error":{"code":1}}}"#,
    ];
    for message in none {
        assert_eq!(
            caller_ends_by(&mut Rig::connected(), text(message)),
            "its answer to the registration is not understood"
        );
    }
}

#[test]
fn a_request_id_that_could_forge_a_log_line_ends_the_callee() {
    let head = json!({
        "request_id": "a\nb", "kind": "rest", "method": "GET", "path": "/", "query": "", "headers": [],
        "client_address": "", "remaining": 1, "hops": 0,
    });
    let forged = raw_frame(&json!({"request": {"id": 1, "head": head}}));
    assert_eq!(callee_ends_by(&mut Rig::ready(), forged), "a message that is no frame: its request id is not an id");
}

#[test]
fn a_header_or_greeting_of_endless_depth_overflows_no_stack() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let header = format!(r#"{{"cancel":{{"id":1,"x":{deep}}}}}"#);
        let length = u32::try_from(header.len()).unwrap().to_be_bytes();
        let decoded = Frame::decode([&length, header.as_bytes()].concat().into());
        assert_eq!(decoded, Ok(Frame::Cancel { id: 1 }));
        callee_ends_by(&mut Rig::connected(), text(&deep));
        callee_ends_by(&mut Rig::connected(), text(&format!(r#"{{"x":{deep},"type":"ewd-register"}}"#)));
        caller_ends_by(&mut Rig::connected(), text(&format!(r#"{{"message":{deep}}}"#)));
    }
}
