//! The store: buckets, objects with their metadata, documents and uploads.
//!
//! Three kinds, one behaviour: a directory of plain files (`local`), memory, and a bucket that
//! speaks S3 (`cloud` for both). Everything is kept in the store itself, so servers over one
//! store agree; where things lie is `layout`'s. Content appears together with its metadata, at
//! once and durably, or not at all. The room knows nothing of images or requests. Disks are waited
//! for on blocking threads, never on an async worker, and memory is bounded whatever the size of
//! the content.

mod buckets;
mod changes;
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
mod sidecar;
mod texts;
mod uploads;
mod walk;
mod writers;

pub use demo::BUCKET as DEMO_BUCKET;
pub use meta::{
    Acl, Body, BucketFacts, Description, Document, Listed, Listing, ObjectKind, ObjectMeta, Part, PendingUpload,
    Replace, Upload, body_of,
};
pub use name::{Bucket, Key};
pub use object::{Object, Whole};
pub use place::{Place, S3Place};

use crate::error::{Code, Ec, Error};
use cloud::Cloud;
use local::Local;
use meta::Facts;
use object::Content;
use object_store::PutMode;
use object_store::memory::InMemory;
use receive::{Aside, Received, Sink};
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;
use texts::Texts;
use writers::{Ids, Locks};

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
            _ if !key.is_legal() => None,
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
            _ if !key.is_legal() => None,
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
        let _writing = self.writing(bucket, key).await?;
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
        let _writing = self.writing(bucket, key).await?;
        match &self.backend {
            Backend::Local(local) => local.delete(bucket, key).await,
            Backend::Cloud(cloud) => cloud.delete(bucket, key.as_str()).await,
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

    /// Puts received content under its key. The caller is the key's only writer.
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

/// What was just written, as it will be read.
fn written(key: &Key, size_bytes: u64, facts: Facts) -> ObjectMeta {
    facts.meta(key.as_str(), size_bytes, SystemTime::now(), String::new)
}

/// The description with a content type: as given, or by the key's ending.
fn with_type(key: &Key, mut description: Description) -> Description {
    let guess = || mime_guess::from_path(key.as_str()).first_or_octet_stream().to_string();
    description.content_type.get_or_insert_with(guess);
    description
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
    match error {
        // What went wrong on our side of the store.
        object_store::Error::Generic { source, .. } if source.is::<Error>() => match source.downcast::<Error>() {
            Ok(own) => *own,
            Err(other) => Error::internal(other),
        },
        other => Error::internal(other),
    }
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

fn no_such_bucket(bucket: &Bucket) -> Error {
    if !bucket.is_regular() {
        return name::invalid_bucket_name(bucket.as_str());
    }
    let error = Error::new(Code::NoSuchBucket, "The specified bucket does not exist.");
    error.ec(Ec(15, 101)).detail("BucketName", bucket.as_str())
}

#[cfg(test)]
mod tests;
