//! GIF: the first frame, all frames as they are seen, and writing of both.
//!
//! A file is what its whole frames are: it ends with the last frame before one whose data do not
//! reach its last pixel, whatever else is missing or amiss. Rows are laid straight over the canvas,
//! so that what a frame claims beyond the canvas takes no memory. The background colour is not
//! painted: like in browsers the canvas is transparent.

mod blocks;
mod film;
mod lzw;
mod palette;
mod scenes;
mod write;

use super::{Animation, check_pixels};
use crate::cancel::Cancel;
use crate::error::Error;
use crate::format::{Format, Probe};
use crate::geometry::{Orientation, Size};
use crate::limits::Limits;
use crate::pixel::ViewMut;
use blocks::{Blocks, Disposal};
use film::{Film, check_size, clear, paint};
use lzw::{Reader, is_whole};
pub use write::{encode, encode_animation};

pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Error> {
    let mut blocks = Blocks::new(bytes)?;
    let mut size = Size::new(0, 0);
    let mut frames = 0;
    let mut decoded_pixels = 0;
    let mut alpha = false;
    // Whether something of the canvas may be transparent before the frame.
    let mut bare = true;
    while let Some(piece) = blocks.next_piece() {
        if frames == 0 {
            size = blocks.canvas(&piece);
            if size.longest_side() > limits.source_side {
                return Err(Error::memory_limit());
            }
            if size.shortest_side() == 0 {
                return Err(Error::damaged("an empty screen"));
            }
        }
        if !is_whole(&piece) {
            break;
        }
        frames += 1;
        check_pixels(size, frames, limits)?;
        // Frames may be larger than the canvas; what is cut away has to be decoded all the same.
        decoded_pixels += piece.pixels();
        if decoded_pixels > limits.source_pixels {
            return Err(Error::memory_limit());
        }
        let covers = piece.clipped(size) == size.rect() && piece.palette.is_some();
        alpha |= bare && (piece.is_holed() || !covers);
        bare = match piece.disposal {
            Disposal::Clear => true,
            Disposal::Undo => bare,
            Disposal::Keep => bare && !covers,
        };
    }
    if frames == 0 {
        return Err(Error::damaged("no whole frame"));
    }
    Ok(Probe { format: Format::Gif, size, orientation: Orientation::Upright, frames, alpha, quality: None })
}

pub fn decode(bytes: &[u8], target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let mut blocks = Blocks::new(bytes)?;
    let piece = blocks.next_piece().ok_or_else(|| Error::damaged("no frame"))?;
    check_size(blocks.canvas(&piece), target.size())?;
    clear(target, target.size().rect());
    paint(&piece, &mut Reader::default(), target, cancel)
}

pub fn animation<'a>(bytes: &'a [u8], probe: &Probe) -> Result<Box<dyn Animation + 'a>, Error> {
    // How often it plays may be told behind any frame.
    let mut ahead = Blocks::new(bytes)?;
    if let Some(first) = ahead.next_piece() {
        check_size(ahead.canvas(&first), probe.size)?;
    }
    while ahead.next_piece().is_some() {}
    Ok(Box::new(Film::new(Blocks::new(bytes)?, ahead.repeat(), probe.frames, probe.size)))
}

#[cfg(test)]
mod tests;
