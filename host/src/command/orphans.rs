//! What the first process of a container owes to the others: whoever loses its parent is its child from then on.
//! In comes the system's word that a child ended; out goes that child, which would else stay in the table of processes.
//! It never runs beside children of the host's own, which `qewd run` does not have.

use rustix::process::{WaitOptions, wait};
use tokio::signal::unix::{SignalKind, signal};

/// The process to which the system gives the orphans.
const FIRST: u32 = 1;

/// Buries orphans as long as the host runs, where this is the first process.
pub(super) fn bury() -> std::io::Result<()> {
    if std::process::id() != FIRST {
        return Ok(());
    }
    let mut ended = signal(SignalKind::child())?;
    tokio::spawn(async move {
        while ended.recv().await.is_some() {
            // One signal may stand for several.
            while let Ok(Some((process, _))) = wait(WaitOptions::NOHANG) {
                tracing::debug!("process {process:?}, which nobody waited for, has ended");
            }
        }
    });
    Ok(())
}
