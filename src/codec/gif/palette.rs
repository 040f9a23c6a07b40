//! Palettes: exact where the colours fit, else the best that fit; and the index of every pixel.

use crate::cancel::Cancel;
use crate::error::Error;
use crate::pixel::{TEXEL_BYTES, View};
use multiversion::multiversion;
use quantette::deps::palette::Srgb;
use quantette::{PaletteSize, Pipeline};

/// From this alpha on a pixel is opaque.
const OPAQUE_FROM: u8 = 128;

/// One index is left for what is transparent or unchanged.
const COLORS: usize = 255;

/// Pixels that a palette is made from at most; more make it no better that one could see.
const SAMPLES: usize = 1 << 16;

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
#[derive(Clone)]
pub struct Palette {
    colors: Vec<[u8; 3]>,
    search: Box<Search>,
    /// Index × 2²⁴ + colour, where known.
    known: Vec<u32>,
}

impl Palette {
    fn new(colors: Vec<[u8; 3]>) -> Palette {
        Palette { search: Search::new(&colors), colors, known: vec![UNKNOWN; SLOTS] }
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
            self.search.set(place, color);
        }
        self.remember(color, place);
        true
    }

    fn nearest(&mut self, color: [u8; 3]) -> u8 {
        if let Some(index) = self.recall(color) {
            return index;
        }
        let index = nearest(&self.search, color);
        self.remember(color, index.into());
        index
    }

    fn recall(&self, color: [u8; 3]) -> Option<u8> {
        let entry = self.known[slot(color)];
        (entry != UNKNOWN && entry << 8 >> 8 == number(color)).then_some((entry >> 24) as u8)
    }

    fn remember(&mut self, color: [u8; 3], index: usize) {
        self.known[slot(color)] = (index as u32) << 24 | number(color);
    }
}

/// The colours of a palette, channels apart, some of them at a time.
#[derive(Clone)]
struct Search {
    groups: [[[i32; LANES]; 3]; GROUPS],
}

/// Colours that are compared at a time, and how often that many.
const LANES: usize = 16;
const GROUPS: usize = 16;

/// A channel of no colour: farther from all than any two colours are from each other, and near
/// enough for the square of the distance to leave 8 of 32 bits free.
const FAR: i32 = 1000;

impl Search {
    fn new(colors: &[[u8; 3]]) -> Box<Search> {
        let mut search = Box::new(Search { groups: [[[FAR; LANES]; 3]; GROUPS] });
        for (place, color) in colors.iter().enumerate().take(LANES * GROUPS) {
            search.set(place, *color);
        }
        search
    }

    fn set(&mut self, place: usize, color: [u8; 3]) {
        for (lanes, value) in self.groups[place / LANES].iter_mut().zip(color) {
            lanes[place % LANES] = value.into();
        }
    }
}

/// The place of the nearest colour, of equally near ones the first.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx512dq", "x86_64+avx2", "x86_64+sse4.1"))]
fn nearest(search: &Search, color: [u8; 3]) -> u8 {
    let [red, green, blue] = color.map(i32::from);
    let mut least = [u32::MAX; LANES];
    for (group, [reds, greens, blues]) in search.groups.iter().enumerate() {
        for (lane, least) in least.iter_mut().enumerate() {
            let (red, green, blue) = (reds[lane] - red, greens[lane] - green, blues[lane] - blue);
            let distance = (red * red + green * green + blue * blue) as u32;
            *least = (*least).min(distance << 8 | (group * LANES + lane) as u32);
        }
    }
    least.into_iter().fold(u32::MAX, u32::min) as u8
}

fn number([red, green, blue]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, red, green, blue])
}

/// Fibonacci hashing: the top bits of a multiplication by 2³² ÷ the golden ratio.
fn slot(color: [u8; 3]) -> usize {
    (number(color).wrapping_mul(0x9e37_79b9) >> (32 - SLOTS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_colour_is_found_and_of_equals_the_first() {
        let colors: Vec<[u8; 3]> =
            (0..255u32).map(|i| [(i * 37) as u8, ((i * 91) >> 1) as u8, (i * 11) as u8]).collect();
        let square = |a: u8, b: u8| (i32::from(a) - i32::from(b)).pow(2);
        let distance = |a: &[u8; 3], b: [u8; 3]| a.iter().zip(b).map(|(a, b)| square(*a, b)).sum::<i32>();
        for count in [1, 2, 17, 255] {
            let search = Search::new(&colors[..count]);
            for color in (0..2000u32).map(|i| [(i * 53) as u8, ((i * 29) >> 2) as u8, (i >> 3) as u8]) {
                let wanted = (0..count).min_by_key(|place| distance(&colors[*place], color)).unwrap();
                assert_eq!(usize::from(nearest(&search, color)), wanted, "{color:?} of {count}");
            }
        }
        // Black and white are as far from each other as colours can be.
        assert_eq!(nearest(&Search::new(&[[255; 3]]), [0; 3]), 0);
        assert_eq!(nearest(&Search::new(&[[0, 0, 2], [0, 0, 0]]), [0, 0, 1]), 0);
    }
}
