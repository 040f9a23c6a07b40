//! One integration binary, so that the heavy libraries link once.

mod actions;
mod house;
mod laws;
mod parity;
mod shaders;
mod support;
mod yardstick;
