//! Signed requests from the command line to the server and back.

use crate::support::server::{Folder, Server, pixelpass};
use std::process::Output;
use std::time::{Duration, Instant};

const KEY: [&str; 2] = ["--access-key", "ID:SECRET"];

fn run(arguments: &[&str]) -> Output {
    pixelpass().args(arguments).output().expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A signed URL for `http://HOST` and the target.
fn signed(arguments: &[&str], host: &str, target: &str) -> String {
    let url = format!("http://{host}{target}");
    let mut all = vec!["sign"];
    all.extend(arguments);
    all.push(&url);
    let done = run(&all);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    stdout(&done).trim_end().to_owned()
}

/// Path and query of a URL.
fn target(url: &str) -> &str {
    let rest = url.strip_prefix("http://").expect("a URL");
    &rest[rest.find('/').expect("a path")..]
}

#[test]
fn signed_urls_open_a_closed_server() {
    let server = Server::start(&["--engine", "cpu", "--anonymous", "none", KEY[0], KEY[1]]);
    let small = "/demo/example.jpg?x-oss-process=image/resize,w_100/watermark,text_5rGJ,size_20";
    assert_eq!(server.get(small).status, 403);
    for version in ["1", "4"] {
        let url = signed(&[KEY[0], KEY[1], "--version", version], "127.0.0.1:1", small);
        let answer = server.get(target(&url));
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/jpeg"), "{url}");
        // Nothing of it can be used for anything else.
        let larger = server.get(&target(&url).replace("w_100", "w_200"));
        assert_eq!((larger.status, larger.element("Code").as_str()), (403, "SignatureDoesNotMatch"));
        assert_eq!(server.request("PUT", target(&url), &[], b"x").status, 403);
        let url = signed(
            &[KEY[0], KEY[1], "--version", version, "PUT", "--header", "x-oss-meta-a: 汉"],
            "127.0.0.1:1",
            "/demo/n w+汉",
        );
        assert_eq!(server.request("PUT", target(&url), &[], b"x").status, 403);
        let put = server.request("PUT", target(&url), &[("X-Oss-Meta-A", "汉")], b"x");
        assert_eq!(put.status, 200, "raw bytes in a signed header: {}", put.text());
    }
    let hosted = signed(&KEY, "demo.localhost:1", "/example.jpg");
    assert_eq!(server.request("GET", target(&hosted), &[("Host", "demo.localhost:1")], b"").status, 200);
    let head = server.request("HEAD", target(&hosted), &[("Host", "demo.localhost:1")], b"");
    assert_eq!((head.status, head.body.len(), head.header("x-oss-ec")), (403, 0, "0002-00000040"));
}

#[test]
fn keys_are_changed_while_the_server_runs() {
    let folder = Folder::new();
    let path = folder.path().join("keys");
    let file = path.to_string_lossy().into_owned();
    std::fs::write(&path, "old:s1\n").expect("written");
    let server = Server::start(&["--engine", "cpu", "--anonymous", "none", "--access-key-file", &file]);
    let old = signed(&["--access-key", "old:s1"], "127.0.0.1:1", "/demo/logo.png");
    let new = signed(&["--access-key", "new:s2"], "127.0.0.1:1", "/demo/logo.png");
    let status = |url: &str| server.get(target(url)).status;
    assert_eq!((status(&old), status(&new)), (200, 403));
    let patience = Instant::now() + Duration::from_secs(60);
    let until = |url: &str, expected: u16| {
        while status(url) != expected {
            assert!(Instant::now() < patience, "the file was not read");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    std::fs::write(&path, "old:s1\nnew:s2\n").expect("written");
    until(&new, 200);
    assert_eq!(status(&old), 200);
    std::fs::write(&path, "new:s2\n").expect("written");
    until(&old, 403);
    assert_eq!(status(&new), 200);
}

#[test]
fn a_file_of_keys_that_is_wrong_is_told_at_start() {
    let folder = Folder::new();
    let path = folder.path().join("keys");
    std::fs::write(&path, "# keys\nhunter2\n").expect("written");
    let failed = run(&["serve", "--listen", "127.0.0.1:0", "--access-key-file", &path.to_string_lossy()]);
    let text = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(failed.status.code() == Some(1) && text.contains("line 2") && !text.contains("hunter2"), "{text}");
}

#[test]
fn verify_accepts_what_sign_made_and_explains_what_was_changed() {
    let now = ["--at", "2026-01-15T08:30:00Z"];
    let url = signed(&[KEY[0], KEY[1], now[0], now[1]], "img.example.com", "/demo/a.jpg?x-oss-process=style/small");
    let verify = |url: &str, further: &[&str]| {
        let mut all = vec!["verify", url, KEY[0], KEY[1]];
        all.extend(further);
        let done = run(&all);
        (done.status.code(), stdout(&done))
    };
    let (code, text) = verify(&url, &now);
    assert!(code == Some(0) && text.contains("The request is accepted."), "{text}");
    let (code, text) = verify(&url, &["--at", "1768466401"]);
    assert!(code == Some(1) && text.contains("Request has expired") && text.contains("signature: right"), "{text}");
    let (code, text) = verify(&url, &[now[0], now[1], "--method", "PUT"]);
    assert!(code == Some(1) && text.contains("It was signed for GET, and sent as PUT."), "{text}");
    let (code, text) = verify(&url, &[now[0], now[1], "--access-key", "ID:OTHER"]);
    assert!(code == Some(2), "a key is there twice: {text}");
    let other = run(&["verify", &url, "--access-key", "ID:OTHER", now[0], now[1]]);
    assert!(stdout(&other).contains("usual mistakes, alone and in pairs"), "{}", stdout(&other));
    // A domain of one's own has its bucket told.
    let own = signed(&[KEY[0], KEY[1], now[0], now[1], "--bucket", "demo"], "img.example.com", "/a.jpg");
    assert_eq!(verify(&own, &[now[0], now[1], "--bucket", "demo"]).0, Some(0));
    let hosted =
        signed(&[KEY[0], KEY[1], now[0], now[1], "--base-domain", "example.com"], "demo.example.com", "/a.jpg");
    let (code, text) = verify(&hosted, &now);
    assert!(code == Some(1) && text.contains("--base-domain example.com"), "{text}");
    // The client's own string.
    let folder = Folder::new();
    let path = folder.path().join("string");
    std::fs::write(&path, "GET\n/demo/a.jpg\nx-oss-credential=ID\n\n\nUNSIGNED-PAYLOAD\n").expect("written");
    let file = path.to_string_lossy().into_owned();
    let changed = url.replace("style%2Fsmall", "style%2Flarge");
    let (code, text) = verify(&changed, &[now[0], now[1], "--client-string", &file]);
    assert!(code == Some(1) && text.contains("canonical request differs first in line 3, column 20:"), "{text}");
    let (code, text) = verify("http://127.0.0.1/demo/a.jpg", &[]);
    assert!(code == Some(1) && text.contains("anonymous"), "{text}");
    assert_eq!(verify("ftp://127.0.0.1/demo/a.jpg", &[]).0, Some(2));
}

#[test]
fn sign_says_what_it_cannot() {
    for (arguments, what) in [
        (&["sign", "http://127.0.0.1/demo/a.jpg"][..], "access key"),
        (&["sign", "demo/a.jpg", KEY[0], KEY[1]], "http://"),
        (&["sign", "http://127.0.0.1/demo/a.jpg", KEY[0], KEY[1], "--expires", "604801"], "604800"),
        (&["sign", "http://127.0.0.1/a", KEY[0], KEY[1], "--version", "1", "--header", "Range: bytes=0-1"], "range"),
        (&["sign", "http://127.0.0.1/a", KEY[0], KEY[1], "--header", "Range"], "NAME: VALUE"),
        (&["sign", "http://127.0.0.1/a", KEY[0], KEY[1], "--at", "noon"], "noon"),
    ] {
        let failed = run(arguments);
        let text = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert!(failed.status.code() == Some(2) && text.contains(what), "{arguments:?}\n{text}");
    }
}
