//! Cross-origin requests of browsers: a bucket's rules, or the server's for all buckets.

use super::object::document_body;
use super::wire::{Headers, Reply, Request};
use super::xml::{self, Xml};
use super::{Order, Service};
use crate::error::{Code, Error};
use crate::store::Bucket;
use serde::{Deserialize, Serialize};

/// The document's name.
const DOCUMENT: &str = "cors";

/// Most rules of a bucket.
const RULES: usize = 10;

const METHODS: [&str; 5] = ["GET", "PUT", "DELETE", "POST", "HEAD"];

/// Rules, the first that fits counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    #[serde(rename = "CORSRule", default)]
    rules: Vec<Rule>,
    #[serde(rename = "ResponseVary", default)]
    vary: bool,
}

/// One rule, as the document of clients and the one in the store both have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    #[serde(rename = "AllowedOrigin", default)]
    origins: Vec<String>,
    #[serde(rename = "AllowedMethod", default)]
    methods: Vec<String>,
    #[serde(rename = "AllowedHeader", default)]
    headers: Vec<String>,
    #[serde(rename = "ExposeHeader", default)]
    exposed: Vec<String>,
    #[serde(rename = "MaxAgeSeconds")]
    max_age_s: Option<u32>,
}

/// What a browser wants to do.
struct Wish<'a> {
    origin: &'a str,
    method: &'a str,
    /// Names of headers, in lower case.
    headers: Vec<String>,
}

impl Rules {
    /// Everything that clients in browsers need, for these origins.
    pub fn of_origins(origins: &[String]) -> Rules {
        let all = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let rule = Rule {
            origins: origins.to_vec(),
            methods: all(&METHODS),
            headers: all(&["*"]),
            exposed: all(&[
                "ETag",
                "Content-Length",
                "Date",
                "x-oss-request-id",
                "x-oss-hash-crc64ecma",
                "x-oss-next-append-position",
                "x-oss-err",
                "x-oss-ec",
            ]),
            max_age_s: Some(600),
        };
        Rules { rules: if origins.is_empty() { Vec::new() } else { vec![rule] }, vary: true }
    }

    /// Adds to an answer what lets the page of another origin read it, where a rule fits, and tells
    /// caches that it depends on the origin.
    pub fn applied(&self, origin: Option<&str>, method: &str, reply: Reply) -> Reply {
        let fitting = origin.and_then(|origin| {
            let wish = Wish { origin, method, headers: Vec::new() };
            self.fitting(&wish).map(|rule| (rule, origin))
        });
        match fitting {
            Some((rule, origin)) => rule.told(reply, origin, self.vary),
            None if self.rules.is_empty() => reply,
            // Another origin would get another answer.
            None => reply.header("Vary", "Origin"),
        }
    }

    pub(super) async fn load(service: &Service, bucket: Option<&Bucket>) -> Result<Rules, Error> {
        let own = match bucket {
            Some(bucket) => service.store.document(bucket, DOCUMENT).await?,
            None => None,
        };
        match own {
            Some(found) => serde_json::from_str(&found.text).map_err(Error::internal),
            None => Ok(service.rules.cors.clone()),
        }
    }

    fn fitting(&self, wish: &Wish) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.fits(wish))
    }
}

impl Rule {
    fn fits(&self, wish: &Wish) -> bool {
        let header = |name: &String| self.headers.iter().any(|pattern| fits(&pattern.to_ascii_lowercase(), name));
        self.origins.iter().any(|pattern| fits(pattern, wish.origin))
            && self.methods.iter().any(|method| method == wish.method)
            && wish.headers.iter().all(header)
    }

    /// The headers that let the browser go on.
    fn told(&self, mut reply: Reply, origin: &str, vary: bool) -> Reply {
        let any = self.origins.iter().any(|pattern| pattern == "*");
        reply = reply.header("Access-Control-Allow-Origin", if any && !vary { "*" } else { origin });
        reply = reply.header("Access-Control-Allow-Methods", self.methods.join(", "));
        if !self.exposed.is_empty() {
            reply = reply.header("Access-Control-Expose-Headers", self.exposed.join(", "));
        }
        if let Some(max_age_s) = self.max_age_s {
            reply = reply.header("Access-Control-Max-Age", max_age_s.to_string());
        }
        reply.header("Vary", "Origin")
    }
}

/// Whether a pattern with at most one `*` fits.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern.eq_ignore_ascii_case(text),
        Some((before, after)) => {
            text.len() >= before.len() + after.len() && text.starts_with(before) && text.ends_with(after)
        }
    }
}

/// Answers a preflight: `OPTIONS`, which nobody signs.
///
/// # Errors
/// `NoSuchBucket`; `BadRequest` where it does not say what it is about, `AccessForbidden` where no rule
/// fits.
pub(super) async fn preflight(service: &Service, bucket: Option<&Bucket>, headers: &Headers) -> Result<Reply, Error> {
    if let Some(bucket) = bucket {
        service.store.bucket(bucket).await?;
    }
    let lacking = |header: &str| {
        let message = format!("Insufficient information. {header} request header needed.");
        Error::new(Code::BadRequest, message)
    };
    let origin = headers.get("origin").ok_or_else(|| lacking("Origin"))?;
    let method =
        headers.get("access-control-request-method").ok_or_else(|| lacking("Access-Control-Request-Method"))?;
    let asked = headers.get("access-control-request-headers").unwrap_or_default();
    let named = asked.split(',').map(|name| name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty());
    let wish = Wish { origin, method, headers: named.collect() };
    let rules = Rules::load(service, bucket).await?;
    let Some(rule) = rules.fitting(&wish) else {
        let message = "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, \
                       request method / Access-Control-Request-Method or Access-Control-Request-Headers are not \
                       whitelisted by the resource's CORS spec.";
        return Err(Error::new(Code::AccessForbidden, message));
    };
    let reply = rule.told(Reply::empty(200), origin, rules.vary);
    Ok(if asked.is_empty() { reply } else { reply.header("Access-Control-Allow-Headers", asked) })
}

/// `PutBucketCors`.
pub(super) async fn put(service: &Service, bucket: Bucket, order: Order) -> Result<Reply, Error> {
    service.store.bucket(&bucket).await?;
    let Request { headers, body, .. } = order.request;
    let mut rules: Rules = xml::read(&document_body(&headers, body).await?)?;
    // Names of headers are told in lower case, whatever they came in.
    rules.rules.iter_mut().flat_map(|rule| &mut rule.headers).for_each(|name| name.make_ascii_lowercase());
    let bad = |rule: &Rule| {
        rule.origins.is_empty()
            || rule.methods.is_empty()
            || rule.methods.iter().any(|method| !METHODS.contains(&method.as_str()))
            || rule.origins.iter().chain(&rule.headers).any(|pattern| pattern.matches('*').count() > 1)
            || rule.exposed.iter().any(|name| name.contains('*'))
    };
    if rules.rules.is_empty() || rules.rules.len() > RULES || rules.rules.iter().any(bad) {
        return Err(xml::malformed());
    }
    let text = serde_json::to_string(&rules).map_err(Error::internal)?;
    service.store.put_document(&bucket, DOCUMENT, &text).await?;
    Ok(Reply::empty(200))
}

/// `GetBucketCors`.
pub(super) async fn get(service: &Service, bucket: Bucket) -> Result<Reply, Error> {
    service.store.bucket(&bucket).await?;
    let Some(found) = service.store.document(&bucket, DOCUMENT).await? else {
        let error = Error::new(Code::NoSuchCORSConfiguration, "The CORS Configuration does not exist.");
        return Err(error.detail("BucketName", bucket.as_str()));
    };
    let rules: Rules = serde_json::from_str(&found.text).map_err(Error::internal)?;
    Ok(Reply::xml(Xml::document("CORSConfiguration", |xml| {
        for rule in &rules.rules {
            xml.parent("CORSRule", |xml| {
                let lists = [
                    ("AllowedOrigin", &rule.origins),
                    ("AllowedMethod", &rule.methods),
                    ("AllowedHeader", &rule.headers),
                    ("ExposeHeader", &rule.exposed),
                ];
                for (name, texts) in lists {
                    texts.iter().for_each(|text| xml.text(name, text));
                }
                if let Some(max_age_s) = rule.max_age_s {
                    xml.text("MaxAgeSeconds", max_age_s);
                }
            });
        }
        xml.text("ResponseVary", rules.vary);
    })))
}

/// `DeleteBucketCors`.
pub(super) async fn delete(service: &Service, bucket: Bucket) -> Result<Reply, Error> {
    service.store.bucket(&bucket).await?;
    service.store.delete_document(&bucket, DOCUMENT).await?;
    Ok(Reply::empty(204))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_fit_by_origin_method_and_headers() {
        let text = "<CORSConfiguration><CORSRule><AllowedOrigin>https://*.shop.test</AllowedOrigin>\
                    <AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>\
                    <AllowedHeader>x-oss-*</AllowedHeader></CORSRule>\
                    <CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod>\
                    <MaxAgeSeconds>5</MaxAgeSeconds></CORSRule></CORSConfiguration>";
        let rules: Rules = xml::read(&bytes::Bytes::from(text)).unwrap();
        let fits = |origin, method, headers: &[&str]| {
            let headers = headers.iter().map(|name| name.to_string()).collect();
            rules.fitting(&Wish { origin, method, headers }).map(|rule| rule.max_age_s)
        };
        assert_eq!(fits("https://a.shop.test", "GET", &[]), Some(None));
        assert_eq!(fits("https://a.shop.test", "PUT", &["x-oss-date"]), Some(None));
        assert_eq!(fits("https://a.shop.test", "PUT", &["authorization"]), None);
        assert_eq!(fits("https://shop.test", "GET", &[]), None);
        assert_eq!(fits("https://evil.test", "HEAD", &[]), Some(Some(5)));
        assert!(Rules::of_origins(&[]).rules.is_empty());
        let open = Rules::of_origins(&["*".to_owned()]);
        let headers = vec!["authorization".to_owned()];
        assert!(open.fitting(&Wish { origin: "https://x.test", method: "POST", headers }).is_some());
    }
}
