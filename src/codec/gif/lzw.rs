//! The compressed indices of a frame: whether they are all there, and reading them.

use super::blocks::Piece;
use crate::cancel::Cancel;
use crate::error::Error;
use weezl::BitOrder;
use weezl::decode::Decoder;

/// Bits of the longest code, and codes that there are.
const LONGEST: u32 = 12;
const CODES: usize = 1 << LONGEST;

/// The most bits an index may have, so that codes of its length still fit.
const INDEX_BITS: u8 = 11;

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
    if index_bits > INDEX_BITS {
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
        if piece.index_bits > INDEX_BITS {
            return Err(Error::damaged("indices of more bits than codes have"));
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
    while filled < indices.len() {
        let step = decoder.decode_bytes(data, &mut indices[filled..]);
        *data = &data[step.consumed_in..];
        filled += step.consumed_out;
        if filled < indices.len() {
            // The decoder returns after each clearing code, so that no indices alone mean nothing.
            step.status.map_err(Error::damaged)?;
            if step.consumed_in == 0 && step.consumed_out == 0 {
                return Err(Error::damaged("a frame ends before its last row"));
            }
        }
    }
    Ok(())
}
