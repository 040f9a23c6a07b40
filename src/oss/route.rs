//! A request's address, method, query and headers → [`Operation`].

use super::address::Address;
use super::calls::{CALLS, Call, Mark, Right, Row, SUBRESOURCES, Scope};
use super::query::Query;
use super::wire::Request;
use crate::error::{Code, Ec, Error};
use crate::store::{Bucket, Key};

/// A supported call, names checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub call: Call,
    pub right: Right,
    pub on: On,
    pub query: Query,
}

/// What an operation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    Service,
    Bucket(Bucket),
    Object(Target),
}

/// An object's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub bucket: Bucket,
    pub key: Key,
    /// See [`Address::alternative`]; looked at when nothing is called `key`.
    pub alternative: Option<Key>,
}

/// The call that a request to `address` makes.
///
/// # Errors
/// `NotImplemented` for calls of the language that are not built, `MethodNotAllowed` for other
/// verbs, `InvalidObjectName`, `InvalidArgument`.
pub fn route(address: Address, request: &Request) -> Result<Operation, Error> {
    let query = Query::parse(&request.query);
    let on = match (address.bucket, address.key.as_str()) {
        (None, _) => On::Service,
        (Some(bucket), "") => On::Bucket(bucket),
        (Some(bucket), key) => {
            let alternative = address.alternative.and_then(|key| Key::new(&key).ok());
            // Whoever only looks need not know what objects can be called.
            let key = if matches!(request.method.as_str(), "GET" | "HEAD") { Key::asked(key) } else { Key::new(key)? };
            On::Object(Target { bucket, key, alternative })
        }
    };
    let row = find(&on, request, &query)?;
    if row.call == Call::PutObject && query.has("x-oss-process") {
        return Err(Error::new(Code::InvalidArgument, "A PUT takes no x-oss-process."));
    }
    Ok(Operation { call: row.call, right: row.right, on, query })
}

impl On {
    fn scope(&self) -> Scope {
        match self {
            On::Service => Scope::Service,
            On::Bucket(_) => Scope::Bucket,
            On::Object(_) => Scope::Object,
        }
    }
}

fn find(on: &On, request: &Request, query: &Query) -> Result<&'static Row, Error> {
    let method = request.method.as_str();
    let scope = on.scope();
    if !matches!(method, "GET" | "HEAD" | "PUT" | "POST" | "DELETE") {
        return Err(method_not_allowed(method, scope));
    }
    let holds = |mark: &Mark| match mark {
        Mark::Query(name) => query.has(name),
        Mark::Header(name) => request.headers.get(name).is_some(),
    };
    // The start page and the list of buckets are looked at with HEAD too.
    let method = if scope == Scope::Service && method == "HEAD" { "GET" } else { method };
    let rows = CALLS.iter().filter(|row| row.scope == scope && row.method == method);
    let mut fitting = rows.clone().filter(|row| row.marks.iter().all(holds));
    let other = SUBRESOURCES.iter().find(|name| query.has(name));
    match (fitting.next(), other) {
        (Some(row), _) if !row.marks.is_empty() => Ok(row),
        (_, Some(name)) => Err(not_implemented(format!("{method} of {} with ?{name}", of(scope)))),
        (Some(row), None) => Ok(row),
        (None, None) if scope == Scope::Service => Err(method_not_allowed(method, scope)),
        (None, None) => Err(not_implemented(format!("{method} of {}", of(scope)))),
    }
}

fn of(scope: Scope) -> &'static str {
    match scope {
        Scope::Service => "the service",
        Scope::Bucket => "a bucket",
        Scope::Object => "an object",
    }
}

fn not_implemented(what: String) -> Error {
    Error::new(Code::NotImplemented, format!("{what} is not implemented."))
}

fn method_not_allowed(method: &str, scope: Scope) -> Error {
    let error = Error::new(Code::MethodNotAllowed, "The specified method is not allowed against this resource.");
    error.ec(Ec(3, 16)).detail("Method", method).detail("ResourceType", scope.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oss::address::Domains;
    use crate::oss::wire::Headers;
    use futures_util::stream;
    use std::time::Instant;

    fn routed(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<Operation, Code> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let request = Request {
            id: String::new(),
            client_ip: std::net::Ipv4Addr::LOCALHOST.into(),
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            host: if path.starts_with("/b/") || path == "/b" { "127.0.0.1" } else { "demo.localhost" }.to_owned(),
            secure: false,
            headers: Headers(headers),
            body: Box::pin(stream::empty()),
            begin: Instant::now(),
        };
        let domains = Domains { bases: vec!["localhost".to_owned()], custom: Vec::new() };
        let address = Address::read(&request.host, path, &domains).map_err(|error| error.code)?;
        route(address, &request).map_err(|error| error.code)
    }

    #[test]
    fn calls_are_told_by_method_scope_and_marks() {
        let cases = [
            ("GET", "/a.jpg", Ok(Call::GetObject)),
            ("GET", "/b/a.jpg?x-oss-process=image/info", Ok(Call::GetObject)),
            ("GET", "/a.jpg?acl", Ok(Call::GetObjectAcl)),
            ("GET", "/a.jpg?acl=", Ok(Call::GetObjectAcl)),
            ("HEAD", "/a.jpg", Ok(Call::HeadObject)),
            ("HEAD", "/a.jpg?objectMeta", Ok(Call::GetObjectMeta)),
            ("PUT", "/a.jpg", Ok(Call::PutObject)),
            ("PUT", "/a.jpg?partNumber=1&uploadId=2", Ok(Call::UploadPart)),
            ("PUT", "/a.jpg?partNumber=1", Err(Code::NotImplemented)),
            ("POST", "/a.jpg?uploads", Ok(Call::InitiateMultipartUpload)),
            ("POST", "/a.jpg?uploadId=2", Ok(Call::CompleteMultipartUpload)),
            ("POST", "/a.jpg?append&position=0", Ok(Call::AppendObject)),
            ("POST", "/a.jpg?x-oss-process", Ok(Call::ProcessObject)),
            ("DELETE", "/a.jpg", Ok(Call::DeleteObject)),
            ("DELETE", "/a.jpg?uploadId=2", Ok(Call::AbortMultipartUpload)),
            ("GET", "/b", Ok(Call::ListObjects)),
            ("GET", "/b/", Ok(Call::ListObjects)),
            ("GET", "/", Ok(Call::ListObjects)),
            ("GET", "//", Ok(Call::ListObjects)),
            ("GET", "/?list-type=2", Ok(Call::ListObjectsV2)),
            ("GET", "/demo", Ok(Call::GetObject)),
            ("GET", "/b/?style", Ok(Call::ListStyle)),
            ("GET", "/b/?style&styleName=a", Ok(Call::GetStyle)),
            ("POST", "/b/?delete", Ok(Call::DeleteMultipleObjects)),
            ("POST", "/b/", Ok(Call::PostObject)),
            ("GET", "/b/?website", Ok(Call::GetUnset)),
            // What is not built is said, not taken for something else.
            ("GET", "/a.jpg?tagging", Err(Code::NotImplemented)),
            ("PUT", "/a.jpg?symlink", Err(Code::NotImplemented)),
            ("PUT", "/a.jpg?retention", Err(Code::NotImplemented)),
            ("PUT", "/a.jpg?legalHold", Err(Code::NotImplemented)),
            ("GET", "/b/?versioning", Err(Code::NotImplemented)),
            ("DELETE", "/b/?website", Err(Code::NotImplemented)),
            ("POST", "/a.jpg", Err(Code::NotImplemented)),
            ("PUT", "/a.jpg?x-oss-process=image/resize,w_1", Err(Code::InvalidArgument)),
            ("PATCH", "/a.jpg", Err(Code::MethodNotAllowed)),
            ("PUT", "/b//a", Err(Code::InvalidObjectName)),
            ("DELETE", "/b/%5Ca", Err(Code::InvalidObjectName)),
            ("POST", "/b//a?uploads", Err(Code::InvalidObjectName)),
            // Looked for and not found.
            ("GET", "/b//a", Ok(Call::GetObject)),
            ("HEAD", "/b/%5Ca", Ok(Call::HeadObject)),
        ];
        for (method, target, expected) in cases {
            assert_eq!(routed(method, target, &[]).map(|operation| operation.call), expected, "{method} {target}");
        }
    }

    #[test]
    fn copies_are_told_by_a_header() {
        let call = |target| routed("PUT", target, &[("x-oss-copy-source", "/b/k")]).map(|operation| operation.call);
        assert_eq!(call("/a.jpg"), Ok(Call::CopyObject));
        assert_eq!(call("/a.jpg?partNumber=1&uploadId=2"), Ok(Call::UploadPartCopy));
        assert_eq!(call("/a.jpg?acl"), Ok(Call::PutObjectAcl));
    }

    #[test]
    fn every_row_can_be_reached() {
        for row in CALLS {
            let mut query = Vec::new();
            let mut headers = Vec::new();
            for mark in row.marks {
                match mark {
                    Mark::Query(name) => query.push(*name),
                    Mark::Header(name) => headers.push((*name, "/b/k")),
                }
            }
            let path = match row.scope {
                Scope::Service => continue,
                Scope::Bucket => "/b/",
                Scope::Object => "/b/k",
            };
            let found = routed(row.method, &format!("{path}?{}", query.join("&")), &headers).unwrap();
            assert_eq!(found.call, row.call);
        }
    }
}
