//! Which block of which component comes when in a scan. Source: ITU-T T.81, A.2.

use super::file::{COMPONENTS, Frame, Member, Scan, UNIT_BLOCKS};

/// One block of a unit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Slot {
    /// Its component's place in the scan header.
    pub member: usize,
    /// Where its value stands among those of a row of units, and how much further the next unit's.
    offset: usize,
    step: usize,
}

impl Slot {
    /// Where its value stands among those of a row of units if it is of the unit `x`.
    #[inline(always)]
    pub fn place(&self, x: u32) -> usize {
        self.offset + x as usize * self.step
    }
}

/// A component's lines among the values of a row of units.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lines {
    pub component: usize,
    /// Where the first line begins, and values of each.
    offset: usize,
    length: usize,
    /// Lines of a row of units.
    count: u32,
}

impl Lines {
    /// The component's lines among the `values` of the row `y` of units, each with its number in
    /// the component; the last ones may lie below the picture.
    pub fn rows<'v>(&self, values: &'v [i16], y: u32) -> impl Iterator<Item = (u32, &'v [i16])> {
        let own = &values[self.offset..self.offset + self.length * self.count as usize];
        (y * self.count..).zip(own.chunks_exact(self.length))
    }
}

/// The units of a scan: all blocks of a square of the picture where components are interleaved,
/// else one block. Units at the right and lower edge may have blocks outside of the picture.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    slots: [Slot; UNIT_BLOCKS],
    blocks: usize,
    lines: [Lines; COMPONENTS],
    members: usize,
    /// Units across and down.
    pub across: u32,
    pub down: u32,
}

impl Layout {
    pub fn new(frame: &Frame, scan: &Scan) -> Layout {
        let mut layout = Layout {
            slots: Default::default(),
            blocks: 0,
            lines: Default::default(),
            members: scan.members().len(),
            across: frame.units_across,
            down: frame.units_down,
        };
        if let &[Member { component, .. }] = scan.members() {
            let alone = frame.components()[component];
            (layout.across, layout.down) = (alone.width, alone.height);
            layout.add(0, component, 1, 1);
            return layout;
        }
        for (member, &Member { component, .. }) in scan.members().iter().enumerate() {
            let factors = frame.components()[component];
            layout.add(member, component, factors.across, factors.down);
        }
        layout
    }

    /// Adds a component's blocks.
    fn add(&mut self, member: usize, component: usize, across: u32, down: u32) {
        let offset = self.line_values();
        let length = (self.across * across) as usize;
        self.lines[member] = Lines { component, offset, length, count: down };
        for index in 0..across * down {
            let offset = offset + (index / across) as usize * length + (index % across) as usize;
            self.slots[self.blocks] = Slot { member, offset, step: across as usize };
            self.blocks += 1;
        }
    }

    /// The blocks of a unit in the order of the data.
    pub fn slots(&self) -> &[Slot] {
        &self.slots[..self.blocks]
    }

    /// The lines of each component in the order of the scan header.
    pub fn lines(&self) -> &[Lines] {
        &self.lines[..self.members]
    }

    /// Values of a row of units.
    pub fn line_values(&self) -> usize {
        self.lines.iter().map(|lines| lines.length * lines.count as usize).sum()
    }

    pub fn units(&self) -> usize {
        self.across as usize * self.down as usize
    }
}
