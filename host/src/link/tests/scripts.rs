//! Random scripts: whatever both hosts, the clock and the network do, the promises hold.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Debug, Clone)]
enum Step {
    Ask,
    /// The answering shell is done with one of its requests.
    Answer(Index),
    /// One of all the requests that were ever asked is given up.
    GiveUp(Index),
    Deliver(bool),
    /// Time passes and the wire delivers meanwhile.
    Pass(u16),
    /// Time passes and the wire does not deliver.
    Stall(u16),
    Leave,
    Cut(bool),
}

fn orderly() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Ask),
        5 => any::<Index>().prop_map(Step::Answer),
        2 => any::<Index>().prop_map(Step::GiveUp),
        8 => any::<bool>().prop_map(Step::Deliver),
        1 => any::<u16>().prop_map(Step::Pass),
        1 => (0..30_u16).prop_map(Step::Stall),
    ]
}

fn rough() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => orderly(),
        1 => any::<u16>().prop_map(Step::Stall),
        1 => Just(Step::Leave),
        1 => any::<bool>().prop_map(Step::Cut),
    ]
}

struct Script {
    rig: Rig,
    asked: BTreeSet<u64>,
    given_up: BTreeSet<u64>,
    /// Events of the caller that were looked at.
    seen: usize,
    answered: BTreeSet<u64>,
}

impl Script {
    fn new() -> Self {
        Self {
            rig: Rig::ready(),
            asked: BTreeSet::new(),
            given_up: BTreeSet::new(),
            seen: 0,
            answered: BTreeSet::new(),
        }
    }

    fn play(steps: &[Step]) -> Self {
        let mut script = Self::new();
        for step in steps {
            script.step(step);
            script.look();
        }
        script
    }

    fn step(&mut self, step: &Step) {
        let rig = &mut self.rig;
        match step {
            Step::Ask => {
                let id = 1 + self.asked.len() as u64;
                if rig.caller_ended.is_none() && rig.ask(id).is_ok() {
                    self.asked.insert(id);
                }
            }
            Step::Answer(which) => {
                if let Some(id) = pick(&rig.running, *which) {
                    rig.answer(id);
                }
            }
            Step::GiveUp(which) => {
                if let Some(id) = pick(&self.asked, *which) {
                    rig.caller.give_up(id);
                    self.given_up.insert(id);
                }
            }
            Step::Deliver(true) => _ = rig.deliver(Way::ToCallee),
            Step::Deliver(false) => _ = rig.deliver(Way::ToCaller),
            Step::Pass(milliseconds) => rig.pass(Duration::from_millis((*milliseconds).into())),
            Step::Stall(milliseconds) => {
                rig.now += Duration::from_millis((*milliseconds).into());
                rig.wake();
            }
            Step::Leave => rig.callee.leave(),
            Step::Cut(both) => rig.cut(if *both { &[Way::ToCallee, Way::ToCaller] } else { &[Way::ToCallee] }),
        }
    }

    /// Checks what the caller's shell was told since the last look.
    fn look(&mut self) {
        for event in &self.rig.at_caller[self.seen..] {
            if let CallerEvent::Answer(id, response) = event {
                assert_eq!(*response, reply(*id), "{id} got another's answer");
                assert!(self.asked.contains(id), "{id} was never asked");
                assert!(self.answered.insert(*id), "{id} was answered twice");
            }
        }
        self.seen = self.rig.at_caller.len();
        let ends = |ended: bool, events: usize| assert_eq!(usize::from(ended), events, "ended more than once");
        let ended = |event: &&CallerEvent| matches!(event, CallerEvent::Ended(_));
        ends(self.rig.caller_ended.is_some(), self.rig.at_caller.iter().filter(ended).count());
        let ended = |event: &&CalleeEvent| matches!(event, CalleeEvent::Ended(_));
        ends(self.rig.callee_ended.is_some(), self.rig.at_callee.iter().filter(ended).count());
    }

    fn settle(&mut self) {
        self.rig.deliver_all();
        self.look();
    }
}

fn pick(from: &BTreeSet<u64>, which: Index) -> Option<u64> {
    (!from.is_empty()).then(|| *from.iter().nth(which.index(from.len())).unwrap())
}

proptest! {
    #[test]
    fn whatever_happens_an_answer_comes_at_most_once_and_is_its_own(steps in vec(rough(), 0..120)) {
        let mut script = Script::play(&steps);
        script.settle();
        prop_assert!(script.answered.is_subset(&script.asked));
    }

    #[test]
    fn a_wire_that_delivers_brings_each_answer_exactly_once(steps in vec(orderly(), 0..120)) {
        let mut script = Script::play(&steps);
        script.settle();
        prop_assert!(script.rig.both_live(), "{:?} {:?}", script.rig.caller_ended, script.rig.callee_ended);
        while let Some(id) = script.rig.running.pop_first() {
            script.rig.answer(id);
        }
        script.settle();
        let waited_for: BTreeSet<u64> = script.asked.difference(&script.given_up).copied().collect();
        prop_assert!(waited_for.is_subset(&script.answered), "{waited_for:?} {:?}", script.answered);
        prop_assert!(script.rig.callee.is_idle());
    }

    #[test]
    fn once_all_is_delivered_both_ends_agree_on_what_is_open(steps in vec(orderly(), 0..120)) {
        let mut script = Script::play(&steps);
        script.settle();
        let open: BTreeSet<u64> = script
            .asked
            .iter()
            .filter(|id| !script.given_up.contains(id) && !script.answered.contains(id))
            .copied()
            .collect();
        prop_assert_eq!(&script.rig.running, &open);
        prop_assert_eq!(script.rig.callee.is_idle(), open.is_empty());
        for id in script.asked.difference(&open) {
            script.rig.callee.answer(*id, reply(*id));
            prop_assert!(script.rig.callee.next_out().is_none(), "{} is still open", id);
        }
        for id in &open {
            prop_assert!(!script.rig.callee.is_idle());
            script.rig.callee.answer(*id, reply(*id));
        }
        prop_assert!(script.rig.callee.is_idle());
        for id in script.asked.difference(&open) {
            script.rig.caller.give_up(*id);
            prop_assert!(script.rig.caller.next_out().is_none(), "{} is still waited for", id);
        }
    }

    #[test]
    fn a_leaving_host_still_answers_all_that_reached_it(steps in vec(orderly(), 0..80), after in vec(orderly(), 0..40)) {
        let mut script = Script::play(&steps);
        script.rig.callee.leave();
        for step in &after {
            script.step(step);
            script.look();
        }
        script.settle();
        prop_assert_eq!(script.rig.ask(u64::MAX), Err(NotTaken::NotReady));
        while let Some(id) = script.rig.running.pop_first() {
            script.rig.answer(id);
        }
        script.settle();
        prop_assert!(script.asked.iter().all(|id| script.answered.contains(id) || script.given_up.contains(id)));
        prop_assert!(script.rig.both_live());
    }

    #[test]
    fn any_message_at_any_moment_never_panics(steps in vec(wild(), 0..80)) {
        let mut now = Instant::now();
        let mut caller = Caller::new(&register(), now);
        let mut callee = Callee::new(REQUEST_TIME, now);
        let mut ends = (0, 0);
        for step in steps {
            let (mut at_caller, mut at_callee) = (None, None);
            match step {
                Wild::Hear(message) => {
                    at_caller = caller.receive(message.clone(), now);
                    at_callee = callee.receive(message, now);
                }
                Wild::Wake(milliseconds) => {
                    now += Duration::from_millis(milliseconds.into());
                    at_caller = caller.wake(now);
                    at_callee = callee.wake(now);
                }
                Wild::Ask(id) => _ = caller.ask(id, &request("", now), now),
                Wild::GiveUp(id) => caller.give_up(id),
                Wild::Answer(id) => callee.answer(id, reply(id)),
                Wild::Welcome => callee.welcome(welcome()),
                Wild::Refuse => callee.refuse("no".to_owned()),
                Wild::Leave => callee.leave(),
            }
            ends.0 += u32::from(matches!(at_caller, Some(CallerEvent::Ended(_))));
            ends.1 += u32::from(matches!(at_callee, Some(CalleeEvent::Ended(_))));
            if ends.0 > 0 {
                prop_assert_eq!(caller.ask(u64::MAX, &request("", now), now), Err(NotTaken::NotReady));
            }
            while caller.next_out().is_some() {}
            while callee.next_out().is_some() {}
        }
        prop_assert!(ends.0 <= 1 && ends.1 <= 1);
    }
}

/// Steps that no well-behaved host or shell takes.
#[derive(Debug, Clone)]
enum Wild {
    Hear(Wire),
    Wake(u16),
    Ask(u64),
    GiveUp(u64),
    Answer(u64),
    Welcome,
    Refuse,
    Leave,
}

fn wild() -> impl Strategy<Value = Wild> {
    let id = || 0..6_u64;
    let greeting_answer =
        r#"{"type":"","finished":true,"message":{"token":"","service":"","version":"","handlers":[]}}"#;
    let refusal = r#"{"type":"","finished":true,"message":{"error":"no"}}"#;
    let greeting = serde_json::to_string(&register()).unwrap();
    let said = [greeting_answer, refusal, &greeting, "{}"].map(|text| Wire::Text(text.to_owned()));
    let now = Instant::now();
    let head = move |id| {
        let asked = request("", now);
        let head = super::super::frame::RequestHead::new(&asked, now);
        owned(Frame::Request { id, request: head, body: Bytes::new() })
    };
    let frame = prop_oneof![
        4 => id().prop_map(head),
        4 => id().prop_map(|id| Frame::Answer { id, response: reply(id) }),
        2 => id().prop_map(|id| Frame::Cancel { id }),
        1 => Just(Frame::Leaving),
    ];
    let message = prop_oneof![
        3 => proptest::sample::select(said.to_vec()),
        6 => frame.prop_map(|frame| Wire::Binary(frame.encode())),
        1 => vec(any::<u8>(), 0..40).prop_map(|bytes| Wire::Binary(bytes.into())),
        1 => (0..4_u64).prop_map(Wire::Ping),
        1 => (0..4_u64).prop_map(Wire::Pong),
    ];
    prop_oneof![
        8 => message.prop_map(Wild::Hear),
        2 => (0..3000_u16).prop_map(Wild::Wake),
        3 => id().prop_map(Wild::Ask),
        1 => id().prop_map(Wild::GiveUp),
        2 => id().prop_map(Wild::Answer),
        3 => Just(Wild::Welcome),
        1 => Just(Wild::Refuse),
        1 => Just(Wild::Leave),
    ]
}
