//! The secrets of a configuration, and how tokens are written with them.
//! In come texts of config.json; out go values that print as a mask.
//! A secret never reaches a log through `Debug` or `Display`.

use std::fmt;

/// A text that never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: only for signing, checking and comparing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(masked)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(masked)")
    }
}

/// How the secret claims of a token are written. Both forms are always read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClaimsForm {
    /// This program's own form (the default): encrypted so that a change is noticed.
    #[default]
    Sealed,
    /// The form of QEWD-Up, for a fleet in which both programs run.
    Qewd,
}

/// How tokens are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwt {
    /// The secret that all hosts of an application share.
    pub secret: Secret,
    /// How secret claims are written.
    pub claims: ClaimsForm,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        let jwt = Jwt { secret: Secret::new("abc"), claims: ClaimsForm::Sealed };
        assert_eq!(format!("{jwt:?}"), "Jwt { secret: (masked), claims: Sealed }");
        assert_eq!(jwt.secret.to_string(), "(masked)");
        assert_eq!(jwt.secret.expose(), "abc");
    }
}
