//! Requests and replies as this room sees them: no sockets, no HTTP library.

use bytes::Bytes;
use futures_util::Stream;
use std::borrow::Cow;
use std::io;
use std::pin::Pin;
use std::time::Instant;

/// A request, nothing decoded.
pub struct Request {
    /// Upper case.
    pub method: String,
    /// The path as it came.
    pub path: String,
    /// What follows `?`, as it came; empty without one.
    pub query: String,
    /// The Host header, or the authority of an absolute request line.
    pub host: String,
    pub headers: Headers,
    pub body: Incoming,
    /// When the request arrived; deadlines count from here.
    pub begin: Instant,
}

/// The chunks of a request's body.
pub type Incoming = crate::store::Body;

/// Header names in lower case, with their values.
#[derive(Debug, Default)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// The first value under `name`, trimmed; `name` is lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim())
    }
}

/// An answer.
pub struct Reply {
    pub status: u16,
    /// Names with values of visible ASCII.
    pub headers: Vec<(Cow<'static, str>, String)>,
    pub body: Body,
}

/// The body of an answer. Its length, also that of a body not sent, is in `Content-Length`.
pub enum Body {
    Empty,
    Whole(Bytes),
    Chunks(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>),
}

impl Reply {
    pub fn new(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: Body::Empty }
    }

    /// Adds a header; what a header cannot carry becomes `?`.
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Reply {
        let mut value: String = value.into();
        if !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            value = value.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect();
        }
        self.headers.push((name.into(), value));
        self
    }

    /// The value of a header, if there is one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The whole bytes as body, with their length; only the length for HEAD.
    pub fn whole(mut self, bytes: Bytes, head: bool) -> Reply {
        let length = bytes.len();
        if !head {
            self.body = Body::Whole(bytes);
        }
        self.header("Content-Length", length.to_string())
    }
}
