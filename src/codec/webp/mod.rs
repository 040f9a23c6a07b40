//! WebP, by libwebp: stills, the first frame of animations, all frames, and writing of both.
//!
//! A file that breaks off is damaged even if most of it is there. Colour profiles are found but
//! not applied. One call decodes a whole picture and cannot be stopped halfway.

mod alpha;
mod apart;
mod ffi;
mod riff;

use super::{Animation, Shot, bleed, check_pixels, exif, icc};
use crate::cancel::Cancel;
use crate::error::{Code, Ec, Error};
use crate::format::{Format, Output, Probe, Repeat};
use crate::geometry::Size;
use crate::limits::Limits;
use crate::pixel::{TEXEL_BYTES, View, ViewMut};
use ffi::{Assembler, Coding, Composer, Container};

/// Frames that are read at most: the library walks the list of all frames to find the next one,
/// so that a file of a million empty ones would take a day.
const FRAMES: u32 = 20_000;

/// A duration is stored in 24 bits, and the library refuses the largest.
const LONGEST_MS: u32 = (1 << 24) - 2;

pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Error> {
    let container = Container::open(bytes).map_err(damaged)?;
    let size = container.canvas();
    let frames = container.frames();
    if size.longest_side() > limits.source_side || frames > FRAMES {
        return Err(Error::memory_limit());
    }
    if size.shortest_side() == 0 || frames == 0 {
        return Err(damaged("no picture"));
    }
    check_pixels(size, frames, limits)?;
    let orientation =
        container.chunk(b"EXIF").map(|block| exif::orientation(exif::without_prefix(block))).unwrap_or_default();
    Ok(Probe { format: Format::WebP, size, orientation, frames, alpha: alpha(&container)?, quality: None })
}

/// Whether anything of any composed frame may be transparent.
fn alpha(container: &Container) -> Result<bool, Error> {
    // Whether something of the canvas may be transparent before the frame.
    let mut bare = true;
    for number in 1..=container.frames() {
        let frame = container.frame(number).ok_or_else(|| damaged("a frame is missing"))?;
        let covers = frame.size == container.canvas();
        if frame.alpha && (bare || !frame.blends) || bare && !covers {
            return Ok(true);
        }
        bare = frame.clears;
    }
    Ok(false)
}

/// Decodes a lone picture that is part of another file, of the size of `target`, as straight RGBA of whatever
/// colours.
///
/// # Errors
/// `ImageDamage`, also where it has another size.
pub fn decode_fragment(bytes: &[u8], target: &mut ViewMut) -> Result<(), Error> {
    let (size, pitch) = (target.size(), target.pitch());
    let told = Container::open(bytes).map_err(damaged)?.canvas();
    if told != size {
        return Err(damaged("a picture of another size than its place"));
    }
    ffi::decode(bytes, size, target.bytes(), pitch).map_err(damaged)
}

/// The colour profile of a file, if it has one.
fn profile(bytes: &[u8]) -> Option<&[u8]> {
    Container::open(bytes).ok()?.chunk(b"ICCP")
}

pub fn decode(bytes: &[u8], target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let container = Container::open(bytes).map_err(damaged)?;
    let canvas = container.canvas();
    check_size(canvas, target.size())?;
    let first = container.frame(1).ok_or_else(|| damaged("no picture"))?;
    if first.x + first.size.width > canvas.width || first.y + first.size.height > canvas.height {
        return Err(damaged("the first frame is not on the canvas"));
    }
    if first.size != canvas {
        (0..canvas.height).for_each(|y| target.row(y).fill(0));
    }
    let pitch = target.pitch();
    let start = first.y as usize * pitch + first.x as usize * TEXEL_BYTES;
    ffi::decode(first.bytes, first.size, &mut target.bytes()[start..], pitch).map_err(damaged)?;
    cancel.check()?;
    match container.chunk(b"ICCP") {
        Some(profile) => icc::to_srgb(profile, target, cancel),
        None => Ok(()),
    }
}

fn check_size(canvas: Size, target: Size) -> Result<(), Error> {
    if canvas != target {
        return Err(Error::internal("the target's size is not that of the picture"));
    }
    Ok(())
}

pub fn animation<'a>(bytes: &'a [u8], probe: &Probe) -> Result<Box<dyn Animation + 'a>, Error> {
    let container = Container::open(bytes).map_err(damaged)?;
    check_size(container.canvas(), probe.size)?;
    let composer = Composer::open(bytes).map_err(damaged)?;
    Ok(Box::new(Film { composer, profile: profile(bytes), begin_ms: 0 }))
}

/// The frames of a file, composed.
struct Film<'a> {
    composer: Composer<'a>,
    profile: Option<&'a [u8]>,
    /// When the next frame begins.
    begin_ms: i32,
}

impl Animation for Film<'_> {
    fn repeat(&self) -> Repeat {
        match u16::try_from(self.composer.info().1) {
            Ok(0) => Repeat::Forever,
            Ok(times) => Repeat::Times(times),
            Err(_) => Repeat::Times(u16::MAX),
        }
    }

    fn next_frame(&mut self, target: &mut ViewMut, cancel: &Cancel) -> Result<Option<u32>, Error> {
        cancel.check()?;
        let size = self.composer.info().0;
        check_size(size, target.size())?;
        let Some(frame) = self.composer.next().map_err(damaged)? else {
            return Ok(None);
        };
        let rows = frame.texels.chunks_exact(size.width as usize * TEXEL_BYTES);
        for (y, row) in (0..size.height).zip(rows) {
            target.row(y).copy_from_slice(row);
        }
        if let Some(profile) = self.profile {
            icc::to_srgb(profile, target, cancel)?;
        }
        // The library adds times up in 32 bits, which may wrap.
        let duration_ms = frame.end_ms.wrapping_sub(self.begin_ms) as u32;
        self.begin_ms = frame.end_ms;
        Ok(Some(duration_ms))
    }
}

pub fn encode(pixels: &View, opaque: bool, output: &Output, cancel: &Cancel) -> Result<Vec<u8>, Error> {
    let coding = if output.lossless { Coding::lossless() } else { Coding::lossy(output.quality) };
    let filled = if output.lossless || opaque { None } else { bleed::filled(pixels) };
    let pitch = pixels.size().width as usize * TEXEL_BYTES;
    let pixels = filled.as_ref().map_or(*pixels, |texels| View::new(pixels.size(), pitch, texels));
    let encoded = coding.and_then(|coding| ffi::encode(&pixels, opaque, &coding, cancel));
    let encoded =
        encoded.and_then(|file| if output.lossless || opaque { Ok(file) } else { alpha::packed(file, cancel) });
    // Giving up is what makes the encoder fail, not a defect.
    cancel.check()?;
    encoded.map_err(Error::internal)
}

pub fn encode_animation(
    shots: &[Shot],
    repeat: Repeat,
    opaque: bool,
    output: &Output,
    cancel: &Cancel,
) -> Result<Vec<u8>, Error> {
    let size = shots.first().map(|shot| shot.pixels.size());
    let size = size.ok_or_else(|| Error::internal("an animation without frames"))?;
    let plays = match repeat {
        Repeat::Forever => 0,
        Repeat::Times(times) => times.max(1),
    };
    let coding = if output.lossless { Coding::lossless() } else { Coding::lossy_frames(output.quality) };
    let coding = coding.map_err(Error::internal)?;
    let mut assembler = Assembler::new(size, plays).map_err(Error::internal)?;
    let mut begin_ms: i32 = 0;
    for shot in shots {
        cancel.check()?;
        assembler.add(&shot.pixels, opaque, begin_ms, &coding).map_err(Error::internal)?;
        begin_ms = begin_ms.saturating_add(shot.duration_ms.min(LONGEST_MS) as i32);
    }
    let file = assembler.finish(begin_ms).map_err(Error::internal)?;
    let durations_ms: Vec<_> = shots.iter().map(|shot| shot.duration_ms.min(LONGEST_MS)).collect();
    let clear = [0; TEXEL_BYTES];
    let blank = ffi::encode(
        &View::new(Size::new(1, 1), TEXEL_BYTES, &clear),
        false,
        &Coding::lossless().map_err(Error::internal)?,
        cancel,
    );
    Ok(apart::apart(file, size, plays, &durations_ms, &blank.map_err(Error::internal)?))
}

/// A source whose pixels cannot be decoded. WebP has a code of its own.
fn damaged(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(Code::BadWebPImage, "The webp image file may be damaged.").ec(Ec::image(10)).because(source)
}

#[cfg(test)]
mod tests;
