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

/// The ETag of content that was put in parts: over the parts' ETags as upper-case hex digits, one after
/// the other; not over the digests' bytes, which is S3's way. Source: the specification of the HTTP
/// surface, section 12.
pub(super) fn etag_of_parts(parts: &[Part]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(part.etag.trim_matches('"').to_ascii_uppercase());
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
    fn the_etag_of_parts_is_that_of_their_etags_text() {
        let part = |number, etag: &str| Part {
            number,
            size_bytes: 0,
            etag: etag.to_owned(),
            crc64: 0,
            last_modified: std::time::SystemTime::UNIX_EPOCH,
        };
        // printf %s 5D41402ABC4B2A76B9719D911017C592 7D793037A0760186574B0282F2F435E7 | md5sum
        let parts = [part(1, "\"5d41402abc4b2a76b9719d911017c592\""), part(2, "\"7D793037A0760186574B0282F2F435E7\"")];
        assert_eq!(etag_of_parts(&parts), "\"42B84D75CCD1176E729FC310B961AF25-2\"");
        assert_eq!(etag_of_parts(&[]), "\"D41D8CD98F00B204E9800998ECF8427E-0\"");
    }

    #[test]
    fn hex_there_and_back() {
        assert_eq!(hex(&[0, 0xAB, 255]), "00ABFF");
        assert_eq!(from_hex("00abFF"), Some(vec![0, 0xAB, 255]));
        assert_eq!((from_hex("0"), from_hex("0g"), from_hex("é")), (None, None, None));
    }
}
