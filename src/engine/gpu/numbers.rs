//! Tables and parameters of a job, side by side in one buffer.

use crate::plan::{Pass, Plan};
use std::ops::Range;
use std::sync::Arc;

/// Where the numbers of one pass lie, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    pub params: Range<u64>,
    pub table: Range<u64>,
}

/// The layout of a job's buffer of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers {
    /// A pass after the other.
    pub places: Vec<Places>,
    /// Length of the whole, a multiple of 4.
    pub bytes: u64,
}

impl Numbers {
    /// Every range begins at a multiple of `alignment_bytes`. Passes that share a table share its
    /// place; a pass without a table gets its parameters for one, since the slot must be filled.
    pub(super) fn new(plan: &Plan, alignment_bytes: u64) -> Numbers {
        let mut end: u64 = 0;
        let mut reserve = |bytes: u64| {
            let start = end.next_multiple_of(alignment_bytes);
            end = start + bytes;
            start..end
        };
        let mut places: Vec<Places> = Vec::with_capacity(plan.passes.len());
        for (index, pass) in plan.passes.iter().enumerate() {
            // A uniform binding is a multiple of 16 bytes.
            let params = reserve((pass.args.bytes().len() as u64).next_multiple_of(16));
            let table = match table_of(pass) {
                None => params.clone(),
                Some(table) => match earlier_with(&plan.passes[..index], table) {
                    Some(earlier) => places[earlier].table.clone(),
                    None => reserve(size_of_val::<[u32]>(table) as u64),
                },
            };
            places.push(Places { params, table });
        }
        Numbers { places, bytes: end }
    }

    /// Calls `write` with the offset and the bytes of every piece.
    pub(super) fn write(&self, plan: &Plan, mut write: impl FnMut(u64, &[u8])) {
        for (index, (pass, places)) in plan.passes.iter().zip(&self.places).enumerate() {
            write(places.params.start, pass.args.bytes());
            match table_of(pass) {
                Some(table) if earlier_with(&plan.passes[..index], table).is_none() => {
                    write(places.table.start, bytemuck::cast_slice(table));
                }
                _ => {}
            }
        }
    }
}

fn table_of(pass: &Pass) -> Option<&Arc<[u32]>> {
    pass.table.as_ref().filter(|table| !table.is_empty())
}

fn earlier_with(passes: &[Pass], table: &Arc<[u32]>) -> Option<usize> {
    passes.iter().position(|pass| table_of(pass).is_some_and(|earlier| Arc::ptr_eq(earlier, table)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Format, Output, Probe};
    use crate::geometry::{Orientation, Size};
    use crate::plan::{Canvas, Rules};

    #[test]
    fn pieces_are_aligned_and_a_shared_table_lies_there_once() {
        let probe = Probe {
            format: Format::Png,
            size: Size::new(20, 10),
            orientation: Orientation::Upright,
            frames: 1,
            alpha: false,
            quality: None,
        };
        let mut canvas = Canvas::new(&probe, &Rules::default(), &[]);
        canvas.blur(3, 2.0);
        canvas.sharpen(100);
        let plan = canvas.finish(Output::still(Format::Png)).unwrap();
        let numbers = Numbers::new(&plan, 256);
        // Parameters of convolve: 12 words; its table: 8 words; of sharpen: 3.
        let expected = [
            Places { params: 0..48, table: 256..288 },
            Places { params: 512..560, table: 256..288 },
            Places { params: 768..784, table: 768..784 },
        ];
        assert_eq!(numbers.places, expected);
        assert_eq!(numbers.bytes, 784);
        let mut written = Vec::new();
        numbers.write(&plan, |offset, bytes| written.push((offset, bytes.len())));
        assert_eq!(written, [(0, 48), (256, 32), (512, 48), (768, 12)]);
    }
}
