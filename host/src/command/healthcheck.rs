//! `qewd healthcheck`: asks the host of this machine how it is, for containers and scripts.
//! In come the arguments with which the host was started; out go one line, and exit code 0 or 1.
//! It starts nothing and writes nothing, and needs neither the data folder nor any module.

use super::HealthcheckArguments;
use crate::configuration::Configuration;
use crate::listener::{LIVE, Probed, READY, probe};
use crate::startup::Whereabouts;
use crate::tls::Trust;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::timeout;

/// How long the answer may take, 3 s: it costs a host microseconds, and whoever runs this check has a longer limit.
const ANSWER_TIME: Duration = Duration::from_secs(3);

/// Where the host is to be.
struct Place {
    port: u16,
    /// Nothing: config.json cannot be read, so both ways are tried.
    speaks_tls: Option<bool>,
}

/// What arguments, environment or config.json say of the two ports.
#[derive(Clone, Copy, Default)]
struct Wanted {
    own: Option<u16>,
    management: Option<u16>,
}

/// Asks the host.
///
/// # Errors
/// Words, when it is not well or does not answer.
pub(super) async fn healthcheck(arguments: HealthcheckArguments) -> Result<ExitCode, String> {
    let path = if arguments.ready { READY } else { LIVE };
    let place = place(&arguments.app.folder(), &arguments)?;
    let asked = timeout(ANSWER_TIME, ask(&place, path)).await;
    let Probed { status, body } =
        asked.map_err(|_| format!("port {} gave no answer within {} s", place.port, ANSWER_TIME.as_secs()))??;
    let words = String::from_utf8_lossy(&body).into_owned();
    if status != 200 {
        return Err(format!("{path} of port {} answered {status}: {words}", place.port));
    }
    writeln!(std::io::stdout(), "{words}").map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// A host that runs is asked where it listens: config.json may have changed since it started. Where none is found, it is looked for
/// where one would be.
fn place(folder: &Path, arguments: &HealthcheckArguments) -> Result<Place, String> {
    let said = |given: Option<super::GivenPort>| given.and_then(|given| given.0);
    let given = Wanted { own: said(arguments.port), management: said(arguments.management_port) };
    let running = Whereabouts::of_running(folder, arguments.microservice.as_deref());
    if let [host] = given.among(&running)[..] {
        return Ok(host.into());
    }
    // A file that is being edited must not make a host that runs look ill.
    let (configuration, _) = Configuration::survey(folder, arguments.microservice.as_deref());
    let settings = configuration.as_ref().map(|configuration| &configuration.settings);
    let wanted = Wanted {
        own: given.own.or(settings.map(|settings| settings.port)),
        management: given.management.or(settings.and_then(|settings| settings.management_port)),
    };
    if let [host] = wanted.among(&running)[..] {
        return Ok(host.into());
    }
    let port = wanted.management.or(wanted.own).unwrap_or(crate::configuration::DEFAULT_PORT);
    if port == 0 {
        return Err(
            "the host takes a free port; name the one that its log tells, with --port or --management-port".to_owned()
        );
    }
    Ok(Place { port, speaks_tls: settings.map(|settings| settings.ssl.served.is_some()) })
}

impl Wanted {
    /// Those hosts that this may mean: 0 is any port.
    fn among(self, running: &[Whereabouts]) -> Vec<Whereabouts> {
        let fits = |wanted: Option<u16>, has: Option<u16>| wanted.is_none_or(|port| port == 0 || has == Some(port));
        let fitting = running
            .iter()
            .filter(|host| fits(self.own, Some(host.port)) && fits(self.management, host.management_port));
        fitting.copied().collect()
    }
}

impl From<Whereabouts> for Place {
    fn from(host: Whereabouts) -> Self {
        Self { port: host.management_port.unwrap_or(host.port), speaks_tls: Some(host.speaks_tls) }
    }
}

async fn ask(place: &Place, path: &str) -> Result<Probed, String> {
    if place.speaks_tls != Some(true) {
        let plain = probe(place.port, path, None).await;
        if plain.is_ok() || place.speaks_tls.is_some() {
            return plain;
        }
    }
    probe(place.port, path, Some(&Trust::of_this_machine()?)).await
}
