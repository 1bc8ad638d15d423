//! Whether files that belong together have changed and come to rest.
//! In come their stamps at each look; out goes whether they are to be read.
//! It has no clock and opens no file.

use crate::stamp::Stamp;
use std::path::PathBuf;

/// The files, each as it is now.
pub(super) type Stamps = Vec<(Option<Stamp>, PathBuf)>;

/// Files that are looked at again and again.
pub(super) struct Watched {
    /// As they were when they were taken.
    taken: Stamps,
    /// As the last look found them.
    seen: Stamps,
    /// As they were when they could not be taken: that is told once.
    refused: Option<Stamps>,
}

impl Watched {
    /// Files that were taken as they are.
    pub(super) fn new(taken: Stamps) -> Self {
        Self { seen: taken.clone(), taken, refused: None }
    }

    /// Whether they are to be read: they differ from what was taken, and two looks found them so. A pair is written in two
    /// steps, and halves of two pairs do not fit.
    pub(super) fn is_news(&mut self, now: &Stamps) -> bool {
        let rests = self.seen == *now;
        self.seen.clone_from(now);
        rests && *now != self.taken && self.refused.as_ref() != Some(now)
    }

    /// They could not be taken.
    pub(super) fn refuse(&mut self, now: Stamps) {
        self.refused = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(certificate: u64, key: u64) -> Stamps {
        [certificate, key].map(|number| (Some(Stamp::for_tests(number)), PathBuf::from("x"))).to_vec()
    }

    #[test]
    fn a_pair_is_read_once_both_halves_rest() {
        let mut watched = Watched::new(stamps(1, 1));
        assert!(!watched.is_news(&stamps(1, 1)));
        assert!(!watched.is_news(&stamps(2, 1)));
        assert!(!watched.is_news(&stamps(2, 2)));
        assert!(watched.is_news(&stamps(2, 2)));
    }

    #[test]
    fn what_was_refused_is_read_again_only_when_it_changes() {
        let mut watched = Watched::new(stamps(1, 1));
        watched.is_news(&stamps(2, 1));
        assert!(watched.is_news(&stamps(2, 1)));
        watched.refuse(stamps(2, 1));
        assert!(!watched.is_news(&stamps(2, 1)));
        watched.is_news(&stamps(2, 2));
        assert!(watched.is_news(&stamps(2, 2)));
        // Back to what is in service: there is nothing to do.
        watched.is_news(&stamps(1, 1));
        assert!(!watched.is_news(&stamps(1, 1)));
    }
}
