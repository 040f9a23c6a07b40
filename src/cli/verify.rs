//! `pixelpass verify`: why a signed request is refused. Shows what the server computes, points at
//! the first difference to what the client computed, or names the mistake that explains the
//! signature.

use super::sign::{Address, headers, key, present};
use super::{FAILED, fail, keys, print, usage};
use crate::config::Config;
use crate::error::{Code, Error};
use crate::oss::sign::mistakes::explain;
use crate::oss::sign::{Attempt, Claim, Form, Key, Keys, Parsed, Scheme, Subject, Time, fits, judge};
use clap::{Arg, ArgMatches};
use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

/// The largest text of a client.
const LIMIT_BYTES: u64 = 1024 * 1024;

/// The arguments of `verify` alone.
pub(super) fn arguments() -> Vec<Arg> {
    vec![
        Arg::new("url").value_name("URL").required(true).help("URL of the request, as it was sent"),
        Arg::new("method").long("method").value_name("METHOD").default_value("GET").help("Method of the request"),
        Arg::new("client-string").long("client-string").value_name("FILE").help(
            "What the client signed: a string to sign, a canonical request, or an error document that holds them; - is \
             standard input",
        ),
    ]
}

/// Runs the command: success is a request that would be accepted.
pub fn run(given: &ArgMatches) -> ExitCode {
    let config = match super::settings(given) {
        Ok(config) => config,
        Err(mistakes) => return usage(&mistakes.to_string()),
    };
    match verify(given, &config) {
        Err(reason) => usage(&format!("error: {reason}\n")),
        Ok(Err(error)) => fail(&format!("refused: {error}\n")),
        Ok(Ok(Report { text, accepted })) => match print(&text) {
            ExitCode::SUCCESS if !accepted => FAILED,
            code => code,
        },
    }
}

/// What there is to say of a request.
struct Report {
    text: String,
    accepted: bool,
}

/// The report, or what keeps the claim from being read; errors in words are those of the command.
fn verify(given: &ArgMatches, config: &Config) -> Result<Result<Report, Error>, String> {
    let argument = |name: &str| given.get_one::<String>(name).map(String::as_str).unwrap_or_default();
    let address = Address::parse(argument("url"))?;
    let (method, now) = (argument("method").to_ascii_uppercase(), present(given)?);
    let mut headers = headers(given)?;
    let host = headers.get("host").unwrap_or(&address.host).to_owned();
    if headers.get("host").is_none() {
        headers.0.push(("host".to_owned(), host.clone()));
    }
    let address = Address { host, ..address };
    let client = given.get_one::<String>("client-string").map(|path| read(path)).transpose()?;
    let ring = keys::keys(config)?;
    if ring.is_empty() {
        return Err("an access key is missing: --access-key ID:SECRET, or PIXELPASS_ACCESS_KEY".to_owned());
    }
    let readings = address.readings(given, config)?;
    let time = UNIX_EPOCH + Duration::from_secs(now.unsigned_abs());
    let subject = Subject { method: &method, readings: &readings, query: &address.query, headers: &headers, now: time };
    let request = Parsed::new(subject);
    Ok(match Claim::read(&request) {
        Err(error) => Err(error),
        Ok(None) => {
            Ok(Report { text: "The request carries no signature: it is anonymous.\n".to_owned(), accepted: false })
        }
        Ok(Some(claim)) => Ok(report(&request, &claim, &ring, config, &address.host, now, client.as_deref())),
    })
}

fn report(
    request: &Parsed,
    claim: &Claim,
    ring: &[Key],
    config: &Config,
    host: &str,
    now: i64,
    client: Option<&str>,
) -> Report {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let scheme = match claim.scheme {
        Scheme::V1 => "version 1",
        Scheme::V2 => "version 2",
        Scheme::V4 => "version 4",
    };
    let place = if claim.time == Time::Near { "in the header" } else { "in the URL" };
    let _ = writeln!(text, "claim: {scheme} {place}, access key {}", claim.id);
    for reading in request.subject.readings {
        let _ = match &reading.bucket {
            None => writeln!(text, "address: the service"),
            Some(bucket) if reading.key.is_empty() => writeln!(text, "address: bucket {bucket}"),
            Some(bucket) => writeln!(text, "address: bucket {bucket}, key {}", reading.key),
        };
    }
    let Some(key) = key(ring, &claim.id) else {
        let _ = writeln!(text, "key: unknown, so that the server answers InvalidAccessKeyId");
        return Report { text, accepted: false };
    };
    let region = match config.required_region() {
        Some(region) if claim.scheme == Scheme::V4 && claim.scope.region != region => {
            Err(Error::new(Code::InvalidArgument, format!("it is for {}, not {region}", claim.scope.region)))
        }
        _ => Ok(()),
    };
    let checks = [
        ("key", key.admit(claim.token.as_deref(), now)),
        ("region", region),
        ("clock", claim.check_clock(now)),
        ("expiry", claim.check_expiry(now)),
    ];
    for (name, outcome) in checks {
        match outcome {
            Ok(()) => text.extend([name, ": right\n"]),
            Err(error) => text.push_str(&refusal(name, &error)),
        }
    }
    let attempts = claim.attempts(request);
    let form = |attempt: &Attempt| claim.form(request, *attempt);
    match attempts.iter().find(|attempt| fits(claim, &form(attempt), key)) {
        Some(attempt) => {
            text.push_str("signature: right\n");
            text.push_str(&shown(&form(attempt)));
        }
        None => {
            text.push_str("signature: SignatureDoesNotMatch\n");
            let own = attempts.first().copied().unwrap_or_default();
            let own = claim.form(request, own);
            text.push_str(&shown(&own));
            match client {
                Some(client) => text.push_str(&compare(&own, client, claim, key)),
                None => text.push_str(&guess(request, claim, key, ring, host)),
            }
        }
    }
    let judged = judge(&request.subject, &Keys::new(ring.to_vec()), config.required_region());
    match &judged {
        Ok(_) => text.push_str("\nThe request is accepted.\n"),
        Err(error) => {
            text.push_str(&format!("\nThe request is refused: {} {}\n", error.code.status(), error.code.name()))
        }
    }
    Report { text, accepted: judged.is_ok() }
}

/// A check that failed, with the times that tell why.
fn refusal(name: &str, error: &Error) -> String {
    let mut text = format!("{name}: {error}\n");
    let times = error.details.iter().filter(|(name, _)| matches!(*name, "RequestTime" | "ServerTime" | "Expires"));
    times.for_each(|(name, time)| text.push_str(&format!("  {name} {time}\n")));
    if error.code == Code::RequestTimeTooSkewed {
        text.push_str("  Whole hours between the two are a time zone: the date must be UTC.\n");
    }
    text
}

/// The canonical forms, indented.
fn shown(form: &Form) -> String {
    let indented = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\n', "\n  ");
    let mut text = String::new();
    if let Some(canonical) = &form.canonical_request {
        text.push_str(&format!("\nThe server's canonical request:\n  {}\n", indented(canonical)));
    }
    text.push_str(&format!("\nThe server's string to sign:\n  {}\n", indented(&form.string_to_sign)));
    text
}

/// Which usual mistake explains the signature.
fn guess(request: &Parsed, claim: &Claim, key: &Key, ring: &[Key], host: &str) -> String {
    let (finding, tried) = explain(request, claim, key, ring, host);
    let Some(finding) = finding else {
        return format!(
            "\nNone of {tried} usual mistakes, alone and in pairs, explains the signature. Most often the secret is \
             another one; with --client-string FILE what the client signed is compared.\n"
        );
    };
    let mut text = "\nThis explains the signature:\n".to_owned();
    finding.says.iter().for_each(|says| text.push_str(&format!("  {says}\n")));
    let client =
        String::from_utf8_lossy(finding.form.canonical_request.as_ref().unwrap_or(&finding.form.string_to_sign));
    text.push_str(&format!("\nWhat the client signed:\n  {}\n", client.replace('\n', "\n  ")));
    text
}

/// What the client signed against what the server does.
fn compare(own: &Form, client: &str, claim: &Claim, key: &Key) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let strings = Strings::find(client);
    let pairs = [
        ("canonical request", own.canonical_request.as_deref().map(text), strings.canonical_request),
        ("string to sign", Some(text(&own.string_to_sign)), strings.string_to_sign.clone()),
    ];
    let mut report = String::new();
    let mut differ = false;
    for (name, own, client) in pairs {
        if let (Some(own), Some(client)) = (own, client) {
            let client = client.strip_suffix('\n').filter(|_| !own.ends_with('\n')).unwrap_or(&client).to_owned();
            match difference(&own, &client) {
                None => report.push_str(&format!("\nThe client's {name} is the server's.\n")),
                Some(pointed) => {
                    differ = true;
                    report.push_str(&format!("\nThe client's {name} differs {pointed}"));
                }
            }
        }
    }
    if report.is_empty() {
        return "\nThe client's text is neither a string to sign nor a canonical request.\n".to_owned();
    }
    let signed = strings.string_to_sign.map(|string| claim.sign(string.trim_end_matches('\n').as_bytes(), &key.secret));
    report.push_str(match signed {
        Some(signed) if signed == claim.signature => "\nThe client's string gives the client's signature with this secret.\n",
        Some(_) => {
            "\nThe client's string does not give the client's signature with this secret: the secret is another one, or \
             the string belongs to another request.\n"
        }
        None if !differ => "\nSo the client has another secret, or another scope or date in its string to sign.\n",
        None => "",
    });
    report
}

/// The strings in a client's text.
#[derive(Debug, Default, PartialEq, Eq)]
struct Strings {
    canonical_request: Option<String>,
    string_to_sign: Option<String>,
}

impl Strings {
    /// Takes them from an error document, or tells by its first line what the text is. Newlines
    /// may be written as `\n`, as some clients' logs have them.
    fn find(text: &str) -> Strings {
        let element = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            let (inner, _) = rest.split_once(&format!("</{name}>"))?;
            let plain = inner.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
            Some(plain.replace("&#10;", "\n").replace("&apos;", "'").replace("&amp;", "&"))
        };
        if text.contains("<StringToSign>") || text.contains("<CanonicalRequest>") {
            let (canonical_request, string_to_sign) = (element("CanonicalRequest"), element("StringToSign"));
            return Strings { canonical_request, string_to_sign };
        }
        let text = text.replace("\r\n", "\n");
        let text = if text.trim_end().contains('\n') { text } else { text.replace("\\n", "\n") };
        let method = text.split('\n').next().unwrap_or_default();
        if method.starts_with("OSS4-") {
            return Strings { string_to_sign: Some(text), ..Strings::default() };
        }
        // In a canonical request the path is next; in a string to sign there is Content-MD5.
        match text.split('\n').nth(1) {
            Some(path) if path.starts_with('/') => Strings { canonical_request: Some(text), ..Strings::default() },
            Some(_) => Strings { string_to_sign: Some(text), ..Strings::default() },
            None => Strings::default(),
        }
    }
}

/// Where two texts differ first: line, column, and both lines.
fn difference(own: &str, client: &str) -> Option<String> {
    if own == client {
        return None;
    }
    let (mut own, mut client) = (own.split('\n'), client.split('\n'));
    let mut number = 0;
    loop {
        number += 1;
        let lines = (own.next(), client.next());
        if lines.0 == lines.1 && lines.0.is_some() {
            continue;
        }
        let (own, client) = (lines.0.unwrap_or_default(), lines.1.unwrap_or_default());
        let column = own.chars().zip(client.chars()).take_while(|(own, client)| own == client).count();
        let absent = |line: Option<&str>| if line.is_none() { " (has no such line)" } else { "" };
        return Some(format!(
            "first in line {number}, column {}:\n  server: {own}{}\n  client: {client}{}\n          {:column$}^\n",
            column + 1,
            absent(lines.0),
            absent(lines.1),
            "",
        ));
    }
}

fn read(path: &str) -> Result<String, String> {
    let mut text = String::new();
    let read = match path {
        "-" => io::stdin().take(LIMIT_BYTES).read_to_string(&mut text),
        path => File::open(path).and_then(|file| file.take(LIMIT_BYTES).read_to_string(&mut text)),
    };
    read.map(|_| text).map_err(|error| format!("cannot read {path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_pointed_at() {
        assert_eq!(difference("a\nb", "a\nb"), None);
        let pointed = difference("GET\n汉x\nc", "GET\n汉y\nc").unwrap();
        assert_eq!(pointed, "first in line 2, column 2:\n  server: 汉x\n  client: 汉y\n           ^\n");
        let pointed = difference("a", "a\nb").unwrap();
        assert_eq!(pointed, "first in line 2, column 1:\n  server:  (has no such line)\n  client: b\n          ^\n");
    }

    #[test]
    fn the_strings_of_a_client_are_found() {
        let of = |canonical: Option<&str>, string: Option<&str>| Strings {
            canonical_request: canonical.map(str::to_owned),
            string_to_sign: string.map(str::to_owned),
        };
        let document =
            "<Error><StringToSign>OSS4\na&amp;lt;</StringToSign><CanonicalRequest>GET\n/</CanonicalRequest></Error>";
        assert_eq!(Strings::find(document), of(Some("GET\n/"), Some("OSS4\na&lt;")));
        assert_eq!(Strings::find("GET\n\n\n1\n/b/k"), of(None, Some("GET\n\n\n1\n/b/k")));
        assert_eq!(Strings::find("GET\\n\\n\\n1\\n/b/k\n"), of(None, Some("GET\n\n\n1\n/b/k\n")));
        assert_eq!(Strings::find("GET\r\n/b/k\r\n"), of(Some("GET\n/b/k\n"), None));
        assert_eq!(Strings::find("OSS4-HMAC-SHA256\nx"), of(None, Some("OSS4-HMAC-SHA256\nx")));
        assert_eq!(Strings::find("nothing"), Strings::default());
    }
}
