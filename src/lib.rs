//! Pixelpass: image processing over the OSS image URL language, on the GPU as WGSL compute passes,
//! with an equal CPU engine.
//!
//! # In one breath
//!
//! A *process string* (`image/resize,w_300/quality,q_80`) is parsed into a *chain* of typed
//! *actions*. The chain meets the picture's size and becomes a *plan*: a short list of *passes*,
//! every number final. An *engine* runs the plan; there are two, GPU and CPU, and they are handed
//! the very same plan. The result is encoded and answered.
//!
//! # Floors
//!
//! A room looks at the floors below it, never up, never sideways; `tests/it/house.rs` holds it.
//!
//! | floor | rooms | do not know |
//! | --- | --- | --- |
//! | street | `main`, [`cli`], [`config`], [`http`] | pixels |
//! | protocol | [`oss`] | sockets, kernels |
//! | studio | [`processor`] | where bytes come from or go |
//! | workshops | [`process`], [`engine`], [`codec`], [`store`] | each other, OSS, HTTP |
//! | drawing board | [`plan`] | actions, engines |
//! | machine | [`kernel`], [`text`] | plans, wgpu |
//! | ground | [`error`], [`geometry`], [`color`], [`pixel`], [`plane`], [`mod@format`], [`limits`], [`cancel`], [`share`] | the rest |
//!
//! # One request's journey
//!
//! 1. [`http`] gives the request an id and hands it to [`oss`], which tells bucket and key, who signed, and which call it is.
//! 2. [`process::Pipe::parse`] turns the process string into chains. A mistake is answered here,
//!    with the span of the wrong piece, before any byte is read.
//! 3. [`store`] fetches the object and the pictures that watermarks name; a worker thread of `oss` takes the job from a bounded queue and
//!    calls [`processor::Processor::process`], a synchronous function of its arguments.
//! 4. [`codec::probe`] reads the header; [`process::Chain::plan`] walks the actions over a
//!    [`plan::Canvas`]. Too large, off the picture, over a limit: answered here, before decoding.
//! 5. [`engine::choice::choose`] names the engine and why. [`codec::decode`] writes straight into a
//!    frame of that engine: pooled memory, or a mapping that the GPU copies from. A large source
//!    that goes to the CPU is not held whole where [`plan::stream`] and [`codec::rows`] allow that.
//! 6. The engine runs the passes. GPU: one command encoder, one submit, one read-back, shared with
//!    whatever else waits. A GPU that fails is not the caller's error: the CPU engine runs the plan.
//! 7. [`codec::encode`] reads the result where it lies; [`http`] answers.
//!
//! # What is deliberately absent
//!
//! No async in the picture's path: [`processor`] and all below it but [`store`]. The environment is
//! read by [`config`] alone, files by [`store`] and [`cli`] alone. No build script, no shader text
//! inside Rust strings, no thread pool in the CPU engine, no sampler in a shader.

pub mod cancel;
pub mod cli;
pub mod codec;
pub mod color;
pub mod config;
pub mod engine;
pub mod error;
pub mod format;
pub mod geometry;
pub mod http;
pub mod kernel;
pub mod limits;
pub mod oss;
pub mod pixel;
pub mod plan;
pub mod plane;
pub mod process;
pub mod processor;
pub mod share;
pub mod store;
pub mod text;
