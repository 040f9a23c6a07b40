//! The published vectors, clocks, tokens, the exchange of keys and the mistakes of clients.

mod changes;
mod failings;

use super::*;
use crate::oss::address::{Address, Domains};
use crate::store::Bucket;
use serde_json::Value;
use std::time::{Duration, UNIX_EPOCH};

const ID: &str = "LTAIexampleexample";
const SECRET: &str = "exampleSecretKey0123456789abcd";
const TOKEN: &str = "CAISfaketoken+/==";

/// 2026-01-15T08:30:00Z.
const CLOCK: i64 = 1_768_465_800;

/// A request of the vectors.
#[derive(Debug, Clone)]
struct Sent {
    name: String,
    method: String,
    host: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
}

impl Sent {
    fn of(vector: &Value) -> Sent {
        let text = |name: &str| vector[name].as_str().unwrap().to_owned();
        let url = text("url");
        let (host, rest) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let headers = vector["headers"].as_object().unwrap().iter();
        let headers: Vec<_> =
            headers.map(|(name, value)| (name.to_ascii_lowercase(), value.as_str().unwrap().to_owned())).collect();
        let host = headers.iter().find(|(name, _)| name == "host").map_or(host, |(_, value)| value).to_owned();
        Sent {
            name: text("name"),
            method: text("method"),
            host,
            path: format!("/{path}"),
            query: query.to_owned(),
            headers,
        }
    }

    fn readings(&self) -> Result<Vec<Reading>, Error> {
        // The server knows the bucket of a domain of the operator's own.
        let custom = vec![("img.example.com".to_owned(), Bucket::new("examplebucket")?)];
        let domains = Domains { bases: vec!["oss.test".to_owned()], custom };
        Ok(Address::read(&self.host, &self.path, &domains)?.readings())
    }

    /// Calls `then` with the request as a subject, if its path can be read.
    fn with<T>(&self, now: i64, then: impl FnOnce(&Subject) -> Result<T, Error>) -> Result<T, Error> {
        let readings = self.readings()?;
        let now = UNIX_EPOCH + Duration::from_secs(now.unsigned_abs());
        let headers = Headers(self.headers.clone());
        then(&Subject { method: &self.method, readings: &readings, query: &self.query, headers: &headers, now })
    }

    fn judge(&self, keys: &Keys, now: i64) -> Result<Caller, Error> {
        self.with(now, |subject| judge(subject, keys, None))
    }

    fn code(&self, keys: &Keys, now: i64) -> Result<Caller, Code> {
        self.judge(keys, now).map_err(|error| error.code)
    }

    /// The same with another header.
    fn header(mut self, name: &str, value: &str) -> Sent {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with a piece of the query replaced.
    fn query(mut self, from: &str, to: &str) -> Sent {
        assert!(self.query.contains(from), "{from} in {}", self.query);
        self.query = self.query.replacen(from, to, 1);
        self
    }
}

fn vectors() -> Vec<Value> {
    let text = include_str!("../../../../fixtures/vectors/oss-sign-vectors.json");
    let mut document: Value = serde_json::from_str(text).unwrap();
    assert_eq!(document["clock_epoch"], CLOCK);
    let Value::Array(vectors) = document["vectors"].take() else { panic!("a list") };
    assert_eq!(vectors.len(), 66);
    vectors
}

fn sent(name: &str) -> Sent {
    let vectors = vectors();
    Sent::of(vectors.iter().find(|vector| vector["name"] == name).unwrap_or_else(|| panic!("{name}")))
}

fn keys() -> Keys {
    Keys::new(vec![Key::new("other", "x"), Key::new(ID, SECRET)])
}

/// The ring in which the key has a token where the request carries one.
fn keys_for(sent: &Sent) -> Keys {
    let token = sent.name.contains("sts").then(|| TOKEN.to_owned());
    Keys::new(vec![Key { token, ..Key::new(ID, SECRET) }])
}

fn accepted(reading: usize) -> Result<Caller, Code> {
    Ok(Caller::Key { id: ID.to_owned(), reading })
}

#[test]
fn every_vector_is_judged_as_marked() {
    let (mut accepts, mut rejects, mut requests) = (0, 0, 0);
    for vector in vectors() {
        let sent = Sent::of(&vector);
        let expected = |name: &str| vector[name].as_str().unwrap().as_bytes().to_vec();
        let judged = sent.judge(&keys_for(&sent), CLOCK);
        if vector["expect"] == "reject" {
            rejects += 1;
            let error = judged.unwrap_err();
            assert_eq!(error.code, Code::SignatureDoesNotMatch, "{}", sent.name);
            continue;
        }
        accepts += 1;
        let Ok(Caller::Key { id, reading }) = judged else { panic!("{} {judged:?}", sent.name) };
        // With `sldEnable` on an IP the second reading is meant.
        let repeats = sent.host.starts_with("examplebucket.") && sent.path.starts_with("/examplebucket/");
        assert_eq!((id.as_str(), reading), (ID, usize::from(repeats)), "{}", sent.name);
        let form = sent.with(CLOCK, |subject| {
            let request = Parsed::new(*subject);
            let claim = Claim::read(&request)?.unwrap();
            assert_eq!(claim.signature, vector["signature"], "{}", sent.name);
            if let Some(key) = vector["signing_key_hex"].as_str() {
                assert_eq!(canonical::hex(&v4::signing_key(SECRET, &claim.scope)), key);
            }
            let key = Key::new(ID, SECRET);
            let forms = claim.attempts(&request).into_iter().map(|attempt| claim.form(&request, attempt));
            Ok(forms.into_iter().find(|form| fits(&claim, form, &key)).unwrap())
        });
        let form = form.unwrap();
        assert_eq!(form.string_to_sign, expected("string_to_sign"), "{}", sent.name);
        assert_eq!(form.canonical_request.is_some(), vector["canonical_request"].is_string());
        if let Some(canonical) = form.canonical_request {
            requests += 1;
            assert_eq!(canonical, expected("canonical_request"), "{}", sent.name);
        }
    }
    assert_eq!((accepts, rejects, requests), (64, 2, 33));
}

#[test]
fn a_header_more_or_less_is_noticed() {
    for name in ["v1-header-put", "v2-header-put", "v4-header-put", "v4-url-get-process", "v1-url-get-plain"] {
        let more = sent(name).header("x-oss-meta-more", "1");
        assert_eq!(more.code(&keys(), CLOCK), Err(Code::SignatureDoesNotMatch), "{name}");
        let unknown = sent(name).header("accept", "*/*");
        assert_eq!(unknown.code(&keys(), CLOCK), accepted(0), "{name}");
    }
    for (name, host) in [("v4-url-get-process", "examplebuckes.oss.test"), ("v1-header-put", "oss.test")] {
        let elsewhere = Sent { host: host.to_owned(), ..sent(name) };
        assert_eq!(elsewhere.code(&keys(), CLOCK), Err(Code::SignatureDoesNotMatch), "{name}");
    }
    // Promised and not sent.
    let mut lacks = sent("v4-url-get-additional");
    lacks.headers.retain(|(name, _)| name != "range");
    assert_eq!(lacks.code(&keys(), CLOCK), Err(Code::InvalidArgument));
    // A token that belongs to no key of ours.
    for name in ["v1-sts-header-get", "v1-sts-url-get", "v4-sts-header-get", "v4-sts-url-get"] {
        assert_eq!(sent(name).code(&keys(), CLOCK), Err(Code::InvalidAccessKeyId), "{name}");
    }
}

#[test]
fn the_table_of_clocks() {
    type Case = (&'static str, i64, Result<(), (Code, u32)>);
    let cases: &[Case] = &[
        ("v1-header-put", 900, Ok(())),
        ("v1-header-put", -900, Ok(())),
        ("v1-header-put", 901, Err((Code::RequestTimeTooSkewed, 504))),
        ("v4-header-put", -901, Err((Code::RequestTimeTooSkewed, 504))),
        ("go-v4-header-put", 901, Err((Code::RequestTimeTooSkewed, 504))),
        ("go-v4-header-put", 900, Ok(())),
        ("v2-header-put", 901, Err((Code::RequestTimeTooSkewed, 504))),
        // Ten minutes, no 15 minutes around them.
        ("v1-url-get-process", 600, Ok(())),
        ("v1-url-get-process", 601, Err((Code::AccessDenied, 69))),
        ("v1-url-get-process", -1_000_000, Ok(())),
        ("v2-url-get-process", 601, Err((Code::AccessDenied, 69))),
        ("v4-url-get-process", 600, Ok(())),
        ("v4-url-get-process", 601, Err((Code::AccessDenied, 69))),
        ("v4-url-get-process", -900, Ok(())),
        ("v4-url-get-process", -901, Err((Code::AccessDenied, 235))),
    ];
    for (name, later, expected) in cases {
        let judged = sent(name).judge(&keys(), CLOCK + later).map(drop);
        let judged = judged.map_err(|error| (error.code, error.ec.map_or(0, |ec| ec.1)));
        assert_eq!(judged, *expected, "{name} {later}");
    }
    let late = sent("v4-header-put").judge(&keys(), CLOCK + 1000).unwrap_err();
    let expected = [
        ("MaxAllowedSkewMilliseconds", "900000"),
        ("RequestTime", "2026-01-15T08:30:00.000Z"),
        ("ServerTime", "2026-01-15T08:46:40.000Z"),
    ];
    assert_eq!(late.details, expected.map(|(name, text)| (name, text.to_owned())));
    let late = sent("v1-url-get-process").judge(&keys(), CLOCK + 601).unwrap_err();
    assert_eq!(late.message, "Request has expired.");
    assert_eq!(late.details[0], ("Expires", "2026-01-15T08:40:00.000Z".to_owned()));
}

#[test]
fn claims_that_lack_parts() {
    let without = |name: &str, header: &str| {
        let mut sent = sent(name);
        sent.headers.retain(|(known, _)| known != header);
        sent
    };
    let v4 = || sent("v4-url-get-process");
    let v1 = || sent("v1-url-get-process");
    let credential = "OSS4-HMAC-SHA256 Credential=LTAIexampleexample/20260115/cn-hangzhou/oss/aliyun_v4_request";
    let authorized = |text: &str| sent("v4-header-put").header("authorization", text);
    let cases = [
        (without("v1-header-put", "date"), Code::AccessDenied, Some(503)),
        (without("v4-header-put", "x-oss-date"), Code::AccessDenied, Some(503)),
        (sent("v1-header-put").header("date", "yesterday"), Code::AccessDenied, Some(502)),
        (v4().query("20260115T083000Z", "20260115"), Code::AccessDenied, Some(502)),
        (v4().query("&x-oss-expires=600", ""), Code::InvalidArgument, Some(215)),
        (v4().query("x-oss-expires=600", "x-oss-expires=0"), Code::InvalidArgument, Some(232)),
        (v4().query("x-oss-expires=600", "x-oss-expires=604801"), Code::InvalidArgument, Some(232)),
        (v4().query("x-oss-expires=600", "x-oss-expires=ten"), Code::InvalidArgument, Some(232)),
        (v4().query("x-oss-expires=600", "x-oss-expires=604800"), Code::SignatureDoesNotMatch, Some(40)),
        (v4().query("x-oss-date", "x-oss-dote"), Code::InvalidArgument, None),
        (v4().query("x-oss-credential", "x-oss-cridential"), Code::InvalidArgument, None),
        (v4().query("&x-oss-signature=", "&x-oss-sagnature="), Code::InvalidArgument, None),
        (v4().query("%2Foss%2F", "%2Foss-cloudbox%2F"), Code::InvalidArgument, None),
        (v4().query("%2F20260115%2F", "%2F20260116%2F"), Code::InvalidArgument, None),
        (v4().query("LTAI", "LTAJ"), Code::InvalidAccessKeyId, Some(902)),
        (v1().query("&Expires=1768466400", ""), Code::AccessDenied, None),
        (v1().query("OSSAccessKeyId=", "OSSAccessKeyIde="), Code::AccessDenied, None),
        (v1().query("Expires=1768466400", "Expires=soon"), Code::AccessDenied, None),
        (v1().query("LTAI", "LTAJ"), Code::InvalidAccessKeyId, Some(902)),
        (v1().header("authorization", "OSS a:b"), Code::InvalidArgument, None),
        (v4().header("authorization", "OSS a:b"), Code::InvalidArgument, None),
        (sent("v4-header-put").header("x-oss-content-sha256", "abc"), Code::InvalidArgument, Some(214)),
        (authorized(""), Code::InvalidArgument, None),
        (authorized("OSS"), Code::InvalidArgument, None),
        (authorized("OSS nocolon"), Code::InvalidArgument, None),
        (authorized("oss a:b"), Code::InvalidArgument, None),
        (authorized("Bearer abc"), Code::InvalidArgument, None),
        (authorized("OSS2 Signature:x"), Code::InvalidArgument, None),
        (authorized("OSS2 AccessKeyId:a,Signature"), Code::InvalidArgument, None),
        (authorized("OSS4-HMAC-SHA256 "), Code::InvalidArgument, None),
        (authorized(credential), Code::InvalidArgument, None),
        (authorized(&format!("{credential},Signature=")), Code::SignatureDoesNotMatch, Some(40)),
        (authorized(&format!("{credential},Signature=a,Signature=b")), Code::InvalidArgument, None),
    ];
    for (sent, code, ec) in cases {
        let error = sent.judge(&keys(), CLOCK).unwrap_err();
        assert_eq!((error.code, error.ec.map(|ec| ec.1)), (code, ec), "{sent:?}");
    }
    assert!(
        v1().query("Expires=1768466400", "Expires=soon").judge(&keys(), CLOCK).unwrap_err().message.ends_with(": soon")
    );
    let anonymous =
        [sent("v4-url-get-plain").query("HMAC-SHA256", "HMAC-SHA512"), without("v4-header-put", "authorization")];
    assert_eq!(anonymous[1].code(&keys(), CLOCK), Ok(Caller::Anonymous));
    assert_eq!(anonymous[0].code(&keys(), CLOCK), Ok(Caller::Anonymous));
}

#[test]
fn a_region_can_be_insisted_on() {
    let judged = |region: &str, name: &str| {
        sent(name).with(CLOCK, |subject| judge(subject, &keys(), Some(region))).map_err(|error| (error.code, error.ec))
    };
    assert!(judged("cn-hangzhou", "v4-header-put").is_ok() && judged("cn-beijing", "v1-header-put").is_ok());
    let refused = Err((Code::InvalidArgument, Some(Ec(2, 226))));
    assert_eq!(judged("cn-beijing", "v4-header-put"), refused);
    assert_eq!(judged("cn-beijing", "v4-url-get-process"), refused);
}

#[test]
fn temporary_credentials() {
    let key = Key { token: Some(TOKEN.to_owned()), expires: Some(CLOCK + 100), ..Key::new(ID, SECRET) };
    let keys = Keys::new(vec![key]);
    let (mut with, mut without) = (0, 0);
    for vector in vectors().iter().filter(|vector| vector["expect"] == "accept") {
        let sent = Sent::of(vector);
        match sent.name.contains("sts") {
            true => {
                with += 1;
                assert_eq!(sent.code(&keys, CLOCK), accepted(0), "{}", sent.name);
                assert_eq!(sent.code(&keys, CLOCK + 101), Err(Code::SecurityTokenExpired));
            }
            false => {
                without += 1;
                assert_eq!(sent.code(&keys, CLOCK), Err(Code::InvalidAccessKeyId), "{}", sent.name);
            }
        }
    }
    assert_eq!((with, without), (13, 51));
    let other = sent("v4-sts-header-get").header("x-oss-security-token", "other");
    assert_eq!(other.code(&keys, CLOCK), Err(Code::InvalidSecurityToken));
    let other = sent("v1-sts-url-get").query("CAIS", "CAIT");
    assert_eq!(other.code(&keys, CLOCK), Err(Code::InvalidSecurityToken));
}

#[test]
fn keys_are_exchanged_while_they_are_used() {
    let keys = Keys::new(vec![Key::new("new", "n"), Key::new(ID, SECRET)]);
    let (old, mut new) = (sent("v4-url-get-process"), sent("v4-url-get-plain"));
    assert_eq!(old.code(&keys, CLOCK), accepted(0));
    let key = Key::new("new", "n");
    let order = Order {
        scheme: Scheme::V4,
        method: "GET",
        reading: new.readings().unwrap().remove(0),
        parameters: vec![("x-oss-process".to_owned(), "image/resize,w_1".to_owned())],
        headers: Headers(vec![("range".to_owned(), "bytes=0-1".to_owned())]),
        key: &key,
        region: "eu-1",
        now: CLOCK,
        lifetime_s: 60,
    };
    new.query = presign(&order).unwrap();
    new.headers = order.headers.0.clone();
    assert!(new.query.contains("x-oss-additional-headers=range&") && new.query.starts_with("x-oss-process=image%2F"));
    assert_eq!(new.code(&keys, CLOCK), Ok(Caller::Key { id: "new".to_owned(), reading: 0 }));
    keys.replace(vec![key.clone()]);
    assert_eq!(old.code(&keys, CLOCK), Err(Code::InvalidAccessKeyId));
    assert!(new.code(&keys, CLOCK + 60).is_ok());
    assert_eq!(new.code(&keys, CLOCK + 61), Err(Code::AccessDenied));
}

#[test]
fn what_we_sign_is_what_the_clients_sign() {
    let key = Key::new(ID, SECRET);
    let order = Order {
        scheme: Scheme::V1,
        method: "GET",
        reading: Reading { bucket: Some("examplebucket".to_owned()), key: "example.jpg".to_owned() },
        // Parts of an older signature are left out.
        parameters: vec![("Signature".to_owned(), "old".to_owned())],
        headers: Headers::default(),
        key: &key,
        region: "cn-hangzhou",
        now: CLOCK,
        lifetime_s: 3600,
    };
    assert_eq!(presign(&order).unwrap(), sent("v1-url-get-plain").query);
    let signature = |query: &str| query.rsplit_once('=').unwrap().1.to_owned();
    let v4 = presign(&Order { scheme: Scheme::V4, ..order.clone() }).unwrap();
    assert_eq!(signature(&v4), signature(&sent("v4-url-get-plain").query));
    assert!(presign(&Order { scheme: Scheme::V4, lifetime_s: 604_801, ..order.clone() }).is_err());
    let range = Headers(vec![("range".to_owned(), "bytes=0-1".to_owned())]);
    assert!(presign(&Order { headers: range, ..order }).unwrap_err().contains("range"));
}
