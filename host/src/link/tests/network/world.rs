//! The network itself: connections with their latencies and ends, and what the shells around the ends do.
//! In comes a plan; out goes what became of every request.
//! It never sleeps: time is a number that jumps from one event to the next.

use super::*;
use std::collections::BTreeMap;

/// From the loss of a connection to the next one.
const RECONNECTED: Duration = Duration::from_millis(700);

/// How a request ended for the one who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There was no connection.
    Down,
    /// The connection was lost while it waited.
    Lost,
    /// Its time passed.
    Late,
    Answered,
}

/// What arrives: a message, or the end of the connection.
type Arrival = (Instant, Option<Wire>);

/// One connection with its ends and their shells. A shell that has let go of its end has none.
pub(super) struct Connection {
    caller: Option<Caller>,
    callee: Option<Callee>,
    is_ready: bool,
    to_callee: VecDeque<Arrival>,
    to_caller: VecDeque<Arrival>,
    /// What is said from now on never arrives.
    pulled: bool,
    /// The requests of this connection that wait, and those that run, with the moment at which they are done.
    waiting: BTreeSet<u64>,
    running: BTreeMap<u64, Instant>,
}

pub(super) struct World {
    start: Instant,
    pub(super) now: Instant,
    plan: Plan,
    /// The last one is the one that is used; earlier ones may not know yet that they are lost.
    pub(super) connections: Vec<Connection>,
    reconnect: Option<Instant>,
    stalled: Instant,
    twice: (bool, bool),
    sent: usize,
    pub(super) deadlines: BTreeMap<u64, Instant>,
    pub(super) outcomes: BTreeMap<u64, Outcome>,
}

impl World {
    fn new(plan: Plan) -> Self {
        let now = Instant::now();
        let mut world = Self {
            start: now,
            now,
            plan,
            connections: Vec::new(),
            reconnect: None,
            stalled: now,
            twice: (false, false),
            sent: 0,
            deadlines: BTreeMap::new(),
            outcomes: BTreeMap::new(),
        };
        world.connect();
        world
    }

    /// Lives through the plan and the calm after it.
    pub(super) fn live(plan: Plan) -> Self {
        let mut world = Self::new(plan);
        world.plan.asked.sort_unstable();
        world.plan.troubles.sort_unstable_by_key(|(at, _)| *at);
        let (asked, troubles) = (world.plan.asked.clone(), world.plan.troubles.clone());
        let mut asked = asked.into_iter().zip(1..).peekable();
        let mut troubles = troubles.into_iter().peekable();
        loop {
            let at = |millisecond: u16| world.start + Duration::from_millis(millisecond.into());
            let (ask, trouble) =
                (asked.peek().map(|((when, ..), _)| at(*when)), troubles.peek().map(|(when, _)| at(*when)));
            let Some(next) = ask.into_iter().chain(trouble).min() else { break };
            world.pass_until(next);
            if ask == Some(next) {
                let ((_, time, work), id) = asked.next().unwrap();
                world.ask(id, time, work);
            } else {
                let (_, trouble) = troubles.next().unwrap();
                world.trouble(trouble);
            }
        }
        world.pass_until(world.now + CALM);
        // The peers behave from now on.
        world.twice = (false, false);
        world
    }

    fn connect(&mut self) {
        self.connections.push(Connection {
            caller: Some(Caller::new(&register(), self.now)),
            callee: Some(Callee::new(REQUEST_TIME, self.now)),
            is_ready: false,
            to_callee: VecDeque::new(),
            to_caller: VecDeque::new(),
            pulled: false,
            waiting: BTreeSet::new(),
            running: BTreeMap::new(),
        });
        self.reconnect = None;
    }

    fn last(&mut self) -> &mut Connection {
        self.connections.last_mut().unwrap()
    }

    /// The work that a request brings travels in its body.
    pub(super) fn ask(&mut self, id: u64, time: u16, work: u16) {
        let (now, deadline) = (self.now, self.now + Duration::from_millis(time.into()));
        self.deadlines.insert(id, deadline);
        let connection = self.last();
        let taken = connection.caller.as_mut().filter(|_| connection.is_ready);
        match taken.map(|caller| caller.ask(id, &request(&work.to_string(), deadline), now)) {
            Some(Ok(())) => _ = connection.waiting.insert(id),
            Some(Err(NotTaken::NotReady)) | None => self.end(id, Outcome::Down),
            Some(Err(other)) => panic!("{other:?}"),
        }
    }

    /// The one who asked has its outcome, in time and only once.
    fn end(&mut self, id: u64, outcome: Outcome) {
        let latest = self.deadlines[&id];
        assert!(self.now <= latest, "{id} ended {outcome:?} {:?} too late", self.now - latest);
        let before = self.outcomes.insert(id, outcome);
        assert_eq!(before, None, "{id} ended a second time, now {outcome:?}");
    }

    fn trouble(&mut self, trouble: Trouble) {
        let (now, number) = (self.now, self.connections.len() - 1);
        match trouble {
            Trouble::Reset => {
                self.let_go_of_caller(number);
                self.let_go_of_callee(number);
            }
            Trouble::HalfOpen => {
                self.last().pulled = true;
                self.let_go_of_caller(number);
            }
            Trouble::Pulled => {
                let connection = self.last();
                connection.pulled = true;
                connection.to_callee.clear();
                connection.to_caller.clear();
            }
            Trouble::Stall(milliseconds) => {
                self.stalled = now + Duration::from_millis(milliseconds.into());
                for connection in &mut self.connections {
                    for (arrives, _) in connection.to_callee.iter_mut().chain(&mut connection.to_caller) {
                        *arrives = self.stalled.max(*arrives);
                    }
                }
            }
            Trouble::Leave => {
                if let Some(callee) = &mut self.last().callee {
                    callee.leave();
                }
            }
            Trouble::RequestTwice => self.twice.0 = true,
            Trouble::AnswerTwice => self.twice.1 = true,
            Trouble::CancelMadeUp if self.last().is_ready => {
                self.send(number, Way::ToCallee, Some(Wire::Binary(Frame::Cancel { id: MADE_UP }.encode())));
            }
            Trouble::AnswerMadeUp if self.last().is_ready => {
                let frame = Frame::Answer { id: MADE_UP, response: reply(MADE_UP) };
                self.send(number, Way::ToCaller, Some(Wire::Binary(frame.encode())));
            }
            Trouble::CancelMadeUp | Trouble::AnswerMadeUp => {}
        }
    }

    /// Puts a message, or the end of the connection, on its way.
    fn send(&mut self, number: usize, way: Way, message: Option<Wire>) {
        let latency = self.plan.latencies[self.sent % self.plan.latencies.len()];
        self.sent += 1;
        let soonest = self.stalled.max(self.now + Duration::from_millis(latency.into()));
        let is = |wanted: fn(&Frame) -> bool| match &message {
            Some(Wire::Binary(bytes)) => Frame::decode(bytes.clone()).is_ok_and(|frame| wanted(&frame)),
            _ => false,
        };
        let twice = match way {
            Way::ToCallee if is(|frame| matches!(frame, Frame::Request { .. })) => std::mem::take(&mut self.twice.0),
            Way::ToCaller if is(|frame| matches!(frame, Frame::Answer { .. })) => std::mem::take(&mut self.twice.1),
            _ => false,
        };
        let connection = &mut self.connections[number];
        let queue = if way == Way::ToCallee { &mut connection.to_callee } else { &mut connection.to_caller };
        if connection.pulled {
            return;
        }
        let arrives = queue.back().map_or(soonest, |(last, _)| soonest.max(*last));
        queue.extend(vec![(arrives, message); if twice { 2 } else { 1 }]);
    }

    /// The asking shell ends its connection: everybody who waits is answered, and soon there is another one.
    fn let_go_of_caller(&mut self, number: usize) {
        let connection = &mut self.connections[number];
        if connection.caller.take().is_none() {
            return;
        }
        connection.is_ready = false;
        for id in std::mem::take(&mut connection.waiting) {
            self.end(id, Outcome::Lost);
        }
        self.send(number, Way::ToCallee, None);
        self.reconnect = Some(self.now + RECONNECTED);
    }

    /// The answering shell ends its connection, and all that runs for it.
    fn let_go_of_callee(&mut self, number: usize) {
        let connection = &mut self.connections[number];
        connection.running.clear();
        if connection.callee.take().is_some() {
            self.send(number, Way::ToCaller, None);
        }
    }

    /// Lets time pass, from one moment at which something happens to the next.
    pub(super) fn pass_until(&mut self, until: Instant) {
        for moments in 0.. {
            assert!(moments < 100_000, "something happens without end");
            self.collect();
            let Some(next) = self.next_moment().filter(|next| *next <= until) else { break };
            self.now = next.max(self.now);
            if self.reconnect.is_some_and(|moment| moment <= self.now) {
                self.connect();
            }
            for number in 0..self.connections.len() {
                self.arrive_at_callee(number);
                self.arrive_at_caller(number);
                self.finish(number);
                self.wake(number);
            }
        }
        self.now = until;
    }

    fn next_moment(&self) -> Option<Instant> {
        let of_one = |connection: &Connection| {
            let arrivals =
                [&connection.to_callee, &connection.to_caller].map(|queue| queue.front().map(|(when, _)| *when));
            let wakes =
                [connection.caller.as_ref().map(Caller::next_wake), connection.callee.as_ref().map(Callee::next_wake)];
            let deadlines = connection.waiting.iter().map(|id| self.deadlines[id]).min();
            let done = connection.running.values().min().copied();
            arrivals.into_iter().chain(wakes).chain([deadlines, done]).flatten().min()
        };
        self.connections.iter().filter_map(of_one).chain(self.reconnect).min()
    }

    /// Takes what the ends want to say onto the wire.
    fn collect(&mut self) {
        for number in 0..self.connections.len() {
            while let Some(message) = self.connections[number].caller.as_mut().and_then(Caller::next_out) {
                self.send(number, Way::ToCallee, Some(message));
            }
            while let Some(message) = self.connections[number].callee.as_mut().and_then(Callee::next_out) {
                self.send(number, Way::ToCaller, Some(message));
            }
            if self.connections[number].caller.as_ref().is_some_and(Caller::is_done) {
                self.let_go_of_caller(number);
            }
        }
    }

    fn arrive_at_callee(&mut self, number: usize) {
        let now = self.now;
        while let Some((_, message)) = self.connections[number].to_callee.pop_front_if(|(when, _)| *when <= now) {
            let Some(callee) = &mut self.connections[number].callee else { continue };
            let Some(message) = message else {
                self.let_go_of_callee(number);
                continue;
            };
            let sign = sign(&message);
            let event = callee.receive(message, now);
            if sign.is_some() {
                self.send(number, Way::ToCaller, sign);
            }
            self.at_callee(number, event);
        }
    }

    fn at_callee(&mut self, number: usize, event: Option<CalleeEvent>) {
        let connection = &mut self.connections[number];
        match event {
            Some(CalleeEvent::Greeted(_)) => connection.callee.as_mut().unwrap().welcome(welcome()),
            Some(CalleeEvent::Request { id, request, .. }) => {
                let work = std::str::from_utf8(&request.body).unwrap().parse().unwrap();
                let done = request.deadline.min(self.now + Duration::from_millis(work));
                assert_eq!(connection.running.insert(id, done), None, "{id} runs twice");
            }
            Some(CalleeEvent::Cancel(id)) => assert!(connection.running.remove(&id).is_some(), "{id} does not run"),
            Some(CalleeEvent::Ended(_)) => self.let_go_of_callee(number),
            Some(CalleeEvent::Took(..) | CalleeEvent::Push(_)) | None => {}
        }
    }

    fn arrive_at_caller(&mut self, number: usize) {
        let now = self.now;
        while let Some((_, message)) = self.connections[number].to_caller.pop_front_if(|(when, _)| *when <= now) {
            let Some(caller) = &mut self.connections[number].caller else { continue };
            let Some(message) = message else {
                self.let_go_of_caller(number);
                continue;
            };
            let sign = sign(&message);
            let event = caller.receive(message, now);
            if sign.is_some() {
                self.send(number, Way::ToCallee, sign);
            }
            self.at_caller(number, event);
        }
    }

    fn at_caller(&mut self, number: usize, event: Option<CallerEvent>) {
        let connection = &mut self.connections[number];
        match event {
            Some(CallerEvent::Ready(_)) => connection.is_ready = true,
            Some(CallerEvent::Answer(id, response)) => {
                assert_eq!(response, reply(id), "{id} got another's answer");
                assert!(connection.waiting.remove(&id), "{id} does not wait");
                self.end(id, Outcome::Answered);
            }
            Some(CallerEvent::Ended(_)) => self.let_go_of_caller(number),
            Some(
                CallerEvent::Leaving
                | CallerEvent::Offers(_)
                | CallerEvent::Part(..)
                | CallerEvent::Push(_)
                | CallerEvent::RoundTrip(_),
            )
            | None => {}
        }
    }

    /// Handlers are done, and requests have waited long enough.
    fn finish(&mut self, number: usize) {
        let now = self.now;
        let connection = &mut self.connections[number];
        for (id, _) in connection.running.extract_if(.., |_, done| *done <= now) {
            connection.callee.as_mut().unwrap().answer(id, reply(id));
        }
        let late: Vec<u64> = connection.waiting.extract_if(.., |id| self.deadlines[id] <= now).collect();
        for id in &late {
            connection.caller.as_mut().unwrap().give_up(*id);
        }
        for id in late {
            self.end(id, Outcome::Late);
        }
    }

    fn wake(&mut self, number: usize) {
        let now = self.now;
        let connection = &mut self.connections[number];
        let at_caller = connection.caller.as_mut().filter(|end| end.next_wake() <= now).and_then(|end| end.wake(now));
        let at_callee = connection.callee.as_mut().filter(|end| end.next_wake() <= now).and_then(|end| end.wake(now));
        self.at_caller(number, at_caller);
        self.at_callee(number, at_callee);
    }

    /// Every request has its outcome, and no end keeps anything of one.
    pub(super) fn assert_nothing_is_left(&self) {
        assert_eq!(self.outcomes.len(), self.deadlines.len(), "a request has no outcome");
        let (last, lost) = self.connections.split_last().unwrap();
        assert!(
            lost.iter().all(|connection| connection.caller.is_none() && connection.callee.is_none()),
            "a lost one lives"
        );
        assert!(last.is_ready, "there is no connection");
        for connection in &self.connections {
            assert!(connection.waiting.is_empty() && connection.running.is_empty(), "a lost request runs or waits");
        }
        assert!(last.callee.as_ref().unwrap().is_idle());
    }
}

/// What the library answers a question for a sign of life.
fn sign(message: &Wire) -> Option<Wire> {
    match message {
        Wire::Ping(number) => Some(Wire::Pong(*number)),
        _ => None,
    }
}
