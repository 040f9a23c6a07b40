//! What the calls on objects do: read, read processed, write.

use super::conditions::{self, Part, Verdict};
use super::route::{self, Target};
use super::sign::Caller;
use super::wire::{Body, Headers, Incoming, Reply, Request};
use super::{Prepared, Service};
use crate::cancel::Cancel;
use crate::error::{Code, Ec, Error};
use crate::processor::Answer;
use crate::store::{Content, Key, Object, ObjectMeta, Replace};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use std::ops::Range;
use std::time::{Duration, Instant};

/// `GetObject`, and for `head` its headers alone.
///
/// Order: process string, existence, conditions, processing. A bad process string is told
/// before the object is looked at, whatever the conditions say.
pub(super) async fn read(
    service: &Service,
    target: &Target,
    process: Option<&str>,
    request: Request,
    caller: &Caller,
    head: bool,
) -> Result<Reply, Error> {
    // The body is dropped: it has no meaning here, and it cannot be shared between threads.
    let Request { headers, query, begin, .. } = request;
    let overrides = overrides(&query);
    if let (Caller::Anonymous, Some((name, ..))) = (caller, overrides.first()) {
        return Err(Error::new(Code::InvalidRequest, format!("{name} cannot be used with anonymous requests.")));
    }
    let prepared = match process {
        Some(process) => Some(service.studio.clone().prepare(process)?),
        None => None,
    };
    let fetch = Instant::now();
    let object = find(service, target).await.map_err(|error| match (error.code, process) {
        (Code::NoSuchKey, Some(_)) => error.ec(Ec::image(24)),
        _ => error,
    })?;
    match conditions::judge(&headers, &object.meta) {
        Verdict::Proceed => {}
        Verdict::NotModified => return Ok(identified(Reply::new(304), &object.meta)),
        Verdict::Failed(condition) => {
            let message = "At least one of the pre-conditions you specified did not hold.";
            return Err(Error::new(Code::PreconditionFailed, message).detail("Condition", condition));
        }
    }
    let reply = match prepared {
        None => plain(object, &headers, head),
        Some(prepared) => {
            let cancel = Cancel::at(begin + service.rules.deadline);
            let assets = assets(service, target, &prepared.assets).await?;
            processed(service, object, prepared, assets, &headers, head, cancel, fetch).await
        }
    };
    let overrides = overrides.into_iter().filter(|(.., value)| !value.is_empty());
    reply.map(|reply| overrides.fold(reply, |reply, (_, header, value)| reply.replace(header, value)))
}

/// Query parameters that replace headers of the answer, with these; only signed requests may.
const OVERRIDES: [(&str, &str); 6] = [
    ("response-content-type", "Content-Type"),
    ("response-content-language", "Content-Language"),
    ("response-expires", "Expires"),
    ("response-cache-control", "Cache-Control"),
    ("response-content-disposition", "Content-Disposition"),
    ("response-content-encoding", "Content-Encoding"),
];

/// The overrides of a query: parameter, header and value.
fn overrides(query: &str) -> Vec<(&'static str, &'static str, String)> {
    let named = |(name, header)| route::value(query, name).map(|value| (name, header, value));
    OVERRIDES.into_iter().filter_map(named).collect()
}

/// The object under the key, or under the second reading of the path.
async fn find(service: &Service, target: &Target) -> Result<Object, Error> {
    let missing = match service.store.get(&target.bucket, &target.key).await {
        Err(error) if error.code == Code::NoSuchKey => error,
        found => return found,
    };
    match &target.alternative {
        Some(key) => match service.store.get(&target.bucket, key).await {
            Err(error) if error.code == Code::NoSuchKey => Err(missing),
            found => found,
        },
        None => Err(missing),
    }
}

/// The watermark pictures under `keys` in the target's bucket; `None` for one that is not there.
async fn assets(service: &Service, target: &Target, keys: &[String]) -> Result<Vec<Option<Bytes>>, Error> {
    let mut files = Vec::with_capacity(keys.len());
    for key in keys {
        let limit_bytes = service.rules.source_limit_bytes;
        let found = match Key::new(key) {
            Ok(key) => service.store.get(&target.bucket, &key).await,
            Err(_) => Err(Error::new(Code::NoSuchKey, "")),
        };
        files.push(match found {
            Ok(object) => match object.read(limit_bytes).await? {
                Some(file) => Some(file),
                None => return Err(Error::source_too_large(limit_bytes)),
            },
            Err(error) if error.code == Code::NoSuchKey => None,
            Err(error) => return Err(error),
        });
    }
    Ok(files)
}

/// The object as it is stored.
fn plain(object: Object, headers: &Headers, head: bool) -> Result<Reply, Error> {
    let meta = object.meta.clone();
    let (mut reply, range) = framed(&meta, &meta.content_type, headers, meta.size_bytes, head)?;
    if !head {
        reply.body = Body::Chunks(Box::pin(object.stream(range)));
    }
    Ok(reply)
}

/// The result of `prepared` on the object.
#[expect(clippy::too_many_arguments, reason = "one call's own parts")]
async fn processed(
    service: &Service,
    object: Object,
    prepared: Prepared,
    assets: Vec<Option<Bytes>>,
    headers: &Headers,
    head: bool,
    cancel: Cancel,
    fetch: Instant,
) -> Result<Reply, Error> {
    let meta = object.meta.clone();
    let Some(source) = object.read(service.rules.source_limit_bytes).await? else {
        return Err(Error::source_too_large(service.rules.source_limit_bytes));
    };
    let fetch = fetch.elapsed();
    let job = {
        let cancel = cancel.clone();
        move || (prepared.work)(&source, &assets, &cancel)
    };
    let (answer, waited) = service.crew.run(cancel, job).await?;
    let timing = server_timing(&answer, fetch, waited);
    let engine = format!("{}; {}", answer.engine.name(), answer.reason);
    let bytes = Bytes::from(answer.bytes);
    let (mut reply, range) = framed(&meta, answer.content_type, headers, bytes.len() as u64, head)?;
    if !head {
        reply.body = Body::Whole(bytes.slice(range.start as usize..range.end as usize));
    }
    Ok(reply.header("Server-Timing", timing).header("x-pixelpass-engine", engine))
}

/// Milliseconds of each phase, in the order of work.
fn server_timing(answer: &Answer, fetch: Duration, waited: Duration) -> String {
    let times = answer.times;
    let phases = [
        ("fetch", fetch),
        ("queue", waited + times.queue),
        ("decode", times.decode),
        (answer.engine.name(), times.run),
        ("encode", times.encode),
    ];
    let phases = phases.map(|(name, time)| format!("{name};dur={:.2}", time.as_secs_f64() * 1000.0));
    phases.join(", ")
}

/// `PutObject`.
pub(super) async fn put(service: &Service, target: &Target, request: Request) -> Result<Reply, Error> {
    if request.headers.get("x-oss-copy-source").is_some() {
        let message = "A header you provided implies functionality that is not implemented.";
        return Err(Error::new(Code::NotImplemented, message).detail("Header", "x-oss-copy-source"));
    }
    let limit_bytes = service.rules.upload_limit_bytes;
    let announced = request.headers.get("content-length").and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit_bytes) {
        return Err(too_large(limit_bytes));
    }
    let expected_md5 = request.headers.get("content-md5").map(decode_md5).transpose()?;
    let replace = match request.headers.get("x-oss-forbid-overwrite") {
        Some(value) if value.eq_ignore_ascii_case("true") => Replace::No,
        _ => Replace::Yes,
    };
    let chunks = collect(request.body, limit_bytes).await?;
    let content = Content::new(chunks).await?;
    if expected_md5.is_some_and(|expected| expected != content.md5) {
        return Err(invalid_digest());
    }
    let md5 = STANDARD.encode(content.md5);
    let crc64 = content.crc64;
    let etag = service.store.put(&target.bucket, &target.key, content, replace).await?;
    Ok(Reply::new(200)
        .header("ETag", etag)
        .header("Content-MD5", md5)
        .header("x-oss-hash-crc64ecma", crc64.to_string())
        .whole(Bytes::new(), false))
}

/// The chunks of a body of at most `limit_bytes`.
async fn collect(mut body: Incoming, limit_bytes: u64) -> Result<Vec<Bytes>, Error> {
    let mut chunks = Vec::new();
    let mut length = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        length += chunk.len() as u64;
        if length > limit_bytes {
            return Err(too_large(limit_bytes));
        }
        chunks.push(chunk);
    }
    Ok(chunks)
}

fn decode_md5(text: &str) -> Result<[u8; 16], Error> {
    let bytes = STANDARD.decode(text).map_err(|_| invalid_digest())?;
    bytes.try_into().map_err(|_| invalid_digest())
}

/// The reply for content of `length_bytes`, still without its body, and which bytes the body holds:
/// those that `Range` asks for, or all.
fn framed(
    meta: &ObjectMeta,
    content_type: &str,
    headers: &Headers,
    length_bytes: u64,
    head: bool,
) -> Result<(Reply, Range<u64>), Error> {
    let part = if head { Part::Whole } else { conditions::part(headers, length_bytes) };
    let (status, range) = match part {
        Part::Whole => (200, 0..length_bytes),
        Part::Bytes(range) => (206, *range.start()..range.end() + 1),
        Part::Unsatisfiable => return Err(invalid_range()),
    };
    let mut reply = described(Reply::new(status), meta, content_type);
    if status == 206 {
        let content_range = format!("bytes {}-{}/{length_bytes}", range.start, range.end - 1);
        reply = reply.header("Content-Range", content_range);
    }
    Ok((reply.header("Content-Length", (range.end - range.start).to_string()), range))
}

/// The headers that describe an object or what was made of it.
fn described(reply: Reply, meta: &ObjectMeta, content_type: &str) -> Reply {
    identified(reply, meta)
        .header("Content-Type", content_type)
        .header("Accept-Ranges", "bytes")
        .header("x-oss-object-type", "Normal")
        .header("x-oss-storage-class", "Standard")
}

/// The headers that tell one state of an object from another; processing changes neither.
fn identified(reply: Reply, meta: &ObjectMeta) -> Reply {
    reply.header("ETag", meta.etag.as_str()).header("Last-Modified", httpdate::fmt_http_date(meta.last_modified))
}

fn invalid_range() -> Error {
    Error::new(Code::InvalidRange, "The requested range cannot be satisfied.")
}

fn invalid_digest() -> Error {
    Error::new(Code::InvalidDigest, "The Content-MD5 you specified was invalid.")
}

fn too_large(limit_bytes: u64) -> Error {
    let message = "Your proposed upload exceeds the maximum allowed object size.";
    Error::new(Code::EntityTooLarge, message).detail("MaxSizeAllowed", limit_bytes.to_string())
}
