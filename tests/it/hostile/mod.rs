//! Requests that mean no good: every one gets a clean answer, and nobody gets out of the store.

mod names;
mod values;
mod wire;

use crate::support::fixture;
use crate::support::server::{Folder, Response, Server};
use crate::support::signed::KEY;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The content of the file beside the store.
const SECRET: &str = "nobody may ever read this";

/// A server over `store/` with the bucket `demo`, beside which the secret lies.
fn house() -> (Folder, Server) {
    let folder = Folder::new();
    let bucket = folder.path().join("store/demo");
    std::fs::create_dir_all(&bucket).expect("made");
    std::fs::write(folder.path().join("secret.txt"), SECRET).expect("written");
    std::fs::write(folder.path().join("store/secret.txt"), SECRET).expect("written");
    std::fs::write(bucket.join("a.jpg"), fixture("demo/example.jpg")).expect("written");
    let store = folder.path().join("store").to_string_lossy().into_owned();
    let flags = ["--store", &store, "--anonymous", "write", "--engine", "cpu", KEY[0], KEY[1]];
    let server = Server::start_in(folder.path(), &flags, &[]);
    (folder, server)
}

/// Holds an answer to what every answer must be.
fn clean(answer: &Response, what: &str) {
    let text = answer.text();
    assert!((200..500).contains(&answer.status) || answer.status == 501, "{what}: {} {text}", answer.status);
    assert!(!text.contains(SECRET) && !text.contains("root:"), "{what}: {text}");
    assert!(answer.header("x-evil").is_empty(), "{what}: {:?}", answer.headers);
    assert!(answer.headers.iter().filter(|(name, _)| name == "content-length").count() <= 1, "{what}");
}

/// The file beside the store is as it was, and nothing is beside it.
fn untouched(folder: &Folder) {
    assert_eq!(std::fs::read_to_string(folder.path().join("secret.txt")).expect("there"), SECRET);
    assert_eq!(std::fs::read_to_string(folder.path().join("store/secret.txt")).expect("there"), SECRET);
    let names = |below: &str| {
        let entries = std::fs::read_dir(folder.path().join(below)).expect("a folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("one").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(""), ["secret.txt", "store"]);
    let mut below = names("store");
    below.retain(|name| name != ".pixelpass");
    assert_eq!(below, ["demo", "secret.txt"]);
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
