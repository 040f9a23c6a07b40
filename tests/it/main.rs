//! One integration binary, so that the heavy libraries link once.

mod actions;
mod animation;
mod answers;
mod browsers;
mod cli;
mod conformance;
mod crash;
mod decoders;
mod fallback;
mod front;
mod hostile;
mod house;
mod laws;
mod malformed;
mod objects;
mod parity;
mod readme;
mod server;
mod servers;
mod shaders;
mod sign;
mod store;
mod streaming;
mod support;
mod watermark;
mod yardstick;
