//! info: a question about the stored object instead of a picture.

use crate::error::Error;
use crate::process::args::Arguments;
use crate::process::registry::Spec;
use crate::process::{Action, Question};

pub const SPEC: Spec = Spec {
    name: "info",
    summary: "size, format, frames and EXIF of the stored object as JSON; stands alone",
    params: &[],
    examples: &[],
    parse,
};

fn parse(_arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    Ok(Box::new(Question::Info))
}
