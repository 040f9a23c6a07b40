//! auto-orient: EXIF orientation.

use crate::error::{Ec, Error};
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use crate::process::{Action, Settings};
use std::fmt;

pub const SPEC: Spec = Spec {
    name: "auto-orient",
    summary: "turn the picture as its EXIF orientation says, before everything else; on unless switched off",
    params: &[Param { key: "", kind: Kind::Integer(0, 1, ""), default: "", doc: "1 turn, 0 leave as stored" }],
    examples: &["image/auto-orient,1", "image/resize,w_100/auto-orient,0"],
    parse,
};

#[derive(Debug)]
struct AutoOrient {
    on: bool,
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    let value = arguments.only(Some(Ec::image(214)))?.integer("auto-orient", 0..=1, Some(Ec::image(215)))?;
    Ok(Box::new(AutoOrient { on: value == 1 }))
}

impl Action for AutoOrient {
    fn set(&self, settings: &mut Settings) -> bool {
        settings.auto_orient = self.on;
        settings.still = true;
        true
    }
}

impl fmt::Display for AutoOrient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "auto-orient,{}", u8::from(self.on))
    }
}
