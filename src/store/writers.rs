//! What keeps writers of one process apart, and the names they give to things.

use super::name::{Bucket, Key};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;
use tokio::sync::OwnedMutexGuard;

/// One writer at a time for each key, within this process.
#[derive(Debug, Default)]
pub(super) struct Locks(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Locks {
    /// Waits for the key's other writers.
    pub async fn of(&self, bucket: &Bucket, key: &Key) -> OwnedMutexGuard<()> {
        let lock = {
            // A panic between two map operations leaves a map that is still right.
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if locks.len() >= 1024 {
                locks.retain(|_, lock| lock.strong_count() > 0);
            }
            let name = format!("{bucket}/{key}");
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
