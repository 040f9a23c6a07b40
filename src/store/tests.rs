//! What is particular to the store of plain files; what all stores do is `tests/it/store.rs`'s.

use super::*;
use futures_util::{TryStreamExt, stream};
use std::future::Future;
use std::path::PathBuf;

/// A directory that goes away with the test.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Scratch {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("root/demo")).unwrap();
        Scratch(directory)
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("root")
    }

    fn store(&self) -> Store {
        Store::open(&Place::Directory(self.root())).unwrap()
    }

    /// The files below the folder of our own things.
    fn own(&self, folder: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.root().join(layout::OWN).join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files
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

fn body(text: &str) -> Body {
    Box::pin(stream::iter([Ok(bytes::Bytes::from(text.to_owned()))]))
}

fn put(store: &Store, name: &str, text: &str) -> Result<ObjectMeta, Error> {
    wait(store.put(&bucket(), &key(name), body(text), Upload::default()))
}

fn read(store: &Store, name: &str) -> Result<String, Error> {
    wait(async {
        let mut whole = store.get(&bucket(), &key(name)).await?.whole(1 << 20).await?.unwrap();
        Ok(String::from_utf8(whole.read(&mut Vec::new())?.into()).unwrap())
    })
}

fn listed(store: &Store) -> Vec<String> {
    let listing = Listing { limit: 1000, ..Listing::default() };
    wait(store.list(&bucket(), &listing)).unwrap().objects.into_iter().map(|(key, _)| key).collect()
}

#[test]
fn objects_are_plain_files_and_plain_files_are_objects() {
    let scratch = Scratch::new();
    let store = scratch.store();
    for name in ["a b+汉%20.jpg", "100%.png", "a#b.jpg", "%2e%2e", "sub dir/~[x]{y}|^`\"<>*?&=;:@!$'(),.jpg", ".hidden"]
    {
        let path = scratch.root().join("demo").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, name).unwrap();
        assert_eq!(read(&store, name).unwrap(), name);
        let meta = wait(store.head(&bucket(), &key(name))).unwrap();
        assert_eq!((meta.crc64, meta.md5, meta.etag.len()), (None, None, 34));
        assert_eq!(listed(&store), [name]);
        put(&store, name, "new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new", "{name}");
        // Somebody else's content is not described by what was said of ours.
        fs::write(&path, "theirs").unwrap();
        let theirs = wait(store.head(&bucket(), &key(name))).unwrap();
        assert_eq!((theirs.crc64, theirs.size_bytes), (None, 6));
        wait(store.delete(&bucket(), &key(name))).unwrap();
        assert!(!path.exists() && scratch.root().join("demo").exists());
    }
}

#[test]
fn no_key_climbs_out() {
    let scratch = Scratch::new();
    let store = scratch.store();
    fs::write(scratch.0.path().join("secret"), "secret").unwrap();
    for name in ["../../secret", "..", ".", "a/../here", "..\\..\\secret", "here/.", "../.pixelpass/x"] {
        assert_eq!(read(&store, name).unwrap_err().code, Code::NoSuchKey, "{name}");
        put(&store, name, name).unwrap();
        assert_eq!(read(&store, name).unwrap(), name);
    }
    assert_eq!(fs::read(scratch.0.path().join("secret")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(scratch.root().join("demo")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(scratch.0.path()).unwrap().count(), 2);
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_the_root_only() {
    use std::os::unix::fs::symlink;
    let scratch = Scratch::new();
    let store = scratch.store();
    let (root, outside) = (scratch.root(), scratch.0.path().join("outside"));
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    fs::write(root.join("demo/here"), "here").unwrap();
    symlink(outside.join("secret"), root.join("demo/file")).unwrap();
    symlink("../../outside", root.join("demo/directory")).unwrap();
    symlink(&outside, root.join("escape")).unwrap();
    symlink("here", root.join("demo/inside")).unwrap();
    symlink("loop", root.join("demo/loop")).unwrap();
    symlink("nowhere", root.join("demo/broken")).unwrap();
    symlink(".", root.join("demo/round")).unwrap();
    for name in ["file", "directory/secret", "loop", "loop/x", "broken"] {
        assert_eq!(read(&store, name).unwrap_err().code, Code::NoSuchKey, "{name}");
    }
    assert_eq!(read(&store, "inside").unwrap(), "here");
    assert_eq!(listed(&store), ["here", "inside"]);
    assert!(!wait(store.bucket_exists(&Bucket::new("escape").unwrap())).unwrap());
    for name in ["directory/new", "directory/deep/new"] {
        put(&store, name, "x").unwrap();
        assert_eq!(read(&store, name).unwrap(), "x");
    }
    // A put replaces the link, not what it points to.
    put(&store, "file", "mine").unwrap();
    assert_eq!(fs::read(outside.join("secret")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn nothing_is_left_behind() {
    let scratch = Scratch::new();
    let store = scratch.store();
    for content in ["one", "two", "three"] {
        put(&store, "dir/a.jpg", content).unwrap();
        put(&store, "odd//a.jpg", content).unwrap();
    }
    assert!(scratch.own("staging").is_empty());
    assert_eq!(scratch.own("buckets/demo/meta").len(), 2);
    let broken = stream::iter([Ok("x".into()), Err(Error::internal("gone"))]);
    assert!(wait(store.put(&bucket(), &key("b"), Box::pin(broken), Upload::default())).is_err());
    assert!(scratch.own("staging").is_empty());
    wait(store.delete(&bucket(), &key("dir/a.jpg"))).unwrap();
    wait(store.delete(&bucket(), &key("odd//a.jpg"))).unwrap();
    assert!(scratch.own("staging").is_empty() && scratch.own("buckets").is_empty());
    assert_eq!(fs::read_dir(scratch.root().join("demo")).unwrap().count(), 0);
}

#[test]
fn abandoned_content_goes_at_the_next_start() {
    let scratch = Scratch::new();
    let staging = scratch.root().join(layout::staging());
    fs::create_dir_all(&staging).unwrap();
    for (name, days) in [("old", 2), ("new", 0)] {
        let file = fs::File::create(staging.join(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(days * 86_400)).unwrap();
    }
    scratch.store();
    assert_eq!(scratch.own("staging"), [staging.join("new")]);
}

#[test]
fn metadata_survives_a_copy_of_the_whole_directory() {
    let scratch = Scratch::new();
    let description = Description { content_type: Some("x/y".to_owned()), ..Description::default() };
    let upload = Upload { description, ..Upload::default() };
    wait(scratch.store().put(&bucket(), &key("a"), body("text"), upload)).unwrap();
    let path = scratch.root().join("demo/a");
    // As a backup does: another inode, the same time.
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let copy = scratch.0.path().join("copy");
    fs::copy(&path, &copy).unwrap();
    fs::File::options().write(true).open(&copy).unwrap().set_modified(modified).unwrap();
    fs::rename(&copy, &path).unwrap();
    assert_eq!(wait(scratch.store().head(&bucket(), &key("a"))).unwrap().content_type, "x/y");
}

#[test]
fn files_and_folders_of_one_name() {
    let scratch = Scratch::new();
    let store = scratch.store();
    put(&store, "a", "file").unwrap();
    put(&store, "a/b", "below").unwrap();
    put(&store, "c/d", "below").unwrap();
    put(&store, "c", "file").unwrap();
    put(&store, "c/", "marker").unwrap();
    assert_eq!(listed(&store), ["a", "a/b", "c", "c/", "c/d"]);
    for (name, content) in [("a", "file"), ("a/b", "below"), ("c", "file"), ("c/d", "below"), ("c/", "marker")] {
        assert_eq!(read(&store, name).unwrap(), content, "{name}");
    }
    // What stood in the way has gone: the key moves, and is there once.
    wait(store.delete(&bucket(), &key("a"))).unwrap();
    put(&store, "a/b", "again").unwrap();
    assert_eq!(read(&store, "a/b").unwrap(), "again");
    assert_eq!(fs::read(scratch.root().join("demo/a/b")).unwrap(), b"again");
    wait(store.delete(&bucket(), &key("a/b"))).unwrap();
    assert_eq!(read(&store, "a/b").unwrap_err().code, Code::NoSuchKey);
}

#[test]
fn streams_are_exact() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let long: Vec<u8> = (0..object::CHUNK_BYTES * 2 + 7).map(|index| (index % 251) as u8).collect();
    fs::write(scratch.root().join("demo/long"), &long).unwrap();
    let open = || wait(store.get(&bucket(), &key("long"))).unwrap();
    assert!(wait(open().whole(100)).unwrap().is_none());
    // What the room held before does not show.
    let (mut whole, mut room) = (wait(open().whole(1 << 20)).unwrap().unwrap(), vec![9; long.len() + 100]);
    assert_eq!(whole.read(&mut room).unwrap(), long);
    let range = 5..(object::CHUNK_BYTES * 2) as u64;
    let parts: Vec<bytes::Bytes> = wait(open().stream(range.clone()).try_collect()).unwrap();
    assert_eq!(parts.concat(), long[range.start as usize..range.end as usize]);
}

#[test]
fn long_directories_are_walked_in_pieces() {
    let scratch = Scratch::new();
    let folder = scratch.root().join("demo");
    for number in 0..20_000 {
        fs::File::create(folder.join(format!("{number:05}"))).unwrap();
    }
    let whole = walk::Range::default();
    let mut walk = walk::Walk::new(&fs::canonicalize(scratch.root()).unwrap(), &folder, whole).unwrap();
    for number in 0..20_000 {
        assert_eq!(walk.next().unwrap().unwrap().0, format!("{number:05}"));
    }
    assert!(walk.next().unwrap().is_none());
}

#[test]
fn samples_fill_an_empty_directory_and_no_other() {
    let scratch = Scratch::new();
    let data = scratch.0.path().join("data");
    demo::fill(&data).unwrap();
    assert_eq!(fs::read_dir(data.join("demo")).unwrap().count(), demo::SAMPLES.len());
    fs::write(data.join("demo/photo.jpg"), "mine").unwrap();
    fs::remove_file(data.join("demo/logo.png")).unwrap();
    demo::fill(&data).unwrap();
    assert_eq!(fs::read(data.join("demo/photo.jpg")).unwrap(), b"mine");
    assert!(!data.join("demo/logo.png").exists());
}
