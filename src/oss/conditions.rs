//! Conditional headers and ranges, held against an object's ETag and time.

use super::wire::Headers;
use crate::error::{Code, Error};
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the conditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Proceed,
    NotModified,
    /// The header that does not hold.
    Failed(&'static str),
}

/// Judges the four conditional headers. `If-Match` outranks `If-Unmodified-Since`,
/// `If-None-Match` outranks `If-Modified-Since`; dates that cannot be read are ignored.
pub fn judge(headers: &Headers, etag: &str, last_modified: SystemTime) -> Verdict {
    let date = |name| headers.get(name).and_then(|value| httpdate::parse_http_date(value).ok());
    // HTTP dates have whole seconds.
    let modified = whole_seconds(last_modified);
    if let Some(tags) = headers.get("if-match") {
        if !matches(tags, etag) {
            return Verdict::Failed("If-Match");
        }
    } else if date("if-unmodified-since").is_some_and(|date| modified > date) {
        return Verdict::Failed("If-Unmodified-Since");
    }
    if let Some(tags) = headers.get("if-none-match") {
        if matches(tags, etag) {
            return Verdict::NotModified;
        }
    } else if date("if-modified-since").is_some_and(|date| modified <= date) {
        return Verdict::NotModified;
    }
    Verdict::Proceed
}

/// Whether a list of ETags, quoted or bare, weak or strong, in either case, holds this one.
fn matches(tags: &str, etag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"').to_ascii_uppercase();
    tags.split(',').any(|tag| tag.trim() == "*" || bare(tag) == bare(etag))
}

fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

/// The refusal for a condition that does not hold.
pub fn failed(condition: &'static str) -> Error {
    let message = "At least one of the pre-conditions you specified did not hold.";
    Error::new(Code::PreconditionFailed, message).detail("Condition", condition)
}

/// What a Range header asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Everything: no header, or one that cannot be read or satisfied.
    Whole,
    Bytes(RangeInclusive<u64>),
    /// Cannot be read or satisfied, and `x-oss-range-behavior: standard` asks to be told.
    Unsatisfiable,
}

/// The part of `length_bytes` that a request asks for; of several ranges only the first.
pub fn part(headers: &Headers, length_bytes: u64) -> Part {
    let Some(text) = headers.get("range") else {
        return Part::Whole;
    };
    match range(text, length_bytes) {
        Some(range) => Part::Bytes(range),
        None if headers.get("x-oss-range-behavior") == Some("standard") => Part::Unsatisfiable,
        None => Part::Whole,
    }
}

/// Whether `Range` counts: without `If-Range`, or where that names this very state of the object. An ETag
/// is compared strongly, a date must be the same.
pub fn range_counts(headers: &Headers, etag: &str, last_modified: SystemTime) -> bool {
    match headers.get("if-range") {
        None => true,
        Some(date) if !date.contains('"') => {
            httpdate::parse_http_date(date).is_ok_and(|date| date == whole_seconds(last_modified))
        }
        Some(tag) => tag == etag,
    }
}

/// What `bytes=a-b`, `bytes=a-` or `bytes=-n` means for `length_bytes`; `None` where it cannot be read or
/// satisfied.
pub fn range(text: &str, length_bytes: u64) -> Option<RangeInclusive<u64>> {
    let last = length_bytes.checked_sub(1)?;
    let first_range = text.strip_prefix("bytes=")?.split(',').next()?.trim();
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    match first_range.split_once('-')? {
        ("", suffix) => match number(suffix)? {
            0 => None,
            count => Some(length_bytes.saturating_sub(count)..=last),
        },
        (start, "") => Some(number(start)?..=last).filter(|range| !range.is_empty()),
        (start, end) => {
            let (start, end): (u64, u64) = (number(start)?, number(end)?);
            (start <= end && start <= last).then(|| start..=end.min(last))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        Headers(pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    #[test]
    fn conditions_follow_etag_and_time() {
        // Thu, 01 Jan 1970 00:01:40.5
        let modified = UNIX_EPOCH + Duration::from_millis(100_500);
        const BEFORE: &str = "Thu, 01 Jan 1970 00:01:39 GMT";
        const SAME: &str = "Thu, 01 Jan 1970 00:01:40 GMT";
        const FUTURE: &str = "Fri, 01 Jan 2100 00:00:00 GMT";
        use Verdict::{Failed, NotModified, Proceed};
        let cases: &[(&[(&str, &str)], Verdict)] = &[
            (&[], Proceed),
            (&[("if-none-match", "\"ABC\"")], NotModified),
            (&[("if-none-match", "abc")], NotModified),
            (&[("if-none-match", "W/\"abc\"")], NotModified),
            (&[("if-none-match", "\"x\", \"ABC\"")], NotModified),
            (&[("if-none-match", "*")], NotModified),
            (&[("if-none-match", "\"x\"")], Proceed),
            (&[("if-match", "ABC")], Proceed),
            (&[("if-match", "*")], Proceed),
            (&[("if-match", "x")], Failed("If-Match")),
            (&[("if-modified-since", SAME)], NotModified),
            (&[("if-modified-since", FUTURE)], NotModified),
            (&[("if-modified-since", BEFORE)], Proceed),
            (&[("if-modified-since", "yesterday")], Proceed),
            (&[("if-unmodified-since", SAME)], Proceed),
            (&[("if-unmodified-since", BEFORE)], Failed("If-Unmodified-Since")),
            (&[("if-none-match", "x"), ("if-modified-since", SAME)], Proceed),
            (&[("if-match", "ABC"), ("if-unmodified-since", BEFORE)], Proceed),
            (&[("if-match", "ABC"), ("if-none-match", "ABC")], NotModified),
        ];
        for (pairs, expected) in cases {
            assert_eq!(judge(&headers(pairs), "\"ABC\"", modified), *expected, "{pairs:?}");
        }
    }

    #[test]
    fn ranges_count_for_one_state() {
        let modified = UNIX_EPOCH + Duration::from_millis(100_500);
        for (value, expected) in [
            ("\"ABC\"", true),
            ("\"abc\"", false),
            ("W/\"ABC\"", false),
            ("Thu, 01 Jan 1970 00:01:40 GMT", true),
            ("Thu, 01 Jan 1970 00:01:41 GMT", false),
            ("yesterday", false),
        ] {
            assert_eq!(range_counts(&headers(&[("if-range", value)]), "\"ABC\"", modified), expected, "{value}");
        }
        assert!(range_counts(&headers(&[]), "\"ABC\"", modified));
    }

    #[test]
    fn ranges() {
        let cases = [
            ("bytes=0-0", Some(0..=0)),
            ("bytes=2-5", Some(2..=5)),
            ("bytes=2-500", Some(2..=9)),
            ("bytes=9-", Some(9..=9)),
            ("bytes=-3", Some(7..=9)),
            ("bytes=-300", Some(0..=9)),
            ("bytes=1-2,5-6", Some(1..=2)),
            ("bytes=10-", None),
            ("bytes=10-12", None),
            ("bytes=5-2", None),
            ("bytes=-0", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("bytes=+1-2", None),
            ("bytes=99999999999999999999-", None),
            ("items=0-1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(range(text, 10), expected, "{text}");
            let standard = headers(&[("range", text), ("x-oss-range-behavior", "standard")]);
            assert_eq!(part(&headers(&[("range", text)]), 10) == Part::Whole, expected.is_none());
            assert_eq!(part(&standard, 10) == Part::Unsatisfiable, expected.is_none());
        }
        assert_eq!(range("bytes=0-0", 0), None);
    }
}
