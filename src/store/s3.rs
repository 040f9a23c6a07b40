//! Opens a store that speaks S3.

use super::cloud::{Cloud, S3};
use super::place::S3Place;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path as Location;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// Longest silence of the store.
const SILENCE: Duration = Duration::from_secs(30);

/// How often and for how long a request is repeated that the store could not answer.
const RETRIES: usize = 4;
const RETRY_TIME: Duration = Duration::from_secs(20);

/// The bucket at `place`; whether it is there shows with the first request.
///
/// # Errors
/// In words, for variables that make no sense.
pub(super) fn open(place: &S3Place) -> Result<Cloud, String> {
    // One TLS for the process; another room may have chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Long content takes its time; only silence is an error.
    let patience = ClientOptions::new().with_timeout_disabled().with_read_timeout(SILENCE);
    let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_TIME, ..RetryConfig::default() };
    let mut builder =
        AmazonS3Builder::new().with_bucket_name(&place.bucket).with_client_options(patience).with_retry(retry);
    for (name, value) in &place.variables {
        // Variables that are there for other programs mean nothing here.
        if let Ok(key) = AmazonS3ConfigKey::from_str(&name.to_ascii_lowercase()) {
            let plain = matches!(key, AmazonS3ConfigKey::Endpoint) && value.starts_with("http://");
            builder = builder.with_config(key, value);
            if plain {
                builder = builder.with_allow_http(true);
            }
        }
    }
    let store = Arc::new(builder.build().map_err(|error| error.to_string())?);
    let root = Location::parse(&place.prefix).map_err(|error| error.to_string())?;
    let prefixed: Arc<dyn ObjectStore> = match place.prefix.is_empty() {
        true => store.clone(),
        false => Arc::new(PrefixStore::new(store.clone(), root)),
    };
    Ok(Cloud { store: prefixed, s3: Some(S3 { pages: store, prefix: place.prefix.clone() }) })
}
