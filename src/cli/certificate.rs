//! The certificate of the settings, and the watch over its files.

use super::watch::{Watch, read};
use crate::config::Config;
use crate::http::Tls;
use std::sync::Arc;

/// TLS by the certificate that the settings name, if they do; its files are watched.
///
/// # Errors
/// In words, for files that cannot be read or do not fit.
pub(super) fn tls(config: &Config) -> Result<Option<Arc<Tls>>, String> {
    let (Some(certificate), Some(key)) = (&config.tls_certificate, &config.tls_key) else { return Ok(None) };
    let tls = Tls::new(&read(certificate)?, &read(key)?)?;
    let watched = Arc::clone(&tls);
    let take = move |texts: &[String]| match texts {
        [chain, key] => watched.replace(chain, key),
        _ => Ok(()),
    };
    let watch = Watch::new(vec![certificate.clone(), key.clone()], take);
    watch.start("certificate and key").map_err(|error| format!("no thread for the certificate: {error}"))?;
    Ok(Some(tls))
}
