//! A row's filter: each byte less what its neighbours foretell, so that little is left to code.
//!
//! Of the five filters that PNG has the one is taken whose differences, read as signed bytes, have
//! the least sum of sizes. Source: PNG (Third Edition), section 12.7.

use multiversion::multiversion;

/// `None`, `Sub`, `Up`, `Average`, `Paeth`, by the numbers that files have them by.
const FILTERS: usize = 5;

/// Bytes that are filtered in all ways at a time, to sum up what that leaves.
const PART: usize = 256;

/// Rows of bytes that are filtered one after the other.
pub struct Filters {
    texel_bytes: usize,
    /// The row above, behind a texel of zeros.
    above: Vec<u8>,
    /// The row to be filtered, behind a texel of zeros.
    row: Vec<u8>,
}

impl Filters {
    /// For rows of `row_bytes`, texels of `texel_bytes` each.
    pub fn new(row_bytes: usize, texel_bytes: usize) -> Filters {
        let padded = || vec![0; texel_bytes + row_bytes];
        Filters { texel_bytes, above: padded(), row: padded() }
    }

    /// The bytes of the next row, to be written.
    pub fn row(&mut self) -> &mut [u8] {
        &mut self.row[self.texel_bytes..]
    }

    /// Filters the row that was written: the filter's number, then as many bytes as the row has.
    pub fn filter(&mut self, filtered: &mut [u8]) {
        let (number, left) = filtered.split_at_mut(1);
        let neighbours = Neighbours::of(&self.row, &self.above, self.texel_bytes);
        let sums = sums(neighbours);
        let best = (0..FILTERS).min_by_key(|filter| sums[*filter]).unwrap_or(0);
        number[0] = best as u8;
        apply(best, neighbours, left);
        std::mem::swap(&mut self.row, &mut self.above);
    }
}

/// Bytes with those before, above, and above the one before, all of one length.
#[derive(Clone, Copy)]
struct Neighbours<'a> {
    here: &'a [u8],
    before: &'a [u8],
    above: &'a [u8],
    corner: &'a [u8],
}

impl<'a> Neighbours<'a> {
    fn of(row: &'a [u8], above: &'a [u8], texel_bytes: usize) -> Neighbours<'a> {
        let count = row.len() - texel_bytes;
        Neighbours {
            here: &row[texel_bytes..],
            before: &row[..count],
            above: &above[texel_bytes..][..count],
            corner: &above[..count],
        }
    }

    fn part(self, begin: usize, end: usize) -> Neighbours<'a> {
        Neighbours {
            here: &self.here[begin..end],
            before: &self.before[begin..end],
            above: &self.above[begin..end],
            corner: &self.corner[begin..end],
        }
    }

    /// What `filter` makes of each byte.
    #[inline(always)]
    fn each(self, left: &mut [u8], filter: impl Fn(u8, u8, u8, u8) -> u8) {
        let (before, above, corner) = (self.before.iter(), self.above.iter(), self.corner.iter());
        let places = left.iter_mut().zip(self.here).zip(before.zip(above.zip(corner)));
        places.for_each(|((left, x), (a, (b, c)))| *left = filter(*x, *a, *b, *c));
    }
}

/// The sums of sizes that each filter leaves.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2", "x86_64+sse4.1"))]
fn sums(all: Neighbours) -> [u64; FILTERS] {
    let mut sums = [0; FILTERS];
    let count = all.here.len();
    for begin in (0..count).step_by(PART) {
        let part = all.part(begin, (begin + PART).min(count));
        let mut left = [0; PART];
        let left = &mut left[..part.here.len()];
        sums[0] += sum(part.here);
        part.each(left, sub);
        sums[1] += sum(left);
        part.each(left, up);
        sums[2] += sum(left);
        part.each(left, average);
        sums[3] += sum(left);
        part.each(left, paeth);
        sums[4] += sum(left);
    }
    sums
}

/// Filters by one.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2", "x86_64+sse4.1"))]
fn apply(filter: usize, all: Neighbours, left: &mut [u8]) {
    match filter {
        0 => left.copy_from_slice(all.here),
        1 => all.each(left, sub),
        2 => all.each(left, up),
        3 => all.each(left, average),
        _ => all.each(left, paeth),
    }
}

#[inline(always)]
fn sub(x: u8, a: u8, _: u8, _: u8) -> u8 {
    x.wrapping_sub(a)
}

#[inline(always)]
fn up(x: u8, _: u8, b: u8, _: u8) -> u8 {
    x.wrapping_sub(b)
}

/// The mean is rounded down.
#[inline(always)]
fn average(x: u8, a: u8, b: u8, _: u8) -> u8 {
    x.wrapping_sub((a & b) + ((a ^ b) >> 1))
}

/// Foretells whichever of `a` (before), `b` (above) and `c` (above the one before) is nearest to
/// a + b − c, in this order where two are equally near. Source: PNG (Third Edition), section 9.4.
#[inline(always)]
fn paeth(x: u8, a: u8, b: u8, c: u8) -> u8 {
    let (to_a, to_b) = (b.abs_diff(c), a.abs_diff(c));
    // a + b − 2c is as large as both together where a and b lie on the same side of c.
    let same_side = (a > c) == (b > c);
    let to_c = if same_side { to_a.saturating_add(to_b) } else { to_a.abs_diff(to_b) };
    let of_b_and_c = if to_b <= to_c { b } else { c };
    let least = to_b.min(to_c);
    x.wrapping_sub(if to_a <= least { a } else { of_b_and_c })
}

/// The sum of the sizes of at most [`PART`] differences.
#[inline(always)]
fn sum(left: &[u8]) -> u64 {
    left.iter().map(|byte| u16::from((*byte as i8).unsigned_abs())).sum::<u16>().into()
}

const _: () = assert!(PART * 128 <= u16::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    /// As the standard says it, section 9.4.
    fn foretold(filter: usize, a: u8, b: u8, c: u8) -> u8 {
        let (left, up, corner) = (i32::from(a), i32::from(b), i32::from(c));
        let near = |value: i32| (left + up - corner - value).abs();
        match filter {
            0 => 0,
            1 => a,
            2 => b,
            3 => ((left + up) / 2) as u8,
            _ if near(left) <= near(up) && near(left) <= near(corner) => a,
            _ if near(up) <= near(corner) => b,
            _ => c,
        }
    }

    #[test]
    fn the_paeth_filter_is_the_standards() {
        for a in 0..=255 {
            for b in 0..=255 {
                for c in 0..=255 {
                    assert_eq!(paeth(0, a, b, c), 0u8.wrapping_sub(foretold(4, a, b, c)), "{a} {b} {c}");
                }
            }
        }
    }

    #[test]
    fn rows_are_filtered_by_what_leaves_least() {
        let mut seen = [false; FILTERS];
        for texel_bytes in [3, 4] {
            for width in [1, 2, 85, 86, 300] {
                let row_bytes = width * texel_bytes;
                let mut filters = Filters::new(row_bytes, texel_bytes);
                let mut above = vec![0u8; row_bytes];
                // Noise in a few values, ramps along and down, and what is like both neighbours.
                for y in 0..40usize {
                    let value = |x: usize| match y % 8 {
                        0 => (x * 7919 + y * 31) as u8 & 1,
                        1 | 2 => (x / texel_bytes * 40) as u8,
                        3 | 4 => (x.wrapping_mul(2_654_435_761) >> 9) as u8,
                        5 => above[x].wrapping_add(3),
                        6 => (x / texel_bytes * 9) as u8 / 2 + above[x] / 2,
                        _ => above[x].wrapping_add(if x < row_bytes / 2 { 0 } else { 90 }),
                    };
                    let row: Vec<u8> = (0..row_bytes).map(value).collect();
                    filters.row().copy_from_slice(&row);
                    let mut filtered = vec![0; 1 + row_bytes];
                    filters.filter(&mut filtered);
                    let at = |row: &[u8], x: usize| x.checked_sub(texel_bytes).map_or(0, |x| row[x]);
                    let by = |filter: usize| {
                        let left =
                            |x: usize| row[x].wrapping_sub(foretold(filter, at(&row, x), above[x], at(&above, x)));
                        (0..row_bytes).map(left).collect::<Vec<u8>>()
                    };
                    let sum = |filter: &usize| {
                        by(*filter).iter().map(|byte| (*byte).min(byte.wrapping_neg()) as u64).sum::<u64>()
                    };
                    let best = (0..FILTERS).min_by_key(sum).unwrap();
                    assert_eq!(usize::from(filtered[0]), best, "{width} {y}");
                    assert!(filtered[1..] == by(best), "{width} {y}");
                    seen[best] = true;
                    above = row;
                }
            }
        }
        assert_eq!(seen, [true; FILTERS]);
    }
}
