//! JPEG's marker segments: the few facts that the decoder does not hand out.
//!
//! Lengths are never trusted; where one leads out of the file, the walk is over.

use crate::geometry::Size;

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;
const QUANTISATION: u8 = 0xdb;
const APPLICATION_0: u8 = 0xe0;
const APPLICATION_1: u8 = 0xe1;
const APPLICATION_2: u8 = 0xe2;

/// The marker of a progressive frame's header.
pub const PROGRESSIVE: u8 = 0xc2;

/// 64 quantisation steps in zigzag order.
pub type Table = [u16; 64];

/// The frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// `0xc0` for baseline, `0xc2` for progressive and so on.
    pub marker: u8,
    /// Bits of a sample.
    pub precision: u8,
    /// Height 0 where the file leaves it to a later marker.
    pub size: Size,
    /// How many components there are.
    pub components: u8,
    /// The table slots of the first and the second component.
    slots: (usize, Option<usize>),
}

/// What stands before the first scan.
#[derive(Debug, Clone, Default)]
pub struct Head<'a> {
    pub frame: Option<Frame>,
    /// The EXIF block, TIFF header first.
    pub exif: Option<&'a [u8]>,
    /// The JFIF header from its version on.
    pub jfif: Option<&'a [u8]>,
    /// The pieces of the colour profile as they stand: number from 1, count of pieces, bytes.
    pieces: Vec<(u8, u8, &'a [u8])>,
    tables: [Option<Table>; 4],
}

impl<'a> Head<'a> {
    pub fn read(bytes: &'a [u8]) -> Head<'a> {
        let mut head = Head::default();
        for Segment { marker, payload } in Segments::new(bytes).take_while(|segment| segment.marker != START_OF_SCAN) {
            match marker {
                QUANTISATION => head.read_tables(payload),
                APPLICATION_0 if head.jfif.is_none() => head.jfif = payload.strip_prefix(b"JFIF\0"),
                APPLICATION_1 if head.exif.is_none() => {
                    // The identifier ends in a zero and a pad byte that some writers leave unset.
                    head.exif = payload.strip_prefix(b"Exif\0").and_then(|rest| rest.get(1..));
                }
                APPLICATION_2 => {
                    let piece = payload.strip_prefix(b"ICC_PROFILE\0").and_then(|rest| rest.split_first_chunk::<2>());
                    head.pieces.extend(piece.map(|(&[number, count], bytes)| (number, count, bytes)));
                }
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) && head.frame.is_none() => {
                    head.frame = read_frame(marker, payload);
                }
                _ => {}
            }
        }
        head
    }

    /// The colour profile, its pieces in order; `None` where one is missing or there are too many
    /// bytes. Source: ICC.1, annex B.4.
    pub fn profile(&self, limit_bytes: usize) -> Option<Vec<u8>> {
        let mut pieces = self.pieces.clone();
        pieces.sort_by_key(|(number, ..)| *number);
        let whole = pieces
            .iter()
            .zip(1u8..)
            .all(|((number, count, _), place)| *number == place && usize::from(*count) == pieces.len());
        let length: usize = pieces.iter().map(|(.., bytes)| bytes.len()).sum();
        let usable = whole && length > 0 && length <= limit_bytes;
        usable.then(|| pieces.iter().flat_map(|(.., bytes)| *bytes).copied().collect())
    }

    /// The tables of the first component and, where it is another, of the second: luminance and
    /// chrominance in all but the rarest files.
    pub fn tables(&self) -> Option<(&Table, Option<&Table>)> {
        let (first, second) = self.frame?.slots;
        let second = second.filter(|second| *second != first);
        Some((self.table(first)?, second.and_then(|slot| self.table(slot))))
    }

    fn table(&self, slot: usize) -> Option<&Table> {
        self.tables.get(slot)?.as_ref()
    }

    fn read_tables(&mut self, mut payload: &[u8]) {
        while let Some((&kind, steps)) = payload.split_first() {
            let step_bytes = if kind >> 4 == 0 { 1 } else { 2 };
            let Some((steps, rest)) = steps.split_at_checked(64 * step_bytes) else { return };
            let mut table: Table = [0; 64];
            for (entry, step) in table.iter_mut().zip(steps.chunks_exact(step_bytes)) {
                *entry = step.iter().fold(0, |value, byte| value << 8 | u16::from(*byte));
            }
            if let Some(slot) = self.tables.get_mut(usize::from(kind & 15)) {
                *slot = Some(table);
            }
            payload = rest;
        }
    }
}

/// Precision, height, width, number of components; for each its id, sampling and table slot.
fn read_frame(marker: u8, payload: &[u8]) -> Option<Frame> {
    let (&[precision, h1, h0, w1, w0, count], components) = payload.split_first_chunk::<6>()?;
    let mut slots = components.chunks_exact(3).map(|component| usize::from(component[2]));
    let size = Size::new(u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into());
    Some(Frame { marker, precision, size, components: count, slots: (slots.next()?, slots.next()) })
}

/// Whether the file has its end marker, behind whatever scans there are.
pub fn has_end(bytes: &[u8]) -> bool {
    Segments::new(bytes).any(|segment| segment.marker == END_OF_IMAGE)
}

struct Segment<'a> {
    marker: u8,
    payload: &'a [u8],
}

/// The segments of a file up to and with its end marker. Bytes between segments, such as the
/// coded data of scans with its restart markers, are passed over.
struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Segments<'a> {
    fn new(bytes: &'a [u8]) -> Segments<'a> {
        Segments { rest: bytes }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        loop {
            let start = self.rest.iter().position(|byte| *byte == 0xff)?;
            let marker = *self.rest.get(start + 1)?;
            match marker {
                // A fill byte: the next one may be the marker's first.
                0xff => self.rest = &self.rest[start + 1..],
                // A data byte 0xff, or a marker without a length.
                0x00 | 0x01 | 0xd0..=0xd8 => self.rest = &self.rest[start + 2..],
                END_OF_IMAGE => {
                    self.rest = &[];
                    return Some(Segment { marker, payload: &[] });
                }
                _ => {
                    let (length, _) = self.rest[start + 2..].split_first_chunk::<2>()?;
                    let end = start + 2 + usize::from(u16::from_be_bytes(*length));
                    let payload = self.rest.get(start + 4..end)?;
                    self.rest = &self.rest[end..];
                    return Some(Segment { marker, payload });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_past_fill_bytes_and_strangers() {
        let mut file = b"\xff\xd8\xff\xe1\x00\x0aExif\0\0MM\x00junk\xff\xff\xfe\x00\x03x".to_vec();
        file.extend(b"\xff\xc0\x00\x11\x08\x01\x0b\x01\x90\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01");
        file.extend(b"\xff\xdb\x00\x43\x01");
        file.extend([7; 64]);
        file.extend(b"\xff\xdb\x00\x83\x10");
        file.extend([1, 2].repeat(64));
        file.extend(b"\xff\xda\x00\x02\x12\xff\x00\xff\xd3\x34\xff\xd9\xff\xc0");
        let head = Head::read(&file);
        let frame = head.frame.unwrap();
        assert_eq!((frame.marker, frame.precision, frame.size), (0xc0, 8, Size::new(400, 267)));
        assert_eq!(head.exif, Some(&b"MM"[..]));
        assert_eq!(head.tables(), Some((&[0x102; 64], Some(&[7; 64]))));
        assert!(has_end(&file));
        assert!(!has_end(&file[..file.len() - 3]));
    }

    #[test]
    fn profiles_are_put_together_by_number() {
        let piece = |number: u8, count: u8, byte: u8| {
            [b"\xff\xe2\x00\x12ICC_PROFILE\0", &[number, count, byte, byte][..]].concat()
        };
        let profile = |pieces: &[Vec<u8>]| Head::read(&pieces.concat()).profile(4);
        assert_eq!(profile(&[piece(2, 2, 8), piece(1, 2, 7)]), Some(vec![7, 7, 8, 8]));
        assert_eq!(profile(&[piece(1, 2, 7)]), None);
        assert_eq!(profile(&[piece(1, 2, 7), piece(1, 2, 7)]), None);
        assert_eq!(profile(&[piece(0, 1, 7)]), None);
        assert_eq!(profile(&[piece(1, 3, 7), piece(2, 3, 7), piece(3, 3, 7)]), None, "over the limit");
        assert_eq!(profile(&[]), None);
    }

    #[test]
    fn wrong_lengths_end_the_walk() {
        for length in [b"\x00\x00", b"\x00\x01", b"\xff\xff"] {
            let mut file = b"\xff\xd8\xff\xdb".to_vec();
            file.extend(length);
            file.extend(b"\xff\xd9");
            assert!(Head::read(&file).tables().is_none());
            assert!(!has_end(&file));
        }
        assert!(Head::read(b"\xff").frame.is_none());
        assert!(Head::read(b"\xff\xd8\xff\xc0\x00\x08\x08\x00\x01\x00\x01\x01").frame.is_none());
    }
}
