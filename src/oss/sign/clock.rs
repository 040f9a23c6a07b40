//! Dates as requests carry them, in whole seconds since 1970. No clock is read here: the present
//! is handed in.

use chrono::{DateTime, NaiveDateTime};
use std::time::{SystemTime, UNIX_EPOCH};

/// How far a request's date may be from the server's, in seconds.
pub const SKEW_S: i64 = 15 * 60;

/// Seconds since 1970, negative before.
pub fn seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds),
    }
}

/// `20260115T083000Z` or the forms of HTTP, such as `Thu, 15 Jan 2026 08:30:00 GMT`.
pub fn parse(text: &str) -> Option<i64> {
    if text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'T' | b'Z')) {
        return Some(NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok()?.and_utc().timestamp());
    }
    httpdate::parse_http_date(text).ok().map(seconds)
}

/// `2026-01-15T08:30:00Z`, with any offset; what people write.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp())
}

/// The UTC day, as in `20260115`.
pub fn day(seconds: i64) -> String {
    formatted(seconds, "%Y%m%d")
}

/// As in `20260115T083000Z`.
pub fn stamp(seconds: i64) -> String {
    formatted(seconds, "%Y%m%dT%H%M%SZ")
}

/// As in `Thu, 15 Jan 2026 08:30:00 GMT`.
pub fn http(seconds: i64) -> String {
    formatted(seconds, "%a, %d %b %Y %H:%M:%S GMT")
}

/// As the elements of error documents have it: `2026-01-15T08:30:00.000Z`.
pub fn document(seconds: i64) -> String {
    formatted(seconds, "%Y-%m-%dT%H:%M:%S.000Z")
}

/// Seconds that no calendar has are shown as they are.
fn formatted(seconds: i64, format: &str) -> String {
    match DateTime::from_timestamp(seconds, 0) {
        Some(time) => time.format(format).to_string(),
        None => seconds.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_both_forms() {
        for text in ["20260115T083000Z", "Thu, 15 Jan 2026 08:30:00 GMT", "Thursday, 15-Jan-26 08:30:00 GMT"] {
            assert_eq!(parse(text), Some(1_768_465_800), "{text}");
        }
        assert_eq!(parse("20240229T235959Z"), Some(1_709_251_199));
        let wrong = [
            "",
            "20260115T083000",
            "20260115 083000Z",
            "2026-01-15T08:30:00Z",
            "20260230T000000Z",
            "20260115T250000Z",
            "2026011TT083000Z",
            "Thu, 15 Jan 2026 08:30:00 CST",
            "1768465800",
            "汉汉汉汉汉2",
        ];
        for text in wrong {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse_rfc3339("2026-01-15T16:30:00+08:00"), Some(1_768_465_800));
    }

    #[test]
    fn dates_as_they_are_shown() {
        assert_eq!(day(1_768_465_800), "20260115");
        assert_eq!(day(1_768_435_199), "20260114");
        assert_eq!(stamp(1_768_465_800), "20260115T083000Z");
        assert_eq!(http(1_768_465_800), "Thu, 15 Jan 2026 08:30:00 GMT");
        assert_eq!(document(1_768_465_800), "2026-01-15T08:30:00.000Z");
        assert_eq!(document(i64::MAX), i64::MAX.to_string());
        assert_eq!(seconds(UNIX_EPOCH - std::time::Duration::from_secs(5)), -5);
    }
}
