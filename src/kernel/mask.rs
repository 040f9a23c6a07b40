//! mask: alpha times the coverage of a shape whose four corners are alike.
//!
//! Twin: `shaders/mask.wgsl`, which tells the table's layout.

use super::{Band, Inputs, is_opaque, write_size};

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
    covered(inputs.src.texel(x, y), coverage(params, inputs.table, x, y))
}

#[inline(always)]
fn coverage(params: &Params, table: &[u32], x: u32, y: u32) -> u32 {
    let u = x.min(params.width - 1 - x);
    let v = y.min(params.height - 1 - y);
    let mut coverage = 65535;
    if v < params.rows {
        let outer = table[3 * v as usize];
        let inner = table[3 * v as usize + 1];
        if u < outer {
            coverage = 0;
        } else if u < inner {
            coverage = table[(table[3 * v as usize + 2] + u - outer) as usize];
        }
    }
    coverage
}

#[inline(always)]
fn covered(texel: [u32; 4], coverage: u32) -> [u32; 4] {
    let alpha = (texel[3] * coverage + 32767) / 65535;
    if alpha == 0 { [255, 255, 255, 0] } else { [texel[0], texel[1], texel[2], alpha] }
}

/// A copy, and `change`.
pub fn run(params: &Params, inputs: &Inputs, band: &mut Band) {
    band.copied(&inputs.src, |part| change(params, inputs.table, part));
}

/// The same where the picture lies. Where coverage is full only what is transparent already changes.
pub(super) fn change(params: &Params, table: &[u32], band: &mut Band) {
    let width = params.width as usize;
    band.each_row(|y, row| {
        let v = y.min(params.height - 1 - y);
        let (outer, inner) = match v < params.rows {
            true => (table[3 * v as usize] as usize, table[3 * v as usize + 1] as usize),
            false => (0, 0),
        };
        // A shape wider than half the picture covers the middle column from both sides.
        let left = inner.min(width.div_ceil(2));
        let right = (width - inner.min(width / 2)).max(left);
        if !is_opaque(&row[left * 4..right * 4]) {
            row[left * 4..right * 4].chunks_exact_mut(4).filter(|pixel| pixel[3] == 0).for_each(clear);
        }
        let (begin, end) = (outer.min(left), (width - outer.min(width)).max(right));
        row[..begin * 4].chunks_exact_mut(4).for_each(clear);
        row[end * 4..].chunks_exact_mut(4).for_each(clear);
        for x in (begin..left).chain(right..end) {
            let pixel = &mut row[x * 4..x * 4 + 4];
            let texel = [pixel[0].into(), pixel[1].into(), pixel[2].into(), pixel[3].into()];
            super::store(pixel, covered(texel, coverage(params, table, x as u32, y)));
        }
    });
}

fn clear(pixel: &mut [u8]) {
    pixel.copy_from_slice(&[255, 255, 255, 0]);
}
