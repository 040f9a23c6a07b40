//! The server's front door: TLS, proxies before it, its first start, what it refuses to start with.

use crate::support::clients::python;
use crate::support::server::{Folder, Response, Server, pixelpass};
use crate::support::signed::{KEY, sign};
use pixelpass::oss::sign::Scheme;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is waited for comes within a few seconds; a loaded machine gets more.
const PATIENCE: Duration = Duration::from_secs(60);

fn tls_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name)
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(tls_file(name)).expect("a certificate")
}

/// One request over TLS to a server that shows one of the two certificates, and which it was.
fn over_tls(server: &Server, target: &str) -> (Response, CertificateDer<'static>) {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates([certificate("first.pem"), certificate("second.pem")]);
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let config = Arc::new(builder.with_root_certificates(roots).with_no_client_auth());
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(config, name).expect("a client");
    let mut stream = StreamOwned::new(connection, server.connect());
    write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer with its end");
    let shown = stream.conn.peer_certificates().expect("a certificate")[0].clone().into_owned();
    (Response::parse(&answer), shown)
}

#[test]
fn tls_and_its_certificate_exchanged_while_it_runs() {
    let folder = Folder::new();
    let [chain, key] = ["chain.pem", "key.pem"].map(|name| folder.path().join(name));
    let copy = |from: &str, to: &Path| fs::write(to, fs::read(tls_file(from)).expect("there")).expect("written");
    copy("first.pem", &chain);
    copy("first.key", &key);
    let (chain_name, key_name) = (chain.to_string_lossy(), key.to_string_lossy());
    let flags = ["--engine", "cpu", "--tls-certificate", &chain_name, "--tls-key", &key_name];
    let server = Server::start_in(folder.path(), &flags, &[]);
    let (answer, shown) = over_tls(&server, "/demo/example.jpg?x-oss-process=image/resize,w_50");
    assert_eq!((answer.status, shown), (200, certificate("first.pem")));
    // Who does not speak TLS is not answered in the clear, and harms nobody.
    let mut plain = server.connect();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    // The connection may end with a reset.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"));
    // A broken certificate, and a key of another one, change nothing: longer than the files' period.
    for (from, to) in [("first.key", &chain), ("second.key", &key)] {
        copy(from, to);
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(over_tls(&server, "/healthz").1, certificate("first.pem"));
    }
    copy("second.pem", &chain);
    let end = Instant::now() + PATIENCE;
    while over_tls(&server, "/healthz").1 != certificate("second.pem") {
        assert!(Instant::now() < end, "the certificate was not exchanged");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(server.stop().contains("listens on https://127.0.0.1:"));
}

#[test]
fn a_proxys_word_is_believed_where_there_is_one() {
    for behind in ["on", "off"] {
        let flags = ["--store", "memory://", "--engine", "cpu", "--behind-proxy", behind, KEY[0], KEY[1]];
        let server = Server::start(&flags);
        server.signed("PUT", "/pictures", &[], b"");
        server.signed("PUT", "/pictures/a", &[], b"a");
        // The proxy has passed on a request that was signed for a virtual host.
        let forwarded = [("X-Forwarded-Host", "pictures.localhost, inner"), ("X-Forwarded-Proto", "https")];
        let target = sign(Scheme::V4, "GET", "/pictures/a", &[]).replace("/pictures/", "/");
        let answer = server.request("GET", &target, &forwarded, b"");
        let expected = if behind == "on" { (200, "a") } else { (403, "") };
        assert_eq!((answer.status, if answer.status == 200 { "a" } else { "" }), expected, "{}", answer.text());
        let refused = server.request("GET", "/none", &forwarded, b"");
        let host = if behind == "on" { "pictures.localhost" } else { server.address() };
        assert_eq!(refused.element("HostId"), host);
        // Where the object is to be found, as the client reaches it.
        let id = server.signed("POST", "/pictures/k?uploads", &[], b"").element("UploadId");
        server.signed("PUT", &format!("/pictures/k?partNumber=1&uploadId={id}"), &[], b"x");
        let all = [("x-oss-complete-all", "yes")];
        let target = sign(Scheme::V4, "POST", &format!("/pictures/k?uploadId={id}"), &all);
        let (target, location) = match behind {
            "on" => (target.replace("/pictures/k", "/k"), "https://pictures.localhost/k".to_owned()),
            _ => (target, format!("http://{}/pictures/k", server.address())),
        };
        let done = server.request("POST", &target, &[forwarded[0], forwarded[1], all[0]], b"");
        assert_eq!(done.element("Location"), location, "{}", done.text());
    }
}

/// Exit code and standard error of a server that shall not start.
fn refused(folder: &Path, flags: &[&str]) -> (Option<i32>, String) {
    let mut command = pixelpass();
    command.arg("serve").args(flags).current_dir(folder).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().expect("the binary starts");
    let end = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break status,
            None if Instant::now() > end => {
                child.kill().expect("it can be killed");
                panic!("it started with {flags:?}");
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let mut text = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut text).expect("text");
    (status.code(), text)
}

#[test]
fn what_it_refuses_to_start_with() {
    let folder = Folder::new();
    fs::write(folder.path().join("none"), "# no key\n").expect("written");
    let [pem, key, other] = ["first.pem", "first.key", "second.key"].map(|name| tls_file(name).display().to_string());
    let store = ["--store", "memory://", "--engine", "cpu", "--listen"];
    for (flags, said) in [
        (&["0.0.0.0:0"][..], "name one with --access-key"),
        (&["[::]:0"], "name one with --access-key"),
        (&["0.0.0.0:0", "--access-key-file", "none"], "there is no access key"),
        (&["127.0.0.1:0", "--access-key-file", "missing"], "missing"),
        (&["127.0.0.1:0", "--tls-certificate", &pem, "--tls-key", &other], "do not fit"),
        (&["127.0.0.1:0", "--tls-certificate", &key, "--tls-key", &key], "no certificate"),
        (&["127.0.0.1:0", "--tls-certificate", &pem, "--tls-key", &pem], "key"),
        (&["127.0.0.1:0", "--tls-certificate", &pem], "tls-key"),
        (&["127.0.0.1:0", "--access-key", "a:b", "--access-key", "a:c"], "twice"),
    ] {
        let (code, text) = refused(folder.path(), &[&store, flags].concat());
        assert!(matches!(code, Some(1 | 2)) && text.contains(said), "{flags:?}: {code:?} {text}");
    }
}

/// What stands behind `name` on a line of its own.
fn line<'a>(said: &'a str, name: &str) -> &'a str {
    let found = said.lines().find_map(|line| line.trim().strip_prefix(name));
    found.unwrap_or_else(|| panic!("no {name} in {said}")).trim()
}

#[test]
fn the_first_start_makes_a_key_and_shows_it_once() {
    let folder = Folder::new();
    let start = || {
        let server = Server::start_in(folder.path(), &["--engine", "cpu", "--anonymous", "none"], &[]);
        assert_eq!(server.get("/healthz").status, 200);
        server
    };
    let server = start();
    let first_address = server.address().to_owned();
    let said = server.stop();
    let (id, secret) = (line(&said, "id "), line(&said, "secret "));
    assert!(id.len() >= 16 && secret.len() >= 30, "{said}");
    let kept = folder.path().join("pixelpass-data/.pixelpass/access-keys");
    assert!(fs::read_to_string(&kept).expect("kept").contains(&format!("{id}:{secret}")));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&kept).expect("kept").permissions().mode() & 0o777, 0o600);
    }
    let server = start();
    for path in ["/.pixelpass/access-keys", "/demo/../.pixelpass/access-keys", "/%2epixelpass%2faccess-keys"] {
        assert!(!server.get(path).text().contains(secret), "{path}");
    }
    let url = format!("http://{}/demo/example.jpg", server.address());
    let pair = format!("{id}:{secret}");
    let signed = pixelpass().args(["sign", &url, "--access-key", &pair]).output().expect("it runs").stdout;
    let signed = String::from_utf8(signed).expect("text");
    let target = signed.trim().strip_prefix(&format!("http://{}", server.address())).expect("a URL");
    assert_eq!(server.get("/demo/example.jpg").status, 403);
    assert_eq!(server.get(target).status, 200);
    // The lines that were shown, for the server's new port.
    if let Some(python) = python() {
        let from = said.find("import oss2").expect("lines of Python");
        let script: Vec<_> = said[from..].lines().take(3).map(str::trim).collect();
        let script = script.join("\n").replace(&first_address, server.address());
        let ran = Command::new(python).args(["-c", &script]).current_dir(folder.path()).output().expect("it runs");
        assert!(ran.status.success(), "{script}\n{}", String::from_utf8_lossy(&ran.stderr));
        let made = fs::read(folder.path().join("small.webp")).expect("the picture");
        assert!(made.starts_with(b"RIFF"));
    }
    let said = server.stop();
    assert!(!said.contains(secret) && said.contains("access keys: pixelpass-data/.pixelpass/access-keys"), "{said}");
}
