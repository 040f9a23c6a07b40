//! indexcrop: cut into strips and keep one.

use crate::error::{Ec, Error};
use crate::geometry::{Rect, Side};
use crate::plan::Canvas;
use crate::process::Action;
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use std::fmt;

/// No side is longer, so that every length beyond gives one strip.
const LONGEST: i64 = i32::MAX as i64;

pub const SPEC: Spec = Spec {
    name: "indexcrop",
    summary: "cut into strips and keep the one with an index",
    params: &[
        Param { key: "x", kind: Kind::Integer(1, LONGEST, "px"), default: "", doc: "width of a strip" },
        Param { key: "y", kind: Kind::Integer(1, LONGEST, "px"), default: "", doc: "height of a strip; wins over x" },
        Param { key: "i", kind: Kind::Integer(0, LONGEST, ""), default: "0", doc: "index, from 0" },
    ],
    examples: &["image/indexcrop,x_150,i_2", "image/indexcrop,y_100,i_1"],
    parse,
};

#[derive(Debug)]
struct IndexCrop {
    side: Side,
    length: u32,
    index: u32,
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    let (mut x, mut y, mut index) = (None, None, 0);
    for argument in arguments.effective() {
        // Zero is told apart from what is no number at all by its EC.
        let length = |not_a_number: u32| {
            let ec = if argument.value.bytes().all(|byte| byte == b'0') { 230 } else { not_a_number };
            argument.integer(1..=LONGEST, Some(Ec::image(ec))).map(Some)
        };
        match argument.key {
            "x" => x = length(223)?,
            "y" => y = length(224)?,
            "i" => index = argument.integer(0..=LONGEST, Some(Ec::image(229)))?,
            _ => {}
        }
    }
    let (side, length) = match (x, y) {
        (_, Some(y)) => (Side::Height, y),
        (Some(x), None) => (Side::Width, x),
        (None, None) => return Err(arguments.missing(Some("x"), Some(Ec::image(230)))),
    };
    Ok(Box::new(IndexCrop { side, length, index }))
}

impl Action for IndexCrop {
    /// The last strip may be smaller; an index beyond the last changes nothing.
    fn plan(&self, canvas: &mut Canvas) -> Result<(), Error> {
        let size = canvas.size();
        let side = if self.side == Side::Width { size.width } else { size.height };
        let start = u64::from(self.index) * u64::from(self.length);
        if start >= u64::from(side) {
            return Ok(());
        }
        let start = start as u32;
        let length = self.length.min(side - start);
        canvas.crop(match self.side {
            Side::Width => Rect { x: start, width: length, ..size.rect() },
            Side::Height => Rect { y: start, height: length, ..size.rect() },
        });
        Ok(())
    }
}

impl fmt::Display for IndexCrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.side == Side::Width { "x" } else { "y" };
        write!(f, "indexcrop,{key}_{},i_{}", self.length, self.index)
    }
}
