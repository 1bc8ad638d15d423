//! The two ways into a port: straight to the application, which almost all requests want, and through the router to the host's
//! own paths.
//! In comes a request; out goes its answer.
//! Both ways lead to the same answers: the straight one only leaves out what a router does for each request.

use super::{Certified, Front, Serves, metrics, ports, rest};
use crate::configuration::Cors;
use crate::router::owner;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio_util::either::Either;
use tower::{Layer as _, Service};

/// The ways of one port, as long as the same pages of other sites may use it.
pub(super) struct Ways {
    /// None: the port serves no application.
    straight: Option<Straight>,
    router: TowerToHyperService<Router>,
}

/// The application's requests, with or without what browsers want for pages of other sites.
enum Straight {
    Plain(Application),
    Cors(Box<tower_http::cors::Cors<Application>>),
}

impl Ways {
    pub(super) fn new(front: &Arc<Front>, serves: Serves, allowed: &Cors) -> Self {
        let application = Application { front: Arc::clone(front), address: IpAddr::from([0; 4]) };
        let straight = match ports::cors(allowed) {
            _ if serves == Serves::Operators => None,
            Some(cors) => Some(Straight::Cors(Box::new(cors.layer(application)))),
            None => Some(Straight::Plain(application)),
        };
        Self { straight, router: ports::router(front, serves, allowed) }
    }

    /// Answers a request of a client with this address.
    pub(super) fn answer(
        &self,
        mut request: Request<Incoming>,
        address: IpAddr,
        certified: Certified,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + Send + use<> {
        match self.straight.as_ref().filter(|_| is_of_the_application(&request)) {
            Some(Straight::Plain(application)) => {
                Either::Left(Either::Left(Application { address, ..application.clone() }.call(request)))
            }
            Some(Straight::Cors(cors)) => {
                let mut cors = (**cors).clone();
                cors.get_mut().address = address;
                Either::Left(Either::Right(cors.call(request)))
            }
            None => {
                request.extensions_mut().insert(ConnectInfo(address));
                request.extensions_mut().insert(certified);
                Either::Right(self.router.call(request))
            }
        }
    }
}

/// Whether the host has no path of its own for a request.
fn is_of_the_application(request: &Request<Incoming>) -> bool {
    let path = request.uri().path();
    path != metrics::PATH && owner(path, request.method() == Method::POST).is_none()
}

/// What answers the application's requests on one connection.
#[derive(Clone)]
struct Application {
    front: Arc<Front>,
    /// The client's.
    address: IpAddr,
}

impl Service<Request<Incoming>> for Application {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let (front, address) = (Arc::clone(&self.front), self.address);
        Box::pin(async move { Ok(rest::answer_client(&front, address, request).await) })
    }
}
