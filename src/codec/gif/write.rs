//! Writing GIF: stills with a dithered palette of their own, animations with a palette a scene and
//! no dithering, which would crawl from frame to frame.

use super::palette::{MOST_COLORS, Palette, all_opaque, is_opaque, texels};
use super::scenes::{Scene, distance, scenes};
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

/// Pixels of frames that are coded at a time.
const BATCH_PIXELS: usize = 1 << 24;

/// The colour under the transparent index, for readers that know none.
const UNDER_CLEAR: [u8; 3] = [255, 255, 255];

pub fn encode(pixels: &View, opaque: bool, cancel: &Cancel) -> Result<Vec<u8>, Error> {
    let opaque = opaque || all_opaque(pixels);
    let (mut colors, indices) = match Palette::exact(pixels, if opaque { MOST_COLORS } else { MOST_COLORS - 1 }) {
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
    let scenes = scenes(&pictures, opaque, cancel)?;
    let common = scenes.first().map(colors).unwrap_or_default();
    let (width, height) = sides(size)?;
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height, &common).map_err(Error::internal)?;
    // One playing is what a file without the extension means, and the encoder then writes none.
    encoder
        .set_repeat(match repeat {
            Repeat::Forever => ::gif::Repeat::Infinite,
            Repeat::Times(times) => ::gif::Repeat::Finite(times.saturating_sub(1)),
        })
        .map_err(Error::internal)?;
    let mut canvas = Canvas { opaque, row_pixels: size.width as usize, shown: vec![None; size.pixels() as usize] };
    // What lies between the steps stays small, beside the frames themselves.
    let batch = (BATCH_PIXELS / size.pixels().max(1) as usize).max(helpers + 1);
    let places: Vec<usize> = (0..shots.len()).collect();
    for places in places.chunks(batch) {
        let share = places.len().div_ceil(helpers + 1);
        let shares: Vec<_> = places.chunks(share).collect();
        let indices = share::map(shares, helpers, |places| indices(&scenes, &pictures, places, cancel));
        let indices = indices.into_iter().collect::<Result<Vec<_>, Error>>()?;
        let mut frames = Vec::with_capacity(places.len());
        for (place, indices) in places.iter().zip(indices.into_iter().flatten()) {
            cancel.check()?;
            let delay = shots[*place].duration_ms.saturating_add(5) / 10;
            let scene = &scenes[scene(&scenes, *place)];
            let palette = (scene.frames.start > 0).then(|| colors(scene));
            let change = canvas.change(scene, &pictures[*place], &indices);
            frames.push(Frame { delay: delay.min(u16::MAX.into()) as u16, palette, ..change });
        }
        let coded = share::map(frames, helpers, |mut frame| {
            frame.make_lzw_pre_encoded();
            frame
        });
        for frame in coded {
            encoder.write_lzw_pre_encoded_frame(&frame).map_err(Error::internal)?;
        }
    }
    drop(encoder);
    Ok(file)
}

/// The place of the frame's scene.
fn scene(scenes: &[Scene], frame: usize) -> usize {
    scenes.partition_point(|scene| scene.frames.end <= frame)
}

/// The colours of a scene as the file has them, with what lies under the clear index.
fn colors(scene: &Scene) -> Vec<u8> {
    let mut colors = scene.palette.colors().as_flattened().to_vec();
    if scene.clear().is_some() {
        colors.extend(UNDER_CLEAR);
    }
    colors
}

/// The index of every pixel of some frames.
fn indices(scenes: &[Scene], pictures: &[View], places: &[usize], cancel: &Cancel) -> Result<Vec<Vec<u8>>, Error> {
    let mut last: Option<(usize, Palette)> = None;
    let mut indices = Vec::with_capacity(places.len());
    for place in places {
        cancel.check()?;
        let scene = scene(scenes, *place);
        let palette = match &mut last {
            Some((known, palette)) if *known == scene => palette,
            other => &mut other.insert((scene, scenes[scene].palette.clone())).1,
        };
        indices.push(palette.indices(&pictures[*place], scenes[scene].clear().unwrap_or_default()));
    }
    Ok(indices)
}

/// What a reader has before it.
struct Canvas {
    /// Whether all frames are. What was painted cannot become transparent again but by clearing it,
    /// so that where anything is transparent every frame starts from an empty canvas.
    opaque: bool,
    row_pixels: usize,
    shown: Vec<Option<[u8; 3]>>,
}

impl Canvas {
    /// The smallest frame after which the picture is seen; in it, pixels that stay are clear where
    /// an index is left for that. A pixel stays if what is shown is as near as the palette's best.
    fn change(&mut self, scene: &Scene, pixels: &View, indices: &[u8]) -> Frame<'static> {
        if !self.opaque {
            self.shown.fill(None);
        }
        let colors = scene.palette.colors();
        let mut stays = Vec::with_capacity(indices.len());
        let all = (0..pixels.size().height).flat_map(|y| texels(pixels, y));
        for ((texel, index), shown) in all.zip(indices).zip(&self.shown) {
            stays.push(match (shown, colors.get(usize::from(*index))) {
                (Some(shown), Some(color)) => {
                    let texel = [texel[0], texel[1], texel[2]];
                    shown == color || distance(*shown, texel) <= distance(*color, texel)
                }
                (None, None) => true,
                _ => false,
            });
        }
        let (mut top, mut bottom) = (usize::MAX, 0);
        let (mut left, mut right) = (usize::MAX, 0);
        for (y, stays) in stays.chunks_exact(self.row_pixels).enumerate() {
            if let Some(first) = stays.iter().position(|stays| !stays) {
                let last = stays.iter().rposition(|stays| !stays).unwrap_or(first);
                (top, bottom) = (top.min(y), y + 1);
                (left, right) = (left.min(first), right.max(last + 1));
            }
        }
        if bottom == 0 {
            // Nothing changes; a frame needs a pixel all the same, to be shown for its time.
            (top, bottom, left, right) = (0, 1, 0, 1);
        }
        let mut buffer = Vec::with_capacity((right - left) * (bottom - top));
        let mut holed = false;
        for y in top..bottom {
            for at in y * self.row_pixels + left..y * self.row_pixels + right {
                match scene.clear() {
                    Some(clear) if stays[at] => {
                        buffer.push(clear);
                        holed = true;
                    }
                    _ => {
                        buffer.push(indices[at]);
                        self.shown[at] = Some(colors[usize::from(indices[at])]);
                    }
                }
            }
        }
        Frame {
            left: left as u16,
            top: top as u16,
            width: (right - left) as u16,
            height: (bottom - top) as u16,
            transparent: scene.clear().filter(|_| holed),
            dispose: if self.opaque { DisposalMethod::Keep } else { DisposalMethod::Background },
            buffer: Cow::Owned(buffer),
            ..Frame::default()
        }
    }
}

/// Both sides as GIF writes them.
fn sides(size: Size) -> Result<(u16, u16), Error> {
    let side = |pixels| u16::try_from(pixels).map_err(|_| Error::internal("a side is too long for GIF"));
    Ok((side(size.width)?, side(size.height)?))
}
