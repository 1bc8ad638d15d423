//! Shows a JSON body that is checked, and an answer with its own status.
//! In comes an order, out goes the accepted one.
//! It stores nothing.

use qewd_sdk::{Failure, Request, Response, log};
use serde::{Deserialize, Serialize};

/// The most pieces that one order may have.
const MOST: u32 = 100;

// A field that nobody knows is most likely a known one, mistyped.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Order {
    item: String,
    quantity: u32,
}

/// POST /api/info/order
pub(crate) fn order(request: &mut Request) -> Result<Response, Failure> {
    let order: Order = request.json()?;
    check(&order)?;
    log::info("order accepted", &[("item", &order.item), ("quantity", &order.quantity)]);
    Ok(Response::json(&order)?.status(201))
}

fn check(order: &Order) -> Result<(), Failure> {
    if order.item.trim().is_empty() {
        return Err(Failure::new("`item` is empty; name what you order"));
    }
    if !(1..=MOST).contains(&order.quantity) {
        return Err(Failure::new(format!("`quantity` is {}; order 1 to {MOST} pieces", order.quantity)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use qewd_sdk::testing;

    fn send(body: &str) -> Result<Response, Failure> {
        testing::call(order, &mut testing::post("/api/info/order").body(body).request())
    }

    fn refused(body: &str) -> String {
        send(body).err().map(|failure| failure.to_string()).unwrap_or_default()
    }

    #[test]
    fn accepts_a_good_order() {
        let body = r#"{"item":"tea","quantity":2}"#;
        let response = send(body).unwrap();
        assert_eq!((response.status_code(), response.body_text().as_str()), (201, body));
        assert_eq!(testing::log_lines()[0].to_string(), "info order accepted item=tea quantity=2");
    }

    #[test]
    fn says_what_is_wrong_with_a_bad_one() {
        assert_eq!(refused(r#"{"item":" ","quantity":2}"#), "400 `item` is empty; name what you order");
        assert_eq!(refused(r#"{"item":"tea","quantity":0}"#), "400 `quantity` is 0; order 1 to 100 pieces");
        assert_eq!(
            refused(r#"{"item":"tea","quantity":-1}"#),
            "400 The body is JSON, but not what is wanted here, at line 1, column 27: \
             invalid value: integer `-1`, expected u32"
        );
        assert_eq!(
            refused(r#"{"item":"tea","amount":2}"#),
            "400 The body is JSON, but not what is wanted here, at line 1, column 22: \
             unknown field `amount`, expected `item` or `quantity`"
        );
        assert_eq!(refused(""), "400 The body is empty; this request wants JSON");
    }
}
