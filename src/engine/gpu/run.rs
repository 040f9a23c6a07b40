//! From jobs to one command encoder and one submit, and back to results.
//!
//! A job that does not get all that it needs (`prepare`) is declined and leaves no trace. Then all
//! jobs are recorded, each with all of its frames, and submitted together.

use super::Counters;
use super::device::Device;
use super::numbers::Places;
use super::pool::{Pool, PooledBuffer, PooledTexture, extent};
use super::prepare::Prepared;
use super::storage::{Placed, ReadBack, Staged};
use crate::cancel::Cancel;
use crate::engine::{Declined, Done};
use crate::geometry::Size;
use crate::kernel::WORKGROUP_SIDE;
use crate::pixel::Frame;
use crate::plan::{Operand, Plan};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// What an engine answers.
pub(super) type Outcome = Result<Done, Declined>;

/// A plan that has passes, its decoded layers, and who waits for the result.
pub(super) struct Job {
    pub plan: Arc<Plan>,
    /// Layer 0, a frame after the other.
    pub sources: Vec<Staged>,
    /// The layers after it.
    pub overlays: Vec<Staged>,
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

/// A job that the device works on.
struct Running {
    reply: SyncSender<Outcome>,
    queue: Duration,
    read_backs: Vec<PooledBuffer>,
    /// How many of them are mapped.
    mapped: Arc<AtomicUsize>,
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
            let Running { reply, queue, read_backs, mapped, result } = job;
            let frame = |read_back| -> Result<Frame, Declined> {
                let storage = ReadBack::new(pool, read_back)?;
                Ok(Frame::new(result.size, result.pitch as usize, Box::new(storage)))
            };
            let outcome = match mapped.load(Ordering::Acquire) == read_backs.len() {
                true => {
                    let frames = read_backs.into_iter().map(frame).collect::<Result<_, _>>();
                    frames.map(|frames| Done { frames, queue, run })
                }
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
    /// Overlays and what depends on them alone, then for each frame upload, passes and read-back;
    /// returns the number of dispatches.
    fn record(&self, device: &Device, encoder: &mut wgpu::CommandEncoder) -> u64 {
        let numbers = &self.numbers;
        encoder.copy_buffer_to_buffer(&numbers.staging.buffer, 0, &numbers.buffer.buffer, 0, numbers.layout.bytes);
        let places = numbers.layout.places.iter().enumerate();
        let groups: Vec<_> = places.map(|(index, places)| self.bind_group(device, index, places)).collect();
        for (index, staging) in (1..).zip(&self.overlays) {
            self.upload(index, staging, encoder);
        }
        self.dispatch(&self.order.once, device, &groups, encoder);
        for (staging, read_back) in self.sources.iter().zip(&self.read_backs) {
            self.upload(0, staging, encoder);
            self.dispatch(&self.order.each, device, &groups, encoder);
            encoder.copy_texture_to_buffer(
                self.slot(self.plan.result()).texture.as_image_copy(),
                self.result.of(&read_back.buffer),
                extent(self.result.size),
            );
        }
        (self.order.once.len() + self.order.each.len() * self.sources.len()) as u64
    }

    /// Copies a layer to its texture.
    fn upload(&self, layer: usize, staging: &PooledBuffer, encoder: &mut wgpu::CommandEncoder) {
        let placed = self.placed[layer];
        let texture = &self.slot(Operand::Layer(layer)).texture;
        encoder.copy_buffer_to_texture(placed.of(&staging.buffer), texture.as_image_copy(), extent(placed.size));
    }

    /// Runs `passes`, given by index.
    fn dispatch(
        &self,
        passes: &[usize],
        device: &Device,
        groups: &[wgpu::BindGroup],
        encoder: &mut wgpu::CommandEncoder,
    ) {
        if passes.is_empty() {
            return;
        }
        let mut compute = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for index in passes.iter().copied() {
            let args = &self.plan.passes[index].args;
            compute.set_pipeline(&device.pipelines[args.index()]);
            compute.set_bind_group(0, &groups[index], &[]);
            let size = args.size();
            let [columns, rows] = [size.width, size.height].map(|side| side.div_ceil(WORKGROUP_SIDE));
            compute.dispatch_workgroups(columns, rows, 1);
        }
    }

    /// The five slots of `shaders/include/bindings.wgsl` for one pass.
    fn bind_group(&self, device: &Device, index: usize, places: &Places) -> wgpu::BindGroup {
        let pass = &self.plan.passes[index];
        let piece = |range: &std::ops::Range<u64>| {
            wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &self.numbers.buffer.buffer,
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

    /// Asks for the mappings that follow the submit: the results to be read, and staging to be
    /// written again, which then goes back to the pool by itself.
    fn map_on_submit(
        self,
        pool: &Arc<Pool>,
        encoder: &wgpu::CommandEncoder,
        numbers: &mut Vec<PooledBuffer>,
    ) -> Running {
        numbers.push(self.numbers.buffer);
        for lent in self.sources.into_iter().chain(self.overlays).chain([self.numbers.staging]) {
            let pool = pool.clone();
            encoder.map_buffer_on_submit(&lent.buffer.clone(), wgpu::MapMode::Write, .., move |result| {
                if result.is_ok() {
                    pool.give_buffer(lent);
                }
            });
        }
        let mapped = Arc::new(AtomicUsize::new(0));
        for read_back in &self.read_backs {
            let mapped = mapped.clone();
            encoder.map_buffer_on_submit(&read_back.buffer, wgpu::MapMode::Read, .., move |result| {
                mapped.fetch_add(result.is_ok().into(), Ordering::Release);
            });
        }
        Running { reply: self.reply, queue: self.queue, read_backs: self.read_backs, mapped, result: self.result }
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
