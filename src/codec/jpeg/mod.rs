//! JPEG, by libjpeg-turbo, at 1/8 by a decoder of our own (`dc`) first. One call decodes or encodes
//! a whole picture and cannot be stopped halfway, so `cancel` is asked before and after it.
//!
//! Lossless, hierarchical and 12-bit files are refused; arithmetic coding is read. A file that
//! breaks off is damaged even if most of it is there: half a picture is not a result to store. One that
//! lacks no block but its end marker is whole (`mend`).

pub(super) mod dc;
pub(super) mod markers;
mod mend;
mod planes;
mod quality;

pub use planes::{components, decode_planes, encode_planes};

use super::{check_pixels, exif, icc, turbo, unsupported};
use crate::cancel::Cancel;
use crate::error::{Code, Ec, Error};
use crate::format::{Format, Output, Probe};
use crate::limits::Limits;
use crate::pixel::{View, ViewMut};
use markers::Head;

/// Warnings after which every pixel is there as the file tells it: an odd header, or bytes that
/// belong to nothing. All others (the end is missing, a code is wrong, a restart marker is lost)
/// mean pixels that are made up.
const HARMLESS: [&str; 4] = [
    "extraneous bytes before marker",
    "Unknown Adobe color transform code",
    "unknown JFIF revision number",
    "Invalid SOS parameters for sequential JPEG",
];

pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Error> {
    let head = Head::read(bytes);
    let frame = head.frame.ok_or_else(|| Error::damaged("no frame header"))?;
    if !matches!(frame.marker, 0xc0..=0xc2 | 0xc9 | 0xca) || frame.precision != 8 {
        return Err(unsupported());
    }
    // Asked of the frame header: the decoder refuses sides over 65,500 without telling them.
    if frame.size.longest_side() > limits.source_side {
        let message = format!("A side of the image is longer than {} pixels.", limits.source_side);
        return Err(Error::new(Code::MemLimitExceeded, message).ec(Ec::image(19)));
    }
    let header = turbo::header(bytes).map_err(Error::damaged)?;
    if header.size != frame.size {
        return Err(Error::damaged("two frame headers of different sizes"));
    }
    check_pixels(header.size, 1, limits)?;
    let quality = head.tables().map(|(luminance, chrominance)| quality::estimate(luminance, chrominance));
    let orientation = head.exif.map(exif::orientation).unwrap_or_default();
    Ok(Probe { format: Format::Jpeg, size: header.size, orientation, frames: 1, alpha: false, quality })
}

pub fn decode(bytes: &[u8], reduction: u32, target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let cmyk = or_mended(bytes, |bytes, trust| decompress(bytes, reduction, trust, target, cancel))?;
    let profile = Head::read(bytes).profile(icc::LIMIT_BYTES);
    if cmyk {
        // CMYK in JPEG is stored inverted, 255 for no ink, as Adobe does it and every reader expects.
        (0..target.size().height).for_each(|y| target.row(y).iter_mut().for_each(|ink| *ink = !*ink));
        return icc::cmyk_to_srgb(profile.as_deref(), target, cancel);
    }
    match profile {
        Some(profile) => icc::to_srgb(&profile, target, cancel),
        None => Ok(()),
    }
}

/// How far what a file says of itself is believed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// It has its end marker, or else is damaged.
    AsItStands,
    /// The marker was set behind the last scan, whatever may be missing there.
    Mended,
}

impl Trust {
    /// Whether the decoder may be asked that passes over scans which do not show at 1/8.
    fn allows_passing_over(self, bytes: &[u8]) -> bool {
        self == Trust::AsItStands || Head::read(bytes).frame.is_some_and(|frame| frame.marker != markers::PROGRESSIVE)
    }
}

/// Decodes the file as it is and, where it is damaged, as it would be with its end marker.
fn or_mended<T>(bytes: &[u8], mut decode: impl FnMut(&[u8], Trust) -> Result<T, Error>) -> Result<T, Error> {
    let mut decoded = decode(bytes, Trust::AsItStands);
    let mut tried = None;
    for own_zeros in mend::OWN_ZEROS {
        if !matches!(&decoded, Err(error) if error.code == Code::ImageDamage) {
            break;
        }
        let mended = mend::with_end(bytes, own_zeros);
        if mended.is_none() || mended == tried {
            break;
        }
        decoded = mended.as_deref().map_or(decoded, |mended| decode(mended, Trust::Mended));
        tried = mended;
    }
    decoded
}

/// Decompresses a file, every block of which must be there, and tells whether its texels are inks.
fn decompress(
    bytes: &[u8],
    reduction: u32,
    trust: Trust,
    target: &mut ViewMut,
    cancel: &Cancel,
) -> Result<bool, Error> {
    if reduction == 8 && trust.allows_passing_over(bytes) && dc::decode_pixels(bytes, target).is_some() {
        return cancel.check().map(|()| false);
    }
    let decompressed = turbo::decompress(bytes, reduction, target).map_err(Error::damaged)?;
    cancel.check()?;
    check_warning(decompressed.warning, bytes)?;
    Ok(decompressed.cmyk)
}

/// Refuses a decompressed file with a warning that is not harmless.
fn check_warning(warning: Option<turbo::Message>, bytes: &[u8]) -> Result<(), Error> {
    let Some(warning) = warning else { return Ok(()) };
    // Only the first warning is told. Behind a harmless one the end may still be missing.
    let harmless = HARMLESS.iter().any(|text| warning.0.contains(text));
    if harmless && markers::has_end(bytes) { Ok(()) } else { Err(Error::damaged(warning)) }
}

pub fn encode(pixels: &View, output: &Output, cancel: &Cancel) -> Result<Vec<u8>, Error> {
    let file = turbo::compress(pixels, coding(output)).map_err(Error::internal)?;
    cancel.check()?;
    Ok(file)
}

fn coding(output: &Output) -> turbo::Coding {
    turbo::Coding {
        quality: output.quality.clamp(1, 100),
        progressive: output.interlace,
        chroma_span: output.chroma_span(),
    }
}

#[cfg(test)]
mod tests;
