//! A list of work shared among threads that live no longer than the work.

use std::sync::{Mutex, PoisonError};

/// What `work` makes of every item, in the items' order, by this thread and `helpers` others.
///
/// Whoever is done with an item takes the next. A panic of a helper becomes the caller's.
pub fn map<T: Send, R: Send>(items: Vec<T>, helpers: usize, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let helpers = helpers.min(items.len().saturating_sub(1));
    if helpers == 0 {
        return items.into_iter().map(work).collect();
    }
    let queue = Mutex::new(items.into_iter().enumerate());
    let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let toil = || std::iter::from_fn(take).map(|(place, item)| (place, work(item))).collect::<Vec<_>>();
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (0..helpers).map(|_| scope.spawn(toil)).collect();
        let mut done = toil();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_their_items() {
        for helpers in [0, 1, 3, 100] {
            let doubled = map((0..50).collect(), helpers, |item: u32| {
                // The first items take longest.
                std::thread::sleep(std::time::Duration::from_micros(u64::from(50 - item) * 20));
                item * 2
            });
            assert!(doubled.into_iter().eq((0..50).map(|item| item * 2)));
            assert!(map(Vec::new(), helpers, |item: u32| item).is_empty());
        }
    }
}
