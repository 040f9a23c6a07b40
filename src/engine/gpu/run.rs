//! From jobs to one command encoder and one submit, and back to results.
//!
//! First everything that a job needs is taken from the pool, in the order in which it will run;
//! a job that does not fit is declined there and leaves no trace. Then all jobs are recorded.
//! Textures of intermediate results go to the batch's own free list after their last reader and
//! are used again by later passes and jobs: commands run in order.

use super::Counters;
use super::device::Device;
use super::numbers::{Numbers, Places};
use super::pool::{Pool, PooledBuffer, PooledTexture, Use, extent};
use super::storage::{Placed, ReadBack, Staged};
use crate::cancel::Cancel;
use crate::engine::{Declined, Done};
use crate::geometry::Size;
use crate::kernel::WORKGROUP_SIDE;
use crate::pixel::Frame;
use crate::plan::{Operand, Plan};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// What an engine answers.
pub(super) type Outcome = Result<Done, Declined>;

/// A plan with its decoded layers, and who waits for the result.
pub(super) struct Job {
    pub plan: Arc<Plan>,
    pub layers: Vec<Staged>,
    pub cancel: Cancel,
    pub sent: Instant,
    pub reply: SyncSender<Outcome>,
}

impl Job {
    /// Answers without running.
    pub(super) fn decline(self, declined: Declined) {
        // Whoever no longer waits needs no answer.
        let _ = self.reply.send(Err(declined));
    }
}

/// A texture as the commands name it.
#[derive(Clone)]
struct Slot {
    texture: wgpu::Texture,
    view: wgpu::TextureView,
}

impl Slot {
    fn of(texture: &PooledTexture) -> Slot {
        Slot { texture: texture.texture.clone(), view: texture.view.clone() }
    }
}

/// A job with everything that it needs.
struct Prepared {
    plan: Arc<Plan>,
    reply: SyncSender<Outcome>,
    queue: Duration,
    /// Staging and place of each layer.
    uploads: Vec<(PooledBuffer, Placed)>,
    /// Textures of the layers, then of the passes' results.
    slots: Vec<Slot>,
    numbers: Option<StagedNumbers>,
    read_back: PooledBuffer,
    result: Placed,
}

/// Tables and parameters: where they are written, where kernels read them, and how they lie.
struct StagedNumbers {
    staging: PooledBuffer,
    buffer: PooledBuffer,
    layout: Numbers,
}

/// A job that the device works on.
struct Running {
    reply: SyncSender<Outcome>,
    queue: Duration,
    read_back: PooledBuffer,
    mapped: Arc<AtomicBool>,
    result: Placed,
}

/// Jobs that were submitted together.
pub(super) struct Batch {
    pub index: wgpu::SubmissionIndex,
    pub begun: Instant,
    running: Vec<Running>,
    textures: Vec<PooledTexture>,
    numbers: Vec<PooledBuffer>,
}

impl Batch {
    /// Records and submits `jobs`; those that do not fit are declined. `None` if none is left.
    pub(super) fn submit(device: &Device, pool: &Arc<Pool>, counters: &Counters, jobs: Vec<Job>) -> Option<Batch> {
        let begun = Instant::now();
        let mut free = Vec::new();
        let mut prepared = Vec::with_capacity(jobs.len());
        for job in jobs {
            match Prepared::new(job, pool, &mut free, begun) {
                Ok(job) => prepared.push(job),
                Err((reply, declined)) => {
                    let _ = reply.send(Err(declined));
                }
            }
        }
        if prepared.is_empty() {
            free.into_iter().for_each(|texture| pool.give_texture(texture));
            return None;
        }
        let mut encoder = device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        counters.encoders.fetch_add(1, Ordering::Relaxed);
        let mut running = Vec::with_capacity(prepared.len());
        let mut numbers = Vec::new();
        for job in prepared {
            let dispatches = job.record(device, &mut encoder);
            counters.dispatches.fetch_add(dispatches, Ordering::Relaxed);
            counters.jobs.fetch_add(1, Ordering::Relaxed);
            running.push(job.map_on_submit(pool, &encoder, &mut numbers));
        }
        let commands = encoder.finish();
        let _owner = pool.gate.owner();
        if pool.fault.reason().is_none() {
            counters.submits.fetch_add(1, Ordering::Relaxed);
            let index = device.queue.submit([commands]);
            return Some(Batch { index, begun, running, textures: free, numbers });
        }
        let reason = pool.fault.reason().unwrap_or_default();
        fail(running, reason);
        None
    }

    /// Answers every job, once the device is done, and gives everything back.
    pub(super) fn complete(self, pool: &Arc<Pool>) {
        let run = self.begun.elapsed();
        self.textures.into_iter().for_each(|texture| pool.give_texture(texture));
        self.numbers.into_iter().for_each(|buffer| pool.give_buffer(buffer));
        for job in self.running {
            let Running { reply, queue, read_back, mapped, result } = job;
            let outcome = match mapped.load(Ordering::Acquire) {
                true => ReadBack::new(pool, read_back).map(|storage| {
                    let frame = Frame::new(result.size, result.pitch as usize, Box::new(storage));
                    Done { frames: vec![frame], queue, run }
                }),
                false => {
                    pool.fault.report("a read-back could not be mapped");
                    Err(Declined::Failed("a read-back could not be mapped".to_owned()))
                }
            };
            // A result that nobody waits for drops here and goes back to the pool.
            let _ = reply.send(outcome);
        }
    }

    /// Answers every job with the reason why the device failed.
    pub(super) fn fail(self, reason: &str) {
        fail(self.running, reason);
    }
}

fn fail(running: Vec<Running>, reason: &str) {
    for job in running {
        let _ = job.reply.send(Err(Declined::Failed(reason.to_owned())));
    }
}

impl Prepared {
    /// Takes everything that `job` needs; textures from `free` first.
    fn new(
        job: Job,
        pool: &Arc<Pool>,
        free: &mut Vec<PooledTexture>,
        begun: Instant,
    ) -> Result<Prepared, (SyncSender<Outcome>, Declined)> {
        let Job { plan, layers, cancel, sent, reply } = job;
        let taken = cancel.check().map_err(Declined::Error).and_then(|()| {
            if !layers.iter().all(|layer| layer.is_of(pool)) {
                return Err(Declined::Failed("the device was lost after decoding".to_owned()));
            }
            let result = Placed::new(plan.result_size(), pool)?;
            let read_back = pool.buffer(Use::ReadBack, result.bytes())?;
            let numbers = StagedNumbers::new(&plan, pool)?;
            let slots = slots(&plan, pool, free)?;
            Ok((result, read_back, numbers, slots))
        });
        let (result, read_back, numbers, slots) = match taken {
            Ok(taken) => taken,
            Err(declined) => return Err((reply, declined)),
        };
        let uploads =
            layers.into_iter().filter_map(|layer| Some((layer.placed(), layer.into_unmapped()?)).map(|(p, b)| (b, p)));
        let queue = begun.saturating_duration_since(sent);
        Ok(Prepared { uploads: uploads.collect(), plan, reply, queue, slots, numbers, read_back, result })
    }

    fn slot(&self, operand: Operand) -> &Slot {
        match operand {
            Operand::Layer(index) => &self.slots[index],
            Operand::Pass(index) => &self.slots[self.plan.layers.len() + index],
        }
    }

    /// Uploads, all passes, read-back; returns the number of dispatches.
    fn record(&self, device: &Device, encoder: &mut wgpu::CommandEncoder) -> u64 {
        for ((staging, placed), slot) in self.uploads.iter().zip(&self.slots) {
            encoder.copy_buffer_to_texture(
                placed.of(&staging.buffer),
                slot.texture.as_image_copy(),
                extent(placed.size),
            );
        }
        if let Some(numbers) = &self.numbers {
            let (from, to) = (&numbers.staging.buffer, &numbers.buffer.buffer);
            encoder.copy_buffer_to_buffer(from, 0, to, 0, numbers.layout.bytes);
            let groups: Vec<_> = numbers
                .layout
                .places
                .iter()
                .enumerate()
                .map(|(index, places)| self.bind_group(device, index, &numbers.buffer, places))
                .collect();
            let mut compute = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for (pass, group) in self.plan.passes.iter().zip(&groups) {
                let size = pass.args.size();
                compute.set_pipeline(&device.pipelines[pass.args.index()]);
                compute.set_bind_group(0, group, &[]);
                let [columns, rows] = [size.width, size.height].map(|side| side.div_ceil(WORKGROUP_SIDE));
                compute.dispatch_workgroups(columns, rows, 1);
            }
        }
        encoder.copy_texture_to_buffer(
            self.slot(self.plan.result()).texture.as_image_copy(),
            self.result.of(&self.read_back.buffer),
            extent(self.result.size),
        );
        self.plan.passes.len() as u64
    }

    /// The five slots of `shaders/include/bindings.wgsl` for one pass.
    fn bind_group(&self, device: &Device, index: usize, numbers: &PooledBuffer, places: &Places) -> wgpu::BindGroup {
        let pass = &self.plan.passes[index];
        let piece = |range: &std::ops::Range<u64>| {
            wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &numbers.buffer,
                offset: range.start,
                size: wgpu::BufferSize::new(range.end - range.start),
            })
        };
        let picture = |operand| wgpu::BindingResource::TextureView(&self.slot(operand).view);
        let resources = [
            picture(pass.src),
            picture(pass.overlay.unwrap_or(pass.src)),
            picture(Operand::Pass(index)),
            piece(&places.table),
            piece(&places.params),
        ];
        let entries: Vec<_> =
            (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
        device.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &device.layout,
            entries: &entries,
        })
    }

    /// Asks for the mappings that follow the submit: the result to be read, and staging to be
    /// written again, which then goes back to the pool by itself.
    fn map_on_submit(
        self,
        pool: &Arc<Pool>,
        encoder: &wgpu::CommandEncoder,
        numbers: &mut Vec<PooledBuffer>,
    ) -> Running {
        let mut staging: Vec<_> = self.uploads.into_iter().map(|(buffer, _)| buffer).collect();
        if let Some(staged) = self.numbers {
            staging.push(staged.staging);
            numbers.push(staged.buffer);
        }
        for lent in staging {
            let pool = pool.clone();
            encoder.map_buffer_on_submit(&lent.buffer.clone(), wgpu::MapMode::Write, .., move |result| {
                if result.is_ok() {
                    pool.give_buffer(lent);
                }
            });
        }
        let mapped = Arc::new(AtomicBool::new(false));
        let flag = mapped.clone();
        encoder.map_buffer_on_submit(&self.read_back.buffer, wgpu::MapMode::Read, .., move |result| {
            flag.store(result.is_ok(), Ordering::Release);
        });
        Running { reply: self.reply, queue: self.queue, read_back: self.read_back, mapped, result: self.result }
    }
}

impl StagedNumbers {
    /// `None` for a plan without passes.
    fn new(plan: &Plan, pool: &Arc<Pool>) -> Result<Option<StagedNumbers>, Declined> {
        if plan.passes.is_empty() {
            return Ok(None);
        }
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
        Ok(Some(StagedNumbers { staging, buffer, layout }))
    }
}

/// A texture for each layer and each pass; those whose last reader has run are used again. At the
/// end, or on failure, all are in `free`.
fn slots(plan: &Plan, pool: &Pool, free: &mut Vec<PooledTexture>) -> Result<Vec<Slot>, Declined> {
    let layers = plan.layers.len();
    let operand = |place: usize| if place < layers { Operand::Layer(place) } else { Operand::Pass(place - layers) };
    let mut held: Vec<Option<PooledTexture>> = Vec::new();
    let mut slots = Vec::new();
    let mut failed = None;
    for place in 0..layers + plan.passes.len() {
        let class = pool.texture_class(plan.size_of(operand(place)));
        let found = free.iter().rposition(|texture| texture.is_for(class));
        let texture = match found {
            Some(found) => free.swap_remove(found),
            None => match pool.texture(class) {
                Ok(texture) => texture,
                Err(declined) => {
                    failed = Some(declined);
                    break;
                }
            },
        };
        slots.push(Slot::of(&texture));
        held.push(Some(texture));
        if let Some(pass) = place.checked_sub(layers) {
            for (earlier, texture) in held.iter_mut().enumerate() {
                if plan.last_reader(operand(earlier)) == Some(pass) {
                    free.extend(texture.take());
                }
            }
        }
    }
    free.extend(held.into_iter().flatten());
    match failed {
        Some(declined) => Err(declined),
        None => Ok(slots),
    }
}

/// # Errors
/// What the adapter can never take, whatever its state.
pub(super) fn check(plan: &Plan, pool: &Pool) -> Result<(), Declined> {
    let operands = (0..plan.layers.len()).map(Operand::Layer).chain((0..plan.passes.len()).map(Operand::Pass));
    let sizes: Vec<Size> = operands.map(|operand| plan.size_of(operand)).collect();
    for size in sizes {
        Placed::new(size, pool)?;
    }
    let mut tables = plan.passes.iter().filter_map(|pass| pass.table.as_ref());
    if tables.any(|table| size_of_val::<[u32]>(table) as u64 > pool.facts.table_bytes) {
        return Err(Declined::Limit("table size"));
    }
    Ok(())
}
