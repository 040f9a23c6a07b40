//! What `info` tells of a file: its own facts, its resolution, and the EXIF entries by name.
//!
//! Values only; the layout of the answer is made elsewhere. Source of the names and of every
//! form: the specification, section 7.1.

mod text;

use super::{exif, heif, jpeg};
use crate::format::{Format, Probe};
use ::exif::{Context, Tag};
use exif::{Directory, Entry};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub fn info(bytes: &[u8], probe: &Probe) -> BTreeMap<String, String> {
    let mut fields: BTreeMap<String, String> = [
        ("FileSize", bytes.len().to_string()),
        ("Format", probe.format.name().to_owned()),
        ("FrameCount", probe.frames.to_string()),
        ("ImageHeight", probe.size.height.to_string()),
        ("ImageWidth", probe.size.width.to_string()),
    ]
    .map(|(key, text)| (key.to_owned(), text))
    .into();
    let block = exif_block(bytes, probe.format);
    // Entries come main picture first, thumbnail last: what is there already wins.
    for entry in exif::entries(&block) {
        // Behind the directory of a TIFF file stands not a thumbnail but the next page.
        if probe.format == Format::Tiff && entry.directory == Directory::Thumbnail {
            continue;
        }
        let Some(name) = name(&entry) else { continue };
        if !fields.contains_key(&name)
            && let Some(text) = text::text(&entry, &name)
        {
            fields.insert(name, text);
        }
    }
    if !RESOLUTION.iter().any(|key| fields.contains_key(*key)) {
        let density = (probe.format == Format::Jpeg).then(|| density(bytes)).flatten();
        let texts = density.into_iter().flat_map(|texts| RESOLUTION.into_iter().zip(texts));
        fields.extend(texts.map(|(key, text)| (key.to_owned(), text)));
    }
    fields
}

const RESOLUTION: [&str; 3] = ["ResolutionUnit", "XResolution", "YResolution"];

/// The resolution as a JFIF header tells it: version, unit, two densities.
fn density(bytes: &[u8]) -> Option<[String; 3]> {
    let [_, _, unit, x1, x0, y1, y0] = *jpeg::markers::Head::read(bytes).jfif?.first_chunk()?;
    let [x, y] = [[x1, x0], [y1, y0]].map(|density| format!("{}/1", u16::from_be_bytes(density)));
    // EXIF counts 1, 2, 3 for no unit, inches, centimetres, where JFIF counts 0, 1, 2.
    Some([(u16::from(unit) + 1).to_string(), x, y])
}

/// The EXIF block of a file, TIFF header first; empty where the format or the file has none.
fn exif_block(bytes: &[u8], format: Format) -> Cow<'_, [u8]> {
    match format {
        Format::Jpeg => jpeg::markers::Head::read(bytes).exif.unwrap_or_default().into(),
        Format::Tiff => bytes.into(),
        Format::WebP => webp_chunk(bytes, b"EXIF").unwrap_or_default().into(),
        Format::Heic | Format::Avif => heif::exif(bytes).unwrap_or_default().into(),
        Format::Png | Format::Bmp | Format::Gif => Cow::default(),
    }
}

/// The payload of a WebP's chunk of this name. Some writers put JPEG's identifier before the block.
fn webp_chunk<'a>(bytes: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    let mut rest = bytes.get(12..)?;
    loop {
        let (name, behind) = rest.split_first_chunk::<4>()?;
        let (length, behind) = behind.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        if name == wanted {
            let payload = behind.get(..length)?;
            return Some(exif::without_prefix(payload));
        }
        // Chunks of odd length are followed by a byte of padding.
        rest = behind.get(length.checked_add(length % 2)?..)?;
    }
}

/// The usual spelling of a tag, or `None` for one that is not known.
fn name(entry: &Entry) -> Option<String> {
    let other = match (entry.directory, entry.tag) {
        (Directory::Main, exif::EXIF_POINTER) => "ExifTag",
        (Directory::Main, exif::GPS_POINTER) => "GPSTag",
        (Directory::Exif, exif::INTEROPERABILITY_POINTER) => "InteroperabilityTag",
        (Directory::Exif, 0x8827) => "ISOSpeedRatings",
        (Directory::Main, 0x013c) => "HostComputer",
        _ => "",
    };
    if !other.is_empty() {
        return Some(other.to_owned());
    }
    let context = match entry.directory {
        Directory::Main | Directory::Thumbnail => Context::Tiff,
        Directory::Exif => Context::Exif,
        Directory::Gps => Context::Gps,
        Directory::Interoperability => Context::Interop,
    };
    let tag = Tag(context, entry.tag);
    tag.description().map(|_| tag.to_string())
}

#[cfg(test)]
mod tests;
