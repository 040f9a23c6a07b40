//! Headers and form fields that ask for what this server does not do.
//!
//! They are refused unless a setting says otherwise: an object that its owner believes encrypted,
//! tagged or archived must not be stored plainly without a word.

use crate::error::{Code, Error};

/// What becomes of a request that asks for what is not built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unsupported {
    /// `NotImplemented`, before anything is stored.
    #[default]
    Refuse,
    /// As if it had not asked.
    Ignore,
}

/// The one storage class.
const STANDARD: &str = "Standard";

/// What asks for something with any value but an empty one.
const NAMES: [&str; 4] = [
    "x-oss-tagging",
    "x-oss-server-side-encryption",
    "x-oss-server-side-encryption-key-id",
    "x-oss-server-side-data-encryption",
];

impl Unsupported {
    /// Every setting with its name.
    pub const SETTINGS: [(&'static str, Unsupported); 2] =
        [("refuse", Unsupported::Refuse), ("ignore", Unsupported::Ignore)];

    pub fn parse(name: &str) -> Option<Unsupported> {
        Unsupported::SETTINGS.iter().find(|(known, _)| *known == name).map(|(_, setting)| *setting)
    }

    /// Judges the headers or form fields that `get` knows, by names in lower case.
    ///
    /// # Errors
    /// `NotImplemented` with the first name that asks for what is not built.
    pub fn check<'a>(self, get: impl Fn(&'static str) -> Option<&'a str>) -> Result<(), Error> {
        let asks = |name: &&&'static str| get(name).is_some_and(|value| !value.trim().is_empty());
        match NAMES.iter().find(asks) {
            Some(name) if self == Unsupported::Refuse => Err(refused(name)),
            _ => self.check_storage_class(get("x-oss-storage-class")),
        }
    }

    /// Judges a storage class, if one is named.
    ///
    /// # Errors
    /// `NotImplemented` for any but `Standard`.
    pub fn check_storage_class(self, class: Option<&str>) -> Result<(), Error> {
        match class.map(str::trim) {
            None | Some("" | STANDARD) => Ok(()),
            Some(_) if self == Unsupported::Ignore => Ok(()),
            Some(_) => Err(refused("x-oss-storage-class")),
        }
    }
}

fn refused(name: &'static str) -> Error {
    let message = "A header you provided implies functionality that is not implemented.";
    Error::new(Code::NotImplemented, message).detail("Header", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_more_is_named() {
        let refused = |setting: Unsupported, name: &'static str, value: &'static str| {
            let answer = setting.check(|asked| (asked == name).then_some(value));
            answer.err().map(|error| (error.code, error.details))
        };
        let told = |name: &str| Some((Code::NotImplemented, vec![("Header", name.to_owned())]));
        for (name, value) in [
            ("x-oss-tagging", "a=b"),
            ("x-oss-server-side-encryption", "AES256"),
            ("x-oss-server-side-encryption-key-id", "9468"),
            ("x-oss-server-side-data-encryption", "SM4"),
            ("x-oss-storage-class", "IA"),
            ("x-oss-storage-class", "standard"),
        ] {
            assert_eq!(refused(Unsupported::Refuse, name, value), told(name), "{name}");
            assert_eq!(refused(Unsupported::Ignore, name, value), None, "{name}");
        }
        for (name, value) in [("x-oss-tagging", ""), ("x-oss-storage-class", "Standard"), ("x-oss-meta-a", "b")] {
            assert_eq!(refused(Unsupported::Refuse, name, value), None, "{name}");
        }
    }
}
