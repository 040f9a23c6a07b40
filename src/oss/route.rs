//! Method, raw path, query and Host → [`Operation`].
//!
//! Source: the specification of the HTTP surface, section 1.2. Nothing is normalised: `//`, `..`
//! and `%2F` are what the caller wrote.

use super::sign::{Caller, Reading};
use crate::error::{Code, Ec, Error};
use crate::store::{Bucket, Key};
use percent_encoding::percent_decode_str;
use std::net::IpAddr;

/// A supported call, names checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `GET /` without a bucket: the start page.
    GetService,
    /// Reads an object, processed if there is a process string.
    GetObject { target: Target, process: Option<String> },
    /// The headers of `GetObject`.
    HeadObject { target: Target, process: Option<String> },
    /// Writes an object.
    PutObject { target: Target },
}

/// An object's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub bucket: Bucket,
    pub key: Key,
    /// The second reading of a path that repeats the bucket of the Host: `X/KEY` as `KEY`. Tried
    /// when no object is called `X/KEY`.
    pub alternative: Option<Key>,
}

impl Target {
    /// The target in the reading that the caller's signature is about; an anonymous caller leaves
    /// both.
    ///
    /// # Errors
    /// `NotImplemented` where the other reading is the bucket itself.
    pub fn meant_by(self, caller: &Caller) -> Result<Target, Error> {
        let Target { bucket, key, alternative } = self;
        match (caller, alternative) {
            (Caller::Anonymous, alternative) => Ok(Target { bucket, key, alternative }),
            (Caller::Key { reading: 0, .. }, _) => Ok(Target { bucket, key, alternative: None }),
            (Caller::Key { .. }, Some(key)) => Ok(Target { bucket, key, alternative: None }),
            (Caller::Key { .. }, None) => Err(not_implemented("This call on a bucket".to_owned())),
        }
    }
}

/// Sub-resources: a request that names one is about it and not about the object.
const SUBRESOURCES: &[&str] = &[
    "acl",
    "append",
    "asyncFetch",
    "bucketInfo",
    "callback",
    "cname",
    "comp",
    "cors",
    "delete",
    "encryption",
    "img",
    "inventory",
    "lifecycle",
    "link",
    "live",
    "location",
    "logging",
    "metaQuery",
    "objectInfo",
    "partNumber",
    "policy",
    "position",
    "processConfiguration",
    "qos",
    "referer",
    "replication",
    "requestPayment",
    "restore",
    "seal",
    "stat",
    "status",
    "style",
    "styleName",
    "symlink",
    "tagging",
    "uploadId",
    "uploads",
    "versioning",
    "versions",
    "vod",
    "website",
    "worm",
    "x-oss-async-process",
];

/// The call that a request makes.
///
/// # Errors
/// `NotImplemented` for calls of the language that are not built, `MethodNotAllowed` for other
/// verbs, `InvalidBucketName`, `InvalidObjectName`, `InvalidArgument`.
pub fn route(method: &str, path: &str, query: &str, host: &str, base_domains: &[String]) -> Result<Operation, Error> {
    let hosted = host_bucket(host, base_domains);
    let (bucket, key) = split(path, hosted.as_ref())?;
    let process = process_string(query)?;
    if !matches!(method, "GET" | "HEAD" | "PUT" | "POST" | "DELETE") {
        return Err(method_not_allowed(method, if key.is_empty() { "Bucket" } else { "Object" }));
    }
    if let Some(name) = parameters(query).map(|(name, _)| name).find(|name| SUBRESOURCES.contains(&name.as_str())) {
        return Err(not_implemented(format!("{method} with ?{name}")));
    }
    let Some(bucket) = bucket else {
        return match method {
            "GET" | "HEAD" => Ok(Operation::GetService),
            _ => Err(method_not_allowed(method, "Service")),
        };
    };
    if key.is_empty() {
        return Err(not_implemented(format!("{method} of a bucket")));
    }
    let alternative = match &hosted {
        Some(hosted) => key.strip_prefix(hosted.as_str()).and_then(|rest| rest.strip_prefix('/')),
        None => None,
    };
    let alternative = alternative.and_then(|key| Key::new(key).ok());
    let target = Target { bucket, key: Key::new(&key)?, alternative };
    match method {
        "GET" if has(query, "objectMeta") => Err(not_implemented("GET with ?objectMeta".to_owned())),
        "GET" => Ok(Operation::GetObject { target, process }),
        "HEAD" => Ok(Operation::HeadObject { target, process }),
        "PUT" if process.is_some() || has(query, "x-oss-process") => {
            Err(Error::new(Code::InvalidArgument, "A PUT takes no x-oss-process."))
        }
        "PUT" => Ok(Operation::PutObject { target }),
        "POST" if has(query, "x-oss-process") => Err(not_implemented("POST with ?x-oss-process".to_owned())),
        _ => Err(not_implemented(format!("{method} of an object"))),
    }
}

/// Whether the query names `name`, with or without a value.
pub fn has(query: &str, name: &str) -> bool {
    parameters(query).any(|(known, _)| known == name)
}

/// The first value of a query parameter, decoded, `+` a space; empty for a bare name.
pub fn value(query: &str, name: &str) -> Option<String> {
    let (_, value) = parameters(query).find(|(known, _)| known == name)?;
    Some(percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
}

/// The bucket that the Host names, or `None` for path style.
///
/// `X.BASE` for a base domain, and always `X.oss-REGION.aliyuncs.com`, which some clients send to
/// an IP. A label that cannot be a bucket, as in `.oss-cn-hangzhou.aliyuncs.com`, names none;
/// neither does `undefined`, which one client sends for "none".
pub fn host_bucket(host: &str, base_domains: &[String]) -> Option<Bucket> {
    let name = without_port(host).to_ascii_lowercase();
    if name.parse::<IpAddr>().is_ok() {
        return None;
    }
    let below = |base: &str| name.strip_suffix(base)?.strip_suffix('.').map(str::to_owned);
    let below_base = base_domains.iter().find_map(|base| below(&base.to_ascii_lowercase()));
    let below_region = || {
        let (label, region) = name.strip_suffix(".aliyuncs.com")?.rsplit_once('.')?;
        (region.starts_with("oss-") || region.starts_with("vpc100-oss-")).then(|| label.to_owned())
    };
    let label = below_base.or_else(below_region)?;
    Bucket::new(&label).ok().filter(|_| label != "undefined")
}

/// The host without `:PORT`; the address inside the brackets of an IPv6 host.
pub fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(address, _)| address);
    }
    host.split_once(':').map_or(host, |(name, _)| name)
}

/// Bucket and key of a path; the key is empty where the path means the bucket itself.
fn split(path: &str, hosted: Option<&Bucket>) -> Result<(Option<Bucket>, String), Error> {
    let decoded = percent_decode_str(path).decode_utf8();
    let decoded = decoded.map_err(|_| Error::new(Code::InvalidObjectName, "The path is not UTF-8."))?;
    let rest = decoded.strip_prefix('/').unwrap_or(&decoded);
    let rest = if rest.bytes().all(|byte| byte == b'/') { "" } else { rest };
    match hosted {
        Some(bucket) => Ok((Some(bucket.clone()), rest.to_owned())),
        None if rest.is_empty() => Ok((None, String::new())),
        None => {
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            Ok((Some(Bucket::or_folder(bucket)?), key.to_owned()))
        }
    }
}

/// The readings of an address, the likeliest first: a path that repeats the bucket of the Host has
/// two, and only a signature can tell which is meant.
///
/// # Errors
/// `InvalidObjectName` and `InvalidBucketName`.
pub fn readings(path: &str, host: &str, base_domains: &[String]) -> Result<Vec<Reading>, Error> {
    let hosted = host_bucket(host, base_domains);
    let (bucket, key) = split(path, hosted.as_ref())?;
    let rest = |bucket: &Bucket| Some(key.strip_prefix(bucket.as_str())?.strip_prefix('/')?.to_owned());
    let second = hosted.as_ref().and_then(rest);
    let bucket = bucket.map(|bucket| bucket.as_str().to_owned());
    let second = second.map(|key| Reading { bucket: bucket.clone(), key });
    Ok([Reading { bucket, key }].into_iter().chain(second).collect())
}

/// Names and raw values of a query, in order; names decoded.
fn parameters(query: &str) -> impl Iterator<Item = (String, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode_str(&name.replace('+', " ")).decode_utf8_lossy().into_owned(), value)
    })
}

/// The first `x-oss-process`, decoded once, `+` kept; an empty one asks for nothing.
fn process_string(query: &str) -> Result<Option<String>, Error> {
    let Some((_, value)) = parameters(query).find(|(name, _)| name == "x-oss-process") else {
        return Ok(None);
    };
    match percent_decode_str(value).decode_utf8() {
        Ok(text) => Ok(Some(text.into_owned()).filter(|text| !text.is_empty())),
        Err(_) => Err(Error::new(Code::InvalidArgument, "The process string is not UTF-8.")),
    }
}

fn not_implemented(what: String) -> Error {
    Error::new(Code::NotImplemented, format!("{what} is not implemented."))
}

fn method_not_allowed(method: &str, resource: &str) -> Error {
    let error = Error::new(Code::MethodNotAllowed, "The specified method is not allowed against this resource.");
    error.ec(Ec(3, 16)).detail("Method", method).detail("ResourceType", resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(host: &str, path: &str) -> Result<String, Code> {
        let base_domains = ["localhost".to_owned(), "img.example.com".to_owned()];
        match route("GET", path, "", host, &base_domains) {
            Ok(Operation::GetService) => Ok("service".to_owned()),
            Ok(Operation::GetObject { target, process: None }) => {
                let alternative = target.alternative.map(|key| format!(" or {key}")).unwrap_or_default();
                Ok(format!("{} {}{alternative}", target.bucket, target.key))
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.code),
        }
    }

    #[test]
    fn addressing() {
        let cases: &[(&str, &str, Result<&str, Code>)] = &[
            // Path style: IPs, base domains themselves, unknown names.
            ("127.0.0.1:8080", "/demo/a.jpg", Ok("demo a.jpg")),
            ("[::1]:8080", "/demo/a.jpg", Ok("demo a.jpg")),
            ("localhost:8080", "/demo/dir/a.jpg", Ok("demo dir/a.jpg")),
            ("elsewhere.org", "/demo/a.jpg", Ok("demo a.jpg")),
            ("", "/demo/a.jpg", Ok("demo a.jpg")),
            ("img.example.com", "/demo/a.jpg", Ok("demo a.jpg")),
            ("oss-cn-hangzhou.aliyuncs.com", "/demo/a.jpg", Ok("demo a.jpg")),
            // The whole path is decoded once; `+` stays.
            ("1.2.3.4", "/demo%2Fdir%2Fa%20b.jpg", Ok("demo dir/a b.jpg")),
            ("1.2.3.4", "/demo/a+b.jpg", Ok("demo a+b.jpg")),
            ("1.2.3.4", "/demo/%E6%B1%89%2520.jpg", Ok("demo 汉%20.jpg")),
            ("1.2.3.4", "/demo/100%", Ok("demo 100%")),
            ("1.2.3.4", "/demo/%ff", Err(Code::InvalidObjectName)),
            // Nothing is normalised.
            ("1.2.3.4", "/demo/a//b", Ok("demo a//b")),
            ("1.2.3.4", "/demo/../b", Ok("demo ../b")),
            ("1.2.3.4", "/demo/dir/", Ok("demo dir/")),
            ("1.2.3.4", "/demo//a", Err(Code::InvalidObjectName)),
            ("1.2.3.4", "/demo/%5Ca", Err(Code::InvalidObjectName)),
            ("1.2.3.4", "//demo/a", Err(Code::InvalidBucketName)),
            ("1.2.3.4", "/.git/config", Err(Code::InvalidBucketName)),
            // A folder need not be called as a bucket must.
            ("1.2.3.4", "/My%20Photos/a", Ok("My Photos a")),
            ("Demo.localhost", "/v0/a", Ok("demo v0/a")),
            // Slashes only: no key, and in path style no bucket.
            ("1.2.3.4", "/", Ok("service")),
            ("1.2.3.4", "//", Ok("service")),
            ("1.2.3.4", "/%2F", Ok("service")),
            ("demo.localhost", "//", Err(Code::NotImplemented)),
            ("1.2.3.4", "/demo", Err(Code::NotImplemented)),
            ("1.2.3.4", "/demo/", Err(Code::NotImplemented)),
            // Virtual hosts.
            ("demo.localhost:8080", "/a.jpg", Ok("demo a.jpg")),
            ("DEMO.LocalHost", "/a.jpg", Ok("demo a.jpg")),
            ("demo.img.example.com", "/a/b.jpg", Ok("demo a/b.jpg")),
            ("demo.localhost", "/demo/a.jpg", Ok("demo demo/a.jpg or a.jpg")),
            ("demo.localhost", "/demo", Ok("demo demo")),
            ("demo.oss-cn-hangzhou.aliyuncs.com", "/a.jpg", Ok("demo a.jpg")),
            ("demo.oss-cn-hangzhou-internal.aliyuncs.com", "/a.jpg", Ok("demo a.jpg")),
            ("demo.vpc100-oss-cn-beijing.aliyuncs.com", "/a.jpg", Ok("demo a.jpg")),
            ("demo.oss-cn-hangzhou.aliyuncs.com", "/demo/a.jpg", Ok("demo demo/a.jpg or a.jpg")),
            // No bucket in the first label.
            (".oss-cn-hangzhou.aliyuncs.com", "/", Ok("service")),
            ("undefined.oss-cn-hangzhou.aliyuncs.com", "/", Ok("service")),
            ("a.b.localhost", "/demo/a.jpg", Ok("demo a.jpg")),
            ("xlocalhost", "/demo/a.jpg", Ok("demo a.jpg")),
        ];
        for (host, path, expected) in cases {
            assert_eq!(names(host, path), expected.map(str::to_owned), "{host} {path}");
        }
    }

    fn routed(method: &str, path: &str, query: &str) -> Result<Operation, Code> {
        route(method, path, query, "127.0.0.1", &[]).map_err(|error| error.code)
    }

    #[test]
    fn process_strings() {
        let cases = [
            ("x-oss-process=image/resize,w_100", Some("image/resize,w_100")),
            ("x-oss-process=image%2Fresize%2Cw_100", Some("image/resize,w_100")),
            ("x-oss-process=image/watermark,text_a+b%2Bc%20d", Some("image/watermark,text_a+b+c d")),
            ("a=1&x-oss-process=image/a&x-oss-process=image/b", Some("image/a")),
            ("x-oss-process=a=b%2525", Some("a=b%25")),
            ("x-oss-process=", None),
            ("x-oss-process", None),
            ("x-oss-process=&x-oss-process=image/b", None),
            ("X-Oss-Process=image/a&versionId=3", None),
            ("", None),
        ];
        for (query, expected) in cases {
            let Ok(Operation::GetObject { process, .. }) = routed("GET", "/demo/a.jpg", query) else {
                panic!("{query}");
            };
            assert_eq!(process.as_deref(), expected, "{query}");
        }
        assert_eq!(routed("GET", "/demo/a.jpg", "x-oss-process=%ff"), Err(Code::InvalidArgument));
    }

    #[test]
    fn calls_that_are_not_built_say_so() {
        let cases = [
            ("GET", "/demo/a.jpg", "acl", Code::NotImplemented),
            ("GET", "/demo/a.jpg", "acl=", Code::NotImplemented),
            ("PUT", "/demo/a.jpg", "partNumber=1&uploadId=2", Code::NotImplemented),
            ("POST", "/demo/a.jpg", "uploads", Code::NotImplemented),
            ("POST", "/demo/a.jpg", "x-oss-process", Code::NotImplemented),
            ("GET", "/demo/", "style&styleName=a", Code::NotImplemented),
            ("PUT", "/demo", "", Code::NotImplemented),
            ("DELETE", "/demo/a.jpg", "", Code::NotImplemented),
            ("PUT", "/demo/a.jpg", "x-oss-process=image/resize,w_1", Code::InvalidArgument),
            ("PATCH", "/demo/a.jpg", "", Code::MethodNotAllowed),
            ("PUT", "/", "", Code::MethodNotAllowed),
        ];
        for (method, path, query, code) in cases {
            assert_eq!(routed(method, path, query), Err(code), "{method} {path}?{query}");
        }
        assert!(matches!(routed("HEAD", "/demo/a.jpg", "objectMeta"), Ok(Operation::HeadObject { .. })));
        assert!(matches!(routed("PUT", "/demo/a.jpg", ""), Ok(Operation::PutObject { .. })));
    }
}
