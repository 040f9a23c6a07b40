//! Who asks: signatures of versions 1, 2 and 4, in the header or in the URL.
//!
//! [`judge`] takes a request apart ([`canonical`]), reads what it claims ([`Claim`]), and holds the
//! claim against a ring of [`Keys`]. It reads no clock and no file. What a caller may do is not
//! decided here. [`presign()`] makes signed URLs and [`mistakes`] explains signatures that do not fit,
//! both by the same canonical forms.

pub mod canonical;
mod claim;
pub mod clock;
mod keys;
pub mod mistakes;
pub mod policy;
mod presign;
mod v1;
mod v2;
mod v4;

pub use canonical::Parsed;
pub use claim::{Attempt, Claim, Form, Scheme, Scope, Time};
pub use keys::{Key, Keys, find, parse as parse_keys};
pub use presign::{Order, presign};
pub use v4::LIFETIME_LIMIT_S;

use super::wire::Headers;
use crate::error::{Code, Ec, Error};
use std::borrow::Cow;
use std::time::SystemTime;
use subtle::ConstantTimeEq;

/// One way to read the address of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// `None` for the service itself.
    pub bucket: Option<String>,
    /// Decoded; empty for the bucket itself.
    pub key: String,
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub method: &'a str,
    /// The readings of the address, the likeliest first. The signature tells which is meant.
    pub readings: &'a [Reading],
    /// As it came.
    pub query: &'a str,
    pub headers: &'a Headers,
    /// The present.
    pub now: SystemTime,
}

impl Subject<'_> {
    /// The reading with this number; without one, the service.
    fn reading(&self, number: usize) -> Cow<'_, Reading> {
        self.readings.get(number).map_or_else(|| Cow::Owned(Reading::default()), Cow::Borrowed)
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    Anonymous,
    /// The holder of the secret of an access key, who meant this reading of the address.
    Key {
        id: String,
        reading: usize,
    },
}

/// Who sent a request; with `region`, V4 signatures must be for that one.
///
/// # Errors
/// In this order: `InvalidArgument` or `AccessDenied` for a signature that lacks parts;
/// `InvalidAccessKeyId`, `InvalidSecurityToken`, `SecurityTokenExpired`; `InvalidArgument` for
/// another region; `AccessDenied` or `RequestTimeTooSkewed` for the date; `InvalidArgument` for a signed
/// header that did not come; `SignatureDoesNotMatch`;
/// `AccessDenied` for a URL whose time is over.
pub fn judge(subject: &Subject, keys: &Keys, region: Option<&str>) -> Result<Caller, Error> {
    let request = Parsed::new(*subject);
    let Some(claim) = Claim::read(&request)? else {
        return Ok(Caller::Anonymous);
    };
    let now = clock::seconds(subject.now);
    let ring = keys.current();
    let key = find(&ring, &claim.id)?;
    key.admit(claim.token.as_deref(), now)?;
    claim.check_region(region)?;
    claim.check_clock(now)?;
    claim.check_additional(&request)?;
    let attempts = claim.attempts(&request);
    let Some(attempt) = attempts.iter().find(|attempt| fits(&claim, &claim.form(&request, **attempt), key)) else {
        let first = attempts.first().copied().unwrap_or_default();
        return Err(mismatch(&claim, &claim.form(&request, first)));
    };
    claim.check_expiry(now)?;
    Ok(Caller::Key { id: claim.id, reading: attempt.reading })
}

/// Whether the claim's signature is that of `form` by the key's secret; in constant time.
pub fn fits(claim: &Claim, form: &Form, key: &Key) -> bool {
    claim.sign(&form.string_to_sign, &key.secret).as_bytes().ct_eq(claim.signature.as_bytes()).into()
}

/// The refusal of a signature that is another.
fn unlike(claim: &Claim) -> Error {
    let message = "The request signature we calculated does not match the signature you provided. \
                   Check your key and signing method.";
    Error::new(Code::SignatureDoesNotMatch, message).ec(Ec(2, 40)).detail("OSSAccessKeyId", &claim.id)
}

/// Tells what was to be signed, so that callers can compare.
fn mismatch(claim: &Claim, form: &Form) -> Error {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut error = unlike(claim)
        .detail("SignatureProvided", &claim.signature)
        .detail("StringToSign", text(&form.string_to_sign))
        .detail("StringToSignBytes", spaced_hex(&form.string_to_sign));
    if let Some(canonical) = &form.canonical_request {
        error =
            error.detail("CanonicalRequest", text(canonical)).detail("CanonicalRequestBytes", spaced_hex(canonical));
    }
    error
}

/// `47 45 54`.
fn spaced_hex(bytes: &[u8]) -> String {
    let digits = canonical::hex(bytes).to_ascii_uppercase();
    let pairs: Vec<_> = (0..digits.len()).step_by(2).filter_map(|at| digits.get(at..at + 2)).collect();
    pairs.join(" ")
}

#[cfg(test)]
mod tests;
