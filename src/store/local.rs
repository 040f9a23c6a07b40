//! Objects as plain files: `DIRECTORY/BUCKET/KEY` is a file like any other.
//!
//! What belongs to a file but is not its content lies in a sidecar that is named after the file's
//! *version*: time of change, size and inode, which a rename keeps. A write puts the content aside,
//! then the sidecar of the version to come, and then renames the content into its place. So
//! content and metadata appear together, and whoever holds a file open finds the metadata of just
//! that file, whenever a process ends. A file without a sidecar is one that somebody else put
//! there, and is served as it is.
//!
//! Keys that cannot be names of files (`a//b`, `dir/`, `a` beside `a/b`, very long ones) lie in a
//! folder of ours under a name that can. Reading looks for the plain file first.
//!
//! Written through `object_store`, with fsync; read with the standard library, for one trip to a
//! blocking thread in place of four. A symbolic link is followed as long as its target lies below
//! the root.

use super::layout;
use super::meta::{Facts, ObjectMeta, Replace};
use super::name::{Bucket, Key};
use super::receive::Sink;
use super::sidecar::{self, consistent, consistent_at, described, version};
use super::{Error, already_exists, blocking, io_kind, storage_error};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, RenameOptions, RenameTargetMode};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What nobody has touched for so long belongs to a write that will not be finished.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// The files below one directory.
#[derive(Debug, Clone)]
pub(super) struct Local {
    pub files: LocalFileSystem,
    /// Canonical.
    pub root: PathBuf,
}

/// A file that is removed unless it finds its place.
#[derive(Debug)]
pub(super) struct Leftover {
    path: PathBuf,
    location: Location,
    placed: bool,
}

impl Leftover {
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        if !self.placed {
            // Not being there is well, and being left is what the next start looks for.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Where a key's file may be.
#[derive(Debug, Clone)]
struct Spots {
    /// `None` for a key that cannot be a file's name.
    plain: Option<(Location, PathBuf)>,
    odd: (Location, PathBuf),
    /// The folder of the sidecars.
    meta: PathBuf,
}

impl Spots {
    fn paths(&self) -> impl Iterator<Item = &Path> {
        self.plain.iter().chain([&self.odd]).map(|(_, path)| path.as_path())
    }
}

impl Local {
    /// # Errors
    /// When the directory is not there.
    pub fn open(root: PathBuf) -> Result<Local, object_store::Error> {
        let files = LocalFileSystem::new_with_prefix(&root)?.with_fsync(true);
        Ok(Local { files, root })
    }

    /// Removes what unfinished writes left behind.
    pub fn tidy(&self) {
        remove_abandoned(&self.root.join(layout::staging()), "");
    }

    /// Where an object is received.
    pub async fn sink(&self, id: &str) -> Result<Sink, Error> {
        let location = Location::parse(format!("{}/{id}", layout::staging())).map_err(Error::internal)?;
        let path = self.files.path_to_filesystem(&location).map_err(storage_error)?;
        let (files, to) = (self.files.clone(), location.clone());
        // Opening the file waits for the disk.
        let runtime = tokio::runtime::Handle::current();
        let upload = blocking(move || Ok(runtime.block_on(files.put_multipart(&to)))).await?.map_err(storage_error)?;
        Ok(Sink::Staged(upload, Leftover { path, location, placed: false }))
    }

    fn spots(&self, bucket: &Bucket, key: &str) -> Result<Spots, Error> {
        let spot = |location: String| {
            // `parse` takes segments as they are; `from` would write `%25` for `%` into names.
            let location = Location::parse(location).ok()?;
            let path = self.files.path_to_filesystem(&location).ok()?;
            Some((location, path))
        };
        let plain = Key::new(key).ok().and_then(|key| spot(format!("{bucket}/{}", key.relative_path()?)));
        let odd = spot(layout::odd(bucket, key)).ok_or_else(|| Error::internal("no place for an odd key"))?;
        Ok(Spots { plain, odd, meta: self.root.join(layout::meta(bucket, key)) })
    }

    /// The bucket's folder, if it is one.
    ///
    /// # Errors
    /// When the file system cannot tell.
    pub fn folder(&self, bucket: &Bucket) -> io::Result<Option<PathBuf>> {
        Ok(resolve(&self.root, &self.root.join(bucket.as_str()))?.filter(|path| path.is_dir()))
    }

    /// The object's metadata and its open file.
    pub async fn open_object(&self, bucket: &Bucket, key: &Key) -> Result<Option<(ObjectMeta, File)>, Error> {
        let spots = self.spots(bucket, key.as_str())?;
        let (root, key) = (self.root.clone(), key.as_str().to_owned());
        blocking(move || {
            for path in spots.paths() {
                let Some(path) = resolve(&root, path)?.filter(|path| path.is_file()) else { continue };
                if let Some((file, metadata, facts)) = consistent(&path, &spots.meta)? {
                    let meta = described(&key, &metadata, facts)?;
                    return Ok(Some((meta, file)));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Puts a file that was set aside into its place, with `facts`.
    ///
    /// The caller is the key's only writer.
    pub async fn publish(
        &self,
        bucket: &Bucket,
        key: &Key,
        mut aside: Leftover,
        facts: Facts,
        replace: Replace,
    ) -> Result<ObjectMeta, Error> {
        let spots = self.spots(bucket, key.as_str())?;
        let (root, at) = (self.root.clone(), spots.clone());
        let (aside_path, text) = (aside.path.clone(), key.as_str().to_owned());
        let (metadata, before, fits) = blocking(move || {
            let before = at.paths().map(|path| version_at(&root, path)).collect::<io::Result<Vec<_>>>()?;
            let fits = match &at.plain {
                Some((_, path)) => leads_inside(&root, path)? && !path.is_dir(),
                None => false,
            };
            Ok((fs::metadata(&aside_path)?, before, fits))
        })
        .await?;
        if replace == Replace::No && before.iter().any(Option::is_some) {
            return Err(already_exists(key));
        }
        let version = version(&metadata);
        let sidecar = spots.meta.join(&version);
        self.write_sidecar(bucket, key, &version, &facts).await?;
        let mut placed = match spots.plain.as_ref().filter(|_| fits) {
            Some((location, _)) => Some(self.place(&aside, location, replace).await),
            None => None,
        };
        // A file stands where the key needs a folder, or the other way round.
        if placed.as_ref().is_none_or(|result| result.as_ref().is_err_and(is_obstructed)) {
            placed = Some(self.place(&aside, &spots.odd.0, replace).await);
        }
        if let Some(Err(error)) = placed {
            let _ = blocking(move || fs::remove_file(sidecar)).await;
            return Err(match error {
                object_store::Error::AlreadyExists { .. } => already_exists(key),
                error => storage_error(error),
            });
        }
        aside.placed = true;
        let bucket_folder = self.root.join(layout::bucket(bucket));
        blocking(move || {
            for (path, before) in spots.paths().zip(before) {
                let Some(before) = before.filter(|before| *before != version) else { continue };
                remove_if_there(&spots.meta.join(&before))?;
                // The key's other spot, where it was found when this one was taken.
                if fs::metadata(path).is_ok_and(|metadata| sidecar::version(&metadata) == before) {
                    remove_file(path)?;
                    remove_empty(path, &bucket_folder);
                }
            }
            remove_abandoned(&spots.meta, &version);
            described(&text, &metadata, facts)
        })
        .await
    }

    async fn place(&self, aside: &Leftover, to: &Location, replace: Replace) -> Result<(), object_store::Error> {
        let target_mode = match replace {
            Replace::Yes => RenameTargetMode::Overwrite,
            Replace::No => RenameTargetMode::Create,
        };
        self.files.rename_opts(&aside.location, to, RenameOptions::new().with_target_mode(target_mode)).await
    }

    /// Puts a file that was set aside where nothing is.
    pub async fn place_raw(&self, mut aside: Leftover, to: &Location) -> Result<(), Error> {
        self.place(&aside, to, Replace::Yes).await.map_err(storage_error)?;
        aside.placed = true;
        Ok(())
    }

    async fn write_sidecar(&self, bucket: &Bucket, key: &Key, version: &str, facts: &Facts) -> Result<(), Error> {
        let location = format!("{}/{version}", layout::meta(bucket, key.as_str()));
        let location = Location::parse(location).map_err(Error::internal)?;
        let text = serde_json::to_vec(facts).map_err(Error::internal)?;
        self.files.put(&location, PutPayload::from(text)).await.map_err(storage_error)?;
        Ok(())
    }

    /// Replaces what is kept beside the object's content. The caller is the key's only writer.
    ///
    /// Yields `None` if there is no object.
    pub async fn rewrite(
        &self,
        bucket: &Bucket,
        key: &Key,
        change: impl FnOnce(&ObjectMeta) -> Facts + Send,
    ) -> Result<Option<ObjectMeta>, Error> {
        let Some((meta, file)) = self.open_object(bucket, key).await? else { return Ok(None) };
        let metadata = blocking(move || file.metadata()).await?;
        let facts = change(&meta);
        self.write_sidecar(bucket, key, &version(&metadata), &facts).await?;
        let key = key.as_str().to_owned();
        blocking(move || described(&key, &metadata, facts)).await.map(Some)
    }

    /// Removes the object, if there is one. The caller is the key's only writer.
    pub async fn delete(&self, bucket: &Bucket, key: &Key) -> Result<(), Error> {
        let spots = self.spots(bucket, key.as_str())?;
        let root = self.root.clone();
        let ends = [root.join(bucket.as_str()), root.join(layout::bucket(bucket))];
        blocking(move || {
            for path in spots.paths() {
                let Some(version) = version_at(&root, path)? else { continue };
                remove_file(path)?;
                remove_if_there(&spots.meta.join(version))?;
                ends.iter().filter(|end| path.starts_with(end)).for_each(|end| remove_empty(path, end));
            }
            let _ = fs::remove_dir(&spots.meta);
            remove_empty(&spots.meta, &ends[1]);
            Ok(())
        })
        .await
    }

    /// What a listing says of the file at `path`; `None` if it has gone.
    pub fn listed(&self, bucket: &Bucket, key: &str, path: &Path) -> io::Result<Option<ObjectMeta>> {
        let meta = self.root.join(layout::meta(bucket, key));
        match consistent_at(path, &meta, || fs::metadata(path))? {
            Some((metadata, facts)) => described(key, &metadata, facts).map(Some),
            None => Ok(None),
        }
    }
}

/// Removes the files of a folder, but for `keep`, that nobody has touched for a day.
fn remove_abandoned(folder: &Path, keep: &str) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name() != keep) {
        let modified = entry.metadata().ok().filter(Metadata::is_file).and_then(|metadata| metadata.modified().ok());
        let age = modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
        if age.is_some_and(|age| age > ABANDONED) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The version of the object at `path`, if there is one.
fn version_at(root: &Path, path: &Path) -> io::Result<Option<String>> {
    let Some(path) = resolve(root, path)? else { return Ok(None) };
    match fs::metadata(&path) {
        Ok(metadata) => Ok(metadata.is_file().then(|| version(&metadata))),
        Err(error) if is_about_names(error.kind()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file for good: also after a power cut it stays away.
fn remove_file(path: &Path) -> io::Result<()> {
    remove_if_there(path)?;
    match path.parent() {
        Some(parent) if cfg!(unix) => match File::open(parent) {
            Ok(folder) => folder.sync_all(),
            Err(error) if is_about_names(error.kind()) => Ok(()),
            Err(error) => Err(error),
        },
        _ => Ok(()),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if !is_about_names(error.kind()) => Err(error),
        _ => Ok(()),
    }
}

/// Removes the folders above `path` and below `end` as far as they are empty.
fn remove_empty(path: &Path, end: &Path) {
    for folder in path.ancestors().skip(1) {
        if folder == end || !folder.starts_with(end) || fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

/// Whether something else stands where a file was to be put.
fn is_obstructed(error: &object_store::Error) -> bool {
    !matches!(error, object_store::Error::AlreadyExists { .. }) && io_kind(error).is_some_and(is_about_names)
}

/// The real path behind `path`, or `None` if there is nothing or it lies outside `root`.
pub(super) fn resolve(root: &Path, path: &Path) -> io::Result<Option<PathBuf>> {
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
pub(super) fn is_about_names(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{AlreadyExists, InvalidFilename, IsADirectory, NotADirectory, NotFound};
    matches!(kind, NotFound | NotADirectory | IsADirectory | InvalidFilename | AlreadyExists)
}
