//! What a file is, by its first bytes. Names and content types of uploads are never asked.

use crate::format::Format;
use image::ImageFormat;

/// The format of a file, or `None` where it is not one that the language knows.
pub fn recognise(bytes: &[u8]) -> Option<Format> {
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => Some(Format::Jpeg),
        Ok(ImageFormat::Png) => Some(Format::Png),
        Ok(ImageFormat::WebP) => Some(Format::WebP),
        Ok(ImageFormat::Bmp) => Some(Format::Bmp),
        Ok(ImageFormat::Gif) => Some(Format::Gif),
        Ok(ImageFormat::Tiff) => Some(Format::Tiff),
        Ok(ImageFormat::Avif) => Some(Format::Avif),
        Ok(_) => None,
        Err(_) if bytes.starts_with(b"II+\0") || bytes.starts_with(b"MM\0+") => Some(Format::Tiff),
        Err(_) => by_brand(bytes),
    }
}

/// HEIC or AVIF by the brands of the leading `ftyp` box: the major one, then the compatible ones.
///
/// `mif1` and `msf1` tell only the container, so they leave the word to the brands after them.
/// Source: ISO/IEC 14496-12 section 4.3, ISO/IEC 23008-12 annex B, the AV1 image file format.
fn by_brand(bytes: &[u8]) -> Option<Format> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    let (length, kind) = head.split_first_chunk::<4>()?;
    if kind != b"ftyp" {
        return None;
    }
    let length = (u32::from_be_bytes(*length) as usize).saturating_sub(head.len());
    let brands = &rest[..length.min(rest.len())];
    // The second word is the minor version, which no brand can be mistaken for.
    brands.chunks_exact(4).find_map(|brand| match brand {
        b"avif" | b"avis" => Some(Format::Avif),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => Some(Format::Heic),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_content() {
        assert_eq!(recognise(b"\xff\xd8\xff\xe0"), Some(Format::Jpeg));
        assert_eq!(recognise(b"\x89PNG\r\n\x1a\n"), Some(Format::Png));
        assert_eq!(recognise(b"RIFF\x10\0\0\0WEBPVP8L"), Some(Format::WebP));
        assert_eq!(recognise(b"GIF89a"), Some(Format::Gif));
        assert_eq!(recognise(b"BM\x58\0\0\0"), Some(Format::Bmp));
        assert_eq!(recognise(b"II*\0\x08\0\0\0"), Some(Format::Tiff));
        assert_eq!(recognise(b"II+\0\x08\0\0\0"), Some(Format::Tiff));
        assert_eq!(recognise(b"%PDF-1.7"), None);
        assert_eq!(recognise(b""), None);
    }

    #[test]
    fn brands_tell_heic_from_avif() {
        assert_eq!(recognise(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), Some(Format::Heic));
        assert_eq!(recognise(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"), Some(Format::Heic));
        assert_eq!(recognise(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif"), Some(Format::Avif));
        assert_eq!(recognise(b"\0\0\0\x14ftypavis\0\0\0\0msf1"), Some(Format::Avif));
        // Brands end with their box: this one is an MP4.
        assert_eq!(recognise(b"\0\0\0\x14ftypisom\0\0\0\0mp42heic"), None);
        assert_eq!(recognise(b"\0\0\0\x00ftypheic"), None);
        assert_eq!(recognise(b"\0\0\0\x18fty"), None);
    }
}
