//! A request to a group: every member is asked at once.
//! In come a request and the members; out goes one answer, made of theirs, before the caller's time is over.
//! It never waits for a slow member when the time of the others' answers has come.

use super::merge::Merge;
use super::record::{Record, Waits};
use super::{Dispatch, onward, patience};
use crate::edition::Edition;
use crate::failure::Failure;
use crate::names::ServiceName;
use crate::request::Request;
use crate::response::Response;
use crate::router::Decision;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How much earlier than the caller's the members' time is over: enough for the answer of the others to arrive in time.
const MARGIN: Duration = Duration::from_millis(100);

/// What every member is asked.
struct Question<'q> {
    request: Request,
    /// When whoever has not answered is answered for.
    give_up: Instant,
    members: &'q [ServiceName],
}

impl Dispatch {
    /// Asks all members and puts their answers together.
    pub(super) async fn group(
        &self,
        edition: &Edition,
        members: &[ServiceName],
        decision: &Decision<'_>,
        record: &mut Record<'_>,
    ) -> Result<Response, Failure> {
        let request = record.request;
        if let Some(handler) = decision.entry.handler.as_ref().filter(|_| request.as_member) {
            // Who sent it asks the other members as well.
            return self.here(edition, handler, decision, record).await;
        }
        let admitted = edition.access.admit(request, decision.entry.authenticate);
        if request.bearer().is_none() {
            self.check_links(edition, members, patience(request, &admitted)).await?;
        }
        admitted?;
        let question = Question::new(request, members);
        let mut asking: FuturesUnordered<_> =
            (0..members.len()).map(|number| self.ask_member(edition, &question, number, decision)).collect();
        let mut merge = Merge::new(members, edition.configuration.settings.limits.response);
        let asked = async {
            while let Some((number, response)) = asking.next().await {
                merge.take(number, &response);
            }
        };
        let watch = record.watch(Waits::Link);
        asked.await;
        drop(watch);
        Ok(merge.finish(request.token_in_header))
    }

    /// The answer of one member, also of one that cannot be asked, with its number.
    async fn ask_member(
        &self,
        edition: &Edition,
        question: &Question<'_>,
        number: usize,
        decision: &Decision<'_>,
    ) -> (usize, Response) {
        let Some(member) = question.members.get(number) else {
            return (number, Failure::connection_down("there is no such member").into());
        };
        // Each member is asked in a span of its own.
        let request = Arc::new(Request { trace: question.request.trace.child(), ..question.request.clone() });
        let mut record = Record::new(self, &request, Some(member));
        record.found(decision);
        let asked = async {
            match &decision.entry.handler {
                Some(handler) if is_this_host(edition, member) => {
                    self.here(edition, handler, decision, &mut record).await
                }
                _ => {
                    let _watch = record.watch(Waits::Link);
                    self.ask_as_member(edition, &request, member).await
                }
            }
        };
        let late = || Failure::deadline("the member did not answer in the time of its group");
        let outcome = timeout_at(question.give_up, asked).await.unwrap_or_else(|_| Err(late()));
        record.write(&outcome);
        (number, outcome.unwrap_or_else(Response::from))
    }
}

impl<'q> Question<'q> {
    fn new(request: &Request, members: &'q [ServiceName]) -> Self {
        let (deadline, mut request) = (request.deadline, Request::clone(request));
        // Their tokens must not have to be cut out of their bodies.
        request.token_in_header = true;
        let has_time = deadline.saturating_duration_since(Instant::now()) > 2 * MARGIN;
        let earlier = |by: Duration| deadline.checked_sub(by).filter(|_| has_time).unwrap_or(deadline);
        request.deadline = earlier(MARGIN);
        Self { request, give_up: earlier(MARGIN / 2), members }
    }
}

fn is_this_host(edition: &Edition, member: &ServiceName) -> bool {
    member.as_str() == &*edition.application
}

impl Dispatch {
    /// Asks a member for its own part.
    async fn ask_as_member(
        &self,
        edition: &Edition,
        request: &Request,
        member: &ServiceName,
    ) -> Result<Response, Failure> {
        let mut request = onward(edition, request, request.trace.clone())?;
        request.as_member = true;
        self.ask(edition, member, request).await
    }

    /// Whether anybody can be asked; if not, the words of the first link that is down.
    async fn check_links(&self, edition: &Edition, members: &[ServiceName], deadline: Instant) -> Result<(), Failure> {
        // One that is there is enough; only where nobody is may those who are about to be back be waited for.
        if members.iter().any(|member| is_this_host(edition, member) || edition.links.is_ready(member)) {
            return Ok(());
        }
        let mut first = None;
        for member in members {
            match self.check_link(edition, member, deadline).await {
                Ok(()) => return Ok(()),
                Err(down) => first = first.or(Some(down)),
            }
        }
        first.map_or(Ok(()), Err)
    }
}
