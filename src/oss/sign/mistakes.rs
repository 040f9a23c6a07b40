//! Why a signature does not fit: the usual mistakes are made on purpose, one and two at a time,
//! until one of them gives the signature that came. A mistake found so is certain; one that is not
//! found may be one that nobody tried.

use super::canonical::{Parameter, Parsed, encode, encode_path};
use super::claim::{Attempt, Claim, Form, Scheme, Time};
use super::{Key, Reading, Subject, clock, fits};
use crate::oss::wire::Headers;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// What the client may have signed instead.
#[derive(Clone)]
struct Trial {
    method: String,
    readings: Vec<Reading>,
    parameters: Vec<Parameter<'static>>,
    headers: Headers,
    claim: Claim,
    key: Key,
    /// A change of the text: of the canonical request in V4, otherwise of the string to sign.
    rewrite: Option<fn(String) -> String>,
}

impl Trial {
    /// The form that gives the signature that came.
    fn fitting(&self, request: &Parsed) -> Option<Form> {
        let Trial { method, readings, headers, claim, .. } = self;
        let subject = Subject { method, readings, headers, ..request.subject };
        let request = Parsed { subject, parameters: self.parameters.clone() };
        let forms = claim.attempts(&request).into_iter().map(|attempt| self.form(&request, attempt));
        forms.into_iter().find(|form| fits(claim, form, &self.key))
    }

    fn form(&self, request: &Parsed, attempt: Attempt) -> Form {
        let form = self.claim.form(request, attempt);
        let Some(rewrite) = self.rewrite else {
            return form;
        };
        let text = |bytes: &[u8]| rewrite(String::from_utf8_lossy(bytes).into_owned()).into_bytes();
        match &form.canonical_request {
            None => Form { string_to_sign: text(&form.string_to_sign), canonical_request: None },
            Some(canonical) => {
                let canonical = text(canonical);
                let string_to_sign = super::v4::string_to_sign(&self.claim, &canonical);
                Form { string_to_sign, canonical_request: Some(canonical) }
            }
        }
    }

    fn header(&mut self, name: &str, value: Option<&str>) {
        self.headers.0.retain(|(known, _)| known != name);
        self.headers.0.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }

    fn readings(&mut self, change: impl Fn(&Reading) -> Reading) {
        self.readings = self.readings.iter().map(change).collect();
    }

    fn keys(&mut self, change: impl Fn(&str) -> String) {
        self.readings(|reading| Reading { key: change(&reading.key), ..reading.clone() });
    }
}

/// A mistake in words, and how to make it.
struct Guess<'a> {
    says: String,
    make: Box<dyn Fn(&mut Trial) + 'a>,
}

/// What is known of a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// One mistake, or two that were made together; each a sentence about the client.
    pub says: Vec<String>,
    /// What the client signed.
    pub form: Form,
}

/// The mistake that explains the signature of `claim`, and how many were tried, if it was not made
/// with `key` over `request` as it came. `ring` holds the other keys of the server, and `host` is
/// the request's.
pub fn explain(request: &Parsed, claim: &Claim, key: &Key, ring: &[Key], host: &str) -> (Option<Finding>, usize) {
    let base = Trial {
        method: request.subject.method.to_owned(),
        readings: request.subject.readings.to_vec(),
        parameters: request.parameters.iter().map(owned).collect(),
        headers: request.subject.headers.clone(),
        claim: claim.clone(),
        key: key.clone(),
        rewrite: None,
    };
    let guesses = guesses(request, claim, ring, host);
    let mut tried = 0;
    let mut test = |made: &[&Guess]| {
        tried += 1;
        let mut trial = base.clone();
        made.iter().for_each(|guess| (guess.make)(&mut trial));
        let says = || made.iter().map(|guess| guess.says.clone()).collect();
        trial.fitting(request).map(|form| Finding { says: says(), form })
    };
    let mut finding = guesses.iter().find_map(|guess| test(&[guess]));
    for (index, first) in guesses.iter().enumerate() {
        if finding.is_some() {
            break;
        }
        finding = guesses.iter().skip(index + 1).find_map(|second| test(&[first, second]));
    }
    (finding, tried)
}

fn guesses<'a>(request: &Parsed<'a>, claim: &Claim, ring: &[Key], host: &str) -> Vec<Guess<'a>> {
    let mut all = Vec::new();
    of_signature(&mut all, claim, ring);
    of_request(&mut all, request);
    of_query(&mut all, request, claim);
    of_address(&mut all, host);
    of_headers(&mut all, request, claim, host);
    of_date(&mut all, request, claim);
    all
}

fn owned(parameter: &Parameter) -> Parameter<'static> {
    let Parameter { name, value, equals } = parameter;
    Parameter { name: Cow::Owned(name.to_vec()), value: Cow::Owned(value.to_vec()), equals: *equals }
}

fn add<'a>(all: &mut Vec<Guess<'a>>, says: impl Into<String>, make: impl Fn(&mut Trial) + 'a) {
    all.push(Guess { says: says.into(), make: Box::new(make) });
}

fn of_signature<'a>(all: &mut Vec<Guess<'a>>, claim: &Claim, ring: &[Key]) {
    if claim.signature.contains(' ') {
        add(all, "The signature in the URL is not percent-encoded: its + arrived as a space.", |trial| {
            trial.claim.signature = trial.claim.signature.replace(' ', "+");
        });
    }
    if claim.signature.contains('%') {
        add(all, "The signature in the URL is percent-encoded twice.", |trial| {
            trial.claim.signature = percent_decode_str(&trial.claim.signature).decode_utf8_lossy().into_owned();
        });
    }
    if claim.scheme == Scheme::V4 {
        add(all, "The signature has upper-case digits; they must be lower case.", |trial| {
            trial.claim.signature = trial.claim.signature.to_ascii_lowercase();
        });
        add(
            all,
            "The signing key was made for a region with oss- before its name, the credential has it without.",
            |trial| {
                trial.claim.scope.region.insert_str(0, "oss-");
            },
        );
        add(
            all,
            "The signing key was made for a region without oss- before its name, the credential has it with.",
            |trial| {
                let region = trial.claim.scope.region.trim_start_matches("oss-").to_owned();
                trial.claim.scope.region = region;
            },
        );
    }
    for other in ring.iter().filter(|other| other.id != claim.id) {
        let (says, other) = (format!("It was signed with the secret of the access key {}.", other.id), other.clone());
        add(all, says, move |trial| trial.key = other.clone());
    }
    for (name, end) in [("a newline", "\n"), ("a carriage return and a newline", "\r\n"), ("a space", " ")] {
        let says = format!("The secret that the client uses has {name} at its end.");
        add(all, says, move |trial| trial.key.secret.push_str(end));
    }
}

fn of_request<'a>(all: &mut Vec<Guess<'a>>, request: &Parsed<'a>) {
    let subject = request.subject;
    for method in ["GET", "PUT", "POST", "HEAD", "DELETE"].into_iter().filter(|method| *method != subject.method) {
        let says = format!("It was signed for {method}, and sent as {}.", subject.method);
        add(all, says, move |trial| trial.method = method.to_owned());
    }
    for name in ["content-type", "content-md5"] {
        if request.header(name).is_some() {
            let says = format!("It was signed without {name}, which the request has.");
            add(all, says, move |trial| trial.header(name, None));
        }
    }
    let types = [
        "application/octet-stream",
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/gif",
        "application/json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
        "multipart/form-data",
        "text/plain",
        "text/plain;charset=UTF-8",
        "text/plain; charset=utf-8",
        "text/html",
        "binary/octet-stream",
    ];
    for kind in types.into_iter().filter(|kind| request.header("content-type") != Some(kind)) {
        let sent = request.header("content-type").map_or("without one".to_owned(), |sent| format!("with {sent}"));
        let says = format!("It was signed with Content-Type: {kind}, and sent {sent}.");
        add(all, says, move |trial| trial.header("content-type", Some(kind)));
    }
}

fn of_query<'a>(all: &mut Vec<Guess<'a>>, request: &Parsed<'a>, claim: &Claim) {
    let own = |name: &str| match name {
        "OSSAccessKeyId" | "Expires" | "Signature" => true,
        _ => claim.time != Time::Near && name != "x-oss-process" && name.starts_with("x-oss-"),
    };
    let name = |parameter: &Parameter| String::from_utf8_lossy(&parameter.name).into_owned();
    let further: Vec<_> = request.parameters.iter().map(name).filter(|name| !own(name)).collect();
    for name in &further {
        let says =
            format!("The query parameter {name} is not signed: it was added afterwards, or the client leaves it out.");
        let name = name.clone();
        add(all, says, move |trial| trial.parameters.retain(|it| *it.name != *name.as_bytes()));
    }
    if further.len() > 1 {
        let names = further.clone();
        add(all, "Of the query only the parameters of the signature itself are signed.", move |trial| {
            trial.parameters.retain(|it| !names.iter().any(|name| *it.name == *name.as_bytes()));
        });
    }
    add(all, "The query is percent-encoded twice.", |trial| {
        for parameter in &mut trial.parameters {
            parameter.value = Cow::Owned(percent_encoding::percent_decode(&parameter.value).collect());
        }
    });
    add(all, "The query values were signed percent-encoded; version 1 signs them decoded.", |trial| {
        for parameter in &mut trial.parameters {
            parameter.value = Cow::Owned(encode(&parameter.value).into_bytes());
        }
    });
    add(all, "The query values were signed percent-encoded, slashes kept.", |trial| {
        for parameter in &mut trial.parameters {
            parameter.value = Cow::Owned(encode_path(&parameter.value).into_bytes());
        }
    });
    add(all, "A + in the query is meant as a plus; it must be sent as %2B.", |trial| {
        for parameter in &mut trial.parameters {
            let plus = |byte: &u8| if *byte == b' ' { b'+' } else { *byte };
            parameter.value = Cow::Owned(parameter.value.iter().map(plus).collect());
        }
    });
    if claim.scheme == Scheme::V4 {
        add(all, "Slashes in the query were not encoded; version 4 signs them as %2F.", |trial| {
            trial.rewrite = Some(|text| line(text, 2, |line| line.replace("%2F", "/")));
        });
        add(all, "Spaces in the query were signed as +; version 4 signs them as %20.", |trial| {
            trial.rewrite = Some(|text| line(text, 2, |line| line.replace("%20", "+")));
        });
        add(all, "Slashes in the path were encoded; version 4 keeps them.", |trial| {
            trial.rewrite = Some(|text| line(text, 1, |line| line.replace('/', "%2F")));
        });
        add(all, "The empty line behind the headers is missing.", |trial| {
            trial.rewrite = Some(|text| text.replacen("\n\n", "\n", 1));
        });
        add(all, "The digest of an empty body was signed in place of UNSIGNED-PAYLOAD.", |trial| {
            trial.rewrite = Some(|text| {
                text.trim_end_matches("UNSIGNED-PAYLOAD").to_owned()
                    + "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            });
        });
    }
}

/// The text with one line changed.
fn line(text: String, number: usize, change: impl Fn(&str) -> String) -> String {
    let lines = text.split('\n').enumerate();
    let lines: Vec<_> = lines.map(|(at, line)| if at == number { change(line) } else { line.to_owned() }).collect();
    lines.join("\n")
}

fn of_address(all: &mut Vec<Guess<'_>>, host: &str) {
    let label = host.split(['.', ':']).next().unwrap_or_default().to_owned();
    let domain = host.split_once('.').map_or(host, |(_, domain)| domain).to_owned();
    let says = format!(
        "The client means the bucket {label} of the host, which the server does not know for a base domain \
         (--base-domain {domain}, or --bucket for a domain of your own)."
    );
    add(all, says, move |trial| {
        trial.readings(|reading| {
            let parts = [reading.bucket.as_deref(), Some(reading.key.as_str()).filter(|key| !key.is_empty())];
            let key = parts.into_iter().flatten().collect::<Vec<_>>().join("/");
            Reading { bucket: Some(label.clone()), key }
        });
    });
    add(all, "The bucket is missing from what was signed: it belongs there, even if it is in the host.", |trial| {
        trial.readings(|reading| match reading.key.split_once('/') {
            Some((first, rest)) => Reading { bucket: Some(first.to_owned()), key: rest.to_owned() },
            None if reading.key.is_empty() => Reading::default(),
            None => Reading { bucket: Some(reading.key.clone()), key: String::new() },
        });
    });
    add(all, "The bucket is twice in what was signed: as bucket, and in the key.", |trial| {
        trial.readings(|reading| match &reading.bucket {
            Some(bucket) => Reading { key: format!("{bucket}/{}", reading.key), ..reading.clone() },
            None => reading.clone(),
        });
    });
    add(all, "The key was signed percent-encoded, or encoded once too often.", |trial| {
        trial.keys(|key| encode_path(key.as_bytes()));
    });
    add(all, "The key was signed percent-encoded, slashes too.", |trial| trial.keys(|key| encode(key.as_bytes())));
    add(all, "The key in the URL is percent-encoded twice.", |trial| {
        trial.keys(|key| percent_decode_str(key).decode_utf8_lossy().into_owned());
    });
    add(all, "The key was signed with a slash before it.", |trial| trial.keys(|key| format!("/{key}")));
    add(all, "The key was signed with a space where the URL has a plus; send a space as %20.", |trial| {
        trial.keys(|key| key.replace('+', " "));
    });
    add(all, "The key was signed with a plus where the URL has a space; send a plus as %2B.", |trial| {
        trial.keys(|key| key.replace(' ', "+"));
    });
}

fn of_headers<'a>(all: &mut Vec<Guess<'a>>, request: &Parsed<'a>, claim: &Claim, host: &str) {
    let headers = &request.subject.headers.0;
    let own: Vec<_> = headers.iter().filter(|(name, _)| name.starts_with("x-oss-")).map(|(name, _)| name).collect();
    for name in own.iter().copied() {
        let says = format!("The header {name} is not signed: every x-oss-* header must be.");
        add(all, says, move |trial| trial.header(name, None));
    }
    if own.len() > 1 {
        add(all, "None of the x-oss-* headers is signed: every one must be.", |trial| {
            trial.headers.0.retain(|(name, _)| !name.starts_with("x-oss-"));
        });
    }
    if request.header("x-oss-content-sha256").is_none() {
        add(all, "The header x-oss-content-sha256: UNSIGNED-PAYLOAD was signed, and not sent.", |trial| {
            trial.header("x-oss-content-sha256", Some("UNSIGNED-PAYLOAD"));
        });
    }
    if request.header("x-oss-date").is_none() && !claim.stamp.is_empty() && claim.time == Time::Near {
        add(all, "The header x-oss-date was signed, and not sent.", |trial| {
            let stamp = trial.claim.stamp.clone();
            trial.header("x-oss-date", Some(&stamp));
        });
    }
    if claim.scheme == Scheme::V1 {
        return;
    }
    let listed = |name: &str| claim.additional.iter().any(|known| known == name);
    let sent =
        headers.iter().map(|(name, _)| name.as_str()).filter(|name| !listed(name) && !name.starts_with("x-oss-"));
    for name in sent.filter(|name| !matches!(*name, "content-type" | "content-md5" | "authorization")) {
        let says = format!("The header {name} was signed, and is not among the additional headers.");
        add(all, says, move |trial| {
            trial.claim.additional.push(name.to_owned());
            trial.claim.additional.sort();
        });
    }
    for name in claim.additional.clone() {
        let says = format!("The additional header {name} was not signed.");
        add(all, says, move |trial| trial.claim.additional.retain(|known| *known != name));
    }
    if listed("host") {
        let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
        let others = match port {
            Some(_) => vec![name.to_owned()],
            None => vec![format!("{name}:80"), format!("{name}:443"), format!("{name}:8080")],
        };
        for other in others {
            let says = format!("It was signed for the host {other}, and sent to {host}.");
            add(all, says, move |trial| trial.header("host", Some(&other)));
        }
    }
}

fn of_date<'a>(all: &mut Vec<Guess<'a>>, request: &Parsed<'a>, claim: &Claim) {
    if let (Some(date), Time::Near) = (request.header("date"), claim.time)
        && date != claim.stamp
    {
        add(all, "The header Date was signed, where there is an x-oss-date.", move |trial| {
            trial.claim.stamp = date.to_owned();
        });
    }
    if claim.time == Time::Until {
        add(all, "Expires was signed in milliseconds.", |trial| trial.claim.stamp.push_str("000"));
        return;
    }
    let Some(sent) = clock::parse(&claim.stamp) else { return };
    let iso = claim.stamp.ends_with('Z');
    let shown = move |seconds: i64| if iso { clock::stamp(seconds) } else { clock::http(seconds) };
    let seconds = (-5..=5).filter(|seconds| *seconds != 0).map(|seconds| (seconds, format!("{seconds} seconds")));
    let hours = (-14..=14).filter(|hours| *hours != 0).map(|hours| (hours * 3600, format!("{hours} hours")));
    for (shift, name) in seconds.chain(hours) {
        let says = format!("It was signed with a date {name} from the one that was sent ({}).", claim.stamp);
        let stamp = shown(sent.saturating_add(shift));
        add(all, says, move |trial| {
            let old = std::mem::replace(&mut trial.claim.stamp, stamp.clone());
            for (name, value) in &mut trial.headers.0 {
                if name == "x-oss-date" && *value == old {
                    value.clone_from(&stamp);
                }
            }
        });
    }
    add(all, "The date was signed in the other of the two forms.", move |trial| {
        trial.claim.stamp = if iso { clock::http(sent) } else { clock::stamp(sent) };
    });
}
