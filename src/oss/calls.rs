//! The object API: one row a call. Routing, rights and the README's table read the rows.

use Call::*;
use Mark::{Header, Query};
use Right::{Authorized, List, Own, Read, Write};
use Scope::{Bucket, Object, Service};

/// A supported call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    ListBuckets,
    PutBucket,
    DeleteBucket,
    HeadBucket,
    GetBucketInfo,
    GetBucketLocation,
    GetBucketStat,
    PutBucketAcl,
    GetBucketAcl,
    ListObjects,
    ListObjectsV2,
    ListMultipartUploads,
    DeleteMultipleObjects,
    PostObject,
    PutStyle,
    GetStyle,
    ListStyle,
    DeleteStyle,
    PutProcessConfiguration,
    GetProcessConfiguration,
    PutBucketCors,
    GetBucketCors,
    DeleteBucketCors,
    GetUnset,
    PutObject,
    CopyObject,
    GetObject,
    HeadObject,
    GetObjectMeta,
    DeleteObject,
    AppendObject,
    PutObjectAcl,
    GetObjectAcl,
    InitiateMultipartUpload,
    UploadPart,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
    ProcessObject,
    AsyncProcessObject,
}

/// What a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Service,
    Bucket,
    Object,
}

impl Scope {
    pub fn name(self) -> &'static str {
        match self {
            Service => "Service",
            Bucket => "Bucket",
            Object => "Object",
        }
    }
}

/// What tells a call from others of the same method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A parameter of the query, with any value.
    Query(&'static str),
    Header(&'static str),
}

/// What a caller must be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Reading objects: public-read allows it.
    Read,
    /// Listing a bucket's objects: public-read allows it.
    List,
    /// Writing objects: public-read-write allows it.
    Write,
    /// Everything else: a signature alone allows it.
    Own,
    /// The call brings its own authorization.
    Authorized,
}

/// A call, how it is told, and what it needs.
#[derive(Debug)]
pub struct Row {
    pub call: Call,
    pub scope: Scope,
    pub method: &'static str,
    pub marks: &'static [Mark],
    pub right: Right,
    /// What is to know about it beyond its name.
    pub remark: &'static str,
}

const fn row(
    call: Call,
    scope: Scope,
    method: &'static str,
    marks: &'static [Mark],
    right: Right,
    remark: &'static str,
) -> Row {
    Row { call, scope, method, marks, right, remark }
}

/// Every call. Of the rows of one scope and method the first counts whose marks are all there.
#[rustfmt::skip]
pub static CALLS: &[Row] = &[
    row(ListBuckets, Service, "GET", &[], Own, "prefix, marker, max-keys; without a signature the start page"),
    row(PutBucketAcl, Bucket, "PUT", &[Query("acl")], Own, ""),
    row(PutStyle, Bucket, "PUT", &[Query("style")], Own, "50 a bucket"),
    row(PutProcessConfiguration, Bucket, "PUT", &[Query("processConfiguration")], Own, "style delimiters, source protection"),
    row(PutBucketCors, Bucket, "PUT", &[Query("cors")], Own, "10 rules"),
    row(PutBucket, Bucket, "PUT", &[], Own, "x-oss-acl; the body is passed over"),
    row(GetBucketInfo, Bucket, "GET", &[Query("bucketInfo")], Own, ""),
    row(GetBucketLocation, Bucket, "GET", &[Query("location")], Own, ""),
    row(GetBucketStat, Bucket, "GET", &[Query("stat")], Own, "counted when asked"),
    row(GetBucketAcl, Bucket, "GET", &[Query("acl")], Own, ""),
    row(GetStyle, Bucket, "GET", &[Query("style"), Query("styleName")], Own, ""),
    row(ListStyle, Bucket, "GET", &[Query("style")], Own, ""),
    row(GetProcessConfiguration, Bucket, "GET", &[Query("processConfiguration")], Own, ""),
    row(GetBucketCors, Bucket, "GET", &[Query("cors")], Own, ""),
    row(GetUnset, Bucket, "GET", &[Query("website")], Own, "never set: 404 NoSuchWebsiteConfiguration"),
    row(GetUnset, Bucket, "GET", &[Query("lifecycle")], Own, "never set: 404 NoSuchLifecycle"),
    row(GetUnset, Bucket, "GET", &[Query("policy")], Own, "never set: 404 NoSuchBucketPolicy"),
    row(ListMultipartUploads, Bucket, "GET", &[Query("uploads")], Own, ""),
    row(ListObjectsV2, Bucket, "GET", &[Query("list-type")], List, ""),
    row(ListObjects, Bucket, "GET", &[], List, ""),
    row(HeadBucket, Bucket, "HEAD", &[], List, "whether the bucket is there"),
    row(DeleteStyle, Bucket, "DELETE", &[Query("style")], Own, ""),
    row(DeleteBucketCors, Bucket, "DELETE", &[Query("cors")], Own, ""),
    row(DeleteBucket, Bucket, "DELETE", &[], Own, ""),
    row(DeleteMultipleObjects, Bucket, "POST", &[Query("delete")], Own, "1000 keys"),
    row(PostObject, Bucket, "POST", &[], Authorized, "form upload; policy signed by V1 or V4"),
    row(PutObjectAcl, Object, "PUT", &[Query("acl")], Own, ""),
    row(UploadPartCopy, Object, "PUT", &[Query("partNumber"), Query("uploadId"), Header("x-oss-copy-source")], Write, "x-oss-copy-source-range"),
    row(UploadPart, Object, "PUT", &[Query("partNumber"), Query("uploadId")], Write, "parts of any size"),
    row(CopyObject, Object, "PUT", &[Header("x-oss-copy-source")], Write, "conditions, x-oss-metadata-directive"),
    row(PutObject, Object, "PUT", &[], Write, "Content-MD5, x-oss-forbid-overwrite, x-oss-object-acl, x-oss-meta-*"),
    row(ListParts, Object, "GET", &[Query("uploadId")], Own, ""),
    row(GetObjectAcl, Object, "GET", &[Query("acl")], Own, ""),
    row(GetObjectMeta, Object, "GET", &[Query("objectMeta")], Read, ""),
    row(GetObject, Object, "GET", &[], Read, "x-oss-process, styles, ranges, conditions, response-*"),
    row(GetObjectMeta, Object, "HEAD", &[Query("objectMeta")], Read, ""),
    row(HeadObject, Object, "HEAD", &[], Read, "with x-oss-process what GET would answer"),
    row(AbortMultipartUpload, Object, "DELETE", &[Query("uploadId")], Write, ""),
    row(DeleteObject, Object, "DELETE", &[], Write, ""),
    row(AppendObject, Object, "POST", &[Query("append")], Write, ""),
    row(InitiateMultipartUpload, Object, "POST", &[Query("uploads")], Write, ""),
    row(CompleteMultipartUpload, Object, "POST", &[Query("uploadId")], Write, "x-oss-complete-all"),
    row(ProcessObject, Object, "POST", &[Query("x-oss-process")], Own, "the picture, or with sys/saveas where it was saved"),
    row(AsyncProcessObject, Object, "POST", &[Query("x-oss-async-process")], Own, "404 Imm Client, as without the media add-on"),
];

/// Parameters that make a request one about something else than the object's content: a call with
/// one of them that no row names is refused rather than taken for a plain read or write.
pub const SUBRESOURCES: &[&str] = &[
    "accessmonitor",
    "accessPoint",
    "accessPointPolicy",
    "acl",
    "append",
    "asyncFetch",
    "bucketArchiveDirectRead",
    "bucketInfo",
    "cleanRestoredObject",
    "cloudboxes",
    "cname",
    "comp",
    "cors",
    "delete",
    "encryption",
    "httpsConfig",
    "img",
    "inventory",
    "inventoryId",
    "legalHold",
    "lifecycle",
    "link",
    "live",
    "location",
    "logging",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metaQuery",
    "objectInfo",
    "objectMeta",
    "objectWorm",
    "overwriteConfig",
    "partNumber",
    "policy",
    "policyStatus",
    "processConfiguration",
    "publicAccessBlock",
    "qos",
    "qosInfo",
    "qosRequester",
    "quota",
    "redundancyTransition",
    "referer",
    "regionList",
    "regions",
    "replication",
    "replicationLocation",
    "replicationProgress",
    "requesterQosInfo",
    "requestPayment",
    "resourceGroup",
    "resourcePool",
    "resourcePoolBuckets",
    "resourcePoolInfo",
    "responseHeader",
    "restore",
    "retention",
    "rtc",
    "seal",
    "stat",
    "status",
    "style",
    "symlink",
    "tagging",
    "transferAcceleration",
    "udf",
    "uploadId",
    "uploads",
    "userDefinedLogFieldsConfig",
    "versioning",
    "versions",
    "vod",
    "website",
    "withHashContext",
    "worm",
    "wormExtend",
    "wormId",
    "x-oss-async-process",
    "x-oss-write-get-object-response",
];

/// The table of calls as the README shows it.
pub fn markdown() -> String {
    let mut text = String::from("| call | request | needs | remarks |\n| --- | --- | --- | --- |\n");
    for row in CALLS {
        let path = match row.scope {
            Service => "/",
            Bucket => "/BUCKET/",
            Object => "/BUCKET/KEY",
        };
        let mut query = Vec::new();
        let mut headers = String::new();
        for mark in row.marks {
            match mark {
                Query(name) => query.push(*name),
                Header(name) => headers.push_str(&format!(" with {name}")),
            }
        }
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let needs = match row.right {
            Read => "read",
            List => "read",
            Write => "write",
            Own => "signature",
            Authorized => "signed policy",
        };
        let (call, method, remark) = (row.call, row.method, row.remark);
        text.push_str(&format!("| {call:?} | `{method} {path}{query}`{headers} | {needs} | {remark} |\n"));
    }
    text
}
