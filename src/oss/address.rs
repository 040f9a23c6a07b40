//! Host and raw path → which bucket and which key.
//!
//! Source: the specification of the HTTP surface, section 1.2. Nothing is normalised: `//`, `..`
//! and `%2F` are what the caller wrote.

use super::sign::Reading;
use crate::error::{Code, Error};
use crate::store::Bucket;
use percent_encoding::percent_decode_str;
use std::net::IpAddr;

/// Names that buckets are reached by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Domains {
    /// `BUCKET.BASE` names a bucket; `BASE` itself none.
    pub bases: Vec<String>,
    /// Whole names, each bound to one bucket.
    pub custom: Vec<(String, Bucket)>,
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `None` for the service as a whole.
    pub bucket: Option<Bucket>,
    /// Decoded; empty for the bucket itself.
    pub key: String,
    /// The second reading of a path that repeats the bucket of the Host: `X/KEY` as `KEY`. A
    /// signature says which is meant; without one the first is tried before the second.
    pub alternative: Option<String>,
}

impl Address {
    /// Reads the Host header and the path as it came.
    ///
    /// # Errors
    /// `InvalidBucketName`, and `InvalidArgument` for a path that is not UTF-8.
    pub fn read(host: &str, path: &str, domains: &Domains) -> Result<Address, Error> {
        let decoded = percent_decode_str(path).decode_utf8();
        let decoded =
            decoded.map_err(|_| Error::new(Code::InvalidArgument, "The characters encoding must be utf-8."))?;
        let rest = decoded.strip_prefix('/').unwrap_or(&decoded);
        let rest = if rest.bytes().all(|byte| byte == b'/') { "" } else { rest };
        match domains.bucket(host) {
            Some(bucket) => {
                let repeated = rest.strip_prefix(bucket.as_str());
                let alternative = match repeated {
                    Some("") => Some(String::new()),
                    Some(below) => below.strip_prefix('/').map(str::to_owned),
                    None => None,
                };
                Ok(Address { bucket: Some(bucket), key: rest.to_owned(), alternative })
            }
            None if rest.is_empty() => Ok(Address { bucket: None, key: String::new(), alternative: None }),
            None => {
                let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
                Ok(Address { bucket: Some(Bucket::or_folder(bucket)?), key: key.to_owned(), alternative: None })
            }
        }
    }
}

impl Address {
    /// The readings, the likeliest first.
    pub fn readings(&self) -> Vec<Reading> {
        let bucket = self.bucket.as_ref().map(Bucket::to_string);
        let reading = |key: &str| Reading { bucket: bucket.clone(), key: key.to_owned() };
        std::iter::once(&self.key).chain(&self.alternative).map(|key| reading(key)).collect()
    }

    /// The address as the reading with this number has it.
    pub fn read_as(mut self, number: usize) -> Address {
        match self.alternative.take() {
            Some(key) if number == 1 => Address { key, ..self },
            _ => self,
        }
    }
}

impl Domains {
    /// The bucket that the Host names, or `None` for path style.
    ///
    /// A custom domain's, `X` of `X.BASE`, and always `X` of `X.oss-REGION.aliyuncs.com`, which some
    /// clients send to an IP. A label that cannot be a bucket, as in `.oss-cn-hangzhou.aliyuncs.com`,
    /// names none; neither does `undefined`, which one client sends for "none".
    pub fn bucket(&self, host: &str) -> Option<Bucket> {
        let name = without_port(host).to_ascii_lowercase();
        if let Some((_, bucket)) = self.custom.iter().find(|(domain, _)| domain.eq_ignore_ascii_case(&name)) {
            return Some(bucket.clone());
        }
        if name.parse::<IpAddr>().is_ok() {
            return None;
        }
        let below = |base: &str| name.strip_suffix(base)?.strip_suffix('.').map(str::to_owned);
        let below_base = self.bases.iter().find_map(|base| below(&base.to_ascii_lowercase()));
        let below_region = || {
            let (label, region) = name.strip_suffix(".aliyuncs.com")?.rsplit_once('.')?;
            (region.starts_with("oss-") || region.starts_with("vpc100-oss-")).then(|| label.to_owned())
        };
        let label = below_base.or_else(below_region)?;
        Bucket::new(&label).ok().filter(|_| label != "undefined")
    }
}

/// The host without `:PORT`; the address inside the brackets of an IPv6 host.
pub fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(address, _)| address);
    }
    host.split_once(':').map_or(host, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(host: &str, path: &str) -> Result<String, Code> {
        let bases = vec!["localhost".to_owned(), "img.example.com".to_owned()];
        let custom = vec![("cdn.shop.test".to_owned(), Bucket::new("demo").unwrap())];
        let Address { bucket, key, alternative } =
            Address::read(host, path, &Domains { bases, custom }).map_err(|error| error.code)?;
        let bucket = bucket.map_or("-".to_owned(), |bucket| bucket.to_string());
        let alternative = alternative.map(|key| format!(" or '{key}'")).unwrap_or_default();
        Ok(format!("{bucket} '{key}'{alternative}"))
    }

    #[test]
    fn addressing() {
        let cases: &[(&str, &str, Result<&str, Code>)] = &[
            // Path style: IPs, base domains themselves, unknown names.
            ("127.0.0.1:8080", "/demo/a.jpg", Ok("demo 'a.jpg'")),
            ("[::1]:8080", "/demo/a.jpg", Ok("demo 'a.jpg'")),
            ("localhost:8080", "/demo/dir/a.jpg", Ok("demo 'dir/a.jpg'")),
            ("elsewhere.org", "/demo/a.jpg", Ok("demo 'a.jpg'")),
            ("", "/demo/a.jpg", Ok("demo 'a.jpg'")),
            ("img.example.com", "/demo/a.jpg", Ok("demo 'a.jpg'")),
            ("oss-cn-hangzhou.aliyuncs.com", "/demo/a.jpg", Ok("demo 'a.jpg'")),
            // The whole path is decoded once; `+` stays.
            ("1.2.3.4", "/demo%2Fdir%2Fa%20b.jpg", Ok("demo 'dir/a b.jpg'")),
            ("1.2.3.4", "/demo/a+b.jpg", Ok("demo 'a+b.jpg'")),
            ("1.2.3.4", "/demo/%E6%B1%89%2520.jpg", Ok("demo '汉%20.jpg'")),
            ("1.2.3.4", "/demo/100%", Ok("demo '100%'")),
            ("1.2.3.4", "/demo/%ff", Err(Code::InvalidArgument)),
            // Nothing is normalised.
            ("1.2.3.4", "/demo/a//b", Ok("demo 'a//b'")),
            ("1.2.3.4", "/demo/../b", Ok("demo '../b'")),
            ("1.2.3.4", "/demo/dir/", Ok("demo 'dir/'")),
            ("1.2.3.4", "/demo//a", Ok("demo '/a'")),
            ("1.2.3.4", "//demo/a", Err(Code::InvalidBucketName)),
            ("1.2.3.4", "/.git/config", Err(Code::InvalidBucketName)),
            // A folder need not be called as a bucket must.
            ("1.2.3.4", "/My%20Photos/a", Ok("My Photos 'a'")),
            ("Demo.localhost", "/v0/a", Ok("demo 'v0/a'")),
            // Slashes only: no key, and in path style no bucket.
            ("1.2.3.4", "/", Ok("- ''")),
            ("1.2.3.4", "//", Ok("- ''")),
            ("1.2.3.4", "/%2F", Ok("- ''")),
            ("demo.localhost", "//", Ok("demo ''")),
            ("1.2.3.4", "/demo", Ok("demo ''")),
            ("1.2.3.4", "/demo/", Ok("demo ''")),
            // Virtual hosts.
            ("demo.localhost:8080", "/a.jpg", Ok("demo 'a.jpg'")),
            ("DEMO.LocalHost", "/a.jpg", Ok("demo 'a.jpg'")),
            ("demo.img.example.com", "/a/b.jpg", Ok("demo 'a/b.jpg'")),
            ("demo.localhost", "/demo/a.jpg", Ok("demo 'demo/a.jpg' or 'a.jpg'")),
            ("demo.localhost", "/demo", Ok("demo 'demo' or ''")),
            ("demo.localhost", "/demo/", Ok("demo 'demo/' or ''")),
            ("demo.localhost", "/demos", Ok("demo 'demos'")),
            ("demo.oss-cn-hangzhou.aliyuncs.com", "/a.jpg", Ok("demo 'a.jpg'")),
            ("demo.oss-cn-hangzhou-internal.aliyuncs.com", "/a.jpg", Ok("demo 'a.jpg'")),
            ("demo.vpc100-oss-cn-beijing.aliyuncs.com", "/a.jpg", Ok("demo 'a.jpg'")),
            ("demo.oss-cn-hangzhou.aliyuncs.com", "/demo/a.jpg", Ok("demo 'demo/a.jpg' or 'a.jpg'")),
            // Custom domains.
            ("CDN.shop.test:443", "/a.jpg", Ok("demo 'a.jpg'")),
            ("x.cdn.shop.test", "/demo/a.jpg", Ok("demo 'a.jpg'")),
            // No bucket in the first label.
            (".oss-cn-hangzhou.aliyuncs.com", "/", Ok("- ''")),
            ("undefined.oss-cn-hangzhou.aliyuncs.com", "/", Ok("- ''")),
            ("a.b.localhost", "/demo/a.jpg", Ok("demo 'a.jpg'")),
            ("xlocalhost", "/demo/a.jpg", Ok("demo 'a.jpg'")),
        ];
        for (host, path, expected) in cases {
            assert_eq!(read(host, path), expected.map(str::to_owned), "{host} {path}");
        }
    }
}
