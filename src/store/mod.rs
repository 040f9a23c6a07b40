//! The store: buckets, objects with their metadata, documents and uploads.
//!
//! Three kinds, one behaviour: a directory of plain files ([`local`]), memory, and a bucket that
//! speaks S3 ([`cloud`] for both). Everything is kept in the store itself, so servers over one
//! store agree; where things lie is [`layout`]'s. Content appears together with its metadata, at
//! once and durably, or not at all. The room knows nothing of images or requests. Disks are waited
//! for on blocking threads, never on an async worker, and memory is bounded whatever the size of
//! the content.

mod buckets;
mod cloud;
mod demo;
mod digest;
mod layout;
mod listing;
mod local;
mod meta;
mod name;
mod object;
mod pages;
mod place;
mod receive;
mod s3;
mod texts;
mod uploads;
mod walk;

pub use demo::BUCKET as DEMO_BUCKET;
pub use meta::{
    Acl, Body, BucketFacts, Description, Document, Listed, Listing, ObjectKind, ObjectMeta, Part, PendingUpload,
    Replace, Upload,
};
pub use name::{Bucket, Key};
pub use object::Object;
pub use place::{Place, S3Place};

use crate::error::{Code, Ec, Error};
use cloud::Cloud;
use futures_util::StreamExt;
use local::Local;
use meta::Facts;
use object::Content;
use object_store::memory::InMemory;
use object_store::{PutMode, UpdateVersion};
use receive::{Aside, Received, Sink};
use std::collections::HashMap;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use texts::Texts;
use tokio::sync::OwnedMutexGuard;

/// Buckets and objects.
#[derive(Debug)]
pub struct Store {
    backend: Backend,
    texts: Texts,
    locks: Locks,
    ids: Ids,
}

#[derive(Debug, Clone)]
enum Backend {
    Local(Local),
    Cloud(Cloud),
}

impl Store {
    /// Opens the store; fills the embedded one if it is empty.
    ///
    /// # Errors
    /// In words, when the directory cannot be made or opened, or the settings of an S3 store do
    /// not suffice.
    pub fn open(place: &Place) -> Result<Store, String> {
        let fail = |error: &dyn std::fmt::Display| format!("cannot open the store {place}: {error}");
        let (backend, texts): (Backend, Arc<dyn object_store::ObjectStore>) = match place {
            Place::Embedded | Place::Directory(_) => {
                let directory = place.directory().unwrap_or_else(|| std::path::Path::new("."));
                if *place == Place::Embedded {
                    demo::fill(directory).map_err(|error| fail(&error))?;
                }
                let root = fs::canonicalize(directory).map_err(|error| fail(&error))?;
                if !root.is_dir() {
                    return Err(fail(&"not a directory"));
                }
                let local = Local::open(root).map_err(|error| fail(&error))?;
                local.tidy();
                let texts = Arc::new(local.files.clone());
                (Backend::Local(local), texts)
            }
            Place::Memory => {
                let store = Arc::new(InMemory::new());
                (Backend::Cloud(Cloud { store: store.clone(), s3: None }), store)
            }
            Place::S3(place) => {
                let cloud = s3::open(place).map_err(|error| fail(&error))?;
                let texts = cloud.store.clone();
                (Backend::Cloud(cloud), texts)
            }
        };
        Ok(Store { backend, texts: Texts::new(texts), locks: Locks::default(), ids: Ids::new() })
    }

    /// The object's metadata.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn head(&self, bucket: &Bucket, key: &Key) -> Result<ObjectMeta, Error> {
        let found = match &self.backend {
            Backend::Local(local) => local.open_object(bucket, key).await?.map(|(meta, _)| meta),
            Backend::Cloud(cloud) => cloud.head(bucket, key.as_str()).await?.map(|(meta, _)| meta),
        };
        match found {
            Some(meta) => Ok(meta),
            None => Err(self.missing(bucket, key).await),
        }
    }

    /// The object with its metadata; its content stays the same however the key is written to
    /// while this is held.
    ///
    /// # Errors
    /// `NoSuchKey`; `NoSuchBucket`, or `InvalidBucketName` where no bucket could have the name.
    pub async fn get(&self, bucket: &Bucket, key: &Key) -> Result<Object, Error> {
        let found = match &self.backend {
            Backend::Local(local) => {
                let found = local.open_object(bucket, key).await?;
                found.map(|(meta, file)| Object { meta, content: Content::File(file) })
            }
            Backend::Cloud(cloud) => cloud.get(bucket, key.as_str()).await?,
        };
        match found {
            Some(object) => Ok(object),
            None => Err(self.missing(bucket, key).await),
        }
    }

    /// Stores content under the key, at once and durably or not at all.
    ///
    /// # Errors
    /// Those of `body`; `NoSuchBucket`; `EntityTooLarge`; `InvalidDigest`; `FileAlreadyExists`.
    pub async fn put(&self, bucket: &Bucket, key: &Key, body: Body, upload: Upload) -> Result<ObjectMeta, Error> {
        if !self.bucket_exists(bucket).await? {
            return Err(no_such_bucket(bucket));
        }
        if upload.replace == Replace::No && self.exists(bucket, key).await? {
            return Err(already_exists(key));
        }
        let received = self.receive(body, &upload).await?;
        let facts = Facts {
            etag: Some(digest::etag(&received.sums.md5)),
            kind: ObjectKind::Normal,
            crc64: Some(received.sums.crc64),
            md5: Some(received.sums.md5),
            description: with_type(key, upload.description),
        };
        let _lock = self.locks.of(bucket, key).await;
        self.publish(bucket, key, received, facts, upload.replace).await
    }

    /// Removes the object; one that is not there is removed already.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub async fn delete(&self, bucket: &Bucket, key: &Key) -> Result<(), Error> {
        if !self.bucket_exists(bucket).await? {
            return Err(no_such_bucket(bucket));
        }
        let _lock = self.locks.of(bucket, key).await;
        match &self.backend {
            Backend::Local(local) => local.delete(bucket, key).await,
            Backend::Cloud(cloud) => cloud.delete(bucket, key.as_str()).await,
        }
    }

    /// Copies an object with its ETag, digests and kind; `None` keeps its description but for the
    /// ACL, which is the bucket's again. Onto itself an object can be copied too.
    ///
    /// # Errors
    /// `NoSuchKey` and `NoSuchBucket`, of either side; `FileAlreadyExists`.
    pub async fn copy(
        &self,
        from: (&Bucket, &Key),
        to: (&Bucket, &Key),
        description: Option<Description>,
        replace: Replace,
    ) -> Result<ObjectMeta, Error> {
        let source = self.get(from.0, from.1).await?;
        if !self.bucket_exists(to.0).await? {
            return Err(no_such_bucket(to.0));
        }
        if replace == Replace::No && self.exists(to.0, to.1).await? {
            return Err(already_exists(to.1));
        }
        let described = |meta: &ObjectMeta| {
            let kept = || Description { acl: None, ..meta.description.clone() };
            Facts::of(meta, with_type(to.1, description.clone().unwrap_or_else(kept)))
        };
        if from == to
            && let Backend::Local(local) = &self.backend
        {
            let _lock = self.locks.of(to.0, to.1).await;
            return match local.rewrite(to.0, to.1, described).await? {
                Some(meta) => Ok(meta),
                None => Err(self.missing(to.0, to.1).await),
            };
        }
        let facts = described(&source.meta);
        let received = self.receive(source.into_body(), &Upload::default()).await?;
        let _lock = self.locks.of(to.0, to.1).await;
        self.publish(to.0, to.1, received, facts, replace).await
    }

    /// Sets the object's ACL, or with `None` lets it be the bucket's.
    ///
    /// # Errors
    /// `NoSuchKey`; `NoSuchBucket`.
    pub async fn set_acl(&self, bucket: &Bucket, key: &Key, acl: Option<Acl>) -> Result<(), Error> {
        let changed = |meta: &ObjectMeta| Facts::of(meta, Description { acl, ..meta.description.clone() });
        let _lock = self.locks.of(bucket, key).await;
        let cloud = match &self.backend {
            Backend::Local(local) => {
                return match local.rewrite(bucket, key, changed).await? {
                    Some(_) => Ok(()),
                    None => Err(self.missing(bucket, key).await),
                };
            }
            Backend::Cloud(cloud) => cloud,
        };
        // Attributes cannot be changed, so the content is sent again, unless somebody else was
        // faster: then what they wrote gets the ACL.
        for _ in 0..ATTEMPTS {
            let object = self.get(bucket, key).await?;
            let (facts, mode) = (changed(&object.meta), object.unchanged());
            let received = self.receive(object.into_body(), &Upload::default()).await?;
            let location = cloud.location(bucket, key.as_str())?;
            match cloud.publish(&location, received, Some(&facts), mode).await {
                Ok(()) => return Ok(()),
                Err(object_store::Error::Precondition { .. } | object_store::Error::NotFound { .. }) => continue,
                Err(error) => return Err(storage_error(error)),
            }
        }
        Err(Error::unavailable("The object is being written to. Please try again."))
    }

    /// Adds content at the end of an object that was begun so, or begins one at position 0.
    ///
    /// # Errors
    /// `PositionNotEqualToLength`, with the length as detail `Length`; `ObjectNotAppendable`;
    /// those of [`Store::put`].
    pub async fn append(
        &self,
        bucket: &Bucket,
        key: &Key,
        position: u64,
        body: Body,
        upload: Upload,
    ) -> Result<ObjectMeta, Error> {
        if !self.bucket_exists(bucket).await? {
            return Err(no_such_bucket(bucket));
        }
        let added = self.receive(body, &upload).await?;
        // What waits for a client is done; what waits for disks alone is done under the lock.
        let _lock = self.locks.of(bucket, key).await;
        let (before, description, mode) = match self.get(bucket, key).await {
            Ok(object) => {
                let length = object.meta.size_bytes;
                if object.meta.kind != ObjectKind::Appendable {
                    let error = Error::new(Code::ObjectNotAppendable, "The object is not appendable");
                    return Err(error.detail("Key", key.as_str()));
                }
                if length != position {
                    return Err(wrong_position(key, length));
                }
                let (description, mode) = (object.meta.description.clone(), object.unchanged());
                (Some(object), description, mode)
            }
            Err(error) if error.code == Code::NoSuchKey && position == 0 => {
                (None, with_type(key, upload.description), PutMode::Create)
            }
            Err(error) if error.code == Code::NoSuchKey => return Err(wrong_position(key, 0)),
            Err(error) => return Err(error),
        };
        let added_bytes = added.content.into_body().await?;
        let whole: Body = match before {
            Some(object) => Box::pin(object.into_body().chain(added_bytes)),
            None => added_bytes,
        };
        let received = self.receive(whole, &Upload::default()).await?;
        let facts = Facts {
            etag: Some(digest::etag(&received.sums.md5)),
            kind: ObjectKind::Appendable,
            crc64: Some(received.sums.crc64),
            md5: None,
            description,
        };
        match &self.backend {
            Backend::Local(_) => self.publish(bucket, key, received, facts, Replace::Yes).await,
            Backend::Cloud(cloud) => {
                let size_bytes = received.sums.size_bytes;
                let location = cloud.location(bucket, key.as_str())?;
                match cloud.publish(&location, received, Some(&facts), mode).await {
                    Ok(()) => Ok(written(key, size_bytes, facts)),
                    Err(
                        object_store::Error::Precondition { .. }
                        | object_store::Error::AlreadyExists { .. }
                        | object_store::Error::NotFound { .. },
                    ) => {
                        let now = cloud.head(bucket, key.as_str()).await?;
                        Err(wrong_position(key, now.map_or(0, |(meta, _)| meta.size_bytes)))
                    }
                    Err(error) => Err(storage_error(error)),
                }
            }
        }
    }

    /// A page of the bucket's objects.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub async fn list(&self, bucket: &Bucket, listing: &Listing) -> Result<Listed, Error> {
        if !self.bucket_exists(bucket).await? {
            return Err(no_such_bucket(bucket));
        }
        if listing.limit == 0 {
            return Ok(Listed::default());
        }
        match &self.backend {
            Backend::Local(local) => local.list(bucket, listing).await,
            Backend::Cloud(cloud) => cloud.list(bucket, listing).await,
        }
    }

    async fn exists(&self, bucket: &Bucket, key: &Key) -> Result<bool, Error> {
        match self.head(bucket, key).await {
            Ok(_) => Ok(true),
            Err(error) if error.code == Code::NoSuchKey => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn receive(&self, body: Body, upload: &Upload) -> Result<Received, Error> {
        let sink = match &self.backend {
            Backend::Local(local) => local.sink(&self.ids.next()).await?,
            Backend::Cloud(_) => Sink::memory(),
        };
        receive::receive(body, upload, sink).await
    }

    /// Puts received content under its key. The caller holds the key's lock.
    async fn publish(
        &self,
        bucket: &Bucket,
        key: &Key,
        received: Received,
        facts: Facts,
        replace: Replace,
    ) -> Result<ObjectMeta, Error> {
        let size_bytes = received.sums.size_bytes;
        match (&self.backend, received.content) {
            (Backend::Local(local), Aside::Staged(leftover)) => {
                local.publish(bucket, key, leftover, facts, replace).await
            }
            (Backend::Cloud(cloud), content) => {
                let mode = if replace == Replace::Yes { PutMode::Overwrite } else { PutMode::Create };
                let received = Received { content, sums: received.sums };
                let location = cloud.location(bucket, key.as_str())?;
                match cloud.publish(&location, received, Some(&facts), mode).await {
                    Ok(()) => Ok(written(key, size_bytes, facts)),
                    Err(object_store::Error::AlreadyExists { .. }) => Err(already_exists(key)),
                    Err(error) => Err(storage_error(error)),
                }
            }
            (Backend::Local(_), _) => Err(Error::internal("content was not put aside")),
        }
    }

    async fn missing(&self, bucket: &Bucket, key: &Key) -> Error {
        match self.bucket_exists(bucket).await {
            Ok(true) => {
                let error = Error::new(Code::NoSuchKey, "The specified key does not exist.");
                error.ec(Ec(26, 1)).detail("Key", key.as_str())
            }
            Ok(false) => no_such_bucket(bucket),
            Err(error) => error,
        }
    }
}

/// How often a write is tried that others get ahead of.
const ATTEMPTS: u32 = 8;

impl Object {
    /// The condition that the object is still this one.
    fn unchanged(&self) -> PutMode {
        match &self.content {
            Content::File(_) => PutMode::Overwrite,
            Content::Remote(remote) => PutMode::Update(UpdateVersion { e_tag: remote.e_tag.clone(), version: None }),
        }
    }
}

/// What was just written, as it will be read.
fn written(key: &Key, size_bytes: u64, facts: Facts) -> ObjectMeta {
    facts.meta(key.as_str(), size_bytes, std::time::SystemTime::now(), String::new)
}

/// The description with a content type: as given, or by the key's ending.
fn with_type(key: &Key, mut description: Description) -> Description {
    let guess = || mime_guess::from_path(key.as_str()).first_or_octet_stream().to_string();
    description.content_type.get_or_insert_with(guess);
    description
}

/// One writer at a time for each key, within this process.
#[derive(Debug, Default)]
struct Locks(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Locks {
    async fn of(&self, bucket: &Bucket, key: &Key) -> OwnedMutexGuard<()> {
        let lock = {
            // A panic between two map operations leaves a map that is still right.
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if locks.len() >= 1024 {
                locks.retain(|_, lock| lock.strong_count() > 0);
            }
            let name = format!("{bucket}/{key}");
            match locks.get(&name).and_then(Weak::upgrade) {
                Some(lock) => lock,
                None => {
                    let lock = Arc::new(tokio::sync::Mutex::new(()));
                    locks.insert(name, Arc::downgrade(&lock));
                    lock
                }
            }
        };
        lock.lock_owned().await
    }
}

/// Makes IDs that nobody guesses and nobody else makes.
#[derive(Debug)]
struct Ids {
    hashers: [RandomState; 2],
    count: AtomicU64,
}

impl Ids {
    fn new() -> Ids {
        Ids { hashers: [RandomState::new(), RandomState::new()], count: AtomicU64::new(0) }
    }

    /// 32 hex digits.
    fn next(&self) -> String {
        let now = std::time::SystemTime::now();
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let [first, second] = &self.hashers;
        format!("{:016X}{:016X}", first.hash_one((now, count)), second.hash_one((count, std::process::id())))
    }
}

/// Runs `work` on a thread that may wait for disks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Error::internal),
        Err(error) => Err(Error::internal(error)),
    }
}

/// What a store's failure is to the caller.
fn storage_error(error: object_store::Error) -> Error {
    Error::internal(error)
}

/// The operating system's reason behind a store's failure.
fn io_kind(error: &object_store::Error) -> Option<io::ErrorKind> {
    let mut causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind)
}

fn already_exists(key: &Key) -> Error {
    let message = "The object you specified already exists and can not be overwritten.";
    Error::new(Code::FileAlreadyExists, message).detail("Key", key.as_str())
}

fn wrong_position(key: &Key, length: u64) -> Error {
    let error = Error::new(Code::PositionNotEqualToLength, "Position is not equal to file length");
    error.ec(Ec(26, 16)).detail("Key", key.as_str()).detail("Length", length.to_string())
}

fn no_such_bucket(bucket: &Bucket) -> Error {
    if !bucket.is_regular() {
        return name::invalid_bucket_name(bucket.as_str());
    }
    let error = Error::new(Code::NoSuchBucket, "The specified bucket does not exist.");
    error.ec(Ec(15, 101)).detail("BucketName", bucket.as_str())
}

#[cfg(test)]
mod tests;
