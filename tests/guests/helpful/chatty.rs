//! Answers messages of WebSocket clients: says who asks, counts aloud, and tells others.

use qewd_sdk::{Failure, Kind, Request, log, messages};
use serde_json::{Value, json};

qewd_sdk::handlers!(hello, sign_in, count, shout, whisper, slowly);

fn hello(request: &mut Request) -> Value {
    json!({
        "kind": match request.kind() {
            Kind::Message => "message",
            Kind::Rest => "rest",
            Kind::Service => "service",
        },
        "application": request.application(),
        "type": request.message_type(),
        "params": request.params::<Value>().ok(),
        "socketId": request.session.get::<String>("socketId"),
        "authenticated": request.session.authenticated(),
    })
}

fn sign_in(request: &mut Request) -> Result<Value, Failure> {
    request.session.set_authenticated(true);
    Ok(json!({"ok": true}))
}

/// Sends `to` intermediate messages, each with a number and some weight.
fn count(request: &mut Request) -> Result<Value, Failure> {
    let params: Value = request.params()?;
    let (to, bytes) = (at(&params, "to").as_u64().unwrap_or(3), at(&params, "bytes").as_u64().unwrap_or(0));
    let weight = "x".repeat(usize::try_from(bytes).unwrap_or_default());
    let mut heard = false;
    for number in 1..=to {
        heard = match at(&params, "as").as_str() {
            Some(kind) => messages::send_as(kind, &json!({"number": number, "weight": weight}))?,
            None => messages::send(&json!({"number": number, "weight": weight}))?,
        };
    }
    Ok(json!({"counted": to, "heard": heard}))
}

fn shout(request: &mut Request) -> Result<Value, Failure> {
    let words: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let application = at(at(&words, "params"), "to").as_str().unwrap_or("demo").to_owned();
    for _ in 0..at(at(&words, "params"), "times").as_u64().unwrap_or(1) {
        messages::push_to_application(&application, "shouted", &json!({"words": at(at(&words, "params"), "words")}))?;
    }
    Ok(json!({"ok": true}))
}

fn whisper(request: &mut Request) -> Result<Value, Failure> {
    let params: Value = request.params()?;
    messages::push_to_client(at(&params, "to").as_str().unwrap_or_default(), "whispered", at(&params, "words"))?;
    Ok(json!({"ok": true}))
}

/// Answers after `milliseconds`.
fn slowly(request: &mut Request) -> Result<Value, Failure> {
    let params: Value = request.params()?;
    log::info("falling asleep", &[]);
    std::thread::sleep(std::time::Duration::from_millis(at(&params, "milliseconds").as_u64().unwrap_or(100)));
    Ok(params)
}

/// A member of a value; null where there is none.
fn at<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}
