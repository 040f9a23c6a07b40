//! Premultiplied pictures, in floats: plain loops that vectorise, the taps in the reference's order.

use super::table::Table;
use super::{Params, finish, kept};
use crate::kernel::{Band, Inputs, store};
use crate::pixel::View;
use multiversion::multiversion;

/// One axis at a time, over rows of the source.
pub(super) fn run(params: &Params, inputs: &Inputs, band: &mut Band) {
    let table = Table { params, words: inputs.table };
    if params.axis == 1 {
        let mut rows = Vec::with_capacity(params.taps as usize);
        band.each_row(|y, row| {
            rows.clear();
            rows.extend(rows_of(&table, &inputs.src, y));
            down(&rows, table.floats(y), |x| kept(params, inputs, x, y), row);
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
        for (x, out) in row.chunks_exact_mut(4).enumerate() {
            let sum = [sums[4 * x], sums[4 * x + 1], sums[4 * x + 2], sums[4 * x + 3]];
            store(out, finish(sum, kept(params, inputs, x as u32, y)));
        }
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

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx512dq", "x86_64+avx2", "x86_64+sse4.1"))]
fn down(rows: &[&[u8]], weights: &[f32], kept: impl Fn(u32) -> Option<[u32; 4]>, row: &mut [u8]) {
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
