//! Process strings: text → [`Chain`] of typed actions → [`Plan`].
//!
//! A mistake in the text is answered by [`Chain::parse`], with the span of the wrong piece, before
//! any byte of a picture is read. What depends on the picture's size is answered by
//! [`Chain::plan`], before any pixel is decoded. An action is one file in `actions` and one row in
//! [`registry`].

mod actions;
mod args;
pub mod registry;
mod syntax;

use crate::error::{Code, Ec, Error};
use crate::format::{Format, Output, Probe, Quality};
use crate::geometry::Size;
use crate::limits::Limits;
use crate::plan::weights::Resample;
use crate::plan::{Canvas, Plan};
use args::Arguments;
use std::fmt;
use syntax::{Piece, Segment, Step};

/// One parsed action. Its `Display` is its canonical text: keys in a fixed order, defaults left out.
pub trait Action: fmt::Debug + fmt::Display + Send + Sync {
    /// What the action does to the picture, in the canvas's verbs.
    fn plan(&self, _canvas: &mut Canvas) -> Result<(), Error> {
        Ok(())
    }

    /// What the action asks of the output. `true` means that it is no pixel action: its place in
    /// the chain does not matter and the last one of its name wins.
    fn set(&self, _settings: &mut Settings) -> bool {
        false
    }
}

/// What a chain asks of its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub quality: Option<Quality>,
    /// `None`: the source's format.
    pub format: Option<Format>,
    pub interlace: bool,
    pub auto_orient: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { quality: None, format: None, interlace: false, auto_orient: true }
    }
}

impl Settings {
    /// The output for a source with this header.
    fn output(&self, probe: &Probe) -> Output {
        let format = match self.format {
            // Only a GIF may become a GIF; a GIF taken as `src` is handled where it is decoded.
            Some(Format::Gif) | None => probe.format,
            Some(format) => format,
        };
        Output {
            format,
            quality: Quality::resolve(self.quality, format, probe.quality),
            lossless: self.quality == Some(Quality::Lossless),
            interlace: self.interlace,
            animated: false,
        }
    }
}

/// The parsed actions in order; every argument legal by itself, defaults filled.
#[derive(Debug)]
pub struct Chain {
    /// Pixel actions, in order.
    actions: Vec<Box<dyn Action>>,
    /// Output actions, the last of each name, in the order of the registry.
    outputs: Vec<Box<dyn Action>>,
    settings: Settings,
}

impl Chain {
    /// Parses a whole process string, already percent-decoded.
    ///
    /// # Errors
    /// The first mistake from left to right: `InvalidArgument`, `MissingArgument`, `BadRequest` or
    /// `TooManyPipe`, with EC and span; `NotImplemented` for what is recognised but not built.
    pub fn parse(text: &str) -> Result<Chain, Error> {
        let segments = syntax::parse(text)?;
        if let Some(Segment::SaveAs(piece)) = segments.iter().find(|segment| matches!(segment, Segment::SaveAs(_))) {
            let message = "sys/saveas is only allowed in a POST.";
            return Err(Error::new(Code::InvalidArgument, message).at(piece.span()));
        }
        match segments.as_slice() {
            [Segment::Image(steps)] => Chain::of_steps(steps),
            [Segment::Style(name)] => Err(style_error(name)),
            _ => Err(Error::new(Code::NotImplemented, "Pipes are not implemented.")),
        }
    }

    fn of_steps(steps: &[Step]) -> Result<Chain, Error> {
        let mut chain = Chain { actions: Vec::new(), outputs: Vec::new(), settings: Settings::default() };
        let mut outputs: Vec<(usize, Box<dyn Action>)> = Vec::new();
        for step in steps {
            let spec = registry::find(step.name.text).map_err(|error| error.at(step.name.span()))?;
            let action = (spec.parse)(&Arguments::new(step))?;
            if action.set(&mut chain.settings) {
                let row = registry::ACTIONS.iter().position(|row| row.name == spec.name).unwrap_or_default();
                outputs.retain(|(earlier, _)| *earlier != row);
                outputs.push((row, action));
            } else {
                chain.actions.push(action);
            }
        }
        outputs.sort_by_key(|(row, _)| *row);
        chain.outputs = outputs.into_iter().map(|(_, action)| action).collect();
        Ok(chain)
    }

    /// Meets the picture: the plan for a source with this header.
    ///
    /// # Errors
    /// What an action finds wrong with the picture's size: `BadRequest`, `ImageTooLarge`,
    /// `MemLimitExceeded`.
    pub fn plan(&self, probe: &Probe, limits: &Limits, resample: Resample) -> Result<Plan, Error> {
        self.walk(probe, limits, resample, |_, _| ())?.finish(self.settings.output(probe))
    }

    /// The size after each step of the plan, with the step's canonical text.
    ///
    /// # Errors
    /// Those of [`Chain::plan`].
    pub fn steps(&self, probe: &Probe, limits: &Limits, resample: Resample) -> Result<Vec<(String, Size)>, Error> {
        let mut steps = Vec::new();
        self.walk(probe, limits, resample, |step, canvas| steps.push((step.to_string(), canvas.size())))?;
        Ok(steps)
    }

    fn walk(
        &self,
        probe: &Probe,
        limits: &Limits,
        resample: Resample,
        mut seen: impl FnMut(&dyn fmt::Display, &Canvas),
    ) -> Result<Canvas, Error> {
        let mut canvas = Canvas::new(probe, *limits, resample);
        if self.settings.auto_orient {
            canvas.auto_orient(probe.orientation)?;
        }
        for action in &self.actions {
            action.plan(&mut canvas)?;
            seen(action, &canvas);
        }
        Ok(canvas)
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("image")?;
        self.actions.iter().chain(&self.outputs).try_for_each(|action| write!(f, "/{action}"))
    }
}

/// Styles are looked up by whoever knows the bucket; here a name is only judged.
fn style_error(name: &Piece) -> Error {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let error = match name.text {
        text if text.is_empty() || text.len() > 63 => Error::invalid_value("stylename", text).ec(Ec(17, 250)),
        text if !text.bytes().all(legal) => Error::invalid_value("stylename", text).ec(Ec(17, 251)),
        _ => Error::new(Code::NotImplemented, "Styles are not implemented."),
    };
    error.at(name.span())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_text() {
        let canonical = |text: &str| Chain::parse(text).unwrap().to_string();
        assert_eq!(canonical("image/resize,h_50,w_100,w_200,zz_1"), "image/resize,w_200,h_50");
        // Output settings move to the end, the last of each kept, in the registry's order.
        assert_eq!(
            canonical("image/format,png/quality,q_80/resize,w_100,limit_1/format,jpeg/"),
            "image/resize,w_100/quality,q_80/format,jpg"
        );
        for (_, example) in registry::examples() {
            let once = canonical(example);
            assert_eq!(canonical(&once), once);
        }
    }

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        let text = "image/resize,w_100/blur,r_3,s_99/format,zzz";
        let error = Chain::parse(text).unwrap_err();
        assert_eq!(&text[error.span.unwrap()], "s_99");
    }

    #[test]
    fn what_is_not_built_says_so() {
        for text in ["image/rotate,90", "image/watermark,text_YQ", "image/info", "style/a", "image/crop|image/crop"] {
            assert_eq!(Chain::parse(text).unwrap_err().code, Code::NotImplemented, "{text}");
        }
        assert_eq!(Chain::parse("style/bad*name").unwrap_err().ec, Some(Ec(17, 251)));
        let saveas = Chain::parse("image/resize,w_1|sys/saveas,o_YQ").unwrap_err();
        assert_eq!(saveas.code, Code::InvalidArgument);
    }
}
