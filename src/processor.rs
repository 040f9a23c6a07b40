//! The studio: bytes and a chain in, an answer out.
//!
//! A synchronous function of its arguments that touches nothing outside. Command line, server,
//! benches and tests all call [`Processor::process`].

use crate::cancel::Cancel;
use crate::codec;
use crate::engine::choice::{self, AdapterFacts, Setting};
use crate::engine::cpu::Seats;
use crate::engine::{Declined, Done, Engine, Kind};
use crate::error::Error;
use crate::format::Probe;
use crate::limits::Limits;
use crate::plan::Plan;
use crate::plan::weights::Resample;
use crate::process::Chain;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes that all running plans may hold together.
#[derive(Debug)]
pub struct Memory {
    free_bytes: AtomicU64,
}

impl Memory {
    pub fn new(bytes: u64) -> Memory {
        Memory { free_bytes: AtomicU64::new(bytes) }
    }

    /// Sets `bytes` aside until the reservation is dropped.
    ///
    /// # Errors
    /// `ServiceUnavailable` while other plans hold too much.
    fn reserve(&self, bytes: u64) -> Result<Reservation<'_>, Error> {
        let take = |free: u64| free.checked_sub(bytes);
        match self.free_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Ok(Reservation { memory: self, bytes }),
            Err(_) => Err(Error::unavailable("The pictures in work take all memory. Please try again.")),
        }
    }
}

/// Bytes set aside.
struct Reservation<'a> {
    memory: &'a Memory,
    bytes: u64,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.memory.free_bytes.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// The engines and the rules; one for the whole process, shared by all threads.
pub struct Processor {
    pub cpu: Arc<dyn Engine>,
    /// One for each core; shared with the CPU engine.
    pub seats: Arc<Seats>,
    /// The GPU's engine, where one was started.
    pub gpu: Option<Arc<dyn Engine>>,
    /// The adapter that was found, also where its engine was not worth starting.
    pub adapter: Option<AdapterFacts>,
    pub setting: Setting,
    /// `plan_bytes` must not be more than all `memory`.
    pub limits: Limits,
    pub memory: Memory,
    pub resample: Resample,
}

/// How long each phase took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Reading pixels, headers and planning included.
    pub decode: Duration,
    /// Waiting for the engine.
    pub queue: Duration,
    /// Running the passes.
    pub run: Duration,
    pub encode: Duration,
}

/// An encoded result.
#[derive(Debug)]
pub struct Answer {
    pub bytes: Vec<u8>,
    pub content_type: &'static str,
    /// The engine that ran.
    pub engine: Kind,
    /// Why that one.
    pub reason: Cow<'static, str>,
    pub times: Times,
}

impl Processor {
    /// Runs `chain` on the file `source`.
    ///
    /// # Errors
    /// Those of probing, planning, decoding and encoding, and `ServiceUnavailable` when `cancel`
    /// says so. A failing GPU is not an error: the plan is run again by the CPU engine.
    pub fn process(&self, source: &[u8], chain: &Chain, cancel: &Cancel) -> Result<Answer, Error> {
        let _seat = self.seats.take(1);
        let begin = Instant::now();
        let probe = codec::probe(source, &self.limits)?;
        let plan = Arc::new(chain.plan(&probe, &self.limits, self.resample)?);
        let _reservation = self.memory.reserve(plan.peak_bytes())?;
        let (kind, reason) = choice::choose(&plan, 1, self.setting, self.adapter.as_ref());
        let mut waited = Duration::ZERO;
        let mut reason = Cow::Borrowed(reason);
        if let (Kind::Gpu, Some(gpu)) = (kind, &self.gpu) {
            match self.run(gpu.as_ref(), source, &probe, &plan, cancel, begin) {
                Ok((done, decode)) => return finish(&plan, done, decode, Kind::Gpu, reason, waited, cancel),
                Err(Declined::Error(error)) => return Err(error),
                Err(declined) => {
                    tracing::warn!(%declined, "plan goes to the CPU engine");
                    reason = Cow::Owned(declined.to_string());
                    waited = begin.elapsed();
                }
            }
        }
        let begin = Instant::now();
        match self.run(self.cpu.as_ref(), source, &probe, &plan, cancel, begin) {
            Ok((done, decode)) => finish(&plan, done, decode, Kind::Cpu, reason, waited, cancel),
            Err(Declined::Error(error)) => Err(error),
            Err(Declined::Busy) => Err(Error::unavailable("The server is busy.")),
            Err(declined) => Err(Error::internal(declined.to_string())),
        }
    }

    /// Decodes into the engine's own frames and runs the plan there.
    fn run(
        &self,
        engine: &dyn Engine,
        source: &[u8],
        probe: &Probe,
        plan: &Arc<Plan>,
        cancel: &Cancel,
        begin: Instant,
    ) -> Result<(Done, Duration), Declined> {
        let layer = &plan.layers[0];
        let mut frame = engine.frame(layer.size)?;
        codec::decode(source, probe, layer.reduction, &mut frame.view_mut(), cancel).map_err(Declined::Error)?;
        let decode = begin.elapsed();
        let done = engine.run(plan, vec![frame], vec![], cancel)?;
        Ok((done, decode))
    }
}

/// Encodes the result; `waited` is the time lost on an engine that declined.
fn finish(
    plan: &Plan,
    done: Done,
    decode: Duration,
    engine: Kind,
    reason: Cow<'static, str>,
    waited: Duration,
    cancel: &Cancel,
) -> Result<Answer, Error> {
    let begin = Instant::now();
    let bytes = codec::encode(&done.frames[0].view(), plan.opaque, &plan.output, cancel)?;
    let times = Times { decode, queue: waited + done.queue, run: done.run, encode: begin.elapsed() };
    Ok(Answer { bytes, content_type: plan.output.format.content_type(), engine, reason, times })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_lent_once_and_comes_back() {
        let memory = Memory::new(100);
        let first = memory.reserve(60).map_err(|error| error.code);
        assert!(first.is_ok());
        assert!(memory.reserve(41).is_err());
        let second = memory.reserve(40).map_err(|error| error.code);
        assert!(second.is_ok());
        drop(first);
        assert!(memory.reserve(60).is_ok());
    }
}
