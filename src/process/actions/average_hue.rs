//! average-hue: a question about the stored object instead of a picture.

use crate::error::Error;
use crate::process::args::Arguments;
use crate::process::registry::Spec;
use crate::process::{Action, Question};
use std::fmt;

pub const SPEC: Spec = Spec {
    name: "average-hue",
    summary: "the main colour of the stored object as JSON; stands alone",
    params: &[],
    examples: &[],
    parse,
};

#[derive(Debug)]
struct Ask;

fn parse(_arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    Ok(Box::new(Ask))
}

impl Action for Ask {
    fn question(&self) -> Option<Question> {
        Some(Question::AverageHue)
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("average-hue")
    }
}
