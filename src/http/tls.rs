//! TLS: a certificate that can be exchanged while connections come in.

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;

/// The certificate of this moment: a connection keeps the one it began with.
#[derive(Debug)]
pub struct Tls {
    current: RwLock<Arc<CertifiedKey>>,
}

impl Tls {
    /// Takes a chain of certificates, the server's own first, and its key, both as PEM text.
    ///
    /// # Errors
    /// In words, for texts without them and for a key of another certificate.
    pub fn new(chain: &str, key: &str) -> Result<Arc<Tls>, String> {
        Ok(Arc::new(Tls { current: RwLock::new(certified(chain, key)?) }))
    }

    /// Exchanges the certificate; a wrong one changes nothing.
    ///
    /// # Errors
    /// As [`Tls::new`].
    pub fn replace(&self, chain: &str, key: &str) -> Result<(), String> {
        let new = certified(chain, key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// What makes TLS of accepted connections.
    ///
    /// # Errors
    /// In words, where the library has no protocol in common with itself.
    pub(super) fn acceptor(self: &Arc<Tls>) -> Result<TlsAcceptor, String> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::clone(self) as Arc<_>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Tls {
    fn resolve(&self, _: ClientHello) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn certified(chain: &str, key: &str) -> Result<Arc<CertifiedKey>, String> {
    let certificates = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| format!("the certificate cannot be read: {error}"))?;
    if certificates.is_empty() {
        return Err("the certificate's file holds no certificate".to_owned());
    }
    let key =
        PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| format!("the key cannot be read: {error}"))?;
    let certified = CertifiedKey::from_der(certificates, key, &ring::default_provider());
    let certified = certified.map_err(|error| format!("key and certificate do not fit: {error}"))?;
    Ok(Arc::new(certified))
}
