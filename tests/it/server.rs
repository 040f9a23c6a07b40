//! The server over a socket, as clients see it.

use crate::support::fixture;
use crate::support::server::{Folder, Response, Server};
use pixelpass::cancel::Cancel;
use pixelpass::codec;
use pixelpass::geometry::Size;
use pixelpass::limits::Limits;
use pixelpass::pixel::Frame;

/// The chain of the front page of the README.
const CHAIN: &str = "image/resize,w_300/blur,r_3,s_2/sharpen,100/circle,r_100/format,png";

fn decoded(response: &Response) -> Frame {
    assert_eq!(response.status, 200, "{}", response.text());
    let probe = codec::probe(&response.body, &Limits::OSS).expect("a picture");
    assert_eq!(response.header("content-type"), probe.format.content_type());
    let mut frame = Frame::packed(probe.size, vec![0; probe.size.pixels() as usize * 4]);
    codec::decode(&response.body, &probe, 1, &mut frame.view_mut(), &Cancel::never()).expect("whole");
    frame
}

#[test]
fn the_main_job() {
    let server = Server::start(&[]);
    let answer = server.get(&format!("/demo/photo.jpg?x-oss-process={CHAIN}"));
    let picture = decoded(&answer);
    // 300x200 holds a disc of radius 99 at most.
    assert_eq!(picture.size(), Size::new(199, 199));
    assert_eq!(picture.view().texel(0, 0)[3], 0);
    assert_eq!(picture.view().texel(99, 99)[3], 255);
    for phase in ["fetch;dur=", "decode;dur=", "queue;dur=", "cpu;dur=", "encode;dur="] {
        assert!(answer.header("server-timing").contains(phase), "{phase} in {}", answer.header("server-timing"));
    }
    assert!(answer.header("x-pixelpass-engine").starts_with("cpu"), "{:?}", answer.headers);
    // The same with everything percent-encoded, as SDKs send it, and by virtual host.
    let encoded =
        server.get(&format!("/demo/photo.jpg?x-oss-process={}", CHAIN.replace('/', "%2F").replace(',', "%2C")));
    assert_eq!(encoded.body, answer.body);
    let virtual_host =
        server.request("GET", &format!("/photo.jpg?x-oss-process={CHAIN}"), &[("Host", "demo.localhost:8080")], b"");
    assert_eq!(virtual_host.body, answer.body);
}

#[test]
fn the_gpu_answers_the_same_bytes() {
    if std::env::var("PIXELPASS_TEST_GPU").is_ok_and(|mode| mode == "off") || !cfg!(feature = "gpu") {
        return;
    }
    let (cpu, gpu) = (Server::start(&["--engine", "cpu"]), Server::start(&["--engine", "gpu"]));
    for process in [CHAIN, "image/resize,w_200/bright,20", "image/rounded-corners,r_50/format,jpg"] {
        for object in ["landscape.jpg", "dice.png"] {
            let target = format!("/demo/{object}?x-oss-process={process}");
            let (on_cpu, on_gpu) = (cpu.get(&target), gpu.get(&target));
            assert!(on_gpu.header("x-pixelpass-engine").starts_with("gpu"), "{:?}", on_gpu.headers);
            assert!(on_gpu.header("server-timing").contains("gpu;dur="));
            assert_eq!(on_cpu.body, on_gpu.body, "{target}");
        }
    }
}

#[test]
fn the_start_page_shows_what_works() {
    let server = Server::start(&[]);
    let page = server.get("/");
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    let text = page.text();
    let links: Vec<_> = text
        .split('"')
        .filter(|part| part.starts_with("/demo/"))
        .map(|part| part.replace("&amp;", "&").to_owned())
        .collect();
    assert!(links.len() >= 5, "{links:?}");
    for link in links {
        assert_eq!(server.get(&link).status, 200, "{link}");
    }
}

#[test]
fn etags_agree_and_conditions_hold() {
    let server = Server::start(&[]);
    let plain = server.get("/demo/example.jpg");
    assert_eq!(plain.body, fixture("demo/example.jpg"));
    let etag = plain.header("etag").to_owned();
    assert!(
        etag.len() == 34 && etag.chars().all(|c| c == '"' || c.is_ascii_digit() || c.is_ascii_uppercase()),
        "{etag}"
    );
    let target = "/demo/example.jpg?x-oss-process=image/resize,w_100";
    let processed = server.get(target);
    // What was made has an ETag of its own, the same whenever the same is asked for.
    let made = processed.header("etag").to_owned();
    assert!(made.len() == 34 && made != etag, "{made}");
    let same = server.get("/demo/example.jpg?x-oss-process=image/resize,w_100,limit_1/");
    assert_eq!(same.header("etag"), made);
    assert_ne!(server.get("/demo/example.jpg?x-oss-process=image/resize,w_101").header("etag"), made);
    let head = server.request("HEAD", target, &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), processed.body.len().to_string());
    assert_eq!(head.header("etag"), made);
    let unchanged = server.request("GET", target, &[("If-None-Match", &made)], b"");
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert_eq!(server.request("GET", target, &[("If-None-Match", &etag)], b"").status, 200);
    let as_oss = Server::start(&["--validators", "source"]);
    assert_eq!(as_oss.get(target).header("etag"), as_oss.get("/demo/example.jpg").header("etag"));
    let since = server.request("GET", target, &[("If-Modified-Since", plain.header("last-modified"))], b"");
    assert_eq!(since.status, 304);
    let failed = server.request("GET", target, &[("If-Match", "\"0\"")], b"");
    assert_eq!((failed.status, failed.element("Code").as_str()), (412, "PreconditionFailed"));
    // A bad string is told before conditions.
    let bad = "/demo/example.jpg?x-oss-process=image/resize,w_0";
    let bad = server.request("GET", bad, &[("If-None-Match", &etag)], b"");
    assert_eq!((bad.status, bad.element("EC").as_str()), (400, "0040-00000312"));
}

#[test]
fn ranges_of_processed_answers() {
    let server = Server::start(&[]);
    let target = "/demo/example.jpg?x-oss-process=image/resize,w_100";
    let whole = server.get(target).body;
    let part = server.request("GET", target, &[("Range", "bytes=10-19")], b"");
    assert_eq!((part.status, part.body.as_slice()), (206, &whole[10..20]));
    assert_eq!(part.header("content-range"), format!("bytes 10-19/{}", whole.len()));
    let tail = server.request("GET", target, &[("Range", "bytes=-5")], b"");
    assert_eq!(tail.body, whole[whole.len() - 5..]);
    for useless in ["bytes=9999999-", "bytes=5-2", "lines=1-2"] {
        let answer = server.request("GET", target, &[("Range", useless)], b"");
        assert_eq!((answer.status, answer.body.len()), (200, whole.len()), "{useless}");
    }
}

#[test]
fn errors_are_xml_with_a_request_id() {
    let server = Server::start(&[]);
    let missing = server.get("/demo/missing.jpg");
    assert_eq!((missing.status, missing.header("content-type")), (404, "application/xml"));
    assert!(missing.text().starts_with("<?xml"));
    assert_eq!(missing.element("Code"), "NoSuchKey");
    assert_eq!(missing.element("Key"), "missing.jpg");
    assert_eq!(missing.element("EC"), "0026-00000001");
    let id = missing.header("x-oss-request-id");
    assert!(id.len() == 24 && id.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase()), "{id}");
    assert_eq!(missing.element("RequestId"), id);
    assert_eq!(missing.header("x-oss-ec"), "0026-00000001");
    assert!(!missing.header("date").is_empty());
    assert_ne!(server.get("/demo/missing.jpg").header("x-oss-request-id"), id);
    let head = server.request("HEAD", "/demo/missing.jpg", &[], b"");
    assert_eq!((head.status, head.body.len()), (404, 0));
    assert!(!head.header("x-oss-err").is_empty());
    let processed = server.get("/demo/missing.jpg?x-oss-process=image/resize,w_10");
    assert_eq!(processed.element("EC"), "0040-00000024");
    let bucket = server.get("/no-such-bucket/a.jpg");
    assert_eq!((bucket.status, bucket.element("Code").as_str()), (404, "NoSuchBucket"));
    for (target, status, code) in [
        ("/demo/example.jpg?x-oss-process=image/slim,1", 400, "InvalidArgument"),
        ("/demo/example.jpg?x-oss-process=image/crop,x_400", 400, "BadRequest"),
        ("/demo/example.jpg?x-oss-process=image/faces", 501, "NotImplemented"),
        ("/demo/example.jpg?x-oss-process=image/watermark,image_bm9uZQ", 400, "WatermarkError"),
        ("/demo/example.jpg?x-oss-process=style/a", 404, "NoSuchStyle"),
        ("/demo/example.jpg?acl", 403, "AccessDenied"),
        ("/demo/example.jpg?tagging", 501, "NotImplemented"),
    ] {
        let answer = server.get(target);
        assert_eq!((answer.status, answer.element("Code").as_str()), (status, code), "{target}");
    }
}

#[test]
fn bad_files_are_the_callers_fault() {
    let folder = Folder::new();
    let bucket = folder.path().join("bad");
    std::fs::create_dir_all(&bucket).expect("made");
    let jpeg = fixture("demo/example.jpg");
    let mut huge = jpeg.clone();
    let sof = huge.windows(2).position(|marker| marker == [0xFF, 0xC0]).expect("a frame header");
    huge[sof + 5..sof + 9].fill(0xFF);
    for (name, bytes) in [
        ("cut.jpg", &jpeg[..jpeg.len() / 2]),
        ("empty.jpg", b""),
        ("text.jpg", b"this is no picture"),
        ("gif.jpg", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
        ("huge.jpg", &huge),
    ] {
        std::fs::write(bucket.join(name), bytes).expect("written");
    }
    let store = folder.path().to_string_lossy().into_owned();
    let server = Server::start(&["--store", &store]);
    let get = |name: &str| server.get(&format!("/bad/{name}?x-oss-process=image/resize,w_10"));
    assert_eq!((get("cut.jpg").status, get("cut.jpg").element("Code").as_str()), (403, "ImageDamage"));
    assert_eq!((get("gif.jpg").status, get("gif.jpg").element("Code").as_str()), (403, "ImageDamage"));
    for name in ["empty.jpg", "text.jpg"] {
        let answer = get(name);
        assert_eq!((answer.status, answer.element("EC").as_str()), (400, "0040-00000005"), "{name}");
    }
    assert_eq!(get("huge.jpg").status, 400);
    // A file whose name lies is what its bytes are.
    std::fs::write(bucket.join("really-a-png.jpg"), fixture("demo/logo.png")).expect("written");
    assert_eq!(get("really-a-png.jpg").header("content-type"), "image/png");
}

#[test]
fn a_folder_of_plain_files_is_a_bucket() {
    let folder = Folder::new();
    let bucket = folder.path().join("photos/2024 summer");
    std::fs::create_dir_all(&bucket).expect("made");
    std::fs::write(folder.path().join("secret.txt"), "secret").expect("written");
    let odd = "a b+汉%20#.jpg";
    std::fs::write(bucket.join(odd), fixture("demo/example.jpg")).expect("written");
    let store = folder.path().to_string_lossy().into_owned();
    let server = Server::start(&["--store", &store]);
    let key = "2024%20summer/a%20b%2B%E6%B1%89%2520%23.jpg";
    assert_eq!(server.get(&format!("/photos/{key}")).body, fixture("demo/example.jpg"));
    let resized = server.get(&format!("/photos/{}?x-oss-process=image/resize,w_50", key.replace('/', "%2F")));
    assert_eq!(decoded(&resized).size(), Size::new(50, 33));
    for climbing in
        ["/photos/../secret.txt", "/photos/%2e%2e/secret.txt", "/photos/..%2Fsecret.txt", "/photos/a/../../secret.txt"]
    {
        let answer = server.get(climbing);
        assert_eq!(answer.status, 404, "{climbing}: {}", answer.text());
    }
    // Folders need not be called as OSS wants it; names that no bucket could have are told as such.
    for name in ["v0", "My Photos"] {
        std::fs::create_dir(folder.path().join(name)).expect("made");
        std::fs::write(folder.path().join(name).join("a.png"), fixture("demo/logo.png")).expect("written");
        let target = format!("/{}/a.png?x-oss-process=image/resize,w_20", name.replace(' ', "%20"));
        assert_eq!(decoded(&server.get(&target)).size(), Size::new(20, 20), "{name}");
    }
    assert_eq!(server.get("/UPPER/a.png").element("Code"), "InvalidBucketName");
    assert_eq!(server.get("/upper/a.png").element("Code"), "NoSuchBucket");
    // Nothing was written into somebody's own folder.
    let found: Vec<_> =
        std::fs::read_dir(folder.path()).expect("there").map(|entry| entry.expect("one").file_name()).collect();
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn writing_needs_the_right() {
    let picture = fixture("demo/logo.png");
    let server = Server::start(&[]);
    let refused = server.request("PUT", "/demo/new.png", &[], &picture);
    assert_eq!((refused.status, refused.element("Code").as_str()), (403, "AccessDenied"));
    assert_eq!(server.get("/demo/new.png").status, 404);

    let server = Server::start(&["--anonymous", "write"]);
    let put = server.request("PUT", "/demo/a/new.png", &[("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==")], &picture);
    assert_eq!((put.status, put.element("Code").as_str()), (400, "InvalidDigest"));
    let put = server.request("PUT", "/demo/a/new.png", &[], &picture);
    assert_eq!((put.status, put.body.len()), (200, 0));
    let back = server.get("/demo/a/new.png");
    assert_eq!((back.status, back.header("etag")), (200, put.header("etag")));
    assert_eq!(back.body, picture);
    // CRC-64/XZ of the vector in the OSS documentation.
    let check = server.request("PUT", "/demo/check.txt", &[], b"123456789");
    assert_eq!(check.header("x-oss-hash-crc64ecma"), "11051210869376104954");
    let again = server.request("PUT", "/demo/check.txt", &[("x-oss-forbid-overwrite", "true")], b"other");
    assert_eq!((again.status, again.element("Code").as_str()), (409, "FileAlreadyExists"));
    assert_eq!(server.get("/demo/check.txt").text(), "123456789");

    let server = Server::start(&["--anonymous", "none"]);
    assert_eq!(server.get("/demo/example.jpg").status, 403);
}

#[test]
fn too_much_at_once_is_refused_with_a_time_to_come_back() {
    let server = Server::start(&["--workers", "1", "--queue", "1"]);
    let target = "/demo/photo.jpg?x-oss-process=image/resize,w_3000/blur,r_50,s_20";
    let answers: Vec<Response> = std::thread::scope(|scope| {
        let requests: Vec<_> = (0..8).map(|_| scope.spawn(|| server.get(target))).collect();
        requests.into_iter().map(|request| request.join().expect("no panic")).collect()
    });
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert!(answers.iter().any(|answer| answer.status == 200));
    assert!(!refused.is_empty() && answers.iter().all(|answer| matches!(answer.status, 200 | 503)));
    for answer in refused {
        assert_eq!(answer.element("Code"), "ServiceUnavailable");
        assert_eq!(answer.element("EC"), "0004-00000801");
        assert!(!answer.header("retry-after").is_empty());
    }
}

#[test]
fn a_deadline_ends_a_request() {
    let server = Server::start(&["--deadline-ms", "5"]);
    let answer = server.get("/demo/photo.jpg?x-oss-process=image/resize,w_3000/blur,r_50,s_20");
    assert_eq!((answer.status, answer.element("Code").as_str()), (503, "ServiceUnavailable"));
    // And the worker is free again.
    assert_eq!(server.get("/demo/example.jpg").status, 200);
}

#[test]
fn silent_clients_are_let_go() {
    use std::io::{Read, Write};
    let server = Server::start(&["--patience-ms", "200", "--anonymous", "write"]);
    // Half a head: the connection ends without an answer, or with 408.
    let mut half = server.connect();
    half.write_all(b"GET /demo/example.jpg HTTP/1.1\r\nHost: a").expect("sent");
    let mut answer = String::new();
    half.read_to_string(&mut answer).expect("closed by the server");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    // Half a body: the upload fails and nothing is stored.
    let mut half = server.connect();
    half.write_all(b"PUT /demo/half.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf").expect("sent");
    let mut answer = String::new();
    half.read_to_string(&mut answer).expect("closed by the server");
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("IncompleteBody"), "{answer}");
    assert_eq!(server.get("/demo/half.txt").status, 404);
}

#[test]
fn it_lives_is_ready_and_leaves_in_peace() {
    let server = Server::start(&[]);
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.get("/readyz").status, 200);
    let status = std::thread::scope(|scope| {
        let long = scope.spawn(|| server.get("/demo/photo.jpg?x-oss-process=image/resize,w_3000/blur,r_50,s_20"));
        std::thread::sleep(std::time::Duration::from_millis(300));
        server.terminate();
        long.join().expect("no panic").status
    });
    assert_eq!(status, 200, "a running request is finished");
    assert_eq!(server.wait(), Some(0));
}
