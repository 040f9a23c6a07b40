//! Where the pixels that are shown lie in the picture as it is stored: cropped, turned, mirrored.
//!
//! libheif 1.15 cannot mirror more than eight bits, and takes properties that are listed in an
//! odd order for an error. Source: ISO/IEC 23008-12, boxes `clap`, `irot` and `imir`.

use super::boxes::{Content, Reader};
use crate::cancel::Cancel;
use crate::error::Error;
use crate::geometry::Size;
use crate::pixel::RasterMut;
use std::ops::Range;

/// Stored rows that are laid into a turned picture at a time.
const BAND: u32 = 16;

/// Rows between two looks at `cancel`.
const ROWS_A_LOOK: u32 = 64;

/// Shown pixel (x, y) is stored pixel `origin + x · right + y · down`; both steps are one pixel, along
/// different axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrangement {
    pub size: Size,
    origin: (i64, i64),
    right: (i64, i64),
    down: (i64, i64),
}

impl Arrangement {
    /// All of a picture, as it is stored.
    pub fn whole(size: Size) -> Arrangement {
        Arrangement { size, origin: (0, 0), right: (1, 0), down: (0, 1) }
    }

    /// With these properties applied, one after the other; others are passed over. `None` where one
    /// is damaged, or crops everything away.
    pub fn with<'a>(self, properties: impl Iterator<Item = Content<'a>>) -> Option<Arrangement> {
        properties.into_iter().try_fold(self, |placed, (kind, content)| match kind {
            b"clap" => placed.cropped(content),
            b"irot" => Some((0..content.first()? & 3).fold(placed, |placed, _| placed.turned_left())),
            b"imir" => Some(placed.mirrored(content.first()? & 1 == 1)),
            _ => Some(placed),
        })
    }

    /// Whether rows are shown as they are stored.
    pub fn is_upright(&self) -> bool {
        self.right == (1, 0) && self.down == (0, 1)
    }

    /// The size before the turns.
    pub fn unturned(&self) -> Size {
        if self.right.0 == 0 { self.size.swapped() } else { self.size }
    }

    /// This picture, which is upright, turned and mirrored as the other is.
    pub fn turned_as(&self, other: &Arrangement) -> Arrangement {
        let (last_x, last_y) = (i64::from(self.size.width) - 1, i64::from(self.size.height) - 1);
        let ((a, b), (c, d)) = (other.right, other.down);
        // The corner that comes first is the one that both steps lead away from.
        let x = if a + c < 0 { last_x } else { 0 };
        let y = if b + d < 0 { last_y } else { 0 };
        let size = if a == 0 { self.size.swapped() } else { self.size };
        let origin = (self.origin.0 + x, self.origin.1 + y);
        Arrangement { size, origin, ..*other }
    }

    fn along(&self, right: i64, down: i64) -> (i64, i64) {
        let x = self.origin.0 + right * self.right.0 + down * self.down.0;
        let y = self.origin.1 + right * self.right.1 + down * self.down.1;
        (x, y)
    }

    /// A quarter against the clock.
    fn turned_left(self) -> Arrangement {
        let origin = self.along(i64::from(self.size.width) - 1, 0);
        let back = (-self.right.0, -self.right.1);
        Arrangement { size: self.size.swapped(), origin, right: self.down, down: back }
    }

    fn mirrored(self, left_and_right: bool) -> Arrangement {
        if left_and_right {
            let origin = self.along(i64::from(self.size.width) - 1, 0);
            Arrangement { origin, right: (-self.right.0, -self.right.1), ..self }
        } else {
            let origin = self.along(0, i64::from(self.size.height) - 1);
            Arrangement { origin, down: (-self.down.0, -self.down.1), ..self }
        }
    }

    /// The clean aperture: its width, its height, and how far its middle lies right of and below the
    /// picture's, each as a fraction.
    fn cropped(self, content: &[u8]) -> Option<Arrangement> {
        let mut reader = Reader(content);
        let mut fraction = || {
            let above = reader.number_of(4)? as u32 as i32;
            let below = reader.number_of(4)?;
            (below > 0).then_some((i128::from(above), i128::from(below)))
        };
        let [width, height, x, y] = [fraction()?, fraction()?, fraction()?, fraction()?];
        let across = aperture(self.size.width, width, x)?;
        let along = aperture(self.size.height, height, y)?;
        let size = Size::new(across.end - across.start, along.end - along.start);
        Some(Arrangement { size, origin: self.along(across.start.into(), along.start.into()), ..self })
    }

    /// Lays the shown pixels into `target`, which has their size. `lay` writes some pixels of a stored
    /// row, from left to right.
    ///
    /// # Errors
    /// `ServiceUnavailable` when `cancel` says so.
    pub fn lay<const BYTES: usize>(
        &self,
        target: &mut RasterMut<BYTES>,
        cancel: &Cancel,
        mut lay: impl FnMut(u32, Range<u32>, &mut [u8]),
    ) -> Result<(), Error> {
        let Size { width, height } = self.size;
        if self.right.0 != 0 {
            let end = self.along(i64::from(width) - 1, 0).0;
            let columns = self.origin.0.min(end) as u32..self.origin.0.max(end) as u32 + 1;
            for y in 0..height {
                if y.is_multiple_of(ROWS_A_LOOK) {
                    cancel.check()?;
                }
                let row = target.row(y);
                lay(self.along(0, y.into()).1 as u32, columns.clone(), row);
                if self.right.0 < 0 {
                    reverse::<BYTES>(row);
                }
            }
            return Ok(());
        }
        // A stored row is a shown column: some are laid side by side, so that whole runs are written.
        let end = self.along(0, i64::from(height) - 1).0;
        let columns = self.origin.0.min(end) as u32..self.origin.0.max(end) as u32 + 1;
        let row_bytes = height as usize * BYTES;
        let mut band = vec![0; row_bytes * BAND as usize];
        for first in (0..width).step_by(BAND as usize) {
            cancel.check()?;
            let count = BAND.min(width - first);
            for (x, row) in (first..first + count).zip(band.chunks_exact_mut(row_bytes)) {
                lay(self.along(x.into(), 0).1 as u32, columns.clone(), row);
                if self.down.0 < 0 {
                    reverse::<BYTES>(row);
                }
            }
            for y in 0..height {
                let run = &mut target.row(y)[first as usize * BYTES..][..count as usize * BYTES];
                let cells = band[y as usize * BYTES..].chunks(row_bytes);
                for (cell, column) in run.chunks_exact_mut(BYTES).zip(cells) {
                    cell.copy_from_slice(&column[..BYTES]);
                }
            }
        }
        Ok(())
    }
}

/// Where an aperture of this length, a fraction, lies along a side, its middle so far from the side's.
///
/// The length is rounded to nearest and the begin down; what lies outside of the picture is cut.
fn aperture(side: u32, length: (i128, i128), offset: (i128, i128)) -> Option<Range<u32>> {
    let side = i128::from(side);
    let rounded = (2 * length.0 + length.1).div_euclid(2 * length.1);
    // offset + (side - 1) / 2 - (length - 1) / 2
    let start = (2 * offset.0 * length.1 + (side * length.1 - length.0) * offset.1).div_euclid(2 * offset.1 * length.1);
    let (start, end) = (start.clamp(0, side), (start + rounded).clamp(0, side));
    (start < end).then_some(start as u32..end as u32)
}

fn reverse<const BYTES: usize>(row: &mut [u8]) {
    let (cells, _) = row.as_chunks_mut::<BYTES>();
    cells.reverse();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::PlaneMut;

    /// What is shown of a stored picture of 3 × 2 whose pixels are a to f, row by row.
    fn shown(properties: &[Content]) -> Vec<String> {
        let placed = Arrangement::whole(Size::new(3, 2)).with(properties.iter().copied()).unwrap();
        let width = placed.size.width as usize;
        let mut bytes = vec![0; placed.size.pixels() as usize];
        let mut target = PlaneMut::new(placed.size, width, &mut bytes);
        let stored = b"abcdef";
        let lay = |y: u32, columns: Range<u32>, row: &mut [u8]| {
            row.copy_from_slice(&stored[y as usize * 3..][columns.start as usize..columns.end as usize]);
        };
        placed.lay(&mut target, &Cancel::never(), lay).unwrap();
        bytes.chunks(width).map(|row| String::from_utf8(row.to_vec()).unwrap()).collect()
    }

    #[test]
    fn turns_go_against_the_clock_and_mirrors_over_their_axis() {
        assert_eq!(shown(&[]), ["abc", "def"]);
        assert_eq!(shown(&[(b"irot", &[1])]), ["cf", "be", "ad"]);
        assert_eq!(shown(&[(b"irot", &[2])]), ["fed", "cba"]);
        assert_eq!(shown(&[(b"irot", &[3])]), ["da", "eb", "fc"]);
        assert_eq!(shown(&[(b"imir", &[0])]), ["def", "abc"]);
        assert_eq!(shown(&[(b"imir", &[1])]), ["cba", "fed"]);
        // One after the other, in the order in which they are listed.
        assert_eq!(shown(&[(b"irot", &[1]), (b"imir", &[0])]), ["ad", "be", "cf"]);
        assert_eq!(shown(&[(b"imir", &[0]), (b"irot", &[1])]), ["fc", "eb", "da"]);
    }

    fn clap(numbers: [i32; 8]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
    }

    #[test]
    fn apertures_lie_around_the_middle() {
        // Two columns, half a pixel right of the middle: 1/2 + 1 - 1/2 = 1.
        let right = clap([2, 1, 2, 1, 1, 2, 0, 1]);
        assert_eq!(shown(&[(b"clap", &right)]), ["bc", "ef"]);
        assert_eq!(shown(&[(b"clap", &right), (b"irot", &[1])]), ["cf", "be"]);
        // After the turn three rows are there: two of them, half a pixel above the middle.
        let upper = clap([2, 1, 2, 1, 0, 1, -1, 2]);
        assert_eq!(shown(&[(b"irot", &[1]), (b"clap", &upper)]), ["cf", "be"]);
        // Larger than the picture: cut.
        assert_eq!(shown(&[(b"clap", &clap([9, 1, 1, 1, 0, 1, 1, 2]))]), ["def"]);
        let refused = |numbers| Arrangement::whole(Size::new(3, 2)).with([(b"clap", &clap(numbers)[..])].into_iter());
        assert_eq!(refused([1, 0, 1, 1, 0, 1, 0, 1]), None);
        assert_eq!(refused([0, 1, 1, 1, 0, 1, 0, 1]), None);
        assert_eq!(refused([1, 1, 1, 1, 900, 1, 0, 1]), None);
        assert_eq!(refused([i32::MIN, 1, i32::MAX, 1, i32::MAX, -1, 0, 1]), None);
    }

    #[test]
    fn an_upright_picture_turns_along() {
        for properties in [vec![], vec![(b"irot", [1])], vec![(b"irot", [3]), (b"imir", [0])], vec![(b"imir", [1])]] {
            let properties = || properties.iter().map(|(kind, content)| (*kind, content.as_slice()));
            let placed = Arrangement::whole(Size::new(3, 2)).with(properties()).unwrap();
            assert_eq!(Arrangement::whole(Size::new(3, 2)).turned_as(&placed), placed);
        }
    }
}
