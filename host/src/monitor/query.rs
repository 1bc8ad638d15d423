//! What the query of a request says.
//! In come a query and a name; out goes the decoded value.
//! It never knows which names there are.

/// The value of a name; the first one, if it comes several times.
pub(super) fn value(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The number of a name; 0 if there is none.
pub(super) fn number(query: &str, name: &str) -> u64 {
    value(query, name).and_then(|value| value.parse().ok()).unwrap_or(0)
}
