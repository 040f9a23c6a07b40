//! rounded-corners: round the four corners.

use crate::error::{Ec, Error};
use crate::plan::Canvas;
use crate::process::Action;
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use std::fmt;

pub const SPEC: Spec = Spec {
    name: "rounded-corners",
    summary: "round the corners; outside is transparent, or white where the format has no alpha",
    params: &[Param {
        key: "r",
        kind: Kind::Integer(1, 4096, "px"),
        default: "",
        doc: "radius; at most half of the shorter side counts",
    }],
    examples: &["image/rounded-corners,r_30", "image/rounded-corners,r_200/format,png"],
    parse,
};

#[derive(Debug)]
struct RoundedCorners {
    radius: u32,
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    for argument in arguments.effective() {
        if argument.key == "r" {
            return Ok(Box::new(RoundedCorners { radius: argument.integer(1..=4096, Some(Ec::image(237)))? }));
        }
    }
    Err(arguments.missing(Some("r"), Some(Ec::image(237))))
}

impl Action for RoundedCorners {
    fn plan(&self, canvas: &mut Canvas) -> Result<(), Error> {
        let radius = self.radius.min(canvas.size().shortest_side() / 2);
        if radius > 0 {
            canvas.mask_corners(radius);
        }
        Ok(())
    }
}

impl fmt::Display for RoundedCorners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rounded-corners,r_{}", self.radius)
    }
}
