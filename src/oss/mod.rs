//! The protocol: what an OSS call means, from its address to its answer.
//!
//! Knows the store and the studio; knows no sockets, no engines and no pixels. [`route`] tells
//! which call a request makes, [`Service`] does it, [`error_reply`] is the one place where an
//! error becomes an answer. Pictures are processed by the [`crew`], never on an async worker.
//! [`sign`] tells who asks, [`Service::allow`] what they may.

mod conditions;
pub mod crew;
mod object;
pub mod route;
pub mod sign;
pub mod wire;
mod xml;

use crate::cancel::Cancel;
use crate::error::{Code, Ec, Error};
use crate::process::Pipe;
use crate::processor::{Answer, Processor};
use crate::store::Store;
use bytes::Bytes;
use crew::Crew;
use route::Operation;
use sign::{Caller, Keys, Subject};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use wire::{Reply, Request};

/// What anonymous requests may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rights {
    None,
    #[default]
    Read,
    Write,
}

impl Rights {
    /// Every setting with its name.
    pub const NAMES: [(&'static str, Rights); 3] =
        [("none", Rights::None), ("read", Rights::Read), ("write", Rights::Write)];

    pub fn parse(name: &str) -> Option<Rights> {
        Rights::NAMES.iter().find(|(known, _)| *known == name).map(|(_, rights)| *rights)
    }

    pub fn name(self) -> &'static str {
        Rights::NAMES[self as usize].0
    }
}

/// What this room needs to know of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    pub anonymous: Rights,
    pub base_domains: Vec<String>,
    /// The one region that V4 signatures may be for; any without.
    pub region: Option<String>,
    /// Longest time for a request, processing and waiting included.
    pub deadline: Duration,
    /// Largest body of a PUT.
    pub upload_limit_bytes: u64,
    /// Largest object that is processed.
    pub source_limit_bytes: u64,
}

/// A picture's work, ready to be done by a crew: takes the source, and the watermark pictures in
/// the order in which they were asked for, `None` for one that is not there.
pub type Work = Box<dyn FnOnce(&[u8], &[Option<Bytes>], &Cancel) -> Result<Answer, Error> + Send>;

/// A process string that was understood.
pub struct Prepared {
    /// Keys of the objects of the same bucket that the work needs.
    pub assets: Vec<String>,
    pub work: Work,
}

/// What turns a process string into work: the door to the rooms that know images.
pub trait Studio: Send + Sync {
    /// # Errors
    /// Those of the process string, found before any byte is fetched.
    fn prepare(self: Arc<Self>, process: &str) -> Result<Prepared, Error>;
}

impl Studio for Processor {
    fn prepare(self: Arc<Self>, process: &str) -> Result<Prepared, Error> {
        // Buckets store no styles yet.
        let pipe = Pipe::parse(process, |_| None)?;
        let assets = pipe.assets().to_vec();
        let work: Work = Box::new(move |source, assets, cancel| self.process(source, &pipe, assets, cancel));
        Ok(Prepared { assets, work })
    }
}

/// The calls over one store.
pub struct Service {
    pub store: Store,
    pub studio: Arc<dyn Studio>,
    pub crew: Crew,
    pub rules: Rules,
    /// Shared with whoever exchanges them.
    pub keys: Arc<Keys>,
}

/// What callers do to objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Read,
    Write,
}

impl Service {
    /// The call that a request makes.
    ///
    /// # Errors
    /// Those of [`route::route`].
    pub fn route(&self, request: &Request) -> Result<Operation, Error> {
        route::route(&request.method, &request.path, &request.query, &request.host, &self.rules.base_domains)
    }

    /// Does `operation`. `GetService` has no answer here: the start page is the street's.
    ///
    /// # Errors
    /// Every error of the language; [`error_reply`] turns it into an answer.
    pub async fn perform(&self, operation: Operation, request: Request) -> Result<Reply, Error> {
        let caller = self.caller(&request)?;
        match operation {
            Operation::GetService => Err(Error::new(Code::NotImplemented, "Listing buckets is not implemented.")),
            Operation::GetObject { target, process } => {
                self.allow(&caller, Action::Read)?;
                object::read(self, &target.meant_by(&caller)?, process.as_deref(), request, &caller, false).await
            }
            Operation::HeadObject { target, process } => {
                self.allow(&caller, Action::Read)?;
                object::read(self, &target.meant_by(&caller)?, process.as_deref(), request, &caller, true).await
            }
            Operation::PutObject { target } => {
                self.allow(&caller, Action::Write)?;
                object::put(self, &target.meant_by(&caller)?, request).await
            }
        }
    }

    /// Who sent a request.
    ///
    /// # Errors
    /// Those of [`sign::judge`].
    fn caller(&self, request: &Request) -> Result<Caller, Error> {
        let readings = route::readings(&request.path, &request.host, &self.rules.base_domains)?;
        let Request { method, query, headers, .. } = request;
        let subject = Subject { method, readings: &readings, query, headers, now: SystemTime::now() };
        sign::judge(&subject, &self.keys, self.rules.region.as_deref())
    }

    /// The one door: whether the caller may do this.
    ///
    /// # Errors
    /// `AccessDenied`.
    fn allow(&self, caller: &Caller, action: Action) -> Result<(), Error> {
        let allowed = match (caller, action) {
            (Caller::Key { .. }, _) => true,
            (Caller::Anonymous, Action::Read) => self.rules.anonymous != Rights::None,
            (Caller::Anonymous, Action::Write) => self.rules.anonymous == Rights::Write,
        };
        if allowed {
            return Ok(());
        }
        let message = "You have no right to access this object because of bucket acl.";
        Err(Error::new(Code::AccessDenied, message).ec(Ec(3, 1)))
    }
}

/// Whether a request says that it is signed, in its headers or its URL.
pub fn is_signed(request: &Request) -> bool {
    const IN_QUERY: [&str; 4] = ["Signature", "OSSAccessKeyId", "x-oss-signature", "x-oss-signature-version"];
    request.headers.get("authorization").is_some() || IN_QUERY.iter().any(|name| route::has(&request.query, name))
}

/// The answer to a request that failed: the error document, or for HEAD the headers that stand in
/// for it.
pub fn error_reply(error: &Error, head: bool, request_id: &str, host: &str) -> Reply {
    let document = xml::error_document(error, request_id, host);
    let mut reply = Reply::new(error.code.status());
    if let Some(ec) = error.ec {
        reply = reply.header("x-oss-ec", ec.to_string());
    }
    if error.code == Code::ServiceUnavailable {
        reply = reply.header("Retry-After", "1");
    }
    match head {
        true => reply.header("x-oss-err", xml::header_value(&document)),
        false => reply.header("Content-Type", "application/xml").whole(Bytes::from(document), false),
    }
}

#[cfg(test)]
mod tests;
