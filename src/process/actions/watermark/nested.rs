//! What a watermark's picture is put through before it is laid down.

use crate::error::{Code, Ec, Error};
use crate::plan::Canvas;
use crate::process::Chain;
use crate::process::args::Place;
use crate::process::syntax::{self, Segment};
use std::fmt;

/// Actions that count inside a watermark; format and quality are taken and passed over.
/// Source: the specification, section 5.3.
const ALLOWED: [&str; 10] = [
    "resize",
    "crop",
    "indexcrop",
    "rounded-corners",
    "rotate",
    "auto-orient",
    "bright",
    "contrast",
    "format",
    "quality",
];

/// The chain of a watermark's picture.
#[derive(Debug)]
pub struct Nested(Option<Chain>);

impl Nested {
    pub const NOTHING: Nested = Nested(None);

    /// Parses the process string of a watermark's picture.
    ///
    /// # Errors
    /// `InvalidArgument` for what has no place there: EC 0040-00000373 for a watermark,
    /// 0040-00000374 for `info`; those of the actions.
    pub fn parse(text: &str) -> Result<Nested, Error> {
        let refused = |message: String| Error::new(Code::InvalidArgument, message);
        let segments = syntax::parse(text)?;
        let [Segment::Image(steps)] = segments.as_slice() else {
            return Err(refused("A watermark's picture takes image actions alone.".to_owned()));
        };
        for step in steps {
            let name = step.name.text;
            match name {
                "watermark" => {
                    return Err(refused("A watermark cannot have a watermark.".to_owned()).ec(Ec::image(373)));
                }
                "info" => return Err(refused("A watermark cannot ask for info.".to_owned()).ec(Ec::image(374))),
                name if ALLOWED.contains(&name) => {}
                name => return Err(refused(format!("The action {name} cannot be used in a watermark."))),
            }
        }
        Ok(Nested(Some(Chain::of_steps(steps, Place::Watermark)?)))
    }

    pub fn auto_orient(&self) -> bool {
        self.0.as_ref().is_none_or(|chain| chain.settings.auto_orient)
    }

    /// The actions over the canvas of the watermark's picture.
    ///
    /// # Errors
    /// Those of the actions.
    pub fn plan(&self, canvas: &mut Canvas) -> Result<(), Error> {
        self.0.iter().flat_map(|chain| &chain.actions).try_for_each(|action| action.plan(canvas))
    }
}

impl fmt::Display for Nested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |chain| chain.fmt(f))
    }
}
