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
use crate::limits::Limits;
use crate::plan::Plan;
use crate::plan::weights::Resample;
use crate::process::Chain;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A GPU engine and what the choice needs to know of its adapter.
pub struct Gpu {
    pub engine: Arc<dyn Engine>,
    pub facts: AdapterFacts,
}

/// The engines and the rules; one for the whole process, shared by all threads.
pub struct Processor {
    pub cpu: Arc<dyn Engine>,
    /// One for each core; shared with the CPU engine.
    pub seats: Arc<Seats>,
    pub gpu: Option<Gpu>,
    pub setting: Setting,
    pub limits: Limits,
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
        codec::check_output(plan.output.format)?;
        let facts = self.gpu.as_ref().map(|gpu| &gpu.facts);
        let (kind, reason) = choice::choose(&plan, self.setting, facts);
        let mut times = Times::default();
        let mut reason = Cow::Borrowed(reason);
        if let (Kind::Gpu, Some(gpu)) = (kind, &self.gpu) {
            match self.run(gpu.engine.as_ref(), source, &probe, &plan, cancel, begin) {
                Ok((done, decode)) => return finish(&plan, done, decode, Kind::Gpu, reason, times, cancel),
                Err(Declined::Error(error)) => return Err(error),
                Err(declined) => {
                    tracing::warn!(%declined, "plan goes to the CPU engine");
                    reason = Cow::Owned(declined.to_string());
                    times.queue = begin.elapsed();
                }
            }
        }
        let begin = Instant::now();
        match self.run(self.cpu.as_ref(), source, &probe, &plan, cancel, begin) {
            Ok((done, decode)) => finish(&plan, done, decode, Kind::Cpu, reason, times, cancel),
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
        probe: &crate::format::Probe,
        plan: &Arc<Plan>,
        cancel: &Cancel,
        begin: Instant,
    ) -> Result<(Done, Duration), Declined> {
        let layer = plan.layers[0];
        let mut frame = engine.frame(layer.size)?;
        codec::decode(source, probe, layer.reduction, &mut frame.view_mut(), cancel).map_err(Declined::Error)?;
        let decode = begin.elapsed();
        let done = engine.run(plan, vec![frame], cancel)?;
        Ok((done, decode))
    }
}

fn finish(
    plan: &Plan,
    done: Done,
    decode: Duration,
    engine: Kind,
    reason: Cow<'static, str>,
    earlier: Times,
    cancel: &Cancel,
) -> Result<Answer, Error> {
    let begin = Instant::now();
    let bytes = codec::encode(&done.frame.view(), plan.opaque, &plan.output, cancel)?;
    let times = Times { decode, queue: earlier.queue + done.queue, run: done.run, encode: begin.elapsed() };
    Ok(Answer { bytes, content_type: plan.output.format.content_type(), engine, reason, times })
}
