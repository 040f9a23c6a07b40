//! Opaque pictures and planes, in integers: what a pass reads for each row of its result, whatever
//! sums it.

use super::table::Table;
use super::{Params, plain};
use std::ops::Range;

/// Rows of pixels of one or four bytes.
#[derive(Clone, Copy)]
pub(super) struct Samples<'a> {
    pub bytes: &'a [u8],
    /// Bytes from one row's begin to the next.
    pub pitch: usize,
    pub pixel_bytes: usize,
}

impl<'a> Samples<'a> {
    /// A row's bytes at `columns`, in pixels.
    fn row(&self, y: usize, columns: Range<usize>) -> &'a [u8] {
        &self.bytes[y * self.pitch..][columns.start * self.pixel_bytes..columns.end * self.pixel_bytes]
    }
}

/// Fills the result's `rows`, which begin `pitch` bytes apart in `target`.
pub(super) fn run(params: &Params, words: &[u32], source: Samples, rows: Range<u32>, target: &mut [u8], pitch: usize) {
    let table = Table { params, words };
    let row_bytes = params.width as usize * source.pixel_bytes;
    let span = if params.axis == 0 { table.span() } else { 0..0 };
    let mut line = Vec::new();
    for (y, out) in rows.zip(target.chunks_mut(pitch.max(1))) {
        let out = &mut out[..row_bytes];
        if params.axis == 1 {
            let sources: Vec<&[u8]> = sources(&table, &source, y).collect();
            plain::down(&sources, table.fixed(y), params.digits, out);
        } else {
            extend(&table, &source, (y + params.cross) as usize, span.clone(), &mut line);
            across(&table, &source, &line, span.start, out);
        }
    }
}

/// The source rows that the taps for row `place` read, cut to the result's columns.
fn sources<'a>(table: &Table, source: &Samples<'a>, place: u32) -> impl Iterator<Item = &'a [u8]> {
    let Params { cross, width, taps, .. } = *table.params;
    let columns = cross as usize..(cross + width) as usize;
    let first = table.first(place);
    (0..taps as i32).map(move |tap| source.row(table.inside(first + tap), columns.clone()))
}

/// Row `y` of the source at the places `span`; places outside the window repeat its edge.
fn extend(table: &Table, source: &Samples, y: usize, span: Range<i32>, line: &mut Vec<u8>) {
    let Params { low, high, .. } = *table.params;
    let inside = span.start.clamp(low, high)..span.end.clamp(low, high);
    line.clear();
    let edge = |place: i32| source.row(y, table.inside(place)..table.inside(place) + 1);
    (span.start..inside.start).for_each(|place| line.extend_from_slice(edge(place)));
    line.extend_from_slice(source.row(y, inside.start as usize..inside.end as usize));
    (inside.end.max(inside.start)..span.end).for_each(|place| line.extend_from_slice(edge(place)));
}

/// A row of the result out of a line of the source that begins at place `start`.
fn across(table: &Table, source: &Samples, line: &[u8], start: i32, out: &mut [u8]) {
    let digits = table.params.digits;
    for (place, out) in (0..).zip(out.chunks_exact_mut(source.pixel_bytes)) {
        let line = &line[(table.first(place) - start) as usize * source.pixel_bytes..];
        match source.pixel_bytes {
            1 => plain::dot::<1>(line, table.fixed(place), digits, out),
            _ => plain::dot::<4>(line, table.fixed(place), digits, out),
        }
    }
}
