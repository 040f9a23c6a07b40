//! convolve: a weighted sum of source pixels along one axis.
//!
//! Twin: `shaders/convolve.wgsl`, which tells the parameters, the table's layout, the border rule
//! and what happens to alpha. The fast versions add the taps in the reference's order, lane by
//! lane and without fused multiply-add, so that they give the very same bytes.

use super::{Band, Inputs, store, write_size};
use crate::pixel::{View, quantise};
use multiversion::multiversion;

params! {
    width: u32,
    height: u32,
    axis: u32,
    cross: u32,
    taps: u32,
    stride: u32,
    advance: u32,
    low: i32,
    high: i32,
    opaque: u32,
    keep_alpha: u32,
}

impl std::fmt::Display for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_size(f, self.width, self.height)?;
        write!(f, " along {} taps {}", if self.axis == 0 { "x" } else { "y" }, self.taps)?;
        f.write_str(if self.opaque == 1 { " opaque" } else { " premultiplied" })
    }
}

impl Params {
    /// See [`super::Args::cost`]: a multiplication and an addition a tap and channel, and three
    /// times as much where pixels are premultiplied.
    pub(super) fn cost(&self) -> u64 {
        u64::from(self.taps) * if self.opaque == 1 { 1 } else { 3 }
    }
}

/// The reference, line for line the shader's.
pub fn texel(params: &Params, inputs: &Inputs, x: u32, y: u32) -> [u32; 4] {
    let tap = |along: i32, across: i32| {
        let place = along.clamp(params.low, params.high - 1) as u32;
        if params.axis == 0 { inputs.src.texel(place, across as u32) } else { inputs.src.texel(across as u32, place) }
    };
    let place = if params.axis == 0 { x } else { y };
    let across = ((if params.axis == 0 { y } else { x }) + params.cross) as i32;
    let row = (place * params.stride) as usize;
    let first = inputs.table[row] as i32 + (place * params.advance) as i32;
    let mut sum = [0f32; 4];
    if params.opaque == 1 {
        for t in 0..params.taps {
            let weight = f32::from_bits(inputs.table[row + 1 + t as usize]);
            let texel = tap(first + t as i32, across);
            for channel in 0..4 {
                sum[channel] += weight * texel[channel] as f32;
            }
        }
        return [quantise(sum[0]), quantise(sum[1]), quantise(sum[2]), 255];
    }
    for t in 0..params.taps {
        let weight = f32::from_bits(inputs.table[row + 1 + t as usize]);
        let texel = tap(first + t as i32, across);
        let alpha = texel[3] as f32;
        for channel in 0..3 {
            sum[channel] += weight * (texel[channel] as f32 * alpha);
        }
        sum[3] += weight * alpha;
    }
    finish(sum, kept(params, inputs, x, y))
}

/// The overlay's texel where alpha is kept.
#[inline(always)]
fn kept(params: &Params, inputs: &Inputs, x: u32, y: u32) -> Option<[u32; 4]> {
    (params.keep_alpha == 1).then(|| inputs.overlay.texel(x, y))
}

/// From a premultiplied sum to a straight texel.
#[inline(always)]
fn finish(sum: [f32; 4], kept: Option<[u32; 4]>) -> [u32; 4] {
    let alpha = quantise(sum[3]);
    // A pixel that nothing shows through is white, so that flattening it yields white.
    let mut texel = [255, 255, 255, 0];
    if alpha > 0 {
        texel = [quantise(sum[0] / sum[3]), quantise(sum[1] / sum[3]), quantise(sum[2] / sum[3]), alpha];
    }
    if let Some(kept) = kept {
        if kept[3] == 0 || alpha == 0 {
            texel = kept;
        }
        texel[3] = kept[3];
    }
    texel
}

/// One axis at a time, over rows of the source.
pub fn run(params: &Params, inputs: &Inputs, band: &mut Band) {
    let weights = Weights { params, table: inputs.table };
    if params.axis == 1 {
        let mut rows = Vec::with_capacity(params.taps as usize);
        band.each_row(|y, row| {
            rows.clear();
            rows.extend(weights.rows(&inputs.src, y));
            if params.opaque == 1 {
                down_opaque(&rows, weights.of(y), row);
            } else {
                down_alpha(&rows, weights.of(y), |x| kept(params, inputs, x, y), row);
            }
        });
        return;
    }
    let span = weights.span();
    let mut line = vec![0f32; span.len() * 4];
    let mut sums = vec![0f32; params.width as usize * 4];
    band.each_row(|y, row| {
        widen(inputs.src.row(y + params.cross), params, span.start, &mut line);
        if params.stride == 0 {
            across_shared(&line, weights.of(0), &mut sums);
        } else {
            across_each(&line, &weights, span.start, &mut sums);
        }
        if params.opaque == 1 {
            round_opaque(&sums, row);
        } else {
            for (x, out) in row.chunks_exact_mut(4).enumerate() {
                let sum = [sums[4 * x], sums[4 * x + 1], sums[4 * x + 2], sums[4 * x + 3]];
                store(out, finish(sum, kept(params, inputs, x as u32, y)));
            }
        }
    });
}

/// The table, read.
struct Weights<'a> {
    params: &'a Params,
    table: &'a [u32],
}

impl Weights<'_> {
    /// Source place of the first tap for `place`; may lie outside for a blur.
    #[inline(always)]
    fn first(&self, place: u32) -> i32 {
        self.table[(place * self.params.stride) as usize] as i32 + (place * self.params.advance) as i32
    }

    /// The weights for `place`.
    #[inline(always)]
    fn of(&self, place: u32) -> &[f32] {
        let start = (place * self.params.stride) as usize + 1;
        bytemuck::cast_slice(&self.table[start..start + self.params.taps as usize])
    }

    /// The source rows that the taps for row `place` read, cut to the result's columns.
    fn rows<'a>(&self, src: &View<'a>, place: u32) -> impl Iterator<Item = &'a [u8]> {
        let Params { cross, width, low, high, taps, .. } = *self.params;
        let columns = cross as usize * 4..(cross + width) as usize * 4;
        let (first, src) = (self.first(place), *src);
        (0..taps as i32).map(move |tap| &src.row((first + tap).clamp(low, high - 1) as u32)[columns.clone()])
    }

    /// All source places that any result along x reads.
    fn span(&self) -> std::ops::Range<i32> {
        let places = 0..self.params.width;
        let start = places.clone().map(|place| self.first(place)).min().unwrap_or(0);
        let end = places.map(|place| self.first(place)).max().unwrap_or(0) + self.params.taps as i32;
        start..end
    }
}

/// Channel values whose sums are kept in registers at a time.
const LANES: usize = 64;

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx512dq", "x86_64+avx2", "x86_64+sse4.1"))]
fn down_opaque(rows: &[&[u8]], weights: &[f32], row: &mut [u8]) {
    let bytes = row.len();
    let mut at = 0;
    while at + LANES <= bytes {
        let mut sums = [0f32; LANES];
        for (source, &weight) in rows.iter().zip(weights) {
            let source: &[u8; LANES] = source[at..at + LANES].try_into().unwrap_or(&[0; LANES]);
            for lane in 0..LANES {
                sums[lane] += weight * f32::from(source[lane]);
            }
        }
        for lane in 0..LANES {
            row[at + lane] = quantise(sums[lane]) as u8;
        }
        at += LANES;
    }
    for (at, out) in row.iter_mut().enumerate().skip(at) {
        let mut sum = 0f32;
        for (source, &weight) in rows.iter().zip(weights) {
            sum += weight * f32::from(source[at]);
        }
        *out = quantise(sum) as u8;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx512dq", "x86_64+avx2", "x86_64+sse4.1"))]
fn down_alpha(rows: &[&[u8]], weights: &[f32], kept: impl Fn(u32) -> Option<[u32; 4]>, row: &mut [u8]) {
    const PIXELS: usize = LANES / 4;
    for (block, out) in row.chunks_mut(LANES).enumerate() {
        let at = block * LANES;
        let mut sums = [0f32; LANES];
        for (source, &weight) in rows.iter().zip(weights) {
            let mut values = [0f32; LANES];
            let mut factors = [0f32; LANES];
            for (value, &byte) in values.iter_mut().zip(&source[at..at + out.len()]) {
                *value = f32::from(byte);
            }
            for pixel in 0..PIXELS {
                let alpha = values[4 * pixel + 3];
                factors[4 * pixel] = alpha;
                factors[4 * pixel + 1] = alpha;
                factors[4 * pixel + 2] = alpha;
                factors[4 * pixel + 3] = 1.0;
            }
            for lane in 0..LANES {
                sums[lane] += weight * (values[lane] * factors[lane]);
            }
        }
        for (pixel, out) in out.chunks_exact_mut(4).enumerate() {
            let sum = [sums[4 * pixel], sums[4 * pixel + 1], sums[4 * pixel + 2], sums[4 * pixel + 3]];
            store(out, finish(sum, kept((at / 4 + pixel) as u32)));
        }
    }
}

/// One source row as floats, premultiplied unless opaque, from place `start` on; places outside
/// the window repeat its edge.
fn widen(source: &[u8], params: &Params, start: i32, line: &mut [f32]) {
    let places = (line.len() / 4) as i32;
    let inside_from = (params.low - start).clamp(0, places) as usize;
    let inside_to = (params.high - start).clamp(0, places) as usize;
    let first = (start + inside_from as i32) as usize;
    let inside = &source[first * 4..(first + inside_to - inside_from) * 4];
    if params.opaque == 1 {
        widen_opaque(inside, &mut line[inside_from * 4..inside_to * 4]);
    } else {
        widen_alpha(inside, &mut line[inside_from * 4..inside_to * 4]);
    }
    if inside_from < inside_to {
        line.copy_within(inside_from * 4..inside_from * 4 + 4, 0);
        for place in 1..inside_from {
            line.copy_within(0..4, place * 4);
        }
        for place in inside_to..places as usize {
            line.copy_within((inside_to - 1) * 4..inside_to * 4, place * 4);
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx512dq", "x86_64+avx2", "x86_64+sse4.1"))]
fn widen_opaque(source: &[u8], line: &mut [f32]) {
    for (value, &byte) in line.iter_mut().zip(source) {
        *value = f32::from(byte);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx512dq", "x86_64+avx2", "x86_64+sse4.1"))]
fn widen_alpha(source: &[u8], line: &mut [f32]) {
    for (values, pixel) in line.chunks_exact_mut(4).zip(source.chunks_exact(4)) {
        let alpha = f32::from(pixel[3]);
        values[0] = f32::from(pixel[0]) * alpha;
        values[1] = f32::from(pixel[1]) * alpha;
        values[2] = f32::from(pixel[2]) * alpha;
        values[3] = alpha;
    }
}

/// All places share the weights: whole vectors slide along the line.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx512dq", "x86_64+avx2", "x86_64+sse4.1"))]
fn across_shared(line: &[f32], weights: &[f32], sums: &mut [f32]) {
    let count = sums.len();
    let mut at = 0;
    while at + LANES <= count {
        let mut block = [0f32; LANES];
        for (tap, &weight) in weights.iter().enumerate() {
            let from = at + 4 * tap;
            let source: &[f32; LANES] = line[from..from + LANES].try_into().unwrap_or(&[0.0; LANES]);
            for lane in 0..LANES {
                block[lane] += weight * source[lane];
            }
        }
        sums[at..at + LANES].copy_from_slice(&block);
        at += LANES;
    }
    for (at, out) in sums.iter_mut().enumerate().skip(at) {
        let mut sum = 0f32;
        for (tap, &weight) in weights.iter().enumerate() {
            sum += weight * line[at + 4 * tap];
        }
        *out = sum;
    }
}

/// Each place has weights of its own: four lanes at a time.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx512dq", "x86_64+avx2", "x86_64+sse4.1"))]
fn across_each(line: &[f32], weights: &Weights, start: i32, sums: &mut [f32]) {
    for (x, out) in sums.chunks_exact_mut(4).enumerate() {
        let from = (weights.first(x as u32) - start) as usize * 4;
        let weights = weights.of(x as u32);
        let mut sum = [0f32; 4];
        for (pixel, &weight) in line[from..from + 4 * weights.len()].chunks_exact(4).zip(weights) {
            for lane in 0..4 {
                sum[lane] += weight * pixel[lane];
            }
        }
        out.copy_from_slice(&sum);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx512dq", "x86_64+avx2", "x86_64+sse4.1"))]
fn round_opaque(sums: &[f32], row: &mut [u8]) {
    for (out, &sum) in row.iter_mut().zip(sums) {
        *out = quantise(sum) as u8;
    }
}
