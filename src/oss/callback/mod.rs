//! Upload callbacks: another server is told of an upload, and its answer becomes the uploader's.
//!
//! Asked for by PutObject, PostObject and CompleteMultipartUpload. `asked` reads what the uploader
//! wants, `hosts` says whom the operator allows to be called, `template` writes the body and
//! `client` sends it. Everything that can be known to be wrong is refused before the object is
//! stored; once it is, it stays, whatever becomes of the callback. Calls are not signed: the key that
//! the vendor's service signs with is its own. Source: the vendor's documentation of Callback.

mod asked;
mod client;
mod hosts;
mod template;

pub use client::Client;
pub use hosts::Host;

use super::query::Query;
use super::wire::{Headers, Reply, Request};
use super::{Picture, Service, error_reply};
use crate::cancel::Cancel;
use crate::error::{Code, Ec, Error};
use crate::store::{Bucket, Key, ObjectMeta};
use asked::{Asked, Variables};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use client::Message;
use futures_util::TryStreamExt;
use md5::{Digest, Md5};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// What begins the names of the variables that tell of a picture.
const IMAGE: &str = "imageInfo.";

/// Bytes of a file among which its header most often is.
const HEADER_BYTES: u64 = 256 * 1024;

/// Who uploads, as far as a callback tells it.
pub struct Uploader {
    request_id: String,
    host: String,
    ip: IpAddr,
}

impl Uploader {
    pub fn of(request: &Request) -> Uploader {
        Uploader { request_id: request.id.clone(), host: request.host.clone(), ip: request.client_ip }
    }
}

/// A callback that will be made once the object is stored.
pub struct Callback {
    asked: Asked,
    variables: Variables,
    uploader: Uploader,
    /// The name of the call.
    operation: &'static str,
}

impl Callback {
    /// The callback that headers or a query ask for, if they do.
    ///
    /// # Errors
    /// `InvalidArgument` for one that cannot be understood or may not be made.
    pub async fn of_headers(
        service: &Service,
        operation: &'static str,
        uploader: Uploader,
        headers: &Headers,
        query: &Query,
    ) -> Result<Option<Callback>, Error> {
        let Some(parameter) = either("callback", "x-oss-callback", headers, query)? else { return Ok(None) };
        let asked = Asked::read(&parameter)?;
        let variables = match either("callback-var", "x-oss-callback-var", headers, query)? {
            Some(parameter) => asked::variables(&parameter)?,
            None => Variables::new(),
        };
        service.callbacks.check(&asked.urls).await?;
        Ok(Some(Callback { asked, variables, uploader, operation }))
    }

    /// The callback that the fields of a form ask for, names in lower case, if they do. Fields whose
    /// names begin with `x:` are its variables.
    ///
    /// # Errors
    /// `InvalidArgument` for one that cannot be understood or may not be made.
    pub async fn of_form(
        service: &Service,
        uploader: Uploader,
        fields: &BTreeMap<String, String>,
    ) -> Result<Option<Callback>, Error> {
        let field = |names: [&str; 2]| names.iter().find_map(|name| fields.get(*name).filter(|text| !text.is_empty()));
        let Some(parameter) = field(["callback", "x-oss-callback"]) else { return Ok(None) };
        let asked = Asked::read(parameter)?;
        let mut variables = match field(["callback-var", "x-oss-callback-var"]) {
            Some(parameter) => asked::variables(parameter)?,
            None => Variables::new(),
        };
        let own = fields.iter().filter(|(name, _)| asked::is_own(name));
        variables.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        service.callbacks.check(&asked.urls).await?;
        Ok(Some(Callback { asked, variables, uploader, operation: "PostObject" }))
    }

    /// Makes the callback for an object that was stored.
    ///
    /// # Errors
    /// `CallbackFailed`.
    async fn make(
        self,
        service: &Service,
        bucket: &Bucket,
        key: &Key,
        meta: &ObjectMeta,
    ) -> Result<client::Answer, Error> {
        let until = Instant::now() + service.rules.deadline;
        let picture = match self.asked.body.mentions(IMAGE) {
            true => picture(service, bucket, key, until).await.map_err(|error| {
                let message = "Get image info failed.";
                Error::new(Code::CallbackFailed, message).because(error)
            })?,
            false => None,
        };
        let body = self.asked.body.fill(|name| self.value(name, bucket, key, meta, picture.as_ref()));
        let body = Bytes::from(body);
        let headers = client::headers(&[
            ("content-type", self.asked.body.kind().content_type()),
            ("content-md5", &STANDARD.encode(Md5::digest(&body))),
            ("date", &httpdate::fmt_http_date(SystemTime::now())),
            ("user-agent", "aliyun-oss-callback"),
            ("x-oss-bucket", bucket.as_str()),
            ("x-oss-request-id", &self.uploader.request_id),
            ("x-oss-tag", "CALLBACK"),
        ]);
        let Asked { urls, host, sni, .. } = self.asked;
        let (client, message) = (Arc::clone(&service.callbacks), Message { host, sni, headers, body });
        // The object is stored: whom it concerns is told, also where the uploader does not wait for it.
        let sent = tokio::spawn(async move { client.send(&urls, &message, until).await });
        sent.await.unwrap_or_else(|error| Err(Error::new(Code::CallbackFailed, "Callback failed.").because(error)))
    }

    /// The value of a variable, `Null` for one that has none.
    fn value(&self, name: &str, bucket: &Bucket, key: &Key, meta: &ObjectMeta, picture: Option<&Picture>) -> Value {
        match name {
            "bucket" => bucket.as_str().into(),
            "object" => key.as_str().into(),
            "etag" => meta.etag.trim_matches('"').into(),
            "size" => meta.size_bytes.into(),
            "mimeType" => meta.content_type.as_str().into(),
            "crc64" => meta.crc64.into(),
            "contentMd5" => meta.md5.map(|md5| STANDARD.encode(md5)).into(),
            "clientIp" => self.uploader.ip.to_string().into(),
            "reqId" => self.uploader.request_id.as_str().into(),
            "operation" => self.operation.into(),
            "imageInfo.width" => picture.map(|picture| picture.size.width).into(),
            "imageInfo.height" => picture.map(|picture| picture.size.height).into(),
            "imageInfo.format" => picture.map(|picture| picture.format.name()).into(),
            // `vpcId` among them: nobody comes out of such a network.
            name => self.variables.get(name).map(String::as_str).into(),
        }
    }
}

/// The answer to an upload: `reply`, unless there is a callback. Then the called server's answer is
/// the body, and where there is none, the error document with a status that still means success.
pub async fn answered(
    callback: Option<Callback>,
    service: &Service,
    bucket: &Bucket,
    key: &Key,
    meta: &ObjectMeta,
    mut reply: Reply,
) -> Reply {
    let Some(callback) = callback else { return reply };
    reply.headers.retain(|(name, _)| !matches!(&**name, "Content-Type" | "Content-Length" | "Location"));
    let (request_id, host) = (callback.uploader.request_id.clone(), callback.uploader.host.clone());
    let done = match callback.make(service, bucket, key, meta).await {
        Ok(answer) => Reply::new(200).replaced("Content-Type", &answer.content_type).whole(answer.body, false),
        Err(error) => {
            // The upload succeeded: this is the one failure that is an answer before it leaves this room.
            let (what, source) = (error.to_string(), error.source.as_ref().map(ToString::to_string));
            tracing::info!(id = %request_id, ?what, ?source, "callback failed");
            error_reply(&error, false, &request_id, &host)
        }
    };
    reply.headers.extend(done.headers);
    Reply { headers: reply.headers, ..done }
}

/// A parameter, by its name in the query or in the headers.
///
/// # Errors
/// `InvalidArgument` where it stands in both.
fn either(in_query: &str, in_headers: &str, headers: &Headers, query: &Query) -> Result<Option<String>, Error> {
    let of_query = query.get(in_query).filter(|text| !text.is_empty());
    let of_headers = headers.get(in_headers).filter(|text| !text.is_empty()).map(str::to_owned);
    if of_query.is_some() && of_headers.is_some() {
        let message = format!(
            "Either the {in_query} query string parameter or the {in_headers} header should be specified, not both."
        );
        let error = Error::new(Code::InvalidArgument, message);
        return Err(if in_query == "callback" { error.ec(Ec(7, 27)) } else { error });
    }
    Ok(of_query.or(of_headers))
}

/// What the file under `key` shows as a picture; `None` for what is none that can be processed.
///
/// # Errors
/// When it cannot be read, or nobody has time for it before `until`.
async fn picture(service: &Service, bucket: &Bucket, key: &Key, until: Instant) -> Result<Option<Picture>, Error> {
    let limit_bytes = service.rules.source_limit_bytes;
    for most_bytes in [HEADER_BYTES, limit_bytes] {
        let object = service.store.get(bucket, key).await?;
        let size_bytes = object.meta.size_bytes;
        let mut head = BytesMut::new();
        let mut chunks = std::pin::pin!(object.stream(0..size_bytes.min(most_bytes)));
        while let Some(chunk) = chunks.try_next().await.map_err(Error::internal)? {
            head.extend_from_slice(&chunk);
        }
        let studio = Arc::clone(&service.studio);
        let look = move || Ok(studio.look(&head));
        let (picture, _) = service.crew.run(Cancel::at(until), look).await?;
        // A header may be longer, and some formats are told by their whole length.
        if picture.is_some() || size_bytes <= most_bytes || size_bytes > limit_bytes {
            return Ok(picture);
        }
    }
    Ok(None)
}
