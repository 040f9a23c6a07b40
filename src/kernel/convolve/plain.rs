//! Integer sums in plain loops, which every machine can run; compilers make vectors of some.

/// A sum in fixed point as a channel value.
#[inline(always)]
pub(super) fn round(total: i32, digits: u32) -> u8 {
    (total >> digits).clamp(0, 255) as u8
}

/// Half a channel value, which rounds half up.
#[inline(always)]
pub(super) fn half(digits: u32) -> i32 {
    1 << (digits - 1)
}

/// Values whose sums are kept in registers at a time.
const LANES: usize = 64;

/// Every byte of `out` is the weighted sum of the bytes at its place in `rows`.
pub(super) fn down(rows: &[&[u8]], weights: &[i32], digits: u32, out: &mut [u8]) {
    let whole = out.len() / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        let mut totals = [half(digits); LANES];
        for (row, &weight) in rows.iter().zip(weights) {
            for (total, &byte) in totals.iter_mut().zip(&row[at..at + LANES]) {
                *total += weight * i32::from(byte);
            }
        }
        for (out, total) in out[at..at + LANES].iter_mut().zip(totals) {
            *out = round(total, digits);
        }
    }
    for (at, out) in out.iter_mut().enumerate().skip(whole) {
        let products = rows.iter().zip(weights).map(|(row, &weight)| weight * i32::from(row[at]));
        *out = round(half(digits) + products.sum::<i32>(), digits);
    }
}

/// A pixel of `out`, `BYTES` long, is the weighted sum of as many pixels of `line` as there are
/// weights.
#[inline(always)]
pub(super) fn dot<const BYTES: usize>(line: &[u8], weights: &[i32], digits: u32, out: &mut [u8]) {
    let mut totals = [half(digits); BYTES];
    for (pixel, &weight) in line.chunks_exact(BYTES).zip(weights) {
        for (total, &byte) in totals.iter_mut().zip(pixel) {
            *total += weight * i32::from(byte);
        }
    }
    for (out, total) in out.iter_mut().zip(totals) {
        *out = round(total, digits);
    }
}
