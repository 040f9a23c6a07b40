//! The file that the library is given: the items that are decoded and nothing else.
//!
//! libheif 1.15 refuses files that it understands but for what is beside the picture: a gain map or a
//! thumbnail that two items refer to, properties in an order that it does not expect. Here the coded
//! bytes of what is shown are copied into a container of the plainest kind, without crops and turns of
//! the whole picture, without profiles and without references but those of a grid to its tiles.
//! Source: ISO/IEC 14496-12 and ISO/IEC 23008-12.

use super::boxes::{Content, Items, Kind};
use super::claims::TIMES;
use super::shown::Shown;
use std::borrow::Cow;
use std::collections::HashMap;

/// The numbers of the two pictures in the new file.
pub const COLOR: u32 = 1;
pub const ALPHA: u32 = 2;

/// What is written: the brand of a file of images, whatever coded them.
const FILE_TYPE: &[u8] = b"mif1\0\0\0\0mif1miafheicavif";

/// What has been done to a picture after it was decoded.
const TRANSFORMATIONS: [&Kind; 3] = [b"clap", b"irot", b"imir"];

/// The new file; `None` where the items are not in the old one, or make too much of it.
pub fn remux(shown: &Shown) -> Option<Vec<u8>> {
    let items = &shown.items;
    let bytes_left = (items.file_bytes() as u64).saturating_mul(TIMES);
    let mut muxer = Muxer { items, entries: Vec::new(), numbers: HashMap::new(), bytes_left };
    // Their numbers are the first.
    muxer.enter(shown.color, true)?;
    match shown.alpha.as_ref().map(|alpha| alpha.items.as_slice()) {
        None => {}
        Some([alpha]) => {
            muxer.enter(*alpha, true)?;
            muxer.enter_parts(ALPHA, items.parts(*alpha))?;
        }
        Some(tiles) => {
            // A grid like that of the colours.
            muxer.enter(shown.color, true)?;
            let grid = muxer.entries.last_mut()?;
            grid.properties.retain(|(property, _)| items.numbered(*property).0 == b"ispe");
            muxer.enter_parts(ALPHA, tiles)?;
        }
    }
    muxer.enter_parts(COLOR, items.parts(shown.color))?;
    muxer.finish()
}

struct Muxer<'a, 'b> {
    items: &'b Items<'a>,
    /// Their numbers count from 1.
    entries: Vec<Entry<'a>>,
    /// The new numbers of old items, but for the two pictures.
    numbers: HashMap<u32, u32>,
    bytes_left: u64,
}

struct Entry<'a> {
    kind: Kind,
    /// Old numbers of properties, and whether they are essential.
    properties: Vec<(usize, bool)>,
    parts: Vec<u32>,
    data: Cow<'a, [u8]>,
}

impl Muxer<'_, '_> {
    fn enter(&mut self, item: u32, is_whole: bool) -> Option<u32> {
        let items = self.items;
        let kind = *items.kind(item)?;
        // One that is made of nothing but its parts has no bytes.
        let data = if kind == *b"iden" { Cow::default() } else { items.data(item)? };
        self.bytes_left = self.bytes_left.checked_sub(data.len() as u64)?;
        let place = |property: usize| match items.numbered(property) {
            (b"ispe", _) => Some(0),
            (b"auxC", _) => None,
            (b"colr", content) if !content.starts_with(b"nclx") => None,
            (kind, _) if TRANSFORMATIONS.contains(&kind) => (!is_whole).then_some(2),
            _ => Some(1),
        };
        let placed = items.uses(item).filter_map(|used| place(used.0).map(|place| (place, used)));
        let mut placed: Vec<_> = placed.collect();
        placed.sort_by_key(|(place, _)| *place);
        let properties = placed.into_iter().map(|(_, used)| used).collect();
        self.entries.push(Entry { kind, properties, parts: Vec::new(), data });
        u32::try_from(self.entries.len()).ok()
    }

    /// Makes the item of this new number one of these parts.
    fn enter_parts(&mut self, whole: u32, parts: &[u32]) -> Option<()> {
        let mut numbers = Vec::with_capacity(parts.len());
        for part in parts {
            if let Some(number) = self.numbers.get(part) {
                numbers.push(*number);
                continue;
            }
            let number = self.enter(*part, false)?;
            self.numbers.insert(*part, number);
            numbers.push(number);
            self.enter_parts(number, self.items.parts(*part))?;
        }
        self.entries[whole as usize - 1].parts = numbers;
        Some(())
    }

    fn finish(self) -> Option<Vec<u8>> {
        let mut properties: Vec<(Kind, Cow<[u8]>)> = Vec::new();
        let mut new_places: HashMap<usize, usize> = HashMap::new();
        let (mut kinds, mut uses, mut places, mut references) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let count = u16::try_from(self.entries.len()).ok()?;
        let data_bytes: usize = self.entries.iter().map(|entry| entry.data.len()).sum();
        let mut offset_places = Vec::with_capacity(self.entries.len());
        for (number, entry) in (1u16..).zip(&self.entries) {
            boxed(&mut kinds, b"infe", &[&[2, 0, 0, 0], &number.to_be_bytes(), &[0; 2], &entry.kind, &[0]])?;
            uses.extend(number.to_be_bytes());
            uses.push(u8::try_from(entry.properties.len()).ok()?);
            for (property, essential) in &entry.properties {
                let place = *new_places.entry(*property).or_insert_with(|| {
                    properties.push(neutral(self.items.numbered(*property)));
                    properties.len()
                });
                let place = u16::try_from(place).ok().filter(|place| *place < 1 << 15)?;
                uses.extend((place | u16::from(*essential) << 15).to_be_bytes());
            }
            places.extend([number.to_be_bytes(), [0; 2], 1u16.to_be_bytes()].concat());
            offset_places.push(places.len());
            places.extend([[0; 4], u32::try_from(entry.data.len()).ok()?.to_be_bytes()].concat());
            if !entry.parts.is_empty() {
                let length = u16::try_from(entry.parts.len()).ok()?.to_be_bytes();
                let parts: Vec<u8> = entry.parts.iter().flat_map(|part| (*part as u16).to_be_bytes()).collect();
                boxed(&mut references, b"dimg", &[&number.to_be_bytes(), &length, &parts])?;
            }
        }
        let mut container = Vec::new();
        for (kind, content) in properties {
            boxed(&mut container, &kind, &[&content])?;
        }
        let mut all_properties = Vec::new();
        boxed(&mut all_properties, b"ipco", &[&container])?;
        boxed(&mut all_properties, b"ipma", &[&[0, 0, 0, 1], &u32::from(count).to_be_bytes(), &uses])?;
        let mut meta = Vec::new();
        boxed(&mut meta, b"hdlr", &[&[0; 8], b"pict", &[0; 13]])?;
        boxed(&mut meta, b"pitm", &[&[0; 4], &(COLOR as u16).to_be_bytes()])?;
        boxed(&mut meta, b"iinf", &[&[0; 4], &count.to_be_bytes(), &kinds])?;
        boxed(&mut meta, b"iprp", &[&all_properties])?;
        if !references.is_empty() {
            boxed(&mut meta, b"iref", &[&[0; 4], &references])?;
        }
        // The last box of `meta`, so that the bytes begin at a known distance behind it.
        let places_start = FILE_TYPE.len() + 8 + 12 + meta.len() + 16;
        let mut offset = places_start + places.len() + 8;
        for (place, entry) in offset_places.into_iter().zip(&self.entries) {
            places[place..place + 4].copy_from_slice(&u32::try_from(offset).ok()?.to_be_bytes());
            offset += entry.data.len();
        }
        boxed(&mut meta, b"iloc", &[&[0, 0, 0, 0, 0x44, 0], &count.to_be_bytes(), &places])?;
        let mut file = Vec::with_capacity(offset);
        boxed(&mut file, b"ftyp", &[FILE_TYPE])?;
        boxed(&mut file, b"meta", &[&[0; 4], &meta])?;
        file.extend(u32::try_from(data_bytes + 8).ok()?.to_be_bytes());
        file.extend(b"mdat");
        self.entries.iter().for_each(|entry| file.extend_from_slice(&entry.data));
        debug_assert_eq!(file.len(), offset);
        Some(file)
    }
}

/// A property without what the library could make something of: primaries and transfer are sRGB's, since
/// what is told is applied here. Coefficients that are derived from the primaries keep them.
fn neutral((kind, content): Content) -> (Kind, Cow<[u8]>) {
    match (kind, content) {
        (b"colr", [b'n', b'c', b'l', b'x', _, _, _, _, 0, coefficients, ..]) if !matches!(coefficients, 12 | 13) => {
            (*kind, Cow::Owned([b"nclx", &[0, 1, 0, 13], &content[8..]].concat()))
        }
        _ => (*kind, Cow::Borrowed(content)),
    }
}

/// Appends a box; `None` where it is longer than a box can be.
fn boxed(target: &mut Vec<u8>, kind: &Kind, parts: &[&[u8]]) -> Option<()> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    target.extend(u32::try_from(length + 8).ok()?.to_be_bytes());
    target.extend(kind);
    parts.iter().for_each(|part| target.extend_from_slice(part));
    Some(())
}
