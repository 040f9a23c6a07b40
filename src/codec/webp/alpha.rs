//! The alpha plane of a picture coded with loss.
//!
//! The library codes a plane as hard as the colours, and once for each of two filters. Here it is
//! told to leave the plane as it is, and the plane is coded once, through the filter that suits it.
//! Source: the WebP container specification, "Alpha".

use super::ffi::{self, Coding, Message};
use super::riff;
use crate::cancel::Cancel;
use crate::geometry::Size;
use crate::pixel::{TEXEL_BYTES, View};

/// The first byte of a plane: nothing filtered and nothing coded; then coded without loss, either
/// as it is or through the gradient filter.
const RAW: u8 = 0;
const CODED: u8 = 1;
const CODED_GRADIENT: u8 = 1 | 3 << 2;

/// Bytes before the coded pixels of a lossless picture: a mark and the sides, which a plane lacks.
const LOSSLESS_HEAD: usize = 5;

/// `file` with its alpha plane coded; as it is where it has no plane, or none that becomes smaller.
///
/// # Errors
/// The library's message, and when `cancel` says so.
pub fn packed(file: Vec<u8>, cancel: &Cancel) -> Result<Vec<u8>, Message> {
    let size = riff::content(&file, b"VP8X").and_then(canvas);
    let plane = riff::content(&file, b"ALPH").and_then(<[u8]>::split_first);
    let (Some(size), Some((&RAW, plane))) = (size, plane) else { return Ok(file) };
    if plane.len() as u64 != size.pixels() {
        return Ok(file);
    }
    let (mark, texels) = if is_smooth(plane, size) {
        (CODED_GRADIENT, in_green(residuals(plane, size.width as usize)))
    } else {
        (CODED, in_green(plane.iter().copied()))
    };
    let pitch = size.width as usize * TEXEL_BYTES;
    let picture = ffi::encode(&View::new(size, pitch, &texels), true, &Coding::plane()?, cancel)?;
    let coded = riff::content(&picture, b"VP8L").and_then(|content| content.get(LOSSLESS_HEAD..));
    let Some(coded) = coded.filter(|coded| coded.len() < plane.len()) else { return Ok(file) };
    let mut packed = riff::File::new();
    for (name, content, _) in riff::chunks(&file) {
        match name {
            b"ALPH" => packed.push(name, &[&[mark], coded].concat()),
            _ => packed.push(name, content),
        }
    }
    Ok(packed.finish())
}

/// The sides that the extended header tells.
fn canvas(header: &[u8]) -> Option<Size> {
    let side = |at: usize| {
        let bytes = header.get(at..at + 3)?;
        Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) + 1)
    };
    Some(Size::new(side(4)?, side(7)?))
}

/// A picture whose green channel is the plane.
fn in_green(plane: impl Iterator<Item = u8>) -> Vec<u8> {
    plane.flat_map(|alpha| [0, alpha, 0, u8::MAX]).collect()
}

/// Whether the gradient filter suits the plane: it foresees slopes, while edges, noise and flat
/// surfaces are coded better as they are.
///
/// Of the pixels that differ from a neighbour, it must foresee most to within 1.
fn is_smooth(plane: &[u8], size: Size) -> bool {
    let (width, mut busy, mut foreseen) = (size.width as usize, 0u64, 0u64);
    for (above, row) in plane.chunks_exact(width).zip(plane.chunks_exact(width).skip(1)) {
        for (above, row) in above.windows(2).zip(row.windows(2)) {
            let differs = row[1] != row[0] || row[1] != above[1];
            let off = row[1].abs_diff(gradient(row[0], above[1], above[0]));
            busy += u64::from(differs);
            foreseen += u64::from(differs && off <= 1);
        }
    }
    foreseen * 3 > busy * 2
}

fn gradient(left: u8, above: u8, corner: u8) -> u8 {
    (i16::from(left) + i16::from(above) - i16::from(corner)).clamp(0, 255) as u8
}

/// What the gradient filter leaves of each pixel. The first row is foreseen from the left, the
/// first column from above.
fn residuals(plane: &[u8], width: usize) -> impl Iterator<Item = u8> {
    (0..plane.len()).map(move |at| {
        let before = |distance: usize| at.checked_sub(distance).map_or(0, |at| plane[at]);
        let foreseen = match (at % width, at / width) {
            (_, 0) => before(1),
            (0, _) => before(width),
            _ => gradient(before(1), before(width), before(width + 1)),
        };
        plane[at].wrapping_sub(foreseen)
    })
}
