//! The studio: bytes and a chain in, an answer out.
//!
//! A synchronous function of its arguments that touches nothing outside. Command line, server,
//! benches and tests all call [`Processor::process`].

mod ask;
mod hue;
mod job;

use crate::cancel::Cancel;
use crate::codec;
use crate::engine::choice::{self, AdapterFacts, Setting};
use crate::engine::cpu::Seats;
use crate::engine::{Declined, Engine, Kind};
use crate::error::{Code, Ec, Error};
use crate::format::{Format, Probe};
use crate::plan::{Asset, Plan, Rules};
use crate::process::{Chain, Pipe, Question};
use job::{Computed, Job, unusable};
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
    /// `limits.plan_bytes` must not be more than all `memory`.
    pub rules: Rules,
    /// Animated WebP is read and written.
    pub animated_webp: bool,
    /// A result that is only the source encoded again, and larger, is answered by the source.
    pub never_grow: bool,
    pub memory: Memory,
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

impl Times {
    fn add(&mut self, other: Times) {
        self.decode += other.decode;
        self.queue += other.queue;
        self.run += other.run;
        self.encode += other.encode;
    }
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

/// The formats that watermark pictures may have. Source: the specification, section 5.2.
const WATERMARKS: [Format; 5] = [Format::Jpeg, Format::Png, Format::Bmp, Format::WebP, Format::Tiff];

impl Processor {
    /// Runs `pipe` on the file `source`; `assets` are the files that [`Pipe::assets`] names, in that
    /// order, `None` for one that is not there.
    ///
    /// # Errors
    /// Those of probing, planning, decoding and encoding, `WatermarkError` for a watermark picture
    /// that is missing or cannot be decoded, and `ServiceUnavailable` when `cancel` says so. A
    /// failing GPU is not an error: the plan is run again by the CPU engine.
    pub fn process<B: AsRef<[u8]>>(
        &self,
        source: &[u8],
        pipe: &Pipe,
        assets: &[Option<B>],
        cancel: &Cancel,
    ) -> Result<Answer, Error> {
        let _seat = self.seats.take(1);
        let named: Vec<_> =
            pipe.assets().iter().zip(assets).filter_map(|(key, file)| Some((key, file.as_ref()?.as_ref()))).collect();
        let mut answer: Option<Answer> = None;
        for chain in pipe.chains() {
            let next = match &answer {
                None => self.segment(source, chain, &named, &self.rules, cancel)?,
                Some(earlier) => {
                    // The limit of bytes is for what comes from outside.
                    let mut rules = self.rules.clone();
                    rules.limits.source_bytes = u64::MAX;
                    self.segment(&earlier.bytes, chain, &named, &rules, cancel)?
                }
            };
            let earlier = answer.replace(next);
            if let (Some(answer), Some(earlier)) = (&mut answer, earlier) {
                answer.times.add(earlier.times);
            }
        }
        answer.ok_or_else(|| Error::internal("a pipe without a chain"))
    }

    /// One chain on one file.
    fn segment(
        &self,
        source: &[u8],
        chain: &Chain,
        assets: &[(&String, &[u8])],
        rules: &Rules,
        cancel: &Cancel,
    ) -> Result<Answer, Error> {
        let begin = Instant::now();
        let probe = self.probe(source, rules)?;
        if let Some(question) = chain.question() {
            return self.ask(source, &probe, question, begin, cancel);
        }
        let assets = assets.iter().map(|(key, file)| self.asset(key, file, rules)).collect::<Result<Vec<_>, _>>()?;
        let headers: Vec<_> = assets.iter().map(|(_, asset)| asset.clone()).collect();
        let plan = Arc::new(chain.plan(&probe, rules, &headers)?);
        let job = Job { source, probe, assets, plan };
        let most_bytes = rules.limits.plan_bytes;
        let (mut kind, mut reason) = choice::choose(&job.plan, job.batch_frames(), self.setting, self.adapter.as_ref());
        if kind == Kind::Gpu && job.needed_bytes() > most_bytes {
            (kind, reason) = (Kind::Cpu, "too large to be held whole");
        }
        let planar = if kind == Kind::Cpu { job.planar(self.cpu.as_ref()) } else { None };
        let streamed = if kind == Kind::Cpu { job.streamed(most_bytes)? } else { None };
        let bytes = match (&planar, &streamed) {
            (Some(planar), _) => planar.peak_bytes(),
            (None, Some(streamed)) => streamed.needed_bytes,
            (None, None) => job.needed_bytes(),
        };
        if bytes > most_bytes {
            return Err(Error::memory_limit());
        }
        let _reservation = self.memory.reserve(bytes)?;
        let mut waited = Duration::ZERO;
        let mut reason = Cow::Borrowed(reason);
        if let (Kind::Gpu, Some(gpu)) = (kind, &self.gpu) {
            match job.run(gpu.as_ref(), cancel, begin) {
                Ok(computed) => return self.finish(&job, computed, Kind::Gpu, reason, waited, cancel),
                Err(Declined::Error(error)) => return Err(error),
                Err(declined) => {
                    tracing::warn!(%declined, "plan goes to the CPU engine");
                    reason = Cow::Owned(declined.to_string());
                    waited = begin.elapsed();
                }
            }
        }
        let (cpu, begin) = (self.cpu.as_ref(), Instant::now());
        let computed = match (planar, streamed) {
            (Some(planar), _) => job.run_planar(&planar, cpu, cancel, begin),
            (None, Some(streamed)) => job.run_streamed(streamed, cpu, cancel, begin),
            (None, None) => job.run(cpu, cancel, begin),
        };
        match computed {
            Ok(computed) => self.finish(&job, computed, Kind::Cpu, reason, waited, cancel),
            Err(Declined::Error(error)) => Err(error),
            Err(Declined::Busy) => Err(Error::unavailable("The server is busy.")),
            Err(declined) => Err(Error::internal(declined.to_string())),
        }
    }

    /// The header of a file, which may be its first bytes alone where the format allows that.
    ///
    /// # Errors
    /// As [`Processor::process`] tells them of the header.
    pub fn header(&self, file: &[u8]) -> Result<Probe, Error> {
        self.probe(file, &self.rules)
    }

    fn probe(&self, source: &[u8], rules: &Rules) -> Result<Probe, Error> {
        let probe = codec::probe(source, &rules.limits)?;
        if probe.format == Format::WebP && probe.frames > 1 && !self.animated_webp {
            let source = "animated WebP is not enabled";
            return Err(Error::new(Code::BadWebPImage, "The webp image file may be damaged.").because(source));
        }
        Ok(probe)
    }

    /// A watermark picture with its header; the first frame of an animated one counts.
    fn asset<'a>(&self, key: &str, file: &'a [u8], rules: &Rules) -> Result<(&'a [u8], Asset), Error> {
        // Asked first: whether this machine reads such a file does not matter.
        if let Some(format) = codec::recognise(file).filter(|format| !WATERMARKS.contains(format)) {
            let message = format!("A watermark image cannot be {}.", format.name());
            return Err(Error::new(Code::WatermarkError, message).ec(Ec::image(27)));
        }
        let probe = codec::probe(file, &rules.limits).map_err(unusable)?;
        Ok((file, Asset { key: key.to_owned(), probe }))
    }

    /// Encodes the results; `waited` is the time lost on an engine that declined.
    fn finish(
        &self,
        job: &Job,
        computed: Computed,
        engine: Kind,
        reason: Cow<'static, str>,
        waited: Duration,
        cancel: &Cancel,
    ) -> Result<Answer, Error> {
        let begin = Instant::now();
        let Plan { output, opaque, .. } = &*job.plan;
        let helpers = self.seats.take(computed.wanted_helpers());
        let mut bytes = computed.encode(*opaque, output, helpers.count(), cancel)?;
        drop(helpers);
        if self.never_grow && bytes.len() > job.source.len() && job.only_reencodes() {
            bytes = job.source.to_vec();
        }
        let mut times = computed.times;
        times.add(Times { queue: waited, encode: begin.elapsed(), ..Times::default() });
        Ok(Answer { bytes, content_type: output.format.content_type(), engine, reason, times })
    }

    /// Answers a question about a file.
    fn ask(
        &self,
        source: &[u8],
        probe: &Probe,
        question: Question,
        begin: Instant,
        cancel: &Cancel,
    ) -> Result<Answer, Error> {
        let text = match question {
            Question::Info => ask::info(source, probe),
            Question::AverageHue => self.average_hue(source, probe, cancel)?,
        };
        let times = Times { decode: begin.elapsed(), ..Times::default() };
        let reason = Cow::Borrowed("nothing to compute");
        Ok(Answer { bytes: text.into_bytes(), content_type: "application/json", engine: Kind::Cpu, reason, times })
    }
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
