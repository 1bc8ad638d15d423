//! The files of `deploy` for Compose and Kubernetes.
//! In come the files; out goes where one names what another does not have.
//! It starts nothing.
