//! Pixels in memory: RGBA8, straight alpha, rows a pitch apart.
//!
//! [`View`] and [`ViewMut`] borrow; a [`Frame`] owns, over whatever storage an engine hands out
//! (a pooled buffer, or memory mapped from the GPU), so that a decoder writes where the engine
//! will read and nothing is copied on the way. [`quantise`] is the twin of
//! `shaders/include/pixel.wgsl`.

use crate::geometry::Size;
use std::any::Any;

/// Bytes of one pixel.
pub const TEXEL_BYTES: usize = 4;

/// Rounds a channel value (0..255, fractions allowed) half up and clamps it.
///
/// `max` and `min` instead of `clamp`, since `f32::clamp` lets a NaN through.
#[expect(clippy::manual_clamp, reason = "a NaN must not come through")]
#[inline(always)]
pub fn quantise(value: f32) -> u32 {
    let bounded = (value + 0.5).min(255.5).max(0.0);
    // SAFETY: `min` turned a NaN into 255.5, so that the value lies within 0..=255.5. The checked
    // cast's saturation costs a third of a blur.
    unsafe { bounded.to_int_unchecked::<i32>() as u32 }
}

/// Borrowed cells of `BYTES` bytes each: pixels or samples.
#[derive(Clone, Copy)]
pub struct Raster<'a, const BYTES: usize> {
    size: Size,
    pitch: usize,
    bytes: &'a [u8],
}

/// Borrowed pixels.
pub type View<'a> = Raster<'a, TEXEL_BYTES>;

impl<'a, const BYTES: usize> Raster<'a, BYTES> {
    /// Cells of `size` whose rows begin `pitch` bytes apart.
    ///
    /// # Panics
    /// If `bytes` is too short for `size` and `pitch`.
    pub fn new(size: Size, pitch: usize, bytes: &'a [u8]) -> Raster<'a, BYTES> {
        assert!(bytes.len() >= raster_bytes::<BYTES>(size, pitch), "{} bytes for {size}", bytes.len());
        Raster { size, pitch, bytes }
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

    /// The row's `width × BYTES` bytes.
    #[inline(always)]
    pub fn row(&self, y: u32) -> &'a [u8] {
        let start = y as usize * self.pitch;
        &self.bytes[start..start + self.size.width as usize * BYTES]
    }

    /// The cells without padding, copied: for tests and small pictures.
    pub fn to_vec(&self) -> Vec<u8> {
        (0..self.size.height).flat_map(|y| self.row(y)).copied().collect()
    }
}

impl View<'_> {
    /// One pixel's channels: red, green, blue, alpha.
    #[inline(always)]
    pub fn texel(&self, x: u32, y: u32) -> [u32; 4] {
        let start = y as usize * self.pitch + x as usize * TEXEL_BYTES;
        let texel = &self.bytes[start..start + TEXEL_BYTES];
        [texel[0].into(), texel[1].into(), texel[2].into(), texel[3].into()]
    }
}

/// Borrowed cells of `BYTES` bytes each to write.
pub struct RasterMut<'a, const BYTES: usize> {
    size: Size,
    pitch: usize,
    bytes: &'a mut [u8],
}

/// Borrowed pixels to write.
pub type ViewMut<'a> = RasterMut<'a, TEXEL_BYTES>;

impl<'a, const BYTES: usize> RasterMut<'a, BYTES> {
    /// Cells of `size` whose rows begin `pitch` bytes apart.
    ///
    /// # Panics
    /// If `bytes` is too short for `size` and `pitch`.
    pub fn new(size: Size, pitch: usize, bytes: &'a mut [u8]) -> RasterMut<'a, BYTES> {
        assert!(bytes.len() >= raster_bytes::<BYTES>(size, pitch), "{} bytes for {size}", bytes.len());
        RasterMut { size, pitch, bytes }
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

    /// The row's `width × BYTES` bytes.
    #[inline(always)]
    pub fn row(&mut self, y: u32) -> &mut [u8] {
        let start = y as usize * self.pitch;
        &mut self.bytes[start..start + self.size.width as usize * BYTES]
    }

    /// Some of the rows, as a picture of their own.
    pub fn part(&mut self, rows: std::ops::Range<u32>) -> RasterMut<'_, BYTES> {
        let size = Size::new(self.size.width, rows.end - rows.start);
        RasterMut::new(size, self.pitch, &mut self.bytes[rows.start as usize * self.pitch..])
    }

    /// The left upper corner of `size`, as a picture of its own.
    ///
    /// # Panics
    /// If the picture is smaller.
    pub fn corner(&mut self, size: Size) -> RasterMut<'_, BYTES> {
        RasterMut::new(size, self.pitch, self.bytes)
    }

    /// As [`RasterMut::corner`], for as long as the picture is borrowed.
    pub fn into_corner(self, size: Size) -> RasterMut<'a, BYTES> {
        RasterMut::new(size, self.pitch, self.bytes)
    }

    /// Cuts the picture into bands of at most `rows` rows, each with the number of its first row.
    pub fn bands(self, rows: u32) -> impl Iterator<Item = (u32, RasterMut<'a, BYTES>)> {
        let RasterMut { size, pitch, bytes } = self;
        let rows = rows.max(1);
        let count = size.height.div_ceil(rows);
        bytes.chunks_mut(pitch * rows as usize).take(count as usize).enumerate().map(move |(index, bytes)| {
            let first = index as u32 * rows;
            let band = Size::new(size.width, rows.min(size.height - first));
            (first, RasterMut::new(band, pitch, bytes))
        })
    }
}

/// Bytes that pixels of `size` need when rows begin `pitch` bytes apart; the last row needs no padding.
///
/// # Panics
/// If a row does not fit into the pitch.
pub fn needed_bytes(size: Size, pitch: usize) -> usize {
    raster_bytes::<TEXEL_BYTES>(size, pitch)
}

fn raster_bytes<const BYTES: usize>(size: Size, pitch: usize) -> usize {
    let row = size.width as usize * BYTES;
    assert!(pitch >= row, "pitch {pitch} for rows of {row} bytes");
    match size.height {
        0 => 0,
        height => (height as usize - 1) * pitch + row,
    }
}

/// Storage behind a [`Frame`].
pub trait Storage: Any + Send {
    fn bytes(&self) -> &[u8];
    fn bytes_mut(&mut self) -> &mut [u8];
}

impl Storage for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

/// Owned pixels over an engine's storage.
pub struct Frame {
    size: Size,
    pitch: usize,
    storage: Box<dyn Storage>,
}

impl Frame {
    /// A frame over `storage`, rows `pitch` bytes apart.
    ///
    /// # Panics
    /// If the storage is too short for `size` and `pitch`.
    pub fn new(size: Size, pitch: usize, storage: Box<dyn Storage>) -> Frame {
        assert!(storage.bytes().len() >= needed_bytes(size, pitch), "storage too short for {size}");
        Frame { size, pitch, storage }
    }

    /// A frame over tightly packed bytes of its own.
    pub fn packed(size: Size, bytes: Vec<u8>) -> Frame {
        Frame::new(size, size.width as usize * TEXEL_BYTES, Box::new(bytes))
    }

    pub fn size(&self) -> Size {
        self.size
    }

    /// Bytes from one row's begin to the next.
    pub fn pitch(&self) -> usize {
        self.pitch
    }

    pub fn view(&self) -> View<'_> {
        View::new(self.size, self.pitch, self.storage.bytes())
    }

    pub fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut::new(self.size, self.pitch, self.storage.bytes_mut())
    }

    /// The storage, for the engine that made it.
    pub fn into_storage(self) -> Box<dyn Any> {
        self.storage
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({}, pitch {})", self.size, self.pitch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantise_rounds_half_up_and_survives_nan() {
        assert_eq!(quantise(0.5), 1);
        assert_eq!(quantise(0.499), 0);
        assert_eq!(quantise(254.5), 255);
        assert_eq!(quantise(300.0), 255);
        assert_eq!(quantise(-3.0), 0);
        assert!(quantise(f32::NAN) <= 255);
        for value in 0..=255u32 {
            assert_eq!(quantise(value as f32), value);
        }
    }

    #[test]
    fn bands_cover_every_row_once() {
        let size = Size::new(2, 7);
        let mut bytes = vec![0; needed_bytes(size, 12)];
        let mut rows = Vec::new();
        for (first, mut band) in ViewMut::new(size, 12, &mut bytes).bands(3) {
            for y in 0..band.size().height {
                band.row(y).fill(1);
                rows.push(first + y);
            }
        }
        assert_eq!(rows, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(View::new(size, 12, &bytes).to_vec(), vec![1; 56]);
    }
}
