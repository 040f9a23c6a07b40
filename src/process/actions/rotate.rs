//! rotate: turn clockwise by any angle.

use crate::error::{Ec, Error};
use crate::plan::Canvas;
use crate::process::Action;
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use std::fmt;

pub const SPEC: Spec = Spec {
    name: "rotate",
    summary: "turn clockwise; the canvas grows, its corners transparent, or white where the format has no alpha",
    params: &[Param {
        key: "",
        kind: Kind::Integer(0, 360, "degrees"),
        default: "",
        doc: "clockwise; both sides of the picture must be at most 4096 px",
    }],
    examples: &["image/rotate,90", "image/rotate,30", "image/resize,w_200/rotate,135/format,png"],
    parse,
};

#[derive(Debug)]
struct Rotate {
    angle_deg: u32,
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    let value = arguments.only(Some(Ec::image(216)))?.integer("rotate", 0..=360, Some(Ec::image(217)))?;
    Ok(Box::new(Rotate { angle_deg: value.unsigned_abs() }))
}

impl Action for Rotate {
    fn plan(&self, canvas: &mut Canvas) -> Result<(), Error> {
        canvas.rotate(self.angle_deg)
    }

    fn keeps_frames(&self) -> bool {
        true
    }
}

impl fmt::Display for Rotate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rotate,{}", self.angle_deg)
    }
}
