//! Version 2: as version 1, with SHA-256, every query parameter and headers of the client's choice.

use super::canonical::{Parsed, encode, resource};
use super::claim::{Attempt, Claim, Form, Scheme, Scope, Time, additional, invalid_header};
use super::v4;
use crate::error::{Code, Error};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How its Authorization header begins, and its version in URLs.
pub(super) const NAME: &str = "OSS2";

fn signed_anyway(name: &str) -> bool {
    name.starts_with("x-oss-")
}

/// Reads what stands behind `OSS2 ` in the header:
/// `AccessKeyId:ID,AdditionalHeaders:a;b,Signature:BASE64`.
pub(super) fn read_header(request: &Parsed, rest: &str) -> Result<Claim, Error> {
    let (mut id, mut list, mut signature) = (None, None, None);
    for field in rest.split(',') {
        let (name, value) = field.split_once(':').ok_or_else(invalid_header)?;
        let place = match name.trim_ascii() {
            "AccessKeyId" => &mut id,
            "AdditionalHeaders" => &mut list,
            "Signature" => &mut signature,
            _ => return Err(invalid_header()),
        };
        if place.replace(value.trim_ascii()).is_some() {
            return Err(invalid_header());
        }
    }
    Ok(Claim {
        scheme: Scheme::V2,
        id: id.ok_or_else(invalid_header)?.to_owned(),
        signature: signature.ok_or_else(invalid_header)?.to_owned(),
        stamp: request.date().to_owned(),
        time: Time::Near,
        additional: additional(list.unwrap_or_default(), signed_anyway),
        scope: Scope::default(),
        token: request.header_token(),
    })
}

/// Reads the parameters of a signed URL.
pub(super) fn read_url(request: &Parsed) -> Result<Claim, Error> {
    let part = |name| request.parameter(name).map(|text| text.into_owned()).ok_or_else(incomplete);
    let list = request.parameter("x-oss-additional-headers").unwrap_or_default();
    Ok(Claim {
        scheme: Scheme::V2,
        id: part("x-oss-access-key-id")?,
        signature: part("x-oss-signature")?,
        stamp: part("x-oss-expires")?,
        time: Time::Until,
        additional: additional(&list, signed_anyway),
        scope: Scope::default(),
        token: request.parameter("security-token").map(|token| token.into_owned()),
    })
}

fn incomplete() -> Error {
    let message =
        "Query-string authentication requires the x-oss-signature, x-oss-expires and x-oss-access-key-id parameters";
    Error::new(Code::AccessDenied, message)
}

/// What is signed.
pub(super) fn form(claim: &Claim, request: &Parsed, attempt: Attempt) -> Form {
    let body = |name| request.header(name).unwrap_or_default();
    let (method, md5, content_type) = (request.subject.method, body("content-md5"), body("content-type"));
    let headers = request.header_lines(|name| signed_anyway(name) || claim.additional.iter().any(|it| it == name));
    let reading = request.subject.reading(attempt.reading);
    let resource = encode(resource(&reading, attempt.slash).as_bytes());
    let query = request.query(Some("x-oss-signature"), attempt.equals);
    let (stamp, list) = (&claim.stamp, claim.additional.join(";"));
    let mut text = format!("{method}\n{md5}\n{content_type}\n{stamp}\n{headers}{list}\n{resource}");
    if !query.is_empty() {
        text.extend(["?", &query]);
    }
    Form { string_to_sign: text.into_bytes(), canonical_request: None }
}

/// The signature in Base64.
pub(super) fn sign(string_to_sign: &[u8], secret: &str) -> String {
    STANDARD.encode(v4::hmac(secret.as_bytes(), string_to_sign))
}
