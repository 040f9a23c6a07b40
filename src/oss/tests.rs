//! The calls, from request to reply, over a real store and a studio without pixels.

use super::*;
use crate::engine::Kind;
use crate::processor::Times;
use crate::store::{Bucket, Place, Upload};
use futures_util::{StreamExt, stream};
use sign::{Key, Order, Reading, Scheme, presign};
use std::fs;
use std::future::Future;
use std::net::Ipv4Addr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;
use wire::{Body, Headers};

/// Understands `reverse` and `panic`, and counts how often it worked.
#[derive(Default)]
struct Fake {
    worked: AtomicU32,
}

impl Studio for Fake {
    fn prepare(self: Arc<Self>, process: &str, _: &BTreeMap<String, String>) -> Result<Prepared, Error> {
        let panics = match process {
            "image/reverse" => false,
            "image/panic" => true,
            other => return Err(Error::invalid_value("process", other)),
        };
        let work: Work = Box::new(move |source, _, _| {
            assert!(!panics, "asked to");
            self.worked.fetch_add(1, Ordering::Relaxed);
            let bytes = source.iter().rev().copied().collect();
            let (engine, times) = (Kind::Cpu, Times::default());
            Ok(Answer { bytes, content_type: "image/png", engine, reason: "no adapter – yet".into(), times })
        });
        Ok(Prepared { assets: Vec::new(), canonical: process.to_owned(), work })
    }

    fn look(&self, _: &[u8]) -> Option<Picture> {
        None
    }
}

struct House {
    service: Service,
    fake: Arc<Fake>,
    path: PathBuf,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

const ETAG: &str = "\"25F9E794323B453885F5181F1B624D0B\"";

fn house(anonymous: Rights) -> House {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("pixelpass-oss-{}-{number}", std::process::id()));
    fs::create_dir_all(path.join("demo")).unwrap();
    fs::write(path.join("demo/long.jpg"), vec![0; 200]).unwrap();
    let store = Store::open(&Place::Directory(path.clone())).unwrap();
    let digits = Box::pin(stream::iter([Ok(Bytes::from("123456789"))]));
    let (bucket, key) = (Bucket::new("demo").unwrap(), crate::store::Key::new("digits.jpg").unwrap());
    wait(store.put(&bucket, &key, digits, Upload::default())).unwrap();
    let fake = Arc::new(Fake::default());
    let service = Service {
        store,
        studio: fake.clone(),
        crew: Crew::new(NonZeroUsize::MIN, NonZeroUsize::MIN).unwrap(),
        callbacks: Arc::new(callback::Client::new(Vec::new())),
        rules: Rules {
            anonymous,
            domains: Domains { bases: vec!["localhost".to_owned()], custom: Vec::new() },
            region: "cn-hangzhou".to_owned(),
            required_region: None,
            deadline: Duration::from_secs(600),
            upload_limit_bytes: 10,
            source_limit_bytes: 100,
            validators: Validators::Source,
            unsupported: Unsupported::default(),
            cors: cors::Rules::default(),
        },
        keys: Arc::new(Keys::new(vec![Key::new("id", "secret")])),
    };
    House { service, fake, path }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

impl House {
    /// Status, reply headers and body; errors go through the one place where they become answers.
    fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[&'static str]) -> (Reply, String) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let chunks: Vec<_> = body.iter().map(|chunk| Ok(Bytes::from(*chunk))).collect();
        let request = Request {
            id: "ID".to_owned(),
            client_ip: Ipv4Addr::LOCALHOST.into(),
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            host: "demo.localhost".to_owned(),
            secure: false,
            headers: Headers(headers),
            body: Box::pin(stream::iter(chunks)),
            begin: Instant::now(),
        };
        wait(async {
            let admitted = self.service.admit(&request, SystemTime::now());
            let reply = match admitted {
                Ok(admitted) => self.service.perform(admitted, request).await,
                Err(error) => Err(error),
            };
            let mut reply = reply.unwrap_or_else(|error| error_reply(&error, method == "HEAD", "ID", "HOST"));
            let mut bytes = Vec::new();
            match std::mem::replace(&mut reply.body, Body::Empty) {
                Body::Empty => {}
                Body::Whole(whole) => bytes.extend(whole),
                Body::Chunks(mut chunks) => {
                    while let Some(chunk) = chunks.next().await {
                        bytes.extend(chunk.unwrap());
                    }
                }
            }
            (reply, String::from_utf8(bytes).unwrap())
        })
    }

    fn get(&self, target: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let (reply, body) = self.ask("GET", target, headers, &[]);
        (reply.status, body)
    }
}

const REVERSED: &str = "/digits.jpg?x-oss-process=image/reverse";

#[test]
fn a_plain_get_and_its_head() {
    let house = house(Rights::Read);
    let (reply, body) = house.ask("GET", "/digits.jpg", &[], &[]);
    assert_eq!((reply.status, body.as_str()), (200, "123456789"));
    assert_eq!(reply.get("ETag"), Some(ETAG));
    assert_eq!(reply.get("Content-Type"), Some("image/jpeg"));
    assert_eq!(reply.get("x-oss-hash-crc64ecma"), Some("11051210869376104954"));
    let (head, nothing) = house.ask("HEAD", "/digits.jpg", &[], &[]);
    assert_eq!((head.status, nothing.as_str()), (200, ""));
    assert_eq!(head.headers, reply.headers);
    // Virtual host and path both name the bucket.
    assert_eq!(house.get("/demo/digits.jpg", &[]).0, 200);
}

#[test]
fn a_processed_get_keeps_the_sources_identity() {
    let house = house(Rights::Read);
    let (reply, body) = house.ask("GET", REVERSED, &[], &[]);
    assert_eq!((reply.status, body.as_str()), (200, "987654321"));
    assert_eq!(reply.get("ETag"), Some(ETAG));
    assert_eq!(reply.get("Content-Type"), Some("image/png"));
    assert_eq!(reply.get("Content-Length"), Some("9"));
    assert_eq!(reply.get("x-pixelpass-engine"), Some("cpu; no adapter ? yet"));
    assert!(reply.get("Server-Timing").unwrap().contains("cpu;dur=0.00"));
    assert!(reply.get("x-oss-hash-crc64ecma").is_none() && reply.get("Content-MD5").is_none());
    let (head, nothing) = house.ask("HEAD", REVERSED, &[], &[]);
    assert_eq!((head.get("Content-Length"), nothing.as_str()), (Some("9"), ""));
    // An empty process string asks for nothing.
    assert_eq!(house.get("/digits.jpg?x-oss-process=", &[]).1, "123456789");
}

#[test]
fn conditions_come_after_the_process_string_and_before_the_work() {
    let house = house(Rights::Read);
    let (status, body) = house.get("/digits.jpg?x-oss-process=image/nonsense", &[("if-none-match", ETAG)]);
    assert!(status == 400 && body.contains("<Code>InvalidArgument</Code>"), "{status} {body}");
    let (reply, body) = house.ask("GET", REVERSED, &[("if-none-match", ETAG)], &[]);
    assert_eq!((reply.status, body.as_str(), reply.get("ETag")), (304, "", Some(ETAG)));
    assert!(reply.get("Last-Modified").is_some() && reply.get("Content-Length").is_none());
    let (status, body) = house.get(REVERSED, &[("if-match", "\"x\"")]);
    assert!(status == 412 && body.contains("<Condition>If-Match</Condition>"), "{status} {body}");
    assert_eq!(house.fake.worked.load(Ordering::Relaxed), 0);
    assert_eq!(house.get(REVERSED, &[("if-match", ETAG)]).0, 200);
}

#[test]
fn ranges_of_plain_and_processed_answers() {
    let house = house(Rights::Read);
    for (target, expected) in [("/digits.jpg", "345"), (REVERSED, "765")] {
        let (reply, body) = house.ask("GET", target, &[("range", "bytes=2-4,7-8")], &[]);
        assert_eq!((reply.status, body.as_str()), (206, expected));
        assert_eq!(reply.get("Content-Range"), Some("bytes 2-4/9"));
        assert_eq!(reply.get("Content-Length"), Some("3"));
        let (reply, body) = house.ask("GET", target, &[("range", "bytes=9-")], &[]);
        assert_eq!((reply.status, body.len(), reply.get("Content-Range")), (200, 9, None));
        let standard = [("range", "bytes=9-"), ("x-oss-range-behavior", "standard")];
        assert_eq!(house.get(target, &standard).0, 416);
    }
}

#[test]
fn what_is_missing_is_told_with_its_ec() {
    let house = house(Rights::Read);
    let (status, body) = house.get("/none.jpg", &[]);
    assert!(status == 404 && body.contains("<Key>none.jpg</Key>") && body.contains("<EC>0026-00000001</EC>"));
    let (status, body) = house.get("/none.jpg?x-oss-process=image/reverse", &[]);
    assert!(status == 404 && body.contains("<EC>0040-00000024</EC>"), "{body}");
    let (head, body) = house.ask("HEAD", "/none.jpg", &[], &[]);
    assert_eq!((head.status, body.as_str(), head.get("x-oss-ec")), (404, "", Some("0026-00000001")));
    assert!(head.get("x-oss-err").unwrap().starts_with("PD94bWwg"));
}

#[test]
fn rights_and_signatures() {
    let none = house(Rights::None);
    for target in ["/digits.jpg", "/none.jpg", REVERSED] {
        let (status, body) = none.get(target, &[]);
        assert!(status == 403 && body.contains("<EC>0003-00000001</EC>"), "{body}");
    }
    let read = house(Rights::Read);
    assert_eq!(read.ask("PUT", "/new.jpg", &[], &["x"]).0.status, 403);
    assert!(!read.path.join("demo/new.jpg").exists());
    assert_eq!(read.get("/digits.jpg", &[("authorization", "OSS a:b")]).0, 403);
    assert_eq!(read.get("/digits.jpg", &[("authorization", "Basic a:b")]).0, 400);
    assert_eq!(read.get("/digits.jpg?OSSAccessKeyId=a&Expires=1&Signature=b", &[]).0, 403);
    assert_eq!(read.get("/digits.jpg?x-oss-signature-version=OSS4-HMAC-SHA256", &[]).0, 400);
    assert_eq!(read.get("/digits.jpg?response-content-type=text/html", &[]).0, 400);
}

/// The target signed in its URL by the house's key, read as `key` of the bucket.
fn signed(method: &str, key: &str, target: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let order = Order {
        scheme: Scheme::V4,
        method,
        reading: Reading { bucket: Some("demo".to_owned()), key: key.to_owned() },
        parameters: pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        headers: Headers::default(),
        key: &Key::new("id", "secret"),
        region: "cn-hangzhou",
        now: sign::clock::seconds(SystemTime::now()),
        lifetime_s: 600,
    };
    format!("{path}?{}", presign(&order).unwrap())
}

#[test]
fn who_signs_may_read_and_write() {
    let house = house(Rights::None);
    let put = signed("PUT", "new.jpg", "/new.jpg");
    assert_eq!(house.ask("PUT", &put, &[], &["x"]).0.status, 200);
    assert_eq!(house.ask("GET", &put, &[], &[]).0.status, 403);
    let get = signed("GET", "digits.jpg", &format!("{REVERSED}&response-content-type=text/x&response-expires="));
    let (reply, body) = house.ask("GET", &get, &[], &[]);
    assert_eq!((reply.status, body.as_str(), reply.get("Content-Type")), (200, "987654321", Some("text/x")));
    assert_eq!(
        (reply.headers.iter().filter(|(name, _)| *name == "Content-Type").count(), reply.get("Expires")),
        (1, None)
    );
    // The signature says which reading of a path that repeats the bucket is meant.
    let target = "/demo/digits.jpg";
    assert_eq!(house.get(&signed("GET", "digits.jpg", target), &[]).0, 200);
    assert_eq!(house.get(&signed("GET", "demo/digits.jpg", target), &[]).0, 404);
    // What was signed instead is told with its newlines.
    let (status, body) = house.get(&get.replace("text%2Fx", "text%2Fhtml"), &[]);
    assert!(status == 403 && body.contains("<Code>SignatureDoesNotMatch</Code>"), "{body}");
    assert!(
        body.contains("<StringToSign>OSS4-HMAC-SHA256\n20") && body.contains("<CanonicalRequestBytes>47 45 54 0A 2F"),
        "{body}"
    );
    assert!(body.contains("<CanonicalRequest>GET\n/demo/digits.jpg\nresponse-content-type=text%2Fhtml&amp;"), "{body}");
    // The ring can be exchanged.
    house.service.keys.replace(vec![Key::new("id2", "secret2")]);
    let (status, body) = house.get(&get, &[]);
    assert!(status == 403 && body.contains("<EC>0002-00000902</EC>") && body.contains("<OSSAccessKeyId>id<"), "{body}");
}

#[test]
fn a_put_answers_with_its_digests_and_can_be_read_back() {
    let house = house(Rights::Write);
    let md5 = ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==");
    let (reply, body) = house.ask("PUT", "/dir/new.jpg", &[md5], &["1234", "56789"]);
    assert_eq!((reply.status, body.as_str(), reply.get("ETag")), (200, "", Some(ETAG)));
    assert_eq!(reply.get("Content-MD5"), Some(md5.1));
    assert_eq!(reply.get("x-oss-hash-crc64ecma"), Some("11051210869376104954"));
    let (read, body) = house.ask("GET", "/dir/new.jpg", &[("if-match", ETAG)], &[]);
    assert_eq!((read.status, body.as_str(), read.get("ETag")), (200, "123456789", Some(ETAG)));
    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str], u16, &'static str);
    let cases: &[Case] = &[
        ("/dir/new.jpg", &[("x-oss-forbid-overwrite", "true")], &["x"], 409, "FileAlreadyExists"),
        ("/x", &[("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==")], &["x"], 400, "InvalidDigest"),
        ("/x", &[("content-md5", "short")], &["x"], 400, "InvalidDigest"),
        ("/x", &[], &["12345", "67890", "1"], 400, "EntityTooLarge"),
        ("/x", &[("content-length", "11")], &[], 400, "EntityTooLarge"),
        ("/x", &[("x-oss-copy-source", "/demo/none.jpg")], &[], 404, "NoSuchKey"),
        ("/x", &[("x-oss-copy-source", "digits.jpg")], &[], 400, "InvalidArgument"),
    ];
    for (target, headers, body, status, code) in cases {
        let (reply, body) = house.ask("PUT", target, headers, body);
        assert!(reply.status == *status && body.contains(&format!("<Code>{code}</Code>")), "{target} {body}");
    }
    assert!(!house.path.join("demo/x").exists());
}

#[test]
fn headers_that_clients_rely_on_while_they_write() {
    let house = house(Rights::Write);
    let append = |position: u32, text| {
        let (reply, _) = house.ask("POST", &format!("/log.txt?append&position={position}"), &[], &[text]);
        (reply.status, reply.get("x-oss-next-append-position").unwrap_or_default().to_owned())
    };
    assert_eq!(append(0, "one "), (200, "4".to_owned()));
    assert_eq!(append(3, "late"), (409, "4".to_owned()));
    let (_, begun) = house.ask("POST", "/copy.txt?uploads", &[], &[]);
    let id = begun.split("<UploadId>").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
    let target = format!("/copy.txt?partNumber=1&uploadId={id}");
    let (copied, document) = house.ask("PUT", &target, &[("x-oss-copy-source", "/demo/digits.jpg")], &[]);
    assert_eq!((copied.status, copied.get("ETag")), (200, Some(ETAG)), "{document}");
}

#[test]
fn failures_of_the_work_are_answers() {
    let house = house(Rights::Read);
    let (status, body) = house.get("/digits.jpg?x-oss-process=image/panic", &[]);
    assert!(status == 500 && !body.contains("asked to"), "{body}");
    assert_eq!(house.get(REVERSED, &[]).0, 200);
    let (status, body) = house.get("/long.jpg?x-oss-process=image/reverse", &[]);
    assert!(status == 400 && body.contains("<EC>0040-00000001</EC>"), "{body}");
    assert_eq!(house.get("/long.jpg", &[]).0, 200);
    let busy = error_reply(&Error::unavailable("busy"), false, "ID", "HOST");
    assert_eq!((busy.status, busy.get("Retry-After")), (503, Some("1")));
}
