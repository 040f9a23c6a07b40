//! The CPU engine: the plan's passes in a loop, rows shared among idle cores.
//!
//! There is no thread pool of its own to fight the server's for cores. Whoever works on a picture
//! holds a seat; a pass over many pixels, or an animation of many frames, borrows the seats that are
//! free at that moment, runs its bands or frames on short-lived scoped threads and gives them back. Under load every picture has one core;
//! a lone picture has them all. Buffers are pooled, since page faults on fresh ones cost as much
//! as the work.

mod planes;
mod stream;

use super::{Declined, DecodePlanes, Done, Engine, Kind, NextRows};
use crate::cancel::Cancel;
use crate::geometry::Size;
use crate::kernel::{self, Args, Band, Inputs};
use crate::pixel::{Frame, Storage, TEXEL_BYTES, View, ViewMut, needed_bytes};
use crate::plan::planar::Planar;
use crate::plan::stream::Stream;
use crate::plan::{Operand, Pass, Plan};
use crate::plane::Samples;
use crate::share;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The cores, counted.
#[derive(Debug)]
pub struct Seats {
    free: AtomicUsize,
}

impl Seats {
    /// As many seats as cores may work at a time, at least one.
    pub fn new(cores: usize) -> Arc<Seats> {
        Arc::new(Seats { free: AtomicUsize::new(cores.max(1)) })
    }

    /// Takes up to `wanted` seats, perhaps none, and gives them back when dropped.
    pub fn take(self: &Arc<Seats>, wanted: usize) -> Taken {
        let mut taken = 0;
        let _ = self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| {
            taken = free.min(wanted);
            Some(free - taken)
        });
        Taken { seats: Arc::clone(self), count: taken }
    }
}

/// Seats in use.
#[derive(Debug)]
pub struct Taken {
    seats: Arc<Seats>,
    count: usize,
}

impl Taken {
    pub fn count(&self) -> usize {
        self.count
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.seats.free.fetch_add(self.count, Ordering::Relaxed);
    }
}

/// Idle buffers kept for the next picture.
#[derive(Debug)]
struct Pool {
    idle: Mutex<Vec<Vec<u8>>>,
    /// Most bytes that may lie idle.
    idle_bytes: usize,
}

impl Pool {
    /// A buffer of at least `bytes`, with anything in it.
    fn take(self: &Arc<Pool>, bytes: usize) -> Pooled {
        // A little more than asked, so that pictures of like size share buffers.
        let fresh = || vec![0; bytes.next_multiple_of((bytes / 8).max(4096))];
        let buffer = self.take_idle(bytes).unwrap_or_else(fresh);
        Pooled { buffer, pool: Arc::clone(self) }
    }

    /// The smallest idle buffer of at least `bytes`, unless it is much too large.
    fn take_idle(&self, bytes: usize) -> Option<Vec<u8>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = (0..idle.len())
            .filter(|index| (bytes..=bytes.saturating_mul(4)).contains(&idle[*index].len()))
            .min_by_key(|index| idle[*index].len())?;
        Some(idle.swap_remove(fitting))
    }

    fn give_back(&self, buffer: Vec<u8>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let lying: usize = idle.iter().map(Vec::len).sum();
        if lying + buffer.len() <= self.idle_bytes {
            idle.push(buffer);
        }
    }
}

/// A buffer that goes back to its pool.
struct Pooled {
    buffer: Vec<u8>,
    pool: Arc<Pool>,
}

impl Storage for Pooled {
    fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        self.pool.give_back(std::mem::take(&mut self.buffer));
    }
}

/// Bytes of idle buffers that an engine keeps.
const IDLE_BYTES: usize = 256 * 1024 * 1024;

/// Passes cheaper than this (see [`Args::cost`]) are not worth a second thread, whose start takes
/// some 50 µs.
const SHARED_COST: u64 = 1 << 20;

/// Runs plans on the CPU.
#[derive(Debug)]
pub struct CpuEngine {
    seats: Arc<Seats>,
    pool: Arc<Pool>,
    /// Run the readable reference of each kernel instead of its fast version.
    reference: bool,
}

impl CpuEngine {
    /// The engine that serves; `seats` are shared with whoever runs it.
    pub fn new(seats: Arc<Seats>) -> CpuEngine {
        let pool = Arc::new(Pool { idle: Mutex::default(), idle_bytes: IDLE_BYTES });
        CpuEngine { seats, pool, reference: false }
    }

    /// The yardstick: every kernel a pixel at a time, on one core.
    pub fn reference() -> CpuEngine {
        CpuEngine { reference: true, ..CpuEngine::new(Seats::new(1)) }
    }

    fn pass(&self, args: &Args, inputs: &Inputs, target: ViewMut, cancel: &Cancel) -> Result<(), Declined> {
        match self.reference {
            true => self.bands(target, 0, cancel, |band| args.run_reference(inputs, band)),
            false => self.bands(target, args.cost(), cancel, |band| args.run(inputs, band)),
        }
    }

    /// Runs `fill` over the bands of `target`, which cost so much a pixel (see [`Args::cost`]), on as
    /// many cores as are free.
    fn bands(
        &self,
        target: ViewMut,
        cost: u64,
        cancel: &Cancel,
        fill: impl Fn(&mut Band) + Sync,
    ) -> Result<(), Declined> {
        let share = self.share(target.size(), cost);
        share.run(target.bands(share.band_rows), cancel, |(first_row, rows)| fill(&mut Band { first_row, rows }))
    }

    /// The seats and bands for a result of `size` at such a cost a pixel.
    fn share(&self, size: Size, cost: u64) -> Share {
        let wanted = if size.pixels() * cost < SHARED_COST { 0 } else { size.height as usize - 1 };
        let helpers = self.seats.take(wanted);
        // Bands small enough to notice a deadline and to even out uneven ones, of at least 16 rows
        // unless a few wide ones are enough work; alone, of enough work in any case.
        let bands = (helpers.count as u32 + 1) * 4;
        let row_cost = u64::from(size.width) * cost;
        let enough = (SHARED_COST / row_cost.max(1)).clamp(1, u64::from(size.height.max(1))) as u32;
        let least = if helpers.count == 0 { enough } else { enough.min(16) };
        Share { helpers, band_rows: size.height.div_ceil(bands).max(least) }
    }
}

/// How a pass is shared among cores.
struct Share {
    helpers: Taken,
    band_rows: u32,
}

impl Share {
    /// Fills every band, on this thread and those of the helpers.
    fn run<B: Send>(
        &self,
        bands: impl Iterator<Item = B>,
        cancel: &Cancel,
        fill: impl Fn(B) + Sync,
    ) -> Result<(), Declined> {
        let filled = share::map(bands.collect(), self.helpers.count, |band| {
            cancel.check().map_err(Declined::Error)?;
            fill(band);
            Ok(())
        });
        filled.into_iter().collect()
    }
}

impl CpuEngine {
    /// All passes over one source frame.
    fn picture(&self, plan: &Plan, source: Frame, overlays: &[View], cancel: &Cancel) -> Result<Frame, Declined> {
        let results = Vec::with_capacity(plan.passes.len());
        let mut pictures = Pictures { source: Some(source), overlays, results };
        let mut index = 0;
        while let Some(pass) = plan.passes.get(index) {
            let in_place = if self.reference { None } else { pictures.take_over(plan, index) };
            let made = match (in_place, plan.passes.get(index + 1)) {
                (Some(frame), _) => vec![Some(self.change(pass, frame, &pictures, cancel)?)],
                (None, Some(next)) if !self.reference && joined(plan, index) => {
                    vec![None, Some(self.both(pass, next, &pictures, cancel)?)]
                }
                _ => vec![Some(self.one(pass, &pictures, cancel)?)],
            };
            // What nobody reads any more goes back to the pool before the next pass asks it.
            for (index, pass) in plan.passes.iter().enumerate().skip(index).take(made.len()) {
                for operand in [Some(pass.src), pass.overlay].into_iter().flatten() {
                    if plan.last_reader(operand) == Some(index) {
                        drop(pictures.take(operand));
                    }
                }
            }
            index += made.len();
            pictures.results.extend(made);
        }
        pictures.take(plan.result()).ok_or_else(missing)
    }

    fn one(&self, pass: &Pass, pictures: &Pictures, cancel: &Cancel) -> Result<Frame, Declined> {
        let mut target = self.frame(pass.args.size())?;
        let src = pictures.view(pass.src)?;
        let overlay = pass.overlay.map_or(Ok(src), |overlay| pictures.view(overlay))?;
        let inputs = Inputs { src, overlay, table: table(pass) };
        self.pass(&pass.args, &inputs, target.view_mut(), cancel)?;
        Ok(target)
    }

    /// A pass whose result takes the place of its main picture, which is `frame`.
    fn change(&self, pass: &Pass, mut frame: Frame, pictures: &Pictures, cancel: &Cancel) -> Result<Frame, Declined> {
        let overlay = pass.overlay.map(|overlay| pictures.view(overlay)).transpose()?;
        let change = |band: &mut Band| pass.args.change(overlay.as_ref(), table(pass), band);
        self.bands(frame.view_mut(), pass.args.cost(), cancel, change)?;
        Ok(frame)
    }

    /// Two passes as one; the first one's result is never whole.
    fn both(&self, first: &Pass, second: &Pass, pictures: &Pictures, cancel: &Cancel) -> Result<Frame, Declined> {
        let size = second.args.size();
        let mut target = self.frame(size)?;
        let src = pictures.view(first.src)?;
        let between = first.args.size().pixels() * first.args.cost();
        let cost = between.div_ceil(size.pixels().max(1)) + second.args.cost();
        self.bands(target.view_mut(), cost, cancel, |band| {
            kernel::run_both((&first.args, table(first)), (&second.args, table(second)), &src, band);
        })?;
        Ok(target)
    }
}

fn table(pass: &Pass) -> &[u32] {
    pass.table.as_deref().unwrap_or(&[])
}

/// Whether a pass and the next can be one: the first one's result is read by the second alone.
fn joined(plan: &Plan, index: usize) -> bool {
    let (first, second) = (&plan.passes[index], &plan.passes[index + 1]);
    let between = Operand::Pass(index);
    second.args.joins(&first.args)
        && second.src == between
        && first.overlay.is_none()
        && second.overlay.is_none()
        && plan.last_reader(between) == Some(index + 1)
}

impl Engine for CpuEngine {
    fn kind(&self) -> Kind {
        Kind::Cpu
    }

    fn frame(&self, size: Size) -> Result<Frame, Declined> {
        let pitch = size.width as usize * TEXEL_BYTES;
        let storage = self.pool.take(needed_bytes(size, pitch));
        Ok(Frame::new(size, pitch, Box::new(storage)))
    }

    fn run(
        &self,
        plan: &Arc<Plan>,
        sources: Vec<Frame>,
        overlays: Vec<Frame>,
        cancel: &Cancel,
    ) -> Result<Done, Declined> {
        let begin = Instant::now();
        let cost: u64 = plan.passes.iter().map(|pass| pass.args.size().pixels() * pass.args.cost()).sum();
        let others = sources.len().saturating_sub(1);
        let wanted = if cost * (others as u64) < SHARED_COST || self.reference { 0 } else { others };
        let helpers = self.seats.take(wanted);
        let overlays: Vec<_> = overlays.iter().map(Frame::view).collect();
        let picture = |source| self.picture(plan, source, &overlays, cancel);
        let frames = share::map(sources, helpers.count, picture).into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(Done { frames, queue: Duration::ZERO, run: begin.elapsed() })
    }

    fn stream(&self, stream: &Stream, next_rows: &mut NextRows, cancel: &Cancel) -> Result<Frame, Declined> {
        self.slide(stream, next_rows, cancel)
    }

    fn takes_planes(&self) -> bool {
        // The yardstick has one way for everything.
        !self.reference
    }

    fn planes(&self, planar: &Planar, decode: &mut DecodePlanes, cancel: &Cancel) -> Result<Vec<Samples>, Declined> {
        self.resize_planes(planar, decode, cancel)
    }
}

/// The pictures of one run: the source until its last reader, results likewise, overlays throughout.
struct Pictures<'a> {
    source: Option<Frame>,
    overlays: &'a [View<'a>],
    results: Vec<Option<Frame>>,
}

impl Pictures<'_> {
    fn take(&mut self, operand: Operand) -> Option<Frame> {
        match operand {
            Operand::Layer(0) => self.source.take(),
            Operand::Layer(_) => None,
            Operand::Pass(index) => self.results.get_mut(index)?.take(),
        }
    }

    /// The main picture of a pass whose result may take its place: nobody reads it later.
    fn take_over(&mut self, plan: &Plan, index: usize) -> Option<Frame> {
        let pass = &plan.passes[index];
        let alone = plan.last_reader(pass.src) == Some(index) && pass.overlay != Some(pass.src);
        if alone && pass.args.is_in_place() { self.take(pass.src) } else { None }
    }

    fn view(&self, operand: Operand) -> Result<View<'_>, Declined> {
        let view = match operand {
            Operand::Layer(0) => self.source.as_ref().map(Frame::view),
            Operand::Layer(index) => self.overlays.get(index - 1).copied(),
            Operand::Pass(index) => self.results.get(index).and_then(Option::as_ref).map(Frame::view),
        };
        view.ok_or_else(missing)
    }
}

/// A plan that reads what it has not made is a defect of the planner.
fn missing() -> Declined {
    Declined::Error(crate::error::Error::internal("a pass reads a picture that is not there"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Format, Output};
    use crate::kernel::tone;
    use crate::plan::{Layer, Origin, Pass};

    #[test]
    fn seats_are_never_given_twice() {
        let seats = Seats::new(3);
        let first = seats.take(2);
        let second = seats.take(2);
        assert_eq!((first.count, second.count), (2, 1));
        assert_eq!(seats.take(1).count, 0);
        drop(first);
        assert_eq!(seats.take(5).count, 2);
    }

    #[test]
    fn frames_are_shared_and_keep_their_order() {
        let size = Size::new(600, 400);
        let args = Args::Tone(tone::Params { width: size.width, height: size.height });
        let table: Vec<u32> = (0..256).map(|value| 255 - value).collect();
        let pass = Pass { args, src: Operand::Layer(0), overlay: None, table: Some(table.into()) };
        let layer = Layer { origin: Origin::Source, size, stored: size, reduction: 1 };
        let output = Output::still(Format::Gif);
        let plan = Arc::new(Plan { layers: vec![layer], passes: vec![pass], opaque: true, output, planar: None });
        let engine = CpuEngine::new(Seats::new(3));
        let sources = (0..9).map(|shade| Frame::packed(size, vec![shade; needed_bytes(size, 2400)])).collect();
        let done = engine.run(&plan, sources, Vec::new(), &Cancel::never()).unwrap();
        let shades: Vec<_> = done.frames.iter().map(|frame| frame.view().texel(599, 399)[0]).collect();
        assert_eq!(shades, [255, 254, 253, 252, 251, 250, 249, 248, 247]);
        assert_eq!(engine.seats.take(9).count, 3, "all seats are free again");
    }

    #[test]
    fn buffers_come_back() {
        let engine = CpuEngine::new(Seats::new(1));
        let size = Size::new(100, 100);
        let mut frame = engine.frame(size).unwrap();
        frame.view_mut().row(0).fill(7);
        drop(frame);
        assert_eq!(engine.frame(size).unwrap().view().row(0)[0], 7);
        // A much smaller picture does not take the large buffer.
        assert_eq!(engine.frame(Size::new(4, 4)).unwrap().view().row(0)[0], 0);
    }
}
