//! BMP.

use crate::cancel::Cancel;
use crate::error::Error;
use crate::format::Probe;
use crate::limits::Limits;
use crate::pixel::{View, ViewMut};

pub fn probe(_bytes: &[u8], _limits: &Limits) -> Result<Probe, Error> {
    Err(super::unsupported())
}

pub fn decode(_bytes: &[u8], _target: &mut ViewMut, _cancel: &Cancel) -> Result<(), Error> {
    Err(super::unsupported())
}

pub fn encode(_pixels: &View, _opaque: bool, _cancel: &Cancel) -> Result<Vec<u8>, Error> {
    Err(super::unsupported())
}
