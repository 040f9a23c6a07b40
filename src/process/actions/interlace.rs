//! interlace: progressive JPEG.

use crate::error::{Ec, Error};
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use crate::process::{Action, Settings};
use std::fmt;

pub const SPEC: Spec = Spec {
    name: "interlace",
    summary: "1 makes a JPEG answer progressive",
    params: &[Param { key: "", kind: Kind::Integer(0, 1, ""), default: "", doc: "1 progressive, 0 baseline" }],
    examples: &["image/resize,w_200/interlace,1"],
    parse,
};

#[derive(Debug)]
struct Interlace {
    on: bool,
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    let value = arguments.first(Some(Ec::image(281)))?.integer("interlace", 0..=1, Some(Ec::image(282)))?;
    Ok(Box::new(Interlace { on: value == 1 }))
}

impl Action for Interlace {
    fn set(&self, settings: &mut Settings) -> bool {
        settings.interlace = self.on;
        true
    }
}

impl fmt::Display for Interlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interlace,{}", u8::from(self.on))
    }
}
