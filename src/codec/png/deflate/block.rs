//! One block: its symbols are counted, given codes, and written; or its bytes stand as they are.
//! Source: RFC 1951, section 3.2.

use super::bits::{Bits, Pen};
use super::huffman::{Code, assign};
use super::matches::Sequence;
use multiversion::multiversion;

/// Literals, the end of the block, and lengths of repetitions.
const SYMBOLS: usize = 286;
const DISTANCES: usize = 30;
const END: usize = 256;

/// Bits of the longest code: four of literals, behind the seven bits that may be held, fit a word.
const LONGEST: u8 = 14;

/// Lengths of codes, and the three ways of repeating one.
const LENGTHS: usize = 19;
const LONGEST_OF_LENGTHS: u8 = 7;

/// The order in which the lengths' own codes are told.
const LENGTHS_ORDER: [usize; LENGTHS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Most bytes that stand as they are behind one header.
const STORED_BYTES: usize = u16::MAX as usize;

/// A number that is sent as a symbol and further bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Split {
    symbol: usize,
    extra: u64,
    extra_bits: u32,
}

/// The symbol of a length of 3..=258.
fn split_length(length: usize) -> Split {
    match length - 3 {
        255 => Split { symbol: 285, extra: 0, extra_bits: 0 },
        small @ 0..8 => Split { symbol: 257 + small, extra: 0, extra_bits: 0 },
        // Four symbols for each power of two.
        over => {
            let extra_bits = over.ilog2() - 2;
            let symbol = 257 + 4 * extra_bits as usize + (over >> extra_bits);
            Split { symbol, extra: (over & ((1 << extra_bits) - 1)) as u64, extra_bits }
        }
    }
}

/// The symbol of a distance of 1..=32,768.
#[inline(always)]
fn split_distance(distance: usize) -> Split {
    let over = distance - 1;
    if over < 4 {
        return Split { symbol: over, extra: 0, extra_bits: 0 };
    }
    // Two symbols for each power of two.
    let extra_bits = over.ilog2() - 1;
    let symbol = 2 * extra_bits as usize + (over >> extra_bits);
    Split { symbol, extra: (over & ((1 << extra_bits) - 1)) as u64, extra_bits }
}

/// Bits with their number.
#[derive(Debug, Clone, Copy, Default)]
struct Word {
    bits: u32,
    count: u32,
}

impl Word {
    #[inline(always)]
    fn put(self, pen: &mut Pen) {
        pen.put(self.bits.into(), self.count);
    }
}

/// Tables that are made anew for each block.
pub struct Block {
    counts: [u32; SYMBOLS],
    distance_counts: [u32; DISTANCES],
    codes: [Code; SYMBOLS],
    distances: [Code; DISTANCES],
    literals: [Word; 256],
    /// Code and further bits of each length, from 0 on.
    lengths: Vec<Word>,
    /// The symbols of lengths, from 0 on.
    splits: Vec<Split>,
}

impl Block {
    pub fn new() -> Block {
        Block {
            counts: [0; SYMBOLS],
            distance_counts: [0; DISTANCES],
            codes: [Code::default(); SYMBOLS],
            distances: [Code::default(); DISTANCES],
            literals: [Word::default(); 256],
            lengths: vec![Word::default(); 259],
            splits: (0..259).map(|length: usize| split_length(length.max(3))).collect(),
        }
    }

    /// Writes `bytes`, which are what `sequences` tells.
    pub fn code(&mut self, bytes: &[u8], sequences: &[Sequence], last: bool, bits: &mut Bits) {
        self.count(bytes, sequences);
        assign(&self.counts, LONGEST, &mut self.codes);
        assign(&self.distance_counts, LONGEST, &mut self.distances);
        let header = Header::of(&self.codes, &self.distances);
        let stored_bits = 8 * (bytes.len() + 5 * bytes.len().div_ceil(STORED_BYTES).max(1)) as u64;
        let coded_bits = header.bits() + self.bits();
        if stored_bits <= coded_bits {
            return store(bytes, last, bits);
        }
        bits.write((coded_bits / 8) as usize + 1, |pen| {
            pen.put(u64::from(last) | 0b10 << 1, 3);
            pen.flush();
            header.write(pen);
            self.write(bytes, sequences, pen);
        });
    }

    /// What a literal of the last block cost, in eighths of a bit.
    pub fn literal_eighths(&self) -> u32 {
        let (counts, codes) = (&self.counts[..256], &self.codes[..256]);
        let bits: u32 = counts.iter().zip(codes).map(|(count, code)| count * u32::from(code.length)).sum();
        8 * bits / counts.iter().sum::<u32>().max(1)
    }

    /// Counts the symbols.
    fn count(&mut self, bytes: &[u8], sequences: &[Sequence]) {
        self.counts.fill(0);
        self.distance_counts.fill(0);
        // Several tables, so that equal bytes in a row do not wait for each other.
        let mut tables = [[0u32; 256]; 4];
        let mut at = 0;
        for sequence in sequences {
            let (literals, length) = (&bytes[at..][..sequence.literals as usize], usize::from(sequence.length));
            let (quads, rest) = literals.as_chunks::<4>();
            for quad in quads {
                tables.iter_mut().zip(quad).for_each(|(table, literal)| table[usize::from(*literal)] += 1);
            }
            rest.iter().for_each(|literal| tables[0][usize::from(*literal)] += 1);
            at += literals.len() + length;
            if length > 0 {
                self.counts[self.splits[length].symbol] += 1;
                self.distance_counts[split_distance(sequence.distance.into()).symbol] += 1;
            }
        }
        for (symbol, count) in self.counts[..256].iter_mut().enumerate() {
            *count = tables.iter().map(|table| table[symbol]).sum();
        }
        self.counts[END] = 1;
    }

    /// Bits that all symbols take.
    fn bits(&self) -> u64 {
        let of = |counts: &[u32], codes: &[Code]| {
            counts.iter().zip(codes).map(|(count, code)| u64::from(*count) * u64::from(code.length)).sum::<u64>()
        };
        let lengths = (257..SYMBOLS - 1).map(|symbol| ((symbol - 257) / 4).saturating_sub(1));
        let extra_of_lengths = lengths.zip(&self.counts[257..]).map(|(extra, count)| extra as u64 * u64::from(*count));
        let distances = (0..DISTANCES).map(|symbol| (symbol / 2).saturating_sub(1));
        let extra_of_distances =
            distances.zip(&self.distance_counts).map(|(extra, count)| extra as u64 * u64::from(*count));
        let codes = of(&self.counts, &self.codes) + of(&self.distance_counts, &self.distances);
        codes + extra_of_lengths.sum::<u64>() + extra_of_distances.sum::<u64>()
    }

    fn write(&mut self, bytes: &[u8], sequences: &[Sequence], pen: &mut Pen) {
        let word = |code: Code| Word { bits: code.bits.into(), count: code.length.into() };
        self.literals.iter_mut().zip(&self.codes).for_each(|(literal, code)| *literal = word(*code));
        for (length, split) in self.lengths.iter_mut().zip(&self.splits) {
            let code = word(self.codes[split.symbol]);
            *length =
                Word { bits: code.bits | (split.extra as u32) << code.count, count: code.count + split.extra_bits };
        }
        write_symbols(self, bytes, sequences, pen);
    }
}

/// Writes the symbols of all sequences, and the end of the block.
#[multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt"))]
fn write_symbols(block: &Block, bytes: &[u8], sequences: &[Sequence], pen: &mut Pen) {
    let mut at = 0;
    for sequence in sequences {
        let (literals, length) = (&bytes[at..][..sequence.literals as usize], usize::from(sequence.length));
        let (quads, rest) = literals.as_chunks::<4>();
        for quad in quads {
            quad.iter().for_each(|literal| block.literals[usize::from(*literal)].put(pen));
            pen.flush();
        }
        rest.iter().for_each(|literal| block.literals[usize::from(*literal)].put(pen));
        pen.flush();
        at += literals.len() + length;
        if length > 0 {
            let (word, split) = (block.lengths[length], split_distance(sequence.distance.into()));
            pen.put(word.bits.into(), word.count);
            let code = block.distances[split.symbol];
            pen.put(code.bits.into(), code.length.into());
            pen.put(split.extra, split.extra_bits);
            pen.flush();
        }
    }
    let end = block.codes[END];
    pen.put(end.bits.into(), end.length.into());
    pen.flush();
}

/// Writes bytes as they are.
fn store(bytes: &[u8], last: bool, bits: &mut Bits) {
    let mut parts = bytes.chunks(STORED_BYTES).peekable();
    loop {
        let part = parts.next().unwrap_or_default();
        let ends = parts.peek().is_none();
        bits.write(1, |pen| {
            pen.put(u64::from(last && ends), 3);
            pen.flush();
        });
        let length = part.len() as u16;
        bits.append(&length.to_le_bytes());
        bits.append(&(!length).to_le_bytes());
        bits.append(part);
        if ends {
            return;
        }
    }
}

/// What tells the codes of a block.
struct Header {
    literals: usize,
    distances: usize,
    /// Lengths of codes as symbols, with further bits.
    lengths: Vec<(u8, u8)>,
    codes: [Code; LENGTHS],
    /// How many of [`LENGTHS_ORDER`] are told.
    told: usize,
}

impl Header {
    fn of(literals: &[Code], distances: &[Code]) -> Header {
        let used = |codes: &[Code]| codes.iter().rposition(|code| code.length > 0).map_or(0, |last| last + 1);
        let (literal_count, distance_count) = (used(literals).max(END + 1), used(distances).max(1));
        let all = literals[..literal_count].iter().chain(&distances[..distance_count]);
        let all: Vec<u8> = all.map(|code| code.length).collect();
        let mut lengths = Vec::with_capacity(all.len());
        for run in all.chunk_by(|one, other| one == other) {
            let (length, mut left) = (run[0], run.len());
            if length > 0 {
                lengths.push((length, 0));
                left -= 1;
            }
            while left > 0 {
                let (symbol, part, least) = match (length, left) {
                    (_, 0..3) => (length, 1, 1),
                    (0, 3..11) => (17, left, 3),
                    (0, _) => (18, left.min(138), 11),
                    _ => (16, left.min(6), 3),
                };
                lengths.push((symbol, (part - least) as u8));
                left -= part;
            }
        }
        let mut counts = [0; LENGTHS];
        lengths.iter().for_each(|(symbol, _)| counts[usize::from(*symbol)] += 1);
        let mut codes = [Code::default(); LENGTHS];
        assign(&counts, LONGEST_OF_LENGTHS, &mut codes);
        let told = LENGTHS_ORDER.iter().rposition(|symbol| codes[*symbol].length > 0).map_or(4, |last| last + 1).max(4);
        Header { literals: literal_count, distances: distance_count, lengths, codes, told }
    }

    /// Further bits of a length's symbol.
    fn extra_bits(symbol: u8) -> u32 {
        match symbol {
            16 => 2,
            17 => 3,
            18 => 7,
            _ => 0,
        }
    }

    fn bits(&self) -> u64 {
        let length = |(symbol, _): &(u8, u8)| {
            u64::from(self.codes[usize::from(*symbol)].length) + u64::from(Header::extra_bits(*symbol))
        };
        3 + 14 + 3 * self.told as u64 + self.lengths.iter().map(length).sum::<u64>()
    }

    fn write(&self, pen: &mut Pen) {
        pen.put((self.literals - 257) as u64, 5);
        pen.put((self.distances - 1) as u64, 5);
        pen.put((self.told - 4) as u64, 4);
        for symbol in &LENGTHS_ORDER[..self.told] {
            pen.put(self.codes[*symbol].length.into(), 3);
            pen.flush();
        }
        for (symbol, extra) in &self.lengths {
            let code = self.codes[usize::from(*symbol)];
            pen.put(code.bits.into(), code.length.into());
            pen.put((*extra).into(), Header::extra_bits(*symbol));
            pen.flush();
        }
    }
}
