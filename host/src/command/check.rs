//! `qewd check`: load everything, start nothing.
//! In comes the application folder; out goes every problem with its mend on standard output, and exit code 1 if there is one.
//! It writes nothing, not even a missing secret.

use crate::configuration::{CONFIG, Configuration, Problem, Severity};
use crate::edition::{Workshop, draft, look};
use crate::handler::{Engine, EngineSettings, Module};
use crate::names::HostName;
use crate::startup::compiled_folder;
use crate::store::Documents;
use crate::tls::Tls;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Checks an application folder for every host that config.json names.
///
/// # Errors
/// When the machine cannot run WebAssembly at all.
pub(super) async fn check(folder: &Path) -> Result<ExitCode, String> {
    let mut problems = Vec::new();
    let mut hosts = Configuration::survey_hosts(folder);
    if hosts.is_empty() {
        // Nothing could be read: the survey of any host says why.
        hosts.push(HostName::Orchestrator);
    }
    for host in &hosts {
        problems.extend(check_host(folder, host).await?);
    }
    problems.sort_by(|one, other| (&one.file, one.line, one.column).cmp(&(&other.file, other.line, other.column)));
    // What stands in a shared file is found again for each host.
    let mut lines: Vec<String> = Vec::new();
    for problem in &problems {
        let line = match problem.severity {
            Severity::Error => problem.to_string(),
            Severity::Warning => format!("warning: {problem}"),
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let errors = lines.iter().filter(|line| !line.starts_with("warning: ")).count();
    lines.push(match errors {
        0 => "no problems".to_owned(),
        1 => "1 problem".to_owned(),
        more => format!("{more} problems"),
    });
    writeln!(std::io::stdout(), "{}", lines.join("\n")).map_err(|error| error.to_string())?;
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a microservice seems to have a folder of its own: others have handlers here, and it has not even a place for them.
fn lives_elsewhere(configuration: &Configuration) -> bool {
    let handlers = configuration.folder.join("handlers");
    let is_service = configuration.host != HostName::Orchestrator && !configuration.standalone;
    is_service && handlers.is_dir() && !handlers.join(configuration.host.as_str()).is_dir()
}

async fn check_host(folder: &Path, host: &HostName) -> Result<Vec<Problem>, String> {
    let (configuration, mut problems) = Configuration::survey(folder, Some(host.as_str()));
    let Some(configuration) = configuration else {
        return Ok(problems);
    };
    let (modules, not_loaded) = load(&configuration).await?;
    let found = draft(&configuration, modules, not_loaded).problems;
    if !found.is_empty() && lives_elsewhere(&configuration) {
        let what = format!("{host} has no folder handlers/{host}/ here, so its routes and handlers are not checked");
        let mend = "check the folder in which it runs, or put its modules here";
        problems.push(Problem { severity: Severity::Warning, ..Problem::in_file(Path::new(CONFIG), what, mend) });
    } else {
        problems.extend(found);
    }
    problems.extend(Tls::load(&configuration, &BTreeMap::new()).err().into_iter().flat_map(|found| found.0));
    Ok(problems)
}

async fn load(configuration: &Configuration) -> Result<(Vec<Arc<Module>>, Vec<Problem>), String> {
    let engine = Engine::new(&EngineSettings { instances: 1, cache: compiled_folder(None) })?;
    let documents = Documents::in_memory(&configuration.documents).map_err(|failure| failure.to_string())?;
    let upward = tokio::sync::mpsc::channel(1).0;
    let workshop = Workshop { engine, upward, audience: Arc::default(), documents: Arc::new(documents) };
    let seen = look(&configuration.folder, configuration.host.as_str(), &configuration.sources())?;
    Ok(workshop.load_all(configuration, seen.module_files()).await)
}
