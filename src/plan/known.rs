//! Weight tables that were computed before. They are most of planning a resize, a tenth and more of
//! a small picture's whole work, and all pictures of one size need the same for one style.
//!
//! Each thread keeps a few of its own, so that nobody waits for anybody.

use super::weights::{self, Axis, Resample, Weights};
use std::cell::RefCell;
use std::collections::VecDeque;

/// Tables that a thread keeps at most.
const MOST_TABLES: usize = 64;

/// Words that a thread keeps at most: 1 MiB.
const MOST_WORDS: usize = 1 << 18;

/// What tells a table.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Key {
    axis: Axis,
    filter: Resample,
    opaque: bool,
}

/// The tables that were used last, the latest first.
#[derive(Default)]
struct Known {
    tables: VecDeque<(Key, Weights)>,
    words: usize,
}

/// As [`weights::resample`].
pub fn resample(axis: &Axis, filter: Resample, opaque: bool) -> Weights {
    thread_local! {
        static KNOWN: RefCell<Known> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| known.table(Key { axis: *axis, filter, opaque }))
}

impl Known {
    fn table(&mut self, key: Key) -> Weights {
        let found = self.tables.iter().position(|(known, _)| *known == key);
        if let Some(entry) = found.and_then(|place| self.tables.remove(place)) {
            let table = entry.1.clone();
            self.tables.push_front(entry);
            return table;
        }
        let table = weights::resample(&key.axis, key.filter, key.opaque);
        self.words += table.words.len();
        self.tables.push_front((key, table.clone()));
        while self.words > MOST_WORDS || self.tables.len() > MOST_TABLES {
            let Some((_, oldest)) = self.tables.pop_back() else { break };
            self.words -= oldest.words.len();
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn key(count: u32, scaled: u32) -> Key {
        let axis = Axis {
            start: 0,
            count,
            length: count.into(),
            scaled,
            kept_start: 0,
            kept_count: scaled,
            means: false,
            shift: 0.0,
        };
        Key { axis, filter: Resample::Lanczos, opaque: true }
    }

    #[test]
    fn a_known_table_is_the_very_same() {
        let mut known = Known::default();
        let first = known.table(key(90, 40));
        assert_eq!(first, weights::resample(&key(90, 40).axis, Resample::Lanczos, true));
        assert!(Arc::ptr_eq(&first.words, &known.table(key(90, 40)).words));
        let shifted = Axis { shift: 0.5, ..key(90, 40).axis };
        let others = [
            key(90, 41),
            Key { axis: shifted, ..key(90, 40) },
            Key { filter: Resample::Area, ..key(90, 40) },
            Key { opaque: false, ..key(90, 40) },
        ];
        for other in others {
            assert_ne!(known.table(other), first, "{other:?}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut known = Known::default();
        let latest = known.table(key(20, 10));
        for count in 100..100 + 2 * MOST_TABLES as u32 {
            known.table(key(count, 10));
            assert!(Arc::ptr_eq(&latest.words, &known.table(key(20, 10)).words), "used all the time");
        }
        assert_eq!(known.tables.len(), MOST_TABLES);
        // A table of more words than all may have is not kept, nor is anything older.
        assert!(known.table(key(16_384, 16_000)).words.len() < MOST_WORDS);
        assert!(known.table(key(300_000, 20_000)).words.len() > MOST_WORDS);
        assert_eq!((known.tables.len(), known.words), (0, 0));
    }
}
