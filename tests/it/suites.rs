//! What the vendors' own suites for their SDKs expect of the object API, beyond its documentation.

use crate::support::bucket::{is, put, server};
use crate::support::server::{Response, Server};
use crate::support::signed::{KEY, sign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use pixelpass::oss::sign::Scheme;

fn refused(answer: &Response, status: u16, code: &str, ec: &str, about: &str) {
    let told = (answer.status, answer.element("Code"), answer.element("EC"));
    assert_eq!(told, (status, code.to_owned(), ec.to_owned()), "{about}: {}", answer.text());
}

#[test]
fn a_deletions_digest_counts_to_its_sixteenth_byte() {
    let server = server();
    let document = "<Delete><Object><Key>none</Key></Object></Delete>".as_bytes();
    let digest = Md5::digest(document).to_vec();
    let delete = |digest: &[u8]| {
        let headers = [("Content-MD5", STANDARD.encode(digest))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        server.signed("POST", "/pictures/?delete", &headers, document)
    };
    let with_rubbish = [&digest[..], &[0xDE, 0xAD, 0xBE, 0xEF]].concat();
    assert_eq!((delete(&digest).status, delete(&with_rubbish).status), (200, 200));
    let mut wrong = with_rubbish.clone();
    wrong[15] ^= 1;
    for wrong in [&wrong[..], &digest[..15], &[]] {
        let status = if wrong.is_empty() { 200 } else { 400 };
        assert_eq!(delete(wrong).status, status, "{wrong:?}");
    }
    // Elsewhere it is sixteen bytes or none.
    let headers = [("Content-MD5", STANDARD.encode([&Md5::digest(b"x")[..], b"more"].concat()))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    is(&server.signed("PUT", "/pictures/x", &headers, b"x"), 400, "InvalidDigest", "an upload");
}

#[test]
fn tokens_and_signed_headers() {
    let server = server();
    for scheme in [Scheme::V1, Scheme::V4] {
        let name = if scheme == Scheme::V1 { "security-token" } else { "x-oss-security-token" };
        let target = sign(scheme, "GET", &format!("/pictures/a.jpg?x={name}"), &[]);
        assert_eq!(server.get(&target).status, 200, "{name}");
        is(&server.get(&format!("{target}&{name}=CAIS")), 403, "InvalidAccessKeyId", name);
    }
    let token = [("x-oss-security-token", "CAIS")];
    let target = sign(Scheme::V4, "GET", "/pictures/a.jpg", &token);
    is(&server.request("GET", &target, &token, b""), 200, "400", "in a header, where URLs do not have it");
    let signed = [("Content-Type", "image/png"), ("x-oss-meta-a", "b")];
    let target = sign(Scheme::V4, "PUT", "/pictures/b", &signed);
    let unsent = format!("{target}&x-oss-additional-headers=cache-control%3Bcontent-length");
    is(&server.request("PUT", &unsent, &signed, b"x"), 400, "InvalidArgument", "a signed header that is missing");
}

#[test]
fn uploads_that_have_no_parts_or_are_none() {
    let server = server();
    let begin = || server.signed("POST", "/pictures/m?uploads", &[], b"").element("UploadId");
    let all = [("x-oss-complete-all", "yes")];
    let complete = |id: &str, headers: &[(&str, &str)], body: &str| {
        server.signed("POST", &format!("/pictures/m?uploadId={id}"), headers, body.as_bytes())
    };
    let empty = ["<CompleteMultipartUpload/>", "<CompleteMultipartUpload></CompleteMultipartUpload>"];
    for (headers, body) in [(&[][..], empty[0]), (&[], empty[1]), (&all, "")] {
        let id = begin();
        let listed = server.signed("GET", &format!("/pictures/m?uploadId={id}"), &[], b"").text();
        assert!(listed.contains("<NextPartNumberMarker></NextPartNumberMarker>"), "{listed}");
        let done = complete(&id, headers, body);
        assert_eq!(done.status, 200, "{}", done.text());
        let there = server.get("/pictures/m");
        assert_eq!((there.status, there.header("content-length")), (200, "0"));
        assert_eq!(there.header("etag"), "\"D41D8CD98F00B204E9800998ECF8427E-0\"");
        assert_eq!(there.header("x-oss-object-type"), "Multipart");
    }
    let id = begin();
    refused(&complete(&id, &all, empty[0]), 400, "InvalidArgument", "0042-00000216", "both");
    refused(&complete(&id, &[], ""), 400, "MalformedXML", "0016-00000608", "neither");
    let unknown = "0123456789ABCDEF0123456789ABCDEF";
    for (headers, body) in [(&[][..], ""), (&[], empty[0]), (&all, "")] {
        refused(&complete(unknown, headers, body), 404, "NoSuchUpload", "0042-00000002", body);
    }
    let part = format!("/pictures/m?partNumber=1&uploadId={unknown}");
    refused(&server.signed("PUT", &part, &[], b"x"), 404, "NoSuchUpload", "0042-00000104", "a part");
    let copy = [("x-oss-copy-source", "/pictures/a.jpg")];
    refused(&server.signed("PUT", &part, &copy, b""), 404, "NoSuchUpload", "0042-00000311", "a copied part");
    // The ETag is that of the parts' ETags as text.
    let mut tags = String::new();
    for (number, content) in [(1, "one"), (2, "two")] {
        let target = format!("/pictures/m?partNumber={number}&uploadId={id}");
        tags += server.signed("PUT", &target, &[], content.as_bytes()).header("etag").trim_matches('"');
    }
    let digest: String = Md5::digest(&tags).iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(complete(&id, &all, "").header("etag"), format!("\"{digest}-2\""));
}

#[test]
fn names_that_cannot_be_and_buckets_that_are_not() {
    let server = server();
    for key in ["%2Fa", "%5Ca", "a%00b", &"x".repeat(1024)] {
        let target = format!("/pictures/{key}");
        is(&server.get(&target), 404, "NoSuchKey", key);
        is(&server.get(&format!("{target}?x-oss-process=image/info")), 404, "NoSuchKey", key);
        let head = server.request("HEAD", &target, &[], b"");
        assert_eq!((head.status, head.header("x-oss-ec")), (404, "0026-00000001"), "{key}");
        is(&server.signed("PUT", &target, &[], b"x"), 400, "InvalidObjectName", key);
        is(&server.signed("POST", &format!("/nowhere/{key}?uploadId=x"), &[], b""), 404, "NoSuchBucket", key);
    }
    let text = server.get("/pictures/%ff");
    assert_eq!((text.status, text.element("Code").as_str()), (400, "InvalidArgument"));
    assert_eq!(text.element("Message"), "The characters encoding must be utf-8.");
    for (target, status, code) in [
        ("/nowhere/a", 404, "NoSuchBucket"),
        ("/nowhere", 404, "NoSuchBucket"),
        ("/pictures/a.jpg", 403, "InvalidAccessKeyId"),
    ] {
        let unknown = format!("{target}?OSSAccessKeyId=NOBODY&Expires=9999999999&Signature=x");
        is(&server.get(&unknown), status, code, target);
    }
    let made = server.request("PUT", "/new-one?OSSAccessKeyId=NOBODY&Expires=9999999999&Signature=x", &[], b"");
    is(&made, 403, "InvalidAccessKeyId", "a bucket that is to be made");
    let wish = [("Origin", "http://a.test"), ("Access-Control-Request-Method", "GET")];
    is(&server.request("OPTIONS", "/nowhere/a", &wish, b""), 404, "NoSuchBucket", "OPTIONS");
    is(&server.request("OPTIONS", "/pictures/a", &wish, b""), 403, "AccessForbidden", "OPTIONS");
    let head = server.request("HEAD", "/pictures", &[], b"");
    assert_eq!((head.status, head.header("x-oss-bucket-region")), (200, "cn-hangzhou"));
    for (prefix, status) in [("pic", 200), ("p-1", 200), ("P", 400), ("-a", 400), ("a_b", 400)] {
        let listed = server.signed("GET", &format!("/?prefix={prefix}"), &[], b"");
        assert_eq!(listed.status, status, "{prefix}: {}", listed.text());
    }
}

#[test]
fn what_is_not_built_is_refused_before_it_is_stored() {
    let server = server();
    let asks = [
        ("x-oss-tagging", "a=b"),
        ("x-oss-server-side-encryption", "AES256"),
        ("x-oss-server-side-encryption-key-id", "9468da86-3509-4f8d-a61e-6eab1eac"),
        ("x-oss-storage-class", "IA"),
    ];
    for header in asks {
        let copied = [("x-oss-copy-source", "/pictures/a.jpg"), header];
        let calls = [
            ("PUT", "/pictures/n", &[header][..]),
            ("PUT", "/pictures/n", &copied),
            ("POST", "/pictures/n?append&position=0", &[header]),
            ("POST", "/pictures/n?uploads", &[header]),
        ];
        for (method, target, headers) in calls {
            let answer = server.signed(method, target, headers, b"");
            refused(&answer, 501, "NotImplemented", "", target);
            assert_eq!(answer.element("Header"), header.0);
        }
        let boundary = "b";
        let form = format!(
            "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nn\r\n--b\r\nContent-Disposition: form-data; \
             name=\"{}\"\r\n\r\n{}\r\n--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--\r\n",
            header.0, header.1
        );
        server.signed("PUT", "/pictures/?acl", &[("x-oss-acl", "public-read-write")], b"");
        let content_type = [("Content-Type", &*format!("multipart/form-data; boundary={boundary}"))];
        refused(
            &server.request("POST", "/pictures", &content_type, form.as_bytes()),
            501,
            "NotImplemented",
            "",
            "form",
        );
        is(&server.get("/pictures/n"), 404, "NoSuchKey", "nothing is stored");
    }
    let class = |name: &str| {
        format!("<CreateBucketConfiguration><StorageClass>{name}</StorageClass></CreateBucketConfiguration>")
    };
    let create = |bucket: &str, class: &str| server.signed("PUT", bucket, &[], class.as_bytes());
    is(&create("/archive", &class("Archive")), 501, "NotImplemented", "a bucket of another class");
    is(&server.signed("GET", "/archive/", &[], b""), 404, "NoSuchBucket", "not made");
    refused(&create("/pictures", &class("IA")), 409, "BucketAlreadyExists", "0015-00000104", "one's own");
    assert_eq!((create("/pictures", &class("Standard")).status, create("/archive", "<x").status), (200, 200));

    let forgiving = ["--store", "memory://", "--engine", "cpu", "--unsupported-headers", "ignore", KEY[0], KEY[1]];
    let forgiving = Server::start(&forgiving);
    assert_eq!(forgiving.signed("PUT", "/archive", &[], class("Archive").as_bytes()).status, 200);
    for header in asks {
        assert_eq!(forgiving.signed("PUT", "/archive/n", &[header], b"x").status, 200, "{header:?}");
    }
    let there = forgiving.signed("GET", "/archive/n", &[], b"");
    assert_eq!((there.text().as_str(), there.header("x-oss-storage-class")), ("x", "Standard"));
}

#[test]
fn a_later_append_may_change_the_acl() {
    let server = server();
    let append = |position: usize, headers: &[(&str, &str)]| {
        server.signed("POST", &format!("/pictures/log?append&position={position}"), headers, b"x").status
    };
    assert_eq!((append(0, &[("x-oss-object-acl", "private")]), server.get("/pictures/log").status), (200, 403));
    assert_eq!((append(1, &[]), server.get("/pictures/log").status), (200, 403));
    assert_eq!((append(2, &[("x-oss-object-acl", "public-read")]), server.get("/pictures/log").status), (200, 200));
}

#[test]
fn the_server_header() {
    let plain = server();
    put(&plain, "/pictures/b.jpg", &[]);
    for target in ["/pictures/b.jpg", "/pictures/none", "/", "/healthz"] {
        assert_eq!(plain.get(target).header("server"), "Pixelpass", "{target}");
    }
    let as_before = Server::start(&["--store", "memory://", "--engine", "cpu", "--server-header", "AliyunOSS"]);
    assert_eq!(as_before.get("/").header("server"), "AliyunOSS");
}
