//! How many pixels the library may work on at a time: it keeps planes of its own, which no other
//! budget counts, and it cannot be stopped.

use crate::cancel::Cancel;
use crate::error::Error;
use crate::limits::Limits;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One picture of the largest size, or many small ones.
const MOST_PIXELS: u64 = Limits::OSS.source_pixels;

/// How often somebody who waits looks whether it is still worth it.
const LOOK: Duration = Duration::from_millis(20);

static INSIDE: Mutex<u64> = Mutex::new(0);
static LEFT: Condvar = Condvar::new();

/// Room for some pixels, until dropped.
pub struct Place(u64);

/// Waits until there is room for a picture of `pixels`.
///
/// # Errors
/// `ServiceUnavailable` when `cancel` says so.
pub fn enter(pixels: u64, cancel: &Cancel) -> Result<Place, Error> {
    let wanted = pixels.min(MOST_PIXELS);
    let mut inside = count();
    while *inside + wanted > MOST_PIXELS {
        cancel.check()?;
        inside = LEFT.wait_timeout(inside, LOOK).unwrap_or_else(PoisonError::into_inner).0;
    }
    *inside += wanted;
    Ok(Place(wanted))
}

/// A number is whole even if somebody panicked while holding it.
fn count() -> MutexGuard<'static, u64> {
    INSIDE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Place {
    fn drop(&mut self) {
        *count() -= self.0;
        LEFT.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn whoever_waits_can_give_up_and_room_comes_back() {
        // Twice the largest picture counts as the largest: it is let in alone.
        let place = enter(2 * MOST_PIXELS, &Cancel::never()).unwrap();
        let tired = Cancel::never();
        tired.give_up();
        assert_eq!(enter(1, &tired).err().map(|error| error.code), Some(Code::ServiceUnavailable));
        drop(place);
        assert!(enter(1, &Cancel::never()).is_ok());
    }
}
