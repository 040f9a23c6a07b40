//! Textures and buffers of one device, kept for reuse under one byte budget.
//!
//! Making them is dear (fresh memory is zeroed), so they come in size classes and are given back.
//! The ledger is our own, since some drivers never report that memory is short. What does not fit
//! makes idle things be dropped, oldest first; only then is a plan declined. Handlers take staging
//! buffers on their own threads; everything else is taken by the owner.

use super::device::{Device, Fault};
use super::gate::Gate;
use crate::engine::Declined;
use crate::engine::choice::AdapterFacts;
use crate::geometry::Size;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Sides of textures are multiples of this at least.
const SIDE_STEP: u32 = 64;
/// Smallest buffer.
const LEAST_BYTES: u64 = 4096;

/// What a buffer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Written by the host, copied from. Idle ones are mapped.
    Staging,
    /// Copied to, read by the host. Idle ones are not mapped.
    ReadBack,
    /// Tables and parameters.
    Numbers,
}

impl Use {
    fn usages(self) -> wgpu::BufferUsages {
        match self {
            Use::Staging => wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
            Use::ReadBack => wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            Use::Numbers => wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        }
    }
}

/// Bytes in use, idle ones included, and how many there may be.
#[derive(Debug)]
struct Ledger {
    budget_bytes: u64,
    used_bytes: AtomicU64,
}

impl Ledger {
    fn charge(self: &Arc<Self>, bytes: u64) -> Option<Charge> {
        let add = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.budget_bytes);
        self.used_bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, add).ok()?;
        Some(Charge { ledger: self.clone(), bytes })
    }
}

/// An entry of the ledger, struck out on drop.
#[derive(Debug)]
struct Charge {
    ledger: Arc<Ledger>,
    bytes: u64,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.ledger.used_bytes.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// A buffer on loan.
#[derive(Debug)]
pub(super) struct PooledBuffer {
    pub buffer: wgpu::Buffer,
    kind: Use,
    _charge: Charge,
}

/// A texture on loan, as large as the picture it was taken for or larger.
#[derive(Debug)]
pub(super) struct PooledTexture {
    pub texture: wgpu::Texture,
    pub view: wgpu::TextureView,
    _charge: Charge,
}

impl PooledTexture {
    fn size(&self) -> Size {
        Size::new(self.texture.width(), self.texture.height())
    }

    pub(super) fn is_for(&self, class: Size) -> bool {
        self.size() == class
    }
}

#[derive(Debug)]
enum Idle {
    Buffer(PooledBuffer),
    Texture(PooledTexture),
}

/// Everything that one device has lent or can lend. A device built anew has a pool and a ledger of
/// its own; what handlers still hold of the old ones comes on top until they drop it.
#[derive(Debug)]
pub(super) struct Pool {
    device: wgpu::Device,
    pub fault: Arc<Fault>,
    pub gate: Gate,
    pub facts: AdapterFacts,
    /// Alignment of tables and parameters within a buffer.
    pub alignment_bytes: u64,
    most_buffer_bytes: u64,
    ledger: Arc<Ledger>,
    /// Given back last at the end.
    idle: Mutex<VecDeque<Idle>>,
}

impl Pool {
    pub(super) fn new(device: &Device, budget_bytes: u64) -> Pool {
        let limits = device.device.limits();
        let alignment = limits.min_uniform_buffer_offset_alignment.max(limits.min_storage_buffer_offset_alignment);
        Pool {
            device: device.device.clone(),
            fault: device.fault.clone(),
            gate: Gate::default(),
            facts: device.facts(budget_bytes),
            alignment_bytes: alignment.into(),
            most_buffer_bytes: limits.max_buffer_size,
            ledger: Arc::new(Ledger { budget_bytes, used_bytes: AtomicU64::new(0) }),
            idle: Mutex::default(),
        }
    }

    /// A buffer of at least `bytes`. A staging buffer is mapped, the others are not.
    ///
    /// # Errors
    /// Over the adapter's buffer size, over the byte budget, or a failing device.
    pub(super) fn buffer(&self, kind: Use, bytes: u64) -> Result<PooledBuffer, Declined> {
        let class = buffer_class(bytes).min(self.most_buffer_bytes);
        if class < bytes {
            return Err(Declined::Limit("buffer size"));
        }
        let fits = |idle: &Idle| match idle {
            Idle::Buffer(buffer) => buffer.kind == kind && buffer.buffer.size() == class,
            Idle::Texture(_) => false,
        };
        if let Some(Idle::Buffer(buffer)) = self.take_idle(fits) {
            return Ok(buffer);
        }
        let (buffer, charge) = self.create(class, |device| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size: class,
                usage: kind.usages(),
                mapped_at_creation: kind == Use::Staging,
            })
        })?;
        Ok(PooledBuffer { buffer, kind, _charge: charge })
    }

    /// The size of the texture that holds a picture of `size`.
    pub(super) fn texture_class(&self, size: Size) -> Size {
        let side = |side: u32| {
            let step = (side.next_power_of_two() / 16).max(SIDE_STEP);
            side.next_multiple_of(step).min(self.facts.texture_side)
        };
        Size::new(side(size.width), side(size.height))
    }

    /// A texture of exactly the size `class`.
    ///
    /// # Errors
    /// Over the byte budget, or a failing device.
    pub(super) fn texture(&self, class: Size) -> Result<PooledTexture, Declined> {
        let fits = |idle: &Idle| matches!(idle, Idle::Texture(texture) if texture.is_for(class));
        if let Some(Idle::Texture(texture)) = self.take_idle(fits) {
            return Ok(texture);
        }
        let (texture, charge) = self.create(class.pixels() * 4, |device| {
            device.create_texture(&wgpu::TextureDescriptor {
                label: None,
                size: extent(class),
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: wgpu::TextureFormat::Rgba8Uint,
                usage: wgpu::TextureUsages::TEXTURE_BINDING
                    | wgpu::TextureUsages::STORAGE_BINDING
                    | wgpu::TextureUsages::COPY_SRC
                    | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            })
        })?;
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        Ok(PooledTexture { texture, view, _charge: charge })
    }

    /// Takes a buffer back: staging mapped, the others unmapped and done with.
    pub(super) fn give_buffer(&self, buffer: PooledBuffer) {
        self.give(Idle::Buffer(buffer));
    }

    /// Takes a texture back once the work that uses it is done.
    pub(super) fn give_texture(&self, texture: PooledTexture) {
        self.give(Idle::Texture(texture));
    }

    /// Bytes on loan and idle.
    pub(super) fn used_bytes(&self) -> u64 {
        self.ledger.used_bytes.load(Ordering::Acquire)
    }

    /// # Errors
    /// With the reason when the device failed.
    pub(super) fn check(&self) -> Result<(), Declined> {
        match self.fault.reason() {
            Some(reason) => Err(Declined::Failed(reason.to_owned())),
            None => Ok(()),
        }
    }

    fn give(&self, thing: Idle) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push_back(thing);
    }

    fn take_idle(&self, fits: impl Fn(&Idle) -> bool) -> Option<Idle> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let place = idle.iter().rposition(fits)?;
        idle.remove(place)
    }

    fn drop_oldest(&self) -> bool {
        // The lock is released before the thing is dropped.
        let oldest = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        oldest.is_some()
    }

    /// Makes something of `bytes`, dropping idle things for it where the budget or the driver asks.
    fn create<T>(&self, bytes: u64, make: impl Fn(&wgpu::Device) -> T) -> Result<(T, Charge), Declined> {
        if bytes > self.ledger.budget_bytes {
            return Err(Declined::Limit("byte budget"));
        }
        let charge = loop {
            match self.ledger.charge(bytes) {
                Some(charge) => break charge,
                None if self.drop_oldest() => {}
                None => return Err(Declined::Limit("byte budget")),
            }
        };
        loop {
            let _creator = self.gate.creator();
            self.check()?;
            let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
            let made = make(&self.device);
            match pollster::block_on(scope.pop()) {
                None => return Ok((made, charge)),
                Some(_) if self.drop_oldest() => {}
                Some(_) => return Err(Declined::Limit("memory")),
            }
        }
    }
}

/// `size` as wgpu says it.
pub(super) fn extent(size: Size) -> wgpu::Extent3d {
    wgpu::Extent3d { width: size.width, height: size.height, depth_or_array_layers: 1 }
}

/// Rounds up so that at most an eighth is wasted.
fn buffer_class(bytes: u64) -> u64 {
    let bytes = bytes.max(LEAST_BYTES);
    let step = bytes.checked_next_power_of_two().map_or(1 << 60, |power| power / 16);
    bytes.checked_next_multiple_of(step).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_they_are_for_and_waste_little() {
        assert_eq!(buffer_class(1), 4096);
        assert_eq!(buffer_class(4097), 4608);
        assert_eq!(buffer_class(48_000_000), 50_331_648);
        assert_eq!(buffer_class(u64::MAX), u64::MAX);
        for bytes in [1, 255, 5000, 65_537, 1_000_001, (1 << 31) + 1] {
            let class = buffer_class(bytes);
            assert!(class >= bytes && class.is_multiple_of(4));
            assert!(bytes < LEAST_BYTES || class - bytes <= bytes / 8, "{bytes} -> {class}");
        }
    }

    #[test]
    fn the_ledger_refuses_what_is_over_and_forgets_what_was_dropped() {
        let ledger = Arc::new(Ledger { budget_bytes: 10, used_bytes: AtomicU64::new(0) });
        let first = ledger.charge(6).unwrap();
        assert!(ledger.charge(5).is_none());
        assert!(ledger.charge(u64::MAX).is_none());
        drop(first);
        assert!(ledger.charge(10).is_some());
        assert_eq!(ledger.used_bytes.load(Ordering::Relaxed), 0);
    }
}
