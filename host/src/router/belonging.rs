//! Which routes of routes.json a host has, and where each leads from there.
//! In comes the configuration of one host; out go its routes, in the order of the file, with their destinations.
//! Nothing here compares a path of a request.

use super::pattern::Pattern;
use super::table::{Choice, Destination, Destinations, takes_all_of};
use crate::configuration::{Configuration, Problem, Route};
use crate::names::{HandlerName, HostName, ServiceName};

/// A route that a host has.
pub(super) struct Belonging<'c> {
    pub(super) route: &'c Route,
    pub(super) pattern: Pattern,
    pub(super) destinations: Destinations,
}

/// The routes of this host, and a problem for each that nobody answers here.
pub(super) fn belonging(configuration: &Configuration) -> (Vec<Belonging<'_>>, Vec<Problem>) {
    let candidates: Vec<Candidate<'_>> =
        configuration.routes.iter().filter_map(|route| Candidate::new(route, configuration)).collect();
    let (mut belonging, mut problems) = (Vec::new(), Vec::new());
    for candidate in candidates.iter().filter(|candidate| !candidate.gives_way(&candidates)) {
        let route = candidate.route;
        match candidate.destinations() {
            Some(destinations) => {
                belonging.push(Belonging { route, pattern: Pattern::new(&route.parts), destinations });
            }
            None => {
                let what = "this route has no \"handler\"";
                problems.push(Problem::at(&route.place, what, "add \"handler\": \"…\", the name of who answers"));
            }
        }
    }
    (belonging, problems)
}

/// A route with a way from this host.
struct Candidate<'c> {
    route: &'c Route,
    pattern: Pattern,
    leads: Leads,
    /// Whether `from_microservices` names this host.
    names_host: bool,
}

enum Leads {
    One(Lead),
    /// By the path variable `destination`.
    Chosen(Vec<(ServiceName, Lead)>),
}

/// Where a route leads from this host.
enum Lead {
    Here,
    There(ServiceName),
    /// Of a group; this host may be one of them.
    Members {
        members: Vec<ServiceName>,
        has_own: bool,
    },
}

impl<'c> Candidate<'c> {
    fn new(route: &'c Route, configuration: &Configuration) -> Option<Self> {
        let leads = if route.has_choice() {
            let choices = choices(route, configuration);
            (!choices.is_empty()).then_some(Leads::Chosen(choices))
        } else {
            lead(route.on_microservice.as_ref(), route, configuration).map(Leads::One)
        };
        let names_host = names_host(route, &configuration.host);
        Some(Self { route, pattern: Pattern::new(&route.parts), leads: leads?, names_host })
    }

    /// Whether other routes say more about this host. In one folder for all hosts a chain is written as several routes of
    /// one path: the route that brings requests here needs no handler where others take them up, to answer or to lead on;
    /// and a route that names this host as the sender goes before one of the same path that names nobody.
    fn gives_way(&self, all: &[Self]) -> bool {
        let mut others = all.iter().filter(|other| !std::ptr::eq(*other, self));
        if self.answers() {
            let takes_up = |other: &Self| !other.answers() || other.route.handler.is_some();
            return self.route.handler.is_none() && others.any(|other| self.covers(other) && takes_up(other));
        }
        !self.names_host && others.any(|other| other.names_host && !other.answers() && self.is_like(other))
    }

    fn is_like(&self, other: &Self) -> bool {
        self.route.method == other.route.method && self.pattern.has_shape_of(&other.pattern)
    }

    /// Whether all requests of another route fit this one, too.
    fn covers(&self, other: &Self) -> bool {
        let same_methods = takes_all_of(self.route.method, other.route.method);
        same_methods && (self.pattern.has_shape_of(&other.pattern) || self.pattern.hides(&other.pattern))
    }

    /// Whether some request of it is answered here.
    fn answers(&self) -> bool {
        let is_here = |lead: &Lead| matches!(lead, Lead::Here);
        match &self.leads {
            Leads::One(lead) => is_here(lead),
            Leads::Chosen(choices) => choices.iter().any(|(_, lead)| is_here(lead)),
        }
    }

    /// Nothing if it would be answered here, and names no handler.
    fn destinations(&self) -> Option<Destinations> {
        let handler = self.route.handler.as_ref();
        match &self.leads {
            Leads::One(lead) => lead.destination(handler).map(Destinations::One),
            Leads::Chosen(choices) => {
                let choice = |(name, lead): &(ServiceName, Lead)| {
                    Some(Choice { name: name.clone(), destination: lead.destination(handler)? })
                };
                choices.iter().map(choice).collect::<Option<_>>().map(Destinations::Chosen)
            }
        }
    }
}

impl Lead {
    fn destination(&self, handler: Option<&HandlerName>) -> Option<Destination> {
        match self {
            Self::Here => handler.cloned().map(Destination::Here),
            Self::There(service) => Some(Destination::There(service.clone())),
            Self::Members { has_own: true, .. } if handler.is_none() => None,
            Self::Members { members, .. } => Some(Destination::Members(members.clone())),
        }
    }
}

/// What the path variable `destination` may say on this host: what the route names, and the members of its groups.
fn choices(route: &Route, configuration: &Configuration) -> Vec<(ServiceName, Lead)> {
    let mut choices: Vec<(ServiceName, Lead)> = Vec::new();
    for name in route.destinations().flat_map(|name| configuration.names_below(name)) {
        if choices.iter().all(|(known, _)| *known != name) {
            choices.extend(lead(Some(&name), route, configuration).map(|lead| (name, lead)));
        }
    }
    choices
}

fn names_host(route: &Route, host: &HostName) -> bool {
    route
        .from_microservices
        .as_ref()
        .is_some_and(|senders| senders.iter().any(|sender| sender.as_str() == host.as_str()))
}

/// Where a route leads that has this destination; nothing if it does not belong to this host.
fn lead(target: Option<&ServiceName>, route: &Route, configuration: &Configuration) -> Option<Lead> {
    let host = &configuration.host;
    let names_host = names_host(route, host);
    let may_send = names_host || route.from_microservices.is_none();
    let Some(target) = target else {
        let answers = if *host == HostName::Orchestrator { may_send } else { configuration.standalone };
        return answers.then_some(Lead::Here);
    };
    let is_own = |name: &ServiceName| name.as_str() == host.as_str();
    let members = configuration.leaves(target);
    let is_group = configuration.groups.iter().any(|group| group.name == *target);
    let has_own = members.iter().any(is_own);
    // A member answers what is meant for its group; only where the route names it as a sender it asks all of the group.
    if has_own && !(is_group && names_host) {
        return Some(Lead::Here);
    }
    let reachable = members.iter().all(|member| is_own(member) || configuration.links.contains(member));
    let lead = if is_group { Lead::Members { members, has_own } } else { Lead::There(target.clone()) };
    (may_send && reachable).then_some(lead)
}
