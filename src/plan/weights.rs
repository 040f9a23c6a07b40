//! Weight tables for the `convolve` kernel, computed in f64 and shipped in fixed point for opaque
//! pictures, as f32 for others.
//!
//! Units are pixels of the row or column that is read; the centre of pixel i is i + 0.5.
//!
//! Fixed point is finer than it looks: its weights are differences of the rounded running sum, so
//! that every row sums to exactly one and the first k weights together are never off by more than
//! half a unit. What smooth parts of a picture see of it is next to nothing.

use crate::kernel::convolve::LARGEST_WEIGHT;
use std::f64::consts::PI;
use std::sync::Arc;

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
    pub words: Arc<[u32]>,
    pub taps: u32,
    /// Binary digits after the point of the weights, or 0 where they are f32.
    pub digits: u32,
}

/// Half the width of the Lanczos kernel, in lobes.
const LOBES: f64 = 3.0;

/// The table of one axis of a resize: for each kept pixel the first source pixel and the weights.
///
/// A result pixel j has its centre at (j + 0.5) · length / scaled + shift. Lanczos: support 3 · max(1,
/// length / scaled), weights normalised over the taps inside the window. Area: overlap of each
/// source pixel with [j, j + 1) · length / scaled + shift. Source: the specification, section 3.1.
///
/// Fixed point for `opaque` pictures.
pub fn resample(axis: &Axis, filter: Resample, opaque: bool) -> Weights {
    let scale = axis.length / f64::from(axis.scaled);
    let area = filter == Resample::Area && scale >= 1.0;
    let mut rows = Vec::with_capacity(axis.kept_count as usize);
    for place in axis.kept_start..axis.kept_start + axis.kept_count {
        let (first, weights) = if area { area_row(axis, scale, place) } else { lanczos_row(axis, scale, place) };
        rows.push((axis.start + first, weights));
    }
    table(rows, opaque)
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
    let offset = |pixel: u32| (f64::from(pixel) + 0.5 - centre) / widened;
    // Sines are most of planning a resize: each follows from the one before by a turn.
    let (turn_sine, turn_cosine) = (PI / LOBES / widened).sin_cos();
    let (mut sine, mut cosine) = (PI / LOBES * offset(first)).sin_cos();
    let weight = |pixel: u32| {
        let weight = lanczos(offset(pixel), sine);
        (sine, cosine) = (sine * turn_cosine + cosine * turn_sine, cosine * turn_cosine - sine * turn_sine);
        weight
    };
    (first, (first..end).map(weight).collect())
}

fn area_row(axis: &Axis, scale: f64, place: u32) -> (u32, Vec<f64>) {
    let (low, high) = (f64::from(place) * scale + axis.shift, f64::from(place + 1) * scale + axis.shift);
    let (first, end) = pixels_between(axis, low.floor(), high.ceil());
    let overlap = |pixel: u32| ((f64::from(pixel) + 1.0).min(high) - f64::from(pixel).max(low)).max(0.0);
    (first, (first..end).map(overlap).collect())
}

/// sinc(x) · sinc(x / 3) within three lobes, 0 outside; `sine` is that of π x / 3.
fn lanczos(x: f64, sine: f64) -> f64 {
    if x.abs() >= LOBES {
        return 0.0;
    }
    if x == 0.0 {
        return 1.0;
    }
    // sin 3a = sin a · (3 − 4 sin² a).
    let square = sine * sine;
    square * (3.0 - 4.0 * square) * LOBES / (PI * x).powi(2)
}

/// The row that all places of a blur share: first tap −radius, then 2 · radius + 1 weights
/// exp(−i² / (2 sigma²)), normalised. Fixed point for `opaque` pictures.
///
/// Source: the specification, section 4.1.
pub fn gauss(radius_px: u32, sigma_px: f64, opaque: bool) -> Weights {
    let radius = radius_px as i32;
    let weights = (-radius..=radius).map(|i| (-f64::from(i * i) / (2.0 * sigma_px * sigma_px)).exp()).collect();
    table(vec![((-radius) as u32, weights)], opaque)
}

/// Rows of a first place and weights, which are scaled to sum 1 and padded with zeros to a common
/// length.
fn table(mut rows: Vec<(u32, Vec<f64>)>, opaque: bool) -> Weights {
    for (_, weights) in &mut rows {
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
    let taps = rows.iter().map(|(_, weights)| weights.len()).max().unwrap_or(1);
    let digits = if opaque { digits_for(&rows, taps) } else { 0 };
    let mut words = Vec::with_capacity(rows.len() * (1 + taps));
    for (first, weights) in rows {
        words.push(first);
        match opaque {
            true => push_fixed(&mut words, &weights, digits),
            false => words.extend(weights.iter().map(|weight| (*weight as f32).to_bits())),
        }
        // Zero is the same word in both.
        words.extend(std::iter::repeat_n(0, taps - weights.len()));
    }
    Weights { words: words.into(), taps: taps as u32, digits }
}

/// Most binary digits after the point that no table needs more of.
const MOST_DIGITS: u32 = 22;

/// As many binary digits after the point as keep every weight within [`LARGEST_WEIGHT`] and every
/// sum over channel values within an i32; rounding moves a weight by less than one unit.
fn digits_for(rows: &[(u32, Vec<f64>)], taps: usize) -> u32 {
    let (mut largest, mut total) = (0f64, 0f64);
    for (_, weights) in rows {
        largest = weights.iter().fold(largest, |largest, weight| largest.max(weight.abs()));
        total = total.max(weights.iter().map(|weight| weight.abs()).sum());
    }
    let fits = |digits: &u32| {
        let one = f64::from(1u32 << digits);
        let sum = (total * one + taps as f64) * 255.0 + one / 2.0;
        largest * one + 1.0 <= f64::from(LARGEST_WEIGHT) && sum <= f64::from(i32::MAX)
    };
    (1..=MOST_DIGITS).rev().find(fits).unwrap_or(1)
}

/// Appends `weights` in fixed point: the steps of their rounded running sum.
fn push_fixed(words: &mut Vec<u32>, weights: &[f64], digits: u32) {
    let one = f64::from(1u32 << digits);
    let (mut exact, mut given) = (0f64, 0i32);
    words.extend(weights.iter().map(|weight| {
        exact += weight * one;
        let reached = (exact + 0.5).floor() as i32;
        let step = reached - given;
        given = reached;
        step as u32
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// sinc(x) · sinc(x / 3).
    fn textbook(x: f64) -> f64 {
        let sinc = |x: f64| (PI * x).sin() / (PI * x);
        sinc(x) * sinc(x / LOBES)
    }

    fn axis(count: u32, scaled: u32) -> Axis {
        Axis { start: 0, count, length: count.into(), scaled, kept_start: 0, kept_count: scaled, shift: 0.0 }
    }

    /// The rows of a table as numbers.
    fn rows(weights: &Weights) -> Vec<(u32, Vec<f32>)> {
        let number = |word: &u32| match weights.digits {
            0 => f32::from_bits(*word),
            digits => (f64::from(*word as i32) / f64::from(1 << digits)) as f32,
        };
        let row = |row: &[u32]| (row[0], row[1..].iter().map(number).collect());
        weights.words.chunks_exact(1 + weights.taps as usize).map(row).collect()
    }

    #[test]
    fn every_row_sums_to_one() {
        for filter in [Resample::Lanczos, Resample::Area] {
            for (count, scaled) in [(400, 200), (267, 134), (1000, 3), (3, 1000), (1, 10), (30_000, 7), (7, 7)] {
                for (_, weights) in rows(&resample(&axis(count, scaled), filter, false)) {
                    let sum: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
                    assert!((sum - 1.0).abs() < 1e-5, "{count} -> {scaled}: {sum}");
                }
            }
        }
    }

    #[test]
    fn own_size_is_the_identity() {
        for (place, (first, weights)) in rows(&resample(&axis(9, 9), Resample::Lanczos, false)).iter().enumerate() {
            for (tap, weight) in weights.iter().enumerate() {
                let expected = if *first as usize + tap == place { 1.0 } else { 0.0 };
                assert!((weight - expected).abs() < 1e-7, "{place} {tap}: {weight}");
            }
        }
    }

    #[test]
    fn halving_by_area_takes_the_mean_of_two() {
        for (place, (first, weights)) in rows(&resample(&axis(8, 4), Resample::Area, true)).iter().enumerate() {
            assert_eq!(*first as usize, 2 * place);
            assert_eq!(weights[..2], [0.5, 0.5]);
        }
        // 3 -> 2: pixels 0 and half of 1.
        let (first, weights) = &rows(&resample(&axis(3, 2), Resample::Area, false))[0];
        assert_eq!(*first, 0);
        assert!((weights[0] - 2.0 / 3.0).abs() < 1e-6 && (weights[1] - 1.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn halving_by_lanczos_has_the_textbook_weights() {
        // Far from the edges: offsets ±0.5, ±1.5 … ±5.5 source pixels, divided by 2.
        let all = rows(&resample(&axis(100, 50), Resample::Lanczos, false));
        let (first, weights) = &all[25];
        assert_eq!(*first, 45);
        let expected: Vec<f64> = (0..12).map(|i| textbook((f64::from(i) - 5.5) / 2.0)).collect();
        let sum: f64 = expected.iter().sum();
        for (weight, expected) in weights.iter().zip(expected) {
            assert!((f64::from(*weight) - expected / sum).abs() < 1e-7);
        }
        // lanczos3(0.25) = sinc(0.25) · sinc(0.08333) = 0.900316 · 0.988616
        assert!((textbook(0.25) - 0.890067).abs() < 1e-6, "{}", textbook(0.25));
        for x in [0.25, 0.5, 1.0, 1.75, 2.5, 2.999, -1.3] {
            assert!((lanczos(x, (PI * x / 3.0).sin()) - textbook(x)).abs() < 1e-12, "{x}");
        }
    }

    #[test]
    fn blur_weights_are_the_documented_ones() {
        let weights = gauss(3, 2.0, false);
        assert_eq!(weights.words[0] as i32, -3);
        let centre: Vec<f32> = weights.words[4..].iter().map(|word| f32::from_bits(*word)).collect();
        for (weight, expected) in centre.iter().zip([0.2161, 0.1907, 0.1311, 0.0702]) {
            assert!((weight - expected).abs() < 5e-5, "{weight} {expected}");
        }
    }

    #[test]
    fn a_kept_part_has_the_rows_of_the_whole() {
        let whole = rows(&resample(&axis(267, 100), Resample::Lanczos, false));
        let part = Axis { kept_start: 30, kept_count: 20, ..axis(267, 100) };
        for (kept, (first, weights)) in rows(&resample(&part, Resample::Lanczos, false)).into_iter().enumerate() {
            let (whole_first, whole_weights) = &whole[30 + kept];
            assert_eq!(first, *whole_first);
            assert!(weights.iter().zip(whole_weights).all(|(a, b)| a == b));
        }
    }

    #[test]
    fn fixed_point_rows_sum_to_exactly_one_and_stay_in_range() {
        let axes = [(400, 200), (267, 134), (1000, 3), (3, 1000), (1, 10), (30_000, 7), (7, 7), (1600, 1024)];
        let resamples = axes.into_iter().flat_map(|(count, scaled)| {
            [Resample::Lanczos, Resample::Area].map(|filter| resample(&axis(count, scaled), filter, true))
        });
        let blurs = [(1, 0.1), (3, 2.0), (20, 10.0), (50, 50.0)].map(|(radius, sigma)| gauss(radius, sigma, true));
        for table in resamples.chain(blurs) {
            assert!((1..=MOST_DIGITS).contains(&table.digits));
            for row in table.words.chunks_exact(1 + table.taps as usize) {
                let weights: Vec<i64> = row[1..].iter().map(|word| i64::from(*word as i32)).collect();
                assert_eq!(weights.iter().sum::<i64>(), 1 << table.digits);
                assert!(weights.iter().all(|weight| weight.abs() <= i64::from(LARGEST_WEIGHT)), "{weights:?}");
                let largest: i64 = weights.iter().map(|weight| weight.abs() * 255).sum();
                assert!(i32::try_from(largest + (1 << (table.digits - 1))).is_ok(), "{largest}");
            }
        }
    }

    #[test]
    fn fixed_point_has_the_digits_there_is_room_for() {
        // A weight of 1 leaves 14 digits, a half 15; wide blurs have them all.
        assert_eq!(resample(&axis(7, 7), Resample::Lanczos, true).digits, 14);
        assert_eq!(resample(&axis(8, 4), Resample::Area, true).digits, 15);
        assert_eq!(resample(&axis(30_000, 7), Resample::Area, true).digits, MOST_DIGITS);
        // Halves: 0.5 · 2^15.
        assert_eq!(resample(&axis(8, 4), Resample::Area, true).words[..3], [0, 1 << 14, 1 << 14]);
    }

    #[test]
    fn fixed_point_is_within_a_unit_of_the_exact_weights() {
        let [exact, fixed] = [false, true].map(|opaque| resample(&axis(1600, 1024), Resample::Lanczos, opaque));
        let unit = 1.0 / (1u32 << fixed.digits) as f32;
        for ((first, exact), (fixed_first, fixed)) in rows(&exact).into_iter().zip(rows(&fixed)) {
            assert_eq!(first, fixed_first);
            let mut sums = (0f32, 0f32);
            for (exact, fixed) in exact.iter().zip(fixed) {
                assert!((exact - fixed).abs() <= unit * 1.01);
                sums = (sums.0 + exact, sums.1 + fixed);
                assert!((sums.0 - sums.1).abs() <= unit * 0.51, "{sums:?}");
            }
        }
    }

    #[test]
    fn a_blur_in_fixed_point_is_symmetric() {
        for (radius, sigma) in [(1, 1.0), (3, 2.0), (20, 10.0), (50, 17.0)] {
            let words = gauss(radius, sigma, true).words;
            assert!(words[1..].iter().eq(words[1..].iter().rev()), "{words:?}");
        }
    }
}
