//! Requests that are too long, lie about their bodies, or are hardly any.

use super::*;
use crate::support::signed::sign;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pixelpass::oss::sign::Scheme;
use std::io::{Read, Write};
use std::net::Shutdown;

#[test]
fn lengths_without_end() {
    let (_folder, server) = house();
    let long = "a".repeat(60_000);
    for (target, statuses) in [
        (format!("/demo/{long}"), [404, 414]),
        (format!("/{long}/a"), [400, 414]),
        (format!("/demo/a.jpg?unknown={long}"), [200, 414]),
        (format!("/demo/a.jpg?x-oss-process=image/{long}"), [400, 414]),
        (format!("/demo/a.jpg?{}", "a&".repeat(30_000)), [200, 414]),
        (format!("/demo/a.jpg@!{long}"), [404, 414]),
        (format!("/demo/{}", long.repeat(2)), [404, 414]),
        (format!("/demo/?prefix={long}"), [200, 400]),
    ] {
        let answer = server.get(&target);
        assert!(statuses.contains(&answer.status), "{}… {}", &target[..20], answer.status);
    }
    let put = |headers: &[(&str, &str)]| server.request("PUT", "/demo/long", headers, b"x").status;
    assert_eq!(put(&[("x-oss-meta-a", &long)]), 400);
    assert_eq!(put(&[("x-unknown", &long)]), 200);
    assert_eq!(put(&[("Authorization", &format!("OSS {long}"))]), 400);
    let names: Vec<_> = (0..300).map(|number| format!("x-{number}")).collect();
    let headers: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    assert_eq!(put(&headers), 431);
    let layered = format!("x-oss-process=image/resize,w_50{}", "|image/resize,w_50".repeat(2000));
    clean(&server.get(&format!("/demo/a.jpg?{layered}")), "a long pipe");
    for range in ["bytes=-", "bytes=0-18446744073709551616", "BYTES=0-1", "bytes 0-1", "bytes=--1", "bytes=,"] {
        for process in ["", "?x-oss-process=image/resize,w_50"] {
            let answer = server.request("GET", &format!("/demo/a.jpg{process}"), &[("Range", range)], b"");
            assert_eq!((answer.status, answer.header("content-range")), (200, ""), "{range}");
        }
    }
    let many = format!("bytes={}", ["0-0"; 10_000].join(","));
    let whole = "bytes=-18446744073709551615";
    for (range, length) in [(many.as_str(), 1), (whole, 21839), ("bytes=0-18446744073709551615", 21839)] {
        let answer = server.request("GET", "/demo/a.jpg", &[("Range", range)], b"");
        assert_eq!((answer.status, answer.body.len()), (206, length), "{}", &range[..10]);
    }
}

#[test]
fn odd_request_lines() {
    let (folder, server) = house();
    let path = "/a.jpg?x-oss-process=image/resize,w_5";
    for (line, status) in [
        ("OPTIONS * HTTP/1.1", 400),
        ("CONNECT demo:80 HTTP/1.1", 405),
        ("TRACE /demo/a.jpg HTTP/1.1", 405),
        ("PATCH /demo/a.jpg HTTP/1.1", 405),
        ("get /demo/a.jpg HTTP/1.1", 405),
        ("GET /demo/a.jpg HTTP/1.0", 200),
        ("GET /demo/a.jpg HTTP/9.9", 400),
        ("GET /demo/a b.jpg HTTP/1.1", 400),
        ("GET demo/a.jpg HTTP/1.1", 400),
        ("GET ../secret.txt HTTP/1.1", 400),
        ("GET /demo/a.jpg#../secret.txt HTTP/1.1", 200),
        (&format!("GET http://demo.localhost{path} HTTP/1.1"), 200),
        (&format!("GET http://user@demo.localhost{path} HTTP/1.1"), 400),
        ("GET file:///etc/passwd HTTP/1.1", 400),
        ("\0\0\0", 400),
    ] {
        let mut stream = server.connect();
        stream.write_all(format!("{line}\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("closed");
        let answer = Response::parse(&answer);
        clean(&answer, line);
        assert_eq!(answer.status, status, "{line}: {}", answer.text());
    }
    untouched(&folder);
}

#[test]
fn refusals_of_heads_fit_into_a_header() {
    let (_folder, server) = house();
    let long = sign(Scheme::V4, "GET", &format!("/demo/a.jpg?x-oss-process={}", "a".repeat(9000)), &[]);
    let answer = server.request("HEAD", &long, &[], b"");
    assert_eq!((answer.status, answer.header("x-oss-ec")), (403, "0002-00000040"));
    let document = STANDARD.decode(answer.header("x-oss-err")).expect("Base64");
    assert!(document.len() < 4000 && String::from_utf8_lossy(&document).contains("<Code>SignatureDoesNotMatch<"));
    assert!(server.request("PUT", &long, &[], b"").text().contains("<CanonicalRequestBytes>"));
}

#[test]
fn bodies_that_lie() {
    let (folder, server) = house();
    // What the server answers to these bytes; some clients then say no more.
    let sent = |request: &str, ends: bool| {
        let mut stream = server.connect();
        let head = "PUT /demo/lie HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
        stream.write_all(format!("{head}{request}").as_bytes()).expect("sent");
        if ends {
            stream.shutdown(Shutdown::Write).expect("half closed");
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("closed");
        String::from_utf8_lossy(&answer).into_owned()
    };
    for (request, ends) in [
        ("Content-Length: 10\r\n\r\nhalf", true),
        ("Content-Length: -1\r\n\r\n", false),
        ("Content-Length: 1, 2\r\n\r\nx", false),
        ("Content-Length: 99999999999999999999999\r\n\r\nx", false),
        ("Content-Length: 9999999999999999999\r\n\r\nx", true),
        ("Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", true),
        ("Transfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n0\r\n\r\n", false),
        ("Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhalf\r\n0\r\n\r\n", false),
        ("Transfer-Encoding: gzip\r\n\r\nhalf", false),
    ] {
        let answer = sent(request, ends);
        assert!((ends && answer.is_empty()) || answer.starts_with("HTTP/1.1 4"), "{request:?}: {answer}");
        assert_eq!(server.get("/demo/lie").status, 404, "{request:?}");
    }
    let both = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /demo/a.jpg HTTP/1.1\r\n\r\n";
    assert_eq!(sent(both, false).matches("HTTP/1.1 ").count(), 1);
    let chunks = "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nwho\r\n2\r\nle\r\n0\r\nX-Trailer: 1\r\n\r\n";
    let whole = sent(chunks, false);
    assert!(whole.starts_with("HTTP/1.1 200"), "{whole}");
    assert_eq!(server.get("/demo/lie").text(), "whole");
    untouched(&folder);
}

#[test]
fn refusals_arrive_whatever_the_client_still_sends() {
    let server = Server::start(&["--engine", "cpu"]);
    let large = vec![7; 20 * 1024 * 1024];
    let refused = server.request("PUT", "/demo/large", &[], &large);
    assert_eq!((refused.status, refused.element("Code").as_str()), (403, "AccessDenied"));
    // One that asks first is answered before it sends anything; the other is asked to go on.
    let asks = |server: &Server| {
        let mut stream = server.connect();
        let head = "PUT /demo/asked HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
        stream.write_all(head.as_bytes()).expect("sent");
        let mut answer = [0; 25];
        stream.read_exact(&mut answer).expect("an answer");
        (String::from_utf8_lossy(&answer).into_owned(), stream)
    };
    assert!(asks(&server).0.starts_with("HTTP/1.1 403"));
    let server = Server::start(&["--engine", "cpu", "--anonymous", "write"]);
    let (answer, mut stream) = asks(&server);
    assert_eq!(answer, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").expect("sent");
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 200");
    assert_eq!(server.get("/demo/asked").text(), "hello");
}
