//! Walking over whole blocks: where each begins, without a single value.
//!
//! A walk is a chain of look-ups, each of which needs the one before. [`run`] takes turns between
//! several walkers at different places, so that the processor has something to do while one of
//! them waits. The step of a walker has no branch that depends on the data but for rare codes.

use super::bits::window;
use super::file::UNIT_BLOCKS;
use super::huffman::{ADVANCE_SHIFT, BEYOND, BLOCK_END, INDEX_BITS, LENGTH_MASK, Skip, Tables, effect};
use std::hint::select_unpredictable;

/// Look-ups that one window of bits feeds: two swallow at most 23 + 22 bits of 57, and the index of
/// the third needs 12.
const LOOKUPS: usize = 3;

/// Steps of a program: those of a unit, and some again, so that a turn that begins at its last block
/// does not run out of them.
const STEPS: usize = UNIT_BLOCKS + LOOKUPS;

/// The tables of one block of the unit behind an entry: while it goes on, and when it is over.
type Step<'t> = [&'t Skip; 2];

/// The blocks of a unit.
pub struct Program<'t> {
    steps: [Step<'t>; STEPS],
    tables: [&'t Tables; UNIT_BLOCKS],
    /// Blocks of a unit, and of as many units as a turn may see the end of.
    count: usize,
    round: u32,
}

impl<'t> Program<'t> {
    /// The tables of each block of a unit, of which there are 1 to 10.
    pub fn new(tables: impl ExactSizeIterator<Item = &'t Tables> + Clone) -> Option<Program<'t>> {
        let count = tables.len();
        let first = tables.clone().next()?;
        let mut list = [first; UNIT_BLOCKS];
        list.iter_mut().zip(tables.cycle()).for_each(|(place, table)| *place = table);
        let mut steps: [Step; STEPS] = [[&first.rest; 2]; STEPS];
        for (index, step) in steps.iter_mut().enumerate() {
            *step = [&list[index % count].rest, &list[(index + 1) % count].begin];
        }
        let round = (count * LOOKUPS.div_ceil(count)) as u32;
        Some(Program { steps, tables: list, count, round })
    }

    /// The number in its round of a block that is at most one round too far.
    #[inline(always)]
    fn wrap(&self, block: u32) -> u32 {
        select_unpredictable(block >= self.round, block.wrapping_sub(self.round), block)
    }

    /// Blocks of a unit.
    pub fn blocks(&self) -> usize {
        self.count
    }
}

/// Why a walker stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// The position or the number of blocks it was sent to is reached.
    Reached,
    /// There is no such code, or more coefficients than a block has.
    Broken,
}

/// A walker: a place in the data and the blocks it has seen.
pub struct Walker<'t> {
    /// In bits.
    position: usize,
    /// Coefficients of the current block so far.
    count: u32,
    /// The current block's number in the unit, and the table for its next code.
    block: u32,
    table: &'t Skip,
    /// Whole blocks seen.
    blocks: usize,
    /// Where each of them begins, in bits, and where the one after them does. Longer than what is
    /// meant.
    starts: Vec<u32>,
    /// Where to stop: at this position or after so many blocks.
    stop: usize,
    limit: usize,
}

impl<'t> Walker<'t> {
    /// A walker at the begin of a unit, its memory taken over from an earlier one.
    pub fn new(program: &Program<'t>, position: usize, memory: Vec<u32>) -> Walker<'t> {
        let table = &program.tables[0].begin;
        let mut walker = Walker { position, count: 0, block: 0, table, blocks: 0, starts: memory, stop: 0, limit: 0 };
        walker.send(0, 0);
        walker.restart(program, position, 0);
        walker
    }

    /// Puts it at the begin of a unit, `blocks` of those it saw kept.
    pub fn restart(&mut self, program: &Program<'t>, position: usize, blocks: usize) {
        (self.position, self.count, self.block) = (position, 0, 0);
        self.table = &program.tables[0].begin;
        self.blocks = blocks;
        self.starts[blocks] = position as u32;
    }

    /// Says where to stop: at a position in bits or when so many blocks have been seen, though it
    /// may see a few more.
    pub fn send(&mut self, stop: usize, limit: usize) {
        (self.stop, self.limit) = (stop, limit);
        // A turn may see some more, and the place behind them is noted too.
        let needed = limit + LOOKUPS + 1;
        if self.starts.len() < needed {
            self.starts.resize(needed, 0);
        }
    }

    pub fn position(&self) -> usize {
        self.position
    }

    pub fn stop(&self) -> usize {
        self.stop
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// Where the blocks begin, and behind them where the next one would.
    pub fn starts(&self) -> &[u32] {
        &self.starts[..=self.blocks]
    }

    pub fn into_memory(self) -> Vec<u32> {
        self.starts
    }

    /// Takes up to three look-ups.
    #[inline(always)]
    fn turn(&mut self, program: &Program<'t>, plain: &[u8]) -> Result<(), Halt> {
        if self.position >= self.stop || self.blocks >= self.limit {
            return Err(Halt::Reached);
        }
        let Some(mut bits) = window(plain, self.position) else { return Err(Halt::Broken) };
        let block = self.block as usize;
        let (Some(steps), Some(starts)) = (
            program.steps.get(block..block + LOOKUPS),
            self.starts.get_mut(self.blocks + 1..self.blocks + 1 + LOOKUPS),
        ) else {
            return Err(Halt::Broken);
        };
        // Coefficients in the upper byte and bits swallowed in the lower one, as in the entries.
        let mut sum = self.count << ADVANCE_SHIFT;
        let mut table = self.table;
        let mut over = 0;
        let mut rare = false;
        for _ in 0..LOOKUPS {
            let entry = table[(bits >> (64 - INDEX_BITS)) as usize];
            let next = sum + u32::from(entry);
            if next & BEYOND << ADVANCE_SHIFT != 0 {
                rare = true;
                break;
            }
            bits <<= entry & LENGTH_MASK;
            let swallowed = next & 0xff;
            starts[over] = self.position as u32 + swallowed;
            let end = usize::from(entry >> 15);
            table = steps[over][end];
            sum = select_unpredictable(end != 0, swallowed, next);
            over += end;
        }
        self.position += (sum & 0xff) as usize;
        self.count = sum >> ADVANCE_SHIFT;
        self.table = table;
        self.blocks += over;
        self.block = program.wrap(self.block + over as u32);
        if rare { self.single(program, plain) } else { Ok(()) }
    }

    /// Takes one code.
    #[cold]
    #[inline(never)]
    fn single(&mut self, program: &Program<'t>, plain: &[u8]) -> Result<(), Halt> {
        let bits = window(plain, self.position).ok_or(Halt::Broken)?;
        let tables = program.tables[self.block as usize];
        let dc = self.count == 0;
        let spec = if dc { tables.dc() } else { tables.ac() };
        let (length, symbol) = spec.find(bits).ok_or(Halt::Broken)?;
        let (coefficients, extra) = effect(symbol, dc).ok_or(Halt::Broken)?;
        let count = self.count + coefficients;
        if (BEYOND + 1..BLOCK_END).contains(&count) {
            return Err(Halt::Broken);
        }
        self.position += (length + extra) as usize;
        let over = count >= BEYOND;
        self.table = program.steps[self.block as usize][usize::from(over)];
        self.count = if over { 0 } else { count };
        self.starts[self.blocks + 1] = self.position as u32;
        self.blocks += usize::from(over);
        self.block = program.wrap(self.block + u32::from(over));
        Ok(())
    }
}

/// Lets the walkers take turns until one of them halts, and says which and why.
pub fn run<'t>(walkers: &mut [Walker<'t>], program: &Program<'t>, plain: &[u8]) -> (usize, Halt) {
    loop {
        for (index, walker) in walkers.iter_mut().enumerate() {
            if let Err(halt) = walker.turn(program, plain) {
                return (index, halt);
            }
        }
    }
}
