//! A request in one piece, as the host hands it over.
//! In comes the contract's packed record; out go single texts and pairs, cut where they are asked for.
//! It copies nothing.

use crate::bindings::qewd::handler::types::{Kind, PackedRequest};

/// The texts of which each request has one, in the contract's order.
#[derive(Clone, Copy)]
pub(crate) enum One {
    Id,
    Handler,
    Application,
    Method,
    Path,
    Route,
    ClientAddress,
    Claims,
}

/// How many they are: behind them are the pairs.
const ONES: usize = One::Claims as usize + 1;

/// A request in one piece.
pub(crate) struct Packed(PackedRequest);

impl Packed {
    pub(crate) fn new(wire: PackedRequest) -> Self {
        Self(wire)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.0.body
    }

    pub(crate) fn one(&self, which: One) -> &str {
        self.text(which as usize)
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs(0, self.0.variables)
    }

    pub(crate) fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs(self.0.variables, self.0.query)
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs(self.0.variables.saturating_add(self.0.query), self.0.headers)
    }

    /// The names of the session's secret claims.
    pub(crate) fn secret(&self) -> impl Iterator<Item = &str> {
        let pairs = self.0.variables.saturating_add(self.0.query).saturating_add(self.0.headers);
        (behind(pairs)..self.0.ends.len()).map(|index| self.text(index))
    }

    /// So many pairs behind so many others.
    fn pairs(&self, before: u32, count: u32) -> impl Iterator<Item = (&str, &str)> {
        let texts = behind(before)..behind(before.saturating_add(count));
        texts.step_by(2).map(|index| (self.text(index), self.text(index + 1)))
    }

    /// The host cuts between characters and in order; if it did not, a text would be empty.
    fn text(&self, index: usize) -> &str {
        let end = |index: usize| self.0.ends.get(index).map_or(0, |end| size(*end));
        let start = index.checked_sub(1).map_or(0, end);
        self.0.texts.get(start..end(index)).unwrap_or_default()
    }
}

/// Where the texts begin that stand behind so many pairs.
fn behind(pairs: u32) -> usize {
    size(pairs).saturating_mul(2).saturating_add(ONES)
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(any(test, all(feature = "testing", not(target_arch = "wasm32"))))]
mod pack {
    use crate::bindings::qewd::handler::types::{PackedRequest, Request};

    impl From<Request> for PackedRequest {
        /// As the host does it: for tests.
        fn from(request: Request) -> Self {
            let count = |pairs: &[(String, String)]| u32::try_from(pairs.len()).unwrap_or(u32::MAX);
            let mut packed = Self {
                kind: request.kind,
                texts: String::new(),
                ends: Vec::new(),
                variables: count(&request.variables),
                query: count(&request.query),
                headers: count(&request.headers),
                body: request.body,
            };
            let ones = [request.id, request.handler, request.application, request.method, request.path, request.route];
            let claims = String::from_utf8_lossy(&request.session.claims).into_owned();
            let pairs = [request.variables, request.query, request.headers];
            let pairs = pairs.into_iter().flatten().flat_map(|(name, value)| [name, value]);
            let all = ones.into_iter().chain([request.client_address, claims]).chain(pairs);
            for text in all.chain(request.session.secret) {
                packed.texts.push_str(&text);
                packed.ends.push(u32::try_from(packed.texts.len()).unwrap_or(u32::MAX));
            }
            packed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::qewd::handler::types::{Request, Session};

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn each_text_is_found_again() {
        let (query, headers) = ([("q", ""), ("", "ä"), ("q", "2")], [("accept", "*/*")]);
        let request = Request {
            id: "1".to_owned(),
            handler: "hello".to_owned(),
            application: String::new(),
            kind: Kind::Message,
            method: "P\u{dc}T".to_owned(),
            path: "/a/7".to_owned(),
            route: "/a/:id".to_owned(),
            variables: pairs(&[("id", "7")]),
            query: pairs(&query),
            headers: pairs(&headers),
            body: vec![0, 255],
            client_address: "::1".to_owned(),
            session: Session { claims: b"{}".to_vec(), secret: vec!["a".to_owned(), "bc".to_owned()] },
        };
        let packed = Packed::new(request.into());
        let ones = [One::Id, One::Handler, One::Application, One::Method, One::Path, One::Route, One::ClientAddress];
        let ones = ones.map(|which| packed.one(which));
        assert_eq!(ones, ["1", "hello", "", "P\u{dc}T", "/a/7", "/a/:id", "::1"]);
        assert_eq!((packed.one(One::Claims), packed.kind(), packed.body()), ("{}", Kind::Message, &[0, 255][..]));
        assert_eq!(packed.variables().collect::<Vec<_>>(), [("id", "7")]);
        assert_eq!(packed.query().collect::<Vec<_>>(), query);
        assert_eq!(packed.headers().collect::<Vec<_>>(), headers);
        assert_eq!(packed.secret().collect::<Vec<_>>(), ["a", "bc"]);
    }

    #[test]
    fn ends_that_make_no_sense_are_empty_texts() {
        let [variables, query, headers] = [1, 0, 0];
        let (texts, ends) = ("\u{e4}b".to_owned(), vec![3, 1, 900]);
        let packed =
            Packed::new(PackedRequest { kind: Kind::Rest, texts, ends, variables, query, headers, body: Vec::new() });
        assert_eq!(
            [One::Id, One::Handler, One::Application, One::Path].map(|which| packed.one(which)),
            ["\u{e4}b", "", "", ""]
        );
        assert_eq!((packed.variables().collect::<Vec<_>>(), packed.secret().count()), (vec![("", "")], 0));
    }
}
