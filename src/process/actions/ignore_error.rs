//! ignore-error: the stored object instead of an error.
//!
//! Nothing is done here but to read the value: whether errors are ignored has to be known of process
//! strings that cannot be read too, which [`crate::process::Pipe::ignores_errors`] sees to.

use crate::error::Error;
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use crate::process::{Action, Settings};
use std::fmt;

pub const SPEC: Spec = Spec {
    name: "ignore-error",
    summary: "1 answers the stored object, as it is, where the picture cannot be made",
    params: &[Param { key: "", kind: Kind::Integer(0, 1, ""), default: "0", doc: "1 the object, 0 the error" }],
    examples: &["image/resize,w_200/ignore-error,1"],
    parse,
};

#[derive(Debug)]
struct IgnoreError;

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    arguments.only(None)?.integer("ignore-error", 0..=1, None)?;
    Ok(Box::new(IgnoreError))
}

impl Action for IgnoreError {
    fn set(&self, _settings: &mut Settings) -> bool {
        true
    }
}

/// Nothing: a picture that can be made is the same with it and without.
impl fmt::Display for IgnoreError {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}
