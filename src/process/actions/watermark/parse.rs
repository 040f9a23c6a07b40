//! How a watermark's arguments are read.

use super::nested::Nested;
use super::{Picture, Text, Watermark};
use crate::color::Color;
use crate::error::{Code, Ec, Error};
use crate::geometry::Gravity;
use crate::process::Action;
use crate::process::args::{Argument, Arguments};
use crate::text::{Style, Typeface};

/// Longest text in bytes.
const LONGEST_TEXT: usize = 64;

pub fn parse(arguments: &Arguments) -> Result<Box<dyn Action>, Error> {
    let mut style = Style { typeface: Typeface::default(), size_px: 40, color: Color::BLACK, shadow: 0 };
    let (mut picture, mut text, mut percent) = (None, None, None);
    let mut watermark = Watermark {
        picture: None,
        text: None,
        opacity: 100,
        gravity: Gravity::SouthEast,
        margin_x: 10,
        margin_y: 10,
        voffset: 0,
        tiled: false,
        gap_x: 0,
        gap_y: 0,
        angle_deg: 0,
        text_first: false,
        align: 0,
        interval: 0,
    };
    for argument in arguments.effective() {
        let number = |most: i64, ec: u32| argument.integer::<u32>(0..=most, Some(Ec::image(ec)));
        match argument.key {
            "image" => picture = Some(object(&argument)?),
            "P" => percent = Some(argument.integer(1..=100, None)?),
            "text" => text = Some(words(&argument)?),
            "type" => style.typeface = typeface(&argument)?,
            "color" => style.color = color(&argument)?,
            "size" => style.size_px = argument.integer(1..=1000, Some(Ec::image(256)))?,
            "shadow" => style.shadow = argument.integer(0..=100, None)?,
            "t" => watermark.opacity = number(100, 263)?,
            "g" => watermark.gravity = argument.one_of(&Gravity::NAMES, Some(Ec::image(260)))?,
            "x" => watermark.margin_x = number(4096, 262)?,
            "y" => watermark.margin_y = number(4096, 264)?,
            "voffset" => watermark.voffset = argument.integer(-1000..=1000, Some(Ec::image(268)))?,
            "fill" => watermark.tiled = number(1, 274)? == 1,
            "padx" => watermark.gap_x = number(4096, 276)?,
            "pady" => watermark.gap_y = number(4096, 277)?,
            "rotate" => watermark.angle_deg = number(360, 272)? % 360,
            "order" => watermark.text_first = argument.integer::<u32>(0..=1, None)? == 1,
            "align" => watermark.align = number(2, 271)?,
            "interval" => watermark.interval = number(1000, 270)?,
            _ => {}
        }
    }
    watermark.picture = picture.map(|(key, nested)| Picture { key, nested, percent });
    watermark.text = text.map(|text| Text { text, style });
    if watermark.picture.is_none() && watermark.text.is_none() {
        return Err(arguments.missing(Some("text"), Some(Ec::image(278))));
    }
    Ok(Box::new(watermark))
}

/// The object key of a watermark's picture and what is done to it.
fn object(argument: &Argument) -> Result<(String, Nested), Error> {
    let object = argument.base64(265)?;
    let (key, process) = object.split_once("?x-oss-process=").unwrap_or((&object, ""));
    if key.is_empty() {
        return Err(argument.invalid(Some(Ec::image(265))));
    }
    let nested = match process {
        "" => Nested::NOTHING,
        // What is wrong inside is shown where the argument stands: its own places mean nothing outside.
        process => Nested::parse(process).map_err(|error| error.at(argument.span()))?,
    };
    Ok((key.to_owned(), nested))
}

fn words(argument: &Argument) -> Result<String, Error> {
    let text = argument.base64(257)?;
    let refused = |message: &'static str, ec: u32| {
        Err(Error::new(Code::InvalidArgument, message).ec(Ec::image(ec)).at(argument.span()))
    };
    match text.len() {
        0 => refused("font content is empty", 258),
        1..=LONGEST_TEXT => Ok(text),
        _ => refused("font content is too large", 259),
    }
}

fn typeface(argument: &Argument) -> Result<Typeface, Error> {
    let name = argument.base64(250)?;
    Typeface::parse(&name).ok_or_else(|| argument.invalid(Some(Ec::image(251))))
}

/// Six hex digits as they are, also where they happen to be Base64; else Base64 of `#RRGGBB`.
fn color(argument: &Argument) -> Result<Color, Error> {
    let digits = |text: &str| Color::parse(text).filter(|_| text.len() == 6);
    let decoded = || argument.base64(254).ok().and_then(|text| digits(text.strip_prefix('#')?));
    digits(argument.value).or_else(decoded).ok_or_else(|| argument.invalid(Some(Ec::image(254))))
}
