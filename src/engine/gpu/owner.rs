//! The one thread that owns the device: it submits, polls, and builds the device anew after a
//! fault.
//!
//! Handlers send jobs over a bounded channel. What waits there goes into one encoder and one
//! submit; real hardware works on one such batch while the next is recorded. Waiting is done in
//! short slices, so that creators of buffers get through the gate and a stuck device is noticed.

use super::device::{Device, StartError};
use super::known;
use super::pool::Pool;
use super::run::{Batch, Job};
use super::storage::Staged;
use super::{Counters, Options, Shared};
use crate::cancel::Cancel;
use crate::engine::Declined;
use crate::engine::choice::AdapterFacts;
use crate::pixel::{Storage, ViewMut};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

/// Most jobs in one submit.
const BATCH_JOBS: usize = 16;
/// How long the gate is held in one go while waiting for the device.
const SLICE: Duration = Duration::from_millis(1);
/// Pauses between attempts to build the device anew.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long compiling and running the known plan may take.
const LONGEST_WARMING: Duration = Duration::from_secs(60);
const STUCK: &str = "the device does not answer";

/// What handlers send.
pub(super) enum Message {
    Run(Box<Job>),
    /// Look at the flags.
    Wake,
}

/// The state of the owner's thread.
pub(super) struct Owner {
    pub messages: Receiver<Message>,
    pub shared: Arc<Shared>,
    pub options: Options,
}

/// Why a device is no longer served.
enum End {
    /// The last handle is gone.
    Closed,
    Fault(String),
    /// The device does not come back from its work.
    Stuck,
}

/// A device in service and its pool.
struct Service {
    device: Device,
    pool: Arc<Pool>,
}

impl Owner {
    /// The thread's life: reports how the start went, then serves until the last handle is gone.
    pub(super) fn live(self, started: SyncSender<Result<AdapterFacts, StartError>>) {
        let mut service = match guarded(|| self.open(true)).unwrap_or_else(|panic| Err(StartError(panic))) {
            Ok(service) => service,
            Err(error) => {
                let _ = started.send(Err(error));
                return;
            }
        };
        self.shared.ready(&service.pool);
        let software = service.device.software;
        let _ = started.send(Ok(service.pool.facts.clone()));
        let mut pause = Duration::ZERO;
        loop {
            let end = self.serve(&service, &mut pause);
            let reason = match &end {
                End::Closed => return,
                End::Fault(reason) => reason.clone(),
                End::Stuck => STUCK.to_owned(),
            };
            tracing::warn!(%reason, "GPU device failed and is built anew");
            self.shared.failed(&reason);
            service.pool.fault.report(&*reason);
            match end {
                // Dropping a queue waits for its work, which would be for ever.
                End::Stuck => std::mem::forget(service),
                _ => drop(guarded(|| drop(service))),
            }
            match self.rebuild(&reason, software, &mut pause) {
                Some(new) => service = new,
                None => return,
            }
        }
    }

    /// Opens a device and runs every kernel once.
    fn open(&self, accept_software: bool) -> Result<Service, StartError> {
        let device = Device::open(self.options.backends, accept_software)?;
        let pool = Arc::new(Pool::new(&device, self.options.budget_bytes));
        let service = Service { device, pool };
        service.warm().map_err(StartError)?;
        Ok(service)
    }

    /// Runs jobs until there is a reason to stop.
    fn serve(&self, service: &Service, pause: &mut Duration) -> End {
        let Service { device, pool } = service;
        // A software adapter computes while it submits: a second batch would only wait there.
        let depth = self.options.in_flight.unwrap_or(if device.software { 1 } else { 2 }).max(1);
        let mut in_flight: VecDeque<Batch> = VecDeque::new();
        let mut open = true;
        loop {
            self.shared.progress.fetch_add(1, Ordering::Relaxed);
            if self.shared.lose.swap(false, Ordering::AcqRel) {
                device.device.destroy();
                pool.fault.report("device destroyed on request");
            }
            if let Some(reason) = pool.fault.reason() {
                in_flight.into_iter().for_each(|batch| batch.fail(reason));
                return End::Fault(reason.to_owned());
            }
            // A handler may have given up on a driver that answers after all.
            self.shared.ready(pool);
            if open && in_flight.len() < depth {
                let (jobs, still_open) = self.collect(in_flight.is_empty());
                open = still_open;
                if !jobs.is_empty() {
                    let submitted = guarded(|| Batch::submit(device, pool, &self.shared.counters, jobs));
                    in_flight.extend(submitted.unwrap_or_else(|panic| {
                        pool.fault.report(panic);
                        None
                    }));
                }
            }
            let Some(oldest) = in_flight.front() else {
                match open {
                    true => continue,
                    false => return End::Closed,
                }
            };
            if service.is_done(oldest) {
                if let Some(batch) = in_flight.pop_front() {
                    batch.complete(pool);
                }
                *pause = Duration::ZERO;
            } else if oldest.begun.elapsed() > self.options.watchdog {
                in_flight.into_iter().for_each(|batch| batch.fail(STUCK));
                return End::Stuck;
            }
        }
    }

    /// Jobs that wait, at most a batch; `block` waits for one. Tells whether handles are left.
    fn collect(&self, block: bool) -> (Vec<Job>, bool) {
        let mut jobs = Vec::new();
        if block {
            match self.messages.recv() {
                Ok(Message::Run(job)) => jobs.push(*job),
                Ok(Message::Wake) => return (jobs, true),
                Err(_) => return (jobs, false),
            }
        }
        while jobs.len() < BATCH_JOBS {
            match self.messages.try_recv() {
                Ok(Message::Run(job)) => jobs.push(*job),
                Ok(Message::Wake) | Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return (jobs, false),
            }
        }
        (jobs, true)
    }

    /// Builds the device anew, declining what comes meanwhile. The first attempt after a time of
    /// good service is at once. `None` when the last handle is gone.
    fn rebuild(&self, reason: &str, accept_software: bool, pause: &mut Duration) -> Option<Service> {
        loop {
            let until = Instant::now() + *pause;
            loop {
                match self.messages.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(Message::Run(job)) => job.decline(Declined::Failed(reason.to_owned())),
                    Ok(Message::Wake) => {}
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return None,
                }
            }
            *pause = (*pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            self.shared.progress.fetch_add(1, Ordering::Relaxed);
            match guarded(|| self.open(accept_software)).unwrap_or_else(|panic| Err(StartError(panic))) {
                Ok(service) => {
                    self.shared.counters.rebuilds.fetch_add(1, Ordering::Relaxed);
                    self.shared.ready(&service.pool);
                    tracing::info!(adapter = service.pool.facts.name, "GPU device built anew");
                    return Some(service);
                }
                Err(error) => tracing::warn!(%error, "GPU device could not be built anew"),
            }
        }
    }
}

impl Service {
    /// Runs the known plan, whose dispatches nobody counts.
    fn warm(&self) -> Result<(), String> {
        let plan = known::plan();
        let mut layer = Staged::new(&self.pool, plan.layers[0].size).map_err(|declined| declined.to_string())?;
        let placed = layer.placed();
        known::pattern(&mut ViewMut::new(placed.size, placed.pitch as usize, layer.bytes_mut()));
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        let (plan, sources, overlays) = (Arc::new(plan), vec![layer], vec![]);
        let job = Job { plan, sources, overlays, cancel: Cancel::never(), sent: Instant::now(), reply };
        if let Some(batch) = Batch::submit(&self.device, &self.pool, &Counters::default(), vec![job]) {
            while !self.is_done(&batch) {
                if self.pool.fault.reason().is_some() || batch.begun.elapsed() > LONGEST_WARMING {
                    break;
                }
            }
            batch.complete(&self.pool);
        }
        match answer.recv() {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(declined)) => Err(declined.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Waits a slice for `batch`; a failing wait becomes the device's fault.
    fn is_done(&self, batch: &Batch) -> bool {
        let _owner = self.pool.gate.owner();
        if self.pool.fault.reason().is_some() {
            return false;
        }
        let submission_index = Some(batch.index.clone());
        let wait = wgpu::PollType::Wait { submission_index, timeout: Some(SLICE) };
        // wgpu 30 panics when the device is lost while it waits.
        match guarded(|| self.device.device.poll(wait)) {
            Ok(Ok(_)) => true,
            Ok(Err(wgpu::PollError::Timeout)) => false,
            Ok(Err(error)) => {
                self.pool.fault.report(error.to_string());
                false
            }
            Err(panic) => {
                self.pool.fault.report(panic);
                false
            }
        }
    }
}

/// What `work` returns, or the message of its panic.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panic".to_owned())
    })
}
