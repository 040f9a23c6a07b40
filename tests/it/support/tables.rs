//! The tables of sizes and errors: reading them, and what a row's process string gives.

use super::{fixture, ignored, planned};
use pixelpass::error::Error;
use pixelpass::format::{Format, Probe};
use pixelpass::geometry::{Orientation, Size};
use pixelpass::plan::Rules;

/// The rows of a CSV whose fields may be quoted and hold commas; the row of names is left out.
pub fn rows(name: &str) -> Vec<Vec<String>> {
    let text = String::from_utf8(fixture(&format!("tables/{name}"))).expect("the table is UTF-8");
    let fields = |line: &str| {
        let (mut fields, mut quoted) = (vec![String::new()], false);
        for letter in line.chars() {
            match letter {
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(String::new()),
                letter => fields.last_mut().expect("never empty").push(letter),
            }
        }
        fields
    };
    text.lines().skip(1).map(fields).collect()
}

/// The header of a JPEG of quality 82, upright.
pub fn jpeg(size: Size) -> Probe {
    source(Format::Jpeg, size, Orientation::Upright, 1)
}

/// A header as the codecs would tell it.
pub fn source(format: Format, size: Size, orientation: Orientation, frames: u32) -> Probe {
    let quality = (format == Format::Jpeg).then_some(82);
    Probe { format, size, orientation, frames, alpha: format == Format::Gif, quality }
}

/// What an answer will be, told without touching pixels.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub size: Size,
    pub format: Format,
    pub animated: bool,
}

/// The answer to a process string on a source with this header.
pub fn outcome(process: &str, source: &Probe) -> Result<Outcome, Error> {
    let plan = match planned(process, source, &Rules::default()) {
        Ok(plan) => plan,
        // The stored object is the answer.
        Err(error) if ignored(process, &error) => {
            return Ok(Outcome { size: source.size, format: source.format, animated: source.frames > 1 });
        }
        Err(error) => return Err(error),
    };
    Ok(Outcome { size: plan.result_size(), format: plan.output.format, animated: plan.output.animated })
}
