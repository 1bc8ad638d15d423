//! Names and ids that were checked when they were made.
//! In come texts from files, links and clients; out go values that are safe to print, compare and put into a path.
//! Nothing here looks a name up.

use std::fmt;
use std::sync::Arc;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a name: {rule}")]
pub struct BadName {
    text: String,
    rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $accepts:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            /// When the text breaks the rule for this kind of name; the message states the rule.
            pub fn new(text: &str) -> Result<Self, BadName> {
                if $accepts(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(BadName { text: text.chars().take(80).collect(), rule: $rule })
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, formatter)
            }
        }
    };
}

name!(
    /// The name of a microservice, as config.json has it.
    ServiceName,
    |text: &str| {
        text.len() <= 64
            && text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    },
    "use at most 64 letters, digits, '_' and '-', and begin with a letter"
);

name!(
    /// The name of a handler, as a module declares it and routes.json asks for it.
    HandlerName,
    |text: &str| {
        !text.is_empty()
            && text.len() <= 128
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
    },
    "use at most 128 letters, digits, '_', '-', '.' and '/'"
);

name!(
    /// The id that the client, every log line and every host on a request's way share.
    RequestId,
    |text: &str| {
        !text.is_empty()
            && text.len() <= 64
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    },
    "use at most 64 letters, digits, '_', '-' and '.'"
);

impl RequestId {
    /// A new id: 16 random hexadecimal digits, enough for any log that is still at hand.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{:016x}", rand::random::<u64>()).into())
    }
}

/// 32 random hexadecimal digits: nobody can guess them, and no two are the same.
#[must_use]
pub fn random_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// The rule for the application of a message.
pub const MESSAGE_APPLICATION_RULE: &str = "use 1 to 64 letters, digits, '_', '-' and '.', and do not begin with '.'";

/// Whether this can be the application of a message.
#[must_use]
pub fn is_message_application(text: &str) -> bool {
    // It is a folder's name, too: neither a hidden one nor the way out.
    !text.starts_with('.')
        && (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// The rule for the type of a message.
pub const MESSAGE_TYPE_RULE: &str = "use 1 to 128 characters, none of them a control character";

/// Whether this can be the type of a message.
#[must_use]
pub fn is_message_type(text: &str) -> bool {
    (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// Whether messages of this type belong to the connection itself: no route takes them.
#[must_use]
pub fn is_control_type(kind: &str) -> bool {
    matches!(kind, "restRequest" | "error") || ["ewd-", "qoper8-"].iter().any(|start| kind.starts_with(start))
}

/// Which host this is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostName {
    /// The host that clients talk to; with no microservices it is a monolith.
    Orchestrator,
    /// A named microservice.
    Microservice(ServiceName),
}

impl HostName {
    /// `orchestrator`, or the microservice's name: also the folder below `handlers/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Orchestrator => "orchestrator",
            Self::Microservice(name) => name.as_str(),
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_the_connection_are_told_from_those_of_an_application() {
        for control in ["ewd-register", "qoper8-exit", "ewd-", "restRequest", "error"] {
            assert!(is_control_type(control), "{control}");
        }
        for own in ["login", "ewd", "Ewd-x", "errors", "restrequest", "*"] {
            assert!(!is_control_type(own), "{own}");
        }
        assert!(is_message_type("what/now ?") && is_message_type(&"é".repeat(128)));
        assert!(!is_message_type("") && !is_message_type("a\nb") && !is_message_type(&"x".repeat(129)));
        assert!([".", "..", ".a"].iter().all(|text| !is_message_application(text)));
        assert!(is_message_application("a.b-c_d") && !is_message_application("a b") && !is_message_application(""));
    }

    #[test]
    fn names_state_their_rule() {
        assert!(ServiceName::new("login_service").is_ok());
        let failure = ServiceName::new("9 lives").unwrap_err().to_string();
        assert_eq!(
            failure,
            "\"9 lives\" is not a name: use at most 64 letters, digits, '_' and '-', and begin with a letter"
        );
        assert!(ServiceName::new("").is_err());
        assert!(RequestId::new("a\nforged log line").is_err());
        assert!(RequestId::new(RequestId::random().as_str()).is_ok());
    }
}
