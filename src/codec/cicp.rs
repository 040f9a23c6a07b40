//! Colours told by code points (`nclx` in HEIC and AVIF, `cICP` in PNG, the `cicp` tag of a profile):
//! decoded rows become sRGB.
//!
//! SDR colours that sRGB does not have are clipped. PQ and HLG are display light, of which 203 cd/m²
//! are white (ITU-R BT.2408): what lies below stays as it is, what lies above rolls off with the ratios
//! of its channels, and so its hue, kept. Left out: matrix coefficients, which the decoders apply, and
//! peaks that files tell, so that a picture looks the same whatever it tells of its screen.
//! Source: ITU-T H.273, ITU-R BT.2100 and BT.2408, IEC 61966-2-1.

use super::light;
use crate::pixel::TEXEL_BYTES;
use multiversion::multiversion;
use std::sync::LazyLock;

/// What a file tells of its colours, by the numbers of ITU-T H.273.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodePoints {
    pub primaries: u16,
    pub transfer: u16,
    /// Whether black is 0 and white the largest number.
    pub full_range: bool,
}

const BT709: u16 = 1;
const PQ: u16 = 16;
const HLG: u16 = 18;

/// Luminance of diffuse white, in cd/m². Source: BT.2408, table 1.
const WHITE: f64 = 203.0;

/// Luminance of the largest number of PQ and of a nominal HLG display, in cd/m². Source: BT.2100.
const PQ_PEAK: f64 = 10_000.0;
const HLG_PEAK: f64 = 1_000.0;

/// Exponent of HLG's OOTF on a nominal display. Source: BT.2100, note 5f.
const HLG_GAMMA: f64 = 1.2;

/// Luminance, as a share of white, from which on highlights are rolled off.
const KNEE: f32 = 0.75;

/// The same for a single channel, so near to white that a saturated colour that sRGB has loses at most
/// two levels.
const CHANNEL_KNEE: f32 = 0.965;

/// Largest channel that can be left when luminance was rolled off: the peak of PQ in pure blue.
const CHANNEL_PEAK: f32 = 14.0;

/// Weights of luminance. Source: BT.709.
const LUMINANCE: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// Pixels that are converted at a time.
const CHUNK: usize = 256;

/// Steps of the square root of scene luminance.
const ROOT_STEPS: usize = 1 << 12;

/// What HLG's OOTF multiplies scene light by, as a share of white, for each step of the square root of
/// scene luminance.
static OOTF: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let gain = |step| HLG_PEAK / WHITE * (f64::from(step) / ROOT_STEPS as f64).powf(2.0 * (HLG_GAMMA - 1.0));
    (0..=ROOT_STEPS as u32).map(|step| gain(step) as f32).collect()
});

type Matrix = [[f64; 3]; 3];

impl CodePoints {
    /// Whether the transfer is one of high dynamic range.
    pub fn is_hdr(self) -> bool {
        matches!(self.transfer, PQ | HLG)
    }
}

/// What makes sRGB of colours told by code points.
pub struct Conversion {
    /// Linear light for each number, as a share of white; scene light in the case of HLG.
    light: Vec<f32>,
    /// From light of the picture's primaries to light of sRGB's.
    matrix: [[f32; 3]; 3],
    /// Weights of scene luminance, in the case of HLG.
    scene: Option<[f32; 3]>,
    /// Largest luminance, as a share of white, where highlights are rolled off.
    peak: Option<f32>,
}

impl Conversion {
    /// For colours in numbers of 8 to 16 `bits`; `None` where they are sRGB. Code points that are not
    /// known count as sRGB's.
    pub fn of(told: CodePoints, bits: u32) -> Option<Conversion> {
        let primaries = chromaticities(told.primaries);
        let curve = transfer(told.transfer);
        if primaries.is_none() && curve.is_none() && told.full_range {
            return None;
        }
        let most = f64::from((1u32 << bits) - 1);
        let (black, span) = match told.full_range {
            true => (0.0, most),
            false => (f64::from(16u32 << (bits - 8)), f64::from(219u32 << (bits - 8))),
        };
        let curve = curve.unwrap_or(light_from_srgb);
        let light = |code: u32| curve(((f64::from(code) - black) / span).clamp(0.0, 1.0)) as f32;
        let to_xyz = xyz_of(primaries.unwrap_or(BT709_XY));
        let matrix = product(inverse(xyz_of(BT709_XY)), to_xyz).map(|row| row.map(|weight| weight as f32));
        Some(Conversion {
            light: (0..1 << bits).map(light).collect(),
            matrix,
            scene: (told.transfer == HLG).then(|| to_xyz[1].map(|weight| weight as f32)),
            peak: told.is_hdr().then_some((if told.transfer == PQ { PQ_PEAK } else { HLG_PEAK } / WHITE) as f32),
        })
    }

    /// Turns a row of RGBA texels into sRGB; alpha stays.
    pub fn convert(&self, texels: &mut [u8]) {
        self.convert_from(texels, |texel, _| [texel[0].into(), texel[1].into(), texel[2].into()]);
    }

    /// Fills the colours of a row of RGBA texels; `codes` yields the three numbers of a pixel from its
    /// texel and its place in the row.
    pub fn convert_from(&self, texels: &mut [u8], codes: impl Fn(&[u8], usize) -> [u16; 3]) {
        let (levels, last) = (light::codes(), self.light.len() - 1);
        let mut light = [[0.0; CHUNK]; 3];
        let mut steps = [[0; CHUNK]; 3];
        for (part, texels) in texels.chunks_mut(CHUNK * TEXEL_BYTES).enumerate() {
            for (at, texel) in texels.chunks_exact(TEXEL_BYTES).enumerate() {
                let codes = codes(texel, part * CHUNK + at);
                for (plane, code) in light.iter_mut().zip(codes) {
                    plane[at] = self.light[usize::from(code).min(last)];
                }
            }
            if let Some(weights) = self.scene {
                display(&mut light, weights);
            }
            mix(&light, &self.matrix, self.peak, &mut steps);
            for (at, texel) in texels.chunks_exact_mut(TEXEL_BYTES).enumerate() {
                for (channel, steps) in texel.iter_mut().zip(&steps) {
                    *channel = levels[usize::from(steps[at]).min(light::STEPS)];
                }
            }
        }
    }
}

/// Turns scene light into display light.
fn display(light: &mut [[f32; CHUNK]; 3], weights: [f32; 3]) {
    let gains = OOTF.as_slice();
    let [red, green, blue] = light;
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        let luminance = weights[0] * *red + weights[1] * *green + weights[2] * *blue;
        let step = (luminance.sqrt() * ROOT_STEPS as f32 + 0.5) as usize;
        let gain = gains[step.min(ROOT_STEPS)];
        *red *= gain;
        *green *= gain;
        *blue *= gain;
    }
}

/// Goes over to sRGB's primaries, rolls highlights off up to `peak` and tells the steps of light.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx512dq", "x86_64+avx2", "x86_64+sse4.1"))]
fn mix(light: &[[f32; CHUNK]; 3], matrix: &[[f32; 3]; 3], peak: Option<f32>, steps: &mut [[u16; CHUNK]; 3]) {
    let [reds, greens, blues] = steps;
    for at in 0..CHUNK {
        let [red, green, blue] =
            matrix.map(|row| (row[0] * light[0][at] + row[1] * light[1][at] + row[2] * light[2][at]).max(0.0));
        let scale = match peak {
            Some(peak) => highlight_scale([red, green, blue], peak),
            None => 1.0,
        };
        let step = |light: f32| ((light * scale).min(1.0) * light::STEPS as f32 + 0.5) as i32 as u16;
        reds[at] = step(red);
        greens[at] = step(green);
        blues[at] = step(blue);
    }
}

/// What a colour is multiplied by so that its luminance, and then its largest channel, roll off.
#[inline(always)]
fn highlight_scale(color: [f32; 3], peak: f32) -> f32 {
    let luminance = LUMINANCE[0] * color[0] + LUMINANCE[1] * color[1] + LUMINANCE[2] * color[2];
    let first = roll_off(luminance, KNEE, peak);
    let largest = color[0].max(color[1]).max(color[2]) * first;
    first * roll_off(largest, CHANNEL_KNEE, CHANNEL_PEAK)
}

/// The factor that leaves `light` alone up to `knee`, and then lets it rise ever slower, from slope 1
/// on, so that `peak` becomes 1. Source: Reinhard et al., "Photographic Tone Reproduction for Digital
/// Images", equation 4, over the room above the knee.
#[inline(always)]
fn roll_off(light: f32, knee: f32, peak: f32) -> f32 {
    let room = 1.0 - knee;
    let (over, most) = ((light - knee).max(0.0) / room, (peak - knee) / room);
    // Beyond the peak the formula would rise above 1.
    let over = over.min(most);
    let rolled = knee + room * over * (1.0 + over / (most * most)) / (1.0 + over);
    if light > knee { rolled / light } else { 1.0 }
}

/// Chromaticities of red, green, blue and white.
type Chromaticities = [[f64; 2]; 4];

const D65: [f64; 2] = [0.3127, 0.3290];
const BT709_XY: Chromaticities = [[0.640, 0.330], [0.300, 0.600], [0.150, 0.060], D65];

/// `None` for sRGB's and for numbers that are not known. Source: H.273, table 2; those of another white
/// than sRGB's are left out.
fn chromaticities(primaries: u16) -> Option<Chromaticities> {
    Some(match primaries {
        5 => [[0.640, 0.330], [0.290, 0.600], [0.150, 0.060], D65],
        6 | 7 => [[0.630, 0.340], [0.310, 0.595], [0.155, 0.070], D65],
        9 => [[0.708, 0.292], [0.170, 0.797], [0.131, 0.046], D65],
        // The cinema's P3 is graded for another white, which is shown as white here.
        11 | 12 => [[0.680, 0.320], [0.265, 0.690], [0.150, 0.060], D65],
        _ => return None,
    })
}

/// From a number as a share of the largest to linear light, as a share of white; `None` for sRGB's and
/// for numbers that are not known. Source: H.273, table 3.
fn transfer(transfer: u16) -> Option<fn(f64) -> f64> {
    Some(match transfer {
        BT709 | 6 | 14 | 15 => light_from_bt709,
        4 => |value| value.powf(2.2),
        5 => |value| value.powf(2.8),
        8 => |value| value,
        PQ => light_from_pq,
        HLG => light_from_hlg,
        _ => return None,
    })
}

fn light_from_srgb(value: f64) -> f64 {
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// The inverse of the curve of BT.709, BT.601 and BT.2020. Source: BT.2020, table 4.
fn light_from_bt709(value: f64) -> f64 {
    const ALPHA: f64 = 1.099_296_826_809_44;
    const BETA: f64 = 0.018_053_968_510_807;
    if value < 4.5 * BETA { value / 4.5 } else { ((value + ALPHA - 1.0) / ALPHA).powf(1.0 / 0.45) }
}

/// Source: BT.2100, table 4.
fn light_from_pq(value: f64) -> f64 {
    const M1: f64 = 2610.0 / 16384.0;
    const M2: f64 = 2523.0 / 4096.0 * 128.0;
    const C1: f64 = 3424.0 / 4096.0;
    const C2: f64 = 2413.0 / 4096.0 * 32.0;
    const C3: f64 = 2392.0 / 4096.0 * 32.0;
    let root = value.powf(1.0 / M2);
    ((root - C1).max(0.0) / (C2 - C3 * root)).powf(1.0 / M1) * PQ_PEAK / WHITE
}

/// Scene light, 1 for the largest number. Source: BT.2100, table 5.
fn light_from_hlg(value: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 0.284_668_92;
    const C: f64 = 0.559_910_73;
    if value <= 0.5 { value * value / 3.0 } else { (((value - C) / A).exp() + B) / 12.0 }
}

/// From linear light of these primaries to CIE XYZ, white having a Y of 1. Source: SMPTE RP 177.
fn xyz_of([red, green, blue, white]: Chromaticities) -> Matrix {
    let xyz = |[x, y]: [f64; 2]| [x / y, 1.0, (1.0 - x - y) / y];
    let columns = [red, green, blue].map(xyz);
    let unscaled: Matrix = [0, 1, 2].map(|row| [0, 1, 2].map(|column: usize| columns[column][row]));
    let white = xyz(white);
    let gains = inverse(unscaled).map(|row| row.iter().zip(white).map(|(weight, value)| weight * value).sum::<f64>());
    unscaled.map(|row| [row[0] * gains[0], row[1] * gains[1], row[2] * gains[2]])
}

fn product(a: Matrix, b: Matrix) -> Matrix {
    a.map(|row| [0, 1, 2].map(|column: usize| row[0] * b[0][column] + row[1] * b[1][column] + row[2] * b[2][column]))
}

/// The inverse of a matrix that has one, by cofactors.
fn inverse(m: Matrix) -> Matrix {
    let cofactor = |row: usize, column: usize| {
        let (r, c) = ([(row + 1) % 3, (row + 2) % 3], [(column + 1) % 3, (column + 2) % 3]);
        m[r[0]][c[0]] * m[r[1]][c[1]] - m[r[0]][c[1]] * m[r[1]][c[0]]
    };
    let determinant: f64 = (0..3).map(|column| m[0][column] * cofactor(0, column)).sum();
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| cofactor(column, row) / determinant))
}

#[cfg(test)]
mod tests;
