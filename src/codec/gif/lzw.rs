//! The compressed indices of a frame: whether they are all there, and reading them.

use super::blocks::Piece;
use crate::cancel::Cancel;
use crate::error::Error;
use std::ops::RangeInclusive;
use weezl::decode::Decoder;
use weezl::{BitOrder, LzwStatus};

/// Bits of the longest code, and codes that there are.
const LONGEST: u32 = 12;
const CODES: usize = 1 << LONGEST;

/// Bits that an index may have, so that codes of its length still fit.
const INDEX_BITS: RangeInclusive<u8> = 1..=11;

/// Indices that are decoded at a time, unless a row has more.
const CHUNK: usize = 1 << 16;

/// Where every pass of an interlaced frame begins, and its step. Source: GIF89a, appendix E.
const PASSES: [(u32, usize); 4] = [(0, 8), (4, 8), (2, 4), (1, 2)];

/// Whether the data give an index for every pixel of the frame, found without decoding them.
///
/// What follows the last pixel does not matter, nor whether an end is marked.
pub fn is_whole(piece: &Piece) -> bool {
    let mut data = Bits { parts: piece.data.flatten(), window: 0, held: 0 };
    reaches(&mut data, piece.index_bits, piece.pixels())
}

fn reaches<'a>(data: &mut Bits<impl Iterator<Item = &'a u8>>, index_bits: u8, wanted: u64) -> bool {
    if !INDEX_BITS.contains(&index_bits) {
        return false;
    }
    let clear = 1 << index_bits;
    let end = clear + 1;
    // Of the text that each code stands for. One that is not set yet is never asked for.
    let mut lengths = [1u16; CODES];
    let (mut next, mut bits) = (end + 1, u32::from(index_bits) + 1);
    let mut last = None;
    let mut reached = 0;
    while reached < wanted {
        let Some(code) = data.take(bits) else { return false };
        if code == clear {
            (next, bits, last) = (end + 1, u32::from(index_bits) + 1, None);
            continue;
        }
        let known = if last.is_some() { next } else { clear - 1 };
        if code == end || code > known {
            return false;
        }
        if let Some(last) = last
            && next < CODES
        {
            // May be the very code that was read.
            lengths[next] = last + 1;
            if next + 1 >= 1 << bits && bits < LONGEST {
                bits += 1;
            }
            next += 1;
        }
        last = Some(lengths[code]);
        reached += u64::from(lengths[code]);
    }
    true
}

/// Bytes as a stream of bits, the lowest first.
struct Bits<I> {
    parts: I,
    window: u32,
    held: u32,
}

impl<'a, I: Iterator<Item = &'a u8>> Bits<I> {
    /// The next `count` bits, at most 12, if there are as many.
    fn take(&mut self, count: u32) -> Option<usize> {
        while self.held < count {
            self.window |= u32::from(*self.parts.next()?) << self.held;
            self.held += 8;
        }
        let taken = self.window & ((1 << count) - 1);
        self.window >>= count;
        self.held -= count;
        Some(taken as usize)
    }
}

/// Reads one frame after the other, in the same memory.
#[derive(Default)]
pub struct Reader {
    /// With the bits of an index that it was made for.
    decoder: Option<(u8, Decoder)>,
    data: Vec<u8>,
    indices: Vec<u8>,
}

impl Reader {
    /// Hands the indices of each row to `paint`, with the row's place in the frame.
    ///
    /// # Errors
    /// `ImageDamage` where the frame is not whole, `ServiceUnavailable` when `cancel` says so.
    pub fn rows(&mut self, piece: &Piece, cancel: &Cancel, mut paint: impl FnMut(u32, &[u8])) -> Result<(), Error> {
        if piece.pixels() == 0 {
            return Ok(());
        }
        if !INDEX_BITS.contains(&piece.index_bits) {
            return Err(Error::damaged("indices of no bits, or of more than codes have"));
        }
        self.data.clear();
        piece.data.for_each(|part| self.data.extend_from_slice(part));
        let decoder = match &mut self.decoder {
            Some((bits, decoder)) if *bits == piece.index_bits => {
                decoder.reset();
                decoder
            }
            other => &mut other.insert((piece.index_bits, Decoder::new(BitOrder::Lsb, piece.index_bits))).1,
        };
        let width = piece.width as usize;
        let mut places = places(piece);
        let mut data = self.data.as_slice();
        let mut left = piece.height as usize;
        while left > 0 {
            cancel.check()?;
            let rows = (CHUNK / width).clamp(1, left);
            self.indices.resize(rows * width, 0);
            fill(decoder, &mut data, &mut self.indices)?;
            for (indices, place) in self.indices.chunks_exact(width).zip(&mut places) {
                paint(place, indices);
            }
            left -= rows;
        }
        Ok(())
    }
}

/// The places of the rows, in the order in which the data has them.
fn places(piece: &Piece) -> impl Iterator<Item = u32> {
    let height = piece.height;
    let passes: &[(u32, usize)] = if piece.interlaced { &PASSES } else { &[(0, 1)] };
    passes.iter().flat_map(move |(first, step)| (*first..height).step_by(*step))
}

/// Decodes until `indices` are full.
fn fill(decoder: &mut Decoder, data: &mut &[u8], indices: &mut [u8]) -> Result<(), Error> {
    let mut filled = 0;
    let mut idle = false;
    while filled < indices.len() {
        let step = decoder.decode_bytes(data, &mut indices[filled..]);
        *data = &data[step.consumed_in..];
        filled += step.consumed_out;
        if filled == indices.len() {
            break;
        }
        // The decoder holds bits back. It returns after each code that clears the table, and may
        // then tell of no progress though there is more to come; but not twice.
        let status = step.status.map_err(Error::damaged)?;
        let still = step.consumed_out == 0 && matches!(status, LzwStatus::NoProgress);
        if matches!(status, LzwStatus::Done) || idle && still {
            return Err(Error::damaged("a frame ends before its last row"));
        }
        idle = still;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::gif::blocks::Blocks;
    use crate::codec::gif::tests::{noise, once, piece};

    /// The indices of the file's first frame, if they can be read.
    fn indices(bytes: &[u8]) -> Option<Vec<u8>> {
        let piece = Blocks::new(bytes).unwrap().next_piece()?;
        let mut rows = Vec::new();
        let read = Reader::default().rows(&piece, &Cancel::never(), |_, row| rows.extend_from_slice(row));
        assert_eq!(read.is_ok(), is_whole(&piece), "{bytes:?}");
        read.ok().map(|()| rows)
    }

    #[test]
    fn flat_and_noisy_frames_of_every_small_size() {
        for (width, height) in (1..40).flat_map(|width| (1..12).map(move |height| (width, height))) {
            let count = usize::from(width) * usize::from(height);
            let noisy: Vec<u8> = noise(count, count as u64).into_iter().map(|byte| byte % 3).collect();
            for indices_in in [vec![0; count], vec![2; count], noisy] {
                let bytes = once(width, height, &[piece(0, 0, width, height, &indices_in)]);
                assert_eq!(indices(&bytes), Some(indices_in), "{width}x{height}");
            }
        }
    }

    #[test]
    fn long_frames_outgrow_a_chunk_and_the_codes() {
        // Wider than a chunk; of more texts than codes; one text that goes on and on.
        for (width, height, colors) in [(65_535, 2, 4), (400, 300, 4), (300, 400, 1)] {
            let count = usize::from(width) * usize::from(height);
            let indices_in: Vec<u8> = noise(count, 7).into_iter().map(|byte| byte % colors).collect();
            let bytes = once(width, height, &[piece(0, 0, width, height, &indices_in)]);
            assert!(indices(&bytes) == Some(indices_in), "{width}x{height}");
        }
    }

    /// A file of one frame with these data, and its indices' bits.
    fn with_data(width: u8, height: u8, index_bits: u8, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0".to_vec();
        bytes.extend([width, 0, height, 0, 0, index_bits]);
        for part in data.chunks(200) {
            bytes.push(part.len() as u8);
            bytes.extend_from_slice(part);
        }
        bytes.push(0);
        bytes
    }

    #[test]
    fn odd_ends_and_beginnings() {
        // Three bits each: 4 cleans, 5 ends, 6 is the text of the two indices before.
        let codes = |codes: &[u32]| {
            let bits = codes.iter().rev().fold(0u32, |bits, code| bits << 3 | code);
            bits.to_le_bytes()[..(codes.len() * 3).div_ceil(8)].to_vec()
        };
        for (data, expected) in [
            (codes(&[4, 1, 2, 5]), Some(vec![1, 2])),
            (codes(&[4, 1, 2]), Some(vec![1, 2])),
            (codes(&[1, 2]), Some(vec![1, 2])),
            (codes(&[4, 4, 1, 4, 2, 7, 7]), Some(vec![1, 2])),
            // The text that is just being made.
            (codes(&[4, 1, 6]), None),
            (codes(&[4, 1]), None),
            (codes(&[4, 1, 5, 2]), None),
            (codes(&[4, 6, 1, 2]), None),
            (codes(&[4, 1, 7, 2]), None),
            (Vec::new(), None),
        ] {
            let expected = if data == codes(&[4, 1, 6]) { Some(vec![1, 1]) } else { expected };
            assert_eq!(indices(&with_data(2, 1, 2, &data)), expected, "{data:?}");
        }
        assert_eq!(indices(&with_data(2, 1, 12, &[0; 9])), None);
    }

    #[test]
    fn whole_is_what_can_be_read() {
        let random = noise(4000 * 40, 3);
        let mut whole = 0;
        for (number, data) in random.chunks(40).enumerate() {
            let (width, height) = (1 + data[0] % 4, 1 + data[1] % 2);
            let data = &data[2..2 + usize::from(data[2] % 38)];
            whole += usize::from(indices(&with_data(width, height, (number % 13) as u8, data)).is_some());
        }
        assert!((100..3900).contains(&whole), "{whole} of random data");
        let indices_in: Vec<u8> = noise(600, 9).into_iter().map(|byte| byte % 5).collect();
        let bytes = once(30, 20, &[piece(0, 0, 30, 20, &indices_in)]);
        let begin = bytes.iter().rposition(|byte| *byte == 0x2c).unwrap() + 12;
        let mut whole = 0;
        for bit in begin * 8..(bytes.len() - 2) * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            whole += usize::from(indices(&changed).is_some());
        }
        assert!((20..1800).contains(&whole), "{whole} of those with a changed bit");
    }
}
