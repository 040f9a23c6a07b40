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
use crate::process::Pipe;
use crate::store::{Key, Object, ObjectMeta};
use std::collections::BTreeMap;
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
    let mut process = query.process();
    let mut found = find(service, &target).await;
    if let Err(Code::NoSuchKey) = found.as_ref().map_err(|error| error.code) {
        match style::named_by_key(service, &target).await {
            // Whatever the query asks for beside it.
            Ok(Some((key, name))) => {
                process = Ok(Some(format!("style/{name}")));
                found = service.store.get(&target.bucket, &key).await;
                target.key = key;
            }
            Ok(None) => {}
            // Told to those only who may read.
            Err(error) => found = Err(error),
        }
    }
    let process = process?;
    let acl = found.as_ref().ok().and_then(|object| object.meta.description.acl).unwrap_or(acl);
    access::check(&caller, calls::Right::Read, acl)?;
    protect::check(service, &caller, &target, process.as_deref()).await?;
    let reply = match process {
        None => stored(found?, &headers, head)?,
        Some(process) => {
            let reading = Reading { caller: &caller, target: &target, headers: &headers, head, begin, fetch };
            reading.process_or_ignore(service, found, &process).await?
        }
    };
    Ok(overridden(reply, overrides))
}

/// A processed answer on its way, rights judged.
pub struct Reading<'a> {
    pub caller: &'a Caller,
    pub target: &'a Target,
    pub headers: &'a Headers,
    /// The headers alone are wanted.
    pub head: bool,
    /// When the request arrived.
    pub begin: Instant,
    /// When the work on it began.
    pub fetch: Instant,
}

impl Reading<'_> {
    /// What `process` makes of the object, or the object itself where it cannot and the process string
    /// says that errors are to be ignored.
    ///
    /// # Errors
    /// Those of the process string and of the object.
    pub async fn process_or_ignore(
        &self,
        service: &Service,
        found: Result<Object, Error>,
        process: &str,
    ) -> Result<Reply, Error> {
        let error = match self.process(service, found, process).await {
            Err(error) if self.ignores(service, process, &error).await? => error,
            done => return done,
        };
        tracing::info!(key = %self.target.key, what = ?error.to_string(), "ignored as the caller wishes");
        let told = match error.ec {
            Some(ec) => format!("{} {ec}", error.code.name()),
            None => error.code.name().to_owned(),
        };
        let reply = stored(find(service, self.target).await?, self.headers, self.head)?;
        Ok(reply.header("x-pixelpass-ignored-error", told))
    }

    async fn process(&self, service: &Service, found: Result<Object, Error>, process: &str) -> Result<Reply, Error> {
        let Reading { caller, target, headers, head, begin, fetch } = *self;
        let prepared = service.prepare(&target.bucket, process).await?;
        for key in prepared.assets.iter().filter_map(|key| Key::new(key).ok()) {
            let asset = Target { bucket: target.bucket.clone(), key, alternative: None };
            protect::check(service, caller, &asset, Some(process)).await?;
        }
        let object = found.map_err(|error| match error.code {
            Code::NoSuchKey => error.ec(Ec::image(24)),
            _ => error,
        })?;
        let studied = Studied::fetch(service, caller, &target.bucket, object, prepared, begin).await?;
        let refused = match judged(headers, &studied.object.meta, &studied.etag) {
            Ok(Some(reply)) => return Ok(reply),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        // The caller may hold the object's own ETag: whether that is what is answered shows in the end.
        if let Some(refused) = refused {
            if ignores_errors(service, target, process).await? {
                studied.run(service, fetch).await?;
            }
            return Err(refused);
        }
        processed::answer(service, studied, headers, head, fetch).await
    }

    /// Whether the stored object stands in for `error`. Where source protection keeps the object itself
    /// from the caller it does not: else a picture that cannot be made would open the door.
    async fn ignores(&self, service: &Service, process: &str, error: &Error) -> Result<bool, Error> {
        if !error.code.is_ignorable() || !ignores_errors(service, self.target, process).await? {
            return Ok(false);
        }
        match protect::check(service, self.caller, self.target, None).await {
            Ok(()) => Ok(true),
            Err(error) if error.code == Code::AccessDenied => Ok(false),
            Err(error) => Err(error),
        }
    }
}

async fn ignores_errors(service: &Service, target: &Target, process: &str) -> Result<bool, Error> {
    // Most process strings do not, and name no style.
    if !process.contains("style/") {
        return Ok(Pipe::ignores_errors(process, |_| None));
    }
    // One that cannot be taken apart names no style.
    let texts = match style::texts(service, &target.bucket, process).await {
        Err(error) if error.code.is_ignorable() => BTreeMap::new(),
        texts => texts?,
    };
    Ok(Pipe::ignores_errors(process, |name| texts.get(name).cloned()))
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
    overrides.into_iter().fold(reply, |reply, (name, value)| reply.replaced(name, &value))
}

/// The object as it is stored, its conditions judged.
fn stored(object: Object, headers: &Headers, head: bool) -> Result<Reply, Error> {
    if let Some(reply) = judged(headers, &object.meta, &object.meta.etag)? {
        return Ok(reply);
    }
    let meta = object.meta.clone();
    let (status, range) = describe::framed(headers, &meta, &meta.etag, meta.size_bytes, head)?;
    let mut reply = describe::sized(describe::stored(Reply::new(status), &meta), &range, meta.size_bytes);
    if !head {
        reply.body = Body::Chunks(Box::pin(object.stream(range)));
    }
    Ok(reply)
}
