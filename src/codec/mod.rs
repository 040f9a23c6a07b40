//! Codecs: the header probe, pixels out of files, files out of pixels.
//!
//! The only room that knows file formats: one module a format, and here one row a format in each
//! of the functions. Decoders write RGBA8 in sRGB straight into the frame they are given. Left out:
//! orientation, which is told but not applied.

mod bleed;
mod bmp;
mod cicp;
mod exif;
mod fax;
mod gif;
mod heif;
mod icc;
mod info;
mod jpeg;
mod light;
mod memory;
mod png;
mod recognise;
mod tiff;
mod turbo;
mod webp;

pub use memory::keep_freed;
pub use recognise::recognise;

use crate::cancel::Cancel;
use crate::error::{Code, Ec, Error};
use crate::format::{Format, Formats, Output, Probe, Repeat};
use crate::geometry::Size;
use crate::limits::Limits;
use crate::pixel::{View, ViewMut};
use crate::plane::{Components, Plane, PlaneMut};
use std::collections::BTreeMap;

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
        Some(Format::WebP) => webp::probe(bytes, limits),
        Some(Format::Bmp) => bmp::probe(bytes, limits),
        Some(Format::Gif) => gif::probe(bytes, limits),
        Some(Format::Tiff) => tiff::probe(bytes, limits),
        Some(format @ (Format::Heic | Format::Avif)) => heif::probe(bytes, format, limits),
        None => Err(unsupported()),
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
        Format::WebP => webp::decode(bytes, target, cancel),
        Format::Bmp => bmp::decode(bytes, target, cancel),
        Format::Gif => gif::decode(bytes, target, cancel),
        Format::Tiff => tiff::decode(bytes, target, cancel),
        Format::Heic | Format::Avif => heif::decode(bytes, target, cancel),
    }
}

/// The planes of a file whose planes can stand for its colours.
pub fn components(bytes: &[u8], probe: &Probe) -> Option<Components> {
    if probe.format == Format::Jpeg { jpeg::components(bytes) } else { None }
}

/// Decodes the planes that [`components`] tells into `targets`, whose sizes are those that they tell
/// for a picture with sides divided by `reduction`, 1, 2, 4 or 8, and rounded up.
///
/// # Errors
/// As [`decode`]: a file is damaged for both or for neither.
pub fn decode_planes(bytes: &[u8], reduction: u32, targets: &mut [PlaneMut], cancel: &Cancel) -> Result<(), Error> {
    cancel.check()?;
    jpeg::decode_planes(bytes, reduction, targets, cancel)
}

/// The file, a JPEG, of a picture of `size`: of grey in one plane, or of colours in three with chroma
/// sampled as [`Output::chroma_span`] tells.
///
/// # Errors
/// `InternalError` for other planes, `ServiceUnavailable` when `cancel` says so.
pub fn encode_planes(planes: &[Plane], size: Size, output: &Output, cancel: &Cancel) -> Result<Vec<u8>, Error> {
    cancel.check()?;
    jpeg::encode_planes(planes, size, output, cancel)
}

/// The rows of a still, from top to bottom, as [`decode`] would write them.
pub trait Rows {
    /// Fills `target`, which is as wide as the picture, with the rows that come next; at most as
    /// many as are left.
    ///
    /// # Errors
    /// Those of [`decode`].
    fn next_rows(&mut self, target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error>;

    /// Bytes of pixels that are held between two calls.
    fn held_bytes(&self) -> u64 {
        0
    }
}

/// Reads a file row by row, where its format and its kind allow that without holding the picture.
///
/// # Errors
/// `ImageDamage` where the file cannot be begun.
pub fn rows<'a>(bytes: &'a [u8], probe: &Probe) -> Result<Option<Box<dyn Rows + 'a>>, Error> {
    match probe.format {
        Format::Png => png::rows(bytes),
        Format::Tiff => tiff::rows(bytes, probe.size),
        _ => Ok(None),
    }
}

/// The frames of an animation, in order, each as it is seen: composed on the whole canvas.
pub trait Animation {
    /// How often the source plays; known once the first frame was read.
    fn repeat(&self) -> Repeat;

    /// Writes the next frame into `target`, which has the probe's size, and tells for how many
    /// milliseconds it is shown; `None` after the last.
    ///
    /// # Errors
    /// `ImageDamage` for files that are cut off or wrong inside, `ServiceUnavailable` when `cancel`
    /// says so.
    fn next_frame(&mut self, target: &mut ViewMut, cancel: &Cancel) -> Result<Option<u32>, Error>;
}

/// Reads the frames of a file whose probe tells more than one.
///
/// # Errors
/// `ImageDamage` where the file cannot be begun, `InternalError` for a format without animations.
pub fn animation<'a>(bytes: &'a [u8], probe: &Probe) -> Result<Box<dyn Animation + 'a>, Error> {
    match probe.format {
        Format::Gif => gif::animation(bytes, probe),
        Format::WebP => webp::animation(bytes, probe),
        other => Err(Error::internal(format!("{} has no frames", other.name()))),
    }
}

/// The file of a picture; `opaque` promises that every alpha is 255, and JPEG takes it for granted.
///
/// # Errors
/// `NotImplemented` for a format that is not [`writable`], `ServiceUnavailable` when `cancel` says so.
pub fn encode(pixels: &View, opaque: bool, output: &Output, cancel: &Cancel) -> Result<Vec<u8>, Error> {
    cancel.check()?;
    match output.format {
        Format::Jpeg => jpeg::encode(pixels, output, cancel),
        Format::Png => png::encode(pixels, opaque, cancel),
        Format::WebP => webp::encode(pixels, opaque, output, cancel),
        Format::Bmp => bmp::encode(pixels, opaque, cancel),
        Format::Gif => gif::encode(pixels, opaque, cancel),
        Format::Tiff => tiff::encode(pixels, opaque, cancel),
        Format::Heic | Format::Avif => heif::encode(pixels, opaque, output, cancel),
    }
}

/// One frame of an animation to be written.
pub struct Shot<'a> {
    pub pixels: View<'a>,
    pub duration_ms: u32,
}

/// The file of an animation: GIF or WebP, all shots of one size. It is the same with any number of
/// `helpers`, threads that may work beside the caller's.
///
/// # Errors
/// `InternalError` for a format without animations, `ServiceUnavailable` when `cancel` says so.
pub fn encode_animation(
    shots: &[Shot],
    repeat: Repeat,
    opaque: bool,
    output: &Output,
    helpers: usize,
    cancel: &Cancel,
) -> Result<Vec<u8>, Error> {
    cancel.check()?;
    match output.format {
        Format::Gif => gif::encode_animation(shots, repeat, opaque, helpers, cancel),
        Format::WebP => webp::encode_animation(shots, repeat, opaque, output, cancel),
        other => Err(Error::internal(format!("{} has no frames", other.name()))),
    }
}

/// What `info` tells of a file: keys in ascending byte order with their texts. Orientation is not applied.
pub fn info(bytes: &[u8], probe: &Probe) -> BTreeMap<String, String> {
    info::info(bytes, probe)
}

/// The file that libheif is given instead of this one, if its boxes are understood: for tests of what
/// writes it.
#[doc(hidden)]
pub fn repacked_heif(bytes: &[u8]) -> Option<Vec<u8>> {
    heif::repacked(bytes)
}

/// The formats that this build can write on this machine.
pub fn writable() -> Formats {
    Format::ALL.into_iter().filter(|format| !heif::is_heif(*format) || heif::can_write(*format)).collect()
}

/// What this machine lacks for reading or writing every format, in words; empty where all is there.
pub fn lacks() -> Vec<String> {
    heif::lacks()
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
