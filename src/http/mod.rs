//! The street: sockets, request ids, limits of bodies, shutting down. No pixels and no protocol.
//!
//! One handler sees every request as it came; nothing is routed by path before [`crate::oss`]
//! reads it, since keys may contain `//`, `..` and `%2F`. Three addresses are ours, in path style
//! only: `/` is the start page, `/healthz` says that the process lives, `/readyz` that it takes
//! requests. The two names are therefore no buckets. Errors become answers, and are logged, in
//! `failure` alone.

mod linger;
mod page;
mod request_id;
mod tls;

pub use tls::Tls;

use crate::error::Error;
use crate::oss::route::On;
use crate::oss::sign::Caller;
use crate::oss::wire::{Body, Headers, Reply, Request};
use crate::oss::{self, Service, cors};
use axum::body::Body as WireBody;
use axum::extract::State;
use axum::handler::Handler;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::{Either, join, select};
use futures_util::stream;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use request_id::RequestIds;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::net::TcpListener;

/// Longest time that running requests get to finish once the server shall stop.
const FAREWELL: Duration = Duration::from_secs(30);

/// What every request needs.
struct House {
    service: Service,
    start_page: Bytes,
    ids: RequestIds,
    options: Options,
    /// Set when the server shall stop.
    leaving: AtomicBool,
}

/// What this room needs to know of the settings.
#[derive(Debug, Clone)]
pub struct Options {
    /// The start page may show the samples.
    pub demo: bool,
    /// A client that sends nothing for so long while its request is not complete, or between two
    /// requests, is let go.
    pub patience: Duration,
    /// A proxy's word for the client's address and for the host and scheme that it used is believed.
    pub behind_proxy: bool,
    /// Speaks TLS on every connection.
    pub tls: Option<Arc<Tls>>,
    /// The Server header of every answer.
    pub server_header: String,
}

/// Serves on `listener` until the process is told to stop, then lets running requests finish.
///
/// # Errors
/// When signals or TLS cannot be used.
pub async fn serve(listener: TcpListener, service: Service, options: Options) -> io::Result<()> {
    let (ids, start_page, patience) = (RequestIds::new(), page::start(options.demo), options.patience);
    let acceptor = options.tls.as_ref().map(|tls| tls.acceptor().map_err(io::Error::other)).transpose()?;
    let house = Arc::new(House { service, start_page, ids, options, leaving: AtomicBool::new(false) });
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(patience);
    let connections = GracefulShutdown::new();
    let mut told = pin!(told_to_stop()?);
    loop {
        match select(pin!(listener.accept()), told.as_mut()).await {
            Either::Left((Ok((stream, peer)), _)) => {
                // Without it small answers wait for the client's acknowledgement.
                let _ = stream.set_nodelay(true);
                let handler = TowerToHyperService::new(answer.with_state(house.clone()));
                let peer = peer.ip().to_canonical();
                let handler = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
                    request.extensions_mut().insert(peer);
                    handler.call(request)
                });
                let (watcher, protocol, acceptor) = (connections.watcher(), protocol.clone(), acceptor.clone());
                tokio::spawn(async move {
                    let ended = match acceptor {
                        None => watcher.watch(protocol.serve_connection(TokioIo::new(stream), handler)).await,
                        Some(acceptor) => match tokio::time::timeout(patience, acceptor.accept(stream)).await {
                            Ok(Ok(stream)) => {
                                watcher.watch(protocol.serve_connection(TokioIo::new(stream), handler)).await
                            }
                            Ok(Err(error)) => return tracing::debug!(%error, "no TLS"),
                            Err(_) => return tracing::debug!("no TLS in time"),
                        },
                    };
                    if let Err(error) = ended {
                        tracing::debug!(%error, "connection ended");
                    }
                });
            }
            Either::Left((Err(error), _)) => {
                // Most often too many open files: those that are open will end.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Either::Right(_) => break,
        }
    }
    drop(listener);
    tracing::info!("stopping: no new connections, running requests may finish");
    house.leaving.store(true, Ordering::Relaxed);
    let (too_long, told_again) = (pin!(tokio::time::sleep(FAREWELL)), pin!(told_to_stop()?));
    let finished = pin!(connections.shutdown());
    if let Either::Right(_) = select(finished, select(too_long, told_again)).await {
        tracing::warn!("stopped with requests unfinished");
    }
    Ok(())
}

/// Done when the process gets SIGTERM or SIGINT (or Ctrl-C).
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    #[cfg(unix)]
    let terminated = async move { terminate.recv().await };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    Ok(async move {
        select(pin!(terminated), pin!(tokio::signal::ctrl_c())).await;
    })
}

/// The handler of every request.
async fn answer(State(house): State<Arc<House>>, request: axum::extract::Request) -> Response {
    let begin = Instant::now();
    let id = house.ids.next();
    let request = translate(request, id.clone(), begin, &house.options);
    let (method, head) = (request.method.clone(), request.method == "HEAD");
    let (host, path) = (request.host.clone(), request.path.clone());
    let origin = request.headers.get("origin").map(str::to_owned);
    let own = is_own_address(&house, &request);
    let sharing = async {
        match own || method == "OPTIONS" {
            true => cors::Rules::default(),
            false => house.service.sharing(&host, &path).await,
        }
    };
    // Side by side: a store may be far away.
    let (done, sharing) = join(dispatch(&house, request, own), sharing).await;
    let reply = match done {
        Ok(reply) => reply,
        Err(error) => failure(&error, head, &id, &host, &method, &path),
    };
    let reply = sharing.applied(origin.as_deref(), &method, reply);
    let elapsed = begin.elapsed();
    tracing::debug!(%id, %method, %path, status = reply.status, ms = elapsed.as_secs_f64() * 1000.0, "answered");
    let reply = reply
        .header("Server", house.options.server_header.as_str())
        .header("x-oss-request-id", id)
        .header("x-oss-server-time", elapsed.as_millis().to_string());
    respond(reply)
}

/// Whether a request asks for the server's state, which shall not depend on the store.
fn is_own_address(house: &House, request: &Request) -> bool {
    matches!(request.path.as_str(), "/healthz" | "/readyz")
        && matches!(request.method.as_str(), "GET" | "HEAD")
        && house.service.rules.domains.bucket(&request.host).is_none()
}

async fn dispatch(house: &House, request: Request, own: bool) -> Result<Reply, Error> {
    let head = request.method == "HEAD";
    if own {
        let ready = request.path == "/healthz" || !house.leaving.load(Ordering::Relaxed);
        let (status, text) = if ready { (200, "ok\n") } else { (503, "stopping\n") };
        return Ok(text_reply(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()), head));
    }
    if request.method == "OPTIONS" {
        let Request { host, path, headers, .. } = request;
        return house.service.preflight(&host, &path, &headers).await;
    }
    let admitted = match house.service.admit(&request, SystemTime::now()) {
        Ok(admitted) => admitted,
        Err(error) => {
            let Request { method, host, path, .. } = request;
            return Err(house.service.refusal(error, &method, &host, &path).await);
        }
    };
    // Clients that sign this want the list of buckets, not a page for people.
    if admitted.operation.on == On::Service && admitted.caller == Caller::Anonymous {
        let reply = text_reply(200, "text/html; charset=utf-8", house.start_page.clone(), head);
        return Ok(reply.header("Content-Security-Policy", page::POLICY));
    }
    house.service.perform(admitted, request).await
}

fn text_reply(status: u16, content_type: &str, text: Bytes, head: bool) -> Reply {
    Reply::new(status).header("Content-Type", content_type).header("Cache-Control", "no-cache").whole(text, head)
}

/// The one place where a failure becomes an answer and a line in the log.
fn failure(error: &Error, head: bool, id: &str, host: &str, method: &str, path: &str) -> Reply {
    // Quoted, since messages hold what callers wrote.
    let (what, source) = (error.to_string(), error.source.as_ref().map(|source| source.to_string()));
    match error.code.is_server_fault() {
        true => tracing::error!(%id, %method, %path, ?what, ?source, "failed"),
        false => tracing::info!(%id, %method, %path, ?what, ?source, "refused"),
    }
    oss::error_reply(error, head, id, host)
}

/// A request in the words of the protocol's room.
fn translate(request: axum::extract::Request, id: String, begin: Instant, options: &Options) -> Request {
    let (parts, body) = request.into_parts();
    let text = |value: &HeaderValue| Headers::text(value.as_bytes());
    let mut headers: Vec<_> =
        parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let forwarded = |name| {
        let value = parts.headers.get(name).filter(|_| options.behind_proxy).map(text)?;
        value.split(',').next().map(|first| first.trim().to_owned())
    };
    let mut host = host(&parts.uri, parts.headers.get(header::HOST).map(text));
    if let Some(original) = forwarded("x-forwarded-host") {
        // Signatures may cover the header, and the client signed what it sent.
        headers.iter_mut().filter(|(name, _)| name == "host").for_each(|(_, value)| value.clone_from(&original));
        host = original;
    }
    let secure = forwarded("x-forwarded-proto").map_or(options.tls.is_some(), |scheme| scheme == "https");
    let peer = parts.extensions.get().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let client_ip = forwarded("x-forwarded-for").and_then(|address| address.parse().ok()).unwrap_or(peer);
    let patience = options.patience;
    let waits = parts.headers.contains_key(header::EXPECT);
    let body = stream::unfold(linger::Lingering::new(body.into_data_stream(), waits), move |mut chunks| async move {
        let chunk = match tokio::time::timeout(patience, chunks.next()).await {
            Ok(chunk) => chunk?.map_err(incomplete),
            Err(silence) => Err(incomplete(silence)),
        };
        Some((chunk, chunks))
    });
    Request {
        id,
        client_ip,
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        host,
        secure,
        headers: Headers(headers),
        body: Box::pin(body),
        begin,
    }
}

/// An absolute request line outranks the Host header.
fn host(uri: &Uri, header: Option<String>) -> String {
    uri.authority().map(|authority| authority.as_str().to_owned()).or(header).unwrap_or_default()
}

fn incomplete(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let message = "You did not provide the number of bytes specified by the Content-Length HTTP header.";
    Error::new(crate::error::Code::IncompleteBody, message).because(error)
}

/// A reply in the words of the HTTP library. Values are visible ASCII already; one that is refused
/// all the same is left out.
fn respond(reply: Reply) -> Response {
    let body = match reply.body {
        Body::Empty => WireBody::empty(),
        Body::Whole(bytes) => WireBody::from(bytes),
        Body::Chunks(chunks) => WireBody::from_stream(chunks),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_ref()), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
