//! Deflate for filtered rows: many times faster than zlib, at the size of its level 1.
//!
//! Filtered photos hardly repeat, so that what counts is a prefix code made for each block of
//! rows, and repetitions are sought only as far as that costs little. Source: RFC 1950, RFC 1951.

mod bits;
mod block;
mod huffman;
mod matches;

use bits::Bits;
use block::Block;
use matches::{FARTHEST, Finder, OVERHANG, Sequence};
use simd_adler32::Adler32;

/// Bytes from which on a block is coded: fewer are rather coded worse than better, for what telling
/// the codes takes.
const BLOCK_BYTES: usize = 64 * 1024;

/// A block that comes out at less than one part in so many holds much that repeats.
const DENSE: usize = 5;

/// A window of 32 KiB, the fastest algorithm. Source: RFC 1950, section 2.2.
const HEADER: [u8; 2] = [0x78, 0x01];

/// A stream of compressed rows in the making.
pub struct Deflater {
    row_bytes: usize,
    /// Bytes that repetitions may be of, and those of the block to come.
    window: Vec<u8>,
    /// Where in the window the block to come begins and ends.
    begin: usize,
    end: usize,
    /// The place of the window's first byte, as [`Finder`] counts.
    place: u32,
    finder: Finder,
    sequences: Vec<Sequence>,
    block: Block,
    bits: Bits,
    sum: Adler32,
}

impl Deflater {
    /// For rows of `row_bytes`: the number of a filter, and then texels of 3 or 4 bytes.
    pub fn new(row_bytes: usize, texel_bytes: usize) -> Deflater {
        let mut bits = Bits::default();
        bits.append(&HEADER);
        Deflater {
            row_bytes,
            window: vec![0; FARTHEST + BLOCK_BYTES + row_bytes + OVERHANG],
            begin: 0,
            end: 0,
            place: Finder::FIRST,
            finder: Finder::new(row_bytes, texel_bytes),
            sequences: Vec::new(),
            block: Block::new(),
            bits,
            sum: Adler32::new(),
        }
    }

    /// Takes the row that `write` writes; yields whether [`Deflater::take`] has something to take.
    pub fn row(&mut self, write: impl FnOnce(&mut [u8])) -> bool {
        let row = &mut self.window[self.end..][..self.row_bytes];
        write(row);
        self.sum.write(row);
        self.end += self.row_bytes;
        let full = self.end - self.begin >= BLOCK_BYTES;
        if full {
            self.code(false);
        }
        full
    }

    /// Codes what is left, and the checksum.
    pub fn finish(&mut self) {
        self.code(true);
        self.bits.append(&self.sum.finish().to_be_bytes());
    }

    /// Hands out the bytes that are coded and were not handed out before.
    pub fn take<T>(&mut self, taken: impl FnOnce(&[u8]) -> T) -> T {
        let result = taken(self.bits.bytes());
        self.bits.clear();
        result
    }

    /// Codes the block, and makes room for the next.
    fn code(&mut self, last: bool) {
        self.sequences.clear();
        self.finder.split(&self.window, self.begin, self.end, self.place, &mut self.sequences);
        let before = self.bits.bytes().len();
        self.block.code(&self.window[self.begin..self.end], &self.sequences, last, &mut self.bits);
        let coded = self.bits.bytes().len() - before;
        self.finder.expect(self.block.literal_eighths(), coded * DENSE < self.end - self.begin);
        let gone = self.end.saturating_sub(FARTHEST);
        self.window.copy_within(gone..self.end, 0);
        self.place = self.place.wrapping_add(gone as u32);
        self.end -= gone;
        self.begin = self.end;
    }
}

#[cfg(test)]
mod tests;
