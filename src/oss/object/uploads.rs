//! Multipart upload: parts that become one object when they are complete.

use super::describe::described_by;
use super::write::{digested, document_body, expected_md5, limit_bytes, replace};
use crate::error::{Code, Ec, Error};
use crate::oss::callback::{self, Callback, Uploader};
use crate::oss::query::{Query, invalid};
use crate::oss::route::Target;
use crate::oss::wire::Reply;
use crate::oss::xml::{self, Xml};
use crate::oss::{Order, Service, encoded};
use crate::store::Upload;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Most parts of an object, and of an answer of `ListParts`.
const PARTS: u64 = 10_000;
const LISTED_PARTS: u64 = 1000;

/// `InitiateMultipartUpload`.
pub async fn begin(service: &Service, target: Target, order: Order) -> Result<Reply, Error> {
    service.allow_write(&order.caller, &target.bucket, &target.key).await?;
    let description = described_by(service, &order.request.headers, &order.caller)?;
    let id = service.store.begin_upload(&target.bucket, &target.key, description).await?;
    let encoding = encoded::Encoding::asked(&order.query)?;
    Ok(Reply::xml(Xml::document("InitiateMultipartUploadResult", |xml| {
        encoding.tell(xml);
        xml.text("Bucket", &target.bucket);
        xml.text("Key", encoding.write(target.key.as_str()));
        xml.text("UploadId", id);
    })))
}

/// `UploadPart`.
pub async fn put_part(service: &Service, target: Target, order: Order) -> Result<Reply, Error> {
    service.allow_write(&order.caller, &target.bucket, &target.key).await?;
    let (id, number) = (upload_id(&order.query)?, part_number(&order.query)?);
    let headers = &order.request.headers;
    let expected_md5 = expected_md5(headers)?;
    let upload = Upload { expected_md5, limit_bytes: limit_bytes(service, headers)?, ..Upload::default() };
    let part = service.store.put_part(&target.bucket, &target.key, &id, number, order.request.body, upload).await;
    let part = part.map_err(|error| no_such_upload_at(error, Ec(42, 104)))?;
    Ok(Reply::empty(200)
        .header("Content-MD5", content_md5(&part.etag))
        .header("ETag", part.etag)
        .header("x-oss-hash-crc64ecma", part.crc64.to_string()))
}

/// `CompleteMultipartUpload`.
pub async fn complete(service: &Service, target: Target, order: Order) -> Result<Reply, Error> {
    service.allow_write(&order.caller, &target.bucket, &target.key).await?;
    let id = upload_id(&order.query)?;
    let encoding = encoded::Encoding::asked(&order.query)?;
    let home = service.home(&target.bucket, &order.request);
    let uploader = Uploader::of(&order.request);
    let headers = order.request.headers;
    let body = document_body(&headers, order.request.body).await?;
    let all = headers.get("x-oss-complete-all").is_some_and(|value| value.eq_ignore_ascii_case("yes"));
    let parts = match (all, body.is_empty()) {
        (true, true) => None,
        (true, false) => {
            // As the service spells it: clients may look for the text.
            let message = "Should not speficy both complete all header and http body.";
            return Err(Error::new(Code::InvalidArgument, message).ec(Ec(42, 216)));
        }
        (false, _) => {
            let listed = match xml::read::<xml::Complete>(&body) {
                Ok(listed) => listed,
                Err(error) => {
                    service.store.check_upload(&target.bucket, &target.key, &id).await?;
                    return Err(error);
                }
            };
            Some(listed.parts.into_iter().map(|part| (part.number, part.etag)).collect())
        }
    };
    let acl = described_by(service, &headers, &order.caller)?.acl;
    let call = "CompleteMultipartUpload";
    let callback = Callback::of_headers(service, call, uploader, &headers, &order.query).await?;
    let replace = replace(&headers);
    let meta = service.store.complete_upload(&target.bucket, &target.key, &id, parts, replace).await?;
    // One that comes here outranks the one that the upload began with.
    if acl.is_some() {
        service.store.set_acl(&target.bucket, &target.key, acl).await?;
    }
    let location = format!("{home}/{}", encoded::percent(target.key.as_str()));
    let document = Xml::document("CompleteMultipartUploadResult", |xml| {
        encoding.tell(xml);
        xml.text("Location", location);
        xml.text("Bucket", &target.bucket);
        xml.text("Key", encoding.write(target.key.as_str()));
        xml.text("ETag", &meta.etag);
    });
    let reply = digested(Reply::xml(document), &meta);
    Ok(callback::answered(callback, service, &target.bucket, &target.key, &meta, reply).await)
}

/// `AbortMultipartUpload`.
pub async fn abort(service: &Service, target: Target, order: Order) -> Result<Reply, Error> {
    service.allow_write(&order.caller, &target.bucket, &target.key).await?;
    service.store.abort_upload(&target.bucket, &target.key, &upload_id(&order.query)?).await?;
    Ok(Reply::empty(204))
}

/// `ListParts`.
pub async fn list_parts(service: &Service, target: Target, order: Order) -> Result<Reply, Error> {
    let id = upload_id(&order.query)?;
    let limit = order.query.number("max-parts", 1..=LISTED_PARTS, LISTED_PARTS)? as usize;
    let after = order.query.number("part-number-marker", 0..=PARTS, 0)?;
    let encoding = encoded::Encoding::asked(&order.query)?;
    let parts = service.store.parts(&target.bucket, &target.key, &id).await?;
    let mut parts: Vec<_> = parts.into_iter().filter(|part| u64::from(part.number) > after).collect();
    let truncated = parts.len() > limit;
    parts.truncate(limit);
    Ok(Reply::xml(Xml::document("ListPartsResult", |xml| {
        encoding.tell(xml);
        xml.text("Bucket", &target.bucket);
        xml.text("Key", encoding.write(target.key.as_str()));
        xml.text("UploadId", id);
        xml.text("StorageClass", "Standard");
        xml.text("PartNumberMarker", after);
        xml.text("NextPartNumberMarker", parts.last().map(|part| part.number.to_string()).unwrap_or_default());
        xml.text("MaxParts", limit);
        xml.text("IsTruncated", truncated);
        for part in parts {
            xml.parent("Part", |xml| {
                xml.text("PartNumber", part.number);
                xml.time("LastModified", part.last_modified);
                xml.text("ETag", &part.etag);
                xml.text("HashCrc64ecma", part.crc64);
                xml.text("Size", part.size_bytes);
            });
        }
    })))
}

/// `NoSuchUpload` with the EC that it has for one call alone.
pub fn no_such_upload_at(error: Error, ec: Ec) -> Error {
    if error.code == Code::NoSuchUpload { error.ec(ec) } else { error }
}

/// # Errors
/// `InvalidArgument`.
pub fn upload_id(query: &Query) -> Result<String, Error> {
    let id = query.get("uploadId").unwrap_or_default();
    if id.is_empty() { Err(invalid("uploadId", &id)) } else { Ok(id) }
}

/// # Errors
/// `InvalidArgument` outside 1 to 10,000.
pub fn part_number(query: &Query) -> Result<u32, Error> {
    let number = query.number("partNumber", 1..=PARTS, 0)?;
    if number == 0 { Err(invalid("partNumber", "")) } else { Ok(number as u32) }
}

/// The `Content-MD5` of a part, whose ETag is its MD5 in hex.
fn content_md5(etag: &str) -> String {
    let digits = etag.trim_matches('"');
    let byte = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Vec<_> = (0..digits.len()).step_by(2).filter_map(byte).collect();
    STANDARD.encode(bytes)
}
