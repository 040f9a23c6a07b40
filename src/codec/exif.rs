//! EXIF: the orientation, and the entries of a block. What cannot be read counts as absent.
//!
//! Entries borrow their values from the block and are looked at once each, so that a block whose
//! entries all point to the same bytes costs nothing.

use crate::geometry::Orientation;
use ::exif::{In, Reader, Tag};

/// The block of a chunk that is for EXIF alone: some writers put the marker's name of JPEG before it.
pub fn without_prefix(block: &[u8]) -> &[u8] {
    block.strip_prefix(b"Exif\0\0").unwrap_or(block)
}

/// The orientation that an EXIF block (TIFF header first) tells; upright where it tells none.
pub fn orientation(block: &[u8]) -> Orientation {
    let parsed = Reader::new()
        .continue_on_error(true)
        .read_raw(block.to_vec())
        .or_else(|error| error.distill_partial_result(|_| ()));
    let value = parsed.ok().and_then(|exif| exif.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0));
    Orientation::from_exif(value.unwrap_or_default())
}

/// A directory of an EXIF block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directory {
    Main,
    Exif,
    Gps,
    Interoperability,
    Thumbnail,
}

/// One value of a directory, as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub directory: Directory,
    pub tag: u16,
    /// The number of the TIFF type, 1..=13.
    pub kind: u16,
    pub value: &'a [u8],
    pub little_endian: bool,
}

impl Entry<'_> {
    /// The first number of a SHORT or LONG.
    fn offset(&self) -> Option<usize> {
        match self.kind {
            3 => self.value.first_chunk().map(|bytes| self.u16(*bytes).into()),
            4 | 13 => self.value.first_chunk().map(|bytes| self.u32(*bytes) as usize),
            _ => None,
        }
    }

    pub fn u16(&self, bytes: [u8; 2]) -> u16 {
        if self.little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    }

    pub fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }

    pub fn u64(&self, bytes: [u8; 8]) -> u64 {
        if self.little_endian { u64::from_le_bytes(bytes) } else { u64::from_be_bytes(bytes) }
    }
}

/// The entries of a block (TIFF header first): the main directory, the three that it points to,
/// and behind it the thumbnail's. No directory is read twice, so that loops end.
pub fn entries(block: &[u8]) -> Vec<Entry<'_>> {
    let little_endian = match block.first_chunk::<4>() {
        Some(b"II*\0") => true,
        Some(b"MM\0*") => false,
        _ => return Vec::new(),
    };
    let blank = Entry { directory: Directory::Main, tag: 0, kind: 4, value: &[], little_endian };
    let mut entries = Vec::new();
    let first = block.get(4..8).and_then(|value| Entry { value, ..blank }.offset());
    let next = first.and_then(|at| read_directory(block, at, blank, &mut entries));
    for (parent, tag, directory) in [
        (Directory::Main, EXIF_POINTER, Directory::Exif),
        (Directory::Exif, INTEROPERABILITY_POINTER, Directory::Interoperability),
        (Directory::Main, GPS_POINTER, Directory::Gps),
    ] {
        let pointer = entries.iter().find(|entry| (entry.directory, entry.tag) == (parent, tag));
        if let Some(at) = pointer.and_then(Entry::offset) {
            read_directory(block, at, Entry { directory, ..blank }, &mut entries);
        }
    }
    if let Some(at) = next {
        read_directory(block, at, Entry { directory: Directory::Thumbnail, ..blank }, &mut entries);
    }
    entries
}

pub const EXIF_POINTER: u16 = 0x8769;
pub const GPS_POINTER: u16 = 0x8825;
pub const INTEROPERABILITY_POINTER: u16 = 0xa005;

/// Appends what the directory at `at` holds; yields where the one behind it begins.
fn read_directory<'a>(block: &'a [u8], at: usize, like: Entry<'a>, entries: &mut Vec<Entry<'a>>) -> Option<usize> {
    let (count, mut rest) = block.get(at..)?.split_first_chunk::<2>()?;
    for _ in 0..like.u16(*count) {
        let (raw, behind) = rest.split_first_chunk::<12>()?;
        rest = behind;
        entries.extend(read_entry(block, raw, like));
    }
    let value = rest.get(..4)?;
    Entry { value, ..like }.offset().filter(|next| *next != 0)
}

/// Tag, type, count, and the value where four bytes hold it, else where it lies.
fn read_entry<'a>(block: &'a [u8], raw: &'a [u8; 12], like: Entry<'a>) -> Option<Entry<'a>> {
    let [t0, t1, k0, k1, c0, c1, c2, c3, ..] = *raw;
    let kind = like.u16([k0, k1]);
    let unit_bytes = match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 => 8,
        _ => return None,
    };
    let length = (like.u32([c0, c1, c2, c3]) as usize).checked_mul(unit_bytes)?;
    let value = match length {
        0..=4 => &raw[8..8 + length],
        _ => {
            let start = Entry { value: &raw[8..], kind: 4, ..like }.offset()?;
            block.get(start..start.checked_add(length)?)?
        }
    };
    Some(Entry { tag: like.u16([t0, t1]), kind, value, ..like })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Little-endian TIFF with one entry: Orientation, SHORT, one value.
    fn block(value: u8) -> Vec<u8> {
        let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        block.extend([value, 0, 0, 0, 0, 0, 0, 0]);
        block
    }

    #[test]
    fn every_value_is_read_and_wrong_ones_are_upright() {
        for value in 1..=8 {
            assert_eq!(orientation(&block(value)) as u32, u32::from(value));
        }
        for wrong in [0, 9, 255] {
            assert_eq!(orientation(&block(wrong)), Orientation::Upright);
        }
    }

    #[test]
    fn loops_and_wild_pointers_end() {
        // Both pointers and the next directory lead back to the main one.
        let mut wild = b"MM\0*\0\0\0\x08\0\x03".to_vec();
        for tag in [b"\x87\x69", b"\x88\x25"] {
            wild.extend([tag.as_slice(), b"\0\x04\0\0\0\x01\0\0\0\x08"].concat());
        }
        // A million LONGs that are not there.
        wild.extend(b"\x01\x11\0\x04\0\x10\0\0\0\0\0\x08");
        wild.extend(b"\0\0\0\x08");
        let found: Vec<_> = entries(&wild).iter().map(|entry| (entry.directory, entry.tag)).collect();
        let expected: Vec<_> = [Directory::Main, Directory::Exif, Directory::Gps, Directory::Thumbnail]
            .into_iter()
            .flat_map(|directory| [(directory, EXIF_POINTER), (directory, GPS_POINTER)])
            .collect();
        assert_eq!(found, expected);
        (0..wild.len()).for_each(|length| drop(entries(&wild[..length])));
    }

    #[test]
    fn nonsense_is_upright() {
        assert_eq!(orientation(b""), Orientation::Upright);
        assert_eq!(orientation(b"Exif"), Orientation::Upright);
        let whole = block(6);
        for length in 0..18 {
            assert_eq!(orientation(&whole[..length]), Orientation::Upright);
        }
    }
}
