//! Version 1: HMAC-SHA1 over method, body, date, `x-oss-*` headers, resource and sub-resources.

use super::canonical::{Parsed, resource};
use super::claim::{Attempt, Claim, Form, Scheme, Scope, Time, invalid_header};
use crate::error::{Code, Error};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// How its Authorization header begins.
pub(super) const NAME: &str = "OSS";

/// The query parameter of a URL's signature.
pub(super) const SIGNATURE: &str = "Signature";

/// The query parameters that are signed, sorted.
const SUBRESOURCES: &[&str] = &[
    "acl",
    "append",
    "asyncFetch",
    "bucketArchiveDirectRead",
    "bucketInfo",
    "callback",
    "callback-var",
    "cloudboxes",
    "cname",
    "comp",
    "continuation-token",
    "cors",
    "delete",
    "encryption",
    "endTime",
    "group",
    "httpsConfig",
    "img",
    "inventory",
    "inventoryId",
    "lifecycle",
    "link",
    "live",
    "location",
    "logging",
    "metaQuery",
    "objectInfo",
    "objectMeta",
    "partNumber",
    "policy",
    "policyStatus",
    "position",
    "processConfiguration",
    "publicAccessBlock",
    "qos",
    "qosInfo",
    "redundancyTransition",
    "referer",
    "regionList",
    "replication",
    "replicationLocation",
    "replicationProgress",
    "requestPayment",
    "resourceGroup",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "responseHeader",
    "restore",
    "rtc",
    "seal",
    "security-token",
    "sequential",
    "startTime",
    "stat",
    "status",
    "style",
    "styleName",
    "symlink",
    "tagging",
    "transferAcceleration",
    "udf",
    "udfApplication",
    "udfApplicationLog",
    "udfId",
    "udfImage",
    "udfImageDesc",
    "udfName",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "vod",
    "website",
    "withHashContext",
    "worm",
    "wormExtend",
    "wormId",
    "x-oss-ac-forward-allow",
    "x-oss-ac-source-ip",
    "x-oss-ac-subnet-mask",
    "x-oss-ac-vpc-id",
    "x-oss-async-process",
    "x-oss-process",
    "x-oss-request-payer",
    "x-oss-traffic-limit",
    "x-oss-write-get-object-response",
];

/// Reads what stands behind `OSS ` in the header: `ID:SIGNATURE`.
pub(super) fn read_header(request: &Parsed, rest: &str) -> Result<Claim, Error> {
    let (id, signature) = rest.split_once(':').ok_or_else(invalid_header)?;
    Ok(Claim {
        scheme: Scheme::V1,
        id: id.trim_ascii().to_owned(),
        signature: signature.trim_ascii().to_owned(),
        stamp: request.date().to_owned(),
        time: Time::Near,
        additional: Vec::new(),
        scope: Scope::default(),
        token: request.header_token(),
    })
}

/// Reads the parameters of a signed URL.
pub(super) fn read_url(request: &Parsed) -> Result<Claim, Error> {
    let part = |name| request.parameter(name).map(|text| text.into_owned()).ok_or_else(incomplete);
    Ok(Claim {
        scheme: Scheme::V1,
        id: part("OSSAccessKeyId")?,
        signature: part(SIGNATURE)?,
        stamp: part("Expires")?,
        time: Time::Until,
        additional: Vec::new(),
        scope: Scope::default(),
        token: request.parameter("security-token").map(|token| token.into_owned()),
    })
}

fn incomplete() -> Error {
    let message = "Query-string authentication requires the Signature, Expires and OSSAccessKeyId parameters";
    Error::new(Code::AccessDenied, message)
}

/// What is signed.
pub(super) fn form(claim: &Claim, request: &Parsed, attempt: Attempt) -> Form {
    let body = |name| request.header(name).unwrap_or_default();
    let (method, md5, content_type) = (request.subject.method, body("content-md5"), body("content-type"));
    let headers = request.header_lines(|name| name.starts_with("x-oss-"));
    let reading = request.subject.reading(attempt.reading);
    let resource = resource(&reading, attempt.slash);
    let mut text = format!("{method}\n{md5}\n{content_type}\n{}\n{headers}{resource}", claim.stamp).into_bytes();
    let signed = |name: &[u8]| SUBRESOURCES.binary_search_by(|known| known.as_bytes().cmp(name)).is_ok();
    let mut parameters: Vec<_> = request.parameters.iter().filter(|parameter| signed(&parameter.name)).collect();
    parameters.sort_by_key(|parameter| &parameter.name);
    for (index, parameter) in parameters.into_iter().enumerate() {
        text.push(if index == 0 { b'?' } else { b'&' });
        text.extend_from_slice(&parameter.name);
        if !parameter.value.is_empty() {
            text.push(b'=');
            text.extend_from_slice(&parameter.value);
        }
    }
    Form { string_to_sign: text, canonical_request: None }
}

/// The signature in Base64.
pub(super) fn sign(string_to_sign: &[u8], secret: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(string_to_sign);
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_searched() {
        assert!(SUBRESOURCES.is_sorted() && SUBRESOURCES.len() == 91);
    }
}
