//! One face of a font file, and which of its characters leave ink.

use super::characters::may_be_blank;
use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{GlyphId, MetadataProvider};
use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use swash::{CacheKey, FontRef};

/// A font file over this is passed over: the largest of the known families take 20 MiB.
const LARGEST_FILE_BYTES: u64 = 64 << 20;

/// What is known of a glyph's outline.
const UNKNOWN: u8 = 0;
const EMPTY: u8 = 1;
const INKED: u8 = 2;

/// One face of a font file, with the file's bytes.
pub(super) struct Face {
    bytes: Cow<'static, [u8]>,
    index: u32,
    offset: u32,
    key: CacheKey,
    /// [`UNKNOWN`], [`EMPTY`] or [`INKED`] for each glyph that a face can have.
    outlines: OnceLock<Box<[AtomicU8]>>,
}

impl Face {
    /// The face at `index` of a font file, or `None` if that is none that can be scaled.
    pub(super) fn new(bytes: Cow<'static, [u8]>, index: u32) -> Option<Face> {
        let font = FontRef::from_index(&bytes, index as usize)?;
        let scalable = font.metrics(&[]).units_per_em > 0;
        let (offset, key) = (font.offset, font.key);
        scalable.then_some(Face { bytes, index, offset, key, outlines: OnceLock::new() })
    }

    /// The face at `index` of the file at `path`, read whole.
    pub(super) fn read(path: &Path, index: u32) -> Option<Face> {
        let length = fs::metadata(path).ok()?.len();
        let bytes = (length <= LARGEST_FILE_BYTES).then(|| fs::read(path).ok())??;
        Face::new(Cow::Owned(bytes), index)
    }

    pub(super) fn font(&self) -> FontRef<'_> {
        FontRef { data: &self.bytes, offset: self.offset, key: self.key }
    }

    /// Bytes of the file.
    pub(super) fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Tells the face from every other of this process.
    pub(super) fn key(&self) -> u64 {
        self.key.value()
    }

    /// Whether the face can show `character`: it has a glyph for it, with an outline unless the
    /// character is one that leaves no ink.
    pub(super) fn has(&self, character: char) -> bool {
        let glyph = self.font().charmap().map(character);
        glyph != 0 && (may_be_blank(character) || self.leaves_ink(glyph))
    }

    /// Whether a glyph has an outline; looked up once for each.
    pub(super) fn leaves_ink(&self, glyph: u16) -> bool {
        let outlines = self.outlines.get_or_init(|| (0..=u16::MAX).map(|_| AtomicU8::new(UNKNOWN)).collect());
        let outline = &outlines[usize::from(glyph)];
        if outline.load(Ordering::Relaxed) == UNKNOWN {
            let inked = self.draws(glyph).unwrap_or(false);
            outline.store(if inked { INKED } else { EMPTY }, Ordering::Relaxed);
        }
        outline.load(Ordering::Relaxed) == INKED
    }

    fn draws(&self, glyph: u16) -> Option<bool> {
        guarded(|| self.outline_has_area(glyph)).flatten()
    }

    fn outline_has_area(&self, glyph: u16) -> Option<bool> {
        let font = skrifa::FontRef::from_index(&self.bytes, self.index).ok()?;
        let outline = font.outline_glyphs().get(GlyphId::new(glyph.into()))?;
        let mut extent = Extent::default();
        outline.draw(DrawSettings::unhinted(Size::unscaled(), LocationRef::default()), &mut extent).ok()?;
        Some(extent.has_area())
    }
}

impl fmt::Debug for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Face({} bytes at {})", self.bytes.len(), self.offset)
    }
}

/// What `read` makes of a font, or `None` where it panics: fonts of the machine may be broken, and
/// the libraries that read them count on what they claim. What is left behind is to be thrown away.
pub(super) fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}

/// How far the points of an outline reach.
#[derive(Default)]
struct Extent {
    /// Lowest x and y, highest x and y.
    reach: Option<[f32; 4]>,
}

impl Extent {
    fn add(&mut self, x: f32, y: f32) {
        let [left, bottom, right, top] = self.reach.unwrap_or([x, y, x, y]);
        self.reach = Some([left.min(x), bottom.min(y), right.max(x), top.max(y)]);
    }

    fn has_area(&self) -> bool {
        self.reach.is_some_and(|[left, bottom, right, top]| left < right && bottom < top)
    }
}

impl OutlinePen for Extent {
    fn move_to(&mut self, x: f32, y: f32) {
        self.add(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.add(x, y);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.add(cx, cy);
        self.add(x, y);
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        self.add(cx0, cy0);
        self.add(cx1, cy1);
        self.add(x, y);
    }

    fn close(&mut self) {}
}
