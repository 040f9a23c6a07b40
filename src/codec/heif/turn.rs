//! Whether a file turns its primary picture by an odd number of quarters.
//!
//! The standard lists a picture's size before its turns. Some writers did not, and then libheif
//! 1.15 tells the size as it was before the turn, but decodes the turned picture.
//! Source: ISO/IEC 14496-12 and ISO/IEC 23008-12, boxes `meta`, `pitm`, `iprp`, `ipco`, `ipma`, `irot`.

/// False also where the boxes are not understood.
pub fn swaps_sides(bytes: &[u8]) -> bool {
    odd_quarters(bytes).unwrap_or(false)
}

fn odd_quarters(bytes: &[u8]) -> Option<bool> {
    // Version and flags precede the boxes inside `meta`.
    let meta = find(bytes, b"meta")?.get(4..)?;
    let (version, item) = find(meta, b"pitm").and_then(|pitm| pitm.split_first_chunk::<4>())?;
    let primary = if version[0] == 0 { u32::from(number16(item)?) } else { number32(item)? };
    let properties = find(meta, b"iprp")?;
    let used = used_by(find(properties, b"ipma")?, primary)?;
    let all: Vec<_> = Boxes { rest: find(properties, b"ipco")? }.collect();
    let quarters = used.iter().filter_map(|index| all.get(index.checked_sub(1)?)).filter(|(kind, _)| *kind == b"irot");
    Some(quarters.filter_map(|(_, payload)| payload.first()).fold(0, |sum, angle| sum + (angle & 3)) % 2 == 1)
}

/// The numbers of the properties that an item uses, counted from 1.
fn used_by(ipma: &[u8], wanted: u32) -> Option<Vec<usize>> {
    let (&[version, _, _, flags], rest) = ipma.split_first_chunk::<4>()?;
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    let index_bytes = if flags & 1 == 1 { 2 } else { 1 };
    for _ in 0..u32::from_be_bytes(*count) {
        let (item, behind) = match version {
            0 => (u32::from(number16(rest)?), rest.get(2..)?),
            _ => (number32(rest)?, rest.get(4..)?),
        };
        let (&length, behind) = behind.split_first()?;
        let (indices, behind) = behind.split_at_checked(usize::from(length) * index_bytes)?;
        if item == wanted {
            // The highest bit tells whether the property is essential.
            let index = |bytes: &[u8]| match *bytes {
                [high, low] => usize::from(high & 0x7f) << 8 | usize::from(low),
                _ => usize::from(bytes[0] & 0x7f),
            };
            return Some(indices.chunks_exact(index_bytes).map(index).collect());
        }
        rest = behind;
    }
    None
}

fn number16(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

fn number32(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

fn find<'a>(bytes: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    Boxes { rest: bytes }.find(|(kind, _)| *kind == wanted).map(|(_, payload)| payload)
}

/// The boxes one behind the other, each with its kind and payload. One of 64-bit length, or of a
/// length that leads out of the file, ends the walk: the boxes asked for are short.
struct Boxes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Boxes<'a> {
    type Item = (&'a [u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<(&'a [u8; 4], &'a [u8])> {
        let length = number32(self.rest)? as usize;
        let (whole, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        whole.get(4..)?.split_first_chunk::<4>()
    }
}
