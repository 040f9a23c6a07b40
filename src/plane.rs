//! Planes: one 8-bit component of a picture, rows a pitch apart, as JPEG holds luma and chroma
//! before colours are made of them.
//!
//! [`Plane`] and [`PlaneMut`] borrow, of the same make as [`View`](crate::pixel::View) and
//! [`ViewMut`](crate::pixel::ViewMut); [`Samples`] owns, as a [`Frame`](crate::pixel::Frame) does.

use crate::geometry::Size;
use crate::pixel::{Raster, RasterMut, Storage};

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
pub type Plane<'a> = Raster<'a, 1>;

/// Borrowed samples to write.
pub type PlaneMut<'a> = RasterMut<'a, 1>;

impl PlaneMut<'_> {
    /// Repeats the last column and row of the corner of `size` as far as the plane goes.
    pub fn repeat_edges(&mut self, size: Size) {
        let Size { width, height } = size;
        for y in 0..height {
            if let ([.., last], rest) = self.row(y).split_at_mut(width as usize) {
                rest.fill(*last);
            }
        }
        let (whole, pitch) = (self.size(), self.pitch());
        for y in height.max(1)..whole.height {
            let last = (height.max(1) - 1) as usize * pitch;
            self.bytes().copy_within(last..last + whole.width as usize, y as usize * pitch);
        }
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
