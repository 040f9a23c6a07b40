//! The studio: bytes and a chain in, an answer out.
//!
//! A synchronous function of its arguments that touches nothing outside. Command line, server,
//! benches and tests all call [`Processor::process`].

mod ask;
mod hue;

use crate::cancel::Cancel;
use crate::codec;
use crate::engine::choice::{self, AdapterFacts, Setting};
use crate::engine::cpu::Seats;
use crate::engine::{Declined, Engine, Kind};
use crate::error::{Code, Error};
use crate::format::{Format, Output, Probe, Repeat};
use crate::pixel::Frame;
use crate::plan::{Asset, Origin, Plan, Rules};
use crate::process::{Chain, Pipe, Question};
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

/// One picture's work: files, headers and plan.
struct Job<'a> {
    source: &'a [u8],
    probe: Probe,
    /// Files and headers of the watermark pictures, by the index that layers know.
    assets: Vec<(&'a [u8], Asset)>,
    plan: Arc<Plan>,
}

/// Results of a job, still in the engine's frames.
struct Computed {
    frames: Vec<Frame>,
    /// How long each frame is shown; empty for a still.
    durations_ms: Vec<u32>,
    repeat: Repeat,
    times: Times,
}

/// Bytes of frames and their results that one run of an engine takes at a time.
const BATCH_BYTES: u64 = 128 * 1024 * 1024;

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
        let bytes = job.needed_bytes();
        if bytes > rules.limits.plan_bytes {
            return Err(Error::memory_limit());
        }
        let _reservation = self.memory.reserve(bytes)?;
        let (kind, reason) = choice::choose(&job.plan, job.batch_frames(), self.setting, self.adapter.as_ref());
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
        match job.run(self.cpu.as_ref(), cancel, Instant::now()) {
            Ok(computed) => self.finish(&job, computed, Kind::Cpu, reason, waited, cancel),
            Err(Declined::Error(error)) => Err(error),
            Err(Declined::Busy) => Err(Error::unavailable("The server is busy.")),
            Err(declined) => Err(Error::internal(declined.to_string())),
        }
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
        let mut bytes = computed.encode(*opaque, output, cancel)?;
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
            Question::AverageHue => {
                let _reservation = self.memory.reserve(probe.size.pixels() * 4)?;
                let frame = self.cpu.frame(probe.size);
                let mut frame = frame.map_err(|declined| Error::internal(declined.to_string()))?;
                codec::decode(source, probe, 1, &mut frame.view_mut(), cancel)?;
                ask::average_hue(&frame.view())
            }
        };
        let times = Times { decode: begin.elapsed(), ..Times::default() };
        let reason = Cow::Borrowed("nothing to compute");
        Ok(Answer { bytes: text.into_bytes(), content_type: "application/json", engine: Kind::Cpu, reason, times })
    }
}

/// A watermark picture that cannot be used is the watermark's error; one over a limit, or time
/// that has run out, is told as it is.
fn unusable(error: Error) -> Error {
    match error.code {
        Code::ImageDamage | Code::BadRequest | Code::BadWebPImage => {
            Error::new(Code::WatermarkError, "The watermark image cannot be used.").because(error)
        }
        _ => error,
    }
}

impl Job<'_> {
    /// Bytes of pixels that the job holds at a time.
    fn needed_bytes(&self) -> u64 {
        let once = self.plan.peak_bytes();
        if !self.plan.output.animated {
            return once;
        }
        let results = self.plan.result_size().pixels() * 4 * u64::from(self.probe.frames);
        once + results + u64::from(self.batch_frames()) * self.probe.size.pixels() * 4
    }

    /// Frames that go through the engine together.
    fn batch_frames(&self) -> u32 {
        if !self.plan.output.animated {
            return 1;
        }
        let each = (self.plan.layers[0].size.pixels() + self.plan.result_size().pixels()) * 4;
        u32::try_from(BATCH_BYTES / each.max(1)).unwrap_or(u32::MAX).clamp(1, self.probe.frames.max(1))
    }

    /// Whether the answer shows every stored pixel as it is.
    fn only_reencodes(&self) -> bool {
        let Output { format, animated, .. } = self.plan.output;
        self.plan.passes.is_empty() && format == self.probe.format && (animated || self.probe.frames == 1)
    }

    /// Decodes into the engine's own frames and runs the plan there.
    fn run(&self, engine: &dyn Engine, cancel: &Cancel, begin: Instant) -> Result<Computed, Declined> {
        if self.plan.output.animated {
            return self.run_frames(engine, cancel, begin);
        }
        let layer = &self.plan.layers[0];
        let mut frame = engine.frame(layer.size)?;
        let target = &mut frame.view_mut();
        codec::decode(self.source, &self.probe, layer.reduction, target, cancel).map_err(Declined::Error)?;
        let overlays = self.overlays(engine, cancel)?;
        let decode = begin.elapsed();
        let done = engine.run(&self.plan, vec![frame], overlays, cancel)?;
        let times = Times { decode, queue: done.queue, run: done.run, ..Times::default() };
        Ok(Computed { frames: done.frames, durations_ms: Vec::new(), repeat: Repeat::default(), times })
    }

    /// The same for every frame of an animation, a batch at a time.
    fn run_frames(&self, engine: &dyn Engine, cancel: &Cancel, begin: Instant) -> Result<Computed, Declined> {
        let mut animation = codec::animation(self.source, &self.probe).map_err(Declined::Error)?;
        let mut computed = Computed {
            frames: Vec::new(),
            durations_ms: Vec::new(),
            repeat: Repeat::default(),
            times: Times::default(),
        };
        let mut begin = begin;
        loop {
            let mut batch = Vec::new();
            while batch.len() < self.batch_frames() as usize {
                let mut frame = engine.frame(self.probe.size)?;
                match animation.next_frame(&mut frame.view_mut(), cancel).map_err(Declined::Error)? {
                    Some(duration_ms) => computed.durations_ms.push(duration_ms),
                    None => break,
                }
                batch.push(frame);
            }
            if batch.is_empty() {
                break;
            }
            let overlays = self.overlays(engine, cancel)?;
            let decode = begin.elapsed();
            let done = engine.run(&self.plan, batch, overlays, cancel)?;
            computed.times.add(Times { decode, queue: done.queue, run: done.run, ..Times::default() });
            computed.frames.extend(done.frames);
            begin = Instant::now();
        }
        if computed.frames.is_empty() {
            return Err(Declined::Error(Error::damaged("an animation without frames")));
        }
        computed.repeat = animation.repeat();
        Ok(computed)
    }

    /// The layers after the first, decoded or drawn.
    fn overlays(&self, engine: &dyn Engine, cancel: &Cancel) -> Result<Vec<Frame>, Declined> {
        let overlay = |layer: &crate::plan::Layer| {
            let mut frame = engine.frame(layer.size)?;
            let target = &mut frame.view_mut();
            match &layer.origin {
                Origin::Source => return Err(Declined::Error(Error::internal("the source is no overlay"))),
                Origin::Asset(index) => {
                    let (file, asset) = &self.assets[*index];
                    let decoded = codec::decode(file, &asset.probe, layer.reduction, target, cancel);
                    decoded.map_err(unusable).map_err(Declined::Error)?;
                }
                Origin::Text(drawing) => drawing.draw(target),
            }
            Ok(frame)
        };
        self.plan.layers[1..].iter().map(overlay).collect()
    }
}

impl Computed {
    fn encode(&self, opaque: bool, output: &Output, cancel: &Cancel) -> Result<Vec<u8>, Error> {
        if !output.animated {
            return codec::encode(&self.frames[0].view(), opaque, output, cancel);
        }
        let timed = self.frames.iter().zip(&self.durations_ms);
        let shots: Vec<_> =
            timed.map(|(frame, duration_ms)| codec::Shot { pixels: frame.view(), duration_ms: *duration_ms }).collect();
        codec::encode_animation(&shots, self.repeat, opaque, output, cancel)
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
