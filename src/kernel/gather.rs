//! gather: every pixel of the result is one pixel of the source, or the fill.
//!
//! Twin: `shaders/gather.wgsl`, which tells the parameters and the border rule.

use super::{Band, Inputs, write_size};
use crate::pixel::TEXEL_BYTES;

params! {
    width: u32,
    height: u32,
    start_x: i32,
    start_y: i32,
    right_x: i32,
    right_y: i32,
    down_x: i32,
    down_y: i32,
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
    fill: u32,
}

impl std::fmt::Display for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_size(f, self.width, self.height)?;
        write!(f, " from ({}, {})", self.start_x, self.start_y)?;
        match (self.right_x, self.right_y, self.down_x, self.down_y) {
            (1, 0, 0, 1) => Ok(()),
            (a, b, c, d) => write!(f, " right ({a}, {b}) down ({c}, {d})"),
        }
    }
}

impl Params {
    /// See [`super::Args::cost`]: a copy.
    pub(super) fn cost(&self) -> u64 {
        1
    }
}

/// The reference, line for line the shader's.
pub fn texel(params: &Params, inputs: &Inputs, x: u32, y: u32) -> [u32; 4] {
    let x = x as i32;
    let y = y as i32;
    let source_x = params.start_x + x * params.right_x + y * params.down_x;
    let source_y = params.start_y + x * params.right_y + y * params.down_y;
    let mut texel = params.fill.to_le_bytes().map(u32::from);
    if source_x >= params.left && source_x < params.right && source_y >= params.top && source_y < params.bottom {
        texel = inputs.src.texel(source_x as u32, source_y as u32);
    }
    texel
}

/// Rows that run along the source's rows are copied or reversed; quarter turns go by pixel.
pub fn run(params: &Params, inputs: &Inputs, band: &mut Band) {
    let fill = params.fill.to_le_bytes();
    if params.right_y != 0 {
        return turn(params, inputs, band);
    }
    band.each_row(|y, row| {
        let source_y = params.start_y + y as i32 * params.down_y;
        let start_x = params.start_x;
        // Result columns [begin, end) show source pixels; the others show the fill.
        let (begin, end) = match params.right_x {
            1 => (params.left - start_x, params.right - start_x),
            _ => (start_x - params.right + 1, start_x - params.left + 1),
        };
        let width = params.width as i32;
        let (mut begin, mut end) = (begin.clamp(0, width) as usize, end.clamp(0, width) as usize);
        if source_y < params.top || source_y >= params.bottom || begin >= end {
            (begin, end) = (0, 0);
        }
        for out in row[..begin * TEXEL_BYTES].chunks_exact_mut(TEXEL_BYTES) {
            out.copy_from_slice(&fill);
        }
        for out in row[end * TEXEL_BYTES..].chunks_exact_mut(TEXEL_BYTES) {
            out.copy_from_slice(&fill);
        }
        if begin == end {
            return;
        }
        let source = inputs.src.row(source_y as u32);
        let shown = &mut row[begin * TEXEL_BYTES..end * TEXEL_BYTES];
        if params.right_x == 1 {
            let from = (start_x + begin as i32) as usize * TEXEL_BYTES;
            let bytes = shown.len();
            shown.copy_from_slice(&source[from..from + bytes]);
        } else {
            let last = (start_x - begin as i32) as usize;
            let first = last + 1 - (end - begin);
            let pixels = source[first * TEXEL_BYTES..(last + 1) * TEXEL_BYTES].chunks_exact(TEXEL_BYTES);
            for (out, pixel) in shown.chunks_exact_mut(TEXEL_BYTES).zip(pixels.rev()) {
                out.copy_from_slice(pixel);
            }
        }
    });
}

/// Quarter turns and transposes, in tiles so that the source's rows stay in the cache.
fn turn(params: &Params, inputs: &Inputs, band: &mut Band) {
    const TILE: u32 = 64;
    let size = band.rows.size();
    let first_row = band.first_row;
    for tile_x in (0..size.width).step_by(TILE as usize) {
        for y in 0..size.height {
            let row = band.rows.row(y);
            for x in tile_x..(tile_x + TILE).min(size.width) {
                let out = &mut row[x as usize * TEXEL_BYTES..][..TEXEL_BYTES];
                super::store(out, texel(params, inputs, x, first_row + y));
            }
        }
    }
}
