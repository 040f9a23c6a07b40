//! Planes: one 8-bit component of a picture, rows a pitch apart, as JPEG holds luma and chroma
//! before colours are made of them.
//!
//! [`Plane`] and [`PlaneMut`] borrow, as [`View`](crate::pixel::View) and
//! [`ViewMut`](crate::pixel::ViewMut) do for pixels; [`Samples`] owns, as a
//! [`Frame`](crate::pixel::Frame) does.

use crate::geometry::Size;
use crate::pixel::Storage;

/// Which planes a picture has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Components {
    /// Luma alone.
    Grey,
    /// Luma, blue chroma, red chroma. A chroma sample stands in the middle of the `across` × `down`
    /// luma samples that it is for, 1 or 2 each.
    Color { across: u32, down: u32 },
}

impl Components {
    /// The sizes of the planes of a picture of `size`, in order: chroma is rounded up, and luma goes
    /// as far as chroma does.
    pub fn sizes(self, size: Size) -> Vec<Size> {
        match self {
            Components::Grey => vec![size],
            Components::Color { across, down } => {
                let chroma = Size::new(size.width.div_ceil(across), size.height.div_ceil(down));
                vec![Size::new(chroma.width * across, chroma.height * down), chroma, chroma]
            }
        }
    }
}

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

impl<'a> PlaneMut<'a> {
    /// The samples of the left upper corner, `size` of them, as a plane of its own.
    ///
    /// # Panics
    /// If the plane is smaller.
    pub fn corner(&mut self, size: Size) -> PlaneMut<'_> {
        PlaneMut::new(size, self.pitch, self.bytes)
    }

    /// As [`PlaneMut::corner`], for as long as the plane is borrowed.
    pub fn into_corner(self, size: Size) -> PlaneMut<'a> {
        PlaneMut::new(size, self.pitch, self.bytes)
    }

    /// Repeats the last column and row of the corner of `size` as far as the plane goes.
    pub fn repeat_edges(&mut self, size: Size) {
        let Size { width, height } = size;
        for y in 0..height {
            if let ([.., last], rest) = self.row(y).split_at_mut(width as usize) {
                rest.fill(*last);
            }
        }
        for y in height.max(1)..self.size.height {
            let last = (height.max(1) - 1) as usize * self.pitch;
            self.bytes.copy_within(last..last + self.size.width as usize, y as usize * self.pitch);
        }
    }

    /// Cuts the plane into bands of at most `rows` rows, each with the number of its first row.
    pub fn bands(self, rows: u32) -> impl Iterator<Item = (u32, PlaneMut<'a>)> {
        let PlaneMut { size, pitch, bytes } = self;
        let rows = rows.max(1);
        let count = size.height.div_ceil(rows);
        bytes.chunks_mut(pitch * rows as usize).take(count as usize).enumerate().map(move |(index, bytes)| {
            let first = index as u32 * rows;
            (first, PlaneMut::new(Size::new(size.width, rows.min(size.height - first)), pitch, bytes))
        })
    }
}

/// Owned samples over an engine's storage, rows without padding.
pub struct Samples {
    size: Size,
    storage: Box<dyn Storage>,
}

impl Samples {
    /// Samples of `size` over `storage`.
    ///
    /// # Panics
    /// If the storage is too short for `size`.
    pub fn new(size: Size, storage: Box<dyn Storage>) -> Samples {
        assert!(storage.bytes().len() as u64 >= size.pixels(), "storage too short for {size}");
        Samples { size, storage }
    }

    pub fn size(&self) -> Size {
        self.size
    }

    pub fn view(&self) -> Plane<'_> {
        Plane::new(self.size, self.size.width as usize, self.storage.bytes())
    }

    pub fn view_mut(&mut self) -> PlaneMut<'_> {
        PlaneMut::new(self.size, self.size.width as usize, self.storage.bytes_mut())
    }
}

impl std::fmt::Debug for Samples {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Samples({})", self.size)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_goes_as_far_as_chroma() {
        let size = Size::new(5, 3);
        let sizes = |across, down| Components::Color { across, down }.sizes(size);
        assert_eq!(sizes(1, 1), [size; 3]);
        assert_eq!(sizes(2, 2), [Size::new(6, 4), Size::new(3, 2), Size::new(3, 2)]);
        assert_eq!(sizes(2, 1), [Size::new(6, 3), Size::new(3, 3), Size::new(3, 3)]);
        assert_eq!(Components::Grey.sizes(size), [size]);
    }

    #[test]
    fn edges_are_repeated_to_the_end() {
        let mut bytes = vec![0; 20];
        let mut plane = PlaneMut::new(Size::new(4, 4), 5, &mut bytes[..19]);
        plane.row(0)[..2].copy_from_slice(&[1, 2]);
        plane.row(1)[..2].copy_from_slice(&[3, 4]);
        plane.repeat_edges(Size::new(2, 2));
        assert_eq!(bytes, [1, 2, 2, 2, 0, 3, 4, 4, 4, 0, 3, 4, 4, 4, 0, 3, 4, 4, 4, 0]);
    }

    #[test]
    fn bands_cover_every_row_once() {
        let mut bytes = vec![0; 3 * 6 + 2];
        let mut rows = Vec::new();
        for (first, mut band) in PlaneMut::new(Size::new(2, 7), 3, &mut bytes).bands(3) {
            for y in 0..band.size().height {
                band.row(y).fill(1);
                rows.push(first + y);
            }
        }
        assert_eq!(rows, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(bytes.iter().sum::<u8>(), 14);
    }
}
