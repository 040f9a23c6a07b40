//! convolve: a weighted sum of source pixels along one axis.
//!
//! Twin: `shaders/convolve.wgsl`, which tells the parameters, the table's layout, the border rule
//! and what happens to alpha.
//!
//! Opaque pictures, and planes of one component, are summed in integers (`fixed`), where no order
//! of adding matters; premultiplied ones in floats (`alpha`), whose fast version adds the taps in
//! the reference's order, lane by lane and without fused multiply-add. Both give the very bytes of
//! [`texel`].

mod across;
mod alpha;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod down;
mod fixed;
mod plain;
mod table;
#[cfg(test)]
mod tests;

use super::{Band, Inputs, write_size};
use crate::pixel::{TEXEL_BYTES, View, quantise};
use crate::plane::{Plane, PlaneMut};
use fixed::{Level, Samples, Target};
use table::Table;

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
    digits: u32,
}

/// The largest size of a weight in fixed point: what two signed bytes hold, high and low, on either
/// side of zero.
pub const LARGEST_WEIGHT: i32 = 127 * 256 + 127;

impl std::fmt::Display for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_size(f, self.width, self.height)?;
        write!(f, " along {} taps {}", if self.axis == 0 { "x" } else { "y" }, self.taps)?;
        f.write_str(if self.opaque == 1 { " opaque" } else { " premultiplied" })
    }
}

impl Params {
    /// See [`super::Args::cost`]: integers take a quarter of a unit a tap, floats of premultiplied
    /// pixels three.
    pub(super) fn cost(&self) -> u64 {
        let taps = u64::from(self.taps);
        if self.opaque == 1 { 2 + taps / 4 } else { 3 * taps }
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
    if params.opaque == 1 {
        let mut total = [1 << (params.digits - 1); 3];
        for t in 0..params.taps {
            let weight = inputs.table[row + 1 + t as usize] as i32;
            let texel = tap(first + t as i32, across);
            for channel in 0..3 {
                total[channel] += weight * texel[channel] as i32;
            }
        }
        let [red, green, blue] = total.map(|total| (total >> params.digits).clamp(0, 255) as u32);
        return [red, green, blue, 255];
    }
    let mut sum = [0f32; 4];
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

/// One axis, in integers or in floats.
pub fn run(params: &Params, inputs: &Inputs, band: &mut Band) {
    if params.opaque == 0 {
        return alpha::run(params, inputs, band);
    }
    run_at(Level::best(), params, inputs, band);
}

fn run_at(level: Level, params: &Params, inputs: &Inputs, band: &mut Band) {
    let table = Table { params, words: inputs.table };
    fixed::run(level, table, pixels(&inputs.src), target(band));
}

/// Whether a pass with the parameters `second` over the result of `first` can be made together with it.
pub(super) fn joins(first: &Params, second: &Params) -> bool {
    first.opaque == 1 && second.opaque == 1 && first.axis == 1 && second.axis == 0
}

/// Two passes along y and then x, each given by parameters and table, as one: of what lies between,
/// a few rows at a time.
pub(super) fn run_both(first: (&Params, &[u32]), second: (&Params, &[u32]), src: &View, band: &mut Band) {
    run_both_at(Level::best(), first, second, src, band);
}

fn run_both_at(level: Level, first: (&Params, &[u32]), second: (&Params, &[u32]), src: &View, band: &mut Band) {
    let [first, second] = [first, second].map(|(params, words)| Table { params, words });
    fixed::run_both(level, first, second, pixels(src), target(band));
}

fn pixels<'a>(view: &View<'a>) -> Samples<'a> {
    let row_bytes = view.size().width as usize * TEXEL_BYTES;
    Samples { bytes: view.bytes(), pitch: view.pitch(), row_bytes, pixel_bytes: TEXEL_BYTES }
}

fn target<'a>(band: &'a mut Band) -> Target<'a> {
    let rows = band.first_row..band.first_row + band.rows.size().height;
    let pitch = band.rows.pitch();
    Target { rows, bytes: band.rows.bytes(), pitch }
}

/// The same along one axis of a plane, in integers: what [`run`] does to each channel of an opaque
/// picture whose channel the plane is. `params` and `table` are those of an opaque picture.
///
/// # Panics
/// If `target` is not of the size that `params` tell.
pub fn run_plane(params: &Params, table: &[u32], src: Plane, target: &mut PlaneMut) {
    run_plane_at(Level::best(), params, table, src, target);
}

fn run_plane_at(level: Level, params: &Params, table: &[u32], src: Plane, target: &mut PlaneMut) {
    assert_eq!(params.size(), target.size(), "the result's size");
    let row_bytes = src.size().width as usize;
    let source = Samples { bytes: src.bytes(), pitch: src.pitch(), row_bytes, pixel_bytes: 1 };
    let pitch = target.pitch();
    let target = Target { rows: 0..params.height, bytes: target.bytes(), pitch };
    fixed::run(level, Table { params, words: table }, source, target);
}
