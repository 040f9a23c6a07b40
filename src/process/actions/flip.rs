//! flip: mirror.

use crate::error::Error;
use crate::geometry::Orientation;
use crate::plan::Canvas;
use crate::process::Action;
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use std::fmt;

pub const SPEC: Spec = Spec {
    name: "flip",
    summary: "mirror: 0 top to bottom, 1 left to right, 2 both",
    params: &[Param { key: "", kind: Kind::Integer(0, 2, ""), default: "", doc: "which way" }],
    examples: &["image/flip,0", "image/resize,w_200/flip,1", "image/flip,2"],
    parse,
};

#[derive(Debug)]
struct Flip {
    way: i32,
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    Ok(Box::new(Flip { way: arguments.only(None)?.integer("flip", 0..=2, None)? }))
}

impl Action for Flip {
    fn plan(&self, canvas: &mut Canvas) -> Result<(), Error> {
        canvas.orient(match self.way {
            0 => Orientation::MirrorY,
            1 => Orientation::MirrorX,
            _ => Orientation::Turn180,
        });
        Ok(())
    }
}

impl fmt::Display for Flip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flip,{}", self.way)
    }
}
