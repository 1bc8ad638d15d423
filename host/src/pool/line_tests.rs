//! Properties of the line: whatever comes in whatever order, it keeps its promises.

use super::line::{Begin, Bounds, Entered, Line, Side, TurnedAway};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A request as the tests know it: its number, side and module.
type Id = u32;

#[derive(Debug, Clone)]
enum Step {
    Enter {
        side: Side,
        module: usize,
    },
    /// The n-th of those that run ends.
    Leave(usize),
    /// The n-th of those that wait goes away.
    GiveUp(usize),
    Rebound(Bounds),
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Callers), Just(Side::Questions)]
}

fn bounds() -> impl Strategy<Value = Bounds> {
    (1_usize..5, 0_usize..8).prop_map(|(places, waiting)| Bounds { places, waiting })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (side(), 0_usize..3).prop_map(|(side, module)| Step::Enter { side, module }),
        4 => any::<usize>().prop_map(Step::Leave),
        1 => any::<usize>().prop_map(Step::GiveUp),
        1 => bounds().prop_map(Step::Rebound),
    ]
}

/// What the line should know, kept in the plainest way.
struct Model {
    line: Line<Id>,
    bounds: Bounds,
    most: [usize; 3],
    running: Vec<(Side, usize)>,
    /// In the order in which they came.
    waiting: Vec<(Id, u64, Side, usize)>,
    last: Id,
}

fn name(module: usize) -> Arc<str> {
    ["one", "two", "three"][module].into()
}

impl Model {
    fn new(bounds: Bounds, most: [usize; 3]) -> Self {
        Self { line: Line::new(bounds), bounds, most, running: Vec::new(), waiting: Vec::new(), last: 0 }
    }

    fn busy(&self, side: Side, module: Option<usize>) -> usize {
        self.running.iter().filter(|(its, of)| *its == side && module.is_none_or(|module| module == *of)).count()
    }

    fn waits(&self, module: usize) -> usize {
        self.waiting.iter().filter(|(_, _, _, its)| *its == module).count()
    }

    fn begin(&mut self, begin: Vec<Begin<Id>>) {
        for Begin { side, module, tell } in begin {
            let place = self.waiting.iter().position(|(id, ..)| *id == tell).expect("only who waits may begin");
            let (_, _, its_side, its_module) = self.waiting[place];
            assert_eq!((its_side, name(its_module)), (side, module));
            let earlier = &self.waiting[..place];
            assert!(
                !earlier.iter().any(|(_, _, side, module)| (*side, *module) == (its_side, its_module)),
                "first in, first out within a module"
            );
            self.waiting.remove(place);
            self.running.push((its_side, its_module));
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Enter { side, module } => self.enter(side, module),
            Step::Leave(which) if !self.running.is_empty() => {
                let (side, module) = self.running.swap_remove(which % self.running.len());
                let begin = self.line.leave(side, &name(module));
                self.begin(begin);
            }
            Step::GiveUp(which) if !self.waiting.is_empty() => {
                let (_, number, side, module) = self.waiting.remove(which % self.waiting.len());
                self.line.give_up(side, &name(module), number);
            }
            Step::Rebound(bounds) => {
                self.bounds = bounds;
                let (begin, hopeless) = self.line.rebound(bounds, |_| None);
                assert!(hopeless.is_empty(), "nobody asks");
                self.begin(begin);
            }
            Step::Leave(_) | Step::GiveUp(_) => {}
        }
    }

    fn enter(&mut self, side: Side, module: usize) {
        self.last += 1;
        let id = self.last;
        let before = self.waiting.len();
        match self.line.enter(side, &name(module), self.most[module], || id) {
            Entered::Begins => {
                assert!(
                    !self.waiting.iter().any(|(_, _, its, of)| (*its, *of) == (side, module)),
                    "nobody is overtaken"
                );
                self.running.push((side, module));
            }
            Entered::Waits(number, made_room) => {
                if let Some(turned_away) = made_room {
                    assert!(before >= self.bounds.waiting, "nobody is turned away while there is room");
                    let place = self.waiting.iter().position(|(id, ..)| *id == turned_away).expect("it waited");
                    let (_, _, _, its) = self.waiting.remove(place);
                    assert_ne!(its, module, "a module makes room for others only");
                    assert!(self.waits(its) >= self.waits(module), "the one with most in the line makes room");
                }
                self.waiting.push((id, number, side, module));
            }
            Entered::TurnedAway(why) => {
                assert_eq!(why, TurnedAway::Full(self.bounds.waiting));
                assert!(before >= self.bounds.waiting, "there was room");
            }
        }
    }

    fn check(&self) {
        for side in [Side::Callers, Side::Questions] {
            for module in 0..3 {
                let waits = self.waiting.iter().any(|(_, _, its, of)| (*its, *of) == (side, module));
                let could =
                    self.busy(side, None) < self.bounds.places && self.busy(side, Some(module)) < self.most[module];
                assert!(!(waits && could), "a place is free and {module} waits");
            }
        }
    }
}

proptest! {
    #[test]
    fn the_line_keeps_its_promises(
        bounds in bounds(),
        most in [1_usize..5, 1_usize..5, 1_usize..5],
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut model = Model::new(bounds, most);
        for step in steps {
            let sides = [Side::Callers, Side::Questions];
            let before = sides.map(|side| model.busy(side, None));
            model.step(&step);
            model.check();
            for (side, before) in sides.into_iter().zip(before) {
                // Those that ran when there were more places may end in peace.
                let most = model.bounds.places.max(before);
                prop_assert!(model.busy(side, None) <= most, "more run than there are places");
            }
        }
        // Whoever waited is served in the end.
        while !model.running.is_empty() {
            model.step(&Step::Leave(0));
        }
        prop_assert!(model.waiting.is_empty());
    }

    #[test]
    fn one_module_cannot_take_the_line_from_the_others(waiting in 2_usize..40) {
        let mut line = Line::new(Bounds { places: 1, waiting });
        let (greedy, modest) = (name(0), name(1));
        for id in 0..1000 {
            line.enter(Side::Callers, &greedy, 1, || id);
        }
        // A full line takes as many of another module as make it even.
        let mut taken = 0;
        while let Entered::Waits(_, Some(_)) = line.enter(Side::Callers, &modest, 1, || 2000) {
            taken += 1;
        }
        prop_assert!(taken >= waiting / 2 && taken <= waiting.div_ceil(2), "{taken} of {waiting}");
        // And a free place goes to both in turn.
        let mut order: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        let mut runs = greedy;
        for _ in 0..(2 * taken).min(waiting) {
            let begun = line.leave(Side::Callers, &runs);
            runs = Arc::clone(&begun[0].module);
            *order.entry(Arc::clone(&runs)).or_default() += 1;
        }
        let counts: Vec<usize> = order.into_values().collect();
        prop_assert!(counts.len() == 2 && counts[0].abs_diff(counts[1]) <= 1, "{counts:?}");
    }
}

#[test]
fn a_question_that_no_place_can_come_free_for_is_turned_away() {
    let mut line = Line::new(Bounds { places: 2, waiting: 10 });
    let (one, two) = (name(0), name(1));
    assert_eq!(line.enter(Side::Questions, &one, 1, || 1), Entered::Begins);
    assert!(matches!(line.enter(Side::Questions, &one, 1, || 2), Entered::Waits(_, None)));
    // The only place of this module is held by one who asks on: who waits for it waits in vain.
    assert_eq!(line.asks(&one, true), [2]);
    assert_eq!(line.enter(Side::Questions, &one, 1, || 3), Entered::TurnedAway(TurnedAway::AllAsk));
    // Another module has a place; when that asks as well, there is none for anybody.
    assert_eq!(line.enter(Side::Questions, &two, 2, || 4), Entered::Begins);
    assert!(line.asks(&two, true).is_empty());
    assert_eq!(line.enter(Side::Questions, &two, 2, || 5), Entered::TurnedAway(TurnedAway::AllAsk));
    assert!(line.asks(&two, false).is_empty());
    assert!(matches!(line.enter(Side::Questions, &two, 2, || 6), Entered::Waits(_, None)));
    let begun: Vec<i32> = line.leave(Side::Questions, &two).into_iter().map(|begin| begin.tell).collect();
    assert_eq!(begun, [6]);
}

#[test]
fn more_places_for_a_module_are_for_those_who_wait() {
    let mut line = Line::new(Bounds { places: 1, waiting: 10 });
    let one = name(0);
    assert_eq!(line.enter(Side::Callers, &one, 1, || 1), Entered::Begins);
    assert!(matches!(line.enter(Side::Callers, &one, 1, || 2), Entered::Waits(..)));
    assert!(matches!(line.enter(Side::Callers, &one, 1, || 3), Entered::Waits(..)));
    let (begun, hopeless) = line.rebound(Bounds { places: 8, waiting: 10 }, |_| Some(2));
    let begun: Vec<i32> = begun.into_iter().map(|begin| begin.tell).collect();
    assert_eq!((begun, hopeless), (vec![2], vec![]));
    // A request of an earlier edition does not put the old bound back.
    assert!(matches!(line.enter(Side::Callers, &one, 1, || 4), Entered::Waits(..)));
    let (begun, _) = line.rebound(Bounds { places: 8, waiting: 10 }, |_| Some(8));
    assert_eq!(begun.into_iter().map(|begin| begin.tell).collect::<Vec<i32>>(), [3, 4]);
}

#[test]
fn fewer_places_end_a_wait_that_became_hopeless() {
    let mut line = Line::new(Bounds { places: 2, waiting: 10 });
    let one = name(0);
    assert_eq!(line.enter(Side::Questions, &one, 2, || 1), Entered::Begins);
    assert_eq!(line.enter(Side::Questions, &one, 2, || 2), Entered::Begins);
    assert!(line.asks(&one, true).is_empty());
    assert!(matches!(line.enter(Side::Questions, &one, 2, || 3), Entered::Waits(..)));
    assert_eq!(line.rebound(Bounds { places: 1, waiting: 10 }, |_| Some(1)), (vec![], vec![3]));
}
