//! Layout: one line of text as glyphs with their places.

use super::Style;
use super::characters::{is_control, is_invisible, may_be_blank};
use super::coverage::{PHASES, Shape};
use super::drawing::{Drawing, Ink};
use super::face::{Face, guarded};
use super::faces::{Chain, Faces};
use std::sync::Arc;
use swash::shape::ShapeContext;
use swash::text::{Codepoint, Script};

/// Asks for the character before it as a picture.
const EMOJI_SELECTOR: char = '\u{FE0F}';

/// Makes one picture of the emoji on both sides; the other keeps letters apart.
const JOINERS: [char; 2] = ['\u{200D}', '\u{200C}'];

/// Stands for a missing character: no font maps it, so that shaping yields the missing glyph.
const MISSING: char = '\u{FFFF}';

/// A piece of the line that one face shapes at a time.
struct Run {
    face: Arc<Face>,
    script: Script,
    text: String,
}

impl Faces {
    /// Lays out one line of `text`, left to right with kerning; `None` if it leaves no ink.
    ///
    /// The box is that of the ink: the smallest of whole pixels that holds every covered pixel.
    /// Control characters and line breaks count as spaces. Reads font files where [`Faces::system`]
    /// meets a typeface, or a character that only the machine has, for the first time.
    pub fn line(self: &Arc<Faces>, text: &str, style: &Style) -> Option<Drawing> {
        let style = Style { size_px: style.size_px.clamp(1, 1000), shadow: style.shadow.min(100), ..*style };
        let text: String = text.chars().map(|character| if is_control(character) { ' ' } else { character }).collect();
        let runs = self.runs(&text, self.chain(style.typeface));
        let mut pen = Pen { x: 0.0, glyphs: Vec::new() };
        {
            let mut shaping = self.shaping();
            for run in &runs {
                pen.write(&mut shaping, run, style.size_px, self.trusted());
            }
        }
        Drawing::new(self.clone(), text, style, pen.glyphs)
    }

    /// Cuts the text where its face or its script changes.
    fn runs(&self, text: &str, chain: &Chain) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            if is_invisible(character) {
                continue;
            }
            let as_emoji = characters.peek() == Some(&EMOJI_SELECTOR);
            let last = runs.last_mut();
            let script = match (character.script(), &last) {
                (Script::Common | Script::Inherited | Script::Unknown, Some(run)) => run.script,
                (Script::Common | Script::Inherited | Script::Unknown, None) => Script::Latin,
                (script, _) => script,
            };
            // Marks and joiners stay with what they belong to, if its face knows them.
            let joins = character.script() == Script::Inherited || JOINERS.contains(&character);
            let (face, character) = match &last {
                Some(run) if joins && run.face.has(character) => (run.face.clone(), character),
                _ => match self.shown(chain, character, as_emoji) {
                    Some(shown) => shown,
                    None => continue,
                },
            };
            match last {
                Some(run) if run.script == script && Arc::ptr_eq(&run.face, &face) => run.text.push(character),
                _ => runs.push(Run { face, script, text: character.into() }),
            }
        }
        runs
    }

    /// What is shaped for a character, and in which face; `None` for one that is passed over.
    fn shown(&self, chain: &Chain, character: char, as_emoji: bool) -> Option<(Arc<Face>, char)> {
        if let Some(face) = self.face_for(chain, character, as_emoji) {
            return Some((face, character));
        }
        if character.is_whitespace() {
            return Some((self.face_for(chain, ' ', false)?, ' '));
        }
        if may_be_blank(character) {
            return None;
        }
        self.report_missing(character);
        Some((self.face_of_boxes(chain).clone(), MISSING))
    }
}

/// Where the next glyph goes.
struct Pen {
    /// Pixels from the first glyph's pen.
    x: f64,
    glyphs: Vec<Ink>,
}

impl Pen {
    /// Writes a run in its face, or in the trusted one where its face cannot be shaped.
    fn write(&mut self, shaping: &mut ShapeContext, run: &Run, size_px: u32, trusted: &Arc<Face>) {
        let before = self.glyphs.len();
        // The shaper counts without a check in tables that it has not written: a face of the machine
        // that takes glyphs away lets it panic where arithmetic is checked, and it tells of no other
        // failure.
        if guarded(|| self.shape(shaping, &run.face, run, size_px)).is_none() {
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
                    baseline: -(f64::from(glyph.y) * scale).round() as i64,
                });
                units += f64::from(glyph.advance);
            }
        });
        self.x += units * scale;
    }
}
