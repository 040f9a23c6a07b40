//! Planes: one 8-bit component of a picture, rows a pitch apart, as JPEG holds luma and chroma
//! before colours are made of them.
//!
//! [`Plane`] and [`PlaneMut`] borrow, as [`View`](crate::pixel::View) and
//! [`ViewMut`](crate::pixel::ViewMut) do for pixels.

use crate::geometry::Size;

/// Borrowed samples.
#[derive(Clone, Copy)]
pub struct Plane<'a> {
    size: Size,
    pitch: usize,
    bytes: &'a [u8],
}

impl<'a> Plane<'a> {
    /// Samples of `size` whose rows begin `pitch` bytes apart.
    ///
    /// # Panics
    /// If `bytes` is too short for `size` and `pitch`.
    pub fn new(size: Size, pitch: usize, bytes: &'a [u8]) -> Plane<'a> {
        assert!(bytes.len() >= needed_bytes(size, pitch), "{} bytes for {size}", bytes.len());
        Plane { size, pitch, bytes }
    }

    pub fn size(&self) -> Size {
        self.size
    }

    /// Bytes from one row's begin to the next.
    pub fn pitch(&self) -> usize {
        self.pitch
    }

    /// All bytes, padding included.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The row's samples.
    #[inline(always)]
    pub fn row(&self, y: u32) -> &'a [u8] {
        let start = y as usize * self.pitch;
        &self.bytes[start..start + self.size.width as usize]
    }
}

/// Borrowed samples to write.
pub struct PlaneMut<'a> {
    size: Size,
    pitch: usize,
    bytes: &'a mut [u8],
}

impl<'a> PlaneMut<'a> {
    /// Samples of `size` whose rows begin `pitch` bytes apart.
    ///
    /// # Panics
    /// If `bytes` is too short for `size` and `pitch`.
    pub fn new(size: Size, pitch: usize, bytes: &'a mut [u8]) -> PlaneMut<'a> {
        assert!(bytes.len() >= needed_bytes(size, pitch), "{} bytes for {size}", bytes.len());
        PlaneMut { size, pitch, bytes }
    }

    pub fn size(&self) -> Size {
        self.size
    }

    /// Bytes from one row's begin to the next.
    pub fn pitch(&self) -> usize {
        self.pitch
    }

    /// All bytes, padding included.
    pub fn bytes(&mut self) -> &mut [u8] {
        self.bytes
    }

    /// The row's samples.
    #[inline(always)]
    pub fn row(&mut self, y: u32) -> &mut [u8] {
        let start = y as usize * self.pitch;
        &mut self.bytes[start..start + self.size.width as usize]
    }
}

/// Bytes that samples of `size` need when rows begin `pitch` bytes apart; the last row needs no padding.
fn needed_bytes(size: Size, pitch: usize) -> usize {
    assert!(pitch >= size.width as usize, "pitch {pitch} for rows of {}", size.width);
    match size.height {
        0 => 0,
        height => (height as usize - 1) * pitch + size.width as usize,
    }
}
