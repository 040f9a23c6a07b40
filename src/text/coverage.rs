//! Glyphs as 8-bit coverage, kept for the next line in a bounded number of bytes.

use super::face::{Face, guarded};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use swash::scale::ScaleContext;
use swash::scale::outline::Outline;
use swash::zeno::{Mask, Origin, Transform};

/// Steps between two pixels at which a glyph may begin.
pub(super) const PHASES: u8 = 4;

/// A larger glyph stays blank: the widest ligatures known take a third of this at 1000 px.
const LARGEST_GLYPH_PIXELS: f32 = (32 << 20) as f32;

/// A larger glyph is measured by its outline as long as that is enough.
const LARGEST_MEASURED_PIXELS: f32 = (128 * 128) as f32;

/// What a kept glyph takes beside its coverage: its keys, numbers and allocation.
const ENTRY_BYTES: usize = 128;

/// A glyph at a size, begun at a step between two pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub(super) glyph: u16,
    pub(super) size_px: u32,
    /// Quarters of a pixel to the right, 0..[`PHASES`].
    pub(super) phase: u8,
}

/// How much of each pixel a glyph covers, row by row; 255 is all. Each side has a covered pixel.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    /// Pixels from the pen to the first column.
    pub(super) left: i64,
    /// Pixels from the baseline down to the first row: negative for what stands above.
    pub(super) top: i64,
    pub(super) width: usize,
    pub(super) values: Vec<u8>,
}

impl Coverage {
    /// What is left of a mask of `width` columns without the rows and columns at its sides that
    /// nothing covers.
    pub(super) fn trimmed(left: i64, top: i64, width: usize, values: &[u8]) -> Coverage {
        let rows = || values.chunks_exact(width.max(1));
        let covered = |value: &u8| *value > 0;
        let Some(first_row) = rows().position(|row| row.iter().any(covered)) else { return Coverage::default() };
        let end_row = rows().rposition(|row| row.iter().any(covered)).map_or(0, |last| last + 1);
        let inked = || rows().take(end_row).skip(first_row);
        let first = inked().filter_map(|row| row.iter().position(covered)).min().unwrap_or(0);
        let end = inked().filter_map(|row| row.iter().rposition(covered)).max().map_or(0, |last| last + 1);
        Coverage {
            left: left + first as i64,
            top: top + first_row as i64,
            width: end - first,
            values: inked().flat_map(|row| &row[first..end]).copied().collect(),
        }
    }

    /// Where the ink lies, counted from the pen; `None` without ink.
    fn extent(&self) -> Option<Extent> {
        let height = self.values.len().checked_div(self.width)?;
        let (right, bottom) = (self.left + self.width as i64, self.top + height as i64);
        Some(Extent { left: self.left, top: self.top, right, bottom, exact: true })
    }

    fn kept_bytes(&self) -> usize {
        self.values.len() + ENTRY_BYTES
    }
}

/// The pixels that a glyph covers lie inside: the smallest such box if `exact`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) left: i64,
    pub(super) top: i64,
    pub(super) right: i64,
    pub(super) bottom: i64,
    pub(super) exact: bool,
}

/// Glyphs drawn so far, in two generations: one that is met again moves to the young, and when the
/// young generation is full the old one is dropped.
pub(super) struct Glyphs {
    scaling: ScaleContext,
    young: HashMap<(u64, Shape), Arc<Coverage>>,
    old: HashMap<(u64, Shape), Arc<Coverage>>,
    young_bytes: usize,
    generation_bytes: usize,
}

impl Glyphs {
    /// No glyphs yet, and at most `bytes` of them later.
    pub(super) fn new(bytes: usize) -> Glyphs {
        Glyphs {
            scaling: ScaleContext::new(),
            young: HashMap::new(),
            old: HashMap::new(),
            young_bytes: 0,
            generation_bytes: bytes / 2,
        }
    }

    /// The coverage of a glyph of `face`, or `None` where it cannot reach `columns`, counted in pixels
    /// from the pen: then it is not drawn.
    pub(super) fn coverage(&mut self, face: &Face, shape: Shape, columns: Range<i64>) -> Option<Arc<Coverage>> {
        let key = (face.key(), shape);
        if let Some(coverage) = self.young.get(&key) {
            return Some(coverage.clone());
        }
        let coverage = match self.old.remove(&key) {
            Some(coverage) => coverage,
            None => Arc::new(self.draw(face, shape, columns)?),
        };
        self.keep(key, coverage.clone());
        Some(coverage)
    }

    /// Where the ink of a glyph of `face` lies, counted in pixels from the pen; `None` where it
    /// leaves none. Only glyphs of up to [`LARGEST_MEASURED_PIXELS`] are drawn for it, unless `exactly`.
    pub(super) fn extent(&mut self, face: &Face, shape: Shape, exactly: bool) -> Option<Extent> {
        let key = (face.key(), shape);
        if !exactly && !self.young.contains_key(&key) && !self.old.contains_key(&key) {
            let bounds = self.outline(face, shape)?.bounds();
            if bounds.width() * bounds.height() > LARGEST_MEASURED_PIXELS {
                let (left, right) = (bounds.min.x.floor() as i64, bounds.max.x.ceil() as i64);
                let (top, bottom) = (-bounds.max.y.ceil() as i64, -bounds.min.y.floor() as i64);
                return Some(Extent { left, top, right, bottom, exact: false });
            }
        }
        self.coverage(face, shape, i64::MIN..i64::MAX)?.extent()
    }

    /// The outline of a glyph, or `None` for one that leaves no ink.
    fn outline(&mut self, face: &Face, shape: Shape) -> Option<Outline> {
        let scaled = guarded(|| {
            let mut scaler = self.scaling.builder(face.font()).size(shape.size_px as f32).build();
            scaler.scale_outline(shape.glyph)
        });
        if scaled.is_none() {
            self.scaling = ScaleContext::new();
        }
        let mut outline = scaled.flatten().filter(|outline| !outline.points().is_empty())?;
        outline.transform(&Transform::translation(f32::from(shape.phase) / f32::from(PHASES), 0.0));
        let bounds = outline.bounds();
        (bounds.width() * bounds.height() <= LARGEST_GLYPH_PIXELS).then_some(outline)
    }

    fn draw(&mut self, face: &Face, shape: Shape, columns: Range<i64>) -> Option<Coverage> {
        let Some(outline) = self.outline(face, shape) else { return Some(Coverage::default()) };
        let bounds = outline.bounds();
        if bounds.max.x.ceil() as i64 <= columns.start || bounds.min.x.floor() as i64 >= columns.end {
            return None;
        }
        // The place is right only for a mask that knows its size beforehand, which `inspect` sees to.
        let (values, place) = Mask::new(outline.path()).origin(Origin::BottomLeft).inspect(|_, _, _| {}).render();
        Some(Coverage::trimmed(place.left.into(), -i64::from(place.top), place.width as usize, &values))
    }

    fn keep(&mut self, key: (u64, Shape), coverage: Arc<Coverage>) {
        let bytes = coverage.kept_bytes();
        if bytes > self.generation_bytes {
            return;
        }
        if self.young_bytes + bytes > self.generation_bytes {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += bytes;
        self.young.insert(key, coverage);
    }

    /// Bytes that the kept glyphs take.
    #[cfg(test)]
    pub(super) fn kept_bytes(&self) -> usize {
        self.young.values().chain(self.old.values()).map(|coverage| coverage.kept_bytes()).sum()
    }
}
