//! Whatever is done in whatever order, the store answers as the model does.
//! In come random acts and transactions of one or several requests; out goes whether all answers were right.
//! A committed transaction must have seen what it would have seen if it had run alone, in the moment of its commit.

use super::acts::{Act, Material, NARROW, WIDE};
use super::documents::{Connection, Trouble};
use super::model::{Model, Path};
use super::{Node, read, store, whole_page};
use proptest::collection::vec;
use proptest::prelude::*;

/// What a request does next.
#[derive(Debug, Clone)]
enum Step {
    Act(Act),
    Begin,
    Commit,
    RollBack,
}

fn step(material: Material) -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => material.change().prop_map(Step::Act),
        5 => material.look().prop_map(Step::Act),
        2 => Just(Step::Begin),
        2 => Just(Step::Commit),
        1 => Just(Step::RollBack),
    ]
}

/// A request, and what its transaction has to see.
struct Request {
    connection: Connection,
    /// The documents when its transaction began, with its own changes.
    open: Option<Model>,
    /// What it did since then, and what it was answered.
    done: Vec<(Act, String)>,
    /// Whether somebody else has committed since then.
    overtaken: bool,
}

/// Does a step; `documents` is what everybody sees. Whether it may have changed that.
fn go(request: &mut Request, step: &Step, documents: &mut Model) -> Result<bool, TestCaseError> {
    let mut wrote = false;
    match (step, &mut request.open) {
        (Step::Act(act), None) => {
            let answer = act.ask(&mut request.connection).unwrap();
            prop_assert_eq!(answer, act.expect(documents), "{:?}", act);
            wrote = true;
        }
        (Step::Act(act), Some(seen)) => {
            let answer = act.ask(&mut request.connection).unwrap();
            prop_assert_eq!(&answer, &act.expect(seen), "{:?}", act);
            request.done.push((act.clone(), answer));
        }
        (Step::Begin, None) => {
            request.connection.begin().unwrap();
            request.open = Some(documents.clone());
            request.overtaken = false;
        }
        (Step::Commit, Some(_)) => {
            request.open = None;
            let done = std::mem::take(&mut request.done);
            wrote = request.connection.changes() > 0;
            match request.connection.commit() {
                Err(trouble) => {
                    prop_assert_eq!(trouble, Trouble::Conflict);
                    prop_assert!(request.overtaken, "nobody else has committed");
                }
                Ok(()) => {
                    for (act, answer) in done.iter().filter(|_| wrote) {
                        prop_assert_eq!(answer, &act.expect(documents), "{:?} was overtaken, and committed", act);
                    }
                }
            }
        }
        (Step::RollBack, Some(_)) => {
            request.open = None;
            request.done.clear();
            request.connection.roll_back().unwrap();
        }
        (Step::Begin, Some(_)) => prop_assert!(matches!(request.connection.begin(), Err(Trouble::Refused(_)))),
        (Step::Commit, None) => prop_assert!(matches!(request.connection.commit(), Err(Trouble::Refused(_)))),
        (Step::RollBack, None) => prop_assert!(matches!(request.connection.roll_back(), Err(Trouble::Refused(_)))),
    }
    Ok(wrote)
}

/// All documents, as somebody who comes now sees them.
fn everything(connection: &mut Connection) -> Vec<(String, Option<String>)> {
    let names = connection.children(None, &whole_page()).unwrap().children;
    names.into_iter().map(|child| (child.name.clone(), read(connection, &Node::new(child.name, [""; 0])))).collect()
}

fn run(requests: usize, steps: &[(usize, Step)]) -> Result<(), TestCaseError> {
    let store = store();
    let mut documents = Model::default();
    let request =
        |_| Request { connection: Connection::new(store.clone()), open: None, done: Vec::new(), overtaken: false };
    let mut requests: Vec<Request> = (0..requests).map(request).collect();
    for (who, step) in steps {
        if go(&mut requests[*who], step, &mut documents)? {
            let others = requests.iter_mut().enumerate().filter(|(other, _)| other != who);
            others.for_each(|(_, request)| request.overtaken = true);
        }
    }
    let kept: Vec<(String, Option<String>)> = documents
        .names(&Path::new())
        .into_iter()
        .map(|name| {
            let json = documents.read(&vec![super::model::Name(name.clone())]);
            (name, json.map(|json| json.to_string()))
        })
        .collect();
    prop_assert_eq!(everything(&mut Connection::new(store.clone())), kept);
    Ok(())
}

/// One request fills the documents; while its transaction looks at them and changes something, another one changes them too.
fn overtaken() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let acts = |count| vec(NARROW.change(), count);
    (acts(1..6), acts(0..2), vec(NARROW.look(), 1..3), acts(1..3), acts(1..2)).prop_map(
        |(filled, own, looks, others, last)| {
            let mut steps: Vec<(usize, Step)> = filled.into_iter().map(|act| (0, Step::Act(act))).collect();
            steps.push((0, Step::Begin));
            steps.extend(own.into_iter().chain(looks).map(|act| (0, Step::Act(act))));
            steps.extend(others.into_iter().map(|act| (1, Step::Act(act))));
            steps.extend(last.into_iter().map(|act| (0, Step::Act(act))));
            steps.push((0, Step::Commit));
            steps
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn one_request_sees_what_the_model_sees(steps in vec(step(WIDE).prop_map(|step| (0, step)), 1..60)) {
        run(1, &steps)?;
    }

    #[test]
    fn transactions_are_as_if_one_came_after_the_other(steps in vec((0..3_usize, step(NARROW)), 1..60)) {
        run(3, &steps)?;
    }

    #[test]
    fn a_commit_relies_on_all_that_was_seen(scenes in vec(overtaken(), 1..20)) {
        run(2, &scenes.concat())?;
    }
}
