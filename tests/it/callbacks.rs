//! Upload callbacks: what the called server is told, what becomes of its answer, and who is not called.

use crate::support::fixture;
use crate::support::listener::{Call, Listener, certificate};
use crate::support::server::{Response, Server};
use crate::support::signed::{KEY, sign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use percent_encoding::percent_decode_str;
use pixelpass::oss::sign::Scheme;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// 400x267, by its own documentation.
const PICTURE: &str = "images/example.jpg";

/// Every variable that the documentation names, and two of an uploader.
const FORM: &str = "bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&crc64=${crc64}&\
    contentMd5=${contentMd5}&vpcId=${vpcId}&clientIp=${clientIp}&reqId=${reqId}&operation=${operation}&\
    imageInfo.height=${imageInfo.height}&imageInfo.width=${imageInfo.width}&imageInfo.format=${imageInfo.format}&\
    own=${x:own}&none=${x:none}";
const JSON: &str = r#"{"bucket":${bucket},"object":${object},"etag":${etag},"size":${size},"mimeType":${mimeType},
    "crc64":${crc64},"contentMd5":${contentMd5},"vpcId":${vpcId},"clientIp":${clientIp},"reqId":${reqId},
    "operation":${operation},"imageInfo.height":${imageInfo.height},"imageInfo.width":${imageInfo.width},
    "imageInfo.format":${imageInfo.format},"own":"<${x:own}>","none":${x:none}}"#;

/// The buckets' ACL: also who signs nothing may ask for callbacks.
const PUBLIC: [(&str, &str); 1] = [("x-oss-acl", "public-read-write")];

const OWN: &str = "a \"b\" & c=d/é%20\\";

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

/// CRC-64/XZ, bit by bit.
fn crc64(bytes: &[u8]) -> u64 {
    let step = |crc: u64, _| if crc & 1 == 1 { crc >> 1 ^ 0xc96c_5795_d787_0f42 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u64::from(*byte), step))
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The fields of a form.
fn fields(body: &str) -> BTreeMap<String, String> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), percent_decode_str(value).decode_utf8().expect("UTF-8").into()))
        .collect()
}

/// The values of the variables that do not depend on the call.
fn expected(key: &str, file: &[u8], answer: &Response) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("bucket", "pictures".to_owned()),
        ("object", key.to_owned()),
        ("etag", hex(&md5(file))),
        ("size", file.len().to_string()),
        ("mimeType", "image/x-test".to_owned()),
        ("crc64", crc64(file).to_string()),
        ("contentMd5", STANDARD.encode(md5(file))),
        ("vpcId", String::new()),
        ("clientIp", "127.0.0.1".to_owned()),
        ("reqId", answer.header("x-oss-request-id").to_owned()),
        ("imageInfo.height", "267".to_owned()),
        ("imageInfo.width", "400".to_owned()),
        ("imageInfo.format", "jpg".to_owned()),
        ("own", OWN.to_owned()),
        ("none", String::new()),
    ])
}

fn check_form(call: &Call, mut expected: BTreeMap<&'static str, String>, operation: &str) {
    expected.insert("operation", operation.to_owned());
    let expected: BTreeMap<_, _> = expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(fields(&call.body), expected);
    assert!(call.body.contains("mimeType=image%2Fx-test&"), "{}", call.body);
    check_head(call, "application/x-www-form-urlencoded", &expected["reqId"]);
}

fn check_json(call: &Call, expected: BTreeMap<&'static str, String>, operation: &str) {
    let told: Value = serde_json::from_str(&call.body).expect("JSON");
    assert_eq!(told["operation"], operation);
    for (name, text) in &expected {
        let value = match *name {
            "size" | "crc64" | "imageInfo.height" | "imageInfo.width" => json!(text.parse::<u64>().expect("a number")),
            "own" => json!(format!("<{text}>")),
            _ if text.is_empty() => Value::Null,
            _ => json!(text),
        };
        assert_eq!(told[*name], value, "{name}");
    }
    assert_eq!(told.as_object().map(|told| told.len()), Some(expected.len() + 1));
    check_head(call, "application/json", &expected["reqId"]);
}

fn check_head(call: &Call, kind: &str, request_id: &str) {
    assert_eq!(call.header("content-type"), kind);
    assert_eq!(call.header("user-agent"), "aliyun-oss-callback");
    assert_eq!((call.header("x-oss-bucket"), call.header("x-oss-request-id")), ("pictures", request_id));
    assert_eq!(call.header("content-md5"), STANDARD.encode(md5(call.body.as_bytes())));
    assert_eq!(call.header("authorization"), "");
}

#[test]
fn the_yardsticks_are_right() {
    assert_eq!(crc64(b"123456789"), 0x995d_c9bb_df19_39fa);
    assert_eq!(hex(&md5(b"123456789")), "25F9E794323B453885F5181F1B624D0B");
}

#[test]
fn put_object_tells_every_variable() {
    let (house, file) = (house(&[], Listener::start()), fixture(PICTURE));
    let own = encoded(&json!({"x:own": OWN}));
    let key = "dir/%E7%94%BB%20%26.jpg";
    for json in [false, true] {
        let callback = match json {
            false => json!({"callbackUrl": house.url("/echo?a=%E5%80%BC&b"), "callbackBody": FORM}),
            true => json!({"callbackUrl": house.url("/echo"), "callbackBody": JSON,
                "callbackBodyType": "application/json", "callbackHost": "shop.example:81"}),
        };
        let callback = encoded(&callback);
        let headers = [("x-oss-callback", &*callback), ("x-oss-callback-var", &own), ("Content-Type", "image/x-test")];
        let answer = house.put(key, &headers, &file);
        let (call, expected) = (house.listener.call(), expected("dir/画 &.jpg", &file, &answer));
        match json {
            false => {
                assert_eq!(
                    (&*call.line, call.header("host")),
                    ("POST /echo?a=%E5%80%BC&b", &*house.listener.address())
                );
                check_form(&call, expected, "PutObject");
            }
            true => {
                assert_eq!(call.header("host"), "shop.example:81");
                check_json(&call, expected, "PutObject");
            }
        }
        // The answer is the called server's, with the headers of the upload.
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json; charset=utf-8"));
        let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(told["body"], call.body);
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        assert_eq!(answer.header("etag"), format!("\"{}\"", hex(&md5(&file))));
        assert_eq!(answer.header("x-oss-hash-crc64ecma"), crc64(&file).to_string());
        assert!(house.is_there(key));
    }
}

#[test]
fn complete_multipart_upload_tells_every_variable_instead_of_its_document() {
    let (house, file) = (house(&[], Listener::start()), fixture(PICTURE));
    let own = encoded(&json!({"x:own": OWN}));
    for (key, json) in [("form.jpg", false), ("json.jpg", true)] {
        let (target, document) = house.upload_part(key, &file);
        let kind = if json { "application/json" } else { "application/x-www-form-urlencoded" };
        let body = if json { JSON } else { FORM };
        let callback = json!({"callbackUrl": house.url("/echo"), "callbackBody": body, "callbackBodyType": kind});
        let callback = encoded(&callback);
        let headers = [("x-oss-callback", callback.as_str()), ("x-oss-callback-var", &own)];
        let answer = house.server.signed("POST", &target, &headers, document.as_bytes());
        let (call, mut expected) = (house.listener.call(), expected(key, &file, &answer));
        // The MD5 over the parts' ETags as text; a part alone has no MD5 of the whole.
        let etag = format!("{}-1", hex(&md5(&md5(&file))));
        assert_eq!(answer.header("etag"), format!("\"{etag}\""));
        expected.extend([("etag", etag), ("contentMd5", String::new())]);
        match json {
            false => {
                let told = fields(&call.body);
                for (name, value) in expected {
                    assert_eq!(told[name], value, "{name}");
                }
                assert_eq!(told["operation"], "CompleteMultipartUpload");
            }
            true => check_json(&call, expected, "CompleteMultipartUpload"),
        }
        let told: Value = serde_json::from_slice(&answer.body).expect("JSON, not XML");
        assert_eq!((answer.status, &told["body"]), (200, &json!(call.body)));
        assert!(house.is_there(key));
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
fn post_object_tells_every_variable_from_its_fields() {
    let (house, file) = (house(&[], Listener::start()), fixture(PICTURE));
    for (number, name) in ["callback", "x-oss-callback"].into_iter().enumerate() {
        let key = format!("up/{number}.jpg");
        let (form, json) = (
            house.callback("/echo", FORM),
            json!({"callbackUrl": house.url("/echo"),
            "callbackBody": JSON, "callbackBodyType": "application/json"}),
        );
        let parameter = if number == 0 { form } else { encoded(&json) };
        // What a form asks for otherwise, the called server's answer stands in for.
        let redirect = ("success_action_redirect", "https://shop.test/done");
        let answer = post(&house.server, &[("key", &key), (name, &parameter), ("x:own", OWN), redirect], &file);
        let (call, expected) = (house.listener.call(), expected(&key, &file, &answer));
        match number {
            0 => check_form(&call, expected, "PostObject"),
            _ => check_json(&call, expected, "PostObject"),
        }
        let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!((answer.status, &told["body"], answer.header("location")), (200, &json!(call.body), ""));
        assert_eq!(answer.header("etag"), format!("\"{}\"", hex(&md5(&file))));
    }
    // Variables of a form come in a parameter too.
    let own = encoded(&json!({"x:a": "1", "x:b": "2"}));
    let callback = house.callback("/echo", "a=${x:a}&b=${x:b}");
    post(&house.server, &[("key", "k"), ("callback", &callback), ("callback-var", &own), ("x:b", "3")], b"x");
    assert_eq!(house.listener.call().body, "a=1&b=3");
    let answer = post(&house.server, &[("key", "none"), ("callback", "?"), ("x:own", OWN)], &file);
    assert_eq!((answer.status, answer.element("EC").as_str()), (400, "0007-00000002"));
    assert!(!house.is_there("none"));
}

#[test]
fn pictures_of_every_kind_and_what_is_none() {
    let house = house(&["--limit-source-mb", "1"], Listener::start());
    let body = "w=${imageInfo.width}&h=${imageInfo.height}&f=${imageInfo.format}";
    let callback = house.callback("/echo", body);
    let in_json = encoded(&json!({"callbackUrl": house.url("/echo"), "callbackBodyType": "application/json",
        "callbackBody": "[${imageInfo.width},${imageInfo.height},${imageInfo.format}]"}));
    // A header behind more bytes than are read at first, and a file that is too long to be read whole.
    let photo = fixture(PICTURE);
    let comment = [&[0xff, 0xfe, 0xff, 0xff], &*vec![b'x'; 0xfffd]].concat();
    let late = [&photo[..2], &comment.repeat(8), &photo[2..]].concat();
    let long = [&photo[..], &vec![0; 1 << 21]].concat();
    let too_late = [&photo[..2], &comment.repeat(20), &photo[2..]].concat();
    for (name, file, expected, values) in [
        ("late", late, "w=400&h=267&f=jpg", "[400,267,\"jpg\"]"),
        ("long", long, "w=400&h=267&f=jpg", "[400,267,\"jpg\"]"),
        ("too late", too_late, "w=&h=&f=", "[null,null,null]"),
        ("png", fixture("demo/logo.png"), "w=128&h=128&f=png", "[128,128,\"png\"]"),
        ("gif", fixture("images/gif/example.gif"), "w=500&h=300&f=gif", "[500,300,\"gif\"]"),
        ("webp", fixture("images/lossy_alpha_400x301.webp"), "w=400&h=301&f=webp", "[400,301,\"webp\"]"),
        ("turned", fixture("demo/portrait.jpg"), "w=1800&h=1200&f=jpg", "[1800,1200,\"jpg\"]"),
        ("text", b"no picture".to_vec(), "w=&h=&f=", "[null,null,null]"),
        ("nothing", Vec::new(), "w=&h=&f=", "[null,null,null]"),
        ("cut", photo[..20].to_vec(), "w=&h=&f=", "[null,null,null]"),
    ] {
        assert_eq!(house.put("a", &[("x-oss-callback", &callback)], &file).status, 200, "{name}");
        assert_eq!(house.listener.call().body, expected, "{name}");
        assert_eq!(house.put("a", &[("x-oss-callback", &in_json)], &file).status, 200, "{name}");
        assert_eq!(house.listener.call().body, values, "{name}");
    }
}

#[test]
fn presigned_urls_carry_callbacks() {
    let house = house(&[], Listener::start());
    let query = |name: &str, value: &str| {
        format!("{name}={}", value.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"))
    };
    let callback = query("callback", &house.callback("/echo", "n=${x:n}&o=${operation}"));
    let own = query("callback-var", &encoded(&json!({"x:n": "ÿÿ>>??"})));
    for scheme in [Scheme::V1, Scheme::V4] {
        let target = sign(scheme, "PUT", &format!("/pictures/a?{callback}&{own}"), &[]);
        let answer = house.server.request("PUT", &target, &[], b"x");
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(fields(&house.listener.call().body)["n"], "ÿÿ>>??");
        let (complete, document) = house.upload_part("b", b"x");
        let target = sign(scheme, "POST", &format!("{complete}&{callback}"), &[]);
        assert_eq!(house.server.request("POST", &target, &[], document.as_bytes()).status, 200);
        assert_eq!(house.listener.call().body, "n=&o=CompleteMultipartUpload");
    }
    // It is part of what was signed.
    let target = sign(Scheme::V1, "PUT", "/pictures/c", &[]);
    assert_eq!(house.server.request("PUT", &format!("{target}&{callback}"), &[], b"x").status, 403);
    // In one place, or in the other.
    let parameter = house.callback("/echo", "x");
    let answer = house.put(&format!("c?{callback}"), &[("x-oss-callback", &parameter)], b"x");
    assert_eq!((answer.status, answer.element("EC").as_str()), (400, "0007-00000027"));
    let headers = [("x-oss-callback", &*parameter), ("x-oss-callback-var", "e30=")];
    assert_eq!(house.put(&format!("c?{own}"), &headers, b"x").status, 400);
    assert!(!house.is_there("c") && house.listener.calls().is_empty());
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
    // The longest answer that is taken; and what the type of an answer may not say.
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
fn who_answers_late_is_not_waited_for() {
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
fn without_the_setting_nobody_is_called_and_nothing_stored() {
    let listener = Listener::start();
    let server = Server::start(&["--store", "memory://", "--engine", "cpu", KEY[0], KEY[1]]);
    let house = House { server, listener };
    assert_eq!(house.server.signed("PUT", "/pictures", &PUBLIC, b"").status, 200);
    let callback = house.callback("/echo", "a=1");
    let (target, document) = house.upload_part("b", b"x");
    for answer in [
        house.put("a", &[("x-oss-callback", &callback)], b"x"),
        house.server.signed("POST", &target, &[("x-oss-callback", &callback)], document.as_bytes()),
    ] {
        assert_eq!((answer.status, answer.element("Code").as_str()), (400, "InvalidArgument"));
        assert!(answer.element("Message").contains("--callback-host"), "{}", answer.text());
        assert_eq!(answer.element("ArgumentName"), "callbackUrl");
    }
    assert!(!house.is_there("a") && !house.is_there("b") && house.listener.calls().is_empty());
    // The upload that was not completed still can be.
    assert_eq!(house.server.signed("POST", &target, &[], document.as_bytes()).status, 200);
    // An empty parameter asks for nothing.
    assert_eq!(house.put("a", &[("x-oss-callback", "")], b"x").status, 200);
}

#[test]
fn hosts_that_were_not_named_are_refused() {
    let house = house(&["--callback-host", "localhost"], Listener::start());
    let port = house.listener.port();
    for url in [
        format!("http://localhost:{port}/echo"),
        format!("http://[::1]:{port}/echo"),
        format!("http://[::ffff:127.0.0.1]:{port}/echo"),
        format!("http://127.0.0.2:{port}/echo"),
        format!("http://0.0.0.0:{port}/echo"),
        format!("http://127.0.0.1:{port}@evil.example/echo"),
        "http://127.0.0.1/echo".to_owned(),
        "https://127.0.0.1/echo".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://192.168.1.1".to_owned(),
        "https://app.example.com/".to_owned(),
    ] {
        let callback = encoded(&json!({"callbackUrl": url, "callbackBody": "a=1"}));
        let answer = house.put("a", &[("x-oss-callback", &callback)], b"x");
        assert_eq!((answer.status, answer.element("Code").as_str()), (400, "InvalidArgument"), "{url}");
        assert!(answer.element("Message").contains("--callback-host"), "{url}: {}", answer.text());
        let answer = post(&house.server, &[("key", "a"), ("callback", &callback)], b"x");
        assert_eq!((answer.status, answer.element("ArgumentName").as_str()), (400, "callbackUrl"), "{url}");
    }
    assert!(!house.is_there("a") && house.listener.calls().is_empty());
    // Other ways to write the address that was named, and no scheme.
    for url in
        [format!("http://2130706433:{port}/echo"), format!("HTTP://0x7f.1:{port}/echo"), format!("127.1:{port}/echo")]
    {
        let callback = encoded(&json!({"callbackUrl": url, "callbackBody": "a=1"}));
        assert_eq!(house.put("b", &[("x-oss-callback", &callback)], b"x").status, 200, "{url}");
        assert_eq!(house.listener.call().header("host"), house.listener.address());
    }
    // Nobody who may write may upload less than others.
    let callback = house.callback("/echo", "a=1");
    assert_eq!(house.server.request("PUT", "/pictures/c", &[("x-oss-callback", &callback)], b"x").status, 200);
    // Calls that know no callbacks ignore them.
    let append = house.server.signed("POST", "/pictures/d?append&position=0", &[("x-oss-callback", "?")], b"x");
    assert_eq!(append.status, 200);
    assert_eq!(house.listener.calls().len(), 1);
}

#[test]
fn malformed_callbacks_are_refused_before_anything_is_stored() {
    let house = house(&[], Listener::start());
    let url = house.url("/echo");
    let of = |value: Value| encoded(&value);
    let good = house.callback("/echo", "a=${x:a}");
    let cases = [
        ("!".to_owned(), "", "0007-00000002"),
        (STANDARD.encode("{"), "", "0007-00000003"),
        (of(json!({"callbackBody": "a"})), "", "0007-00000004"),
        (of(json!({"callbackUrl": "a.example:port", "callbackBody": "a"})), "", "0007-00000004"),
        (of(json!({"callbackUrl": vec![&*url; 6].join(";"), "callbackBody": "a"})), "", "0007-00000005"),
        (of(json!({"callbackUrl": url})), "", "0007-00000011"),
        (of(json!({"callbackUrl": url, "callbackBody": "a", "callbackBodyType": "text/xml"})), "", "0007-00000012"),
        (of(json!({"callbackUrl": url, "callbackBody": "a=$(key)"})), "", "0007-00000105"),
        (house.callback("/echo", &"a".repeat(5000)), "", "0007-00000001"),
        (good.clone(), "!", "0007-00000102"),
        (good.clone(), "bm8=", "0007-00000103"),
        (good, "eyJhIjoiMSJ9", "0007-00000104"),
    ];
    for (callback, own, ec) in &cases {
        let headers = [("x-oss-callback", callback.as_str()), ("x-oss-callback-var", own)];
        let answer = house.put("a", &headers, b"x");
        assert_eq!((answer.status, answer.element("Code").as_str()), (400, "InvalidArgument"), "{ec}");
        assert_eq!(answer.element("EC"), *ec, "{}", answer.text());
    }
    assert!(!house.is_there("a") && house.listener.calls().is_empty());
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
