//! TIFF: the first page, strip by strip or tile by tile; written as one deflated RGB or RGBA page.
//!
//! The decoder hands out colours of only some kinds, so it is told that every page is grey with
//! however many samples; what they mean is decided here. Left out: samples that are not unsigned
//! or not of 1, 2, 4, 8 or 16 bits, subsampled colours outside of JPEG, CIE L*a*b*.

mod chunks;
mod page;
mod rows;
mod samples;

use super::{Rows, check_pixels, icc, unsupported};
use crate::cancel::Cancel;
use crate::error::{Code, Ec, Error};
use crate::format::{Format, Probe};
use crate::geometry::{Orientation, Size};
use crate::limits::Limits;
use crate::pixel::{Frame, TEXEL_BYTES, View, ViewMut};
use ::tiff::decoder::{Decoder, Limits as DecoderLimits};
use ::tiff::encoder::TiffEncoder;
use ::tiff::encoder::compression::{CompressionAlgorithm, Deflate, DeflateLevel};
use ::tiff::tags::{CompressionMethod, PlanarConfiguration, Predictor, SampleFormat, Tag};
use ::tiff::{ColorType, TiffError};
use chunks::{Chunks, Scratch};
use page::{Page, Patched};
use samples::{Colors, Samples};
use std::io::Cursor;
use std::ops::Range;

/// Longest side of a page, in pixels, whatever longer sides the limits allow other formats.
/// Source: the specification, section 9.1.
const SIDE: u32 = 16_384;

/// Most bytes of one tag's value, profiles and strip offsets included.
const TAG_BYTES: usize = icc::LIMIT_BYTES;

/// Bytes of a strip that is written, before compression.
const STRIP_BYTES: u32 = 1 << 18;

/// Samples a pixel at most; the first few are colours and alpha, the rest is passed over.
const SAMPLES: u16 = rows::SAMPLES as u16;

type Reader<'a> = Decoder<Patched<'a>>;

/// A page whose kind is known to be one that is read.
struct Picture<'a> {
    reader: Reader<'a>,
    size: Size,
    samples: Samples,
    planar: bool,
    compression: CompressionMethod,
    /// Samples are written as their differences from the pixel before.
    differences: bool,
    /// Samples of 16 bits have the byte order of the other kind of machine.
    swapped: bool,
}

impl<'a> Picture<'a> {
    /// The page's size is taken to be approved; nothing larger is allocated.
    fn open(bytes: &'a [u8], page: &Page) -> Result<Picture<'a>, Error> {
        let size = page.size;
        let mut decoder_limits = DecoderLimits::default();
        decoder_limits.ifd_value_size = TAG_BYTES;
        decoder_limits.intermediate_buffer_size = bytes.len();
        let mut reader = Decoder::new(page.patched(bytes)).map_err(refusal)?.with_limits(decoder_limits);
        if reader.dimensions().map_err(refusal)? != (size.width, size.height) {
            return Err(Error::damaged("the header tells two sizes"));
        }
        let (bits, count) = match reader.colortype().map_err(refusal)? {
            ColorType::Gray(bits) => (bits, 1),
            ColorType::Multiband { bit_depth, num_samples } => (bit_depth, num_samples),
            other => return Err(Error::damaged(format!("a page that is grey and {other:?}"))),
        };
        let number = |reader: &mut Reader, tag| reader.find_tag_unsigned::<u16>(tag).ok().flatten();
        let compression = number(&mut reader, Tag::Compression)
            .map_or(CompressionMethod::None, CompressionMethod::from_u16_exhaustive);
        let jpeg = compression == CompressionMethod::ModernJPEG;
        let predictor = number(&mut reader, Tag::Predictor).and_then(Predictor::from_u16).unwrap_or(Predictor::None);
        let planar = number(&mut reader, Tag::PlanarConfiguration) == Some(PlanarConfiguration::Planar.to_u16());
        let list = |reader: &mut Reader, tag| reader.find_tag_unsigned_vec::<u16>(tag).ok().flatten();
        let unsigned = list(&mut reader, Tag::SampleFormat)
            .is_none_or(|formats| formats.iter().all(|format| *format == SampleFormat::Uint.to_u16()));
        let subsampled = !jpeg && list(&mut reader, Tag::ChromaSubsampling).is_none_or(|steps| steps != [1, 1]);
        let extra = list(&mut reader, Tag::ExtraSamples);
        let colors = match page.photometric {
            page::WHITE_IS_ZERO => Colors::Grey { inverted: true },
            page::BLACK_IS_ZERO => Colors::Grey { inverted: false },
            page::RGB => Colors::Rgb,
            page::PALETTE => {
                let entries = list(&mut reader, Tag::ColorMap).unwrap_or_default();
                Colors::palette(&entries, bits).ok_or_else(|| Error::damaged("no palette of the right length"))?
            }
            page::CMYK => Colors::Cmyk,
            page::YCBCR if !subsampled => Colors::YCbCr,
            _ => return Err(unsupported()),
        };
        let readable = matches!((bits, count), (1 | 2 | 4, 1) | (8 | 16, 1..=SAMPLES));
        let predictable = match predictor {
            Predictor::Horizontal => bits >= 8,
            other => other == Predictor::None,
        };
        if !readable || !unsigned || !predictable || (jpeg && bits != 8) {
            return Err(unsupported());
        }
        let samples = Samples::new(colors, bits, count.into(), extra.as_deref())
            .ok_or_else(|| Error::damaged("fewer samples than colours"))?;
        Ok(Picture {
            reader,
            size,
            samples,
            planar: planar && count > 1,
            compression,
            differences: predictor == Predictor::Horizontal,
            swapped: page.big_endian != cfg!(target_endian = "big"),
        })
    }
}

/// A kind that is not read is unsupported; anything else is damage.
fn refusal(error: TiffError) -> Error {
    match error {
        TiffError::UnsupportedError(_) => unsupported().because(error),
        _ => Error::damaged(error),
    }
}

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
    let mut picture = Picture::open(bytes, &page)?;
    let orientation = picture.reader.find_tag_unsigned::<u32>(Tag::Orientation).ok().flatten();
    let orientation = Orientation::from_exif(orientation.unwrap_or_default());
    let alpha = picture.samples.has_alpha();
    Ok(Probe { format: Format::Tiff, size: picture.size, orientation, frames: 1, alpha, quality: None })
}

pub fn decode(bytes: &[u8], target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let mut opened = Opened::of(bytes, target.size())?;
    let mut first = 0;
    for band in 0..opened.chunks.bands() {
        let end = first + opened.chunks.band_size(band).height;
        opened.chunks.read_band(band, &mut target.part(first..end), &mut opened.scratch, cancel)?;
        first = end;
    }
    opened.turning.turn(target, cancel)
}

/// Most bytes of a band of pixels in a page that is read by rows.
const BAND_BYTES: u64 = 64 << 20;

pub fn rows(bytes: &[u8], size: Size) -> Result<Option<Box<dyn Rows + '_>>, Error> {
    let opened = Opened::of(bytes, size)?;
    let band = opened.chunks.band_size(0);
    if !opened.turning.suits_bands(opened.grey) || band.pixels() * TEXEL_BYTES as u64 > BAND_BYTES {
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
    fn of(bytes: &'a [u8], size: Size) -> Result<Opened<'a>, Error> {
        let page = first_page(bytes)?;
        if size != page.size {
            return Err(Error::internal("the target's size is not that of the picture"));
        }
        let mut picture = Picture::open(bytes, &page)?;
        let profile = picture.reader.find_tag(Tag::IccProfile).ok().flatten();
        let profile = profile.and_then(|value| value.into_u8_vec().ok());
        let turning = match (picture.samples.is_cmyk(), profile) {
            (true, profile) => icc::Turning::of_inks(profile.as_deref()),
            (false, Some(profile)) => icc::Turning::of(&profile),
            (false, None) => icc::Turning::Nothing,
        };
        let grey = picture.samples.is_grey();
        let chunks = Chunks::open(bytes, picture)?;
        Ok(Opened { chunks, scratch: Scratch::default(), turning, grey })
    }
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
        let Opened { chunks, scratch, turning, .. } = &mut self.opened;
        if target.size().width != self.pixels.size().width {
            return Err(Error::internal("rows of another width than the picture's"));
        }
        for y in 0..target.size().height {
            if self.left.is_empty() {
                if self.next == chunks.bands() {
                    return Err(Error::internal("more rows than the picture has"));
                }
                let rows = chunks.band_size(self.next).height;
                let mut pixels = self.pixels.view_mut();
                let mut band = pixels.part(0..rows);
                chunks.read_band(self.next, &mut band, scratch, cancel)?;
                turning.turn(&mut band, cancel)?;
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

/// Strips and tags are written one by one: the encoder's own way of writing a picture compresses
/// only what it is handed as a whole.
pub fn encode(pixels: &View, opaque: bool, cancel: &Cancel) -> Result<Vec<u8>, Error> {
    let size = pixels.size();
    let channels = if opaque { 3 } else { TEXEL_BYTES };
    let rows = (STRIP_BYTES / (size.width * channels as u32)).max(1);
    let mut file = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).map_err(Error::internal)?;
    let mut page = encoder.image_directory().map_err(Error::internal)?;
    let (mut offsets, mut counts) = (Vec::new(), Vec::new());
    let (mut strip, mut packed) = (Vec::new(), Vec::new());
    for first in (0..size.height).step_by(rows as usize) {
        cancel.check()?;
        strip.clear();
        packed.clear();
        for y in first..size.height.min(first + rows) {
            push_differences(pixels.row(y), channels, &mut strip);
        }
        Deflate::with_level(DeflateLevel::Fast).write_to(&mut packed, &strip).map_err(Error::internal)?;
        let offset = page.write_data(&packed[..]).map_err(Error::internal)?;
        offsets.push(u32::try_from(offset).map_err(Error::internal)?);
        counts.push(packed.len() as u32);
    }
    let mut tag = |tag, value: &[u16]| page.write_tag(tag, value).map_err(Error::internal);
    tag(Tag::BitsPerSample, &[8; TEXEL_BYTES][..channels])?;
    tag(Tag::Compression, &[CompressionMethod::Deflate.to_u16()])?;
    tag(Tag::PhotometricInterpretation, &[page::RGB])?;
    tag(Tag::SamplesPerPixel, &[channels as u16])?;
    tag(Tag::PlanarConfiguration, &[PlanarConfiguration::Chunky.to_u16()])?;
    tag(Tag::Predictor, &[Predictor::Horizontal.to_u16()])?;
    if !opaque {
        tag(Tag::ExtraSamples, &[samples::UNASSOCIATED])?;
    }
    let mut tag = |tag, value: &[u32]| page.write_tag(tag, value).map_err(Error::internal);
    tag(Tag::ImageWidth, &[size.width])?;
    tag(Tag::ImageLength, &[size.height])?;
    tag(Tag::RowsPerStrip, &[rows])?;
    tag(Tag::StripOffsets, &offsets)?;
    tag(Tag::StripByteCounts, &counts)?;
    page.finish().map_err(Error::internal)?;
    Ok(file.into_inner())
}

/// Appends a row's channels, each as its difference from the same channel of the pixel before.
fn push_differences(texels: &[u8], channels: usize, strip: &mut Vec<u8>) {
    let mut before = [0; TEXEL_BYTES];
    for texel in texels.chunks_exact(TEXEL_BYTES) {
        strip.extend(texel.iter().zip(before).take(channels).map(|(now, before)| now.wrapping_sub(before)));
        before.copy_from_slice(texel);
    }
}

#[cfg(test)]
mod tests;
