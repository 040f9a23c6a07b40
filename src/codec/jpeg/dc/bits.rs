//! Entropy-coded data without its stuffing. Source: ITU-T T.81, B.1.1.5 and F.1.2.3.

use super::file::marker_at;
use std::ops::Range;

/// Zero bytes behind the data, so that eight bytes can be read anywhere in it.
const PADDING: usize = 64;

/// Entropy-coded data without its stuffing, in memory that is used again.
#[derive(Default)]
pub struct Plain {
    bytes: Vec<u8>,
    length: usize,
    pieces: Vec<Range<usize>>,
}

impl Plain {
    /// The data, some zeros behind it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length + PADDING]
    }

    /// The pieces that restart markers cut it into, as ranges of its bytes; one if there are none.
    pub fn pieces(&self) -> &[Range<usize>] {
        &self.pieces
    }

    /// Gives the memory back if it is more than so much.
    pub fn trim(&mut self, kept_bytes: usize) {
        if self.bytes.capacity() > kept_bytes {
            *self = Plain::default();
        }
    }

    /// Reads the data from `offset` on, and yields the offset of the marker behind it.
    ///
    /// `None` where restart markers do not count up as they should, or no marker follows.
    pub fn read(&mut self, bytes: &[u8], offset: usize) -> Option<usize> {
        let mut source = bytes.get(offset..)?;
        if self.bytes.len() < source.len() + PADDING {
            self.bytes.resize(source.len() + PADDING, 0);
        }
        self.length = 0;
        self.pieces.clear();
        let mut start = 0;
        loop {
            let copied = copy_to_ff(source, &mut self.bytes[self.length..])?;
            self.length += copied;
            source = &source[copied..];
            // What was copied last is 0xff.
            if *source.first()? == 0 {
                source = &source[1..];
                continue;
            }
            self.length -= 1;
            self.pieces.push(start..self.length);
            start = self.length;
            let place = bytes.len() - source.len() - 1;
            let (marker, behind) = marker_at(bytes, place)?;
            if !(0xd0..=0xd7).contains(&marker) {
                self.bytes[self.length..self.length + PADDING].fill(0);
                return Some(place);
            }
            if usize::from(marker & 7) != (self.pieces.len() - 1) % 8 {
                return None;
            }
            source = &bytes[behind..];
        }
    }
}

/// Copies `source` to its first 0xff, that one included, and yields how many bytes that are; behind
/// them the target's content is undefined. `None` if there is no 0xff.
///
/// Eight bytes at a time: a search and a copy apart took three times as long.
#[inline(always)]
fn copy_to_ff(source: &[u8], target: &mut [u8]) -> Option<usize> {
    let (eights, rest) = source.as_chunks::<8>();
    let (targets, _) = target.as_chunks_mut::<8>();
    for (index, (eight, target)) in eights.iter().zip(targets).enumerate() {
        *target = *eight;
        if let Some(place) = first_ff(*eight) {
            return Some(index * 8 + place + 1);
        }
    }
    let done = source.len() - rest.len();
    let length = rest.iter().position(|byte| *byte == 0xff)? + 1;
    target.get_mut(done..done + length)?.copy_from_slice(&rest[..length]);
    Some(done + length)
}

/// The first 0xff of eight bytes. Source: H. S. Warren, "Hacker's Delight", 6-1, for a zero byte.
#[inline(always)]
fn first_ff(eight: [u8; 8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let inverted = !u64::from_le_bytes(eight);
    let found = inverted.wrapping_sub(ONES) & !inverted & (ONES << 7);
    (found != 0).then_some(found.trailing_zeros() as usize / 8)
}

/// The offset of the marker behind the data that begins at `offset`, restart markers passed over.
pub fn skip(bytes: &[u8], mut offset: usize) -> Option<usize> {
    loop {
        offset += find_ff(bytes.get(offset..)?)?;
        match *bytes.get(offset + 1)? {
            0 | 0xd0..=0xd7 => offset += 2,
            0xff => offset += 1,
            _ => return Some(offset),
        }
    }
}

/// The offset of the first 0xff.
fn find_ff(bytes: &[u8]) -> Option<usize> {
    let (eights, rest) = bytes.as_chunks::<8>();
    let found = eights.iter().enumerate().find_map(|(index, eight)| first_ff(*eight).map(|place| index * 8 + place));
    found.or_else(|| rest.iter().position(|byte| *byte == 0xff).map(|place| bytes.len() - rest.len() + place))
}

/// The 57 bits or more at a bit's position, the first one at the top.
#[inline(always)]
pub fn window(plain: &[u8], position: usize) -> Option<u64> {
    let place = position / 8;
    let eight: &[u8; 8] = plain.get(place..place + 8)?.try_into().ok()?;
    Some(u64::from_be_bytes(*eight) << (position % 8))
}
