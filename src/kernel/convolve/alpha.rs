//! Premultiplied pictures, in floats: plain loops that vectorise, the taps in the reference's order.

use super::Params;
use super::table::Table;
use crate::kernel::{Band, Inputs};
use crate::pixel::{View, quantise};
use multiversion::multiversion;

/// One axis at a time, over rows of the source.
pub(super) fn run(params: &Params, inputs: &Inputs, band: &mut Band) {
    let table = Table { params, words: inputs.table };
    if params.axis == 1 {
        let mut rows = Vec::with_capacity(params.taps as usize);
        band.each_row(|y, row| {
            rows.clear();
            rows.extend(rows_of(&table, &inputs.src, y));
            down(&rows, table.floats(y), row);
            keep(params, inputs, y, row);
        });
        return;
    }
    let span = table.span();
    let mut line = vec![0f32; span.len() * 4];
    let mut sums = vec![0f32; params.width as usize * 4];
    band.each_row(|y, row| {
        widen(inputs.src.row(y + params.cross), params, span.start, &mut line);
        if params.stride == 0 {
            across_shared(&line, table.floats(0), &mut sums);
        } else {
            across_each(&line, &table, span.start, &mut sums);
        }
        finish_row(&sums, row);
        keep(params, inputs, y, row);
    });
}

/// The source rows that the taps for row `place` read, cut to the result's columns.
fn rows_of<'a>(table: &Table, src: &View<'a>, place: u32) -> impl Iterator<Item = &'a [u8]> {
    let Params { cross, width, taps, .. } = *table.params;
    let columns = cross as usize * 4..(cross + width) as usize * 4;
    let first = table.first(place);
    (0..taps as i32).map(move |tap| &src.row(table.inside(first + tap) as u32)[columns.clone()])
}

/// Channel values whose sums are kept in registers at a time.
const LANES: usize = 64;

/// What a texel's values are multiplied by where nothing shows through.
const OPAQUE: [f32; LANES] = {
    let mut factors = [255.0; LANES];
    let mut lane = 3;
    while lane < LANES {
        factors[lane] = 1.0;
        lane += 4;
    }
    factors
};

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx512dq", "x86_64+avx2", "x86_64+sse4.1"))]
fn down(rows: &[&[u8]], weights: &[f32], row: &mut [u8]) {
    for (block, out) in row.chunks_mut(LANES).enumerate() {
        let at = block * LANES;
        let mut sums = [0f32; LANES];
        for (source, &weight) in rows.iter().zip(weights) {
            match source[at..].first_chunk() {
                Some(source) => add(source, weight, &mut sums),
                None => add(&padded(&source[at..]), weight, &mut sums),
            }
        }
        finish_block(&sums, out);
    }
}

/// Up to [`LANES`] bytes, and zeros.
fn padded(bytes: &[u8]) -> [u8; LANES] {
    let mut block = [0; LANES];
    block[..bytes.len()].copy_from_slice(bytes);
    block
}

/// Adds the texels of a block, premultiplied and weighed.
#[inline(always)]
fn add(source: &[u8; LANES], weight: f32, sums: &mut [f32; LANES]) {
    const ALPHAS: u32 = u32::from_le_bytes([0, 0, 0, 255]);
    let (texels, _) = source.as_chunks::<4>();
    let opaque = texels.iter().fold(ALPHAS, |all, texel| all & u32::from_le_bytes(*texel)) == ALPHAS;
    if opaque {
        for lane in 0..LANES {
            sums[lane] += weight * (f32::from(source[lane]) * OPAQUE[lane]);
        }
        return;
    }
    let mut factors = [1f32; LANES];
    for (factors, texel) in factors.chunks_exact_mut(4).zip(texels) {
        factors[..3].fill(f32::from(texel[3]));
    }
    for lane in 0..LANES {
        sums[lane] += weight * (f32::from(source[lane]) * factors[lane]);
    }
}

/// As [`finish`](super::finish), for a row; no alpha is kept.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx512dq", "x86_64+avx2", "x86_64+sse4.1"))]
fn finish_row(sums: &[f32], row: &mut [u8]) {
    for (sums, out) in sums.chunks(LANES).zip(row.chunks_mut(LANES)) {
        match sums.first_chunk() {
            Some(sums) => finish_block(sums, out),
            None => {
                let mut block = [0f32; LANES];
                block[..sums.len()].copy_from_slice(sums);
                finish_block(&block, out);
            }
        }
    }
}

/// As [`finish`](super::finish), for as many texels as `out` has, of at most [`LANES`] values; no
/// alpha is kept.
#[inline(always)]
fn finish_block(sums: &[f32; LANES], out: &mut [u8]) {
    let mut alphas = [0f32; LANES];
    for (alphas, sum) in alphas.chunks_exact_mut(4).zip(sums.chunks_exact(4)) {
        alphas.fill(sum[3]);
    }
    let mut values = [0u8; LANES];
    for lane in 0..LANES {
        let is_alpha = lane % 4 == 3;
        let value = if is_alpha { sums[lane] } else { sums[lane] / alphas[lane] };
        let clear = !is_alpha && quantise(alphas[lane]) == 0;
        values[lane] = if clear { 255 } else { quantise(value) as u8 };
    }
    out.copy_from_slice(&values[..out.len()]);
}

/// Puts the overlay's alpha back into a row, and its texels where there is nothing to see.
fn keep(params: &Params, inputs: &Inputs, y: u32, row: &mut [u8]) {
    if params.keep_alpha == 0 {
        return;
    }
    for (texel, kept) in row.chunks_exact_mut(4).zip(inputs.overlay.row(y).chunks_exact(4)) {
        if kept[3] == 0 || texel[3] == 0 {
            texel.copy_from_slice(kept);
        }
        texel[3] = kept[3];
    }
}

/// One source row as floats, premultiplied, from place `start` on; places outside
/// the window repeat its edge.
fn widen(source: &[u8], params: &Params, start: i32, line: &mut [f32]) {
    let places = (line.len() / 4) as i32;
    let inside_from = (params.low - start).clamp(0, places) as usize;
    let inside_to = (params.high - start).clamp(0, places) as usize;
    let first = (start + inside_from as i32) as usize;
    let inside = &source[first * 4..(first + inside_to - inside_from) * 4];
    premultiply(inside, &mut line[inside_from * 4..inside_to * 4]);
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
fn premultiply(source: &[u8], line: &mut [f32]) {
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
fn across_each(line: &[f32], table: &Table, start: i32, sums: &mut [f32]) {
    for (x, out) in sums.chunks_exact_mut(4).enumerate() {
        let from = (table.first(x as u32) - start) as usize * 4;
        let weights = table.floats(x as u32);
        let mut sum = [0f32; 4];
        for (pixel, &weight) in line[from..from + 4 * weights.len()].chunks_exact(4).zip(weights) {
            for lane in 0..4 {
                sum[lane] += weight * pixel[lane];
            }
        }
        out.copy_from_slice(&sum);
    }
}
