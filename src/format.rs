//! Image formats, what a header tells, and what the answer shall be.

use crate::geometry::{Orientation, Size};

/// A file format, recognised by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Jpeg,
    Png,
    WebP,
    Bmp,
    Gif,
    Tiff,
    Heic,
    Avif,
}

impl Format {
    /// Every format of the language.
    pub const ALL: [Format; 8] =
        [Format::Jpeg, Format::Png, Format::WebP, Format::Bmp, Format::Gif, Format::Tiff, Format::Heic, Format::Avif];

    /// The name in the process string and in `info`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Jpeg => "jpg",
            Format::Png => "png",
            Format::WebP => "webp",
            Format::Bmp => "bmp",
            Format::Gif => "gif",
            Format::Tiff => "tiff",
            Format::Heic => "heic",
            Format::Avif => "avif",
        }
    }

    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Jpeg => "image/jpeg",
            Format::Png => "image/png",
            Format::WebP => "image/webp",
            Format::Bmp => "image/bmp",
            Format::Gif => "image/gif",
            Format::Tiff => "image/tiff",
            Format::Heic => "image/heic",
            Format::Avif => "image/avif",
        }
    }

    /// Whether the format can carry transparency.
    pub fn has_alpha(self) -> bool {
        self != Format::Jpeg
    }

    /// The format that a process string names, aliases included.
    pub fn parse(name: &str) -> Option<Format> {
        match name {
            "jpeg" => Some(Format::Jpeg),
            "heif" => Some(Format::Heic),
            _ => Format::ALL.into_iter().find(|format| format.name() == name),
        }
    }
}

/// What the header of a source tells, before any pixel is decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    pub format: Format,
    /// As stored: orientation not applied.
    pub size: Size,
    pub orientation: Orientation,
    /// 1 for stills.
    pub frames: u32,
    /// Whether any pixel may be less than opaque.
    pub alpha: bool,
    /// The IJG quality whose tables are nearest to the file's, 1..=100; JPEG only.
    pub quality: Option<u8>,
}

/// How the `quality` action asks for a quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// `q_N` and bare `N`: percent of the source's quality.
    Relative(u8),
    /// `Q_N`: not above the source's quality.
    Absolute(u8),
}

impl Quality {
    /// The IJG quality of a JPEG answer, 1..=100.
    ///
    /// `source` is the source's own quality if it was a JPEG; without one both forms mean the
    /// value itself. Source: the specification, section 6.1.
    pub fn resolve(ask: Option<Quality>, source: Option<u8>) -> u8 {
        const DEFAULT: u8 = 90;
        match (ask, source) {
            (None, source) => source.unwrap_or(DEFAULT),
            (Some(Quality::Relative(percent) | Quality::Absolute(percent)), None) => percent,
            (Some(Quality::Absolute(value)), Some(source)) => value.min(source),
            (Some(Quality::Relative(percent)), Some(source)) => {
                ((u32::from(source) * u32::from(percent) + 50) / 100).max(1) as u8
            }
        }
    }
}

/// How the result is to be encoded, every value final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    pub format: Format,
    /// 1..=100; meaningful for JPEG.
    pub quality: u8,
    /// Progressive instead of baseline; meaningful for JPEG.
    pub interlace: bool,
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.format.name())?;
        if self.format == Format::Jpeg {
            let coding = if self.interlace { "progressive" } else { "baseline" };
            write!(f, ", quality {}, {coding}", self.quality)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_follows_the_worked_examples() {
        use Quality::{Absolute, Relative};
        // Section 6.1: source 82 with q_80 gives 66, Q_80 gives 80, Q_90 gives 82.
        assert_eq!(Quality::resolve(Some(Relative(80)), Some(82)), 66);
        assert_eq!(Quality::resolve(Some(Absolute(80)), Some(82)), 80);
        assert_eq!(Quality::resolve(Some(Absolute(90)), Some(82)), 82);
        assert_eq!(Quality::resolve(Some(Relative(90)), Some(80)), 72);
        assert_eq!(Quality::resolve(Some(Relative(1)), Some(10)), 1);
        assert_eq!(Quality::resolve(Some(Relative(70)), None), 70);
        assert_eq!(Quality::resolve(None, Some(82)), 82);
        assert_eq!(Quality::resolve(None, None), 90);
    }

    #[test]
    fn names_and_aliases() {
        assert_eq!(Format::parse("jpeg"), Some(Format::Jpeg));
        assert_eq!(Format::parse("heif"), Some(Format::Heic));
        assert_eq!(Format::parse("auto"), None);
        for format in Format::ALL {
            assert_eq!(Format::parse(format.name()), Some(format));
        }
    }
}
