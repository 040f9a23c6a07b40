//! GIF.

use super::{Animation, Shot};
use crate::cancel::Cancel;
use crate::error::Error;
use crate::format::{Probe, Repeat};
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

pub fn animation<'a>(_bytes: &'a [u8], _probe: &Probe) -> Result<Box<dyn Animation + 'a>, Error> {
    Err(super::unsupported())
}

pub fn encode_animation(_shots: &[Shot], _repeat: Repeat, _opaque: bool, _cancel: &Cancel) -> Result<Vec<u8>, Error> {
    Err(super::unsupported())
}
