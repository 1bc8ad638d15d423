//! Chance that can be repeated.
//! In comes a seed from the environment, or a new one; out go numbers, and a line that says how to get the same ones.
//! What threads and processes make of them in time is not repeated.

use super::tell;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// Holds the seed of a run that is to be repeated.
const VARIABLE: &str = "QEWD_TEST_SEED";

/// Where all chance of one test comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed(u64);

impl Seed {
    /// The seed of this run, which is told.
    pub(crate) fn of_this_run(test: &str) -> Self {
        let given = std::env::var(VARIABLE).ok();
        let seed = given.map_or_else(rand::random, |given| {
            given.parse().unwrap_or_else(|_| panic!("{VARIABLE} is a number, not {given:?}"))
        });
        tell(&format!("{test}: to repeat its choices, set {VARIABLE}={seed}"));
        Self(seed)
    }

    /// Chance of its own for each of several parts, so that none depends on how fast another one is.
    pub(crate) fn part(self, number: u64) -> StdRng {
        StdRng::seed_from_u64(self.0.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }
}
