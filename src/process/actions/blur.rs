//! blur: Gaussian.

use crate::error::{Ec, Error};
use crate::plan::Canvas;
use crate::process::Action;
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use std::fmt;

pub const SPEC: Spec = Spec {
    name: "blur",
    summary: "Gaussian blur of a radius and a standard deviation",
    params: &[
        Param { key: "r", kind: Kind::Integer(1, 50, "px"), default: "", doc: "radius of the kernel" },
        Param { key: "s", kind: Kind::Integer(1, 50, "px"), default: "", doc: "standard deviation" },
    ],
    examples: &["image/blur,r_3,s_2", "image/resize,w_200/blur,r_50,s_20"],
    parse,
};

#[derive(Debug)]
struct Blur {
    radius: u32,
    sigma: u32,
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    let (mut radius, mut sigma) = (None, None);
    for argument in arguments.effective() {
        match (argument.key, argument.value) {
            ("r", _) => radius = Some(argument.integer(1..=50, Some(Ec::image(241)))?),
            ("s", _) => sigma = Some(argument.integer(1..=50, Some(Ec::image(242)))?),
            ("g", "face" | "faces") => return Err(argument.not_implemented("Face-aware blur is not implemented.")),
            _ => {}
        }
    }
    let radius = radius.ok_or_else(|| arguments.missing(Some("r"), Some(Ec::image(241))))?;
    let sigma = sigma.ok_or_else(|| arguments.missing(Some("s"), Some(Ec::image(242))))?;
    Ok(Box::new(Blur { radius, sigma }))
}

impl Action for Blur {
    fn plan(&self, canvas: &mut Canvas) -> Result<(), Error> {
        canvas.blur(self.radius, f64::from(self.sigma));
        Ok(())
    }
}

impl fmt::Display for Blur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blur,r_{},s_{}", self.radius, self.sigma)
    }
}
