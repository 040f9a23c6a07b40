//! Giving up in time: a deadline, or a caller who went away.

use crate::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Handed down the picture's path; long work asks it between rows, passes and frames.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    deadline: Option<Instant>,
    gone: Arc<AtomicBool>,
}

impl Cancel {
    /// Never gives up by itself.
    pub fn never() -> Cancel {
        Cancel::default()
    }

    /// Gives up at `deadline`.
    pub fn at(deadline: Instant) -> Cancel {
        Cancel { deadline: Some(deadline), ..Cancel::default() }
    }

    /// Tells all work that shares this that nobody waits for it any more.
    pub fn give_up(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// The deadline, if there is one.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// # Errors
    /// `ServiceUnavailable` when it is time to stop.
    pub fn check(&self) -> Result<(), Error> {
        if self.gone.load(Ordering::Relaxed) {
            return Err(Error::unavailable("The request was given up."));
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => {
                Err(Error::unavailable("The request took longer than its deadline allows."))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_and_departures_stop_work() {
        assert!(Cancel::never().check().is_ok());
        assert!(Cancel::at(Instant::now()).check().is_err());
        let cancel = Cancel::never();
        let worker = cancel.clone();
        cancel.give_up();
        assert!(worker.check().is_err());
    }
}
