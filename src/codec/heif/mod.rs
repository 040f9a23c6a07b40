//! HEIC and AVIF, over the system's libheif where there is one.
//!
//! What a file shows is read from its boxes here (`shown`), and the library is given a file of that
//! alone (`remux`), so that it does not matter which files its version understands. The container's
//! rotation, mirror and clean aperture are applied by decoding, and EXIF orientation is a copy of them,
//! so that every picture is upright. Of a sequence the primary picture is read. One call decodes or
//! encodes a whole picture and cannot be stopped halfway: `cancel` is asked before and after it, the
//! pixels in the library's hands at a time are bounded, and what the coded headers ask room for is held
//! against what the boxes tell.

mod arrangement;
mod boxes;
mod claims;
mod decode;
mod gate;
mod headers;
mod library;
mod remux;
mod scale;
mod shown;

use super::{check_pixels, recognise};
use crate::cancel::Cancel;
use crate::error::{Code, Ec, Error};
use crate::format::{Format, Output, Probe};
use crate::geometry::Orientation;
use crate::limits::Limits;
use crate::pixel::{View, ViewMut};
use library::{Library, Message, NAME, library};
use shown::Shown;
use std::ffi::CStr;

/// Longest side of an AVIF that is decoded, in pixels. Source: the specification, section 9.1.
const AVIF_SIDE: u32 = 10_000;

/// Constant quality of AVIF. Source: the specification, section 6.4.
const AVIF_QUALITY: u8 = 60;

/// Constant quality of HEIC. The service's documentation tells 270 kB for a photo of 3924 × 2550
/// that is a JPEG of 2.09 MB, and 31 kB for 923 × 600 of it. Two photos of that size and about as
/// many bytes as JPEG (1.9 MB) took at 40 between 217 and 287 kB, and between 32 and 59 kB. Seven
/// photos of about 923 × 615, means, x265 3.5 by libheif 1.15, one thread; JPEG is 4:2:0 with
/// optimised tables at the same SSIM:
///
/// | quality | CPU ms | bytes | SSIM | JPEG of that SSIM | bytes HEIC / JPEG |
/// |---|---|---|---|---|---|
/// | 60 | 101 | 126,148 | 0.9872 | 186,182 | 0.68 |
/// | 50 | 82 | 77,559 | 0.9747 | 118,161 | 0.66 |
/// | 45 | 76 | 63,577 | 0.9677 | 96,956 | 0.66 |
/// | 40 | 70 | 45,620 | 0.9533 | 68,886 | 0.66 |
/// | 35 | 69 | 35,776 | 0.9406 | 53,698 | 0.67 |
/// | 30 | 59 | 24,472 | 0.9171 | 36,625 | 0.67 |
const HEIC_QUALITY: u8 = 40;

/// Speed before size, and one thread: other pictures want the other cores. Encoders without such a
/// parameter keep their own pace.
///
/// With `ultrafast` x265 is eight times faster than by default. aom 3.6 on a photo of 800 × 531,
/// quality 60, against the same picture resized from a full decode:
///
/// | speed | CPU ms | bytes | SSIM | bytes at the SSIM of speed 9 |
/// |---|---|---|---|---|
/// | 9 | 24 | 50,118 | 0.9557 | 50,118 |
/// | 8 | 94 | 49,300 | 0.9590 | 46,900 |
/// | 7 | 133 | 49,284 | 0.9592 | 46,800 |
/// | 6 | 240 | 49,675 | 0.9621 | 44,900 |
/// | 5 | 1085 | 49,717 | 0.9647 | |
///
/// Speed 8 is the fastest that gives at equal SSIM no more bytes than other servers' defaults do.
/// `tune=psnr` and 4:4:4 came out larger at equal SSIM, `realtime` five times slower.
const SETTINGS: [(&CStr, &CStr); 4] =
    [(c"preset", c"ultrafast"), (c"speed", c"8"), (c"chroma", c"420"), (c"threads", c"1")];

pub fn probe(bytes: &[u8], format: Format, limits: &Limits) -> Result<Probe, Error> {
    reader(format)?;
    let shown = Shown::of(bytes).map_err(|cause| damaged(format, cause))?;
    let (code, side, number) = match format {
        Format::Avif => (Code::ImageTooLarge, limits.source_side.min(AVIF_SIDE), 14),
        _ => (Code::MemLimitExceeded, limits.source_side, 13),
    };
    // What is cropped away is decoded all the same.
    for size in shown.sizes() {
        if size.longest_side() > side {
            let message = format!("A side of the image is longer than {side} pixels.");
            return Err(Error::new(code, message).ec(Ec::image(number)));
        }
        check_pixels(size, 1, limits)?;
    }
    let (size, alpha) = (shown.arrangement.size, shown.alpha.is_some());
    Ok(Probe { format, size, orientation: Orientation::Upright, frames: 1, alpha, quality: None })
}

pub fn decode(bytes: &[u8], target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let format = recognise::recognise(bytes).filter(|format| is_heif(*format)).unwrap_or(Format::Heic);
    let library = reader(format)?;
    let shown = Shown::of(bytes).map_err(|cause| damaged(format, cause))?;
    if shown.arrangement.size != target.size() {
        return Err(Error::internal(format!("{} into {}", shown.arrangement.size, target.size())));
    }
    decode::decode(library, &shown, format, target, cancel)
}

pub fn encode(pixels: &View, opaque: bool, output: &Output, cancel: &Cancel) -> Result<Vec<u8>, Error> {
    let format = output.format;
    let library = library().filter(|library| library.writes(format)).ok_or_else(|| {
        let message = format!("Answers as {} need libheif with an encoder for it on the server.", format.name());
        Error::new(Code::NotImplemented, message)
    })?;
    let _place = gate::enter(pixels.size().pixels(), cancel)?;
    let file = library.encode(pixels, opaque, format, quality(format), &SETTINGS).map_err(Error::internal)?;
    cancel.check()?;
    Ok(file)
}

/// The EXIF block, TIFF header first, if the file has one.
pub fn exif(bytes: &[u8]) -> Option<Vec<u8>> {
    let block = Shown::of(bytes).ok()?.exif()?;
    // The block begins with the distance from here to the TIFF header.
    let (skip, rest) = block.split_first_chunk::<4>()?;
    Some(rest.get(u32::from_be_bytes(*skip) as usize..)?.to_vec())
}

/// The file that the library is given.
pub fn repacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let shown = Shown::of(bytes).ok()?;
    claims::check(&shown).ok()?;
    remux::remux(&shown)
}

/// The constant quality of answers, 0..=100.
fn quality(format: Format) -> u8 {
    if format == Format::Avif { AVIF_QUALITY } else { HEIC_QUALITY }
}

/// Whether the format comes in this container.
pub fn is_heif(format: Format) -> bool {
    matches!(format, Format::Heic | Format::Avif)
}

/// Whether this machine's libheif has an encoder for the format.
pub fn can_write(format: Format) -> bool {
    is_heif(format) && library().is_some_and(|library| library.writes(format))
}

/// What this machine lacks for HEIC and AVIF, a line each.
pub fn lacks() -> Vec<String> {
    let Some(library) = library() else {
        return vec![format!(
            "{NAME} was not found: HEIC and AVIF are not read or written; Debian: apt install libheif1"
        )];
    };
    let missing = |format: Format| {
        let name = format.name().to_uppercase();
        let decoder = (!library.reads(format)).then(|| format!("libheif has no decoder for {name}: it is not read"));
        let encoder =
            (!library.writes(format)).then(|| format!("libheif has no encoder for {name}: it is not written"));
        decoder.into_iter().chain(encoder)
    };
    [Format::Heic, Format::Avif].into_iter().flat_map(missing).collect()
}

/// The library, if it has a decoder for the format.
fn reader(format: Format) -> Result<&'static Library, Error> {
    library().filter(|library| library.reads(format)).ok_or_else(|| {
        let message = format!("Sources as {} need libheif with a decoder for it on the server.", format.name());
        Error::new(Code::NotImplemented, message)
    })
}

fn damaged(format: Format, cause: Message) -> Error {
    Error::damaged(cause).ec(Ec::image(if format == Format::Avif { 21 } else { 20 }))
}

#[cfg(test)]
mod tests;
