//! tone: each colour channel looked up in a tone table; alpha untouched.
//!
//! Twin: `shaders/tone.wgsl`, which tells the table's layout.

use super::{Band, Inputs, write_size};

params! {
    width: u32,
    height: u32,
}

impl std::fmt::Display for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_size(f, self.width, self.height)
    }
}

impl Params {
    /// See [`super::Args::cost`]: three look-ups.
    pub(super) fn cost(&self) -> u64 {
        4
    }
}

/// The reference, line for line the shader's.
pub fn texel(_params: &Params, inputs: &Inputs, x: u32, y: u32) -> [u32; 4] {
    let texel = inputs.src.texel(x, y);
    let red = inputs.table[texel[0] as usize] & 255;
    let green = (inputs.table[texel[1] as usize] >> 8) & 255;
    let blue = (inputs.table[texel[2] as usize] >> 16) & 255;
    [red, green, blue, texel[3]]
}

/// A copy, and `change`.
pub fn run(_params: &Params, inputs: &Inputs, band: &mut Band) {
    band.copied(&inputs.src, |part| change(inputs.table, part));
}

/// The same where the picture lies, over byte tables, which fit the nearest cache.
pub(super) fn change(table: &[u32], band: &mut Band) {
    let mut curves = [[0u8; 256]; 3];
    for (value, word) in table.iter().take(256).enumerate() {
        let [red, green, blue, _] = word.to_le_bytes();
        (curves[0][value], curves[1][value], curves[2][value]) = (red, green, blue);
    }
    band.each_row(|_, row| {
        for pixel in row.chunks_exact_mut(4) {
            pixel[0] = curves[0][pixel[0] as usize];
            pixel[1] = curves[1][pixel[1] as usize];
            pixel[2] = curves[2][pixel[2] as usize];
        }
    });
}
