//! ETags that were computed before, so that a file is hashed once and not at every request.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Entries of one generation; the map holds at most twice as many.
const GENERATION: usize = 32_768;

/// ETags by object and version of its file. Bounded: when the young generation is full it becomes
/// the old one, and the old one is dropped.
#[derive(Debug, Default)]
pub(super) struct Etags(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Version, String>,
    old: HashMap<Version, String>,
}

/// Path below the root, and the store's own tag for the file's state (inode, mtime and size).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Version {
    pub path: String,
    pub tag: String,
}

impl Etags {
    pub fn get(&self, version: &Version) -> Option<String> {
        let mut generations = self.lock();
        if let Some(etag) = generations.young.get(version) {
            return Some(etag.clone());
        }
        let (version, etag) = generations.old.remove_entry(version)?;
        generations.insert(version, etag.clone());
        Some(etag)
    }

    pub fn insert(&self, version: Version, etag: String) {
        self.lock().insert(version, etag);
    }

    /// A panic between two map operations leaves a cache that is still right.
    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn insert(&mut self, version: Version, etag: String) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(version, etag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_is_bounded_and_keeps_what_is_used() {
        let etags = Etags::default();
        let version = |number: usize| Version { path: "b/k".to_owned(), tag: number.to_string() };
        for number in 0..3 * GENERATION {
            etags.insert(version(number), number.to_string());
            assert_eq!(etags.get(&version(0)).as_deref(), Some("0"));
        }
        let generations = etags.lock();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
    }
}
