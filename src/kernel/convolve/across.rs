//! Integer sums along the rows.
//!
//! A blur's places share their weights: whole vectors slide along a line whose edges are repeated. A
//! resize has weights for each place, and reads the source's row itself where it can.

use super::fixed::{Level, ROWS};
use super::plain;
use super::table::Table;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use std::ops::Range;

/// Sums of a pass along x.
pub(super) struct Across<'a> {
    table: Table<'a>,
    pixel_bytes: usize,
    sums: Sums,
    /// The source places of a line's pixels, where lines are copies.
    span: Range<i32>,
    /// A copy of a row with its edges repeated and some slack, where rows are not read themselves.
    line: Vec<u8>,
}

/// The weights as the instructions want them.
enum Sums {
    Plain,
    #[cfg(target_arch = "x86_64")]
    SharedPairs(Vec<i32>),
    #[cfg(target_arch = "x86_64")]
    Pairs(avx2::Rows),
    #[cfg(target_arch = "x86_64")]
    SharedHalves(Vec<[i32; 2]>),
    #[cfg(target_arch = "x86_64")]
    Halves(avx512::Blocks),
}

/// Bytes behind a copied line that sums may read, and count with weight 0.
const SLACK: usize = 256;

impl<'a> Across<'a> {
    pub fn new(level: Level, table: Table<'a>, pixel_bytes: usize) -> Across<'a> {
        let mut across = Across { table, pixel_bytes, sums: Sums::Plain, span: 0..0, line: Vec::new() };
        #[cfg(target_arch = "x86_64")]
        if level == Level::Avx512
            && table.params.stride > 0
            && table.stays_inside()
            && let Some(blocks) = avx512::Blocks::new(&table, 0, pixel_bytes)
        {
            across.sums = Sums::Halves(blocks);
            return across;
        }
        across.span = table.span();
        #[cfg(target_arch = "x86_64")]
        if level != Level::Plain {
            across.sums = match (level, table.params.stride) {
                (Level::Avx512, 0) => Sums::SharedHalves(padded(table.fixed(0)).map(avx512::halves).collect()),
                (_, 0) => Sums::SharedPairs(padded(table.fixed(0)).map(avx2::pair).collect()),
                _ => Sums::Pairs(avx2::Rows::new(&table, across.span.start)),
            };
        }
        across
    }

    /// Fills rows of the result out of as many rows of the source.
    pub fn fill(&mut self, rows: &[&[u8]], outs: &mut [&mut [u8]]) {
        #[cfg(target_arch = "x86_64")]
        if let Sums::Halves(blocks) = &self.sums {
            // SAFETY: blocks are made only where the machine has the instructions.
            unsafe {
                match (<[&[u8]; ROWS]>::try_from(rows), outs) {
                    (Ok(rows), [a, b, c, d]) => blocks.sum(rows, [a, b, c, d]),
                    (_, outs) => rows.iter().zip(outs).for_each(|(row, out)| blocks.sum([*row], [*out])),
                }
            }
            return;
        }
        for (row, out) in rows.iter().zip(outs) {
            self.extend(row);
            self.sum(out);
        }
    }

    /// A line of the source's row at the places that are read; places outside the window repeat its
    /// edge.
    fn extend(&mut self, row: &[u8]) {
        let (low, high) = (self.table.params.low, self.table.params.high);
        let span = self.span.clone();
        let inside = span.start.clamp(low, high)..span.end.clamp(low, high);
        let bytes = |from: i32, to: i32| &row[from as usize * self.pixel_bytes..to as usize * self.pixel_bytes];
        let line = &mut self.line;
        line.clear();
        (span.start..inside.start.min(span.end)).for_each(|_| line.extend_from_slice(bytes(low, low + 1)));
        line.extend_from_slice(bytes(inside.start, inside.end));
        (inside.end.max(span.start)..span.end).for_each(|_| line.extend_from_slice(bytes(high - 1, high)));
        line.resize(line.len() + SLACK, 0);
    }

    fn sum(&self, out: &mut [u8]) {
        let digits = self.table.params.digits;
        match &self.sums {
            // SAFETY: sums other than plain ones are made only where the machine has the instructions.
            #[cfg(target_arch = "x86_64")]
            Sums::SharedHalves(halves) => unsafe {
                match self.pixel_bytes {
                    1 => avx512::slide::<1>(&self.line, halves, digits, out),
                    _ => avx512::slide::<4>(&self.line, halves, digits, out),
                }
            },
            #[cfg(target_arch = "x86_64")]
            Sums::SharedPairs(pairs) if out.len() >= avx2::BLOCK => {
                let taps = 0..pairs.len() * avx2::PAIR;
                let rows: Vec<&[u8]> = taps.map(|tap| &self.line[tap * self.pixel_bytes..]).collect();
                // SAFETY: as above.
                unsafe { avx2::down(&rows, pairs, digits, [out]) }
            }
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Sums::Pairs(rows) => unsafe {
                match self.pixel_bytes {
                    1 => rows.sum_bytes(&self.line, out),
                    _ => rows.sum_pixels(&self.line, out),
                }
            },
            _ => {
                for (place, out) in (0..).zip(out.chunks_exact_mut(self.pixel_bytes)) {
                    let line = &self.line[(self.table.first(place) - self.span.start) as usize * self.pixel_bytes..];
                    match self.pixel_bytes {
                        1 => plain::dot::<1>(line, self.table.fixed(place), digits, out),
                        _ => plain::dot::<4>(line, self.table.fixed(place), digits, out),
                    }
                }
            }
        }
    }
}

/// Weights in groups, zeros at the end.
#[cfg(target_arch = "x86_64")]
fn padded<const N: usize>(weights: &[i32]) -> impl Iterator<Item = [i32; N]> {
    weights.chunks(N).map(|weights| std::array::from_fn(|tap| weights.get(tap).copied().unwrap_or(0)))
}
