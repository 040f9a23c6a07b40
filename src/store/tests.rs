//! The store over plain files.

use super::*;
use futures_util::{StreamExt, TryStreamExt};
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("pixelpass-store-{}-{number}", std::process::id()));
        fs::create_dir_all(path.join("root/demo")).unwrap();
        Scratch(path)
    }

    fn store(&self) -> Store {
        Store::open(&Place::Directory(self.0.join("root"))).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn bucket() -> Bucket {
    Bucket::new("demo").unwrap()
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

async fn put(store: &Store, name: &str, text: &'static str, replace: Replace) -> Result<String, Error> {
    let content = Content::new(vec![Bytes::from(text)]).await?;
    store.put(&bucket(), &key(name), content, replace).await
}

async fn read(store: &Store, name: &str) -> Result<Bytes, Error> {
    Ok(store.get(&bucket(), &key(name)).await?.read(1 << 20).await?.unwrap())
}

const ODD_NAMES: &[&str] = &[
    "a b+汉%20.jpg",
    "100%.png",
    "a#b.jpg",
    "%2e%2e",
    "%2F.jpg",
    "sub dir/~[x]{y}|^`\"<>*?&=;:@!$'(),.jpg",
    "ü/é.jpg",
    ".hidden",
    "a#1.jpg",
];

#[test]
fn plain_files_with_odd_names_are_objects_and_objects_are_plain_files() {
    let scratch = Scratch::new();
    let store = scratch.store();
    for name in ODD_NAMES {
        let path = scratch.0.join("root/demo").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, name).unwrap();
        assert_eq!(wait(read(&store, name)).unwrap(), name.as_bytes(), "{name}");
        fs::remove_file(&path).unwrap();
        wait(put(&store, name, "new", Replace::Yes)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new", "{name}");
    }
}

#[test]
fn no_key_climbs_out() {
    let scratch = Scratch::new();
    let store = scratch.store();
    fs::write(scratch.0.join("secret"), "secret").unwrap();
    fs::write(scratch.0.join("root/demo/here"), "here").unwrap();
    for name in
        ["../../secret", "..", ".", "a/../here", "./here", "here/", "here/.", "..\\..\\secret", "here/x", "a//b"]
    {
        assert_eq!(wait(read(&store, name)).unwrap_err().code, Code::NoSuchKey, "{name}");
        let written = wait(put(&store, name, "x", Replace::Yes));
        assert_eq!(written.unwrap_err().code, Code::InvalidObjectName, "{name}");
    }
    assert_eq!(fs::read(scratch.0.join("secret")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(scratch.0.join("root/demo")).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_the_root_only() {
    use std::os::unix::fs::symlink;
    let scratch = Scratch::new();
    let store = scratch.store();
    let root = scratch.0.join("root");
    fs::create_dir_all(scratch.0.join("outside")).unwrap();
    fs::write(scratch.0.join("outside/secret"), "secret").unwrap();
    fs::write(root.join("demo/here"), "here").unwrap();
    symlink(scratch.0.join("outside/secret"), root.join("demo/file")).unwrap();
    symlink("../../outside", root.join("demo/directory")).unwrap();
    symlink(scratch.0.join("outside"), root.join("escape")).unwrap();
    symlink("here", root.join("demo/inside")).unwrap();
    symlink("loop", root.join("demo/loop")).unwrap();
    symlink("nowhere", root.join("demo/broken")).unwrap();
    for name in ["file", "directory/secret", "loop", "loop/x", "broken"] {
        assert_eq!(wait(read(&store, name)).unwrap_err().code, Code::NoSuchKey, "{name}");
    }
    assert_eq!(wait(read(&store, "inside")).unwrap(), "here");
    assert!(!wait(store.bucket_exists(&Bucket::new("escape").unwrap())).unwrap());
    for name in ["directory/new", "directory/deep/new", "loop/new"] {
        assert!(wait(put(&store, name, "x", Replace::Yes)).is_err(), "{name}");
    }
    // A put replaces the link, not what it points to.
    wait(put(&store, "file", "mine", Replace::Yes)).unwrap();
    assert_eq!(fs::read(scratch.0.join("outside/secret")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(scratch.0.join("outside")).unwrap().count(), 1);
}

#[test]
fn puts_and_gets_agree_on_the_etag() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let etag = wait(put(&store, "a.jpg", "123456789", Replace::No)).unwrap();
    assert_eq!(etag, "\"25F9E794323B453885F5181F1B624D0B\"");
    let object = wait(store.get(&bucket(), &key("a.jpg"))).unwrap();
    assert_eq!((object.meta.etag.as_str(), object.meta.size_bytes), (etag.as_str(), 9));
    assert_eq!(object.meta.content_type, "image/jpeg");
    // A second store has to hash the file itself.
    let hashed = wait(scratch.store().get(&bucket(), &key("a.jpg"))).unwrap();
    assert_eq!(hashed.meta, object.meta);
    assert_eq!(wait(put(&store, "a.jpg", "x", Replace::No)).unwrap_err().code, Code::FileAlreadyExists);
    let other = wait(put(&store, "a.jpg", "987654321", Replace::Yes)).unwrap();
    assert_ne!(other, etag);
    // What was held open before stays what it was.
    assert_eq!(wait(object.read(9)).unwrap().unwrap(), "123456789");
    assert_eq!(wait(Content::new(vec!["1234".into(), "56789".into()])).unwrap().crc64, 11_051_210_869_376_104_954);
}

#[test]
fn reads_are_bounded_and_streams_are_exact() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let long: Vec<u8> = (0..CHUNK_BYTES * 2 + 7).map(|index| (index % 251) as u8).collect();
    fs::write(scratch.0.join("root/demo/long"), &long).unwrap();
    let open = || wait(store.get(&bucket(), &key("long"))).unwrap();
    assert!(wait(open().read(100)).unwrap().is_none());
    let range = 5..(CHUNK_BYTES * 2) as u64;
    let parts: Vec<Bytes> = wait(open().stream(range.clone()).boxed().try_collect()).unwrap();
    assert_eq!(parts.concat(), long[range.start as usize..range.end as usize]);
}

#[test]
fn what_is_missing_is_said() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let error = wait(read(&store, "none")).unwrap_err();
    assert_eq!((error.code, error.ec), (Code::NoSuchKey, Some(Ec(26, 1))));
    let nowhere = Bucket::new("nowhere").unwrap();
    let error = wait(store.get(&nowhere, &key("none"))).unwrap_err();
    assert_eq!((error.code, error.details), (Code::NoSuchBucket, vec![("BucketName", "nowhere".to_owned())]));
    let content = wait(Content::new(vec![])).unwrap();
    let error = wait(store.put(&nowhere, &key("new"), content, Replace::Yes)).unwrap_err();
    assert_eq!(error.code, Code::NoSuchBucket);
    assert!(!scratch.0.join("root/nowhere").exists());
}

#[test]
fn samples_fill_an_empty_directory_and_no_other() {
    let scratch = Scratch::new();
    let data = scratch.0.join("data");
    demo::fill(&data).unwrap();
    assert_eq!(fs::read_dir(data.join("demo")).unwrap().count(), demo::SAMPLES.len());
    fs::write(data.join("demo/photo.jpg"), "mine").unwrap();
    fs::remove_file(data.join("demo/logo.png")).unwrap();
    demo::fill(&data).unwrap();
    assert_eq!(fs::read(data.join("demo/photo.jpg")).unwrap(), b"mine");
    assert!(!data.join("demo/logo.png").exists());
}

#[test]
fn places() {
    assert_eq!(Place::parse(""), Ok(Place::Embedded));
    assert_eq!(Place::parse("pictures"), Ok(Place::Directory("pictures".into())));
    assert_eq!(Place::parse("file:///a%20b"), Ok(Place::Directory("/a b".into())));
    assert!(Place::parse("s3://bucket").unwrap_err().contains("s3://"));
    assert!(Place::parse("file://host/x").is_err());
}
