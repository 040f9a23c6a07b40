//! Luma and chroma as colours. Source: TIFF 6.0, section 21.

/// How red, green and blue come of luma and chroma.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct YCbCr {
    /// What is taken from luma and chroma, and the factors that make full range of the rest.
    offsets: [f32; 3],
    factors: [f32; 3],
    /// Parts of redness in red, of blueness and redness in green, of blueness in blue.
    parts: [f32; 4],
}

/// ITU-R BT.601, TIFF's default.
const BT_601: [f64; 3] = [0.299, 0.587, 0.114];

/// Full range, chroma around 128.
const FULL_RANGE: [f64; 6] = [0.0, 255.0, 128.0, 255.0, 128.0, 255.0];

impl YCbCr {
    /// Full-range colours with the weights of ITU-R BT.601.
    pub const JPEG: YCbCr =
        YCbCr { offsets: [0.0, 128.0, 128.0], factors: [1.0; 3], parts: [1.402, -0.344_136, -0.714_136, 1.772] };

    /// By YCbCrCoefficients, the weights of red, green and blue in luma, and ReferenceBlackWhite, the
    /// codes of `bits` bits of black and white, of no and full blueness and redness. `None` where they make no sense.
    pub fn of(weights: Option<[f64; 3]>, reference: Option<[f64; 6]>, bits: u8) -> Option<YCbCr> {
        let [red, green, blue] = weights.unwrap_or(BT_601);
        // Samples are stretched to 8 bits before they are looked at.
        let step = if bits == 16 { 257.0 } else { 1.0 };
        let [black, white, no_blue, full_blue, no_red, full_red] = match reference {
            Some(codes) => codes.map(|code| code / step),
            None => FULL_RANGE,
        };
        let parts =
            [2.0 - 2.0 * red, -blue * (2.0 - 2.0 * blue) / green, -red * (2.0 - 2.0 * red) / green, 2.0 - 2.0 * blue];
        let factors = [255.0 / (white - black), 127.0 / (full_blue - no_blue), 127.0 / (full_red - no_red)];
        let sound = parts.iter().chain(&factors).all(|number| number.is_finite() && number.abs() < 1e4);
        sound.then(|| YCbCr {
            offsets: [black, no_blue, no_red].map(|number| number as f32),
            factors: factors.map(|number| number as f32),
            parts: parts.map(|number| number as f32),
        })
    }

    pub fn rgb(&self, codes: [u8; 3]) -> [u8; 3] {
        let value = |index: usize| (f32::from(codes[index]) - self.offsets[index]) * self.factors[index];
        let [luma, blue, red] = [value(0), value(1), value(2)];
        let parts = &self.parts;
        // The cast saturates, which is the clamp that is wanted.
        [luma + parts[0] * red, luma + parts[1] * blue + parts[2] * red, luma + parts[3] * blue]
            .map(|channel| channel.round() as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_and_chroma_become_primaries() {
        for colors in [YCbCr::JPEG, YCbCr::of(None, None, 8).unwrap()] {
            assert_eq!(colors.rgb([255, 128, 128]), [255, 255, 255]);
            // JFIF: pure red is 76.2, 85.0, 255.5.
            assert!(colors.rgb([76, 85, 255]).iter().zip([254, 0, 0]).all(|(a, b)| a.abs_diff(b) <= 1));
        }
    }

    #[test]
    fn weights_and_ranges_are_followed() {
        // BT.709: pure red has luma 54.2, blueness 128 − 29.2 = 98.8, redness 255.5.
        let colors = YCbCr::of(Some([0.2126, 0.7152, 0.0722]), None, 8).unwrap();
        assert!(colors.rgb([54, 99, 255]).iter().zip([254, 0, 0]).all(|(a, b)| a.abs_diff(b) <= 1));
        // Video range: 16 is black, 235 white, 240 full chroma.
        let video = YCbCr::of(None, Some([16.0, 235.0, 128.0, 240.0, 128.0, 240.0]), 8).unwrap();
        assert_eq!(video.rgb([16, 128, 128]), [0; 3]);
        assert_eq!(video.rgb([235, 128, 128]), [255; 3]);
        // 81, 90, 240 is the red of BT.601 in video range.
        assert!(video.rgb([81, 90, 240]).iter().zip([255, 0, 0]).all(|(a, b)| a.abs_diff(b) <= 2));
        assert_eq!(YCbCr::of(Some([0.5, 0.0, 0.5]), None, 8), None);
        assert_eq!(YCbCr::of(None, Some([1.0, 1.0, 128.0, 255.0, 128.0, 255.0]), 8), None);
        assert_eq!(YCbCr::of(Some([f64::NAN; 3]), None, 8), None);
    }
}
