//! Version 4: HMAC-SHA256 with a key that is good for a day, a region and a product, over the
//! digest of a canonical request.

use super::canonical::{Parsed, encode_path, hex, resource};
use super::claim::{Attempt, Claim, Form, Scheme, Scope, Time, additional, invalid_header};
use crate::error::{Code, Ec, Error};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// How its Authorization header begins, its version in URLs, and its first line.
pub(super) const NAME: &str = "OSS4-HMAC-SHA256";

/// The product that is served here.
pub(super) const PRODUCT: &str = "oss";

/// What ends a scope.
pub(super) const TERMINATOR: &str = "aliyun_v4_request";

/// The longest life of a URL: a week.
pub const LIFETIME_LIMIT_S: i64 = 604_800;

/// Stands for the digest of the body, which nobody signs.
const PAYLOAD: &str = "UNSIGNED-PAYLOAD";

pub(super) fn signed_anyway(name: &str) -> bool {
    name.starts_with("x-oss-") || matches!(name, "content-type" | "content-md5")
}

/// Reads what stands behind `OSS4-HMAC-SHA256 ` in the header:
/// `Credential=ID/SCOPE,AdditionalHeaders=a;b,Signature=HEX`.
pub(super) fn read_header(request: &Parsed, rest: &str) -> Result<Claim, Error> {
    let (mut credential, mut list, mut signature) = (None, None, None);
    for field in rest.split(',') {
        let (name, value) = field.split_once('=').ok_or_else(invalid_header)?;
        let place = match name.trim_ascii() {
            "Credential" => &mut credential,
            "AdditionalHeaders" => &mut list,
            "Signature" => &mut signature,
            _ => return Err(invalid_header()),
        };
        if place.replace(value.trim_ascii()).is_some() {
            return Err(invalid_header());
        }
    }
    let (id, scope) = read_credential(credential.ok_or_else(invalid_header)?)?;
    let payload = request.header("x-oss-content-sha256").unwrap_or(PAYLOAD);
    if payload != PAYLOAD {
        let error = Error::new(Code::InvalidArgument, "x-oss-content-sha256 must be UNSIGNED-PAYLOAD.").ec(Ec(2, 214));
        return Err(argument(error, "x-oss-content-sha256", payload));
    }
    Ok(Claim {
        scheme: Scheme::V4,
        id,
        signature: signature.ok_or_else(invalid_header)?.to_owned(),
        stamp: request.date().to_owned(),
        time: Time::Near,
        additional: additional(list.unwrap_or_default(), signed_anyway),
        scope,
        token: request.header_token(),
    })
}

/// Reads the parameters of a signed URL.
pub(super) fn read_url(request: &Parsed) -> Result<Claim, Error> {
    let part = |name| {
        let missing = || Error::new(Code::InvalidArgument, format!("Query-string authentication requires {name}."));
        request.parameter(name).ok_or_else(missing)
    };
    let (id, scope) = read_credential(&part("x-oss-credential")?)?;
    let lifetime = part("x-oss-expires").map_err(|error| error.ec(Ec(2, 215)))?;
    let seconds = match lifetime.parse::<i64>() {
        Ok(seconds) if (1..=LIFETIME_LIMIT_S).contains(&seconds) => seconds,
        _ => {
            let message = "x-oss-expires must be a number of seconds, 1 to 604800.";
            let error = Error::new(Code::InvalidArgument, message).ec(Ec(2, 232));
            return Err(argument(error, "x-oss-expires", &lifetime));
        }
    };
    let list = request.parameter("x-oss-additional-headers").unwrap_or_default();
    Ok(Claim {
        scheme: Scheme::V4,
        id,
        signature: part("x-oss-signature")?.into_owned(),
        stamp: part("x-oss-date")?.into_owned(),
        time: Time::For(seconds),
        additional: additional(&list, signed_anyway),
        scope,
        token: request.parameter("x-oss-security-token").map(|token| token.into_owned()),
    })
}

/// `ID/DATE/REGION/PRODUCT/aliyun_v4_request`.
pub(super) fn read_credential(text: &str) -> Result<(String, Scope), Error> {
    let parts: Vec<_> = text.split('/').collect();
    match parts[..] {
        [id, day, region, PRODUCT, TERMINATOR] => {
            let (day, region, product) = (day.to_owned(), region.to_owned(), PRODUCT.to_owned());
            Ok((id.to_owned(), Scope { day, region, product }))
        }
        _ => {
            let message = "The credential must be ACCESS_KEY_ID/YYYYMMDD/REGION/oss/aliyun_v4_request.";
            Err(argument(Error::new(Code::InvalidArgument, message), "Credential", text))
        }
    }
}

fn argument(error: Error, name: &str, value: &str) -> Error {
    error.detail("ArgumentName", name).detail("ArgumentValue", value)
}

/// What is signed.
pub(super) fn form(claim: &Claim, request: &Parsed, attempt: Attempt) -> Form {
    let reading = request.subject.reading(attempt.reading);
    let path = encode_path(resource(&reading, attempt.slash).as_bytes());
    let without = (claim.time != Time::Near).then_some("x-oss-signature");
    let query = request.query(without, attempt.equals);
    let headers = request.header_lines(|name| signed_anyway(name) || claim.additional.iter().any(|it| it == name));
    let (method, list) = (request.subject.method, claim.additional.join(";"));
    let canonical = format!("{method}\n{path}\n{query}\n{headers}\n{list}\n{PAYLOAD}");
    Form { string_to_sign: string_to_sign(claim, canonical.as_bytes()), canonical_request: Some(canonical.into()) }
}

/// The string to sign of a canonical request.
pub(super) fn string_to_sign(claim: &Claim, canonical_request: &[u8]) -> Vec<u8> {
    let Scope { day, region, product } = &claim.scope;
    let digest = hex(&Sha256::digest(canonical_request));
    format!("{NAME}\n{}\n{day}/{region}/{product}/{TERMINATOR}\n{digest}", claim.stamp).into_bytes()
}

/// The signature in hexadecimal digits.
pub(super) fn sign(string_to_sign: &[u8], secret: &str, scope: &Scope) -> String {
    hex(&hmac(&signing_key(secret, scope), string_to_sign))
}

/// The key that is good for one scope.
pub(super) fn signing_key(secret: &str, scope: &Scope) -> [u8; 32] {
    let mut key = hmac(format!("aliyun_v4{secret}").as_bytes(), scope.day.as_bytes());
    for part in [&scope.region, &scope.product, TERMINATOR] {
        key = hmac(&key, part.as_bytes());
    }
    key
}

/// HMAC-SHA256.
pub(super) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}
