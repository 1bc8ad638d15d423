//! Uses documents in loops, for measurements.
//! In come how often and where, out goes how much it found; the time is measured outside.
//! Its nodes are `D(i / 1000, i % 1000)`, each with the value i.

use qewd_sdk::documents::{self, Node};
use qewd_sdk::{Failure, Request};

qewd_sdk::handlers!(read, page, count, put, nothing);

/// Children of each node of the first level.
const WIDTH: u64 = 1000;

/// Numbers that look random and are the same each time (xorshift64).
struct Drawn(u64);

impl Drawn {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

fn number(request: &Request, name: &str) -> Result<u64, Failure> {
    let text = request.query(name).ok_or_else(|| Failure::new(format!("say {name}")))?;
    Ok(text.parse()?)
}

fn node(at: u64) -> Node {
    documents::open("D").at([at / WIDTH, at % WIDTH])
}

/// Reads drawn nodes of `nodes` one by one, `times` times.
fn read(request: &mut Request) -> Result<String, Failure> {
    let (nodes, times) = (number(request, "nodes")?, number(request, "times")?);
    let mut drawn = Drawn(number(request, "seed")?);
    let mut sum = 0_u64;
    for _ in 0..times {
        sum += node(drawn.next(nodes)).get::<u64>()?.unwrap_or_default();
    }
    Ok(sum.to_string())
}

/// Reads pages of 100 children of drawn nodes, `times` times.
fn page(request: &mut Request) -> Result<String, Failure> {
    let (nodes, times) = (number(request, "nodes")?, number(request, "times")?);
    let mut drawn = Drawn(number(request, "seed")?);
    let mut found = 0;
    for _ in 0..times {
        let parent = documents::open("D").at(drawn.next(nodes / WIDTH));
        found += parent.children().from(drawn.next(WIDTH - 100)).limit(100).values().count();
    }
    Ok(found.to_string())
}

/// Counts the values below drawn nodes, `times` times.
fn count(request: &mut Request) -> Result<String, Failure> {
    let (nodes, times) = (number(request, "nodes")?, number(request, "times")?);
    let mut drawn = Drawn(number(request, "seed")?);
    let mut found = 0;
    for _ in 0..times {
        found += documents::open("D").at(drawn.next(nodes / WIDTH)).count_values()?;
    }
    Ok(found.to_string())
}

/// Sets one node.
fn put(request: &mut Request) -> Result<String, Failure> {
    let at = number(request, "at")?;
    documents::open("Written").at(at).set(&at)?;
    Ok("done".to_owned())
}

/// What a request costs by itself.
fn nothing(_request: &mut Request) -> &'static str {
    "done"
}
