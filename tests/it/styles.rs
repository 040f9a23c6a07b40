//! Styles, source protection, and errors that are ignored: what a caller who may not have everything gets.

use crate::support::bucket::{all, is, put, server, settings, style};
use crate::support::fixture;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

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
        ("a.jpg!none", 404, "NoSuchStyle"),
        ("a.jpg!", 404, "NoSuchKey"),
        ("a.jpg!no/style", 404, "NoSuchKey"),
        ("none.jpg@!small", 404, "NoSuchKey"),
        ("a.jpg_small", 404, "NoSuchKey"),
        ("a.jpg?x-oss-process=style/none", 404, "NoSuchStyle"),
        ("a.jpg?x-oss-process=style/", 400, "InvalidArgument"),
        ("a.jpg?x-oss-process=style/nested", 400, "InvalidArgument"),
        ("a.jpg?x-oss-process=style/broken", 400, "InvalidArgument"),
        // A query beside it is not looked at.
        ("a.jpg@!small?x-oss-process=image/resize,w_20", 200, "55"),
        ("a.jpg!small?x-oss-process=nonsense", 200, "55"),
        ("a.jpg!none?x-oss-process=image/resize,w_20", 404, "NoSuchStyle"),
        ("none.jpg?x-oss-process=image/resize,w_0", 400, "InvalidArgument"),
    ] {
        is(&server.get(&format!("/pictures/{target}")), status, what, target);
    }
    settings(&server, "<StyleDelimiters>/,_,-</StyleDelimiters>");
    let told = server.signed("GET", "/pictures/?processConfiguration", &[], b"");
    assert_eq!(told.element("StyleDelimiters"), "-,/,_");
    for (name, width) in [("x_y", 31), ("b-c", 32), ("y", 33), ("d", 34), ("c.d!x", 0)] {
        style(&server, name, &format!("image/resize,w_{width}"));
    }
    for key in ["p_x", "q-b", "r!s"] {
        put(&server, &format!("/pictures/{key}"), &[]);
    }
    for (target, status, what) in [
        // From the first occurrence on, `_` before `-`: the style's name may hold separators itself.
        ("a.jpg_x_y", 200, "31"),
        ("p_x_y", 404, "NoSuchKey"),
        ("a.jpg-b-c", 200, "32"),
        ("a.jpg-b-c_d", 404, "NoSuchKey"),
        ("q-b_d", 200, "34"),
        ("q-b-y", 200, "33"),
        ("r!s!y", 200, "33"),
        ("a.jpg_none", 404, "NoSuchKey"),
        ("a.jpg-none_none", 404, "NoSuchKey"),
        ("a.jpg!none_none", 404, "NoSuchStyle"),
        // No style after the `!`, but one after the `_`.
        ("r!s_y", 200, "33"),
    ] {
        is(&server.get(&format!("/pictures/{target}")), status, what, target);
    }
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
    // 8 are there.
    let refused = (0..50).map(|number| style(&server, &format!("n{number}"), "x").status).position(|it| it != 200);
    assert_eq!(refused, Some(42));
    is(&style(&server, "n42", "x"), 403, "AccessDenied", "the 51st");
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
    style(&server, "broken", "image/resize,w_0/ignore-error,1");
    style(&server, "kind", "image/resize,w_50/ignore-error,1");
    let mark = |key: &str| format!("none?x-oss-process=image/watermark,image_{}", URL_SAFE_NO_PAD.encode(key));
    let kind_mark = |key: &str| format!("{}/ignore-error,1", mark(key));
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
        // Errors that are ignored do not open the door.
        ("a.jpg?x-oss-process=image/ignore-error,1", 403, "AccessDenied"),
        ("a.jpg?x-oss-process=image/resize,w_0/ignore-error,1", 403, "AccessDenied"),
        ("a.jpg?x-oss-process=style/kind", 200, "50"),
        ("a.jpg?x-oss-process=style/broken", 400, "InvalidArgument"),
        ("a.jpg@!broken", 400, "InvalidArgument"),
        ("a.jpg?x-oss-process=style/small|image/crop,x_999/ignore-error,1", 403, "AccessDenied"),
        ("a.jpg?x-oss-process=style/broken|style/kind", 400, "InvalidArgument"),
        ("none?x-oss-process=style/broken", 200, "400"),
        (&kind_mark("a.jpg"), 403, "AccessDenied"),
        (&kind_mark("gone.jpg"), 403, "AccessDenied"),
        (&kind_mark("gone"), 200, "400"),
        // Nor does a query beside a separator, or a separator in another key.
        ("a.jpg!small?x-oss-process=image/resize,w_399", 200, "50"),
        ("a.jpg@!small?x-oss-process=image/ignore-error,1", 200, "50"),
        ("a.jpg!none?x-oss-process=image/ignore-error,1", 404, "NoSuchStyle"),
        ("a.jpg!broken?x-oss-process=image/ignore-error,1", 400, "InvalidArgument"),
    ] {
        is(&server.get(&format!("/pictures/{target}")), status, what, target);
        let head = server.request("HEAD", &format!("/pictures/{target}"), &[], b"");
        assert_eq!((head.status, head.body.len()), (status, 0), "HEAD {target}");
    }
    for process in ["image/resize,w_9", "image/ignore-error,1", "style/small", "style/broken"] {
        let body = format!("x-oss-process={process}");
        let posted = server.request("POST", "/pictures/a.jpg?x-oss-process", &[], body.as_bytes());
        is(&posted, 403, "AccessDenied", process);
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
fn errors_that_are_ignored_give_the_object() {
    let server = server();
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>";
    assert_eq!(server.signed("PUT", "/pictures/a.svg", &[("Content-Type", "image/svg+xml")], svg).status, 200);
    let cut = &fixture("demo/example.jpg")[..9000];
    assert_eq!(server.signed("PUT", "/pictures/cut.jpg", &[("Content-Type", "image/jpeg")], cut).status, 200);
    style(&server, "kind", "image/resize,w_50/ignore-error,1");
    style(&server, "broken", "csdar5324");
    for (target, ignored) in [
        ("a.svg?x-oss-process=image/resize,w_9/ignore-error,1", "BadRequest 0040-00000005"),
        ("a.svg?x-oss-process=image/ignore-error,1/resize,w_9", "BadRequest 0040-00000005"),
        ("a.svg?x-oss-process=style/kind", "BadRequest 0040-00000005"),
        ("a.svg@!kind", "BadRequest 0040-00000005"),
        ("cut.jpg?x-oss-process=image/resize,w_9/ignore-error,1", "ImageDamage"),
        ("a.jpg?x-oss-process=image/nonsense/ignore-error,1", "InvalidArgument 0040-00000213"),
        ("a.jpg?x-oss-process=image/resize,w_0|image/ignore-error,1", "InvalidArgument 0040-00000312"),
        ("a.jpg?x-oss-process=image/crop,x_400/ignore-error,1", "BadRequest"),
        ("a.jpg?x-oss-process=image/faces/ignore-error,1", "NotImplemented"),
        ("a.jpg?x-oss-process=style/broken|image/ignore-error,1", "InvalidArgument"),
        ("a.jpg?x-oss-process=image/watermark,image_bm9uZQ/ignore-error,1", "WatermarkError"),
        ("a.jpg?x-oss-process=image/resize,p_1000/ignore-error,1/resize,p_1000", "ImageTooLarge 0040-00000007"),
    ] {
        let (key, _) = target.split_once(['?', '@']).expect("a key");
        let (answer, plain) = (server.get(&format!("/pictures/{target}")), server.get(&format!("/pictures/{key}")));
        assert_eq!((answer.status, answer.header("x-pixelpass-ignored-error")), (200, ignored), "{target}");
        for name in ["content-type", "etag", "x-oss-hash-crc64ecma", "content-length", "last-modified", "content-md5"] {
            assert_eq!(answer.header(name), plain.header(name), "{target} {name}");
        }
        assert!(answer.body == plain.body, "{target}");
        let head = server.request("HEAD", &format!("/pictures/{target}"), &[], b"");
        assert_eq!((head.status, head.header("etag")), (200, plain.header("etag")), "{target}");
    }
    // Nothing failed: the same answer as without.
    let (with, without) = ("image/resize,w_9/ignore-error,1", "image/resize,w_9");
    let [with, without] =
        [with, without].map(|process| server.get(&format!("/pictures/a.jpg?x-oss-process={process}")));
    assert!(with.body == without.body && with.header("etag") == without.header("etag"));
    assert_eq!(with.header("x-pixelpass-ignored-error"), "");
    for (target, status, what) in [
        ("none?x-oss-process=image/resize,w_0/ignore-error,1", 404, "NoSuchKey"),
        ("a.jpg?x-oss-process=style/none|image/ignore-error,1", 404, "NoSuchStyle"),
        ("a.svg?x-oss-process=image/resize,w_9/ignore-error,0", 400, "BadRequest"),
        ("a.svg?x-oss-process=image/resize,w_9/ignore-error,2", 400, "InvalidArgument"),
        ("a.jpg?x-oss-process=image/ignore-error,1|sys/saveas,o_eA", 400, "InvalidArgument"),
    ] {
        is(&server.get(&format!("/pictures/{target}")), status, what, target);
    }
    assert_eq!(server.get("/nowhere/a?x-oss-process=image/ignore-error,1").element("Code"), "NoSuchBucket");
    // Conditions and ranges are those of what is answered.
    let target = "/pictures/a.svg?x-oss-process=image/resize,w_9/ignore-error,1";
    let plain = server.get("/pictures/a.svg");
    let etag = plain.header("etag");
    for (header, value, status) in
        [("If-None-Match", etag, 304), ("If-Match", etag, 200), ("If-Match", "\"0\"", 412), ("Range", "bytes=1-3", 206)]
    {
        let answer = server.request("GET", target, &[(header, value)], b"");
        assert_eq!(answer.status, status, "{header} {value}: {}", answer.text());
        assert!(status != 206 || answer.body == b"svg");
    }
    let good = "/pictures/a.jpg?x-oss-process=image/resize,w_9/ignore-error,1";
    let refused = server.request("GET", good, &[("If-Match", server.get("/pictures/a.jpg").header("etag"))], b"");
    assert_eq!(refused.status, 412, "the ETag of the object is not that of the picture");
    assert_eq!(server.request("GET", good, &[("If-None-Match", with.header("etag"))], b"").status, 304);
}

#[test]
fn other_kinds_of_process_are_not_built() {
    let server = server();
    for kind in ["video/snapshot,t_1000,m_fast", "doc/preview", "audio/convert", "imm/x", "hls/sign"] {
        let answer = server.get(&format!("/pictures/a.jpg?x-oss-process={kind}"));
        is(&answer, 501, "NotImplemented", kind);
        let (kind, _) = kind.split_once('/').expect("a kind");
        assert!(answer.element("Message").contains(kind), "{kind}: {}", answer.text());
    }
    is(&server.get("/pictures/a.jpg?x-oss-process=picture/x"), 400, "InvalidArgument", "unknown");
}
