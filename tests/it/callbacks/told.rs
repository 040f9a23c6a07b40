//! What the called server is told: every variable, from each of the three calls.

use super::{encoded, house, post};
use crate::support::fixture;
use crate::support::listener::{Call, Listener};
use crate::support::server::Response;
use crate::support::signed::sign;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use percent_encoding::percent_decode_str;
use pixelpass::oss::sign::Scheme;
use serde_json::{Value, json};
use std::collections::BTreeMap;

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

const OWN: &str = "a \"b\" & c=d/é%20\\";

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
        let etag = format!("{}-1", hex(&md5(hex(&md5(&file)).as_bytes())));
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
