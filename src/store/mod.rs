//! The store: buckets and objects as directories and plain files.
//!
//! `DIRECTORY/BUCKET/KEY` is a file like any other; nothing is kept beside it. The room knows the
//! file system through `object_store` and nothing of images or requests. Reads and hashing happen
//! on blocking threads, never on an async worker.
//!
//! A symbolic link is followed only as long as its target lies below the root.

mod demo;
mod etags;
mod name;

pub use demo::BUCKET as DEMO_BUCKET;
pub use name::{Bucket, Key};

use crate::error::{Code, Ec, Error};
use bytes::Bytes;
use etags::{Etags, Version};
use futures_util::stream::{self, Stream};
use md5::{Digest, Md5};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::{GetOptions, GetResultPayload, ObjectStore, PutMode, PutOptions, PutPayload};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes that are read from a file at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// Where the objects are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `pixelpass-data` in the current directory, filled with samples at the first start.
    Embedded,
    /// A directory of the operator's; nothing is written into it at start.
    Directory(PathBuf),
}

impl Place {
    /// The place that the setting `store` names: empty, a directory, or a `file://` URL.
    ///
    /// # Errors
    /// In words, for a URL of another kind.
    pub fn parse(text: &str) -> Result<Place, String> {
        match text.split_once("://") {
            None if text.is_empty() => Ok(Place::Embedded),
            None => Ok(Place::Directory(PathBuf::from(text))),
            Some(("file", path)) if path.starts_with('/') => {
                let path = percent_encoding::percent_decode_str(path).decode_utf8();
                path.map(|path| Place::Directory(PathBuf::from(path.as_ref()))).map_err(|error| error.to_string())
            }
            Some(("file", _)) => Err("write file:///ABSOLUTE/PATH".to_owned()),
            Some((scheme, _)) => Err(format!("stores of kind {scheme}:// are not built yet; name a directory")),
        }
    }

    /// The directory itself.
    pub fn directory(&self) -> &Path {
        match self {
            Place::Embedded => Path::new("pixelpass-data"),
            Place::Directory(path) => path,
        }
    }
}

/// What is known of an object without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    pub size_bytes: u64,
    pub last_modified: SystemTime,
    /// Quoted upper-case hex MD5 of the content.
    pub etag: String,
    /// Guessed from the key's ending.
    pub content_type: String,
}

/// Buckets and objects.
#[derive(Debug)]
pub struct Store {
    files: LocalFileSystem,
    /// Canonical.
    root: PathBuf,
    etags: Etags,
}

/// Whether a put may replace an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    Yes,
    /// `FileAlreadyExists` if there is one.
    No,
}

impl Store {
    /// Opens the store; fills the embedded one if it is empty.
    ///
    /// # Errors
    /// In words, when the directory cannot be made or opened.
    pub fn open(place: &Place) -> Result<Store, String> {
        let directory = place.directory();
        let fail = |error: &dyn std::fmt::Display| format!("cannot open the store {}: {error}", directory.display());
        if *place == Place::Embedded {
            demo::fill(directory).map_err(|error| fail(&error))?;
        }
        let root = fs::canonicalize(directory).map_err(|error| fail(&error))?;
        if !root.is_dir() {
            return Err(fail(&"not a directory"));
        }
        let files = LocalFileSystem::new_with_prefix(&root).map_err(|error| fail(&error))?;
        Ok(Store { files, root, etags: Etags::default() })
    }

    /// The directory, canonical.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the bucket exists.
    ///
    /// # Errors
    /// `InternalError` when the store cannot tell.
    pub async fn bucket_exists(&self, bucket: &Bucket) -> Result<bool, Error> {
        let (root, path) = (self.root.clone(), self.root.join(bucket.as_str()));
        blocking(move || Ok(resolve(&root, &path)?.is_some_and(|path| path.is_dir()))).await
    }

    /// The object with its metadata; its content stays the same however the key is written to
    /// while this is held.
    ///
    /// # Errors
    /// `NoSuchKey`; `NoSuchBucket`, or `InvalidBucketName` where no bucket could have the name.
    pub async fn get(&self, bucket: &Bucket, key: &Key) -> Result<Object, Error> {
        let Some((location, path)) = self.locate(bucket, key) else {
            return Err(self.missing(bucket, key).await);
        };
        let root = self.root.clone();
        let is_file = move || Ok(resolve(&root, &path)?.is_some_and(|path| path.is_file()));
        if !blocking(is_file).await? {
            return Err(self.missing(bucket, key).await);
        }
        let result = match self.files.get_opts(&location, GetOptions::default()).await {
            Ok(result) => result,
            Err(object_store::Error::NotFound { .. }) => return Err(self.missing(bucket, key).await),
            Err(error) => return Err(storage_error(error, key)),
        };
        let GetResultPayload::File(mut file, _) = result.payload else {
            return Err(Error::internal("the file store gave no file"));
        };
        let version = Version { path: location.to_string(), tag: result.meta.e_tag.unwrap_or_default() };
        let etag = match self.etags.get(&version) {
            Some(etag) => etag,
            None => {
                let etag;
                (file, etag) = blocking(move || {
                    let md5 = digest_file(&mut file)?;
                    Ok((file, quoted_hex(&md5)))
                })
                .await?;
                self.etags.insert(version, etag.clone());
                etag
            }
        };
        let meta = ObjectMeta {
            size_bytes: result.meta.size,
            last_modified: result.meta.last_modified.into(),
            etag,
            content_type: mime_guess::from_path(key.as_str()).first_or_octet_stream().to_string(),
        };
        Ok(Object { meta, file })
    }

    /// Stores `content` under the key, at once or not at all, and returns its ETag.
    ///
    /// # Errors
    /// `NoSuchBucket`; `InvalidObjectName` for a key that cannot be a file here;
    /// `FileAlreadyExists`.
    pub async fn put(&self, bucket: &Bucket, key: &Key, content: Content, replace: Replace) -> Result<String, Error> {
        let Some((location, path)) = self.locate(bucket, key) else {
            return Err(name::invalid_object_name(key.as_str()));
        };
        if !self.bucket_exists(bucket).await? {
            return Err(no_such_bucket(bucket));
        }
        let root = self.root.clone();
        if !blocking(move || leads_inside(&root, &path)).await? {
            return Err(name::invalid_object_name(key.as_str()));
        }
        let etag = quoted_hex(&content.md5);
        let mode = if replace == Replace::Yes { PutMode::Overwrite } else { PutMode::Create };
        let payload = PutPayload::from_iter(content.chunks);
        let done = self.files.put_opts(&location, payload, PutOptions::from(mode)).await;
        let done = done.map_err(|error| storage_error(error, key))?;
        let version = Version { path: location.to_string(), tag: done.e_tag.unwrap_or_default() };
        self.etags.insert(version, etag.clone());
        Ok(etag)
    }

    /// The place of a key in the file store and in the file system.
    fn locate(&self, bucket: &Bucket, key: &Key) -> Option<(Location, PathBuf)> {
        // `parse` takes segments as they are; `from` would write `%25` for `%` into file names.
        let location = Location::parse(format!("{bucket}/{}", key.relative_path()?)).ok()?;
        let path = self.files.path_to_filesystem(&location).ok()?;
        Some((location, path))
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

/// An object that was found, held open.
#[derive(Debug)]
pub struct Object {
    pub meta: ObjectMeta,
    file: File,
}

impl Object {
    /// The whole content, or `None` if it is longer than `limit_bytes`.
    ///
    /// # Errors
    /// `InternalError` when the file cannot be read.
    pub async fn read(self, limit_bytes: u64) -> Result<Option<Bytes>, Error> {
        if self.meta.size_bytes > limit_bytes {
            return Ok(None);
        }
        let Object { meta, mut file } = self;
        let read = move || {
            let mut bytes = Vec::with_capacity(meta.size_bytes as usize);
            file.rewind()?;
            (&mut file).take(meta.size_bytes).read_to_end(&mut bytes)?;
            Ok(Bytes::from(bytes))
        };
        blocking(read).await.map(Some)
    }

    /// A part of the content, in chunks. A file that became shorter meanwhile ends in an error.
    pub fn stream(self, range: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        stream::try_unfold((self.file, range), |(mut file, range)| async move {
            if range.is_empty() {
                return Ok(None);
            }
            let read = move || {
                let length = (range.end - range.start).min(CHUNK_BYTES as u64) as usize;
                let mut chunk = vec![0; length];
                file.seek(SeekFrom::Start(range.start))?;
                file.read_exact(&mut chunk)?;
                Ok(Some((Bytes::from(chunk), (file, range.start + length as u64..range.end))))
            };
            tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
        })
    }
}

/// Bytes to be stored, with what is known of them.
#[derive(Debug)]
pub struct Content {
    chunks: Vec<Bytes>,
    pub md5: [u8; 16],
    /// CRC-64/XZ.
    pub crc64: u64,
}

impl Content {
    /// Hashes `chunks`.
    ///
    /// # Errors
    /// `InternalError` when the hashing thread fails.
    pub async fn new(chunks: Vec<Bytes>) -> Result<Content, Error> {
        blocking(move || {
            let mut md5 = Md5::new();
            let mut crc64 = crc64fast::Digest::new();
            for chunk in &chunks {
                md5.update(chunk);
                crc64.write(chunk);
            }
            Ok(Content { chunks, md5: md5.finalize().into(), crc64: crc64.sum64() })
        })
        .await
    }
}

/// Runs `work` on a thread that may wait for disks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Error::internal),
        Err(error) => Err(Error::internal(error)),
    }
}

/// The real path behind `path`, or `None` if there is nothing or it lies outside `root`.
fn resolve(root: &Path, path: &Path) -> io::Result<Option<PathBuf>> {
    match fs::canonicalize(path) {
        Ok(real) => Ok(real.starts_with(root).then_some(real)),
        Err(error) if is_about_names(error.kind()) => Ok(None),
        // A loop of links leads nowhere.
        Err(_) if path.ancestors().take_while(|part| *part != root).any(Path::is_symlink) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a file made at `path` would come to lie below `root`: its nearest existing parent does.
fn leads_inside(root: &Path, path: &Path) -> io::Result<bool> {
    for parent in path.ancestors().skip(1) {
        match fs::symlink_metadata(parent) {
            Ok(_) => return Ok(resolve(root, parent)?.is_some()),
            Err(error) if is_about_names(error.kind()) => continue,
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Whether the name, not the disk, is why a path leads to no file.
fn is_about_names(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{InvalidFilename, IsADirectory, NotADirectory, NotFound};
    matches!(kind, NotFound | NotADirectory | IsADirectory | InvalidFilename)
}

fn storage_error(error: object_store::Error, key: &Key) -> Error {
    if let object_store::Error::AlreadyExists { .. } = error {
        let message = "The object you specified already exists and can not be overwritten.";
        return Error::new(Code::FileAlreadyExists, message).detail("Key", key.as_str());
    }
    let mut causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let kind = causes.find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    match kind {
        Some(kind) if is_about_names(kind) => name::invalid_object_name(key.as_str()).because(error),
        _ => Error::internal(error),
    }
}

fn no_such_bucket(bucket: &Bucket) -> Error {
    if !bucket.is_regular() {
        return name::invalid_bucket_name(bucket.as_str());
    }
    let error = Error::new(Code::NoSuchBucket, "The specified bucket does not exist.");
    error.ec(Ec(15, 101)).detail("BucketName", bucket.as_str())
}

fn digest_file(file: &mut File) -> io::Result<[u8; 16]> {
    let mut md5 = Md5::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    file.rewind()?;
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(md5.finalize().into()),
            length => md5.update(&chunk[..length]),
        }
    }
}

fn quoted_hex(md5: &[u8; 16]) -> String {
    let mut text = String::with_capacity(34);
    text.push('"');
    for byte in md5 {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests;
