//! Palettes: exact where the colours fit, else the best that fit; and the index of every pixel.

use crate::error::Error;
use crate::pixel::{TEXEL_BYTES, View};
use multiversion::multiversion;
use quantette::PaletteSize;
use quantette::deps::palette::{Srgb, cast};
use quantette::wu::{BinnerU8x3, WuU8x3};

/// From this alpha on a pixel is opaque.
const OPAQUE_FROM: u8 = 128;

/// Colours that an index can tell.
pub const MOST_COLORS: usize = 256;

/// Pixels that a palette is made from at most; more make it no better that one could see.
const SAMPLES: u64 = 1 << 16;

/// Colours remembered with their index, by a hash of the colour.
const SLOTS: usize = 1 << 14;

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

/// Every so many-th pixel, where it is opaque.
pub fn samples<'a>(pixels: &View<'a>, step: u64) -> impl Iterator<Item = [u8; 3]> {
    // An odd step does not keep to the same columns of pictures whose width is even.
    let all = (0..pixels.size().height).flat_map(|y| texels(pixels, y)).step_by(step as usize | 1);
    all.filter(|texel| is_opaque(texel)).map(|texel| [texel[0], texel[1], texel[2]])
}

/// At most 256 colours.
#[derive(Clone)]
pub struct Palette {
    colors: Vec<[u8; 3]>,
    search: Box<Search>,
    /// Index × 2²⁴ + colour, in the slot of the colour.
    known: Vec<u32>,
}

impl Palette {
    pub fn new(colors: Vec<[u8; 3]>) -> Palette {
        let mut known = vec![0; SLOTS];
        // Nothing is known yet: each slot has a colour that belongs into another one.
        known[slot([0, 0, 0])] = 1;
        Palette { search: Search::new(&colors), colors, known }
    }

    /// All colours of the opaque pixels, if they are not more than `most`.
    pub fn exact(pixels: &View, most: usize) -> Option<Palette> {
        let mut palette = Palette::new(Vec::new());
        palette.admit_all(pixels, most).then_some(palette)
    }

    /// The colours that stand best for all pictures together, by Wu's method; one index is left.
    ///
    /// # Errors
    /// `InternalError` where no pixel is opaque.
    pub fn fitting(pictures: &[View]) -> Result<Palette, Error> {
        let total: u64 = pictures.iter().map(|pixels| pixels.size().pixels()).sum();
        let step = total.div_ceil(SAMPLES);
        let mut taken: Vec<_> = pictures.iter().flat_map(|pixels| samples(pixels, step)).collect();
        if taken.len() < MOST_COLORS {
            // Little of the pictures is opaque.
            let all = pictures.iter().flat_map(|pixels| samples(pixels, 1));
            taken = all.take(SAMPLES as usize).collect();
        }
        let samples: &[Srgb<u8>] = cast::from_component_slice(taken.as_flattened());
        let most = PaletteSize::from_usize_clamped(MOST_COLORS - 1);
        let coarse = BinnerU8x3::<16, 32, 16>::new();
        let mut chosen = WuU8x3::run_slice(samples, coarse).map_err(Error::internal)?.palette(most);
        if chosen.len() < MOST_COLORS / 2 {
            // Colours so near to each other need smaller bins. Elsewhere those would take four times
            // as long, for half as many bytes more in the file and two decibels.
            let fine = BinnerU8x3::<32, 64, 32>::new();
            chosen = WuU8x3::run_slice(samples, fine).map_err(Error::internal)?.palette(most);
        }
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

    /// Takes all colours of the opaque pixels in, as long as there are not more than `most`.
    pub fn admit_all(&mut self, pixels: &View, most: usize) -> bool {
        let mut all = (0..pixels.size().height).flat_map(|y| texels(pixels, y));
        all.all(|texel| !is_opaque(texel) || self.admit([texel[0], texel[1], texel[2]], most))
    }

    fn admit(&mut self, color: [u8; 3], most: usize) -> bool {
        if self.recall(color).is_some() {
            return true;
        }
        let place = self.colors.iter().position(|known| *known == color).unwrap_or(self.colors.len());
        if place >= most {
            return false;
        }
        if place == self.colors.len() {
            self.colors.push(color);
            self.search.set(place, color);
        }
        self.remember(color, place);
        true
    }

    /// The index of the nearest colour.
    pub fn nearest(&mut self, color: [u8; 3]) -> u8 {
        if let Some(index) = self.recall(color) {
            return index;
        }
        let index = nearest(&self.search, color);
        self.remember(color, index.into());
        index
    }

    fn recall(&self, color: [u8; 3]) -> Option<u8> {
        let entry = self.known[slot(color)];
        (entry << 8 >> 8 == number(color)).then_some((entry >> 24) as u8)
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
