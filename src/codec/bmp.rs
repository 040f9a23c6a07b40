//! BMP: palettes, run lengths, 16 to 32 bits, either way up; written uncompressed, bottom row first.
//!
//! Left out: embedded JPEG and PNG, colour profiles.

use super::check_pixels;
use crate::cancel::Cancel;
use crate::error::{Code, Ec, Error};
use crate::format::{Format, Probe};
use crate::geometry::{Orientation, Size};
use crate::limits::Limits;
use crate::pixel::{TEXEL_BYTES, View, ViewMut};
use image::codecs::bmp::BmpDecoder;
use image::{ColorType, ImageDecoder, ImageError};
use std::io::Cursor;

/// Rows between two looks at `cancel`.
const ROWS_A_LOOK: u32 = 64;

/// Length of the file header, which comes before every other.
const FILE_HEADER_BYTES: u32 = 14;

type Bytes<'a> = Cursor<&'a [u8]>;

pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Error> {
    let size = sides(bytes).ok_or_else(|| Error::damaged("no size in the header"))?;
    if size.longest_side() > limits.source_side {
        let message = format!("A side of the image is longer than {} pixels.", limits.source_side);
        return Err(Error::new(Code::MemLimitExceeded, message).ec(Ec::image(17)));
    }
    check_pixels(size, 1, limits)?;
    let decoder = decoder(bytes)?;
    if decoder.dimensions() != (size.width, size.height) {
        return Err(Error::damaged("the header tells two sizes"));
    }
    let alpha = decoder.color_type() == ColorType::Rgba8;
    Ok(Probe { format: Format::Bmp, size, orientation: Orientation::Upright, frames: 1, alpha, quality: None })
}

/// The sides, read before the decoder is asked: 16 bits each in the oldest header, else 32, the
/// height negative where the top row comes first.
fn sides(bytes: &[u8]) -> Option<Size> {
    let header = bytes.get(FILE_HEADER_BYTES as usize..)?;
    let (length, rest) = header.split_first_chunk::<4>()?;
    let (width, height) = if u32::from_le_bytes(*length) == 12 {
        let &[w0, w1, h0, h1] = rest.first_chunk::<4>()?;
        (u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into())
    } else {
        let (width, rest) = rest.split_first_chunk::<4>()?;
        (u32::try_from(i32::from_le_bytes(*width)).ok()?, i32::from_le_bytes(*rest.first_chunk()?).unsigned_abs())
    };
    (width > 0 && height > 0).then(|| Size::new(width, height))
}

fn decoder(bytes: &[u8]) -> Result<BmpDecoder<Bytes<'_>>, Error> {
    BmpDecoder::new(Cursor::new(bytes)).map_err(refusal)
}

/// A kind that is not read is unsupported; anything else is damage.
fn refusal(error: ImageError) -> Error {
    match error {
        ImageError::Unsupported(_) => super::unsupported().because(error),
        _ => Error::damaged(error),
    }
}

pub fn decode(bytes: &[u8], target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let decoder = decoder(bytes)?;
    let size = target.size();
    if decoder.dimensions() != (size.width, size.height) {
        return Err(Error::internal("the target's size is not that of the picture"));
    }
    let channels = usize::from(decoder.color_type().channel_count());
    let row_bytes = size.width as usize * channels;
    if target.pitch() == size.width as usize * TEXEL_BYTES {
        // Decoded at the front of the target and spread from behind, so that no copy is held.
        let all = size.height as usize * row_bytes;
        let texels = size.pixels() as usize * TEXEL_BYTES;
        let target = &mut target.bytes()[..texels];
        decoder.read_image(&mut target[..all]).map_err(refusal)?;
        cancel.check()?;
        if channels == 3 {
            spread(target);
        }
        return Ok(());
    }
    let mut pixels = vec![0; size.height as usize * row_bytes];
    decoder.read_image(&mut pixels).map_err(refusal)?;
    for (y, pixels) in (0..size.height).zip(pixels.chunks_exact(row_bytes)) {
        look(y, cancel)?;
        let row = target.row(y);
        row[..row_bytes].copy_from_slice(pixels);
        if channels == 3 {
            spread(row);
        }
    }
    Ok(())
}

/// Spreads RGB, packed at the front of `texels`, over all of them as opaque RGBA.
fn spread(texels: &mut [u8]) {
    for index in (0..texels.len() / TEXEL_BYTES).rev() {
        let [red, green, blue] = [texels[index * 3], texels[index * 3 + 1], texels[index * 3 + 2]];
        texels[index * TEXEL_BYTES..][..TEXEL_BYTES].copy_from_slice(&[red, green, blue, 255]);
    }
}

fn look(y: u32, cancel: &Cancel) -> Result<(), Error> {
    if y.is_multiple_of(ROWS_A_LOOK) { cancel.check() } else { Ok(()) }
}

pub fn encode(pixels: &View, opaque: bool, cancel: &Cancel) -> Result<Vec<u8>, Error> {
    let size = pixels.size();
    let channels = if opaque { 3 } else { TEXEL_BYTES };
    // Rows end on a multiple of four bytes.
    let row_bytes = (size.width as usize * channels).next_multiple_of(4);
    let header = header(size, opaque);
    let begin = FILE_HEADER_BYTES + header.len() as u32;
    let length = row_bytes as u64 * u64::from(size.height) + u64::from(begin);
    let length = u32::try_from(length).map_err(|_| Error::internal("a BMP of more than 4 GiB"))?;
    let mut file = Vec::with_capacity(length as usize);
    file.extend(b"BM");
    file.extend(length.to_le_bytes());
    file.extend([0; 4]);
    file.extend(begin.to_le_bytes());
    file.extend(header);
    for y in (0..size.height).rev() {
        look(y, cancel)?;
        let end = file.len() + row_bytes;
        for texel in pixels.row(y).chunks_exact(TEXEL_BYTES) {
            let swapped = [texel[2], texel[1], texel[0], texel[3]];
            file.extend_from_slice(&swapped[..channels]);
        }
        file.resize(end, 0);
    }
    Ok(file)
}

/// BITMAPINFOHEADER for opaque pixels of 24 bits, BITMAPV4HEADER for 32 bits with alpha.
fn header(size: Size, opaque: bool) -> Vec<u8> {
    let (length, bits, compression): (u32, u16, u32) = if opaque { (40, 24, 0) } else { (108, 32, 3) };
    let mut header = Vec::with_capacity(length as usize);
    header.extend(length.to_le_bytes());
    header.extend(size.width.to_le_bytes());
    header.extend(size.height.to_le_bytes());
    header.extend(1u16.to_le_bytes());
    header.extend(bits.to_le_bytes());
    header.extend(compression.to_le_bytes());
    // Length of the pixels, pixels a metre, colours: all may be left open.
    header.extend([0; 20]);
    if !opaque {
        let masks: [u32; 4] = [0x00ff_0000, 0x0000_ff00, 0x0000_00ff, 0xff00_0000];
        header.extend(masks.into_iter().flat_map(u32::to_le_bytes));
        header.extend(b"BGRs");
        // End points and gamma have no meaning beside sRGB.
        header.extend([0; 48]);
    }
    header
}

#[cfg(test)]
mod tests;
