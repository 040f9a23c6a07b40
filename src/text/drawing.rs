//! A line that is laid out, its box, its shadow, and their pixels.

use super::Style;
use super::coverage::{Coverage, Extent, Shape};
use super::face::Face;
use super::faces::Faces;
use crate::color::Color;
use crate::geometry::{Rect, Size, scaled_side};
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

/// A line laid out, or its shadow, ready to be drawn.
#[derive(Debug, Clone)]
pub struct Drawing {
    faces: Arc<Faces>,
    text: String,
    style: Style,
    glyphs: Arc<[Ink]>,
    whole: Size,
    window: Rect,
    is_shadow: bool,
}

impl Drawing {
    /// Puts glyphs whose places count from anywhere into the box of their ink, if they have any.
    pub(super) fn new(faces: Arc<Faces>, text: String, style: Style, mut glyphs: Vec<Ink>) -> Option<Drawing> {
        let [left, top, right, bottom] = ink_sides(&faces, &glyphs)?;
        for ink in &mut glyphs {
            (ink.x, ink.baseline) = (ink.x - left, ink.baseline - top);
        }
        let side = |length: i64| u32::try_from(length).unwrap_or(u32::MAX);
        let whole = Size::new(side(right - left), side(bottom - top));
        Some(Drawing { faces, text, style, glyphs: glyphs.into(), whole, window: whole.rect(), is_shadow: false })
    }

    /// The size of what [`Drawing::draw`] draws: the box of the ink, or its window.
    pub fn size(&self) -> Size {
        self.window.size()
    }

    /// The line's shadow, if it has one: the same ink in black, as opaque as the style says. It goes
    /// below the line, [`Drawing::shadow_offset`] farther right and down.
    pub fn shadow(&self) -> Option<Drawing> {
        (self.style.shadow > 0).then(|| Drawing { is_shadow: true, ..self.clone() })
    }

    /// Pixels that the shadow lies right of and below the line: a twentieth of the em size, at least 1.
    pub fn shadow_offset(&self) -> u32 {
        scaled_side(self.style.size_px, 1, 20)
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
        // The target itself gathers coverage, in its first channel, before that becomes a colour.
        let (left, top) = (i64::from(self.window.x), i64::from(self.window.y));
        for ink in self.glyphs.iter() {
            let (x, y) = (ink.x - left, ink.baseline - top);
            let columns = -x..i64::from(self.window.width) - x;
            let coverage = self.faces.glyphs().coverage(&ink.face, ink.shape, columns);
            if let Some(coverage) = coverage {
                add(target, &coverage, (x, y));
            }
        }
        let (color, opacity) =
            if self.is_shadow { (Color::BLACK, shadow_alpha(self.style.shadow)) } else { (self.style.color, 255) };
        let painted: [[u8; 4]; 256] = std::array::from_fn(|coverage| painted(color, opacity, coverage as u32));
        for y in 0..height {
            for texel in target.row(y).chunks_exact_mut(TEXEL_BYTES) {
                texel.copy_from_slice(&painted[usize::from(texel[0])]);
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
            && self.is_shadow == other.is_shadow
    }
}

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Style { typeface, size_px, color, shadow } = self.style;
        if self.is_shadow {
            write!(f, "shadow {shadow} % of ")?;
        }
        write!(f, "text {:?} {} {size_px} px #{color}", self.text, typeface.name())?;
        if self.window != self.whole.rect() {
            write!(f, ", {} of {}", self.window, self.whole)?;
        }
        Ok(())
    }
}

/// Left, top, right and bottom of the smallest box that holds every pixel that a glyph covers.
///
/// Large glyphs are drawn for it only where their outlines reach farthest.
fn ink_sides(faces: &Faces, glyphs: &[Ink]) -> Option<[i64; 4]> {
    // Each side as a number that is the smaller the farther out it lies.
    let outward = |ink: &Ink, Extent { left, top, right, bottom, exact }: Extent| {
        ([left + ink.x, top + ink.baseline, -right - ink.x, -bottom - ink.baseline], exact)
    };
    let measured = |ink, exactly| {
        let &Ink { ref face, shape, .. } = ink;
        Some(outward(ink, faces.glyphs().extent(face, shape, exactly)?))
    };
    let mut extents: Vec<_> =
        glyphs.iter().filter_map(|ink| measured(ink, false).map(|(sides, exact)| (ink, sides, exact))).collect();
    loop {
        let mut outermost = [0; 4];
        let mut unsure = None;
        for (side, outermost) in outermost.iter_mut().enumerate() {
            // Of glyphs that reach equally far, one that is measured exactly is enough.
            let farthest = extents.iter().enumerate().min_by_key(|(_, (_, sides, exact))| (sides[side], !exact));
            let (at, (_, sides, exact)) = farthest?;
            *outermost = sides[side];
            unsure = unsure.or((!exact).then_some(at));
        }
        let Some(at) = unsure else {
            let [left, top, right, bottom] = outermost;
            return Some([left, top, -right, -bottom]);
        };
        match measured(extents[at].0, true) {
            Some((sides, exact)) => (extents[at].1, extents[at].2) = (sides, exact),
            None => drop(extents.swap_remove(at)),
        }
    }
}

/// Adds a glyph's coverage to the first channel of the target, with the pen at `at`. Glyphs that share a
/// pixel cover parts of it side by side, so that their coverages add up.
fn add(target: &mut ViewMut, coverage: &Coverage, at: (i64, i64)) {
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
            texel[0] = texel[0].saturating_add(*value);
        }
    }
}

/// `color` where `coverage` of a pixel is covered, of 255, by what has the alpha `opacity`; white
/// where nothing is.
fn painted(color: Color, opacity: u8, coverage: u32) -> [u8; 4] {
    match ((2 * u32::from(opacity) * coverage + 255) / 510) as u8 {
        0 => [255, 255, 255, 0],
        alpha => [color.red, color.green, color.blue, alpha],
    }
}

/// The alpha of a shadow of `percent`, 1..=100.
///
/// Recorded marks on white are darkest at 228 for 10 % and at 127 for 50 %: 254 × (100 − percent) %
/// without its fraction yields both. Rounding 255 × percent % to an alpha yields 229 for the first.
pub(super) fn shadow_alpha(percent: u32) -> u8 {
    (255 - 254 * (100 - percent) / 100) as u8
}
