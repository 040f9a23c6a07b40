//! Integer sums down the columns: whole rows with a weight each.
//!
//! Neighbouring rows of a result read nearly the same rows of the source, so that two are made at a
//! time out of what either reads, with zeros for weights where only the other reads it.

use super::Params;
use super::fixed::{Level, Samples};
use super::plain;
use super::table::Table;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Sums of a pass along y.
pub(super) struct Down<'a> {
    level: Level,
    table: Table<'a>,
    source: Samples<'a>,
    /// The source's rows that the rows in work read, cut to the result's columns.
    rows: Vec<&'a [u8]>,
    /// The weights of those rows, for each result row in work.
    weights: [Vec<i32>; 2],
    /// The same as the instructions want them.
    #[cfg(target_arch = "x86_64")]
    pairs: Vec<i32>,
    #[cfg(target_arch = "x86_64")]
    halves: Vec<[i32; 2]>,
}

impl<'a> Down<'a> {
    pub fn new(level: Level, table: Table<'a>, source: Samples<'a>) -> Down<'a> {
        Down {
            level,
            table,
            source,
            rows: Vec::new(),
            weights: Default::default(),
            #[cfg(target_arch = "x86_64")]
            pairs: Vec::new(),
            #[cfg(target_arch = "x86_64")]
            halves: Vec::new(),
        }
    }

    /// Fills the result's rows from `first` on.
    pub fn fill(&mut self, first: u32, outs: &mut [&mut [u8]]) {
        let mut y = first;
        let mut outs = outs.iter_mut();
        while let Some(out) = outs.next() {
            let next = !outs.as_slice().is_empty() && self.level != Level::Plain && self.together(y);
            match next.then(|| outs.next()).flatten() {
                Some(next) => {
                    self.sum([y, y + 1], [out, next]);
                    y += 2;
                }
                None => {
                    self.sum([y], [out]);
                    y += 1;
                }
            }
        }
    }

    /// Whether row `y` and the next read mostly the same.
    fn together(&self, y: u32) -> bool {
        let apart = self.table.first(y + 1) - self.table.first(y);
        (0..=self.table.params.taps as i32 / 2).contains(&apart)
    }

    fn sum<const K: usize>(&mut self, results: [u32; K], outs: [&mut [u8]; K]) {
        const { assert!(K >= 1 && K <= 2) };
        let Params { cross, width, taps, digits, .. } = *self.table.params;
        let (begin, last) = (self.table.first(results[0]), self.table.first(results[K - 1]));
        let end = last + taps as i32;
        let count = ((end - begin) as usize).next_multiple_of(4);
        let bytes = cross as usize * self.source.pixel_bytes..(cross + width) as usize * self.source.pixel_bytes;
        self.rows.clear();
        let (table, source) = (self.table, self.source);
        // What fills up the last four has no weight, and must be there: a stream holds no more.
        let places = (begin..).take(count).map(|place| table.inside(place.min(end - 1)));
        self.rows.extend(places.map(|place| &source.row(place)[bytes.clone()]));
        for (weights, place) in self.weights.iter_mut().zip(results) {
            weights.clear();
            weights.resize((table.first(place) - begin) as usize, 0);
            weights.extend_from_slice(table.fixed(place));
            weights.resize(count, 0);
        }
        match self.level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => {
                self.halves.clear();
                let quads: [&[[i32; 4]]; 2] = self.weights.each_ref().map(|weights| weights.as_chunks().0);
                for quad in 0..count / avx512::QUAD {
                    self.halves.extend(quads[..K].iter().map(|quads| avx512::halves(quads[quad])));
                }
                // SAFETY: the level says that the machine has the instructions.
                unsafe { avx512::down(&self.rows, &self.halves, digits, outs) }
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 if outs[0].len() >= avx2::BLOCK => {
                self.pairs.clear();
                let pairs: [&[[i32; 2]]; 2] = self.weights.each_ref().map(|weights| weights.as_chunks().0);
                for pair in 0..count / avx2::PAIR {
                    self.pairs.extend(pairs[..K].iter().map(|pairs| avx2::pair(pairs[pair])));
                }
                // SAFETY: the level says that the machine has the instructions.
                unsafe { avx2::down(&self.rows, &self.pairs, digits, outs) }
            }
            _ => {
                for (weights, out) in self.weights.iter().zip(outs) {
                    plain::down(&self.rows, weights, digits, out);
                }
            }
        }
    }
}
