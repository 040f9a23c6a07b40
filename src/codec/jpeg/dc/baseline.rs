//! A scan of a sequential picture: blocks are found first, by several walkers in turn, then their
//! DC values are read.
//!
//! Walkers start at restart markers where the file has them. Else they start in the middle of the
//! data, where they read nonsense at first, but fall into step with the right reading before long,
//! since Huffman codes synchronise themselves; the walker before them notices when it begins a unit
//! where they did. Where that does not happen it carries on. Source: A. Weissenberger and
//! B. Schmidt, "Accelerating JPEG Decompression on GPUs", arXiv 2111.09219.

use super::bits::{Plain, window};
use super::file::COMPONENTS;
use super::huffman::Tables;
use super::in_step;
use super::layout::Layout;
use super::walk::{Program, Walker, run};
use std::ops::Range;

/// Walkers that take turns. On one core of a Zen 4, over the 3.2 MB of a 12-megapixel picture in
/// 4:2:2, one takes 9.1 ms, two 6.9, four 5.9, six 5.9 and eight 6.1.
pub const WALKERS: usize = 4;

/// Blocks of a scan at most: those of 250 megapixels in 4:2:0, 24 MB of positions.
const MOST_BLOCKS: usize = 6_000_000;

/// Entropy-coded data without stuffing, and where its pieces lie.
pub struct Data<'a> {
    pub plain: &'a [u8],
    pub pieces: &'a [Range<usize>],
    /// Units in each piece, the last one excepted; 0 where there are no restart markers.
    pub restart_units: usize,
}

impl<'a> Data<'a> {
    pub fn new(plain: &'a Plain, restart_units: usize) -> Data<'a> {
        Data { plain: plain.bytes(), pieces: plain.pieces(), restart_units }
    }

    /// Checks that the data can hold a scan whose blocks take `least_bits` each at least, before any
    /// memory is taken for them, and that it is in as many pieces as it should.
    pub fn check(&self, layout: &Layout, least_bits: usize) -> Option<()> {
        let blocks = layout.units() * layout.slots().len();
        let bits = self.plain.len() * 8;
        let pieces = if self.restart_units == 0 { 1 } else { layout.units().div_ceil(self.restart_units) };
        // No position may overflow.
        let fits = blocks <= MOST_BLOCKS && blocks * least_bits <= bits && bits <= u32::MAX as usize;
        (fits && self.pieces.len() == pieces).then_some(())
    }
}

/// The walkers at their goal, and the blocks of each that make up the scan.
pub struct Found<'t> {
    pub walkers: Vec<Walker<'t>>,
    /// A walker's number and the range of its blocks, whole units.
    pub parts: Vec<(usize, Range<usize>)>,
}

impl Found<'_> {
    /// Where the blocks of the scan begin, in bits: some whole units after the other.
    pub fn starts(&self) -> impl Iterator<Item = &[u32]> {
        self.parts.iter().map(|(walker, blocks)| &self.walkers[*walker].starts()[blocks.clone()])
    }
}

/// Reads a scan: `row` is given the number of each row of units and its values, one component after
/// the other as [`Layout::lines`] tells. `tables` are those of the scan's components, `memory` holds
/// what earlier scans needed.
///
/// `None` unless the blocks fill the data.
pub fn read(
    data: &Data,
    layout: &Layout,
    tables: &[&Tables],
    memory: &mut Vec<Vec<u32>>,
    lines: &mut Vec<i16>,
    row: impl FnMut(u32, &[i16]),
) -> Option<()> {
    // A DC code and the end of the block take a bit each at least.
    data.check(layout, 2)?;
    let program = Program::new(layout.slots().iter().map(|slot| tables[slot.member]))?;
    let units = layout.units();
    let found = match data.pieces.len() {
        1 => in_step::find(data, &program, units * program.blocks(), memory),
        _ => by_markers(data, &program, units, memory),
    }?;
    let read = values(&found, data, layout, tables, lines, row);
    memory.extend(found.walkers.into_iter().map(Walker::into_memory));
    read
}

/// Whether a piece that ends at `end` (in bytes) may have its last block end at `position` (in bits):
/// the rest of the byte is padding.
pub fn ends_well(position: usize, end: usize) -> bool {
    position.div_ceil(8) == end
}

/// What a walker between restart markers has to do: pieces from the current one on, after the first.
struct Errand {
    first: usize,
    pieces: Range<usize>,
}

/// Gives every walker some of the pieces.
fn by_markers<'t>(data: &Data, program: &Program<'t>, units: usize, memory: &mut Vec<Vec<u32>>) -> Option<Found<'t>> {
    let pieces = data.pieces;
    let blocks = |range: Range<usize>| {
        let units_before = |piece: usize| (piece * data.restart_units).min(units);
        (units_before(range.end) - units_before(range.start)) * program.blocks()
    };
    let count = WALKERS.min(pieces.len());
    let mut walkers = Vec::with_capacity(count);
    let mut errands = Vec::with_capacity(count);
    for index in 0..count {
        let own = pieces.len() * index / count..pieces.len() * (index + 1) / count;
        let first = own.start;
        let mut walker = Walker::new(program, pieces[first].start * 8, memory.pop().unwrap_or_default());
        // Once for all of its pieces, so that the memory grows once.
        walker.send(0, blocks(own.clone()));
        walker.send(pieces[first].end * 8, blocks(first..first + 1));
        walkers.push(walker);
        errands.push(Errand { first, pieces: own });
    }
    let mut done = Vec::with_capacity(count);
    while !walkers.is_empty() {
        let (index, _) = run(&mut walkers, program, data.plain);
        let (walker, errand) = (&mut walkers[index], &mut errands[index]);
        let limit = walker.limit();
        if walker.blocks() < limit || !ends_well(walker.starts()[limit] as usize, pieces[errand.pieces.start].end) {
            return None;
        }
        errand.pieces.start += 1;
        if errand.pieces.is_empty() {
            done.push((errands.swap_remove(index).first, limit, walkers.swap_remove(index)));
        } else {
            let piece = errand.pieces.start;
            walker.restart(program, pieces[piece].start * 8, limit);
            walker.send(pieces[piece].end * 8, blocks(errand.first..piece + 1));
        }
    }
    done.sort_by_key(|(first, ..)| *first);
    let parts = done.iter().enumerate().map(|(index, (_, limit, _))| (index, 0..*limit)).collect();
    Some(Found { walkers: done.into_iter().map(|(.., walker)| walker).collect(), parts })
}

/// Reads the DC value of every block that was found; see [`read`].
///
/// `None` where a value is out of bounds for a picture by far.
fn values(
    found: &Found,
    data: &Data,
    layout: &Layout,
    tables: &[&Tables],
    lines: &mut Vec<i16>,
    mut row: impl FnMut(u32, &[i16]),
) -> Option<()> {
    lines.clear();
    lines.resize(layout.line_values(), 0);
    let mut values = [0i32; COMPONENTS];
    let (mut x, mut y) = (0, 0);
    let mut until_restart = data.restart_units;
    for starts in found.starts() {
        for unit in starts.chunks_exact(layout.slots().len()) {
            if data.restart_units > 0 {
                if until_restart == 0 {
                    values = [0; COMPONENTS];
                    until_restart = data.restart_units;
                }
                until_restart -= 1;
            }
            for (slot, start) in layout.slots().iter().zip(unit) {
                let value = &mut values[slot.member];
                *value += tables[slot.member].difference(window(data.plain, *start as usize)?)?;
                *lines.get_mut(slot.place(x))? = *value as i16;
            }
            x += 1;
            if x == layout.across {
                row(y, lines);
                (x, y) = (0, y + 1);
                // A row adds less than 2²⁸ to it.
                if values.iter().any(|value| value.abs() > 1 << 30) {
                    return None;
                }
            }
        }
    }
    Some(())
}
