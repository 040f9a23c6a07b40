//! The frames of a file, laid over one another on the canvas.

use super::blocks::{Blocks, Disposal, Piece};
use super::lzw::Reader;
use crate::cancel::Cancel;
use crate::codec::Animation;
use crate::error::Error;
use crate::format::Repeat;
use crate::geometry::{Rect, Size};
use crate::pixel::{TEXEL_BYTES, ViewMut};

/// What no frame has painted.
pub const CLEAR: [u8; TEXEL_BYTES] = [255, 255, 255, 0];

/// The frames of a file, composed.
pub struct Film<'a> {
    blocks: Blocks<'a>,
    /// Frames still to come.
    left: u32,
    repeat: Repeat,
    size: Size,
    /// What is seen, rows without padding.
    canvas: Vec<u8>,
    leftover: Leftover,
    reader: Reader,
}

/// What is to be done with the last frame before the next one is painted.
enum Leftover {
    Kept,
    Cleared(Rect),
    /// The rectangle becomes again what it was, row by row.
    Undone(Rect, Vec<u8>),
}

impl<'a> Film<'a> {
    /// The first `frames` frames, which the caller knows to be whole, on a canvas of `size`.
    pub fn new(blocks: Blocks<'a>, repeat: Repeat, frames: u32, size: Size) -> Film<'a> {
        let canvas = CLEAR.repeat(size.pixels() as usize);
        Film { blocks, left: frames, repeat, size, canvas, leftover: Leftover::Kept, reader: Reader::default() }
    }

    fn dispose(&mut self) {
        let mut canvas = ViewMut::new(self.size, self.size.width as usize * TEXEL_BYTES, &mut self.canvas);
        match std::mem::replace(&mut self.leftover, Leftover::Kept) {
            Leftover::Kept => {}
            Leftover::Cleared(area) => clear(&mut canvas, area),
            Leftover::Undone(area, before) => {
                let rows = before.chunks_exact(area.width as usize * TEXEL_BYTES);
                for (y, row) in (area.y..).zip(rows) {
                    stretch(&mut canvas, area, y).copy_from_slice(row);
                }
            }
        }
    }
}

impl Animation for Film<'_> {
    fn repeat(&self) -> Repeat {
        self.repeat
    }

    fn next_frame(&mut self, target: &mut ViewMut, cancel: &Cancel) -> Result<Option<u32>, Error> {
        check_size(self.size, target.size())?;
        self.dispose();
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let piece = self.blocks.next_piece().ok_or_else(|| Error::damaged("fewer frames than were counted"))?;
        let pitch = self.size.width as usize * TEXEL_BYTES;
        let mut canvas = ViewMut::new(self.size, pitch, &mut self.canvas);
        let area = piece.clipped(self.size);
        self.leftover = match piece.disposal {
            Disposal::Clear => Leftover::Cleared(area),
            Disposal::Undo if area.width > 0 => {
                let mut before = Vec::with_capacity(area.width as usize * area.height as usize * TEXEL_BYTES);
                for y in area.y..area.y + area.height {
                    before.extend_from_slice(stretch(&mut canvas, area, y));
                }
                Leftover::Undone(area, before)
            }
            _ => Leftover::Kept,
        };
        paint(&piece, &mut self.reader, &mut canvas, cancel)?;
        for (y, row) in (0..self.size.height).zip(self.canvas.chunks_exact(pitch)) {
            target.row(y).copy_from_slice(row);
        }
        Ok(Some(piece.duration_ms))
    }
}

/// Decodes the frame and lays it over the canvas.
///
/// # Errors
/// As for [`Reader::rows`].
pub fn paint(piece: &Piece, reader: &mut Reader, canvas: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    // One texel an index; black where the palette has none.
    let mut colors = [[0, 0, 0, 255]; 256];
    for (texel, color) in colors.iter_mut().zip(piece.palette.unwrap_or_default().chunks_exact(3)) {
        texel[..3].copy_from_slice(color);
    }
    let area = piece.clipped(canvas.size());
    reader.rows(piece, cancel, |row, indices| {
        let y = piece.top + row;
        if piece.palette.is_none() || y >= area.y + area.height {
            return;
        }
        let pairs = stretch(canvas, area, y).chunks_exact_mut(TEXEL_BYTES).zip(indices);
        match piece.transparent {
            None => pairs.for_each(|(texel, index)| texel.copy_from_slice(&colors[usize::from(*index)])),
            Some(transparent) => pairs
                .filter(|(_, index)| **index != transparent)
                .for_each(|(texel, index)| texel.copy_from_slice(&colors[usize::from(*index)])),
        }
    })
}

/// # Errors
/// `InternalError` where the target is not what the probe asked for.
pub fn check_size(canvas: Size, target: Size) -> Result<(), Error> {
    if canvas != target {
        return Err(Error::internal("the target's size is not that of the picture"));
    }
    Ok(())
}

/// The bytes of `area` in row `y` of the canvas.
fn stretch<'a>(canvas: &'a mut ViewMut, area: Rect, y: u32) -> &'a mut [u8] {
    let start = area.x as usize * TEXEL_BYTES;
    &mut canvas.row(y)[start..start + area.width as usize * TEXEL_BYTES]
}

pub fn clear(canvas: &mut ViewMut, area: Rect) {
    for y in area.y..area.y + area.height {
        stretch(canvas, area, y).chunks_exact_mut(TEXEL_BYTES).for_each(|texel| texel.copy_from_slice(&CLEAR));
    }
}
