//! `pixelpass sign`: a URL that carries its own right. Also what `verify` shares with it: reading
//! addresses and headers as people write them.

use super::{keys, print, usage};
use crate::config::Config;
use crate::oss::address::{self, Domains};
use crate::oss::sign::canonical::encode_path;
use crate::oss::sign::{Key, Order, Reading, Scheme, clock, presign};
use crate::oss::wire::Headers;
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use percent_encoding::percent_decode_str;
use std::process::ExitCode;
use std::time::SystemTime;

/// The arguments that `verify` has too.
pub(super) fn request_arguments() -> Vec<Arg> {
    vec![
        Arg::new("header")
            .long("header")
            .value_name("'NAME: VALUE'")
            .action(ArgAction::Append)
            .help("Header of the request; may be repeated"),
        Arg::new("bucket")
            .long("bucket")
            .value_name("BUCKET")
            .help("Bucket of the URL's host, where the host is a domain of your own [default: told by host and path]"),
        Arg::new("at").long("at").value_name("TIME").help(
            "The present, as in 2026-01-15T08:30:00Z, 20260115T083000Z or seconds since 1970 [default: the clock's]",
        ),
    ]
}

/// The arguments of `sign` alone.
pub(super) fn arguments() -> Vec<Arg> {
    vec![
        Arg::new("request")
            .value_name("URL")
            .num_args(1..=2)
            .action(ArgAction::Append)
            .required(true)
            .help("The URL, whose query is signed with it; a method before it, GET without one"),
        Arg::new("expires")
            .long("expires")
            .value_name("SECONDS")
            .default_value("600")
            .value_parser(value_parser!(i64).range(1..=3_155_760_000))
            .help("How long the URL is good; a week at most in version 4"),
        Arg::new("version")
            .long("version")
            .value_name("1|4")
            .default_value("4")
            .value_parser(["1", "4"])
            .help("Version of the signature"),
    ]
}

/// Runs the command.
pub fn run(given: &ArgMatches) -> ExitCode {
    let config = match super::settings(given) {
        Ok(config) => config,
        Err(mistakes) => return usage(&mistakes.to_string()),
    };
    match signed(given, &config) {
        Ok(url) => print(&format!("{url}\n")),
        Err(reason) => usage(&format!("error: {reason}\n")),
    }
}

fn signed(given: &ArgMatches, config: &Config) -> Result<String, String> {
    let words: Vec<_> = given.get_many::<String>("request").into_iter().flatten().collect();
    let (method, url) = match words[..] {
        [method, url] => (method.to_ascii_uppercase(), url),
        [url] => ("GET".to_owned(), url),
        _ => return Err("give a URL, or a method and a URL".to_owned()),
    };
    let url = Address::parse(url)?;
    let ring = keys::keys(config)?;
    let order = Order {
        scheme: if given.get_one::<String>("version").is_some_and(|version| version == "1") {
            Scheme::V1
        } else {
            Scheme::V4
        },
        method: &method,
        reading: url.readings(given, config)?.into_iter().next().ok_or("the URL has no path")?,
        parameters: parameters(&url.query),
        headers: headers(given)?,
        key: ring.first().ok_or("an access key is missing: --access-key ID:SECRET, or PIXELPASS_ACCESS_KEY")?,
        region: &config.region,
        now: present(given)?,
        lifetime_s: given.get_one::<i64>("expires").copied().unwrap_or(600),
    };
    Ok(format!("{}{}?{}", url.origin, url.encoded_path(), presign(&order)?))
}

/// The parts of a URL, as they were written.
pub(super) struct Address {
    /// Scheme and host.
    pub origin: String,
    pub host: String,
    pub path: String,
    pub query: String,
}

impl Address {
    /// # Errors
    /// In words, for what is no URL of a server.
    pub fn parse(url: &str) -> Result<Address, String> {
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| format!("'{url}' must begin with http:// or https://"))?;
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { "/" } else { path };
        let known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
        if !known || host.is_empty() || host.contains('@') {
            return Err(format!("'{url}' must be http://HOST/PATH or https://HOST/PATH"));
        }
        let (origin, host) = (format!("{scheme}://{host}"), host.to_owned());
        Ok(Address { origin, host, path: path.to_owned(), query: query.to_owned() })
    }

    /// What bucket and key the address means, by the rules of the server or by `--bucket`.
    pub fn readings(&self, given: &ArgMatches, config: &Config) -> Result<Vec<Reading>, String> {
        let wrong = |error: crate::error::Error| error.to_string();
        match given.get_one::<String>("bucket") {
            None => Ok(address::Address::read(&self.host, &self.path, &config.domains).map_err(wrong)?.readings()),
            // Any domain will do for the bucket to be in the host.
            Some(bucket) => {
                let domains = Domains { bases: vec!["bucket".to_owned()], custom: Vec::new() };
                let address =
                    address::Address::read(&format!("{bucket}.bucket"), &self.path, &domains).map_err(wrong)?;
                let readings = address.readings();
                match readings.iter().all(|reading| reading.bucket.as_ref() == Some(bucket)) {
                    true => Ok(readings),
                    false => Err(format!("'{bucket}' is no bucket: 3 to 63 of a-z, 0-9 and -")),
                }
            }
        }
    }

    /// The path with everything encoded that should be.
    fn encoded_path(&self) -> String {
        encode_path(&percent_decode_str(&self.path).collect::<Vec<_>>())
    }
}

/// Names and values of a query, decoded; `+` is a space, and itself in a process string.
fn parameters(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .map(|(name, value)| match decoded(&name.replace('+', " ")) {
            name if name == "x-oss-process" => (name, decoded(value)),
            name => (name, decoded(&value.replace('+', " "))),
        })
        .collect()
}

/// The headers of `--header`.
pub(super) fn headers(given: &ArgMatches) -> Result<Headers, String> {
    let lines = given.get_many::<String>("header").into_iter().flatten();
    let headers = lines.map(|line| match line.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        }
        _ => Err(format!("--header '{line}' must be 'NAME: VALUE'")),
    });
    Ok(Headers(headers.collect::<Result<_, _>>()?))
}

/// The present in seconds since 1970: that of `--at`, or the clock's.
pub(super) fn present(given: &ArgMatches) -> Result<i64, String> {
    let Some(text) = given.get_one::<String>("at") else {
        return Ok(clock::seconds(SystemTime::now()));
    };
    let seconds = text.parse::<i64>().ok().filter(|seconds| *seconds >= 0);
    let time = seconds.or_else(|| clock::parse_rfc3339(text)).or_else(|| clock::parse(text));
    time.ok_or_else(|| format!("--at '{text}' must be a time such as 2026-01-15T08:30:00Z"))
}

/// The key that a request names.
pub(super) fn key<'a>(ring: &'a [Key], id: &str) -> Option<&'a Key> {
    ring.iter().find(|key| key.id == id)
}
