//! ACTIONS: one row an action. Parser, command line, README table, goldens, parity cases and
//! benches all read these rows.

use super::Action;
use super::actions::*;
use super::args::Arguments;
use crate::error::{Code, Error};
use std::fmt::Write;

/// What an argument's value may be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A whole number from the first to the second; the unit is told in words.
    Integer(i64, i64, &'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Six hex digits.
    Color,
    /// URL-safe Base64 of UTF-8 text, padding optional.
    Base64,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Integer(from, to, "") => write!(f, "{from}..{to}"),
            Kind::Integer(from, to, unit) => write!(f, "{from}..{to} {unit}"),
            Kind::Word(words) => f.write_str(&words.join(" ")),
            Kind::Base64 => f.write_str("Base64"),
            Kind::Color => f.write_str("RRGGBB"),
        }
    }
}

/// One argument of an action.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Empty for a bare value.
    pub key: &'static str,
    pub kind: Kind,
    /// Empty where there is none.
    pub default: &'static str,
    pub doc: &'static str,
}

/// Everything anyone wants to know about an action.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    pub name: &'static str,
    pub summary: &'static str,
    pub params: &'static [Param],
    /// Whole process strings; each is a golden, a parity case and a bench.
    pub examples: &'static [&'static str],
    pub parse: fn(&Arguments) -> Result<Box<dyn Action>, Error>,
}

/// Every action that is built.
pub static ACTIONS: &[Spec] = &[
    resize::SPEC,
    crop::SPEC,
    indexcrop::SPEC,
    circle::SPEC,
    rounded_corners::SPEC,
    rotate::SPEC,
    flip::SPEC,
    blur::SPEC,
    bright::SPEC,
    contrast::SPEC,
    sharpen::SPEC,
    watermark::SPEC,
    auto_orient::SPEC,
    quality::SPEC,
    format::SPEC,
    interlace::SPEC,
    ignore_error::SPEC,
    info::SPEC,
    average_hue::SPEC,
];

/// Names that the language knows and this build does not: refused, never ignored.
pub static NOT_BUILT: &[&str] = &["blindwatermark", "faces", "bodies", "cars", "codes", "labels", "score"];

/// The row of an action.
///
/// # Errors
/// `NotImplemented` for a name in [`NOT_BUILT`], else `InvalidArgument` (EC 0040-00000213).
pub fn find(name: &str) -> Result<&'static Spec, Error> {
    if let Some(spec) = ACTIONS.iter().find(|spec| spec.name == name) {
        return Ok(spec);
    }
    if NOT_BUILT.contains(&name) {
        return Err(Error::new(Code::NotImplemented, format!("The action {name} is not implemented.")));
    }
    let message = format!("The action {name} is unknown.");
    Err(Error::new(Code::InvalidArgument, message).ec(crate::error::Ec::image(213)))
}

/// All examples, in row order, with the action that each belongs to.
pub fn examples() -> impl Iterator<Item = (&'static str, &'static str)> {
    ACTIONS.iter().flat_map(|spec| spec.examples.iter().map(move |example| (spec.name, *example)))
}

/// The list for the command line.
pub fn describe() -> String {
    let mut text = String::new();
    for spec in ACTIONS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}: {}", spec.name, spec.summary);
        for param in spec.params {
            let key = if param.key.is_empty() { "VALUE".to_owned() } else { format!("{}_VALUE", param.key) };
            let default = match param.default {
                "" => String::new(),
                default => format!(" (default {default})"),
            };
            let _ = writeln!(text, "  {key:<12} {}{default}: {}", param.kind, param.doc);
        }
        for example in spec.examples {
            let _ = writeln!(text, "  e.g. {example}");
        }
        text.push('\n');
    }
    let _ = writeln!(text, "Known to the language, not built here: {}", NOT_BUILT.join(", "));
    text
}

/// The table for the README.
pub fn markdown() -> String {
    let mut text = String::from("| action | what it does | arguments |\n| --- | --- | --- |\n");
    for spec in ACTIONS {
        let argument = |param: &Param| match param.key {
            "" => format!("{}", param.kind),
            key => format!("`{key}_` {}", param.kind),
        };
        let arguments: Vec<_> = spec.params.iter().map(argument).collect();
        let _ = writeln!(text, "| `{}` | {} | {} |", spec.name, spec.summary, arguments.join("; "));
    }
    text
}
