//! Shows how single records are stored, read, replaced and deleted.
//! In comes an id, or a record that gets one; out goes the record, or that it was done.
//! It never keeps a caller's token, also where a record comes back as it was answered.

use crate::collection::Collection;
use qewd_sdk::{Failure, Request, log};
use serde_json::{Value, json};

/// POST /api/db/:documentName
pub(crate) fn create(request: &mut Request) -> Result<Value, Failure> {
    let collection = Collection::of(request)?;
    let id = collection.add(&body(request)?)?;
    log::info("record stored", &[("id", &id)]);
    Ok(json!({ "ok": true, "id": id }))
}

/// GET /api/db/:documentName/:id
pub(crate) fn fetch(request: &mut Request) -> Result<Value, Failure> {
    let id = request.parse_variable("id")?;
    Collection::of(request)?.read(id)?.ok_or_else(|| missing(id))
}

/// PUT /api/db/:documentName/:id
pub(crate) fn replace(request: &mut Request) -> Result<Value, Failure> {
    let id = request.parse_variable("id")?;
    let done = Collection::of(request)?.replace(id, &body(request)?)?;
    if done { Ok(json!({ "ok": true, "id": id })) } else { Err(missing(id)) }
}

/// DELETE /api/db/:documentName/:id
pub(crate) fn remove(request: &mut Request) -> Result<Value, Failure> {
    let id = request.parse_variable("id")?;
    if Collection::of(request)?.remove(id)? { Ok(json!({ "ok": true })) } else { Err(missing(id)) }
}

fn body(request: &Request) -> Result<Value, Failure> {
    let Value::Object(mut record) = request.json()? else {
        return Err(Failure::new("A record is a JSON object, such as {\"name\":\"Ann\"}"));
    };
    // The host puts a fresh token into each answer, and clients send back what they got, changed here and there.
    record.shift_remove("token");
    Ok(Value::Object(record))
}

fn missing(id: i64) -> Failure {
    Failure::new(format!("There is no record {id}")).status(404)
}

#[cfg(test)]
mod tests {
    use crate::asked::ask;
    use qewd_sdk::testing;

    #[test]
    fn a_record_lives_from_post_to_delete() {
        testing::reset();
        assert_eq!(ask("POST people", r#"{"name":"Ann","tags":["a",null],"born":1990}"#), r#"{"ok":true,"id":1}"#);
        assert_eq!(ask("GET people/1", ""), r#"{"born":1990,"name":"Ann","tags":["a",null]}"#);
        assert_eq!(ask("PUT people/1", r#"{"name":"Bob","token":"eyJ"}"#), r#"{"ok":true,"id":1}"#);
        assert_eq!(ask("GET people/1", ""), r#"{"name":"Bob"}"#);
        assert_eq!(ask("DELETE people/1", ""), r#"{"ok":true}"#);
        for gone in ["GET people/1", "DELETE people/1"] {
            assert_eq!(ask(gone, ""), "404 There is no record 1");
        }
        assert_eq!(ask("PUT people/1", "{}"), "404 There is no record 1");
        assert_eq!(ask("POST people", "{}"), r#"{"ok":true,"id":2}"#);
        assert_eq!(ask("GET people/2", ""), "{}");
        assert_eq!(testing::log_lines()[0].to_string(), "info record stored id=1");
    }

    #[test]
    fn each_name_counts_for_itself() {
        testing::reset();
        ask("POST people", "{}");
        assert_eq!(ask("POST cities", r#"{"name":"Ulm"}"#), r#"{"ok":true,"id":1}"#);
        assert_eq!(ask("GET people/1", ""), "{}");
    }

    #[test]
    fn anything_else_is_refused() {
        testing::reset();
        for body in ["[]", "7", "null", r#""text""#] {
            assert_eq!(ask("POST people", body), r#"400 A record is a JSON object, such as {"name":"Ann"}"#);
        }
        assert_eq!(ask("POST people", ""), "400 The body is empty; this request wants JSON");
        assert_eq!(ask("POST people", "{"), "400 The body is not valid JSON at line 1, column 1: it ends too early");
        assert_eq!(
            ask("POST people", r#"{"a":{"":1}}"#),
            "400 A name in the record is empty; give it at least one character"
        );
        assert_eq!(ask("GET people/one", ""), "400 `one` is not a good value for `id`: invalid digit found in string");
        assert_eq!(ask("GET people/list", ""), "[]");
    }
}
