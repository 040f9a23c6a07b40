//! Signed URLs, made by the canonical forms that requests are judged by.

use super::canonical::{Parsed, encode};
use super::claim::{Attempt, Claim, Scheme, additional};
use super::{Key, LIFETIME_LIMIT_S, Reading, Subject, clock, v1, v4};
use crate::oss::wire::Headers;
use std::time::{Duration, UNIX_EPOCH};

/// A URL to be signed.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// V1 or V4.
    pub scheme: Scheme,
    pub method: &'a str,
    pub reading: Reading,
    /// Names and values of the query, decoded; those of an older signature are left out.
    pub parameters: Vec<(String, String)>,
    /// The headers that the request will have.
    pub headers: Headers,
    pub key: &'a Key,
    /// V4 only.
    pub region: &'a str,
    /// In seconds since 1970.
    pub now: i64,
    pub lifetime_s: i64,
}

/// The parameters that a signature brings.
const OWN: [&str; 12] = [
    "OSSAccessKeyId",
    "Expires",
    "Signature",
    "security-token",
    "x-oss-signature-version",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-expires",
    "x-oss-signature",
    "x-oss-additional-headers",
    "x-oss-security-token",
    "x-oss-access-key-id",
];

/// The query of the signed URL, encoded.
///
/// # Errors
/// In words: a lifetime out of range, a header that cannot be signed.
pub fn presign(order: &Order) -> Result<String, String> {
    let Order { key, now, .. } = order;
    let kept = order.parameters.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
    let kept = kept.map(|(name, value)| (name.as_str(), value.clone()));
    let mut parameters: Vec<(&str, String)> = kept.collect();
    let own = additional(&names(&order.headers), v4::signed_anyway).join(";");
    let signature = match order.scheme {
        Scheme::V4 => {
            if !(1..=LIFETIME_LIMIT_S).contains(&order.lifetime_s) {
                return Err(format!("version 4 signs for 1 to {LIFETIME_LIMIT_S} seconds"));
            }
            let scope = format!("{}/{}/{}/{}", clock::day(*now), order.region, v4::PRODUCT, v4::TERMINATOR);
            parameters.push(("x-oss-signature-version", v4::NAME.to_owned()));
            parameters.push(("x-oss-credential", format!("{}/{scope}", key.id)));
            parameters.push(("x-oss-date", clock::stamp(*now)));
            parameters.push(("x-oss-expires", order.lifetime_s.to_string()));
            if !own.is_empty() {
                parameters.push(("x-oss-additional-headers", own));
            }
            parameters.extend(key.token.clone().map(|token| ("x-oss-security-token", token)));
            "x-oss-signature"
        }
        Scheme::V1 if own.is_empty() => {
            parameters.push(("OSSAccessKeyId", key.id.clone()));
            parameters.push(("Expires", now.saturating_add(order.lifetime_s).to_string()));
            parameters.extend(key.token.clone().map(|token| ("security-token", token)));
            v1::SIGNATURE
        }
        Scheme::V1 => return Err(format!("version 1 cannot sign {own}; version 4 can")),
        Scheme::V2 => return Err("version 2 is judged, but not made".to_owned()),
    };
    let pair = |(name, value): &(&str, String)| match value.is_empty() {
        true => encode(name.as_bytes()),
        false => format!("{}={}", encode(name.as_bytes()), encode(value.as_bytes())),
    };
    let pairs: Vec<_> = parameters.iter().map(pair).collect();
    let query = pairs.join("&");
    // With any signature the claim can be read; it is no part of what is signed.
    let unsigned = format!("{query}&{signature}=x");
    let readings = [order.reading.clone()];
    let now = UNIX_EPOCH + Duration::from_secs(now.unsigned_abs());
    let (method, headers) = (order.method, &order.headers);
    let request = Parsed::new(Subject { method, readings: &readings, query: &unsigned, headers, now });
    let claim = Claim::read(&request).map_err(|error| error.message.into_owned())?;
    let claim = claim.ok_or("nothing to sign")?;
    let form = claim.form(&request, Attempt::default());
    Ok(format!("{query}&{signature}={}", encode(claim.sign(&form.string_to_sign, &key.secret).as_bytes())))
}

fn names(headers: &Headers) -> String {
    let names: Vec<_> = headers.0.iter().map(|(name, _)| name.as_str()).collect();
    names.join(";")
}
