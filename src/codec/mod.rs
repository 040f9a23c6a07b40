//! Codecs: the header probe, pixels out of files, files out of pixels.

use crate::cancel::Cancel;
use crate::error::Error;
use crate::format::{Output, Probe};
use crate::limits::Limits;
use crate::pixel::{View, ViewMut};

/// Reads the header and holds it against the limits of sources, before any pixel is decoded.
pub fn probe(_bytes: &[u8], _limits: &Limits) -> Result<Probe, Error> {
    todo!()
}

/// Decodes into `target`, whose size is the probe's divided by `reduction` and rounded up.
pub fn decode(
    _bytes: &[u8],
    _probe: &Probe,
    _reduction: u32,
    _target: &mut ViewMut,
    _cancel: &Cancel,
) -> Result<(), Error> {
    todo!()
}

/// Encodes pixels; `opaque` promises that every alpha is 255.
pub fn encode(_pixels: &View, _opaque: bool, _output: &Output, _cancel: &Cancel) -> Result<Vec<u8>, Error> {
    todo!()
}

/// Whether this build can encode `format`; asked before any work is done.
pub fn check_output(_format: crate::format::Format) -> Result<(), Error> {
    todo!()
}
