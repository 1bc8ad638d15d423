//! Intermediate messages and pushes: whatever both hosts do and however the wire delivers, none is lost that is waited for,
//! none comes after the answer, and no more are on their way than the window allows.

use super::super::frame::WINDOW;
use super::*;
use crate::message::{Hearer, Part, Push, PushHead};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;

const TOO_MANY: &str = "it sent more intermediate messages than it may";

/// The intermediate message of this number, of a request of that number.
fn part(id: u64, number: usize) -> Part {
    Part { kind: Some(format!("of {id}")), body: Bytes::from(number.to_string()) }
}

fn push(number: usize) -> Push {
    let to = Hearer::Application("shop".to_owned());
    let head = PushHead { id: number.to_string(), to, kind: "news".to_owned(), hops: 1 };
    Push { head, body: Bytes::from("{}") }
}

/// Two ends with requests of these numbers in flight.
fn with_requests(ids: &[u64]) -> Rig {
    let mut rig = Rig::ready();
    for id in ids {
        rig.ask(*id).unwrap();
    }
    rig.deliver_all();
    rig
}

fn send_parts(rig: &mut Rig, id: u64, count: usize) {
    for number in 0..count {
        rig.callee.part(id, part(id, number));
    }
    rig.deliver_all();
}

fn heard_parts(rig: &Rig, id: u64) -> usize {
    rig.at_caller.iter().filter(|event| matches!(event, CallerEvent::Part(of, _) if *of == id)).count()
}

#[test]
fn a_host_that_sends_more_than_the_window_is_sent_away() {
    let mut rig = with_requests(&[1]);
    send_parts(&mut rig, 1, WINDOW);
    assert!(rig.both_live());
    send_parts(&mut rig, 1, 1);
    assert_eq!(protocol(rig.caller_ended.as_ref()), TOO_MANY);
    assert_eq!(heard_parts(&rig, 1), WINDOW);
}

#[test]
fn what_was_passed_on_makes_room_and_nothing_else_does() {
    let mut rig = with_requests(&[1, 2]);
    send_parts(&mut rig, 1, WINDOW);
    rig.caller.took(1, 3);
    rig.caller.took(2, 3);
    rig.deliver_all();
    let took = |event: &CalleeEvent| if let CalleeEvent::Took(id, count) = event { Some((*id, *count)) } else { None };
    assert_eq!(rig.at_callee.iter().filter_map(took).collect::<Vec<_>>(), [(1, 3), (2, 3)]);
    send_parts(&mut rig, 1, 3);
    assert!(rig.both_live());
    // What another request had passed on opens no room here, and saying too much opens no more than the window.
    rig.caller.took(2, usize::MAX);
    send_parts(&mut rig, 2, WINDOW);
    assert!(rig.both_live());
    send_parts(&mut rig, 1, 1);
    assert_eq!(protocol(rig.caller_ended.as_ref()), TOO_MANY);
}

#[test]
fn parts_of_a_request_that_was_given_up_are_dropped_and_cost_nothing() {
    let mut rig = with_requests(&[1, 2]);
    rig.caller.give_up(1);
    for number in 0..=WINDOW {
        rig.callee.part(1, part(1, number));
    }
    rig.deliver_all();
    assert_eq!(heard_parts(&rig, 1), 0);
    // It has heard of the cancellation now.
    rig.callee.part(1, part(1, 0));
    assert_eq!(rig.callee.next_out(), None);
    rig.caller.took(1, 1);
    assert_eq!(rig.caller.next_out(), None);
    send_parts(&mut rig, 2, 1);
    assert_eq!(heard_parts(&rig, 2), 1);
    assert!(rig.both_live());
}

#[test]
fn no_part_follows_the_answer() {
    let mut rig = with_requests(&[1]);
    rig.answer(1);
    rig.callee.part(1, part(1, 0));
    rig.deliver_all();
    // Not even if the other host says more.
    let late = Frame::Part { id: 1, part: part(1, 1) }.encode();
    assert_eq!(rig.caller.receive(Wire::Binary(late), rig.now), None);
    assert_eq!(rig.at_caller, [answered(1)]);
}

#[test]
fn a_part_or_a_push_larger_than_the_other_host_takes_costs_only_itself() {
    let mut rig = with_requests(&[1]);
    let large = Bytes::from(vec![b'1'; (1 << 20) + 1]);
    rig.callee.part(1, Part { kind: None, body: large.clone() });
    rig.callee.push(Push { body: large.clone(), ..push(0) });
    rig.caller.push(Push { body: large, ..push(1) });
    assert_eq!((rig.callee.next_out(), rig.caller.next_out()), (None, None));
    send_parts(&mut rig, 1, 1);
    assert_eq!(heard_parts(&rig, 1), 1);
}

#[test]
fn nothing_is_pushed_before_the_hosts_know_one_another_or_after_the_end() {
    let mut rig = Rig::connected();
    rig.collect();
    rig.callee.push(push(0));
    rig.caller.push(push(1));
    assert_eq!((rig.callee.next_out(), rig.caller.next_out()), (None, None));
    let mut rig = with_requests(&[1]);
    for way in [Wire::Text(String::new()), Wire::Binary(Bytes::new())] {
        let (caller, callee) = (rig.caller.receive(way.clone(), rig.now), rig.callee.receive(way, rig.now));
        rig.note_caller(caller);
        rig.note_callee(callee);
    }
    assert!(rig.caller_ended.is_some() && rig.callee_ended.is_some());
    rig.callee.push(push(0));
    rig.callee.part(1, part(1, 0));
    rig.callee.answer(1, reply(1));
    rig.caller.push(push(1));
    rig.caller.took(1, 1);
    rig.caller.give_up(1);
    assert_eq!((rig.callee.next_out(), rig.caller.next_out()), (None, None));
}

#[derive(Debug, Clone)]
enum Step {
    Ask,
    /// A handler says something; it waits where the window is closed.
    Say(Index),
    /// The asking shell passes on what it has.
    PassOn(Index),
    Answer(Index),
    GiveUp(Index),
    Deliver(bool),
    PushDown,
    PushUp,
}

fn step() -> impl Strategy<Value = Step> {
    let which = any::<Index>;
    prop_oneof![
        2 => Just(Step::Ask),
        20 => which().prop_map(Step::Say),
        2 => which().prop_map(Step::PassOn),
        1 => which().prop_map(Step::Answer),
        1 => which().prop_map(Step::GiveUp),
        16 => any::<bool>().prop_map(Step::Deliver),
        1 => Just(Step::PushDown),
        1 => Just(Step::PushUp),
    ]
}

/// One request, as the shells of both ends see it.
#[derive(Debug, Default)]
struct Asked {
    /// Parts that the answering shell has sent.
    said: usize,
    /// Parts that may still go.
    window: usize,
    /// Parts that the asking shell has heard.
    heard: usize,
    /// Those of them that it has not passed on yet.
    kept: usize,
    is_over: bool,
    is_given_up: bool,
}

struct Script {
    rig: Rig,
    asked: BTreeMap<u64, Asked>,
    pushed: [usize; 2],
    heard: [usize; 2],
}

impl Script {
    fn play(steps: &[Step]) -> Self {
        let mut script = Self { rig: Rig::ready(), asked: BTreeMap::new(), pushed: [0; 2], heard: [0; 2] };
        for step in steps {
            script.step(step);
            script.look();
        }
        script
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Ask => {
                let id = 1 + self.asked.len() as u64;
                self.rig.ask(id).unwrap();
                self.asked.insert(id, Asked { window: WINDOW, ..Asked::default() });
            }
            Step::Say(which) => self.say(*which),
            Step::PassOn(which) => {
                if let Some((id, asked)) = pick(&mut self.asked, *which).filter(|(_, asked)| asked.kept > 0) {
                    self.rig.caller.took(id, std::mem::take(&mut asked.kept));
                }
            }
            Step::Answer(which) => {
                let running: Vec<u64> = self.rig.running.iter().copied().collect();
                if !running.is_empty() {
                    self.rig.answer(running[which.index(running.len())]);
                }
            }
            Step::GiveUp(which) => {
                if let Some((id, asked)) = pick(&mut self.asked, *which) {
                    asked.is_given_up = true;
                    self.rig.caller.give_up(id);
                }
            }
            Step::Deliver(true) => _ = self.rig.deliver(Way::ToCallee),
            Step::Deliver(false) => _ = self.rig.deliver(Way::ToCaller),
            Step::PushDown => {
                self.rig.callee.push(push(self.pushed[0]));
                self.pushed[0] += 1;
            }
            Step::PushUp => {
                self.rig.caller.push(push(self.pushed[1]));
                self.pushed[1] += 1;
            }
        }
    }

    /// As the answering shell does: a part goes if the window is open.
    fn say(&mut self, which: Index) {
        let running: Vec<u64> = self.rig.running.iter().copied().collect();
        if running.is_empty() {
            return;
        }
        let id = running[which.index(running.len())];
        let asked = self.asked.get_mut(&id).unwrap();
        if asked.window > 0 {
            asked.window -= 1;
            self.rig.callee.part(id, part(id, asked.said));
            asked.said += 1;
        }
    }

    /// What both shells were told since the last look.
    fn look(&mut self) {
        for event in std::mem::take(&mut self.rig.at_caller) {
            match event {
                CallerEvent::Part(id, told) => {
                    let asked = self.asked.get_mut(&id).unwrap();
                    assert!(!asked.is_over && !asked.is_given_up, "a part of {id} that nobody waits for");
                    assert_eq!(told, part(id, asked.heard), "out of order");
                    asked.heard += 1;
                    asked.kept += 1;
                    assert!(asked.kept <= WINDOW);
                }
                CallerEvent::Answer(id, _) => {
                    let asked = self.asked.get_mut(&id).unwrap();
                    assert_eq!(asked.heard, asked.said, "parts of {id} are missing");
                    asked.is_over = true;
                }
                CallerEvent::Push(told) => {
                    assert_eq!(told, push(self.heard[0]));
                    self.heard[0] += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        for event in std::mem::take(&mut self.rig.at_callee) {
            match event {
                CalleeEvent::Took(id, count) => self.asked.get_mut(&id).unwrap().window += count,
                CalleeEvent::Push(told) => {
                    assert_eq!(told, push(self.heard[1]));
                    self.heard[1] += 1;
                }
                CalleeEvent::Request { .. } | CalleeEvent::Cancel(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

fn pick(asked: &mut BTreeMap<u64, Asked>, which: Index) -> Option<(u64, &mut Asked)> {
    let place = (!asked.is_empty()).then(|| which.index(asked.len()))?;
    asked.iter_mut().nth(place).map(|(id, asked)| (*id, asked))
}

proptest! {
    #[test]
    fn parts_and_pushes_come_in_order_and_within_the_window(steps in vec(step(), 0..400)) {
        let mut script = Script::play(&steps);
        script.rig.deliver_all();
        script.look();
        prop_assert_eq!(script.heard, script.pushed);
        for id in script.rig.running.clone() {
            let asked = script.asked.get_mut(&id).unwrap();
            prop_assert_eq!((asked.heard, asked.window + asked.kept), (asked.said, WINDOW));
            script.rig.caller.took(id, std::mem::take(&mut asked.kept));
        }
        script.rig.deliver_all();
        script.look();
        for id in std::mem::take(&mut script.rig.running) {
            prop_assert_eq!(script.asked[&id].window, WINDOW, "passing on opens the window again");
            script.rig.answer(id);
        }
        script.rig.deliver_all();
        script.look();
        prop_assert!(script.rig.both_live());
        prop_assert!(script.asked.values().all(|asked| asked.is_over || asked.is_given_up));
    }
}
