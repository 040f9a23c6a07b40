//! sharpen: a Laplacian's worth of edges added.

use crate::error::{Ec, Error};
use crate::plan::Canvas;
use crate::process::Action;
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use std::fmt;

pub const SPEC: Spec = Spec {
    name: "sharpen",
    summary: "sharpen; 100 is recommended",
    params: &[Param { key: "", kind: Kind::Integer(50, 399, ""), default: "", doc: "strength" }],
    examples: &["image/sharpen,100", "image/resize,w_200/sharpen,399"],
    parse,
};

#[derive(Debug)]
struct Sharpen {
    amount: i32,
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    let amount = arguments.only(Some(Ec::image(279)))?.integer("sharpen", 50..=399, Some(Ec::image(280)))?;
    Ok(Box::new(Sharpen { amount }))
}

impl Action for Sharpen {
    fn plan(&self, canvas: &mut Canvas) -> Result<(), Error> {
        canvas.sharpen(self.amount);
        Ok(())
    }
}

impl fmt::Display for Sharpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sharpen,{}", self.amount)
    }
}
