//! What belongs to one version of a file, and how a reader finds just that.

use super::digest::etag_of_version;
use super::local::is_about_names;
use super::meta::{Facts, ObjectMeta};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// The file at `path` with the facts of the very version that was opened.
pub(super) fn consistent(path: &Path, meta: &Path) -> io::Result<Option<(File, Metadata, Facts)>> {
    let mut opened = None;
    let found = consistent_at(path, meta, || {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        opened = Some(file);
        Ok(metadata)
    })?;
    Ok(found.and_then(|(metadata, facts)| Some((opened?, metadata, facts))))
}

pub(super) fn consistent_at(
    path: &Path,
    meta: &Path,
    mut look: impl FnMut() -> io::Result<Metadata>,
) -> io::Result<Option<(Metadata, Facts)>> {
    loop {
        let metadata = match look() {
            Ok(metadata) => metadata,
            Err(error) if is_about_names(error.kind()) => return Ok(None),
            Err(error) => return Err(error),
        };
        let version = version(&metadata);
        if let Some(facts) = read_sidecar(&meta.join(&version))? {
            return Ok(Some((metadata, facts)));
        }
        // A file without a sidecar may have been replaced since it was opened; then look again.
        match fs::metadata(path) {
            Ok(now) if self::version(&now) != version => continue,
            Err(error) if is_about_names(error.kind()) => return Ok(None),
            _ => {}
        }
        let facts = moved_sidecar(meta, &version)?.unwrap_or_default();
        return Ok(Some((metadata, facts)));
    }
}

/// The sidecar of a file that was copied here together with our folder: another inode, but the
/// same size and time.
fn moved_sidecar(meta: &Path, version: &str) -> io::Result<Option<Facts>> {
    let Ok(entries) = fs::read_dir(meta) else { return Ok(None) };
    let same = |name: &str| name.rsplit_once('-').map(|(same, _)| same.to_owned());
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_str().and_then(same) == same(version) {
            return read_sidecar(&entry.path());
        }
    }
    Ok(None)
}

fn read_sidecar(path: &Path) -> io::Result<Option<Facts>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if is_about_names(error.kind()) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn described(key: &str, metadata: &Metadata, facts: Facts) -> io::Result<ObjectMeta> {
    Ok(facts.meta(key, metadata.len(), metadata.modified()?, || etag_of_version(&version(metadata))))
}

/// What tells one state of a file from every other: time of change, size and inode.
pub(super) fn version(metadata: &Metadata) -> String {
    let modified = metadata.modified().unwrap_or(UNIX_EPOCH).duration_since(UNIX_EPOCH).unwrap_or_default();
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let inode = 0;
    format!("{:x}-{:x}-{inode:x}", modified.as_nanos(), metadata.len())
}
