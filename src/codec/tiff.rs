//! TIFF: the first page, strip by strip or tile by tile; written as one deflated RGB or RGBA page.
//!
//! The decoder hands out colours of only some kinds, so it is told that every page is grey with
//! however many samples; what they mean is decided here. Left out: samples that are not unsigned
//! or not of 1, 2, 4, 8 or 16 bits, subsampled colours outside of JPEG, CIE L*a*b*.

mod chunks;
mod page;
mod rows;
mod samples;

use super::{check_pixels, icc, unsupported};
use crate::cancel::Cancel;
use crate::error::{Code, Ec, Error};
use crate::format::{Format, Probe};
use crate::geometry::{Orientation, Size};
use crate::limits::Limits;
use crate::pixel::{TEXEL_BYTES, View, ViewMut};
use ::tiff::decoder::{Decoder, Limits as DecoderLimits};
use ::tiff::encoder::TiffEncoder;
use ::tiff::encoder::compression::{CompressionAlgorithm, Deflate, DeflateLevel};
use ::tiff::tags::{CompressionMethod, PlanarConfiguration, Predictor, SampleFormat, Tag};
use ::tiff::{ColorType, TiffError};
use chunks::{Chunks, Scratch};
use page::{Page, Patched};
use samples::{Colors, Samples};
use std::io::Cursor;

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
    let page = first_page(bytes)?;
    if target.size() != page.size {
        return Err(Error::internal("the target's size is not that of the picture"));
    }
    let mut picture = Picture::open(bytes, &page)?;
    let mut chunks = Chunks::open(bytes, &mut picture)?;
    let mut scratch = Scratch::default();
    for band in 0..chunks.bands() {
        chunks.read_band(band, target, &mut scratch, cancel)?;
    }
    let profile = picture.reader.find_tag(Tag::IccProfile).ok().flatten().and_then(|value| value.into_u8_vec().ok());
    match (picture.samples.is_cmyk(), profile) {
        (true, profile) => icc::cmyk_to_srgb(profile.as_deref(), target, cancel),
        (false, Some(profile)) => icc::to_srgb(&profile, target, cancel),
        (false, None) => Ok(()),
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
