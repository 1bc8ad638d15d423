//! The ports that a host takes: its own, and if it is to have one, the second one for operators.
//! In come what the command line and config.json say; out go sockets, or words that say why not.
//! It serves nothing itself.

use super::Options;
use crate::configuration::{HostSettings, check_ports};
use crate::listener::{Front, Port, Serves, bind, serve};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long the connections of operators may take to end when everything else has: they get no long answers.
const FAREWELL: Duration = Duration::from_secs(1);

/// The sockets of a host.
pub(super) struct Sockets {
    own: TcpListener,
    operators: Option<TcpListener>,
}

/// Their numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    pub(super) own: u16,
    pub(super) operators: Option<u16>,
}

/// What ends the second port, as the last of all.
#[derive(Default)]
pub(super) struct Operators {
    stop: CancellationToken,
    live: TaskTracker,
}

impl Sockets {
    /// Takes them.
    ///
    /// # Errors
    /// When one is taken or not allowed, or both are the same.
    pub(super) async fn bind(options: &Options, settings: &HostSettings) -> Result<Self, String> {
        let port = options.port.unwrap_or(settings.port);
        let second = options.management_port.or(settings.management_port);
        check_ports(port, second)
            .map_err(|words| format!("{words}; choose another with --port or --management-port"))?;
        let own = bind(port, "--port").await?;
        let operators = match second {
            Some(second) => Some(bind(second, "--management-port").await?),
            None => None,
        };
        Ok(Self { own, operators })
    }

    /// Which ports they are.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(super) fn numbers(&self) -> Result<Numbers, String> {
        let number = |socket: &TcpListener| socket.local_addr().map(|address| address.port());
        let numbers =
            || Ok(Numbers { own: number(&self.own)?, operators: self.operators.as_ref().map(number).transpose()? });
        numbers().map_err(|error: std::io::Error| error.to_string())
    }

    /// Serves them from now on.
    pub(super) fn serve(self, front: &Arc<Front>) -> Operators {
        let ending = Operators::default();
        let serves = if self.operators.is_some() { Serves::Application } else { Serves::Everything };
        let port = Port { socket: self.own, serves, stop: front.stop.clone(), live: front.live.clone() };
        front.live.spawn(serve(port, Arc::clone(front)));
        if let Some(socket) = self.operators {
            let (stop, live) = (ending.stop.clone(), ending.live.clone());
            let port = Port { socket, serves: Serves::Operators, stop, live };
            ending.live.spawn(serve(port, Arc::clone(front)));
        }
        ending
    }
}

impl Operators {
    /// Closes the second port.
    pub(super) async fn close(self) {
        self.stop.cancel();
        self.live.close();
        // Who does not take the last answer in this time does without it.
        let _ = tokio::time::timeout(FAREWELL, self.live.wait()).await;
    }
}
