//! What disturbs: one disturber for each wire, and one for the processes.
//! In come a relay or hosts, and chance; out goes trouble, until the ledger says that it is enough.
//! They never stop in mid-trouble: what was killed is started again before they end.

use crate::harness::{Cut, Host, Launch, Manner, Relay, Ways};
use crate::ledger::{Ledger, Part};
use rand::RngExt as _;
use rand::rngs::StdRng;
use std::time::{Duration, Instant};

/// How long a pause looks away from the ledger at most.
const LOOK: Duration = Duration::from_millis(20);

/// Waits a random number of milliseconds, or until it is enough.
fn pause(ledger: &Ledger, chance: &mut StdRng, milliseconds: std::ops::Range<u64>) {
    let end = Instant::now() + Duration::from_millis(chance.random_range(milliseconds));
    while Instant::now() < end && ledger.part() == Part::Disturbed {
        std::thread::sleep(LOOK);
    }
}

/// Disturbs one wire until it is enough, and leaves it as it is then.
pub(crate) fn disturb_wire<'a>(relay: &'a Relay, ledger: &'a Ledger, mut chance: StdRng) -> impl FnOnce() + Send + 'a {
    move || {
        while ledger.part() == Part::Disturbed {
            pause(ledger, &mut chance, 0..2500);
            let how = if chance.random() { Cut::Reset } else { Cut::Finish };
            match chance.random_range(0..16_usize) {
                0..2 => relay.set(Manner::Delay(Duration::from_millis(chance.random_range(1..60)))),
                2..5 => relay.set(Manner::Split(chance.random_range(1..40))),
                silent @ 5..9 => {
                    relay.set(Manner::Stall([Ways::There, Ways::Back, Ways::Both][silent % 3]));
                    // Longer than requests have, and now and then so long that the hosts find it out themselves.
                    pause(ledger, &mut chance, 1000..6500);
                }
                9 => relay.set(Manner::Swallow),
                10 => relay.cut(how),
                11 => {
                    relay.refuse(true);
                    relay.cut(how);
                }
                _ => relay.cut_after(chance.random_range(0..200_000), how),
            }
            pause(ledger, &mut chance, 50..1500);
            if ledger.part() == Part::Disturbed {
                relay.heal();
            }
        }
    }
}

/// A host that is killed and started again, on the same port.
pub(crate) struct Process<'a> {
    name: &'static str,
    launch: Box<dyn Fn() -> Launch + Send + 'a>,
    host: Host,
    /// What the hosts before this one said.
    before: Vec<String>,
}

impl<'a> Process<'a> {
    pub(crate) fn start(name: &'static str, launch: impl Fn() -> Launch + Send + 'a) -> Self {
        let host = launch().start();
        Self { name, launch: Box::new(launch), host, before: Vec::new() }
    }

    pub(crate) fn port(&self) -> u16 {
        self.host.port
    }

    /// Everything that its hosts said.
    pub(crate) fn end(mut self) -> Vec<String> {
        self.before.extend(self.host.lines());
        self.before
    }

    fn disturb(&mut self, ledger: &Ledger, chance: &mut StdRng) {
        if chance.random() {
            self.host.kill();
        } else {
            self.host.signal("TERM");
            let code = self.host.ended().code();
            assert_eq!(code, Some(0), "{} was stopped and has not answered everything", self.name);
        }
        self.before.extend(self.host.lines());
        pause(ledger, chance, 0..1500);
        self.host = (self.launch)().start();
    }
}

/// Kills and stops processes until it is enough, and gives them back running.
pub(crate) fn disturb_processes<'a>(
    mut processes: [Process<'a>; 2],
    ledger: &'a Ledger,
    mut chance: StdRng,
) -> impl FnOnce() -> [Process<'a>; 2] + Send + 'a {
    move || {
        for turn in 0.. {
            pause(ledger, &mut chance, 500..5000);
            if ledger.part() != Part::Disturbed {
                break;
            }
            processes[turn % 2].disturb(ledger, &mut chance);
        }
        processes
    }
}
