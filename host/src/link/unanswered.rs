//! A request that a link could not get answered, and what is known of it.
//! In comes the failure with its cause; out goes what follows from the cause: may another instance be asked, and is this one to blame?
//! It never looks for another instance.

use crate::failure::{Failure, NotRun};
use crate::response::Response;

/// No answer of the service.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) cause: Cause,
    /// What the caller is told if it stays at that.
    pub(super) failure: Failure,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The link was not ready when the request's turn came: nothing was sent.
    NotSent,
    /// The link has too much in flight, or the service does not read what it is sent: nothing was sent.
    Busy,
    /// The request is too large for the service: nothing was sent.
    Unfit,
    /// The link was lost after the request was handed to it. Whether it ran is not known.
    Lost,
    /// Nothing came until the deadline, also no word of the service about it.
    Late,
}

/// Whether another instance may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Never,
    /// It may run twice, which does no harm, but costs.
    WithinBudget,
    /// It never ran, so a second try is no more work for anybody.
    Freely,
}

/// Whether another instance may be asked after this answer.
pub(super) fn again_after(response: &Response) -> Again {
    if response.not_run().is_some() { Again::Freely } else { Again::Never }
}

impl Cause {
    pub(super) fn because(self, failure: Failure) -> Unanswered {
        Unanswered { cause: self, failure }
    }

    /// Whether the request never left this host.
    pub(super) fn never_sent(self) -> Option<NotRun> {
        match self {
            Self::NotSent => Some(NotRun::Unable),
            Self::Busy => Some(NotRun::Busy),
            Self::Unfit | Self::Lost | Self::Late => None,
        }
    }

    pub(super) fn again(self, method: &str) -> Again {
        match self {
            Self::NotSent | Self::Busy => Again::Freely,
            Self::Lost if is_idempotent(method) => Again::WithinBudget,
            Self::Lost | Self::Unfit | Self::Late => Again::Never,
        }
    }

    /// Whether it speaks against the instance: a link that is down speaks for itself.
    pub(super) fn blames_the_instance(self) -> bool {
        match self {
            Self::Busy | Self::Lost | Self::Late => true,
            Self::NotSent | Self::Unfit => false,
        }
    }
}

/// Whether doing it twice is the same as doing it once (RFC 9110, 9.2.2).
fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_run_is_repeated_only_where_that_does_no_harm() {
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
            assert_eq!(Cause::Lost.again(method), Again::WithinBudget, "{method}");
        }
        for method in ["POST", "PATCH", "MESSAGE", "get", ""] {
            assert_eq!(Cause::Lost.again(method), Again::Never, "{method}");
        }
    }

    #[test]
    fn what_was_never_sent_may_go_elsewhere_unless_it_is_too_large() {
        for method in ["GET", "POST", "MESSAGE"] {
            assert_eq!(Cause::NotSent.again(method), Again::Freely);
            assert_eq!(Cause::Busy.again(method), Again::Freely);
            assert_eq!(Cause::Unfit.again(method), Again::Never);
            assert_eq!(Cause::Late.again(method), Again::Never);
        }
    }
}
