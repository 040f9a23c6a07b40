//! JPEGs of the kind that TIFF 6.0, section 22, had before the present one: as a whole where the file tells
//! where that lies, else put together out of the tables that tags point to and the strips.
//!
//! Left out: planes and tiles, and headers in one place with the data in another.

use super::page::{BLACK_IS_ZERO, Page, YCBCR};
use super::picture::{Reader, open, refusal};
use crate::codec::jpeg::markers::Head;
use crate::codec::unsupported;
use crate::error::Error;
use std::borrow::Cow;
use std::ops::Range;
use tiff::decoder::ChunkType;
use tiff::tags::{PlanarConfiguration, Tag};

const PROCESS: u16 = 512;
const RESTART_INTERVAL: u16 = 515;
/// Places of the tables of each component: steps, codes of DC, codes of AC.
const STEPS: u16 = 519;
const CODES: [u16; 2] = [520, 521];

/// JPEGProc of baseline coding.
const BASELINE: u64 = 1;

/// The JPEG that is the page.
///
/// # Errors
/// `ImageDamage` where it is not in the file or of another size, `BadRequest` where it lies in a way that is not read.
pub fn find<'a>(bytes: &'a [u8], page: &Page) -> Result<Cow<'a, [u8]>, Error> {
    let file = match page.jpeg_at {
        Some(start) => Cow::Borrowed(whole(bytes, page, start)?),
        None => Cow::Owned(Pieces::find(bytes, page)?.join()?),
    };
    let frame = Head::read(&file).frame.filter(|_| file.starts_with(b"\xff\xd8")).ok_or_else(unsupported)?;
    if frame.size != page.size {
        return Err(Error::damaged("a JPEG of another size than the page"));
    }
    // Of other colours a JPEG without markers for them would be guessed wrong.
    match (page.photometric, frame.components) {
        (YCBCR, 3) | (BLACK_IS_ZERO, 1) => Ok(file),
        _ => Err(unsupported()),
    }
}

fn whole<'a>(bytes: &'a [u8], page: &Page, start: u64) -> Result<&'a [u8], Error> {
    let start = usize::try_from(start).ok();
    let rest =
        start.and_then(|start| bytes.get(start..)).ok_or_else(|| Error::damaged("a JPEG outside of the file"))?;
    match page.jpeg_length.and_then(|length| usize::try_from(length).ok()) {
        None | Some(0) => Ok(rest),
        Some(length) => rest.get(..length).ok_or_else(|| Error::damaged("a JPEG is cut off")),
    }
}

/// Tables and coded data of a page.
struct Pieces<'a> {
    page: &'a Page,
    /// Columns and rows of luma that share their chroma.
    across: u8,
    down: u8,
    /// Of each component.
    steps: Vec<&'a [u8]>,
    codes: [Vec<&'a [u8]>; 2],
    /// Units between restart markers, within strips or, where there are several, between them.
    restart_units: u16,
    strips: Vec<&'a [u8]>,
}

impl<'a> Pieces<'a> {
    fn find(bytes: &'a [u8], page: &'a Page) -> Result<Pieces<'a>, Error> {
        let mut reader = open(bytes, page)?;
        let components = match page.photometric {
            YCBCR => 3,
            BLACK_IS_ZERO => 1,
            _ => return Err(unsupported()),
        };
        let number = |reader: &mut Reader, tag: Tag| numbers(reader, tag).and_then(|numbers| numbers.first().copied());
        let planar = number(&mut reader, Tag::PlanarConfiguration) == Some(PlanarConfiguration::Planar.to_u16().into());
        let baseline = number(&mut reader, Tag::from_u16_exhaustive(PROCESS)) == Some(BASELINE);
        if !baseline || planar || reader.get_chunk_type() != ChunkType::Strip {
            return Err(unsupported());
        }
        let mut tables = |tag: u16, length: fn(&[u8]) -> Option<usize>| {
            let places =
                numbers(&mut reader, Tag::from_u16_exhaustive(tag)).filter(|places| places.len() == components);
            let table = |place: u64| {
                let rest = bytes.get(usize::try_from(place).ok()?..)?;
                rest.get(..length(rest)?)
            };
            let found: Option<Vec<&[u8]>> = places.ok_or_else(unsupported)?.into_iter().map(table).collect();
            found.ok_or_else(|| Error::damaged("tables outside of the file"))
        };
        let steps = tables(STEPS, |_| Some(64))?;
        // How many codes there are of each length, and then what they stand for.
        let codes_length =
            |table: &[u8]| Some(16 + table.get(..16)?.iter().map(|count| usize::from(*count)).sum::<usize>());
        let codes = [tables(CODES[0], codes_length)?, tables(CODES[1], codes_length)?];
        let shared = numbers(&mut reader, Tag::ChromaSubsampling).unwrap_or_else(|| vec![2, 2]);
        let (across, down) = match shared[..] {
            _ if components == 1 => (1, 1),
            [across @ (1 | 2 | 4), down @ (1 | 2 | 4)] => (across as u8, down as u8),
            _ => return Err(Error::damaged("chroma shared in a way that there is not")),
        };
        let [offsets, counts] =
            [Tag::StripOffsets, Tag::StripByteCounts].map(|tag| reader.get_tag_u64_vec(tag).map_err(refusal));
        let strip = |(offset, count): (u64, u64)| {
            let rest = bytes.get(usize::try_from(offset).ok()?..)?;
            rest.get(..usize::try_from(count).ok()?)
        };
        let strips: Option<Vec<&[u8]>> = offsets?.into_iter().zip(counts?).map(strip).collect();
        let strips = strips.ok_or_else(|| Error::damaged("a strip is cut off"))?;
        let told = number(&mut reader, Tag::from_u16_exhaustive(RESTART_INTERVAL)).unwrap_or_default();
        let restart_units = if strips.len() < 2 {
            told
        } else {
            let (_, rows) = reader.chunk_dimensions();
            let unit = 8 * u32::from(down);
            if told != 0 || !rows.is_multiple_of(unit) {
                return Err(unsupported());
            }
            u64::from(rows / unit) * u64::from(page.size.width.div_ceil(8 * u32::from(across)))
        };
        let restart_units = u16::try_from(restart_units).map_err(|_| unsupported())?;
        // Strips may lie over one another, but not to make more of a file than it is.
        if strips.iter().map(|strip| strip.len()).sum::<usize>() > bytes.len() {
            return Err(Error::damaged("strips of more bytes than the file has"));
        }
        Ok(Pieces { page, across, down, steps, codes, restart_units, strips })
    }

    /// The file that they are. Source: ITU-T T.81, annex B.
    fn join(&self) -> Result<Vec<u8>, Error> {
        let side = |side: u32| u16::try_from(side).map(u16::to_be_bytes).map_err(|_| unsupported());
        let (height, width) = (side(self.page.size.height)?, side(self.page.size.width)?);
        let numbers: Range<u8> = 0..self.steps.len() as u8;
        let mut file = b"\xff\xd8".to_vec();
        for (number, steps) in numbers.clone().zip(&self.steps) {
            push_segment(&mut file, 0xdb, &[&[number], steps]);
        }
        for (class, tables) in [0, 0x10].into_iter().zip(&self.codes) {
            for (number, codes) in numbers.clone().zip(tables) {
                push_segment(&mut file, 0xc4, &[&[class | number], codes]);
            }
        }
        let factors = |number: u8| if number == 0 { self.across << 4 | self.down } else { 0x11 };
        let frame: Vec<u8> = numbers.clone().flat_map(|number| [number + 1, factors(number), number]).collect();
        push_segment(&mut file, 0xc0, &[&[8], &height, &width, &[numbers.end], &frame]);
        if self.restart_units > 0 {
            push_segment(&mut file, 0xdd, &[&self.restart_units.to_be_bytes()]);
        }
        let scan: Vec<u8> = numbers.clone().flat_map(|number| [number + 1, number << 4 | number]).collect();
        push_segment(&mut file, 0xda, &[&[numbers.end], &scan, &[0, 63, 0]]);
        for (index, strip) in self.strips.iter().enumerate() {
            if index > 0 {
                file.extend([0xff, 0xd0 + ((index - 1) % 8) as u8]);
            }
            file.extend_from_slice(without_marker(strip));
        }
        file.extend(b"\xff\xd9");
        Ok(file)
    }
}

fn numbers(reader: &mut Reader, tag: Tag) -> Option<Vec<u64>> {
    reader.find_tag(tag).ok()??.into_u64_vec().ok()
}

/// A strip without the marker that some writers end it with: a restart or the end.
fn without_marker(strip: &[u8]) -> &[u8] {
    match strip {
        [data @ .., 0xff, 0xd0..=0xd7 | 0xd9] => data,
        data => data,
    }
}

fn push_segment(file: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) {
    let length = 2 + parts.iter().map(|part| part.len()).sum::<usize>() as u16;
    file.extend([0xff, marker]);
    file.extend(length.to_be_bytes());
    parts.iter().for_each(|part| file.extend_from_slice(part));
}
