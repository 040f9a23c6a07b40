//! The files below a folder in byte order of their keys, a few directories at a time.
//!
//! A walk reads a directory only when it comes to it, and never the ones that a prefix, a starting
//! point or a skipped common prefix rules out: a page costs what the page holds, not what the
//! bucket holds.

use super::layout::OWN;
use super::local::{is_about_names, resolve};
use std::collections::BinaryHeap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Most names of one directory that are held at a time.
const BATCH: usize = 8192;

/// Which keys a walk yields.
#[derive(Debug, Clone, Default)]
pub(super) struct Range {
    pub prefix: String,
    /// Exclusive.
    pub after: String,
    /// Keys that begin so are left out.
    pub skipped: Option<String>,
}

impl Range {
    /// Whether `name`, a key or with `/` at its end a folder, can yield keys.
    fn admits(&self, name: &str) -> bool {
        let folder = name.ends_with('/');
        let begins = name.starts_with(&self.prefix) || (folder && self.prefix.starts_with(name));
        let follows = name > self.after.as_str() || (folder && self.after.starts_with(name));
        begins && follows && self.skipped.as_ref().is_none_or(|skipped| !name.starts_with(skipped))
    }
}

/// The walk itself.
#[derive(Debug)]
pub(super) struct Walk {
    /// What symbolic links must not lead out of.
    root: PathBuf,
    range: Range,
    levels: Vec<Level>,
}

#[derive(Debug)]
struct Level {
    /// Canonical.
    folder: PathBuf,
    /// What the keys below begin with: empty, or ending with `/`.
    base: String,
    /// Descending, so that the next one is last.
    entries: Vec<Entry>,
    /// The last name that was read, if the directory has more.
    more_after: Option<String>,
}

/// A name below the walk's folder, `/` at the end for a folder, and what it leads to.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    name: String,
    path: PathBuf,
}

impl Walk {
    /// A walk over the files below `folder`, which lies below `root`; nothing if it is not there.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn new(root: &Path, folder: &Path, range: Range) -> io::Result<Walk> {
        let mut walk = Walk { root: root.to_owned(), range, levels: Vec::new() };
        if let Some(folder) = resolve(root, folder)? {
            walk.enter(folder, String::new())?;
        }
        Ok(walk)
    }

    /// The next key and its file.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn next(&mut self) -> io::Result<Option<(String, PathBuf)>> {
        while let Some(level) = self.levels.last_mut() {
            let Some(Entry { name, path }) = level.entries.pop() else {
                match level.more_after.take() {
                    Some(last) => {
                        (level.entries, level.more_after) =
                            read(&self.root, &self.range, &level.folder, &level.base, Some(&last))?;
                    }
                    None => drop(self.levels.pop()),
                }
                continue;
            };
            // The range may have become narrower since the directory was read.
            if !self.range.admits(&name) {
                continue;
            }
            if !name.ends_with('/') {
                return Ok(Some((name, path)));
            }
            // A link to a folder that is being walked would lead round for ever.
            if !self.levels.iter().any(|level| level.folder.starts_with(&path)) {
                self.enter(path, name)?;
            }
        }
        Ok(None)
    }

    /// Leaves out what begins with `prefix` from now on.
    pub fn skip(&mut self, prefix: &str) {
        self.range.skipped = Some(prefix.to_owned());
    }

    fn enter(&mut self, folder: PathBuf, base: String) -> io::Result<()> {
        let (entries, more_after) = read(&self.root, &self.range, &folder, &base, None)?;
        self.levels.push(Level { folder, base, entries, more_after });
        Ok(())
    }
}

/// The first [`BATCH`] names of a directory in the range and after `last`, descending, and the
/// last of them if there are more.
fn read(
    root: &Path,
    range: &Range,
    folder: &Path,
    base: &str,
    last: Option<&str>,
) -> io::Result<(Vec<Entry>, Option<String>)> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // Gone since it was seen.
        Err(error) if is_about_names(error.kind()) => return Ok((Vec::new(), None)),
        Err(error) => return Err(error),
    };
    let mut first = BinaryHeap::new();
    let mut more = false;
    for entry in entries {
        let entry = entry?;
        let (Ok(name), Ok(mut kind)) = (entry.file_name().into_string(), entry.file_type()) else { continue };
        let mut path = folder.join(&name);
        if kind.is_symlink() {
            let Some(real) = resolve(root, &path)?.filter(|real| !real.starts_with(root.join(OWN))) else { continue };
            match fs::metadata(&real) {
                Ok(metadata) => kind = metadata.file_type(),
                Err(error) if is_about_names(error.kind()) => continue,
                Err(error) => return Err(error),
            }
            path = real;
        }
        let name = match (kind.is_dir(), kind.is_file()) {
            (true, _) => format!("{base}{name}/"),
            (_, true) => format!("{base}{name}"),
            _ => continue,
        };
        if !range.admits(&name) || last.is_some_and(|last| name.as_str() <= last) {
            continue;
        }
        first.push(Entry { name, path });
        if first.len() > BATCH {
            more = true;
            first.pop();
        }
    }
    let mut entries = first.into_sorted_vec();
    let last = entries.last().filter(|_| more).map(|entry| entry.name.clone());
    entries.reverse();
    Ok((entries, last))
}
