//! What keeps writers of one process apart, and the names they give to things.

use super::name::{Bucket, Key};
use super::{Backend, Error, Store, blocking, layout};
use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;
use tokio::sync::OwnedMutexGuard;

/// Locks of a directory that its processes share. More than threads that may wait for one.
const SHARED_LOCKS: u64 = 1024;

/// Held by who writes a key.
pub(super) struct Writing {
    _own: OwnedMutexGuard<()>,
    /// Unlocked when it is closed, at the latest by the end of the process.
    _shared: Option<File>,
}

impl Store {
    /// Waits until nobody else writes the key: in this process, and in a directory in any.
    pub(super) async fn writing(&self, bucket: &Bucket, key: &Key) -> Result<Writing, Error> {
        let name = format!("{bucket}/{key}");
        let Backend::Local(local) = &self.backend else {
            return Ok(Writing { _own: self.locks.of(name).await, _shared: None });
        };
        let mut digest = crc64fast::Digest::new();
        digest.write(name.as_bytes());
        let number = format!("{:03x}", digest.sum64() % SHARED_LOCKS);
        let folder = local.root.join(layout::locks());
        // Of one process only one thread waits for a lock of all.
        let own = self.locks.of(number.clone()).await;
        let shared = blocking(move || {
            fs::create_dir_all(&folder)?;
            let file = File::options().create(true).append(true).open(folder.join(number))?;
            file.lock()?;
            Ok(file)
        });
        Ok(Writing { _own: own, _shared: Some(shared.await?) })
    }
}

/// One writer at a time for each name, within this process.
#[derive(Debug, Default)]
pub(super) struct Locks(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Locks {
    async fn of(&self, name: String) -> OwnedMutexGuard<()> {
        let lock = {
            // A panic between two map operations leaves a map that is still right.
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if locks.len() >= 1024 {
                locks.retain(|_, lock| lock.strong_count() > 0);
            }
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
pub(super) struct Ids {
    hashers: [RandomState; 2],
    count: AtomicU64,
}

impl Ids {
    pub fn new() -> Ids {
        Ids { hashers: [RandomState::new(), RandomState::new()], count: AtomicU64::new(0) }
    }

    /// 32 hex digits.
    pub fn next(&self) -> String {
        let now = SystemTime::now();
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let [first, second] = &self.hashers;
        format!("{:016X}{:016X}", first.hash_one((now, count)), second.hash_one((count, std::process::id())))
    }
}
