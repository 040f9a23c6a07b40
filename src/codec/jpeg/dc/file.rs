//! The file around the entropy-coded data: marker segments, frame header, tables, scan headers.
//! Source: ITU-T T.81, annex B.
//!
//! Stricter than libjpeg-turbo: every byte must belong to a segment, and whatever it would warn
//! of is `None` here.

use super::huffman::Spec;
use crate::geometry::Size;

/// Components that this room decodes at most.
pub const COMPONENTS: usize = 3;

/// Blocks of an interleaved unit at most: T.81, B.2.3.
pub const UNIT_BLOCKS: usize = 10;

/// The longest side that libjpeg-turbo decodes.
const LONGEST_SIDE: u32 = 65_500;

/// One component of the frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Component {
    id: u8,
    /// Sampling factors, 1 to 4: how many blocks an interleaved unit has across and down.
    pub across: u32,
    pub down: u32,
    /// Blocks that the picture needs across and down: the sides of the plane at 1/8.
    pub width: u32,
    pub height: u32,
    quantiser: usize,
}

impl Component {
    pub fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }
}

/// The frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    pub progressive: bool,
    pub size: Size,
    components: [Component; COMPONENTS],
    count: usize,
    /// Interleaved units across and down.
    pub units_across: u32,
    pub units_down: u32,
}

impl Frame {
    pub fn components(&self) -> &[Component] {
        &self.components[..self.count]
    }

    fn read(marker: u8, payload: &[u8]) -> Option<Frame> {
        let (&[precision, h1, h0, w1, w0, count], specs) = payload.split_first_chunk::<6>()?;
        let size = Size::new(u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into());
        let count = usize::from(count);
        let usable = precision == 8 && (count == 1 || count == 3) && specs.len() == count * 3;
        if !usable || size.shortest_side() == 0 || size.longest_side() > LONGEST_SIDE {
            return None;
        }
        let mut components = [Component::default(); COMPONENTS];
        for (component, &[id, factors, quantiser]) in components.iter_mut().zip(specs.as_chunks::<3>().0) {
            let (across, down) = (u32::from(factors >> 4), u32::from(factors & 15));
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) {
                return None;
            }
            *component = Component { id, across, down, width: 0, height: 0, quantiser: quantiser.into() };
        }
        let used = &mut components[..count];
        let most_across = used.iter().map(|component| component.across).max()?;
        let most_down = used.iter().map(|component| component.down).max()?;
        for component in used.iter_mut() {
            // libjpeg-turbo refuses to enlarge by fractions.
            if most_across % component.across != 0 || most_down % component.down != 0 {
                return None;
            }
            component.width = (size.width * component.across).div_ceil(most_across * 8);
            component.height = (size.height * component.down).div_ceil(most_down * 8);
        }
        if (1..count).any(|index| used[..index].iter().any(|other| other.id == used[index].id)) {
            return None;
        }
        Some(Frame {
            progressive: marker == 0xc2,
            size,
            components,
            count,
            units_across: size.width.div_ceil(most_across * 8),
            units_down: size.height.div_ceil(most_down * 8),
        })
    }
}

/// A component of a scan: its number in the frame header and the slots of its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Member {
    pub component: usize,
    pub dc: usize,
    pub ac: usize,
}

/// A scan header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scan {
    /// In the order of their blocks.
    members: [Member; COMPONENTS],
    count: usize,
    /// First and last coefficient.
    pub first: usize,
    pub last: usize,
    /// Bits of the coefficients that earlier scans left out, and that this one leaves out.
    pub high: u8,
    pub low: u8,
}

impl Scan {
    pub fn members(&self) -> &[Member] {
        &self.members[..self.count]
    }

    fn read(payload: &[u8], frame: &Frame) -> Option<Scan> {
        let (&count, rest) = payload.split_first()?;
        let count = usize::from(count);
        if !(1..=COMPONENTS).contains(&count) || rest.len() != count * 2 + 3 {
            return None;
        }
        let (specs, bounds) = rest.split_at(count * 2);
        let &[first, last, bits] = bounds else { return None };
        let mut members = [Member::default(); COMPONENTS];
        for (index, &[id, slots]) in specs.as_chunks::<2>().0.iter().enumerate() {
            let number = frame.components().iter().position(|component| component.id == id)?;
            // In the frame header's order, says T.81, B.2.3; libjpeg-turbo fails on others.
            if members[..index].iter().any(|other| other.component >= number) {
                return None;
            }
            members[index] = Member { component: number, dc: usize::from(slots >> 4), ac: usize::from(slots & 15) };
        }
        let scan = Scan { members, count, first: first.into(), last: last.into(), high: bits >> 4, low: bits & 15 };
        let components = scan.members().iter().map(|member| frame.components[member.component]);
        let blocks: u32 = components.map(|component| component.across * component.down).sum();
        (count == 1 || blocks as usize <= UNIT_BLOCKS).then_some(scan)
    }
}

/// What tells colours apart; see [`Head::colors`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colors {
    Grey,
    YCbCr,
    Rgb,
}

/// Everything that segments have told so far.
#[derive(Default)]
pub struct Head {
    pub frame: Option<Frame>,
    pub dc: [Option<Spec>; 4],
    pub ac: [Option<Spec>; 4],
    /// The first step of each quantisation table, which is the DC's.
    steps: [Option<u16>; 4],
    /// The step of each component, settled by the first scan that has it, as in libjpeg-turbo.
    latched: [Option<u16>; COMPONENTS],
    /// Units between restart markers; 0 for none.
    pub restart_units: usize,
    jfif: bool,
    adobe_transform: Option<u8>,
}

/// Where a walk over segments stopped.
pub enum Stop {
    /// A scan header was read; its data begins at the offset.
    Scan(Scan, usize),
    End,
}

impl Head {
    /// Reads segments from `offset`, where a marker must stand, to the next scan or to the end.
    pub fn read(&mut self, bytes: &[u8], mut offset: usize) -> Option<Stop> {
        loop {
            let (marker, after) = marker_at(bytes, offset)?;
            if marker == 0xd9 {
                return Some(Stop::End);
            }
            let length = usize::from(u16::from_be_bytes(*bytes.get(after..)?.first_chunk::<2>()?));
            let payload = bytes.get(after + 2..after.checked_add(length)?)?;
            offset = after + length;
            match marker {
                0xc0..=0xc2 if self.frame.is_none() => self.frame = Some(Frame::read(marker, payload)?),
                0xc4 => self.read_codes(payload)?,
                0xdb => self.read_steps(payload)?,
                0xdd => self.restart_units = u16::from_be_bytes(payload.try_into().ok()?).into(),
                0xda => {
                    let scan = Scan::read(payload, self.frame.as_ref()?)?;
                    self.latch(&scan)?;
                    return Some(Stop::Scan(scan, offset));
                }
                0xe0 => self.read_jfif(payload)?,
                0xee => self.read_adobe(payload),
                0xe1..=0xef | 0xfe => {}
                _ => return None,
            }
        }
    }

    /// The DC's quantisation step of a component that a scan had.
    pub fn step(&self, component: usize) -> Option<i32> {
        // libjpeg-turbo multiplies by 16 bits with a sign.
        self.latched[component].map(|step| i32::from(step as i16))
    }

    /// The colours as libjpeg-turbo guesses them (jdapimin.c, `default_decompress_parms`); `None`
    /// where it warns.
    pub fn colors(&self) -> Option<Colors> {
        let frame = self.frame.as_ref()?;
        let &[first, second, third] = frame.components() else {
            return Some(Colors::Grey);
        };
        match (self.jfif, self.adobe_transform) {
            (true, _) | (false, Some(1)) => Some(Colors::YCbCr),
            (false, Some(0)) => Some(Colors::Rgb),
            (false, Some(_)) => None,
            (false, None) if [first.id, second.id, third.id] == *b"RGB" => Some(Colors::Rgb),
            (false, None) => Some(Colors::YCbCr),
        }
    }

    fn read_codes(&mut self, mut payload: &[u8]) -> Option<()> {
        while !payload.is_empty() {
            let (&slot, rest) = payload.split_first()?;
            let (spec, rest) = Spec::read(rest)?;
            let slots = if slot & 0x10 == 0 { &mut self.dc } else { &mut self.ac };
            *slots.get_mut(usize::from(slot & !0x10))? = Some(spec);
            payload = rest;
        }
        Some(())
    }

    fn read_steps(&mut self, mut payload: &[u8]) -> Option<()> {
        while let Some((&kind, rest)) = payload.split_first() {
            let wide = kind >> 4 != 0;
            let (table, rest) = rest.split_at_checked(if wide { 128 } else { 64 })?;
            let step = if wide { u16::from_be_bytes([table[0], table[1]]) } else { table[0].into() };
            *self.steps.get_mut(usize::from(kind & 15))? = Some(step);
            payload = rest;
        }
        Some(())
    }

    fn read_jfif(&mut self, payload: &[u8]) -> Option<()> {
        if payload.len() >= 14 && payload.starts_with(b"JFIF\0") {
            self.jfif = true;
            // libjpeg-turbo warns of another major version than 1.
            return (payload[5] == 1).then_some(());
        }
        Some(())
    }

    fn read_adobe(&mut self, payload: &[u8]) {
        if payload.len() >= 12 && payload.starts_with(b"Adobe") {
            self.adobe_transform = Some(payload[11]);
        }
    }

    fn latch(&mut self, scan: &Scan) -> Option<()> {
        let frame = self.frame.as_ref()?;
        for &Member { component, .. } in scan.members() {
            if self.latched[component].is_none() {
                self.latched[component] = Some((*self.steps.get(frame.components[component].quantiser)?)?);
            }
        }
        Some(())
    }
}

/// The marker at `offset`, fill bytes before it allowed, and the offset behind it.
pub fn marker_at(bytes: &[u8], mut offset: usize) -> Option<(u8, usize)> {
    if *bytes.get(offset)? != 0xff {
        return None;
    }
    loop {
        offset += 1;
        match *bytes.get(offset)? {
            0xff => {}
            0 => return None,
            marker => return Some((marker, offset + 1)),
        }
    }
}
