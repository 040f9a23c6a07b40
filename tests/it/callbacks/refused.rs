//! Who is not called, and what is not understood: refused before anything is stored.

use super::{House, PUBLIC, encoded, house, post};
use crate::support::listener::Listener;
use crate::support::server::Server;
use crate::support::signed::KEY;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

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
    let six = [url.as_str(); 6].join(";");
    let good = house.callback("/echo", "a=${x:a}");
    let cases = [
        ("!".to_owned(), "", "0007-00000002"),
        (STANDARD.encode("{"), "", "0007-00000003"),
        (of(json!({"callbackBody": "a"})), "", "0007-00000004"),
        (of(json!({"callbackUrl": "a.example:port", "callbackBody": "a"})), "", "0007-00000004"),
        (of(json!({"callbackUrl": six, "callbackBody": "a"})), "", "0007-00000005"),
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
