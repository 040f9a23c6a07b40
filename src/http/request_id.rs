//! Request ids: 24 upper-case hex digits, new for each request.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Gives ids: the second of the request, and a number under a keyed hash whose key is drawn at
/// start, so that neither counts nor restarts show and none repeats.
pub(super) struct RequestIds {
    hasher: RandomState,
    count: AtomicU64,
}

impl RequestIds {
    pub fn new() -> RequestIds {
        RequestIds { hasher: RandomState::new(), count: AtomicU64::new(0) }
    }

    pub fn next(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let number = self.hasher.hash_one(self.count.fetch_add(1, Ordering::Relaxed));
        format!("{:08X}{number:016X}", now.as_secs() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_24_upper_case_digits_and_differ() {
        let ids = RequestIds::new();
        let (first, second) = (ids.next(), ids.next());
        for id in [&first, &second] {
            assert_eq!(id.len(), 24);
            assert!(id.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte)), "{id}");
        }
        assert_ne!(first, second);
    }
}
