//! TLS with the meaning of libpq's `sslmode`.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio_postgres::config::SslMode;

use super::address::PostgresAddress;
use super::error::{ErrorKind, PostgresError};
use crate::trust::{self, TrustError};

/// What is required of the server.
pub(super) struct Tls {
    pub mode: SslMode,
    pub config: ClientConfig,
}

impl Tls {
    /// As the address specifies it.
    pub fn of(address: &PostgresAddress) -> Result<Self, PostgresError> {
        if address.parameter("sslcert").is_some() || address.parameter("sslkey").is_some() {
            let text = "client certificates (sslcert, sslkey) only work with `exec`: set exec = \
                        [\"env\"]";
            return Err(PostgresError::new(ErrorKind::Options, text));
        }
        let roots_file = address.parameter("sslrootcert");
        let (mode, trust) = match (address.parameter("sslmode"), roots_file) {
            (Some("disable"), _) => (SslMode::Disable, Trust::Any),
            (None | Some("allow" | "prefer"), _) => (SslMode::Prefer, Trust::Any),
            (Some("require"), None) => (SslMode::Require, Trust::Any),
            // With a file of authorities, libpq checks against them.
            (Some("require" | "verify-ca"), _) => (SslMode::Require, Trust::Authority),
            (Some("verify-full"), _) => (SslMode::Require, Trust::Name),
            (Some(other), _) => {
                let text = format!("{other:?} is not a valid sslmode");
                return Err(PostgresError::new(ErrorKind::Options, text));
            }
        };
        let provider = trust::provider();
        let verifier = verifier(trust, roots_file.filter(|file| *file != "system"), &provider)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(Self { mode, config })
    }
}

/// What a certificate must prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Nothing: only eavesdroppers are kept out.
    Any,
    /// That a known authority signed it.
    Authority,
    /// That, and the server's name.
    Name,
}

fn verifier(
    trust: Trust,
    roots_file: Option<&str>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, PostgresError> {
    if trust == Trust::Any {
        return Ok(Arc::new(Verifier::new(trust, None, Vec::new(), provider)));
    }
    let unusable = |error: TrustError| PostgresError::new(ErrorKind::Tls, error.to_string());
    let (roots, named) = match roots_file {
        None => (trust::system(&[]).map_err(unusable)?, Vec::new()),
        Some(file) => {
            let of_file = |error: &dyn std::error::Error| {
                let text = format!("cannot read certificate authorities from {file:?}: {error}");
                PostgresError::new(ErrorKind::Tls, text)
            };
            let pem = std::fs::read(file).map_err(|error| of_file(&error))?;
            let named = trust::of_pem(&pem).map_err(|error| of_file(&error))?;
            (trust::only(&named).map_err(|error| of_file(&error))?, named)
        }
    };
    let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| failed(&error))?;
    Ok(Arc::new(Verifier::new(trust, Some(chain), named, provider)))
}

fn failed(error: &dyn std::error::Error) -> PostgresError {
    PostgresError::new(ErrorKind::Tls, format!("cannot set up TLS: {error}"))
}

/// Checks what the mode requires, as libpq does.
#[derive(Debug)]
struct Verifier {
    trust: Trust,
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// Certificates in the file of authorities.
    named: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(
        trust: Trust,
        chain: Option<Arc<WebPkiServerVerifier>>,
        named: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Self {
        Self { trust, chain, named, provider: Arc::clone(provider) }
    }

    /// True if a certificate was rejected only for being its own authority, as `openssl req -x509`
    /// makes them, and is the very one that is trusted. Its validity period was checked before.
    fn is_own_authority(&self, certificate: &CertificateDer<'_>, error: &Error) -> bool {
        let Error::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
        format!("{other:?}").contains("CaUsedAsEndEntity")
            && self.named.iter().any(|named| named.as_ref() == certificate.as_ref())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The chain is checked before the name.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.trust != Trust::Name => Ok(ServerCertVerified::assertion()),
            Err(error) if self.is_own_authority(certificate, &error) => {
                if self.trust == Trust::Name {
                    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
