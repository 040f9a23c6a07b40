//! Pixels that are not compressed, and those that fax codes compress: row by row.

use super::header::{COLORS, Coding, Header};
use super::look;
use crate::cancel::Cancel;
use crate::codec::{fax, light};
use crate::error::Error;
use crate::pixel::{TEXEL_BYTES, ViewMut};

/// Lays down all rows. Where there is an alpha channel and all of it is 0, the picture is opaque:
/// writers that fill nothing in are more common than pictures that show nothing.
///
/// # Errors
/// `ImageDamage` where pixels or masks are wrong, `ServiceUnavailable` when `cancel` says so.
pub fn read(bytes: &[u8], header: &Header, target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let pixels = bytes.get(header.pixels_at..).unwrap_or_default();
    let width = header.size.width as usize;
    let needed = (width * usize::from(header.bits)).div_ceil(8);
    let mut rows = Rows {
        plain: pixels,
        pitch: needed.next_multiple_of(4),
        coded: (header.coding == Coding::Fax).then(|| {
            let coding = fax::Coding::Group3 { two_dimensional: false };
            fax::Rows::new(pixels.iter().copied(), coding, header.size.width)
        }),
        row: vec![0; if header.coding == Coding::Fax { needed } else { 0 }],
    };
    let spread = Spread::of(header)?;
    let mut seen = 0;
    for y in 0..header.size.height {
        look(y, cancel)?;
        seen |= spread.row(rows.next(needed)?, target.row(header.place(y)));
    }
    if seen == 0 {
        let opaque = |texel: &mut [u8]| texel[3] = 255;
        (0..header.size.height).for_each(|y| target.row(y).chunks_exact_mut(TEXEL_BYTES).for_each(opaque));
    }
    Ok(())
}

/// Rows of the file.
struct Rows<'a, I> {
    plain: &'a [u8],
    pitch: usize,
    coded: Option<fax::Rows<I>>,
    /// The row that was decoded last.
    row: Vec<u8>,
}

impl<I: Iterator<Item = u8>> Rows<'_, I> {
    fn next(&mut self, needed: usize) -> Result<&[u8], Error> {
        if let Some(coded) = &mut self.coded {
            coded.read(&mut self.row).map_err(Error::damaged)?;
            return Ok(&self.row);
        }
        let row = self.plain.get(..needed).ok_or_else(|| Error::damaged("rows are cut off"))?;
        // The last row's padding may be missing.
        self.plain = self.plain.get(self.pitch..).unwrap_or_default();
        Ok(row)
    }
}

/// How a row of the file becomes texels.
enum Spread {
    /// Bits of a number, and the texel of each number.
    Palette(u16, Box<[[u8; TEXEL_BYTES]; COLORS]>),
    Bytes,
    /// Red, green, blue, alpha, each in a byte of its own, and whether alpha is one of them.
    Whole {
        alpha: bool,
    },
    Masks {
        bytes: usize,
        channels: Box<[Channel; TEXEL_BYTES]>,
    },
    Linear,
}

impl Spread {
    fn of(header: &Header) -> Result<Spread, Error> {
        Ok(match header.coding {
            Coding::Palette | Coding::Fax => {
                let texel = |index: usize| {
                    let [red, green, blue] = header.color(index as u8);
                    [red, green, blue, 255]
                };
                Spread::Palette(header.bits, Box::new(std::array::from_fn(texel)))
            }
            Coding::Masks([0x00ff_0000, 0xff00, 0xff, alpha @ (0 | 0xff00_0000)]) if header.bits == 32 => {
                Spread::Whole { alpha: alpha != 0 }
            }
            Coding::Masks(masks) => {
                let [red, green, blue, alpha] = masks.map(Channel::of);
                let channels = [red?, green?, blue?, alpha?];
                Spread::Masks { bytes: usize::from(header.bits / 8), channels: Box::new(channels) }
            }
            Coding::Linear => Spread::Linear,
            Coding::Bytes | Coding::Runs => Spread::Bytes,
        })
    }

    /// Lays down a row and yields all its alphas, joined by or.
    fn row(&self, row: &[u8], texels: &mut [u8]) -> u8 {
        let (texels, _) = texels.as_chunks_mut::<TEXEL_BYTES>();
        let mut seen = 0;
        match self {
            Spread::Palette(bits, colors) => {
                let pixels = texels.chunks_mut(8 / usize::from(*bits));
                for (texels, byte) in pixels.zip(row) {
                    let mut byte = *byte;
                    for texel in texels {
                        byte = byte.rotate_left((*bits).into());
                        *texel = colors[usize::from(byte & (0xff >> (8 - bits)))];
                    }
                }
                seen = 255;
            }
            Spread::Bytes => {
                for (texel, [blue, green, red]) in texels.iter_mut().zip(row.as_chunks().0) {
                    *texel = [*red, *green, *blue, 255];
                }
                seen = 255;
            }
            Spread::Whole { alpha } => {
                let opaque = if *alpha { 0 } else { 255 };
                for (texel, [blue, green, red, alpha]) in texels.iter_mut().zip(row.as_chunks().0) {
                    *texel = [*red, *green, *blue, alpha | opaque];
                    seen |= alpha | opaque;
                }
            }
            Spread::Masks { bytes, channels } => {
                for (texel, pixel) in texels.iter_mut().zip(row.chunks_exact(*bytes)) {
                    let pixel = pixel.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
                    *texel = [0, 1, 2, 3].map(|channel: usize| channels[channel].value(pixel));
                    if channels[3].mask == 0 {
                        texel[3] = 255;
                    }
                    seen |= texel[3];
                }
            }
            Spread::Linear => {
                for (texel, pixel) in texels.iter_mut().zip(row.as_chunks::<8>().0) {
                    let light = |channel: usize| {
                        let light = i16::from_le_bytes([pixel[2 * channel], pixel[2 * channel + 1]]);
                        f32::from(light) / FULL_LIGHT
                    };
                    // The cast saturates, which is the clamp that is wanted.
                    let alpha = (light(3) * 255.0).round() as u8;
                    *texel = [light::code(light(2)), light::code(light(1)), light::code(light(0)), alpha];
                    seen |= alpha;
                }
            }
        }
        seen
    }
}

/// 1.0 in the fixed point of 64-bit pixels, which have 13 binary digits.
const FULL_LIGHT: f32 = (1 << 13) as f32;

/// A channel that a mask cuts out.
struct Channel {
    mask: u32,
    shift: u32,
    /// The 8 bits of every value, where it has at most as many.
    values: Vec<u8>,
}

impl Channel {
    fn of(mask: u32) -> Result<Channel, Error> {
        let shift = if mask == 0 { 0 } else { mask.trailing_zeros() };
        let largest = mask >> shift;
        if largest & largest.wrapping_add(1) != 0 {
            return Err(Error::damaged(format!("a mask with holes: {mask:#x}")));
        }
        let values =
            if largest > 255 { Vec::new() } else { (0..=largest).map(|value| stretch(value, largest)).collect() };
        Ok(Channel { mask, shift, values })
    }

    fn value(&self, pixel: u32) -> u8 {
        let value = (pixel & self.mask) >> self.shift;
        match self.values.get(value as usize) {
            Some(stretched) => *stretched,
            None => stretch(value, self.mask >> self.shift),
        }
    }
}

/// A value of 0 to `largest` as one of 0 to 255, to the nearest.
fn stretch(value: u32, largest: u32) -> u8 {
    let largest = u64::from(largest.max(1));
    ((u64::from(value) * 255 + largest / 2) / largest) as u8
}
