//! A thin safe door to libwebp: the container, pictures out of it, and files out of pictures. All
//! `unsafe` of this codec is here; what a file means is decided by the caller.

mod read;
mod write;

pub use read::{Composer, Container, decode};
pub use write::{Assembler, Coding, encode};

use std::fmt;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(String);

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Message {}

fn message(text: impl Into<String>) -> Message {
    Message(text.into())
}
