//! Whether a file's coded pictures are as small as its boxes tell.
//!
//! Decoders make room for what their own headers ask, and what a grid or an overlay is laid out on
//! for what its item asks. libheif holds neither against the size in the boxes, before 1.19 not
//! even against a limit: a file of a kilobyte that calls itself small could take gigabytes.

use super::boxes::Items;
use super::headers::{self, Coded};
use super::library::{Message, message};
use std::collections::HashMap;

/// Pixels that a coded picture may have beyond what is told: coders fill up to their own steps, and
/// the tiles of a grid reach over its edges.
const SPARE_PIXELS: u64 = 1 << 20;

/// What a picture counts at least: it costs time however small it is.
const LEAST_PIXELS: u64 = 64 * 64;

/// How often the told pixels may be decoded: as tiles and as alpha, with what reaches over.
const TIMES: u64 = 4;

/// Pictures that are made of pictures that are made of pictures.
const DEEPEST: u32 = 4;

/// Most pixels of a coded picture in a file that tells `told` pixels.
pub fn most_pixels(told: u64) -> u64 {
    told.saturating_add(SPARE_PIXELS)
}

/// The header of the primary picture, where it is coded as one piece; `told_pixels` is what the
/// boxes tell of it, before it is cropped.
///
/// # Errors
/// A picture that decoding reaches is larger than [`most_pixels`], or they are too many, or one is
/// not understood.
pub fn check(items: Items, told_pixels: u64) -> Result<Option<Coded>, Message> {
    let most_pixels = most_pixels(told_pixels);
    let primary = items.primary;
    let mut walk = Walk { items, most_pixels, left: most_pixels.saturating_mul(TIMES), known: HashMap::new() };
    walk.visit(primary, 0)?;
    Ok(walk.known.get(&primary).copied())
}

struct Walk<'a> {
    items: Items<'a>,
    most_pixels: u64,
    /// Pixels that may still be met.
    left: u64,
    /// What was read of coded pictures: grids may use one many times.
    known: HashMap<u32, Coded>,
}

impl Walk<'_> {
    fn visit(&mut self, item: u32, depth: u32) -> Result<(), Message> {
        let pixels = self.pixels(item)?;
        if pixels > self.most_pixels {
            return Err(Message(format!("{pixels} pixels are coded, the boxes tell of fewer")));
        }
        let left = self.left.checked_sub(pixels.max(LEAST_PIXELS)).filter(|_| depth <= DEEPEST);
        self.left = left.ok_or_else(|| message("more pictures are coded than the boxes tell of"))?;
        let parts: Vec<_> = self.items.pointed_to(item, b"dimg").collect();
        let besides: Vec<_> = self.items.pointing_to(item, b"auxl").collect();
        parts.into_iter().chain(besides).try_for_each(|part| self.visit(part, depth + 1))
    }

    /// What is made room for; 0 for what has no room of its own.
    fn pixels(&mut self, item: u32) -> Result<u64, Message> {
        if let Some(coded) = self.known.get(&item) {
            return Ok(coded.size.pixels());
        }
        let unclear = || Message(format!("item {item} is not understood"));
        let kind = self.items.kind(item).ok_or_else(unclear)?;
        let property =
            |wanted| self.items.properties(item).iter().find(|(kind, _)| *kind == wanted).map(|(_, content)| *content);
        let coded = match kind {
            b"av01" => {
                // The decoder is given the headers of the property first, then the item.
                let head = property(b"av1C").and_then(|content| content.get(4..)).ok_or_else(unclear)?;
                headers::av1(&[head, &self.items.data(item).ok_or_else(unclear)?].concat())
            }
            b"hvc1" => {
                let data = self.items.data(item).ok_or_else(unclear)?;
                property(b"hvcC").and_then(|content| headers::hevc(content, &data))
            }
            b"grid" | b"iovl" => {
                let data = self.items.data(item).ok_or_else(unclear)?;
                return laid_out(&data, if kind == b"grid" { 4 } else { 10 }).ok_or_else(unclear);
            }
            _ => return Ok(0),
        };
        let coded = coded.ok_or_else(unclear)?;
        self.known.insert(item, coded);
        Ok(coded.size.pixels())
    }
}

/// The pixels of a grid or an overlay, whose sides stand at `place`.
fn laid_out(data: &[u8], place: usize) -> Option<u64> {
    let mut sides = super::boxes::Reader(data.get(place..)?);
    let length = if data.get(1)? & 1 == 1 { 4 } else { 2 };
    Some(sides.number_of(length)? * sides.number_of(length)?)
}
