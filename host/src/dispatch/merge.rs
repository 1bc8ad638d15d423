//! Puts the answers of a group's members together.
//! In come the members' answers as they arrive; out goes one answer with all of them, in the members' order.
//! The members' bodies are copied as they are; none is parsed into a tree and printed again.

use crate::access::TOKEN_HEADER;
use crate::names::ServiceName;
use crate::response::{JSON, Response, is_json};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::fmt::Write as _;

/// Headers that say what to do about a failure.
const HEADERS_OF_FAILURES: [&str; 2] = ["retry-after", "www-authenticate"];

/// The answers that have come so far.
pub(super) struct Merge<'m> {
    members: &'m [ServiceName],
    /// One for each member.
    answers: Vec<Option<Answer>>,
    /// Bytes that the answers may still have.
    left: usize,
    /// The first token that came.
    token: Option<String>,
}

/// One member's answer as JSON text.
enum Answer {
    Good(String),
    Failed { status: u16, error: String, headers: Vec<(String, String)> },
}

impl<'m> Merge<'m> {
    /// No answer yet; all of them together may have `most` bytes.
    pub(super) fn new(members: &'m [ServiceName], most: usize) -> Self {
        Self { members, answers: members.iter().map(|_| None).collect(), left: most, token: None }
    }

    /// Takes the answer of the member with this number.
    pub(super) fn take(&mut self, number: usize, response: &Response) {
        let mut answer = Answer::of(response);
        match self.left.checked_sub(answer.bytes()) {
            Some(left) => self.left = left,
            None => answer = Answer::words(502, "The answers of the group are too large together"),
        }
        if let (Answer::Good(_), None) = (&answer, &self.token) {
            self.token = response.header(TOKEN_HEADER).map(str::to_owned);
        }
        if let Some(place) = self.answers.get_mut(number) {
            *place = Some(answer);
        }
    }

    /// The one answer.
    pub(super) fn finish(self, token_in_header: bool) -> Response {
        let has_good = self.answers.iter().flatten().any(|answer| matches!(answer, Answer::Good(_)));
        if has_good { self.results(token_in_header) } else { self.failures() }
    }

    fn results(self, token_in_header: bool) -> Response {
        let mut body = format!("{{\"results\":{}", self.listed());
        let mut headers = Vec::new();
        match self.token {
            Some(token) if token_in_header => headers.push((TOKEN_HEADER.to_owned(), token)),
            Some(token) => body.push_str(&format!(",\"token\":{}", quoted(&token))),
            None => {}
        }
        body.push('}');
        response(200, headers, body)
    }

    /// Where all failed in the same way, the group failed in this way.
    fn failures(self) -> Response {
        let mut failures = self.answers.iter().flatten();
        let first = failures.next();
        if let Some(Answer::Failed { status, error, headers }) = first {
            let same = |other: &Answer| matches!(other, Answer::Failed { status: s, error: e, .. } if s == status && e == error);
            if failures.all(same) {
                return response(*status, headers.clone(), format!("{{\"error\":{error}}}"));
            }
        }
        response(400, Vec::new(), format!("{{\"error\":{{\"destinations\":{}}}}}", self.listed()))
    }

    /// `{"<member>": <its answer>, …}`, in the members' order.
    fn listed(&self) -> String {
        let mut text = String::from("{");
        for (member, answer) in self.members.iter().zip(&self.answers) {
            let comma = if text.len() > 1 { "," } else { "" };
            let Some(answer) = answer else { continue };
            // Writing to a string cannot fail; a member's name needs no escapes.
            let _ = match answer {
                Answer::Good(body) => write!(text, "{comma}\"{member}\":{body}"),
                Answer::Failed { status, error, .. } => {
                    write!(text, "{comma}\"{member}\":{{\"error\":{error},\"status\":{{\"code\":{status}}}}}")
                }
            };
        }
        text + "}"
    }
}

impl Answer {
    fn of(response: &Response) -> Self {
        let json = json_of(response);
        if response.status >= 400 {
            let words = || quoted(&format!("The answer has status {} and says nothing in JSON", response.status));
            let kept = response.headers.iter().filter(|(name, _)| HEADERS_OF_FAILURES.contains(&name.as_str()));
            let headers = kept.cloned().collect();
            return Self::Failed { status: response.status, error: json.map_or_else(words, error_in), headers };
        }
        match (json, std::str::from_utf8(&response.body)) {
            (Some(json), _) => Self::Good(json.to_owned()),
            (None, Ok("")) => Self::Good("null".to_owned()),
            (None, Ok(text)) => Self::Good(quoted(text)),
            (None, Err(_)) => Self::words(502, "The answer is neither JSON nor text"),
        }
    }

    fn words(status: u16, words: &str) -> Self {
        Self::Failed { status, error: quoted(words), headers: Vec::new() }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Good(text) => text.len(),
            Self::Failed { error, .. } => error.len(),
        }
    }
}

/// The body, if it is JSON and says so.
fn json_of(response: &Response) -> Option<&str> {
    let says_so = response.header("content-type").is_some_and(is_json);
    let text = std::str::from_utf8(&response.body).ok().filter(|_| says_so)?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    Some(text.trim())
}

#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow)]
    error: &'a RawValue,
}

/// What a failure's body says as `error`; all of it, if it has no such member.
fn error_in(json: &str) -> String {
    // A list would be read as the members in their order.
    let object = json.trim_start().starts_with('{').then(|| serde_json::from_str::<ErrorBody<'_>>(json).ok()).flatten();
    object.map_or(json, |body| body.error.get()).to_owned()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn response(status: u16, mut headers: Vec<(String, String)>, body: String) -> Response {
    headers.push(("content-type".to_owned(), JSON.to_owned()));
    Response { status, headers, body: body.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON_TYPE: &str = "application/json";

    fn members(names: &[&str]) -> Vec<ServiceName> {
        names.iter().map(|name| ServiceName::new(name).unwrap()).collect()
    }

    fn answer(status: u16, kind: &str, body: &[u8]) -> Response {
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        Response { status, headers, body: body.to_vec().into() }
    }

    fn json(status: u16, body: &str) -> Response {
        answer(status, JSON_TYPE, body.as_bytes())
    }

    /// Merges these answers of `a`, `b`, …, which come in this order, last to first.
    fn merged(answers: &[Response]) -> (u16, String) {
        let members = members(&["a", "b", "c"][..answers.len()]);
        let mut merge = Merge::new(&members, 200);
        for (number, response) in answers.iter().enumerate().rev() {
            merge.take(number, response);
        }
        shown(&merge.finish(false))
    }

    fn shown(response: &Response) -> (u16, String) {
        assert_eq!(response.header("content-type"), Some(JSON));
        (response.status, String::from_utf8(response.body.to_vec()).unwrap())
    }

    fn is(status: u16, body: &str) -> (u16, String) {
        (status, body.to_owned())
    }

    #[test]
    fn bodies_are_kept_to_the_letter_in_the_members_order() {
        let given = vec![
            json(200, "{ \"x\": 1.50e3, \"x\": \"\\u00e9\" }\n"),
            json(201, "[1 ,2]"),
            answer(200, "text/plain; charset=utf-8", "say \"é\"\n".as_bytes()),
        ];
        let expected =
            "{\"results\":{\"a\":{ \"x\": 1.50e3, \"x\": \"\\u00e9\" },\"b\":[1 ,2],\"c\":\"say \\\"é\\\"\\n\"}}";
        assert_eq!(merged(&given), is(200, expected));
        let odd = vec![answer(204, JSON_TYPE, b""), json(200, "{broken"), answer(200, "image/png", b"\xff")];
        assert_eq!(
            merged(&odd),
            is(
                200,
                "{\"results\":{\"a\":null,\"b\":\"{broken\",\
                 \"c\":{\"error\":\"The answer is neither JSON nor text\",\"status\":{\"code\":502}}}}"
            )
        );
    }

    #[test]
    fn a_failing_member_stands_among_the_results() {
        let given = vec![
            json(200, "1"),
            json(404, r#"{"error": {"code": 7, "why": "x"}, "more": 1}"#),
            answer(500, "text/html", b"<p>"),
        ];
        assert_eq!(
            merged(&given),
            is(
                200,
                "{\"results\":{\"a\":1,\"b\":{\"error\":{\"code\": 7, \"why\": \"x\"},\"status\":{\"code\":404}},\
                 \"c\":{\"error\":\"The answer has status 500 and says nothing in JSON\",\"status\":{\"code\":500}}}}"
            )
        );
    }

    #[test]
    fn where_all_fail_the_group_fails() {
        let down = || json(503, r#"{"error":"down"}"#);
        assert_eq!(merged(&[down(), down()]), is(503, r#"{"error":"down"}"#));
        let other_status = json(504, r#"{"error":"down"}"#);
        assert_eq!(
            merged(&[down(), other_status]),
            is(
                400,
                "{\"error\":{\"destinations\":{\"a\":{\"error\":\"down\",\"status\":{\"code\":503}},\
                 \"b\":{\"error\":\"down\",\"status\":{\"code\":504}}}}}"
            )
        );
        let other_words = merged(&[down(), json(503, r#"{"code":"X"}"#)]);
        assert_eq!(
            other_words,
            is(
                400,
                "{\"error\":{\"destinations\":{\"a\":{\"error\":\"down\",\"status\":{\"code\":503}},\
                 \"b\":{\"error\":{\"code\":\"X\"},\"status\":{\"code\":503}}}}}"
            )
        );
    }

    #[test]
    fn the_first_token_that_came_is_the_one() {
        let members = members(&["a", "b", "c"]);
        let with_token = |status: u16, token: &str| {
            let mut response = json(status, "{}");
            response.headers.push((TOKEN_HEADER.to_owned(), token.to_owned()));
            response
        };
        for in_header in [false, true] {
            let mut merge = Merge::new(&members, 200);
            merge.take(2, &with_token(404, "x.x.x"));
            merge.take(1, &with_token(200, "b.b.b"));
            merge.take(0, &with_token(200, "a.a.a"));
            let response = merge.finish(in_header);
            assert_eq!(response.header(TOKEN_HEADER), in_header.then_some("b.b.b"));
            let (_, body) = shown(&response);
            assert_eq!(body.ends_with(",\"token\":\"b.b.b\"}"), !in_header, "{body}");
        }
    }

    #[test]
    fn the_answers_together_are_bounded() {
        let large = format!("\"{}\"", "x".repeat(118));
        let (status, body) = merged(&[json(200, &large), json(200, "2"), json(200, &large)]);
        let words = r#"{"error":"The answers of the group are too large together","status":{"code":502}}"#;
        assert_eq!((status, body), is(200, &format!("{{\"results\":{{\"a\":{words},\"b\":2,\"c\":{large}}}}}")));
    }
}
