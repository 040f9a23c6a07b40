//! The published vectors, every change of a byte of them, clocks, tokens and the exchange of keys.

use super::*;
use crate::oss::route;
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
        let base_domains = ["oss.test".to_owned()];
        // The server knows the bucket of a domain of the operator's own.
        let host = if self.host == "img.example.com" { "examplebucket.oss.test" } else { &self.host };
        route::readings(&self.path, host, &base_domains)
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
    let text = include_str!("../../../fixtures/vectors/oss-sign-vectors.json");
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

fn accepted(reading: usize) -> Result<Caller, Code> {
    Ok(Caller::Key { id: ID.to_owned(), reading })
}

#[test]
fn every_vector_is_judged_as_marked() {
    let (mut accepts, mut rejects, mut requests) = (0, 0, 0);
    for vector in vectors() {
        let sent = Sent::of(&vector);
        let expected = |name: &str| vector[name].as_str().unwrap().as_bytes().to_vec();
        let judged = sent.judge(&keys(), CLOCK);
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
