//! Headers that describe an object: from a request into the store, and from the store into an answer.

use crate::error::{Code, Error};
use crate::oss::conditions::{self, Part};
use crate::oss::query::invalid;
use crate::oss::sign::Caller;
use crate::oss::wire::{Headers, Reply};
use crate::oss::{Service, access};
use crate::store::{Acl, Description, ObjectKind, ObjectMeta};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::ops::Range;

/// Most bytes of names and values of `x-oss-meta-*`.
const METADATA_BYTES: usize = 8 * 1024;

/// The type of content that came without one.
pub const UNTYPED: &str = "application/octet-stream";

/// Headers that are stored with an object and sent with it, with the names they are sent under.
const STORED: [(&str, &str); 5] = [
    ("cache-control", "Cache-Control"),
    ("content-disposition", "Content-Disposition"),
    ("content-encoding", "Content-Encoding"),
    ("content-language", "Content-Language"),
    ("expires", "Expires"),
];

/// What a request's headers tell of the object that it writes.
///
/// # Errors
/// `InvalidArgument` for an ACL that is none and for too much metadata, `AccessDenied` where an
/// anonymous caller sets an ACL, `NotImplemented` for what is asked beyond that.
pub fn described_by(service: &Service, headers: &Headers, caller: &Caller) -> Result<Description, Error> {
    service.rules.unsupported.check(|name| headers.get(name))?;
    let acl = object_acl(headers.get("x-oss-object-acl"))?;
    if acl.is_some() && *caller == Caller::Anonymous {
        return Err(access::denied());
    }
    let user = user_metadata(headers.0.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    let content_type = headers.get("content-type").filter(|value| !value.is_empty());
    let content_type = Some(content_type.unwrap_or(UNTYPED).to_owned());
    Ok(Description { content_type, headers: stored_headers(|name| headers.get(name)), user, acl })
}

/// Those of the headers or form fields that `get` knows, by names in lower case, which are stored.
pub fn stored_headers<'a>(get: impl Fn(&str) -> Option<&'a str>) -> BTreeMap<String, String> {
    STORED.iter().filter_map(|(name, _)| Some((name.to_string(), get(name)?.to_owned()))).collect()
}

/// The `x-oss-meta-*` of headers or form fields, names in lower case and without what begins them.
///
/// # Errors
/// `InvalidArgument` for too much of them.
pub fn user_metadata<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<BTreeMap<String, String>, Error> {
    let named = pairs.filter_map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        Some((name.strip_prefix("x-oss-meta-")?.to_owned(), value.trim().to_owned()))
    });
    let user: BTreeMap<_, _> = named.collect();
    if user.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > METADATA_BYTES {
        let message = format!("The user metadata is longer than {METADATA_BYTES} bytes.");
        return Err(Error::new(Code::InvalidArgument, message));
    }
    Ok(user)
}

/// The ACL that `x-oss-object-acl` names; `default` is none of its own.
///
/// # Errors
/// `InvalidArgument`.
pub fn object_acl(name: Option<&str>) -> Result<Option<Acl>, Error> {
    match name {
        None | Some("default") => Ok(None),
        Some(name) => Acl::parse(name).map(Some).ok_or_else(|| invalid("x-oss-object-acl", name)),
    }
}

/// The headers that tell one state of an object from another.
pub fn identified(reply: Reply, meta: &ObjectMeta, etag: &str) -> Reply {
    reply.header("ETag", etag).header("Last-Modified", httpdate::fmt_http_date(meta.last_modified))
}

/// All headers of a stored object.
pub fn stored(reply: Reply, meta: &ObjectMeta) -> Reply {
    let mut reply = identified(reply, meta, &meta.etag)
        .stored("Content-Type".to_owned(), &meta.content_type)
        .header("Accept-Ranges", "bytes")
        .header("x-oss-object-type", meta.kind.name())
        .header("x-oss-storage-class", "Standard");
    if let Some(crc64) = meta.crc64 {
        reply = reply.header("x-oss-hash-crc64ecma", crc64.to_string());
    }
    if let Some(md5) = meta.md5 {
        reply = reply.header("Content-MD5", STANDARD.encode(md5));
    }
    if meta.kind == ObjectKind::Appendable {
        reply = reply.header("x-oss-next-append-position", meta.size_bytes.to_string());
    }
    for (name, sent) in STORED {
        if let Some(value) = meta.description.headers.get(name) {
            reply = reply.stored(sent.to_owned(), value);
        }
    }
    with_metadata(reply, meta)
}

/// The headers of what was made of an object: nothing that tells of the source's own bytes.
pub fn made_of(reply: Reply, meta: &ObjectMeta, etag: &str, content_type: &'static str) -> Reply {
    let mut reply = identified(reply, meta, etag)
        .header("Content-Type", content_type)
        .header("Accept-Ranges", "bytes")
        .header("x-oss-object-type", meta.kind.name())
        .header("x-oss-storage-class", "Standard");
    for (name, sent) in STORED {
        if let (true, Some(value)) = (matches!(name, "cache-control" | "expires"), meta.description.headers.get(name)) {
            reply = reply.stored(sent.to_owned(), value);
        }
    }
    with_metadata(reply, meta)
}

fn with_metadata(mut reply: Reply, meta: &ObjectMeta) -> Reply {
    for (name, value) in &meta.description.user {
        reply = reply.stored(format!("x-oss-meta-{name}"), value);
    }
    reply
}

/// The status, and which of the `length_bytes` of an answer called `etag` the body holds: those that
/// `Range` asks for, or all.
///
/// # Errors
/// `InvalidRange`.
pub fn framed(
    headers: &Headers,
    meta: &ObjectMeta,
    etag: &str,
    length_bytes: u64,
    head: bool,
) -> Result<(u16, Range<u64>), Error> {
    let counts = !head && conditions::range_counts(headers, etag, meta.last_modified);
    let part = if counts { conditions::part(headers, length_bytes) } else { Part::Whole };
    match part {
        Part::Whole => Ok((200, 0..length_bytes)),
        Part::Bytes(range) => Ok((206, *range.start()..range.end() + 1)),
        Part::Unsatisfiable => Err(Error::new(Code::InvalidRange, "The requested range cannot be satisfied.")),
    }
}

/// The headers that tell which bytes of how many come.
pub fn sized(mut reply: Reply, range: &Range<u64>, length_bytes: u64) -> Reply {
    if reply.status == 206 {
        let content_range = format!("bytes {}-{}/{length_bytes}", range.start, range.end - 1);
        reply = reply.header("Content-Range", content_range);
    }
    reply.header("Content-Length", (range.end - range.start).to_string())
}
