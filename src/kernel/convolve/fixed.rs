//! Opaque pictures and planes, in integers: which rows go through which sums, along one axis or both.

use super::Params;
use super::across::Across;
use super::down::Down;
use super::table::Table;
use std::ops::Range;

/// Rows of pixels of one or four bytes.
#[derive(Clone, Copy)]
pub(super) struct Samples<'a> {
    pub bytes: &'a [u8],
    /// Bytes from one row's begin to the next.
    pub pitch: usize,
    /// Bytes of a row's pixels.
    pub row_bytes: usize,
    pub pixel_bytes: usize,
}

impl<'a> Samples<'a> {
    #[inline(always)]
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.bytes[y * self.pitch..][..self.row_bytes]
    }
}

/// The instructions that sums are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Those that every machine has, as far as the compiler finds some for plain loops.
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// All that this machine has, the best last.
    pub fn all() -> impl Iterator<Item = Level> {
        #[cfg(target_arch = "x86_64")]
        let vectors = [(Level::Avx2, super::avx2::is_here()), (Level::Avx512, super::avx512::is_here())];
        #[cfg(not(target_arch = "x86_64"))]
        let vectors = [];
        std::iter::once((Level::Plain, true)).chain(vectors).filter(|(_, is_here)| *is_here).map(|(level, _)| level)
    }

    /// The best that this machine has.
    pub fn best() -> Level {
        Level::all().last().unwrap_or(Level::Plain)
    }
}

/// Rows of the result that are made at a time.
pub(super) const ROWS: usize = 4;

/// Where a result goes: some of its rows, in bytes.
pub(super) struct Target<'a> {
    /// The result's rows that are here.
    pub rows: Range<u32>,
    pub bytes: &'a mut [u8],
    /// Bytes from one row's begin to the next.
    pub pitch: usize,
}

impl Target<'_> {
    /// Calls `fill` with the number of each [`ROWS`] rows' first and with the rows' bytes.
    fn each_rows(self, row_bytes: usize, mut fill: impl FnMut(u32, &mut [&mut [u8]])) {
        let chunks = self.bytes.chunks_mut(self.pitch.max(1) * ROWS);
        for (first, chunk) in self.rows.clone().step_by(ROWS).zip(chunks) {
            let rows = chunk.chunks_mut(self.pitch).take((self.rows.end - first) as usize);
            fill(first, &mut rows.map(|row| &mut row[..row_bytes]).collect::<Vec<_>>());
        }
    }
}

/// One axis.
pub(super) fn run(level: Level, table: Table, source: Samples, target: Target) {
    let Params { width, axis, cross, .. } = *table.params;
    let row_bytes = width as usize * source.pixel_bytes;
    if axis == 1 {
        let mut down = Down::new(level, table, source);
        target.each_rows(row_bytes, |first, outs| down.fill(first, outs));
        return;
    }
    let mut across = Across::new(level, table, source.pixel_bytes);
    target.each_rows(row_bytes, |first, outs| {
        let rows = outs.iter().zip(first + cross..);
        let rows: Vec<&[u8]> = rows.map(|(_, y)| source.row(y as usize)).collect();
        across.fill(&rows, outs);
    });
}

/// First down, then across: the rows between stay in the cache nearest by.
pub(super) fn run_both(level: Level, first: Table, second: Table, source: Samples, target: Target) {
    let Params { width, cross, .. } = *second.params;
    let between_bytes = first.params.width as usize * source.pixel_bytes;
    let mut between = vec![0; between_bytes * ROWS];
    let mut down = Down::new(level, first, source);
    let mut across = Across::new(level, second, source.pixel_bytes);
    target.each_rows(width as usize * source.pixel_bytes, |row, outs| {
        let mut lines: Vec<&mut [u8]> = between.chunks_mut(between_bytes).take(outs.len()).collect();
        down.fill(row + cross, &mut lines);
        let lines: Vec<&[u8]> = lines.into_iter().map(|line| &*line).collect();
        across.fill(&lines, outs);
    });
}
