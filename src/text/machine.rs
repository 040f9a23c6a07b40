//! The machine's faces: listed once, read one by one, and asked for what no other face has.

use super::face::{Face, guarded};
use fontdb::{Database, FaceInfo, Family, ID, Query, Source, Stretch, Style, Weight};
use skrifa::MetadataProvider;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Most bytes of font files that are kept for characters that only the machine's faces have.
const RECENT_BYTES: usize = 96 << 20;

/// Most characters whose face is remembered.
const REMEMBERED_CHARACTERS: usize = 4096;

/// The machine's faces.
#[derive(Default)]
pub(super) struct Machine {
    list: Option<Database>,
    /// The faces of families that typefaces name; `None` for one that could not be read.
    named: HashMap<ID, Option<Arc<Face>>>,
    /// Every face with its characters, plain ones first.
    index: Option<Vec<Listed>>,
    /// Which face of the index shows a character, if one does.
    remembered: HashMap<char, Option<ID>>,
    /// Faces that were read for single characters, the last used last.
    recent: Vec<(ID, Arc<Face>)>,
}

/// A face and the characters that it has glyphs for.
struct Listed {
    id: ID,
    /// In order and apart.
    characters: Vec<RangeInclusive<u32>>,
}

impl Machine {
    /// A machine that has these font files alone.
    #[cfg(test)]
    pub(super) fn of_files(paths: &[&str]) -> Machine {
        let mut list = Database::new();
        paths.iter().for_each(|path| list.load_font_file(path).unwrap_or_default());
        Machine { list: Some(list), ..Machine::default() }
    }

    /// The upright regular face of `family`, if the machine has it.
    pub(super) fn face(&mut self, family: &str) -> Option<Arc<Face>> {
        let list = listed(&mut self.list);
        let id = list.query(&Query { families: &[Family::Name(family)], ..Query::default() })?;
        self.named.entry(id).or_insert_with(|| read(list, id)).clone()
    }

    /// A face that shows `character`, if the machine has one.
    ///
    /// The first question reads the character maps of all fonts.
    pub(super) fn face_with(&mut self, character: char) -> Option<Arc<Face>> {
        let list = listed(&mut self.list);
        if let Some(known) = self.remembered.get(&character) {
            return known.and_then(|id| opened(&mut self.recent, list, id));
        }
        let index = self.index.get_or_insert_with(|| index(list));
        let holders = index.iter().filter(|face| contains(&face.characters, character.into()));
        let found = holders.map(|face| face.id).find_map(|id| {
            opened(&mut self.recent, list, id).filter(|face| face.has(character)).map(|face| (id, face))
        });
        if self.remembered.len() >= REMEMBERED_CHARACTERS {
            self.remembered.clear();
        }
        self.remembered.insert(character, found.as_ref().map(|(id, _)| *id));
        found.map(|(_, face)| face)
    }
}

fn listed(list: &mut Option<Database>) -> &Database {
    list.get_or_insert_with(|| {
        let mut list = Database::new();
        list.load_system_fonts();
        list
    })
}

fn read(list: &Database, id: ID) -> Option<Arc<Face>> {
    match list.face_source(id)? {
        (Source::File(path), index) => Face::read(&path, index).map(Arc::new),
        _ => None,
    }
}

/// The face, from those read last or from its file; what was not used for longest goes.
fn opened(recent: &mut Vec<(ID, Arc<Face>)>, list: &Database, id: ID) -> Option<Arc<Face>> {
    let (id, face) = match recent.iter().position(|(known, _)| *known == id) {
        Some(at) => recent.remove(at),
        None => (id, read(list, id)?),
    };
    recent.push((id, face.clone()));
    let mut kept_bytes: usize = recent.iter().map(|(_, face)| face.size_bytes()).sum();
    while kept_bytes > RECENT_BYTES && recent.len() > 1 {
        kept_bytes -= recent.remove(0).1.size_bytes();
    }
    Some(face)
}

/// All faces with their characters: upright before slanted, regular before others, then by name, so
/// that the order does not hang on that of directories.
fn index(list: &Database) -> Vec<Listed> {
    let mut faces: Vec<&FaceInfo> = list.faces().collect();
    faces.sort_by_key(|face| {
        let weight = face.weight.0.abs_diff(Weight::NORMAL.0);
        let plain = (face.style != Style::Normal, face.stretch != Stretch::Normal, weight, face.monospaced);
        (plain, face.post_script_name.as_str())
    });
    let characters = |face: &FaceInfo| {
        let characters = list.with_face_data(face.id, |bytes, index| guarded(|| characters(bytes, index)));
        characters.flatten().unwrap_or_default()
    };
    let listed = faces.into_iter().map(|face| Listed { id: face.id, characters: characters(face) });
    listed.filter(|face| !face.characters.is_empty()).collect()
}

/// The characters that the character map of a font file's face has glyphs for.
fn characters(bytes: &[u8], index: u32) -> Vec<RangeInclusive<u32>> {
    let Ok(font) = skrifa::FontRef::from_index(bytes, index) else { return Vec::new() };
    let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
    // A sound map has each character once; a broken one shall not keep us for longer.
    let characters = font.charmap().mappings().take(char::MAX as usize).map(|(character, _)| character);
    for character in characters {
        match ranges.last_mut() {
            Some(last) if last.end().checked_add(1) == Some(character) => *last = *last.start()..=character,
            Some(last) if last.end() >= &character => break, // not in order: broken
            _ => ranges.push(character..=character),
        }
    }
    ranges.shrink_to_fit();
    ranges
}

fn contains(ranges: &[RangeInclusive<u32>], character: u32) -> bool {
    let after = ranges.partition_point(|range| *range.start() <= character);
    after > 0 && ranges[after - 1].contains(&character)
}
