//! Font faces: the embedded ones, the machine's, and the order in which a typeface asks them.

use super::Typeface;
use super::coverage::Glyphs;
use super::face::Face;
use super::machine::Machine;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use swash::shape::ShapeContext;

/// Chinese, Japanese and Korean, Latin, Greek and Cyrillic.
static EMBEDDED_TEXT: &[u8] = include_bytes!("../../fixtures/fonts/wqy-microhei.ttf");
/// What character sets of these scripts have beyond the face above.
static EMBEDDED_GAPS: &[u8] = include_bytes!("../../fixtures/fonts/noto-sans-cjk-gaps.otf");
static EMBEDDED_EMOJI: &[u8] = include_bytes!("../../fixtures/fonts/noto-emoji-common.ttf");

/// Most bytes that drawn glyphs may take while they wait to be drawn again.
const GLYPH_CACHE_BYTES: usize = 8 << 20;

/// Most characters that the log names as missing.
const REPORTED_CHARACTERS: usize = 256;

/// The faces of this machine and the embedded ones; one for the whole process, shared by all threads.
pub struct Faces {
    text: Arc<Face>,
    gaps: Arc<Face>,
    emoji: Arc<Face>,
    machine: Option<Mutex<Machine>>,
    /// Families that are asked before a typeface's own.
    preferred: Vec<(Typeface, String)>,
    chains: [OnceLock<Chain>; Typeface::ALL.len()],
    shaping: Mutex<ShapeContext>,
    glyphs: Mutex<Glyphs>,
    /// Characters that were reported as missing.
    missing: Mutex<HashSet<char>>,
}

impl Faces {
    /// The embedded faces alone: the same on every machine.
    pub fn embedded() -> Faces {
        let face = |bytes| Arc::new(Face::new(Cow::Borrowed(bytes), 0).expect("an embedded face is a font"));
        Faces {
            text: face(EMBEDDED_TEXT),
            gaps: face(EMBEDDED_GAPS),
            emoji: face(EMBEDDED_EMOJI),
            machine: None,
            preferred: Vec::new(),
            chains: Default::default(),
            shaping: Mutex::default(),
            glyphs: Mutex::new(Glyphs::new(GLYPH_CACHE_BYTES)),
            missing: Mutex::default(),
        }
    }

    /// The machine's faces, with the embedded ones behind them. The families of `preferred` show
    /// their typeface before those that are known for it, the first named first. A character that
    /// neither these nor the embedded faces have comes from any face of the machine that has it.
    ///
    /// The machine's fonts are listed when the first line is laid out, and a font's file is read when
    /// the first line in it is.
    pub fn system(preferred: Vec<(Typeface, String)>) -> Faces {
        Faces { machine: Some(Mutex::default()), preferred, ..Faces::embedded() }
    }

    /// As [`Faces::system`] on a machine that has these font files alone.
    #[cfg(test)]
    pub(super) fn of_files(paths: &[&str], preferred: Vec<(Typeface, String)>) -> Faces {
        Faces { machine: Some(Mutex::new(Machine::of_files(paths))), ..Faces::system(preferred) }
    }

    /// The faces that show `typeface`, in the order in which they are asked for a character.
    pub(super) fn chain(&self, typeface: Typeface) -> &Chain {
        self.chains[typeface as usize].get_or_init(|| {
            let mut faces = match &self.machine {
                Some(machine) => {
                    let mut machine = locked(machine);
                    let mut faces: Vec<_> = self.preferred(typeface, &mut machine).collect();
                    faces.extend(typeface.families().iter().filter_map(|family| machine.face(family)));
                    faces
                }
                None => Vec::new(),
            };
            faces.extend([self.text.clone(), self.gaps.clone(), self.emoji.clone()]);
            Chain { faces }
        })
    }

    /// The faces that the settings name for `typeface`; one that is not there is logged.
    fn preferred(&self, typeface: Typeface, machine: &mut Machine) -> impl Iterator<Item = Arc<Face>> {
        self.preferred.iter().filter(move |(of, _)| *of == typeface).filter_map(move |(_, family)| {
            let face = machine.face(family);
            if face.is_none() {
                tracing::warn!(font = typeface.name(), family, "this machine has no such font family");
            }
            face
        })
    }

    /// The first face of the chain that has `character`, or one of the machine that has it;
    /// `as_emoji` asks the face for emoji first.
    pub(super) fn face_for(&self, chain: &Chain, character: char, as_emoji: bool) -> Option<Arc<Face>> {
        let emoji = Some(&self.emoji).filter(|_| as_emoji);
        let mut faces = emoji.into_iter().chain(&chain.faces);
        let found = faces.find(|face| face.has(character)).cloned();
        found.or_else(|| locked(self.machine.as_ref()?).face_with(character))
    }

    /// The face that draws the box of a missing character: the chosen one, if it has such a box.
    pub(super) fn face_of_boxes<'a>(&'a self, chain: &'a Chain) -> &'a Arc<Face> {
        if chain.chosen().leaves_ink(0) { chain.chosen() } else { &self.text }
    }

    /// Logs a character that no face has, once, and at most [`REPORTED_CHARACTERS`] of them: clients
    /// choose characters. Yields whether it did.
    pub(super) fn report_missing(&self, character: char) -> bool {
        let mut missing = locked(&self.missing);
        if missing.len() >= REPORTED_CHARACTERS || !missing.insert(character) {
            return false;
        }
        let character = format!("U+{:04X}", u32::from(character));
        tracing::warn!(character, "no font has this character: it is drawn as a box");
        if missing.len() == REPORTED_CHARACTERS {
            tracing::warn!("further characters that no font has are not logged");
        }
        true
    }

    #[cfg(test)]
    pub(super) fn has_reported_missing(&self) -> bool {
        !locked(&self.missing).is_empty()
    }

    /// The embedded face for text: it can be trusted.
    pub(super) fn trusted(&self) -> &Arc<Face> {
        &self.text
    }

    pub(super) fn shaping(&self) -> MutexGuard<'_, ShapeContext> {
        locked(&self.shaping)
    }

    pub(super) fn glyphs(&self) -> MutexGuard<'_, Glyphs> {
        locked(&self.glyphs)
    }
}

impl fmt::Debug for Faces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.machine.is_some() { "Faces(system)" } else { "Faces(embedded)" })
    }
}

/// Faces in the order in which they are asked: those of the typeface, the embedded ones for text,
/// the embedded one for emoji.
#[derive(Debug)]
pub(super) struct Chain {
    faces: Vec<Arc<Face>>,
}

impl Chain {
    /// The typeface's own face.
    pub(super) fn chosen(&self) -> &Arc<Face> {
        &self.faces[0]
    }
}

/// What was cached stays good when a thread panicked over it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
