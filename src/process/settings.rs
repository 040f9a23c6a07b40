//! What a chain asks of its output.

use crate::error::{Code, Error};
use crate::format::{Format, Output, Probe, Quality};
use crate::plan::Rules;

/// What the output actions of a chain add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub quality: Option<Quality>,
    /// `None`: the source's format.
    pub format: Option<Format>,
    /// `format,src`: the source's format, but a GIF's first frame as JPEG.
    pub source_format: bool,
    pub interlace: bool,
    pub auto_orient: bool,
    /// An output action stands in the chain that makes an animation a still.
    pub still: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            quality: None,
            format: None,
            source_format: false,
            interlace: false,
            auto_orient: true,
            still: false,
        }
    }
}

impl Settings {
    /// The output for a source with this header, as far as `rules` go.
    ///
    /// # Errors
    /// `NotImplemented` for a format that was asked for and cannot be written.
    pub(super) fn output(&self, probe: &Probe, rules: &Rules) -> Result<Output, Error> {
        let asked = match self.format {
            None if self.source_format && probe.format == Format::Gif => Format::Jpeg,
            // Only a GIF may become a GIF.
            Some(Format::Gif) | None => probe.format,
            Some(format) => format,
        };
        let format = match asked {
            asked if rules.writable.contains(asked) => asked,
            asked if self.format == Some(asked) => {
                let message = format!("This server cannot write {}.", asked.name());
                return Err(Error::new(Code::NotImplemented, message));
            }
            // A source whose own format cannot be written is answered as JPEG.
            _ => Format::Jpeg,
        };
        Ok(Output {
            format,
            quality: Quality::resolve(self.quality, format, probe.quality),
            lossless: self.quality == Some(Quality::Lossless),
            interlace: self.interlace,
            animated: probe.frames > 1
                && format == probe.format
                && format.can_animate()
                && (rules.keep_frames || !self.still),
        })
    }
}
