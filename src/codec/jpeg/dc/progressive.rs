//! The DC scans of a progressive picture. Source: ITU-T T.81, annex G.1.
//!
//! Scans of other coefficients are passed over unread: what is wrong in them does not show at 1/8.

use super::baseline::{Data, ends_well};
use super::bits::window;
use super::file::{COMPONENTS, Frame, Scan};
use super::huffman::Tables;
use super::layout::Layout;
use super::samples;
use crate::plane::PlaneMut;

/// Coefficients at the begin of a block all of whose bits must have been told: where one is
/// missing, libjpeg-turbo smooths the picture, DC included.
const TOLD: usize = 10;

/// What the scans so far have told.
pub struct Progress {
    /// Bits still missing below each coefficient; `None` before its first scan.
    missing: [[Option<u8>; 64]; COMPONENTS],
}

impl Progress {
    pub fn new() -> Progress {
        Progress { missing: [[None; 64]; COMPONENTS] }
    }

    /// Notes a scan; `None` if it comes out of order.
    pub fn note(&mut self, scan: &Scan) -> Option<()> {
        let band = if scan.first == 0 { scan.last == 0 } else { scan.first <= scan.last && scan.last < 64 };
        let alone = scan.first == 0 || scan.members().len() == 1;
        if !band || !alone || scan.low > 13 || (scan.high != 0 && scan.low + 1 != scan.high) {
            return None;
        }
        for member in scan.members() {
            let missing = &mut self.missing[member.component];
            // The DC comes before all others.
            if scan.first > 0 && missing[0].is_none() {
                return None;
            }
            for missing in &mut missing[scan.first..=scan.last] {
                if *missing != (scan.high != 0).then_some(scan.high) {
                    return None;
                }
                *missing = Some(scan.low);
            }
        }
        Some(())
    }

    /// Whether everything that shows at 1/8 has been told.
    pub fn is_whole(&self, frame: &Frame) -> bool {
        let components = &self.missing[..frame.components().len()];
        components.iter().all(|missing| missing[..TOLD].iter().all(|missing| *missing == Some(0)))
    }
}

/// The DC values of a component's blocks, rows packed.
pub type Values = Vec<i16>;

/// Reads a DC scan into `values`; `tables` are those of its members for the first scan and none for
/// one that refines. `None` unless the blocks fill the data.
pub fn read(
    data: &Data,
    frame: &Frame,
    scan: &Scan,
    tables: &[&Tables],
    lines: &mut Vec<i16>,
    values: &mut [Values; COMPONENTS],
) -> Option<()> {
    let layout = Layout::new(frame, scan);
    // A block takes one bit at least.
    data.check(&layout, 1)?;
    for member in scan.members() {
        let component = frame.components()[member.component];
        values[member.component].resize(component.width as usize * component.height as usize, 0);
    }
    lines.clear();
    lines.resize(layout.line_values(), 0);
    let (mut x, mut y) = (0, 0);
    let mut units = layout.units();
    for piece in data.pieces {
        let mut position = piece.start * 8;
        let mut sums = [0i32; COMPONENTS];
        let count = if data.restart_units == 0 { units } else { units.min(data.restart_units) };
        units -= count;
        for _ in 0..count {
            for slot in layout.slots() {
                let bits = window(data.plain, position)?;
                let line = lines.get_mut(slot.place(x))?;
                if let Some(tables) = tables.get(slot.member) {
                    let (length, difference) = tables.dc_code(bits)?;
                    position += length as usize;
                    sums[slot.member] = sums[slot.member].checked_add(difference)?;
                    *line = (sums[slot.member] << scan.low) as i16;
                } else {
                    position += 1;
                    *line = ((bits >> 63) << scan.low) as i16;
                }
            }
            x += 1;
            if x == layout.across {
                keep(lines, &layout, frame, y, !tables.is_empty(), values);
                (x, y) = (0, y + 1);
            }
        }
        if !ends_well(position, piece.end) {
            return None;
        }
    }
    (units == 0).then_some(())
}

/// Puts the values of the row `y` of units to those of the picture, or adds their bits.
fn keep(lines: &[i16], layout: &Layout, frame: &Frame, y: u32, first: bool, values: &mut [Values; COMPONENTS]) {
    for own in layout.lines() {
        let component = frame.components()[own.component];
        let width = component.width as usize;
        for (row, line) in own.rows(lines, y).filter(|(row, _)| *row < component.height) {
            let kept = values[own.component][row as usize * width..][..width].iter_mut();
            kept.zip(line).for_each(|(kept, value)| if first { *kept = *value } else { *kept |= *value });
        }
    }
}

/// Makes samples of the values of a component.
pub fn finish(values: &Values, step: i32, plane: &mut PlaneMut) {
    let width = plane.size().width as usize;
    for (y, row) in (0..plane.size().height).zip(values.chunks_exact(width)) {
        samples(row, step, plane.row(y));
    }
}
