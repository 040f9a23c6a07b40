//! A server that is killed in the middle of writing: nothing torn is served, nothing that was
//! acknowledged is lost.

use crate::support::fixture;
use crate::support::server::{Folder, Server};
use crate::support::signed::{KEY, sign};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use md5::{Digest, Md5};
use pixelpass::oss::sign::Scheme;
use pixelpass::store::{Bucket, Key, Listing, Object, Place, Store};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A writer for each; the last two cannot be names of files.
const KEYS: [&str; 4] = ["a.bin", "dir/b.bin", "odd%2F%2Fc.bin", "marker/"];

const KILLS: usize = 12;

/// The content of a key's upload of that number: telling which, and of a length of its own.
fn content(writer: usize, number: u64) -> Vec<u8> {
    let seed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ writer as u64;
    let length = 1000 + (seed >> 33) as usize % 1_500_000;
    let mut content = format!("{writer} {number} ").into_bytes();
    content.extend((0..length).map(|index| (seed >> (index % 57)) as u8));
    content
}

/// Uploads one content after the other until the server goes; the last number that was
/// acknowledged.
fn upload(server: &Server, writer: usize, mut number: u64) -> u64 {
    let put = |mut stream: TcpStream, number: u64| {
        let content = content(writer, number);
        let (key, length) = (KEYS[writer], content.len());
        write!(
            stream,
            "PUT /demo/{key} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\
             x-oss-meta-number: {number}\r\n\r\n"
        )?;
        stream.write_all(&content)?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok::<_, std::io::Error>(status == *b"HTTP/1.1 200")
    };
    while let Some(stream) = server.try_connect() {
        match put(stream, number + 1) {
            Ok(true) => number += 1,
            Ok(false) => panic!("an upload was refused"),
            Err(_) => break,
        }
    }
    number
}

#[test]
fn uploads_survive_a_kill() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("demo")).unwrap();
    let directory = folder.path().to_str().unwrap();
    let mut acknowledged = [0; KEYS.len()];
    for _ in 0..KILLS {
        let server = Server::start(&["--store", directory, "--anonymous", "write", "--engine", "cpu"]);
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..KEYS.len())
                .map(|writer| {
                    let (server, number) = (&server, acknowledged[writer]);
                    scope.spawn(move || upload(server, writer, number))
                })
                .collect();
            let noise = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
            std::thread::sleep(Duration::from_millis(20 + u64::from(noise % 500)));
            server.kill();
            for (writer, thread) in writers.into_iter().enumerate() {
                acknowledged[writer] = thread.join().unwrap();
            }
        });
        for (writer, stored) in stored(folder.path()).into_iter().enumerate() {
            let Some(number) = stored else {
                assert_eq!(acknowledged[writer], 0, "{} is lost", KEYS[writer]);
                continue;
            };
            // The upload that was under way may have arrived, though nobody was told.
            let last = acknowledged[writer];
            assert!(number == last || number == last + 1, "{}: {number} after {last}", KEYS[writer]);
            acknowledged[writer] = number;
        }
    }
    assert!(acknowledged.iter().sum::<u64>() > 0, "nothing was ever acknowledged");
}

/// The numbers of the uploads that are in the store; all of it is looked at.
fn stored(directory: &std::path::Path) -> Vec<Option<u64>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&Place::Directory(directory.to_owned())).unwrap();
        let bucket = Bucket::new("demo").unwrap();
        let listed = store.list(&bucket, &Listing { limit: 1000, ..Listing::default() }).await.unwrap();
        let keys = KEYS.map(|key| key.replace("%2F", "/"));
        let mut numbers = vec![None; keys.len()];
        for (key, meta) in listed.objects {
            let writer = keys.iter().position(|known| *known == key).expect("no key of another name");
            let object: Object = store.get(&bucket, &Key::new(&key).unwrap()).await.unwrap();
            assert_eq!(object.meta, meta);
            let bytes = crate::store::content_of(object).await;
            assert_eq!(meta.md5, Some(Md5::digest(&bytes).into()), "{key} is torn");
            let number = meta.description.user["number"].parse().unwrap();
            assert!(bytes == content(writer, number), "{key}: content and metadata are of two uploads");
            numbers[writer] = Some(number);
        }
        numbers
    })
}

/// A saver for each; the last cannot be a file's name.
const SAVED: [&str; 3] = ["out/a.png", "b.png", "odd//c.png"];

/// The width of the picture with this number.
fn width(number: u64) -> u32 {
    10 + (number % 380) as u32
}

/// Has one picture after the other made and saved until the server goes; the last number that was
/// acknowledged.
fn save(server: &Server, key: &str, mut number: u64) -> u64 {
    let name = URL_SAFE_NO_PAD.encode(key);
    loop {
        let process = format!("image/resize,w_{}/format,png|sys/saveas,o_{name}", width(number + 1));
        let body = format!("x-oss-process={process}");
        let target = sign(Scheme::V4, "POST", "/demo/source.jpg?x-oss-process", &[]);
        let Some(mut stream) = server.try_connect() else { return number };
        let head = format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut status = [0; 12];
        let sent = stream.write_all(format!("{head}{body}").as_bytes());
        match sent.and_then(|()| stream.read_exact(&mut status)) {
            Ok(()) => assert_eq!(&status, b"HTTP/1.1 200"),
            Err(_) => return number,
        }
        number += 1;
    }
}

#[test]
fn saved_pictures_survive_a_kill() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("demo")).unwrap();
    std::fs::write(folder.path().join("demo/source.jpg"), fixture("demo/example.jpg")).unwrap();
    let flags = ["--store", folder.path().to_str().unwrap(), "--engine", "cpu", KEY[0], KEY[1]];
    let mut acknowledged = [0; SAVED.len()];
    for kill in 0..6 {
        let server = Server::start(&flags);
        std::thread::scope(|scope| {
            let server = &server;
            let saver = |(key, number)| scope.spawn(move || save(server, key, number));
            let savers: Vec<_> = SAVED.into_iter().zip(acknowledged).map(saver).collect();
            std::thread::sleep(Duration::from_millis(150 + 83 * kill));
            server.kill();
            for (number, saver) in acknowledged.iter_mut().zip(savers) {
                *number = saver.join().unwrap();
            }
        });
        let server = Server::start(&flags);
        for (key, last) in SAVED.iter().zip(&mut acknowledged) {
            let answer = server.get(&format!("/demo/{key}"));
            if answer.status == 404 {
                assert_eq!(*last, 0, "{key} is lost");
                continue;
            }
            assert_eq!((answer.status, answer.header("content-type")), (200, "image/png"), "{key}");
            let digest: String = Md5::digest(&answer.body).iter().map(|byte| format!("{byte:02X}")).collect();
            assert_eq!(answer.header("etag"), format!("\"{digest}\""), "{key} is torn");
            let probe = pixelpass::codec::probe(&answer.body, &pixelpass::limits::Limits::OSS).unwrap();
            *last += u64::from(probe.size.width != width(*last));
            assert_eq!(probe.size.width, width(*last), "{key}: another picture than the last");
        }
    }
    assert!(acknowledged.iter().sum::<u64>() > 0, "nothing was ever acknowledged");
}
