//! Processed answers: the source and its watermark pictures fetched, the crew's work, the headers.

use super::describe::{self, framed, sized};
use crate::cancel::Cancel;
use crate::error::{Code, Error};
use crate::oss::sign::Caller;
use crate::oss::sign::canonical::hex;
use crate::oss::wire::{Body, Headers, Reply};
use crate::oss::{Prepared, Service, Validators, Work, access, calls};
use crate::processor::Answer;
use crate::store::{Bucket, Key, Object, Whole};
use bytes::Bytes;
use md5::{Digest, Md5};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Told apart from answers of other versions, whose bytes may differ.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// An object and what its processing needs.
pub struct Studied {
    pub object: Object,
    /// That of the answer.
    pub etag: String,
    assets: Vec<Option<Object>>,
    work: Work,
    cancel: Cancel,
}

impl Studied {
    /// Looks up the watermark pictures, with the caller's rights.
    ///
    /// # Errors
    /// `AccessDenied` for one that the caller may not read.
    pub async fn fetch(
        service: &Service,
        caller: &Caller,
        bucket: &Bucket,
        object: Object,
        prepared: Prepared,
        begin: Instant,
    ) -> Result<Studied, Error> {
        let mut assets = Vec::with_capacity(prepared.assets.len());
        for key in &prepared.assets {
            assets.push(asset(service, caller, bucket, key).await?);
        }
        let etag = match service.rules.validators {
            Validators::Source => object.meta.etag.clone(),
            Validators::Result => etag(&object, &assets, &prepared.canonical),
        };
        let cancel = Cancel::at(begin + service.rules.deadline);
        Ok(Studied { object, etag, assets, work: prepared.work, cancel })
    }

    /// Lets the crew read all files and work on them; tells also what went by before the work.
    ///
    /// # Errors
    /// Those of the work; `ImageTooLarge` for files over the limit.
    pub async fn run(self, service: &Service, fetch: Instant) -> Result<(Answer, Waited), Error> {
        let limit_bytes = service.rules.source_limit_bytes;
        let mut source = whole(self.object, limit_bytes).await?;
        let mut assets = Vec::with_capacity(self.assets.len());
        for object in self.assets {
            assets.push(match object {
                Some(object) => Some(whole(object, limit_bytes).await?),
                None => None,
            });
        }
        let fetched = fetch.elapsed();
        let (work, cancel) = (self.work, self.cancel.clone());
        let job = move || {
            let begin = Instant::now();
            in_room(|room| {
                let files = assets.iter_mut().map(|asset| asset.as_mut().map(read).transpose());
                let files = files.collect::<Result<Vec<_>, _>>()?;
                let source = source.read(room)?;
                let read = begin.elapsed();
                Ok((work(source, &files, &cancel)?, read))
            })
        };
        let ((answer, read), queued) = service.crew.run(self.cancel, job).await?;
        Ok((answer, Waited { fetched: fetched + read, queued }))
    }
}

/// An object that is not too large to be processed.
async fn whole(object: Object, limit_bytes: u64) -> Result<Whole, Error> {
    object.whole(limit_bytes).await?.ok_or_else(|| Error::source_too_large(limit_bytes))
}

/// The bytes of a watermark picture's file.
fn read(file: &mut Whole) -> Result<Vec<u8>, Error> {
    Ok(file.read(&mut Vec::new())?.to_vec())
}

/// Room for more bytes than this is not kept for the next file.
const ROOM_BYTES: usize = 16 << 20;

/// Hands `work` the room that this thread of the crew keeps for files.
fn in_room<T>(work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    thread_local!(static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) });
    let mut room = ROOM.take();
    let result = work(&mut room);
    if room.len() <= ROOM_BYTES {
        ROOM.set(room);
    }
    result
}

/// Time that went by before the work.
pub struct Waited {
    fetched: Duration,
    queued: Duration,
}

/// The watermark picture under `key`; `None` where there is none.
async fn asset(service: &Service, caller: &Caller, bucket: &Bucket, key: &str) -> Result<Option<Object>, Error> {
    let Ok(key) = Key::new(key) else { return Ok(None) };
    let object = match service.store.get(bucket, &key).await {
        Ok(object) => object,
        Err(error) if error.code == Code::NoSuchKey => return Ok(None),
        Err(error) => return Err(error),
    };
    let acl = match object.meta.description.acl {
        Some(acl) => acl,
        None => service.bucket_acl(bucket).await?,
    };
    access::check(caller, calls::Right::Read, acl)?;
    Ok(Some(object))
}

/// What tells results apart: source, watermark pictures, canonical process string, our version.
fn etag(object: &Object, assets: &[Option<Object>], canonical: &str) -> String {
    let mut md5 = Md5::new();
    let tags = std::iter::once(Some(object)).chain(assets.iter().map(Option::as_ref));
    for tag in tags {
        md5.update(tag.map_or("-", |object| object.meta.etag.as_str()));
    }
    md5.update(VERSION);
    md5.update(canonical);
    format!("\"{}\"", hex(&md5.finalize()).to_ascii_uppercase())
}

/// The processed object as an answer.
pub async fn answer(
    service: &Service,
    studied: Studied,
    headers: &Headers,
    head: bool,
    fetch: Instant,
) -> Result<Reply, Error> {
    let (meta, etag) = (studied.object.meta.clone(), studied.etag.clone());
    let (answer, waited) = studied.run(service, fetch).await?;
    let timing = server_timing(&answer, &waited);
    let engine = format!("{}; {}", answer.engine.name(), answer.reason);
    let bytes = Bytes::from(answer.bytes);
    let length_bytes = bytes.len() as u64;
    let (status, range) = framed(headers, &meta, &etag, length_bytes, head)?;
    let reply = describe::made_of(Reply::new(status), &meta, &etag, answer.content_type);
    let mut reply = sized(reply, &range, length_bytes);
    if !head {
        reply.body = Body::Whole(bytes.slice(range.start as usize..range.end as usize));
    }
    Ok(reply.header("Server-Timing", timing).header("x-pixelpass-engine", engine))
}

/// Milliseconds of each phase, in the order of work.
fn server_timing(answer: &Answer, waited: &Waited) -> String {
    let times = answer.times;
    let phases = [
        ("fetch", waited.fetched),
        ("queue", waited.queued + times.queue),
        ("decode", times.decode),
        (answer.engine.name(), times.run),
        ("encode", times.encode),
    ];
    let phases = phases.map(|(name, time)| format!("{name};dur={:.2}", time.as_secs_f64() * 1000.0));
    phases.join(", ")
}
