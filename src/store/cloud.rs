//! Objects in a store that keeps attributes beside content: memory, and whatever speaks S3.
//!
//! Content type and the usual headers are the store's own attributes, all else is one attribute
//! more, so content and metadata arrive at once. Since they are sent ahead of the content, content
//! is first received (in memory, larger content in a nameless temporary file) and then sent.
//!
//! A store of this kind completes large content without conditions: where one is asked for,
//! content beyond [`CONDITIONAL_BYTES`] is checked just before and not at the same time.

use super::digest;
use super::layout;
use super::meta::{Description, Facts, ObjectKind, ObjectMeta};
use super::name::Bucket;
use super::object::{Content, Object, Remote};
use super::receive::{Aside, Received};
use super::{Error, storage_error};
use crate::error::Code;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::StreamExt;
use object_store::aws::AmazonS3;
use object_store::path::Path as Location;
use object_store::{
    Attribute, Attributes, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions,
    PutPayload, WriteMultipart,
};
use std::sync::Arc;
use std::time::SystemTime;

/// The attribute for what has no attribute of its own.
const FACTS: &str = "pixelpass";

/// Most bytes of it that S3 takes, its name left out.
const S3_FACTS_BYTES: usize = 2048 - FACTS.len();

/// Bytes of one part of large content, and how many parts are under way at a time.
const PART_BYTES: usize = 8 * 1024 * 1024;
const PARTS_AT_ONCE: usize = 3;

/// Most content that is sent under a condition.
const CONDITIONAL_BYTES: u64 = 64 * 1024 * 1024;

/// The store's attributes that headers have.
const NATIVE: [(&str, Attribute); 4] = [
    ("cache-control", Attribute::CacheControl),
    ("content-disposition", Attribute::ContentDisposition),
    ("content-encoding", Attribute::ContentEncoding),
    ("content-language", Attribute::ContentLanguage),
];

#[derive(Debug, Clone)]
pub(super) struct Cloud {
    pub store: Arc<dyn ObjectStore>,
    /// For listings; `None` for memory.
    pub s3: Option<S3>,
}

/// The S3 bucket itself, and what all keys in it begin with: empty, or ending with `/`.
#[derive(Debug, Clone)]
pub(super) struct S3 {
    pub pages: Arc<AmazonS3>,
    pub prefix: String,
}

impl Cloud {
    /// Where an object is.
    pub fn location(&self, bucket: &Bucket, key: &str) -> Result<Location, Error> {
        let plain = format!("{bucket}/{key}");
        // Listings are XML, which cannot say every character.
        let sayable = !key.contains(|c: char| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}'));
        match Location::parse(&plain) {
            Ok(location) if sayable && location.as_ref() == plain => Ok(location),
            _ => Location::parse(layout::odd(bucket, key)).map_err(Error::internal),
        }
    }

    /// The object's metadata, and the store's own tag for its state.
    pub async fn head(&self, bucket: &Bucket, key: &str) -> Result<Option<(ObjectMeta, Option<String>)>, Error> {
        let location = self.location(bucket, key)?;
        let options = GetOptions { head: true, ..GetOptions::default() };
        match self.store.get_opts(&location, options).await {
            Ok(result) => Ok(Some((described(key, &result.meta, &result.attributes)?, result.meta.e_tag))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(storage_error(error)),
        }
    }

    pub async fn get(&self, bucket: &Bucket, key: &str) -> Result<Option<Object>, Error> {
        let location = self.location(bucket, key)?;
        let result = match self.store.get_opts(&location, GetOptions::default()).await {
            Ok(result) => result,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(storage_error(error)),
        };
        let meta = described(key, &result.meta, &result.attributes)?;
        let e_tag = result.meta.e_tag.clone();
        let remote = Remote { store: self.store.clone(), location, e_tag, whole: result.into_stream() };
        Ok(Some(Object { meta, content: Content::Remote(remote) }))
    }

    /// Sends content that was received, with `facts`.
    ///
    /// # Errors
    /// Those of the store; `AlreadyExists` and `Precondition` say that `mode` does not hold.
    pub async fn publish(
        &self,
        location: &Location,
        received: Received,
        facts: Option<&Facts>,
        mode: PutMode,
    ) -> Result<(), object_store::Error> {
        let limit_bytes = if self.s3.is_some() { S3_FACTS_BYTES } else { usize::MAX };
        let attributes = facts.map(|facts| attributes(facts, limit_bytes)).transpose().map_err(failed)?;
        let attributes = attributes.unwrap_or_default();
        let size_bytes = received.sums.size_bytes;
        // The store's listings tell its own tag. For content in one piece that is its MD5; where
        // ours is another, content goes in parts and so gets a tag that is seen to be different.
        let own_tag = facts.is_none_or(|facts| facts.etag == Some(digest::etag(&received.sums.md5)));
        let conditional = mode != PutMode::Overwrite;
        let whole = match &received.content {
            Aside::Memory(_) => own_tag || conditional,
            _ => conditional && size_bytes <= CONDITIONAL_BYTES,
        };
        let mut body = received.content.into_body().await.map_err(failed)?;
        if whole {
            let mut chunks = Vec::new();
            while let Some(chunk) = body.next().await {
                chunks.push(chunk.map_err(failed)?);
            }
            let options = PutOptions { mode, attributes, ..PutOptions::default() };
            self.store.put_opts(location, PutPayload::from_iter(chunks), options).await?;
            return Ok(());
        }
        let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
        let upload = self.store.put_multipart_opts(location, options).await?;
        let mut parts = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let sent = async {
            while let Some(chunk) = body.next().await {
                parts.wait_for_capacity(PARTS_AT_ONCE).await?;
                parts.put(chunk.map_err(failed)?);
            }
            parts.wait_for_capacity(1).await?;
            self.check(location, &mode).await
        };
        match sent.await {
            Ok(()) => parts.finish().await.map(drop),
            Err(error) => {
                let _ = parts.abort().await;
                Err(error)
            }
        }
    }

    /// Whether `mode` holds now.
    async fn check(&self, location: &Location, mode: &PutMode) -> Result<(), object_store::Error> {
        let path = location.to_string();
        match mode {
            PutMode::Overwrite => Ok(()),
            PutMode::Create => match self.store.head(location).await {
                Ok(_) => Err(object_store::Error::AlreadyExists { path, source: "it is there".into() }),
                Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            },
            PutMode::Update(version) => match self.store.head(location).await? {
                now if now.e_tag == version.e_tag => Ok(()),
                _ => Err(object_store::Error::Precondition { path, source: "it was replaced".into() }),
            },
        }
    }

    pub async fn delete(&self, bucket: &Bucket, key: &str) -> Result<(), Error> {
        match self.store.delete(&self.location(bucket, key)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(storage_error(error)),
        }
    }
}

fn failed(error: Error) -> object_store::Error {
    object_store::Error::Generic { store: "pixelpass", source: Box::new(error) }
}

/// The facts as attributes.
fn attributes(facts: &Facts, limit_bytes: usize) -> Result<Attributes, Error> {
    let mut facts = facts.clone();
    let mut attributes = Attributes::new();
    let native = |text: &String| text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && text.trim() == text;
    if let Some(content_type) = facts.description.content_type.take_if(|text| native(text)) {
        attributes.insert(Attribute::ContentType, content_type.into());
    }
    for (name, attribute) in NATIVE {
        if let Some(value) = facts.description.headers.get(name).filter(|value| native(value)) {
            attributes.insert(attribute, value.clone().into());
            facts.description.headers.remove(name);
        }
    }
    let rest = serde_json::to_vec(&facts).map_err(Error::internal)?;
    let rest = URL_SAFE_NO_PAD.encode(rest);
    if rest.len() > limit_bytes {
        let message = "The object's metadata is larger than the store behind this server takes.";
        return Err(Error::new(Code::InvalidArgument, message));
    }
    attributes.insert(Attribute::Metadata(FACTS.into()), rest.into());
    Ok(attributes)
}

/// The facts that [`attributes`] wrote; what other writers said, where there are none of ours.
fn facts(attributes: &Attributes) -> Result<Facts, Error> {
    let ours = attributes.get(&Attribute::Metadata(FACTS.into()));
    let mut facts = match ours {
        Some(text) => {
            let text = URL_SAFE_NO_PAD.decode(text.as_ref()).map_err(Error::internal)?;
            serde_json::from_slice(&text).map_err(Error::internal)?
        }
        None => {
            let user = attributes.iter().filter_map(|(attribute, value)| match attribute {
                Attribute::Metadata(name) => Some((name.to_ascii_lowercase(), value.as_ref().to_owned())),
                _ => None,
            });
            Facts { description: Description { user: user.collect(), ..Description::default() }, ..Facts::default() }
        }
    };
    let value = |attribute: &Attribute| attributes.get(attribute).map(|value| value.as_ref().to_owned());
    if let Some(content_type) = value(&Attribute::ContentType) {
        // What stores say of content whose type nobody told them.
        let told = ours.is_some() || !content_type.ends_with("/octet-stream");
        facts.description.content_type = facts.description.content_type.or(told.then_some(content_type));
    }
    for (name, attribute) in NATIVE {
        if let Some(value) = value(&attribute) {
            facts.description.headers.entry(name.to_owned()).or_insert(value);
        }
    }
    Ok(facts)
}

fn described(key: &str, meta: &object_store::ObjectMeta, attributes: &Attributes) -> Result<ObjectMeta, Error> {
    let tag = meta.e_tag.clone().unwrap_or_default();
    Ok(facts(attributes)?.meta(key, meta.size, meta.last_modified.into(), || foreign_etag(&tag)))
}

/// The ETag of content that another program wrote.
fn foreign_etag(tag: &str) -> String {
    match plain_md5(tag) {
        Some(md5) => digest::etag(&md5),
        None => format!("\"{}\"", tag.trim_matches('"')),
    }
}

/// The MD5 that a store's tag is for content in one piece.
fn plain_md5(tag: &str) -> Option<[u8; 16]> {
    digest::from_hex(tag.trim_matches('"'))?.try_into().ok()
}

/// What a listing can tell without asking again: content in one piece.
pub(super) fn listed(key: &str, size_bytes: u64, modified: SystemTime, tag: &str) -> Option<ObjectMeta> {
    let etag = digest::etag(&plain_md5(tag)?);
    let facts = Facts { kind: ObjectKind::Normal, etag: Some(etag), ..Facts::default() };
    Some(facts.meta(key, size_bytes, modified, String::new))
}
