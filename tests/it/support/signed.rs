//! Requests to the server that the one key of these tests has signed, in their URL.

use super::server::{Response, Server};
use percent_encoding::percent_decode_str;
use pixelpass::oss::sign::{Key, Order, Reading, Scheme, clock, presign};
use pixelpass::oss::wire::Headers;
use std::time::SystemTime;

/// The key, as the server takes it.
pub const KEY: [&str; 2] = ["--access-key", "ID:SECRET"];

impl Server {
    /// A request in path style that the key has signed.
    pub fn signed(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.request(method, &sign(Scheme::V4, method, target, headers), headers, body)
    }
}

/// A target in path style with its signature. Of the headers those are signed that must be.
pub fn sign(scheme: Scheme, method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let name = decoded(path);
    let (bucket, key) = name[1..].split_once('/').unwrap_or((&name[1..], ""));
    let bucket = Some(bucket.to_owned()).filter(|bucket| !bucket.is_empty());
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let lower = headers.iter().map(|(name, value)| (name.to_lowercase(), value.to_string()));
    let order = Order {
        scheme,
        method,
        reading: Reading { bucket, key: key.to_owned() },
        parameters: pairs.map(|(name, value)| (decoded(name), decoded(value))).collect(),
        headers: Headers(lower.filter(|(name, _)| is_signed(name)).collect()),
        key: &Key::new("ID", "SECRET"),
        region: "cn-hangzhou",
        now: clock::seconds(SystemTime::now()),
        lifetime_s: 600,
    };
    format!("{path}?{}", presign(&order).expect("it can be signed"))
}

fn is_signed(header: &str) -> bool {
    header.starts_with("x-oss-") || matches!(header, "content-type" | "content-md5")
}
