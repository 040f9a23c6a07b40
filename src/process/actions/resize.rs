//! resize: scale, by box, side or percent.

use crate::color::Color;
use crate::error::{Ec, Error};
use crate::geometry::{Fit, Placement, Side, Size, place, place_side};
use crate::plan::Canvas;
use crate::process::Action;
use crate::process::args::{Arguments, Place};
use crate::process::registry::{Kind, Param, Spec};
use std::fmt;

const SIDE: Kind = Kind::Integer(1, 16_384, "px");

pub const SPEC: Spec = Spec {
    name: "resize",
    summary: "scale into or around a box, along a side, or by percent",
    params: &[
        Param {
            key: "m",
            kind: Kind::Word(&["lfit", "mfit", "fill", "pad", "fixed"]),
            default: "lfit",
            doc: "inside the box, around it, cut to it, padded to it, or stretched",
        },
        Param { key: "w", kind: SIDE, default: "", doc: "width of the box" },
        Param { key: "h", kind: SIDE, default: "", doc: "height of the box" },
        Param { key: "l", kind: SIDE, default: "", doc: "the long side; ignored with w or h" },
        Param { key: "s", kind: SIDE, default: "", doc: "the short side; ignored with w or h" },
        Param { key: "p", kind: Kind::Integer(1, 1000, "%"), default: "", doc: "percent of both sides" },
        Param { key: "limit", kind: Kind::Integer(0, 1, ""), default: "1", doc: "0 allows enlarging" },
        Param { key: "color", kind: Kind::Color, default: "FFFFFF", doc: "fill of pad" },
    ],
    examples: &[
        "image/resize,w_200",
        "image/resize,m_mfit,w_100,h_100",
        "image/resize,m_fill,w_120,h_100",
        "image/resize,m_pad,w_150,h_100,color_FF8000",
        "image/resize,m_fixed,w_90,h_160",
        "image/resize,w_500,limit_0",
        "image/resize,p_60",
    ],
    parse,
};

#[derive(Debug)]
struct Resize {
    fit: Fit,
    target: Target,
    enlarge: bool,
    fill: Color,
}

/// Which of the sizes given counts: P before w and h before l and s before p.
#[derive(Debug)]
enum Target {
    Box {
        width: Option<u32>,
        height: Option<u32>,
    },
    Sides {
        long: Option<u32>,
        short: Option<u32>,
    },
    Percent(u32),
    /// Inside a watermark: into this percentage of the main picture, enlarging if need be.
    OfMain(u32),
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    let (mut fit, mut enlarge, mut fill) = (Fit::Lfit, false, Color::WHITE);
    let (mut width, mut height, mut long, mut short, mut percent) = (None, None, None, None, None);
    let mut of_main = None;
    for argument in arguments.effective() {
        let side = |ec| argument.integer(1..=16_384, Some(Ec::image(ec))).map(Some);
        match argument.key {
            "m" => fit = argument.one_of(&Fit::NAMES, Some(Ec::image(311)))?,
            "w" => width = side(312)?,
            "h" => height = side(313)?,
            "l" => long = side(314)?,
            "s" => short = side(315)?,
            "p" => percent = Some(argument.integer(1..=1000, Some(Ec::image(317)))?),
            "P" if arguments.place() == Place::Watermark => of_main = Some(argument.integer(1..=100, None)?),
            "color" => fill = argument.color(Some(Ec::image(318)))?,
            "limit" => enlarge = argument.integer::<u8>(0..=1, Some(Ec::image(319)))? == 0,
            _ => {}
        }
    }
    let target = match (of_main, width.or(height), long.or(short), percent) {
        (Some(percent), _, _, _) => Target::OfMain(percent),
        (_, Some(_), _, _) => Target::Box { width, height },
        (_, _, Some(_), _) => Target::Sides { long, short },
        (_, _, _, Some(percent)) => Target::Percent(percent),
        _ => return Err(arguments.missing(Some("w"), Some(Ec::image(322)))),
    };
    Ok(Box::new(Resize { fit, target, enlarge, fill }))
}

impl Resize {
    /// Where the picture goes, or `None` where it stays as it is.
    fn placement(&self, canvas: &Canvas) -> Option<Placement> {
        let size = canvas.size();
        let landscape = size.width >= size.height;
        let (long_side, short_side) = if landscape { (Side::Width, Side::Height) } else { (Side::Height, Side::Width) };
        match self.target {
            Target::Box { width: Some(width), height: Some(height) } => self.boxed(canvas, Size::new(width, height)),
            Target::Box { width: Some(width), height: None } => self.along(canvas, Side::Width, width),
            Target::Box { width: None, height } => self.along(canvas, Side::Height, height?),
            Target::Sides { long: Some(long), short: Some(short) } => {
                let target = Size::new(long, short);
                self.boxed(canvas, if landscape { target } else { target.swapped() })
            }
            Target::Sides { long: Some(long), short: None } => self.along(canvas, long_side, long),
            Target::Sides { long: None, short } => self.along(canvas, short_side, short?),
            Target::Percent(percent) => place(Fit::Fixed, size, size.scaled(percent), canvas.may_enlarge()),
            Target::OfMain(percent) => canvas.placement_in_main(percent),
        }
    }

    fn boxed(&self, canvas: &Canvas, target: Size) -> Option<Placement> {
        place(self.fit, canvas.size(), target, self.enlarge && canvas.may_enlarge())
    }

    /// One side given: proportional, or a square for the modes that cut or pad to a box.
    fn along(&self, canvas: &Canvas, side: Side, length: u32) -> Option<Placement> {
        match self.fit {
            Fit::Lfit | Fit::Mfit | Fit::Fixed => {
                place_side(canvas.size(), side, length, self.enlarge && canvas.may_enlarge())
            }
            Fit::Fill | Fit::Pad => self.boxed(canvas, Size::new(length, length)),
        }
    }
}

impl Action for Resize {
    fn plan(&self, canvas: &mut Canvas) -> Result<(), Error> {
        match self.placement(canvas) {
            Some(placement) => canvas.resize(&placement, self.fill),
            None => Ok(()),
        }
    }

    fn keeps_frames(&self) -> bool {
        !matches!(self.target, Target::Percent(_))
    }
}

impl fmt::Display for Resize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("resize")?;
        let mut argument = |key: &str, value: Option<u32>| match value {
            Some(value) => write!(f, ",{key}_{value}"),
            None => Ok(()),
        };
        let by_percent = match self.target {
            Target::Box { width, height } => argument("w", width).and_then(|()| argument("h", height)).map(|()| false),
            Target::Sides { long, short } => argument("l", long).and_then(|()| argument("s", short)).map(|()| false),
            Target::Percent(percent) => argument("p", Some(percent)).map(|()| true),
            Target::OfMain(percent) => argument("P", Some(percent)).map(|()| true),
        }?;
        if by_percent {
            return Ok(());
        }
        if self.fit != Fit::Lfit {
            write!(f, ",m_{}", self.fit.name())?;
        }
        if self.enlarge {
            f.write_str(",limit_0")?;
        }
        if self.fit == Fit::Pad && self.fill != Color::WHITE {
            write!(f, ",color_{}", self.fill)?;
        }
        Ok(())
    }
}
