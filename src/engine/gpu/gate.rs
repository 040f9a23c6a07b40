//! Who may touch the device when.
//!
//! wgpu-core 30 frees the memory of every buffer of a device, mapped ones too, when the device is
//! polled after it was marked lost. Buffers are created on any thread, and creating one can mark
//! the device lost. If that happened while the owner polls, memory that a decoder is writing to
//! would be freed under it. So creating and polling exclude each other, and between two polls the
//! owner looks whether the device was marked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Lets creators in together, the owner alone, and creators first: the owner comes back after
/// every slice of its waiting and would else starve them.
#[derive(Debug, Default)]
pub(super) struct Gate {
    lock: RwLock<()>,
    waiting: AtomicUsize,
}

impl Gate {
    /// For whoever creates something on the device.
    pub(super) fn creator(&self) -> RwLockReadGuard<'_, ()> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let guard = self.lock.read().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        guard
    }

    /// For the owner to submit or poll.
    pub(super) fn owner(&self) -> RwLockWriteGuard<'_, ()> {
        while self.waiting.load(Ordering::Acquire) > 0 {
            std::thread::yield_now();
        }
        self.lock.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_owner_does_not_starve_creators() {
        let gate = Gate::default();
        let created = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _guard = gate.creator();
                        created.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            // Ends only if the creators get through.
            while created.load(Ordering::Relaxed) < 200 {
                let _guard = gate.owner();
            }
        });
    }
}
