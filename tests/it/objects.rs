//! The object API over a socket: processes that are posted, ACLs, copies, appends, deletions, uploads.

use crate::support::bucket::{all, is, put, server, style};
use crate::support::fixture;
use crate::support::signed::sign;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pixelpass::oss::sign::Scheme;

#[test]
fn save_as_to_the_letter() {
    let server = server();
    assert_eq!(server.signed("PUT", "/other", &[], b"").status, 200);
    style(&server, "small", "image/resize,w_50/format,png");
    let b64 = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let save = |source: &str, body: &str| {
        server.signed("POST", &format!("{source}?x-oss-process"), &[], format!("x-oss-process={body}").as_bytes())
    };
    let (out, other, nowhere) = (b64("out/\"x\" 汉.png"), b64("other"), b64("nowhere"));
    let saved = save("/pictures/a.jpg", &format!("style/small|sys/saveas,o_{out}"));
    let there = server.get("/pictures/out/%22x%22%20%E6%B1%89.png");
    is(&there, 200, "50", "saved");
    assert_eq!((there.header("content-type"), there.header("x-oss-object-type")), ("image/png", "Normal"));
    assert_eq!(saved.header("content-type"), "application/json");
    let size = there.body.len();
    let text = format!(
        "{{\n    \"bucket\": \"\",\n    \"fileSize\": {size},\n    \"object\": \"out/\\\"x\\\" 汉.png\",\n    \"status\": \"OK\"}}"
    );
    assert_eq!(saved.text(), text);
    let saved = save("/pictures/a.jpg", &format!("image/resize,w_20|sys/saveas,b_{other},o_{out}"));
    assert!(saved.text().starts_with("{\n    \"bucket\": \"other\",\n"), "{}", saved.text());
    is(&server.signed("GET", "/other/out/%22x%22%20%E6%B1%89.png", &[], b""), 200, "20", "saved elsewhere");
    for (source, body, status, code) in [
        ("/pictures/a.jpg", format!("image/resize,w_20|sys/saveas,o_{out},b_{nowhere}"), 404, "NoSuchBucket"),
        ("/pictures/none", format!("image/resize,w_20|sys/saveas,o_{out}"), 404, "NoSuchKey"),
        ("/nowhere/a.jpg", format!("image/resize,w_20|sys/saveas,o_{out}"), 404, "NoSuchBucket"),
        ("/pictures/a.jpg", format!("image/resize,w_20|sys/saveas,o_{out},b_{}", b64("No")), 400, "InvalidBucketName"),
        ("/pictures/a.jpg", format!("image/resize,w_20|sys/saveas,o_{}", b64("/x")), 400, "InvalidObjectName"),
        ("/pictures/a.jpg", format!("image/resize,w_0|sys/saveas,o_{out}"), 400, "InvalidArgument"),
        ("/pictures/a.jpg", format!("image/resize,w_20|saveas,o_{out}"), 400, "InvalidArgument"),
        ("/pictures/a.jpg", "image/resize,w_20".to_owned(), 200, "20"),
        ("/pictures/a.jpg", "style/small|image/resize,w_9".to_owned(), 200, "9"),
        ("/pictures/a.jpg", "image/resize,w_0".to_owned(), 400, "InvalidArgument"),
        ("/pictures/a.jpg", "image/resize,w_0/ignore-error,1".to_owned(), 200, "400"),
        ("/pictures/a.jpg", format!("image/resize,w_0/ignore-error,1|sys/saveas,o_{out}"), 400, "InvalidArgument"),
        ("/pictures/a.jpg", "video/snapshot,t_1".to_owned(), 400, "InvalidArgument"),
        ("/pictures/none", "image/resize,w_20".to_owned(), 404, "NoSuchKey"),
        ("/nowhere/a.jpg", "image/resize,w_20".to_owned(), 404, "NoSuchBucket"),
        ("/pictures/a.jpg", String::new(), 400, "InvalidRequest"),
        ("/pictures/a.jpg", format!("style/none|sys/saveas,o_{out}"), 404, "NoSuchStyle"),
    ] {
        is(&save(source, &body), status, code, &body);
    }
    let (posted, got) = ("image/resize,w_20", server.get("/pictures/a.jpg?x-oss-process=image/resize,w_20"));
    let posted = save("/pictures/a.jpg", posted);
    assert!(posted.body == got.body && posted.header("content-type") == "image/jpeg");
    assert_eq!(posted.header("etag"), got.header("etag"));
    let digest = [("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==")];
    is(&server.signed("POST", "/pictures/a.jpg?x-oss-process", &digest, b"x"), 400, "InvalidDigest", "digest");
    server.signed("PUT", "/pictures/?acl", &[("x-oss-acl", "public-read-write")], b"");
    let body = format!("x-oss-process=image/resize,w_20|sys/saveas,o_{out}");
    is(&server.request("POST", "/pictures/a.jpg?x-oss-process", &[], body.as_bytes()), 403, "AccessDenied", "nobody");
    let reading = sign(Scheme::V4, "GET", "/pictures/a.jpg?x-oss-process", &[]);
    is(&server.request("POST", &reading, &[], body.as_bytes()), 403, "SignatureDoesNotMatch", "signed for reading");
    is(&server.get("/pictures/a.jpg?x-oss-process=image/resize,w_20|sys/saveas,o_eA"), 400, "InvalidArgument", "GET");
    let later = server.signed("POST", "/pictures/a.jpg?x-oss-async-process", &[], b"x");
    assert_eq!((later.status, later.element("Code").as_str()), (404, "Imm Client"));
}

#[test]
fn what_anonymous_callers_may() {
    let server = server();
    let mark = format!("o?x-oss-process=image/watermark,image_{}", URL_SAFE_NO_PAD.encode("logo.png"));
    server.signed("PUT", "/pictures/logo.png", &[], &fixture("demo/logo.png"));
    let asked = |method: &str, target: &str| server.request(method, &format!("/pictures/{target}"), &[], b"x").status;
    // Of a bucket's and an object's ACL: may be read, processed, marked with the logo, listed, written.
    let [private, read, write] = ["private", "public-read", "public-read-write"];
    for (bucket, object, logo, expected) in [
        (private, "default", "default", [403, 403, 403, 403, 403]),
        (private, read, "default", [200, 200, 403, 403, 403]),
        (private, read, read, [200, 200, 200, 403, 403]),
        (private, write, "default", [200, 200, 403, 403, 200]),
        (read, "default", "default", [200, 200, 200, 200, 403]),
        (read, "default", private, [200, 200, 403, 200, 403]),
        (read, private, "default", [403, 403, 403, 200, 403]),
        (write, "default", private, [200, 200, 403, 200, 200]),
        (write, private, "default", [403, 403, 403, 200, 403]),
        (write, read, "default", [200, 200, 200, 200, 403]),
    ] {
        put(&server, "/pictures/o", &[]);
        server.signed("PUT", "/pictures/?acl", &[("x-oss-acl", bucket)], b"");
        server.signed("PUT", "/pictures/o?acl", &[("x-oss-object-acl", object)], b"");
        server.signed("PUT", "/pictures/logo.png?acl", &[("x-oss-object-acl", logo)], b"");
        let told = server.signed("GET", "/pictures/o?acl", &[], b"").element("Grant");
        assert_eq!((told.as_str(), asked("HEAD", "o")), (object, expected[0]));
        let found = [
            asked("GET", "o"),
            asked("GET", "o?x-oss-process=image/resize,w_10"),
            asked("GET", &mark),
            asked("GET", ""),
            asked("PUT", "o"),
        ];
        assert_eq!(found, expected, "bucket {bucket}, object {object}, logo {logo}");
        // What may not be overwritten may not be deleted, copied onto or appended to either.
        if expected[4] == 403 {
            let copy = server.request("PUT", "/pictures/o", &[("x-oss-copy-source", "/pictures/a.jpg")], b"");
            let others = [asked("DELETE", "o"), copy.status, asked("POST", "o?append&position=0")];
            assert_eq!((others, asked("POST", "o?uploads")), ([403; 3], 403), "bucket {bucket}, object {object}");
        }
        assert_eq!([asked("PUT", "o?acl"), asked("PUT", "?acl"), asked("DELETE", "")], [403; 3]);
    }
    server.signed("PUT", "/pictures/?acl", &[("x-oss-acl", private)], b"");
    for hidden in ["none", "none@!none", "a.jpg@!none", "none?x-oss-process=style/none", "none?objectMeta"] {
        is(&server.get(&format!("/pictures/{hidden}")), 403, "AccessDenied", hidden);
    }
    let acl = [("x-oss-object-acl", "public-read")];
    server.signed("PUT", "/pictures/?acl", &[("x-oss-acl", write)], b"");
    assert_eq!(server.request("PUT", "/pictures/new", &acl, b"").status, 403);
}

#[test]
fn buckets_come_and_go() {
    let server = server();
    let made = server.signed("PUT", "/new-one", &[], b"");
    assert_eq!((made.status, made.header("location")), (200, "/new-one"));
    assert_eq!(server.signed("GET", "/new-one/?acl", &[], b"").element("Grant"), "private");
    for (name, status) in [("ab", 400), ("UPPER", 400), ("-ab", 400), ("a_b", 400), (&"x".repeat(64)[..], 400)] {
        is(&server.signed("PUT", &format!("/{name}"), &[], b""), status, "InvalidBucketName", name);
    }
    let all_names = server.signed("GET", "/", &[], b"").text();
    assert_eq!(all(&all_names, "Name"), ["new-one", "pictures"]);
    is(&server.signed("DELETE", "/pictures", &[], b""), 409, "BucketNotEmpty", "not empty");
    assert_eq!(server.signed("DELETE", "/new-one", &[], b"").status, 204);
    is(&server.signed("DELETE", "/new-one", &[], b""), 404, "NoSuchBucket", "gone");
    is(&server.get("/new-one/a"), 404, "NoSuchBucket", "gone");
    is(&server.request("PUT", "/new-two", &[], b""), 403, "AccessDenied", "nobody");
    let head = server.request("HEAD", "/new-one", &[], b"");
    assert!(head.status == 404 && head.header("x-oss-err").starts_with("PD94bWwg"), "{:?}", head.headers);
}

#[test]
fn copies_appends_and_stored_headers() {
    let server = server();
    let stored = [
        ("Content-Type", "image/x-odd"),
        ("Cache-Control", "max-age=5"),
        ("Content-Disposition", "inline"),
        ("Content-Language", "zh"),
        ("Expires", "soon"),
        ("x-oss-meta-who", "alice"),
    ];
    put(&server, "/pictures/b.jpg", &stored);
    let there = server.get("/pictures/b.jpg");
    for (name, value) in stored {
        assert_eq!(there.header(&name.to_lowercase()), value, "{name}");
        let part = server.request("GET", "/pictures/b.jpg", &[("Range", "bytes=1-2")], b"");
        assert_eq!((part.status, part.header(&name.to_lowercase()), part.body.len()), (206, value, 2));
    }
    let (etag, modified) = (there.header("etag").to_owned(), there.header("last-modified").to_owned());
    let past = "Thu, 01 Jan 2015 00:00:00 GMT";
    for (name, value, read, copied) in [
        ("if-match", etag.as_str(), 200, 200),
        ("if-match", "\"x\"", 412, 412),
        ("if-none-match", &etag, 304, 304),
        ("if-none-match", "\"x\"", 200, 200),
        ("if-modified-since", &modified, 304, 304),
        ("if-modified-since", past, 200, 200),
        ("if-unmodified-since", past, 412, 412),
        ("if-unmodified-since", &modified, 200, 200),
    ] {
        let answer = server.request("GET", "/pictures/b.jpg", &[(name, value)], b"");
        assert_eq!(answer.status, read, "{name}: {value}");
        assert!(read != 304 || (answer.body.is_empty() && answer.header("etag") == etag));
        let named = format!("x-oss-copy-source-{name}");
        let headers = [("x-oss-copy-source", "/pictures/b.jpg"), (&named, value)];
        let answer = server.signed("PUT", "/pictures/c.jpg", &headers, b"");
        assert_eq!((answer.status, answer.element("Code").is_empty()), (copied, copied != 412), "{named}: {value}");
    }
    for process in ["", "?x-oss-process=image/resize,w_9"] {
        let target = format!("/pictures/b.jpg{process}");
        let etag = server.get(&target).header("etag").to_owned();
        for (state, status) in [(etag.as_str(), 206), (&modified, 206), ("\"x\"", 200), (past, 200)] {
            let part = server.request("GET", &target, &[("Range", "bytes=1-2"), ("If-Range", state)], b"");
            assert_eq!(part.status, status, "{target} {state}");
        }
    }
    assert_eq!(server.get("/pictures/c.jpg").header("x-oss-meta-who"), "alice");
    let replace = [("x-oss-copy-source", "pictures/b.jpg"), ("x-oss-metadata-directive", "REPLACE")];
    assert_eq!(server.signed("PUT", "/pictures/c.jpg", &replace, b"").element("ETag").replace("&quot;", "\""), etag);
    assert_eq!(server.get("/pictures/c.jpg").header("x-oss-meta-who"), "");
    let append = |position: u32, text: &str| {
        let target = format!("/pictures/log?append&position={position}");
        let answer = server.signed("POST", &target, &[], text.as_bytes());
        (answer.status, answer.element("Code"), answer.header("x-oss-next-append-position").to_owned())
    };
    assert_eq!(append(0, "one"), (200, String::new(), "3".to_owned()));
    assert_eq!(append(9, "late"), (409, "PositionNotEqualToLength".to_owned(), "3".to_owned()));
    assert_eq!(append(3, "two"), (200, String::new(), "6".to_owned()));
    assert_eq!(server.get("/pictures/log").text(), "onetwo");
    let onto = server.signed("POST", "/pictures/a.jpg?append&position=21839", &[], b"x");
    is(&onto, 409, "ObjectNotAppendable", "a normal object");
}

#[test]
fn deletions_and_uploads_in_numbers() {
    let server = server();
    for key in ["x%20%3C1%3E", "x2"] {
        put(&server, &format!("/pictures/{key}"), &[]);
    }
    let delete = |query: &str, quiet: bool, keys: &str| {
        let keys: String = keys.split(',').map(|key| format!("<Object><Key>{key}</Key></Object>")).collect();
        let document = format!("<Delete><Quiet>{quiet}</Quiet>{keys}</Delete>");
        server.signed("POST", &format!("/pictures/?delete{query}"), &[], document.as_bytes())
    };
    let told = delete("&encoding-type=url", false, "x &lt;1&gt;,none").text();
    assert_eq!((all(&told, "Key"), all(&told, "EncodingType")), (vec!["x%20%3C1%3E", "none"], vec!["url"]));
    assert_eq!(all(&delete("", false, "&lt;").text(), "Key"), ["&lt;"]);
    let quiet = delete("", true, "x2");
    assert_eq!((quiet.status, quiet.body.len()), (200, 0));
    assert_eq!(all(&server.get("/pictures/").text(), "Key"), ["a.jpg"]);
    let begin = |key: &str| server.signed("POST", &format!("/pictures/{key}?uploads"), &[], b"").element("UploadId");
    let ids = ["d/1", "d/2", "e"].map(begin);
    let list = |query: &str| server.signed("GET", &format!("/pictures/?uploads{query}"), &[], b"").text();
    assert_eq!(all(&list(""), "UploadId"), ids);
    let first = list("&max-uploads=2");
    assert_eq!((all(&first, "Key"), all(&first, "IsTruncated")), (vec!["d/1", "d/2"], vec!["true"]));
    let next = format!("&key-marker=d%2F2&upload-id-marker={}", all(&first, "NextUploadIdMarker")[0]);
    assert_eq!(all(&list(&next), "Key"), ["e"]);
    assert_eq!(all(&list("&prefix=d"), "Key"), ["d/1", "d/2"]);
    let grouped = list("&delimiter=%2F");
    assert_eq!((all(&grouped, "Key"), grouped.matches("<CommonPrefixes>").count()), (vec!["e"], 1));
    is(&server.get("/pictures/?uploads"), 403, "AccessDenied", "nobody");
    assert_eq!(server.signed("DELETE", &format!("/pictures/e?uploadId={}", ids[2]), &[], b"").status, 204);
    is(&server.signed("GET", &format!("/pictures/e?uploadId={}", ids[2]), &[], b""), 404, "NoSuchUpload", "aborted");
    let part = server.signed("PUT", &format!("/pictures/d/1?partNumber=1&uploadId={}", ids[0]), &[], b"part");
    let document = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>",
        part.header("etag")
    );
    let done = server.signed("POST", &format!("/pictures/d/1?uploadId={}", ids[0]), &[], document.as_bytes());
    assert_eq!(done.element("Location"), format!("http://{}/pictures/d/1", server.address()));
    assert_eq!(server.get("/pictures/d/1").text(), "part");
}
