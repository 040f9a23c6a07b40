//! SDKs of OSS, unmodified, against the server. What each of them checks is in `tests/clients`.

use crate::support::clients::{node_packages, python, s3};
use crate::support::listener::Listener;
use crate::support::server::{Folder, Server};
use pixelpass::store::{Place, S3Place};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The longest that a client may take: one that waits for ever shall not stop the tests.
const LIMIT: Duration = Duration::from_secs(300);

const KEY: &str = "ID:secret";
const TEMPORARY_KEY: &str = "TEMPORARY:secret:token+/=";

#[test]
fn oss2() {
    if let Some(python) = python() {
        passes(Command::new(python), "oss2_client.py", None, None);
    }
}

#[test]
fn oss2_over_s3() {
    if let (Some(python), Some(Place::S3(store))) = (python(), s3("sdk")) {
        passes(Command::new(python), "oss2_client.py", None, Some(store));
    }
}

#[test]
fn alibabacloud_oss_v2() {
    if let Some(python) = python() {
        passes(Command::new(python), "oss_v2_client.py", None, None);
    }
}

#[test]
fn ali_oss() {
    if let Some(packages) = node_packages() {
        passes(Command::new("node"), "ali_oss_client.mjs", Some(packages), None);
    }
}

/// Runs a client of `tests/clients` against a server of its own, which keeps what it is given in a
/// directory or in `store`; tells what the client said where it fails.
fn passes(mut program: Command, script: &str, packages: Option<PathBuf>, store: Option<S3Place>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Folder::new();
    let [keys, said, buckets] = ["keys", "said", "buckets"].map(|name| folder.path().join(name));
    fs::write(&keys, TEMPORARY_KEY).expect("a file can be written");
    fs::create_dir(&buckets).expect("a folder can be made");
    let (place, variables) = match store {
        Some(S3Place { bucket, prefix, variables }) => (format!("s3://{bucket}/{prefix}"), variables),
        None => (buckets.to_str().expect("UTF-8").to_owned(), Vec::new()),
    };
    let called = Listener::start();
    let flags = [
        "--callback-host",
        &called.address(),
        "--store",
        &place,
        "--access-key",
        KEY,
        "--access-key-file",
        keys.to_str().expect("UTF-8"),
        "--base-domain=localhost",
        "--base-domain=oss.test",
        "--domain=oss2.shop.test=oss2-shop",
        "--domain=v2.shop.test=v2-shop",
        "--domain=ali.shop.test=ali-shop",
    ];
    let server = Server::start_with(&flags, &variables);
    let output = File::create(&said).expect("a file can be made");
    let mut client = program
        .arg(root.join("tests/clients").join(script))
        .arg(format!("http://{}", server.address()))
        .args([KEY, TEMPORARY_KEY])
        .arg(root.join("fixtures"))
        .args(packages)
        .env("CALLBACKS", format!("http://{}", called.address()))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // The server is on this machine, behind no proxy.
        .env("NO_PROXY", "*")
        .env("no_proxy", "*")
        .stdout(output.try_clone().expect("another handle"))
        .stderr(output)
        .spawn()
        .expect("the client starts");
    let begin = Instant::now();
    let status = loop {
        match client.try_wait().expect("it can be waited for") {
            Some(status) => break Some(status),
            None if begin.elapsed() > LIMIT => break None,
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    if status.is_none() {
        client.kill().expect("it runs");
        client.wait().expect("it ends");
    }
    let said = fs::read_to_string(&said).expect("text");
    assert!(status.is_some(), "{script} did not end\n{said}");
    assert!(status.is_some_and(|status| status.success()), "{script} failed\n{said}");
    assert!(said.ends_with("checks passed\n"), "{script} stopped early\n{said}");
}
