//! Shows all records under a name, and how records are shown where there are several.
//! In comes a name, out go ids; with `showDetail=true` each with its record.
//! An unknown name has no records, which is no failure.

use crate::collection::Collection;
use qewd_sdk::{Failure, Request, documents};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The parameter that wants records and not only ids.
pub(crate) const DETAIL: &str = "showDetail";

/// GET /api/db/:documentName/list
pub(crate) fn list(request: &mut Request) -> Result<Value, Failure> {
    let collection = Collection::of(request)?;
    shown(request, &collection, || collection.ids())
}

/// Ids, or records with their ids, of one moment.
pub(crate) fn shown(
    request: &Request,
    collection: &Collection,
    find: impl Fn() -> Result<BTreeSet<i64>, Failure>,
) -> Result<Value, Failure> {
    let wants_detail = request.query(DETAIL) == Some("true");
    // A transaction that only reads never fails: it is here so that no record changes between its id and its content.
    documents::transaction(|| {
        let ids = find()?;
        if !wants_detail {
            return Ok(ids.into_iter().collect());
        }
        ids.into_iter().map(|id| Ok(json!({ "id": id, "record": collection.read(id)? }))).collect()
    })
}

#[cfg(test)]
mod tests {
    use crate::asked::ask;
    use qewd_sdk::testing;

    #[test]
    fn ids_or_records_are_listed() {
        testing::reset();
        assert_eq!(ask("GET people/list", ""), "[]");
        for name in ["Ann", "Bob", "Eve"] {
            ask("POST people", &format!(r#"{{"name":"{name}"}}"#));
        }
        ask("DELETE people/2", "");
        assert_eq!(ask("GET people/list", ""), "[1,3]");
        assert_eq!(ask("GET people/list?showDetail=false", ""), "[1,3]");
        assert_eq!(
            ask("GET people/list?showDetail=true", ""),
            r#"[{"id":1,"record":{"name":"Ann"}},{"id":3,"record":{"name":"Eve"}}]"#
        );
    }

    #[test]
    fn ids_are_in_the_order_of_numbers() {
        testing::reset();
        (0..11).for_each(|_| drop(ask("POST people", "{}")));
        assert_eq!(ask("GET people/list", ""), "[1,2,3,4,5,6,7,8,9,10,11]");
    }
}
