//! circle: keep the centred disc.

use crate::error::{Ec, Error};
use crate::geometry::Rect;
use crate::plan::Canvas;
use crate::process::Action;
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use std::fmt;

pub const SPEC: Spec = Spec {
    name: "circle",
    summary: "keep the centred disc; outside is transparent, or white where the format has no alpha",
    params: &[Param {
        key: "r",
        kind: Kind::Integer(1, 4096, "px"),
        default: "",
        doc: "radius; at most half of the shorter side counts",
    }],
    examples: &["image/circle,r_100", "image/circle,r_4096/format,png"],
    parse,
};

#[derive(Debug)]
struct Circle {
    radius: u32,
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    for argument in arguments.effective() {
        if argument.key == "r" {
            return Ok(Box::new(Circle { radius: argument.integer(1..=4096, Some(Ec::image(233)))? }));
        }
    }
    Err(arguments.missing(Some("r"), Some(Ec::image(233))))
}

impl Action for Circle {
    fn plan(&self, canvas: &mut Canvas) -> Result<(), Error> {
        let size = canvas.size();
        // A disc of radius r needs a square of side 2r + 1.
        let radius = self.radius.min((size.shortest_side() - 1) / 2);
        let side = 2 * radius + 1;
        let (x, y) = ((size.width - side) / 2, (size.height - side) / 2);
        canvas.crop(Rect { x, y, width: side, height: side });
        canvas.mask_circle(radius);
        Ok(())
    }
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "circle,r_{}", self.radius)
    }
}
