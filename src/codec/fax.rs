//! Rows of black and white as fax machines code them, which TIFF and BMP took over: ITU-T T.4 with
//! one and two dimensions (Group 3), its codes without line ends (modified Huffman), T.6 (Group 4).
//!
//! The tables of codes are a library's. Strict: a row that is not exactly as long as the picture is
//! wide, or a code that does not exist, is an error, never a guess. Left out: the extension for
//! rows that are not compressed.

use fax::maps::{Mode, black, mode, white};
use fax::{BitReader, Bits};
use std::convert::Infallible;
use std::io::{Error, ErrorKind, Result};

/// How rows are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Runs alone; a row begins at a multiple of so many bits.
    Huffman { align: u64 },
    /// T.4; whether a row may refer to the one before is told behind each end of line.
    Group3 { two_dimensional: bool },
    /// T.6.
    Group4,
}

/// Rows that are still to come.
pub struct Rows<I> {
    bits: BitStream<I>,
    coding: Coding,
    width: u32,
    /// Where the colour changes in the row before and in this one, from white to black first;
    /// ascending, below the width.
    before: Vec<u32>,
    changes: Vec<u32>,
}

impl<I: Iterator<Item = u8>> Rows<I> {
    pub fn new(bytes: I, coding: Coding, width: u32) -> Rows<I> {
        Rows { bits: BitStream::new(bytes), coding, width, before: Vec::new(), changes: Vec::new() }
    }

    /// Writes the next row, a bit a pixel, the highest first, 1 for black.
    ///
    /// # Errors
    /// `InvalidData` for wrong codes, `UnexpectedEof` where there is no whole row.
    pub fn read(&mut self, row: &mut [u8]) -> Result<()> {
        std::mem::swap(&mut self.before, &mut self.changes);
        self.changes.clear();
        match self.coding {
            Coding::Huffman { align } => {
                self.bits.align(align);
                self.read_runs()?;
            }
            Coding::Group3 { two_dimensional } => {
                // Without one, and in one dimension, rows may follow on each other all the same.
                let told = self.bits.end_of_line()?;
                if two_dimensional && !told {
                    return Err(wrong("no end of line"));
                }
                if two_dimensional && self.bits.take(1) == 0 {
                    self.read_differences()?;
                } else {
                    self.read_runs()?;
                }
            }
            Coding::Group4 => self.read_differences()?,
        }
        if self.bits.exhausted {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        row.fill(0);
        for span in self.changes.chunks(2) {
            blacken(row, span[0], span.get(1).copied().unwrap_or(self.width));
        }
        Ok(())
    }

    /// A row of runs, white and black in turn.
    fn read_runs(&mut self) -> Result<()> {
        let (mut at, mut is_black) = (0, false);
        while at < self.width {
            at = self.run_end(at, is_black)?;
            self.change(at);
            is_black = !is_black;
        }
        Ok(())
    }

    /// A row told by its differences from the one before. Source: T.6, 2.2.
    fn read_differences(&mut self) -> Result<()> {
        // a0 begins just before the row. All changes before `passed` are at or before a0.
        let (mut a0, mut is_black, mut passed) = (-1, false, 0);
        while a0 < i64::from(self.width) {
            while self.before.get(passed).is_some_and(|change| i64::from(*change) <= a0) {
                passed += 1;
            }
            // Changes to black have even places.
            let next = passed + usize::from(passed % 2 != usize::from(is_black));
            let change = |place| self.before.get(place).copied().unwrap_or(self.width);
            let (b1, b2) = (change(next), change(next + 1));
            match mode::decode(&mut self.bits) {
                Some(Mode::Pass) => a0 = b2.into(),
                Some(Mode::Horizontal) => {
                    let a1 = self.run_end(a0.max(0) as u32, is_black)?;
                    let a2 = self.run_end(a1, !is_black)?;
                    self.change(a1);
                    self.change(a2);
                    a0 = a2.into();
                }
                Some(Mode::Vertical(step)) => {
                    let a1 = i64::from(b1) + i64::from(step);
                    if a1 < a0.max(0) || a1 > i64::from(self.width) {
                        return Err(wrong("a change of colour outside of its row"));
                    }
                    self.change(a1 as u32);
                    is_black = !is_black;
                    a0 = a1;
                }
                Some(Mode::Extension) => return Err(wrong("rows that are not compressed")),
                Some(Mode::EOF) | None => return Err(wrong("no code of T.6")),
            }
            if self.bits.exhausted {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Where a run that begins at `at` ends.
    fn run_end(&mut self, mut at: u32, is_black: bool) -> Result<u32> {
        loop {
            let length = if is_black { black::decode(&mut self.bits) } else { white::decode(&mut self.bits) };
            let length = length.ok_or_else(|| wrong("no code of T.4"))?;
            at += u32::from(length);
            if at > self.width || self.bits.exhausted {
                return Err(wrong("a run beyond its row"));
            }
            // Longer ones are followed by what is left.
            if length < 64 {
                return Ok(at);
            }
        }
    }

    /// Notes that the colour changes; twice at one place is no change.
    fn change(&mut self, at: u32) {
        if self.changes.last() == Some(&at) {
            self.changes.pop();
        } else if at < self.width {
            self.changes.push(at);
        }
    }
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

/// Sets the bits from `start` to before `end`.
fn blacken(row: &mut [u8], start: u32, end: u32) {
    let (first, last) = (start as usize / 8, end as usize / 8);
    let (head, tail) = (0xff >> (start % 8), !(0xff >> (end % 8)));
    if first == last {
        row[first] |= head & tail;
        return;
    }
    row[first] |= head;
    row[first + 1..last].fill(0xff);
    if tail != 0 {
        row[last] |= tail;
    }
}

/// Bits of bytes, the highest first, zeros behind the last.
struct BitStream<I> {
    bytes: I,
    window: u64,
    /// Bits in the window, and how many of them were made up behind the end.
    held: u32,
    made_up: u32,
    /// Bits that were taken.
    position: u64,
    /// Made-up bits were taken.
    exhausted: bool,
}

impl<I: Iterator<Item = u8>> BitStream<I> {
    fn new(bytes: I) -> BitStream<I> {
        let mut stream = BitStream { bytes, window: 0, held: 0, made_up: 0, position: 0, exhausted: false };
        stream.fill();
        stream
    }

    fn fill(&mut self) {
        while self.held <= 56 {
            let byte = self.bytes.next();
            self.made_up += if byte.is_none() { 8 } else { 0 };
            self.window = self.window << 8 | u64::from(byte.unwrap_or_default());
            self.held += 8;
        }
    }

    /// The next bits, from 1 to 32 of them.
    fn see(&self, count: u32) -> u64 {
        self.window >> (self.held - count) & ((1 << count) - 1)
    }

    /// Takes from 1 to 32 bits.
    fn take(&mut self, count: u32) -> u64 {
        let bits = self.see(count);
        self.held -= count;
        self.position += u64::from(count);
        if self.held < self.made_up {
            self.made_up = self.held;
            self.exhausted = true;
        }
        if self.held < 32 {
            self.fill();
        }
        bits
    }

    /// Goes to the next multiple of so many bits, at most 32 of them.
    fn align(&mut self, bits: u64) {
        let over = self.position.next_multiple_of(bits) - self.position;
        if over > 0 {
            self.take(over as u32);
        }
    }

    /// Passes over an end of line, whatever zeros are before it, and tells whether there was one.
    ///
    /// # Errors
    /// Where another follows at once, which is the end of the page.
    fn end_of_line(&mut self) -> Result<bool> {
        if self.see(11) != 0 {
            return Ok(false);
        }
        while self.take(1) == 0 {
            if self.exhausted {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        if self.see(11) == 0 || self.see(12) == 0b1000_0000_0000 {
            return Err(wrong("the page ends early"));
        }
        Ok(true)
    }
}

impl<I: Iterator<Item = u8>> BitReader for BitStream<I> {
    type Error = Infallible;

    fn peek(&self, bits: u8) -> Option<u16> {
        (1..=16).contains(&bits).then(|| self.see(bits.into()) as u16)
    }

    fn consume(&mut self, bits: u8) -> std::result::Result<(), Infallible> {
        self.take(u32::from(bits).clamp(1, 32));
        Ok(())
    }

    fn expect(&mut self, bits: Bits) -> std::result::Result<(), Option<Bits>> {
        let found = self.peek(bits.len);
        if found == Some(bits.data) { Ok(()) } else { Err(found.map(|data| Bits { data, len: bits.len })) }
    }

    fn bits_to_byte_boundary(&self) -> u8 {
        (self.position.next_multiple_of(8) - self.position) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits written as text, blanks passed over, filled up with zeros.
    fn packed(text: &str) -> Vec<u8> {
        let bits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).map(|byte| byte - b'0').collect();
        let join = |bits: &[u8]| (0..8).fold(0, |byte, place| byte << 1 | bits.get(place).copied().unwrap_or(0));
        bits.chunks(8).map(join).collect()
    }

    fn rows(text: &str, coding: Coding, width: u32) -> Vec<Vec<u8>> {
        let bytes = packed(text);
        let mut rows = Rows::new(bytes.into_iter(), coding, width);
        let mut row = vec![0; width.div_ceil(8) as usize];
        std::iter::from_fn(|| rows.read(&mut row).ok().map(|()| row.clone())).collect()
    }

    const EOL: &str = "000000000001 ";
    const ONE: Coding = Coding::Group3 { two_dimensional: false };
    const TWO: Coding = Coding::Group3 { two_dimensional: true };

    // T.4, tables 2 and 3: white 2 is 0111, 4 is 1011, 8 is 10011, 0 is 00110101, 64 is 11011;
    // black 3 is 10, 4 is 011, 2 is 11, 8 is 000101, 0 is 0000110111.
    const FOUR_FOUR: &str = "1011 011 ";
    const BLACK: &str = "00110101 000101 ";

    #[test]
    fn runs_of_one_dimension() {
        let expected = [vec![0b0000_1111], vec![0xff], vec![0]];
        let lines = [FOUR_FOUR, BLACK, "10011 "];
        let told: String = lines.iter().map(|line| format!("{EOL}{line}")).collect();
        assert_eq!(rows(&format!("{told}{}", EOL.repeat(6)), ONE, 8), expected);
        // Zeros may fill up before an end of line, and the first of them may be left out.
        let filled: String = lines.iter().map(|line| format!("{line}000{EOL}")).collect();
        assert_eq!(rows(&filled, ONE, 8), expected);
        // Each from a whole byte on: 1011 011 and a zero, 14 bits and two zeros, 10011.
        assert_eq!(rows("10110110 00110101 00010100 10011000", Coding::Huffman { align: 8 }, 8), expected);
        let words = "1011011000000000 0011010100010100 1001100000000000";
        assert_eq!(rows(words, Coding::Huffman { align: 16 }, 8), expected);
    }

    #[test]
    fn long_runs_have_two_codes() {
        // White 64 + 8, black 8.
        let row = &rows("11011 10011 000101", Coding::Huffman { align: 8 }, 80)[0];
        assert_eq!(row[..9], [0; 9]);
        assert_eq!(row[9], 0xff);
    }

    #[test]
    fn differences_of_two_dimensions() {
        // T.4, table 4: V0 is 1, VR1 is 011, VL1 is 010, pass is 0001, horizontal is 001.
        // The row before changes at 4; V0 repeats it, VR1 moves it to 5, VL1 from there back to 4.
        let told = format!("{EOL}1{FOUR_FOUR}{EOL}0 1 1{EOL}0 011 1{EOL}0 010 1");
        assert_eq!(rows(&told, TWO, 8), [[0x0f], [0x0f], [0x07], [0x0f]]);
        // Before the first row of T.6 all is white. Horizontal: white 2, black 3, then V0 at the end;
        // then pass, which is white up to 5, and V0 at the end; then all black.
        assert_eq!(
            rows("001 0111 10 1  0001 1  001 00110101 000101 ", Coding::Group4, 8),
            [[0b0011_1000], [0], [0xff]]
        );
    }

    #[test]
    fn a_row_of_a_wrong_length_is_wrong() {
        // 4 white and 8 black in a row of 8; a code that does not exist; data that ends in a row.
        for text in ["1011 000101", "000000001", "1011", ""] {
            assert!(rows(text, Coding::Huffman { align: 8 }, 8).is_empty(), "{text}");
        }
        // One dimension where two are told needs its end of line.
        assert!(rows(FOUR_FOUR, TWO, 8).is_empty());
        // The page ends early.
        assert_eq!(rows(&format!("{EOL}{FOUR_FOUR}{}", EOL.repeat(6)), ONE, 8).len(), 1);
        // A change to the left of the picture, and one to the right of it.
        assert!(rows("001 00110101 11 010010", Coding::Group4, 2).len() <= 1);
        assert!(rows("0000011", Coding::Group4, 2).is_empty());
    }

    #[test]
    fn any_bits_end() {
        let mut seed = 0x9e37_79b9_u32;
        for round in 0..400u32 {
            let bytes: Vec<u8> = (0..200)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 24) as u8
                })
                .collect();
            let codings = [ONE, TWO, Coding::Group4, Coding::Huffman { align: 8 }];
            let width = 1 + round % 70;
            let mut row = vec![0; width.div_ceil(8) as usize];
            let mut rows = Rows::new(bytes.into_iter(), codings[round as usize % 4], width);
            for _ in 0..2000 {
                if rows.read(&mut row).is_err() {
                    break;
                }
            }
        }
    }
}
