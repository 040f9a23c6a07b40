//! Two servers over one store: what one wrote is the other's too.

use crate::support::clients;
use crate::support::server::{Folder, Server};
use crate::support::signed::KEY;
use pixelpass::store::Place;
use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

const BUCKETS: [&str; 4] = ["bucket-a", "bucket-b", "bucket-c", "bucket-d"];

/// Styles of each bucket: as many as there may be.
const STYLES: usize = 50;

fn put_style(server: &Server, bucket: &str, name: &str, content: &str) -> u16 {
    let document = format!("<Style><Content>{content}</Content></Style>");
    server.signed("PUT", &format!("/{bucket}/?style&styleName={name}"), &[], document.as_bytes()).status
}

/// Names and contents of all styles, as one server tells them.
fn styles(server: &Server, bucket: &str) -> BTreeSet<(String, String)> {
    let text = server.signed("GET", &format!("/{bucket}/?style"), &[], b"").text();
    let inside = |rest: &str, name: &str| {
        let from = rest.split_once(&format!("<{name}>")).expect(name).1;
        from.split_once('<').expect("an end").0.to_owned()
    };
    text.split("<Style>").skip(1).map(|style| (inside(style, "Name"), inside(style, "Content"))).collect()
}

/// Writes 200 styles at once through two servers; every one that was acknowledged is there, for both.
fn agree(store: &str, variables: &[(String, String)]) {
    let folder = Folder::new();
    let flags = ["--store", store, "--engine", "cpu", KEY[0], KEY[1]];
    let servers = [(); 2].map(|()| Server::start_in(folder.path(), &flags, variables));
    for bucket in BUCKETS {
        assert_eq!(servers[0].signed("PUT", &format!("/{bucket}"), &[], b"").status, 200);
    }
    thread::scope(|scope| {
        for (number, bucket) in BUCKETS.iter().enumerate() {
            for half in 0..2 {
                let servers = &servers;
                scope.spawn(move || {
                    for name in (half..STYLES).step_by(2) {
                        let server = &servers[(number + name / 2) % 2];
                        let status = put_style(server, bucket, &format!("s{name}"), &format!("image/resize,w_{name}"));
                        assert_eq!(status, 200, "{bucket} s{name}");
                    }
                });
            }
        }
    });
    let expected: BTreeSet<_> =
        (0..STYLES).map(|name| (format!("s{name}"), format!("image/resize,w_{name}"))).collect();
    thread::sleep(Duration::from_millis(1500));
    for bucket in BUCKETS {
        for server in &servers {
            assert_eq!(styles(server, bucket), expected, "{bucket}");
        }
        assert_eq!(put_style(&servers[1], bucket, "one-more", "x"), 403);
    }
    // A server that has just looked sees another's change a moment later.
    let picture = crate::support::fixture("demo/example.jpg");
    assert_eq!(servers[0].signed("PUT", "/bucket-a/a.jpg", &[], &picture).status, 200);
    let used = |server: &Server| {
        let answer = server.signed("GET", "/bucket-a/a.jpg?x-oss-process=style/s1", &[], b"");
        let probe = pixelpass::codec::probe(&answer.body, &pixelpass::limits::Limits::OSS);
        probe.map(|probe| probe.size.width).unwrap_or_default()
    };
    assert_eq!(used(&servers[1]), 1);
    assert_eq!(put_style(&servers[0], "bucket-a", "s1", "image/resize,w_77"), 200);
    assert_eq!(used(&servers[0]), 77, "one's own change is seen at once");
    thread::sleep(Duration::from_millis(1500));
    assert_eq!(used(&servers[1]), 77);
}

#[test]
fn over_one_directory() {
    let folder = Folder::new();
    agree(&folder.path().to_string_lossy(), &[]);
}

#[test]
fn over_one_s3_store() {
    if let Some(Place::S3(place)) = clients::s3("servers") {
        agree(&format!("s3://{}/{}", place.bucket, place.prefix), &place.variables);
    }
}
