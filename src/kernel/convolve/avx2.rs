//! Integer sums with AVX2: two taps of eight values in one instruction, which multiplies pairs of
//! 16-bit numbers and adds the two products.

use super::plain;
use super::table::Table;
use std::arch::x86_64::*;

/// Taps in a pair.
pub(super) const PAIR: usize = 2;

/// Whether this machine has what the functions here need.
pub(super) fn is_here() -> bool {
    is_x86_feature_detected!("avx2")
}

/// Two weights in the order of a pair.
pub(super) fn pair(weights: [i32; PAIR]) -> i32 {
    (weights[0] & 0xffff) | (weights[1] << 16)
}

/// Four times 8 sums as bytes, where each vector holds four neighbours of every 16.
#[target_feature(enable = "avx2")]
#[inline]
fn packed(sums: [__m256i; 4], digits: u32) -> __m256i {
    let digits = _mm_cvtsi32_si128(digits as i32);
    let [a, b, c, d] = sums;
    let low = _mm256_packs_epi32(_mm256_sra_epi32(a, digits), _mm256_sra_epi32(b, digits));
    let high = _mm256_packs_epi32(_mm256_sra_epi32(c, digits), _mm256_sra_epi32(d, digits));
    _mm256_packus_epi16(low, high)
}

/// Bytes whose sums are kept in registers at a time.
pub(super) const BLOCK: usize = 32;

/// Every byte of each of `outs` is the weighted sum of the bytes at its place in `rows`, of which
/// there is a multiple of [`PAIR`]; `weights` has the weights for each pair and, within, each of `outs`.
///
/// The last block lies over the one before it; there must be at least [`BLOCK`] bytes.
#[target_feature(enable = "avx2")]
pub(super) fn down<const K: usize>(rows: &[&[u8]], weights: &[i32], digits: u32, outs: [&mut [u8]; K]) {
    let bytes = outs[0].len();
    assert!(rows.iter().all(|row| row.len() >= bytes) && outs.iter().all(|out| out.len() == bytes));
    assert!(bytes >= BLOCK);
    let (pairs, _) = rows.as_chunks::<PAIR>();
    let half = _mm256_set1_epi32(plain::half(digits));
    let zero = _mm256_setzero_si256();
    for at in (0..bytes).step_by(BLOCK).map(|at| at.min(bytes - BLOCK)) {
        let mut sums = [[half; 4]; K];
        for (rows, weights) in pairs.iter().zip(weights.chunks_exact(K)) {
            // SAFETY: `at` is at most 32 before `bytes`, which each row has.
            let [a, b] = rows.map(|row| unsafe { _mm256_loadu_si256(row.as_ptr().add(at).cast()) });
            let (low, high) = (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b));
            let values = [
                _mm256_unpacklo_epi8(low, zero),
                _mm256_unpackhi_epi8(low, zero),
                _mm256_unpacklo_epi8(high, zero),
                _mm256_unpackhi_epi8(high, zero),
            ];
            for (sums, &weight) in sums.iter_mut().zip(weights) {
                let weight = _mm256_set1_epi32(weight);
                for lane in 0..4 {
                    sums[lane] = _mm256_add_epi32(sums[lane], _mm256_madd_epi16(values[lane], weight));
                }
            }
        }
        for k in 0..K {
            let result = packed(sums[k], digits);
            // SAFETY: `at` is at most 32 before `bytes`, which each of `outs` has.
            unsafe { _mm256_storeu_si256(outs[k].as_mut_ptr().add(at).cast(), result) };
        }
    }
}

/// A table for places with weights of their own: 16-bit weights, padded to a multiple of eight.
pub(super) struct Rows {
    digits: u32,
    /// Weights of each place.
    taps: usize,
    /// Where in the line each place's first pixel is.
    starts: Vec<usize>,
    weights: Vec<i16>,
}

/// Taps that are read at a time.
const EIGHT: usize = 8;

impl Rows {
    /// The table for lines that begin at source place `start`.
    pub fn new(table: &Table, start: i32) -> Rows {
        let taps = (table.params.taps as usize).next_multiple_of(EIGHT);
        let places = 0..table.params.width;
        let mut weights = vec![0; taps * places.len()];
        for (place, target) in places.clone().zip(weights.chunks_exact_mut(taps)) {
            for (target, weight) in target.iter_mut().zip(table.fixed(place)) {
                *target = *weight as i16;
            }
        }
        let starts = places.map(|place| (table.first(place) - start) as usize).collect();
        Rows { digits: table.params.digits, taps, starts, weights }
    }

    /// Every pixel of four bytes of `out` is the weighted sum of pixels of `line`.
    ///
    /// # Panics
    /// If a place with its weights ends behind `line`.
    #[target_feature(enable = "avx2")]
    pub fn sum_pixels(&self, line: &[u8], out: &mut [u8]) {
        // Two neighbouring pixels in each half become pairs of 16-bit channels.
        let spread = _mm256_setr_epi8(
            0, -1, 4, -1, 1, -1, 5, -1, 2, -1, 6, -1, 3, -1, 7, -1, 8, -1, 12, -1, 9, -1, 13, -1, 10, -1, 14, -1, 11,
            -1, 15, -1,
        );
        // The first pair of weights for the lower half, the second for the upper.
        let give = _mm256_setr_epi8(
            0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7,
        );
        let half = _mm_set1_epi32(plain::half(self.digits));
        let digits = _mm_cvtsi32_si128(self.digits as i32);
        let rows = self.starts.iter().zip(self.weights.chunks_exact(self.taps));
        for ((&start, weights), out) in rows.zip(out.as_chunks_mut::<4>().0) {
            let mut sums = [_mm256_setzero_si256(); 2];
            let pixels = line[start * 4..][..self.taps * 4].as_chunks::<{ EIGHT * 4 }>().0;
            for (pixels, weights) in pixels.iter().zip(weights.as_chunks::<EIGHT>().0) {
                for (part, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: half of an array of 32 bytes, and half of one of 16.
                    let (pixels, weights) = unsafe {
                        let pixels = _mm_loadu_si128(pixels.as_ptr().add(16 * part).cast());
                        let weights = weights.as_ptr().add(4 * part).cast::<i64>().read_unaligned();
                        (_mm256_broadcastsi128_si256(pixels), _mm256_set1_epi64x(weights))
                    };
                    let values = _mm256_shuffle_epi8(pixels, spread);
                    *sums = _mm256_add_epi32(*sums, _mm256_madd_epi16(values, _mm256_shuffle_epi8(weights, give)));
                }
            }
            let sums = _mm256_add_epi32(sums[0], sums[1]);
            let sums = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
            let whole = _mm_sra_epi32(_mm_add_epi32(sums, half), digits);
            let words = _mm_packs_epi32(whole, whole);
            *out = _mm_cvtsi128_si32(_mm_packus_epi16(words, words)).to_le_bytes();
        }
    }

    /// Every byte of `out` is the weighted sum of bytes of `line`.
    ///
    /// # Panics
    /// As [`Rows::sum_pixels`].
    #[target_feature(enable = "avx2")]
    pub fn sum_bytes(&self, line: &[u8], out: &mut [u8]) {
        let half = plain::half(self.digits);
        let rows = self.starts.iter().zip(self.weights.chunks_exact(self.taps));
        for ((&start, weights), out) in rows.zip(out) {
            let mut sums = _mm_setzero_si128();
            let bytes = line[start..][..self.taps].as_chunks::<EIGHT>().0;
            for (bytes, weights) in bytes.iter().zip(weights.as_chunks::<EIGHT>().0) {
                // SAFETY: arrays of 8 and of 16 bytes.
                let (bytes, weights) =
                    unsafe { (_mm_loadl_epi64(bytes.as_ptr().cast()), _mm_loadu_si128(weights.as_ptr().cast())) };
                sums = _mm_add_epi32(sums, _mm_madd_epi16(_mm_cvtepu8_epi16(bytes), weights));
            }
            let sums = _mm_hadd_epi32(sums, sums);
            let sums = _mm_hadd_epi32(sums, sums);
            *out = plain::round(_mm_cvtsi128_si32(sums) + half, self.digits);
        }
    }
}
