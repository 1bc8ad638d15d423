//! Does with documents what the body says, step by step or all together as one transaction, and tells what each step gave.
//!
//! `{"together": true, "steps": [["set", ["orders", 7, "item"], "tea"], ["read", ["orders"]]]}`

use qewd_sdk::documents::{self, Lock, Node};
use qewd_sdk::{Failure, Request};
use serde_json::{Value, json};
use std::time::Duration;

qewd_sdk::handlers!(keeper);

fn keeper(request: &mut Request) -> Result<Value, Failure> {
    let body: Value = request.json()?;
    let steps = body.get("steps").and_then(Value::as_array).ok_or_else(|| Failure::new("There are no steps"))?;
    let mut locks = Vec::new();
    let mut all = || steps.iter().map(|step| done(step, &mut locks)).collect::<Result<Vec<Value>, Failure>>();
    let results = if body.get("together") == Some(&Value::Bool(true)) { documents::transaction(all)? } else { all()? };
    Ok(json!({ "results": results }))
}

fn done(step: &Value, locks: &mut Vec<Lock>) -> Result<Value, Failure> {
    let part = |number: usize| step.get(number).unwrap_or(&Value::Null);
    let (what, with) = (part(0).as_str().unwrap_or_default(), part(2));
    let at = || node(part(1));
    let pause = || Duration::from_millis(with.as_u64().unwrap_or_default());
    Ok(match what {
        "get" => json!(at()?.get::<Value>()?),
        "read" => json!(at()?.read::<Value>()?),
        "children" => at()?.children().map(|child| Ok(json!(child?.name()))).collect::<Result<Value, Failure>>()?,
        "set" => json!(at()?.set(with)?),
        "replace" => json!(at()?.replace(with)?),
        "merge" => json!(at()?.merge(with)?),
        "delete" => json!(at()?.delete()?),
        "increment" => json!(at()?.increment(with.as_i64().unwrap_or(1))?),
        "lock" => {
            let lock = at()?.lock(pause())?;
            let has = lock.is_some();
            locks.extend(lock);
            json!(has)
        }
        "unlock" => json!(locks.drain(..).count()),
        "sleep" => json!(std::thread::sleep(pause())),
        "refuse" => return Err(Failure::new("Not today").status(409)),
        other => return Err(Failure::new(format!("There is no step {other:?}"))),
    })
}

/// A document's name and subscripts; numbers are subscripts, too.
fn node(names: &Value) -> Result<Node, Failure> {
    let text = |name: &Value| name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    let mut names = names.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(text);
    let document = names.next().ok_or_else(|| Failure::new("A step names a document"))?;
    Ok(documents::open(document).at(names.collect::<Vec<String>>()))
}
