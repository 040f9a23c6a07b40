//! Packed bytes as they stand, or each with its bits mirrored (FillOrder 2).

use std::io::{self, BufRead, Read};
use std::ops::Range;

/// Bytes that are mirrored at a time.
const PIECE_BYTES: usize = 512;

pub struct Bytes<'a> {
    /// Bytes that are still to come, but for those in the piece.
    rest: &'a [u8],
    mirrored: bool,
    piece: [u8; PIECE_BYTES],
    left: Range<usize>,
}

impl<'a> Bytes<'a> {
    pub fn new(bytes: &'a [u8], mirrored: bool) -> Bytes<'a> {
        Bytes { rest: bytes, mirrored, piece: [0; PIECE_BYTES], left: 0..0 }
    }

    /// Some of the bytes that come next; none at the end.
    pub fn ready(&mut self) -> &[u8] {
        if !self.mirrored {
            return self.rest;
        }
        if self.left.is_empty() {
            let (bytes, rest) = self.rest.split_at(self.rest.len().min(PIECE_BYTES));
            self.piece.iter_mut().zip(bytes).for_each(|(mirrored, byte)| *mirrored = byte.reverse_bits());
            (self.rest, self.left) = (rest, 0..bytes.len());
        }
        &self.piece[self.left.clone()]
    }
}

impl Read for Bytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.ready().read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Bytes<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.ready())
    }

    fn consume(&mut self, count: usize) {
        if self.mirrored {
            self.left.start = self.left.end.min(self.left.start + count);
        } else {
            self.rest = self.rest.get(count..).unwrap_or_default();
        }
    }
}

impl Iterator for Bytes<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let byte = self.ready().first().copied();
        self.consume(1);
        byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_mirrored_once() {
        let bytes: Vec<u8> = (0..1300u32).map(|index| (index * 7) as u8).collect();
        let mirrored: Vec<u8> = bytes.iter().map(|byte| byte.reverse_bits()).collect();
        assert_eq!(Bytes::new(&bytes, true).collect::<Vec<_>>(), mirrored);
        assert_eq!(Bytes::new(&bytes, false).collect::<Vec<_>>(), bytes);
        let mut read = Vec::new();
        Bytes::new(&bytes, true).read_to_end(&mut read).unwrap();
        assert_eq!(read, mirrored);
        assert_eq!(0b0000_1011u8.reverse_bits(), 0b1101_0000);
    }
}
