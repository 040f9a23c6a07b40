//! Samples that lose too much in 8 bits: floats, and CIE L*a*b*.
//!
//! Floats without a profile are linear light, 1 being white, as libvips and Photoshop take them;
//! with one they are its values. L*a*b* is D50's, adapted by Bradford. Sources: TIFF 6.0, section 23,
//! and Adobe's ICC L*a*b* for the codes; CIE 15 and CSS Color 4, section 18, for the conversion.

use super::samples::{Colors, Samples};
use crate::codec::light;
use crate::pixel::TEXEL_BYTES;

/// Linear sRGB of D65 from X, Y and Z of D50.
const SRGB_FROM_D50: [[f32; 3]; 3] =
    [[3.134_136, -1.617_386, -0.490_662], [-0.978_796, 1.916_255, 0.033_443], [0.071_955, -0.228_977, 1.405_386]];

const D50: [f32; 3] = [0.964_22, 1.0, 0.825_21];

impl Samples {
    /// Whether samples are collected by [`Samples::gather_deep`].
    pub fn is_deep(&self) -> bool {
        self.is_float() || matches!(self.colors(), Colors::Lab { .. })
    }

    /// Collects a row of `width` pixels, sample by sample, into `row`: floats as they are, L* as 0 to
    /// 100, a* and b* as −128 to 128, alpha as 0 to 1. There is one plane, or one a sample.
    pub fn gather_deep<'a>(&self, planes: impl ExactSizeIterator<Item = &'a [u8]>, width: usize, row: &mut Vec<f32>) {
        row.clear();
        row.resize(width * self.count(), 0.0);
        let step = planes.len();
        for (first, plane) in planes.enumerate() {
            let places = row.iter_mut().enumerate().skip(first).step_by(step);
            let samples = plane.chunks_exact(usize::from(self.bits() / 8));
            for ((place, value), sample) in places.zip(samples) {
                *value = if self.is_float() { float(sample) } else { self.lab(place % self.count(), sample) };
            }
        }
    }

    /// Turns a row that was collected into texels.
    pub fn spread_deep(&self, row: &[f32], texels: &mut [u8]) {
        for (texel, samples) in texels.as_chunks_mut::<TEXEL_BYTES>().0.iter_mut().zip(row.chunks_exact(self.count())) {
            let alpha = self.alpha().map_or(1.0, |alpha| samples[alpha.index].clamp(0.0, 1.0));
            let shown = match self.alpha() {
                Some(alpha_sample) if alpha_sample.associated && alpha > 0.0 => 1.0 / alpha,
                _ => 1.0,
            };
            let color = match self.colors() {
                Colors::Lab { .. } => {
                    let chroma =
                        |place: usize| if self.count() >= 3 && !self.is_lightness() { samples[place] } else { 0.0 };
                    light_of_lab([samples[0], chroma(1), chroma(2)].map(|value| value * shown)).map(light::code)
                }
                Colors::Rgb => [0, 1, 2].map(|place: usize| self.level(samples[place] * shown)),
                Colors::Grey { inverted: true } => [self.level(1.0 - samples[0] * shown); 3],
                _ => [self.level(samples[0] * shown); 3],
            };
            *texel = [color[0], color[1], color[2], level(alpha)];
        }
    }

    fn level(&self, value: f32) -> u8 {
        if self.is_linear() { light::code(value) } else { level(value) }
    }

    /// A code of L*a*b*, by its place in the pixel.
    fn lab(&self, place: usize, sample: &[u8]) -> f32 {
        let (code, largest, step) = match *sample {
            [byte] => (f32::from(byte), 255.0, 1.0),
            _ => (f32::from(u16::from_ne_bytes([sample[0], sample[1]])), 65_535.0, 256.0),
        };
        let signed = matches!(self.colors(), Colors::Lab { signed: true });
        match place {
            // ICC's 16 bits have 100 at 0xff00.
            0 if !signed && step > 1.0 => code / 652.8,
            0 => code * 100.0 / largest,
            1 | 2 if signed && code >= 128.0 * step => code / step - 256.0,
            1 | 2 if signed => code / step,
            1 | 2 => code / step - 128.0,
            _ => code / largest,
        }
    }
}

/// 0 to 1 in 8 bits; the cast saturates.
fn level(value: f32) -> u8 {
    (value * 255.0).round() as u8
}

/// A float of 16, 32 or 64 bits in the byte order of this machine.
fn float(sample: &[u8]) -> f32 {
    match *sample {
        [a, b] => half(u16::from_ne_bytes([a, b])),
        [a, b, c, d] => f32::from_ne_bytes([a, b, c, d]),
        _ => sample.try_into().map_or(0.0, |bytes| f64::from_ne_bytes(bytes) as f32),
    }
}

/// Source: IEEE 754, binary16.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

/// Linear sRGB of a colour.
fn light_of_lab([lightness, a, b]: [f32; 3]) -> [f32; 3] {
    let middle = (lightness + 16.0) / 116.0;
    let parts = [middle + a / 500.0, middle, middle - b / 200.0];
    let stimuli: [f32; 3] = std::array::from_fn(|index| D50[index] * light::from_cube_root(parts[index]));
    SRGB_FROM_D50.map(|row| row.iter().zip(stimuli).map(|(weight, stimulus)| weight * stimulus).sum())
}

#[cfg(test)]
mod tests {
    use super::super::samples::Kind;
    use super::*;

    fn texels(samples: &Samples, bytes: &[u8], width: usize) -> Vec<u8> {
        let (mut row, mut texels) = (Vec::new(), vec![0; width * TEXEL_BYTES]);
        samples.gather_deep([bytes].into_iter(), width, &mut row);
        samples.spread_deep(&row, &mut texels);
        texels
    }

    #[test]
    fn halves_have_the_values_of_the_standard() {
        let values =
            [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_95), (0x0001, 5.960_464_5e-8), (0x7bff, 65_504.0)];
        for (bits, value) in values {
            assert_eq!(half(bits), value);
        }
        assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
    }

    #[test]
    fn floats_are_light_or_values_of_a_profile() {
        let bytes: Vec<u8> = [0.5f32, 1.5, -0.5, 0.25].iter().flat_map(|value| value.to_ne_bytes()).collect();
        let samples = |extra: u16| Samples::new(Colors::Rgb, Kind::Float, 32, 4, Some(&[extra])).unwrap();
        assert_eq!(texels(&samples(2), &bytes, 1), [128, 255, 0, 64]);
        assert_eq!(texels(&samples(2).of_linear_light(), &bytes, 1), [188, 255, 0, 64]);
        // 0.1 of alpha 0.25 is 0.4.
        let bytes: Vec<u8> = [0.1f32, 0.0, 0.0, 0.25].iter().flat_map(|value| value.to_ne_bytes()).collect();
        assert_eq!(texels(&samples(1), &bytes, 1), [102, 0, 0, 64]);
        let wide = Samples::new(Colors::Grey { inverted: true }, Kind::Float, 64, 1, None).unwrap();
        assert_eq!(texels(&wide, &0.2f64.to_ne_bytes(), 1), [204, 204, 204, 255]);
    }

    #[test]
    fn lab_follows_cie() {
        let near = |found: Vec<u8>, expected: [u8; 3]| {
            assert!(found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2), "{found:?} for {expected:?}");
        };
        let lab = |signed, bits| Samples::new(Colors::Lab { signed }, Kind::Unsigned, bits, 3, None).unwrap();
        // sRGB's red is L* 54.29, a* 80.81, b* 69.89 of D50; its blue 29.57, 68.30, −112.03.
        near(texels(&lab(true, 8), &[138, 81, 70], 1), [255, 0, 0]);
        near(texels(&lab(false, 8), &[138, 128 + 81, 128 + 70], 1), [255, 0, 0]);
        near(texels(&lab(true, 8), &[75, 68, (-112i8) as u8], 1), [0, 0, 255]);
        let words = |words: [i32; 3]| words.map(|word| (word as u16).to_ne_bytes()).as_flattened().to_vec();
        let blue = |offset: i32, white: f64| words([(0.2957 * white) as i32, 17_485 + offset, offset - 28_680]);
        near(texels(&lab(true, 16), &blue(0, 65_535.0), 1), [0, 0, 255]);
        near(texels(&lab(false, 16), &blue(32_768, 65_280.0), 1), [0, 0, 255]);
        // L* 50 is a grey of 119.
        near(texels(&lab(true, 8), &[128, 0, 0], 1), [119; 3]);
        let lightness = Samples::new(Colors::Lab { signed: true }, Kind::Unsigned, 8, 1, None).unwrap();
        near(texels(&lightness, &[255], 1), [255; 3]);
    }
}
