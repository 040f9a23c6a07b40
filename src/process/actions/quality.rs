//! quality: how well a JPEG or WebP answer is kept.

use crate::error::{Ec, Error};
use crate::format::Quality;
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use crate::process::{Action, Settings};
use std::fmt;

const PERCENT: Kind = Kind::Integer(1, 100, "");

pub const SPEC: Spec = Spec {
    name: "quality",
    summary: "quality of a JPEG or WebP answer; without it a JPEG source's is kept",
    params: &[
        Param { key: "q", kind: PERCENT, default: "", doc: "percent of the source's quality; or the word lossless" },
        Param {
            key: "Q",
            kind: PERCENT,
            default: "",
            doc: "absolute, not above the source's; wins over q; or lossless",
        },
        Param { key: "", kind: PERCENT, default: "", doc: "as q; or the word lossless: WebP without loss" },
    ],
    examples: &["image/resize,w_200/quality,q_80", "image/quality,Q_40"],
    parse,
};

#[derive(Debug)]
struct Ask {
    quality: Quality,
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    let (mut relative, mut absolute) = (None, None);
    for argument in arguments.effective() {
        let quality = |name, of_percent: fn(u8) -> Quality, ec| match argument.value {
            "lossless" => Ok(Some(Quality::Lossless)),
            _ => match argument.integer(1..=100, None) {
                Ok(percent) => Ok(Some(of_percent(percent))),
                Err(_) => Err(argument.invalid_as(name, Some(Ec::image(ec)))),
            },
        };
        match argument.key {
            "Q" => absolute = quality("Q", Quality::Absolute, 308)?,
            "q" => relative = quality("q", Quality::Relative, 309)?,
            "" => relative = quality("quality", Quality::Relative, 310)?,
            _ => {}
        }
    }
    let quality = absolute.or(relative);
    let quality = quality.ok_or_else(|| arguments.missing(None, Some(Ec::image(307))))?;
    Ok(Box::new(Ask { quality }))
}

impl Action for Ask {
    fn set(&self, settings: &mut Settings) -> bool {
        settings.quality = Some(self.quality);
        settings.still = true;
        true
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.quality {
            Quality::Relative(percent) => write!(f, "quality,q_{percent}"),
            Quality::Absolute(value) => write!(f, "quality,Q_{value}"),
            Quality::Lossless => f.write_str("quality,lossless"),
        }
    }
}
