//! mask: alpha times the coverage of a shape whose four corners are alike.
//!
//! Twin: `shaders/mask.wgsl`, which tells the table's layout.

use super::{Band, Inputs, write_size};

params! {
    width: u32,
    height: u32,
    rows: u32,
}

impl std::fmt::Display for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_size(f, self.width, self.height)?;
        write!(f, " corners {} rows", self.rows)
    }
}

impl Params {
    /// See [`super::Args::cost`]: a copy, and a look at alpha.
    pub(super) fn cost(&self) -> u64 {
        2
    }
}

/// The reference, line for line the shader's.
pub fn texel(params: &Params, inputs: &Inputs, x: u32, y: u32) -> [u32; 4] {
    let u = x.min(params.width - 1 - x);
    let v = y.min(params.height - 1 - y);
    let mut coverage = 65535;
    if v < params.rows {
        let outer = inputs.table[3 * v as usize];
        let inner = inputs.table[3 * v as usize + 1];
        if u < outer {
            coverage = 0;
        } else if u < inner {
            coverage = inputs.table[(inputs.table[3 * v as usize + 2] + u - outer) as usize];
        }
    }
    covered(inputs.src.texel(x, y), coverage)
}

#[inline(always)]
fn covered(texel: [u32; 4], coverage: u32) -> [u32; 4] {
    let alpha = (texel[3] * coverage + 32767) / 65535;
    if alpha == 0 { [255, 255, 255, 0] } else { [texel[0], texel[1], texel[2], alpha] }
}

/// Copies the rows and works only where the coverage is not full.
pub fn run(params: &Params, inputs: &Inputs, band: &mut Band) {
    let width = params.width as usize;
    band.each_row(|y, row| {
        let source = inputs.src.row(y);
        let v = y.min(params.height - 1 - y);
        let inner = if v < params.rows { inputs.table[3 * v as usize + 1] as usize } else { 0 };
        // A shape wider than half the picture covers the middle column from both sides.
        let left = inner.min(width.div_ceil(2));
        let right = (width - inner.min(width / 2)).max(left);
        row[left * 4..right * 4].copy_from_slice(&source[left * 4..right * 4]);
        for pixel in row[left * 4..right * 4].chunks_exact_mut(4).filter(|pixel| pixel[3] == 0) {
            pixel.copy_from_slice(&[255, 255, 255, 0]);
        }
        for x in (0..left).chain(right..width) {
            super::store(&mut row[x * 4..x * 4 + 4], texel(params, inputs, x as u32, y));
        }
    });
}
