//! Writing GIF: stills with a dithered palette of their own, animations with one palette for all
//! frames and no dithering, which would crawl from frame to frame.

use super::palette::{Palette, all_opaque, is_opaque, texels};
use crate::cancel::Cancel;
use crate::codec::Shot;
use crate::error::Error;
use crate::format::Repeat;
use crate::geometry::Size;
use crate::pixel::{TEXEL_BYTES, View};
use crate::share;
use ::gif::{DisposalMethod, Encoder, Frame};
use quantizr::{Image, Options, QuantizeResult};
use std::borrow::Cow;

/// The colour under the transparent index, for readers that know none.
const UNDER_CLEAR: [u8; 3] = [255, 255, 255];

pub fn encode(pixels: &View, opaque: bool, cancel: &Cancel) -> Result<Vec<u8>, Error> {
    let opaque = opaque || all_opaque(pixels);
    let (mut colors, indices) = match Palette::exact(std::slice::from_ref(pixels), cancel)? {
        Some(mut palette) => {
            let clear = palette.colors().len() as u8;
            let indices = palette.indices(pixels, clear);
            (palette.colors().to_vec(), indices)
        }
        None => quantised(pixels, opaque)?,
    };
    cancel.check()?;
    let clear = (!opaque).then_some(colors.len() as u8);
    if !opaque {
        colors.push(UNDER_CLEAR);
    }
    let (width, height) = sides(pixels.size())?;
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height, colors.as_flattened()).map_err(Error::internal)?;
    let frame = Frame { width, height, transparent: clear, buffer: Cow::Owned(indices), ..Frame::default() };
    encoder.write_frame(&frame).map_err(Error::internal)?;
    drop(encoder);
    Ok(file)
}

/// The colours chosen for a picture, at most 256 with the transparent one that follows them where
/// the picture is not opaque, and the index of every pixel, dithered.
fn quantised(pixels: &View, opaque: bool) -> Result<(Vec<[u8; 3]>, Vec<u8>), Error> {
    let size = pixels.size();
    let solid = solid(pixels);
    let image = Image::new(&solid, size.width as usize, size.height as usize).map_err(Error::internal)?;
    let mut options = Options::default();
    options.set_max_colors(if opaque { 256 } else { 255 }).map_err(Error::internal)?;
    let result = QuantizeResult::quantize(&image, &options);
    let mut indices = vec![0; size.pixels() as usize];
    result.remap_image(&image, &mut indices).map_err(Error::internal)?;
    let palette = result.get_palette();
    let chosen = palette.entries.iter().take(palette.count as usize);
    let colors: Vec<[u8; 3]> = chosen.map(|color| [color.r, color.g, color.b]).collect();
    let clear = colors.len() as u8;
    if !opaque {
        let all = (0..size.height).flat_map(|y| texels(pixels, y));
        for (index, _) in indices.iter_mut().zip(all).filter(|(_, texel)| !is_opaque(texel)) {
            *index = clear;
        }
    }
    Ok((colors, indices))
}

/// The picture without transparency, rows packed.
///
/// A transparent pixel takes the last opaque colour before it, so that it neither takes a colour
/// of its own nor hands an error on to its neighbours.
fn solid(pixels: &View) -> Vec<u8> {
    let mut solid = Vec::with_capacity(pixels.size().pixels() as usize * TEXEL_BYTES);
    let mut last = [0, 0, 0, 255];
    for texel in (0..pixels.size().height).flat_map(|y| texels(pixels, y)) {
        if is_opaque(texel) {
            last = [texel[0], texel[1], texel[2], 255];
        }
        solid.extend_from_slice(&last);
    }
    solid
}

pub fn encode_animation(
    shots: &[Shot],
    repeat: Repeat,
    opaque: bool,
    helpers: usize,
    cancel: &Cancel,
) -> Result<Vec<u8>, Error> {
    let pictures: Vec<View> = shots.iter().map(|shot| shot.pixels).collect();
    let size = pictures.first().map(View::size).ok_or_else(|| Error::internal("an animation without frames"))?;
    if pictures.iter().any(|pixels| pixels.size() != size) {
        return Err(Error::internal("frames of different sizes"));
    }
    let opaque = opaque || pictures.iter().all(all_opaque);
    let palette = match Palette::exact(&pictures, cancel)? {
        Some(palette) => palette,
        None => Palette::shared(&pictures, cancel)?,
    };
    let colors = [palette.colors(), &[UNDER_CLEAR]].concat();
    let (width, height) = sides(size)?;
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height, colors.as_flattened()).map_err(Error::internal)?;
    // One playing is what a file without the extension means, and the encoder then writes none.
    encoder
        .set_repeat(match repeat {
            Repeat::Forever => ::gif::Repeat::Infinite,
            Repeat::Times(times) => ::gif::Repeat::Finite(times.saturating_sub(1)),
        })
        .map_err(Error::internal)?;
    let share = shots.len().div_ceil(helpers + 1);
    let shares: Vec<_> = (0..shots.len()).step_by(share).map(|first| (first, share)).collect();
    let coded = share::map(shares, helpers, |(first, share)| {
        let before = first.checked_sub(1).map(|before| &shots[before]);
        let last = shots.len().min(first + share);
        coded_frames(before, &shots[first..last], palette.clone(), opaque, cancel)
    });
    for frames in coded {
        for frame in frames? {
            encoder.write_lzw_pre_encoded_frame(&frame).map_err(Error::internal)?;
        }
    }
    drop(encoder);
    Ok(file)
}

/// The coded frames of some shots that follow the one `before`.
fn coded_frames(
    before: Option<&Shot>,
    shots: &[Shot],
    mut palette: Palette,
    opaque: bool,
    cancel: &Cancel,
) -> Result<Vec<Frame<'static>>, Error> {
    let clear = palette.colors().len() as u8;
    let Some(size) = shots.first().map(|shot| shot.pixels.size()) else { return Ok(Vec::new()) };
    // What is on the canvas before the frame. What was painted cannot become transparent again but
    // by clearing it, so that where anything is transparent every frame starts from an empty canvas.
    let dispose = if opaque { DisposalMethod::Keep } else { DisposalMethod::Background };
    let mut before = match before {
        Some(shot) if opaque => palette.indices(&shot.pixels, clear),
        _ => vec![clear; size.pixels() as usize],
    };
    let mut frames = Vec::with_capacity(shots.len());
    for shot in shots {
        cancel.check()?;
        let indices = palette.indices(&shot.pixels, clear);
        let delay = shot.duration_ms.saturating_add(5) / 10;
        let change = change(&before, &indices, size.width as usize, clear);
        let mut frame = Frame { delay: delay.min(u16::MAX.into()) as u16, dispose, ..change };
        frame.make_lzw_pre_encoded();
        frames.push(frame);
        if opaque {
            before = indices;
        }
    }
    Ok(frames)
}

/// The smallest frame that turns `before` into `after`; in it, pixels that stay are transparent.
fn change(before: &[u8], after: &[u8], row_pixels: usize, clear: u8) -> Frame<'static> {
    let (mut top, mut bottom) = (usize::MAX, 0);
    let (mut left, mut right) = (usize::MAX, 0);
    for (y, (old, new)) in before.chunks_exact(row_pixels).zip(after.chunks_exact(row_pixels)).enumerate() {
        let differs = |x: &usize| old[*x] != new[*x];
        if let Some(first) = (0..row_pixels).find(differs) {
            let last = (first..row_pixels).rfind(differs).unwrap_or(first);
            (top, bottom) = (top.min(y), y + 1);
            (left, right) = (left.min(first), right.max(last + 1));
        }
    }
    if bottom == 0 {
        // Nothing changes; a frame needs a pixel all the same, to be shown for its time.
        (top, bottom, left, right) = (0, 1, 0, 1);
    }
    let mut buffer = Vec::with_capacity((right - left) * (bottom - top));
    for y in top..bottom {
        let row = y * row_pixels + left..y * row_pixels + right;
        buffer.extend(
            before[row.clone()].iter().zip(&after[row]).map(|(old, new)| if old == new { clear } else { *new }),
        );
    }
    Frame {
        left: left as u16,
        top: top as u16,
        width: (right - left) as u16,
        height: (bottom - top) as u16,
        transparent: buffer.contains(&clear).then_some(clear),
        buffer: Cow::Owned(buffer),
        ..Frame::default()
    }
}

/// Both sides as GIF writes them.
fn sides(size: Size) -> Result<(u16, u16), Error> {
    let side = |pixels| u16::try_from(pixels).map_err(|_| Error::internal("a side is too long for GIF"));
    Ok((side(size.width)?, side(size.height)?))
}
