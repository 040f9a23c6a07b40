//! Repetitions in rows of texels, sought fast: a run of one byte, or what a table of the last places
//! of a few bytes tells. Only where texels begin is anything looked up, and where little repeats
//! fewer and fewer of them.

use multiversion::multiversion;

/// How far back a repetition may lie.
pub const FARTHEST: usize = 32 * 1024;

/// Most bytes that one repetition has, and least.
const LONGEST: usize = 258;
const SHORTEST: usize = 3;

/// Bytes behind the end of the window that are read, whatever they are.
pub const OVERHANG: usize = WORD_BYTES;

/// Bytes that are compared at a time.
const WORD_BYTES: usize = 8;

/// Least bytes of a run: what is shorter stops the search more than it saves.
const LEAST_RUN: usize = 6;

/// Most bytes that are asked of another repetition.
const MOST_ASKED: u32 = 10;

/// Steps from texel to texel double for each so many bytes without a repetition, as a power of two,
/// up to so many texels, as a power of two. Steps begin in all rows alike, so that what repeats
/// below is found however wide they are.
const PATIENCE: u32 = 5;
const WIDEST_STEP: usize = 3;

const TABLE_BITS: u32 = 13;

/// Bytes as they are, followed by a repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    pub literals: u32,
    /// 3..=258; 0 for none.
    pub length: u16,
    /// 1..=32,768.
    pub distance: u16,
}

/// How hard repetitions are sought.
struct Effort {
    /// Bytes that the table is asked for.
    key_bytes: u32,
    /// Bits that telling a repetition is taken to cost beside those of its distance.
    repetition_bits: u32,
}

/// Photos: short repetitions are rather chance, and tell more bits than they save.
const SPARSE: Effort = Effort { key_bytes: 6, repetition_bits: 18 };

/// Drawings and text: there is less to look through the more repeats.
const DENSE: Effort = Effort { key_bytes: 3, repetition_bits: 12 };

/// What a literal costs before any is known, in eighths of a bit.
const LITERAL_EIGHTHS: u32 = 40;

/// The last places of bytes.
pub struct Finder {
    row_bytes: usize,
    texel_bytes: usize,
    /// Places, counted from the first byte of all and from [`Finder::FIRST`].
    places: Vec<u32>,
    /// The bytes that make a repetition worth it, by the bits of its distance.
    least: [u8; FARTHEST.ilog2() as usize + 1],
    /// Takes a word to the bytes that the table is asked for, at its top.
    key_shift: u32,
}

impl Finder {
    /// The place of the first byte: from there none that was never set can be reached.
    pub const FIRST: u32 = FARTHEST as u32 + 1;

    /// For rows of `row_bytes`: the number of a filter, and then texels of 3 or 4 bytes.
    pub fn new(row_bytes: usize, texel_bytes: usize) -> Finder {
        let places = vec![0; 1 << TABLE_BITS];
        let mut finder = Finder { row_bytes, texel_bytes, places, least: [0; _], key_shift: 0 };
        finder.expect(LITERAL_EIGHTHS, false);
        finder
    }

    /// Takes a literal to cost so many eighths of a bit; `dense` tells that much repeats.
    pub fn expect(&mut self, literal_eighths: u32, dense: bool) {
        let effort = if dense { DENSE } else { SPARSE };
        for (distance_bits, least) in (0..).zip(&mut self.least) {
            let bits = effort.repetition_bits + distance_bits;
            *least = (8 * bits).div_ceil(literal_eighths.max(1)).clamp(SHORTEST as u32, MOST_ASKED) as u8;
        }
        self.key_shift = u64::BITS - 8 * effort.key_bytes;
    }

    /// Splits `window[begin..end]`, whole rows, into sequences; repetitions are of anything in
    /// `window[..end]`, behind which there are [`OVERHANG`] bytes. `place` is that of the window's
    /// first byte, as [`Finder::FIRST`] counts.
    pub fn split(&mut self, window: &[u8], begin: usize, end: usize, place: u32, sequences: &mut Vec<Sequence>) {
        match self.texel_bytes {
            3 => split::<3>(self, window, begin, end, place, sequences),
            _ => split::<4>(self, window, begin, end, place, sequences),
        }
    }

    /// Whether `length` bytes at this distance are worth a repetition.
    #[inline(always)]
    fn is_worth(&self, length: usize, distance: usize) -> bool {
        length >= usize::from(self.least[distance.ilog2() as usize])
    }

    /// The distance of the last place with a key like that of `word`, at `place`, which is noted.
    #[inline(always)]
    fn look_up(&mut self, word: u64, place: u32) -> usize {
        // A multiplier of bits without a pattern spreads the key over the upper bits of the product.
        let spread = (word << self.key_shift).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let last = std::mem::replace(&mut self.places[(spread >> (u64::BITS - TABLE_BITS)) as usize], place);
        place.wrapping_sub(last) as usize
    }
}

#[multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt"))]
fn split<const TEXEL_BYTES: usize>(
    finder: &mut Finder,
    window: &[u8],
    begin: usize,
    end: usize,
    place: u32,
    sequences: &mut Vec<Sequence>,
) {
    let window = &window[..end + OVERHANG];
    let mut done = begin;
    let texels = finder.row_bytes / TEXEL_BYTES;
    for row in (begin..end).step_by(finder.row_bytes).map(|row| row + 1) {
        let mut texel = done.saturating_sub(row).div_ceil(TEXEL_BYTES);
        while texel < texels {
            let at = row + texel * TEXEL_BYTES;
            let here = word(window, at);
            let mut distance = finder.look_up(here, place.wrapping_add(at as u32));
            let mut length = same(here, word(window, at - 1));
            if length >= LEAST_RUN {
                distance = 1;
            } else {
                let within = (1..=at.min(FARTHEST)).contains(&distance);
                length = if within { same(here, word(window, at - distance)) } else { 0 };
                if length < SHORTEST || !finder.is_worth(length, distance) {
                    let doublings = (at.saturating_sub(done) >> PATIENCE).min(WIDEST_STEP);
                    texel = (texel | ((1 << doublings) - 1)) + 1;
                    continue;
                }
            }
            let mut first = at;
            while first > done && first > distance && window[first - 1] == window[first - 1 - distance] {
                first -= 1;
            }
            let mut last = at + length;
            let mut more = length;
            while more == WORD_BYTES && last < end {
                more = same(word(window, last), word(window, last - distance));
                last += more;
            }
            last = last.min(end);
            push(sequences, first - done, last - first, distance);
            done = last;
            texel = (last - row).div_ceil(TEXEL_BYTES);
        }
    }
    if done < end {
        sequences.push(Sequence { literals: (end - done) as u32, length: 0, distance: 0 });
    }
}

/// Adds a repetition, in as many parts as it takes.
fn push(sequences: &mut Vec<Sequence>, literals: usize, length: usize, distance: usize) {
    let (mut literals, mut left) = (literals as u32, length);
    while left > 0 {
        let part = if left > LONGEST { LONGEST.min(left - SHORTEST) } else { left };
        sequences.push(Sequence { literals, length: part as u16, distance: distance as u16 });
        literals = 0;
        left -= part;
    }
}

#[inline(always)]
fn word(window: &[u8], at: usize) -> u64 {
    let mut bytes = [0; WORD_BYTES];
    bytes.copy_from_slice(&window[at..at + WORD_BYTES]);
    u64::from_le_bytes(bytes)
}

/// How many bytes from the first on are the same.
#[inline(always)]
fn same(one: u64, other: u64) -> usize {
    ((one ^ other).trailing_zeros() / 8) as usize
}
