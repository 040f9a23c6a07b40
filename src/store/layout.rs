//! Where things lie: the names of our own files and objects, the same on every store.
//!
//! `BUCKET/KEY` is an object wherever a store can have it under that name. All else lies below
//! `.pixelpass`, which no bucket can be called:
//!
//! ```text
//! .pixelpass/staging/ID                              content on its way
//! .pixelpass/locks/NUMBER                            of directories: held by who writes
//! .pixelpass/buckets/BUCKET/bucket.json              ACL and date of creation
//! .pixelpass/buckets/BUCKET/documents/NAME           styles and settings
//! .pixelpass/buckets/BUCKET/meta/KEY/VERSION         what belongs to one version of a file
//! .pixelpass/buckets/BUCKET/odd/HEX                  objects whose keys cannot be names
//! .pixelpass/buckets/BUCKET/uploads/ID/...           uploads in progress
//! ```

use super::digest::from_hex;
use super::name::Bucket;

/// What holds everything of ours.
pub(super) const OWN: &str = ".pixelpass";

/// Longest piece of an escaped name, in bytes.
const PIECE_BYTES: usize = 200;

/// Where content lies until it is whole.
pub(super) fn staging() -> String {
    format!("{OWN}/staging")
}

/// Files that processes over one directory lock.
pub(super) fn locks() -> String {
    format!("{OWN}/locks")
}

/// What holds the folders of all buckets.
pub(super) fn buckets() -> String {
    format!("{OWN}/buckets")
}

pub(super) fn bucket(bucket: &Bucket) -> String {
    format!("{OWN}/buckets/{bucket}")
}

pub(super) fn facts(bucket: &Bucket) -> String {
    format!("{OWN}/buckets/{bucket}/bucket.json")
}

pub(super) fn documents(bucket: &Bucket) -> String {
    format!("{OWN}/buckets/{bucket}/documents")
}

pub(super) fn document(bucket: &Bucket, name: &str) -> String {
    format!("{OWN}/buckets/{bucket}/documents/{}", escape(name))
}

pub(super) fn meta(bucket: &Bucket, key: &str) -> String {
    format!("{OWN}/buckets/{bucket}/meta/{}", escape(key))
}

pub(super) fn all_odd(bucket: &Bucket) -> String {
    format!("{OWN}/buckets/{bucket}/odd")
}

pub(super) fn odd(bucket: &Bucket, key: &str) -> String {
    format!("{OWN}/buckets/{bucket}/odd/{}", odd_name(key))
}

pub(super) fn uploads(bucket: &Bucket) -> String {
    format!("{OWN}/buckets/{bucket}/uploads")
}

pub(super) fn upload(bucket: &Bucket, id: &str) -> String {
    format!("{OWN}/buckets/{bucket}/uploads/{id}")
}

/// `text` as a relative path of harmless segments, `/` staying where it is.
///
/// Letters, digits, `-`, `_` and `.` stay, other bytes become `~HEX`. A segment that is no file's
/// name ends with `~`, one that was cut with `~-`, an empty last one is `~.`; so no name of a
/// file is ever that of a folder.
pub(super) fn escape(text: &str) -> String {
    let mut path = String::with_capacity(text.len() + 8);
    let mut begin = 0;
    for byte in text.bytes() {
        if byte == b'/' {
            path.push_str("~/");
            begin = path.len();
            continue;
        }
        if path.len() - begin >= PIECE_BYTES {
            path.push_str("~-/");
            begin = path.len();
        }
        let leading_dot = byte == b'.' && path.len() == begin;
        match byte {
            b'-' | b'_' => path.push(char::from(byte)),
            b'.' if !leading_dot => path.push('.'),
            _ if byte.is_ascii_alphanumeric() => path.push(char::from(byte)),
            _ => path.push_str(&format!("~{byte:02X}")),
        }
    }
    if path.len() == begin {
        path.push_str("~.");
    }
    path
}

/// The text that [`escape`] wrote as `path`.
pub(super) fn unescape(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find(['~', '/']) {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = rest[at..].strip_prefix('~')?;
        if let Some(after) = rest.strip_prefix("-/") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix('/') {
            bytes.push(b'/');
            rest = after;
        } else if rest == "." {
            rest = "";
        } else {
            bytes.extend(from_hex(rest.get(..2)?)?);
            rest = &rest[2..];
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

/// A key as hex, cut into segments; all but the last end with `~`. Sorts as the keys do, and a
/// key's beginning gives the beginning of its name.
pub(super) fn odd_name(key: &str) -> String {
    let mut name = String::with_capacity(key.len() * 2 + 16);
    for (index, byte) in key.bytes().enumerate() {
        if index > 0 && index % (PIECE_BYTES / 2) == 0 {
            name.push_str("~/");
        }
        name.push_str(&format!("{byte:02x}"));
    }
    name
}

/// The key that [`odd_name`] wrote as `name`.
pub(super) fn odd_key(name: &str) -> Option<String> {
    String::from_utf8(from_hex(&name.replace("~/", ""))?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_keep_apart_what_is_apart() {
        let long = "é".repeat(400);
        let full = "x".repeat(200);
        let longer = format!("{full}y");
        let texts = [
            "a", "a/", "a/b", "a//b", "/", ".", "..", "a/.", "~", "~2E", "a~", "a b", "%41", "A#1", &long, &full,
            &longer,
        ];
        let mut seen = std::collections::BTreeSet::new();
        for text in texts {
            let escaped = escape(text);
            assert_eq!(unescape(&escaped).as_deref(), Some(text), "{escaped}");
            assert!(
                escaped
                    .split('/')
                    .all(|piece| !piece.is_empty() && piece.len() <= 210 && piece != "." && piece != "..")
            );
            assert!(seen.insert(escaped));
        }
        assert_eq!(escape("photos/a.jpg"), "photos~/a.jpg");
        for wrong in ["a~", "~zz", "a/b", "~F"] {
            assert_eq!(unescape(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn odd_names_sort_as_keys_and_keep_prefixes() {
        let long = "b".repeat(100);
        let longer = format!("{long}a");
        let longest = "b".repeat(1023);
        let mut keys = ["a", "a/", "a//b", "b", &long, &longer, &longest, "c\0", "é"];
        keys.sort_unstable();
        let names: Vec<_> = keys.iter().map(|key| odd_name(key)).collect();
        assert!(names.is_sorted());
        for (key, name) in keys.iter().zip(&names) {
            assert_eq!(odd_key(name).as_deref(), Some(*key));
            for end in (0..=key.len()).filter(|end| key.is_char_boundary(*end)) {
                assert!(name.starts_with(&odd_name(&key[..end])));
            }
        }
    }
}
