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

/// Pixels along each side of a block that is turned at once.
const SIDE: u32 = 8;

/// Quarter turns and transposes: blocks that show nothing but source pixels are read and written by
/// rows of eight, in tiles so that the source's rows stay in the cache.
fn turn(params: &Params, inputs: &Inputs, band: &mut Band) {
    const TILE: u32 = 64;
    let size = band.rows.size();
    for tile_x in (0..size.width).step_by(TILE as usize) {
        let tile_end = (tile_x + TILE).min(size.width);
        for y in (0..size.height).step_by(SIDE as usize) {
            for x in (tile_x..tile_end).step_by(SIDE as usize) {
                let end = ((x + SIDE).min(tile_end), (y + SIDE).min(size.height));
                if end == (x + SIDE, y + SIDE) && shows_source(params, x, band.first_row + y) {
                    turn_block(params, inputs, band, x, y);
                    continue;
                }
                for (x, y) in (y..end.1).flat_map(|y| (x..end.0).map(move |x| (x, y))) {
                    let out = &mut band.rows.row(y)[x as usize * TEXEL_BYTES..][..TEXEL_BYTES];
                    super::store(out, texel(params, inputs, x, band.first_row + y));
                }
            }
        }
    }
}

/// Whether the block of the result from (x, y) on shows nothing but source pixels: its corners do.
fn shows_source(params: &Params, x: u32, y: u32) -> bool {
    let shows = |x: u32, y: u32| {
        let source_x = params.start_x + y as i32 * params.down_x;
        let source_y = params.start_y + x as i32 * params.right_y;
        (params.left..params.right).contains(&source_x) && (params.top..params.bottom).contains(&source_y)
    };
    shows(x, y) && shows(x + SIDE - 1, y + SIDE - 1)
}

/// A block of the result from column `x` and the band's row `y` on.
#[inline(always)]
fn turn_block(params: &Params, inputs: &Inputs, band: &mut Band, x: u32, y: u32) {
    let column = |y: u32| params.start_x + (band.first_row + y) as i32 * params.down_x;
    let first = column(y).min(column(y + SIDE - 1)) as usize * TEXEL_BYTES;
    let mut block = [[[0; TEXEL_BYTES]; SIDE as usize]; SIDE as usize];
    for (row, x) in block.iter_mut().zip(x..) {
        let source = inputs.src.row((params.start_y + x as i32 * params.right_y) as u32);
        row.as_flattened_mut().copy_from_slice(&source[first..first + SIDE as usize * TEXEL_BYTES]);
    }
    for down in 0..SIDE {
        let column = if params.down_x > 0 { down } else { SIDE - 1 - down } as usize;
        let pixels = block.map(|row| row[column]);
        let from = x as usize * TEXEL_BYTES;
        band.rows.row(y + down)[from..from + SIDE as usize * TEXEL_BYTES].copy_from_slice(pixels.as_flattened());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
    use crate::pixel::{View, ViewMut};

    #[test]
    fn every_turn_of_every_part_is_the_reference() {
        let source = Size::new(41, 37);
        let pixels: Vec<u8> = (0..41 * 37 * 4u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        let src = View::new(source, 41 * 4, &pixels);
        let inputs = Inputs { src, overlay: src, table: &[] };
        // The result shows a part of the source with a border of fill, wider on one side.
        let (width, height) = (36, 45);
        for (left, top, right, bottom) in [(0, 0, 41, 37), (5, 3, 30, 29), (7, 7, 8, 8)] {
            for (down_x, right_y) in [(1, 1), (1, -1), (-1, 1), (-1, -1)] {
                let start_x = if down_x > 0 { left - 3 } else { right + 1 };
                let start_y = if right_y > 0 { top - 1 } else { bottom + 2 };
                let params = Params {
                    width,
                    height,
                    start_x,
                    start_y,
                    right_x: 0,
                    right_y,
                    down_x,
                    down_y: 0,
                    left,
                    top,
                    right,
                    bottom,
                    fill: 0x0102_0304,
                };
                let mut turned = vec![0; (width * height * 4) as usize];
                for (first_row, rows) in
                    ViewMut::new(Size::new(width, height), width as usize * 4, &mut turned).bands(19)
                {
                    run(&params, &inputs, &mut Band { first_row, rows });
                }
                for (at, pixel) in (0..).zip(turned.chunks_exact(4)) {
                    let expected = texel(&params, &inputs, at % width, at / width).map(|channel| channel as u8);
                    assert_eq!(pixel, expected, "({}, {}) of {params:?}", at % width, at / width);
                }
            }
        }
    }
}
