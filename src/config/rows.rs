//! The table of settings and what a row knows how to do.

use super::{AccessKey, Config, MB, PREFIX};
use crate::engine::choice::Setting;
use crate::oss::callback::Host;
use crate::oss::{Rights, Unsupported, Validators};
use crate::plan::weights::Resample;
use crate::store::{Bucket, Place};
use crate::text::Typeface;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Pixels of a megapixel.
const MEGA: u64 = 1_000_000;

/// A setting.
pub struct Row {
    /// Its name in the file; `--NAME` is the flag.
    pub name: &'static str,
    pub kind: Kind,
    /// The default in words, as `--help` shows it.
    pub default: &'static str,
    pub doc: &'static str,
}

/// What values a setting takes, and where they go.
pub enum Kind {
    /// One of the names between the bars.
    Choice(&'static str, fn(&mut Config, &str)),
    /// A whole number of `unit` from `least` to `most`.
    Number { unit: &'static str, least: u64, most: u64, set: fn(&mut Config, u64) },
    /// Text of the shown shape.
    Text { shape: &'static str, set: fn(&mut Config, &str) -> Result<(), String> },
    /// Any number of texts of the shown shape. A source that names some replaces those before it.
    Texts {
        shape: &'static str,
        secret: bool,
        clear: fn(&mut Config),
        push: fn(&mut Config, &str) -> Result<(), String>,
    },
}

/// Every setting, in the order of `--help`.
pub static ROWS: &[Row] = &[
    Row {
        name: "listen",
        kind: Kind::Text {
            shape: "ADDR:PORT",
            set: |config, text| {
                config.listen = text.parse().map_err(|_| "must be an address and a port, as in 127.0.0.1:8080")?;
                Ok(())
            },
        },
        default: "127.0.0.1:8080",
        doc: "Address to serve on; port 0 takes any free one",
    },
    Row {
        name: "store",
        kind: Kind::Text {
            shape: "DIR_OR_URL",
            set: |config, text| {
                config.store = Place::parse(text)?;
                Ok(())
            },
        },
        default: "./pixelpass-data with samples",
        doc: "Directory of buckets, each a directory of plain files; or file:///DIR, s3://BUCKET[/PREFIX] (reached as AWS_ variables say), memory://",
    },
    Row {
        name: "engine",
        kind: Kind::Choice("auto|cpu|gpu", |config, name| {
            config.engine = Setting::parse(name).unwrap_or_default();
        }),
        default: "auto",
        doc: "What computes: auto takes a hardware GPU for the plans that fit it; gpu insists on one",
    },
    Row {
        name: "workers",
        kind: Kind::Number {
            unit: "threads",
            least: 1,
            most: 1024,
            set: |config, count| config.workers = non_zero(count),
        },
        default: "number of cores",
        doc: "Pictures processed at a time",
    },
    Row {
        name: "queue",
        kind: Kind::Number {
            unit: "requests",
            least: 1,
            most: 1_000_000,
            set: |config, count| config.queue = Some(non_zero(count)),
        },
        default: "64 for each worker",
        doc: "Requests that may wait for a worker; more are answered 503",
    },
    Row {
        name: "anonymous",
        kind: Kind::Choice("none|read|write", |config, name| {
            config.anonymous = Rights::parse(name).unwrap_or_default();
        }),
        default: "read",
        doc: "What requests without a signature may do in buckets without an ACL; write includes read",
    },
    Row {
        name: "access-key",
        kind: Kind::Texts {
            shape: "ID:SECRET",
            secret: true,
            clear: |config| config.access_keys.clear(),
            push: |config, text| match text.split_once(':') {
                Some((id, secret)) if !id.is_empty() && !secret.is_empty() => {
                    config.access_keys.push(AccessKey { id: id.to_owned(), secret: secret.to_owned() });
                    Ok(())
                }
                _ => Err("must be ID:SECRET, neither empty".to_owned()),
            },
        },
        default: "none",
        doc: "Access key: whoever signs with it may do everything",
    },
    Row {
        name: "access-key-file",
        kind: Kind::Text {
            shape: "FILE",
            set: |config, text| {
                config.access_key_file = Some(text.into());
                Ok(())
            },
        },
        default: "none",
        doc: "Further access keys, ID:SECRET[:TOKEN[:EXPIRES]] a line, # for comments; read anew when it changes",
    },
    Row {
        name: "cache",
        kind: Kind::Text {
            shape: "off|memory|DIR",
            set: |_, text| match text {
                "off" => Ok(()),
                _ => Err("is not built yet; only off is".to_owned()),
            },
        },
        default: "off",
        doc: "Where processed answers are kept",
    },
    Row {
        name: "base-domain",
        kind: Kind::Texts {
            shape: "DOMAIN",
            secret: false,
            clear: |config| config.domains.bases.clear(),
            push: |config, text| {
                config.domains.bases.push(domain(text)?);
                Ok(())
            },
        },
        default: "localhost",
        doc: "Domain below which BUCKET.DOMAIN addresses a bucket",
    },
    Row {
        name: "domain",
        kind: Kind::Texts {
            shape: "DOMAIN=BUCKET",
            secret: false,
            clear: |config| config.domains.custom.clear(),
            push: |config, text| {
                let (name, bucket) = text.split_once('=').ok_or("must be DOMAIN=BUCKET")?;
                let bucket = Bucket::new(bucket).map_err(|error| error.message)?;
                config.domains.custom.push((domain(name)?, bucket));
                Ok(())
            },
        },
        default: "none",
        doc: "Domain that addresses one bucket, as a CNAME does",
    },
    Row {
        name: "region",
        kind: Kind::Text {
            shape: "REGION",
            set: |config, text| {
                let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                if text.is_empty() || !text.chars().all(legal) {
                    return Err("must be a region such as cn-hangzhou".to_owned());
                }
                config.region = text.to_owned();
                Ok(())
            },
        },
        default: "cn-hangzhou",
        doc: "Region that answers tell clients",
    },
    Row {
        name: "insist-on-region",
        kind: Kind::Choice("off|on", |config, name| config.insist_on_region = name == "on"),
        default: "off",
        doc: "Signatures of version 4 for other regions are refused",
    },
    Row {
        name: "validators",
        kind: Kind::Choice("result|source", |config, name| {
            config.validators = Validators::parse(name).unwrap_or_default();
        }),
        default: "result",
        doc: "ETag of processed answers: one of their own, which caches may trust; or the source's, as OSS sends it",
    },
    Row {
        name: "unsupported-headers",
        kind: Kind::Choice("refuse|ignore", |config, name| {
            config.unsupported_headers = Unsupported::parse(name).unwrap_or_default();
        }),
        default: "refuse",
        doc: "Uploads whose headers ask for tags, encryption or another storage class than Standard: refused with NotImplemented, or stored without",
    },
    Row {
        name: "server-header",
        kind: Kind::Text {
            shape: "TEXT",
            set: |config, text| match text {
                text if !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => {
                    config.server_header = text.to_owned();
                    Ok(())
                }
                _ => Err("must be visible ASCII characters, as in AliyunOSS".to_owned()),
            },
        },
        default: "Pixelpass",
        doc: "Server header of all answers; AliyunOSS for clients that look for it",
    },
    Row {
        name: "cors-origin",
        kind: Kind::Texts {
            shape: "ORIGIN",
            secret: false,
            clear: |config| config.cors_origins.clear(),
            push: |config, text| {
                if text != "*" && !text.contains("://") {
                    return Err("must be * or an origin such as https://shop.example.com".to_owned());
                }
                config.cors_origins.push(text.to_owned());
                Ok(())
            },
        },
        default: "none",
        doc: "Origin whose pages may use buckets without CORS rules of their own; * for all",
    },
    Row {
        name: "callback-host",
        kind: Kind::Texts {
            shape: "HOST[:PORT]",
            secret: false,
            clear: |config| config.callback_hosts.clear(),
            push: |config, text| {
                config.callback_hosts.push(Host::parse(text)?);
                Ok(())
            },
        },
        default: "none",
        doc: "Host that upload callbacks may call, on its scheme's port unless one is named; private addresses only where HOST is the address, or localhost",
    },
    Row {
        name: "tls-certificate",
        kind: Kind::Text {
            shape: "FILE",
            set: |config, text| {
                config.tls_certificate = Some(text.into());
                Ok(())
            },
        },
        default: "none",
        doc: "Chain of certificates in PEM, the server's first: speaks HTTPS; read anew when it changes",
    },
    Row {
        name: "tls-key",
        kind: Kind::Text {
            shape: "FILE",
            set: |config, text| {
                config.tls_key = Some(text.into());
                Ok(())
            },
        },
        default: "none",
        doc: "The certificate's private key in PEM",
    },
    Row {
        name: "behind-proxy",
        kind: Kind::Choice("off|on", |config, name| config.behind_proxy = name == "on"),
        default: "off",
        doc: "Believes X-Forwarded-Host, X-Forwarded-Proto and X-Forwarded-For: for servers that only a proxy can reach",
    },
    Row {
        name: "resample",
        kind: Kind::Choice("lanczos|area", |config, name| {
            config.resample = Resample::parse(name).unwrap_or_default();
        }),
        default: "lanczos",
        doc: "Filter of resize: OSS answers come from either",
    },
    Row {
        name: "font",
        kind: Kind::Texts {
            shape: "NAME=FAMILY",
            secret: false,
            clear: |config| config.fonts.clear(),
            push: |config, text| {
                let font = text.split_once('=').filter(|(_, family)| !family.is_empty());
                let font = font.and_then(|(name, family)| Some((Typeface::parse(name)?, family.to_owned())));
                config.fonts.push(font.ok_or_else(|| {
                    format!("must be NAME=FAMILY with a name of {}", Typeface::ALL.map(Typeface::name).join(", "))
                })?);
                Ok(())
            },
        },
        default: "families of the same style",
        doc: "Font family of this machine for a font name of watermarks, as in fangzhengkaiti=LXGW WenKai",
    },
    Row {
        name: "limit-source-mb",
        kind: Kind::Number {
            unit: "MiB",
            least: 1,
            most: 4096,
            set: |config, value| config.limits.source_bytes = value * MB,
        },
        default: "20",
        doc: "Largest source that is processed; as in OSS unless set, like the limits below",
    },
    Row {
        name: "limit-source-side",
        kind: Kind::Number {
            unit: "pixels",
            least: 1,
            most: 65_535,
            set: |config, value| config.limits.source_side = value as u32,
        },
        default: "30000",
        doc: "Longest side of a source",
    },
    Row {
        name: "limit-source-megapixels",
        kind: Kind::Number {
            unit: "megapixels",
            least: 1,
            most: 2_000,
            set: |config, value| config.limits.source_pixels = value * MEGA,
        },
        default: "250",
        doc: "Most pixels of a source, all frames counted",
    },
    Row {
        name: "limit-result-side",
        kind: Kind::Number {
            unit: "pixels",
            least: 1,
            most: 65_535,
            set: |config, value| config.limits.result_side = value as u32,
        },
        default: "16384",
        doc: "Longest side of what resize makes",
    },
    Row {
        name: "limit-result-pixels",
        kind: Kind::Number {
            unit: "pixels",
            least: 1,
            most: 2_000 * MEGA,
            set: |config, value| config.limits.result_pixels = value,
        },
        default: "16777216",
        doc: "Most pixels of what resize makes",
    },
    Row {
        name: "limit-turn-side",
        kind: Kind::Number {
            unit: "pixels",
            least: 1,
            most: 16_384,
            set: |config, value| config.limits.turn_side = value as u32,
        },
        default: "4096",
        doc: "Longest side of a picture that is turned",
    },
    Row {
        name: "animated-webp",
        kind: Kind::Choice("off|on", |config, name| config.animated_webp = name == "on"),
        default: "off",
        doc: "Animated WebP is read and written; OSS refuses it unless asked for",
    },
    Row {
        name: "keep-frames",
        kind: Kind::Choice("off|on", |config, name| config.keep_frames = name == "on"),
        default: "off",
        doc: "Animations stay animated under quality and auto-orient; OSS makes a still of the first frame",
    },
    Row {
        name: "never-grow",
        kind: Kind::Choice("off|on", |config, name| config.never_grow = name == "on"),
        default: "off",
        doc: "Answers with the source where the result is only the source encoded again, and larger",
    },
    Row {
        name: "deadline-ms",
        kind: Kind::Number {
            unit: "milliseconds",
            least: 1,
            most: 3_600_000,
            set: |config, ms| config.deadline = Duration::from_millis(ms),
        },
        default: "30000",
        doc: "Longest time for a processed answer, waiting included; then 503",
    },
    Row {
        name: "patience-ms",
        kind: Kind::Number {
            unit: "milliseconds",
            least: 1,
            most: 3_600_000,
            set: |config, ms| config.patience = Duration::from_millis(ms),
        },
        default: "30000",
        doc: "Longest silence of a client that has still to send something; then it is let go",
    },
    Row {
        name: "memory-mb",
        kind: Kind::Number { unit: "MiB", least: 16, most: 16 * MB, set: |config, mb| config.memory_bytes = mb * MB },
        default: "4096",
        doc: "Most memory for the pixels of all pictures in work; more are answered 503",
    },
    Row {
        name: "gpu-memory-mb",
        kind: Kind::Number {
            unit: "MiB",
            least: 16,
            most: 16 * MB,
            set: |config, mb| config.gpu_memory_bytes = mb * MB,
        },
        default: "1024",
        doc: "Most GPU memory for all plans together",
    },
    Row {
        name: "upload-limit-mb",
        kind: Kind::Number {
            unit: "MiB",
            least: 1,
            most: 5 * 1024,
            set: |config, mb| config.upload_limit_bytes = mb * MB,
        },
        default: "5120",
        doc: "Largest body of an object, or of a part of one",
    },
    Row {
        name: "log",
        kind: Kind::Text {
            shape: "FILTER",
            set: |config, text| {
                tracing_subscriber::EnvFilter::try_new(text).map_err(|error| format!("is no filter: {error}"))?;
                config.log = text.to_owned();
                Ok(())
            },
        },
        default: "info",
        doc: "What is logged: error, warn, info, debug, trace, or a filter such as info,pixelpass=debug",
    },
];

/// The table for the README.
pub fn markdown() -> String {
    let head = "| flag | variable | value | default | what |\n| --- | --- | --- | --- | --- |\n";
    ROWS.iter().fold(head.to_owned(), |text, row| text + &row.markdown())
}

/// A domain's name in lower case.
fn domain(text: &str) -> Result<String, String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if text.is_empty() || !text.chars().all(legal) || text.starts_with('.') {
        return Err("must be a domain such as img.example.com".to_owned());
    }
    Ok(text.to_ascii_lowercase())
}

/// `count` is at least 1 by its row's range.
fn non_zero(count: u64) -> NonZeroUsize {
    usize::try_from(count).ok().and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN)
}

impl Row {
    /// The row with this name.
    pub fn named(name: &str) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.name == name)
    }

    /// The name of its environment variable.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_uppercase().replace('-', "_"))
    }

    /// What values it takes, as `--help` shows it.
    pub fn shape(&self) -> &'static str {
        match self.kind {
            Kind::Choice(shape, _) | Kind::Text { shape, .. } | Kind::Texts { shape, .. } => shape,
            Kind::Number { .. } => "N",
        }
    }

    /// Doc, range, default and variable in a line.
    pub fn help(&self) -> String {
        let range = match &self.kind {
            Kind::Number { unit, least, most, .. } => format!(", {least} to {most} {unit}"),
            Kind::Texts { .. } => ", may be repeated".to_owned(),
            _ => String::new(),
        };
        format!("{}{range} [default: {}] [env: {}]", self.doc, self.default, self.variable())
    }

    /// The row of the README's table.
    fn markdown(&self) -> String {
        let shape = self.shape().replace('|', " ");
        let (name, variable) = (self.name, self.variable());
        format!("| `--{name}` | `{variable}` | {shape} | {} | {} |\n", self.default, self.doc)
    }

    pub fn is_repeatable(&self) -> bool {
        matches!(self.kind, Kind::Texts { .. })
    }

    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Texts { secret: true, .. })
    }

    /// Puts `values` into `config`.
    ///
    /// # Errors
    /// In words, for the first value that is wrong.
    pub(super) fn apply(&self, config: &mut Config, values: &[String]) -> Result<(), String> {
        let wrong = |value: &str, what: String| match &self.kind {
            _ if self.is_secret() => format!("a value {what}"),
            _ => format!("'{value}' {what}"),
        };
        if let Kind::Texts { clear, .. } = self.kind {
            clear(config);
        }
        for value in values {
            match &self.kind {
                Kind::Choice(names, set) if names.split('|').any(|name| name == value) => set(config, value),
                Kind::Choice(names, _) => {
                    return Err(wrong(value, format!("must be one of {}", names.replace('|', ", "))));
                }
                Kind::Number { unit, least, most, set } => match value.parse() {
                    Ok(number) if (*least..=*most).contains(&number) => set(config, number),
                    _ => return Err(wrong(value, format!("must be a whole number of {unit}, {least} to {most}"))),
                },
                Kind::Text { set, .. } => set(config, value).map_err(|what| wrong(value, what))?,
                Kind::Texts { push, .. } => push(config, value).map_err(|what| wrong(value, what))?,
            }
        }
        Ok(())
    }
}
