//! x
pub mod cancel;
pub mod codec;
pub mod color;
pub mod engine;
pub mod error;
pub mod format;
pub mod geometry;
pub mod kernel;
pub mod limits;
pub mod pixel;
pub mod plan;
pub mod process;
pub mod processor;
