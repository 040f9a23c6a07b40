//! Answers that are texts: `info` and `average-hue`.

use super::job::WHOLE_BYTES;
use super::{Processor, hue};
use crate::cancel::Cancel;
use crate::codec;
use crate::error::Error;
use crate::format::Probe;
use crate::geometry::Size;
use crate::plan::stream::BAND_BYTES;

/// Size, format, frames and EXIF of a file, in the layout of the service we follow: a key a line,
/// in ascending byte order, both closing braces at the end of the last. Source: the specification,
/// section 7.1.
pub fn info(source: &[u8], probe: &Probe) -> String {
    let line = |(key, text): (&String, &String)| format!("    {}: {{\"value\": {}}}", quoted(key), quoted(text));
    let lines: Vec<_> = codec::info(source, probe).iter().map(line).collect();
    format!("{{\n{}}}", lines.join(",\n"))
}

impl Processor {
    /// The main colour of a picture; a large one is read twice in bands of rows, where its file
    /// allows that. Source: the specification, section 7.2.
    pub(super) fn average_hue(&self, source: &[u8], probe: &Probe, cancel: &Cancel) -> Result<String, Error> {
        let Size { width, height } = probe.size;
        let large = probe.size.pixels() * 4 > WHOLE_BYTES.min(self.rules.limits.plan_bytes);
        let by_rows = if large { codec::rows(source, probe)?.map(|rows| rows.held_bytes()) } else { None };
        let band_rows = (BAND_BYTES / (u64::from(width) * 4)).clamp(1, height.into()) as u32;
        let held = if by_rows.is_some() { Size::new(width, band_rows) } else { probe.size };
        let _reservation = self.memory.reserve(held.pixels() * 4 + by_rows.unwrap_or_default())?;
        let mut frame = self.cpu.frame(held).map_err(|declined| Error::internal(declined.to_string()))?;
        let [red, green, blue] = if by_rows.is_some() {
            hue::average(&mut |show| {
                let gone = || Error::internal("a file that was read by rows is not any more");
                let mut rows = codec::rows(source, probe)?.ok_or_else(gone)?;
                for first in (0..height).step_by(band_rows as usize) {
                    let band = band_rows.min(height - first);
                    rows.next_rows(&mut frame.view_mut().part(0..band), cancel)?;
                    (0..band).for_each(|y| show(frame.view().row(y)));
                }
                Ok(())
            })?
        } else {
            codec::decode(source, probe, 1, &mut frame.view_mut(), cancel)?;
            hue::average(&mut |show| {
                (0..height).for_each(|y| show(frame.view().row(y)));
                Ok(())
            })?
        };
        Ok(format!("{{\"RGB\": \"0x{red:02x}{green:02x}{blue:02x}\"}}"))
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
