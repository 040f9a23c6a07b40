//! How an EXIF value is written. Source: the specification, section 7.1.

use crate::codec::exif::Entry;

/// Longest UNDEFINED that is told byte by byte.
const UNDEFINED_BYTES: usize = 128;

/// Longest value that is told at all: as long as any in a JPEG can be. A TIFF may have longer
/// ones, such as the places of its strips, but nobody reads those.
const VALUE_BYTES: usize = 64 * 1024;

/// The text of an entry; `None` where it holds nothing, or more than anyone reads.
pub fn text(entry: &Entry, name: &str) -> Option<String> {
    if entry.kind == 7 && entry.value.len() > UNDEFINED_BYTES {
        return Some(format!("{} bytes undefined data", entry.value.len()));
    }
    if entry.value.is_empty() || entry.value.len() > VALUE_BYTES {
        return None;
    }
    let special = match name {
        "GPSLatitude" | "GPSLongitude" => degrees(entry),
        "GPSLatitudeRef" => direction(entry, "North", "South"),
        "GPSLongitudeRef" => direction(entry, "East", "West"),
        _ => None,
    };
    special.or_else(|| plain(entry))
}

fn plain(entry: &Entry) -> Option<String> {
    let signed = |bytes| entry.u32(bytes) as i32;
    let text = match entry.kind {
        1 | 7 => listed(entry, |[byte]: [u8; 1]| byte.to_string()),
        2 => ascii(entry),
        3 => listed(entry, |bytes| entry.u16(bytes).to_string()),
        4 | 13 => listed(entry, |bytes| entry.u32(bytes).to_string()),
        5 => listed(entry, |bytes| fraction(halves(bytes).map(|half| entry.u32(half)))),
        6 => listed(entry, |[byte]: [u8; 1]| (byte as i8).to_string()),
        8 => listed(entry, |bytes| (entry.u16(bytes) as i16).to_string()),
        9 => listed(entry, |bytes| signed(bytes).to_string()),
        10 => listed(entry, |bytes| fraction(halves(bytes).map(signed))),
        11 => listed(entry, |bytes| f32::from_bits(entry.u32(bytes)).to_string()),
        12 => listed(entry, |bytes| f64::from_bits(entry.u64(bytes)).to_string()),
        _ => return None,
    };
    Some(text)
}

/// Every value's text, a blank between them.
fn listed<const BYTES: usize>(entry: &Entry, text: impl Fn([u8; BYTES]) -> String) -> String {
    entry.value.as_chunks().0.iter().map(|bytes| text(*bytes)).collect::<Vec<_>>().join(" ")
}

fn halves([a, b, c, d, e, f, g, h]: [u8; 8]) -> [[u8; 4]; 2] {
    [[a, b, c, d], [e, f, g, h]]
}

/// Not reduced.
fn fraction([numerator, denominator]: [impl std::fmt::Display; 2]) -> String {
    format!("{numerator}/{denominator}")
}

fn ascii(entry: &Entry) -> String {
    String::from_utf8_lossy(entry.value).trim_end_matches(['\0', ' ']).to_owned()
}

/// The word for the reference letter of a latitude or longitude; `None` for other letters.
fn direction(entry: &Entry, positive: &str, negative: &str) -> Option<String> {
    let word = match entry.value.first()? {
        b'N' | b'E' => positive,
        b'S' | b'W' => negative,
        _ => return None,
    };
    (entry.kind == 2).then(|| word.to_owned())
}

/// Three fractions as `31deg 55' 3.870" `: whole numbers plain, others with three decimals,
/// minutes and seconds left out where nothing but zeros follows. `None` where it is no angle.
fn degrees(entry: &Entry) -> Option<String> {
    let (fractions, []) = entry.value.as_chunks::<8>() else { return None };
    let parts: Vec<[u32; 2]> = fractions.iter().map(|bytes| halves(*bytes).map(|half| entry.u32(half))).collect();
    if entry.kind != 5 || parts.len() != 3 || parts.iter().any(|[_, denominator]| *denominator == 0) {
        return None;
    }
    let told = parts.iter().rposition(|[numerator, _]| *numerator != 0).unwrap_or(0) + 1;
    let piece = |([numerator, denominator], unit): (&[u32; 2], &str)| {
        let decimals = if numerator % denominator == 0 { 0 } else { 3 };
        format!("{:.decimals$}{unit} ", f64::from(*numerator) / f64::from(*denominator))
    };
    Some(parts[..told].iter().zip(["deg", "'", "\""]).map(piece).collect())
}
