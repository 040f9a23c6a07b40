//! TIFF: the first page, strip by strip or tile by tile; written as one deflated RGB or RGBA page.
//!
//! The decoder hands out colours of only some kinds, so it is told that every page is grey with
//! however many samples; what they mean is decided here. Left out: samples that are not unsigned
//! or not of 1, 2, 4, 8 or 16 bits, subsampled colours outside of JPEG, CIE L*a*b*.

mod page;
mod samples;

use super::jpeg::markers;
use super::{check_pixels, icc, unsupported};
use crate::cancel::Cancel;
use crate::error::{Code, Ec, Error};
use crate::format::{Format, Probe};
use crate::geometry::{Orientation, Size};
use crate::limits::Limits;
use crate::pixel::{TEXEL_BYTES, View, ViewMut};
use ::tiff::decoder::{ChunkType, Decoder, Limits as DecoderLimits};
use ::tiff::encoder::TiffEncoder;
use ::tiff::encoder::compression::{CompressionAlgorithm, Deflate, DeflateLevel};
use ::tiff::tags::{CompressionMethod, PlanarConfiguration, Predictor, SampleFormat, Tag};
use ::tiff::{ColorType, TiffError};
use page::{Page, Relabelled};
use samples::{Colors, Samples};
use std::io::Cursor;

/// Longest side of a page, in pixels. Source: the specification, section 9.1.
const SIDE: u32 = 16_384;

/// Most bytes that the samples of one strip or tile may take.
const CHUNK_BYTES: usize = 1 << 30;

/// Tiles may be larger than the picture, but not without bounds: their padding is read too.
const TILE_PIXELS: u64 = 1 << 24;

/// Rows of a tile that may be more than the picture's, where it is a JPEG.
const TILE_SIDE: u32 = 1024;

/// Most bytes of one tag's value, profiles and strip offsets included.
const TAG_BYTES: usize = icc::LIMIT_BYTES;

/// Bytes of a strip that is written, before compression.
const STRIP_BYTES: u32 = 1 << 18;

/// Samples a pixel at most; the first few are colours and alpha, the rest is passed over.
const SAMPLES: u16 = 16;

type Reader<'a> = Decoder<Relabelled<'a>>;

/// A page whose kind is known to be one that is read.
struct Picture<'a> {
    reader: Reader<'a>,
    size: Size,
    samples: Samples,
    planar: bool,
    compressed: bool,
    jpeg: bool,
}

impl<'a> Picture<'a> {
    fn open(bytes: &'a [u8], limits: &Limits) -> Result<Picture<'a>, Error> {
        let page = Page::first(bytes).ok_or_else(|| Error::damaged("no page with a size and a kind"))?;
        let size = page.size;
        // Held against the limits before the decoder takes anything from the header.
        let longest = limits.source_side.min(SIDE);
        if size.longest_side() > longest {
            let message = format!("A side of the image is longer than {longest} pixels.");
            return Err(Error::new(Code::MemLimitExceeded, message).ec(Ec::image(18)));
        }
        check_pixels(size, 1, limits)?;
        let mut decoder_limits = DecoderLimits::default();
        decoder_limits.ifd_value_size = TAG_BYTES;
        decoder_limits.decoding_buffer_size = CHUNK_BYTES;
        decoder_limits.intermediate_buffer_size = bytes.len();
        let mut reader = Decoder::new(page.relabelled(bytes)).map_err(refusal)?.with_limits(decoder_limits);
        if reader.dimensions().map_err(refusal)? != (size.width, size.height) {
            return Err(Error::damaged("the header tells two sizes"));
        }
        let (bits, count) = match reader.colortype().map_err(refusal)? {
            ColorType::Gray(bits) => (bits, 1),
            ColorType::Multiband { bit_depth, num_samples } => (bit_depth, num_samples),
            other => return Err(Error::damaged(format!("a page that is grey and {other:?}"))),
        };
        let number = |reader: &mut Reader, tag| reader.find_tag_unsigned::<u16>(tag).ok().flatten();
        let compression = number(&mut reader, Tag::Compression);
        let jpeg = compression == Some(CompressionMethod::ModernJPEG.to_u16());
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
        if !readable || !unsigned || (jpeg && bits != 8) {
            return Err(unsupported());
        }
        let samples = Samples::new(colors, bits, count.into(), extra.as_deref())
            .ok_or_else(|| Error::damaged("fewer samples than colours"))?;
        let compressed = compression.is_some_and(|compression| compression != CompressionMethod::None.to_u16());
        Ok(Picture { reader, size, samples, planar: planar && count > 1, compressed, jpeg })
    }

    /// Sides of a strip or tile and how many stand side by side and below one another.
    fn grid(&mut self) -> Result<(Size, Size), Error> {
        let (width, height) = self.reader.chunk_dimensions();
        let chunk = Size::new(width, height);
        if chunk.shortest_side() == 0 {
            return Err(Error::damaged("strips without rows"));
        }
        let tiled = self.reader.get_chunk_type() == ChunkType::Tile;
        if tiled && chunk.pixels() > TILE_PIXELS.max(4 * self.size.pixels()) {
            return Err(Error::damaged("tiles much larger than the picture"));
        }
        Ok((chunk, Size::new(self.size.width.div_ceil(width), self.size.height.div_ceil(height))))
    }

    /// The place of every strip or tile in the file, where it tells one.
    fn places(&mut self) -> Result<Vec<(u64, u64)>, Error> {
        let tags = match self.reader.get_chunk_type() {
            ChunkType::Strip => [Tag::StripOffsets, Tag::StripByteCounts],
            ChunkType::Tile => [Tag::TileOffsets, Tag::TileByteCounts],
        };
        let [offsets, counts] = tags.map(|tag| self.reader.get_tag_u64_vec(tag).map_err(refusal));
        Ok(offsets?.into_iter().zip(counts?).collect())
    }
}

/// A kind that is not read is unsupported; anything else is damage.
fn refusal(error: TiffError) -> Error {
    match error {
        TiffError::UnsupportedError(_) => unsupported().because(error),
        _ => Error::damaged(error),
    }
}

pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Error> {
    let mut picture = Picture::open(bytes, limits)?;
    let orientation = picture.reader.find_tag_unsigned::<u32>(Tag::Orientation).ok().flatten();
    let orientation = Orientation::from_exif(orientation.unwrap_or_default());
    let alpha = picture.samples.has_alpha();
    Ok(Probe { format: Format::Tiff, size: picture.size, orientation, frames: 1, alpha, quality: None })
}

pub fn decode(bytes: &[u8], target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let mut picture = Picture::open(bytes, &Limits::OSS)?;
    if target.size() != picture.size {
        return Err(Error::internal("the target's size is not that of the picture"));
    }
    read_chunks(bytes, &mut picture, target, cancel)?;
    let profile = picture.reader.find_tag(Tag::IccProfile).ok().flatten().and_then(|value| value.into_u8_vec().ok());
    match (picture.samples.is_cmyk(), profile) {
        (true, profile) => icc::cmyk_to_srgb(profile.as_deref(), target, cancel),
        (false, Some(profile)) => icc::to_srgb(&profile, target, cancel),
        (false, None) => Ok(()),
    }
}

/// Reads one strip or tile after another and lays its pixels where they belong.
fn read_chunks(bytes: &[u8], picture: &mut Picture, target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let (chunk, grid) = picture.grid()?;
    let places = if picture.compressed { picture.places()? } else { Vec::new() };
    let planes = if picture.planar { picture.samples.count() } else { 1 };
    let mut raw = Vec::new();
    let mut row = Vec::new();
    for index in 0..grid.width * grid.height {
        cancel.check()?;
        let (x, y) = (index % grid.width * chunk.width, index / grid.width * chunk.height);
        let width = chunk.width.min(picture.size.width - x);
        let height = chunk.height.min(picture.size.height - y);
        let row_bytes = picture.samples.row_bytes(width as usize, picture.planar);
        let plane_bytes = row_bytes * height as usize;
        if plane_bytes * planes > CHUNK_BYTES {
            return Err(Error::memory_limit());
        }
        raw.resize(plane_bytes * planes, 0);
        for (plane, raw) in raw.chunks_exact_mut(plane_bytes).enumerate() {
            let place = index + plane as u32 * grid.width * grid.height;
            if picture.compressed {
                let packed = packed(bytes, places.get(place as usize))?;
                if picture.jpeg {
                    check_jpeg(packed, chunk, picture.size)?;
                }
            }
            let layout = picture.reader.image_chunk_buffer_layout(place).map_err(refusal)?;
            if layout.len != plane_bytes {
                return Err(Error::damaged(format!("{} bytes in place of {plane_bytes}", layout.len)));
            }
            picture.reader.read_chunk_bytes(place, raw).map_err(refusal)?;
        }
        for line in 0..height {
            let at = line as usize * row_bytes;
            let planes = raw.chunks_exact(plane_bytes).map(|plane| &plane[at..at + row_bytes]);
            picture.samples.gather(planes, width as usize, &mut row);
            let texels = &mut target.row(y + line)[x as usize * TEXEL_BYTES..][..width as usize * TEXEL_BYTES];
            picture.samples.spread(&row, texels);
        }
    }
    Ok(())
}

/// The bytes of a strip or tile, all of which must be there: not every decompressor notices an end.
fn packed<'a>(bytes: &'a [u8], place: Option<&(u64, u64)>) -> Result<&'a [u8], Error> {
    let inside = place.and_then(|(offset, count)| {
        let start = usize::try_from(*offset).ok()?;
        bytes.get(start..start.checked_add(usize::try_from(*count).ok()?)?)
    });
    inside.ok_or_else(|| Error::damaged("a strip or tile is cut off"))
}

/// Holds the header of a JPEG inside the file against the strip or tile that it fills: its decoder
/// would believe it, and would make up what is cut off.
fn check_jpeg(inside: &[u8], chunk: Size, whole: Size) -> Result<(), Error> {
    if !markers::has_end(inside) {
        return Err(Error::damaged("a JPEG is cut off"));
    }
    let frame = markers::Head::read(inside).frame.ok_or_else(|| Error::damaged("a JPEG without a frame"))?;
    // Encoders fill up to whole blocks; a strip may claim more rows than the picture has, a tile
    // is held to its own bound.
    let bound = Size::new(chunk.width, chunk.height.min(whole.height.max(TILE_SIDE)));
    if frame.size.width > bound.width.saturating_add(16) || frame.size.height > bound.height.saturating_add(16) {
        return Err(Error::damaged("a JPEG larger than its place"));
    }
    Ok(())
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
