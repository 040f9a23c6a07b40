//! GetObject, HeadObject and GetObjectMeta.

use super::describe;
use super::processed::{self, Studied};
use crate::error::{Code, Ec, Error};
use crate::oss::conditions::{self, Verdict};
use crate::oss::query::Query;
use crate::oss::route::Target;
use crate::oss::sign::Caller;
use crate::oss::wire::{Body, Headers, Reply, Request};
use crate::oss::{Order, Service, access, calls, protect, style};
use crate::store::{Key, Object, ObjectMeta};
use std::time::Instant;

/// `GetObject`, and for `head` its headers alone.
///
/// Order: rights, process string, existence, conditions, processing. A bad process string is told
/// whatever is under the key and whatever the conditions say.
pub async fn read(service: &Service, mut target: Target, order: Order, head: bool) -> Result<Reply, Error> {
    // The body is dropped: it has no meaning here, and it cannot be shared between threads.
    let Order { caller, query, request: Request { headers, begin, .. } } = order;
    let overrides = overrides(&caller, &query)?;
    let fetch = Instant::now();
    let acl = service.bucket_acl(&target.bucket).await?;
    let mut process = query.process()?;
    let mut found = find(service, &target).await;
    if let (None, Err(Code::NoSuchKey)) = (&process, found.as_ref().map_err(|error| error.code)) {
        match style::named_by_key(service, &target).await {
            Ok(Some((key, name))) => {
                process = Some(format!("style/{name}"));
                found = service.store.get(&target.bucket, &key).await;
                target.key = key;
            }
            Ok(None) => {}
            // Told to those only who may read.
            Err(error) => found = Err(error),
        }
    }
    let acl = found.as_ref().ok().and_then(|object| object.meta.description.acl).unwrap_or(acl);
    access::check(&caller, calls::Right::Read, acl)?;
    protect::check(service, &caller, &target, process.as_deref()).await?;
    let Some(process) = process else {
        let object = found?;
        if let Some(reply) = judged(&headers, &object.meta, &object.meta.etag)? {
            return Ok(reply);
        }
        return plain(object, &headers, head).map(|reply| overridden(reply, overrides));
    };
    let prepared = service.prepare(&target.bucket, &process).await?;
    for key in prepared.assets.iter().filter_map(|key| Key::new(key).ok()) {
        let asset = Target { bucket: target.bucket.clone(), key, alternative: None };
        protect::check(service, &caller, &asset, Some(&process)).await?;
    }
    let object = found.map_err(|error| match error.code {
        Code::NoSuchKey => error.ec(Ec::image(24)),
        _ => error,
    })?;
    let studied = Studied::fetch(service, &caller, &target.bucket, object, prepared, begin).await?;
    if let Some(reply) = judged(&headers, &studied.object.meta, &studied.etag)? {
        return Ok(reply);
    }
    processed::answer(service, studied, &headers, head, fetch).await.map(|reply| overridden(reply, overrides))
}

/// `GetObjectMeta`: what tells an object's states apart, and its length.
pub async fn meta(service: &Service, target: Target, order: Order) -> Result<Reply, Error> {
    let acl = service.bucket_acl(&target.bucket).await?;
    let found = find(service, &target).await;
    let acl = found.as_ref().ok().and_then(|object| object.meta.description.acl).unwrap_or(acl);
    access::check(&order.caller, calls::Right::Read, acl)?;
    protect::check(service, &order.caller, &target, None).await?;
    let meta = found?.meta;
    if let Some(reply) = judged(&order.request.headers, &meta, &meta.etag)? {
        return Ok(reply);
    }
    let reply = describe::identified(Reply::new(200), &meta, &meta.etag);
    let reply = match meta.crc64 {
        Some(crc64) => reply.header("x-oss-hash-crc64ecma", crc64.to_string()),
        None => reply,
    };
    // A GET would have to bring as many bytes as the header says.
    let length = if order.request.method == "HEAD" { meta.size_bytes } else { 0 };
    Ok(reply.header("Content-Length", length.to_string()))
}

/// The object under the key, or under the second reading of the path.
pub async fn find(service: &Service, target: &Target) -> Result<Object, Error> {
    let missing = match service.store.get(&target.bucket, &target.key).await {
        Err(error) if error.code == Code::NoSuchKey => error,
        found => return found,
    };
    let found = match &target.alternative {
        Some(key) => service.store.get(&target.bucket, key).await,
        None => return Err(missing),
    };
    found.map_err(|error| if error.code == Code::NoSuchKey { missing } else { error })
}

/// The answer that the conditions give in place of the content, if they do.
fn judged(headers: &Headers, meta: &ObjectMeta, etag: &str) -> Result<Option<Reply>, Error> {
    match conditions::judge(headers, etag, meta.last_modified) {
        Verdict::Proceed => Ok(None),
        Verdict::NotModified => Ok(Some(describe::identified(Reply::new(304), meta, etag))),
        Verdict::Failed(condition) => Err(conditions::failed(condition)),
    }
}

/// Query parameters that replace headers of the answer.
const OVERRIDES: [(&str, &str); 6] = [
    ("response-content-type", "Content-Type"),
    ("response-content-language", "Content-Language"),
    ("response-expires", "Expires"),
    ("response-cache-control", "Cache-Control"),
    ("response-content-disposition", "Content-Disposition"),
    ("response-content-encoding", "Content-Encoding"),
];

type Overrides = Vec<(&'static str, String)>;

fn overrides(caller: &Caller, query: &Query) -> Result<Overrides, Error> {
    let value = |name: &str| query.get(name).filter(|value| !value.is_empty());
    let given = OVERRIDES.iter().filter_map(|(name, header)| Some((name, (*header, value(name)?))));
    let given: Vec<_> = given.collect();
    match (caller, given.first()) {
        (Caller::Anonymous, Some((name, _))) => {
            Err(Error::new(Code::InvalidRequest, format!("{name} cannot be used with anonymous requests.")))
        }
        _ => Ok(given.into_iter().map(|(_, header)| header).collect()),
    }
}

fn overridden(reply: Reply, overrides: Overrides) -> Reply {
    overrides.into_iter().fold(reply, |reply, (name, value)| reply.replaced(name, value))
}

/// The object as it is stored.
fn plain(object: Object, headers: &Headers, head: bool) -> Result<Reply, Error> {
    let meta = object.meta.clone();
    let (status, range) = describe::framed(headers, &meta, &meta.etag, meta.size_bytes, head)?;
    let mut reply = describe::sized(describe::stored(Reply::new(status), &meta), &range, meta.size_bytes);
    if !head {
        reply.body = Body::Chunks(Box::pin(object.stream(range)));
    }
    Ok(reply)
}
