//! Names that lead elsewhere: each is an object's, or refused.

use super::*;
use crate::support::signed::sign;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::percent_decode_str;
use pixelpass::oss::sign::Scheme;

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
                // Looked for in vain, but for what is no text; never written.
                let told = (missing.status, head.status, missing.element("Code"));
                let told = (told.0, told.1, told.2.as_str());
                let utf8 = percent_decode_str(path).decode_utf8().is_ok();
                assert_eq!(told, if utf8 { (404, 404, "NoSuchKey") } else { (400, 400, "InvalidArgument") }, "{path}");
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
