//! A line that is laid out, and its pixels.

use super::Style;
use super::coverage::{Coverage, Shape};
use super::faces::{Face, Faces};
use crate::color::Color;
use crate::geometry::{Rect, Size};
use crate::pixel::{TEXEL_BYTES, ViewMut};
use std::fmt;
use std::sync::Arc;

/// A glyph in its place.
#[derive(Debug, Clone)]
pub(super) struct Ink {
    pub(super) face: Arc<Face>,
    pub(super) shape: Shape,
    /// The pen's column in the box.
    pub(super) x: i64,
    /// The baseline's row in the box.
    pub(super) baseline: i64,
}

/// A line laid out, ready to be drawn.
#[derive(Debug, Clone)]
pub struct Drawing {
    faces: Arc<Faces>,
    text: String,
    style: Style,
    glyphs: Arc<[Ink]>,
    whole: Size,
    window: Rect,
    shadow_offset: u32,
}

impl Drawing {
    pub(super) fn new(
        faces: Arc<Faces>,
        text: String,
        style: Style,
        glyphs: Vec<Ink>,
        whole: Size,
        shadow_offset: u32,
    ) -> Drawing {
        Drawing { faces, text, style, glyphs: glyphs.into(), whole, window: whole.rect(), shadow_offset }
    }

    /// The size of what [`Drawing::draw`] draws: the whole box, shadow included, or its window.
    pub fn size(&self) -> Size {
        self.window.size()
    }

    /// The part of the whole box that `window` shows; what lies outside the box is transparent.
    pub fn windowed(self, window: Rect) -> Drawing {
        Drawing { window, ..self }
    }

    /// Draws the box, or its window, in straight alpha; `target` has just its size.
    ///
    /// Every pixel is written; a transparent one is white. Beside the target, memory is taken for one
    /// glyph at a time.
    pub fn draw(&self, target: &mut ViewMut) {
        let height = target.size().height;
        for y in 0..height {
            target.row(y).fill(0);
        }
        // The target itself gathers coverage, the text's in its first channel and the shadow's in its
        // second, before both become a colour.
        let offset = i64::from(self.shadow_offset);
        let (left, top) = (i64::from(self.window.x), i64::from(self.window.y));
        for ink in self.glyphs.iter() {
            let (x, y) = (ink.x - left, ink.baseline - top);
            let columns = -offset - x..i64::from(self.window.width) - x;
            let coverage = self.faces.glyphs().coverage(&ink.face, ink.shape, columns);
            let Some(coverage) = coverage else { continue };
            add(target, &coverage, (x, y), 0);
            if offset > 0 {
                add(target, &coverage, (x + offset, y + offset), 1);
            }
        }
        for y in 0..height {
            for texel in target.row(y).chunks_exact_mut(TEXEL_BYTES) {
                texel.copy_from_slice(&mixed(self.style.color, texel[0], texel[1], self.style.shadow));
            }
        }
    }

    /// Faces and glyph numbers, in order.
    #[cfg(test)]
    pub(super) fn glyphs(&self) -> &[Ink] {
        &self.glyphs
    }
}

impl PartialEq for Drawing {
    /// Equal drawings have the same pixels: the glyphs follow from faces, text and style.
    fn eq(&self, other: &Drawing) -> bool {
        Arc::ptr_eq(&self.faces, &other.faces)
            && self.text == other.text
            && self.style == other.style
            && self.window == other.window
    }
}

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Style { typeface, size_px, color, shadow } = self.style;
        write!(f, "text {:?} {} {size_px} px #{color}", self.text, typeface.name())?;
        if shadow > 0 {
            write!(f, " shadow {shadow} %")?;
        }
        if self.window != self.whole.rect() {
            write!(f, ", {} of {}", self.window, self.whole)?;
        }
        Ok(())
    }
}

/// Adds a glyph's coverage to one channel of the target, with the pen at `at`. Glyphs that share a
/// pixel cover parts of it side by side, so that their coverages add up.
fn add(target: &mut ViewMut, coverage: &Coverage, at: (i64, i64), channel: usize) {
    let Size { width, height } = target.size();
    let (left, top) = (at.0 + coverage.left, at.1 + coverage.top);
    let first = left.clamp(0, width.into());
    let end = (left + coverage.width as i64).clamp(first, width.into());
    if first == end {
        return;
    }
    for (y, values) in (top..).zip(coverage.values.chunks_exact(coverage.width)) {
        if y < 0 || y >= height.into() {
            continue;
        }
        let values = &values[(first - left) as usize..(end - left) as usize];
        let texels = target.row(y as u32)[first as usize * TEXEL_BYTES..].chunks_exact_mut(TEXEL_BYTES);
        for (texel, value) in texels.zip(values) {
            texel[channel] = texel[channel].saturating_add(*value);
        }
    }
}

/// `color` at coverage `text` over black at coverage `below` and opacity `shadow` percent: source-over
/// in straight alpha, rounded half up; white where nothing is covered.
pub(super) fn mixed(color: Color, text: u8, below: u8, shadow: u32) -> [u8; 4] {
    let text = u32::from(text);
    let below = (2 * u32::from(below) * shadow + 100) / 200;
    // Times 255: the text's share of the result, and the result's alpha.
    let share = 255 * text;
    let alpha = share + below * (255 - text);
    if alpha == 0 {
        return [255, 255, 255, 0];
    }
    let channel = |value: u8| ((2 * u32::from(value) * share + alpha) / (2 * alpha)) as u8;
    [channel(color.red), channel(color.green), channel(color.blue), ((2 * alpha + 255) / 510) as u8]
}
