//! The address of a server, as the user wrote it.

use crate::bucket::BucketError;

/// A URL of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAddress {
    /// `http` or `https`.
    pub scheme: String,
    /// Host, perhaps with a port.
    pub host: String,
    /// The path after it; empty or beginning with a slash, never ending with one.
    pub base: String,
}

impl ServiceAddress {
    /// Splits a URL into its parts.
    ///
    /// # Errors
    /// [`BucketError::Options`] if it is not a URL.
    pub fn parse(url: &str) -> Result<Self, BucketError> {
        // Does not quote the URL: it may contain a password.
        let wrong = || {
            BucketError::Options(
                "the endpoint is not a URL of the form https://HOST:PORT".to_owned(),
            )
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let (host, base) = rest.split_once('/').unwrap_or((rest, ""));
        let is_url = matches!(scheme, "http" | "https")
            && !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
            && !base.contains(['?', '#', ' ']);
        if !is_url {
            return Err(wrong());
        }
        let base = base.trim_end_matches('/');
        let base = if base.is_empty() { String::new() } else { format!("/{base}") };
        Ok(Self { scheme: scheme.to_owned(), host: host.to_owned(), base })
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }

    /// True with TLS.
    pub fn is_encrypted(&self) -> bool {
        self.scheme == "https"
    }
}
