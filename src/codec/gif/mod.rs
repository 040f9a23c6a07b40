//! GIF: the first frame, all frames as they are seen, and writing of both.
//!
//! Rows are decoded one at a time and laid straight over the canvas, so that what a frame claims
//! beyond the canvas takes no memory. The background colour is not painted: like in browsers the
//! canvas is transparent. A file without its trailer is cut off, and counts as damaged.

mod palette;
mod write;

use super::{Animation, check_pixels};
use crate::cancel::Cancel;
use crate::error::Error;
use crate::format::{Format, Probe, Repeat};
use crate::geometry::{Orientation, Rect, Size};
use crate::limits::Limits;
use crate::pixel::{TEXEL_BYTES, ViewMut};
use ::gif::{DecodeOptions, Decoder, DisposalMethod};
pub use write::{encode, encode_animation};

/// What no frame has painted.
const CLEAR: [u8; TEXEL_BYTES] = [255, 255, 255, 0];

/// Rows between two looks at `cancel`.
const ROWS_A_LOOK: u32 = 64;

/// Where every pass of an interlaced frame begins, and its step. Source: GIF89a, appendix E.
const PASSES: [(u32, usize); 4] = [(0, 8), (4, 8), (2, 4), (1, 2)];

fn decoder(bytes: &[u8], frames_alone: bool) -> Result<Decoder<&[u8]>, Error> {
    let mut options = DecodeOptions::new();
    options.skip_frame_decoding(frames_alone);
    options.read_info(bytes).map_err(Error::damaged)
}

pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Error> {
    let mut decoder = decoder(bytes, true)?;
    let size = Size::new(decoder.width().into(), decoder.height().into());
    if size.longest_side() > limits.source_side {
        return Err(Error::memory_limit());
    }
    if size.shortest_side() == 0 {
        return Err(Error::damaged("an empty screen"));
    }
    let mut frames = 0;
    let mut decoded_pixels = 0;
    let mut alpha = false;
    // Whether something of the canvas may be transparent before the frame.
    let mut bare = true;
    while let Some(frame) = decoder.next_frame_info().map_err(Error::damaged)? {
        frames += 1;
        decoded_pixels += u64::from(frame.width) * u64::from(frame.height);
        let covers = clipped(frame, size) == size.rect();
        alpha |= bare && (frame.transparent.is_some() || !covers);
        bare = match frame.dispose {
            DisposalMethod::Background => true,
            DisposalMethod::Previous => bare,
            DisposalMethod::Any | DisposalMethod::Keep => bare && !covers,
        };
    }
    if frames == 0 {
        return Err(Error::damaged("no frame"));
    }
    check_pixels(size, frames, limits)?;
    // Frames may be larger than the canvas; what is cut away has to be decoded all the same.
    if decoded_pixels > limits.source_pixels {
        return Err(Error::memory_limit());
    }
    Ok(Probe { format: Format::Gif, size, orientation: Orientation::Upright, frames, alpha, quality: None })
}

pub fn decode(bytes: &[u8], target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let mut decoder = decoder(bytes, false)?;
    check_size(&decoder, target.size())?;
    let stamp = Stamp::next(&mut decoder)?.ok_or_else(|| Error::damaged("no frame"))?;
    clear(target, target.size().rect());
    stamp.paint(&mut decoder, target, cancel)
}

pub fn animation<'a>(bytes: &'a [u8], probe: &Probe) -> Result<Box<dyn Animation + 'a>, Error> {
    let decoder = decoder(bytes, false)?;
    check_size(&decoder, probe.size)?;
    let canvas = CLEAR.repeat(probe.size.pixels() as usize);
    Ok(Box::new(Film { decoder, size: probe.size, canvas, leftover: Leftover::Kept }))
}

fn check_size(decoder: &Decoder<&[u8]>, size: Size) -> Result<(), Error> {
    if size != Size::new(decoder.width().into(), decoder.height().into()) {
        return Err(Error::internal("the target's size is not that of the picture"));
    }
    Ok(())
}

/// The frames of a file, composed.
struct Film<'a> {
    decoder: Decoder<&'a [u8]>,
    size: Size,
    /// What is seen, rows without padding.
    canvas: Vec<u8>,
    leftover: Leftover,
}

/// What is to be done with the last frame before the next one is painted.
enum Leftover {
    Kept,
    Cleared(Rect),
    /// The rectangle becomes again what it was, row by row.
    Undone(Rect, Vec<u8>),
}

impl Film<'_> {
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
        match self.decoder.repeat() {
            ::gif::Repeat::Infinite => Repeat::Forever,
            // The file tells how often the animation is repeated after it was played once. Without
            // the extension the decoder says 0 times.
            ::gif::Repeat::Finite(again) => Repeat::Times(again.saturating_add(1)),
        }
    }

    fn next_frame(&mut self, target: &mut ViewMut, cancel: &Cancel) -> Result<Option<u32>, Error> {
        check_size(&self.decoder, target.size())?;
        self.dispose();
        let Some(stamp) = Stamp::next(&mut self.decoder)? else {
            return Ok(None);
        };
        let pitch = self.size.width as usize * TEXEL_BYTES;
        let mut canvas = ViewMut::new(self.size, pitch, &mut self.canvas);
        let area = stamp.area;
        self.leftover = match stamp.dispose {
            DisposalMethod::Background => Leftover::Cleared(area),
            DisposalMethod::Previous if area.width > 0 => {
                let mut before = Vec::with_capacity(area.width as usize * area.height as usize * TEXEL_BYTES);
                for y in area.y..area.y + area.height {
                    before.extend_from_slice(stretch(&mut canvas, area, y));
                }
                Leftover::Undone(area, before)
            }
            _ => Leftover::Kept,
        };
        stamp.paint(&mut self.decoder, &mut canvas, cancel)?;
        for (y, row) in (0..self.size.height).zip(self.canvas.chunks_exact(pitch)) {
            target.row(y).copy_from_slice(row);
        }
        Ok(Some(stamp.duration_ms))
    }
}

/// A frame that was announced and whose rows come next.
struct Stamp {
    top: u32,
    width: u32,
    height: u32,
    /// What of it lies on the canvas.
    area: Rect,
    interlaced: bool,
    transparent: Option<u8>,
    /// One texel an index; black where the palette has none.
    colors: [[u8; TEXEL_BYTES]; 256],
    dispose: DisposalMethod,
    duration_ms: u32,
}

impl Stamp {
    fn next(decoder: &mut Decoder<&[u8]>) -> Result<Option<Stamp>, Error> {
        let canvas = Size::new(decoder.width().into(), decoder.height().into());
        let Some(frame) = decoder.next_frame_info().map_err(Error::damaged)? else {
            return Ok(None);
        };
        let mut stamp = Stamp {
            top: frame.top.into(),
            width: frame.width.into(),
            height: frame.height.into(),
            area: clipped(frame, canvas),
            interlaced: frame.interlaced,
            transparent: frame.transparent,
            colors: [[0, 0, 0, 255]; 256],
            dispose: frame.dispose,
            duration_ms: u32::from(frame.delay) * 10,
        };
        let palette = decoder.palette().map_err(Error::damaged)?;
        for (texel, color) in stamp.colors.iter_mut().zip(palette.chunks_exact(3)) {
            texel[..3].copy_from_slice(color);
        }
        Ok(Some(stamp))
    }

    /// Decodes the rows and lays them over the canvas.
    fn paint(&self, decoder: &mut Decoder<&[u8]>, canvas: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
        if self.width == 0 {
            return Ok(());
        }
        let mut indices = vec![0; self.width as usize];
        let mut paint_row = |row: u32| {
            if row.is_multiple_of(ROWS_A_LOOK) {
                cancel.check()?;
            }
            if !decoder.fill_buffer(&mut indices).map_err(Error::damaged)? {
                return Err(Error::damaged("a frame ends before its last row"));
            }
            let y = self.top + row;
            if y < self.area.y + self.area.height {
                for (texel, index) in stretch(canvas, self.area, y).chunks_exact_mut(TEXEL_BYTES).zip(&indices) {
                    if self.transparent != Some(*index) {
                        texel.copy_from_slice(&self.colors[usize::from(*index)]);
                    }
                }
            }
            Ok(())
        };
        if self.interlaced {
            PASSES
                .iter()
                .try_for_each(|(first, step)| (*first..self.height).step_by(*step).try_for_each(&mut paint_row))
        } else {
            (0..self.height).try_for_each(paint_row)
        }
    }
}

/// What of a frame lies on the canvas; empty where nothing does.
fn clipped(frame: &::gif::Frame, canvas: Size) -> Rect {
    let (x, y) = (u32::from(frame.left).min(canvas.width), u32::from(frame.top).min(canvas.height));
    let width = u32::from(frame.width).min(canvas.width - x);
    let height = u32::from(frame.height).min(canvas.height - y);
    Rect { x, y, width, height }
}

/// The bytes of `area` in row `y` of the canvas.
fn stretch<'a>(canvas: &'a mut ViewMut, area: Rect, y: u32) -> &'a mut [u8] {
    let start = area.x as usize * TEXEL_BYTES;
    &mut canvas.row(y)[start..start + area.width as usize * TEXEL_BYTES]
}

fn clear(canvas: &mut ViewMut, area: Rect) {
    for y in area.y..area.y + area.height {
        stretch(canvas, area, y).chunks_exact_mut(TEXEL_BYTES).for_each(|texel| texel.copy_from_slice(&CLEAR));
    }
}

#[cfg(test)]
mod tests;
