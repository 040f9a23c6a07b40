//! BMP: palettes, run lengths, bit fields, 16 to 64 bits, fax codes, either way up, of Windows and
//! OS/2; written uncompressed, bottom row first.
//!
//! Left out: embedded JPEG and PNG, inks, profiles that lie in another file.

mod header;
mod pixels;
mod runs;

use super::{check_pixels, icc};
use crate::cancel::Cancel;
use crate::error::{Code, Ec, Error};
use crate::format::{Format, Probe};
use crate::geometry::{Orientation, Size};
use crate::limits::Limits;
use crate::pixel::{TEXEL_BYTES, View, ViewMut};
use header::{Coding, Header};

/// Rows between two looks at `cancel`.
const ROWS_A_LOOK: u32 = 64;

/// Length of the file header, which comes before every other.
const FILE_HEADER_BYTES: u32 = 14;

pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Error> {
    let size = sides(bytes).ok_or_else(|| Error::damaged("no size in the header"))?;
    if size.longest_side() > limits.source_side {
        let message = format!("A side of the image is longer than {} pixels.", limits.source_side);
        return Err(Error::new(Code::MemLimitExceeded, message).ec(Ec::image(17)));
    }
    check_pixels(size, 1, limits)?;
    let alpha = Header::read(bytes)?.has_alpha();
    Ok(Probe { format: Format::Bmp, size, orientation: Orientation::Upright, frames: 1, alpha, quality: None })
}

/// The sides, held against the limits before anything else is read: 16 bits each in the oldest header,
/// else 32, the height negative where the top row comes first.
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

pub fn decode(bytes: &[u8], target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let header = Header::read(bytes)?;
    if target.size() != header.size {
        return Err(Error::internal("the target's size is not that of the picture"));
    }
    match header.coding {
        Coding::Runs => runs::read(bytes, &header, target, cancel)?,
        _ => pixels::read(bytes, &header, target, cancel)?,
    }
    match header.profile.and_then(|range| bytes.get(range)) {
        Some(profile) => icc::to_srgb(profile, target, cancel),
        None => Ok(()),
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
    let header = written_header(size, opaque);
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
fn written_header(size: Size, opaque: bool) -> Vec<u8> {
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
