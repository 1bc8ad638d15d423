//! Which views there are, and who is asked for each: this host, or another one over its link.
//! In come a view and the query of a request; out goes the view as JSON.
//! It changes nothing.

use super::query;
use super::{Monitor, activity, afar, clients, fleet, handlers, links, overview, routes};
use crate::failure::Failure;

/// One side of a host that can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Overview,
    Links,
    Handlers,
    Routes,
    Clients,
    Activity,
    Fleet,
}

impl View {
    /// The view of this name in the API.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Overview, Self::Links, Self::Handlers, Self::Routes, Self::Clients, Self::Activity, Self::Fleet]
            .into_iter()
            .find(|view| view.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Links => "links",
            Self::Handlers => "handlers",
            Self::Routes => "routes",
            Self::Clients => "clients",
            Self::Activity => "activity",
            Self::Fleet => "fleet",
        }
    }

    /// Whether a host tells it to the monitors of others. Asked for its fleet, a host would ask its own services in turn.
    pub(super) fn is_told_to_hosts(self) -> bool {
        self != Self::Fleet
    }
}

impl Monitor {
    /// A view of this host, or of the host that the query names.
    pub(super) async fn view(&self, view: View, query: &str) -> Result<Vec<u8>, Failure> {
        match query::value(query, "host").filter(|host| *host != *self.edition().application) {
            Some(host) => afar::look(self, &host, view, query).await,
            None => self.look(view, query).await,
        }
    }

    /// A view of this host.
    pub(super) async fn look(&self, view: View, query: &str) -> Result<Vec<u8>, Failure> {
        let value = match view {
            View::Overview => overview::overview(self, query::value(query, "short").is_some()),
            View::Links => links::links(self),
            View::Handlers => handlers::handlers(self),
            View::Routes => routes::routes(self),
            View::Clients => clients::clients(self),
            View::Activity => activity::activity(self, query),
            View::Fleet => return fleet::fleet(self).await,
        };
        Ok(value.to_string().into_bytes())
    }
}
