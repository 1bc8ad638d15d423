//! The verbs of the program, one each, and where each goes.
//! In comes the command line, out goes the exit code; what went wrong is said in words on standard error.
//! It never does the work itself.

mod run;
mod owner;
mod data;
mod orphans;
mod check;
mod dev;
mod build;
mod documents;
mod healthcheck;
mod hash_password;
mod schema;
mod shell;

use crate::configuration::Address;
use crate::names::ServiceName;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where containers mount the application folder.
const MOUNTED: &str = "/opt/qewd/mapped";
/// Where containers mount the data folder.
const DATA: &str = "/opt/qewd/data";

/// Tasks after which a thread looks for events of sockets and timers. A busy handler is one task of up to 10 ms, so the
/// library's 61 would let others wait for more than half a second.
const EVENT_INTERVAL: u32 = 7;

/// Routes REST requests to handlers compiled to WebAssembly, here or on microservices.
#[derive(Parser)]
#[command(name = "qewd", version, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Subcommand)]
enum Verb {
    /// Run a host: the orchestrator, or a microservice. What `qewd` alone does, too
    Run(RunArguments),
    /// Load everything, start nothing, and tell every problem with its mend
    Check(CheckArguments),
    /// Build the handlers, run every host of config.json on this machine, and build again what changes while they run
    Dev(DevArguments),
    /// List, show, export, import or check the documents of a host, also while it runs
    Documents(documents::DocumentsArguments),
    /// Ask the host that runs on this machine whether it is well, as containers do
    Healthcheck(HealthcheckArguments),
    /// Ask for a password and print its hash, for "managementPassword" in config.json
    HashPassword,
    /// Print the JSON Schema of config.json or routes.json, for editors
    Schema(schema::SchemaArguments),
    /// Print the script that completes this program's words in a shell
    Completions(CompletionsArguments),
    /// Print the manual page, or write it and one page for each verb into a folder
    Man(ManArguments),
}

#[derive(Args)]
struct RunArguments {
    #[command(flatten)]
    app: AppArgument,
    /// The microservice to run, as config.json names it [default: the orchestrator]
    #[arg(long, env = "microservice", value_name = "NAME")]
    microservice: Option<String>,
    /// Listen on this port, 0 for a free one [default: qewd.port of the host's own block, or 8080]
    #[arg(long, env = "QEWD_PORT", value_name = "N", value_parser = port)]
    port: Option<GivenPort>,
    /// Show health, metrics and the monitor on this port and nowhere else, 0 for a free one [default: qewd.managementPort
    /// of the host's own block, or none: they are on the one port]
    #[arg(long, env = "QEWD_MANAGEMENT_PORT", value_name = "N", value_parser = port)]
    management_port: Option<GivenPort>,
    /// Keep here what the host writes: documents, and compiled modules [default: /opt/qewd/data if it exists, else documents
    /// are kept in memory, and compiled modules in the user's cache folder]
    #[arg(long, env = "QEWD_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Reach a microservice at this address, not at the configured one: login_service=http://127.0.0.1:8081. Several
    /// times with one name: several instances of it
    #[arg(long, value_name = "NAME=URL", value_parser = service)]
    service: Vec<(ServiceName, Address)>,
    /// Stop when standard input ends: how `qewd dev` makes sure that its hosts end with it
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

#[derive(Args)]
struct CheckArguments {
    #[command(flatten)]
    app: AppArgument,
}

#[derive(Args)]
struct HealthcheckArguments {
    #[command(flatten)]
    app: AppArgument,
    /// Ask whether it wants requests, with everything that it requires [default: whether it answers at all]
    #[arg(long)]
    ready: bool,
    /// The microservice that runs here, as config.json names it [default: the orchestrator]
    #[arg(long, env = "microservice", value_name = "NAME")]
    microservice: Option<String>,
    /// Its port [default: that of the host that runs; where none is found, as configured, or 8080]
    #[arg(long, env = "QEWD_PORT", value_name = "N", value_parser = port)]
    port: Option<GivenPort>,
    /// Its second port, if it has one [default: that of the host that runs; where none is found, as configured]
    #[arg(long, env = "QEWD_MANAGEMENT_PORT", value_name = "N", value_parser = port)]
    management_port: Option<GivenPort>,
}

#[derive(Args)]
struct DevArguments {
    #[command(flatten)]
    app: AppArgument,
    /// The orchestrator's port; the microservices take the free ones that follow [default: as configured, or 8080]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Keep the documents of each host in a folder of its name below this one [default: in memory, until this ends]
    #[arg(long, env = "QEWD_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Args)]
struct CompletionsArguments {
    /// The shell that is to know them
    shell: Shell,
}

#[derive(Args)]
struct ManArguments {
    /// Write the pages into this folder: qewd.1, qewd-run.1 and so on
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

#[derive(Args)]
struct AppArgument {
    /// The application folder [default: /opt/qewd/mapped if it exists, else the current folder]
    #[arg(long = "app", value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl AppArgument {
    fn folder(&self) -> PathBuf {
        let mounted = || PathBuf::from(MOUNTED);
        let chosen = self.folder.clone().or_else(|| mounted().is_dir().then(mounted));
        chosen.unwrap_or_else(|| PathBuf::from("."))
    }
}

impl RunArguments {
    /// The data folder, and what the log has to say about it.
    fn data(&self) -> (Option<PathBuf>, Option<String>) {
        match &self.data {
            Some(named) => (Some(named.clone()), None),
            None => data::mounted(Path::new(DATA)),
        }
    }

    /// Serves as the owner of the application folder, where the environment asks for that.
    fn become_owner(&self) -> Option<String> {
        let data = self.data.clone().or_else(|| Some(PathBuf::from(DATA)).filter(|data| data.is_dir()));
        owner::become_owner(&self.app.folder(), data.as_deref(), self.microservice.as_deref())
    }
}

/// A port as the command line or the environment says it; none: an empty text, which says nothing.
#[derive(Debug, Clone, Copy)]
struct GivenPort(Option<u16>);

fn port(text: &str) -> Result<GivenPort, String> {
    let number = (!text.is_empty()).then(|| text.parse()).transpose();
    number.map(GivenPort).map_err(|_| format!("use a whole number from 0 to {}", u16::MAX))
}

fn service(text: &str) -> Result<(ServiceName, Address), String> {
    let (name, url) = text.split_once('=').ok_or("use NAME=URL, such as login_service=http://127.0.0.1:8081")?;
    let name = ServiceName::new(name).map_err(|bad| bad.to_string())?;
    Ok((name, url.parse().map_err(|bad| format!("{bad}"))?))
}

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    let line = CommandLine::parse();
    let verb = line.verb.unwrap_or(Verb::Run(line.run));
    // Before there are threads: the process may begin anew.
    let stays = match &verb {
        Verb::Run(arguments) => arguments.become_owner(),
        _ => None,
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().event_interval(EVENT_INTERVAL).enable_all().build()
    {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("the machine gives no threads: {error}")),
    };
    let ended = runtime.block_on(async {
        match verb {
            Verb::Run(arguments) => run::run(arguments, stays).await,
            Verb::Check(arguments) => check::check(&arguments.app.folder()).await,
            Verb::Dev(arguments) => dev::dev(arguments.app.folder(), arguments.port, arguments.data).await,
            Verb::Documents(arguments) => documents::documents(arguments),
            Verb::Healthcheck(arguments) => healthcheck::healthcheck(arguments).await,
            Verb::HashPassword => hash_password::hash_password(),
            Verb::Schema(arguments) => schema::print(&arguments),
            Verb::Completions(arguments) => shell::completions(CommandLine::command(), arguments.shell),
            Verb::Man(arguments) => shell::man(CommandLine::command(), arguments.to.as_deref()),
        }
    });
    // A task that does not end must not keep the program.
    runtime.shutdown_background();
    crate::logging::finish();
    match ended {
        Ok(code) => code,
        Err(words) => complain(&words),
    }
}

fn complain(words: &str) -> ExitCode {
    use std::io::Write as _;
    // Without standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "qewd: {words}");
    ExitCode::FAILURE
}
