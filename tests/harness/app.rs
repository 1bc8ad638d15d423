//! Application folders for one test each.
//! In come configuration, routes and modules; out goes a folder that ends with the test and its hosts.
//! The checkout's own files are copied, never used in place: a host writes into config.json.

use super::guests::{Source, module};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The `jwt.secret` of every folder here, unless a test writes its own.
pub(crate) const SECRET: &str = "a-secret-for-acceptance-tests";

const CONFIG: &str = "configuration/config.json";
const ROUTES: &str = "configuration/routes.json";

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// An application folder.
pub(crate) struct App {
    /// Every host that was started in it keeps it too.
    folder: Arc<TempDir>,
}

impl App {
    /// A folder with nothing in it but these two files.
    pub(crate) fn with_texts(config: &str, routes: Option<&str>) -> Self {
        let app = Self { folder: Arc::new(tempfile::tempdir().unwrap()) };
        app.write(CONFIG, config);
        if let Some(routes) = routes {
            app.write(ROUTES, routes);
        }
        app
    }

    /// A folder with this configuration, to which the secret of the tests is added, and these routes.
    pub(crate) fn new(mut config: Value, routes: &Value) -> Self {
        let jwt = config["jwt"].as_object().cloned().unwrap_or_default();
        let has_secret = jwt.contains_key("secret");
        config["jwt"] = jwt.into();
        if !has_secret {
            config["jwt"]["secret"] = SECRET.into();
        }
        Self::with_texts(&config.to_string(), Some(&routes.to_string()))
    }

    /// A copy of the example application with its modules.
    pub(crate) fn example() -> Self {
        let read = |file: &str| std::fs::read_to_string(workspace().join(file)).unwrap();
        let config = serde_json::from_str(&read(CONFIG)).unwrap();
        let routes = serde_json::from_str(&read(ROUTES)).unwrap();
        let mut app = Self::new(config, &routes);
        for host in ["orchestrator", "login_service", "info_service", "db_service"] {
            app = app.with(host, Source::Example, host);
        }
        app
    }

    /// One more module on a host.
    pub(crate) fn with(self, host: &str, source: Source, name: &str) -> Self {
        let folder = self.path().join("handlers").join(host);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(module(source, name), folder.join(format!("{name}.wasm"))).unwrap();
        self
    }

    /// One more guest on a host.
    pub(crate) fn guest(self, host: &str, name: &str) -> Self {
        self.with(host, Source::Guest, name)
    }

    /// Puts a member into the host's `qewd` block: `orchestrator`, or a microservice.
    pub(crate) fn setting(self, host: &str, name: &str, value: impl Into<Value>) -> Self {
        let mut config: Value = serde_json::from_str(&self.config()).unwrap();
        let block = match host {
            "orchestrator" => &mut config["orchestrator"],
            service => {
                let services = config["microservices"].as_array_mut().unwrap();
                services.iter_mut().find(|entry| entry["name"] == service).unwrap()
            }
        };
        block["qewd"][name] = value.into();
        self.write(CONFIG, config.to_string());
        self
    }

    /// The folder, which lasts as long as this value or the app.
    pub(super) fn folder(&self) -> Arc<TempDir> {
        Arc::clone(&self.folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn config(&self) -> String {
        std::fs::read_to_string(self.path().join(CONFIG)).unwrap()
    }

    pub(crate) fn write(&self, file: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }
}
