//! The form of a hashed password, as `managementPassword` may have it: an Argon2id hash as a PHC string.
//! In comes a text of config.json, or a password to be hashed; out goes what is wrong with it, or the hash.
//! It never compares a password.

use super::limits::{HASH_LANES, HASH_MEMORY, HASH_PASSES, PASSWORD_BYTES};
use argon2::{Argon2, Params, PasswordHash, PasswordHasher as _};

/// What every hashed password begins with, whatever its kind; no other password may.
const BEGINNING: &str = "$argon2";
/// The one kind that is taken: the one that is advised for passwords.
const KIND: &str = "argon2id";
/// Bytes of a new hash's salt, 16: what RFC 9106 advises.
const SALT_BYTES: usize = 16;

/// Whether a configured password is the hash of one.
#[must_use]
pub fn is_password_hash(configured: &str) -> bool {
    configured.starts_with(BEGINNING)
}

/// Hashes a password for config.json, with the parameters that OWASP advises (19 MiB, 2 passes, 1 lane).
///
/// # Errors
/// When it is empty or too long, in words.
pub fn hash_password(password: &str) -> Result<String, String> {
    if password.is_empty() {
        return Err("the password is empty".to_owned());
    }
    if password.len() > PASSWORD_BYTES {
        return Err(format!("the password has more than {PASSWORD_BYTES} bytes"));
    }
    let parameters = Params::new(Params::DEFAULT_M_COST, Params::DEFAULT_T_COST, Params::DEFAULT_P_COST, None);
    let hasher = Argon2::from(parameters.map_err(|error| error.to_string())?);
    let salt = rand::random::<[u8; SALT_BYTES]>();
    let hash = hasher.hash_password_with_salt(password.as_bytes(), &salt).map_err(|error| error.to_string())?;
    Ok(hash.to_string())
}

/// Whether a text can be a management password. The error never shows it: what is wrong, and the mend.
pub(crate) fn check(text: &str) -> Result<(), (String, &'static str)> {
    if text.trim().is_empty() {
        return Err(("is empty".to_owned(), "choose a password"));
    }
    // Shells and Compose take `$argon2id` and the like for variables, and leave something that everybody could guess.
    if !is_password_hash(text) && text.contains(",t=") && text.contains(",p=") {
        let what = "is what is left of a hash when its $ are taken for variables".to_owned();
        return Err((what, "write $$ for each $ in a file of Compose, and single quotes around it in a shell"));
    }
    if is_password_hash(text) {
        return check_hash(text).map_err(|what| (what, "let `qewd hash-password` make one"));
    }
    if text.len() > PASSWORD_BYTES {
        return Err((format!("has {} bytes", text.len()), "choose one of 1024 bytes at most"));
    }
    Ok(())
}

/// Whether a hash can be used, and at a bearable price.
fn check_hash(text: &str) -> Result<(), String> {
    let hash = PasswordHash::new(text).map_err(|error| format!("is no whole Argon2 hash: {error}"))?;
    if hash.algorithm.as_str() != KIND {
        return Err(format!("is hashed with {}, and only {KIND} is taken", hash.algorithm));
    }
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err("is no whole Argon2 hash".to_owned());
    }
    if hash.version.is_some_and(|version| argon2::Version::try_from(version).is_err()) {
        return Err("is an Argon2 hash of an unknown version".to_owned());
    }
    let parameters =
        Params::try_from(&hash).map_err(|error| format!("is an Argon2 hash with wrong parameters: {error}"))?;
    let bounds = [
        ("m", parameters.m_cost(), HASH_MEMORY),
        ("t", parameters.t_cost(), HASH_PASSES),
        ("p", parameters.p_cost(), HASH_LANES),
    ];
    match bounds.into_iter().find(|(_, wanted, most)| wanted > most) {
        Some((name, wanted, most)) => Err(format!("is a hash with {name}={wanted}, and {most} is the most")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0NTY3OA$3QpGImd1I7qBeXxWsfTrAbXB1VL32BwfYDx8xYmZ+Jo";

    fn check_with(from: &str, to: &str) -> String {
        assert!(HASH.contains(from));
        check(&HASH.replace(from, to)).unwrap_err().0
    }

    #[test]
    fn a_hash_is_made_and_taken() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!((is_password_hash(&hash), check(&hash)), (true, Ok(())));
        assert_ne!(hash, hash_password("correct horse").unwrap(), "each has its own salt");
        assert!(hash_password("").is_err());
        assert!(hash_password(&"x".repeat(PASSWORD_BYTES)).is_ok());
        assert!(hash_password(&"x".repeat(PASSWORD_BYTES + 1)).is_err());
    }

    #[test]
    fn a_hash_that_cannot_be_used_is_refused() {
        assert_eq!(check(HASH), Ok(()));
        assert_eq!(check(&HASH.replace("m=64,t=1", "m=1048576,t=20")), Ok(()));
        assert_eq!(check_with("m=64", "m=1048577"), "is a hash with m=1048577, and 1048576 is the most");
        assert_eq!(check_with("t=1", "t=21"), "is a hash with t=21, and 20 is the most");
        assert_eq!(check_with("m=64,t=1,p=1", "m=9999,t=1,p=65"), "is a hash with p=65, and 64 is the most");
        assert_eq!(check_with("argon2id", "argon2i"), "is hashed with argon2i, and only argon2id is taken");
        assert_eq!(check_with("v=19", "v=20"), "is an Argon2 hash of an unknown version");
        for (from, to) in [("m=64", "m=7"), ("t=1", "t=0"), ("p=1", "p=x"), ("m=64,", "m=64,q=1,")] {
            assert!(check_with(from, to).starts_with("is an Argon2 hash with wrong parameters: "), "{to}");
        }
        for length in BEGINNING.len()..HASH.len() {
            let cut = check(&HASH[..length]);
            // The end of a hash that is a shorter one cannot be told.
            assert!(cut.is_err() || HASH.len() - length < 33, "{length}");
        }
        let parameters_only = check(&HASH[..27]).unwrap_err();
        assert_eq!(parameters_only, ("is no whole Argon2 hash".to_owned(), "let `qewd hash-password` make one"));
    }

    #[test]
    fn a_plain_password_has_some_text_and_not_too_much() {
        assert!(check("").is_err() && check(" ").is_err() && check("x").is_ok() && check("$argon").is_ok());
        for left in ["=19=64,t=1,p=1", "=19=64,t=1,p=1/c29tZXNhbHQ", "v=19$m=64,t=1,p=1$c29t"] {
            assert!(check(left).unwrap_err().1.starts_with("write $$ for each $"), "{left}");
        }
        assert!(check(&"x".repeat(PASSWORD_BYTES)).is_ok());
        assert_eq!(check(&"x".repeat(PASSWORD_BYTES + 1)).unwrap_err().0, "has 1025 bytes");
    }
}
