//! One integration binary, so that the heavy libraries link once.

mod actions;
mod animation;
mod answers;
mod cli;
mod clients;
mod conformance;
mod crash;
mod decoders;
mod fallback;
mod house;
mod laws;
mod malformed;
mod parity;
mod readme;
mod server;
mod shaders;
mod sign;
mod store;
mod streaming;
mod support;
mod watermark;
mod yardstick;
