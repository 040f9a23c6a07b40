//! Access keys: who there is, with which secret, and until when. A ring can be exchanged while
//! requests are judged: each is judged by the ring that was current when it began.

use super::clock;
use crate::error::{Code, Ec, Error};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use subtle::ConstantTimeEq;

/// An access key. Its secret and token are never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    pub id: String,
    pub secret: String,
    /// The token of a temporary key, which requests must carry.
    pub token: Option<String>,
    /// When the key ends, in seconds since 1970.
    pub expires: Option<i64>,
}

impl Key {
    /// A key for good.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Key {
        Key { id: id.into(), secret: secret.into(), token: None, expires: None }
    }

    /// Whether the key may be used at `now` with the token that came. An empty one is none.
    ///
    /// # Errors
    /// `InvalidAccessKeyId` for a missing token, and for one that came with a key that has none;
    /// `InvalidSecurityToken`, `SecurityTokenExpired`.
    pub fn admit(&self, token: Option<&str>, now: i64) -> Result<(), Error> {
        match (&self.token, token.filter(|token| !token.is_empty())) {
            (Some(_), None) | (None, Some(_)) => return Err(unknown(&self.id)),
            (Some(own), Some(token)) if !bool::from(own.as_bytes().ct_eq(token.as_bytes())) => {
                return Err(Error::new(Code::InvalidSecurityToken, "The security token you provided is invalid."));
            }
            _ => {}
        }
        if self.expires.is_some_and(|end| now > end) {
            return Err(Error::new(Code::SecurityTokenExpired, "The security token you provided has expired."));
        }
        Ok(())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:***", self.id)
    }
}

/// The ring of keys.
#[derive(Debug, Default)]
pub struct Keys(RwLock<Arc<[Key]>>);

impl Keys {
    pub fn new(keys: Vec<Key>) -> Keys {
        Keys(RwLock::new(keys.into()))
    }

    /// Exchanges all keys. Requests that are being judged keep the ones they began with.
    pub fn replace(&self, keys: Vec<Key>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
    }

    /// The keys of this moment, in the order in which they were given.
    pub fn current(&self) -> Arc<[Key]> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The key with this id.
///
/// # Errors
/// `InvalidAccessKeyId`.
pub fn find<'a>(keys: &'a [Key], id: &str) -> Result<&'a Key, Error> {
    keys.iter().find(|key| key.id == id).ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Error {
    let message = "The OSS Access Key Id you provided does not exist in our records.";
    Error::new(Code::InvalidAccessKeyId, message).ec(Ec(2, 902)).detail("OSSAccessKeyId", id)
}

/// The keys of a file: a line each, `ID:SECRET`, `ID:SECRET:TOKEN` or `ID:SECRET:TOKEN:EXPIRES`,
/// the last as in `2026-01-15T08:30:00Z`. An empty TOKEN is none. `#` begins a line of comment.
///
/// # Errors
/// In words, a line for each line that is wrong; secrets are not repeated.
pub fn parse(text: &str) -> Result<Vec<Key>, String> {
    let (mut keys, mut mistakes) = (Vec::<Key>::new(), Vec::new());
    for (index, line) in text.trim_start_matches('\u{FEFF}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match parse_line(line) {
            Ok(key) if keys.iter().any(|known| known.id == key.id) => {
                mistakes.push(format!("line {}: the id {} is there twice", index + 1, key.id));
            }
            Ok(key) => keys.push(key),
            Err(what) => mistakes.push(format!("line {}: {what}", index + 1)),
        }
    }
    if mistakes.is_empty() { Ok(keys) } else { Err(mistakes.join("\n")) }
}

fn parse_line(line: &str) -> Result<Key, String> {
    let mut parts = line.splitn(4, ':').map(str::trim);
    let (id, secret) = match (parts.next(), parts.next()) {
        (Some(id), Some(secret)) if !id.is_empty() && !secret.is_empty() => (id, secret),
        _ => return Err("must be ID:SECRET[:TOKEN[:EXPIRES]], neither ID nor SECRET empty".to_owned()),
    };
    let token = parts.next().filter(|token| !token.is_empty()).map(str::to_owned);
    let expires = match parts.next() {
        None => None,
        Some(text) => match clock::parse_rfc3339(text) {
            None => return Err(format!("'{text}' must be a time such as 2026-01-15T08:30:00Z")),
            time => time,
        },
    };
    Ok(Key { id: id.to_owned(), secret: secret.to_owned(), token, expires })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_keys() {
        let text = "\u{FEFF}# old\n  one : s1 \n\ntwo:s2:token+/==\r\nthree:s3::2026-01-15T08:30:00Z\n\
            four:s4:t4:2026-01-15T16:30:00+08:00\n";
        let keys = parse(text).unwrap();
        let shown: Vec<_> =
            keys.iter().map(|key| (key.id.as_str(), key.secret.as_str(), key.token.as_deref(), key.expires)).collect();
        let end = Some(1_768_465_800);
        let expected = [
            ("one", "s1", None, None),
            ("two", "s2", Some("token+/=="), None),
            ("three", "s3", None, end),
            ("four", "s4", Some("t4"), end),
        ];
        assert_eq!(shown, expected);
        assert_eq!(parse("").unwrap(), []);
        assert_eq!(format!("{keys:?}"), "[one:***, two:***, three:***, four:***]");
    }

    #[test]
    fn mistakes_have_line_numbers_and_no_secrets() {
        let said = parse("# keys\na:b\nhunter2\na:hunter2\n:hunter2\nc:hunter2:t:tomorrow\n").unwrap_err();
        let expected = [
            "line 3: must be ID:SECRET[:TOKEN[:EXPIRES]], neither ID nor SECRET empty",
            "line 4: the id a is there twice",
            "line 5: must be ID:SECRET[:TOKEN[:EXPIRES]], neither ID nor SECRET empty",
            "line 6: 'tomorrow' must be a time such as 2026-01-15T08:30:00Z",
        ];
        assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn tokens_and_ends() {
        let fixed = Key::new("a", "s");
        assert!(fixed.admit(None, 5).is_ok() && fixed.admit(Some(""), 5).is_ok());
        assert_eq!(fixed.admit(Some("t"), 5).map_err(|error| error.code), Err(Code::InvalidAccessKeyId));
        let key = Key { token: Some("t".to_owned()), expires: Some(5), ..fixed };
        let code = |token, now| key.admit(token, now).map_err(|error| error.code);
        assert_eq!(code(Some("t"), 5), Ok(()));
        assert_eq!(code(Some("t"), 6), Err(Code::SecurityTokenExpired));
        assert_eq!(code(Some("u"), 5), Err(Code::InvalidSecurityToken));
        assert_eq!(code(Some(""), 5), Err(Code::InvalidAccessKeyId));
        assert_eq!(code(None, 5), Err(Code::InvalidAccessKeyId));
    }
}
