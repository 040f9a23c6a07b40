//! Upload callbacks: a server whose uploads tell another one, and what becomes of its answer.
//! What is told is in `told`, who is not called in `refused`.

mod refused;
mod told;

use crate::support::listener::{Listener, certificate};
use crate::support::server::{Response, Server};
use crate::support::signed::KEY;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::Write;
use std::time::{Duration, Instant};

/// The buckets' ACL: also who signs nothing may ask for callbacks.
const PUBLIC: [(&str, &str); 1] = [("x-oss-acl", "public-read-write")];

struct House {
    server: Server,
    listener: Listener,
}

fn house(flags: &[&str], listener: Listener) -> House {
    let host = listener.address();
    let own = ["--store", "memory://", "--engine", "cpu", KEY[0], KEY[1], "--callback-host", &host];
    let server = Server::start(&[&own, flags].concat());
    assert_eq!(server.signed("PUT", "/pictures", &PUBLIC, b"").status, 200);
    House { server, listener }
}

fn encoded(value: &Value) -> String {
    STANDARD.encode(value.to_string())
}

impl House {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.listener.address())
    }

    /// The parameter of a callback to `path` of the listener with a body of form fields.
    fn callback(&self, path: &str, body: &str) -> String {
        encoded(&json!({"callbackUrl": self.url(path), "callbackBody": body}))
    }

    fn put(&self, key: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.server.signed("PUT", &format!("/pictures/{key}"), headers, body)
    }

    fn is_there(&self, key: &str) -> bool {
        self.server.signed("HEAD", &format!("/pictures/{key}"), &[], b"").status == 200
    }

    /// Uploads a part, and returns the target and the document that complete the upload.
    fn upload_part(&self, key: &str, body: &[u8]) -> (String, String) {
        let kind = [("Content-Type", "image/x-test")];
        let begun = self.server.signed("POST", &format!("/pictures/{key}?uploads"), &kind, b"");
        let id = begun.element("UploadId");
        let part = self.server.signed("PUT", &format!("/pictures/{key}?partNumber=1&uploadId={id}"), &[], body);
        let etag = part.header("etag");
        let document = format!("<C><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></C>");
        (format!("/pictures/{key}?uploadId={id}"), document)
    }
}

/// A form upload of nobody, whose file is a picture.
fn post(server: &Server, fields: &[(&str, &str)], file: &[u8]) -> Response {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(
            format!("--line\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes(),
        );
    }
    body.extend(b"--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n");
    body.extend(b"Content-Type: image/x-test\r\n\r\n");
    body.extend(file);
    body.extend(b"\r\n--line--\r\n");
    server.request("POST", "/pictures/", &[("Content-Type", "multipart/form-data; boundary=line")], &body)
}

#[test]
fn failures_are_told_and_the_object_stays() {
    let house = house(&[], Listener::start());
    for (path, ec, message) in [
        ("/moved", "0007-00000203", "Error status : 301."),
        ("/kept", "0007-00000203", "Error status : 307."),
        ("/created", "0007-00000203", "Error status : 201."),
        ("/broken", "0007-00000203", "Error status : 500."),
        ("/text", "0007-00000205", "Response body is not valid json format."),
        ("/empty", "0007-00000205", "Response body is not valid json format."),
        ("/bom", "0007-00000205", "Response body is not valid json format."),
        ("/long", "0007-00000203", "Error status : 400."),
        ("/chunked", "0007-00000203", "Error status : 400."),
        ("/endless", "0007-00000203", "Error status : 400."),
        ("/short", "0007-00000203", "Error status : -1."),
        ("/drop", "0007-00000203", "Error status : -1."),
        ("/garbage", "0007-00000203", "Error status : -1."),
    ] {
        let key = &path[1..];
        let answer = house.put(key, &[("x-oss-callback", &house.callback(path, "a=1"))], b"123456789");
        assert_eq!((answer.status, answer.element("Code").as_str()), (203, "CallbackFailed"), "{path}");
        assert_eq!(answer.element("EC"), ec, "{path}: {}", answer.text());
        assert!(answer.element("Message").starts_with(message), "{path}: {}", answer.text());
        assert_eq!(answer.element("RequestId"), answer.header("x-oss-request-id"), "{path}");
        assert_eq!((answer.header("x-oss-ec"), answer.header("content-type")), (ec, "application/xml"), "{path}");
        assert_eq!(answer.header("etag"), "\"25F9E794323B453885F5181F1B624D0B\"", "{path}");
        assert!(!answer.text().contains(&house.listener.port().to_string()), "{path}: {}", answer.text());
        assert!(house.is_there(key), "{path}");
        let calls = house.listener.calls();
        assert_eq!(calls.len(), 1, "{path}: neither repeated nor followed: {calls:?}");
    }
    let (target, document) = house.upload_part("parts", b"x");
    let callback = house.callback("/broken", "a=1");
    let answer = house.server.signed("POST", &target, &[("x-oss-callback", &callback)], document.as_bytes());
    assert_eq!((answer.status, answer.element("Code").as_str()), (203, "CallbackFailed"));
    assert!(house.is_there("parts"));
    // A server of an old kind. The longest answer that is taken; and what the type of an answer may not say.
    let answer = house.put("old", &[("x-oss-callback", &house.callback("/old", "a=1"))], b"x");
    assert_eq!(
        (answer.status, answer.header("content-type"), &*answer.text()),
        (200, "application/json", "{\"a\":\"b\"}")
    );
    let answer = house.put("limit", &[("x-oss-callback", &house.callback("/limit", "a=1"))], b"x");
    assert_eq!((answer.status, answer.body.len()), (200, 1024 * 1024));
    let answer = house.put("html", &[("x-oss-callback", &house.callback("/html", "a=1"))], b"x");
    assert_eq!((answer.status, answer.header("content-type"), &*answer.text()), (200, "application/json", "\"<b>\""));
}

#[test]
fn the_next_url_is_called_where_one_fails() {
    let house = house(&[], Listener::start());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let urls = [house.url("/broken"), house.url("/text"), house.url("/echo"), house.url("/echo?late")].join(";");
    let callback = encoded(&json!({"callbackUrl": urls, "callbackBody": "a=${object}"}));
    let answer = house.put("a", &[("x-oss-callback", &callback)], b"x");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let lines: Vec<_> = house.listener.calls().into_iter().map(|call| call.line).collect();
    assert_eq!(lines, ["POST /broken", "POST /text", "POST /echo"]);
    let urls = [house.url("/broken"), house.url("/moved")].join(";");
    let callback = encoded(&json!({"callbackUrl": urls, "callbackBody": "a=1"}));
    let answer = house.put("b", &[("x-oss-callback", &callback)], b"x");
    assert_eq!((answer.status, answer.element("Message").as_str()), (203, "Error status : 301."));
    // All of them must be allowed, also those that would not be called.
    let urls = format!("{};http://{nobody}/", house.url("/echo"));
    let callback = encoded(&json!({"callbackUrl": urls, "callbackBody": "a=1"}));
    let answer = house.put("c", &[("x-oss-callback", &callback)], b"x");
    assert_eq!((answer.status, answer.element("ArgumentValue")), (400, format!("http://{nobody}/")));
    assert!(!house.is_there("c"));
}

#[test]
fn who_answers_late_is_not_waited_for_longer_than_one_call_may_take() {
    let house = house(&[], Listener::start());
    let urls = [house.url("/slow"), house.url("/echo")].join(";");
    let callback = encoded(&json!({"callbackUrl": urls, "callbackBody": "a=1"}));
    let answer = house.put("a", &[("x-oss-callback", &callback)], b"x");
    assert_eq!((answer.status, house.listener.calls().len()), (200, 2));
}

#[test]
fn who_uploads_and_goes_does_not_end_the_callback() {
    let house = house(&[], Listener::start());
    let urls = [house.url("/slow"), house.url("/echo")].join(";");
    let callback = encoded(&json!({"callbackUrl": urls, "callbackBody": "a=1"}));
    let mut uploader = house.server.connect();
    let head = format!("PUT /pictures/a HTTP/1.1\r\nHost: {}\r\nContent-Length: 1\r\n", house.server.address());
    write!(uploader, "{head}x-oss-callback: {callback}\r\n\r\nx").expect("sent");
    assert_eq!(house.listener.call().line, "POST /slow");
    drop(uploader);
    assert_eq!(house.listener.call().line, "POST /echo");
    assert!(house.is_there("a"));
}

#[test]
fn who_answers_late_is_not_waited_for_longer_than_the_deadline() {
    let house = house(&["--deadline-ms", "1500"], Listener::start());
    for path in ["/slow", "/drip"] {
        let urls = [house.url(path), house.url("/echo")].join(";");
        let callback = encoded(&json!({"callbackUrl": urls, "callbackBody": "a=1"}));
        let begin = Instant::now();
        let answer = house.put("a", &[("x-oss-callback", &callback)], b"x");
        assert!(begin.elapsed() >= Duration::from_millis(1500), "{path}");
        assert_eq!((answer.status, answer.element("EC").as_str()), (203, "0007-00000203"), "{path}: {}", answer.text());
        assert!(answer.element("Message").starts_with("Error status : -1. Reply timeout, cost: "), "{}", answer.text());
        let calls = house.listener.calls();
        assert!(calls.len() == 1 && house.is_there("a"), "no time was left for the second: {calls:?}");
    }
}

#[test]
fn a_proxys_word_for_the_client_is_told_and_proxies_of_the_environment_are_not_used() {
    let listener = Listener::start();
    let host = listener.address();
    let flags = ["--store", "memory://", "--engine", "cpu", "--behind-proxy", "on"];
    // Nobody listens there.
    let proxies = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    let proxies = proxies.map(|name| (name.to_owned(), "http://127.0.0.1:9".to_owned()));
    let server = Server::start_with(&[&flags[..], &["--callback-host", &host, KEY[0], KEY[1]]].concat(), &proxies);
    let house = House { server, listener };
    assert_eq!(house.server.signed("PUT", "/pictures", &PUBLIC, b"").status, 200);
    let callback = house.callback("/echo", "${clientIp}");
    for (forwarded, expected) in [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::7, 10.0.0.1", "2001%3Adb8%3A%3A7"),
        ("unknown", "127.0.0.1"),
        ("", "127.0.0.1"),
    ] {
        let headers = [("x-oss-callback", callback.as_str()), ("X-Forwarded-For", forwarded)];
        assert_eq!(house.server.request("PUT", "/pictures/a", &headers, b"x").status, 200);
        assert_eq!(house.listener.call().body, expected, "{forwarded}");
    }
}

#[test]
fn https_is_for_whom_the_machine_trusts() {
    let listener = Listener::start_tls();
    let port = listener.port();
    let (address, name) = (format!("127.0.0.1:{port}"), format!("localhost:{port}"));
    let hosts = ["--callback-host", &address, "--callback-host", &name];
    let flags = [&["--store", "memory://", "--engine", "cpu", KEY[0], KEY[1]], &hosts[..]].concat();
    let trusting = [("SSL_CERT_FILE".to_owned(), certificate().to_string_lossy().into_owned())];
    // No authority at all.
    let alone = [("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_DIR", "/nowhere")];
    let alone = alone.map(|(name, value)| (name.to_owned(), value.to_owned()));
    for (variables, trusts) in [(&trusting[..], true), (&alone[..], false)] {
        let server = Server::start_with(&flags, variables);
        assert_eq!(server.signed("PUT", "/pictures", &PUBLIC, b"").status, 200);
        for (host, sni, told) in [
            (&address, json!(true), None),
            (&name, json!(true), Some("localhost")),
            (&name, json!("true"), Some("localhost")),
            (&name, json!(false), None),
            (&name, Value::Null, None),
        ] {
            let callback =
                json!({"callbackUrl": format!("https://{host}/echo"), "callbackBody": "a=1", "callbackSNI": sni});
            let callback = encoded(&callback);
            let answer = server.signed("PUT", "/pictures/a", &[("x-oss-callback", &callback)], b"x");
            match trusts {
                true => {
                    assert_eq!(answer.status, 200, "{host}: {}", answer.text());
                    assert_eq!(listener.call().server_name.as_deref(), told, "{host} {sni}");
                }
                false => {
                    assert_eq!((answer.status, answer.element("EC").as_str()), (203, "0007-00000203"), "{host}");
                    assert_eq!(server.signed("HEAD", "/pictures/a", &[], b"").status, 200);
                }
            }
        }
        assert!(listener.calls().is_empty());
    }
}
