//! A bucket's settings for processing: further separators before style names, and source
//! protection, which shows anonymous callers of some keys nothing but styles.

use super::object::document_body;
use super::query::invalid;
use super::route::Target;
use super::sign::Caller;
use super::wire::Reply;
use super::xml::{self, Xml};
use super::{Order, Service};
use crate::error::{Code, Ec, Error};
use crate::store::Bucket;
use serde::{Deserialize, Serialize};

/// The document's name.
const DOCUMENT: &str = "process";

/// What separates keys from style names, where a bucket says so.
const DELIMITERS: &str = "-_/!";

/// The settings of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// `Both` or `Img`: kept for clients, without effect.
    complied_host: String,
    protect: bool,
    /// Endings of protected keys, comma-separated; `*` for all.
    suffixes: String,
    /// One character each, in byte order.
    pub delimiters: String,
}

impl Default for Settings {
    fn default() -> Settings {
        let none = String::new();
        Settings { complied_host: "Both".to_owned(), protect: false, suffixes: none.clone(), delimiters: none }
    }
}

impl Settings {
    /// The settings of `bucket`; those of a bucket that has none.
    pub async fn load(service: &Service, bucket: &Bucket) -> Result<Settings, Error> {
        match service.store.document(bucket, DOCUMENT).await? {
            None => Ok(Settings::default()),
            Some(found) => serde_json::from_str(&found.text).map_err(Error::internal),
        }
    }

    fn protects(&self, key: &str) -> bool {
        let ending = key.rsplit_once('.').map_or("", |(_, ending)| ending);
        let listed = |suffix: &str| suffix == "*" || suffix.trim_start_matches('.').eq_ignore_ascii_case(ending);
        self.protect && self.suffixes.split(',').map(str::trim).any(|suffix| !suffix.is_empty() && listed(suffix))
    }
}

/// Refuses an anonymous read of a protected key that is not by style alone.
///
/// # Errors
/// `AccessDenied` with EC 0040-00000031.
pub async fn check(service: &Service, caller: &Caller, target: &Target, process: Option<&str>) -> Result<(), Error> {
    let by_style = process.is_some_and(|process| process.split('|').all(|segment| segment.starts_with("style/")));
    if *caller != Caller::Anonymous || by_style {
        return Ok(());
    }
    let settings = Settings::load(service, &target.bucket).await?;
    let keys = [Some(&target.key), target.alternative.as_ref()];
    if keys.into_iter().flatten().any(|key| settings.protects(key.as_str())) {
        let message = "This image is protected: it can be read with a style only.";
        return Err(Error::new(Code::AccessDenied, message).ec(Ec::image(31)));
    }
    Ok(())
}

/// `PUT ?processConfiguration`.
pub async fn put(service: &Service, bucket: Bucket, order: Order) -> Result<Reply, Error> {
    // A missing bucket is told before the content is judged.
    service.store.bucket(&bucket).await?;
    let body = document_body(&order.request.headers, order.request.body).await?;
    let sent: xml::ProcessConfiguration = xml::read(&body)?;
    let complied_host = sent.complied_host.unwrap_or_else(|| "Both".to_owned());
    if !matches!(complied_host.as_str(), "Both" | "Img") {
        return Err(invalid("CompliedHost", &complied_host));
    }
    let protect = match sent.source_file_protect.as_deref() {
        None | Some("" | "Disabled") => false,
        Some("Enabled") => true,
        Some(other) => return Err(invalid("SourceFileProtect", other)),
    };
    let given = sent.style_delimiters.unwrap_or_default();
    let mut delimiters: Vec<char> = Vec::new();
    for delimiter in given.split(',').map(str::trim).filter(|delimiter| !delimiter.is_empty()) {
        match delimiter.chars().next() {
            Some(c) if delimiter.len() == 1 && DELIMITERS.contains(c) => delimiters.push(c),
            _ => return Err(invalid("StyleDelimiters", &given)),
        }
    }
    delimiters.sort_unstable();
    delimiters.dedup();
    let settings = Settings {
        complied_host,
        protect,
        suffixes: sent.source_file_protect_suffix.unwrap_or_default(),
        delimiters: delimiters.into_iter().collect(),
    };
    let text = serde_json::to_string(&settings).map_err(Error::internal)?;
    service.store.put_document(&bucket, DOCUMENT, &text).await?;
    Ok(Reply::empty(200))
}

/// `GET ?processConfiguration`.
pub async fn get(service: &Service, bucket: Bucket) -> Result<Reply, Error> {
    service.store.bucket(&bucket).await?;
    let settings = Settings::load(service, &bucket).await?;
    let delimiters: Vec<_> = settings.delimiters.chars().map(String::from).collect();
    Ok(Reply::xml(Xml::document("BucketProcessConfiguration", |xml| {
        xml.text("CompliedHost", &settings.complied_host);
        xml.text("SourceFileProtect", if settings.protect { "Enabled" } else { "Disabled" });
        xml.text("SourceFileProtectSuffix", if settings.protect { settings.suffixes.as_str() } else { "" });
        xml.text("StyleDelimiters", delimiters.join(","));
        xml.text("Version", 2);
    })))
}
