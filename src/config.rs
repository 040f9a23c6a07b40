//! Every setting, one table row each; defaults ← file ← environment ← flags.
//!
//! The rows of [`ROWS`] are what `--help`, the README's table and the messages for wrong values
//! read. A [`Config`] is built once and checked whole: all mistakes are told together. This room
//! alone reads the environment.

mod rows;

pub use rows::{Kind, ROWS, Row, markdown};

use crate::engine::choice::Setting;
use crate::limits::Limits;
use crate::oss::address::Domains;
use crate::oss::callback::Host;
use crate::oss::{Rights, Unsupported, Validators};
use crate::plan::weights::Resample;
use crate::store::Place;
use crate::text::Typeface;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// What begins the name of every environment variable of ours.
const PREFIX: &str = "PIXELPASS_";

/// What begins the names that speak to the tests.
const TEST_PREFIX: &str = "PIXELPASS_TEST_";

/// What begins the names of the variables that say how an S3 store is reached.
const S3_PREFIX: &str = "AWS_";

const MB: u64 = 1024 * 1024;

/// All settings, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub listen: SocketAddr,
    pub store: Place,
    pub engine: Setting,
    pub workers: NonZeroUsize,
    /// `None` is 64 for each worker; [`Config::queue`] tells.
    queue: Option<NonZeroUsize>,
    pub anonymous: Rights,
    pub access_keys: Vec<AccessKey>,
    pub access_key_file: Option<PathBuf>,
    pub domains: Domains,
    pub region: String,
    pub insist_on_region: bool,
    pub validators: Validators,
    pub unsupported_headers: Unsupported,
    pub server_header: String,
    pub cors_origins: Vec<String>,
    pub callback_hosts: Vec<Host>,
    pub behind_proxy: bool,
    pub tls_certificate: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub resample: Resample,
    /// Families of this machine that show a typeface before those that are known for it.
    pub fonts: Vec<(Typeface, String)>,
    /// Those of OSS unless set; `plan_bytes` is held against `memory_bytes` by whoever uses both.
    pub limits: Limits,
    pub animated_webp: bool,
    pub keep_frames: bool,
    pub never_grow: bool,
    pub deadline: Duration,
    /// Longest silence of a client that has still to send something.
    pub patience: Duration,
    pub memory_bytes: u64,
    pub gpu_memory_bytes: u64,
    pub upload_limit_bytes: u64,
    pub log: String,
    /// The values as given, by row, for printing; secrets masked.
    given: Vec<(&'static str, Vec<String>)>,
}

/// An ID and its secret, which is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    pub id: String,
    pub secret: String,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:***", self.id)
    }
}

/// Where settings are read from, lowest first, before they are checked.
#[derive(Debug, Default)]
pub struct Sources {
    /// The file's name and its text.
    pub file: Option<(String, String)>,
    /// The environment, other programs' variables included.
    pub environment: Vec<(String, String)>,
    /// Row names and values of the flags that were given.
    pub flags: Vec<(&'static str, Vec<String>)>,
}

impl Sources {
    /// The sources of this process; `config` is the value of `--config`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_process(config: Option<String>, flags: Vec<(&'static str, Vec<String>)>) -> Result<Sources, Mistakes> {
        let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let environment: Vec<_> = std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))).collect();
        let variable = environment.iter().find(|(name, _)| *name == config_variable()).map(|(_, path)| path.clone());
        let file = match config.or(variable) {
            None => None,
            Some(path) => match std::fs::read_to_string(&path) {
                Ok(text) => Some((path, text)),
                Err(error) => return Err(Mistakes(vec![format!("cannot read the settings in {path}: {error}")])),
            },
        };
        Ok(Sources { file, environment, flags })
    }
}

/// The variable that names the file.
pub fn config_variable() -> String {
    format!("{PREFIX}CONFIG")
}

/// Everything that is wrong with the settings, a line each.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<String>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mistake in &self.0 {
            writeln!(f, "error: {mistake}")?;
        }
        Ok(())
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            store: Place::Embedded,
            engine: Setting::default(),
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            queue: None,
            anonymous: Rights::default(),
            access_keys: Vec::new(),
            access_key_file: None,
            domains: Domains { bases: vec!["localhost".to_owned()], custom: Vec::new() },
            region: "cn-hangzhou".to_owned(),
            insist_on_region: false,
            validators: Validators::default(),
            unsupported_headers: Unsupported::default(),
            server_header: "Pixelpass".to_owned(),
            cors_origins: Vec::new(),
            callback_hosts: Vec::new(),
            behind_proxy: false,
            tls_certificate: None,
            tls_key: None,
            resample: Resample::default(),
            fonts: Vec::new(),
            limits: Limits::OSS,
            animated_webp: false,
            keep_frames: false,
            never_grow: false,
            deadline: Duration::from_secs(30),
            patience: Duration::from_secs(30),
            memory_bytes: 4096 * MB,
            gpu_memory_bytes: 1024 * MB,
            upload_limit_bytes: 5120 * MB,
            log: "info".to_owned(),
            given: Vec::new(),
        }
    }
}

impl Config {
    /// Puts the sources together.
    ///
    /// # Errors
    /// All mistakes of all sources.
    pub fn assemble(sources: &Sources) -> Result<Config, Mistakes> {
        let mut config = Config::default();
        let mut mistakes = Vec::new();
        if let Some((name, text)) = &sources.file {
            let mut said = Vec::new();
            read_file(text, &mut config, &mut said);
            mistakes.extend(said.into_iter().map(|mistake| format!("{name}: {mistake}")));
        }
        for (variable, value) in &sources.environment {
            if !variable.starts_with(PREFIX) || variable.starts_with(TEST_PREFIX) || *variable == config_variable() {
                continue;
            }
            let Some(row) = ROWS.iter().find(|row| row.variable() == *variable) else {
                mistakes.push(format!("{variable}: no setting has this variable"));
                continue;
            };
            let values: Vec<String> = match row.is_repeatable() {
                true => {
                    value.split(',').map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
                }
                false => vec![value.clone()],
            };
            config.take(row, values, variable, &mut mistakes);
        }
        for (name, values) in &sources.flags {
            if let Some(row) = Row::named(name) {
                config.take(row, values.clone(), &format!("--{name}"), &mut mistakes);
            }
        }
        if let Place::S3(place) = &mut config.store {
            let of_the_vendor = |(name, value): &(String, String)| {
                (name.starts_with(S3_PREFIX) && !value.is_empty()).then(|| (name.clone(), value.clone()))
            };
            place.variables = sources.environment.iter().filter_map(of_the_vendor).collect();
        }
        if config.tls_certificate.is_some() != config.tls_key.is_some() {
            mistakes.push("tls-certificate and tls-key: one is of no use without the other".to_owned());
        }
        if mistakes.is_empty() { Ok(config) } else { Err(Mistakes(mistakes)) }
    }

    fn take(&mut self, row: &'static Row, values: Vec<String>, origin: &str, mistakes: &mut Vec<String>) {
        if let Err(what) = row.apply(self, &values) {
            mistakes.push(format!("{origin}: {what}"));
        }
        self.given.retain(|(name, _)| *name != row.name);
        let mask = |value: String| match value.split_once(':') {
            _ if !row.is_secret() => value,
            Some((id, _)) => format!("{id}:***"),
            None => "***".to_owned(),
        };
        self.given.push((row.name, values.into_iter().map(mask).collect()));
    }

    /// The region that signatures of version 4 must be for, if any.
    pub fn required_region(&self) -> Option<&str> {
        Some(self.region.as_str()).filter(|_| self.insist_on_region)
    }

    /// Requests that may wait for a worker.
    pub fn queue(&self) -> NonZeroUsize {
        let by_default = || self.workers.saturating_mul(const { NonZeroUsize::new(64).unwrap() });
        self.queue.unwrap_or_else(by_default)
    }
}

/// `name = value`, a line each, in table order; secrets masked.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in ROWS {
            let given = self.given.iter().find(|(name, _)| *name == row.name).map(|(_, values)| values);
            let value = match given {
                Some(values) => values.join(", "),
                None => format!("{} (default)", row.default),
            };
            writeln!(f, "{} = {value}", row.name)?;
        }
        Ok(())
    }
}

/// Applies a TOML file: top-level keys are row names; lists where a setting may be repeated.
fn read_file(text: &str, config: &mut Config, mistakes: &mut Vec<String>) {
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return mistakes.push(error.to_string().trim_end().to_owned()),
    };
    for (name, value) in &table {
        let Some(row) = Row::named(name) else {
            mistakes.push(format!("{name}: no setting has this name"));
            continue;
        };
        let values = match value {
            toml::Value::Array(values) if row.is_repeatable() => values.iter().map(scalar).collect(),
            value => scalar(value).map(|value| vec![value]),
        };
        match values {
            Some(values) => config.take(row, values, name, mistakes),
            None => mistakes.push(format!("{name}: must be {}", row.shape())),
        }
    }
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
