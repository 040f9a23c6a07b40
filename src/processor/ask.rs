//! Answers that are texts: `info` and `average-hue`.

use super::hue;
use crate::codec;
use crate::format::Probe;
use crate::pixel::View;

/// Size, format, frames and EXIF of a file, in the layout of the service we follow: a key a line,
/// in ascending byte order, both closing braces at the end of the last. Source: the specification,
/// section 7.1.
pub fn info(source: &[u8], probe: &Probe) -> String {
    let line = |(key, text): (&String, &String)| format!("    {}: {{\"value\": {}}}", quoted(key), quoted(text));
    let lines: Vec<_> = codec::info(source, probe).iter().map(line).collect();
    format!("{{\n{}}}", lines.join(",\n"))
}

/// The main colour of a picture. Source: the specification, section 7.2.
pub fn average_hue(pixels: &View) -> String {
    let [red, green, blue] = hue::average(pixels);
    format!("{{\"RGB\": \"0x{red:02x}{green:02x}{blue:02x}\"}}")
}

/// A JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
