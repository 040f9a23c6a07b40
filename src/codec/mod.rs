//! Codecs: the header probe, pixels out of files, files out of pixels.
//!
//! The only room that knows file formats: one module a format, and here one row a format in each
//! of the three functions. Decoders write RGBA8 straight into the frame they are given. Left out:
//! colour management, the frames of animations, and orientation, which is told but not applied.

mod exif;
mod jpeg;
mod png;
mod recognise;
mod turbo;

use crate::cancel::Cancel;
use crate::error::{Code, Ec, Error};
use crate::format::{Format, Output, Probe};
use crate::geometry::Size;
use crate::limits::Limits;
use crate::pixel::{View, ViewMut};

/// What the header tells, held against the limits of sources before any pixel is decoded.
///
/// The format is told by content alone. Metadata never fails the probe.
///
/// # Errors
/// `ImageTooLarge` over the limit of bytes, `BadRequest` for a format that is not decoded,
/// `MemLimitExceeded` over the limits of sides or pixels, `ImageDamage` for an unreadable header.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Error> {
    if bytes.len() as u64 > limits.source_bytes {
        return Err(Error::source_too_large(limits.source_bytes));
    }
    match recognise::recognise(bytes) {
        Some(Format::Jpeg) => jpeg::probe(bytes, limits),
        Some(Format::Png) => png::probe(bytes, limits),
        _ => Err(unsupported()),
    }
}

/// Decodes into `target`, whose size is the probe's divided by `reduction` and rounded up.
///
/// `reduction` is 1, 2, 4 or 8 for JPEG and 1 for all others. Bytes of the target between rows
/// stay as they are; after an error the pixels are undefined.
///
/// # Errors
/// `ImageDamage` for files that are cut off or wrong inside, `ServiceUnavailable` when `cancel`
/// says so, `InternalError` when `target` or `reduction` does not fit the probe.
pub fn decode(bytes: &[u8], probe: &Probe, reduction: u32, target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    cancel.check()?;
    let reducible = matches!((probe.format, reduction), (Format::Jpeg, 1 | 2 | 4 | 8) | (_, 1));
    if !reducible || target.size() != reduced(probe.size, reduction) {
        let facts = format!("{} reduced {reduction} times into {}", probe.size, target.size());
        return Err(Error::internal(facts));
    }
    match probe.format {
        Format::Jpeg => jpeg::decode(bytes, reduction, target, cancel),
        Format::Png => png::decode(bytes, target, cancel),
        _ => Err(unsupported()),
    }
}

/// The file of a picture; `opaque` promises that every alpha is 255, and JPEG takes it for granted.
///
/// # Errors
/// `NotImplemented` for a format that is not written, `ServiceUnavailable` when `cancel` says so.
pub fn encode(pixels: &View, opaque: bool, output: &Output, cancel: &Cancel) -> Result<Vec<u8>, Error> {
    cancel.check()?;
    match output.format {
        Format::Jpeg => jpeg::encode(pixels, output, cancel),
        Format::Png => png::encode(pixels, opaque, cancel),
        other => Err(not_written(other)),
    }
}

/// Whether this build can write `format`: asked before any work is done.
///
/// # Errors
/// `NotImplemented` for a format that is not written.
pub fn check_output(format: Format) -> Result<(), Error> {
    match format {
        Format::Jpeg | Format::Png => Ok(()),
        other => Err(not_written(other)),
    }
}

fn not_written(format: Format) -> Error {
    Error::new(Code::NotImplemented, format!("Answers as {} are not implemented.", format.name()))
}

fn reduced(size: Size, reduction: u32) -> Size {
    Size::new(size.width.div_ceil(reduction), size.height.div_ceil(reduction))
}

/// Holds all pixels of all frames against the limit.
fn check_pixels(size: Size, frames: u32, limits: &Limits) -> Result<(), Error> {
    if size.pixels().saturating_mul(frames.into()) > limits.source_pixels {
        return Err(Error::memory_limit());
    }
    Ok(())
}

fn unsupported() -> Error {
    Error::new(Code::BadRequest, "This image format is not supported.").ec(Ec::image(5))
}

#[cfg(test)]
mod tests;
