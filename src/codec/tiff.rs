//! TIFF: the first page, strip by strip or tile by tile; written as one deflated RGB or RGBA page.
//!
//! The decoder hands out colours of only some kinds, so it is told that every page is grey with
//! however many samples; what they mean, and how all but JPEGs are unpacked, is decided here. Left out:
//! signed samples, depths other than 1, 2, 4, 8, 16, 32 and 64 bits, floats of other colours than grey
//! and RGB, chroma shared in planes, some old JPEGs, LogLuv, ITU L*a*b*, JPEG 2000 and the like.

mod bytes;
mod chunks;
mod deep;
mod old_jpeg;
mod page;
mod picture;
mod rows;
mod samples;
mod write;
mod ycbcr;

pub use write::encode;

use super::{Rows, check_pixels, icc, jpeg};
use crate::cancel::Cancel;
use crate::error::{Code, Ec, Error};
use crate::format::{Format, Probe};
use crate::geometry::{Orientation, Size};
use crate::limits::Limits;
use crate::pixel::{Frame, TEXEL_BYTES, ViewMut};
use ::tiff::tags::Tag;
use chunks::{Chunks, Scratch};
use page::Page;
use picture::Picture;
use std::ops::Range;

/// Longest side of a page, in pixels, whatever longer sides the limits allow other formats.
/// Source: the specification, section 9.1.
const SIDE: u32 = 16_384;

fn first_page(bytes: &[u8]) -> Result<Page, Error> {
    Page::first(bytes).ok_or_else(|| Error::damaged("no page with a size and a kind"))
}

pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Error> {
    let page = first_page(bytes)?;
    // Held against the limits before the decoder takes anything from the header.
    let longest = limits.source_side.min(SIDE);
    if page.size.longest_side() > longest {
        let message = format!("A side of the image is longer than {longest} pixels.");
        return Err(Error::new(Code::MemLimitExceeded, message).ec(Ec::image(18)));
    }
    check_pixels(page.size, 1, limits)?;
    if page.is_old_jpeg() {
        let file = old_jpeg::find(bytes, &page)?;
        jpeg::probe(&file, limits)?;
        let orientation = Orientation::from_exif(page.orientation.into());
        return Ok(Probe {
            format: Format::Tiff,
            size: page.size,
            orientation,
            frames: 1,
            alpha: false,
            quality: None,
        });
    }
    let mut picture = Picture::open(bytes, &page)?;
    let orientation = picture.reader.find_tag_unsigned::<u32>(Tag::Orientation).ok().flatten();
    let orientation = Orientation::from_exif(orientation.unwrap_or_default());
    let alpha = picture.samples.has_alpha();
    Ok(Probe { format: Format::Tiff, size: picture.size, orientation, frames: 1, alpha, quality: None })
}

pub fn decode(bytes: &[u8], target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let page = first_page(bytes)?;
    if page.is_old_jpeg() {
        check_size(&page, target.size())?;
        return jpeg::decode(&old_jpeg::find(bytes, &page)?, 1, target, cancel);
    }
    let mut opened = Opened::of(bytes, &page, target.size())?;
    let mut first = 0;
    for band in 0..opened.chunks.bands() {
        let end = first + opened.chunks.band_size(band).height;
        opened.read_band(band, &mut target.part(first..end), cancel)?;
        first = end;
    }
    if opened.turns_bands() { Ok(()) } else { opened.turning.turn(target, cancel) }
}

/// Most bytes of a band of pixels in a page that is read by rows.
const BAND_BYTES: u64 = 64 << 20;

pub fn rows(bytes: &[u8], size: Size) -> Result<Option<Box<dyn Rows + '_>>, Error> {
    let page = first_page(bytes)?;
    if page.is_old_jpeg() {
        return Ok(None);
    }
    let opened = Opened::of(bytes, &page, size)?;
    let band = opened.chunks.band_size(0);
    if !opened.turns_bands() || band.pixels() * TEXEL_BYTES as u64 > BAND_BYTES {
        return Ok(None);
    }
    let pixels = Frame::packed(band, vec![0; band.pixels() as usize * TEXEL_BYTES]);
    Ok(Some(Box::new(Bands { opened, pixels, next: 0, left: 0..0 })))
}

/// A page whose strips or tiles can be read.
struct Opened<'a> {
    chunks: Chunks<'a>,
    scratch: Scratch,
    turning: icc::Turning,
    /// Every texel is grey.
    grey: bool,
}

impl<'a> Opened<'a> {
    /// `size` is the one that the page must have.
    fn of(bytes: &'a [u8], page: &Page, size: Size) -> Result<Opened<'a>, Error> {
        check_size(page, size)?;
        let picture = Picture::open(bytes, page)?;
        let profile = picture.profile.as_deref();
        let turning = match profile {
            _ if picture.samples.is_cmyk() => icc::Turning::of_inks(profile),
            Some(profile) if !picture.samples.is_absolute() => icc::Turning::of(profile),
            _ => icc::Turning::Nothing,
        };
        let grey = picture.samples.is_grey();
        let chunks = Chunks::open(bytes, picture)?;
        Ok(Opened { chunks, scratch: Scratch::default(), turning, grey })
    }

    /// Whether a band becomes sRGB by itself as it would with all others.
    fn turns_bands(&self) -> bool {
        self.turning.suits_bands(self.grey)
    }

    /// Lays down a band, as sRGB where bands can be turned.
    fn read_band(&mut self, band: u32, target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
        self.chunks.read_band(band, target, &mut self.scratch, cancel)?;
        if !self.turns_bands() {
            return Ok(());
        }
        self.turning.turn(target, cancel)?;
        // Inks have taken all of a texel's room, and become opaque colours.
        let rows = self.scratch.alphas.chunks_exact(target.size().width as usize);
        for (y, alphas) in (0..target.size().height).zip(rows) {
            let texels = target.row(y).as_chunks_mut::<TEXEL_BYTES>().0;
            texels.iter_mut().zip(alphas).for_each(|(texel, alpha)| texel[3] = *alpha);
        }
        Ok(())
    }
}

fn check_size(page: &Page, size: Size) -> Result<(), Error> {
    if size == page.size { Ok(()) } else { Err(Error::internal("the target's size is not that of the picture")) }
}

/// A page read band after band, handed out by rows.
struct Bands<'a> {
    opened: Opened<'a>,
    /// The band that was read last.
    pixels: Frame,
    /// The band that comes next.
    next: u32,
    /// Rows of the last band that were not handed out yet.
    left: Range<u32>,
}

impl Rows for Bands<'_> {
    fn next_rows(&mut self, target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
        if target.size().width != self.pixels.size().width {
            return Err(Error::internal("rows of another width than the picture's"));
        }
        for y in 0..target.size().height {
            if self.left.is_empty() {
                if self.next == self.opened.chunks.bands() {
                    return Err(Error::internal("more rows than the picture has"));
                }
                let rows = self.opened.chunks.band_size(self.next).height;
                let mut pixels = self.pixels.view_mut();
                self.opened.read_band(self.next, &mut pixels.part(0..rows), cancel)?;
                self.left = 0..rows;
                self.next += 1;
            }
            target.row(y).copy_from_slice(self.pixels.view().row(self.left.start));
            self.left.start += 1;
        }
        Ok(())
    }

    fn held_bytes(&self) -> u64 {
        self.pixels.size().pixels() * TEXEL_BYTES as u64
    }
}

#[cfg(test)]
mod tests;
