//! The boxes of a file: which items it has, what is told of them and where their bytes are.
//!
//! Only what this room asks of a file before the library decodes it; where a box is listed twice,
//! the one counts that the library takes.
//! Source: ISO/IEC 14496-12 and ISO/IEC 23008-12.

use std::borrow::Cow;
use std::collections::HashMap;

/// A box's kind, or an item's.
pub type Kind = [u8; 4];

/// A box: its kind and what is in it.
pub type Content<'a> = (&'a Kind, &'a [u8]);

/// The items of a file, by number.
pub struct Items<'a> {
    pub primary: u32,
    file: &'a [u8],
    /// What items of construction method 1 are cut from.
    inside: &'a [u8],
    items: HashMap<u32, Item<'a>>,
    properties: Vec<Content<'a>>,
    parts: HashMap<u32, Vec<u32>>,
    /// Other references: their kind, from which item, to which.
    references: Vec<(Kind, u32, u32)>,
}

#[derive(Default)]
struct Item<'a> {
    kind: Kind,
    uses: Option<Uses<'a>>,
    place: Option<Place>,
}

/// The numbers of an item's properties, each in so many bytes.
#[derive(Clone, Copy)]
struct Uses<'a> {
    numbers: &'a [u8],
    number_bytes: usize,
}

/// Where an item's bytes are: whether in `idat`, and start and end of each piece.
struct Place {
    inside: bool,
    extents: Vec<(usize, usize)>,
}

impl<'a> Items<'a> {
    /// `None` where the boxes are not understood.
    pub fn of(file: &'a [u8]) -> Option<Items<'a>> {
        let meta =
            Boxes { rest: file }.filter(|(kind, _)| *kind == b"meta").last().and_then(|(_, meta)| meta.get(4..))?;
        let mut found = Items {
            primary: Reader(find(meta, b"pitm")?).item_of_full_box()?,
            file,
            inside: find(meta, b"idat").unwrap_or_default(),
            items: HashMap::new(),
            properties: Vec::new(),
            parts: HashMap::new(),
            references: Vec::new(),
        };
        found.read_kinds(find(meta, b"iinf")?)?;
        found.read_properties(find(meta, b"iprp")?)?;
        found.read_places(find(meta, b"iloc")?)?;
        if let Some(references) = find(meta, b"iref") {
            found.read_references(references)?;
        }
        Some(found)
    }

    pub fn kind(&self, item: u32) -> Option<&Kind> {
        self.items.get(&item).map(|item| &item.kind)
    }

    /// The properties of an item, in the order in which they are applied.
    pub fn properties(&self, item: u32) -> impl Iterator<Item = Content<'a>> {
        self.uses(item).map(|(property, _)| self.properties[property])
    }

    /// The numbers of an item's properties, and whether each is essential.
    pub fn uses(&self, item: u32) -> impl Iterator<Item = (usize, bool)> {
        let uses = self.items.get(&item).and_then(|item| item.uses);
        let numbers = uses.into_iter().flat_map(|uses| uses.numbers.chunks_exact(uses.number_bytes));
        numbers.filter_map(|number| {
            // The highest bit tells whether the property is essential; they are counted from 1.
            let index = match *number {
                [high, low] => usize::from(high & 0x7f) << 8 | usize::from(low),
                _ => usize::from(number[0] & 0x7f),
            };
            let index = index.checked_sub(1).filter(|index| *index < self.properties.len())?;
            Some((index, number[0] & 0x80 != 0))
        })
    }

    /// A property by its number.
    pub fn numbered(&self, property: usize) -> Content<'a> {
        self.properties[property]
    }

    /// The item's first property of this kind.
    pub fn property(&self, item: u32, wanted: &Kind) -> Option<&'a [u8]> {
        self.properties(item).find(|(kind, _)| *kind == wanted).map(|(_, content)| content)
    }

    /// How long the file is.
    pub fn file_bytes(&self) -> usize {
        self.file.len()
    }

    /// The item's bytes; `None` where they are not in the file, or make more than it.
    pub fn data(&self, item: u32) -> Option<Cow<'a, [u8]>> {
        let place = self.items.get(&item)?.place.as_ref()?;
        let whole = if place.inside { self.inside } else { self.file };
        let pieces: Vec<_> = place.extents.iter().map(|(start, end)| whole.get(*start..*end)).collect::<Option<_>>()?;
        match pieces[..] {
            [piece] => Some(Cow::Borrowed(piece)),
            _ if pieces.iter().map(|piece| piece.len()).sum::<usize>() <= whole.len() => {
                Some(Cow::Owned(pieces.concat()))
            }
            _ => None,
        }
    }

    /// The items that `item` is put together from.
    pub fn parts(&self, item: u32) -> &[u32] {
        self.parts.get(&item).map_or(&[], Vec::as_slice)
    }

    /// The items that refer to `item` in this way.
    pub fn referring(&self, wanted: Kind, item: u32) -> impl Iterator<Item = u32> {
        self.references.iter().filter(move |(kind, _, to)| (*kind, *to) == (wanted, item)).map(|(_, from, _)| *from)
    }

    fn read_kinds(&mut self, iinf: &'a [u8]) -> Option<()> {
        let mut reader = Reader(iinf);
        let (version, _) = reader.version_and_flags()?;
        reader.take(if version == 0 { 2 } else { 4 })?;
        for (_, infe) in (Boxes { rest: reader.0 }).filter(|(kind, _)| *kind == b"infe") {
            let mut reader = Reader(infe);
            let (version, _) = reader.version_and_flags()?;
            let number = reader.number_of(if version > 2 { 4 } else { 2 })? as u32;
            reader.take(2)?;
            // Older entries have no kind: they are no pictures.
            let kind = if version < 2 { [0; 4] } else { *reader.take(4)?.first_chunk()? };
            self.items.entry(number).or_insert(Item { kind, ..Item::default() });
        }
        Some(())
    }

    fn read_properties(&mut self, iprp: &'a [u8]) -> Option<()> {
        self.properties = Boxes { rest: find(iprp, b"ipco")? }.collect();
        for (_, ipma) in (Boxes { rest: iprp }).filter(|(kind, _)| *kind == b"ipma") {
            let mut reader = Reader(ipma);
            let (version, flags) = reader.version_and_flags()?;
            let (item_bytes, number_bytes) = (if version == 0 { 2 } else { 4 }, if flags & 1 == 1 { 2 } else { 1 });
            for _ in 0..reader.number_of(4)? {
                let item = reader.number_of(item_bytes)? as u32;
                let count = reader.number_of(1)? as usize;
                let numbers = reader.take(count * number_bytes)?;
                if let Some(item) = self.items.get_mut(&item) {
                    item.uses.get_or_insert(Uses { numbers, number_bytes });
                }
            }
        }
        Some(())
    }

    fn read_places(&mut self, iloc: &'a [u8]) -> Option<()> {
        let mut reader = Reader(iloc);
        let (version, _) = reader.version_and_flags()?;
        let sizes = reader.number_of(2)? as usize;
        let [offset_bytes, length_bytes, base_bytes, index_bytes] = [12, 8, 4, 0].map(|shift| sizes >> shift & 15);
        // The library passes over other lengths, and reads an index in version 2 alone.
        let is_read = |length: &usize| [0, 4, 8].contains(length);
        let index_bytes = if version > 1 { index_bytes } else { 0 };
        if ![offset_bytes, length_bytes, base_bytes, index_bytes].iter().all(is_read) {
            return None;
        }
        let number_bytes = if version < 2 { 2 } else { 4 };
        for _ in 0..reader.number_of(number_bytes)? {
            let number = reader.number_of(number_bytes)? as u32;
            let method = if version > 0 { reader.number_of(2)? & 15 } else { 0 };
            reader.take(2)?;
            let base = reader.number_of(base_bytes)?;
            let count = reader.number_of(2)?;
            let mut extents = Vec::new();
            for _ in 0..count {
                reader.take(index_bytes)?;
                let start = base.checked_add(reader.number_of(offset_bytes)?)?;
                let end = start.checked_add(reader.number_of(length_bytes)?)?;
                extents.push((usize::try_from(start).ok()?, usize::try_from(end).ok()?));
            }
            if let Some(item) = self.items.get_mut(&number).filter(|_| method < 2) {
                item.place.get_or_insert(Place { inside: method == 1, extents });
            }
        }
        Some(())
    }

    fn read_references(&mut self, iref: &'a [u8]) -> Option<()> {
        let mut reader = Reader(iref);
        let (version, _) = reader.version_and_flags()?;
        let number_bytes = if version == 0 { 2 } else { 4 };
        for (kind, reference) in (Boxes { rest: reader.0 }) {
            let mut reader = Reader(reference);
            let from = reader.number_of(number_bytes)? as u32;
            let count = reader.number_of(2)?;
            for _ in 0..count {
                let to = reader.number_of(number_bytes)? as u32;
                match kind {
                    b"dimg" => self.parts.entry(from).or_default().push(to),
                    _ => self.references.push((*kind, from, to)),
                }
            }
        }
        Some(())
    }
}

/// Takes from the front of some bytes.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of up to eight bytes, the highest first; one of no byte is 0.
    pub fn number_of(&mut self, length: usize) -> Option<u64> {
        let bytes = self.take(length).filter(|bytes| bytes.len() <= 8)?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn version_and_flags(&mut self) -> Option<(u8, u8)> {
        let bytes = self.take(4)?;
        Some((bytes[0], bytes[3]))
    }

    fn item_of_full_box(&mut self) -> Option<u32> {
        let (version, _) = self.version_and_flags()?;
        self.number_of(if version == 0 { 2 } else { 4 }).map(|number| number as u32)
    }
}

pub fn find<'a>(bytes: &'a [u8], wanted: &Kind) -> Option<&'a [u8]> {
    Boxes { rest: bytes }.find(|(kind, _)| *kind == wanted).map(|(_, content)| content)
}

/// The boxes one behind the other. One of a length that leads out of the file ends the walk.
struct Boxes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Content<'a>;

    fn next(&mut self) -> Option<Content<'a>> {
        let mut reader = Reader(self.rest);
        let short = reader.number_of(4)?;
        let kind = reader.take(4)?.first_chunk()?;
        let length = match short {
            // The last box reaches to the end; a long one tells its length behind its kind.
            0 => self.rest.len(),
            1 => usize::try_from(reader.number_of(8)?).ok()?,
            _ => short as usize,
        };
        let head = self.rest.len() - reader.0.len();
        let (whole, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some((kind, whole.get(head..)?))
    }
}
