//! One chain's work on one file: decoding into an engine's frames, running, encoding.

use super::Times;
use crate::cancel::Cancel;
use crate::codec::{self, Rows};
use crate::engine::{Declined, Engine};
use crate::error::{Code, Error};
use crate::format::{Output, Probe, Repeat};
use crate::geometry::Size;
use crate::pixel::{Frame, ViewMut};
use crate::plan::planar::Planar;
use crate::plan::stream::{BAND_BYTES, Stream};
use crate::plan::{Asset, Operand, Origin, Plan};
use crate::plane::{PlaneMut, Samples};
use std::sync::Arc;
use std::time::Instant;

/// One picture's work: files, headers and plan.
pub struct Job<'a> {
    pub source: &'a [u8],
    pub probe: Probe,
    /// Files and headers of the watermark pictures, by the index that layers know.
    pub assets: Vec<(&'a [u8], Asset)>,
    pub plan: Arc<Plan>,
}

/// A job whose source goes through the first pass while it is decoded.
pub struct Streamed<'a> {
    stream: Stream<'a>,
    rows: Box<dyn Rows + 'a>,
    /// What comes after the first pass.
    rest: Arc<Plan>,
    /// Bytes of pixels that the job holds at a time.
    pub needed_bytes: u64,
}

/// What a job's pixels are in.
pub enum Pixels {
    /// The engine's frames, one for each picture of the answer.
    Frames(Vec<Frame>),
    /// The planes of the answer, a picture of `size`.
    Planes { size: Size, planes: Vec<Samples> },
}

/// Results of a job, not yet encoded.
pub struct Computed {
    pub pixels: Pixels,
    /// How long each frame is shown; empty for a still.
    pub durations_ms: Vec<u32>,
    pub repeat: Repeat,
    pub times: Times,
}

/// Bytes of frames and their results that one run of an engine takes at a time.
const BATCH_BYTES: u64 = 128 * 1024 * 1024;

/// Sources of more bytes are streamed where that is possible. Smaller ones are no burden: their
/// buffers are kept from picture to picture, and a pass over all of one is shared best.
pub const WHOLE_BYTES: u64 = 64 * 1024 * 1024;

/// A watermark picture that cannot be used is the watermark's error; one over a limit, or time
/// that has run out, is told as it is.
pub fn unusable(error: Error) -> Error {
    match error.code {
        Code::ImageDamage | Code::BadRequest | Code::BadWebPImage => {
            Error::new(Code::WatermarkError, "The watermark image cannot be used.").because(error)
        }
        _ => error,
    }
}

impl Job<'_> {
    /// Bytes of pixels that the job holds at a time, its source whole.
    pub fn needed_bytes(&self) -> u64 {
        let once = self.plan.peak_bytes();
        if !self.plan.output.animated {
            return once;
        }
        let results = self.plan.result_size().pixels() * 4 * u64::from(self.probe.frames);
        once + results + u64::from(self.batch_frames()) * self.probe.size.pixels() * 4
    }

    /// The job with its source streamed, where the source is large, or the job held whole would take
    /// more than `limit_bytes`, and where plan and file allow it.
    ///
    /// # Errors
    /// `ImageDamage` where the file cannot be begun.
    pub fn streamed(&self, limit_bytes: u64) -> Result<Option<Streamed<'_>>, Error> {
        let large = self.plan.size_of(Operand::Layer(0)).pixels() * 4 > WHOLE_BYTES;
        if !large && self.needed_bytes() <= limit_bytes {
            return Ok(None);
        }
        let Some(stream) = self.plan.stream(BAND_BYTES) else { return Ok(None) };
        let Some(rows) = codec::rows(self.source, &self.probe)? else { return Ok(None) };
        let needed_bytes = self.plan.streamed_bytes().unwrap_or(u64::MAX).saturating_add(rows.held_bytes());
        Ok(Some(Streamed { stream, rows, rest: Arc::new(self.plan.after_first()), needed_bytes }))
    }

    /// The job over the planes of its source, where plan, file and `engine` allow it.
    pub fn planar(&self, engine: &dyn Engine) -> Option<Planar> {
        self.plan.planar.filter(|_| engine.takes_planes())?;
        self.plan.planar(codec::components(self.source, &self.probe)?)
    }

    /// Frames that go through the engine together.
    pub fn batch_frames(&self) -> u32 {
        if !self.plan.output.animated {
            return 1;
        }
        let each = (self.plan.layers[0].size.pixels() + self.plan.result_size().pixels()) * 4;
        u32::try_from(BATCH_BYTES / each.max(1)).unwrap_or(u32::MAX).clamp(1, self.probe.frames.max(1))
    }

    /// Whether the answer shows every stored pixel as it is.
    pub fn only_reencodes(&self) -> bool {
        let Output { format, animated, .. } = self.plan.output;
        self.plan.passes.is_empty() && format == self.probe.format && (animated || self.probe.frames == 1)
    }

    /// Decodes into the engine's own frames and runs the plan there.
    pub fn run(&self, engine: &dyn Engine, cancel: &Cancel, begin: Instant) -> Result<Computed, Declined> {
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
        Ok(Computed::still(Pixels::Frames(done.frames), times))
    }

    /// As [`Job::run`], over planes.
    pub fn run_planar(
        &self,
        planar: &Planar,
        engine: &dyn Engine,
        cancel: &Cancel,
        begin: Instant,
    ) -> Result<Computed, Declined> {
        let mut decode = begin.elapsed();
        let mut decode_planes = |targets: &mut [PlaneMut]| {
            let decoded = codec::decode_planes(self.source, planar.reduction, targets, cancel);
            decode = begin.elapsed();
            decoded
        };
        let planes = engine.planes(planar, &mut decode_planes, cancel)?;
        let times = Times { decode, run: begin.elapsed().saturating_sub(decode), ..Times::default() };
        Ok(Computed::still(Pixels::Planes { size: planar.result, planes }, times))
    }

    /// As [`Job::run`], on an engine that streams.
    pub fn run_streamed(
        &self,
        streamed: Streamed,
        engine: &dyn Engine,
        cancel: &Cancel,
        begin: Instant,
    ) -> Result<Computed, Declined> {
        let Streamed { stream, mut rows, rest, .. } = streamed;
        let mut decode = begin.elapsed();
        let mut next_rows = |target: &mut ViewMut| {
            let begin = Instant::now();
            let read = rows.next_rows(target, cancel);
            decode += begin.elapsed();
            read
        };
        let first = engine.stream(&stream, &mut next_rows, cancel)?;
        let drawing = Instant::now();
        let overlays = self.overlays(engine, cancel)?;
        decode += drawing.elapsed();
        let done = engine.run(&rest, vec![first], overlays, cancel)?;
        let run = begin.elapsed().saturating_sub(decode + done.queue);
        let times = Times { decode, queue: done.queue, run, ..Times::default() };
        Ok(Computed::still(Pixels::Frames(done.frames), times))
    }

    /// The same for every frame of an animation, a batch at a time.
    fn run_frames(&self, engine: &dyn Engine, cancel: &Cancel, begin: Instant) -> Result<Computed, Declined> {
        let mut animation = codec::animation(self.source, &self.probe).map_err(Declined::Error)?;
        let (mut frames, mut durations_ms, mut times) = (Vec::new(), Vec::new(), Times::default());
        let mut begin = begin;
        loop {
            let mut batch = Vec::new();
            while batch.len() < self.batch_frames() as usize {
                let mut frame = engine.frame(self.probe.size)?;
                match animation.next_frame(&mut frame.view_mut(), cancel).map_err(Declined::Error)? {
                    Some(duration_ms) => durations_ms.push(duration_ms),
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
            times.add(Times { decode, queue: done.queue, run: done.run, ..Times::default() });
            frames.extend(done.frames);
            begin = Instant::now();
        }
        if frames.is_empty() {
            return Err(Declined::Error(Error::damaged("an animation without frames")));
        }
        Ok(Computed { pixels: Pixels::Frames(frames), durations_ms, repeat: animation.repeat(), times })
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
    fn still(pixels: Pixels, times: Times) -> Computed {
        Computed { pixels, durations_ms: Vec::new(), repeat: Repeat::default(), times }
    }

    /// Threads that encoding can make use of beside the caller's.
    pub fn wanted_helpers(&self) -> usize {
        let Pixels::Frames(frames) = &self.pixels else { return 0 };
        let pixels: u64 = frames.iter().map(|frame| frame.size().pixels()).sum();
        // What takes less than a millisecond is not worth starting a thread.
        if pixels < 32 * 1024 { 0 } else { frames.len().saturating_sub(1) }
    }

    /// The file; `helpers` as for [`codec::encode_animation`].
    pub fn encode(&self, opaque: bool, output: &Output, helpers: usize, cancel: &Cancel) -> Result<Vec<u8>, Error> {
        let frames = match &self.pixels {
            Pixels::Planes { size, planes } => {
                let planes: Vec<_> = planes.iter().map(Samples::view).collect();
                return codec::encode_planes(&planes, *size, output, cancel);
            }
            Pixels::Frames(frames) => frames,
        };
        if !output.animated {
            return codec::encode(&frames[0].view(), opaque, output, cancel);
        }
        let timed = frames.iter().zip(&self.durations_ms);
        let shots: Vec<_> =
            timed.map(|(frame, duration_ms)| codec::Shot { pixels: frame.view(), duration_ms: *duration_ms }).collect();
        codec::encode_animation(&shots, self.repeat, opaque, output, helpers, cancel)
    }
}
