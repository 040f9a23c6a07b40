//! Requests and replies as this room sees them: no sockets, no HTTP library.

use bytes::Bytes;
use futures_util::Stream;
use std::borrow::Cow;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Instant;

/// A request, nothing decoded.
pub struct Request {
    /// Told to the client with the answer.
    pub id: String,
    /// Where the client is, as its connection or the proxy before us tells it.
    pub client_ip: IpAddr,
    /// Upper case.
    pub method: String,
    /// The path as it came.
    pub path: String,
    /// What follows `?`, as it came; empty without one.
    pub query: String,
    /// The Host header, or the authority of an absolute request line.
    pub host: String,
    /// The client speaks TLS, to us or to the proxy before us.
    pub secure: bool,
    pub headers: Headers,
    pub body: Incoming,
    /// When the request arrived; deadlines count from here.
    pub begin: Instant,
}

/// The chunks of a request's body.
pub use crate::store::Body as Incoming;

/// Header names in lower case, with their values.
#[derive(Debug, Clone, Default)]
pub struct Headers(pub Vec<(String, String)>);

impl Request {
    /// The URL's beginning under which the client reached us.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.host)
    }
}

impl Headers {
    /// The text of a value as it came: UTF-8, or else Latin-1, in which some clients send what they
    /// have signed as UTF-8.
    pub fn text(value: &[u8]) -> String {
        match std::str::from_utf8(value) {
            Ok(text) => text.to_owned(),
            Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
        }
    }

    /// The first value under `name`, trimmed; `name` is lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim())
    }
}

/// An answer.
pub struct Reply {
    pub status: u16,
    /// Names with values that a header can carry.
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

    /// Adds a header; what a header cannot carry, and what is not ASCII, becomes `?`.
    pub fn header(self, name: &'static str, value: impl Into<String>) -> Reply {
        self.with(Cow::Borrowed(name), value.into(), |c| (' '..='~').contains(&c))
    }

    /// Adds a header as a caller stored it: UTF-8 goes out as it came in.
    pub fn stored(self, name: String, value: &str) -> Reply {
        self.with(Cow::Owned(name), value.to_owned(), |c| !c.is_control())
    }

    fn with(mut self, name: Cow<'static, str>, mut value: String, legal: impl Fn(char) -> bool) -> Reply {
        if !value.chars().all(&legal) {
            value = value.chars().map(|c| if legal(c) { c } else { '?' }).collect();
        }
        self.headers.push((name, value));
        self
    }

    /// Replaces a header, or adds it, as a caller wants it: UTF-8 goes out as it came in.
    pub fn replaced(mut self, name: &'static str, value: &str) -> Reply {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.stored(name.to_owned(), value)
    }

    /// The value of a header, if there is one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A document as body.
    pub fn document(status: u16, content_type: &'static str, text: String) -> Reply {
        Reply::new(status).header("Content-Type", content_type).whole(Bytes::from(text), false)
    }

    /// An XML document as body.
    pub fn xml(text: String) -> Reply {
        Reply::document(200, "application/xml", text)
    }

    /// Success without a body, whose length is said where the status allows one.
    pub fn empty(status: u16) -> Reply {
        if status == 204 { Reply::new(status) } else { Reply::new(status).whole(Bytes::new(), false) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beyond_ascii_come_and_go() {
        assert_eq!(Headers::text("café 图".as_bytes()), "café 图");
        assert_eq!(Headers::text(b"caf\xe9"), "café");
        let reply = Reply::new(200).header("Expires", "old").replaced("Expires", "图\n");
        assert_eq!(reply.get("Expires"), Some("图?"));
        assert_eq!(Reply::new(200).header("Expires", "图").get("Expires"), Some("?"));
    }
}
