//! What the samples of a page mean, and how rows of them become texels.

use super::ycbcr::YCbCr;
use crate::geometry::Size;
use crate::pixel::TEXEL_BYTES;

/// ExtraSamples: alpha with which the colours are multiplied, and alpha that stands beside them.
const ASSOCIATED: u16 = 1;
pub const UNASSOCIATED: u16 = 2;

/// The kind of colours.
pub enum Colors {
    Grey {
        inverted: bool,
    },
    Rgb,
    Palette(Vec<[u8; 3]>),
    Cmyk,
    YCbCr(YCbCr),
    /// CIE L*a*b*; a* and b* are signed, or half their range is 0. Lightness may stand alone.
    Lab {
        signed: bool,
    },
}

/// What samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Unsigned,
    Float,
}

impl Colors {
    /// A palette from all its reds, then all greens, then all blues, 16 bits each; `None` unless
    /// there are as many as `bits` can number.
    pub fn palette(entries: &[u16], bits: u8) -> Option<Colors> {
        let count = 1usize.checked_shl(bits.into()).filter(|count| *count <= 256)?;
        if entries.len() != 3 * count {
            return None;
        }
        let color = |index: usize| [0, 1, 2].map(|channel| narrow(entries[channel * count + index]));
        Some(Colors::Palette((0..count).map(color).collect()))
    }

    fn count(&self) -> usize {
        match self {
            Colors::Grey { .. } | Colors::Palette(_) => 1,
            // Of three samples at least: see [`Samples::is_lightness`].
            Colors::Lab { .. } => 3,
            Colors::Rgb | Colors::YCbCr(_) => 3,
            Colors::Cmyk => 4,
        }
    }
}

/// A 16-bit channel in 8 bits, to the nearest: 65,535 is 255 × 257.
fn narrow(value: u16) -> u8 {
    ((u32::from(value) + 128) / 257) as u8
}

/// Which sample is alpha.
#[derive(Clone, Copy)]
pub struct Alpha {
    pub index: usize,
    pub associated: bool,
}

/// The samples of a pixel.
pub struct Samples {
    colors: Colors,
    kind: Kind,
    bits: u8,
    count: usize,
    alpha: Option<Alpha>,
    /// Floats are linear light.
    linear: bool,
}

impl Samples {
    /// `extra` tells of the samples behind the colours; `None` where there are fewer samples than colours.
    pub fn new(colors: Colors, kind: Kind, bits: u8, count: usize, extra: Option<&[u16]>) -> Option<Samples> {
        let extras = extra.map_or(0, <[u16]>::len);
        let first = match colors {
            Colors::Lab { .. } if count.saturating_sub(extras) == 1 => 1,
            _ => colors.count(),
        };
        if count < first {
            return None;
        }
        let alpha = match extra {
            Some(extra) => {
                let index = extra.iter().position(|kind| matches!(*kind, ASSOCIATED | UNASSOCIATED));
                index.map(|index| Alpha { index: first + index, associated: extra[index] == ASSOCIATED })
            }
            // Four samples of which nobody says what the last one is.
            None if count == 4 && matches!(colors, Colors::Rgb) => Some(Alpha { index: 3, associated: false }),
            None => None,
        };
        let alpha = alpha.filter(|alpha| alpha.index < count);
        Some(Samples { colors, kind, bits, count, alpha, linear: false })
    }

    /// The same, floats being linear light and not what a profile says.
    pub fn of_linear_light(self) -> Samples {
        Samples { linear: true, ..self }
    }

    pub fn is_linear(&self) -> bool {
        self.linear
    }

    pub fn is_float(&self) -> bool {
        self.kind == Kind::Float
    }

    /// Whether there is the lightness of L*a*b* alone.
    pub fn is_lightness(&self) -> bool {
        matches!(self.colors, Colors::Lab { .. }) && self.alpha.map_or(self.count, |alpha| alpha.index) < 3
    }

    pub fn colors(&self) -> &Colors {
        &self.colors
    }

    pub fn alpha(&self) -> Option<Alpha> {
        self.alpha
    }

    pub fn has_alpha(&self) -> bool {
        self.alpha.is_some()
    }

    /// Whether every texel comes out grey.
    pub fn is_grey(&self) -> bool {
        matches!(self.colors, Colors::Grey { .. }) || self.is_lightness()
    }

    /// Whether colours follow no profile: those of L*a*b* are settled.
    pub fn is_absolute(&self) -> bool {
        matches!(self.colors, Colors::Lab { .. })
    }

    pub fn is_cmyk(&self) -> bool {
        matches!(self.colors, Colors::Cmyk)
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// Bits of a sample: 1, 2, 4, 8, 16, 32 or 64.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// Bytes of a row of `width` pixels, or of one plane of it.
    pub fn row_bytes(&self, width: usize, planar: bool) -> usize {
        let samples = if planar { width } else { width * self.count };
        (samples * usize::from(self.bits)).div_ceil(8)
    }

    /// Collects a row of `width` pixels, sample by sample, as 8 bits each into `row`: numbers stay
    /// numbers for a palette and are stretched to 0..=255 else. There is one plane, or one a sample.
    pub fn gather<'a>(&self, planes: impl ExactSizeIterator<Item = &'a [u8]>, width: usize, row: &mut Vec<u8>) {
        row.resize(width * self.count, 0);
        let step = planes.len();
        for (first, plane) in planes.enumerate() {
            let places = row[first..].iter_mut().step_by(step);
            match self.bits {
                8 => places.zip(plane).for_each(|(place, value)| *place = *value),
                16 => places
                    .zip(plane.chunks_exact(2))
                    .for_each(|(place, pair)| *place = narrow(u16::from_ne_bytes([pair[0], pair[1]]))),
                32 => places
                    .zip(plane.as_chunks::<4>().0)
                    .for_each(|(place, bytes)| *place = stretched(u32::from_ne_bytes(*bytes).into(), u32::MAX.into())),
                64 => places
                    .zip(plane.as_chunks::<8>().0)
                    .for_each(|(place, bytes)| *place = stretched(u64::from_ne_bytes(*bytes).into(), u64::MAX.into())),
                bits => {
                    let largest = (1u8 << bits) - 1;
                    let stretch = if matches!(self.colors, Colors::Palette(_)) { 1 } else { 255 / largest };
                    let values = plane
                        .iter()
                        .flat_map(|byte| (0..8 / bits).rev().map(move |place| byte >> (place * bits) & largest));
                    places.zip(values).for_each(|(place, value)| *place = value * stretch);
                }
            }
        }
    }

    /// The alphas of a gathered row, for inks, whose texels have no room for them.
    pub fn alphas<'a>(&self, row: &'a [u8]) -> Option<impl Iterator<Item = u8> + 'a> {
        let Alpha { index, .. } = self.alpha.filter(|_| self.is_cmyk())?;
        Some(row.iter().skip(index).step_by(self.count).copied())
    }

    /// Turns a gathered row into texels: RGBA, or the four inks for CMYK.
    pub fn spread(&self, row: &[u8], texels: &mut [u8]) {
        for (texel, samples) in texels.chunks_exact_mut(TEXEL_BYTES).zip(row.chunks_exact(self.count)) {
            let mut color = match &self.colors {
                Colors::Cmyk => {
                    texel.copy_from_slice(&samples[..4]);
                    if let Some(Alpha { index, associated: true }) = self.alpha {
                        texel.iter_mut().for_each(|ink| *ink = straight(*ink, samples[index]));
                    }
                    continue;
                }
                Colors::Grey { inverted: false } => [samples[0]; 3],
                Colors::Grey { inverted: true } => [!samples[0]; 3],
                Colors::Rgb => [samples[0], samples[1], samples[2]],
                Colors::Palette(colors) => colors.get(usize::from(samples[0])).copied().unwrap_or_default(),
                Colors::YCbCr(colors) => colors.rgb([samples[0], samples[1], samples[2]]),
                // Not gathered in 8 bits.
                Colors::Lab { .. } => [samples[0]; 3],
            };
            let alpha = self.alpha.map_or(255, |alpha| samples[alpha.index]);
            if self.alpha.is_some_and(|alpha| alpha.associated) {
                color = color.map(|channel| straight(channel, alpha));
            }
            texel.copy_from_slice(&[color[0], color[1], color[2], alpha]);
        }
    }
}

/// Collects a row of luma and chroma as [`Samples::gather`] does, out of units of the lumas of so many
/// columns and rows, `shared`, and one blueness and redness behind them; `line` is the row's place in them.
pub fn unshare(units: &[u8], shared: Size, line: u32, width: usize, row: &mut Vec<u8>) {
    let (across, lumas) = (shared.width as usize, shared.pixels() as usize);
    row.resize(width * 3, 0);
    for (pixels, unit) in row.chunks_mut(3 * across).zip(units.chunks_exact(lumas + 2)) {
        let own = &unit[line as usize * across..];
        for (pixel, luma) in pixels.chunks_exact_mut(3).zip(own) {
            pixel.copy_from_slice(&[*luma, unit[lumas], unit[lumas + 1]]);
        }
    }
}

/// A channel that was multiplied by alpha, as it was before; no colour where nothing is seen.
fn straight(channel: u8, alpha: u8) -> u8 {
    match u32::from(alpha) {
        0 => 0,
        alpha => ((u32::from(channel) * 255 + alpha / 2) / alpha).min(255) as u8,
    }
}

/// A value of 0 to `largest` in 8 bits, to the nearest.
fn stretched(value: u128, largest: u128) -> u8 {
    ((value * 255 + largest / 2) / largest) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(samples: &Samples, planes: &[&[u8]], width: usize) -> Vec<u8> {
        let mut row = Vec::new();
        samples.gather(planes.iter().copied(), width, &mut row);
        let mut texels = vec![0; width * TEXEL_BYTES];
        samples.spread(&row, &mut texels);
        texels
    }

    #[test]
    fn narrowing_rounds_to_the_nearest() {
        for value in 0..=u16::MAX {
            assert_eq!(f64::from(narrow(value)), (f64::from(value) * 255.0 / 65_535.0).round(), "{value}");
        }
    }

    #[test]
    fn greys_of_every_depth() {
        let grey = |bits, inverted| Samples::new(Colors::Grey { inverted }, Kind::Unsigned, bits, 1, None).unwrap();
        assert_eq!(
            spread(&grey(2, false), &[&[0b00_01_10_11]], 3),
            [0, 0, 0, 255, 85, 85, 85, 255, 170, 170, 170, 255]
        );
        assert_eq!(spread(&grey(1, true), &[&[0b0100_0000]], 2), [255, 255, 255, 255, 0, 0, 0, 255]);
        assert_eq!(spread(&grey(16, false), &[&0x0081u16.to_ne_bytes()], 1), [1, 1, 1, 255]);
    }

    #[test]
    fn alpha_is_made_straight() {
        let samples = |kind: u16| Samples::new(Colors::Rgb, Kind::Unsigned, 8, 4, Some(&[kind])).unwrap();
        // 50 of 100 is 127.5 of 255.
        assert_eq!(spread(&samples(ASSOCIATED), &[&[50, 100, 0, 100]], 1), [128, 255, 0, 100]);
        assert_eq!(spread(&samples(UNASSOCIATED), &[&[50, 100, 0, 100]], 1), [50, 100, 0, 100]);
        assert_eq!(spread(&samples(0), &[&[50, 100, 0, 100]], 1), [50, 100, 0, 255]);
        assert_eq!(spread(&samples(ASSOCIATED), &[&[9, 9, 9, 0]], 1), [0, 0, 0, 0]);
        let planes: [&[u8]; 4] = [&[1, 5], &[2, 6], &[3, 7], &[4, 8]];
        assert_eq!(spread(&samples(UNASSOCIATED), &planes, 2), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(Samples::new(Colors::Rgb, Kind::Unsigned, 8, 2, None).is_none());
    }

    #[test]
    fn palettes_are_planes_of_sixteen_bits() {
        let entries = [0, 65_535, 0, 128, 257 * 7, 129];
        let samples = Samples::new(Colors::palette(&entries, 1).unwrap(), Kind::Unsigned, 1, 1, None).unwrap();
        assert_eq!(spread(&samples, &[&[0b0100_0000]], 2), [0, 0, 7, 255, 255, 0, 1, 255]);
        assert!(Colors::palette(&entries, 2).is_none());
        assert!(Colors::palette(&entries, 16).is_none());
    }

    #[test]
    fn wide_integers_are_stretched() {
        let grey = |bits| Samples::new(Colors::Grey { inverted: false }, Kind::Unsigned, bits, 1, None).unwrap();
        // 4,294,967,295 ÷ 255 is 16,843,009; half of that is the first that is 1.
        let values = [0u32, 8_421_504, 8_421_505, u32::MAX].map(u32::to_ne_bytes);
        let texels = spread(&grey(32), &[values.as_flattened()], 4);
        assert_eq!(texels.iter().step_by(4).copied().collect::<Vec<_>>(), [0, 0, 1, 255]);
        let values = [1u64 << 63, u64::MAX].map(u64::to_ne_bytes);
        assert_eq!(spread(&grey(64), &[values.as_flattened()], 2), [128, 128, 128, 255, 255, 255, 255, 255]);
    }

    #[test]
    fn inks_keep_their_alpha_apart() {
        let samples = |kind| Samples::new(Colors::Cmyk, Kind::Unsigned, 8, 5, Some(&[kind])).unwrap();
        assert_eq!(spread(&samples(UNASSOCIATED), &[&[1, 2, 3, 4, 99]], 1), [1, 2, 3, 4]);
        assert_eq!(spread(&samples(ASSOCIATED), &[&[50, 0, 25, 100, 100]], 1), [128, 0, 64, 255]);
        let alphas =
            |kind| samples(kind).alphas(&[1, 2, 3, 4, 99, 5, 6, 7, 8, 77]).map(|alphas| alphas.collect::<Vec<_>>());
        assert_eq!(alphas(UNASSOCIATED), Some(vec![99, 77]));
        assert_eq!(alphas(0), None);
    }
}
