//! Frames over mapped buffers: decoders write into what the GPU copies from, encoders read what
//! it copied to, and no pixel is copied on the host.

use super::pool::{Pool, PooledBuffer, Use};
use crate::engine::Declined;
use crate::engine::choice::copy_pitch;
use crate::geometry::Size;
use crate::pixel::Storage;
use std::ptr::NonNull;
use std::sync::Arc;

/// Where a picture lies in a buffer that is copied to or from a texture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub size: Size,
    pub pitch: u32,
}

impl Placed {
    /// # Errors
    /// Empty, or over the adapter's texture side.
    pub(super) fn new(size: Size, pool: &Pool) -> Result<Placed, Declined> {
        if size.pixels() == 0 || size.longest_side() > pool.facts.texture_side {
            return Err(Declined::Limit("texture side"));
        }
        Ok(Placed { size, pitch: copy_pitch(size.width) })
    }

    pub(super) fn bytes(self) -> u64 {
        u64::from(self.pitch) * u64::from(self.size.height)
    }

    /// The buffer as wgpu's copies want it.
    pub(super) fn of(self, buffer: &wgpu::Buffer) -> wgpu::TexelCopyBufferInfo<'_> {
        let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(self.pitch), rows_per_image: None };
        wgpu::TexelCopyBufferInfo { buffer, layout }
    }
}

/// A mapped staging buffer that a layer is decoded into. Reading from it may be slow.
#[derive(Debug)]
pub(super) struct Staged {
    /// First byte of the mapping, and how many there are.
    start: NonNull<u8>,
    bytes: usize,
    placed: Placed,
    pool: Arc<Pool>,
    // Both are there until the storage is taken apart; the view goes first.
    view: Option<wgpu::BufferViewMut>,
    buffer: Option<PooledBuffer>,
}

// SAFETY: `start` points into the mapping of `buffer`, which this owns alone and which may be
// accessed from any thread.
unsafe impl Send for Staged {}

impl Staged {
    /// # Errors
    /// Over a limit or the byte budget, or a failing device.
    pub(super) fn new(pool: &Arc<Pool>, size: Size) -> Result<Staged, Declined> {
        let placed = Placed::new(size, pool)?;
        let buffer = pool.buffer(Use::Staging, placed.bytes())?;
        let mut view = buffer
            .buffer
            .get_mapped_range_mut(..)
            .map_err(|error| Declined::Failed(format!("staging is not mapped: {error}")))?;
        let bytes = view.len();
        let start = view.slice(..).as_raw_element_ptr();
        Ok(Staged { start, bytes, placed, pool: pool.clone(), view: Some(view), buffer: Some(buffer) })
    }

    pub(super) fn placed(&self) -> Placed {
        self.placed
    }

    /// Whether this belongs to the device of `pool`.
    pub(super) fn is_of(&self, pool: &Arc<Pool>) -> bool {
        Arc::ptr_eq(&self.pool, pool)
    }

    /// The buffer, unmapped so that the GPU may read it.
    pub(super) fn into_unmapped(mut self) -> Option<PooledBuffer> {
        self.view = None;
        let buffer = self.buffer.take()?;
        buffer.buffer.unmap();
        Some(buffer)
    }
}

impl Storage for Staged {
    fn bytes(&self) -> &[u8] {
        // SAFETY: `start` and `bytes` are a live mapping that `view` keeps mapped and no other
        // view overlaps; the memory stays while `buffer` lives, since the owner never polls a
        // device that was marked lost (see `gate.rs`). wgpu zeroes memory before it maps it for
        // the first time, so every byte is initialised. wgpu only promises writing, because the
        // memory may be write-combining: plain reads of that are slow but defined.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `&mut self` makes this the only access.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.view = None;
        // A layer that was never run goes back as it is: mapped.
        if let Some(buffer) = self.buffer.take() {
            self.pool.give_buffer(buffer);
        }
    }
}

/// A mapped read-back buffer with a result. Writing to it first copies it to the host's memory.
#[derive(Debug)]
pub(super) struct ReadBack {
    pool: Arc<Pool>,
    copy: Option<Vec<u8>>,
    // Both are there until the storage is dropped; the view goes first.
    view: Option<wgpu::BufferView>,
    buffer: Option<PooledBuffer>,
}

impl ReadBack {
    /// # Errors
    /// When the buffer is not mapped.
    pub(super) fn new(pool: &Arc<Pool>, buffer: PooledBuffer) -> Result<ReadBack, Declined> {
        let view = buffer
            .buffer
            .get_mapped_range(..)
            .map_err(|error| Declined::Failed(format!("read-back is not mapped: {error}")))?;
        Ok(ReadBack { pool: pool.clone(), copy: None, view: Some(view), buffer: Some(buffer) })
    }
}

impl Storage for ReadBack {
    fn bytes(&self) -> &[u8] {
        match (&self.copy, &self.view) {
            (Some(copy), _) => copy,
            (None, Some(view)) => view,
            (None, None) => &[],
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let view = &self.view;
        self.copy.get_or_insert_with(|| view.as_deref().unwrap_or_default().to_vec())
    }
}

impl Drop for ReadBack {
    fn drop(&mut self) {
        self.view = None;
        if let Some(buffer) = self.buffer.take() {
            buffer.buffer.unmap();
            self.pool.give_buffer(buffer);
        }
    }
}
