//! `pixelpass serve`: settings, store, engines, crew, and then the street.

use super::{certificate, engines, fail, keys, print, usage};
use crate::codec;
use crate::config::Config;
use crate::http;
use crate::oss::crew::Crew;
use crate::oss::sign::{Key, Keys};
use crate::oss::{Rights, Rules, Service, callback, cors};
use crate::store::{Bucket, DEMO_BUCKET, Store};
use clap::ArgMatches;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Runs the command until the process is told to stop.
pub fn run(given: &ArgMatches) -> ExitCode {
    let mut config = match super::settings(given) {
        Ok(config) => config,
        Err(mistakes) => return usage(&mistakes.to_string()),
    };
    match serve(&mut config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => fail(&format!("error: {reason}\n")),
    }
}

fn serve(config: &mut Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| error.to_string())?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    codec::keep_freed();
    let store = Store::open(&config.store)?;
    let made = keys::of_embedded(config)?;
    let ring = Arc::new(Keys::new(keys::keys(config)?));
    let count = ring.current().len();
    if count == 0 && !config.listen.ip().is_loopback() {
        return Err(format!(
            "{} can be reached by other machines, and there is no access key: name one with --access-key or \
             --access-key-file, or listen on 127.0.0.1",
            config.listen
        ));
    }
    let tls = certificate::tls(config)?;
    let (processor, remark) = engines::start(config)?;
    let crew = Crew::new(config.workers, config.queue()).map_err(|error| format!("no worker threads: {error}"))?;
    let rules = Rules {
        anonymous: config.anonymous,
        domains: config.domains.clone(),
        region: config.region.clone(),
        required_region: config.required_region().map(str::to_owned),
        deadline: config.deadline,
        upload_limit_bytes: config.upload_limit_bytes,
        source_limit_bytes: processor.rules.limits.source_bytes,
        validators: config.validators,
        unsupported: config.unsupported_headers,
        cors: cors::Rules::of_origins(&config.cors_origins),
    };
    keys::watch(config, &ring).map_err(|error| format!("no thread for the access keys: {error}"))?;
    let callbacks = Arc::new(callback::Client::new(config.callback_hosts.clone()));
    let service = Service { store, studio: Arc::new(processor), crew, callbacks, rules, keys: ring };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("no async runtime: {error}"))?;
    runtime.block_on(async {
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener.map_err(|error| format!("cannot listen on {}: {error}", config.listen))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let demo = Bucket::new(DEMO_BUCKET).map_err(|error| error.to_string())?;
        let demo = service.store.bucket_exists(&demo).await.map_err(|error| error.to_string())?;
        print(&greeting(config, address, &remark, demo, count));
        if let Some(key) = &made {
            print(&first_steps(config, address, key));
        }
        let (patience, behind_proxy) = (config.patience, config.behind_proxy);
        let server_header = config.server_header.clone();
        let options = http::Options { demo, patience, behind_proxy, tls, server_header };
        http::serve(listener, service, options).await.map_err(|error| error.to_string())
    })
}

/// The URL under which a person on this machine reaches the server.
fn reached_at(config: &Config, address: SocketAddr) -> String {
    let mut shown = address;
    if address.ip().is_unspecified() {
        shown.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    format!("{}://{shown}", scheme(config))
}

fn scheme(config: &Config) -> &'static str {
    if config.tls_certificate.is_some() { "https" } else { "http" }
}

/// The pair of keys that was made, and what to do with it. Said once: the secret is not shown again.
fn first_steps(config: &Config, address: SocketAddr, key: &Key) -> String {
    let (url, Key { id, secret, .. }) = (reached_at(config, address), key);
    format!(
        "\nan access key was made, and is shown this once:\n    id      {id}\n    secret  {secret}\n\n\
         with oss2 (pip install oss2):\n    \
         import oss2\n    \
         bucket = oss2.Bucket(oss2.Auth('{id}', '{secret}'), '{url}', '{DEMO_BUCKET}')\n    \
         bucket.get_object_to_file('photo.jpg', 'small.webp', process='image/resize,w_300/format,webp')\n"
    )
}

/// What a person wants to know once the server listens.
fn greeting(config: &Config, address: SocketAddr, remark: &str, demo: bool, keys: usize) -> String {
    let url = reached_at(config, address);
    let mut text = format!("Pixelpass listens on {}://{address}/\n\n{config}\n", scheme(config));
    text.push_str(&format!("store: {}\n", config.store));
    text.push_str(&format!("engine: {} ({remark})\n", config.engine.name()));
    for lack in codec::lacks() {
        text.push_str(&format!("formats: {lack}\n"));
    }
    text.push_str(&format!(
        "rights: anonymous requests may {}; {}\n",
        match config.anonymous {
            Rights::None => "do nothing",
            Rights::Read => "read",
            Rights::Write => "read and write",
        },
        match keys {
            0 => "there is no access key, so signed requests are refused".to_owned(),
            1 => "requests signed by the one access key may read and write".to_owned(),
            _ => format!("requests signed by one of {keys} access keys may read and write"),
        }
    ));
    if let Some(path) = &config.access_key_file {
        text.push_str(&format!("access keys: {}\n", path.display()));
    }
    if !address.ip().is_loopback() && config.tls_certificate.is_none() && !config.behind_proxy {
        text.push_str("warning: the address can be reached by other machines, over plain HTTP\n");
    }
    match demo {
        true => text.push_str(&format!(
            "\ntry {url}/\n    {url}/{DEMO_BUCKET}/photo.jpg?x-oss-process=image/resize,w_300/blur,r_3,s_2\n"
        )),
        false => text.push_str(&format!("\ntry {url}/\n")),
    }
    text
}
