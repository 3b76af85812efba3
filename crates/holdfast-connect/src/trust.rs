//! Which certificates are trusted: one rule for databases, buckets and notices.
//!
//! The authorities are those of this system, as provided by its package of certificates or the
//! variables `SSL_CERT_FILE` and `SSL_CERT_DIR`, plus those that a caller adds or uses instead.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Why no certificate can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// There are none.
    #[error(
        "this machine has no trusted certificates: install ca-certificates, or provide a file of \
         certificates"
    )]
    Nothing,
    /// What a caller provided is not a certificate.
    #[error("a trusted certificate is not valid PEM: {0}")]
    NotPem(String),
    /// TLS itself cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// The cryptographic provider of all connections.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Certificates in PEM.
pub(crate) fn of_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    certificates.map_err(|error| TrustError::NotPem(error.to_string()))
}

/// The authorities of this system, plus others.
pub(crate) fn system(besides: &[CertificateDer<'static>]) -> Result<RootCertStore, TrustError> {
    let mut roots = RootCertStore::empty();
    // Some of a system's certificates may be unreadable; the others are used.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    add(roots, besides)
}

/// These authorities and no others.
pub(crate) fn only(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, TrustError> {
    add(RootCertStore::empty(), certificates)
}

fn add(
    mut roots: RootCertStore,
    certificates: &[CertificateDer<'static>],
) -> Result<RootCertStore, TrustError> {
    for certificate in certificates {
        let added = roots.add(certificate.clone());
        added.map_err(|error| TrustError::NotPem(error.to_string()))?;
    }
    if roots.is_empty() { Err(TrustError::Nothing) } else { Ok(roots) }
}

/// A client that trusts the authorities of this system, plus others (PEM).
///
/// # Errors
/// See [`TrustError`].
pub fn client_config(besides: &[u8]) -> Result<ClientConfig, TrustError> {
    config_of(system(&of_pem(besides)?)?)
}

/// A client that trusts these authorities.
pub(crate) fn config_of(roots: RootCertStore) -> Result<ClientConfig, TrustError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| TrustError::Tls(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(client_config(broken), Err(TrustError::NotPem(_))));
        let cut = b"-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert!(matches!(of_pem(cut), Err(TrustError::NotPem(_))));
        assert_eq!(only(&[]).map(drop), Err(TrustError::Nothing));
        assert_eq!(of_pem(b"no certificate at all"), Ok(Vec::new()));
    }
}
