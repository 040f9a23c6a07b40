//! Font faces: the embedded ones, the machine's, and the order in which a typeface asks them.

use super::Typeface;
use super::coverage::Glyphs;
use fontdb::{Database, Family, Query, Source};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use swash::shape::ShapeContext;
use swash::{CacheKey, FontRef};

static EMBEDDED_TEXT: &[u8] = include_bytes!("../../fixtures/fonts/wqy-microhei-gb2312.ttf");
static EMBEDDED_EMOJI: &[u8] = include_bytes!("../../fixtures/fonts/noto-emoji-common.ttf");

/// A font file over this is passed over: the largest of the known families take 20 MiB.
const LARGEST_FILE_BYTES: u64 = 64 << 20;

/// Most bytes that drawn glyphs may take while they wait to be drawn again.
const GLYPH_CACHE_BYTES: usize = 8 << 20;

/// One face of a font file, with the file's bytes.
pub(super) struct Face {
    bytes: Cow<'static, [u8]>,
    offset: u32,
    key: CacheKey,
}

impl Face {
    /// The face at `index` of a font file, or `None` if that is none that can be scaled.
    fn new(bytes: Cow<'static, [u8]>, index: u32) -> Option<Face> {
        let font = FontRef::from_index(&bytes, index as usize)?;
        let scalable = font.metrics(&[]).units_per_em > 0;
        let (offset, key) = (font.offset, font.key);
        scalable.then_some(Face { bytes, offset, key })
    }

    fn embedded(bytes: &'static [u8]) -> Arc<Face> {
        Arc::new(Face::new(Cow::Borrowed(bytes), 0).expect("an embedded face is a font"))
    }

    /// The face at `index` of the file at `path`, read whole.
    fn read(path: &Path, index: u32) -> Option<Face> {
        let length = fs::metadata(path).ok()?.len();
        let bytes = (length <= LARGEST_FILE_BYTES).then(|| fs::read(path).ok())??;
        Face::new(Cow::Owned(bytes), index)
    }

    pub(super) fn font(&self) -> FontRef<'_> {
        FontRef { data: &self.bytes, offset: self.offset, key: self.key }
    }

    /// Tells the face from every other of this process.
    pub(super) fn key(&self) -> u64 {
        self.key.value()
    }

    pub(super) fn has(&self, character: char) -> bool {
        self.font().charmap().map(character) != 0
    }
}

impl fmt::Debug for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Face({} bytes at {})", self.bytes.len(), self.offset)
    }
}

/// The machine's faces: listed once, read one by one.
#[derive(Default)]
struct Machine {
    list: Option<Database>,
    /// `None` for a face that could not be read.
    read: HashMap<fontdb::ID, Option<Arc<Face>>>,
}

impl Machine {
    /// The upright regular face of `family`, if the machine has it.
    fn face(&mut self, family: &str) -> Option<Arc<Face>> {
        let list = self.list.get_or_insert_with(|| {
            let mut list = Database::new();
            list.load_system_fonts();
            list
        });
        let id = list.query(&Query { families: &[Family::Name(family)], ..Query::default() })?;
        let read = || match list.face_source(id)? {
            (Source::File(path), index) => Face::read(&path, index).map(Arc::new),
            _ => None,
        };
        self.read.entry(id).or_insert_with(read).clone()
    }
}

/// The faces of this machine and the embedded ones; one for the whole process, shared by all threads.
pub struct Faces {
    text: Arc<Face>,
    emoji: Arc<Face>,
    machine: Option<Mutex<Machine>>,
    /// Families that are asked before a typeface's own.
    preferred: Vec<(Typeface, String)>,
    chains: [OnceLock<Chain>; Typeface::ALL.len()],
    shaping: Mutex<ShapeContext>,
    glyphs: Mutex<Glyphs>,
}

impl Faces {
    /// The embedded faces alone: the same on every machine.
    pub fn embedded() -> Faces {
        Faces {
            text: Face::embedded(EMBEDDED_TEXT),
            emoji: Face::embedded(EMBEDDED_EMOJI),
            machine: None,
            preferred: Vec::new(),
            chains: Default::default(),
            shaping: Mutex::default(),
            glyphs: Mutex::new(Glyphs::new(GLYPH_CACHE_BYTES)),
        }
    }

    /// The machine's faces, with the embedded ones behind them. The families of `preferred` show
    /// their typeface before those that are known for it, the first named first.
    ///
    /// The machine's fonts are listed when the first line is laid out, and a font's file is read when
    /// the first line in it is.
    pub fn system(preferred: Vec<(Typeface, String)>) -> Faces {
        Faces { machine: Some(Mutex::default()), preferred, ..Faces::embedded() }
    }

    /// As [`Faces::system`] on a machine that has these font files alone.
    #[cfg(test)]
    pub(super) fn of_files(paths: &[&str], preferred: Vec<(Typeface, String)>) -> Faces {
        let mut list = Database::new();
        paths.iter().for_each(|path| list.load_font_file(path).unwrap());
        let machine = Machine { list: Some(list), read: HashMap::new() };
        Faces { machine: Some(Mutex::new(machine)), ..Faces::system(preferred) }
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
            faces.extend([self.text.clone(), self.emoji.clone()]);
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

/// Faces in the order in which they are asked: those of the typeface, the embedded one for text, the
/// embedded one for emoji.
#[derive(Debug)]
pub(super) struct Chain {
    faces: Vec<Arc<Face>>,
}

impl Chain {
    /// The chosen face: it sets the line's height and draws the boxes of missing characters.
    pub(super) fn chosen(&self) -> &Arc<Face> {
        &self.faces[0]
    }

    /// The first face that has `character`, or the chosen one; `as_emoji` asks the last one first.
    pub(super) fn face_for(&self, character: char, as_emoji: bool) -> &Arc<Face> {
        let emoji = self.faces.last().filter(|_| as_emoji);
        let found = emoji.into_iter().chain(&self.faces).find(|face| face.has(character));
        found.unwrap_or(self.chosen())
    }
}

/// What was cached stays good when a thread panicked over it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
