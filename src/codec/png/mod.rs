//! PNG, row by row. Of an animation the default image is read. Files are written by filters and a
//! compressor of our own, the `png` crate's container around them.
//!
//! Every kind of PNG becomes RGBA8; 16-bit channels are rounded to the nearest, not cut. Text is
//! skipped unread and a colour profile read only for the pixels, so that nothing can be a bomb.

mod deflate;
mod filter;

use super::cicp::{CodePoints, Conversion};
use super::{Rows, check_pixels, exif, icc};
use crate::cancel::Cancel;
use crate::error::Error;
use crate::format::{Format, Probe};
use crate::geometry::Size;
use crate::limits::Limits;
use crate::pixel::{TEXEL_BYTES, View, ViewMut};
use ::png::chunk::IDAT;
use ::png::{BitDepth, ColorType, Decoder, DecodingError, Encoder, Info, InterlaceInfo, Reader, Transformations};
use deflate::Deflater;
use filter::Filters;
use std::io::{Cursor, ErrorKind};

/// Most bytes the decoder may take for chunks and rows.
const DECODER_BYTES: usize = 32 << 20;

/// Rows between two looks at `cancel`.
const ROWS_A_LOOK: u32 = 64;

type Bytes<'a> = Cursor<&'a [u8]>;

fn decoder(bytes: &[u8]) -> Decoder<Bytes<'_>> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), ::png::Limits { bytes: DECODER_BYTES });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::ALPHA);
    decoder
}

/// Reads all that comes before the pixels. The decoder takes a palette of any length, and panics
/// over one that does not consist of at most 256 whole colours.
fn begin(decoder: Decoder<Bytes<'_>>) -> Result<Reader<Bytes<'_>>, Error> {
    let reader = decoder.read_info().map_err(Error::damaged)?;
    let info = reader.info();
    let palette_bytes = info.palette.as_ref().map_or(0, |palette| palette.len());
    if info.color_type == ColorType::Indexed && (palette_bytes % 3 != 0 || palette_bytes > 3 * 256) {
        return Err(Error::damaged("a palette of a wrong length"));
    }
    Ok(reader)
}

pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Error> {
    let mut decoder = decoder(bytes);
    // The sides come first, and are held against the limits before anything else is read.
    let (width, height) = decoder.read_header_info().map_err(Error::damaged)?.size();
    let size = Size::new(width, height);
    if size.longest_side() > limits.source_side {
        return Err(Error::memory_limit());
    }
    check_pixels(size, 1, limits)?;
    let reader = begin(decoder)?;
    let info = reader.info();
    let alpha = info.trns.is_some() || matches!(info.color_type, ColorType::GrayscaleAlpha | ColorType::Rgba);
    let orientation = info.exif_metadata.as_deref().map(|block| exif::orientation(exif::without_prefix(block)));
    let orientation = orientation.unwrap_or_default();
    Ok(Probe { format: Format::Png, size, orientation, frames: 1, alpha, quality: None })
}

pub fn decode(bytes: &[u8], target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let mut rows = PngRows::open(bytes)?;
    if target.size() != rows.size {
        return Err(Error::internal("the target's size is not that of the picture"));
    }
    if rows.reader.info().interlaced {
        rows.read_interlaced(target, cancel)?;
    } else {
        rows.read(target, cancel)?;
    }
    rows.turning.turn(target, cancel)
}

pub fn rows(bytes: &[u8]) -> Result<Option<Box<dyn Rows + '_>>, Error> {
    let rows = PngRows::open(bytes)?;
    let grey = matches!(rows.reader.info().color_type, ColorType::Grayscale | ColorType::GrayscaleAlpha);
    let in_order = !rows.reader.info().interlaced && rows.turning.suits_bands(grey);
    Ok(in_order.then(|| Box::new(rows) as Box<dyn Rows>))
}

/// What is told of the colours by code points, in a chunk of their own, which outranks a profile, or by
/// a profile of high dynamic range. Source: PNG, third edition, 4.3.
fn told(info: &Info) -> Option<CodePoints> {
    let told = info.coding_independent_code_points.map(|told| CodePoints {
        primaries: told.color_primaries.into(),
        transfer: told.transfer_function.into(),
        full_range: told.is_video_full_range_image,
    });
    told.or_else(|| info.icc_profile.as_deref().and_then(icc::high_dynamic_range))
}

/// Lays a row of the decoder's into a row of RGBA8.
type Spread = Box<dyn Fn(&[u8], &mut [u8])>;

struct PngRows<'a> {
    reader: Reader<Bytes<'a>>,
    size: Size,
    turning: icc::Turning,
    spread: Spread,
    /// A row as the decoder hands it out; empty where that is a row of RGBA8 already.
    row: Vec<u8>,
    /// The row that comes next.
    y: u32,
}

impl<'a> PngRows<'a> {
    fn open(bytes: &'a [u8]) -> Result<PngRows<'a>, Error> {
        let mut decoder = decoder(bytes);
        decoder.set_ignore_iccp_chunk(false);
        let mut reader = begin(decoder)?;
        let clear = clear_grey(reader.info());
        if clear.is_some() {
            // Of greys of less than a byte the decoder takes only those for clear that have no more bits.
            let mut decoder = self::decoder(bytes);
            decoder.set_ignore_iccp_chunk(false);
            decoder.set_transformations(Transformations::IDENTITY);
            reader = begin(decoder)?;
        }
        let (width, height) = reader.info().size();
        let (color, depth) = reader.output_color_type();
        let told = told(reader.info());
        // Colours that code points tell are converted before they are rounded to 8 bits.
        let conversion = told.filter(|_| depth == BitDepth::Sixteen).and_then(|told| Conversion::of(told, 16));
        let turning = match (&reader.info().icc_profile, told) {
            (_, Some(_)) if depth == BitDepth::Sixteen => icc::Turning::Nothing,
            (_, Some(told)) => icc::Turning::told(told),
            (Some(profile), None) => icc::Turning::of(profile),
            (None, None) => icc::Turning::Nothing,
        };
        let spread: Spread = match (color, depth, conversion) {
            (ColorType::Rgba, BitDepth::Eight, _) => {
                Box::new(|row: &[u8], texels: &mut [u8]| texels[..row.len()].copy_from_slice(row))
            }
            (ColorType::Rgba, BitDepth::Sixteen, None) => Box::new(spread_rgba16),
            (ColorType::Rgba, BitDepth::Sixteen, Some(conversion)) => {
                Box::new(move |row, texels| spread_converted::<8>(row, texels, [0, 2, 4, 6], &conversion))
            }
            (ColorType::GrayscaleAlpha, BitDepth::Eight, _) => Box::new(spread_grey8),
            (ColorType::GrayscaleAlpha, BitDepth::Sixteen, None) => Box::new(spread_grey16),
            (ColorType::GrayscaleAlpha, BitDepth::Sixteen, Some(conversion)) => {
                Box::new(move |row, texels| spread_converted::<4>(row, texels, [0, 0, 0, 2], &conversion))
            }
            (ColorType::Grayscale, BitDepth::One | BitDepth::Two | BitDepth::Four, _) => {
                Box::new(move |row, texels| spread_packed(row, depth as u8, clear, texels))
            }
            _ => return Err(Error::internal(format!("rows of {color:?} with {depth:?} bits a channel"))),
        };
        let ready = (color, depth) == (ColorType::Rgba, BitDepth::Eight) && !reader.info().interlaced;
        let texel_bytes = (color.samples() * depth as usize).div_ceil(8);
        let row = vec![0; if ready { 0 } else { width as usize * texel_bytes }];
        Ok(PngRows { reader, size: Size::new(width, height), turning, spread, row, y: 0 })
    }

    /// Fills `target` with the rows that come next, their colours as stored.
    fn read(&mut self, target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
        let rows = target.size().height;
        if target.size().width != self.size.width || rows > self.size.height - self.y {
            return Err(Error::internal("more rows than the picture has"));
        }
        for y in 0..rows {
            look(self.y, cancel)?;
            if self.row.is_empty() {
                self.reader.read_row(target.row(y)).map_err(Error::damaged)?;
            } else {
                self.reader.read_row(&mut self.row).map_err(Error::damaged)?;
                (self.spread)(&self.row, target.row(y));
            }
            self.y += 1;
        }
        if self.y == self.size.height {
            // Asked past the last row, the reader takes in the rest of the data and its checksum. The
            // picture is whole where that, or the chunk for the end, is missing.
            self.reader.read_row(&mut []).map(|_| ()).or_else(unless_cut).map_err(Error::damaged)?;
        }
        Ok(())
    }

    /// Fills `target`, the whole picture, by rows that are shorter than the picture's and lie
    /// scattered in it.
    fn read_interlaced(&mut self, target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
        let pitch = target.pitch();
        let mut texels = vec![0; self.size.width as usize * TEXEL_BYTES];
        let mut count = 0;
        let whole = adam7_rows(self.size);
        loop {
            let place = match self.reader.read_row(&mut self.row) {
                Ok(Some(place)) => place,
                Ok(None) => break,
                Err(error) if count == whole => {
                    unless_cut(error).map_err(Error::damaged)?;
                    break;
                }
                Err(error) => return Err(Error::damaged(error)),
            };
            look(count, cancel)?;
            if let InterlaceInfo::Adam7(pass) = place {
                (self.spread)(&self.row, &mut texels);
                ::png::expand_interlaced_row(target.bytes(), pitch, &texels, &pass, 8 * TEXEL_BYTES as u8);
            }
            count += 1;
        }
        Ok(())
    }
}

impl Rows for PngRows<'_> {
    fn next_rows(&mut self, target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
        self.read(target, cancel)?;
        self.turning.turn(target, cancel)
    }
}

fn look(y: u32, cancel: &Cancel) -> Result<(), Error> {
    if y.is_multiple_of(ROWS_A_LOOK) { cancel.check() } else { Ok(()) }
}

/// An error that is not merely that the file ends.
fn unless_cut(error: DecodingError) -> Result<(), DecodingError> {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(()),
        other => Err(other),
    }
}

/// Rows of all passes of an interlaced picture. Source: PNG 3rd edition, 8.1.
fn adam7_rows(size: Size) -> u32 {
    let passes = [(0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)];
    let count = |side: u32, first: u32, step: u32| side.saturating_sub(first).div_ceil(step);
    let rows = passes.into_iter().filter(|(x, across, ..)| count(size.width, *x, *across) > 0);
    rows.map(|(_, _, y, down)| count(size.height, y, down)).sum()
}

/// The clear one of greys of less than 8 bits, where the file tells it with more bits than they have:
/// only the lowest count. Source: PNG 3rd edition, 11.3.1.1.
fn clear_grey(info: &Info) -> Option<u8> {
    let bits = info.bit_depth as u32;
    let told = *info.trns.as_ref()?.first()?;
    let odd = info.color_type == ColorType::Grayscale && bits < 8 && told >> bits != 0;
    odd.then(|| told & ((1 << bits) - 1))
}

/// Spreads greys of less than a byte each, the first in the highest bits.
fn spread_packed(row: &[u8], bits: u8, clear: Option<u8>, texels: &mut [u8]) {
    let largest = (1 << bits) - 1;
    let greys = row.iter().flat_map(|byte| (0..8 / bits).rev().map(move |place| byte >> (place * bits) & largest));
    for (texel, grey) in texels.as_chunks_mut::<TEXEL_BYTES>().0.iter_mut().zip(greys) {
        let level = grey * (255 / largest);
        *texel = [level, level, level, if clear == Some(grey) { 0 } else { 255 }];
    }
}

fn spread_grey8(row: &[u8], texels: &mut [u8]) {
    for (texel, value) in texels.chunks_exact_mut(TEXEL_BYTES).zip(row.chunks_exact(2)) {
        texel.copy_from_slice(&[value[0], value[0], value[0], value[1]]);
    }
}

fn spread_grey16(row: &[u8], texels: &mut [u8]) {
    for (texel, value) in texels.chunks_exact_mut(TEXEL_BYTES).zip(row.chunks_exact(4)) {
        let (grey, alpha) = (narrow(value[0], value[1]), narrow(value[2], value[3]));
        texel.copy_from_slice(&[grey, grey, grey, alpha]);
    }
}

fn spread_rgba16(row: &[u8], texels: &mut [u8]) {
    for (channel, value) in texels.iter_mut().zip(row.chunks_exact(2)) {
        *channel = narrow(value[0], value[1]);
    }
}

/// Pixels of `BYTES` bytes, whose red, green, blue and alpha stand at these places.
fn spread_converted<const BYTES: usize>(row: &[u8], texels: &mut [u8], places: [usize; 4], conversion: &Conversion) {
    let (pixels, _) = row.as_chunks::<BYTES>();
    let [red, green, blue, alpha] = places;
    conversion.convert_from(texels, |_, at| {
        [red, green, blue].map(|place| u16::from_be_bytes([pixels[at][place], pixels[at][place + 1]]))
    });
    for (texel, pixel) in texels.chunks_exact_mut(TEXEL_BYTES).zip(pixels) {
        texel[3] = narrow(pixel[alpha], pixel[alpha + 1]);
    }
}

/// A 16-bit channel in 8 bits, to the nearest: 65,535 is 255 × 257, and 257 being odd there are
/// no ties, so value ÷ 257 rounded is (value + 128) ÷ 257 floored.
fn narrow(high: u8, low: u8) -> u8 {
    ((u32::from(u16::from_be_bytes([high, low])) + 128) / 257) as u8
}

pub fn encode(pixels: &View, opaque: bool, cancel: &Cancel) -> Result<Vec<u8>, Error> {
    let size = pixels.size();
    let color = if opaque { ColorType::Rgb } else { ColorType::Rgba };
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, size.width, size.height);
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(Error::internal)?;
    let row_bytes = size.width as usize * color.samples();
    let mut filters = Filters::new(row_bytes, color.samples());
    let mut deflater = Deflater::new(1 + row_bytes, color.samples());
    for y in 0..size.height {
        look(y, cancel)?;
        let texels = pixels.row(y);
        if opaque {
            for (colors, texel) in filters.row().chunks_exact_mut(3).zip(texels.chunks_exact(TEXEL_BYTES)) {
                colors.copy_from_slice(&texel[..3]);
            }
        } else {
            filters.row().copy_from_slice(texels);
        }
        if deflater.row(|filtered| filters.filter(filtered)) {
            deflater.take(|coded| writer.write_chunk(IDAT, coded)).map_err(Error::internal)?;
        }
    }
    deflater.finish();
    deflater.take(|coded| writer.write_chunk(IDAT, coded)).map_err(Error::internal)?;
    writer.finish().map_err(Error::internal)?;
    Ok(file)
}

#[cfg(test)]
mod tests;
