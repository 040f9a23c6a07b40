//! What is known of buckets, objects, documents and uploads: the words of this room.

use super::name::Bucket;
use crate::error::{Code, Error};
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::SystemTime;

/// The chunks of content on its way into the store.
pub type Body = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// Content that is there already.
pub fn body_of(bytes: Bytes) -> Body {
    Box::pin(stream::iter([Ok(bytes)]))
}

/// Who may do what without a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acl {
    Private,
    PublicRead,
    PublicReadWrite,
}

impl Acl {
    /// Every ACL with its name.
    pub const NAMES: [(&'static str, Acl); 3] =
        [("private", Acl::Private), ("public-read", Acl::PublicRead), ("public-read-write", Acl::PublicReadWrite)];

    pub fn parse(name: &str) -> Option<Acl> {
        Acl::NAMES.iter().find(|(known, _)| *known == name).map(|(_, acl)| *acl)
    }

    pub fn name(self) -> &'static str {
        Acl::NAMES[self as usize].0
    }
}

/// How an object came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectKind {
    #[default]
    Normal,
    Multipart,
    Appendable,
}

impl ObjectKind {
    /// As `x-oss-object-type` says it.
    pub fn name(self) -> &'static str {
        match self {
            ObjectKind::Normal => "Normal",
            ObjectKind::Multipart => "Multipart",
            ObjectKind::Appendable => "Appendable",
        }
    }
}

/// What a writer says of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Description {
    /// `None`: guessed from the key's ending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Of [`Description::HEADERS`], by lower-case name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// `x-oss-meta-*`, by lower-case name without that prefix.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub user: BTreeMap<String, String>,
    /// `None`: the bucket's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acl: Option<Acl>,
}

impl Description {
    /// The headers that are kept with an object, besides its type.
    pub const HEADERS: [&'static str; 5] =
        ["cache-control", "content-disposition", "content-encoding", "content-language", "expires"];
}

/// What is known of an object without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    pub size_bytes: u64,
    pub last_modified: SystemTime,
    /// Quoted. Upper-case hex MD5 of the content for objects that were put; for multipart uploads
    /// the MD5 over the parts' ETags, `-` and their number; for files that this server did not
    /// write anything that changes with them.
    pub etag: String,
    pub kind: ObjectKind,
    /// CRC-64/XZ of the content; `None` for files that this server did not write.
    pub crc64: Option<u64>,
    /// Of `Normal` objects that this server wrote.
    pub md5: Option<[u8; 16]>,
    /// The description's, or guessed from the key's ending.
    pub content_type: String,
    pub description: Description,
}

/// A bucket and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketFacts {
    pub name: Bucket,
    pub created: SystemTime,
    /// `None`: never set, as for a folder that was not made by this server.
    pub acl: Option<Acl>,
}

/// A document of a bucket: a style, its CORS rules, its processing settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub text: String,
    pub created: SystemTime,
    pub modified: SystemTime,
}

/// Whether a write may replace an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Replace {
    #[default]
    Yes,
    /// `FileAlreadyExists` if there is one.
    No,
}

/// What goes with content on its way into the store.
#[derive(Debug, Clone)]
pub struct Upload {
    pub description: Description,
    pub replace: Replace,
    /// `InvalidDigest` if the content has another.
    pub expected_md5: Option<[u8; 16]>,
    /// `EntityTooLarge` beyond.
    pub limit_bytes: u64,
}

impl Default for Upload {
    fn default() -> Upload {
        Upload { description: Description::default(), replace: Replace::Yes, expected_md5: None, limit_bytes: u64::MAX }
    }
}

/// What a listing asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    pub prefix: String,
    /// Keys that hold it after the prefix are shown as one common prefix, up to and with it.
    pub delimiter: Option<String>,
    /// Only what comes after it in byte order; a common prefix here skips everything below it.
    pub after: String,
    /// Most keys and common prefixes together.
    pub limit: usize,
}

/// A page of a listing, in byte order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// Keys with what a listing knows of them: everything but, on stores that do not tell,
    /// descriptions and digests.
    pub objects: Vec<(String, ObjectMeta)>,
    pub prefixes: Vec<String>,
    /// Where the next page begins: the last key or prefix of this one, if there is more.
    pub next: Option<String>,
}

/// A part of an upload in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// 1 to 10,000.
    pub number: u32,
    pub size_bytes: u64,
    /// Quoted upper-case hex MD5.
    pub etag: String,
    pub crc64: u64,
    pub last_modified: SystemTime,
}

/// An upload in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingUpload {
    pub key: String,
    pub id: String,
    pub initiated: SystemTime,
}

/// What is kept with the content: the description, and what was learned while it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Facts {
    /// Quoted; `None` for content that this server did not write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    pub kind: ObjectKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc64: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub md5: Option<[u8; 16]>,
    #[serde(flatten)]
    pub description: Description,
}

impl Facts {
    /// The object's metadata; `etag` stands in where none was kept.
    pub fn meta(
        self,
        key: &str,
        size_bytes: u64,
        last_modified: SystemTime,
        etag: impl FnOnce() -> String,
    ) -> ObjectMeta {
        let content_type = match &self.description.content_type {
            Some(content_type) => content_type.clone(),
            None => mime_guess::from_path(key).first_or_octet_stream().to_string(),
        };
        ObjectMeta {
            size_bytes,
            last_modified,
            etag: self.etag.unwrap_or_else(etag),
            kind: self.kind,
            crc64: self.crc64,
            md5: self.md5,
            content_type,
            description: self.description,
        }
    }

    /// What a copy keeps: all that was learned of the content.
    pub fn of(meta: &ObjectMeta, description: Description) -> Facts {
        Facts { etag: Some(meta.etag.clone()), kind: meta.kind, crc64: meta.crc64, md5: meta.md5, description }
    }
}

/// The error for content over the limit.
pub(super) fn too_large(limit_bytes: u64) -> Error {
    let message = "Your proposed upload exceeds the maximum allowed object size.";
    Error::new(Code::EntityTooLarge, message).detail("MaxSizeAllowed", limit_bytes.to_string())
}

/// The error for content with another MD5 than was said.
pub(super) fn invalid_digest() -> Error {
    Error::new(Code::InvalidDigest, "The Content-MD5 you specified was invalid.")
}
