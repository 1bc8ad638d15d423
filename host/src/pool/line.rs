//! The line in front of the workers, as a state machine: who may begin, who waits, who is turned away.
//! In come requests of modules, and places that come free; out goes who may begin now.
//! It has no clock and no lock, and never runs anything.
//!
//! A module's requests begin in the order in which they came. A free place goes to the modules in turn. A full line makes
//! room for a module that has few in it by turning away the newest of the module that has most.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Which places a request needs: a handler that asks another one of its host would else hold the very place that its
/// question waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Callers,
    Questions,
}

/// How many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Places on each side.
    pub(super) places: usize,
    /// Requests that may wait, on both sides together.
    pub(super) waiting: usize,
}

/// Requests of one module on one side.
struct Lane<T> {
    /// Places that it may have.
    most: usize,
    busy: usize,
    /// Of these, how many handlers wait for an answer themselves.
    asking: usize,
    waiting: VecDeque<(u64, T)>,
}

struct Places<T> {
    busy: usize,
    asking: usize,
    lanes: HashMap<Arc<str>, Lane<T>>,
    /// Modules that wait, whose turn it is first.
    turns: VecDeque<Arc<str>>,
}

/// Why a request is turned away, in words for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TurnedAway {
    #[error("{0} requests wait already; raise max_queue_length or poolSize")]
    Full(usize),
    #[error("the line is full, and most of it are requests of the same module; raise max_queue_length or poolSize")]
    MadeRoom,
    #[error("the request's time passed while it waited for a worker; raise poolSize")]
    TooLate,
    #[error(
        "every worker that answers a question of a handler waits for another answer; raise poolSize, or let handlers ask less deep"
    )]
    AllAsk,
}

/// What became of a request that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entered<T> {
    /// It may begin.
    Begins,
    /// It waits under this number; if another one had to make room, that one is turned away.
    Waits(u64, Option<T>),
    TurnedAway(TurnedAway),
}

/// One who waited and may begin now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Begin<T> {
    pub(super) side: Side,
    pub(super) module: Arc<str>,
    pub(super) tell: T,
}

/// The line and the places behind it. `T` is how a waiting request is told.
pub(super) struct Line<T> {
    bounds: Bounds,
    waiting: usize,
    number: u64,
    callers: Places<T>,
    questions: Places<T>,
}

impl<T> Line<T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, waiting: 0, number: 0, callers: Places::default(), questions: Places::default() }
    }

    /// A request of a module that may have `most` places. `tell` is made only if it has to wait.
    pub(super) fn enter(&mut self, side: Side, module: &Arc<str>, most: usize, tell: impl FnOnce() -> T) -> Entered<T> {
        let bounds = self.bounds;
        let lane = self.side(side).lane(module, most);
        let may_begin = lane.waiting.is_empty() && lane.busy < most;
        let places = self.side(side);
        if may_begin && places.busy < bounds.places {
            places.begin(module);
            return Entered::Begins;
        }
        if side == Side::Questions && places.is_hopeless(module, bounds.places) {
            places.tidy(module);
            return Entered::TurnedAway(TurnedAway::AllAsk);
        }
        let made_room = if self.waiting < bounds.waiting { None } else { self.make_room(module) };
        if made_room.is_none() && self.waiting >= bounds.waiting {
            self.side(side).tidy(module);
            return Entered::TurnedAway(TurnedAway::Full(bounds.waiting));
        }
        self.number += 1;
        self.waiting += 1;
        let number = self.number;
        self.side(side).wait(module, number, tell());
        Entered::Waits(number, made_room)
    }

    /// Requests that run, and requests that wait.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.callers.busy + self.questions.busy, self.waiting)
    }

    /// A request ended: its place is free. Returns who may begin.
    pub(super) fn leave(&mut self, side: Side, module: &Arc<str>) -> Vec<Begin<T>> {
        let places = self.side(side);
        places.busy = places.busy.saturating_sub(1);
        if let Some(lane) = places.lanes.get_mut(module) {
            lane.busy = lane.busy.saturating_sub(1);
        }
        let begin = self.fill(side);
        self.side(side).tidy(module);
        begin
    }

    /// A request that waits goes away. It may have begun meanwhile: then nothing happens.
    pub(super) fn give_up(&mut self, side: Side, module: &Arc<str>, number: u64) {
        let places = self.side(side);
        let Some(lane) = places.lanes.get_mut(module) else { return };
        let before = lane.waiting.len();
        lane.waiting.retain(|(waiting, _)| *waiting != number);
        let gone = before - lane.waiting.len();
        places.tidy(module);
        self.waiting -= gone;
    }

    /// A handler that answers a question asks one itself, or (`begins` false) has its answer. Returns whose wait became
    /// hopeless by that.
    pub(super) fn asks(&mut self, module: &Arc<str>, begins: bool) -> Vec<T> {
        let places = &mut self.questions;
        let change = |asking: &mut usize| *asking = if begins { *asking + 1 } else { asking.saturating_sub(1) };
        change(&mut places.asking);
        if let Some(lane) = places.lanes.get_mut(module) {
            change(&mut lane.asking);
        }
        let hopeless = self.hopeless();
        self.questions.tidy(module);
        hopeless
    }

    /// Takes the questions for which no place can come free.
    fn hopeless(&mut self) -> Vec<T> {
        let (bounds, places) = (self.bounds, &mut self.questions);
        let names: Vec<Arc<str>> = places.turns.iter().cloned().collect();
        let mut hopeless = Vec::new();
        for name in names {
            if !places.is_hopeless(&name, bounds.places) {
                continue;
            }
            if let Some(lane) = places.lanes.get_mut(&name) {
                hopeless.extend(std::mem::take(&mut lane.waiting).into_iter().map(|(_, tell)| tell));
            }
            places.tidy(&name);
        }
        self.waiting -= hopeless.len();
        hopeless
    }

    /// Other bounds from now on, for all and for each module. Returns who may begin, and whose wait became hopeless.
    pub(super) fn rebound(&mut self, bounds: Bounds, most: impl Fn(&str) -> Option<usize>) -> (Vec<Begin<T>>, Vec<T>) {
        self.bounds = bounds;
        for places in [&mut self.callers, &mut self.questions] {
            for (name, lane) in &mut places.lanes {
                lane.most = most(name).unwrap_or(lane.most);
            }
        }
        let mut begin = self.fill(Side::Callers);
        begin.extend(self.fill(Side::Questions));
        (begin, self.hopeless())
    }

    fn side(&mut self, side: Side) -> &mut Places<T> {
        match side {
            Side::Callers => &mut self.callers,
            Side::Questions => &mut self.questions,
        }
    }

    fn fill(&mut self, side: Side) -> Vec<Begin<T>> {
        let most = self.bounds.places;
        let begin = self.side(side).fill(most);
        self.waiting -= begin.len();
        begin.into_iter().map(|(module, tell)| Begin { side, module, tell }).collect()
    }

    /// Turns away the newest request of the module that has most in the line, if it has more than this one would have.
    fn make_room(&mut self, module: &Arc<str>) -> Option<T> {
        let (length, greedy) = self.names().map(|name| (self.waits(name), name)).max_by_key(|(length, _)| *length)?;
        if length <= self.waits(module) + 1 {
            return None;
        }
        let greedy = Arc::clone(greedy);
        let waits = |places: &Places<T>| places.waits(&greedy);
        let places =
            if waits(&self.callers) >= waits(&self.questions) { &mut self.callers } else { &mut self.questions };
        let (_, tell) = places.lanes.get_mut(&greedy)?.waiting.pop_back()?;
        places.tidy(&greedy);
        self.waiting -= 1;
        Some(tell)
    }

    fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.callers.turns.iter().chain(&self.questions.turns)
    }

    /// How many requests of a module wait, on both sides.
    fn waits(&self, module: &Arc<str>) -> usize {
        self.callers.waits(module) + self.questions.waits(module)
    }
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { busy: 0, asking: 0, lanes: HashMap::new(), turns: VecDeque::new() }
    }
}

impl<T> Places<T> {
    /// The lane of a module. `most` is for a new one: while there is one, only new bounds change it, so that a request of
    /// an earlier edition does not.
    fn lane(&mut self, module: &Arc<str>, most: usize) -> &mut Lane<T> {
        let empty = || Lane { most, busy: 0, asking: 0, waiting: VecDeque::new() };
        self.lanes.entry(Arc::clone(module)).or_insert_with(empty)
    }

    fn waits(&self, module: &Arc<str>) -> usize {
        self.lanes.get(module).map_or(0, |lane| lane.waiting.len())
    }

    fn begin(&mut self, module: &Arc<str>) {
        self.busy += 1;
        if let Some(lane) = self.lanes.get_mut(module) {
            lane.busy += 1;
        }
    }

    fn wait(&mut self, module: &Arc<str>, number: u64, tell: T) {
        let Some(lane) = self.lanes.get_mut(module) else { return };
        lane.waiting.push_back((number, tell));
        if lane.waiting.len() == 1 {
            self.turns.push_back(Arc::clone(module));
        }
    }

    /// Lets those begin for whom there is a place.
    fn fill(&mut self, most: usize) -> Vec<(Arc<str>, T)> {
        let mut begin = Vec::new();
        while self.busy < most {
            let may = |name: &Arc<str>| self.lanes.get(name).is_some_and(|lane| lane.busy < lane.most);
            let Some(turn) = self.turns.iter().position(may) else { break };
            let Some(name) = self.turns.remove(turn) else { break };
            let Some(lane) = self.lanes.get_mut(&name) else { continue };
            if let Some((_, tell)) = lane.waiting.pop_front() {
                if !lane.waiting.is_empty() {
                    self.turns.push_back(Arc::clone(&name));
                }
                self.begin(&name);
                begin.push((name, tell));
            }
        }
        begin
    }

    /// Whether no place that this module could get will come free by itself.
    fn is_hopeless(&self, module: &Arc<str>, places: usize) -> bool {
        let lane_asks = self.lanes.get(module).is_some_and(|lane| lane.asking >= lane.most);
        self.asking >= places || lane_asks
    }

    /// Forgets a lane in which nothing is, and the turn of one in which nobody waits.
    fn tidy(&mut self, module: &Arc<str>) {
        let Some(lane) = self.lanes.get(module) else { return };
        if lane.waiting.is_empty() {
            self.turns.retain(|name| name != module);
            if lane.busy == 0 && lane.asking == 0 {
                self.lanes.remove(module);
            }
        }
    }
}
