//! The codec: what is written is read again, and nothing else gets through.

use super::super::frame::{HEADER_BYTES, RequestHead};
use super::*;
use crate::message::{Hearer, Part, Push, PushHead};
use proptest::collection::vec;
use proptest::prelude::*;

/// Any text: control characters, quotes and characters outside the first plane.
fn text() -> impl Strategy<Value = String> {
    let known = prop_oneof![Just('"'), Just('\\'), Just('\0'), Just('\n'), Just('\u{2028}'), Just('\u{10ffff}')];
    vec(prop_oneof![4 => any::<char>(), 1 => known], 0..24).prop_map(String::from_iter)
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    vec((text(), text()), 0..6)
}

fn body() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..300).prop_map(Bytes::from)
}

prop_compose! {
    fn any_request()(
        id in "[A-Za-z0-9_.-]{1,64}",
        kind in prop::sample::select(vec![Kind::Rest, Kind::Service, Kind::Message, Kind::Monitor]),
        texts in ("[A-Z-]{1,32}", text(), text(), text()),
        headers in headers(),
        body in body(),
        left in 0..10_000_000_u64,
        (hops, token_in_header, as_member) in any::<(u8, bool, bool)>(),
        steps in prop::collection::vec("[a-z' ]{1,20}", 0..4),
    ) -> (Request, Instant) {
        let now = Instant::now();
        let (method, path, query, client_address) = texts;
        let deadline = now + Duration::from_millis(left);
        let id = RequestId::new(&id).unwrap();
        // No more steps than hops: others are cut off.
        let way = steps.iter().take(usize::from(hops)).map(|step| step.as_str().into()).collect();
        let request = Request {
            id, kind, method, path, query, headers, body, client_address, deadline, hops, way, token_in_header, as_member,
            parts: None,
            trace: super::named_trace(),
        };
        (request, now)
    }
}

fn any_frame() -> impl Strategy<Value = Frame<'static>> {
    let request = (any::<u64>(), any_request()).prop_map(|(id, (request, now))| {
        owned(Frame::Request { id, request: RequestHead::new(&request, now), body: request.body.clone() })
    });
    let answer = (any::<u64>(), any::<u16>(), headers(), body())
        .prop_map(|(id, status, headers, body)| Frame::Answer { id, response: Response { status, headers, body } });
    let cancel = any::<u64>().prop_map(|id| Frame::Cancel { id });
    let took = any::<(u64, usize)>().prop_map(|(id, count)| Frame::Took { id, count });
    let body = || any::<Vec<u8>>().prop_map(Bytes::from);
    let part = (any::<u64>(), any::<Option<String>>(), body())
        .prop_map(|(id, kind, body)| Frame::Part { id, part: Part { kind, body } });
    let push =
        (any::<[String; 3]>(), any::<bool>(), any::<u8>(), body()).prop_map(|([id, name, kind], all, hops, body)| {
            let to = if all { Hearer::Application(name) } else { Hearer::Client(name) };
            Frame::Push { push: Push { head: PushHead { id, to, kind, hops }, body } }
        });
    let offers = prop::collection::vec(".{0,20}", 0..5).prop_map(|handlers| Frame::Offers { handlers });
    prop_oneof![3 => request, 3 => answer, 1 => cancel, 1 => took, 1 => part, 1 => push, 1 => offers, 1 => Just(Frame::Leaving)]
}

/// Bytes of the header, as the message itself states them.
fn stated_header(bytes: &Bytes) -> usize {
    u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(frame in any_frame()) {
        prop_assert_eq!(Frame::decode(frame.clone().encode()), Ok(frame));
    }

    #[test]
    fn a_request_comes_out_as_it_went_in((request, now) in any_request()) {
        let head = RequestHead::new(&request, now);
        let most = Duration::from_secs(100_000);
        let arrived = head.into_request(request.body.clone(), now, most).unwrap();
        let (sent, arrived) = shown(&request, arrived);
        prop_assert_eq!(arrived, sent);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..400)) {
        let bytes = Bytes::from(bytes);
        if Frame::decode(bytes.clone()).is_ok() {
            prop_assert!(stated_header(&bytes) <= bytes.len() - 4);
        }
    }

    #[test]
    fn a_header_longer_than_the_message_or_the_limit_is_refused(frame in any_frame(), stated in any::<u32>()) {
        let mut bytes = frame.encode().to_vec();
        bytes[..4].copy_from_slice(&stated.to_be_bytes());
        let stated = stated as usize;
        let decoded = Frame::decode(bytes.clone().into());
        if stated > bytes.len() - 4 || stated > HEADER_BYTES {
            prop_assert!(decoded.is_err());
        }
    }

    #[test]
    fn a_truncated_frame_is_an_error_or_another_frame(frame in any_frame(), cut in any::<prop::sample::Index>()) {
        let whole = frame.clone().encode();
        let part = whole.slice(..cut.index(whole.len()));
        match Frame::decode(part.clone()) {
            Ok(other) => {
                prop_assert_ne!(other, frame);
                prop_assert!(part.len() >= 4 + stated_header(&whole));
            }
            Err(_) => prop_assert!(part.len() < 4 + stated_header(&whole)),
        }
    }

    #[test]
    fn a_changed_byte_never_panics(frame in any_frame(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = frame.encode().to_vec();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(read) = Frame::decode(Bytes::from(bytes.clone())) {
            prop_assert!(stated_header(&bytes.into()) <= HEADER_BYTES);
            let again = Frame::decode(read.clone().encode());
            prop_assert_eq!(again, Ok(read));
        }
    }
}

#[test]
fn the_form_of_a_frame_is_fixed() {
    let answer = Frame::Answer {
        id: 7,
        response: Response {
            status: 201,
            headers: vec![("a".to_owned(), "\u{e9}\"".to_owned())],
            body: Bytes::from_static(b"\xff\0body"),
        },
    };
    let header = r#"{"answer":{"id":7,"status":201,"headers":[["a","é\""]]}}"#;
    let length = u32::try_from(header.len()).unwrap().to_be_bytes();
    assert_eq!(answer.encode(), [&length, header.as_bytes(), b"\xff\0body"].concat());
    let offers = Frame::Offers { handlers: vec!["login".to_owned()] }.encode();
    assert_eq!(offers, &b"\0\0\0\x21{\"offers\":{\"handlers\":[\"login\"]}}"[..]);
    assert_eq!(Frame::Leaving.encode(), &b"\0\0\0\x09\"leaving\""[..]);
    assert_eq!(Frame::Cancel { id: u64::MAX }.encode(), &b"\0\0\0\x26{\"cancel\":{\"id\":18446744073709551615}}"[..]);
}

#[test]
fn fields_of_a_newer_host_are_passed_over() {
    let header = br#"{"cancel":{"id":3,"why":{"slow":[1,2]}}}"#;
    let length = u32::try_from(header.len()).unwrap().to_be_bytes();
    let decoded = Frame::decode([&length, &header[..]].concat().into());
    assert_eq!(decoded, Ok(Frame::Cancel { id: 3 }));
}

#[test]
fn a_large_body_is_not_the_header() {
    let body = Bytes::from(vec![b'x'; HEADER_BYTES + 1]);
    let frame = Frame::Answer { id: 1, response: Response { status: 200, headers: Vec::new(), body } };
    assert_eq!(Frame::decode(frame.clone().encode()), Ok(frame));
}
