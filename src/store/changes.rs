//! Writes that begin with what is there: copies, ACLs, objects that grow.

use super::meta::{Acl, Body, Description, Facts, ObjectKind, ObjectMeta, Replace, Upload};
use super::name::{Bucket, Key};
use super::object::{Content, Object};
use super::{Backend, Store, already_exists, digest, no_such_bucket, storage_error, with_type, written};
use crate::error::{Code, Ec, Error};
use futures_util::StreamExt;
use object_store::{PutMode, UpdateVersion};

/// How often a write is tried that others get ahead of.
const ATTEMPTS: u32 = 8;

impl Store {
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
            let _writing = self.writing(to.0, to.1).await?;
            return match local.rewrite(to.0, to.1, described).await? {
                Some(meta) => Ok(meta),
                None => Err(self.missing(to.0, to.1).await),
            };
        }
        let facts = described(&source.meta);
        let received = self.receive(source.into_whole_body(), &Upload::default()).await?;
        let _writing = self.writing(to.0, to.1).await?;
        self.publish(to.0, to.1, received, facts, replace).await
    }

    /// Sets the object's ACL, or with `None` lets it be the bucket's.
    ///
    /// # Errors
    /// `NoSuchKey`; `NoSuchBucket`.
    pub async fn set_acl(&self, bucket: &Bucket, key: &Key, acl: Option<Acl>) -> Result<(), Error> {
        let changed = |meta: &ObjectMeta| Facts::of(meta, Description { acl, ..meta.description.clone() });
        let _writing = self.writing(bucket, key).await?;
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
            let received = self.receive(object.into_whole_body(), &Upload::default()).await?;
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
        let _writing = self.writing(bucket, key).await?;
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
                let (mut description, mode) = (object.meta.description.clone(), object.unchanged());
                description.acl = upload.description.acl.or(description.acl);
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
            Some(object) => Box::pin(object.into_whole_body().chain(added_bytes)),
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
}

impl Object {
    /// The condition that the object is still this one.
    fn unchanged(&self) -> PutMode {
        match &self.content {
            Content::File(_) => PutMode::Overwrite,
            Content::Remote(remote) => PutMode::Update(UpdateVersion { e_tag: remote.e_tag.clone(), version: None }),
        }
    }
}

fn wrong_position(key: &Key, length: u64) -> Error {
    let error = Error::new(Code::PositionNotEqualToLength, "Position is not equal to file length");
    error.ec(Ec(26, 16)).detail("Key", key.as_str()).detail("Length", length.to_string())
}
