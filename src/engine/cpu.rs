//! The CPU engine: the plan's passes in a loop, rows shared among idle cores.
//!
//! There is no thread pool of its own to fight the server's for cores. Whoever works on a picture
//! holds a seat; a pass over many pixels borrows the seats that are free at that moment, runs its
//! bands on short-lived scoped threads and gives them back. Under load every picture has one core;
//! a lone picture has them all. Buffers are pooled, since page faults on fresh ones cost as much
//! as the work.

mod planes;
mod stream;

use super::{Declined, DecodePlanes, Done, Engine, Kind, NextRows};
use crate::cancel::Cancel;
use crate::geometry::Size;
use crate::kernel::{Args, Band, Inputs};
use crate::pixel::{Frame, Storage, TEXEL_BYTES, View, ViewMut, needed_bytes};
use crate::plan::planar::Planar;
use crate::plan::stream::Stream;
use crate::plan::{Operand, Plan};
use crate::plane::Samples;
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
        let share = self.share(target.size(), args.cost());
        let work = |(first_row, rows): (u32, ViewMut)| {
            let mut band = Band { first_row, rows };
            if self.reference { args.run_reference(inputs, &mut band) } else { args.run(inputs, &mut band) }
        };
        share.run(target.bands(share.band_rows), work, cancel)
    }

    /// The seats and bands for a pass whose result has `size`, each pixel at `cost`.
    fn share(&self, size: Size, cost: u64) -> Share {
        let alone = size.pixels() * cost < SHARED_COST || self.reference;
        let helpers = self.seats.take(if alone { 0 } else { size.height as usize - 1 });
        // Bands small enough to notice a deadline and to even out uneven ones, of at least 16 rows
        // unless a few wide ones are enough work.
        let bands = (helpers.count as u32 + 1) * 4;
        let row_cost = u64::from(size.width) * cost;
        let least = (SHARED_COST / row_cost.max(1)).clamp(1, 16) as u32;
        Share { helpers, band_rows: size.height.div_ceil(bands).max(least) }
    }
}

/// How a pass is shared among cores.
struct Share {
    helpers: Taken,
    band_rows: u32,
}

impl Share {
    /// Does `work` for every band, on this thread and those of the helpers.
    fn run<B: Send>(
        &self,
        bands: impl Iterator<Item = B> + Send,
        work: impl Fn(B) + Sync,
        cancel: &Cancel,
    ) -> Result<(), Declined> {
        let queue = Mutex::new(bands);
        let work = || -> Result<(), Declined> {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(band) = next else { return Ok(()) };
                cancel.check().map_err(Declined::Error)?;
                work(band);
            }
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (0..self.helpers.count).map(|_| scope.spawn(work)).collect();
            let mine = work();
            let theirs = others.into_iter().map(|other| match other.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            theirs.fold(mine, Result::and)
        })
    }
}

impl CpuEngine {
    /// All passes over one source frame.
    fn picture(&self, plan: &Plan, source: Frame, overlays: &[Frame], cancel: &Cancel) -> Result<Frame, Declined> {
        let results = Vec::with_capacity(plan.passes.len());
        let mut pictures = Pictures { source: Some(source), overlays, results };
        for (index, pass) in plan.passes.iter().enumerate() {
            let mut target = self.frame(pass.args.size())?;
            let src = pictures.view(pass.src)?;
            let overlay = pass.overlay.map_or(Ok(src), |overlay| pictures.view(overlay))?;
            let inputs = Inputs { src, overlay, table: pass.table.as_deref().unwrap_or(&[]) };
            self.pass(&pass.args, &inputs, target.view_mut(), cancel)?;
            pictures.results.push(Some(target));
            // What nobody reads any more goes back to the pool before the next pass asks it.
            for operand in [Some(pass.src), pass.overlay].into_iter().flatten() {
                if plan.last_reader(operand) == Some(index) {
                    drop(pictures.take(operand));
                }
            }
        }
        pictures.take(plan.result()).ok_or_else(missing)
    }
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
        let frames = sources.into_iter().map(|source| self.picture(plan, source, &overlays, cancel));
        let frames = frames.collect::<Result<Vec<_>, _>>()?;
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
    overlays: &'a [Frame],
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

    fn view(&self, operand: Operand) -> Result<View<'_>, Declined> {
        let frame = match operand {
            Operand::Layer(0) => self.source.as_ref(),
            Operand::Layer(index) => self.overlays.get(index - 1),
            Operand::Pass(index) => self.results.get(index).and_then(Option::as_ref),
        };
        Ok(frame.ok_or_else(missing)?.view())
    }
}

/// A plan that reads what it has not made is a defect of the planner.
fn missing() -> Declined {
    Declined::Error(crate::error::Error::internal("a pass reads a picture that is not there"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
