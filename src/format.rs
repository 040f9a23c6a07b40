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

    /// Whether the format can carry an animation.
    pub fn can_animate(self) -> bool {
        matches!(self, Format::Gif | Format::WebP)
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

/// A set of formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Formats(u16);

impl Formats {
    /// Every format of the language.
    pub fn all() -> Formats {
        Format::ALL.into_iter().collect()
    }

    pub fn contains(self, format: Format) -> bool {
        self.0 & 1 << format as u16 != 0
    }
}

impl FromIterator<Format> for Formats {
    fn from_iter<T: IntoIterator<Item = Format>>(formats: T) -> Formats {
        Formats(formats.into_iter().fold(0, |set, format| set | 1 << format as u16))
    }
}

/// How often an animation plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeat {
    /// At least once.
    Times(u16),
    #[default]
    Forever,
}

/// The quality of a WebP for which none was asked, whatever the source. Source: the specification,
/// section 6.1, measured on recorded answers.
const WEBP_QUALITY: u8 = 80;

/// The quality of a JPEG for which none was asked and that was none before.
const JPEG_QUALITY: u8 = 90;

/// The quality of a JPEG from which on chroma is not sampled down. Source: the specification, section
/// 6.4, measured on recorded answers.
const FULL_CHROMA_QUALITY: u8 = 90;

/// How the `quality` action asks for a quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// `q_N` and bare `N`: percent of the source's quality.
    Relative(u8),
    /// `Q_N`: not above the source's quality.
    Absolute(u8),
    /// `lossless`: WebP without loss; elsewhere as if nothing was asked.
    Lossless,
}

impl Quality {
    /// The quality of an answer as `format`, 1..=100.
    ///
    /// `source` is the source's own quality if it was a JPEG; without one both forms mean the
    /// value itself. Source: the specification, section 6.1.
    pub fn resolve(ask: Option<Quality>, format: Format, source: Option<u8>) -> u8 {
        match (ask, source) {
            (None | Some(Quality::Lossless), _) if format == Format::WebP => WEBP_QUALITY,
            (None | Some(Quality::Lossless), source) => source.unwrap_or(JPEG_QUALITY),
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
    /// 1..=100; meaningful for JPEG and WebP.
    pub quality: u8,
    /// Every pixel is kept as it is; meaningful for WebP.
    pub lossless: bool,
    /// Progressive instead of baseline; meaningful for JPEG.
    pub interlace: bool,
    /// All frames of the source, instead of the first alone; only for formats that can animate.
    pub animated: bool,
}

impl Output {
    /// A still of the default quality.
    pub fn still(format: Format) -> Output {
        Output {
            format,
            quality: Quality::resolve(None, format, None),
            lossless: false,
            interlace: false,
            animated: false,
        }
    }

    /// Pixels along each axis that a chroma sample of the answer is for, 1 or 2; meaningful for JPEG.
    pub fn chroma_span(&self) -> u32 {
        if self.quality >= FULL_CHROMA_QUALITY { 1 } else { 2 }
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.format.name())?;
        match self.format {
            Format::Jpeg => {
                let coding = if self.interlace { "progressive" } else { "baseline" };
                write!(f, ", quality {}, {coding}", self.quality)?;
            }
            Format::WebP if self.lossless => f.write_str(", lossless")?,
            Format::WebP => write!(f, ", quality {}", self.quality)?,
            _ => {}
        }
        if self.animated { f.write_str(", all frames") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_follows_the_worked_examples() {
        use Quality::{Absolute, Relative};
        let jpeg = |ask, source| Quality::resolve(ask, Format::Jpeg, source);
        // Section 6.1: source 82 with q_80 gives 66, Q_80 gives 80, Q_90 gives 82.
        assert_eq!(jpeg(Some(Relative(80)), Some(82)), 66);
        assert_eq!(jpeg(Some(Absolute(80)), Some(82)), 80);
        assert_eq!(jpeg(Some(Absolute(90)), Some(82)), 82);
        assert_eq!(jpeg(Some(Relative(90)), Some(80)), 72);
        assert_eq!(jpeg(Some(Relative(1)), Some(10)), 1);
        assert_eq!(jpeg(Some(Relative(70)), None), 70);
        assert_eq!(jpeg(None, Some(82)), 82);
        assert_eq!(jpeg(None, None), 90);
        let webp = |ask, source| Quality::resolve(ask, Format::WebP, source);
        for source in [None, Some(1), Some(82), Some(95)] {
            assert_eq!(webp(None, source), 80);
            assert_eq!(webp(Some(Quality::Lossless), source), 80);
        }
        assert_eq!(webp(Some(Relative(70)), None), 70);
        assert_eq!(webp(Some(Relative(50)), Some(82)), 41);
        assert_eq!(webp(Some(Absolute(90)), Some(82)), 82);
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set: Formats = [Format::Jpeg, Format::Avif].into_iter().collect();
        let held: Vec<_> = Format::ALL.into_iter().filter(|format| set.contains(*format)).collect();
        assert_eq!(held, [Format::Jpeg, Format::Avif]);
        assert!(Format::ALL.into_iter().all(|format| Formats::all().contains(format)));
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
