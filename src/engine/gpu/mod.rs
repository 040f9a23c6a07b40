//! The GPU engine: plans as WGSL compute passes over wgpu.
//!
//! Layers are decoded into mapped staging buffers, go to `rgba8uint` textures, and every pass of
//! every waiting job is recorded into one command encoder and submitted at once. One thread owns
//! the device (`owner`); it is built anew when it is lost (`device`), and what it lends is pooled
//! (`pool`, `storage`). What a job needs is gathered in `prepare` and `numbers`, recorded in `run`.
//! An animation is one job: all of its frames go into the same submit.
//!
//! No failure here is the caller's: a job is declined with a reason, and the same plan is run by
//! the CPU engine. What is absent: strips for pictures over the adapter's limits, and samplers.

mod device;
mod gate;
mod known;
mod numbers;
mod owner;
mod pool;
mod prepare;
mod run;
mod storage;
#[cfg(test)]
mod tests;

pub use device::{Description, StartError, describe, preferred};
pub use known::known_answer;

use super::choice::AdapterFacts;
use super::{Declined, Done, Engine, Kind};
use crate::cancel::Cancel;
use crate::error::Error;
use crate::geometry::Size;
use crate::pixel::Frame;
use crate::plan::Plan;
use owner::{Message, Owner};
use pool::Pool;
use run::{Job, Outcome};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use storage::Staged;

/// How much the engine may take and how long it may wait.
#[derive(Debug, Clone)]
pub struct Options {
    /// Most bytes of textures, staging and read-backs together.
    pub budget_bytes: u64,
    /// Most jobs that wait; the next is declined.
    pub queue_jobs: usize,
    /// A device that does not finish a batch in this time is given up.
    pub watchdog: Duration,
    /// Batches that the device works on at a time; by default two, one on a software adapter.
    pub in_flight: Option<usize>,
    /// Where to look for adapters.
    pub backends: wgpu::Backends,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            budget_bytes: 1024 * 1024 * 1024,
            queue_jobs: 64,
            watchdog: Duration::from_secs(30),
            in_flight: None,
            backends: wgpu::Backends::all(),
        }
    }
}

/// What the owner did since the start; warming up does not count.
#[derive(Debug, Default)]
struct Counters {
    encoders: AtomicU64,
    submits: AtomicU64,
    dispatches: AtomicU64,
    jobs: AtomicU64,
    rebuilds: AtomicU64,
}

/// The counters as they stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Command encoders; one for each batch.
    pub encoders: u64,
    pub submits: u64,
    /// Passes of all jobs.
    pub dispatches: u64,
    /// Jobs recorded.
    pub jobs: u64,
    /// Devices built after the first.
    pub rebuilds: u64,
}

/// What handles and owner share.
struct Shared {
    /// The pool of the device in service, or why there is none.
    current: Mutex<Result<Arc<Pool>, String>>,
    counters: Counters,
    /// Grows while the owner is alive.
    progress: AtomicU64,
    /// The device is to be lost, for tests.
    lose: AtomicBool,
}

impl Shared {
    fn pool(&self) -> Result<Arc<Pool>, Declined> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = current.clone().map_err(Declined::Failed)?;
        pool.check()?;
        Ok(pool)
    }

    fn ready(&self, pool: &Arc<Pool>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.is_err() {
            *current = Ok(pool.clone());
        }
    }

    fn failed(&self, reason: &str) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Err(reason.to_owned());
    }
}

/// The handle of the GPU engine, shared by all threads. Dropping it ends the owner's thread.
pub struct GpuEngine {
    shared: Arc<Shared>,
    /// `None` only while dropping.
    jobs: Option<SyncSender<Message>>,
    owner: Option<JoinHandle<()>>,
    /// Disconnected once the owner has ended.
    ended: Mutex<Receiver<()>>,
    facts: AdapterFacts,
    watchdog: Duration,
}

impl GpuEngine {
    /// Opens the best adapter, hardware before software, and runs every kernel once.
    ///
    /// # Errors
    /// When there is no adapter, or the driver refuses the device or a kernel.
    pub fn start(options: Options) -> Result<(GpuEngine, AdapterFacts), StartError> {
        let shared = Arc::new(Shared {
            current: Mutex::new(Err("starting".to_owned())),
            counters: Counters::default(),
            progress: AtomicU64::new(0),
            lose: AtomicBool::new(false),
        });
        let watchdog = options.watchdog;
        let (jobs, messages) = sync_channel(options.queue_jobs.max(1));
        let (started, start) = sync_channel(1);
        let (ends, ended) = sync_channel(1);
        let owner = Owner { messages, shared: shared.clone(), options };
        let live = move || {
            let _ends: SyncSender<()> = ends;
            owner.live(started);
        };
        let owner = std::thread::Builder::new()
            .name("gpu".to_owned())
            .spawn(live)
            .map_err(|error| StartError(format!("no thread for the GPU: {error}")))?;
        let facts = start.recv().map_err(|_| StartError("the GPU thread ended at start".to_owned()))??;
        let engine = GpuEngine {
            shared,
            jobs: Some(jobs),
            owner: Some(owner),
            ended: Mutex::new(ended),
            facts: facts.clone(),
            watchdog,
        };
        Ok((engine, facts))
    }

    /// What the choice of an engine needs to know of the adapter.
    pub fn facts(&self) -> &AdapterFacts {
        &self.facts
    }

    /// Whether jobs are taken; false while the device is being built anew.
    pub fn healthy(&self) -> bool {
        self.shared.pool().is_ok()
    }

    /// What was done since the start.
    pub fn counters(&self) -> Counts {
        let counters = &self.shared.counters;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            encoders: count(&counters.encoders),
            submits: count(&counters.submits),
            dispatches: count(&counters.dispatches),
            jobs: count(&counters.jobs),
            rebuilds: count(&counters.rebuilds),
        }
    }

    /// Bytes of textures and buffers, idle ones included; 0 while there is no device.
    pub fn used_bytes(&self) -> u64 {
        self.shared.pool().map_or(0, |pool| pool.used_bytes())
    }

    /// Loses the device as a failing driver would: jobs in flight and frames handed out fail, and
    /// a new device is built. For tests of just that.
    pub fn lose_device(&self) {
        self.shared.lose.store(true, Ordering::Release);
        self.fail("device lost on request");
    }

    /// Declines jobs until the owner says that all is well.
    fn fail(&self, reason: &str) {
        self.shared.failed(reason);
        if let Some(jobs) = &self.jobs {
            // A full queue keeps the owner awake anyway.
            let _ = jobs.try_send(Message::Wake);
        }
    }

    /// Waits for the owner's answer: not past the deadline, and not for an owner that hangs in the
    /// driver.
    fn wait(&self, answer: &Receiver<Outcome>, cancel: &Cancel) -> Outcome {
        loop {
            let seen = self.shared.progress.load(Ordering::Relaxed);
            let left = cancel.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let wait = left.map_or(self.watchdog, |left| left.min(self.watchdog));
            match answer.recv_timeout(wait) {
                Ok(outcome) => return outcome,
                Err(RecvTimeoutError::Disconnected) => return Err(Declined::Failed("the GPU thread failed".into())),
                Err(RecvTimeoutError::Timeout) => {
                    cancel.check().map_err(Declined::Error)?;
                    let alive = self.shared.progress.load(Ordering::Relaxed) != seen;
                    if !alive && wait == self.watchdog {
                        self.fail("the driver does not answer");
                        return Err(Declined::Failed("the driver does not answer".to_owned()));
                    }
                }
            }
        }
    }
}

impl Engine for GpuEngine {
    fn kind(&self) -> Kind {
        Kind::Gpu
    }

    fn frame(&self, size: Size) -> Result<Frame, Declined> {
        let pool = self.shared.pool()?;
        let staged = Staged::new(&pool, size)?;
        let pitch = staged.placed().pitch as usize;
        Ok(Frame::new(size, pitch, Box::new(staged)))
    }

    fn run(
        &self,
        plan: &Arc<Plan>,
        sources: Vec<Frame>,
        overlays: Vec<Frame>,
        cancel: &Cancel,
    ) -> Result<Done, Declined> {
        cancel.check().map_err(Declined::Error)?;
        let sizes = |frames: &[Frame]| frames.iter().map(Frame::size).collect::<Vec<_>>();
        let wanted: Vec<Size> = plan.layers.iter().map(|layer| layer.size).collect();
        let is_source = |source: &Frame| wanted.first() == Some(&source.size());
        if sources.is_empty() || !sources.iter().all(is_source) || wanted[1..] != sizes(&overlays) {
            return Err(Declined::Error(Error::internal("frames are not those of the plan's layers")));
        }
        if plan.passes.is_empty() {
            return Ok(Done { frames: sources, queue: Duration::ZERO, run: Duration::ZERO });
        }
        let pool = self.shared.pool()?;
        run::check(plan, &pool)?;
        let (sources, overlays) = (staged(sources)?, staged(overlays)?);
        let (reply, answer) = sync_channel(1);
        let sent = Instant::now();
        let job = Job { plan: plan.clone(), sources, overlays, cancel: cancel.clone(), sent, reply };
        let sent = self.jobs.as_ref().map(|jobs| jobs.try_send(Message::Run(Box::new(job))));
        match sent {
            Some(Ok(())) => self.wait(&answer, cancel),
            Some(Err(TrySendError::Full(_))) => Err(Declined::Busy),
            Some(Err(TrySendError::Disconnected(_))) | None => Err(Declined::Failed("the GPU thread ended".into())),
        }
    }
}

/// The storage that this engine lent for `frames`.
fn staged(frames: Vec<Frame>) -> Result<Vec<Staged>, Declined> {
    let storages = frames.into_iter().map(|frame| frame.into_storage().downcast::<Staged>());
    let staged = storages.map(|storage| storage.map(|staged| *staged)).collect::<Result<_, _>>();
    staged.map_err(|_| Declined::Error(Error::internal("a frame of another engine")))
}

impl Drop for GpuEngine {
    fn drop(&mut self) {
        self.jobs = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        // A thread that hangs in the driver is left behind: joining it would hang the process.
        if ended.recv_timeout(self.watchdog) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the GPU thread does not end");
            return;
        }
        if let Some(owner) = self.owner.take() {
            // Its panic was reported where it happened.
            let _ = owner.join();
        }
    }
}
