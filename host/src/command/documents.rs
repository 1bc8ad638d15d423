//! `qewd documents`: what operators do with documents, of a host that runs or of a folder that nobody holds.
//! In come a verb and a data folder; out go lines on standard output, a bar on a terminal, and exit code 1 if not all is well.
//! It never changes documents but by `import`, and index entries by `reindex`.

use super::DATA;
use crate::store::{Operation, Operator};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args)]
pub(super) struct DocumentsArguments {
    /// The data folder of the host whose documents are meant [default: /opt/qewd/data if it exists]
    #[arg(long, env = "QEWD_DATA", value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// The documents, each with the number of its values
    List,
    /// The nodes of a document or of a node in it, one line each
    Show {
        /// The document
        document: String,
        /// The subscripts of the node
        #[arg(allow_negative_numbers = true)]
        subscripts: Vec<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Write all nodes as lines of JSON, as they are at this moment, also while the host runs
    Export {
        /// Only this document
        document: Option<String>,
        /// Into this file, in one step when all is written; - is standard output [default: standard output]
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Store the nodes of such lines; what they do not name stays
    Import {
        /// From this file; - is standard input [default: standard input]
        file: Option<PathBuf>,
    },
    /// Look at every node, and whether indexes agree
    Check {
        /// Where acknowledged writes are missing: what is there is to be all there was, and the host may start
        #[arg(long)]
        accept_loss: bool,
    },
    /// Make the index entries of all nodes, where `check` found some missing
    Reindex,
}

/// Does one of them.
///
/// # Errors
/// What went wrong, in words.
pub(super) fn documents(arguments: DocumentsArguments) -> Result<ExitCode, String> {
    let data = arguments.data.or_else(|| Some(PathBuf::from(DATA)).filter(|data| data.is_dir()));
    let data = data.ok_or("which documents? name the host's data folder with --data DIR")?;
    super::owner::become_owner_of(&data);
    if !matches!(arguments.verb, Verb::Import { .. }) {
        are_there(&data)?;
    }
    let operator = Operator::open(&data).map_err(|failure| failure.to_string())?;
    if let Some(trouble) = operator.trouble() {
        say(&format!("{}: {trouble}", data.display()));
    }
    match arguments.verb {
        Verb::List => look(&operator, &Operation::List),
        Verb::Show { document, subscripts, json } => look(&operator, &Operation::Show { document, subscripts, json }),
        Verb::Export { document, to } => export(&operator, &Operation::Export { document }, named(to).as_deref()),
        Verb::Import { file } => import(&operator, named(file).as_deref()),
        Verb::Reindex => look(&operator, &Operation::Reindex),
        Verb::Check { accept_loss } => check(operator, accept_loss),
    }
}

/// An operation that only reads must not make a folder where there is none.
fn are_there(data: &Path) -> Result<(), String> {
    match std::fs::metadata(data.join("documents")) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(format!("there are no documents in {}", data.display()))
        }
        Err(error) => Err(format!("{}: {error}", data.display())),
    }
}

/// A file that has a name: - is standard input or output.
fn named(file: Option<PathBuf>) -> Option<PathBuf> {
    file.filter(|file| file.as_os_str() != "-")
}

/// Does an operation on documents, all of which should be there.
fn look(operator: &Operator, operation: &Operation) -> Result<ExitCode, String> {
    say(&run(operator, operation)?);
    Ok(if operator.has_loss() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn run(operator: &Operator, operation: &Operation) -> Result<String, String> {
    let mut output = Watched { output: BufWriter::new(std::io::stdout()), failed: None };
    let closing = with_bar(|progress| operator.operate(operation, nothing(), &mut output, progress));
    match output.flush().map_err(|error| error.kind()).err().or(output.failed) {
        None => closing,
        // Whoever reads has seen enough, as `head` does.
        Some(ErrorKind::BrokenPipe) => Ok(String::new()),
        Some(kind) => Err(format!("standard output: {}", std::io::Error::from(kind))),
    }
}

/// A file is replaced in one step, when all is written; what is not whole gets a name of its own.
fn export(operator: &Operator, operation: &Operation, to: Option<&Path>) -> Result<ExitCode, String> {
    let Some(to) = to else { return look(operator, operation) };
    // Behind a symbolic link lies the file that is meant.
    let to = &to.canonicalize().unwrap_or_else(|_| to.to_owned());
    if to.exists() && !to.is_file() {
        return Err(format!("{} is no file; write to standard output, and lead that there", to.display()));
    }
    let cannot = |error: std::io::Error| format!("{}: {error}", to.display());
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(folder).map_err(cannot)?;
    let mut output = Watched { output: BufWriter::new(file), failed: None };
    let closing = with_bar(|progress| operator.operate(operation, nothing(), &mut output, progress));
    if let Some(error) = output.failed {
        return Err(cannot(error.into()));
    }
    let file = output.output.into_inner().map_err(|error| cannot(error.into_error()))?;
    file.as_file().sync_all().map_err(cannot)?;
    let closing = closing.and_then(|closing| if operator.has_loss() { Err(closing) } else { Ok(closing) });
    match closing {
        Ok(closing) => {
            file.persist(to).map_err(|error| cannot(error.error))?;
            say(&closing);
            Ok(ExitCode::SUCCESS)
        }
        Err(words) => {
            let mut part = to.as_os_str().to_owned();
            part.push(".part");
            file.persist(&part).map_err(|error| cannot(error.error))?;
            Err(format!("{words}; what could be read is in {}", Path::new(&part).display()))
        }
    }
}

/// An output that remembers whether it could not take everything: that is no fault of what is written.
struct Watched<W> {
    output: W,
    failed: Option<ErrorKind>,
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.output.write(bytes).inspect_err(|error| self.failed = Some(error.kind()))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.output.flush().inspect_err(|error| self.failed = Some(error.kind()))
    }
}

fn import(operator: &Operator, file: Option<&Path>) -> Result<ExitCode, String> {
    let input: Box<dyn BufRead + Send> = match file {
        Some(file) => {
            let opened = File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
            Box::new(BufReader::new(opened))
        }
        None => Box::new(BufReader::new(std::io::stdin())),
    };
    let mut output = std::io::stdout();
    let closing = with_bar(|progress| operator.operate(&Operation::Import, input, &mut output, progress));
    say(&closing?);
    Ok(ExitCode::SUCCESS)
}

fn check(operator: Operator, accept_loss: bool) -> Result<ExitCode, String> {
    let checked = run(&operator, &Operation::Check);
    if operator.trouble().is_none() {
        say(&checked?);
        return Ok(ExitCode::SUCCESS);
    }
    let (Ok(found) | Err(found)) = &checked;
    say(found);
    if accept_loss {
        say(&operator.accept_loss()?);
        return Ok(if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let backup = if operator.has_loss() { "restore a backup, or " } else { "" };
    Err(format!(
        "no host serves them as they are: {backup}`qewd documents check --accept-loss` makes this all there is"
    ))
}

/// Shows how far it is, where somebody looks at a terminal.
fn with_bar<T>(work: impl FnOnce(&mut dyn FnMut(u64, u64)) -> T) -> T {
    // Draws on standard error, and nothing where that is no terminal.
    let bar = ProgressBar::new(0);
    let known = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} nodes, {eta} left");
    let unknown = ProgressStyle::with_template("{spinner} {human_pos} nodes");
    if let (Ok(known), Ok(unknown)) = (known, unknown) {
        bar.set_style(unknown);
        let mut knows = false;
        let done = work(&mut |done, of| {
            if of > 0 && !knows {
                knows = true;
                bar.set_length(of);
                bar.set_style(known.clone());
            }
            bar.set_position(done);
        });
        bar.finish_and_clear();
        return done;
    }
    work(&mut |_, _| {})
}

fn nothing() -> Box<dyn BufRead + Send> {
    Box::new(std::io::empty())
}

/// Closing words go to standard error: standard output holds what was asked for.
fn say(words: &str) {
    if !words.is_empty() {
        let _ = writeln!(std::io::stderr(), "{words}");
    }
}
