//! The calls that are measured: one small request for each module of the example.
//! In comes nothing; out go the calls, as the host's dispatch makes them.
//! It never calls anybody.

use qewd::handler::Call;
use qewd::names::{HandlerName, RequestId};
use qewd::request::{Kind, Request};
use qewd::session::{SECRET_BY_DEFAULT, Session, Shown};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a measurement may take before its requests' deadlines pass.
const LONG_ENOUGH: Duration = Duration::from_secs(3600);

/// What a handler finds in `userDefined` under `greeting`.
pub(crate) const GREETING: &str = "Welcome to the qewd example";

/// One module, and one request to it.
pub(crate) struct Case {
    /// The file's name, without `.wasm`.
    pub(crate) module: &'static str,
    handler: &'static str,
    method: &'static str,
    path: &'static str,
    route: &'static str,
    variables: &'static [(&'static str, &'static str)],
    body: &'static str,
    /// What every answer has to contain.
    answer: &'static str,
}

pub(crate) const CASES: [Case; 3] = [
    Case {
        module: "orchestrator",
        handler: "version",
        method: "GET",
        path: "/api/version",
        route: "/api/version",
        variables: &[],
        body: "",
        answer: GREETING,
    },
    Case {
        module: "login_service",
        handler: "login",
        method: "POST",
        path: "/api/login",
        route: "/api/login",
        variables: &[],
        body: r#"{"username":"rob","password":"secret"}"#,
        answer: "ok",
    },
    Case {
        module: "info_service",
        handler: "heading",
        method: "GET",
        path: "/api/patient/1/heading/allergies",
        route: "/api/patient/:patientId/heading/:heading",
        variables: &[("patientId", "1"), ("heading", "allergies")],
        body: "",
        answer: "pollen",
    },
];

impl Case {
    /// How tables name it.
    pub(crate) fn name(&self) -> String {
        format!("{} `{}`", self.module, self.handler)
    }

    /// What a call of it needs.
    pub(crate) fn prepare(&self) -> Prepared {
        let secret = SECRET_BY_DEFAULT.map(str::to_owned).to_vec();
        let claims = json!({ "application": self.module, "timeout": 300, "authenticated": false, "qewd": true });
        let session = Session { claims: claims.as_object().cloned().unwrap_or_default(), secret };
        Prepared {
            request: Arc::new(self.request()),
            handler: HandlerName::new(self.handler).expect("the handlers here have good names"),
            application: self.module.into(),
            route: self.route.into(),
            variables: self.variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            session: Shown::of(&session),
        }
    }

    fn request(&self) -> Request {
        let headers = [("host", "localhost:8080"), ("user-agent", "curl/8.5.0"), ("accept", "*/*")];
        Request {
            id: RequestId::random(),
            kind: Kind::Rest,
            method: self.method.to_owned(),
            path: self.path.to_owned(),
            query: String::new(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: self.body.into(),
            client_address: "127.0.0.1".to_owned(),
            deadline: Instant::now() + LONG_ENOUGH,
            hops: 0,
            parts: None,
            way: Vec::new(),
            token_in_header: false,
            as_member: false,
            trace: qewd::trace::Trace::begin(),
        }
    }

    /// Ends the measurement if an answer is not the expected one.
    pub(crate) fn check(&self, status: u16, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        assert!(status == 200 && text.contains(self.answer), "{} answered {status}: {text}", self.handler);
    }
}

/// What the host has of a request when it calls its handler.
pub(crate) struct Prepared {
    request: Arc<Request>,
    handler: HandlerName,
    application: Arc<str>,
    route: Arc<str>,
    variables: Vec<(String, String)>,
    session: Shown,
}

impl Prepared {
    /// The call, as the host's dispatch makes it of a request.
    pub(crate) fn call(&self) -> Call<'_> {
        Call {
            request: Arc::clone(&self.request),
            trace: self.request.trace.clone(),
            handler: self.handler.clone(),
            application: Arc::clone(&self.application),
            route: Arc::clone(&self.route),
            variables: &self.variables,
            session: &self.session,
        }
    }
}
