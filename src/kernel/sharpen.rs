//! sharpen: v + (amount / 500) · (4v − up − down − left − right), on premultiplied colour.
//!
//! Twin: `shaders/sharpen.wgsl`, which tells the formula in integers and the border rule.

use super::{Band, Inputs, is_opaque, write_size};

params! {
    width: u32,
    height: u32,
    amount: i32,
}

impl std::fmt::Display for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_size(f, self.width, self.height)?;
        write!(f, " amount {}", self.amount)
    }
}

impl Params {
    /// See [`super::Args::cost`]: five reads and a division a channel.
    pub(super) fn cost(&self) -> u64 {
        4
    }
}

/// The reference, line for line the shader's.
pub fn texel(params: &Params, inputs: &Inputs, x: u32, y: u32) -> [u32; 4] {
    let x = x as i32;
    let y = y as i32;
    let premultiplied = |x: i32, y: i32| {
        let x = x.clamp(0, params.width as i32 - 1);
        let y = y.clamp(0, params.height as i32 - 1);
        let [red, green, blue, alpha] = inputs.src.texel(x as u32, y as u32).map(|channel| channel as i32);
        [red * alpha, green * alpha, blue * alpha]
    };
    let texel = inputs.src.texel(x as u32, y as u32);
    let mut sharp = texel;
    if texel[3] > 0 {
        let here = premultiplied(x, y);
        let neighbours =
            [premultiplied(x, y - 1), premultiplied(x, y + 1), premultiplied(x - 1, y), premultiplied(x + 1, y)];
        for channel in 0..3 {
            let around: i32 = neighbours.iter().map(|neighbour| neighbour[channel]).sum();
            let numerator = 500 * here[channel] + params.amount * (4 * here[channel] - around);
            let denominator = 500 * texel[3] as i32;
            sharp[channel] = ratio(numerator, denominator);
        }
    }
    sharp
}

/// numerator / denominator rounded half up, clamped to a channel's range.
#[inline(always)]
fn ratio(numerator: i32, denominator: i32) -> u32 {
    ((2 * numerator.max(0) + denominator) / (2 * denominator)).min(255) as u32
}

/// Rows whose five neighbours are all opaque need no premultiplying: alpha cancels.
pub fn run(params: &Params, inputs: &Inputs, band: &mut Band) {
    let last = params.height - 1;
    band.each_row(|y, row| {
        let rows = [y.saturating_sub(1), y, (y + 1).min(last)].map(|y| inputs.src.row(y));
        if rows.iter().all(|row| is_opaque(row)) {
            sharpen_row(rows, params.amount, row);
        } else {
            for (x, out) in row.chunks_exact_mut(4).enumerate() {
                super::store(out, texel(params, inputs, x as u32, y));
            }
        }
    });
}

/// [`ratio`] for an opaque pixel, whose alpha cancels.
#[inline(always)]
fn opaque_ratio(v: u8, around: [u8; 4], amount: i32) -> u8 {
    let v = i32::from(v);
    let around: i32 = around.into_iter().map(i32::from).sum();
    let numerator = 500 * v + amount * (4 * v - around);
    ((numerator.max(0) as u32 + 250) / 500).min(255) as u8
}

#[multiversion::multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn sharpen_row([above, here, below]: [&[u8]; 3], amount: i32, row: &mut [u8]) {
    let bytes = row.len();
    // The outermost pixels, which repeat themselves as their own neighbours.
    for at in (0..4).chain(bytes - 4..bytes) {
        let left = here[if at < 4 { at } else { at - 4 }];
        let right = here[if at + 4 < bytes { at + 4 } else { at }];
        row[at] = opaque_ratio(here[at], [above[at], below[at], left, right], amount);
    }
    let middle = bytes.saturating_sub(8);
    if middle > 0 {
        let (above, below) = (&above[4..4 + middle], &below[4..4 + middle]);
        let (left, centre, right) = (&here[..middle], &here[4..4 + middle], &here[8..8 + middle]);
        let row = &mut row[4..4 + middle];
        for at in 0..middle {
            row[at] = opaque_ratio(centre[at], [above[at], below[at], left[at], right[at]], amount);
        }
    }
}
