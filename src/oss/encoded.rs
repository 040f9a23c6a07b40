//! `encoding-type=url`: names in documents percent-encoded, for what XML cannot hold.

use super::query::{Query, invalid};
use super::xml::Xml;
use crate::error::Error;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what is never encoded, and the slash.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// A key as it stands in a URL's path.
pub fn percent(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// How a caller wants names written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Plain,
    Url,
}

impl Encoding {
    /// # Errors
    /// `InvalidArgument` for an encoding that is not known.
    pub fn asked(query: &Query) -> Result<Encoding, Error> {
        match query.get("encoding-type").as_deref() {
            None | Some("") => Ok(Encoding::Plain),
            Some("url") => Ok(Encoding::Url),
            Some(other) => Err(invalid("encoding-type", other)),
        }
    }

    /// Repeats the encoding in the answer, so that the caller decodes.
    pub fn tell(self, xml: &mut Xml) {
        if self == Encoding::Url {
            xml.text("EncodingType", "url");
        }
    }

    pub fn write(self, name: &str) -> String {
        match self {
            Encoding::Plain => name.to_owned(),
            Encoding::Url => percent(name),
        }
    }
}
