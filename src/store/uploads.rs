//! Uploads in parts.
//!
//! A part is an object of its own whose name says its number and its digests, so that one listing
//! tells all parts. Of several under one number the newest counts: a part that is sent again
//! removes only older ones, so of two that come at once one stays.

use super::digest;
use super::layout;
use super::meta::{Body, Description, Facts, ObjectKind, ObjectMeta, Part, PendingUpload, Replace, Upload};
use super::name::{Bucket, Key};
use super::object;
use super::receive::Aside;
use super::{Backend, Store, blocking, buckets, no_such_bucket, storage_error};
use crate::error::{Code, Ec, Error};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path as Location;
use object_store::{ObjectStoreExt, PutMode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::time::{SystemTime, UNIX_EPOCH};

/// Part numbers go from 1 to this.
const PARTS: u32 = 10_000;

/// The file that makes an upload.
const BEGUN: &str = "upload.json";

/// An upload as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    key: String,
    #[serde(with = "buckets::nanoseconds")]
    initiated: SystemTime,
    description: Description,
}

/// A part and where it is.
struct Stored {
    part: Part,
    location: Location,
    /// When it was put, in hex: of the parts of one number the last one counts. A store's own
    /// times are too coarse for that.
    sequence: String,
}

impl Store {
    /// Begins an upload and yields its ID.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub async fn begin_upload(&self, bucket: &Bucket, key: &Key, description: Description) -> Result<String, Error> {
        if !self.bucket_exists(bucket).await? {
            return Err(no_such_bucket(bucket));
        }
        let id = self.ids.next();
        let description = super::with_type(key, description);
        let begun = Begun { key: key.as_str().to_owned(), initiated: SystemTime::now(), description };
        let text = serde_json::to_string(&begun).map_err(Error::internal)?;
        self.texts.write(&begun_at(bucket, &id), text, PutMode::Create).await?;
        Ok(id)
    }

    /// Stores one part; of `upload` only the digest and the limit count.
    ///
    /// # Errors
    /// `NoSuchUpload`; `InvalidArgument` for a number outside 1 to 10,000; those of [`Store::put`].
    pub async fn put_part(
        &self,
        bucket: &Bucket,
        key: &Key,
        id: &str,
        number: u32,
        body: Body,
        upload: Upload,
    ) -> Result<Part, Error> {
        if !(1..=PARTS).contains(&number) {
            let message = format!("Part number must be an integer between 1 and {PARTS}, inclusive.");
            return Err(Error::new(Code::InvalidArgument, message)
                .detail("ArgumentName", "partNumber")
                .detail("ArgumentValue", number.to_string()));
        }
        self.begun(bucket, key, id).await?;
        let received = self.receive(body, &upload).await?;
        let sums = received.sums;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let (md5, crc64, id_of_part) = (digest::hex(&sums.md5), sums.crc64, self.ids.next());
        let name = format!("{number:05}-{now:020x}-{md5}-{crc64:016x}-{id_of_part}");
        let location = Location::parse(format!("{}/{name}", layout::upload(bucket, id))).map_err(Error::internal)?;
        match &self.backend {
            Backend::Local(local) => {
                let Aside::Staged(leftover) = received.content else {
                    return Err(Error::internal("a part was not put aside"));
                };
                local.place_raw(leftover, &location).await?;
            }
            Backend::Cloud(cloud) => {
                cloud.publish(&location, received, None, PutMode::Overwrite).await.map_err(storage_error)?;
            }
        }
        // Aborted or completed meanwhile: nobody would ever remove the part.
        if let Err(error) = self.begun(bucket, key, id).await {
            self.remove_part(&location).await?;
            return Err(error);
        }
        let all = self.stored(bucket, id).await?;
        let same = all.into_iter().filter(|stored| stored.part.number == number);
        let (own, others): (Vec<_>, Vec<_>) = same.partition(|stored| stored.location == location);
        let Some(own) = own.into_iter().next() else {
            // A newer one has replaced it already.
            let etag = digest::etag(&sums.md5);
            let last_modified = SystemTime::now();
            return Ok(Part { number, size_bytes: sums.size_bytes, etag, crc64: sums.crc64, last_modified });
        };
        for older in others.iter().filter(|other| other.age() < own.age()) {
            self.remove_part(&older.location).await?;
        }
        Ok(own.part)
    }

    /// The upload's parts, by number.
    ///
    /// # Errors
    /// `NoSuchUpload`.
    pub async fn parts(&self, bucket: &Bucket, key: &Key, id: &str) -> Result<Vec<Part>, Error> {
        self.begun(bucket, key, id).await?;
        Ok(self.newest(bucket, id).await?.into_values().map(|stored| stored.part).collect())
    }

    /// Makes the object out of the parts that are named by number and ETag (quoted or not), or of
    /// all, and ends the upload. Without any part the object is empty.
    ///
    /// # Errors
    /// `NoSuchUpload`; `InvalidPart` for a part that is not there or has another ETag;
    /// `InvalidPartOrder`; `FileAlreadyExists`.
    pub async fn complete_upload(
        &self,
        bucket: &Bucket,
        key: &Key,
        id: &str,
        named: Option<Vec<(u32, String)>>,
        replace: Replace,
    ) -> Result<ObjectMeta, Error> {
        let begun = self.begun(bucket, key, id).await?;
        let mut there = self.newest(bucket, id).await?;
        let chosen: Vec<Stored> = match named {
            None => there.into_values().collect(),
            Some(named) => {
                if !named.is_sorted_by(|(left, _), (right, _)| left < right) {
                    let message = "The list of parts was not in ascending order. Parts list must be specified in order by part number.";
                    return Err(Error::new(Code::InvalidPartOrder, message).detail("UploadId", id));
                }
                let bare = |etag: &str| etag.trim().trim_matches('"').to_ascii_uppercase();
                let choose = |(number, etag): (u32, String)| {
                    let stored = there.remove(&number).filter(|stored| bare(&stored.part.etag) == bare(&etag));
                    stored.ok_or_else(|| invalid_part(id, number, &etag))
                };
                named.into_iter().map(choose).collect::<Result<_, _>>()?
            }
        };
        let (parts, locations): (Vec<Part>, Vec<Location>) =
            chosen.into_iter().map(|stored| (stored.part, stored.location)).unzip();
        let backend = self.backend.clone();
        let content = stream::iter(locations).then(move |location| part_body(backend.clone(), location)).try_flatten();
        let received = self.receive(Box::pin(content), &Upload::default()).await?;
        let facts = Facts {
            etag: Some(digest::etag_of_parts(&parts)),
            kind: ObjectKind::Multipart,
            crc64: Some(received.sums.crc64),
            md5: None,
            description: begun.description,
        };
        let _writing = self.writing(bucket, key).await?;
        let meta = self.publish(bucket, key, received, facts, replace).await?;
        self.texts.clear(&layout::upload(bucket, id), BEGUN).await?;
        Ok(meta)
    }

    /// Whether there is such an upload.
    ///
    /// # Errors
    /// `NoSuchUpload`.
    pub async fn check_upload(&self, bucket: &Bucket, key: &Key, id: &str) -> Result<(), Error> {
        self.begun(bucket, key, id).await.map(drop)
    }

    /// Ends the upload and removes its parts.
    ///
    /// # Errors
    /// `NoSuchUpload`.
    pub async fn abort_upload(&self, bucket: &Bucket, key: &Key, id: &str) -> Result<(), Error> {
        self.begun(bucket, key, id).await?;
        self.texts.clear(&layout::upload(bucket, id), BEGUN).await
    }

    /// The bucket's uploads in progress, by key and then by age.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub async fn uploads(&self, bucket: &Bucket) -> Result<Vec<PendingUpload>, Error> {
        if !self.bucket_exists(bucket).await? {
            return Err(no_such_bucket(bucket));
        }
        let mut uploads = Vec::new();
        for id in self.texts.folders(&layout::uploads(bucket)).await? {
            if let Some(text) = self.texts.read(&begun_at(bucket, &id)).await? {
                let begun: Begun = serde_json::from_str(&text).map_err(Error::internal)?;
                uploads.push(PendingUpload { key: begun.key, id, initiated: begun.initiated });
            }
        }
        uploads.sort_by(|left, right| {
            (&left.key, left.initiated, &left.id).cmp(&(&right.key, right.initiated, &right.id))
        });
        Ok(uploads)
    }

    /// The upload as it was begun.
    async fn begun(&self, bucket: &Bucket, key: &Key, id: &str) -> Result<Begun, Error> {
        // An ID of ours, and not a path.
        let text = match id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => self.texts.read(&begun_at(bucket, id)).await?,
            false => None,
        };
        let begun: Option<Begun> = text.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::internal)?;
        match begun.filter(|begun| begun.key == key.as_str()) {
            Some(begun) => Ok(begun),
            None if !self.bucket_exists(bucket).await? => Err(no_such_bucket(bucket)),
            None => Err(no_such_upload(id)),
        }
    }

    async fn newest(&self, bucket: &Bucket, id: &str) -> Result<BTreeMap<u32, Stored>, Error> {
        let mut newest: BTreeMap<u32, Stored> = BTreeMap::new();
        for stored in self.stored(bucket, id).await? {
            match newest.get(&stored.part.number) {
                Some(known) if known.age() > stored.age() => {}
                _ => drop(newest.insert(stored.part.number, stored)),
            }
        }
        Ok(newest)
    }

    async fn stored(&self, bucket: &Bucket, id: &str) -> Result<Vec<Stored>, Error> {
        let found = self.texts.below(&layout::upload(bucket, id)).await?;
        let read = |(name, meta): (String, object_store::ObjectMeta)| {
            let mut pieces = name.split('-');
            let number = pieces.next()?.parse().ok()?;
            let sequence = pieces.next()?.to_owned();
            let etag = format!("\"{}\"", pieces.next()?);
            let crc64 = u64::from_str_radix(pieces.next()?, 16).ok()?;
            let last_modified = meta.last_modified.into();
            let part = Part { number, size_bytes: meta.size, etag, crc64, last_modified };
            Some(Stored { part, location: meta.location, sequence })
        };
        Ok(found.into_iter().filter_map(read).collect())
    }

    async fn remove_part(&self, location: &Location) -> Result<(), Error> {
        match self.texts.store.delete(location).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(storage_error(error)),
        }
    }
}

impl Stored {
    /// Sorts the parts of one number: the last one counts.
    fn age(&self) -> (&str, &str) {
        (&self.sequence, self.location.as_ref())
    }
}

/// The content of a part.
async fn part_body(backend: Backend, location: Location) -> Result<Body, Error> {
    match backend {
        Backend::Local(local) => {
            let path = local.root.join(location.as_ref());
            blocking(move || object::whole_file(File::open(path)?)).await
        }
        Backend::Cloud(cloud) => {
            let result = cloud.store.get(&location).await.map_err(storage_error)?;
            Ok(Box::pin(result.into_stream().map_err(storage_error)))
        }
    }
}

fn begun_at(bucket: &Bucket, id: &str) -> String {
    format!("{}/{BEGUN}", layout::upload(bucket, id))
}

fn no_such_upload(id: &str) -> Error {
    let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
    Error::new(Code::NoSuchUpload, message).ec(Ec(42, 2)).detail("UploadId", id)
}

fn invalid_part(id: &str, number: u32, etag: &str) -> Error {
    let message = "One or more of the specified parts could not be found or the specified entity tag might not have matched the part's entity tag.";
    Error::new(Code::InvalidPart, message)
        .detail("ETag", etag)
        .detail("PartNumber", number.to_string())
        .detail("UploadId", id)
}
