//! The calls themselves: to hosts that were named and addresses that may stand for them, without
//! redirects and proxies, bounded in time and length.

use super::hosts::{Host, may_stand_for};
use super::template::is_json;
use crate::error::{Code, Ec, Error};
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use reqwest::{ClientBuilder, Response, StatusCode, Url, redirect};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;
use tokio::time::timeout_at;

/// Longest time for one call, from looking up the name to the answer's last byte.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most bytes of an answer.
const ANSWER_BYTES: u64 = 1024 * 1024;

/// The EC of a call that found nobody, or an answer other than 200; and of an answer that is not JSON.
const UNANSWERED: Ec = Ec(7, 203);
const NOT_JSON: Ec = Ec(7, 205);

/// Looks up the addresses of a name.
type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Calls those that it may call.
pub struct Client {
    hosts: Vec<Host>,
    lookup: Lookup,
    /// Made when they are first needed: HTTP, and TLS without and with the server's name in the clear.
    plain: OnceCell<reqwest::Client>,
    nameless: OnceCell<reqwest::Client>,
    named: OnceCell<reqwest::Client>,
}

/// What is sent.
pub struct Message {
    /// For the `Host` header, where it is not the URL's.
    pub host: Option<String>,
    pub sni: bool,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A good answer: one JSON value.
#[derive(Debug)]
pub struct Answer {
    pub content_type: String,
    pub body: Bytes,
}

impl Client {
    /// Calls `hosts` alone.
    pub fn new(hosts: Vec<Host>) -> Client {
        Client::with_lookup(hosts, Arc::new(|name| Box::pin(system_lookup(name))))
    }

    fn with_lookup(hosts: Vec<Host>, lookup: Lookup) -> Client {
        Client { hosts, lookup, plain: OnceCell::new(), nameless: OnceCell::new(), named: OnceCell::new() }
    }

    /// Tells before anything is stored that a callback could not be made: its host is not named, or
    /// its name leads to addresses that must be named themselves. Whether somebody answers there
    /// shows later.
    ///
    /// # Errors
    /// `InvalidArgument`.
    pub async fn check(&self, urls: &[Url]) -> Result<(), Error> {
        let refused = |url: &Url, message| {
            let error = Error::new(Code::InvalidArgument, message).detail("ArgumentName", "callbackUrl");
            error.detail("ArgumentValue", url.as_str())
        };
        if let Some(url) = urls.iter().find(|url| !self.hosts.iter().any(|host| host.permits(url))) {
            let (host, port) = (url.host_str().unwrap_or_default(), url.port());
            let host = port.map_or(host.to_owned(), |port| format!("{host}:{port}"));
            let message =
                format!("Callbacks to {host} are not allowed: the server's setting --callback-host must name it.");
            return Err(refused(url, message));
        }
        let until = Instant::now() + PATIENCE;
        for url in urls {
            let Some(name) = name_of(url) else { continue };
            let found = timeout_at(until.into(), (self.lookup)(name.to_owned())).await;
            let leads_nowhere = |found: Vec<IpAddr>| !found.is_empty() && permitted(name, found).is_empty();
            if found.is_ok_and(|found| found.is_ok_and(leads_nowhere)) {
                let message = format!(
                    "Private address is forbidden to callback: {name} leads to one, which the server's setting \
                     --callback-host must name itself."
                );
                return Err(refused(url, message));
            }
        }
        Ok(())
    }

    /// Sends the message to each of `urls` until one gives a good answer, all of it before `until`.
    ///
    /// # Errors
    /// `CallbackFailed` with the last one's failure.
    pub async fn send(&self, urls: &[Url], message: &Message, until: Instant) -> Result<Answer, Error> {
        let mut failure = failed(UNANSWERED, "Error status : -1. There was no time left for the callback.");
        for url in urls {
            let begin = Instant::now();
            if begin >= until {
                break;
            }
            let until = until.min(begin + PATIENCE);
            failure = match timeout_at(until.into(), self.post(url, message)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failure)) => failure,
                Err(_) => {
                    let waited_ms = begin.elapsed().as_millis();
                    failed(UNANSWERED, format!("Error status : -1. Reply timeout, cost: {waited_ms} ms."))
                }
            };
            let (what, source) = (&failure.message, failure.source.as_ref().map(ToString::to_string));
            tracing::debug!(host = url.host_str(), %what, ?source, "a callback was not answered");
        }
        Err(failure)
    }

    async fn post(&self, url: &Url, message: &Message) -> Result<Answer, Error> {
        let unreached = |cause: String| {
            failed(UNANSWERED, "Error status : -1. OSS can not connect to your callbackUrl, please check it.")
                .because(cause)
        };
        let client = self.client(url.scheme() == "https", message.sni).await.map_err(unreached)?;
        let mut call = client.post(url.clone()).headers(message.headers.clone()).body(message.body.clone());
        if let Some(host) = &message.host {
            call = call.header(HOST, host);
        }
        let response = call.send().await.map_err(|error| unreached(chain(&error.without_url())))?;
        answer(response).await
    }

    /// The client for a URL.
    ///
    /// # Errors
    /// In words, where this machine has no certificates of authorities.
    async fn client(&self, secure: bool, sni: bool) -> Result<&reqwest::Client, String> {
        let cell = match (secure, sni) {
            (false, _) => &self.plain,
            (true, false) => &self.nameless,
            (true, true) => &self.named,
        };
        let names = Arc::new(Names(Arc::clone(&self.lookup)));
        // Certificates are read from the disk.
        let made = || async { tokio::task::spawn_blocking(move || made(secure, sni, names)).await };
        cell.get_or_try_init(|| async { made().await.map_err(|error| error.to_string())? }).await
    }
}

fn made(secure: bool, sni: bool, names: Arc<Names>) -> Result<reqwest::Client, String> {
    // One TLS for the process; another room may have chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = ClientBuilder::new()
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .http1_only()
        // An address is judged when a connection is made; none is kept for later.
        .pool_max_idle_per_host(0)
        .dns_resolver(names)
        .tls_sni(sni);
    // HTTP works also where the machine trusts no authority.
    let builder = if secure { builder } else { builder.tls_certs_only([]) };
    builder.build().map_err(|error| chain(&error))
}

/// The answer, if it is a good one.
async fn answer(mut response: Response) -> Result<Answer, Error> {
    if response.status() != StatusCode::OK {
        return Err(failed(UNANSWERED, format!("Error status : {}.", response.status().as_u16())));
    }
    let Some(length) = response.content_length().filter(|length| *length <= ANSWER_BYTES) else {
        let message = format!("Error status : 400. The answer must have a Content-Length of at most {ANSWER_BYTES}.");
        return Err(failed(UNANSWERED, message));
    };
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_named_json = |name: &&str| name.to_ascii_lowercase().starts_with("application/json");
    let content_type = content_type.filter(is_named_json).unwrap_or("application/json").to_owned();
    let mut body = BytesMut::with_capacity(length as usize);
    let broken = |error: reqwest::Error| {
        failed(UNANSWERED, "Error status : -1. The answer ended early.").because(chain(&error.without_url()))
    };
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        body.extend_from_slice(&chunk);
    }
    match is_json(&body) {
        true => Ok(Answer { content_type, body: body.freeze() }),
        false => Err(failed(NOT_JSON, "Response body is not valid json format.")),
    }
}

/// Gives connections the addresses that may stand for a name, and no others. Addresses in URLs do
/// not come here: whoever may call those named them.
struct Names(Lookup);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let (name, found) = (name.as_str().to_owned(), (self.0)(name.as_str().to_owned()));
        Box::pin(async move {
            let permitted = permitted(&name, found.await?);
            if permitted.is_empty() {
                return Err("the name leads to private addresses alone".into());
            }
            let addresses: Addrs = Box::new(permitted.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

fn permitted(name: &str, found: Vec<IpAddr>) -> Vec<IpAddr> {
    found.into_iter().filter(|address| may_stand_for(name, *address)).collect()
}

async fn system_lookup(name: String) -> io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
}

/// The host of `url`, unless it is an address.
fn name_of(url: &Url) -> Option<&str> {
    url.host_str().filter(|host| host.parse::<IpAddr>().is_err() && !host.starts_with('['))
}

/// The headers of every message.
pub fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in pairs {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(*name, value);
        }
    }
    headers
}

fn failed(ec: Ec, message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::CallbackFailed, message).ec(ec)
}

/// An error with its causes, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests;
