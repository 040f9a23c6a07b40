//! A BMP's headers: where its pixels are and how they are coded.
//!
//! Sources: Microsoft's BITMAPINFOHEADER, BITMAPV4HEADER and BITMAPV5HEADER; OS/2 2.0 Presentation
//! Manager Reference, BITMAPINFOHEADER2; J. Summers, bmpsuite.

use super::{FILE_HEADER_BYTES, sides};
use crate::codec::unsupported;
use crate::error::Error;
use crate::geometry::Size;
use std::ops::Range;

/// Length of the oldest header, whose sides have 16 bits and whose palette three bytes a colour.
const CORE_BYTES: usize = 12;

/// Where the masks of channels stand, whatever the header: in it or behind it.
const MASKS_AT: usize = FILE_HEADER_BYTES as usize + 40;

/// Colours that a palette can have.
pub const COLORS: usize = 256;

/// bV5CSType of a profile that lies in the file: "MBED", highest byte first.
const EMBEDDED: u32 = 0x4d42_4544;

/// How pixels are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Numbers of colours in a palette, 1, 2, 4 or 8 bits each.
    Palette,
    /// Blue, green, red; 8 bits each.
    Bytes,
    /// Numbers of 16 or 32 bits, channels cut out by the masks of red, green, blue and alpha; a mask
    /// of 0 is a channel that is not there.
    Masks([u32; 4]),
    /// Blue, green, red, alpha: 16 bits each, signed, 8192 for full light, which is linear.
    Linear,
    /// Run lengths of 4-bit, 8-bit and 24-bit pixels.
    Runs,
    /// Fax codes, ITU-T T.4 with one dimension.
    Fax,
}

/// What the headers tell.
pub struct Header {
    pub size: Size,
    /// The top row comes first.
    pub top_down: bool,
    /// Bits of a pixel.
    pub bits: u16,
    pub coding: Coding,
    /// Blue, green, red of each colour, as many as the file tells and has.
    pub palette: Vec<[u8; 3]>,
    /// Where the pixels begin.
    pub pixels_at: usize,
    /// Where the colour profile lies.
    pub profile: Option<Range<usize>>,
}

impl Header {
    /// # Errors
    /// `ImageDamage`, and `BadRequest` for a kind that is not read: JPEG or PNG inside, inks.
    pub fn read(bytes: &[u8]) -> Result<Header, Error> {
        let cut = || Error::damaged("the headers are cut off");
        let size = sides(bytes).ok_or_else(cut)?;
        let file = Fields(bytes);
        let start = FILE_HEADER_BYTES as usize;
        let length = file.long(start).ok_or_else(cut)? as usize;
        // OS/2 lets writers cut its 64 bytes anywhere from 16 on; what is missing is 0.
        if !matches!(length, CORE_BYTES | 16..=64 | 108 | 124) {
            return Err(Error::damaged(format!("a header of {length} bytes")));
        }
        let header = Fields(bytes.get(start..start + length).ok_or_else(cut)?);
        let core = length == CORE_BYTES;
        let bits = header.short(if core { 10 } else { 14 }).unwrap_or_default();
        let later = |at| if core { 0 } else { header.long(at).unwrap_or_default() };
        let coding = match (later(16), bits) {
            (0, 1 | 2 | 4 | 8) => Coding::Palette,
            (0, 16) => Coding::Masks([0x7c00, 0x03e0, 0x001f, 0]),
            (0, 24) => Coding::Bytes,
            // Of a header with an alpha mask that counts, the colours' masks do not.
            (0, 32) => Coding::Masks([0x00ff_0000, 0xff00, 0xff, if length >= 108 { later(52) } else { 0 }]),
            (0, 64) => Coding::Linear,
            (1, 8) | (2, 4) | (4, 24) => Coding::Runs,
            (3, 1) => Coding::Fax,
            (compression @ (3 | 6), 16 | 32) => {
                let alpha = compression == 6 || length >= 56;
                let mut masks = [0; 4];
                for (mask, at) in masks.iter_mut().zip((MASKS_AT..).step_by(4)).take(if alpha { 4 } else { 3 }) {
                    *mask = file.long(at).ok_or_else(cut)?;
                }
                Coding::Masks(masks)
            }
            _ => return Err(unsupported()),
        };
        let tables = start + length;
        let told = file.long(10).ok_or_else(cut)? as usize;
        let (entry, colors) = match later(32) as usize {
            _ if bits > 8 => (4, 0),
            _ if core => (3, 1 << bits),
            0 => (4, 1 << bits),
            used => (4, used),
        };
        let masks = match coding {
            Coding::Masks(_) if later(16) != 0 && length < 52 => 4 * if later(16) == 6 { 4 } else { 3 },
            _ => 0,
        };
        let behind = tables.saturating_add(masks).saturating_add(entry * colors.min(bytes.len()));
        let pixels_at = if told == 0 { behind } else { told };
        if pixels_at < tables {
            return Err(Error::damaged("pixels amid the headers"));
        }
        let room = bytes.get(tables..pixels_at.min(bytes.len())).unwrap_or_default();
        // Fewer than told are taken for what they are, but not so many that no number could mean them.
        if colors > COLORS && colors > room.len() / entry {
            return Err(Error::damaged(format!("{colors} colours")));
        }
        let palette = room.chunks_exact(entry).take(colors.min(COLORS)).map(|color| [color[0], color[1], color[2]]);
        let profile = (length == 124 && later(56) == EMBEDDED).then(|| {
            let at = start + later(112) as usize;
            at..at.saturating_add(later(116) as usize)
        });
        let top_down = !core && header.long(8).is_some_and(|height| (height as i32) < 0);
        Ok(Header { size, top_down, bits, coding, palette: palette.collect(), pixels_at, profile })
    }

    /// Whether pixels may be less than opaque.
    pub fn has_alpha(&self) -> bool {
        matches!(self.coding, Coding::Linear) || matches!(self.coding, Coding::Masks([.., alpha]) if alpha != 0)
    }

    /// The colour of a number: red, green, blue; black where the palette has none.
    pub fn color(&self, index: u8) -> [u8; 3] {
        self.palette.get(usize::from(index)).map_or([0; 3], |[blue, green, red]| [*red, *green, *blue])
    }

    /// Where the row lies in the picture that comes so many rows behind the file's first.
    pub fn place(&self, row: u32) -> u32 {
        if self.top_down { row } else { self.size.height - 1 - row }
    }
}

/// Numbers of a file, lowest byte first.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn short(&self, at: usize) -> Option<u16> {
        self.0.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
    }

    fn long(&self, at: usize) -> Option<u32> {
        self.0.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }
}
