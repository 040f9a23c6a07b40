//! Weight tables for the `convolve` kernel, computed in f64 and shipped as f32.
//!
//! Units are pixels of the row or column that is read; the centre of pixel i is i + 0.5.

use std::f64::consts::PI;

/// How a resize weighs source pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resample {
    /// Lanczos with three lobes, widened by the reduction factor.
    #[default]
    Lanczos,
    /// The exact mean over each result pixel's area; enlarging is Lanczos all the same.
    Area,
}

impl Resample {
    /// Every filter with its name.
    pub const NAMES: [(&'static str, Resample); 2] = [("lanczos", Resample::Lanczos), ("area", Resample::Area)];

    pub fn parse(name: &str) -> Option<Resample> {
        Resample::NAMES.iter().find(|(known, _)| *known == name).map(|(_, resample)| *resample)
    }
}

/// One axis of a resize.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    /// First source pixel of the window that is scaled.
    pub start: u32,
    /// Pixels in the window; taps outside it are dropped.
    pub count: u32,
    /// The window's true length in source pixels: `count`, or less by a fraction when the decoder
    /// delivered a reduced picture whose last pixel is not wholly covered. For chroma that is to
    /// cover an odd number of luma pixels by whole samples, the length of those.
    pub length: f64,
    /// Pixels that the length becomes.
    pub scaled: u32,
    /// First of them that is kept.
    pub kept_start: u32,
    /// How many are kept.
    pub kept_count: u32,
    /// Source pixels by which every result pixel lies further on than its number tells: what is left
    /// where the places of chroma begin between two samples.
    pub shift: f64,
}

/// A table for `convolve`: `rows × (1 + taps)` words, or one row that all places share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    pub words: Vec<u32>,
    pub taps: u32,
}

/// Half the width of the Lanczos kernel, in lobes.
const LOBES: f64 = 3.0;

/// The table of one axis of a resize: for each kept pixel the first source pixel and the weights.
///
/// A result pixel j has its centre at (j + 0.5) · length / scaled + shift. Lanczos: support 3 · max(1,
/// length / scaled), weights normalised over the taps inside the window. Area: overlap of each
/// source pixel with [j, j + 1) · length / scaled + shift. Source: the specification, section 3.1.
pub fn resample(axis: &Axis, filter: Resample) -> Weights {
    let scale = axis.length / f64::from(axis.scaled);
    let area = filter == Resample::Area && scale >= 1.0;
    let mut rows = Vec::with_capacity(axis.kept_count as usize);
    for place in axis.kept_start..axis.kept_start + axis.kept_count {
        rows.push(if area { area_row(axis, scale, place) } else { lanczos_row(axis, scale, place) });
    }
    let taps = rows.iter().map(|(_, weights)| weights.len()).max().unwrap_or(1);
    let mut words = Vec::with_capacity(rows.len() * (1 + taps));
    for (first, weights) in rows {
        words.push(axis.start + first);
        push_normalised(&mut words, &weights, taps);
    }
    Weights { words, taps: taps as u32 }
}

/// Whole pixels of the window between two places, at least one.
fn pixels_between(axis: &Axis, low: f64, high: f64) -> (u32, u32) {
    let last = f64::from(axis.count - 1);
    let first = low.clamp(0.0, last) as u32;
    let end = high.clamp(f64::from(first) + 1.0, f64::from(axis.count)) as u32;
    (first, end)
}

fn lanczos_row(axis: &Axis, scale: f64, place: u32) -> (u32, Vec<f64>) {
    let widened = scale.max(1.0);
    let support = LOBES * widened;
    let centre = (f64::from(place) + 0.5) * scale + axis.shift;
    let (first, end) = pixels_between(axis, (centre - support - 0.5).ceil(), (centre + support + 0.5).floor());
    let weight = |pixel: u32| lanczos((f64::from(pixel) + 0.5 - centre) / widened);
    (first, (first..end).map(weight).collect())
}

fn area_row(axis: &Axis, scale: f64, place: u32) -> (u32, Vec<f64>) {
    let (low, high) = (f64::from(place) * scale + axis.shift, f64::from(place + 1) * scale + axis.shift);
    let (first, end) = pixels_between(axis, low.floor(), high.ceil());
    let overlap = |pixel: u32| ((f64::from(pixel) + 1.0).min(high) - f64::from(pixel).max(low)).max(0.0);
    (first, (first..end).map(overlap).collect())
}

/// sinc(x) · sinc(x / 3) within three lobes, 0 outside.
fn lanczos(x: f64) -> f64 {
    if x.abs() >= LOBES {
        return 0.0;
    }
    sinc(x) * sinc(x / LOBES)
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// The row that all places of a blur share: first tap −radius, then 2 · radius + 1 weights
/// exp(−i² / (2 sigma²)), normalised.
///
/// Source: the specification, section 4.1.
pub fn gauss(radius_px: u32, sigma_px: f64) -> Weights {
    let radius = radius_px as i32;
    let weights: Vec<f64> =
        (-radius..=radius).map(|i| (-f64::from(i * i) / (2.0 * sigma_px * sigma_px)).exp()).collect();
    let mut words = vec![(-radius) as u32];
    push_normalised(&mut words, &weights, weights.len());
    Weights { words, taps: weights.len() as u32 }
}

/// Appends `weights` scaled to sum 1, as f32 bits, and zeros up to `taps`.
fn push_normalised(words: &mut Vec<u32>, weights: &[f64], taps: usize) {
    let sum: f64 = weights.iter().sum();
    words.extend(weights.iter().map(|weight| ((weight / sum) as f32).to_bits()));
    words.extend(std::iter::repeat_n(0f32.to_bits(), taps - weights.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(count: u32, scaled: u32) -> Axis {
        Axis { start: 0, count, length: count.into(), scaled, kept_start: 0, kept_count: scaled, shift: 0.0 }
    }

    fn rows(weights: &Weights) -> Vec<(u32, Vec<f32>)> {
        let row = |row: &[u32]| (row[0], row[1..].iter().map(|word| f32::from_bits(*word)).collect());
        weights.words.chunks_exact(1 + weights.taps as usize).map(row).collect()
    }

    #[test]
    fn every_row_sums_to_one() {
        for filter in [Resample::Lanczos, Resample::Area] {
            for (count, scaled) in [(400, 200), (267, 134), (1000, 3), (3, 1000), (1, 10), (30_000, 7), (7, 7)] {
                for (_, weights) in rows(&resample(&axis(count, scaled), filter)) {
                    let sum: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
                    assert!((sum - 1.0).abs() < 1e-5, "{count} -> {scaled}: {sum}");
                }
            }
        }
    }

    #[test]
    fn own_size_is_the_identity() {
        for (place, (first, weights)) in rows(&resample(&axis(9, 9), Resample::Lanczos)).iter().enumerate() {
            for (tap, weight) in weights.iter().enumerate() {
                let expected = if *first as usize + tap == place { 1.0 } else { 0.0 };
                assert!((weight - expected).abs() < 1e-7, "{place} {tap}: {weight}");
            }
        }
    }

    #[test]
    fn halving_by_area_takes_the_mean_of_two() {
        for (place, (first, weights)) in rows(&resample(&axis(8, 4), Resample::Area)).iter().enumerate() {
            assert_eq!(*first as usize, 2 * place);
            assert_eq!(weights[..2], [0.5, 0.5]);
        }
        // 3 -> 2: pixels 0 and half of 1.
        let (first, weights) = &rows(&resample(&axis(3, 2), Resample::Area))[0];
        assert_eq!(*first, 0);
        assert!((weights[0] - 2.0 / 3.0).abs() < 1e-6 && (weights[1] - 1.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn halving_by_lanczos_has_the_textbook_weights() {
        // Far from the edges: offsets ±0.5, ±1.5 … ±5.5 source pixels, divided by 2.
        let all = rows(&resample(&axis(100, 50), Resample::Lanczos));
        let (first, weights) = &all[25];
        assert_eq!(*first, 45);
        let expected: Vec<f64> = (0..12).map(|i| lanczos((f64::from(i) - 5.5) / 2.0)).collect();
        let sum: f64 = expected.iter().sum();
        for (weight, expected) in weights.iter().zip(expected) {
            assert!((f64::from(*weight) - expected / sum).abs() < 1e-7);
        }
        // lanczos3(0.25) = sinc(0.25) · sinc(0.08333) = 0.900316 · 0.988616
        assert!((lanczos(0.25) - 0.890067).abs() < 1e-6, "{}", lanczos(0.25));
    }

    #[test]
    fn blur_weights_are_the_documented_ones() {
        let weights = gauss(3, 2.0);
        assert_eq!(weights.words[0] as i32, -3);
        let centre: Vec<f32> = weights.words[4..].iter().map(|word| f32::from_bits(*word)).collect();
        for (weight, expected) in centre.iter().zip([0.2161, 0.1907, 0.1311, 0.0702]) {
            assert!((weight - expected).abs() < 5e-5, "{weight} {expected}");
        }
    }

    #[test]
    fn a_kept_part_has_the_rows_of_the_whole() {
        let whole = rows(&resample(&axis(267, 100), Resample::Lanczos));
        let part = Axis { kept_start: 30, kept_count: 20, ..axis(267, 100) };
        for (kept, (first, weights)) in rows(&resample(&part, Resample::Lanczos)).into_iter().enumerate() {
            let (whole_first, whole_weights) = &whole[30 + kept];
            assert_eq!(first, *whole_first);
            assert!(weights.iter().zip(whole_weights).all(|(a, b)| a == b));
        }
    }
}
