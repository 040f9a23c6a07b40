//! Names of buckets and objects: checked once, here, and trusted afterwards.

use crate::error::{Code, Error};
use std::fmt;

/// A bucket's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket(String);

impl Bucket {
    /// A bucket by the rules of OSS: 3 to 63 of `[a-z0-9-]`, beginning and ending with a letter or
    /// digit.
    ///
    /// # Errors
    /// `InvalidBucketName`.
    pub fn new(name: &str) -> Result<Bucket, Error> {
        let bucket = Bucket(name.to_owned());
        if bucket.is_regular() { Ok(bucket) } else { Err(invalid_bucket_name(name)) }
    }

    /// Whether the name of a bucket by the rules can begin so.
    pub fn may_begin_with(prefix: &str) -> bool {
        prefix.len() <= 63 && prefix.bytes().all(is_bucket_byte) && !prefix.starts_with('-')
    }

    /// A bucket by the rules, or a name that a folder which is already there may have: one visible
    /// path segment. Folders served as they are need not be called as OSS wants it.
    ///
    /// # Errors
    /// `InvalidBucketName`.
    pub fn or_folder(name: &str) -> Result<Bucket, Error> {
        if is_safe_segment(name) && !name.starts_with('.') {
            return Ok(Bucket(name.to_owned()));
        }
        Err(invalid_bucket_name(name))
    }

    /// Whether the name keeps the rules of OSS.
    pub fn is_regular(&self) -> bool {
        let name = &self.0;
        (3..=63).contains(&name.len())
            && name.bytes().all(is_bucket_byte)
            && !name.starts_with('-')
            && !name.ends_with('-')
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_bucket_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

/// Whether a path segment can be a file's or folder's name that stays where it is.
fn is_safe_segment(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..")
        && segment.len() <= 255
        && !segment.contains(|c: char| matches!(c, '\\' | '/') || c.is_control())
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A legal object key: 1 to 1023 bytes of UTF-8, not beginning with `/` or `\`, without NUL.
///
/// Not every legal key can be a file's path: [`Key::relative_path`] tells. A key that was only [asked
/// for](Key::asked) may be none: nothing lies under it, and it is never written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// # Errors
    /// `InvalidObjectName`.
    pub fn new(text: &str) -> Result<Key, Error> {
        let key = Key(text.to_owned());
        if key.is_legal() { Ok(key) } else { Err(invalid_object_name(text)) }
    }

    /// A key as somebody looks for it, legal or not.
    pub fn asked(text: &str) -> Key {
        Key(text.to_owned())
    }

    /// Whether an object can have it.
    pub fn is_legal(&self) -> bool {
        let text = &self.0;
        !(text.is_empty() || text.len() > 1023 || text.starts_with(['/', '\\']) || text.contains('\0'))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key as a path below a bucket's directory, or `None` where it cannot be a safe one:
    /// empty, `.` and `..` segments, backslashes, control characters, segments over 255 bytes, and
    /// last segments like `name#1`, which atomic writes keep for themselves.
    pub fn relative_path(&self) -> Option<&str> {
        let file_name = self.0.rsplit('/').next()?;
        let staging = file_name
            .split_once('#')
            .is_some_and(|(_, suffix)| !suffix.is_empty() && suffix.bytes().all(|byte| byte.is_ascii_digit()));
        (self.0.split('/').all(is_safe_segment) && !staging).then_some(&self.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The error for a name that no bucket can have.
pub(super) fn invalid_bucket_name(name: &str) -> Error {
    Error::new(Code::InvalidBucketName, "The specified bucket is not valid.").detail("BucketName", name)
}

/// The error for a key that no object can have.
pub(super) fn invalid_object_name(key: &str) -> Error {
    Error::new(Code::InvalidObjectName, "The specified object is not valid.").detail("Key", key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names() {
        for name in ["demo", "a-b", "123", &"x".repeat(63)] {
            assert!(Bucket::new(name).is_ok(), "{name}");
        }
        for name in ["", "ab", "Demo", "-ab", "ab-", "a.b", "a_b", "..", "a/b", &"x".repeat(64)] {
            assert_eq!(Bucket::new(name).unwrap_err().code, Code::InvalidBucketName, "{name}");
        }
    }

    #[test]
    fn folders_may_be_called_otherwise() {
        for name in ["v0", "My Photos", "照片", "a.b", "UPPER_CASE"] {
            let folder = Bucket::or_folder(name).unwrap();
            assert!(!folder.is_regular() && folder.as_str() == name);
        }
        for name in ["", ".", "..", ".git", "a/b", "a\\b", "a\nb", &"x".repeat(256)] {
            assert_eq!(Bucket::or_folder(name).unwrap_err().code, Code::InvalidBucketName, "{name}");
        }
    }

    #[test]
    fn keys_and_paths() {
        for key in ["a.jpg", "dir/a b+汉%20.jpg", "a#b", "#", "a#1#2", "...", "a..b/~x"] {
            assert_eq!(Key::new(key).unwrap().relative_path(), Some(key));
        }
        for key in ["..", "../x", "a/../b", "a/./b", "a//b", "a/", "a\\b", "a\nb", "a#1", "x/\u{85}"] {
            assert_eq!(Key::new(key).unwrap().relative_path(), None, "{key}");
        }
        assert_eq!(Key::new(&"x".repeat(256)).unwrap().relative_path(), None);
        for key in ["", "/a", "\\a", "a\0b", &"x".repeat(1024)] {
            assert_eq!(Key::new(key).unwrap_err().code, Code::InvalidObjectName);
        }
    }
}
