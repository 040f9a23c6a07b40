//! CopyObject and UploadPartCopy.

use super::describe::described_by;
use super::uploads::{no_such_upload_at, part_number, upload_id};
use super::write::{digested, replace};
use crate::error::{Ec, Error};
use crate::oss::conditions::{self, Verdict};
use crate::oss::query::invalid;
use crate::oss::route::Target;
use crate::oss::sign::Caller;
use crate::oss::wire::{Headers, Reply};
use crate::oss::xml::Xml;
use crate::oss::{Order, Service, access, calls, protect};
use crate::store::{Bucket, Key, ObjectMeta, Upload};
use futures_util::TryStreamExt;
use percent_encoding::percent_decode_str;

/// What `x-oss-copy-source` names.
struct Source {
    bucket: Bucket,
    key: Key,
}

impl Source {
    /// `/BUCKET/KEY`, the leading slash optional, percent-encoded, `+` for a space; a version is
    /// passed over.
    fn read(headers: &Headers) -> Result<Source, Error> {
        let text = headers.get("x-oss-copy-source").unwrap_or_default();
        let path = text.split_once('?').map_or(text, |(path, _)| path).replace('+', " ");
        let names = percent_decode_str(&path).decode_utf8().ok();
        let names = names.as_deref().map(|path| path.strip_prefix('/').unwrap_or(path));
        let (bucket, key) =
            names.and_then(|names| names.split_once('/')).ok_or_else(|| invalid("x-oss-copy-source", text))?;
        Ok(Source { bucket: Bucket::or_folder(bucket)?, key: Key::new(key)? })
    }

    /// The source's facts, if the caller may read it and its conditions hold; `None` where it has
    /// not been modified.
    async fn judged(&self, service: &Service, caller: &Caller, headers: &Headers) -> Result<Option<ObjectMeta>, Error> {
        let acl = service.bucket_acl(&self.bucket).await?;
        let found = service.store.head(&self.bucket, &self.key).await;
        let acl = found.as_ref().ok().and_then(|meta| meta.description.acl).unwrap_or(acl);
        access::check(caller, calls::Right::Read, acl)?;
        let source = Target { bucket: self.bucket.clone(), key: self.key.clone(), alternative: None };
        protect::check(service, caller, &source, None).await?;
        let meta = found?;
        let conditions = headers
            .0
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("x-oss-copy-source-")?.to_owned(), value.clone())));
        match conditions::judge(&Headers(conditions.collect()), &meta.etag, meta.last_modified) {
            Verdict::Proceed => Ok(Some(meta)),
            Verdict::NotModified => Ok(None),
            Verdict::Failed(condition) => Err(conditions::failed(condition)),
        }
    }
}

/// `CopyObject`.
pub async fn copy(service: &Service, target: Target, order: Order) -> Result<Reply, Error> {
    service.allow_write(&order.caller, &target.bucket, &target.key).await?;
    let headers = &order.request.headers;
    let source = Source::read(headers)?;
    let described = described_by(service, headers, &order.caller)?;
    let Some(meta) = source.judged(service, &order.caller, headers).await? else { return Ok(Reply::new(304)) };
    let onto_itself = source.bucket == target.bucket && source.key == target.key;
    let replaced = match headers.get("x-oss-metadata-directive") {
        _ if onto_itself => true,
        Some(directive) if directive.eq_ignore_ascii_case("replace") => true,
        Some(directive) if !directive.eq_ignore_ascii_case("copy") => {
            return Err(invalid("x-oss-metadata-directive", directive));
        }
        _ => false,
    };
    let description = match replaced {
        true => described,
        // An ACL is never copied.
        false => crate::store::Description { acl: described.acl, ..meta.description },
    };
    let (from, to) = ((&source.bucket, &source.key), (&target.bucket, &target.key));
    let meta = service.store.copy(from, to, Some(description), replace(headers)).await?;
    Ok(digested(result("CopyObjectResult", &meta.etag, meta.last_modified), &meta))
}

/// `UploadPartCopy`.
pub async fn copy_part(service: &Service, target: Target, order: Order) -> Result<Reply, Error> {
    service.allow_write(&order.caller, &target.bucket, &target.key).await?;
    let (id, number) = (upload_id(&order.query)?, part_number(&order.query)?);
    let headers = &order.request.headers;
    let source = Source::read(headers)?;
    if source.judged(service, &order.caller, headers).await?.is_none() {
        return Ok(Reply::new(304));
    }
    let object = service.store.get(&source.bucket, &source.key).await?;
    let length_bytes = object.meta.size_bytes;
    let range = match headers.get("x-oss-copy-source-range") {
        None => 0..length_bytes,
        Some(text) => match conditions::range(text, length_bytes) {
            Some(range) => *range.start()..range.end() + 1,
            None => return Err(invalid("x-oss-copy-source-range", text)),
        },
    };
    let body = Box::pin(object.stream(range).map_err(Error::internal));
    let upload = Upload { limit_bytes: service.rules.upload_limit_bytes, ..Upload::default() };
    let part = service.store.put_part(&target.bucket, &target.key, &id, number, body, upload).await;
    let part = part.map_err(|error| no_such_upload_at(error, Ec(42, 311)))?;
    // One client takes the ETag from the header alone.
    Ok(result("CopyPartResult", &part.etag, part.last_modified)
        .header("ETag", part.etag)
        .header("x-oss-hash-crc64ecma", part.crc64.to_string()))
}

fn result(root: &str, etag: &str, last_modified: std::time::SystemTime) -> Reply {
    Reply::xml(Xml::document(root, |xml| {
        xml.time("LastModified", last_modified);
        xml.text("ETag", etag);
    }))
}
