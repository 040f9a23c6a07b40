//! A reader over one step's arguments: values out of text, with the errors of OSS.

use super::syntax::{Piece, Step};
use crate::color::Color;
use crate::error::{Code, Ec, Error};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::ops::RangeInclusive;

/// Base64 as clients send it: without padding, and with whatever bits are left over.
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// The arguments of one step.
pub struct Arguments<'s, 'a> {
    step: &'s Step<'a>,
    /// Those that count.
    pieces: Vec<&'s Piece<'a>>,
    place: Place,
}

/// What a process string leaves of itself in the last argument before it where two were glued
/// together, as in `interlace,1,image/format,webp`. Source: the specification, section 1.2.9.
const GLUED: [&str; 2] = ["image", "x-oss-process=image"];

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a chain of its own.
    Main,
    /// In the chain of a watermark picture, where sizes may be told in percent of the main picture.
    Watermark,
}

/// One argument: a key with its value, or a bare value whose key is empty.
#[derive(Debug, Clone)]
pub struct Argument<'a> {
    /// Text before the first `_`; empty for a bare value.
    pub key: &'a str,
    pub value: &'a str,
    piece: Piece<'a>,
}

impl<'s, 'a> Arguments<'s, 'a> {
    pub fn new(step: &'s Step<'a>, place: Place) -> Arguments<'s, 'a> {
        let counts = |(index, piece): &(usize, &Piece)| *index == 0 || !GLUED.contains(&piece.text);
        let pieces = step.arguments.iter().enumerate().filter(counts).map(|(_, piece)| piece).collect();
        Arguments { step, pieces, place }
    }

    /// Where the step stands.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The arguments that count, in the order written: where a key repeats, its last one.
    pub fn effective(&self) -> Vec<Argument<'a>> {
        let all: Vec<_> = self.pieces.iter().map(|piece| argument(piece)).collect();
        let is_last = |index: usize| !all[index + 1..].iter().any(|later| later.key == all[index].key);
        (0..all.len()).filter(|index| is_last(*index)).map(|index| all[index].clone()).collect()
    }

    /// The one bare value of an action that takes just one, as written.
    ///
    /// # Errors
    /// `InvalidArgument` (EC 0040-00000203) for more than one argument; `MissingArgument` for none.
    pub fn only(&self, missing: Option<Ec>) -> Result<Bare<'a>, Error> {
        match self.pieces.as_slice() {
            [] | [_] => self.first(missing),
            _ => {
                let message = format!("The number of arguments of {} is invalid.", self.step.name.text);
                Err(Error::new(Code::InvalidArgument, message).ec(Ec::image(203)).at(self.span()))
            }
        }
    }

    /// The first bare value of an action that takes one and passes over what follows it.
    ///
    /// # Errors
    /// `MissingArgument` for none.
    pub fn first(&self, missing: Option<Ec>) -> Result<Bare<'a>, Error> {
        let first = self.pieces.first().ok_or_else(|| self.missing(None, missing))?;
        Ok(Bare { piece: (*first).clone() })
    }

    /// The error for an argument that is required and absent.
    pub fn missing(&self, key: Option<&str>, ec: Option<Ec>) -> Error {
        let name = self.step.name.text;
        let message = match key {
            Some(key) => format!("The parameter: {key} of {name} is missing."),
            None => format!("The value of {name} is missing."),
        };
        with_ec(Error::new(Code::MissingArgument, message).at(self.span()), ec)
    }

    /// Bytes of the process string that the whole step takes.
    fn span(&self) -> std::ops::Range<usize> {
        let last = self.step.arguments.last().unwrap_or(&self.step.name);
        self.step.name.start..last.span().end
    }
}

fn argument<'a>(piece: &Piece<'a>) -> Argument<'a> {
    let (key, value) = piece.text.split_once('_').unwrap_or(("", piece.text));
    Argument { key, value, piece: piece.clone() }
}

fn with_ec(error: Error, ec: Option<Ec>) -> Error {
    match ec {
        Some(ec) => error.ec(ec),
        None => error,
    }
}

impl Argument<'_> {
    /// An integer in `range`.
    ///
    /// # Errors
    /// `InvalidArgument` for anything but decimal digits (with `-` where the range has negative
    /// values) and for numbers outside.
    pub fn integer<T: TryFrom<i64>>(&self, range: RangeInclusive<i64>, ec: Option<Ec>) -> Result<T, Error> {
        integer(self.value, range).and_then(|value| T::try_from(value).ok()).ok_or_else(|| self.invalid(ec))
    }

    /// One of `names`.
    pub fn one_of<T: Copy>(&self, names: &[(&str, T)], ec: Option<Ec>) -> Result<T, Error> {
        let found = names.iter().find(|(name, _)| *name == self.value);
        found.map(|(_, value)| *value).ok_or_else(|| self.invalid(ec))
    }

    /// A colour in hex digits.
    pub fn color(&self, ec: Option<Ec>) -> Result<Color, Error> {
        Color::parse(self.value).ok_or_else(|| self.invalid(ec))
    }

    /// URL-safe Base64 of UTF-8 text. The standard alphabet, padding, and a space for a `+` are
    /// forgiven.
    ///
    /// # Errors
    /// `BadRequest` with `ec`.
    pub fn base64(&self, ec: u32) -> Result<String, Error> {
        let refused = || {
            let error = Error::new(Code::BadRequest, "Input is not base64 decoding.");
            error.ec(Ec::image(ec)).at(self.piece.span())
        };
        let standard = self.value.trim_end_matches('=').replace(['-', ' '], "+").replace('_', "/");
        let bytes = FORGIVING.decode(standard).map_err(|_| refused())?;
        String::from_utf8(bytes).map_err(|_| refused())
    }

    /// Where the argument stands in the process string.
    pub fn span(&self) -> std::ops::Range<usize> {
        self.piece.span()
    }

    /// The error for a bad value.
    pub fn invalid(&self, ec: Option<Ec>) -> Error {
        self.invalid_as(self.key, ec)
    }

    /// The error for a bad value of what the caller knows as `name`.
    pub fn invalid_as(&self, name: &str, ec: Option<Ec>) -> Error {
        with_ec(Error::invalid_value(name, self.value).at(self.piece.span()), ec)
    }

    /// The error for a value that belongs to a part of OSS that is not built.
    pub fn not_implemented(&self, what: &'static str) -> Error {
        Error::new(Code::NotImplemented, what).at(self.piece.span())
    }
}

/// A bare value as written.
pub struct Bare<'a> {
    piece: Piece<'a>,
}

impl<'a> Bare<'a> {
    pub fn text(&self) -> &'a str {
        self.piece.text
    }

    /// An integer in `range`; `name` is what the error calls the parameter.
    pub fn integer(&self, name: &str, range: RangeInclusive<i64>, ec: Option<Ec>) -> Result<i32, Error> {
        let value = integer(self.text(), range).and_then(|value| i32::try_from(value).ok());
        value.ok_or_else(|| self.invalid(name, self.text(), ec))
    }

    /// The error for a bad value.
    pub fn invalid(&self, name: &str, value: &str, ec: Option<Ec>) -> Error {
        with_ec(Error::invalid_value(name, value).at(self.piece.span()), ec)
    }
}

/// Decimal digits within `range`, with `-` only where the range has negative values.
pub(super) fn integer(text: &str, range: RangeInclusive<i64>) -> Option<i64> {
    let digits = match text.strip_prefix('-') {
        Some(digits) if *range.start() < 0 => digits,
        _ => text,
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Digits that overflow an i64 are out of every range.
    text.parse().ok().filter(|value| range.contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_plain_decimals() {
        assert_eq!(integer("007", 0..=10), Some(7));
        assert_eq!(integer("-7", -10..=10), Some(-7));
        for text in ["", "-", "+7", "7.0", "7e0", " 7", "٧", "99999999999999999999", "11", "-1"] {
            assert_eq!(integer(text, 0..=10), None, "{text:?}");
        }
    }

    #[test]
    fn the_last_of_a_repeated_key_counts() {
        let segments = super::super::syntax::parse("image/resize,w_1,h_2,w_3,x").unwrap();
        let super::super::syntax::Segment::Image(steps) = &segments[0] else { panic!() };
        let effective = Arguments::new(&steps[0], Place::Main).effective();
        let pairs: Vec<_> = effective.iter().map(|argument| (argument.key, argument.value)).collect();
        assert_eq!(pairs, [("h", "2"), ("w", "3"), ("", "x")]);
    }
}
