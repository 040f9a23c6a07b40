//! Which frames of an animation share a palette.
//!
//! All frames do where one palette has all their colours, or is good for each of them. Elsewhere
//! frames that follow one another share theirs as long as that has all their colours, or does for
//! them nearly what it does for the frame that it was made for.

use super::palette::{MOST_COLORS, Palette, samples};
use crate::cancel::Cancel;
use crate::error::Error;
use crate::pixel::View;
use std::ops::Range;

/// Pixels of a frame that a palette is tried on at most.
const TRIED_ON: u64 = 1 << 12;

/// How good a palette is for a frame.
#[derive(Clone, Copy)]
struct Loss {
    /// The mean of [`distance`].
    mean: f64,
    /// The share of pixels whose colour is lost: what stands for it is at least [`ANOTHER`] off.
    lost: f64,
}

/// 42.5 dB, and one pixel in five hundred.
const GOOD: Loss = Loss { mean: 3.0 * 255.0 * 255.0 / 17783.0, lost: 0.002 };

/// How much more a frame may lose than the one that its palette was made for: a decibel.
const WORSE: f64 = 1.26;

/// Sixteen levels in each channel.
const ANOTHER: u32 = 3 * 16 * 16;

/// Frames one after the other, and the palette that they share.
pub struct Scene {
    pub frames: Range<usize>,
    pub palette: Palette,
    /// What the palette takes from the frame that it was made for; `None` where it has all colours.
    loss: Option<Loss>,
}

impl Scene {
    /// The index without a colour, for what is transparent or stays as it is.
    pub fn clear(&self) -> Option<u8> {
        u8::try_from(self.palette.colors().len()).ok()
    }

    /// Takes the next frame in, if it can share the palette.
    fn admit(&mut self, pixels: &View) -> bool {
        let fits = match self.loss {
            None => {
                let most = self.palette.colors().len().max(MOST_COLORS - 1);
                let mut palette = self.palette.clone();
                let fits = palette.admit_all(pixels, most);
                if fits {
                    self.palette = palette;
                }
                fits
            }
            Some(first) => {
                let loss = Loss::of(&mut self.palette, pixels);
                loss.mean <= GOOD.mean.max(first.mean * WORSE) && loss.lost <= first.lost + GOOD.lost
            }
        };
        self.frames.end += usize::from(fits);
        fits
    }
}

impl Loss {
    fn of(palette: &mut Palette, pixels: &View) -> Loss {
        let (mut sum, mut lost, mut count) = (0u64, 0u32, 0u32);
        for color in samples(pixels, pixels.size().pixels().div_ceil(TRIED_ON)) {
            let index = palette.nearest(color);
            let distance = distance(palette.colors()[usize::from(index)], color);
            sum += u64::from(distance);
            lost += u32::from(distance >= ANOTHER);
            count += 1;
        }
        let count = f64::from(count.max(1));
        Loss { mean: sum as f64 / count, lost: f64::from(lost) / count }
    }

    fn is_good(self) -> bool {
        self.mean <= GOOD.mean && self.lost <= GOOD.lost
    }
}

/// The scenes of pictures of one size, in order. Only where the pictures are `opaque` may one be
/// without a clear index.
///
/// # Errors
/// `ServiceUnavailable` when `cancel` says so, which is asked between pictures.
pub fn scenes(pictures: &[View], opaque: bool, cancel: &Cancel) -> Result<Vec<Scene>, Error> {
    if let Some(scene) = single(pictures, cancel)? {
        return Ok(vec![scene]);
    }
    let mut scenes: Vec<Scene> = Vec::new();
    for (place, pixels) in pictures.iter().enumerate() {
        cancel.check()?;
        if scenes.last_mut().is_some_and(|scene| scene.admit(pixels)) {
            continue;
        }
        let frames = place..place + 1;
        let most = if opaque { MOST_COLORS } else { MOST_COLORS - 1 };
        scenes.push(match Palette::exact(pixels, most) {
            Some(palette) => Scene { frames, palette, loss: None },
            None => {
                let mut palette = Palette::fitting(std::slice::from_ref(pixels))?;
                let loss = Some(Loss::of(&mut palette, pixels));
                Scene { frames, palette, loss }
            }
        });
    }
    Ok(scenes)
}

/// One scene of all pictures, where one palette has all their colours or is good for all.
fn single(pictures: &[View], cancel: &Cancel) -> Result<Option<Scene>, Error> {
    let frames = 0..pictures.len();
    let mut palette = Palette::new(Vec::new());
    let mut exact = true;
    for pixels in pictures {
        cancel.check()?;
        exact = exact && palette.admit_all(pixels, MOST_COLORS - 1);
    }
    if exact {
        return Ok(Some(Scene { frames, palette, loss: None }));
    }
    let mut palette = Palette::fitting(pictures)?;
    let mut least = Loss { mean: 0.0, lost: 0.0 };
    for pixels in pictures {
        cancel.check()?;
        let loss = Loss::of(&mut palette, pixels);
        if !loss.is_good() {
            return Ok(None);
        }
        least = Loss { mean: least.mean.max(loss.mean), lost: least.lost.max(loss.lost) };
    }
    Ok(Some(Scene { frames, palette, loss: Some(least) }))
}

/// The square of the distance of two colours.
pub fn distance(one: [u8; 3], other: [u8; 3]) -> u32 {
    one.into_iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(other)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::gif::palette::texels;
    use crate::codec::gif::tests::{decoder, pictures, write};
    use crate::format::Repeat;
    use crate::geometry::Size;

    /// A picture of 64 × 64 pixels.
    fn picture(texel: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
        (0..64 * 64).flat_map(|at| texel(at % 64, at / 64)).collect()
    }

    fn file(pictures: &[Vec<u8>]) -> Vec<u8> {
        let frames: Vec<_> = pictures.iter().map(|texels| (texels.clone(), 100)).collect();
        write(Size::new(64, 64), &frames, Repeat::Forever, false)
    }

    /// How many frames have a palette of their own.
    fn own_palettes(bytes: &[u8]) -> usize {
        let mut decoder = decoder(bytes);
        std::iter::from_fn(|| decoder.next_frame_info().unwrap().map(|frame| usize::from(frame.palette.is_some())))
            .sum()
    }

    /// The mean square of the distance of all pixels.
    fn mean(one: &[u8], other: &[u8]) -> f64 {
        let pairs = one.chunks_exact(4).zip(other.chunks_exact(4));
        let sum: u32 =
            pairs.map(|(one, other)| distance([one[0], one[1], one[2]], [other[0], other[1], other[2]])).sum();
        f64::from(sum) / (one.len() / 4) as f64
    }

    #[test]
    fn frames_of_256_colours_each_are_kept_exactly() {
        let frame =
            |number: u32| picture(move |x, y| [(x / 4 * 16 + number) as u8, (y / 4 * 16) as u8, 9 * number as u8, 255]);
        let frames: Vec<_> = (0..5).map(frame).collect();
        let bytes = file(&frames);
        assert!(pictures(&bytes) == frames);
        assert_eq!(own_palettes(&bytes), 4);
        // With a hole there is room for one colour less.
        let holed: Vec<_> = frames
            .into_iter()
            .map(|mut texels| {
                texels[..4].copy_from_slice(&[255, 255, 255, 0]);
                texels
            })
            .collect();
        for (seen, wanted) in pictures(&file(&holed)).iter().zip(&holed) {
            assert!(mean(seen, wanted) < GOOD.mean && seen[..4] == wanted[..4]);
        }
    }

    #[test]
    fn frames_share_while_their_colours_fit_together() {
        // Sixty colours a frame, far from one another: four times as many fit into a palette.
        let color = |number: u32, x: u32| [x * 4, number * 36, (x * 37 + number * 50) % 256].map(|value| value as u8);
        let frame = |number: u32| {
            picture(move |x, _| {
                let [red, green, blue] = color(number, x % 60);
                [red, green, blue, 255]
            })
        };
        let frames: Vec<_> = (0..7).map(frame).collect();
        let bytes = file(&frames);
        assert!(pictures(&bytes) == frames);
        let views: Vec<_> = frames.iter().map(|texels| View::new(Size::new(64, 64), 256, texels)).collect();
        let scenes = scenes(&views, true, &Cancel::never()).unwrap();
        assert!(scenes.iter().map(|scene| scene.frames.clone()).eq([0..4, 4..7]));
    }

    #[test]
    fn one_palette_serves_where_it_is_good() {
        // Two slopes of 64 × 16 near colours, which move.
        let frame = |number: u32| picture(move |x, y| [((x + number) % 64 * 2) as u8, 90 + (y / 4) as u8, 40, 255]);
        let frames: Vec<_> = (0..4).map(frame).collect();
        let bytes = file(&frames);
        assert_eq!(own_palettes(&bytes), 0);
        pictures(&bytes).iter().zip(&frames).for_each(|(seen, wanted)| assert!(mean(seen, wanted) <= GOOD.mean));
    }

    #[test]
    fn a_colour_that_comes_later_is_not_lost() {
        // A slope of 4096 colours; then a red square of six by six pixels on it.
        let slope = |x: u32, y: u32| [0, (x * 4) as u8, (y * 4) as u8, 255];
        let square = |x: u32, y: u32| (20..26).contains(&x) && (30..36).contains(&y);
        let frames = [
            picture(slope),
            picture(slope),
            picture(|x, y| if square(x, y) { [250, 20, 10, 255] } else { slope(x, y) }),
        ];
        let views: Vec<_> = frames.iter().map(|texels| View::new(Size::new(64, 64), 256, texels)).collect();
        let scenes = scenes(&views, true, &Cancel::never()).unwrap();
        assert!(scenes.iter().map(|scene| scene.frames.clone()).eq([0..2, 2..3]));
        let bytes = file(&frames);
        let seen = pictures(&bytes);
        let last = View::new(Size::new(64, 64), 256, &seen[2]);
        for texel in (30..36).flat_map(|y| texels(&last, y).skip(20).take(6)) {
            assert!(distance([texel[0], texel[1], texel[2]], [250, 20, 10]) < ANOTHER, "{texel:?}");
        }
        // Each frame is as near as its own palette brings it, or nearer where pixels stayed.
        let first = mean(&seen[0], &frames[0]);
        assert!(mean(&seen[1], &frames[1]) <= first && mean(&seen[2], &frames[2]) < first * WORSE * 1.1);
    }

    #[test]
    fn little_that_is_opaque_is_seen_all_the_same() {
        // A row of 300 colours on nothing, in pictures of which every 31st pixel is looked at.
        let size = Size::new(1000, 1000);
        let frame = |number: u32| {
            let mut texels = vec![0; 4_000_000];
            for (x, texel) in (0..300).zip(texels[500 * 4000..].chunks_exact_mut(4)) {
                texel.copy_from_slice(&[(x % 64 * 4) as u8, (x / 64 * 50) as u8, (number * 7) as u8, 255]);
            }
            (texels, 100)
        };
        let frames = [frame(0), frame(1)];
        let bytes = write(size, &frames, Repeat::Forever, false);
        for (seen, (wanted, _)) in pictures(&bytes).iter().zip(&frames) {
            let row = 500 * 4000..500 * 4000 + 1200;
            assert!(mean(&seen[row.clone()], &wanted[row]) <= GOOD.mean);
        }
    }
}
