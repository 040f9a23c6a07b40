//! Pixels of a picture at 1/8: smaller components are enlarged to the picture's size, then colours
//! are converted.
//!
//! Differs from libjpeg-turbo where colours have half the resolution: it replicates in 4:2:2, and
//! makes 4 samples of a colour block in 4:2:0, which takes more than its DC.

use super::{Colors, PlaneShape, decode, shape};
use crate::pixel::{TEXEL_BYTES, ViewMut};
use crate::plane::{Plane, PlaneMut};
use std::cell::RefCell;

/// Samples that a thread keeps memory for at most, of each component.
const KEPT_SAMPLES: usize = 1 << 20;

/// Memory that is used again for the next picture.
#[derive(Default)]
struct Scratch {
    planes: [Vec<u8>; 3],
    /// A line of each component, as long as the target's.
    lines: [Vec<u8>; 3],
    sums: Vec<u16>,
}

/// Decodes a file at 1/8 into `target`, its sides those of the picture divided by 8 and rounded up.
///
/// `None` if the file is not for this room or the size is another; the target's content is
/// undefined then.
pub fn decode_pixels(bytes: &[u8], target: &mut ViewMut) -> Option<()> {
    thread_local! {
        static SCRATCH: RefCell<Scratch> = RefCell::default();
    }
    SCRATCH.with_borrow_mut(|scratch| {
        let decoded = scratch.decode(bytes, target);
        scratch.planes.iter_mut().filter(|plane| plane.capacity() > KEPT_SAMPLES).for_each(|plane| *plane = Vec::new());
        decoded
    })
}

impl Scratch {
    fn decode(&mut self, bytes: &[u8], target: &mut ViewMut) -> Option<()> {
        let shape = shape(bytes)?;
        if shape.size != target.size() {
            return None;
        }
        let mut planes = Vec::with_capacity(shape.planes.len());
        for (plane, memory) in shape.planes.iter().zip(&mut self.planes) {
            memory.resize(plane.size.pixels() as usize, 0);
            planes.push(PlaneMut::new(plane.size, plane.size.width as usize, memory));
        }
        decode(bytes, &mut planes)?;
        let width = target.size().width as usize;
        self.lines.iter_mut().for_each(|line| line.resize(width, 0));
        for y in 0..target.size().height {
            for (index, plane) in shape.planes.iter().enumerate() {
                let samples = Plane::new(plane.size, plane.size.width as usize, &self.planes[index]);
                enlarge(&samples, plane, y, &mut self.sums, &mut self.lines[index]);
            }
            convert(&self.lines, shape.colors, target.row(y));
        }
        Some(())
    }
}

/// Puts the line `y` of the picture into `line`, made of the plane's nearest lines.
///
/// Halved sides are enlarged by a triangle, 3 parts of the nearer sample and 1 of the farther, with
/// the roundings of libjpeg-turbo's "fancy" upsampling (jdsample.c); others by repeating samples.
fn enlarge(plane: &Plane, shape: &PlaneShape, y: u32, sums: &mut Vec<u16>, line: &mut [u8]) {
    let (across, down) = (shape.enlarge_x, shape.enlarge_y);
    let row = plane.row((y / down).min(plane.size().height - 1));
    if across > 2 || down > 2 {
        line.iter_mut().zip(0..).for_each(|(sample, x)| *sample = row[(x / across as usize).min(row.len() - 1)]);
        return;
    }
    if (across, down) == (1, 1) {
        line.copy_from_slice(&row[..line.len()]);
        return;
    }
    let other = match (down, y % 2) {
        (1, _) => None,
        (_, 0) => Some(plane.row((y / 2).saturating_sub(1))),
        _ => Some(plane.row((y / 2 + 1).min(plane.size().height - 1))),
    };
    // One more at both ends, so that the first and the last have neighbours.
    sums.clear();
    sums.push(0);
    match other {
        None => sums.extend(row.iter().map(|near| u16::from(*near))),
        Some(other) => sums.extend(row.iter().zip(other).map(|(near, far)| u16::from(*near) * 3 + u16::from(*far))),
    }
    let last = sums[sums.len() - 1];
    sums[0] = sums[1];
    sums.push(last);
    let (shift, even, odd) = match (across, down) {
        (1, _) if y.is_multiple_of(2) => (2, 1, 1),
        (1, _) => (2, 2, 2),
        (_, 1) => (2, 1, 2),
        _ => (4, 8, 7),
    };
    if across == 1 {
        line.iter_mut().zip(&sums[1..]).for_each(|(sample, sum)| *sample = ((sum + even) >> shift) as u8);
        return;
    }
    let mut pairs = sums.windows(3).map(|near| {
        let middle = near[1] * 3;
        [((middle + near[0] + even) >> shift) as u8, ((middle + near[2] + odd) >> shift) as u8]
    });
    let (whole, rest) = line.as_chunks_mut::<2>();
    whole.iter_mut().zip(&mut pairs).for_each(|(samples, pair)| *samples = pair);
    if let ([sample], Some([first, _])) = (rest, pairs.next()) {
        *sample = first;
    }
}

/// Converts a line. YCbCr as JFIF 1.02 has it, with the roundings of libjpeg-turbo (jdcolor.c).
fn convert([first, second, third]: &[Vec<u8>; 3], colors: Colors, row: &mut [u8]) {
    let (texels, _) = row.as_chunks_mut::<TEXEL_BYTES>();
    match colors {
        Colors::Grey => texels.iter_mut().zip(first).for_each(|(texel, grey)| *texel = [*grey, *grey, *grey, 255]),
        Colors::Rgb => {
            for (((texel, red), green), blue) in texels.iter_mut().zip(first).zip(second).zip(third) {
                *texel = [*red, *green, *blue, 255];
            }
        }
        Colors::YCbCr => {
            for (((texel, luma), blueness), redness) in texels.iter_mut().zip(first).zip(second).zip(third) {
                *texel = rgba(*luma, *blueness, *redness);
            }
        }
    }
}

/// One pixel. Factors are parts of 65536, half of one to round by; those over a half are written as
/// whole parts and a rest, which has 16 bits, so that the compiler finds cheap multiplications.
#[inline(always)]
fn rgba(luma: u8, blueness: u8, redness: u8) -> [u8; 4] {
    let luma = i32::from(luma);
    let (blueness, redness) = (i32::from(i16::from(blueness) - 128), i32::from(i16::from(redness) - 128));
    // 1.402, −0.34414 and −0.71414, 1.772.
    let red = luma + redness + ((26_345 * redness + 32_768) >> 16);
    let green = luma - redness + ((18_734 * redness - 22_554 * blueness + 32_768) >> 16);
    let blue = luma + 2 * blueness + ((-14_942 * blueness + 32_768) >> 16);
    let bounded = |channel: i32| channel.clamp(0, 255) as u8;
    [bounded(red), bounded(green), bounded(blue), 255]
}
