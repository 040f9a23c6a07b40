//! crop: keep a rectangle.

use crate::error::{Code, Ec, Error};
use crate::geometry::{Gravity, Rect, Size};
use crate::plan::Canvas;
use crate::process::Action;
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use std::fmt;

const LENGTH: Kind = Kind::Integer(0, 16_384, "px");

pub const SPEC: Spec = Spec {
    name: "crop",
    summary: "keep a rectangle, measured from one of nine anchors",
    params: &[
        Param { key: "w", kind: LENGTH, default: "to the edge", doc: "width; 0 means to the edge" },
        Param { key: "h", kind: LENGTH, default: "to the edge", doc: "height; 0 means to the edge" },
        Param { key: "x", kind: LENGTH, default: "0", doc: "offset to the right of the anchor" },
        Param { key: "y", kind: LENGTH, default: "0", doc: "offset down from the anchor" },
        Param {
            key: "g",
            kind: Kind::Word(&["nw", "north", "ne", "west", "center", "east", "sw", "south", "se"]),
            default: "nw",
            doc: "anchor",
        },
    ],
    examples: &["image/crop,x_100,y_50,w_150,h_101", "image/crop,x_10,y_10,w_200,h_200,g_se"],
    parse,
};

#[derive(Debug)]
struct Crop {
    /// 0: to the edge.
    width: u32,
    height: u32,
    x: u32,
    y: u32,
    gravity: Gravity,
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    let mut crop = Crop { width: 0, height: 0, x: 0, y: 0, gravity: Gravity::NorthWest };
    for argument in arguments.effective() {
        let length = |ec: Option<u32>| argument.integer(0..=16_384, ec.map(Ec::image));
        match (argument.key, argument.value) {
            ("w", _) => crop.width = length(Some(225))?,
            ("h", _) => crop.height = length(Some(226))?,
            ("x", _) => crop.x = length(None)?,
            ("y", _) => crop.y = length(None)?,
            ("g", "face" | "auto") => return Err(argument.not_implemented("Face-aware crop is not implemented.")),
            ("g", _) => crop.gravity = argument.one_of(&Gravity::NAMES, Some(Ec::image(209)))?,
            _ => {}
        }
    }
    Ok(Box::new(crop))
}

impl Action for Crop {
    fn plan(&self, canvas: &mut Canvas) -> Result<(), Error> {
        let outer = canvas.size();
        let to_edge = |length: u32, side: u32| if length == 0 { side } else { length.min(side) };
        let inner = Size::new(to_edge(self.width, outer.width), to_edge(self.height, outer.height));
        let (origin_x, origin_y) = self.gravity.origin(outer, inner);
        let (x, y) = (origin_x + self.x, origin_y + self.y);
        if x >= outer.width || y >= outer.height {
            return Err(Error::new(Code::BadRequest, "Advance cut's position is out of image."));
        }
        canvas.crop(Rect { x, y, width: inner.width.min(outer.width - x), height: inner.height.min(outer.height - y) });
        Ok(())
    }

    fn keeps_frames(&self) -> bool {
        true
    }
}

impl fmt::Display for Crop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("crop")?;
        for (key, value) in [("w", self.width), ("h", self.height), ("x", self.x), ("y", self.y)] {
            if value > 0 {
                write!(f, ",{key}_{value}")?;
            }
        }
        match self.gravity {
            Gravity::NorthWest => Ok(()),
            gravity => write!(f, ",g_{}", gravity.name()),
        }
    }
}
