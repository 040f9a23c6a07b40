//! bright: brightness.

use crate::error::{Ec, Error};
use crate::plan::Canvas;
use crate::plan::tone::ToneTable;
use crate::process::Action;
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use std::fmt;

pub const SPEC: Spec = Spec {
    name: "bright",
    summary: "brighter or darker by an offset",
    params: &[Param { key: "", kind: Kind::Integer(-100, 100, ""), default: "", doc: "0 changes nothing" }],
    examples: &["image/bright,50", "image/bright,-30"],
    parse,
};

#[derive(Debug)]
struct Bright {
    amount: i32,
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    let amount = arguments.only(Some(Ec::image(245)))?.integer("bright", -100..=100, Some(Ec::image(246)))?;
    Ok(Box::new(Bright { amount }))
}

impl Action for Bright {
    fn plan(&self, canvas: &mut Canvas) -> Result<(), Error> {
        if self.amount != 0 {
            canvas.tone(&ToneTable::bright(self.amount));
        }
        Ok(())
    }
}

impl fmt::Display for Bright {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bright,{}", self.amount)
    }
}
