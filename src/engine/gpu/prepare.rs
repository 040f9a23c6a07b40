//! From a job to everything that it needs, taken from the pool in the order in which it will run.
//!
//! Passes that see only overlays run once, before the first frame; what frames read of them stays
//! until the last one. All frames use the same textures one after the other, since commands run in
//! order. Textures of intermediate results go to the batch's own free list after their last reader
//! and are used again by later passes and jobs.

use super::numbers::Numbers;
use super::pool::{Pool, PooledBuffer, PooledTexture, Use};
use super::run::{Job, Outcome};
use super::storage::{Placed, Staged};
use crate::engine::Declined;
use crate::plan::{Operand, Plan};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// A texture as the commands name it.
#[derive(Clone)]
pub(super) struct Slot {
    pub texture: wgpu::Texture,
    pub view: wgpu::TextureView,
}

impl Slot {
    fn of(texture: &PooledTexture) -> Slot {
        Slot { texture: texture.texture.clone(), view: texture.view.clone() }
    }
}

/// A job with everything that it needs.
pub(super) struct Prepared {
    pub plan: Arc<Plan>,
    pub reply: SyncSender<Outcome>,
    pub queue: Duration,
    pub order: Order,
    /// Staging of every frame of layer 0.
    pub sources: Vec<PooledBuffer>,
    /// Staging of the layers after it.
    pub overlays: Vec<PooledBuffer>,
    /// How each layer lies in its staging.
    pub placed: Vec<Placed>,
    /// Textures of the layers, then of the passes' results.
    slots: Vec<Slot>,
    pub numbers: StagedNumbers,
    /// One for each frame.
    pub read_backs: Vec<PooledBuffer>,
    /// How a result lies in its read-back.
    pub result: Placed,
}

/// Tables and parameters: where they are written, where kernels read them, and how they lie.
pub(super) struct StagedNumbers {
    pub staging: PooledBuffer,
    pub buffer: PooledBuffer,
    pub layout: Numbers,
}

impl Prepared {
    /// Takes everything that `job` needs; textures from `free` first, where they are left again.
    ///
    /// # Errors
    /// Why the job cannot run, and who is to be told.
    pub(super) fn new(
        job: Job,
        pool: &Arc<Pool>,
        free: &mut Vec<PooledTexture>,
        begun: Instant,
    ) -> Result<Prepared, (SyncSender<Outcome>, Declined)> {
        let Job { plan, sources, overlays, cancel, sent, reply } = job;
        let order = Order::of(&plan);
        let taken = cancel.check().map_err(Declined::Error).and_then(|()| {
            if !sources.iter().chain(&overlays).all(|layer| layer.is_of(pool)) {
                return Err(Declined::Failed("the device was lost after decoding".to_owned()));
            }
            let placed = plan.layers.iter().map(|layer| Placed::new(layer.size, pool)).collect::<Result<_, _>>()?;
            let result = Placed::new(plan.result_size(), pool)?;
            let read_backs =
                sources.iter().map(|_| pool.buffer(Use::ReadBack, result.bytes())).collect::<Result<_, _>>()?;
            let numbers = StagedNumbers::new(&plan, pool)?;
            let slots = slots(&plan, &order, pool, free)?;
            Ok((placed, result, read_backs, numbers, slots))
        });
        let (placed, result, read_backs, numbers, slots) = match taken {
            Ok(taken) => taken,
            Err(declined) => return Err((reply, declined)),
        };
        let queue = begun.saturating_duration_since(sent);
        let sources = sources.into_iter().filter_map(Staged::into_unmapped).collect();
        let overlays = overlays.into_iter().filter_map(Staged::into_unmapped).collect();
        Ok(Prepared { plan, reply, queue, order, sources, overlays, placed, slots, numbers, read_backs, result })
    }

    pub(super) fn slot(&self, operand: Operand) -> &Slot {
        &self.slots[place(&self.plan, operand)]
    }
}

/// Where an operand stands: the layers, then the passes' results.
fn place(plan: &Plan, operand: Operand) -> usize {
    match operand {
        Operand::Layer(index) => index,
        Operand::Pass(index) => plan.layers.len() + index,
    }
}

/// The passes in the order in which they run, by index.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// What depends on overlays only: once, before the first frame.
    pub once: Vec<usize>,
    /// The others: for each frame.
    pub each: Vec<usize>,
}

impl Order {
    fn of(plan: &Plan) -> Order {
        let mut order = Order { once: Vec::new(), each: Vec::new() };
        for (index, pass) in plan.passes.iter().enumerate() {
            let varies = [Some(pass.src), pass.overlay].into_iter().flatten().any(|operand| order.varies(operand));
            if varies { order.each.push(index) } else { order.once.push(index) }
        }
        order
    }

    /// Whether an operand differs from frame to frame; of passes, those that were ordered.
    fn varies(&self, operand: Operand) -> bool {
        match operand {
            Operand::Layer(index) => index == 0,
            Operand::Pass(index) => self.each.contains(&index),
        }
    }

    /// Every layer and every result, in the order in which they are filled.
    fn filled(&self, plan: &Plan) -> Vec<Operand> {
        let overlays = (1..plan.layers.len()).map(Operand::Layer);
        let passes = |passes: &[usize]| passes.iter().copied().map(Operand::Pass).collect::<Vec<_>>();
        overlays.chain(passes(&self.once)).chain([Operand::Layer(0)]).chain(passes(&self.each)).collect()
    }

    /// The pass after which the texture of `operand` may hold something else. What every frame
    /// reads stays to the end.
    fn freed_by(&self, plan: &Plan, operand: Operand) -> Option<usize> {
        let last = plan.last_reader(operand)?;
        (self.varies(operand) || !self.each.contains(&last)).then_some(last)
    }
}

/// A texture for each layer and each pass; those whose last reader has run are used again. At the
/// end, or on failure, all are in `free`.
fn slots(plan: &Plan, order: &Order, pool: &Pool, free: &mut Vec<PooledTexture>) -> Result<Vec<Slot>, Declined> {
    let mut held: Vec<(Operand, PooledTexture)> = Vec::new();
    let mut slots: Vec<Option<Slot>> = vec![None; plan.layers.len() + plan.passes.len()];
    let mut failed = None;
    for operand in order.filled(plan) {
        let class = pool.texture_class(plan.size_of(operand));
        let texture = match free.iter().rposition(|texture| texture.is_for(class)) {
            Some(found) => free.swap_remove(found),
            None => match pool.texture(class) {
                Ok(texture) => texture,
                Err(declined) => {
                    failed = Some(declined);
                    break;
                }
            },
        };
        slots[place(plan, operand)] = Some(Slot::of(&texture));
        held.push((operand, texture));
        if let Operand::Pass(pass) = operand {
            let done = held.extract_if(.., |(earlier, _)| order.freed_by(plan, *earlier) == Some(pass));
            free.extend(done.map(|(_, texture)| texture));
        }
    }
    free.extend(held.into_iter().map(|(_, texture)| texture));
    match failed {
        Some(declined) => Err(declined),
        None => Ok(slots.into_iter().flatten().collect()),
    }
}

impl StagedNumbers {
    fn new(plan: &Plan, pool: &Arc<Pool>) -> Result<StagedNumbers, Declined> {
        let layout = Numbers::new(plan, pool.alignment_bytes);
        let buffer = pool.buffer(Use::Numbers, layout.bytes)?;
        let staging = pool.buffer(Use::Staging, layout.bytes)?;
        let mut view = staging
            .buffer
            .get_mapped_range_mut(..)
            .map_err(|error| Declined::Failed(format!("staging is not mapped: {error}")))?;
        layout.write(plan, |offset, bytes| {
            let start = offset as usize;
            view.slice(start..start + bytes.len()).copy_from_slice(bytes);
        });
        drop(view);
        staging.buffer.unmap();
        Ok(StagedNumbers { staging, buffer, layout })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_overlay;
    use super::*;

    #[test]
    fn what_only_overlays_decide_runs_once_and_stays() {
        // Pass 0 sharpens the source, pass 1 the overlay, pass 2 that again; pass 3 blends.
        let plan = with_overlay();
        let order = Order::of(&plan);
        assert_eq!(order, Order { once: vec![1, 2], each: vec![0, 3] });
        use Operand::{Layer, Pass};
        assert_eq!(order.filled(&plan), [Layer(1), Pass(1), Pass(2), Layer(0), Pass(0), Pass(3)]);
        let freed = |operand| order.freed_by(&plan, operand);
        assert_eq!([freed(Layer(1)), freed(Pass(1)), freed(Pass(2))], [Some(1), Some(2), None]);
        assert_eq!([freed(Layer(0)), freed(Pass(0)), freed(Pass(3))], [Some(0), Some(3), None]);
    }
}
