//! A server that uploads' callbacks go to. What it answers, the path says.

use super::server::Response;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// What is waited for comes at once; a loaded machine gets more.
const PATIENCE: Duration = Duration::from_secs(60);

/// Most bytes of an answer that are taken.
const LIMIT: usize = 1024 * 1024;

/// Listens on a free port of this machine until the tests end.
pub struct Listener {
    port: u16,
    calls: Receiver<Call>,
}

/// A call that came.
#[derive(Debug)]
pub struct Call {
    /// Method and target.
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The name that TLS told, if it did.
    pub server_name: Option<String>,
}

impl Call {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

impl Listener {
    pub fn start() -> Listener {
        Listener::serving(None)
    }

    /// The same over TLS, with the first certificate of `fixtures/tls`.
    pub fn start_tls() -> Listener {
        let chain = CertificateDer::from_pem_file(certificate()).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(certificate().with_extension("key")).expect("a key");
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("versions");
        let config = builder.with_no_client_auth().with_single_cert(vec![chain], key).expect("they fit");
        Listener::serving(Some(Arc::new(config)))
    }

    fn serving(tls: Option<Arc<ServerConfig>>) -> Listener {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, calls) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sender, tls) = (sender.clone(), tls.clone());
                thread::spawn(move || serve(stream, tls, &sender));
            }
        });
        Listener { port, calls }
    }

    /// Such as `127.0.0.1:41234`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next call.
    pub fn call(&self) -> Call {
        self.calls.recv_timeout(PATIENCE).expect("a call")
    }

    /// The calls that came and were not asked for yet.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.try_iter().collect()
    }
}

/// The certificate that a listener shows; good for `localhost` and 127.0.0.1.
pub fn certificate() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls/first.pem")
}

fn serve(mut stream: TcpStream, tls: Option<Arc<ServerConfig>>, calls: &Sender<Call>) {
    match tls {
        None => talk(&mut stream, calls, |_| None),
        Some(config) => {
            let connection = ServerConnection::new(config).expect("a connection");
            let mut stream = StreamOwned::new(connection, stream);
            talk(&mut stream, calls, |stream| stream.conn.server_name().map(str::to_owned));
        }
    }
}

/// One call and its answer. Whoever breaks off is not asked why.
fn talk<S: Read + Write>(stream: &mut S, calls: &Sender<Call>, name: impl Fn(&S) -> Option<String>) {
    let Some(mut call) = read_call(stream) else { return };
    call.server_name = name(stream);
    let answer = answer(&call);
    let waits = call.target().starts_with("/slow") || call.target().starts_with("/drip");
    let _ = calls.send(call);
    let _ = stream.write_all(&answer).and_then(|()| stream.flush());
    if waits {
        let _ = stream.read(&mut [0]);
    }
}

fn read_call(stream: &mut impl Read) -> Option<Call> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        bytes.extend(byte);
    }
    let head = String::from_utf8(bytes).expect("ASCII");
    let line = head.lines().next().and_then(|line| line.strip_suffix(" HTTP/1.1")).expect("HTTP/1.1").to_owned();
    // A head of an answer is read in the same way.
    let headers = Response::parse(format!("HTTP/1.1 200\r\n{}", head.split_once("\r\n")?.1).as_bytes()).headers;
    let mut call = Call { line, headers, body: String::new(), server_name: None };
    let mut body = vec![0; call.header("content-length").parse().expect("a length")];
    stream.read_exact(&mut body).ok()?;
    call.body = String::from_utf8(body).expect("UTF-8");
    Some(call)
}

fn answer(call: &Call) -> Vec<u8> {
    let with = |status: &str, kind: &str, body: &str| {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
    };
    let json = |body: &str| with("200 OK", "application/json", body);
    match call.target().split('?').next().unwrap_or_default() {
        // Tells what came, in a JSON value.
        "/echo" => with("200 OK", "application/json; charset=utf-8", &echo(call).to_string()),
        "/old" => b"HTTP/1.0 200 OK\r\nServer: BaseHTTP/0.3\r\nContent-Length: 9\r\n\r\n{\"a\":\"b\"}".to_vec(),
        "/html" => with("200 OK", "text/html", "\"<b>\""),
        "/text" => json("OK"),
        "/empty" => json(""),
        "/bom" => json("\u{feff}{}"),
        "/created" => with("201 Created", "application/json", "{}"),
        "/moved" => b"HTTP/1.1 301 Moved\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n".to_vec(),
        "/kept" => b"HTTP/1.1 307 Kept\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n".to_vec(),
        "/broken" => with("500 Broken", "application/json", "{}"),
        "/limit" => json(&format!("\"{}\"", "x".repeat(LIMIT - 2))),
        "/long" => json(&format!("\"{}\"", "x".repeat(LIMIT - 1))),
        "/chunked" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n".to_vec(),
        "/endless" => b"HTTP/1.1 200 OK\r\n\r\n{}".to_vec(),
        "/short" => b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}".to_vec(),
        "/drip" => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{".to_vec(),
        "/garbage" => b"SSH-2.0-x\r\n\r\n".to_vec(),
        "/slow" | "/drop" => Vec::new(),
        other => panic!("nobody knows {other}"),
    }
}

fn echo(call: &Call) -> Value {
    json!({
        "line": call.line,
        "host": call.header("host"),
        "type": call.header("content-type"),
        "body": call.body,
    })
}
