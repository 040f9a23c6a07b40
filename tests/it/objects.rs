//! The object API over a socket: styles, protection, save-as, ACLs, copies, appends, deletions,
//! uploads.

use crate::support::fixture;
use crate::support::server::{Response, Server};
use crate::support::signed::{KEY, sign};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pixelpass::codec;
use pixelpass::limits::Limits;
use pixelpass::oss::sign::Scheme;

fn server() -> Server {
    let server = Server::start(&["--store", "memory://", "--engine", "cpu", KEY[0], KEY[1]]);
    assert_eq!(server.signed("PUT", "/pictures", &[("x-oss-acl", "public-read")], b"").status, 200);
    put(&server, "/pictures/a.jpg", &[]);
    server
}

fn put(server: &Server, target: &str, headers: &[(&str, &str)]) {
    let answer = server.signed("PUT", target, headers, &fixture("demo/example.jpg"));
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
}

fn style(server: &Server, name: &str, content: &str) -> Response {
    let document = format!("<Style><Content>{content}</Content></Style>");
    server.signed("PUT", &format!("/pictures/?style&styleName={name}"), &[], document.as_bytes())
}

fn settings(server: &Server, document: &str) {
    let document = format!("<BucketProcessConfiguration>{document}</BucketProcessConfiguration>");
    let answer = server.signed("PUT", "/pictures/?processConfiguration", &[], document.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Status and code, or the width of the picture.
fn outcome(answer: &Response) -> (u16, String) {
    match codec::probe(&answer.body, &Limits::OSS) {
        Ok(probe) => (answer.status, probe.size.width.to_string()),
        Err(_) => (answer.status, answer.element("Code")),
    }
}

fn is(answer: &Response, status: u16, what: &str, about: &str) {
    assert_eq!(outcome(answer), (status, what.to_owned()), "{about}: {}", answer.text());
}

fn all<'a>(document: &'a str, element: &str) -> Vec<&'a str> {
    let (begin, end) = (format!("<{element}>"), format!("</{element}>"));
    document.split(&begin).skip(1).filter_map(|rest| Some(rest.split_once(&end)?.0)).collect()
}

#[test]
fn styles_come_go_and_are_used() {
    let server = server();
    for (name, width) in [("small", 50), ("Z.9_x-", 60), ("a", 70)] {
        assert_eq!(style(&server, name, &format!("image/resize,w_{width}")).status, 200);
    }
    let listed = server.signed("GET", "/pictures/?style", &[], b"").text();
    assert_eq!(all(&listed, "Name"), ["small", "Z.9_x-", "a"], "in order of creation");
    let times = [all(&listed, "CreateTime"), all(&listed, "LastModifyTime")].concat();
    assert!(times.len() == 6 && times.iter().all(|time| httpdate::parse_http_date(time).is_ok()), "{times:?}");
    let get = |name: &str| server.signed("GET", &format!("/pictures/?style&styleName={name}"), &[], b"");
    let created = get("small").element("CreateTime");
    style(&server, "small", "image/resize,w_55");
    let again = get("small");
    assert_eq!((again.element("Content"), again.element("CreateTime")), ("image/resize,w_55".to_owned(), created));
    assert_eq!(again.element("Category"), "image");
    style(&server, "nested", "style/small");
    style(&server, "broken", "csdar5324");
    for (target, status, what) in [
        ("a.jpg?x-oss-process=style/small", 200, "55"),
        ("a.jpg?x-oss-process=style%2FZ.9_x-", 200, "60"),
        ("a.jpg@!small", 200, "55"),
        ("a.jpg%40%21small", 200, "55"),
        ("a.jpg!a", 200, "70"),
        ("a.jpg!Z.9_x-", 200, "60"),
        ("a.jpg@!none", 404, "NoSuchStyle"),
        ("a.jpg!none", 404, "NoSuchKey"),
        ("none.jpg@!small", 404, "NoSuchKey"),
        ("a.jpg_small", 404, "NoSuchKey"),
        ("a.jpg?x-oss-process=style/none", 404, "NoSuchStyle"),
        ("a.jpg?x-oss-process=style/", 400, "InvalidArgument"),
        ("a.jpg?x-oss-process=style/nested", 400, "InvalidArgument"),
        ("a.jpg?x-oss-process=style/broken", 400, "InvalidArgument"),
        ("a.jpg@!small?x-oss-process=image/resize,w_20", 404, "NoSuchKey"),
    ] {
        is(&server.get(&format!("/pictures/{target}")), status, what, target);
    }
    settings(&server, "<StyleDelimiters>/,_,-</StyleDelimiters>");
    let told = server.signed("GET", "/pictures/?processConfiguration", &[], b"");
    assert_eq!(told.element("StyleDelimiters"), "-,/,_");
    for target in ["a.jpg_small", "a.jpg-small", "a.jpg/small", "a.jpg!small", "a.jpg@!small"] {
        is(&server.get(&format!("/pictures/{target}")), 200, "55", target);
        // An object that is called so is what is meant.
        server.signed("PUT", &format!("/pictures/{target}"), &[], &fixture("demo/logo.png"));
        is(&server.get(&format!("/pictures/{target}")), 200, "128", target);
    }
    assert_eq!(server.signed("DELETE", "/pictures/?style&styleName=small", &[], b"").status, 204);
    assert_eq!(server.signed("DELETE", "/pictures/?style&styleName=small", &[], b"").status, 204);
    is(&get("small"), 404, "NoSuchStyle", "deleted");
    for name in ["", "a/b", "汉", &"x".repeat(64)] {
        is(&style(&server, name, "x"), 400, "InvalidArgument", name);
    }
    for content in ["", "image/resize;", "a(b", "*"] {
        assert_eq!(style(&server, "x", content).element("Message"), "Style content is invalid.");
    }
    for method in ["PUT", "GET", "DELETE"] {
        let answer = server.signed(method, "/nowhere/?style&styleName=a", &[], b"");
        is(&answer, 404, "NoSuchBucket", method);
        is(&server.request(method, "/pictures/?style&styleName=a", &[], b""), 403, "AccessDenied", method);
    }
    // 4 are there.
    let refused = (0..50).map(|number| style(&server, &format!("n{number}"), "x").status).position(|it| it != 200);
    assert_eq!(refused, Some(46));
    is(&style(&server, "n46", "x"), 403, "AccessDenied", "the 51st");
    assert_eq!(style(&server, "a", "image/resize,w_10").status, 200, "one that is there may be replaced");
}

#[test]
fn protected_sources_are_shown_by_style_alone() {
    let server = server();
    style(&server, "small", "image/resize,w_50");
    put(&server, "/pictures/b.png", &[]);
    put(&server, "/pictures/none", &[]);
    server.signed("PUT", "/pictures/?acl", &[("x-oss-acl", "public-read-write")], b"");
    let protect = |suffix: &str| {
        let suffix = format!("<SourceFileProtectSuffix>{suffix}</SourceFileProtectSuffix>");
        settings(&server, &format!("<SourceFileProtect>Enabled</SourceFileProtect>{suffix}"));
    };
    protect("jpg, PNG");
    let mark = |key: &str| format!("none?x-oss-process=image/watermark,image_{}", URL_SAFE_NO_PAD.encode(key));
    for (target, status, what) in [
        ("a.jpg", 403, "AccessDenied"),
        ("b.png", 403, "AccessDenied"),
        ("none", 200, "400"),
        ("a.jpg?x-oss-process=image/resize,w_399", 403, "AccessDenied"),
        ("a.jpg?x-oss-process=style/small", 200, "50"),
        ("a.jpg@!small", 200, "50"),
        ("a.jpg!small", 200, "50"),
        ("a.jpg?x-oss-process=style/small|image/resize,w_10", 403, "AccessDenied"),
        ("a.jpg?x-oss-process=", 403, "AccessDenied"),
        ("a.jpg?objectMeta", 403, "AccessDenied"),
        (&mark("a.jpg"), 403, "AccessDenied"),
        (&mark("a.jpg?x-oss-process=image/resize,P_99"), 403, "AccessDenied"),
    ] {
        is(&server.get(&format!("/pictures/{target}")), status, what, target);
    }
    assert_eq!(server.get("/pictures/a.jpg").element("EC"), "0040-00000031");
    assert_eq!(server.request("HEAD", "/pictures/a.jpg", &[], b"").status, 403);
    // Nor can it be had under another name.
    let copy = [("x-oss-copy-source", "/pictures/a.jpg")];
    is(&server.request("PUT", "/pictures/copy", &copy, b""), 403, "AccessDenied", "copied");
    is(&server.signed("GET", "/pictures/a.jpg", &[], b""), 200, "400", "signed");
    is(&server.signed("GET", "/pictures/a.jpg?x-oss-process=image/resize,w_9", &[], b""), 200, "9", "signed");
    assert_eq!(server.signed("PUT", "/pictures/copy", &copy, b"").status, 200);
    protect("*");
    is(&server.get("/pictures/none"), 403, "AccessDenied", "all");
    settings(&server, "<SourceFileProtectSuffix>*</SourceFileProtectSuffix>");
    is(&server.get("/pictures/a.jpg"), 200, "400", "off");
    let told = server.signed("GET", "/pictures/?processConfiguration", &[], b"");
    assert_eq!((told.element("SourceFileProtect").as_str(), told.element("Version").as_str()), ("Disabled", "2"));
}

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
        ("/pictures/a.jpg", "image/resize,w_20".to_owned(), 400, "InvalidArgument"),
        ("/pictures/a.jpg", String::new(), 400, "InvalidRequest"),
        ("/pictures/a.jpg", format!("style/none|sys/saveas,o_{out}"), 404, "NoSuchStyle"),
    ] {
        is(&save(source, &body), status, code, &body);
    }
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
