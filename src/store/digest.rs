//! Digests of content, computed while it passes.

use super::meta::Part;
use bytes::Bytes;
use md5::{Digest as _, Md5};
use std::fmt::Write as _;

/// MD5, CRC-64 and length of what was seen so far.
pub(super) struct Digests {
    md5: Md5,
    crc64: crc64fast::Digest,
    size_bytes: u64,
}

/// What [`Digests`] comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sums {
    pub md5: [u8; 16],
    /// CRC-64/XZ.
    pub crc64: u64,
    pub size_bytes: u64,
}

impl Digests {
    pub fn new() -> Digests {
        Digests { md5: Md5::new(), crc64: crc64fast::Digest::new(), size_bytes: 0 }
    }

    pub fn update(&mut self, chunks: &[Bytes]) {
        for chunk in chunks {
            self.md5.update(chunk);
            self.crc64.write(chunk);
            self.size_bytes += chunk.len() as u64;
        }
    }

    pub fn sums(self) -> Sums {
        Sums { md5: self.md5.finalize().into(), crc64: self.crc64.sum64(), size_bytes: self.size_bytes }
    }
}

/// Upper-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
    text
}

/// The bytes of an even number of hex digits.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// The ETag of content that was put at once.
pub(super) fn etag(md5: &[u8; 16]) -> String {
    format!("\"{}\"", hex(md5))
}

/// The ETag of content that stands for nothing but a state: a file's version.
pub(super) fn etag_of_version(version: &str) -> String {
    etag(&Md5::digest(version.as_bytes()).into())
}

/// The ETag of content that was put in parts.
pub(super) fn etag_of_parts(parts: &[Part]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(from_hex(part.etag.trim_matches('"')).unwrap_or_default());
    }
    format!("\"{}-{}\"", hex(&md5.finalize()), parts.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_the_nine_digits() {
        let mut digests = Digests::new();
        digests.update(&["1234".into(), "56789".into()]);
        let sums = digests.sums();
        assert_eq!(etag(&sums.md5), "\"25F9E794323B453885F5181F1B624D0B\"");
        assert_eq!((sums.crc64, sums.size_bytes), (11_051_210_869_376_104_954, 9));
    }

    #[test]
    fn hex_there_and_back() {
        assert_eq!(hex(&[0, 0xAB, 255]), "00ABFF");
        assert_eq!(from_hex("00abFF"), Some(vec![0, 0xAB, 255]));
        assert_eq!((from_hex("0"), from_hex("0g"), from_hex("é")), (None, None, None));
    }
}
