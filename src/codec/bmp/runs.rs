//! Run lengths of pixels of 4, 8 or 24 bits.
//!
//! A run goes to the right edge at most; what no run covers is black. Sources: Microsoft, "Bitmap
//! Compression"; OS/2 2.0 Presentation Manager Reference for 24 bits.

use super::header::Header;
use super::look;
use crate::cancel::Cancel;
use crate::error::Error;
use crate::pixel::{TEXEL_BYTES, ViewMut};

/// Lays down the picture.
///
/// # Errors
/// `ImageDamage` where it is not ended, or leaves the picture other than by a run over the edge;
/// `ServiceUnavailable` when `cancel` says so.
pub fn read(bytes: &[u8], header: &Header, target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let (width, height) = (header.size.width as usize, header.size.height);
    for y in 0..height {
        target.row(y).as_chunks_mut().0.iter_mut().for_each(|texel| *texel = BLACK);
    }
    let mut codes = Codes(bytes.get(header.pixels_at..).unwrap_or_default());
    let (mut x, mut y) = (0, 0);
    while y < height {
        let Ok(count) = codes.byte() else {
            // Only the code for the end may be missing.
            return if y + 1 == height && x >= width { Ok(()) } else { Err(cut()) };
        };
        if count > 0 {
            let pixel = codes.take(if header.bits == 24 { 3 } else { 1 })?;
            lay(header, pixel, usize::from(count), x, target.row(header.place(y)));
            x += usize::from(count);
            continue;
        }
        match codes.byte()? {
            0 => {
                (x, y) = (0, y + 1);
                look(y, cancel)?;
            }
            1 => return Ok(()),
            2 => {
                let [right, down] = [codes.byte()?, codes.byte()?];
                x += usize::from(right);
                y += u32::from(down);
                if y >= height || (right > 0 && x > width) {
                    return Err(Error::damaged("runs go on outside of the picture"));
                }
            }
            count => {
                let count = usize::from(count);
                let length = (count * usize::from(header.bits)).div_ceil(8);
                let pixels = codes.take(length)?;
                // Filled up to 16 bits.
                codes.take(length % 2)?;
                lay(header, pixels, count, x, target.row(header.place(y)));
                x += count;
            }
        }
    }
    Ok(())
}

const BLACK: [u8; TEXEL_BYTES] = [0, 0, 0, 255];

fn cut() -> Error {
    Error::damaged("runs are cut off")
}

/// Lays so many pixels from `x` on, `pixels` again and again.
fn lay(header: &Header, pixels: &[u8], count: usize, x: usize, row: &mut [u8]) {
    let Some((texels, _)) = row.get_mut(x * TEXEL_BYTES..).map(|row| row.as_chunks_mut::<TEXEL_BYTES>()) else {
        return;
    };
    let texels = texels.iter_mut().take(count);
    let paint = |texel: &mut [u8; TEXEL_BYTES], [red, green, blue]: [u8; 3]| *texel = [red, green, blue, 255];
    match header.bits {
        24 => {
            let colors = pixels.as_chunks::<3>().0.iter().cycle();
            texels.zip(colors).for_each(|(texel, [blue, green, red])| paint(texel, [*red, *green, *blue]));
        }
        4 => {
            let halves = pixels.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            texels.zip(halves.cycle()).for_each(|(texel, index)| paint(texel, header.color(index)));
        }
        _ => texels.zip(pixels.iter().cycle()).for_each(|(texel, index)| paint(texel, header.color(*index))),
    }
}

/// What is left of the file.
struct Codes<'a>(&'a [u8]);

impl<'a> Codes<'a> {
    fn byte(&mut self) -> Result<u8, Error> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }
}
