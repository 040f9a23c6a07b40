//! What the calls on the service and on buckets do, but for styles and settings.

use super::encoded::Encoding;
use super::object;
use super::query::invalid;
use super::sign::clock;
use super::wire::{Headers, Reply, Request};
use super::xml::{self, Xml};
use super::{Order, Service, calls};
use crate::error::{Code, Ec, Error};
use crate::store::{Acl, Bucket, BucketFacts, Key, Listing};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use std::time::SystemTime;

/// Most keys of a page, and of a call that deletes.
const KEYS: u64 = 1000;

/// Keys of a page unless the caller says otherwise.
const KEYS_BY_DEFAULT: u64 = 100;

/// `ListBuckets`.
pub async fn list_buckets(service: &Service, order: Order) -> Result<Reply, Error> {
    let (prefix, marker) =
        (order.query.get("prefix").unwrap_or_default(), order.query.get("marker").unwrap_or_default());
    let limit = order.query.number("max-keys", 1..=KEYS, KEYS_BY_DEFAULT)? as usize;
    if !Bucket::may_begin_with(&prefix) {
        return Err(invalid("prefix", &prefix));
    }
    let mut buckets = service.store.buckets().await?;
    buckets.retain(|facts| facts.name.as_str().starts_with(&prefix) && *facts.name.as_str() > *marker);
    let truncated = buckets.len() > limit;
    buckets.truncate(limit);
    Ok(Reply::xml(Xml::document("ListAllMyBucketsResult", |xml| {
        if truncated || !prefix.is_empty() || !marker.is_empty() {
            xml.text("Prefix", prefix);
            xml.text("Marker", marker);
            xml.text("MaxKeys", limit);
            xml.text("IsTruncated", truncated);
            if let Some(last) = buckets.last().filter(|_| truncated) {
                xml.text("NextMarker", &last.name);
            }
        }
        xml.owner();
        xml.parent("Buckets", |xml| {
            for facts in &buckets {
                xml.parent("Bucket", |xml| told(xml, service, facts, &order.request.host));
            }
        });
    })))
}

/// What listings and `GetBucketInfo` tell of a bucket.
fn told(xml: &mut Xml, service: &Service, facts: &BucketFacts, host: &str) {
    let region = &service.rules.region;
    let host = endpoint(service, host);
    xml.text("Name", &facts.name);
    xml.time("CreationDate", facts.created);
    xml.text("ExtranetEndpoint", host);
    xml.text("IntranetEndpoint", host);
    xml.text("Location", format!("oss-{region}"));
    xml.text("Region", region);
    xml.text("StorageClass", "Standard");
}

/// The Host without the bucket that it names: what clients are told to reach any bucket by.
fn endpoint<'a>(service: &Service, host: &'a str) -> &'a str {
    match (service.rules.domains.bucket(host), host.split_once('.')) {
        (Some(bucket), Some((label, base))) if label.eq_ignore_ascii_case(bucket.as_str()) => base,
        _ => host,
    }
}

/// `PutBucket`.
pub async fn create(service: &Service, bucket: Bucket, order: Order) -> Result<Reply, Error> {
    // Folders may have other names; what is made here keeps the rules.
    let bucket = Bucket::new(bucket.as_str())?;
    let Request { headers, body, .. } = order.request;
    let acl = acl(&headers)?;
    // What cannot be read, or asks for something else, has always been passed over.
    let wanted = xml::read::<xml::BucketConfiguration>(&object::document_body(&headers, body).await?);
    let class = wanted.ok().and_then(|wanted| wanted.storage_class);
    let refused = service.rules.unsupported.check_storage_class(class.as_deref());
    // A bucket that is there keeps its ACL unless told another, and its storage class in any case.
    let acl = match service.store.bucket(&bucket).await {
        Ok(_) if refused.is_err() => return Err(already_exists(&bucket)),
        Ok(_) => acl,
        Err(error) if error.code == Code::NoSuchBucket => refused.map(|()| Some(acl.unwrap_or(Acl::Private)))?,
        Err(error) => return Err(error),
    };
    service.store.create_bucket(&bucket, acl).await?;
    Ok(made(&bucket))
}

fn already_exists(bucket: &Bucket) -> Error {
    let message = "The requested bucket name is not available. The bucket namespace is shared by all users of the \
                   system. Please select a different name and try again.";
    Error::new(Code::BucketAlreadyExists, message).ec(Ec(15, 104)).detail("BucketName", bucket.as_str())
}

/// Some clients read the bucket's name from the answer.
fn made(bucket: &Bucket) -> Reply {
    Reply::empty(200).header("Location", format!("/{bucket}"))
}

/// `DeleteBucket`.
pub async fn delete(service: &Service, bucket: Bucket) -> Result<Reply, Error> {
    service.store.delete_bucket(&bucket).await?;
    Ok(Reply::empty(204))
}

/// `HeadBucket`.
pub async fn head(service: &Service, bucket: Bucket, order: Order) -> Result<Reply, Error> {
    service.allow(&order.caller, calls::Right::List, &bucket).await?;
    Ok(Reply::empty(200).header("x-oss-bucket-region", service.rules.region.as_str()))
}

/// `GetBucketInfo`.
pub async fn info(service: &Service, bucket: Bucket, order: Order) -> Result<Reply, Error> {
    let facts = service.store.bucket(&bucket).await?;
    let grant = service.acl_of(&facts).name();
    Ok(Reply::xml(Xml::document("BucketInfo", |xml| {
        xml.parent("Bucket", |xml| {
            told(xml, service, &facts, &order.request.host);
            xml.text("DataRedundancyType", "LRS");
            xml.text("AccessMonitor", "Disabled");
            xml.text("CrossRegionReplication", "Disabled");
            xml.text("TransferAcceleration", "Disabled");
            xml.text("ResourceGroupId", "");
            xml.text("Comment", "");
            xml.owner();
            xml.parent("AccessControlList", |xml| xml.text("Grant", grant));
            // One client reads it without looking whether it is there.
            xml.parent("ServerSideEncryptionRule", |xml| xml.text("SSEAlgorithm", "None"));
        });
    })))
}

/// `GetBucketLocation`.
pub async fn location(service: &Service, bucket: Bucket) -> Result<Reply, Error> {
    service.store.bucket(&bucket).await?;
    let location = format!("oss-{}", service.rules.region);
    let text = Xml::document("LocationConstraint", |_| ());
    // The one document whose root has text of its own.
    let text = text.replace("<LocationConstraint>\n", &format!("<LocationConstraint>{location}"));
    Ok(Reply::xml(text))
}

/// `GetBucketStat`: counted by listing, a page after another.
pub async fn stat(service: &Service, bucket: Bucket) -> Result<Reply, Error> {
    let mut listing = Listing { limit: KEYS as usize, ..Listing::default() };
    let (mut count, mut bytes, mut last_modified) = (0u64, 0u64, SystemTime::UNIX_EPOCH);
    loop {
        let page = service.store.list(&bucket, &listing).await?;
        for (_, meta) in &page.objects {
            count += 1;
            bytes += meta.size_bytes;
            last_modified = last_modified.max(meta.last_modified);
        }
        match page.next {
            Some(next) => listing.after = next,
            None => break,
        }
    }
    let uploads = service.store.uploads(&bucket).await?.len();
    Ok(Reply::xml(Xml::document("BucketStat", |xml| {
        xml.text("Storage", bytes);
        xml.text("ObjectCount", count);
        xml.text("MultipartUploadCount", uploads);
        xml.text("LiveChannelCount", 0);
        xml.text("LastModifiedTime", clock::seconds(last_modified));
        xml.text("StandardStorage", bytes);
        xml.text("StandardObjectCount", count);
        // All is in the one class.
        for class in ["InfrequentAccess", "Archive", "ColdArchive", "DeepColdArchive"] {
            for figure in ["Storage", "RealStorage", "ObjectCount"] {
                xml.text(&format!("{class}{figure}"), 0);
            }
        }
    })))
}

/// `PutBucketAcl`: makes a bucket that is not there.
pub async fn put_acl(service: &Service, bucket: Bucket, order: Order) -> Result<Reply, Error> {
    let Some(acl) = acl(&order.request.headers)? else {
        let error = Error::new(Code::MissingArgument, "Missing Some Required Arguments.");
        return Err(error.detail("ArgumentName", "x-oss-acl"));
    };
    match service.store.set_bucket_acl(&bucket, acl).await {
        Err(error) if error.code == Code::NoSuchBucket => create(service, bucket, order).await,
        Err(error) => Err(error),
        Ok(()) => Ok(made(&bucket)),
    }
}

/// `GetBucketAcl`.
pub async fn get_acl(service: &Service, bucket: Bucket) -> Result<Reply, Error> {
    let acl = service.bucket_acl(&bucket).await?;
    Ok(Reply::xml(object::policy(acl.name())))
}

fn acl(headers: &Headers) -> Result<Option<Acl>, Error> {
    match headers.get("x-oss-acl") {
        None | Some("") => Ok(None),
        Some(name) => Acl::parse(name).map(Some).ok_or_else(|| invalid("x-oss-acl", name)),
    }
}

/// The configurations that no bucket here has.
pub async fn unset(service: &Service, bucket: Bucket, order: Order) -> Result<Reply, Error> {
    service.store.bucket(&bucket).await?;
    const UNSET: [(&str, Code, &str); 3] = [
        ("website", Code::NoSuchWebsiteConfiguration, "The specified bucket does not have a website configuration."),
        ("lifecycle", Code::NoSuchLifecycle, "No Row found in Lifecycle Table."),
        ("policy", Code::NoSuchBucketPolicy, "The bucket policy does not exist."),
    ];
    let asked = UNSET.into_iter().find(|(name, _, _)| order.query.has(name));
    let (_, code, message) = asked.ok_or_else(|| Error::internal("a configuration that no row names"))?;
    Err(Error::new(code, message).detail("BucketName", bucket.as_str()))
}

/// `ListObjects` and `ListObjectsV2`.
pub async fn list(service: &Service, bucket: Bucket, order: Order, second: bool) -> Result<Reply, Error> {
    service.allow(&order.caller, calls::Right::List, &bucket).await?;
    let text = |name| order.query.get(name).unwrap_or_default();
    if let Some(version) = order.query.get("list-type").filter(|version| second && version != "2") {
        return Err(invalid("list-type", &version));
    }
    let encoding = Encoding::asked(&order.query)?;
    let limit = order.query.number("max-keys", 1..=KEYS, KEYS_BY_DEFAULT)?;
    let (start, token) = (text("start-after"), text("continuation-token"));
    let after = match second {
        false => text("marker"),
        true if token.is_empty() => start.clone(),
        true => token_key(&token)?,
    };
    let listing = Listing {
        prefix: text("prefix"),
        delimiter: order.query.get("delimiter").filter(|delimiter| !delimiter.is_empty()),
        after,
        limit: limit as usize,
    };
    let page = service.store.list(&bucket, &listing).await?;
    let with_owner = !second || order.query.get("fetch-owner").as_deref() == Some("true");
    Ok(Reply::xml(Xml::document("ListBucketResult", |xml| {
        xml.text("Name", &bucket);
        xml.text("Prefix", encoding.write(&listing.prefix));
        match second {
            false => xml.text("Marker", encoding.write(&listing.after)),
            true => {
                xml.text("StartAfter", encoding.write(&start));
                if !token.is_empty() {
                    xml.text("ContinuationToken", &token);
                }
            }
        }
        xml.text("MaxKeys", limit);
        xml.text("Delimiter", encoding.write(listing.delimiter.as_deref().unwrap_or_default()));
        encoding.tell(xml);
        xml.text("IsTruncated", page.next.is_some());
        match &page.next {
            Some(next) if second => xml.text("NextContinuationToken", token_of(next)),
            Some(next) => xml.text("NextMarker", encoding.write(next)),
            None => {}
        }
        if second {
            xml.text("KeyCount", page.objects.len() + page.prefixes.len());
        }
        for (key, meta) in &page.objects {
            xml.parent("Contents", |xml| {
                xml.text("Key", encoding.write(key));
                xml.time("LastModified", meta.last_modified);
                xml.text("ETag", &meta.etag);
                xml.text("Type", meta.kind.name());
                xml.text("Size", meta.size_bytes);
                xml.text("StorageClass", "Standard");
                if with_owner {
                    xml.owner();
                }
            });
        }
        for prefix in &page.prefixes {
            xml.parent("CommonPrefixes", |xml| xml.text("Prefix", encoding.write(prefix)));
        }
    })))
}

/// A continuation token is the key that it goes on after, in a spelling that clients keep apart from keys.
fn token_of(key: &str) -> String {
    URL_SAFE.encode(key)
}

fn token_key(token: &str) -> Result<String, Error> {
    let key = URL_SAFE.decode(token).ok();
    key.and_then(|key| String::from_utf8(key).ok()).ok_or_else(|| invalid("continuation-token", token))
}

/// `ListMultipartUploads`.
pub async fn list_uploads(service: &Service, bucket: Bucket, order: Order) -> Result<Reply, Error> {
    let text = |name| order.query.get(name).unwrap_or_default();
    let (prefix, delimiter) = (text("prefix"), text("delimiter"));
    let marker = (text("key-marker"), text("upload-id-marker"));
    let limit = order.query.number("max-uploads", 1..=KEYS, KEYS)? as usize;
    let encoding = Encoding::asked(&order.query)?;
    let mut uploads = service.store.uploads(&bucket).await?;
    uploads.sort_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
    let after_marker = |key: &str, id: &str| match marker.1.is_empty() {
        true => *key > *marker.0,
        false => (key, id) > (marker.0.as_str(), marker.1.as_str()),
    };
    uploads.retain(|upload| upload.key.starts_with(&prefix) && after_marker(&upload.key, &upload.id));
    let mut prefixes: Vec<String> = Vec::new();
    if !delimiter.is_empty() {
        uploads.retain(|upload| match upload.key[prefix.len()..].find(&delimiter) {
            Some(at) => {
                let common = &upload.key[..prefix.len() + at + delimiter.len()];
                if prefixes.last().is_none_or(|last| last != common) {
                    prefixes.push(common.to_owned());
                }
                false
            }
            None => true,
        });
    }
    let truncated = uploads.len() > limit;
    uploads.truncate(limit);
    Ok(Reply::xml(Xml::document("ListMultipartUploadsResult", |xml| {
        encoding.tell(xml);
        xml.text("Bucket", &bucket);
        xml.text("KeyMarker", encoding.write(&marker.0));
        xml.text("UploadIdMarker", &marker.1);
        let last = uploads.last().filter(|_| truncated);
        xml.text("NextKeyMarker", encoding.write(last.map_or("", |upload| &upload.key)));
        xml.text("NextUploadIdMarker", last.map_or("", |upload| &upload.id));
        xml.text("Delimiter", encoding.write(&delimiter));
        xml.text("Prefix", encoding.write(&prefix));
        xml.text("MaxUploads", limit);
        xml.text("IsTruncated", truncated);
        for upload in &uploads {
            xml.parent("Upload", |xml| {
                xml.text("Key", encoding.write(&upload.key));
                xml.text("UploadId", &upload.id);
                xml.text("StorageClass", "Standard");
                xml.time("Initiated", upload.initiated);
            });
        }
        for common in &prefixes {
            xml.parent("CommonPrefixes", |xml| xml.text("Prefix", encoding.write(common)));
        }
    })))
}

/// `DeleteMultipleObjects`.
pub async fn delete_objects(service: &Service, bucket: Bucket, order: Order) -> Result<Reply, Error> {
    let encoding = Encoding::asked(&order.query)?;
    let expected = object::expected_md5_of_deletion(&order.request.headers)?;
    let body = object::checked_body(expected, order.request.body).await?;
    let asked: xml::Delete = xml::read(&body)?;
    if asked.objects.is_empty() || asked.objects.len() as u64 > KEYS {
        return Err(xml::malformed());
    }
    service.store.bucket(&bucket).await?;
    let mut deleted = Vec::with_capacity(asked.objects.len());
    for object in asked.objects {
        // A name that no object can have is a name that no object has.
        if let Ok(key) = Key::new(&object.key) {
            service.store.delete(&bucket, &key).await?;
        }
        deleted.push(object.key);
    }
    if asked.quiet {
        return Ok(Reply::empty(200));
    }
    Ok(Reply::xml(Xml::document("DeleteResult", |xml| {
        encoding.tell(xml);
        for key in &deleted {
            xml.parent("Deleted", |xml| xml.text("Key", encoding.write(key)));
        }
    })))
}
