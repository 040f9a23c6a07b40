//! flatten: the picture laid over an opaque colour, for formats without alpha.
//!
//! Twin: `shaders/flatten.wgsl`, which tells the formula.

use super::{Band, Inputs, write_size};

params! {
    width: u32,
    height: u32,
    backdrop: u32,
}

impl std::fmt::Display for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_size(f, self.width, self.height)?;
        let [red, green, blue, _] = self.backdrop.to_le_bytes();
        write!(f, " over {red:02X}{green:02X}{blue:02X}")
    }
}

impl Params {
    /// See [`super::Args::cost`]: three blends.
    pub(super) fn cost(&self) -> u64 {
        3
    }
}

/// The reference, line for line the shader's.
pub fn texel(params: &Params, inputs: &Inputs, x: u32, y: u32) -> [u32; 4] {
    let texel = inputs.src.texel(x, y);
    over(texel, params.backdrop.to_le_bytes().map(u32::from))
}

#[inline(always)]
fn over(texel: [u32; 4], backdrop: [u32; 4]) -> [u32; 4] {
    let blend = |channel: usize| (texel[channel] * texel[3] + backdrop[channel] * (255 - texel[3]) + 127) / 255;
    [blend(0), blend(1), blend(2), 255]
}

/// A copy, and `change`.
pub fn run(params: &Params, inputs: &Inputs, band: &mut Band) {
    band.copied(&inputs.src, |part| change(params, part));
}

/// The same where the picture lies.
pub(super) fn change(params: &Params, band: &mut Band) {
    let backdrop = params.backdrop.to_le_bytes().map(u32::from);
    band.each_row(|_, row| flatten_row(backdrop, row));
}

#[multiversion::multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn flatten_row(backdrop: [u32; 4], row: &mut [u8]) {
    for pixel in row.chunks_exact_mut(4) {
        let texel = [pixel[0].into(), pixel[1].into(), pixel[2].into(), pixel[3].into()];
        super::store(pixel, over(texel, backdrop));
    }
}
