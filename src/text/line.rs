//! Layout: one line of text as glyphs with their places.

use super::Style;
use super::coverage::{PHASES, Shape};
use super::drawing::{Drawing, Ink};
use super::faces::{Chain, Face, Faces};
use crate::geometry::{Size, scaled_side};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use swash::shape::ShapeContext;
use swash::text::{Codepoint, Script};

/// Asks for the character before it as a picture.
const EMOJI_SELECTOR: char = '\u{FE0F}';

/// Makes one picture of the emoji on both sides.
const JOINER: char = '\u{200D}';

/// Sums of advances are rounded up; what floating point adds beyond a whole pixel does not count.
const ROUNDING_SLACK: f64 = 1e-6;

/// A piece of the line that one face shapes at a time.
struct Run<'a> {
    face: &'a Arc<Face>,
    script: Script,
    text: String,
}

impl Faces {
    /// Lays out one line of `text`, left to right with kerning.
    ///
    /// The box is as wide as the sum of advances and as high as ascent and descent of the typeface's
    /// own face, both rounded up and at least 1, whatever letters the text has. Control characters
    /// and line breaks count as spaces. Reads font files where [`Faces::system`] meets a typeface for
    /// the first time.
    pub fn line(self: &Arc<Faces>, text: &str, style: &Style) -> Drawing {
        let style = Style { size_px: style.size_px.clamp(1, 1000), shadow: style.shadow.min(100), ..*style };
        let text: String = text.chars().map(|character| if is_control(character) { ' ' } else { character }).collect();
        let chain = self.chain(style.typeface);
        let (ascent, height) = vertical(chain.chosen(), style.size_px);
        let mut pen = Pen { x: 0.0, baseline: ascent, glyphs: Vec::new() };
        {
            let mut shaping = self.shaping();
            for run in runs(&text, chain) {
                pen.write(&mut shaping, &run, style.size_px, self.trusted());
            }
        }
        let width = (pen.x - ROUNDING_SLACK).ceil().max(1.0) as u32;
        let shadow_offset = if style.shadow > 0 { scaled_side(style.size_px, 1, 20) } else { 0 };
        let size = Size::new(width.saturating_add(shadow_offset), height + shadow_offset);
        Drawing::new(self.clone(), text, style, pen.glyphs, size, shadow_offset)
    }
}

/// Whether a character is drawn as a space.
fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Whether a character only directs breaks, direction or looks: many faces would show a box for it.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0100}'..='\u{E01EF}')
}

/// The baseline's row and the height of a line in `face`, in pixels.
fn vertical(face: &Face, size_px: u32) -> (i64, u32) {
    let metrics = face.font().metrics(&[]);
    let scale = f64::from(size_px) / f64::from(metrics.units_per_em);
    let (ascent, descent) = (f64::from(metrics.ascent), f64::from(metrics.descent));
    let height = ((ascent + descent) * scale - ROUNDING_SLACK).ceil().max(1.0);
    ((ascent * scale).round() as i64, height as u32)
}

/// Cuts the text where its face or its script changes.
fn runs<'a>(text: &str, chain: &'a Chain) -> Vec<Run<'a>> {
    let mut runs: Vec<Run<'a>> = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if is_invisible(character) {
            continue;
        }
        let as_emoji = characters.peek() == Some(&EMOJI_SELECTOR);
        let last = runs.last_mut();
        let face = match &last {
            // What joins two emoji to one stays with the first.
            Some(run) if character == JOINER => run.face,
            _ => chain.face_for(character, as_emoji),
        };
        let script = match (character.script(), &last) {
            (Script::Common | Script::Inherited | Script::Unknown, Some(run)) => run.script,
            (Script::Common | Script::Inherited | Script::Unknown, None) => Script::Latin,
            (script, _) => script,
        };
        match last {
            Some(run) if run.script == script && Arc::ptr_eq(run.face, face) => run.text.push(character),
            _ => runs.push(Run { face, script, text: character.into() }),
        }
    }
    runs
}

/// Where the next glyph goes.
struct Pen {
    /// Pixels from the box's left side.
    x: f64,
    /// The baseline's row.
    baseline: i64,
    glyphs: Vec<Ink>,
}

impl Pen {
    /// Writes a run in its face, or in the trusted one where its face cannot be shaped.
    fn write(&mut self, shaping: &mut ShapeContext, run: &Run, size_px: u32, trusted: &Arc<Face>) {
        let before = self.glyphs.len();
        // The shaper counts without a check in tables that it has not written: a face of the machine
        // that takes glyphs away lets it panic where arithmetic is checked, and it tells of no other
        // failure. What it leaves behind is thrown away.
        let shaped = catch_unwind(AssertUnwindSafe(|| self.shape(shaping, run.face, run, size_px)));
        if shaped.is_err() {
            self.glyphs.truncate(before);
            *shaping = ShapeContext::new();
            self.shape(shaping, trusted, run, size_px);
        }
    }

    fn shape(&mut self, shaping: &mut ShapeContext, face: &Arc<Face>, run: &Run, size_px: u32) {
        let font = face.font();
        let scale = f64::from(size_px) / f64::from(font.metrics(&[]).units_per_em);
        // Without a size the shaper counts in font units: whole numbers, whose sum is exact.
        let mut shaper = shaping.builder(font).script(run.script).build();
        shaper.add_str(&run.text);
        let mut units = 0.0;
        shaper.shape_with(|cluster| {
            for glyph in cluster.glyphs {
                let x = self.x + (units + f64::from(glyph.x)) * scale;
                let steps = (x * f64::from(PHASES)).round() as i64;
                self.glyphs.push(Ink {
                    face: face.clone(),
                    shape: Shape { glyph: glyph.id, size_px, phase: steps.rem_euclid(PHASES.into()) as u8 },
                    x: steps.div_euclid(PHASES.into()),
                    baseline: self.baseline - (f64::from(glyph.y) * scale).round() as i64,
                });
                units += f64::from(glyph.advance);
            }
        });
        self.x += units * scale;
    }
}
