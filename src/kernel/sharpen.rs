//! sharpen: v + (amount / 500) · Σ (a_n / 255) · (v − v_n) over the four neighbours, on straight colour.
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

/// 500 · 255.
const WHOLE: i32 = 127_500;

/// The reference, line for line the shader's.
pub fn texel(params: &Params, inputs: &Inputs, x: u32, y: u32) -> [u32; 4] {
    let x = x as i32;
    let y = y as i32;
    let texel = inputs.src.texel(x as u32, y as u32);
    let above = |here: i32, channel: usize, x: i32, y: i32| {
        let x = x.clamp(0, params.width as i32 - 1);
        let y = y.clamp(0, params.height as i32 - 1);
        let near = inputs.src.texel(x as u32, y as u32);
        near[3] as i32 * (here - near[channel] as i32)
    };
    let mut sharp = texel;
    if texel[3] > 0 {
        for channel in 0..3 {
            let here = texel[channel] as i32;
            let places = [(x, y - 1), (x, y + 1), (x - 1, y), (x + 1, y)];
            let sum: i32 = places.iter().map(|(x, y)| above(here, channel, *x, *y)).sum();
            sharp[channel] = ratio(WHOLE * here + params.amount * sum);
        }
    }
    sharp
}

/// numerator / WHOLE rounded half up, clamped to a channel's range.
#[inline(always)]
fn ratio(numerator: i32) -> u32 {
    ((2 * numerator.max(0) as u32 + WHOLE as u32) / (2 * WHOLE as u32)).min(255)
}

/// Rows that are opaque with their neighbours need no alpha: it cancels.
pub fn run(params: &Params, inputs: &Inputs, band: &mut Band) {
    let last = params.height - 1;
    band.each_row(|y, row| {
        let rows = [y.saturating_sub(1), y, (y + 1).min(last)].map(|y| inputs.src.row(y));
        if rows.iter().all(|row| is_opaque(row)) {
            sharpen_row(rows, params.amount, row);
        } else {
            sharpen_soft_row(rows, params.amount, row);
        }
    });
}

/// [`texel`] for a row with its neighbours, whole pixels at a time.
#[multiversion::multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn sharpen_soft_row(rows: [&[u8]; 3], amount: i32, row: &mut [u8]) {
    let [above, here, below] = rows.map(|row| row.as_chunks::<4>().0);
    let last = here.len() - 1;
    for (x, out) in row.chunks_exact_mut(4).enumerate() {
        let around = [above[x], below[x], here[x.saturating_sub(1)], here[(x + 1).min(last)]];
        out.copy_from_slice(&soft(here[x], around, amount));
    }
}

/// All four channels alike, so that they share one vector; the alpha is put back.
#[inline(always)]
fn soft(here: [u8; 4], around: [[u8; 4]; 4], amount: i32) -> [u8; 4] {
    if here[3] == 0 {
        return here;
    }
    let mut sums = [0i32; 4];
    for near in around {
        let alpha = i32::from(near[3]);
        for channel in 0..4 {
            sums[channel] += alpha * (i32::from(here[channel]) - i32::from(near[channel]));
        }
    }
    let mut sharp = here;
    for channel in 0..4 {
        sharp[channel] = ratio(WHOLE * i32::from(here[channel]) + amount * sums[channel]) as u8;
    }
    sharp[3] = here[3];
    sharp
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
