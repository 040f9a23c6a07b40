//! Stored styles: process strings with names, kept as documents of the bucket.
//!
//! One document a style, so that those who write different ones never meet.

use super::object::document_body;
use super::protect::Settings;
use super::query::invalid;
use super::route::Target;
use super::wire::Reply;
use super::xml::{self, Xml};
use super::{Order, Service};
use crate::error::{Code, Ec, Error};
use crate::process::Pipe;
use crate::store::{Bucket, Document, Key};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most styles of a bucket.
const STYLES: usize = 50;

/// Longest name, in bytes.
const NAME_BYTES: usize = 63;

/// What stands in front of a style's name at the end of a key, in the order of trying. The first ones hold
/// everywhere, the others in buckets that say so.
const EVERYWHERE: [&str; 2] = ["@!", "!"];
const WHERE_ENABLED: [&str; 3] = ["/", "_", "-"];

/// A style as its document holds it.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    content: String,
    category: String,
}

/// `PutStyle`: replaces a style of that name and keeps the time of its creation. The content is not
/// understood here; one that is no process fails when it is used.
pub async fn put(service: &Service, bucket: Bucket, order: Order) -> Result<Reply, Error> {
    service.store.bucket(&bucket).await?;
    let name = checked_name(&order)?;
    let body = document_body(&order.request.headers, order.request.body).await?;
    let content = xml::read::<xml::Style>(&body)?.content;
    if content.is_empty() || content.contains([';', '(', ')', '\'', '*', '?']) {
        return Err(Error::new(Code::InvalidArgument, "Style content is invalid.").ec(Ec(17, 253)));
    }
    let there = service.store.document(&bucket, &document(&name)).await?.is_some();
    if !there && service.store.documents(&bucket, &document("")).await?.len() >= STYLES {
        let message = format!("A bucket holds at most {STYLES} styles.");
        return Err(Error::new(Code::AccessDenied, message));
    }
    let category = order.query.get("category").filter(|category| !category.is_empty());
    let stored = Stored { content, category: category.unwrap_or_else(|| "image".to_owned()) };
    let text = serde_json::to_string(&stored).map_err(Error::internal)?;
    service.store.put_document(&bucket, &document(&name), &text).await?;
    Ok(Reply::empty(200))
}

/// `GetStyle`.
pub async fn get(service: &Service, bucket: Bucket, order: Order) -> Result<Reply, Error> {
    service.store.bucket(&bucket).await?;
    let name = checked_name(&order)?;
    let Some(found) = service.store.document(&bucket, &document(&name)).await? else { return Err(missing()) };
    let stored = stored(&found)?;
    Ok(Reply::xml(Xml::document("Style", |xml| told(xml, &name, &stored, &found))))
}

/// `ListStyle`: in order of creation.
pub async fn list(service: &Service, bucket: Bucket) -> Result<Reply, Error> {
    service.store.bucket(&bucket).await?;
    let mut styles = Vec::new();
    for (name, found) in service.store.documents(&bucket, &document("")).await? {
        let stored = stored(&found)?;
        styles.push((name, stored, found));
    }
    Ok(Reply::xml(Xml::document("StyleList", |xml| {
        for (name, stored, found) in &styles {
            let name = name.strip_prefix(&document("")).unwrap_or(name);
            xml.parent("Style", |xml| told(xml, name, stored, found));
        }
    })))
}

/// `DeleteStyle`: success also where there was none.
pub async fn delete(service: &Service, bucket: Bucket, order: Order) -> Result<Reply, Error> {
    service.store.bucket(&bucket).await?;
    let name = checked_name(&order)?;
    service.store.delete_document(&bucket, &document(&name)).await?;
    Ok(Reply::empty(204))
}

/// The texts of the styles that a process string names, by name; what is not there is left out.
///
/// # Errors
/// `InvalidArgument` for a process string that cannot be read.
pub async fn texts(service: &Service, bucket: &Bucket, process: &str) -> Result<BTreeMap<String, String>, Error> {
    let mut texts = BTreeMap::new();
    for name in Pipe::styles(process)? {
        if !is_name(&name) {
            continue;
        }
        if let Some(found) = service.store.document(bucket, &document(&name)).await? {
            texts.insert(name, stored(&found)?.content);
        }
    }
    Ok(texts)
}

/// The object and the style that a key names together, as in `photo.jpg@!small`, where nothing is
/// stored under the whole key: of all splits, first those at the first separator and from left to right,
/// the first whose style exists. Source: the specification, section 8.1.
///
/// # Errors
/// `NoSuchStyle` where there is none, but a split at `@!` or `!`, which stand in few names otherwise.
pub async fn named_by_key(service: &Service, target: &Target) -> Result<Option<(Key, String)>, Error> {
    let settings = Settings::load(service, &target.bucket).await?;
    let enabled = WHERE_ENABLED.into_iter().filter(|separator| settings.delimiters.contains(separator));
    let mut is_meant = false;
    for separator in EVERYWHERE.into_iter().chain(enabled) {
        for key in [Some(&target.key), target.alternative.as_ref()].into_iter().flatten() {
            for (before, name) in splits(key.as_str(), separator) {
                let Ok(before) = Key::new(before) else { continue };
                if service.store.document(&target.bucket, &document(name)).await?.is_some() {
                    return Ok(Some((before, name.to_owned())));
                }
                is_meant |= EVERYWHERE.contains(&separator);
            }
        }
    }
    if is_meant { Err(missing()) } else { Ok(None) }
}

/// The ways to split a key at a separator so that what follows can be a style's name, from left to right.
///
/// No more than a name has bytes: only the key's end can be one.
fn splits<'a>(key: &'a str, separator: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let places = key.match_indices(separator).map(|(place, found)| (&key[..place], &key[place + found.len()..]));
    places.filter(|(_, name)| is_name(name))
}

fn document(name: &str) -> String {
    format!("styles/{name}")
}

fn stored(found: &Document) -> Result<Stored, Error> {
    serde_json::from_str(&found.text).map_err(Error::internal)
}

fn told(xml: &mut Xml, name: &str, stored: &Stored, found: &Document) {
    xml.text("Name", name);
    xml.text("Content", &stored.content);
    xml.text("Category", &stored.category);
    xml.text("CreateTime", httpdate::fmt_http_date(found.created));
    xml.text("LastModifyTime", httpdate::fmt_http_date(found.modified));
}

fn is_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=NAME_BYTES).contains(&name.len()) && name.bytes().all(legal)
}

fn checked_name(order: &Order) -> Result<String, Error> {
    let name = order.query.get("styleName").unwrap_or_default();
    let ec = if name.is_empty() || name.len() > NAME_BYTES { 250 } else { 251 };
    if is_name(&name) { Ok(name) } else { Err(invalid("styleName", &name).ec(Ec(17, ec))) }
}

fn missing() -> Error {
    Error::new(Code::NoSuchStyle, "The style you get is not found.")
}
