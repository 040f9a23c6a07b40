//! What the headers of coded pictures tell: how many pixels a decoder makes room for, whether they
//! are grey, and which colours they are.
//!
//! Source: the AV1 bitstream specification, sections 5.3 to 5.9; ITU-T H.265, sections 7.3.1 and
//! 7.3.2.

use super::boxes::Reader;
use crate::geometry::Size;

/// A coded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coded {
    pub size: Size,
    /// Whether there is no plane of colour.
    pub grey: bool,
    /// Primaries and transfer by the numbers of H.273, where AV1 tells them.
    pub points: Option<(u16, u16)>,
}

impl Coded {
    /// What holds both pictures; the later tells the colour.
    fn with(earlier: Option<Coded>, later: Coded) -> Coded {
        let larger = earlier.filter(|earlier| earlier.size.pixels() > later.size.pixels());
        Coded { size: larger.unwrap_or(later).size, ..later }
    }
}

/// The largest of a row of NAL units, each behind its length in four bytes, and of those in a box
/// `hvcC`; `None` where none tells or one is not understood.
pub fn hevc(configuration: &[u8], data: &[u8]) -> Option<Coded> {
    let mut largest = None;
    let mut reader = Reader(configuration.get(22..)?);
    for _ in 0..reader.number_of(1)? {
        reader.take(1)?;
        for _ in 0..reader.number_of(2)? {
            let length = reader.number_of(2)? as usize;
            take_unit(reader.take(length)?, &mut largest)?;
        }
    }
    let mut reader = Reader(data);
    while let Some(length) = reader.number_of(4) {
        let Some(unit) = reader.take(length as usize) else { break };
        take_unit(unit, &mut largest)?;
    }
    largest
}

/// Notes the sequence parameter set in a NAL unit, if it is one.
fn take_unit(unit: &[u8], largest: &mut Option<Coded>) -> Option<()> {
    const SEQUENCE_PARAMETER_SET: u8 = 33;
    // Layers above the first are passed over by the decoder too.
    let is_wanted = |head: &[u8; 2]| head[0] >> 1 == SEQUENCE_PARAMETER_SET && head[1] >> 3 == 0;
    if !unit.first_chunk().is_some_and(is_wanted) {
        return Some(());
    }
    // The third of three bytes 0, 0, 3 only keeps the others from looking like a start code.
    let mut plain = Vec::new();
    for byte in unit {
        if *byte != 3 || !plain.ends_with(&[0, 0]) {
            plain.push(*byte);
        }
    }
    *largest = Some(Coded::with(*largest, parameter_set(Bits::of(plain.get(2..)?))?));
    Some(())
}

fn parameter_set(mut bits: Bits) -> Option<Coded> {
    bits.take(4)?;
    let layers = bits.take(3)?;
    bits.skip(1 + 88 + 8)?;
    if layers > 0 {
        let told: Vec<_> = (0..8).map(|_| bits.take(2)).collect::<Option<_>>()?;
        for told in &told[..layers as usize] {
            bits.skip(if told & 2 != 0 { 88 } else { 0 } + if told & 1 != 0 { 8 } else { 0 })?;
        }
    }
    bits.exponential()?;
    let chroma = bits.exponential()?;
    if chroma == 3 {
        bits.skip(1)?;
    }
    let (width, height) = (bits.exponential()?, bits.exponential()?);
    Some(Coded { size: Size::new(width, height), grey: chroma == 0, points: None })
}

/// The largest of a row of OBUs, as an item of AV1 holds them; `None` where none tells or one is
/// not understood.
pub fn av1(data: &[u8]) -> Option<Coded> {
    const SEQUENCE_HEADER: u8 = 1;
    const FRAME_HEADER: u8 = 3;
    const FRAME: u8 = 6;
    let mut largest = None;
    let mut sequence = None;
    let mut reader = Reader(data);
    while let Some(head) = reader.number_of(1) {
        let head = head as u8;
        reader.take(usize::from(head >> 2 & 1))?;
        let length = if head & 2 != 0 { little_endian(&mut reader)? } else { reader.0.len() };
        // What was cut off is refused by the decoder: here its head counts.
        let unit = reader.take(length.min(reader.0.len()))?;
        match (head >> 3 & 15, &sequence) {
            (SEQUENCE_HEADER, _) => {
                let header = Sequence::read(Bits::of(unit))?;
                largest = Some(Coded::with(largest, header.coded));
                sequence = Some(header);
            }
            (FRAME_HEADER | FRAME, Some(header)) if header.frame_has_own_size(Bits::of(unit))? => {
                largest = Some(Coded::with(largest, Coded { size: header.own_size, ..header.coded }));
            }
            _ => {}
        }
    }
    largest
}

/// `leb128`.
fn little_endian(reader: &mut Reader) -> Option<usize> {
    let mut number = 0;
    for place in 0..8 {
        let byte = reader.number_of(1)?;
        number |= (byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return usize::try_from(number).ok();
        }
    }
    None
}

/// A choice that each frame makes for itself.
const EACH_FRAME: u32 = 2;

/// What a sequence header of AV1 tells, as far as frame headers need it.
struct Sequence {
    coded: Coded,
    /// The largest size that a frame could have instead.
    own_size: Size,
    reduced: bool,
    /// Bits of a frame's time, 0 for none.
    time_bits: u32,
    /// Bits of a frame's number, 0 for none.
    number_bits: u32,
    screen_content: u32,
    whole_motion: u32,
}

impl Sequence {
    fn read(mut bits: Bits) -> Option<Sequence> {
        let profile = bits.take(3)?;
        bits.skip(1)?;
        let reduced = bits.flag()?;
        let time_bits = if reduced { bits.skip(5).map(|_| 0) } else { Sequence::time_bits(&mut bits) }?;
        let [width_bits, height_bits] = [bits.take(4)? + 1, bits.take(4)? + 1];
        let size = Size::new(bits.take(width_bits)? + 1, bits.take(height_bits)? + 1);
        let numbered = !reduced && bits.flag()?;
        let number_bits = if numbered { bits.take(4)? + bits.take(3)? + 3 } else { 0 };
        bits.skip(3)?;
        let (mut screen_content, mut whole_motion) = (EACH_FRAME, EACH_FRAME);
        if !reduced {
            bits.skip(4)?;
            let ordered = bits.flag()?;
            bits.skip(if ordered { 2 } else { 0 })?;
            screen_content = bits.choice()?;
            if screen_content > 0 {
                whole_motion = bits.choice()?;
            }
            bits.skip(if ordered { 3 } else { 0 })?;
        }
        bits.skip(3)?;
        let deep = bits.flag()?;
        bits.skip(if profile == 2 && deep { 1 } else { 0 })?;
        let grey = profile != 1 && bits.flag()?;
        let points = if bits.flag()? { Some((bits.take(8)? as u16, bits.take(8)? as u16)) } else { None };
        let own_size = Size::new(1 << width_bits, 1 << height_bits);
        let coded = Coded { size, grey, points };
        Some(Sequence { coded, own_size, reduced, time_bits, number_bits, screen_content, whole_motion })
    }

    /// Reads from the times to the operating points.
    fn time_bits(bits: &mut Bits) -> Option<u32> {
        let (mut delay_bits, mut time_bits, mut modelled) = (0, 0, false);
        if bits.flag()? {
            bits.skip(64)?;
            let even = bits.flag()?;
            if even {
                let zeros = bits.zeros()?;
                bits.skip(zeros)?;
            }
            modelled = bits.flag()?;
            if modelled {
                delay_bits = bits.take(5)? + 1;
                bits.skip(32 + 5)?;
                time_bits = bits.take(5)? + 1;
            }
            if even {
                time_bits = 0;
            }
        }
        let delayed = bits.flag()?;
        for _ in 0..=bits.take(5)? {
            bits.skip(12)?;
            let level = bits.take(5)?;
            bits.skip(if level > 7 { 1 } else { 0 })?;
            if modelled && bits.flag()? {
                bits.skip(2 * delay_bits + 1)?;
            }
            if delayed && bits.flag()? {
                bits.skip(4)?;
            }
        }
        Some(time_bits)
    }

    /// Whether a frame's header tells a size instead of the sequence's.
    fn frame_has_own_size(&self, mut bits: Bits) -> Option<bool> {
        const KEY: u32 = 0;
        const SWITCH: u32 = 3;
        // A frame that is shown once more is there already.
        if self.reduced || bits.flag()? {
            return Some(false);
        }
        let kind = bits.take(2)?;
        let shown = bits.flag()?;
        bits.skip(if shown { self.time_bits } else { 1 })?;
        if kind != SWITCH && !(kind == KEY && shown) {
            bits.skip(1)?;
        }
        bits.skip(1)?;
        let screen_content = if self.screen_content == EACH_FRAME { bits.take(1)? } else { self.screen_content };
        bits.skip(if screen_content > 0 && self.whole_motion == EACH_FRAME { 1 } else { 0 })?;
        bits.skip(self.number_bits)?;
        Some(kind == SWITCH || bits.flag()?)
    }
}

/// Bits from the highest of the first byte on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    fn of(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, at: 0 }
    }

    fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// A number of at most 31 bits.
    fn take(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |number, _| Some(number << 1 | u32::from(self.flag()?)))
    }

    fn skip(&mut self, count: u32) -> Option<()> {
        self.at += count as usize;
        Some(())
    }

    /// Zeros up to a one, which is taken too; at most 31.
    fn zeros(&mut self) -> Option<u32> {
        (0..32).find_map(|count| match self.flag() {
            Some(false) => None,
            end => Some(end.map(|_| count)),
        })?
    }

    /// `ue(v)` of H.265.
    fn exponential(&mut self) -> Option<u32> {
        let zeros = self.zeros()?;
        let rest = self.take(zeros)?;
        Some((1 << zeros) - 1 + rest)
    }

    /// Whether every frame chooses, or what all have.
    fn choice(&mut self) -> Option<u32> {
        if self.flag()? { Some(EACH_FRAME) } else { self.take(1) }
    }
}
