//! What browsers need of the object API: cross-origin rules and form uploads.

use crate::support::server::{Response, Server};
use crate::support::signed::KEY;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pixelpass::oss::sign::{Claim, Scheme, Scope, Time, clock};
use std::time::SystemTime;

const RULES: &str = "<CORSConfiguration>\
    <CORSRule><AllowedOrigin>https://*.shop.test</AllowedOrigin><AllowedMethod>GET</AllowedMethod>\
    <AllowedMethod>PUT</AllowedMethod><AllowedHeader>x-oss-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>\
    <MaxAgeSeconds>77</MaxAgeSeconds></CORSRule>\
    <CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod></CORSRule></CORSConfiguration>";

fn server(flags: &[&str]) -> Server {
    let own = ["--store", "memory://", "--engine", "cpu", KEY[0], KEY[1]];
    let server = Server::start(&[&own, flags].concat());
    assert_eq!(server.signed("PUT", "/pictures", &[("x-oss-acl", "public-read")], b"").status, 200);
    assert_eq!(server.signed("PUT", "/pictures/a", &[], b"a").status, 200);
    server
}

fn preflight(server: &Server, origin: &str, method: &str, headers: &str) -> Response {
    let wish = [("Origin", origin), ("Access-Control-Request-Method", method)];
    let with_headers = [wish[0], wish[1], ("Access-Control-Request-Headers", headers)];
    server.request("OPTIONS", "/pictures/a", if headers.is_empty() { &wish } else { &with_headers }, b"")
}

#[test]
fn a_buckets_rules_for_other_origins() {
    let server = server(&[]);
    let plain = server.request("GET", "/pictures/a", &[("Origin", "https://a.shop.test")], b"");
    assert_eq!((plain.header("access-control-allow-origin"), plain.header("vary")), ("", ""));
    assert_eq!(preflight(&server, "https://a.shop.test", "GET", "").element("Code"), "AccessForbidden");
    let none = server.signed("GET", "/pictures/?cors", &[], b"");
    assert_eq!((none.status, none.element("Code").as_str()), (404, "NoSuchCORSConfiguration"));
    assert_eq!(server.signed("PUT", "/pictures/?cors", &[], RULES.as_bytes()).status, 200);
    let told = server.signed("GET", "/pictures/?cors", &[], b"").text();
    assert!(told.contains("<AllowedOrigin>https://*.shop.test</") && told.contains("<MaxAgeSeconds>77</"), "{told}");
    for (origin, method, headers, status) in [
        ("https://a.shop.test", "GET", "", 200),
        ("https://a.shop.test", "PUT", "x-oss-date, X-OSS-Meta-A", 200),
        ("https://a.shop.test", "PUT", "authorization", 403),
        ("https://a.shop.test", "DELETE", "", 403),
        ("http://a.shop.test", "GET", "", 403),
        ("https://a.shop.test.evil", "GET", "", 403),
        ("https://elsewhere", "HEAD", "", 200),
        ("null", "HEAD", "", 200),
    ] {
        let answer = preflight(&server, origin, method, headers);
        assert_eq!(answer.status, status, "{origin} {method} {headers}");
        if status == 200 {
            assert_eq!((answer.header("access-control-allow-headers"), answer.body.len()), (headers, 0));
            assert!(answer.header("access-control-allow-methods").contains(method));
        }
    }
    for lacking in [&[("Origin", "https://a.shop.test")][..], &[("Access-Control-Request-Method", "GET")], &[]] {
        let answer = server.request("OPTIONS", "/pictures/a", lacking, b"");
        assert_eq!((answer.status, answer.element("Code").as_str()), (400, "BadRequest"), "{lacking:?}");
    }
    // Answers and refusals alike are for the page to read; caches are told that there are others.
    for (target, status) in
        [("/pictures/a", 200), ("/pictures/none", 404), ("/pictures/?acl", 403), ("/pictures/%ff", 400)]
    {
        let answer = server.request("GET", target, &[("Origin", "https://a.shop.test")], b"");
        let found = ["allow-origin", "expose-headers", "max-age"]
            .map(|name| answer.header(&format!("access-control-{name}")).to_owned());
        // A path that cannot be read names no bucket.
        let expected = if status == 400 { ["", "", ""] } else { ["https://a.shop.test", "ETag", "77"] };
        assert_eq!((answer.status, found), (status, expected.map(str::to_owned)), "{target}");
        assert_eq!(answer.header("vary"), if status == 400 { "" } else { "Origin" });
    }
    for headers in [&[][..], &[("Origin", "https://elsewhere")]] {
        let other = server.request("GET", "/pictures/a", headers, b"");
        assert_eq!((other.header("access-control-allow-origin"), other.header("vary")), ("", "Origin"));
    }
    assert_eq!(server.signed("DELETE", "/pictures/?cors", &[], b"").status, 204);
    assert_eq!(preflight(&server, "https://elsewhere", "HEAD", "").status, 403);
    for wrong in
        ["", "<CORSRule/>", "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>X</AllowedMethod></CORSRule>"]
    {
        let document = format!("<CORSConfiguration>{wrong}</CORSConfiguration>");
        let answer = server.signed("PUT", "/pictures/?cors", &[], document.as_bytes());
        assert_eq!((answer.status, answer.element("Code").as_str()), (400, "MalformedXML"), "{wrong}");
    }
}

#[test]
fn origins_of_the_settings() {
    let server = server(&["--cors-origin", "https://a.test", "--cors-origin", "https://b.test"]);
    for origin in ["https://a.test", "https://b.test"] {
        let answer = preflight(&server, origin, "PUT", "authorization,content-type,x-oss-date");
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, origin));
        let answer = server.request("GET", "/pictures/none", &[("Origin", origin)], b"");
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (404, origin));
        assert!(answer.header("access-control-expose-headers").contains("x-oss-request-id"));
    }
    assert_eq!(preflight(&server, "https://c.test", "GET", "").status, 403);
    // A bucket's own rules stand for themselves.
    server.signed("PUT", "/pictures/?cors", &[], RULES.as_bytes());
    assert_eq!(preflight(&server, "https://a.test", "PUT", "").status, 403);
    assert_eq!(server.get("/healthz").header("vary"), "");
}

/// The fields of a form upload with a signed policy.
fn policy_fields(scheme: Scheme, expires_s: i64, conditions: &str) -> Vec<(String, String)> {
    let now = clock::seconds(SystemTime::now());
    let document = format!("{{\"expiration\":\"{}\",\"conditions\":[{conditions}]}}", clock::document(now + expires_s));
    let policy = STANDARD.encode(document);
    let scope = Scope { day: clock::day(now), region: "cn-hangzhou".to_owned(), product: "oss".to_owned() };
    let credential = format!("ID/{}/cn-hangzhou/oss/aliyun_v4_request", clock::day(now));
    let claim = Claim {
        scheme,
        id: "ID".to_owned(),
        signature: String::new(),
        stamp: String::new(),
        time: Time::Near,
        additional: Vec::new(),
        scope,
        token: None,
    };
    let signature = claim.sign(policy.as_bytes(), "SECRET");
    let fields = match scheme {
        Scheme::V1 => vec![("OSSAccessKeyId", "ID".to_owned()), ("Signature", signature)],
        _ => vec![
            ("x-oss-signature-version", "OSS4-HMAC-SHA256".to_owned()),
            ("x-oss-credential", credential),
            ("x-oss-date", clock::stamp(now)),
            ("x-oss-signature", signature),
        ],
    };
    let fields = fields.into_iter().chain([("policy", policy)]);
    fields.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn post(server: &Server, fields: &[(String, String)], file_name: &str, file: &str) -> Response {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--line\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body += &format!(
        "--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\
         Content-Type: text/x-file\r\n\r\n{file}\r\n--line\r\nContent-Disposition: form-data; name=\"submit\"\r\n\r\n\
         Upload\r\n--line--\r\n"
    );
    let kind = [("Content-Type", "multipart/form-data; boundary=line")];
    server.request("POST", "/pictures/", &kind, body.as_bytes())
}

fn with(fields: &[(String, String)], further: &[(&str, &str)]) -> Vec<(String, String)> {
    let further = further.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    fields.iter().cloned().chain(further).collect()
}

#[test]
fn forms_with_signed_policies() {
    let server = server(&[]);
    for scheme in [Scheme::V1, Scheme::V4] {
        let signed = |conditions: &str| policy_fields(scheme, 600, conditions);
        let bucket = "{\"bucket\":\"pictures\"}";
        for (conditions, fields, status, code) in [
            (bucket, &[("key", "k")][..], 204, ""),
            ("{\"bucket\":\"other\"}", &[("key", "k")], 403, "AccessDenied"),
            ("[\"eq\",\"$key\",\"k\"]", &[("key", "k")], 204, ""),
            ("[\"eq\",\"$key\",\"k\"]", &[("key", "kk")], 403, "AccessDenied"),
            ("[\"starts-with\",\"$key\",\"user/\"]", &[("key", "user/${filename}")], 204, ""),
            ("[\"starts-with\",\"$key\",\"user/\"]", &[("key", "users/a")], 403, "AccessDenied"),
            ("[\"in\",\"$Content-Type\",[\"a/b\",\"c/d\"]]", &[("key", "k"), ("Content-Type", "c/d")], 204, ""),
            ("[\"in\",\"$content-type\",[\"a/b\"]]", &[("key", "k"), ("Content-Type", "c/d")], 403, "AccessDenied"),
            ("[\"not-in\",\"$x-oss-meta-a\",[\"1\"]]", &[("key", "k"), ("x-oss-meta-a", "2")], 204, ""),
            ("[\"not-in\",\"$x-oss-meta-a\",[\"1\"]]", &[("key", "k"), ("x-oss-meta-a", "1")], 403, "AccessDenied"),
            ("[\"content-length-range\",7,7]", &[("key", "k")], 204, ""),
            ("[\"content-length-range\",8,90]", &[("key", "short")], 400, "EntityTooSmall"),
            ("[\"content-length-range\",0,6]", &[("key", "long")], 400, "EntityTooLarge"),
            ("[\"sounds-like\",\"$key\",\"k\"]", &[("key", "k")], 400, "InvalidPolicyDocument"),
            ("7", &[("key", "k")], 400, "InvalidPolicyDocument"),
            (bucket, &[], 400, "InvalidArgument"),
            (bucket, &[("key", "/k")], 400, "InvalidObjectName"),
        ] {
            let answer = post(&server, &with(&signed(conditions), fields), "f.txt", "content");
            assert_eq!((answer.status, answer.element("Code").as_str()), (status, code), "{conditions} {fields:?}");
        }
        for key in ["short", "long"] {
            assert_eq!(server.get(&format!("/pictures/{key}")).status, 404, "{key}");
        }
        let late = policy_fields(scheme, -60, bucket);
        let answer = post(&server, &with(&late, &[("key", "k")]), "f", "x");
        assert!(answer.status == 403 && answer.element("Message").contains("expired"), "{}", answer.text());
        let changed = |name: &str, value: &str| {
            let mut fields = with(&signed(bucket), &[("key", "k")]);
            fields.iter_mut().filter(|(known, _)| known == name).for_each(|(_, old)| value.clone_into(old));
            let answer = post(&server, &fields, "f", "x");
            (answer.status, answer.element("Code"))
        };
        let other = STANDARD.encode("{\"expiration\":\"2999-01-01T00:00:00Z\",\"conditions\":[]}");
        assert_eq!(changed("policy", &other), (403, "SignatureDoesNotMatch".to_owned()));
        let id = if scheme == Scheme::V1 {
            ("OSSAccessKeyId", "X")
        } else {
            ("x-oss-credential", "X/20260101/r/oss/aliyun_v4_request")
        };
        assert_eq!(changed(id.0, id.1), (403, "InvalidAccessKeyId".to_owned()));
        let mut lacking = with(&signed(bucket), &[("key", "k")]);
        lacking.retain(|(name, _)| name != "policy");
        assert!(matches!(post(&server, &lacking, "f", "x").status, 400 | 403));
    }
    // What the form says of the file is stored; the name loses its folders.
    let fields = policy_fields(Scheme::V4, 600, "");
    let further = [
        ("key", "up/${filename}"),
        ("x-oss-meta-a", "汉"),
        ("Cache-Control", "no-store"),
        ("success_action_status", "201"),
    ];
    let answer = post(&server, &with(&fields, &further), "C:\\dir\\f 1.txt", "content");
    assert_eq!((answer.status, answer.element("Key").as_str()), (201, "up/f 1.txt"), "{}", answer.text());
    let location = format!("http://{}/pictures/up/f%201.txt", server.address());
    assert_eq!(
        (answer.element("Location").as_str(), answer.header("location")),
        (location.as_str(), location.as_str())
    );
    let there = server.get("/pictures/up/f%201.txt");
    let found = ["content-type", "x-oss-meta-a", "cache-control", "etag"].map(|name| there.header(name));
    assert_eq!(found, ["text/x-file", "汉", "no-store", answer.header("etag")]);
    assert_eq!(there.text(), "content");
    for (action, value, status) in [
        ("success_action_status", "200", 200),
        ("success_action_status", "500", 204),
        ("success_action_redirect", "https://shop.test/done?a=1", 303),
        ("success_action_redirect", "javascript:alert(1)", 204),
    ] {
        let answer = post(&server, &with(&fields, &[("key", "a&b"), (action, value)]), "f", "x");
        assert_eq!((answer.status, answer.body.len()), (status, 0), "{action} {value}");
        if status == 303 {
            let etag = answer.header("etag").replace('"', "%22");
            let target = format!("https://shop.test/done?a=1&bucket=pictures&key=a%26b&etag={etag}");
            assert_eq!(answer.header("location"), target);
        }
    }
}

#[test]
fn forms_for_another_region() {
    let server =
        Server::start(&["--store", "memory://", "--insist-on-region", "on", "--region", "eu-a", KEY[0], KEY[1]]);
    for (scheme, code) in [(Scheme::V4, "InvalidArgument"), (Scheme::V1, "NoSuchBucket")] {
        let fields = with(&policy_fields(scheme, 600, ""), &[("key", "k")]);
        assert_eq!(post(&server, &fields, "f", "x").element("Code"), code);
    }
}

#[test]
fn forms_of_nobody_and_broken_ones() {
    let server = server(&["--upload-limit-mb", "1"]);
    let key = with(&[], &[("key", "k")]);
    let code = |answer: Response| (answer.status, answer.element("Code"));
    assert_eq!(code(post(&server, &key, "f", "x")), (403, "AccessDenied".to_owned()));
    server.signed("PUT", "/pictures/?acl", &[("x-oss-acl", "public-read-write")], b"");
    assert_eq!(post(&server, &key, "f", "x").status, 204);
    assert_eq!(server.get("/pictures/k").text(), "x");
    let too_large = code(post(&server, &key, "f", &"x".repeat(1024 * 1024 + 1)));
    assert_eq!(too_large, (400, "EntityTooLarge".to_owned()));
    let acl = with(&key, &[("x-oss-object-acl", "public-read-write")]);
    assert_eq!(code(post(&server, &acl, "f", "x")).0, 403);
    let keep = with(&key, &[("x-oss-forbid-overwrite", "true")]);
    assert_eq!(code(post(&server, &keep, "f", "x")), (409, "FileAlreadyExists".to_owned()));
    server.signed("PUT", "/pictures/k?acl", &[("x-oss-object-acl", "private")], b"");
    assert_eq!(code(post(&server, &key, "f", "x")), (403, "AccessDenied".to_owned()));
    // Fields without end, in number, in name and in value.
    let many: Vec<_> = (0..2000).map(|number| (number.to_string(), String::new())).collect();
    let long = vec![("n".repeat(8 * 1024 * 1024), String::new())];
    let large = vec![("n".to_owned(), "v".repeat(2 * 1024 * 1024))];
    let several: Vec<_> = (0..90).map(|number| (number.to_string(), "v".repeat(60 * 1024))).collect();
    let header = with(&[], &[("key", "h"), ("cache-control", &"v".repeat(9000))]);
    for fields in [many, long, large, several, header] {
        let answer = post(&server, &fields, "f", "x");
        assert_eq!(code(answer), (400, "EntityTooLarge".to_owned()), "{}", fields.len());
    }
    for (kind, body) in [
        ("multipart/form-data", "x"),
        ("text/plain", "x"),
        ("multipart/form-data; boundary=a", ""),
        ("multipart/form-data; boundary=a", "--a\r\n"),
        ("multipart/form-data; boundary=a", "--a\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx"),
        ("multipart/form-data; boundary=a", "--a--\r\n"),
    ] {
        let answer = server.request("POST", "/pictures/", &[("Content-Type", kind)], body.as_bytes());
        assert_eq!(answer.status, 400, "{kind} {body}: {}", answer.text());
    }
}
