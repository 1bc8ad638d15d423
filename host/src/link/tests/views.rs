//! What a monitor asks of one instance: exactly that one, once, and beside what clients ask.

use super::super::facts::LinkFacts;
use super::super::handle::{Command, Link, Reply};
use super::super::instances::Instance;
use super::super::target::Target;
use super::super::unanswered::Cause;
use super::*;
use crate::configuration::Address;
use crate::failure::{Failure, NOT_RUN};
use futures_util::FutureExt as _;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::{mpsc, watch};

/// An instance whose link's task is played by the test.
struct Played {
    instance: Instance,
    inbox: mpsc::Receiver<Command>,
    facts: watch::Sender<LinkFacts>,
}

impl Played {
    fn ready() -> Self {
        let address = Address::new("http://far", Some(8080)).unwrap();
        let (link, inbox, facts) = Link::new(Target::new(address));
        facts.send_modify(|facts| {
            facts.ready(welcome(), SystemTime::now());
        });
        Self { instance: Instance::new(link), inbox, facts }
    }

    /// The request that the task was given, and where its answer goes.
    fn asked(&mut self) -> (Arc<Request>, Reply) {
        match self.inbox.try_recv() {
            Ok(Command::Ask { request, reply, .. }) => (request, reply),
            _ => panic!("nothing was asked"),
        }
    }
}

fn question() -> Request {
    request("", Instant::now() + Duration::from_secs(5))
}

#[tokio::test(start_paused = true)]
async fn a_view_is_asked_as_a_monitor_asks_and_is_no_request_in_flight() {
    let mut played = Played::ready();
    for kind in [Kind::Rest, Kind::Service, Kind::Message, Kind::Monitor] {
        let (instance, inbox) = (&played.instance, &mut played.inbox);
        let mut view = Box::pin(instance.view(Request { kind, ..question() }));
        assert!((&mut view).now_or_never().is_none());
        let Ok(Command::Ask { request, reply, .. }) = inbox.try_recv() else { panic!("nothing was asked") };
        assert_eq!((request.kind, request.path.as_str()), (Kind::Monitor, "/api/login"));
        assert_eq!(instance.in_flight(), 0);
        reply.send(Ok(self::reply(1))).unwrap();
        assert_eq!(view.await, Ok(self::reply(1)));
    }
}

/// For a client's request each of these would count against the instance.
#[tokio::test(start_paused = true)]
async fn a_view_that_fails_is_asked_once_and_blamed_on_nobody() {
    let mut played = Played::ready();
    let unable = Response::from(Failure::connection_down("x").with_header(NOT_RUN, "unable"));
    for _ in 0..20 {
        let view = played.instance.view(question());
        let mut view = Box::pin(view);
        assert!((&mut view).now_or_never().is_none());
        let Ok(Command::Ask { reply, .. }) = played.inbox.try_recv() else { panic!("nothing was asked") };
        reply.send(Ok(unable.clone())).unwrap();
        assert_eq!(view.await, Ok(unable.clone()));
        assert!(played.inbox.try_recv().is_err() && !played.instance.is_resting());

        let mut view = Box::pin(played.instance.view(question()));
        assert!((&mut view).now_or_never().is_none());
        let Ok(Command::Ask { reply, .. }) = played.inbox.try_recv() else { panic!("nothing was asked") };
        reply.send(Err(Cause::Lost.because(Failure::connection_down("it was lost")))).unwrap();
        assert_eq!(view.await.unwrap_err().status, 503);
        assert!(played.inbox.try_recv().is_err() && !played.instance.is_resting());
    }
}

#[tokio::test(start_paused = true)]
async fn a_view_of_an_instance_that_is_down_fails_at_once() {
    let mut played = Played::ready();
    played
        .facts
        .send_modify(|facts| facts.down("far at http://far:8080: it is stopping".to_owned(), SystemTime::now()));
    let failure = played.instance.view(question()).now_or_never().unwrap().unwrap_err();
    assert_eq!((failure.status, failure.operator.as_deref()), (503, Some("far at http://far:8080: it is stopping")));
    assert!(played.inbox.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_view_that_takes_too_long_is_given_up() {
    let mut played = Played::ready();
    let (started, view) = (Instant::now(), played.instance.view(question()));
    assert_eq!(view.await.unwrap_err().status, 504);
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    let (request, _reply) = played.asked();
    assert_eq!(request.kind, Kind::Monitor);
    assert!(matches!(played.inbox.try_recv(), Ok(Command::GiveUp { .. })));
}
