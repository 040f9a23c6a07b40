//! contrast: contrast.

use crate::error::Error;
use crate::plan::Canvas;
use crate::plan::tone::ToneTable;
use crate::process::Action;
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use std::fmt;

pub const SPEC: Spec = Spec {
    name: "contrast",
    summary: "more or less contrast around the middle",
    params: &[Param { key: "", kind: Kind::Integer(-100, 100, ""), default: "", doc: "0 changes nothing" }],
    examples: &["image/contrast,-50", "image/resize,w_200/contrast,40/bright,10"],
    parse,
};

#[derive(Debug)]
struct Contrast {
    amount: i32,
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    let amount = arguments.only(None)?.integer("contrast", -100..=100, None)?;
    Ok(Box::new(Contrast { amount }))
}

impl Action for Contrast {
    fn plan(&self, canvas: &mut Canvas) -> Result<(), Error> {
        if self.amount != 0 {
            canvas.tone(&ToneTable::contrast(self.amount));
        }
        Ok(())
    }
}

impl fmt::Display for Contrast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "contrast,{}", self.amount)
    }
}
