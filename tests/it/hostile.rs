//! Requests that mean no good: every one gets a clean answer, and nobody gets out of the store.

use crate::support::fixture;
use crate::support::server::{Folder, Response, Server};
use crate::support::signed::{KEY, sign};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use pixelpass::codec;
use pixelpass::limits::Limits;
use pixelpass::oss::sign::Scheme;
use std::io::{Read, Write};
use std::net::Shutdown;

/// The content of the file beside the store.
const SECRET: &str = "nobody may ever read this";

/// A server over `store/` with the bucket `demo`, beside which the secret lies.
fn house() -> (Folder, Server) {
    let folder = Folder::new();
    let bucket = folder.path().join("store/demo");
    std::fs::create_dir_all(&bucket).expect("made");
    std::fs::write(folder.path().join("secret.txt"), SECRET).expect("written");
    std::fs::write(folder.path().join("store/secret.txt"), SECRET).expect("written");
    std::fs::write(bucket.join("a.jpg"), fixture("demo/example.jpg")).expect("written");
    let store = folder.path().join("store").to_string_lossy().into_owned();
    let flags = ["--store", &store, "--anonymous", "write", "--engine", "cpu", KEY[0], KEY[1]];
    let server = Server::start_in(folder.path(), &flags, &[]);
    (folder, server)
}

/// Holds an answer to what every answer must be.
fn clean(answer: &Response, what: &str) {
    let text = answer.text();
    assert!((200..500).contains(&answer.status) || answer.status == 501, "{what}: {} {text}", answer.status);
    assert!(!text.contains(SECRET) && !text.contains("root:"), "{what}: {text}");
    assert!(answer.header("x-evil").is_empty(), "{what}: {:?}", answer.headers);
    assert!(answer.headers.iter().filter(|(name, _)| name == "content-length").count() <= 1, "{what}");
}

/// The file beside the store is as it was, and nothing is beside it.
fn untouched(folder: &Folder) {
    assert_eq!(std::fs::read_to_string(folder.path().join("secret.txt")).expect("there"), SECRET);
    assert_eq!(std::fs::read_to_string(folder.path().join("store/secret.txt")).expect("there"), SECRET);
    let names = |below: &str| {
        let entries = std::fs::read_dir(folder.path().join(below)).expect("a folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("one").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(""), ["secret.txt", "store"]);
    let mut below = names("store");
    below.retain(|name| name != ".pixelpass");
    assert_eq!(below, ["demo", "secret.txt"]);
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Keys as they stand in a path.
const KEYS: &[&str] = &[
    "../secret.txt",
    "..%2Fsecret.txt",
    "%2e%2e/secret.txt",
    "%2E%2E%2Fsecret.txt",
    "..%5Csecret.txt",
    "..\\secret.txt",
    "....//secret.txt",
    "..;/secret.txt",
    "%252e%252e%252fsecret.txt",
    "..%255csecret.txt",
    "%2e%2e/%2e%2e/secret.txt",
    "a.jpg/../../../secret.txt",
    "./../secret.txt",
    "a/./../../secret.txt",
    "..%00/secret.txt",
    "%00",
    "a.jpg%00.png",
    "/etc/passwd",
    "%2Fetc%2Fpasswd",
    "%5Cetc%5Cpasswd",
    "file:///etc/passwd",
    "../.pixelpass/buckets/demo/bucket.json",
    ".pixelpass/buckets/demo/bucket.json",
    "%EF%BC%8E%EF%BC%8E/secret.txt",
    "%E2%80%A5/secret.txt",
    "%c0%ae%c0%ae/secret.txt",
    "..%c0%afsecret.txt",
    "..%e0%80%afsecret.txt",
    "%ED%A0%80",
    "%F4%90%80%80",
    "%ff%fe",
    "..",
    ".",
    "a/..",
    "a/.",
    "x/",
    "x//",
    "a%0d%0aX-Evil:%201",
    "a%0Ab%09c%7F%01",
    "%3C/Key%3E%3CEvil%3E%26%22]]%3E",
    "a%231",
    "con",
    "C:%5Csecret.txt",
    "~root/.bashrc",
    "%",
    "%zz%4",
    "a%2Bb+c%20d",
    "%E2%80%AEgpj.exe",
];

#[test]
fn every_key_is_itself_or_refused() {
    let (folder, server) = house();
    for (number, path) in KEYS.iter().enumerate() {
        let key = percent_decode_str(path).decode_utf8().map(|key| key.into_owned());
        let key = key.ok().filter(|key| !key.starts_with(['/', '\\']) && !key.contains('\0'));
        let target = format!("/demo/{path}");
        let content = format!("content {number}");
        for signed in [false, true] {
            let ask = |method: &str, body: &str| match signed {
                true => server.signed(method, &target, &[], body.as_bytes()),
                false => server.request(method, &target, &[], body.as_bytes()),
            };
            let (missing, head) = (ask("GET", ""), ask("HEAD", ""));
            clean(&missing, path);
            let Some(key) = &key else {
                assert!(missing.status == 400 && head.status == 400, "{path}: {}", missing.text());
                assert!(["InvalidObjectName", "SignatureDoesNotMatch"].contains(&missing.element("Code").as_str()));
                assert_eq!(ask("PUT", &content).status, 400, "{path}");
                continue;
            };
            assert_eq!((missing.status, missing.element("Code").as_str()), (404, "NoSuchKey"), "{path}");
            assert_eq!((head.status, head.body.len()), (404, 0), "{path}");
            assert_eq!(ask("PUT", &content).status, 200, "{path}");
            assert_eq!(ask("GET", "").text(), content, "{path}");
            let list = format!("/demo/?encoding-type=url&prefix={}", encoded(key));
            let listed = server.get(&list);
            clean(&listed, path);
            let name = percent_decode_str(&listed.element("Key")).decode_utf8_lossy().into_owned();
            assert_eq!(&name, key, "{}", listed.text());
            assert_eq!(ask("DELETE", "").status, 204, "{path}");
            assert_eq!(ask("GET", "").status, 404, "{path}");
        }
    }
    assert_eq!(server.get("/demo/a.jpg").body, fixture("demo/example.jpg"));
    untouched(&folder);
}

#[test]
fn every_other_way_to_name_a_place_stays_inside() {
    let (folder, server) = house();
    let outside = ["../secret.txt", "../../secret.txt", "/etc/passwd", "a.jpg/../../../secret.txt"];
    for path in ["/../secret.txt", "/..%2Fsecret.txt", "/%2e%2e/secret.txt", "/./secret.txt", "/demo%00/a.jpg"] {
        for target in [path.to_owned(), sign(Scheme::V4, "GET", path, &[])] {
            let answer = server.get(&target);
            clean(&answer, path);
            assert_eq!(answer.element("Code"), "InvalidBucketName", "{path}: {}", answer.text());
        }
    }
    for path in ["/.pixelpass/buckets/demo/bucket.json", "/secret.txt", "/secret.txt/"] {
        let answer = server.get(path);
        clean(&answer, path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.text());
    }
    for host in ["..", "...localhost", ".pixelpass.localhost", "%2e%2e.localhost", "a/../b.localhost"] {
        clean(&server.request("GET", "/secret.txt", &[("Host", host)], b""), host);
    }
    for (number, name) in outside.iter().enumerate() {
        for source in [format!("/demo/{name}"), format!("/demo/{}", encoded(name)), format!("demo/%2e%2e/{name}")] {
            let copied = server.signed("PUT", "/demo/copied", &[("x-oss-copy-source", &source)], b"");
            clean(&copied, &source);
            assert!(matches!(copied.status, 400 | 404), "{source}: {}", copied.text());
        }
        let b64 = URL_SAFE_NO_PAD.encode(name);
        let marked = server.get(&format!("/demo/a.jpg?x-oss-process=image/watermark,image_{b64}"));
        clean(&marked, name);
        assert_eq!(marked.status, 400, "{}", marked.text());
        // Saved under that very key, and nowhere else.
        let process = format!("x-oss-process=image/resize,w_10|sys/saveas,o_{b64}");
        let saved = server.signed("POST", "/demo/a.jpg?x-oss-process", &[], process.as_bytes());
        clean(&saved, name);
        assert_eq!(saved.status, if name.starts_with('/') { 400 } else { 200 }, "{}", saved.text());
        let process = format!("{process}{number},b_{b64}");
        let saved = server.signed("POST", "/demo/a.jpg?x-oss-process", &[], process.as_bytes());
        assert_eq!(saved.status, 400, "{}", saved.text());
        let delete = format!("<Delete><Object><Key>{name}</Key></Object></Delete>");
        assert_eq!(server.signed("POST", "/demo/?delete", &[], delete.as_bytes()).status, 200);
        let (key, id) = (encoded("k"), encoded(name));
        for (method, target) in [
            ("PUT", format!("/demo/{key}?partNumber=1&uploadId={id}")),
            ("POST", format!("/demo/{key}?uploadId={id}")),
            ("GET", format!("/demo/{key}?uploadId={id}")),
            ("DELETE", format!("/demo/{key}?uploadId={id}")),
            ("PUT", format!("/demo/?style&styleName={id}")),
            ("GET", format!("/demo/?style&styleName={id}")),
            ("GET", format!("/demo/a.jpg?x-oss-process=style/{id}")),
            ("GET", format!("/demo/a.jpg@!{id}")),
        ] {
            let body = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>\
                        <Content>image/resize,w_1</Content></CompleteMultipartUpload>";
            let body = if matches!(method, "PUT" | "POST") { body } else { "" };
            let answer = server.signed(method, &target, &[], body.as_bytes());
            clean(&answer, &target);
            assert!(matches!(answer.status, 400 | 404), "{method} {target}: {}", answer.text());
        }
        let below = server.get(&format!("/demo/?prefix={}&encoding-type=url", encoded("../../../")));
        assert!(below.status == 200 && !below.text().contains("<Key>"), "{}", below.text());
    }
    untouched(&folder);
}

#[test]
fn values_split_no_headers_and_no_documents() {
    let (_folder, server) = house();
    for split in ["a%0d%0aX-Evil:%201", "a%0aX-Evil: 1", "a%E5%98%8A%E5%98%8DX-Evil:1", "%00a%0d%0a%0d%0a<html>"] {
        let split = split.replace(' ', "%20");
        for name in ["content-type", "content-disposition", "cache-control", "expires", "content-encoding"] {
            let answer = server.signed("GET", &format!("/demo/a.jpg?response-{name}={split}"), &[], b"");
            clean(&answer, name);
            assert_eq!((answer.status, answer.body.len()), (200, 21839), "{name}");
        }
        for header in ["x-oss-copy-source", "x-oss-meta-a", "content-type", "cache-control"] {
            clean(&server.signed("PUT", "/demo/b", &[(header, &split)], b""), header);
            clean(&server.get("/demo/b"), header);
        }
        for target in ["/demo/a.jpg?x-oss-process=image/", "/demo/?prefix=", "/demo/?marker=", "/demo/?encoding-type="]
        {
            clean(&server.get(&format!("{target}{split}")), target);
            clean(&server.request("HEAD", &format!("{target}{split}"), &[], b""), target);
        }
        let text = percent_decode_str(&split).decode_utf8_lossy().into_owned();
        let form = format!(
            "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nform\r\n\
             --b\r\nContent-Disposition: form-data; name=\"x-oss-meta-a\"\r\n\r\n{text}\r\n\
             --b\r\nContent-Disposition: form-data; name=\"cache-control\"\r\n\r\n{text}\r\n\
             --b\r\nContent-Disposition: form-data; name=\"success_action_redirect\"\r\n\r\nhttp://a/{text}\r\n\
             --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nx\r\n--b--\r\n"
        );
        let kind = ("Content-Type", "multipart/form-data; boundary=b");
        let posted = server.request("POST", "/demo/", &[kind], form.as_bytes());
        clean(&posted, &text);
        assert_eq!(posted.status, 303, "{}", posted.text());
        clean(&server.get("/demo/form"), &text);
    }
    // What XML gives a meaning is text.
    let name = "</Prefix><Evil a='1'>&amp;&lt;\"]]><!--";
    for name in [name, "a\rb", "\u{1}\u{FFFE}"] {
        let put = server.request("PUT", &format!("/demo/{}", encoded(name)), &[], b"");
        assert_eq!(put.status, 200);
        let listed = server.get(&format!("/demo/?prefix={}", encoded(name))).text();
        assert!(!listed.contains("<Evil") && !listed.contains('\r') && !listed.contains('\u{1}'), "{listed}");
        assert_eq!(listed.matches("<Prefix>").count(), 1, "{listed}");
    }
    assert!(server.get("/demo/?prefix=a%0D").text().contains("<Key>a&#13;b</Key>"));
}

#[test]
fn documents_that_mean_no_good() {
    let (_folder, server) = house();
    let begun = server.signed("POST", "/demo/k?uploads", &[], b"").element("UploadId");
    let complete = format!("/demo/k?uploadId={begun}");
    let nested = |root: &str| format!("<{root}>{}{}</{root}>", "<a>".repeat(200_000), "</a>".repeat(200_000));
    let bomb = "<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
    let file = "<!DOCTYPE d [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>";
    for (method, target, root, element) in [
        ("POST", "/demo/?delete", "Delete", "<Object><Key>&b;</Key></Object>"),
        ("PUT", "/demo/?style&styleName=a", "Style", "<Content>&b;</Content>"),
        ("PUT", "/demo/?cors", "CORSConfiguration", "<CORSRule><AllowedOrigin>&b;</AllowedOrigin></CORSRule>"),
        ("PUT", "/demo/?processConfiguration", "C", "<StyleDelimiters>&b;</StyleDelimiters>"),
        ("POST", &complete, "C", "<Part><PartNumber>1</PartNumber><ETag>&b;</ETag></Part>"),
    ] {
        let send = |body: &[u8]| server.signed(method, target, &[], body);
        for head in [bomb, file, ""] {
            let answer = send(format!("{head}<{root}>{element}</{root}>").as_bytes());
            clean(&answer, target);
            assert_eq!((answer.status, answer.element("Code").as_str()), (400, "MalformedXML"), "{target} {head}");
        }
        for wrong in [&b"\xff\xfe<\0a\0>\0"[..], b"<", b"\0", "<a>".repeat(200_000).as_bytes()] {
            let answer = send(wrong);
            clean(&answer, target);
            assert_eq!((answer.status, answer.element("Code").as_str()), (400, "MalformedXML"), "{target}");
        }
        clean(&send(nested(root).as_bytes()), target);
        let answer = send(&vec![b' '; 9 * 1024 * 1024]);
        assert_eq!((answer.status, answer.element("Code").as_str()), (400, "EntityTooLarge"), "{target}");
    }
    let many = "<Object><Key>a</Key></Object>".repeat(1001);
    let answer = server.signed("POST", "/demo/?delete", &[], format!("<Delete>{many}</Delete>").as_bytes());
    assert_eq!(answer.element("Code"), "MalformedXML");
    assert_eq!(server.get("/demo/?style").status, 403);
    assert!(!server.signed("GET", "/demo/?style", &[], b"").text().contains("<Name>"));
}

#[test]
fn repeated_and_misspelt() {
    let (_folder, server) = house();
    let twice = server.get("/demo/a.jpg?x-oss-process=image/resize,w_50&x-oss-process=image/resize,w_60");
    let probe = codec::probe(&twice.body, &Limits::OSS).expect("a picture");
    assert_eq!(probe.size.width, 50);
    let plain = fixture("demo/example.jpg");
    for (target, status) in [
        ("/demo/a.jpg?X-OSS-PROCESS=image/resize,w_50", 200),
        ("/demo/a.jpg?x-oss-process&x-oss-process=image/resize,w_50", 200),
        ("/demo/a.jpg?x-oss-process=IMAGE/resize,w_50", 400),
        ("/demo/a.jpg?x-oss-process=image/RESIZE,w_50", 400),
        ("/demo/a.jpg?x-oss-process=image%252Fresize,w_50", 400),
        ("/demo/a.jpg?x-oss-process=%ff", 400),
        ("/demo/?x-oss-process=image/resize,w_50", 200),
    ] {
        let answer = server.get(target);
        clean(&answer, target);
        assert_eq!(answer.status, status, "{target}: {}", answer.text());
        assert!(status != 200 || target.starts_with("/demo/?") || answer.body == plain, "{target}");
    }
    for (method, status) in [("PUT", 400), ("POST", 400)] {
        let answer = server.signed(method, "/demo/a.jpg?x-oss-process=image/resize,w_1", &[], b"");
        assert_eq!(answer.status, status, "{method}: {}", answer.text());
    }
    // The first of repeated headers counts; lengths and signatures may not be repeated differently.
    let ask = |headers: &[(&str, &str)]| server.request("GET", "/demo/a.jpg", headers, b"");
    assert_eq!(ask(&[("Range", "bytes=0-1"), ("Range", "bytes=0-9")]).body, plain[..2]);
    assert_eq!(ask(&[("Content-Length", "0"), ("Content-Length", "5")]).status, 400);
    assert_eq!(ask(&[("Authorization", "OSS ID:x"), ("Authorization", "OSS ID:y")]).status, 403);
    for scheme in [Scheme::V1, Scheme::V4] {
        let good = sign(scheme, "GET", "/demo/a.jpg?x-oss-process=image/resize,w_50", &[]);
        let (path, query) = good.split_once('?').expect("a query");
        let (signature, expires) = match scheme {
            Scheme::V1 => ("Signature", "Expires"),
            _ => ("x-oss-signature", "x-oss-expires"),
        };
        assert_eq!(server.get(&good).status, 200);
        assert_eq!(server.get(&format!("{good}&{signature}=x")).status, 200, "the first counts");
        assert_eq!(server.get(&format!("{path}?{signature}=x&{query}")).status, 403);
        assert_eq!(server.get(&format!("{path}?{expires}=1&{query}")).status, 403);
        assert_eq!(server.get(&format!("{path}?x-oss-process=image/resize,w_60&{query}")).status, 403);
        assert_eq!(server.get(&format!("{good}&x-oss-process=image/resize,w_60")).status, 403);
        assert_eq!(ask(&[]).status, 200);
        let both = server.request("GET", &good, &[("Authorization", "OSS ID:x")], b"");
        assert_eq!(both.status, 400, "{}", both.text());
    }
}

#[test]
fn lengths_without_end() {
    let (_folder, server) = house();
    let long = "a".repeat(60_000);
    for (target, statuses) in [
        (format!("/demo/{long}"), [400, 414]),
        (format!("/{long}/a"), [400, 414]),
        (format!("/demo/a.jpg?unknown={long}"), [200, 414]),
        (format!("/demo/a.jpg?x-oss-process=image/{long}"), [400, 414]),
        (format!("/demo/a.jpg?{}", "a&".repeat(30_000)), [200, 414]),
        (format!("/demo/a.jpg@!{long}"), [400, 414]),
        (format!("/demo/{}", long.repeat(2)), [400, 414]),
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
