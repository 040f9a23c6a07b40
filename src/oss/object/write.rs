//! PutObject, AppendObject, DeleteObject, and what all writing calls ask of their bodies.

use super::describe::described_by;
use crate::error::{Code, Error};
use crate::oss::callback::{self, Callback, Uploader};
use crate::oss::query::invalid;
use crate::oss::route::Target;
use crate::oss::wire::{Headers, Incoming, Reply};
use crate::oss::{Order, Service};
use crate::store::{ObjectMeta, Replace, Upload};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

/// Most bytes of a document that comes as a body.
const DOCUMENT_BYTES: usize = 8 * 1024 * 1024;

/// `PutObject`.
pub async fn put(service: &Service, target: Target, order: Order) -> Result<Reply, Error> {
    service.allow_write(&order.caller, &target.bucket, &target.key).await?;
    let headers = &order.request.headers;
    let uploader = Uploader::of(&order.request);
    let callback = Callback::of_headers(service, "PutObject", uploader, headers, &order.query).await?;
    let upload = Upload {
        description: described_by(service, headers, &order.caller)?,
        replace: replace(headers),
        expected_md5: expected_md5(headers)?,
        limit_bytes: limit_bytes(service, headers)?,
    };
    let meta = service.store.put(&target.bucket, &target.key, order.request.body, upload).await?;
    let reply = digested(Reply::empty(200), &meta);
    let reply = match meta.md5 {
        Some(md5) => reply.header("Content-MD5", STANDARD.encode(md5)),
        None => reply,
    };
    Ok(callback::answered(callback, service, &target.bucket, &target.key, &meta, reply).await)
}

/// `AppendObject`.
pub async fn append(service: &Service, target: Target, order: Order) -> Result<Reply, Error> {
    service.allow_write(&order.caller, &target.bucket, &target.key).await?;
    let position = order.query.get("position").unwrap_or_default();
    let position = position.parse().map_err(|_| invalid("position", &position))?;
    let headers = &order.request.headers;
    let upload = Upload {
        description: described_by(service, headers, &order.caller)?,
        replace: Replace::Yes,
        expected_md5: expected_md5(headers)?,
        limit_bytes: limit_bytes(service, headers)?,
    };
    let meta = service.store.append(&target.bucket, &target.key, position, order.request.body, upload).await?;
    Ok(digested(Reply::empty(200), &meta).header("x-oss-next-append-position", meta.size_bytes.to_string()))
}

/// `DeleteObject`: success also where there was nothing.
pub async fn delete(service: &Service, target: Target, order: Order) -> Result<Reply, Error> {
    service.allow_write(&order.caller, &target.bucket, &target.key).await?;
    service.store.delete(&target.bucket, &target.key).await?;
    Ok(Reply::empty(204))
}

/// The ETag and CRC of an object that was written.
pub fn digested(reply: Reply, meta: &ObjectMeta) -> Reply {
    let reply = reply.header("ETag", meta.etag.as_str());
    match meta.crc64 {
        Some(crc64) => reply.header("x-oss-hash-crc64ecma", crc64.to_string()),
        None => reply,
    }
}

/// Whether an object that is there may be replaced.
pub fn replace(headers: &Headers) -> Replace {
    match headers.get("x-oss-forbid-overwrite") {
        Some(value) if value.eq_ignore_ascii_case("true") => Replace::No,
        _ => Replace::Yes,
    }
}

/// The most bytes that a body may have, held against what it announces.
///
/// # Errors
/// `EntityTooLarge`.
pub fn limit_bytes(service: &Service, headers: &Headers) -> Result<u64, Error> {
    let limit_bytes = service.rules.upload_limit_bytes;
    let announced = headers.get("content-length").and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit_bytes) {
        return Err(too_large(limit_bytes));
    }
    Ok(limit_bytes)
}

/// The MD5 that the body must have, if one is named.
///
/// # Errors
/// `InvalidDigest` for what is no MD5.
pub fn expected_md5(headers: &Headers) -> Result<Option<[u8; 16]>, Error> {
    match content_md5(headers)? {
        None => Ok(None),
        Some(bytes) => bytes.try_into().map(Some).map_err(|_| invalid_digest()),
    }
}

/// The MD5 that the body of DeleteMultipleObjects must have, if one is named: what stands behind its 16
/// bytes is not looked at, since one client sends four more. Source: the specification of the HTTP
/// surface, section 12.
///
/// # Errors
/// `InvalidDigest` for what is too short for an MD5.
pub fn expected_md5_of_deletion(headers: &Headers) -> Result<Option<[u8; 16]>, Error> {
    match content_md5(headers)? {
        None => Ok(None),
        Some(bytes) => bytes.first_chunk().copied().map(Some).ok_or_else(invalid_digest),
    }
}

fn content_md5(headers: &Headers) -> Result<Option<Vec<u8>>, Error> {
    let text = headers.get("content-md5").filter(|text| !text.is_empty());
    text.map(|text| STANDARD.decode(text).map_err(|_| invalid_digest())).transpose()
}

/// The whole body of a call that sends a document, held against its Content-MD5.
///
/// # Errors
/// `EntityTooLarge`, `InvalidDigest`, `IncompleteBody`.
pub async fn document_body(headers: &Headers, body: Incoming) -> Result<Bytes, Error> {
    checked_body(expected_md5(headers)?, body).await
}

/// The whole body of a call that sends a document, held against an MD5.
///
/// # Errors
/// `EntityTooLarge`, `InvalidDigest`, `IncompleteBody`.
pub async fn checked_body(expected: Option<[u8; 16]>, mut body: Incoming) -> Result<Bytes, Error> {
    let mut document = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        if document.len() + chunk.len() > DOCUMENT_BYTES {
            return Err(too_large(DOCUMENT_BYTES as u64));
        }
        document.extend_from_slice(&chunk);
    }
    if expected.is_some_and(|expected| <[u8; 16]>::from(<md5::Md5 as md5::Digest>::digest(&document)) != expected) {
        return Err(invalid_digest());
    }
    Ok(document.freeze())
}

fn invalid_digest() -> Error {
    Error::new(Code::InvalidDigest, "The Content-MD5 you specified was invalid.")
}

fn too_large(limit_bytes: u64) -> Error {
    let message = "Your proposed upload exceeds the maximum allowed object size.";
    Error::new(Code::EntityTooLarge, message).detail("MaxSizeAllowed", limit_bytes.to_string())
}
