//! Other people's programs, from the environments for Python and Node that `deploy/setup tests` makes.
//!
//! `PIXELPASS_TEST_CLIENTS` says what tests may do with them: `require` (the default: their absence
//! is a failure) or `off`.

use pixelpass::store::{Place, S3Place};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

/// The environment's Python, or `None` where the tests shall do without.
///
/// # Panics
/// If it is not there and required.
pub fn python() -> Option<PathBuf> {
    made("bin/python")
}

/// The folder of the packages for Node, or `None` where the tests shall do without.
///
/// # Panics
/// If it is not there and required.
pub fn node_packages() -> Option<PathBuf> {
    made("node")
}

/// What `deploy/setup tests` made under this name.
fn made(name: &str) -> Option<PathBuf> {
    match std::env::var("PIXELPASS_TEST_CLIENTS").as_deref() {
        Err(_) | Ok("" | "require") => {}
        Ok("off") => {
            eprintln!("tests with other programs did not run: PIXELPASS_TEST_CLIENTS is off");
            return None;
        }
        Ok(other) => panic!("PIXELPASS_TEST_CLIENTS={other}: must be require or off"),
    }
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients").join(name);
    assert!(
        made.exists(),
        "{} is missing: run deploy/setup tests, or set PIXELPASS_TEST_CLIENTS=off to do without",
        made.display()
    );
    Some(made)
}

/// The S3 server that tests share. It ends with the process that holds its standard input.
struct S3Server {
    address: String,
    _child: Child,
    _input: ChildStdin,
}

/// A folder of a bucket of an S3 server, `None` where the tests shall do without.
pub fn s3(folder: &str) -> Option<Place> {
    static SERVER: OnceLock<Option<S3Server>> = OnceLock::new();
    let server = SERVER.get_or_init(start).as_ref()?;
    let variables = [
        ("AWS_ENDPOINT_URL", server.address.as_str()),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Some(Place::S3(S3Place {
        bucket: "pixelpass".to_owned(),
        prefix: format!("{folder}/"),
        variables: variables.to_vec(),
    }))
}

fn start() -> Option<S3Server> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/s3_server.py");
    let mut child = Command::new(python()?)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let input = child.stdin.take().expect("piped");
    let mut address = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut address).expect("an address");
    let address = address.trim().to_owned();
    assert!(address.starts_with("http://"), "the S3 server did not start: {address:?}");
    Some(S3Server { address, _child: child, _input: input })
}
