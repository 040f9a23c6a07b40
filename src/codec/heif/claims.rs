//! Whether a file's coded pictures are as small as its boxes tell.
//!
//! Decoders make room for what their own headers ask, and what a grid or an overlay is laid out on
//! for what its item asks. libheif holds neither against the size in the boxes, before 1.19 not
//! even against a limit: a file of a kilobyte that calls itself small could take gigabytes.

use super::boxes::{Items, Reader};
use super::headers::{self, Coded};
use super::library::{Message, message};
use super::shown::{DEEPEST, Shown};
use crate::geometry::Size;
use std::collections::HashMap;

/// Pixels that a coded picture may have beyond what is told: coders fill up to their own steps, and
/// the tiles of a grid reach over its edges.
const SPARE_PIXELS: u64 = 1 << 20;

/// What a picture counts at least: it costs time however small it is.
const LEAST_PIXELS: u64 = 64 * 64;

/// How often the told pixels may be decoded, as tiles and as alpha, with what reaches over; and how
/// often the bytes of the file may be read for it, by items that share some.
pub const TIMES: u64 = 4;

/// Most pixels of a coded picture in a file that tells `told` pixels.
fn most_pixels(told: u64) -> u64 {
    told.saturating_add(SPARE_PIXELS)
}

/// What decoding was found to need.
pub struct Checked {
    /// Most pixels of one picture.
    pub most_pixels: u64,
    /// Whether the colours are coded as one piece that has none.
    pub grey: bool,
}

/// Looks at all that is decoded.
///
/// # Errors
/// A picture that decoding reaches is larger than the boxes tell, but for [`SPARE_PIXELS`], or they are
/// too many, or one is not understood.
pub fn check(shown: &Shown) -> Result<Checked, Message> {
    let alpha = shown.alpha.as_ref();
    let most_pixels = most_pixels(shown.sizes().map(Size::pixels).max().unwrap_or_default());
    let left = most_pixels.saturating_mul(TIMES);
    let items = &shown.items;
    let bytes_left = (items.file_bytes() as u64).saturating_mul(TIMES);
    let mut walk = Walk { items, most_pixels, left, bytes_left, known: HashMap::new() };
    walk.visit(shown.color, 0)?;
    alpha.iter().flat_map(|alpha| &alpha.items).try_for_each(|item| walk.visit(*item, 0))?;
    let coded = walk.known.get(&shown.color).and_then(|known| known.coded);
    Ok(Checked { most_pixels, grey: coded.is_some_and(|coded| coded.grey) })
}

struct Walk<'a, 'b> {
    items: &'b Items<'a>,
    most_pixels: u64,
    /// Pixels that may still be met.
    left: u64,
    /// Bytes that may still be read.
    bytes_left: u64,
    /// What was read of items: grids may use one many times.
    known: HashMap<u32, Known>,
}

/// What decoding an item makes room for, and the header of one that is coded as one piece.
#[derive(Clone, Copy)]
struct Known {
    pixels: u64,
    coded: Option<Coded>,
}

impl Walk<'_, '_> {
    fn visit(&mut self, item: u32, depth: u32) -> Result<(), Message> {
        let known = match self.known.get(&item) {
            Some(known) => *known,
            None => self.read(item).ok_or_else(|| Message(format!("item {item} is not understood")))?,
        };
        self.known.insert(item, known);
        let pixels = known.pixels;
        if pixels > self.most_pixels {
            return Err(Message(format!("{pixels} pixels are coded, the boxes tell of fewer")));
        }
        let left = self.left.checked_sub(pixels.max(LEAST_PIXELS)).filter(|_| depth <= DEEPEST);
        self.left = left.ok_or_else(|| message("more pictures are coded than the boxes tell of"))?;
        self.items.parts(item).iter().try_for_each(|part| self.visit(*part, depth + 1))
    }

    fn read(&mut self, item: u32) -> Option<Known> {
        let kind = self.items.kind(item)?;
        if ![b"av01", b"hvc1", b"grid", b"iovl"].contains(&kind) {
            // It has no room of its own.
            return Some(Known { pixels: 0, coded: None });
        }
        let data = self.items.data(item)?;
        self.bytes_left = self.bytes_left.checked_sub(data.len() as u64)?;
        let coded = match kind {
            // The decoder is given the headers of the property first, then the item.
            b"av01" => headers::av1(&[self.items.property(item, b"av1C")?.get(4..)?, &data].concat()),
            b"hvc1" => headers::hevc(self.items.property(item, b"hvcC")?, &data),
            b"grid" => return laid_out(&data, 4),
            _ => return laid_out(&data, 10),
        };
        coded.map(|coded| Known { pixels: coded.size.pixels(), coded: Some(coded) })
    }
}

/// The pixels of a grid or an overlay, whose sides stand at `place`.
fn laid_out(data: &[u8], place: usize) -> Option<Known> {
    let mut sides = Reader(data.get(place..)?);
    let length = if data.get(1)? & 1 == 1 { 4 } else { 2 };
    Some(Known { pixels: sides.number_of(length)? * sides.number_of(length)?, coded: None })
}
