//! Where a store is, as the settings name it.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where the objects are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `pixelpass-data` in the current directory, filled with samples at the first start.
    Embedded,
    /// A directory of the operator's; nothing is written into it at start.
    Directory(PathBuf),
    /// Memory, gone with the process.
    Memory,
    /// A bucket of a store that speaks S3, or a folder of it.
    S3(S3Place),
}

/// A bucket of a store that speaks S3.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Place {
    pub bucket: String,
    /// What all keys in it begin with: empty, or ending with `/`.
    pub prefix: String,
    /// Names and values of `AWS_` variables: credentials, `AWS_REGION`, `AWS_ENDPOINT_URL` and the
    /// others that the tools of that vendor know.
    pub variables: Vec<(String, String)>,
}

/// Values are secrets, as far as anybody can tell.
impl fmt::Debug for S3Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.variables.iter().map(|(name, _)| name).collect();
        write!(f, "s3://{}/{} {names:?}", self.bucket, self.prefix)
    }
}

impl Place {
    /// The place that the setting `store` names: empty, a directory, or a URL of the kinds
    /// `file://`, `memory://` and `s3://BUCKET[/PREFIX]`.
    ///
    /// # Errors
    /// In words, for a URL of another kind.
    pub fn parse(text: &str) -> Result<Place, String> {
        match text.split_once("://") {
            None if text.is_empty() => Ok(Place::Embedded),
            None => Ok(Place::Directory(PathBuf::from(text))),
            Some(("memory", "" | "/")) => Ok(Place::Memory),
            Some(("memory", _)) => Err("write memory://".to_owned()),
            Some(("file", path)) if path.starts_with('/') => {
                let path = percent_encoding::percent_decode_str(path).decode_utf8();
                path.map(|path| Place::Directory(PathBuf::from(path.as_ref()))).map_err(|error| error.to_string())
            }
            Some(("file", _)) => Err("write file:///ABSOLUTE/PATH".to_owned()),
            Some(("s3", rest)) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() {
                    return Err("write s3://BUCKET or s3://BUCKET/PREFIX".to_owned());
                }
                let prefix = prefix.trim_matches('/');
                if !prefix.is_empty() && prefix.split('/').any(|piece| matches!(piece, "" | "." | "..")) {
                    return Err(format!("{prefix} cannot be the prefix of keys"));
                }
                let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
                Ok(Place::S3(S3Place { bucket: bucket.to_owned(), prefix, variables: Vec::new() }))
            }
            Some((scheme, _)) => {
                Err(format!("there is no store of kind {scheme}://; name a directory, file://, s3:// or memory://"))
            }
        }
    }

    /// The directory, where it is one.
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Place::Embedded => Some(Path::new("pixelpass-data")),
            Place::Directory(path) => Some(path),
            Place::Memory | Place::S3(_) => None,
        }
    }
}

/// As a person would name it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Embedded => f.write_str("pixelpass-data"),
            Place::Directory(path) => path.display().fmt(f),
            Place::Memory => f.write_str("memory://"),
            Place::S3(place) => write!(f, "s3://{}/{}", place.bucket, place.prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        assert_eq!(Place::parse(""), Ok(Place::Embedded));
        assert_eq!(Place::parse("pictures"), Ok(Place::Directory("pictures".into())));
        assert_eq!(Place::parse("file:///a%20b"), Ok(Place::Directory("/a b".into())));
        assert_eq!(Place::parse("memory://"), Ok(Place::Memory));
        assert!(Place::parse("file://host/x").is_err());
        assert!(Place::parse("ftp://host").unwrap_err().contains("ftp://"));
        assert!(Place::parse("s3://").is_err() && Place::parse("s3://b/a//b").is_err());
        let s3 = |bucket: &str, prefix: &str| {
            Ok(Place::S3(S3Place { bucket: bucket.to_owned(), prefix: prefix.to_owned(), variables: Vec::new() }))
        };
        assert_eq!(Place::parse("s3://pictures"), s3("pictures", ""));
        assert_eq!(Place::parse("s3://pictures/a/b/"), s3("pictures", "a/b/"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let variables = vec![("AWS_SECRET_ACCESS_KEY".to_owned(), "hush".to_owned())];
        let place = Place::S3(S3Place { bucket: "b".to_owned(), prefix: String::new(), variables });
        assert!(!format!("{place:?} {place}").contains("hush"));
    }
}
