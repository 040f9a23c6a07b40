//! What the schemes share: a request taken apart for signing, and the encodings of its parts.
//!
//! Everything is bytes: what is not UTF-8 is signed as it came.

use super::{Reading, Subject};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use std::borrow::Cow;

/// Bytes that stay as they are: letters, digits and `-_.~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The same, and slashes stay.
const RESERVED_IN_PATHS: &AsciiSet = &RESERVED.remove(b'/');

/// A query parameter, decoded; `+` is a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter<'a> {
    pub name: Cow<'a, [u8]>,
    pub value: Cow<'a, [u8]>,
    /// Whether the query has a `=` behind the name.
    pub equals: bool,
}

/// A request taken apart.
#[derive(Debug, Clone)]
pub struct Parsed<'a> {
    pub subject: Subject<'a>,
    pub parameters: Vec<Parameter<'a>>,
}

impl<'a> Parsed<'a> {
    pub fn new(subject: Subject<'a>) -> Parsed<'a> {
        let pairs = subject.query.split('&').filter(|pair| !pair.is_empty());
        let parameters = pairs.map(|pair| match pair.split_once('=') {
            Some((name, value)) => Parameter { name: decode(name), value: decode(value), equals: true },
            None => Parameter { name: decode(pair), value: Cow::Borrowed(b""), equals: false },
        });
        Parsed { subject, parameters: parameters.collect() }
    }

    /// The first value of a query parameter.
    pub fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let found = self.parameters.iter().find(|parameter| *parameter.name == *name.as_bytes());
        found.map(|parameter| String::from_utf8_lossy(&parameter.value))
    }

    /// The first value of a header, trimmed; `name` is lower case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let found = self.subject.headers.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.trim_ascii())
    }

    /// The date that a header signature is about: `x-oss-date`, or else `Date`; empty without.
    pub fn date(&self) -> &'a str {
        self.header("x-oss-date").or_else(|| self.header("date")).unwrap_or_default()
    }

    /// The token of temporary credentials that the headers carry.
    pub fn header_token(&self) -> Option<String> {
        self.header("x-oss-security-token").or_else(|| self.header("security-token")).map(str::to_owned)
    }

    /// The headers that `signed` picks, sorted, each `name:value` on a line of its own.
    pub fn header_lines(&self, signed: impl Fn(&str) -> bool) -> String {
        let headers = self.subject.headers.0.iter().filter(|(name, _)| signed(name));
        let mut headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), value.trim_ascii())).collect();
        headers.sort_by_key(|(name, _)| *name);
        let mut lines = String::new();
        for (index, (name, value)) in headers.iter().enumerate() {
            match index.checked_sub(1).and_then(|before| headers.get(before)) {
                Some((before, _)) if before == name => {
                    lines.pop();
                    lines.push(',');
                }
                _ => lines.extend([*name, ":"]),
            }
            lines.extend([*value, "\n"]);
        }
        lines
    }

    /// The parameters but those of the name `without`, encoded, sorted by name and value, joined by `&`.
    /// An empty value leaves the bare name, or `name=` where the query wrote that and
    /// `keep_equals`.
    pub fn query(&self, without: Option<&str>, keep_equals: bool) -> String {
        let parameters =
            self.parameters.iter().filter(|parameter| without.is_none_or(|name| *parameter.name != *name.as_bytes()));
        let mut encoded: Vec<_> = parameters
            .map(|parameter| {
                let equals = !parameter.value.is_empty() || (keep_equals && parameter.equals);
                (encode(&parameter.name), encode(&parameter.value), equals)
            })
            .collect();
        encoded.sort();
        let mut query = String::new();
        for (name, value, equals) in encoded {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(&name);
            if equals {
                query.extend(["=", &value]);
            }
        }
        query
    }
}

/// `/BUCKET/KEY`, `/BUCKET/` or `/`, nothing encoded; without `slash` the bucket alone is
/// `/BUCKET`.
pub fn resource(reading: &Reading, slash: bool) -> String {
    match &reading.bucket {
        None => "/".to_owned(),
        Some(bucket) if reading.key.is_empty() && !slash => format!("/{bucket}"),
        Some(bucket) => format!("/{bucket}/{}", reading.key),
    }
}

/// Every byte that is not unreserved as `%XX`.
pub fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED).to_string()
}

/// The same, slashes kept.
pub fn encode_path(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED_IN_PATHS).to_string()
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn decode(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        return Cow::Owned(percent_decode(text.replace('+', " ").as_bytes()).collect());
    }
    percent_decode(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oss::wire::Headers;
    use std::time::UNIX_EPOCH;

    fn parsed<'a>(query: &'a str, headers: &'a Headers) -> Parsed<'a> {
        Parsed::new(Subject { method: "GET", readings: &[], query, headers, now: UNIX_EPOCH })
    }

    #[test]
    fn queries() {
        let nothing = Headers::default();
        let query = |text: &str, keep| parsed(text, &nothing).query(Some("x"), keep);
        assert_eq!(query("b=1&a=%2f&x=9&a=+&A&c=", false), "A&a=%20&a=%2F&b=1&c");
        assert_eq!(query("c=&d&a=%ff%E6%B1%89~", true), "a=%FF%E6%B1%89~&c=&d");
        assert_eq!(query("&&=1&a==b", false), "=1&a=%3Db");
        // Sorted by the encoded name: `%` comes before every letter.
        assert_eq!(query("a=1&%E6=2&-=3", false), "%E6=2&-=3&a=1");
    }

    #[test]
    fn headers_are_joined_and_sorted() {
        let pairs = [("x-oss-b", " 汉 "), ("x-oss-a", "1"), ("host", "h"), ("x-oss-b", "2")];
        let headers = Headers(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
        let lines = parsed("", &headers).header_lines(|name| name.starts_with("x-oss-"));
        assert_eq!(lines, "x-oss-a:1\nx-oss-b:汉,2\n");
        assert_eq!(parsed("", &headers).header_lines(|_| false), "");
    }

    #[test]
    fn resources_and_digits() {
        let reading =
            |bucket: Option<&str>, key: &str| Reading { bucket: bucket.map(str::to_owned), key: key.to_owned() };
        assert_eq!(resource(&reading(None, ""), true), "/");
        assert_eq!(resource(&reading(Some("b"), ""), true), "/b/");
        assert_eq!(resource(&reading(Some("b"), ""), false), "/b");
        assert_eq!(resource(&reading(Some("b"), "k/汉"), false), "/b/k/汉");
        assert_eq!(encode_path("/b/a b+汉".as_bytes()), "/b/a%20b%2B%E6%B1%89");
        assert_eq!(encode(b"/"), "%2F");
        assert_eq!(hex(&[0, 15, 160, 255]), "000fa0ff");
    }
}
