//! Buckets and their documents.

use super::layout;
use super::meta::{Acl, BucketFacts, Document, Listing};
use super::name::{self, Bucket};
use super::{Backend, Store, blocking, no_such_bucket, storage_error};
use crate::error::{Code, Ec, Error};
use object_store::PutMode;
use object_store::path::Path as Location;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A bucket's facts as they are kept.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Kept {
    #[serde(with = "nanoseconds")]
    created: SystemTime,
    #[serde(default)]
    acl: Option<Acl>,
}

/// A document as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct KeptDocument {
    #[serde(with = "nanoseconds")]
    created: SystemTime,
    #[serde(with = "nanoseconds")]
    modified: SystemTime,
    text: String,
}

impl From<KeptDocument> for Document {
    fn from(kept: KeptDocument) -> Document {
        Document { text: kept.text, created: kept.created, modified: kept.modified }
    }
}

/// Times as nanoseconds since 1970.
pub(super) mod nanoseconds {
    use super::*;
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        u64::deserialize(deserializer).map(|nanoseconds| UNIX_EPOCH + Duration::from_nanos(nanoseconds))
    }
}

impl Store {
    /// Whether the bucket exists.
    ///
    /// # Errors
    /// `InternalError` when the store cannot tell.
    pub async fn bucket_exists(&self, bucket: &Bucket) -> Result<bool, Error> {
        match &self.backend {
            Backend::Local(local) => {
                let (local, bucket) = (local.clone(), bucket.clone());
                blocking(move || Ok(local.folder(&bucket)?.is_some())).await
            }
            Backend::Cloud(cloud) => {
                if self.texts.recent(&layout::facts(bucket)).await?.is_some() {
                    return Ok(true);
                }
                // A folder of another program's.
                let location = Location::parse(bucket.as_str()).map_err(Error::internal)?;
                let found = cloud.store.list_with_delimiter(Some(&location)).await.map_err(storage_error)?;
                Ok(!found.objects.is_empty() || !found.common_prefixes.is_empty())
            }
        }
    }

    /// What is known of the bucket, at most a second old.
    ///
    /// # Errors
    /// `NoSuchBucket`, or `InvalidBucketName` where no bucket could have the name.
    pub async fn bucket(&self, bucket: &Bucket) -> Result<BucketFacts, Error> {
        let kept = self.texts.recent(&layout::facts(bucket)).await?;
        let kept: Option<Kept> = kept.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::internal)?;
        let (created, there) = match &self.backend {
            Backend::Local(local) => {
                let (local, name) = (local.clone(), bucket.clone());
                let changed = blocking(move || match local.folder(&name)? {
                    Some(folder) => Ok(Some(fs::metadata(folder)?.modified()?)),
                    None => Ok(None),
                });
                let changed = changed.await?;
                (changed.unwrap_or(UNIX_EPOCH), changed.is_some())
            }
            Backend::Cloud(_) => (UNIX_EPOCH, kept.is_some() || self.bucket_exists(bucket).await?),
        };
        if !there {
            return Err(no_such_bucket(bucket));
        }
        let kept = kept.unwrap_or(Kept { created, acl: None });
        Ok(BucketFacts { name: bucket.clone(), created: kept.created, acl: kept.acl })
    }

    /// Every bucket, by name.
    ///
    /// # Errors
    /// `InternalError` when the store cannot be read.
    pub async fn buckets(&self) -> Result<Vec<BucketFacts>, Error> {
        let names: BTreeSet<String> = match &self.backend {
            Backend::Local(local) => {
                let root = local.root.clone();
                blocking(move || {
                    let entries = fs::read_dir(&root)?;
                    entries
                        .filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose())
                        .collect()
                })
                .await?
            }
            Backend::Cloud(_) => {
                let mut names: BTreeSet<_> = self.texts.folders("").await?.into_iter().collect();
                names.extend(self.texts.folders(&layout::buckets()).await?);
                names
            }
        };
        let mut buckets = Vec::with_capacity(names.len());
        for name in names {
            let Ok(bucket) = Bucket::or_folder(&name) else { continue };
            match self.bucket(&bucket).await {
                Ok(facts) => buckets.push(facts),
                Err(error) if matches!(error.code, Code::NoSuchBucket | Code::InvalidBucketName) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(buckets)
    }

    /// Makes the bucket, private unless an ACL is given. One that exists stays; its ACL changes if
    /// one is given.
    ///
    /// # Errors
    /// `InvalidBucketName` for a folder's name that is none of OSS.
    pub async fn create_bucket(&self, bucket: &Bucket, acl: Option<Acl>) -> Result<BucketFacts, Error> {
        match self.bucket(bucket).await {
            Ok(facts) if acl.is_none_or(|acl| facts.acl == Some(acl)) => return Ok(facts),
            Ok(facts) => return self.keep(BucketFacts { acl, ..facts }, PutMode::Overwrite).await,
            Err(error) if error.code == Code::NoSuchBucket => {}
            Err(error) => return Err(error),
        }
        if !bucket.is_regular() {
            return Err(name::invalid_bucket_name(bucket.as_str()));
        }
        // The ACL first: the bucket is never there without it.
        let facts =
            BucketFacts { name: bucket.clone(), created: SystemTime::now(), acl: Some(acl.unwrap_or(Acl::Private)) };
        let mode = if acl.is_some() { PutMode::Overwrite } else { PutMode::Create };
        self.keep(facts, mode).await?;
        if let Backend::Local(local) = &self.backend {
            let root = local.root.clone();
            let folder = root.join(bucket.as_str());
            blocking(move || {
                match fs::create_dir(&folder) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                    _ => {}
                }
                if cfg!(unix) { fs::File::open(&root)?.sync_all() } else { Ok(()) }
            })
            .await?;
        }
        self.bucket(bucket).await
    }

    /// # Errors
    /// `NoSuchBucket`.
    pub async fn set_bucket_acl(&self, bucket: &Bucket, acl: Acl) -> Result<(), Error> {
        let facts = self.bucket(bucket).await?;
        self.keep(BucketFacts { acl: Some(acl), ..facts }, PutMode::Overwrite).await.map(drop)
    }

    async fn keep(&self, facts: BucketFacts, mode: PutMode) -> Result<BucketFacts, Error> {
        let kept = Kept { created: facts.created, acl: facts.acl };
        let text = serde_json::to_string(&kept).map_err(Error::internal)?;
        self.texts.write(&layout::facts(&facts.name), text, mode).await?;
        Ok(facts)
    }

    /// Removes an empty bucket with its documents; uploads in progress are aborted.
    ///
    /// # Errors
    /// `NoSuchBucket`; `BucketNotEmpty`.
    pub async fn delete_bucket(&self, bucket: &Bucket) -> Result<(), Error> {
        self.bucket(bucket).await?;
        let listed = self.list(bucket, &Listing { limit: 1, ..Listing::default() }).await?;
        if !listed.objects.is_empty() {
            return Err(bucket_not_empty(bucket));
        }
        if let Backend::Local(local) = &self.backend {
            let folder = local.root.join(bucket.as_str());
            // Folder by folder: an object that is written meanwhile stays.
            let emptied = blocking(move || {
                remove_folders(&folder);
                Ok(!folder.exists())
            });
            if !emptied.await? {
                return Err(bucket_not_empty(bucket));
            }
        }
        self.texts.clear(&layout::bucket(bucket), "bucket.json").await?;
        if let Backend::Local(local) = &self.backend {
            let folder = local.root.join(layout::bucket(bucket));
            blocking(move || {
                remove_folders(&folder);
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// The document of that name, at most a second old.
    ///
    /// # Errors
    /// `InternalError` when the store cannot be read.
    pub async fn document(&self, bucket: &Bucket, name: &str) -> Result<Option<Document>, Error> {
        let text = self.texts.recent(&layout::document(bucket, name)).await?;
        text.map(|text| read_document(&text)).transpose()
    }

    /// Writes the document; one that was there keeps its time of creation.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub async fn put_document(&self, bucket: &Bucket, name: &str, text: &str) -> Result<Document, Error> {
        self.bucket(bucket).await?;
        let location = layout::document(bucket, name);
        let modified = SystemTime::now();
        let known = self.texts.read(&location).await?.map(|text| read_document(&text)).transpose()?;
        let created = known.map_or(modified, |document| document.created);
        let kept = KeptDocument { created, modified, text: text.to_owned() };
        let written = serde_json::to_string(&kept).map_err(Error::internal)?;
        self.texts.write(&location, written, PutMode::Overwrite).await?;
        Ok(kept.into())
    }

    /// Removes the document; whether there was one.
    ///
    /// # Errors
    /// `InternalError` when the store cannot be written.
    pub async fn delete_document(&self, bucket: &Bucket, name: &str) -> Result<bool, Error> {
        self.texts.remove(&layout::document(bucket, name)).await
    }

    /// The documents whose names begin with `prefix`, in order of creation.
    ///
    /// # Errors
    /// `InternalError` when the store cannot be read.
    pub async fn documents(&self, bucket: &Bucket, prefix: &str) -> Result<Vec<(String, Document)>, Error> {
        let mut documents = Vec::new();
        for (escaped, _) in self.texts.below(&layout::documents(bucket)).await? {
            let Some(name) = layout::unescape(&escaped).filter(|name| name.starts_with(prefix)) else { continue };
            // One that has gone meanwhile is not shown.
            if let Some(text) = self.texts.read(&layout::document(bucket, &name)).await? {
                documents.push((name, read_document(&text)?));
            }
        }
        documents.sort_by(|(left, a), (right, b)| (a.created, left).cmp(&(b.created, right)));
        Ok(documents)
    }
}

fn read_document(text: &str) -> Result<Document, Error> {
    serde_json::from_str::<KeptDocument>(text).map(Document::from).map_err(Error::internal)
}

fn bucket_not_empty(bucket: &Bucket) -> Error {
    let error = Error::new(Code::BucketNotEmpty, "The bucket has objects. Please delete them first.");
    error.ec(Ec(15, 301)).detail("BucketName", bucket.as_str())
}

/// Removes a folder and the folders in it as far as they are empty.
fn remove_folders(folder: &Path) {
    if let Ok(entries) = fs::read_dir(folder) {
        for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            remove_folders(&entry.path());
        }
    }
    let _ = fs::remove_dir(folder);
}
