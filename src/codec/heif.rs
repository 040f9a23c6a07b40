//! HEIC and AVIF, over the system's libheif where there is one.

use crate::cancel::Cancel;
use crate::error::Error;
use crate::format::{Format, Output, Probe};
use crate::limits::Limits;
use crate::pixel::{View, ViewMut};

pub fn probe(_bytes: &[u8], _format: Format, _limits: &Limits) -> Result<Probe, Error> {
    Err(super::unsupported())
}

pub fn decode(_bytes: &[u8], _target: &mut ViewMut, _cancel: &Cancel) -> Result<(), Error> {
    Err(super::unsupported())
}

pub fn encode(_pixels: &View, _opaque: bool, _output: &Output, _cancel: &Cancel) -> Result<Vec<u8>, Error> {
    Err(super::unsupported())
}

/// Whether the format comes in this container.
pub fn is_heif(format: Format) -> bool {
    matches!(format, Format::Heic | Format::Avif)
}

pub fn can_write(_format: Format) -> bool {
    false
}

pub fn lacks() -> Vec<String> {
    Vec::new()
}
