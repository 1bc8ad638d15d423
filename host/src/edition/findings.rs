//! What the reloader found that cannot serve, and the wishes of operators that it looks anew.
//! In come the problems of files and the names of modules; out go both, to whoever shows them and to the reloader.
//! It never looks at a file itself.

use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// Wishes that may wait; they are granted one after the other.
const WISHES: usize = 16;

/// What cannot serve.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Files of modules, each with the words that the log has.
    pub modules: Vec<(PathBuf, String)>,
    /// The same of the files of the configuration.
    pub configuration: Vec<String>,
}

/// The wish that a module is read anew.
pub struct Wish {
    /// Its name, or its file as the log names it.
    pub module: String,
    /// Is told the version that serves then, or why it does not.
    pub reply: oneshot::Sender<Result<Arc<str>, String>>,
}

/// Stands between the reloader and whoever looks at it.
pub struct Findings {
    found: ArcSwap<Found>,
    wish: mpsc::Sender<Wish>,
    /// Until the reloader takes it.
    wishes: Mutex<Option<mpsc::Receiver<Wish>>>,
}

impl Default for Findings {
    fn default() -> Self {
        let (wish, wishes) = mpsc::channel(WISHES);
        Self { found: ArcSwap::default(), wish, wishes: Mutex::new(Some(wishes)) }
    }
}

impl Findings {
    /// What was found last.
    #[must_use]
    pub fn found(&self) -> Arc<Found> {
        self.found.load_full()
    }

    /// This was found now.
    pub fn find(&self, found: Found) {
        if *self.found.load_full() != found {
            self.found.store(Arc::new(found));
        }
    }

    /// Has a module read anew and put into service, and waits until that is done. Gives the version that serves then.
    ///
    /// # Errors
    /// Why it does not serve, in words.
    pub async fn read_anew(&self, module: String) -> Result<Arc<str>, String> {
        let (reply, told) = oneshot::channel();
        self.wish.try_send(Wish { module, reply }).map_err(|_| "too much is to be read anew; try again".to_owned())?;
        told.await.unwrap_or_else(|_| Err("this host takes up no changes any more; start it anew".to_owned()))
    }

    /// The wishes, for the one who grants them. With it they end: whoever waits is told then.
    #[must_use]
    pub fn wishes(&self) -> mpsc::Receiver<Wish> {
        let taken = self.wishes.lock().unwrap_or_else(PoisonError::into_inner).take();
        // For a second reloader, which there is not, there would be none.
        taken.unwrap_or_else(|| mpsc::channel(1).1)
    }
}
