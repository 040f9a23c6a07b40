//! The first page's entry in the file: its size and kind, read before the decoder is asked, and
//! what the decoder is to read in its place.

use crate::geometry::Size;
use std::io::{Cursor, Read, Result, Seek, SeekFrom};

/// Values of PhotometricInterpretation. Source: TIFF 6.0.
pub const WHITE_IS_ZERO: u16 = 0;
pub const BLACK_IS_ZERO: u16 = 1;
pub const RGB: u16 = 2;
pub const PALETTE: u16 = 3;
pub const CMYK: u16 = 5;
pub const YCBCR: u16 = 6;
pub const CIE_LAB: u16 = 8;
pub const ICC_LAB: u16 = 9;

/// Compression of a JPEG as TIFF 6.0 had it.
const OLD_JPEG: u16 = 6;

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const ORIENTATION: u16 = 274;
const JPEG_PLACE: u16 = 513;
const JPEG_LENGTH: u16 = 514;
const TILE_WIDTH: u16 = 322;

/// The tags of offsets and byte counts.
const STRIP_PLACES: [u16; 2] = [273, 279];
const TILE_PLACES: [u16; 2] = [324, 325];

const SHORT: u16 = 3;
const LONG: u16 = 4;
const LONG8: u16 = 16;

/// What the page's directory tells.
pub struct Page {
    pub size: Size,
    /// PhotometricInterpretation: what the samples mean.
    pub photometric: u16,
    pub big_endian: bool,
    compression: u16,
    pub orientation: u16,
    /// JPEGInterchangeFormat and its length: where a JPEG of the old kind lies.
    pub jpeg_at: Option<u64>,
    pub jpeg_length: Option<u64>,
    patches: Vec<Patch>,
}

/// Two bytes that read as others.
#[derive(Clone, Copy)]
struct Patch {
    at: usize,
    bytes: [u8; 2],
}

/// A file's numbers, in its byte order.
struct Numbers<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl Numbers<'_> {
    fn read(&self, at: usize, length: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(length)?)?;
        let join = |value, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) })
    }

    fn short(&self, at: usize) -> Option<u16> {
        self.read(at, 2).map(|value| value as u16)
    }

    fn offset(&self, at: usize, length: usize) -> Option<usize> {
        usize::try_from(self.read(at, length)?).ok()
    }
}

impl Page {
    /// The page whose directory comes first; `None` where that tells no size or no kind.
    pub fn first(bytes: &[u8]) -> Option<Page> {
        let big_endian = bytes.first() == Some(&b'M');
        let numbers = Numbers { bytes, big_endian };
        let big_tiff = numbers.short(2)? == 43;
        // Where the directory's place stands, and the length of a count and of an entry.
        let (directory_at, word, count_bytes, entry_bytes) = if big_tiff { (8, 8, 8, 20) } else { (4, 4, 2, 12) };
        let directory = numbers.offset(directory_at, word)?;
        let count = numbers.offset(directory, count_bytes)?;
        let (mut width, mut height, mut photometric) = (None, None, None);
        let (mut compression, mut orientation) = (0, 0);
        let (mut jpeg_at, mut jpeg_length) = (None, None);
        let mut tiled = false;
        let (mut strip_places, mut tile_places) = ([None; 2], [None; 2]);
        for index in 0..count {
            let entry = directory.checked_add(count_bytes)?.checked_add(index.checked_mul(entry_bytes)?)?;
            let Some(tag) = numbers.short(entry) else { break };
            for (tags, places) in [(STRIP_PLACES, &mut strip_places), (TILE_PLACES, &mut tile_places)] {
                if let Some(index) = tags.iter().position(|place| *place == tag) {
                    places[index] = Some(entry);
                }
            }
            tiled |= tag == TILE_WIDTH;
            let value_at = entry + 4 + word;
            let length = match numbers.short(entry + 2)? {
                SHORT => 2,
                LONG => 4,
                LONG8 if big_tiff => 8,
                _ => continue,
            };
            match tag {
                WIDTH => width = numbers.read(value_at, length),
                HEIGHT => height = numbers.read(value_at, length),
                JPEG_PLACE => jpeg_at = numbers.read(value_at, length),
                JPEG_LENGTH => jpeg_length = numbers.read(value_at, length),
                COMPRESSION if length == 2 => compression = numbers.short(value_at)?,
                ORIENTATION if length == 2 => orientation = numbers.short(value_at)?,
                PHOTOMETRIC if length == 2 => photometric = Some((numbers.short(value_at)?, value_at)),
                _ => {}
            }
        }
        let (photometric, photometric_at) = photometric?;
        let patch = |at, value: u16| {
            let bytes = if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
            Patch { at, bytes }
        };
        let mut patches = vec![patch(photometric_at, BLACK_IS_ZERO)];
        let (right, wrong) = if tiled { (tile_places, strip_places) } else { (strip_places, tile_places) };
        let tags = if tiled { TILE_PLACES } else { STRIP_PLACES };
        for ((right, wrong), tag) in right.into_iter().zip(wrong).zip(tags) {
            patches.extend(wrong.filter(|_| right.is_none()).map(|at| patch(at, tag)));
        }
        let side = |side: Option<u64>| u32::try_from(side?).ok().filter(|side| *side > 0);
        let size = Size::new(side(width)?, side(height)?);
        Some(Page { size, photometric, big_endian, compression, orientation, jpeg_at, jpeg_length, patches })
    }

    /// Whether the page is a JPEG of the kind that TIFF 6.0 had before the present one.
    pub fn is_old_jpeg(&self) -> bool {
        self.compression == OLD_JPEG
    }

    /// The file as the decoder is to see it: this page is said to be grey, black being zero, and
    /// the places of its strips or tiles stand under the tags that go with its being tiled or not.
    ///
    /// Early writers kept the places of tiles under the tags of strips; libtiff too lets the sides
    /// of a tile decide and takes the places from either pair.
    pub fn patched<'a>(&self, bytes: &'a [u8]) -> Patched<'a> {
        Patched { file: Cursor::new(bytes), patches: self.patches.clone() }
    }
}

/// A file of which a few bytes read as others.
pub struct Patched<'a> {
    file: Cursor<&'a [u8]>,
    patches: Vec<Patch>,
}

impl Read for Patched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let start = self.file.position();
        let read = self.file.read(buffer)?;
        let bytes = self.patches.iter().flat_map(|patch| (patch.at..).zip(patch.bytes));
        for (at, byte) in bytes {
            let place = (at as u64).checked_sub(start).and_then(|place| usize::try_from(place).ok());
            if let Some(old) = place.and_then(|place| buffer[..read].get_mut(place)) {
                *old = byte;
            }
        }
        Ok(read)
    }
}

impl Seek for Patched<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.file.seek(to)
    }
}
