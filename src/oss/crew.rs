//! The crew: a fixed number of threads that process pictures, behind a queue of bounded length.
//!
//! Admission sits here. Async workers never compute; a full queue is told at once, and work whose
//! caller has gone or whose deadline has passed is not begun.

use crate::cancel::Cancel;
use crate::error::Error;
use std::any::Any;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// The threads' end of the queue is theirs; they end when the crew is dropped.
pub struct Crew {
    jobs: SyncSender<Job>,
}

impl Crew {
    /// A crew of `workers` threads for which at most `queue` jobs wait.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(workers: NonZeroUsize, queue: NonZeroUsize) -> io::Result<Crew> {
        let (jobs, waiting) = sync_channel(queue.get());
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..workers.get() {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new().name(format!("crew-{number}")).spawn(move || work(&waiting))?;
        }
        Ok(Crew { jobs })
    }

    /// The result of `job`, and how long it waited for a thread.
    ///
    /// Dropping the future tells `cancel` that nobody waits any more.
    ///
    /// # Errors
    /// Those of `job`; `ServiceUnavailable` when the queue is full or the deadline passes;
    /// `InternalError` when `job` panics.
    pub async fn run<T: Send + 'static>(
        &self,
        cancel: Cancel,
        job: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<(T, Duration), Error> {
        let queued = Instant::now();
        let departure = Departure(cancel.clone());
        let (answer, result) = oneshot::channel();
        let job = move || {
            let waited = queued.elapsed();
            let done = cancel.check().and_then(|()| {
                let caught = catch_unwind(AssertUnwindSafe(job));
                caught.unwrap_or_else(|panic| Err(Error::internal(panic_message(panic.as_ref()))))
            });
            // Nobody listens when the caller has gone.
            let _ = answer.send(done.map(|value| (value, waited)));
        };
        if self.jobs.try_send(Box::new(job)).is_err() {
            return Err(Error::unavailable("Too many requests are waiting. Please try again."));
        }
        let received = match departure.0.deadline() {
            None => result.await,
            Some(deadline) => match tokio::time::timeout_at(deadline.into(), result).await {
                Ok(received) => received,
                Err(_) => return Err(Error::unavailable("The request took longer than its deadline allows.")),
            },
        };
        received.unwrap_or_else(|_| Err(Error::internal("a job was dropped without an answer")))
    }
}

/// A worker's life.
fn work(waiting: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is held while waiting, not while working.
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

/// Says, when dropped, that nobody waits any more.
struct Departure(Cancel);

impl Drop for Departure {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without words"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use std::future::Future;
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    fn crew(workers: usize, queue: usize) -> Crew {
        Crew::new(NonZeroUsize::new(workers).unwrap(), NonZeroUsize::new(queue).unwrap()).unwrap()
    }

    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn a_full_queue_is_told_at_once() {
        let crew = crew(1, 1);
        let mut context = Context::from_waker(Waker::noop());
        let (begun, has_begun) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let mut first = pin!(crew.run(Cancel::never(), move || {
            begun.send(()).unwrap();
            released.recv().unwrap();
            Ok(1)
        }));
        assert!(first.as_mut().poll(&mut context).is_pending());
        has_begun.recv().unwrap();
        let mut second = pin!(crew.run(Cancel::never(), || Ok(2)));
        assert!(second.as_mut().poll(&mut context).is_pending());
        let refused = wait(crew.run(Cancel::never(), || Ok(3))).unwrap_err();
        assert_eq!((refused.code, refused.ec), (Code::ServiceUnavailable, Some(crate::error::Ec(4, 801))));
        release.send(()).unwrap();
        assert_eq!(wait(first).unwrap().0, 1);
        assert_eq!(wait(second).unwrap().0, 2);
    }

    #[test]
    fn a_panic_is_one_callers_error_and_the_worker_lives() {
        let crew = crew(1, 4);
        let error = wait(crew.run::<()>(Cancel::never(), || panic!("on purpose"))).unwrap_err();
        assert_eq!(error.code, Code::InternalError);
        assert_eq!(error.source.unwrap().to_string(), "panic: on purpose");
        assert_eq!(wait(crew.run(Cancel::never(), || Ok(7))).unwrap().0, 7);
    }

    #[test]
    fn departure_and_deadline_stop_work() {
        let crew = crew(1, 4);
        let mut context = Context::from_waker(Waker::noop());
        let cancel = Cancel::never();
        {
            let seen = cancel.clone();
            let mut running = Box::pin(crew.run(cancel.clone(), move || {
                while seen.check().is_ok() {
                    thread::yield_now();
                }
                Ok(())
            }));
            assert!(running.as_mut().poll(&mut context).is_pending());
        }
        assert!(cancel.check().is_err());
        let late = wait(crew.run(Cancel::at(Instant::now()), || Ok(()))).unwrap_err();
        assert_eq!(late.code, Code::ServiceUnavailable);
    }
}
