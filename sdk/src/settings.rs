//! The operator's own values: `userDefined` in config.json.
//! In comes a name, out goes its value as a type of yours.
//! They can be read only.

use crate::{Failure, imports, json};
use serde::de::DeserializeOwned;

/// The value of this name, if there is one.
///
/// ```
/// use qewd_sdk::{Failure, Request, settings};
///
/// fn version(_request: &mut Request) -> Result<String, Failure> {
///     Ok(settings::get("greeting")?.unwrap_or_else(|| "hello".to_owned()))
/// }
/// ```
///
/// # Errors
/// Status 500 if the value does not fit the type.
pub fn get<T: DeserializeOwned>(name: &str) -> Result<Option<T>, Failure> {
    let Some(value) = imports::setting(name) else {
        return Ok(None);
    };
    let subject = format!("The setting `userDefined.{name}`");
    json::read(&value, &subject).map(Some).map_err(|words| Failure::new(words).status(500))
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_setting_is_read_as_the_wanted_type() {
        assert_eq!(get::<String>("greeting").unwrap(), None);
        testing::set_setting("greeting", "hello");
        assert_eq!(get::<String>("greeting").unwrap().as_deref(), Some("hello"));
        let failure = get::<u8>("greeting").unwrap_err();
        assert_eq!(failure.status_code(), 500);
        assert!(failure.message().starts_with("The setting `userDefined.greeting` is JSON, but not what is wanted"));
        testing::reset();
        assert_eq!(get::<String>("greeting").unwrap(), None);
    }
}
