//! The protocol: what an OSS call means, from its address to its answer.
//!
//! Knows the store and the studio; knows no sockets, no engines and no pixels. [`sign`] tells who
//! asks, [`route`] which of the [`calls`] it is, `access` whether they may, [`Service`] does it,
//! [`error_reply`] is the one place where an error becomes an answer. Pictures are processed by the
//! [`crew`], never on an async worker.

mod access;
pub mod address;
mod bucket;
pub mod callback;
pub mod calls;
mod conditions;
pub mod cors;
pub mod crew;
mod encoded;
mod form;
mod object;
mod protect;
mod query;
pub mod route;
pub mod sign;
mod style;
mod unsupported;
pub mod wire;
mod xml;

pub use access::Rights;
pub use unsupported::Unsupported;

use crate::cancel::Cancel;
use crate::error::{Code, Error};
use crate::format::Format;
use crate::geometry::Size;
use crate::process::Pipe;
use crate::processor::{Answer, Processor};
use crate::store::{Acl, Bucket, BucketFacts, Key, Store};
use address::{Address, Domains};
use bytes::Bytes;
use calls::{Call, Right};
use crew::Crew;
use query::Query;
use route::{On, Operation};
use sign::{Caller, Keys, Subject};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use wire::{Headers, Reply, Request};

/// What identifies a processed answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Validators {
    /// An ETag of its own, from source, process and version: caches may trust it.
    #[default]
    Result,
    /// The source's ETag, as OSS sends it.
    Source,
}

impl Validators {
    /// Every setting with its name.
    pub const NAMES: [(&'static str, Validators); 2] = [("result", Validators::Result), ("source", Validators::Source)];

    pub fn parse(name: &str) -> Option<Validators> {
        Validators::NAMES.iter().find(|(known, _)| *known == name).map(|(_, validators)| *validators)
    }
}

/// What this room needs to know of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// For buckets without an ACL of their own.
    pub anonymous: Rights,
    pub domains: Domains,
    /// The region that answers tell, such as `cn-hangzhou`.
    pub region: String,
    /// The one that V4 signatures must be for, if any.
    pub required_region: Option<String>,
    /// Longest time for a request, processing and waiting included.
    pub deadline: Duration,
    /// Largest body of an object, a part or a form's file.
    pub upload_limit_bytes: u64,
    /// Largest object that is processed.
    pub source_limit_bytes: u64,
    pub validators: Validators,
    /// Headers that ask for what is not built.
    pub unsupported: Unsupported,
    /// For buckets without rules of their own.
    pub cors: cors::Rules,
}

/// A picture's work, ready to be done by a crew: takes the source, and the watermark pictures in
/// the order in which they were asked for, `None` for one that is not there.
pub type Work = Box<dyn FnOnce(&[u8], &[Option<Vec<u8>>], &Cancel) -> Result<Answer, Error> + Send>;

/// A process string that was understood.
pub struct Prepared {
    /// Keys of the objects of the same bucket that the work needs.
    pub assets: Vec<String>,
    /// The same text for all process strings that mean the same.
    pub canonical: String,
    pub work: Work,
}

/// What the header of a picture tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    pub size: Size,
    pub format: Format,
}

/// What turns a process string into work: the door to the rooms that know images.
pub trait Studio: Send + Sync {
    /// `styles` holds the texts of the styles that `process` names.
    ///
    /// # Errors
    /// Those of the process string, found before any byte is fetched.
    fn prepare(self: Arc<Self>, process: &str, styles: &BTreeMap<String, String>) -> Result<Prepared, Error>;

    /// What a file shows as a picture, told by its first bytes if they suffice; `None` for what is none
    /// that can be processed. Computes: not for async workers.
    fn look(&self, file: &[u8]) -> Option<Picture>;
}

impl Studio for Processor {
    fn prepare(self: Arc<Self>, process: &str, styles: &BTreeMap<String, String>) -> Result<Prepared, Error> {
        let pipe = Pipe::parse(process, |name| styles.get(name).cloned())?;
        let (assets, canonical) = (pipe.assets().to_vec(), pipe.to_string());
        let work: Work = Box::new(move |source, assets, cancel| self.process(source, &pipe, assets, cancel));
        Ok(Prepared { assets, canonical, work })
    }

    fn look(&self, file: &[u8]) -> Option<Picture> {
        let probe = self.header(file).ok()?;
        Some(Picture { size: probe.size, format: probe.format })
    }
}

/// A call that was admitted: who makes it, and with what.
struct Order {
    caller: Caller,
    query: Query,
    request: Request,
}

/// The calls over one store.
pub struct Service {
    pub store: Store,
    pub studio: Arc<dyn Studio>,
    pub crew: Crew,
    pub callbacks: Arc<callback::Client>,
    pub keys: Arc<Keys>,
    pub rules: Rules,
}

/// Who makes which call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    pub caller: Caller,
    pub operation: Operation,
}

impl Service {
    /// Tells who makes which call.
    ///
    /// # Errors
    /// Those of the address, of the signature and of the call, in this order; [`Service::refusal`] tells
    /// which is answered.
    pub fn admit(&self, request: &Request, now: SystemTime) -> Result<Admitted, Error> {
        let address = Address::read(&request.host, &request.path, &self.rules.domains)?;
        let readings = address.readings();
        let subject = Subject {
            method: &request.method,
            readings: &readings,
            query: &request.query,
            headers: &request.headers,
            now,
        };
        let caller = sign::judge(&subject, &self.keys, self.rules.required_region.as_deref())?;
        let address = match &caller {
            Caller::Key { reading, .. } => address.read_as(*reading),
            Caller::Anonymous => address,
        };
        let operation = route::route(address, request)?;
        Ok(Admitted { caller, operation })
    }

    /// The refusal of a request that was not admitted: the error of an access key or of an object's name
    /// that cannot be stands behind `NoSuchBucket`, where the bucket is not there either. Source: the
    /// specification of the HTTP surface, section 12.
    pub async fn refusal(&self, error: Error, method: &str, host: &str, path: &str) -> Error {
        if !matches!(error.code, Code::InvalidAccessKeyId | Code::InvalidObjectName) {
            return error;
        }
        let Ok(Address { bucket: Some(bucket), key, .. }) = Address::read(host, path, &self.rules.domains) else {
            return error;
        };
        // A bucket that is about to be made need not be there.
        if key.is_empty() && method == "PUT" {
            return error;
        }
        match self.store.bucket(&bucket).await {
            Err(missing) if missing.code == Code::NoSuchBucket => missing,
            _ => error,
        }
    }

    /// Does the call.
    ///
    /// # Errors
    /// Every error of the language; [`error_reply`] turns it into an answer.
    pub async fn perform(&self, admitted: Admitted, request: Request) -> Result<Reply, Error> {
        let Admitted { caller, operation: Operation { call, right, on, query } } = admitted;
        if right == Right::Own {
            access::check(&caller, right, Acl::Private)?;
        }
        let order = Order { caller, query, request };
        match on {
            On::Service => bucket::list_buckets(self, order).await,
            On::Bucket(bucket) => self.on_bucket(call, bucket, order).await,
            On::Object(target) => self.on_object(call, target, order).await,
        }
    }

    async fn on_bucket(&self, call: Call, bucket: Bucket, order: Order) -> Result<Reply, Error> {
        match call {
            Call::PutBucket => bucket::create(self, bucket, order).await,
            Call::DeleteBucket => bucket::delete(self, bucket).await,
            Call::HeadBucket => bucket::head(self, bucket, order).await,
            Call::GetBucketInfo => bucket::info(self, bucket, order).await,
            Call::GetBucketLocation => bucket::location(self, bucket).await,
            Call::GetBucketStat => bucket::stat(self, bucket).await,
            Call::PutBucketAcl => bucket::put_acl(self, bucket, order).await,
            Call::GetBucketAcl => bucket::get_acl(self, bucket).await,
            Call::GetUnset => bucket::unset(self, bucket, order).await,
            Call::ListObjects => bucket::list(self, bucket, order, false).await,
            Call::ListObjectsV2 => bucket::list(self, bucket, order, true).await,
            Call::ListMultipartUploads => bucket::list_uploads(self, bucket, order).await,
            Call::DeleteMultipleObjects => bucket::delete_objects(self, bucket, order).await,
            Call::PostObject => form::post(self, bucket, order).await,
            Call::PutStyle => style::put(self, bucket, order).await,
            Call::GetStyle => style::get(self, bucket, order).await,
            Call::ListStyle => style::list(self, bucket).await,
            Call::DeleteStyle => style::delete(self, bucket, order).await,
            Call::PutProcessConfiguration => protect::put(self, bucket, order).await,
            Call::GetProcessConfiguration => protect::get(self, bucket).await,
            Call::PutBucketCors => cors::put(self, bucket, order).await,
            Call::GetBucketCors => cors::get(self, bucket).await,
            Call::DeleteBucketCors => cors::delete(self, bucket).await,
            other => Err(Error::internal(format!("{other:?} is no call on a bucket"))),
        }
    }

    async fn on_object(&self, call: Call, target: route::Target, order: Order) -> Result<Reply, Error> {
        match call {
            Call::GetObject => object::read(self, target, order, false).await,
            Call::HeadObject => object::read(self, target, order, true).await,
            Call::GetObjectMeta => object::meta(self, target, order).await,
            Call::PutObject => object::put(self, target, order).await,
            Call::CopyObject => object::copy(self, target, order).await,
            Call::DeleteObject => object::delete(self, target, order).await,
            Call::AppendObject => object::append(self, target, order).await,
            Call::PutObjectAcl => object::put_acl(self, target, order).await,
            Call::GetObjectAcl => object::get_acl(self, target).await,
            Call::InitiateMultipartUpload => object::begin(self, target, order).await,
            Call::UploadPart => object::put_part(self, target, order).await,
            Call::UploadPartCopy => object::copy_part(self, target, order).await,
            Call::CompleteMultipartUpload => object::complete(self, target, order).await,
            Call::AbortMultipartUpload => object::abort(self, target, order).await,
            Call::ListParts => object::list_parts(self, target, order).await,
            Call::ProcessObject => object::process(self, target, order).await,
            Call::AsyncProcessObject => object::process_later(self, target).await,
            other => Err(Error::internal(format!("{other:?} is no call on an object"))),
        }
    }

    /// Answers a browser's `OPTIONS`, which nobody signs.
    ///
    /// # Errors
    /// `AccessForbidden` where no rule allows what the browser wants to do.
    pub async fn preflight(&self, host: &str, path: &str, headers: &Headers) -> Result<Reply, Error> {
        let bucket = Address::read(host, path, &self.rules.domains)?.bucket;
        cors::preflight(self, bucket.as_ref(), headers).await
    }

    /// The rules for answers to pages of other origins. A failure to read them only leaves them out:
    /// the answers themselves stand.
    pub async fn sharing(&self, host: &str, path: &str) -> cors::Rules {
        let address = Address::read(host, path, &self.rules.domains);
        let bucket = address.ok().and_then(|address| address.bucket);
        cors::Rules::load(self, bucket.as_ref()).await.unwrap_or_default()
    }

    /// Where a bucket's objects are, in the form of address that the request used.
    fn home(&self, bucket: &Bucket, request: &Request) -> String {
        match self.rules.domains.bucket(&request.host) {
            Some(_) => request.origin(),
            None => format!("{}/{}", request.origin(), encoded::percent(bucket.as_str())),
        }
    }

    /// The ACL in force in a bucket.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    async fn bucket_acl(&self, bucket: &Bucket) -> Result<Acl, Error> {
        self.store.bucket(bucket).await.map(|facts| self.acl_of(&facts))
    }

    fn acl_of(&self, facts: &BucketFacts) -> Acl {
        facts.acl.unwrap_or_else(|| self.rules.anonymous.acl())
    }

    /// Holds a caller against the bucket's ACL.
    ///
    /// # Errors
    /// `AccessDenied`, `NoSuchBucket`.
    async fn allow(&self, caller: &Caller, right: Right, bucket: &Bucket) -> Result<(), Error> {
        access::check(caller, right, self.bucket_acl(bucket).await?)
    }

    /// Holds a caller who writes an object against the ACL in force: that of the object which is there,
    /// or the bucket's.
    ///
    /// # Errors
    /// `AccessDenied`, `NoSuchBucket`.
    async fn allow_write(&self, caller: &Caller, bucket: &Bucket, key: &Key) -> Result<(), Error> {
        let mut acl = self.bucket_acl(bucket).await?;
        if *caller == Caller::Anonymous {
            match self.store.head(bucket, key).await {
                Ok(meta) => acl = meta.description.acl.unwrap_or(acl),
                Err(error) if error.code == Code::NoSuchKey => {}
                Err(error) => return Err(error),
            }
        }
        access::check(caller, Right::Write, acl)
    }

    /// A process string with the styles of `bucket`, understood.
    ///
    /// # Errors
    /// Those of the process string.
    async fn prepare(&self, bucket: &Bucket, process: &str) -> Result<Prepared, Error> {
        let styles = style::texts(self, bucket, process).await?;
        Arc::clone(&self.studio).prepare(process, &styles)
    }
}

/// The answer to a request that failed: the error document, or for HEAD the headers that stand in
/// for it.
pub fn error_reply(error: &Error, head: bool, request_id: &str, host: &str) -> Reply {
    // Clients take headers of a few kilobytes.
    let document = xml::error_document(error, request_id, host, if head { 1024 } else { usize::MAX });
    let mut reply = Reply::new(error.code.status());
    if let Some(ec) = error.ec {
        reply = reply.header("x-oss-ec", ec.to_string());
    }
    match error.code {
        Code::ServiceUnavailable => reply = reply.header("Retry-After", "1"),
        // One client reads it while it builds its exception.
        Code::PositionNotEqualToLength => {
            let position = error.details.iter().find(|(name, _)| *name == "Length");
            reply = reply.header("x-oss-next-append-position", position.map_or("", |(_, text)| text));
        }
        _ => {}
    }
    match head {
        true => reply.header("x-oss-err", xml::header_value(&document)),
        false => reply.header("Content-Type", "application/xml").whole(Bytes::from(document), false),
    }
}

#[cfg(test)]
mod tests;
