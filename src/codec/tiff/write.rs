//! Writing of one page: strips of deflated RGB or RGBA.

use super::{page, samples};
use crate::cancel::Cancel;
use crate::error::Error;
use crate::pixel::{TEXEL_BYTES, View};
use std::io::Cursor;
use tiff::encoder::TiffEncoder;
use tiff::encoder::compression::{CompressionAlgorithm, Deflate, DeflateLevel};
use tiff::tags::{CompressionMethod, PlanarConfiguration, Predictor, Tag};

/// Bytes of a strip that is written, before compression.
const STRIP_BYTES: u32 = 1 << 18;

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
