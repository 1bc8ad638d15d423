//! Several requests at one time.
//! In come threads that change the same nodes, out go totals that have to be exact.
//! No thread waits for a certain other one, so every order may happen.

use super::documents::{Connection, Definitions, Indexes, Node, Store, Trouble, check};
use super::{at, store, store_with};
use std::sync::atomic::{AtomicBool, Ordering};

const THREADS: usize = 8;
const ROUNDS: usize = 40;
const ACCOUNTS: usize = 4;
const BALANCE: i64 = 1000;

/// An account is a document, with its balance below it.
fn account(number: usize) -> Node {
    Node::new(format!("account{number}"), ["balance"])
}

fn balance(connection: &mut Connection, number: usize) -> Result<i64, Trouble> {
    Ok(serde_json::from_slice(&connection.get(&account(number))?.unwrap()).unwrap())
}

fn total(connection: &mut Connection) -> Result<i64, Trouble> {
    (0..ACCOUNTS).map(|number| balance(connection, number)).sum()
}

#[test]
fn increments_are_exact() {
    const EACH: usize = 100;
    let store = store();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let mut connection = Connection::new(store.clone());
            scope.spawn(move || {
                for _ in 0..EACH {
                    connection.increment(&at(&["counter"]), b"1").unwrap();
                }
            });
        }
    });
    let sum = Connection::new(store).get(&at(&["counter"])).unwrap();
    assert_eq!(sum, Some((THREADS * EACH).to_string().into_bytes()));
}

/// Moves money in a transaction, as often as it takes.
fn transfer(connection: &mut Connection, from: usize, to: usize, amount: i64) {
    let attempt = |connection: &mut Connection| {
        connection.begin()?;
        let (left, right) = (balance(connection, from)? - amount, balance(connection, to)? + amount);
        connection.set(&account(from), left.to_string().as_bytes())?;
        connection.set(&account(to), right.to_string().as_bytes())?;
        connection.commit()
    };
    loop {
        match attempt(connection) {
            Err(Trouble::Conflict) => {}
            ended => return ended.unwrap(),
        }
    }
}

/// What a thread moves in a round: from where, to where, how much.
fn moved(thread: usize, round: usize) -> (usize, usize, i64) {
    let (from, to) = ((thread + round) % ACCOUNTS, (thread + round * 2 + 1) % ACCOUNTS);
    (from, to, i64::try_from(thread * 7 + round * round % 11).unwrap())
}

/// An index of the balances of all accounts.
fn balances() -> Indexes {
    let patterns = (0..ACCOUNTS).map(|number| {
        let index = serde_json::json!({ "documentName": "balances", "path": format!(":value/{number}") });
        (format!("account{number}"), serde_json::json!({ "balance": index }))
    });
    Indexes::new(serde_json::from_value::<Definitions>(patterns.collect()).unwrap()).unwrap()
}

/// Looks at all accounts until it has ended.
fn observe(store: &Store, ended: &AtomicBool) {
    let mut connection = Connection::new(store.clone());
    while !ended.load(Ordering::Relaxed) {
        connection.begin().unwrap();
        assert_eq!(total(&mut connection).unwrap(), BALANCE * i64::try_from(ACCOUNTS).unwrap());
        connection.commit().unwrap();
    }
}

/// Moves money in all threads, while others look.
fn transfers(store: &Store) {
    let ended = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = |thread| {
            move || {
                let mut connection = Connection::new(store.clone());
                for (from, to, amount) in
                    (0..ROUNDS).map(|round| moved(thread, round)).filter(|(from, to, _)| from != to)
                {
                    transfer(&mut connection, from, to, amount);
                }
            }
        };
        let writers: Vec<_> = (0..THREADS).map(|thread| scope.spawn(writer(thread))).collect();
        for _ in 0..2 {
            scope.spawn(move || observe(store, ended));
        }
        let failed = writers.into_iter().map(std::thread::ScopedJoinHandle::join).filter(Result::is_err).count();
        ended.store(true, Ordering::Relaxed);
        assert_eq!(failed, 0);
    });
}

#[test]
fn transfers_lose_nothing_and_nobody_sees_one_half() {
    let store = store_with(balances());
    let mut connection = Connection::new(store.clone());
    for number in 0..ACCOUNTS {
        connection.set(&account(number), BALANCE.to_string().as_bytes()).unwrap();
    }
    transfers(&store);
    let mut expected = [BALANCE; ACCOUNTS];
    for (from, to, amount) in (0..THREADS).flat_map(|thread| (0..ROUNDS).map(move |round| moved(thread, round))) {
        expected[from] -= amount;
        expected[to] += amount;
    }
    let kept: Vec<i64> = (0..ACCOUNTS).map(|number| balance(&mut connection, number).unwrap()).collect();
    assert_eq!(kept, expected);
    assert_ne!(expected, [BALANCE; ACCOUNTS]);
    let report = check(&store, &mut |_| {});
    assert_eq!(report.findings, []);
    // A balance and its index entry for each account.
    assert_eq!(report.nodes, 2 * u64::try_from(ACCOUNTS).unwrap());
}
