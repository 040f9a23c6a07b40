//! Palettes: exact where the colours fit, else the best that fit; and the index of every pixel.

use crate::cancel::Cancel;
use crate::error::Error;
use crate::pixel::{TEXEL_BYTES, View};
use quantette::deps::palette::Srgb;
use quantette::{PaletteSize, Pipeline};

/// From this alpha on a pixel is opaque.
const OPAQUE_FROM: u8 = 128;

/// One index is left for what is transparent or unchanged.
const COLORS: usize = 255;

/// Pixels that a palette is made from at most; more make it no better that one could see.
const SAMPLES: usize = 1 << 18;

/// Colours remembered with their index, by a hash of the colour.
const SLOTS: usize = 1 << 14;

/// No colour has index 255.
const UNKNOWN: u32 = u32::MAX;

/// Whether GIF shows the pixel.
pub fn is_opaque(texel: &[u8]) -> bool {
    texel[3] >= OPAQUE_FROM
}

/// Whether every pixel is shown.
pub fn all_opaque(pixels: &View) -> bool {
    (0..pixels.size().height).all(|y| texels(pixels, y).all(is_opaque))
}

/// The pixels of a row, as bytes.
pub fn texels<'a>(pixels: &View<'a>, y: u32) -> impl Iterator<Item = &'a [u8]> {
    pixels.row(y).chunks_exact(TEXEL_BYTES)
}

/// At most 255 colours.
pub struct Palette {
    colors: Vec<[u8; 3]>,
    /// Index × 2²⁴ + colour, where known.
    known: Vec<u32>,
}

impl Palette {
    fn new(colors: Vec<[u8; 3]>) -> Palette {
        Palette { colors, known: vec![UNKNOWN; SLOTS] }
    }

    /// All colours of the opaque pixels, if they are few enough.
    ///
    /// # Errors
    /// `ServiceUnavailable` when `cancel` says so, which is asked between pictures.
    pub fn exact(pictures: &[View], cancel: &Cancel) -> Result<Option<Palette>, Error> {
        let mut palette = Palette::new(Vec::new());
        for pixels in pictures {
            cancel.check()?;
            let mut opaque = (0..pixels.size().height).flat_map(|y| texels(pixels, y)).filter(|texel| is_opaque(texel));
            if !opaque.all(|texel| palette.admit([texel[0], texel[1], texel[2]])) {
                return Ok(None);
            }
        }
        Ok(Some(palette))
    }

    /// The colours that stand best for all pictures together, by Wu's method.
    ///
    /// # Errors
    /// `ServiceUnavailable` when `cancel` says so, which is asked between pictures.
    pub fn shared(pictures: &[View], cancel: &Cancel) -> Result<Palette, Error> {
        let total: u64 = pictures.iter().map(|pixels| pixels.size().pixels()).sum();
        // An odd step does not keep to the same columns of pictures whose width is even.
        let step = (total / SAMPLES as u64) as usize | 1;
        let mut samples = Vec::with_capacity(total as usize / step + 1);
        for pixels in pictures {
            cancel.check()?;
            let all = (0..pixels.size().height).flat_map(|y| texels(pixels, y));
            let opaque = all.filter(|texel| is_opaque(texel)).step_by(step);
            samples.extend(opaque.map(|texel| Srgb::new(texel[0], texel[1], texel[2])));
        }
        let pipeline = Pipeline::new().palette_size(PaletteSize::from_u8_clamped(COLORS as u8));
        let chosen = pipeline.input_slice(&samples).map_err(Error::internal)?.output_srgb8_palette();
        Ok(Palette::new(chosen.iter().map(|color| [color.red, color.green, color.blue]).collect()))
    }

    pub fn colors(&self) -> &[[u8; 3]] {
        &self.colors
    }

    /// The index of the nearest colour for every opaque pixel, and `clear` for all others.
    pub fn indices(&mut self, pixels: &View, clear: u8) -> Vec<u8> {
        let all = (0..pixels.size().height).flat_map(|y| texels(pixels, y));
        all.map(|texel| if is_opaque(texel) { self.nearest([texel[0], texel[1], texel[2]]) } else { clear }).collect()
    }

    /// Takes the colour in, unless there are too many.
    fn admit(&mut self, color: [u8; 3]) -> bool {
        if self.recall(color).is_some() {
            return true;
        }
        let place = self.colors.iter().position(|known| *known == color).unwrap_or(self.colors.len());
        if place == COLORS {
            return false;
        }
        if place == self.colors.len() {
            self.colors.push(color);
        }
        self.remember(color, place);
        true
    }

    fn nearest(&mut self, color: [u8; 3]) -> u8 {
        if let Some(index) = self.recall(color) {
            return index;
        }
        let distance = |known: &[u8; 3]| -> i32 {
            known.iter().zip(color).map(|(a, b)| (i32::from(*a) - i32::from(b)).pow(2)).sum()
        };
        let nearest = self.colors.iter().enumerate().min_by_key(|(_, known)| distance(known));
        let index = nearest.map_or(0, |(index, _)| index);
        self.remember(color, index);
        index as u8
    }

    fn recall(&self, color: [u8; 3]) -> Option<u8> {
        let entry = self.known[slot(color)];
        (entry != UNKNOWN && entry << 8 >> 8 == number(color)).then_some((entry >> 24) as u8)
    }

    fn remember(&mut self, color: [u8; 3], index: usize) {
        self.known[slot(color)] = (index as u32) << 24 | number(color);
    }
}

fn number([red, green, blue]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, red, green, blue])
}

/// Fibonacci hashing: the top bits of a multiplication by 2³² ÷ the golden ratio.
fn slot(color: [u8; 3]) -> usize {
    (number(color).wrapping_mul(0x9e37_79b9) >> (32 - SLOTS.ilog2())) as usize
}
