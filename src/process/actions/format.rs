//! format: what the answer is encoded as.

use crate::error::{Ec, Error};
use crate::format::Format;
use crate::process::args::Arguments;
use crate::process::registry::{Kind, Param, Spec};
use crate::process::{Action, Settings};
use std::fmt;

pub const SPEC: Spec = Spec {
    name: "format",
    summary: "format of the answer; without it the source's is kept",
    params: &[Param {
        key: "",
        kind: Kind::Word(&["jpg", "png", "webp", "bmp", "gif", "tiff", "heic", "avif", "src"]),
        default: "",
        doc: "src keeps the source's format, a GIF's first frame as JPG; gif only keeps a GIF one",
    }],
    examples: &["image/format,png", "image/circle,r_60/format,jpg"],
    parse,
};

#[derive(Debug)]
struct Ask {
    /// `None`: `src`.
    format: Option<Format>,
}

fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    let name = arguments.first(Some(Ec::image(207)))?;
    let format = match name.text() {
        "src" => None,
        text => match Format::parse(text) {
            Some(format) => Some(format),
            // OSS names the key where it was given one: the value of `f_png` is called f.
            None => {
                let value = text.split_once('_').map_or(text, |(key, _)| key);
                return Err(name.invalid("f", value, Some(Ec::image(206))));
            }
        },
    };
    Ok(Box::new(Ask { format }))
}

impl Action for Ask {
    fn set(&self, settings: &mut Settings) -> bool {
        settings.format = self.format;
        settings.source_format = self.format.is_none();
        true
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "format,{}", self.format.map_or("src", Format::name))
    }
}
