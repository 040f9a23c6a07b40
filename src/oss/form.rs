//! PostObject: a browser's form upload.
//!
//! A form cannot sign itself; what stands for the signature is a policy, which the owner of a key
//! has signed beforehand and which says what may be uploaded. Source: the vendor's documentation of
//! PostObject.

use super::callback::{self, Callback, Uploader};
use super::object::{UNTYPED, object_acl, stored_headers, user_metadata};
use super::sign::{Caller, clock, policy};
use super::wire::{Incoming, Reply};
use super::xml::Xml;
use super::{Order, Service, access, encoded};
use crate::error::{Code, Error};
use crate::store::{Bucket, Description, Key, ObjectMeta, Replace, Upload};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use multer::{Field, Multipart};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// Most bytes of one field but the file, and of all that comes before the file.
const FIELD_BYTES: usize = 64 * 1024;
const FIELDS_BYTES: usize = 4 * 1024 * 1024;

/// Most bytes of what is stored as headers: they must fit into an answer's.
const HEADERS_BYTES: usize = 8 * 1024;

/// Most fields before the file.
const FIELDS: usize = 1000;

/// The fields that come before the file, names in lower case.
type Fields = BTreeMap<String, String>;

/// `PostObject`.
pub async fn post(service: &Service, bucket: Bucket, order: Order) -> Result<Reply, Error> {
    let home = service.home(&bucket, &order.request);
    let uploader = Uploader::of(&order.request);
    let content_type = order.request.headers.get("content-type").unwrap_or_default();
    let boundary = multer::parse_boundary(content_type).map_err(malformed)?;
    let before_file = Arc::new(AtomicBool::new(true));
    let mut form = Multipart::new(bounded(order.request.body, Arc::clone(&before_file)), boundary);
    let mut fields = Fields::new();
    let file = loop {
        let Some(field) = form.next_field().await.map_err(unread)? else {
            let message = "The body of your POST request has no field file.";
            return Err(Error::new(Code::InvalidArgument, message));
        };
        let name = field.name().unwrap_or_default().to_ascii_lowercase();
        if name == "file" {
            break field;
        }
        if fields.len() >= FIELDS {
            return Err(too_long());
        }
        let text = text_of(field).await?;
        fields.insert(name, text);
    };
    before_file.store(false, Ordering::Relaxed);
    let now = SystemTime::now();
    let file_name = file.file_name().unwrap_or_default().to_owned();
    let key = fields.get("key").ok_or_else(|| Error::new(Code::InvalidArgument, "The form lacks the field key."))?;
    let key = Key::new(&key.replace("${filename}", base_name(&file_name)))?;
    let lengths = admitted(service, &bucket, &key, &fields, now).await?;
    let callback = Callback::of_form(service, uploader, &fields).await?;
    let upload = Upload {
        description: described(service, &fields, &file)?,
        replace: match fields.get("x-oss-forbid-overwrite").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            true => Replace::No,
            false => Replace::Yes,
        },
        expected_md5: None,
        limit_bytes: service.rules.upload_limit_bytes.min(*lengths.end()),
    };
    let body: Incoming = Box::pin(at_least(file.map(|chunk| chunk.map_err(unread)), *lengths.start()));
    let meta = service.store.put(&bucket, &key, body, upload).await?;
    let reply = answered(&bucket, &key, &meta, &fields, &home);
    Ok(callback::answered(callback, service, &bucket, &key, &meta, reply).await)
}

/// A body that fails where too much of it comes before the file: the names and headers of fields are
/// read whole, whatever their length.
fn bounded(body: Incoming, before_file: Arc<AtomicBool>) -> Incoming {
    let mut length_bytes = 0;
    Box::pin(body.map(move |chunk| {
        let chunk = chunk?;
        if length_bytes > FIELDS_BYTES && before_file.load(Ordering::Relaxed) {
            return Err(too_long());
        }
        length_bytes = length_bytes.saturating_add(chunk.len());
        Ok(chunk)
    }))
}

/// The sizes that the caller may upload under `key`, if any.
async fn admitted(
    service: &Service,
    bucket: &Bucket,
    key: &Key,
    fields: &Fields,
    now: SystemTime,
) -> Result<RangeInclusive<u64>, Error> {
    let field = |name: &str| fields.get(name).map(String::as_str);
    let policy = field("policy").unwrap_or_default();
    let caller = policy::judge(policy, field, &service.keys, service.rules.required_region.as_deref(), now)?;
    service.allow_write(&caller, bucket, key).await?;
    if caller == Caller::Anonymous && field("x-oss-object-acl").is_some() {
        return Err(access::denied());
    }
    if policy.is_empty() {
        return match caller {
            Caller::Anonymous => Ok(0..=u64::MAX),
            Caller::Key { .. } => Err(Error::new(Code::InvalidArgument, "The form lacks the field policy.")),
        };
    }
    let unreadable = || Error::new(Code::InvalidPolicyDocument, "The policy of the form cannot be read.");
    let decoded = STANDARD.decode(policy.trim()).map_err(|error| unreadable().because(error))?;
    let document: Value = serde_json::from_slice(&decoded).map_err(|error| unreadable().because(error))?;
    let end = document.get("expiration").and_then(Value::as_str).and_then(clock::parse_rfc3339);
    if end.ok_or_else(unreadable)? < clock::seconds(now) {
        return Err(violated("Policy expired."));
    }
    let mut lengths = 0..=u64::MAX;
    for condition in document.get("conditions").and_then(Value::as_array).ok_or_else(unreadable)? {
        if let Some(range) = held(condition, bucket, key, fields).ok_or_else(unreadable)?? {
            lengths = range;
        }
    }
    Ok(lengths)
}

/// Holds one condition of a policy against the form; `None` for one that cannot be read. Lengths are
/// told: they are known when the file has come.
fn held(
    condition: &Value,
    bucket: &Bucket,
    key: &Key,
    fields: &Fields,
) -> Option<Result<Option<RangeInclusive<u64>>, Error>> {
    let actual = |name: &str| match name.trim_start_matches('$').to_ascii_lowercase().as_str() {
        "bucket" => bucket.to_string(),
        "key" => key.to_string(),
        name => fields.get(name).cloned().unwrap_or_default(),
    };
    let check = |holds: bool| match holds {
        true => Some(Ok(None)),
        false => Some(Err(violated(&format!("Policy condition failed: {condition}")))),
    };
    if let Value::Object(equal) = condition {
        let all = equal.iter().map(|(name, value)| Some(actual(name) == value.as_str()?));
        return check(all.collect::<Option<Vec<_>>>()?.into_iter().all(|holds| holds));
    }
    let [verb, first, second] = condition.as_array()?.as_slice() else { return None };
    match verb.as_str()?.to_ascii_lowercase().as_str() {
        "content-length-range" => Some(Ok(Some(first.as_u64()?..=second.as_u64()?))),
        "eq" => check(actual(first.as_str()?) == second.as_str()?),
        "starts-with" => check(actual(first.as_str()?).starts_with(second.as_str()?)),
        verb @ ("in" | "not-in") => {
            let value = actual(first.as_str()?);
            check(second.as_array()?.iter().any(|one| one.as_str() == Some(&value)) == (verb == "in"))
        }
        _ => None,
    }
}

fn described(service: &Service, fields: &Fields, file: &Field) -> Result<Description, Error> {
    let field = |name: &str| fields.get(name).map(String::as_str);
    service.rules.unsupported.check(field)?;
    let by_file = file.content_type().map(ToString::to_string);
    let content_type = fields.get("content-type").cloned().or(by_file);
    let acl = object_acl(field("x-oss-object-acl"))?;
    let headers = stored_headers(field);
    let lengths = headers.values().chain(&content_type).map(String::len);
    if lengths.sum::<usize>() > HEADERS_BYTES {
        return Err(too_long());
    }
    Ok(Description {
        content_type: Some(content_type.unwrap_or_else(|| UNTYPED.to_owned())),
        headers,
        user: user_metadata(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))?,
        acl,
    })
}

/// A body that fails at its end where it had fewer bytes.
fn at_least(
    chunks: impl futures_util::Stream<Item = Result<bytes::Bytes, Error>> + Send + 'static,
    least_bytes: u64,
) -> impl futures_util::Stream<Item = Result<bytes::Bytes, Error>> + Send {
    let too_short = move |length: u64| match length < least_bytes {
        true => Some(Err(Error::new(
            Code::EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed object size.",
        ))),
        false => None,
    };
    futures_util::stream::unfold((Box::pin(chunks), Some(0)), move |(mut chunks, length)| async move {
        let length: u64 = length?;
        match chunks.next().await {
            Some(Ok(chunk)) => {
                let length = length + chunk.len() as u64;
                Some((Ok(chunk), (chunks, Some(length))))
            }
            Some(Err(error)) => Some((Err(error), (chunks, None))),
            None => too_short(length).map(|refusal| (refusal, (chunks, None))),
        }
    })
}

fn answered(bucket: &Bucket, key: &Key, meta: &ObjectMeta, fields: &Fields, home: &str) -> Reply {
    let redirect = fields.get("success_action_redirect").filter(|target| target.starts_with("http"));
    let status = fields.get("success_action_status").map(String::as_str);
    let location = format!("{home}/{}", encoded::percent(key.as_str()));
    let reply = match (redirect, status) {
        (Some(target), _) => {
            let joint = if target.contains('?') { '&' } else { '?' };
            let (key, etag) = (encoded::percent(key.as_str()), encoded::percent(&meta.etag));
            let target = format!("{target}{joint}bucket={bucket}&key={key}&etag={etag}");
            return Reply::empty(303).header("Location", target).header("ETag", meta.etag.as_str());
        }
        (None, Some("200")) => Reply::empty(200),
        (None, Some("201")) => {
            let text = Xml::document("PostResponse", |xml| {
                xml.text("Bucket", bucket);
                xml.text("Location", &location);
                xml.text("Key", key);
                xml.text("ETag", &meta.etag);
            });
            Reply::document(201, "application/xml", text)
        }
        _ => Reply::empty(204),
    };
    let reply = match meta.crc64 {
        Some(crc64) => reply.header("x-oss-hash-crc64ecma", crc64.to_string()),
        None => reply,
    };
    reply.header("ETag", meta.etag.as_str()).header("Location", location)
}

/// The last part of the path that some browsers send as a file's name.
fn base_name(file_name: &str) -> &str {
    file_name.rsplit(['/', '\\']).next().unwrap_or(file_name)
}

async fn text_of(mut field: Field<'_>) -> Result<String, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(unread)? {
        if bytes.len() + chunk.len() > FIELD_BYTES {
            return Err(too_long());
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(malformed)
}

fn too_long() -> Error {
    Error::new(Code::EntityTooLarge, "The fields of the form are too long.")
}

fn violated(what: &str) -> Error {
    Error::new(Code::AccessDenied, format!("Invalid according to Policy: {what}"))
}

/// The refusal of a body that cannot be read; where it failed by itself, its own.
fn unread(error: multer::Error) -> Error {
    match error {
        multer::Error::StreamReadFailed(error) => match error.downcast::<Error>() {
            Ok(own) => *own,
            Err(other) => malformed(other),
        },
        other => malformed(other),
    }
}

fn malformed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let message = "The body of your POST request is not well-formed multipart/form-data.";
    Error::new(Code::MalformedPOSTRequest, message).because(error)
}
