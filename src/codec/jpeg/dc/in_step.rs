//! Finding blocks without restart markers: walkers that fall into step with the one before them.

use super::baseline::{Data, Found, WALKERS, ends_well};
use super::walk::{Halt, Program, Walker, run};
use std::slice;

/// Data for which more than one walker is worth the overlap, in bits.
const SHARED_BITS: usize = 1 << 16;

/// How often a walker may begin anew. Nonsense rarely comes to an end that is none; a file of nothing
/// else must not cost more than reading it.
const LIVES: u32 = 64;

/// Units that a walker takes between looks at where the next one began units.
const UNITS_BETWEEN_LOOKS: usize = 16;

/// Finds `blocks` blocks in one piece of data.
pub fn find<'t>(data: &Data, program: &Program<'t>, blocks: usize, memory: &mut Vec<Vec<u32>>) -> Option<Found<'t>> {
    let end = data.pieces.first()?.end * 8;
    let count = if end < SHARED_BITS { 1 } else { WALKERS };
    let begin = |index: usize| end / 8 * index / count * 8;
    let guess = (blocks / count + blocks / (count * 4) + 1024).min(blocks);
    let mut walkers = Vec::with_capacity(count);
    for index in 0..count {
        let mut walker = Walker::new(program, begin(index), memory.pop().unwrap_or_default());
        walker.send(begin(index + 1), guess);
        walkers.push(walker);
    }
    let mut walkers = apart(walkers, data, program, blocks);
    let mut parts = Vec::with_capacity(count);
    // The walker that is known to be right, the first of its blocks that counts, those before it.
    let (mut current, mut from, mut placed) = (0, 0, 0);
    for next in 1..count {
        if let Some((last, first)) = meet(&mut walkers, current, next, data.plain, program, end) {
            parts.push((current, from..last));
            placed += last - from;
            (current, from) = (next, first);
        }
    }
    let walker = &mut walkers[current];
    let limit = from + blocks.checked_sub(placed)?;
    walker.send(end, limit);
    run(slice::from_mut(walker), program, data.plain);
    if walker.blocks() < limit || !ends_well(walker.starts()[limit] as usize, end / 8) {
        return None;
    }
    parts.push((current, from..limit));
    Some(Found { walkers, parts })
}

/// Lets each walker go to where the next one began, or as far as it gets. Those behind the first
/// are put back on their feet when they read nonsense, some times.
fn apart<'t>(walkers: Vec<Walker<'t>>, data: &Data, program: &Program<'t>, blocks: usize) -> Vec<Walker<'t>> {
    // The walkers' numbers and how often they may still begin anew.
    let mut lives: Vec<_> = (0..walkers.len()).map(|number| (number, if number == 0 { 0 } else { LIVES })).collect();
    let mut walkers = walkers;
    let mut done = Vec::with_capacity(walkers.len());
    while !walkers.is_empty() {
        let (index, halt) = run(&mut walkers, program, data.plain);
        let walker = &mut walkers[index];
        let (position, stop, limit) = (walker.position(), walker.stop(), walker.limit());
        match halt {
            Halt::Reached if position < stop && limit < blocks => walker.send(stop, (limit * 2).min(blocks)),
            // But the last bits may be padding, which is no code.
            Halt::Broken if lives[index].1 > 0 && position + 64 < stop => {
                lives[index].1 -= 1;
                walker.restart(program, (position / 8 + 1) * 8, 0);
            }
            _ => done.push((lives.swap_remove(index).0, walkers.swap_remove(index))),
        }
    }
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, walker)| walker).collect()
}

/// The first block that both walkers take for the begin of a unit, as each of them counts;
/// `None` if there is none.
fn meet<'t>(
    walkers: &mut [Walker<'t>],
    current: usize,
    next: usize,
    plain: &[u8],
    program: &Program<'t>,
    end: usize,
) -> Option<(usize, usize)> {
    let (before, behind) = walkers.split_at_mut(next);
    let (walker, other) = (&mut before[current], behind.first()?);
    let unit = program.blocks();
    let first = other.starts()[0];
    let mut own = walker.starts().partition_point(|start| *start < first).next_multiple_of(unit);
    let mut others = 0;
    loop {
        if own > walker.blocks() {
            walker.send(end, own + UNITS_BETWEEN_LOOKS * unit);
            run(slice::from_mut(walker), program, plain);
        }
        let (mine, theirs) = (walker.starts().get(own)?, other.starts().get(others)?);
        match mine.cmp(theirs) {
            std::cmp::Ordering::Less => own += unit,
            std::cmp::Ordering::Greater => others += unit,
            std::cmp::Ordering::Equal => return Some((own, others)),
        }
    }
}
