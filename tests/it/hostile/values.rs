//! Values and documents that would be something else: headers, elements, another parameter.

use super::*;
use crate::support::signed::sign;
use percent_encoding::percent_decode_str;
use pixelpass::codec;
use pixelpass::limits::Limits;
use pixelpass::oss::sign::Scheme;

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
