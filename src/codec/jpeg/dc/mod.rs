//! JPEG at 1/8 of its size: one sample a block, its mean, which the DC coefficient alone tells.
//!
//! Coefficients that do not show are walked over without being read, several codes a look-up and
//! several places of the data in turn (`walk`); a progressive picture's other scans are not even
//! walked over.
//!
//! Everything out of the ordinary is `None` and libjpeg-turbo's to answer: coding other than
//! Huffman, samples other than 8 bits, two components or four, lost restart markers, codes that do
//! not exist, data that ends too early or too late, whatever libjpeg-turbo warns of. Thus a file
//! has the picture, or the error, that it has at other sizes. One exception: what is wrong in the
//! scans of a progressive picture that are passed over goes unseen.
//!
//! The samples equal those of libjpeg-turbo's 1/8.
//!
//! Sources: ITU-T T.81; A. Weissenberger and B. Schmidt, "Accelerating JPEG Decompression on GPUs",
//! arXiv 2111.09219, for decoding at several places. libjpeg-turbo is the yardstick of the tests.

mod baseline;
mod bits;
mod file;
mod huffman;
mod in_step;
mod layout;
mod pixels;

mod progressive;
mod walk;

pub use file::Colors;
pub use pixels::decode_pixels;

use crate::geometry::Size;
use crate::plane::PlaneMut;
use baseline::Data;
use bits::Plain;
use file::{COMPONENTS, Head, Scan, Stop};
use huffman::{Spec, TableCache};
use layout::Layout;
use progressive::Progress;
use std::cell::RefCell;

/// Offset of the first marker behind the one that begins a file.
const START: usize = 2;

/// Scans of a file at most, as with libjpeg-turbo.
const SCAN_LIMIT: usize = 100;

/// Memory of each kind that a thread keeps for the next picture at most: a kind for the data
/// without stuffing, one for each walker's blocks.
const KEPT_BYTES: usize = 4 << 20;

/// One component at 1/8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneShape {
    /// Sides of its plane: those of the component divided by 8 and rounded up.
    pub size: Size,
    /// How many of the picture's columns and rows at 1/8 share one sample: 2 and 2 for the colours of
    /// 4:2:0.
    pub enlarge_x: u32,
    pub enlarge_y: u32,
}

/// What [`decode`] will fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Sides of the picture divided by 8 and rounded up.
    pub size: Size,
    /// One plane for each component, in the frame header's order; one or three.
    pub planes: Vec<PlaneShape>,
    pub colors: Colors,
    pub progressive: bool,
}

/// The planes of a file at 1/8, from its header alone; `None` if it is not for this room.
pub fn shape(bytes: &[u8]) -> Option<Shape> {
    let (head, Stop::Scan(..)) = begin(bytes)? else { return None };
    let frame = head.frame.as_ref()?;
    let most_across = frame.components().iter().map(|component| component.across).max()?;
    let most_down = frame.components().iter().map(|component| component.down).max()?;
    let planes = frame.components().iter().map(|component| PlaneShape {
        size: component.size(),
        enlarge_x: most_across / component.across,
        enlarge_y: most_down / component.down,
    });
    let size = Size::new(frame.size.width.div_ceil(8), frame.size.height.div_ceil(8));
    Some(Shape { size, planes: planes.collect(), colors: head.colors()?, progressive: frame.progressive })
}

/// Decodes a file at 1/8: fills one plane for each component, of the sizes that [`shape`] tells.
///
/// `None` if the file is not for this room or the sizes are others; the planes' content is
/// undefined then.
pub fn decode(bytes: &[u8], planes: &mut [PlaneMut]) -> Option<()> {
    thread_local! {
        static SCRATCH: RefCell<Scratch> = RefCell::default();
    }
    SCRATCH.with_borrow_mut(|scratch| {
        let decoded = scratch.decode(bytes, planes);
        scratch.trim();
        decoded
    })
}

/// Reads up to the first scan.
fn begin(bytes: &[u8]) -> Option<(Head, Stop)> {
    if !bytes.starts_with(b"\xff\xd8") {
        return None;
    }
    let mut head = Head::default();
    let stop = head.read(bytes, START)?;
    Some((head, stop))
}

/// Memory and tables that are used again for the next picture.
#[derive(Default)]
struct Scratch {
    plain: Plain,
    /// Begins of blocks, a list for each walker.
    starts: Vec<Vec<u32>>,
    /// Values of a row of units.
    lines: Vec<i16>,
    /// Values of a progressive picture.
    values: [progressive::Values; COMPONENTS],
    cache: TableCache,
}

impl Scratch {
    fn decode(&mut self, bytes: &[u8], planes: &mut [PlaneMut]) -> Option<()> {
        let (mut head, mut stop) = begin(bytes)?;
        let frame = head.frame?;
        let sizes = frame.components().iter().map(|component| component.size());
        if !sizes.eq(planes.iter().map(|plane| plane.size())) {
            return None;
        }
        let mut progress = Progress::new();
        let mut seen = [false; COMPONENTS];
        let mut scans = 0;
        while let Stop::Scan(scan, offset) = stop {
            scans += 1;
            if scans > SCAN_LIMIT {
                return None;
            }
            let offset = if frame.progressive {
                progress.note(&scan)?;
                self.read_progressive(&head, &scan, bytes, offset)?
            } else {
                for member in scan.members() {
                    // Every component comes once.
                    if std::mem::replace(&mut seen[member.component], true) {
                        return None;
                    }
                }
                self.read_baseline(&head, &scan, bytes, offset, planes)?
            };
            stop = head.read(bytes, offset)?;
        }
        if frame.progressive {
            if !progress.is_whole(&frame) {
                return None;
            }
            for (index, plane) in planes.iter_mut().enumerate() {
                progressive::finish(&self.values[index], head.step(index)?, plane);
            }
            return Some(());
        }
        seen[..planes.len()].iter().all(|seen| *seen).then_some(())
    }

    /// Reads a scan of a sequential picture and yields the offset of the marker behind it.
    fn read_baseline(
        &mut self,
        head: &Head,
        scan: &Scan,
        bytes: &[u8],
        offset: usize,
        planes: &mut [PlaneMut],
    ) -> Option<usize> {
        if (scan.first, scan.last, scan.high, scan.low) != (0, 63, 0, 0) {
            return None;
        }
        let offset = self.plain.read(bytes, offset)?;
        let layout = Layout::new(head.frame.as_ref()?, scan);
        let data = Data::new(&self.plain, head.restart_units);
        let mut specs = Vec::with_capacity(COMPONENTS);
        let mut steps = [0; COMPONENTS];
        for member in scan.members() {
            specs.push((head.dc.get(member.dc)?.as_ref()?, head.ac.get(member.ac)?.as_ref()?));
            steps[member.component] = head.step(member.component)?;
        }
        let tables = self.cache.get(&specs)?;
        baseline::read(&data, &layout, &tables, &mut self.starts, &mut self.lines, |y, values| {
            for lines in layout.lines() {
                let plane = &mut planes[lines.component];
                let height = plane.size().height;
                for (row, line) in lines.rows(values, y).filter(|(row, _)| *row < height) {
                    samples(line, steps[lines.component], plane.row(row));
                }
            }
        })?;
        Some(offset)
    }

    /// Reads or passes over a scan of a progressive picture and yields the offset of the marker
    /// behind it.
    fn read_progressive(&mut self, head: &Head, scan: &Scan, bytes: &[u8], offset: usize) -> Option<usize> {
        if scan.first > 0 {
            for member in scan.members() {
                head.ac.get(member.ac)?.as_ref().filter(|spec| spec.is_valid(false))?;
            }
            return bits::skip(bytes, offset);
        }
        let offset = self.plain.read(bytes, offset)?;
        let data = Data::new(&self.plain, head.restart_units);
        let mut specs = Vec::with_capacity(COMPONENTS);
        if scan.high == 0 {
            for member in scan.members() {
                specs.push((head.dc.get(member.dc)?.as_ref()?, &Spec::EMPTY));
            }
        }
        let tables = self.cache.get(&specs)?;
        progressive::read(&data, head.frame.as_ref()?, scan, &tables, &mut self.lines, &mut self.values)?;
        Some(offset)
    }

    /// Gives back what one large picture needed.
    fn trim(&mut self) {
        self.plain.trim(KEPT_BYTES);
        self.values.iter_mut().filter(|list| list.capacity() * 2 > KEPT_BYTES).for_each(|list| *list = Vec::new());
        self.starts.retain(|list| list.capacity() * 4 <= KEPT_BYTES);
    }
}

/// The samples of blocks of which only the DC is known, as many as the target has. Source: T.81,
/// A.3.3; a mean outside of −512..511 wraps, as it does in libjpeg-turbo's table.
fn samples(values: &[i16], step: i32, target: &mut [u8]) {
    for (value, sample) in values.iter().zip(target) {
        let mean = (i32::from(*value) * step + 4) >> 3;
        let wrapped = mean << 22 >> 22;
        *sample = (wrapped + 128).clamp(0, 255) as u8;
    }
}

#[cfg(test)]
mod tests;
