//! The query of a request, decoded once.

use crate::error::{Code, Error};
use percent_encoding::percent_decode_str;

/// Names and values of a query, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<Parameter>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parameter {
    name: String,
    /// Percent-encoded still, since one parameter keeps its `+`.
    raw: String,
}

impl Query {
    /// Reads what follows `?`. A name without `=` has an empty value.
    pub fn parse(text: &str) -> Query {
        let parameters = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, raw) = pair.split_once('=').unwrap_or((pair, ""));
            Parameter { name: decoded(name), raw: raw.to_owned() }
        });
        Query(parameters.collect())
    }

    /// Whether `name` is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|parameter| parameter.name == name)
    }

    /// The first value of `name`, `+` read as a space.
    pub fn get(&self, name: &str) -> Option<String> {
        self.raw(name).map(decoded)
    }

    /// The first `x-oss-process`, `+` kept as it is in Base64; an empty one asks for nothing.
    ///
    /// # Errors
    /// `InvalidArgument` for bytes that are not UTF-8.
    pub fn process(&self) -> Result<Option<String>, Error> {
        let Some(raw) = self.raw("x-oss-process") else { return Ok(None) };
        match percent_decode_str(raw).decode_utf8() {
            Ok(text) => Ok(Some(text.into_owned()).filter(|text| !text.is_empty())),
            Err(_) => Err(Error::new(Code::InvalidArgument, "The process string is not UTF-8.")),
        }
    }

    /// The whole number under `name`, or `default` where it is absent or empty.
    ///
    /// # Errors
    /// `InvalidArgument` for anything else and for numbers outside `range`.
    pub fn number(&self, name: &'static str, range: std::ops::RangeInclusive<u64>, default: u64) -> Result<u64, Error> {
        match self.get(name).filter(|text| !text.is_empty()) {
            None => Ok(default),
            Some(text) => match text.parse() {
                Ok(number) if range.contains(&number) => Ok(number),
                _ => Err(invalid(name, &text)),
            },
        }
    }

    fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|parameter| parameter.name == name).map(|parameter| parameter.raw.as_str())
    }
}

/// A parameter of a call, in the query or elsewhere, with a value that it cannot have.
pub fn invalid(name: &'static str, value: &str) -> Error {
    let error = Error::new(Code::InvalidArgument, format!("The {name} is invalid."));
    error.detail("ArgumentName", name).detail("ArgumentValue", value)
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values() {
        let query = Query::parse("acl&prefix=a+b%2Bc&empty=&prefix=second&=x&&styleName=%E6%B1%89");
        assert!(query.has("acl") && query.has("empty") && !query.has("a"));
        assert_eq!(query.get("acl").as_deref(), Some(""));
        assert_eq!(query.get("prefix").as_deref(), Some("a b+c"));
        assert_eq!(query.get("styleName").as_deref(), Some("汉"));
        assert_eq!(query.get("Prefix"), None);
    }

    #[test]
    fn process_strings_keep_their_plus() {
        let cases = [
            ("x-oss-process=image/resize,w_100", Some("image/resize,w_100")),
            ("x-oss-process=image%2Fresize%2Cw_100", Some("image/resize,w_100")),
            ("x-oss-process=image/watermark,text_a+b%2Bc%20d", Some("image/watermark,text_a+b+c d")),
            ("a=1&x-oss-process=image/a&x-oss-process=image/b", Some("image/a")),
            ("x-oss-process=a=b%2525", Some("a=b%25")),
            ("x-oss-process=", None),
            ("x-oss-process", None),
            ("x-oss-process=&x-oss-process=image/b", None),
            ("X-Oss-Process=image/a&versionId=3", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Query::parse(text).process().unwrap().as_deref(), expected, "{text}");
        }
        assert_eq!(Query::parse("x-oss-process=%ff").process().unwrap_err().code, Code::InvalidArgument);
    }

    #[test]
    fn numbers_have_bounds() {
        let number = |text: &str| Query::parse(text).number("max-keys", 1..=1000, 100).map_err(|error| error.code);
        assert_eq!(number(""), Ok(100));
        assert_eq!(number("max-keys="), Ok(100));
        assert_eq!(number("max-keys=1000"), Ok(1000));
        for bad in ["max-keys=0", "max-keys=1001", "max-keys=-1", "max-keys=x", "max-keys=99999999999999999999"] {
            assert_eq!(number(bad), Err(Code::InvalidArgument), "{bad}");
        }
    }
}
